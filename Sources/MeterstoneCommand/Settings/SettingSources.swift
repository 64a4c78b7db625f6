import Foundation
import MeterstoneBlueprint
import MeterstoneCore

/// Flags, environment and file, in the order in which they are asked.
struct SettingSources {
    /// By flag, as `["--port": "8080"]`.
    let flags: [String: String]
    /// A variable that is set to nothing is what container tools make of one that is not set.
    let environment: [String: String]
    var file: ConfigurationFile?

    init(flags: [String: String], environment: [String: String]) {
        self.flags = flags
        self.environment = environment.filter { !$0.value.isEmpty }
    }

    /// What the first source says that says anything; `nil`: none does.
    ///
    /// A value that cannot be used is an error, and never a reason to go on to the next source:
    /// somebody meant it.
    func value(of facts: SettingFacts) throws -> Setting<String>? {
        if let text = flags[facts.flag] { return try checked(text, .flag(facts.flag), facts) }
        if let found = try variable(facts) {
            return try checked(found.value, found.origin, facts)
        }
        guard facts.places.contains(.file), let file, let value = file.values[facts.name] else {
            return nil
        }
        guard let text = value.text(facts.kind) else {
            throw mistake(.file(file.path), facts, "expected \(facts.expectation)")
        }
        return try checked(text, .file(file.path), facts)
    }

    private func variable(_ facts: SettingFacts) throws -> Setting<String>? {
        let own = environment[facts.variable].map { Setting($0, .variable(facts.variable)) }
        guard let name = facts.fileVariable, let path = environment[name] else {
            return own
                ?? facts.otherVariables.lazy.compactMap { name in
                    environment[name].map { Setting($0, .variable(name)) }
                }.first
        }
        guard own == nil else {
            throw CommandFailure(
                .usage, "\(facts.variable) and \(name) both say the same; leave one out")
        }
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(.usage, "\(name): cannot read '\(path)'")
        }
        // Most editors and `echo` end a file with a line break, which nobody means.
        let text = String(decoding: bytes.withoutByteOrderMark, as: UTF8.self)
            .trimmingCharacters(in: .newlines)
        guard !text.isEmpty else { throw CommandFailure(.usage, "\(name): '\(path)' is empty") }
        return Setting(text, .variable(name))
    }

    private func checked(
        _ text: String, _ origin: SettingOrigin, _ facts: SettingFacts
    ) throws -> Setting<String> {
        guard facts.isUsable(text) else {
            let shown = facts.isSecret ? "" : "'\(text)': "
            throw mistake(origin, facts, "\(shown)expected \(facts.expectation)")
        }
        return Setting(text, origin)
    }

    private func mistake(
        _ origin: SettingOrigin, _ facts: SettingFacts, _ message: String
    ) -> CommandFailure {
        if case .file(let path) = origin {
            return CommandFailure(.usage, "\(path): \(facts.name): \(message)")
        }
        return CommandFailure(.usage, "\(origin): \(message)")
    }
}

/// The JSON file with settings, by their names in it.
struct ConfigurationFile {
    let path: String
    private(set) var values: [String: JSONValue] = [:]

    /// Throws a failure that names every setting that does not exist: one that is misspelt would
    /// otherwise have no effect, and nobody would know.
    init(_ path: String) throws {
        self.path = path
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(.usage, "--config: cannot read '\(path)'")
        }
        let root: JSONValue?
        do {
            root = try JSONDecoder().decode(JSONValue.self, from: bytes.withoutByteOrderMark)
        } catch DecodingError.typeMismatch(_, let context) where !context.codingPath.isEmpty {
            throw wrongKind(context.codingPath.map(\.stringValue).joined(separator: "."))
        } catch {
            root = nil
        }
        guard case .object(let members) = root else {
            throw CommandFailure(.usage, "--config: '\(path)' is not a JSON object")
        }
        try add(members)
        let names = SettingTable.all.filter { $0.places.contains(.file) }.map(\.name)
        let mistakes = values.keys.filter { !names.contains($0) }.sorted().map { name in
            "\(path): \(name): unknown\(Spelling.suggestion(for: name, among: names))"
        }
        guard mistakes.isEmpty else {
            throw CommandFailure(.usage, mistakes.joined(separator: "\n"))
        }
    }

    private mutating func add(
        _ members: [String: JSONValue], below prefix: String = ""
    ) throws {
        for (name, value) in members {
            switch value {
            case .object(let inner): try add(inner, below: "\(prefix)\(name).")
            case .number: throw wrongKind(prefix + name)
            case .null: break
            default: values[prefix + name] = value
            }
        }
    }

    private func wrongKind(_ name: String) -> CommandFailure {
        CommandFailure(.usage, "\(path): \(name): expected a text, a whole number, true or false")
    }
}

extension JSONValue {
    /// As it would be written in the environment; `nil`: it is of another kind.
    fileprivate func text(_ kind: SettingFacts.Kind) -> String? {
        switch (self, kind) {
        case (.text(let text), .text): text
        case (.integer(let number), .wholeNumber): String(number)
        case (.boolean(let flag), .flag): String(flag)
        default: nil
        }
    }
}

extension Data {
    /// The text without the mark that some editors put before it.
    var withoutByteOrderMark: Data {
        starts(with: [0xEF, 0xBB, 0xBF]) ? Data(dropFirst(3)) : self
    }
}
