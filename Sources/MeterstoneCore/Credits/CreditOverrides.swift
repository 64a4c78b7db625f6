/// What the environment says of credits. It comes before what the blueprint says.
///
/// Names are upper case, with `_` for everything that is not a letter or a digit.
public struct CreditOverrides: Hashable, Sendable {
    /// `CREDITS_ENABLED`.
    public var isEnabled: Bool?
    /// Daily refills by plan, from `CREDITS_DAILY_REFILL_<PLAN>`; 0: none.
    public var dailyRefills: [String: Int64]
    /// Credits per unit from `CREDITS_COST_<METER>`: by meter, or by a type of event that moves one.
    public var costs: [String: Int64]

    public init(
        isEnabled: Bool? = nil, dailyRefills: [String: Int64] = [:], costs: [String: Int64] = [:]
    ) {
        self.isEnabled = isEnabled
        self.dailyRefills = dailyRefills
        self.costs = costs
    }

    /// Meters whose price one of ``costs`` sets: by key, or because its type moves them. Only sums
    /// and counts can have one.
    public static func meters(named name: String, in blueprint: Blueprint) -> [MeterKey] {
        let priced = blueprint.meters.filter(\.canRoll)
        if let meter = priced.first(where: { $0.key.text.asVariableName == name }) {
            return [meter.key]
        }
        return
            priced
            .filter { meter in
                (meter.aliases.map(\.text) + meter.eventTypes).contains {
                    $0.asVariableName == name
                }
            }.map(\.key)
    }

    /// The policy that applies. Without one in the blueprint there is none unless the environment
    /// switches credits on.
    package func policy(of blueprint: Blueprint) -> CreditPolicy {
        var policy = blueprint.credits ?? CreditPolicy(isEnabled: false)
        if let isEnabled { policy.isEnabled = isEnabled }
        for (name, cost) in costs {
            for meter in Self.meters(named: name, in: blueprint) { policy.prices[meter] = cost }
        }
        return policy
    }

    /// A plan with the refills that apply.
    package func plan(_ plan: Plan, isEnabled: Bool) -> Plan {
        var result = plan
        guard isEnabled else {
            result.recurringGrants = []
            return result
        }
        guard let amount = dailyRefills[plan.key.text.asVariableName] else { return result }
        let known = result.recurringGrants.firstIndex { $0.window == .day }
        switch (known, amount) {
        case (let index?, 0): result.recurringGrants.remove(at: index)
        case (let index?, _):
            let rolloverMax = result.recurringGrants[index].rolloverMax
            result.recurringGrants[index].amount = amount
            result.recurringGrants[index].rolloverMax = rolloverMax.map { max($0, amount) }
        case (nil, 0): break
        case (nil, _):
            result.recurringGrants.append(RecurringGrant(window: .day, amount: amount))
        }
        return result
    }
}
