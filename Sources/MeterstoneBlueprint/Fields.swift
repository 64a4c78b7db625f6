import MeterstoneCore
import Yams

/// A value of the document with its name and its place.
struct Value {
    let node: Node
    /// Path of the field: `limits.prompts_daily.window`.
    let field: String
    let position: Position
}

/// A mapping's entry: its key as it was written, where the key stands, and the value.
struct Entry {
    let key: String
    let keyPosition: Position
    let value: Value
}

/// The fields of one mapping. Each is taken once, so that what is left over is unknown.
struct Fields {
    let field: String
    /// Where to point when a field is missing: at the key that the mapping belongs to.
    let position: Position
    private var entries: [Entry]
    private var known: [String] = []

    init(_ entries: [Entry], field: String, position: Position) {
        self.entries = entries
        self.field = field
        self.position = position
    }

    mutating func take(_ name: String) -> Value? {
        known.append(name)
        guard let index = entries.firstIndex(where: { $0.key == name }) else { return nil }
        return entries.remove(at: index).value
    }

    /// One mistake for each field that nobody took.
    var unknown: [(position: Position, field: String, message: String)] {
        entries.map { entry in
            let suggestion = Spelling.suggestion(for: entry.key, among: known)
            let expected = known.sorted().joined(separator: ", ")
            let message = "unknown field '\(entry.key)'"
            return (
                entry.keyPosition, entry.value.field,
                suggestion.isEmpty
                    ? "\(message); expected one of \(expected)" : message + suggestion
            )
        }
    }
}
