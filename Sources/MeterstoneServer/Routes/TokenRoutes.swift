import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// Tokens for browsers and apps, made by the application for one of its users.
struct TokenRoutes: Sendable {
    let engine: MeterstoneEngine
    let tokens: SubjectTokens

    func add(to routes: inout Routes) {
        routes.on(.post, "/v1/tokens") { request, _ in
            let body = try AdministrativeBody(
                try await request.json(), fields: ["subject", "scopes", "expiresInSeconds"])
            return try await make(try body.decode(Body.self))
        }
    }

    private struct Body: Decodable {
        let subject: SubjectID
        let scopes: [AccessScope]?
        let expiresInSeconds: Int64?
    }

    private func make(_ body: Body) async throws -> Response {
        try await engine.requireOwn(body.subject)
        let scopes = body.scopes ?? [.read]
        guard !scopes.isEmpty, Set(scopes).count == scopes.count, !scopes.contains(.admin) else {
            throw Rejection.invalid("scopes", "some of read, consume and ingest, each once")
        }
        for scope in scopes where !Caller.current.has(scope) {
            throw Problem.insufficientScope(scope)
        }
        let seconds = body.expiresInSeconds ?? SubjectTokens.secondsStandard
        guard (1...SubjectTokens.secondsMax).contains(seconds) else {
            throw Rejection.invalid(
                "expiresInSeconds", "a whole number from 1 to \(SubjectTokens.secondsMax)")
        }
        let token = try await tokens.make(
            for: body.subject, scopes: scopes, seconds: seconds, before: Caller.current.until)
        return Response(
            token, Shapes.madeToken, status: .created, headers: [.cacheControl: "no-store"])
    }
}
