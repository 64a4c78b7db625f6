import Meterstone
import MeterstoneBlueprint
import MeterstoneCore

/// What everything is set to, with where each value came from: `settings.port` is the value of what
/// ``SettingTable`` declares as `port`.
///
/// Flags come before the environment, the environment before the file, the file before the default.
@dynamicMemberLookup
package struct Settings: Sendable {
    /// What was said, by name.
    private let said: [String: Setting<String>]
    /// What ``SettingTable/data`` and ``SettingTable/store`` say together.
    package let location: Setting<StoreLocation>
    package let overrides: [VariableOverride]
    /// What to say of variables that mean nothing and may belong to somebody else.
    package let warnings: [String]

    /// - Parameter flags: by flag, as `["--port": "8080"]`.
    package init(_ flags: [String: String], environment: [String: String]) throws {
        var sources = SettingSources(flags: flags, environment: environment)
        warnings = try UnknownVariables.warnings(sources.environment)
        let config = try sources.value(of: SettingTable.shared.config.facts)
        sources.file = try config.map { try ConfigurationFile($0.value) }
        var said: [String: Setting<String>] = [:]
        for facts in SettingTable.all { said[facts.name] = try sources.value(of: facts) }
        (location, self.said) = try Self.location(said)
        overrides = try VariableOverride.all(in: sources.environment)
    }

    package subscript<Value>(
        dynamicMember path: KeyPath<SettingTable, SettingKey<Value>>
    ) -> Setting<Value> {
        let key = SettingTable.shared[keyPath: path]
        guard let text = said[key.facts.name], let value = key.read(text.value) else {
            return Setting(key.standard)
        }
        return Setting(value, text.origin)
    }

    /// Where the store is, and what was said without what had no effect on that.
    private static func location(
        _ said: [String: Setting<String>]
    ) throws -> (Setting<StoreLocation>, [String: Setting<String>]) {
        let table = SettingTable.shared
        let data = said[table.data.facts.name]
        guard let store = said[table.store.facts.name],
            let location = table.store.read(store.value).flatMap({ $0 })
        else {
            return ((data ?? Setting(table.data.standard)).map { .directory($0) }, said)
        }
        var effective = said
        if let data, data.origin.precedes(store.origin) {
            effective[table.store.facts.name] = nil
            return (data.map { .directory($0) }, effective)
        }
        if let data, !store.origin.precedes(data.origin) {
            let message = "and \(data.origin) both say where the store is; leave one out"
            throw CommandFailure(.usage, "\(store.origin) \(message)")
        }
        effective[table.data.facts.name] = nil
        return (Setting(location, store.origin), effective)
    }
}

extension Settings {
    package typealias Line = (name: String, value: String, origin: SettingOrigin)

    /// Name, value and origin of every setting and override: for the log at start-up, and for whoever
    /// asks. Secrets are not in it.
    package var lines: [Line] {
        var lines: [Line] = []
        for facts in SettingTable.all {
            let text = said[facts.name]
            lines.append((facts.name, shown(facts, text?.value), text?.origin ?? .standard))
        }
        for override in overrides {
            lines.append((override.variable, override.text, .variable(override.variable)))
        }
        return lines
    }

    private func shown(_ facts: SettingFacts, _ text: String?) -> String {
        switch (facts.name, text) {
        case (SettingTable.shared.store.facts.name, _?): location.value.description
        case (SettingTable.shared.data.facts.name, nil) where self.store.value != nil: "none"
        case (_, _?) where facts.isSecret: "set"
        case (_, let text?): facts.withUnit(text)
        case (_, nil):
            facts.kind == .wholeNumber && Int(facts.standard) != nil
                ? facts.withUnit(facts.standard) : facts.standard
        }
    }
}

extension SettingFacts {
    fileprivate func withUnit(_ text: String) -> String {
        unit.map { "\(text) \($0)" } ?? text
    }
}

/// Variables that look like ours and mean nothing: misspelt, most likely.
enum UnknownVariables {
    /// Throws a failure that names every one of ours; those that other programs may have too are only
    /// to be warned of. `USAGE_LIMIT_…` depends on the store and is looked at when it is open.
    static func warnings(_ environment: [String: String]) throws -> [String] {
        let known = Set(SettingTable.all.flatMap(\.variables))
        let unknown = environment.keys.sorted().filter { name in
            ["METERSTONE_", "USAGE_", "CREDITS_"].contains { name.hasPrefix($0) }
                && !known.contains(name)
                && !VariableOverride.Kind.allCases.contains { name.hasPrefix($0.rawValue) }
        }
        let messages = unknown.map {
            "\($0) means nothing\(Spelling.suggestion(for: $0, among: known))"
        }
        let mistakes = messages.filter { $0.hasPrefix("METERSTONE_") }
        guard mistakes.isEmpty else {
            throw CommandFailure(.usage, mistakes.joined(separator: "\n"))
        }
        return messages
    }
}
