package import MeterstoneCore

/// A number of credits that a variable puts before the store's own: what a plan gives every day,
/// from `CREDITS_DAILY_REFILL_<PLAN>`, or what one unit costs, from `CREDITS_COST_<METER>`.
package struct CreditOverride: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case dailyRefill = "CREDITS_DAILY_REFILL_"
        case cost = "CREDITS_COST_"
    }

    package let kind: Kind
    /// `CREDITS_COST_PROMPT`.
    package let variable: String
    package let credits: Int64

    /// `PROMPT`, which is how the rules look an override up.
    package var name: String {
        String(variable.dropFirst(kind.rawValue.count))
    }

    /// All overrides of an environment, sorted by name.
    ///
    /// - Returns: an override for each variable with one of the prefixes.
    /// - Throws: a failure that names every variable whose value is none.
    package static func all(in environment: [String: String]) throws -> [CreditOverride] {
        var overrides: [CreditOverride] = []
        var mistakes: [String] = []
        for (variable, value) in environment.sorted(by: { $0.key < $1.key }) {
            guard let kind = Kind.allCases.first(where: { variable.hasPrefix($0.rawValue) }),
                !value.isEmpty
            else { continue }
            if let number = Int64(value), CreditPolicy.priceRange.contains(number) {
                overrides.append(
                    CreditOverride(kind: kind, variable: variable, credits: number))
            } else {
                let range = CreditPolicy.priceRange
                let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
                mistakes.append("\(variable): '\(value)': expected \(expected)")
            }
        }
        guard mistakes.isEmpty else {
            throw CommandFailure(.usage, mistakes.joined(separator: "\n"))
        }
        return overrides
    }

    /// Those of `overrides` that are for nothing in the blueprint: misspelt, most likely.
    ///
    /// A refill is for a plan, and a cost for a meter that sums or counts, or for a type of event
    /// that moves one.
    package static func withoutEffect(
        _ overrides: [CreditOverride], _ blueprint: Blueprint
    ) -> [CreditOverride] {
        let plans = Set(blueprint.plans.map(\.key.text.asVariableName))
        let priceable = Set(blueprint.meters.filter(\.canRoll).map(\.key))
        return overrides.filter { override in
            switch override.kind {
            case .dailyRefill:
                !plans.contains(override.name)
            case .cost:
                priceable.isDisjoint(
                    with: CreditOverrides.meters(named: override.name, in: blueprint))
            }
        }
    }

    /// What to say of an override that has no effect.
    package var warning: String {
        switch kind {
        case .dailyRefill: "\(variable) is for no plan of the store"
        case .cost:
            "\(variable) is for no meter of the store that sums or counts, nor for its types"
        }
    }
}

extension CreditOverrides {
    /// What the environment says, as the rules take it.
    init(isEnabled: Bool?, _ overrides: [CreditOverride]) {
        self.init(isEnabled: isEnabled)
        for override in overrides {
            switch override.kind {
            case .dailyRefill: dailyRefills[override.name] = override.credits
            case .cost: costs[override.name] = override.credits
            }
        }
    }
}
