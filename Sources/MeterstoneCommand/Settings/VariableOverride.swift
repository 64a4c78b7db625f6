import MeterstoneBlueprint
package import MeterstoneCore

/// A number that a variable puts before the store's own, for what the rest of its name says:
/// `USAGE_LIMIT_PROMPTS_DAILY_FREE` for the limit `prompts_daily` on the plan `free`.
package struct VariableOverride: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case allowance = "USAGE_LIMIT_"
        case dailyRefill = "CREDITS_DAILY_REFILL_"
        case cost = "CREDITS_COST_"

        /// The whole name, as the reference writes it.
        package var form: String {
            switch self {
            case .allowance: rawValue + "<LIMIT>_<PLAN>"
            case .dailyRefill: rawValue + "<PLAN>"
            case .cost: rawValue + "<METER>"
            }
        }

        package var standard: String {
            switch self {
            case .allowance: "the limit's own allowance"
            case .dailyRefill: "the plan's own daily grant"
            case .cost: "the meter's own price"
            }
        }

        package var expectation: String {
            let prices = CreditPolicy.priceRange
            return switch self {
            case .allowance: "a whole number from 0, or -1 for unlimited"
            case .dailyRefill, .cost:
                "a whole number from \(prices.lowerBound) to \(prices.upperBound)"
            }
        }

        package var sentence: String {
            switch self {
            case .allowance: "What a plan allows, before the limit's own allowance."
            case .dailyRefill: "Credits that a plan gives every day; 0 gives none."
            case .cost: "Credits for one unit of a meter, or of a type of event; 0 costs nothing."
            }
        }

        fileprivate func read(_ text: String) -> Int64? {
            guard let number = Int64(text) else { return nil }
            return switch self {
            case .allowance: Allowance(wire: number) == nil ? nil : number
            case .dailyRefill, .cost: CreditPolicy.priceRange.contains(number) ? number : nil
            }
        }

        /// The ends of names that mean something with a blueprint.
        fileprivate func names(in blueprint: Blueprint) -> Set<String> {
            switch self {
            case .allowance:
                Set(
                    blueprint.limits.flatMap { limit in
                        Set(blueprint.plans.map(\.key)).union(limit.allowances.keys).map {
                            "\(limit.key.text.asVariableName)_\($0.text.asVariableName)"
                        }
                    })
            case .dailyRefill: Set(blueprint.plans.map(\.key.text.asVariableName))
            case .cost:
                // Only what sums or counts can have a price.
                Set(
                    blueprint.meters.filter(\.canRoll).flatMap { meter in
                        meter.names.map(\.text.asVariableName)
                            + meter.eventTypes.map(\.asVariableName)
                    })
            }
        }
    }

    package let kind: Kind
    /// `CREDITS_COST_PROMPT`.
    package let variable: String
    package let number: Int64

    /// `PROMPT`, which is how the rules look an override up.
    package var name: String { String(variable.dropFirst(kind.rawValue.count)) }

    package var text: String {
        switch kind {
        case .allowance: number == -1 ? "unlimited" : String(number)
        case .dailyRefill, .cost: "\(number) credits"
        }
    }

    /// All overrides of an environment, sorted by name.
    ///
    /// - Throws: a failure that names every variable whose value is none.
    package static func all(in environment: [String: String]) throws -> [VariableOverride] {
        var overrides: [VariableOverride] = []
        var mistakes: [String] = []
        for (variable, value) in environment.sorted(by: { $0.key < $1.key }) {
            guard let kind = Kind.allCases.first(where: { variable.hasPrefix($0.rawValue) }),
                !value.isEmpty
            else { continue }
            if let number = kind.read(value) {
                overrides.append(VariableOverride(kind: kind, variable: variable, number: number))
            } else {
                mistakes.append("\(variable): '\(value)': expected \(kind.expectation)")
            }
        }
        guard mistakes.isEmpty else {
            throw CommandFailure(.usage, mistakes.joined(separator: "\n"))
        }
        return overrides
    }

    /// What to say of an override that has no effect with a blueprint; `nil`: it has one.
    package func mistake(with blueprint: Blueprint) -> String? {
        let known = kind.names(in: blueprint)
        guard !known.contains(name) else { return nil }
        let suggestion = Spelling.suggestion(
            for: variable, among: known.map { kind.rawValue + $0 }.sorted())
        return switch kind {
        case .allowance: "\(variable) is for no limit and plan of the store\(suggestion)"
        case .dailyRefill: "\(variable) is for no plan of the store\(suggestion)"
        case .cost:
            "\(variable) is for no meter of the store that sums or counts, nor for its types"
                + suggestion
        }
    }
}
