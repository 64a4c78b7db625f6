import MeterstoneBlueprint

/// A variable that looks like one of ours and means nothing: misspelt, most likely.
///
/// A warning and no error, since an environment is shared: another program may have a variable with
/// such a name.
package struct UnknownVariable: Hashable, Sendable {
    package let name: String

    /// What to say of it.
    package var warning: String {
        "\(name) means nothing\(Spelling.suggestion(for: name, among: Self.known))"
    }

    private static let prefixes = ["METERSTONE_", "USAGE_", "CREDITS_"]

    /// Variables with one name; those that end with a key are looked at by their overrides.
    private static let known: Set<String> = {
        let settings = ConfigurationFile.names.map { SettingSources.variable($0) }
        return Set(settings).union(["METERSTONE_ADMIN_KEY", "METERSTONE_CONFIG"])
    }()

    private static let keyed =
        [AllowanceOverride.prefix] + CreditOverride.Kind.allCases.map(\.rawValue)

    /// Those of an environment, sorted by name. One that is set to nothing counts as not set.
    static func all(in environment: [String: String]) -> [UnknownVariable] {
        environment.filter { name, value in
            !value.isEmpty && prefixes.contains { name.hasPrefix($0) } && !known.contains(name)
                && !keyed.contains { name.hasPrefix($0) && name != $0 }
        }
        .keys.sorted().map { UnknownVariable(name: $0) }
    }
}
