import Yams

/// A place in the text, as people count: lines and columns from 1.
struct Position: Hashable, Sendable, Comparable {
    var line: Int
    var column: Int

    static let start = Position(line: 1, column: 1)

    static func < (lhs: Position, rhs: Position) -> Bool {
        (lhs.line, lhs.column) < (rhs.line, rhs.column)
    }
}

/// A parsed YAML text whose keys may repeat.
///
/// Yams refuses a mapping that repeats a key, and says so for the first such mapping only. To tell
/// every mistake at once, each refused key is made unique by one character of the private use area in
/// front of it, and the text is parsed again; ``name(of:)`` and ``position(of:)`` undo the character.
struct Document {
    /// Repeats that are worth listing. A text with more of them is not a blueprint.
    private static let repeatsMax = 100
    private static let marks = 0xE000...0xF8FF

    /// `nil`: the text is empty.
    private(set) var root: Node?
    /// Line → columns at which a character was put in, in the text with these characters.
    private var insertions: [Int: [Int]] = [:]

    init(_ yaml: String) throws(BlueprintError) {
        var text = yaml
        for _ in 0..<Self.repeatsMax {
            do {
                root = try Yams.compose(yaml: text, .basic)
                return
            } catch YamlError.duplicatedKeysInMapping(_, let context) {
                guard let next = marking(text, at: context.mark) else { break }
                text = next
            } catch {
                throw BlueprintError(mistakes: [mistake(error)])
            }
        }
        throw BlueprintError(mistakes: [
            BlueprintMistake(line: 1, column: 1, field: "", message: "keys repeat too often")
        ])
    }

    /// The text with one character before the key at `mark`, or `nil` when nothing stands there.
    private mutating func marking(_ text: String, at mark: Mark) -> String? {
        guard let scalar = Unicode.Scalar(UInt32(Self.marks.lowerBound + insertionCount))
        else { return nil }
        var scalars = text.unicodeScalars
        guard var index = Self.index(of: mark, in: scalars) else { return nil }
        var column = mark.column
        if scalars[index] == "\"" || scalars[index] == "'" {
            index = scalars.index(after: index)
            column += 1
        }
        scalars.insert(scalar, at: index)
        insertions[mark.line, default: []].append(column)
        return String(scalars)
    }

    private static func index(
        of mark: Mark, in scalars: String.UnicodeScalarView
    ) -> String.UnicodeScalarView.Index? {
        var line = 1
        var column = 1
        var index = scalars.startIndex
        while index < scalars.endIndex {
            if line == mark.line, column == mark.column { return index }
            let isBreak = isLineBreak(at: index, in: scalars)
            line += isBreak ? 1 : 0
            column = isBreak ? 1 : column + 1
            index = scalars.index(after: index)
        }
        return nil
    }

    /// What libYAML counts as the end of a line; of `\r\n` only the second character.
    private static func isLineBreak(
        at index: String.UnicodeScalarView.Index, in scalars: String.UnicodeScalarView
    ) -> Bool {
        switch scalars[index] {
        case "\n", "\u{85}", "\u{2028}", "\u{2029}":
            return true
        case "\r":
            let next = scalars.index(after: index)
            return next == scalars.endIndex || scalars[next] != "\n"
        default:
            return false
        }
    }

    private var insertionCount: Int {
        insertions.values.reduce(0) { $0 + $1.count }
    }

    /// The scalar as it was written, without the character that made it unique.
    ///
    /// Only characters that were put in are taken away: a model's name may begin with one of them.
    func name(of scalar: Node.Scalar) -> String {
        let marks = Self.marks.prefix(insertionCount)
        guard let first = scalar.string.unicodeScalars.first, marks.contains(Int(first.value))
        else { return scalar.string }
        return String(scalar.string.unicodeScalars.dropFirst())
    }

    /// Where the node stands in the text as it was given.
    func position(of node: Node) -> Position {
        guard let mark = node.mark else { return .start }
        return position(line: mark.line, column: mark.column)
    }

    private func position(line: Int, column: Int) -> Position {
        let shifted = (insertions[line] ?? []).filter { $0 < column }.count
        return Position(line: max(line, 1), column: max(column - shifted, 1))
    }
}

extension Document {
    private func mistake(_ error: any Error) -> BlueprintMistake {
        switch error {
        case YamlError.scanner(_, let problem, let mark, _),
            YamlError.parser(_, let problem, let mark, _),
            YamlError.composer(_, let problem, let mark, _):
            let position = position(line: mark.line, column: mark.column)
            return BlueprintMistake(
                line: position.line, column: position.column, field: "",
                message: "not YAML: \(problem)")
        case YamlError.reader(let problem, _, _, _):
            return BlueprintMistake(
                line: 1, column: 1, field: "", message: "not YAML: \(problem)")
        default:
            return BlueprintMistake(line: 1, column: 1, field: "", message: "not YAML")
        }
    }
}
