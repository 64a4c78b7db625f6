package import MeterstoneCore

/// The forms that a report is written in.
package enum ReportFormat: String, CaseIterable, Sendable {
    /// One object, with the span and the cursor of the next page.
    case json
    /// A line with the names of the columns, and one for each row.
    case csv
    /// An object for each row, on a line of its own.
    case ndjson

    package static let expectation = "json, csv or ndjson"

    package var contentType: String {
        switch self {
        case .json: "application/json"
        case .csv: "text/csv; charset=utf-8; header=present"
        case .ndjson: "application/x-ndjson"
        }
    }

    /// Rows of one page where nobody says how many: only JSON tells in its body that there are more.
    package var countDefault: Int {
        self == .json ? ReportBounds.countDefault : ReportBounds.count.upperBound
    }

    /// What the header field `Accept` likes best, the first of equals; JSON when it likes none.
    package init(accept header: String) {
        self = .json
        var best = 0.0
        for range in header.split(separator: ",") {
            let range = String(range)
            guard let format = Self.formats[MediaTypeName(range).text] else { continue }
            let quality = Self.quality(of: range)
            guard quality > best else { continue }
            (self, best) = (format, quality)
        }
    }

    private static let formats: [String: ReportFormat] = [
        "application/json": .json, "application/*": .json, "*/*": .json, "text/csv": .csv,
        "text/*": .csv, "application/x-ndjson": .ndjson, "application/jsonl": .ndjson,
    ]

    private static func quality(of range: String) -> Double {
        for parameter in range.split(separator: ";").dropFirst() {
            let text = parameter.filter { $0 != " " }
            if text.hasPrefix("q=") { return Double(text.dropFirst(2)) ?? 0 }
        }
        return 1
    }

    /// One page as text; JSON has no line end.
    ///
    /// - Parameter isFirst: whether this is the first page of a document, which starts with the
    ///   names of the columns.
    package func document(_ report: ReportTable, isFirst: Bool = true) -> [UInt8] {
        switch self {
        case .json:
            var writer = JSONWriter(capacity: 256 + report.rows.count * 128)
            writer.report(report)
            return writer.bytes
        case .csv:
            var writer = CSVWriter()
            if isFirst { writer.line(report.columns.map { .text($0.name) }) }
            for row in report.rows { writer.line(row) }
            return writer.bytes
        case .ndjson:
            var bytes: [UInt8] = []
            for row in report.rows {
                var writer = JSONWriter()
                writer.row(row, report)
                bytes += writer.bytes
                bytes.append(UInt8(ascii: "\n"))
            }
            return bytes
        }
    }
}
