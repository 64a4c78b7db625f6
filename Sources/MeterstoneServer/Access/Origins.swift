import HTTPTypes
import Hummingbird

/// Pages of which places may ask the server (the CORS protocol of the Fetch standard).
///
/// What is not listed gets no header, so that browsers keep the answer from the page.
struct Origins: Sendable {
    private let allowed: Set<String>

    init(_ allowed: [String]) { self.allowed = Set(allowed.map { $0.lowercased() }) }

    /// Adds to an answer that the page which asked may see it.
    func admit(_ head: HTTPRequest, to headers: inout HTTPFields) {
        guard !allowed.isEmpty else { return }
        headers.append(HTTPField(name: .vary, value: "Origin"))
        guard let origin = head.headerFields[.origin], allowed.contains(origin.lowercased()) else {
            return
        }
        headers[.accessControlAllowOrigin] = origin
        headers[.accessControlExposeHeaders] =
            "ETag, Idempotency-Replayed, Link, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
    }

    /// The answer to a browser that asks before it sends; `nil`: it is none of the listed places.
    func preflight(_ head: HTTPRequest, _ methods: [String]) -> Response? {
        guard head.method == .options, let origin = head.headerFields[.origin],
            head.headerFields[.accessControlRequestMethod] != nil,
            allowed.contains(origin.lowercased()), !methods.isEmpty
        else { return nil }
        return Response(
            status: .noContent,
            headers: [
                .accessControlAllowMethods: methods.joined(separator: ", "),
                .accessControlAllowHeaders:
                    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-Id",
                .accessControlMaxAge: "600",
            ])
    }
}
