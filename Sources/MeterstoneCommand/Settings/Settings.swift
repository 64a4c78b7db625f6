import Meterstone
import MeterstoneBlueprint
import MeterstoneCore
import MeterstoneMirror

/// What everything is set to, with where each value came from: `settings.port` is the value of what
/// ``SettingTable`` declares as `port`.
///
/// Flags come before the environment, the environment before the file, the file before the default.
@dynamicMemberLookup
package struct Settings: Sendable {
    /// What was said, by name.
    private let said: [String: Setting<String>]
    /// What ``SettingTable/data``, ``SettingTable/store`` and ``SettingTable/server`` say together.
    package let location: Setting<StoreLocation>
    package let overrides: [VariableOverride]
    /// What to say of variables that mean nothing and may belong to somebody else.
    package let warnings: [String]

    /// - Parameters:
    ///   - flags: by flag, as `["--port": "8080"]`.
    ///   - asksServer: whether a server may be in the place of the store.
    package init(
        _ flags: [String: String], environment: [String: String], asksServer: Bool = false
    ) throws {
        var sources = SettingSources(flags: flags, environment: environment)
        warnings = try UnknownVariables.warnings(sources.environment)
        let config = try sources.value(of: SettingTable.shared.config.facts)
        sources.file = try config.map { try ConfigurationFile($0.value) }
        var said: [String: Setting<String>] = [:]
        for facts in SettingTable.all { said[facts.name] = try sources.value(of: facts) }
        (location, self.said) = try Self.location(said, asksServer: asksServer)
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

    /// Where the store is, and what was said without what had no effect on that: of those that say it, the
    /// first to be asked counts.
    private static func location(
        _ said: [String: Setting<String>], asksServer: Bool
    ) throws -> (Setting<StoreLocation>, [String: Setting<String>]) {
        let table = SettingTable.shared
        var places: [(name: String, location: Setting<StoreLocation>)] = []
        if asksServer, let server = said[table.server.facts.name] {
            places.append((table.server.facts.name, server.map { .server($0) }))
        }
        if let store = said[table.store.facts.name],
            let location = table.store.read(store.value).flatMap({ $0 })
        {
            places.append((table.store.facts.name, Setting(location, store.origin)))
        }
        if let data = said[table.data.facts.name] {
            places.append((table.data.facts.name, data.map { .directory($0) }))
        }
        var effective = said
        guard var first = places.first else {
            return (Setting(table.data.standard).map { .directory($0) }, said)
        }
        for other in places.dropFirst() {
            if other.location.origin.precedes(first.location.origin) {
                effective[first.name] = nil
                first = other
            } else if first.location.origin.precedes(other.location.origin) {
                effective[other.name] = nil
            } else {
                let message =
                    "and \(other.location.origin) both say where the store is; leave one out"
                throw CommandFailure(.usage, "\(first.location.origin) \(message)")
            }
        }
        return (first.location, effective)
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
        case (SettingTable.shared.mirror.facts.name, _?): self.mirror.value?.description ?? "none"
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
