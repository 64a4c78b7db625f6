import MeterstoneCore

/// Rows in columns, for people.
package struct TextTable: Sendable {
    package enum Alignment: Sendable {
        case left, right
    }

    private let titles: [String]
    private let alignments: [Alignment]
    private var rows: [[String]] = []

    /// Titles of right-aligned columns end with `>`, which is not shown: `["subject", "used>"]`.
    package init(_ titles: [String]) {
        self.titles = titles.map { $0.hasSuffix(">") ? String($0.dropLast()) : $0 }
        alignments = titles.map { $0.hasSuffix(">") ? .right : .left }
    }

    /// Adds a row. What control characters a cell has are made visible.
    package mutating func add(_ cells: [String]) {
        rows.append(cells.map(\.printable))
    }

    package var isEmpty: Bool { rows.isEmpty }

    /// The titles, a rule and the rows, without spaces at line ends.
    package var text: String {
        let widths = titles.indices.map { column in
            ([titles] + rows).map { $0[column].count }.max() ?? 0
        }
        let rule = widths.map { String(repeating: "-", count: $0) }
        return ([titles, rule] + rows).map { line($0, widths) }.joined(separator: "\n")
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var line = ""
        for (column, cell) in cells.enumerated() {
            let padding = String(repeating: " ", count: widths[column] - cell.count)
            if column > 0 { line += "  " }
            line += alignments[column] == .right ? padding + cell : cell + padding
        }
        while line.last == " " { line.removeLast() }
        return line
    }
}
