package import MeterstoneCore

/// An allowance that a variable `USAGE_LIMIT_<LIMIT>_<PLAN>` puts before the limit's own.
package struct AllowanceOverride: Hashable, Sendable {
    package static let prefix = "USAGE_LIMIT_"

    /// `USAGE_LIMIT_PROMPTS_DAILY_FREE`.
    package let variable: String
    package let allowance: Allowance

    /// `PROMPTS_DAILY_FREE`, which is how the rules look an override up.
    package var name: String {
        String(variable.dropFirst(Self.prefix.count))
    }

    /// All overrides of an environment, sorted by name.
    ///
    /// - Returns: an override for each variable with the prefix.
    /// - Throws: a failure that names every variable whose value is none.
    package static func all(in environment: [String: String]) throws -> [AllowanceOverride] {
        var overrides: [AllowanceOverride] = []
        var mistakes: [String] = []
        for (variable, value) in environment.sorted(by: { $0.key < $1.key }) {
            guard variable.hasPrefix(prefix), !value.isEmpty else { continue }
            if let number = Int64(value), let allowance = Allowance(wire: number) {
                overrides.append(AllowanceOverride(variable: variable, allowance: allowance))
            } else {
                let expected = "expected a whole number from 0, or -1 for unlimited"
                mistakes.append("\(variable): '\(value)': \(expected)")
            }
        }
        guard mistakes.isEmpty else {
            throw CommandFailure(.usage, mistakes.joined(separator: "\n"))
        }
        return overrides
    }

    /// Those of `overrides` that are for no limit and plan of the blueprint: misspelt, most likely.
    package static func withoutLimit(
        _ overrides: [AllowanceOverride], _ blueprint: Blueprint
    ) -> [AllowanceOverride] {
        var names: Set<String> = []
        for limit in blueprint.limits {
            for plan in Set(blueprint.plans.map(\.key)).union(limit.allowances.keys) {
                names.insert("\(limit.key.text.asVariableName)_\(plan.text.asVariableName)")
            }
        }
        return overrides.filter { !names.contains($0.name) }
    }
}
