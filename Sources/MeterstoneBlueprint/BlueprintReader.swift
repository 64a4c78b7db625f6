import MeterstoneCore
import Yams

/// Walks a document and collects what it means and what is wrong with it.
///
/// Reading goes on after a mistake: a value that cannot be used is replaced by its default, which
/// never gets out, since a document with any mistake gives no blueprint.
struct BlueprintReader {
    let document: Document
    private(set) var mistakes: [BlueprintMistake] = []

    init(_ document: Document) {
        self.document = document
    }

    mutating func report(_ position: Position, _ field: String, _ message: String) {
        mistakes.append(
            BlueprintMistake(
                line: position.line, column: position.column, field: field, message: message))
    }

    mutating func report(_ value: Value, _ message: String) {
        report(value.position, value.field, message)
    }
}

extension BlueprintReader {
    /// The entries of a mapping in the order of the text, each key once.
    mutating func entries(_ value: Value) -> [Entry] {
        guard case .mapping(let mapping) = value.node else {
            if !value.isNull { report(value, "expected a mapping, found \(value.kind)") }
            return []
        }
        var firsts: [String: Position] = [:]
        return mapping.compactMap { pair in
            guard let entry = entry(pair.key, pair.value, below: value.field) else { return nil }
            if let first = firsts[entry.key] {
                let message = "'\(entry.key)' is here twice; the first is on line \(first.line)"
                report(entry.keyPosition, entry.value.field, message)
                return nil
            }
            firsts[entry.key] = entry.keyPosition
            return entry
        }
    }

    private mutating func entry(_ key: Node, _ value: Node, below field: String) -> Entry? {
        let position = document.position(of: key)
        guard case .scalar(let scalar) = key else {
            report(position, field, "expected a text as key")
            return nil
        }
        let name = document.name(of: scalar)
        let path = field.isEmpty ? name : "\(field).\(name)"
        let child = Value(node: value, field: path, position: document.position(of: value))
        return Entry(key: name, keyPosition: position, value: child)
    }

    mutating func fields(_ value: Value, at position: Position? = nil) -> Fields {
        Fields(entries(value), field: value.field, position: position ?? value.position)
    }

    mutating func finish(_ fields: Fields) {
        for mistake in fields.unknown { report(mistake.position, mistake.field, mistake.message) }
    }

    /// - Parameter kind: what the fields are of; `nil`: what the section holds.
    mutating func missing(_ name: String, in fields: Fields, of kind: String? = nil) {
        let message = "missing; every \(kind ?? fields.kind) has one"
        report(fields.position, "\(fields.field).\(name)", message)
    }
}

extension Fields {
    /// "limit" for the fields of `limits.prompts_daily`.
    fileprivate var kind: String {
        String(field.prefix { $0 != "." }.dropLast())
    }
}

extension Value {
    /// Nothing was written, or `~` or `null`.
    var isNull: Bool {
        guard case .scalar(let scalar) = node, scalar.style == .plain else { return false }
        return ["", "~", "null"].contains(scalar.string)
    }

    /// What the value is, for messages.
    var kind: String {
        switch node {
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .scalar(let scalar): isNull ? "nothing" : "'\(scalar.string)'"
        case .alias: "an alias"
        }
    }
}
