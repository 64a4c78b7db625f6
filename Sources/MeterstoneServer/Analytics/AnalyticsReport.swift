import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore
import NIOCore

/// A report as a route and as an operation: what it takes, what it asks, and its rows.
struct AnalyticsReport: Sendable {
    let name: ReportName
    let summary: String
    /// Its own, and then those that all reports take.
    let parameters: [OpenAPIParameter]
    private let topic: @Sendable (Query) throws -> ReportTopic

    init(
        _ name: ReportName, _ summary: String, _ parameters: [OpenAPIParameter] = [],
        _ topic: @escaping @Sendable (Query) throws -> ReportTopic
    ) {
        self.name = name
        self.summary = summary
        self.parameters = parameters + OpenAPIParameter.ofReports
        self.topic = topic
    }

    func answer(_ engine: MeterstoneEngine, _ request: Request) async throws -> Response {
        let query = try Query(request)
        let format = try query.analyticsFormat(accept: request.headers[.accept])
        let question = try query.reportQuestion(name, countDefault: format.countDefault)
        switch try await engine.report(try topic(query), question) {
        case .table(let report): return request.response(report, as: format)
        case .rejected(let rejection): throw rejection
        }
    }

    var path: String { "/" + name.path.joined(separator: "/") }
}

extension String {
    /// Without what would end the reference early.
    fileprivate var asReference: String {
        replacing("<", with: "%3C").replacing(">", with: "%3E")
    }
}

extension Request {
    fileprivate func response(
        _ report: ReportTable, as format: AnalyticsFormat
    ) -> Response {
        var headers: HTTPFields = [.contentType: format.contentType]
        headers[.contentDisposition] = format.fileExtension.map {
            #"attachment; filename="\#(report.name.rawValue).\#($0)""#
        }
        headers[.link] = Cursor(after: report).map { link(toNext: $0) }
        let body = ByteBuffer(bytes: format.document(report))
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: body))
    }

    /// The value of `Link` where more comes after what is answered.
    func link(toNext cursor: Cursor) -> String { #"<\#(page(at: cursor))>; rel="next""# }

    /// The same query with another cursor, as an absolute reference (RFC 8288).
    private func page(at cursor: Cursor) -> String {
        let pairs = (uri.query ?? "").split(separator: "&").filter { pair in
            percentDecoded(pair.prefix { $0 != "=" }) != "cursor"
        }
        let query = (pairs + ["cursor=\(cursor.text)"]).joined(separator: "&")
        return (origin ?? "") + uri.path.asReference + "?" + query.asReference
    }

    /// Scheme and host that the request was sent to; `nil` where it does not name a host.
    private var origin: String? {
        guard let authority = head.authority, !authority.isEmpty,
            authority.utf8.allSatisfy({ byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "-._~:[]%".utf8.contains(byte)
                }
            })
        else { return nil }
        return "\(head.scheme ?? "http")://\(authority)"
    }
}
