/// What a limit allows from an instant on that is still to come when it is written.
public struct ScheduledAllowances: Hashable, Sendable {
    public var effectiveAt: Instant
    /// Plan → allowance. Plans that are not listed keep what they have.
    public var allowances: [PlanKey: Allowance]
    /// For plans that the limit does not list; `nil`: as before.
    public var defaultAllowance: Allowance?
    /// Of a limit per value: pattern → allowances. Patterns that are not listed keep what they have.
    public var values: [String: ValueAllowance]

    public init(
        effectiveAt: Instant, allowances: [PlanKey: Allowance] = [:],
        defaultAllowance: Allowance? = nil, values: [String: ValueAllowance] = [:]
    ) {
        self.effectiveAt = effectiveAt
        self.allowances = allowances
        self.defaultAllowance = defaultAllowance
        self.values = values
    }

    func names(_ plan: PlanKey) -> Bool {
        allowances[plan] != nil || values.values.contains { $0.allowances[plan] != nil }
    }

    var isEmpty: Bool { allowances.isEmpty && defaultAllowance == nil && values.isEmpty }

    /// How many a limit, or a plan, may have.
    public static let countMax = 24
}

extension ScheduledAllowances: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case effectiveAt, allowances, defaultAllowance, values
    }

    /// The names of its members on the wire.
    package static let fields = CodingKeys.allCases.map(\.rawValue)

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let allowances = try container.decodeIfPresent(
            [String: Allowance].self, forKey: .allowances)
        self.init(
            effectiveAt: try container.decode(Instant.self, forKey: .effectiveAt),
            allowances: try PlanKey.keyed(allowances ?? [:], container, .allowances),
            defaultAllowance: try container.decodeIfPresent(
                Allowance.self, forKey: .defaultAllowance),
            values: try container.decodeIfPresent(
                [String: ValueAllowance].self, forKey: .values) ?? [:])
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(effectiveAt, forKey: .effectiveAt)
        if !allowances.isEmpty { try container.encode(allowances.keyedByText, forKey: .allowances) }
        try container.encodeIfPresent(defaultAllowance, forKey: .defaultAllowance)
        if !values.isEmpty { try container.encode(values, forKey: .values) }
    }
}

extension Limit {
    /// What it is once time has come to an instant: what was scheduled until then is what it allows.
    package func settled(at now: Instant) -> Limit {
        guard scheduled.contains(where: { $0.effectiveAt <= now }) else { return self }
        var result = self
        while let next = result.scheduled.first, next.effectiveAt <= now { result.take(next) }
        return result
    }

    private mutating func take(_ next: ScheduledAllowances) {
        allowances.merge(next.allowances) { $1 }
        defaultAllowance = next.defaultAllowance ?? defaultAllowance
        perValue?.allowances.merge(next.values) { $1 }
        scheduled.removeFirst()
    }

    /// What it allows one after the other, until what is scheduled last; and what it allows then.
    package var versions: (earlier: [EarlierAllowances], last: Limit) {
        var earlier: [EarlierAllowances] = []
        var limit = self
        while let next = limit.scheduled.first {
            earlier.append(EarlierAllowances(until: next.effectiveAt, limit: limit))
            limit.take(next)
        }
        return (earlier, limit)
    }

    /// What is wrong with what is scheduled, if something is.
    package var scheduleMistake: Rejection? {
        if let mistake = scheduled.map(\.effectiveAt).scheduleMistake { return mistake }
        if let index = scheduled.firstIndex(where: \.isEmpty) {
            return Rejection(
                code: .missingField, field: "scheduled[\(index)].allowances",
                message: "expected what some plan is allowed, defaultAllowance or values")
        }
        for (index, next) in scheduled.enumerated() where !next.values.isEmpty {
            guard let mistake = mistake(inValues: next) else { continue }
            return Rejection(
                code: .invalidField, field: "scheduled[\(index)].values",
                message: "expected \(mistake)")
        }
        return nil
    }

    /// What was expected of allowances of values that are scheduled; `nil`: they are right.
    package func mistake(inValues next: ScheduledAllowances) -> String? {
        guard var perValue else { return "none: the limit is no limit per value" }
        perValue.allowances.merge(next.values) { $1 }
        return perValue.mistake(in: window).flatMap {
            $0.field == "values" ? $0.expectation : nil
        }
    }
}

/// What a plan costs from an instant on that is still to come when it is written.
public struct ScheduledPrice: Hashable, Sendable, Codable {
    public var effectiveAt: Instant
    public var price: Money

    public init(effectiveAt: Instant, price: Money) {
        self.effectiveAt = effectiveAt
        self.price = price
    }

    /// The names of its members on the wire.
    package static let fields = ["effectiveAt", "price"]
}

extension Plan {
    /// What it is once time has come to an instant.
    package func settled(at now: Instant) -> Plan {
        guard let last = scheduled.last(where: { $0.effectiveAt <= now }) else { return self }
        var result = self
        result.price = last.price
        result.scheduled.removeAll { $0.effectiveAt <= now }
        return result
    }

    /// What is wrong with what is scheduled, if something is.
    package var scheduleMistake: Rejection? {
        if let mistake = scheduled.map(\.effectiveAt).scheduleMistake { return mistake }
        guard
            let index = scheduled.firstIndex(where: {
                !Self.priceRange.contains($0.price.millionths)
            })
        else { return nil }
        return Rejection(
            code: .invalidField, field: "scheduled[\(index)].price",
            message: "expected millionths from 0 to \(Self.priceRange.upperBound)")
    }
}

extension [Instant] {
    fileprivate var scheduleMistake: Rejection? {
        guard count <= ScheduledAllowances.countMax else {
            return Rejection(
                code: .invalidField, field: "scheduled",
                message: "expected at most \(ScheduledAllowances.countMax)")
        }
        guard Set(self).count == count else {
            return Rejection(
                code: .invalidField, field: "scheduled",
                message: "expected one for each instant")
        }
        return nil
    }
}

extension Blueprint {
    /// What it says once time has come to an instant.
    package func settled(at now: Instant) -> Blueprint {
        guard hasScheduled else { return self }
        var result = self
        result.limits = limits.map { $0.settled(at: now) }
        result.plans = plans.map { $0.settled(at: now) }
        return result
    }

    /// The same with one limit or plan, which a change is about to replace, as it is once time has come to an
    /// instant. What others scheduled is kept, for it is their past by then.
    package func settled(for change: Change, at now: Instant) -> Blueprint {
        var result = self
        switch change {
        case .putLimit(let limit):
            guard let place = limits.firstIndex(where: { $0.key == limit.key }) else { break }
            result.limits[place] = limits[place].settled(at: now)
        case .putPlan(let plan):
            guard let place = plans.firstIndex(where: { $0.key == plan.key }) else { break }
            result.plans[place] = plans[place].settled(at: now)
        default: break
        }
        return result
    }

    private var hasScheduled: Bool {
        limits.contains { !$0.scheduled.isEmpty } || plans.contains { !$0.scheduled.isEmpty }
    }
}

extension Change {
    /// The same change of a limit or a plan, of which what is scheduled for now or before is what it says.
    package func settled(at now: Instant) -> Change {
        switch self {
        case .putLimit(let limit): .putLimit(limit.settled(at: now))
        case .putPlan(let plan): .putPlan(plan.settled(at: now))
        default: self
        }
    }
}
