import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore
import MeterstonePages
import MeterstoneStore
import NIOCore

/// The audit log: who changed what, when, from where, from what to what.
struct ChangeRoutes: Sendable {
    let engine: MeterstoneEngine

    /// Lines that are read at once where all are asked for.
    private static let linesAtOnce = 1_000
    /// Lines of one file for Excel, which is made in memory as a whole.
    static let workbookLinesMax = 10_000

    func add(to routes: inout Routes) {
        routes.on(.get, "/v1/changes") { request, _ in
            let query = try Query(request)
            let filter = try query.changeFilter()
            let format = try query.analyticsFormat(accept: request.headers[.accept])
            let before = try query.cursor(.changes).map { (cursor) throws(Rejection) in
                try cursor.sequence()
            }
            let count = query.text("count") == nil ? nil : try query.count()
            switch format {
            case .text(.json): return try await list(query, filter, before)
            case .text(let format):
                return try await export(filter, before, count: count, as: format)
            case .workbook: return try await workbook(filter, before, count: count, request)
            }
        }
    }

    private func list(
        _ query: Query, _ filter: ChangeFilter, _ before: Int64?
    ) async throws -> Response {
        let count = try query.count()
        let changes = try await engine.changes(filter, before: before, count: count + 1)
        let page = changes.prefix(count)
        let next = changes.count > count ? page.last : nil
        return Response(
            Page(
                Array(page),
                next: next.map { Cursor(kind: .changes, position: String($0.sequence)) }),
            Shapes.changes)
    }

    /// All of the log, or so many lines of it, as it is read: nobody holds the whole.
    private func export(
        _ filter: ChangeFilter, _ before: Int64?, count: Int?, as format: ReportFormat
    ) async throws -> Response {
        var headers: HTTPFields = [.contentType: format.contentType]
        headers[.contentDisposition] = #"attachment; filename="changes.\#(format.rawValue)""#
        // Errors of the first page are told as problems.
        let most = min(count ?? Self.linesAtOnce, Self.linesAtOnce)
        let first = try await engine.changes(filter, before: before, count: most)
        let engine = engine
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { writer in
                var left = count ?? .max
                var page = first
                if format == .csv {
                    try await writer.write(ByteBuffer(bytes: ChangeLines.head))
                }
                while !page.isEmpty {
                    let lines = ChangeLines.bytes(of: page.prefix(left), as: format)
                    try await writer.write(ByteBuffer(bytes: lines))
                    left -= min(left, page.count)
                    guard left > 0, page.count == most, let last = page.last else { break }
                    page = try await engine.changes(filter, before: last.sequence, count: most)
                }
                try await writer.finish(nil)
            })
    }

    /// The newest lines as a file for Excel; where there are more, the header field `Link` says where they are.
    private func workbook(
        _ filter: ChangeFilter, _ before: Int64?, count: Int?, _ request: Request
    ) async throws -> Response {
        let most = count ?? Self.workbookLinesMax
        var changes = try await engine.changes(filter, before: before, count: most + 1)
        let hasMore = changes.count > most
        changes = Array(changes.prefix(most))
        var headers: HTTPFields = [.contentType: AnalyticsFormat.workbook.contentType]
        headers[.contentDisposition] = #"attachment; filename="changes.xlsx""#
        if hasMore, let last = changes.last {
            headers[.link] = request.link(
                toNext: Cursor(kind: .changes, position: String(last.sequence)))
        }
        let body = ByteBuffer(bytes: ChangeLines.workbook(of: changes))
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: body))
    }

    static let parameters: [OpenAPIParameter] = [
        query(
            "kind", "Only changes of this kind of thing.",
            #"{"enum":[\#(ChangeEntry.kinds.map { "\"\($0)\"" }.joined(separator: ","))]}"#),
        query("key", "Only changes of this thing, of whatever kind."),
        query("subject", "Only changes of this subject and what it has."),
        query("author", "Only changes whose author's name contains this."),
        query("address", "Only changes that were asked for from this address."),
        .from, .until,
        query(
            "format", "Instead of the header field Accept.",
            #"{"enum":["json","csv","ndjson","xlsx"]}"#),
    ]

    private static func query(
        _ name: String, _ description: String, _ schema: String = #"{"$ref":"Name"}"#
    ) -> OpenAPIParameter {
        OpenAPIParameter(place: .query, name: name, description: description, schema: schema)
    }
}

/// Changes as lines.
enum ChangeLines {
    private static let columns = [
        "sequence", "recordedAt", "author", "address", "kind", "key", "before", "after",
    ]

    static var head: [UInt8] {
        var writer = CSVWriter()
        writer.line(columns.map { .text($0) })
        return writer.bytes
    }

    private static func values(of change: ChangeEntry) -> [ReportValue] {
        func text(_ text: String?) -> ReportValue { text.map { .text($0) } ?? .none }
        return [
            .integer(change.sequence), .instant(change.recordedAt), .text(change.author),
            text(change.address), .text(change.kind), .text(change.key), text(change.before),
            text(change.after),
        ]
    }

    /// As a file for Excel: numbers as numbers, and instants as times.
    static func workbook(of changes: [ChangeEntry]) -> [UInt8] {
        Workbook.bytes(
            sheet: "changes", head: columns, changes.map { values(of: $0).map(\.cell) })
    }

    static func bytes(of changes: some Sequence<ChangeEntry>, as format: ReportFormat) -> [UInt8] {
        if format == .csv {
            var writer = CSVWriter()
            for change in changes { writer.line(values(of: change)) }
            return writer.bytes
        }
        var bytes: [UInt8] = []
        for change in changes {
            var writer = JSONWriter()
            writer.object(change, Shapes.change)
            bytes += writer.bytes
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }
}

extension Query {
    fileprivate func changeFilter() throws(Rejection) -> ChangeFilter {
        let (from, until) = try span()
        let kinds = ChangeEntry.kinds
        return ChangeFilter(
            kind: try optional("kind", "one of \(kinds.joined(separator: ", "))") { text in
                kinds.contains(text) ? text : nil
            }, key: try name("key"),
            subject: try name("subject").flatMap { SubjectID($0) }, author: try name("author"),
            address: try name("address"), from: from, until: until)
    }
}
