import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore
import MeterstoneStore

/// Administrators: invited, shown, changed and removed.
struct AdministratorRoutes: Sendable {
    let engine: MeterstoneEngine
    let access: SignIn
    let book: AccessBook

    private static let path = "/v1/administrators/:administrator"

    func add(to routes: inout Routes) {
        routes.on(.get, "/v1/administrators") { _, _ in
            var shown: [ShownAdministrator] = []
            for administrator in try await engine.administrators() {
                shown.append(try await self.shown(administrator))
            }
            return Response(shown, Shapes.administrators)
        }
        routes.on(.post, "/v1/administrators") { request, _ in try await invite(request) }
        routes.on(.post, "/v1/administrators/accept") { request, context in
            let body = try AdministrativeBody(
                try await request.json(), fields: ["invitation", "password"]
            ).decode(AcceptBody.self)
            let administrator = try await access.accept(
                body.invitation, password: body.password, at: context.place(of: request))
            return Response(try await shown(administrator), Shapes.administrator)
        }
        routes.on(.get, Self.path) { _, context in
            let email = try email(context)
            let known = try await engine.administrators().first { $0.email == email }
            guard let known else { throw Self.missing(email) }
            return Response(try await shown(known), Shapes.administrator)
        }
        routes.on(.patch, Self.path) { request, context in try await patch(request, context) }
        routes.on(.delete, Self.path) { request, context in
            let email = try email(context)
            guard Caller.current.administrator != email else { throw Problem.ownAdministrator }
            defer { book.forget() }
            return try await engine.delete(
                .deleteAdministrator(email), request, missing: Self.missing(email))
        }
    }

    private struct AcceptBody: Decodable {
        let invitation: String
        let password: String
    }

    private struct InviteBody: Decodable {
        let email: EmailAddress
        let role: AdministratorRole?
        let name: String?
    }

    private struct PatchBody: Decodable {
        let role: AdministratorRole?
        let active: Bool?
        let name: String?
    }

    private static func missing(_ email: EmailAddress) -> Problem {
        .missing("unknown_administrator", "administrator \(email)")
    }

    private func email(_ context: ServerContext) throws(Rejection) -> EmailAddress {
        guard let text = context.parameters["administrator"], let decoded = percentDecoded(text),
            let email = EmailAddress(folding: decoded)
        else { throw .invalid("administrator", EmailAddress.expectation) }
        return email
    }

    private func invite(_ request: Request) async throws -> Response {
        let body = try AdministrativeBody(
            try await request.json(), fields: ["email", "role", "name"]
        ).decode(InviteBody.self)
        let invited = try await engine.invite(
            body.email, as: body.role, name: body.name, author: try request.headers.author(),
            address: Caller.address)
        book.forget()
        return Response(
            invited, Shapes.invited, status: .created, headers: [.cacheControl: "no-store"])
    }

    private func patch(_ request: Request, _ context: ServerContext) async throws -> Response {
        let email = try email(context)
        let json = try AdministrativeBody(
            try await request.json(), fields: ["role", "active", "name"])
        let body = try json.decode(PatchBody.self)
        // Nobody is left who could take it back.
        guard Caller.current.administrator != email || (body.role ?? .owner) == .owner,
            Caller.current.administrator != email || body.active ?? true
        else { throw Problem.ownAdministrator }
        let now = access.clock()
        let after = try await engine.updateAdministrator(
            email, author: try request.headers.author(), address: Caller.address
        ) { administrator in
            if let role = body.role { administrator.role = role }
            if json.contains("name") { administrator.name = body.name }
            guard let active = body.active else { return }
            if !active, administrator.active { administrator.sessionsFrom = now }
            administrator.active = active
        }
        guard let after else { throw Self.missing(email) }
        book.forget()
        return Response(
            try await shown(after), Shapes.administrator, headers: [.outcome: "replaced"])
    }

    private func shown(_ administrator: Administrator) async throws -> ShownAdministrator {
        let filter = ChangeFilter(kind: "signIn", key: administrator.email.text)
        let notes = try await engine.changes(filter, before: nil, count: 50)
        let last = notes.first { $0.after?.contains(#""result":"signedIn""#) ?? false }
        return ShownAdministrator(administrator: administrator, lastSignInAt: last?.recordedAt)
    }
}

extension Problem {
    fileprivate static let ownAdministrator = Problem(
        status: .conflict, code: "own_administrator",
        detail: "another owner has to take this from you")
}
