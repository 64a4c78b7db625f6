import MeterstoneCore

/// One thing that is wrong in a blueprint, and where.
package struct BlueprintMistake: Hashable, Sendable, CustomStringConvertible {
    /// Counted from 1.
    package let line: Int
    /// In characters, counted from 1.
    package let column: Int
    /// Path of the field: `limits.prompts_daily.window`. Empty for the document as a whole.
    package let field: String
    /// What was found, and what was expected instead.
    package let message: String

    package init(line: Int, column: Int, field: String, message: String) {
        self.line = line
        self.column = column
        self.field = field
        self.message = message
    }

    /// One line, with what control characters the file has made visible.
    package var description: String {
        let place = field.isEmpty ? "" : "\(field): "
        return "\(line):\(column): " + "\(place)\(message)".printable
    }
}

/// Everything that is wrong in a blueprint, from its first line to its last.
///
/// All mistakes are told at once: somebody who mends them one by one reads the file once for each.
package struct BlueprintError: Error, Hashable, Sendable, CustomStringConvertible {
    package let mistakes: [BlueprintMistake]

    package init(mistakes: [BlueprintMistake]) {
        self.mistakes = mistakes
    }

    package var description: String {
        mistakes.map(\.description).joined(separator: "\n")
    }
}
