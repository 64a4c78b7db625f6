package import MeterstoneCore

/// Writes CSV as RFC 4180 has it: lines end with CR LF, and fields are quoted where they have to be, also
/// at `;`, which spreadsheets of many countries take for the end of a field.
///
/// A text that a spreadsheet would take for a formula gets an apostrophe in front. No value is an empty
/// field, and an empty text is `""`, as imports read them.
package struct CSVWriter: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func line(_ values: [ReportValue]) {
        for (column, value) in values.enumerated() {
            if column > 0 { bytes.append(UInt8(ascii: ",")) }
            if value.isEmptyText {
                bytes += "\"\"".utf8
            } else {
                append(value.isFormula ? "'" + value.plainText : value.plainText)
            }
        }
        bytes += "\r\n".utf8
    }

    private mutating func append(_ field: String) {
        guard field.utf8.contains(where: { #"",;\#r\#n"#.utf8.contains($0) }) else {
            bytes += field.utf8
            return
        }
        bytes.append(UInt8(ascii: "\""))
        for byte in field.utf8 {
            if byte == UInt8(ascii: "\"") { bytes.append(byte) }
            bytes.append(byte)
        }
        bytes.append(UInt8(ascii: "\""))
    }
}

extension ReportValue {
    /// As it stands in a field or a cell: nothing for no value, and `;` between the items of a list.
    package var plainText: String {
        switch self {
        case .text(let text): text
        case .integer(let number): String(number)
        case .ratio(let ratio): ratio.decimal
        case .instant(let instant): instant.rfc3339
        case .date(let date): date.description
        case .flag(let flag): flag ? "true" : "false"
        case .list(let texts): texts.joined(separator: ";")
        case .none: ""
        }
    }

    fileprivate var isEmptyText: Bool {
        if case .text(let text) = self { text.isEmpty } else { false }
    }

    fileprivate var isFormula: Bool {
        switch self {
        case .text, .list: plainText.utf8.first.map { "=+-@\t\r".utf8.contains($0) } ?? false
        case .integer, .ratio, .instant, .date, .flag, .none: false
        }
    }
}
