import HTTPTypes
import Hummingbird
import MeterstoneAPI
import MeterstoneCore
import MeterstonePages
import NIOCore

/// The pages, and the files that they and other people's pages need.
///
/// A page is in the description of the interface no more than a picture is: it shows what the described
/// operations answer, asked in the caller's own name.
struct PageRoutes: Sendable {
    let pages: Pages
    let guardian: Guardian
    let clock: @Sendable () -> Instant

    /// Nothing of another place, and no script or style within a page.
    static let policy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'",
        "connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
    ].joined(separator: "; ")

    func add(to routes: inout Routes) {
        let inside = routes.inside
        for path in Pages.paths {
            routes.page(path) { request, context in
                try await answer(request, context, inside)
            }
        }
        for file in PageFile.all {
            routes.page(file.path) { request, _ in Self.answer(file) }
        }
    }

    private func answer(
        _ request: Request, _ context: ServerContext, _ inside: InsideRoutes
    ) async throws -> Response {
        let source = InsideSource(
            head: request.head, context: context, routes: inside, now: clock(),
            mayChange: await mayChange(request.head, context))
        let answer = await pages.answer(
            PageRequest(
                path: request.uri.path, query: Self.query(request),
                address: Self.address(request.head)), source)
        var headers: HTTPFields = [
            .contentType: answer.type, .cacheControl: "no-store",
            .contentSecurityPolicy: Self.policy,
            .referrerPolicy: "same-origin",
        ]
        if let location = answer.location { headers[.location] = location }
        if let name = answer.fileName {
            headers[.contentDisposition] = "attachment; filename=\"\(name)\""
        }
        return Response(
            status: HTTPResponse.Status(code: answer.status), headers: headers,
            body: ResponseBody(
                byteBuffer: answer.bytes.map { ByteBuffer(bytes: $0) }
                    ?? ByteBuffer(string: answer.body)))
    }

    private static func address(_ head: HTTPRequest) -> String {
        let authority = head.authority ?? "localhost"
        // Behind a proxy that ends TLS, the request itself does not say so.
        return (Guardian.isLoopback(authority) ? "http://" : "https://") + authority
    }

    /// As browsers send forms: a space is a plus.
    private static func query(_ request: Request) -> [(name: String, value: String)] {
        (request.uri.query ?? "").split(separator: "&").compactMap { pair in
            let equals = pair.firstIndex(of: "=") ?? pair.endIndex
            guard let name = percentDecoded(pair[..<equals].replacing("+", with: " ")),
                let value = percentDecoded(pair[equals...].dropFirst().replacing("+", with: " "))
            else { return nil }
            return (name, value)
        }
    }

    /// Only what the caller may do is offered; whether they may is asked again when they do it.
    private func mayChange(_ head: HTTPRequest, _ context: ServerContext) async -> Bool {
        guard let rule = AccessRule.of("putLimit") else { return false }
        do {
            _ = try await guardian.admit(head, rule, from: context.remoteAddress)
            return true
        } catch {
            return false
        }
    }

    private static func answer(_ file: PageFile) -> Response {
        var headers: HTTPFields = [
            .contentType: file.type,
            .cacheControl: file.isVersioned
                ? "public, max-age=31536000, immutable" : "public, max-age=3600",
        ]
        // Modules are only taken from another place that says so.
        if file.isForOthers { headers[.accessControlAllowOrigin] = "*" }
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: file.bytes)))
    }
}

extension HTTPField.Name {
    fileprivate static let referrerPolicy = page("Referrer-Policy")

    private static func page(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else {
            preconditionFailure("'\(text)' is a name of a header field")
        }
        return name
    }
}
