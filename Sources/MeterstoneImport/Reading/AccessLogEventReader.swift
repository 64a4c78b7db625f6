import MeterstoneCore

/// Reads the lines of a web server's access log.
package struct AccessLogEventReader: EventReader {
    private var lines = LineSplitter()
    private var record = Record()
    private var mapper: RowMapper
    private var number = 0
    private static let status = AccessLogLine.columns.firstIndex(of: "status") ?? 0

    /// - Parameter scope: what ids that are made for rows begin from.
    package init(_ mapping: ColumnMapping, scope: String = "") throws(ImportError) {
        mapper = try RowMapper(mapping, columns: Columns(AccessLogLine.columns), scope: scope)
    }

    package mutating func push(_ bytes: [UInt8]) {
        lines.push(bytes)
    }

    package mutating func finish() {
        lines.finish()
    }

    package mutating func next() throws(ImportError) -> EventRow? {
        guard let line = try lines.next() else { return nil }
        defer { number += 1 }
        do throws(RowProblem) {
            if let expected = AccessLogLine.read(line, into: &record) {
                throw RowProblem(line: lines.line, reason: expected)
            }
            record.line = lines.line
            // What the server could not answer is a failed operation; what it refused is an answer.
            let isFailed = record[Self.status].first == UInt8(ascii: "5")
            let event = try mapper.event(
                record, number: number, status: isFailed ? .failed : .success)
            return EventRow(line: lines.line, content: .success(event))
        } catch {
            return EventRow(line: lines.line, content: .failure(error))
        }
    }
}
