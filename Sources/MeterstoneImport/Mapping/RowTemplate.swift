/// A text made from a row: the value of a column, or text with columns and the row's number in it.
///
/// `subject` is a column. `user-{row%1000}` is text with the row's number, counted from 0 without the
/// header, modulo 1000; `{region}/{account}` joins two columns. `{{` stands for a brace.
package struct RowTemplate: Hashable, Sendable {
    package enum Part: Hashable, Sendable {
        case text(String)
        case column(String)
        /// The row's number; with a divisor, the remainder.
        case row(modulo: Int?)
    }

    package let parts: [Part]

    package static let expectation =
        "a column's name, or a text with {COLUMN}, {row} or {row%NUMBER} in it"

    package init(column: String) {
        self.init(parts: [.column(column)])
    }

    private init(parts: [Part]) {
        self.parts = parts
    }

    /// `nil` when the text is not what ``expectation`` says.
    package init?(_ text: String) {
        guard !text.isEmpty else { return nil }
        guard text.contains("{") else {
            self.init(column: text)
            return
        }
        var parts: [Part] = []
        var literal = ""
        var rest = text[...]
        while let first = rest.popFirst() {
            guard first == "{" else {
                literal.append(first)
                continue
            }
            if rest.first == "{" {
                literal.append(rest.removeFirst())
                continue
            }
            guard let close = rest.firstIndex(of: "}"), let part = Self.part(rest[..<close]) else {
                return nil
            }
            if !literal.isEmpty { parts.append(.text(literal)) }
            literal = ""
            parts.append(part)
            rest = rest[rest.index(after: close)...]
        }
        if !literal.isEmpty { parts.append(.text(literal)) }
        self.init(parts: parts)
    }

    /// As it is written on the command line.
    package var text: String {
        if case .column(let name) = parts.first, parts.count == 1, !name.contains("{") {
            return name
        }
        return parts.map { part in
            switch part {
            case .text(let text): text.replacing("{", with: "{{")
            case .column(let name): "{\(name)}"
            case .row(nil): "{row}"
            case .row(let divisor?): "{row%\(divisor)}"
            }
        }
        .joined()
    }

    private static func part(_ name: Substring) -> Part? {
        if name == "row" { return .row(modulo: nil) }
        guard name.hasPrefix("row%") else { return name.isEmpty ? nil : .column(String(name)) }
        guard let divisor = Int(name.dropFirst(4)), divisor > 0 else { return nil }
        return .row(modulo: divisor)
    }
}
