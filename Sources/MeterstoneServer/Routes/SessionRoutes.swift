import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore
import MeterstoneStore

/// Signing in and out, and who is signed in.
struct SessionRoutes: Sendable {
    let engine: MeterstoneEngine
    let access: SignIn
    let book: AccessBook
    /// Whether the server speaks https itself.
    let isSecure: Bool

    private static let current = "/v1/sessions/current"

    func add(to routes: inout Routes) {
        routes.on(.post, "/v1/sessions") { request, context in
            try await start(request, context)
        }
        routes.on(.get, "/v1/sessions") { _, _ in
            Response(try await shown { isVisible($0) }, Shapes.sessionList)
        }
        routes.on(.get, Self.current) { _, _ in
            let own = Caller.current.session
            guard let session = try await shown({ $0.id == own }).first else {
                throw Problem.noSession
            }
            return Response(session, Shapes.session)
        }
        routes.on(.delete, Self.current) { request, _ in try await endCurrent(request) }
        routes.on(.delete, "/v1/sessions/:session") { request, context in
            let id: SessionID = try context.parameter("session")
            let missing = Problem.missing("unknown_session", "session \(id)")
            let session = try await engine.administratorSessions().first { $0.id == id }
            guard let session, isVisible(session) else { throw missing }
            defer { book.forget() }
            return try await engine.delete(.deleteSession(id), request, missing: missing)
        }
        routes.on(.post, Self.current + "/code") { _, context in
            let email = try administrator()
            let secret = try await access.makeCodeSecret(of: email, from: context.ipAddress)
            let uri =
                "otpauth://totp/Meterstone:\(email.text.percentEncoded)?secret=\(secret)&issuer=Meterstone"
            return Response(
                CodeSecret(secret: secret, uri: uri), Shapes.codeSecret, status: .created,
                headers: [.cacheControl: "no-store"])
        }
        routes.on(.put, Self.current + "/code") { request, context in
            let email = try administrator()
            let body = try AdministrativeBody(try await request.json(), fields: ["code"])
            try await access.confirmCodeSecret(
                of: email, code: try body.decode(CodeBody.self).code, from: context.ipAddress)
            return Response(status: .noContent)
        }
        routes.on(.delete, Self.current + "/code") { _, context in
            try await access.deleteCodeSecret(of: try administrator(), from: context.ipAddress)
            return Response(status: .noContent)
        }
    }

    private struct CodeBody: Decodable {
        let code: String
    }

    private struct StartBody: Decodable {
        let email: String?
        let password: String?
        let code: String?
        let key: String?
    }

    private func start(_ request: Request, _ context: ServerContext) async throws -> Response {
        try request.head.requireOwnPage()
        let json = try AdministrativeBody(
            try await request.json(), fields: ["email", "password", "code", "key"])
        let body = try json.decode(StartBody.self)
        let place = context.place(of: request)
        let started: SignIn.Started
        if let key = body.key {
            for name in ["email", "password", "code"] where json.contains(name) {
                throw Rejection.invalidAccess(name, "nothing beside 'key'")
            }
            started = try await access.start(key: key, at: place)
        } else {
            guard let email = body.email else { throw Rejection.missing("email", "an e-mail") }
            guard let password = body.password else {
                throw Rejection.missing("password", "a password")
            }
            started = try await access.start(
                email: email, password: password, code: body.code, at: place)
        }
        let session = ShownSession(
            session: started.session, role: started.role, lastSeenAt: started.session.startedAt,
            isCurrent: true)
        return Response(
            session, Shapes.session, status: .created,
            headers: [
                .cacheControl: "no-store",
                .setCookie: request.head.cookie(
                    started.secret, seconds: SignIn.sessionMilliseconds / 1_000,
                    isSecure: isSecure),
            ])
    }

    /// Ends the session of the cookie, if there is one, and takes the cookie away in any case.
    private func endCurrent(_ request: Request) async throws -> Response {
        try request.head.requireOwnPage()
        if let secret = request.head.cookie(AdministratorSession.cookie) {
            let digest = SHA256.hash(Array(secret.utf8)).description
            let session = try await engine.administratorSessions().first { $0.digest == digest }
            if let session {
                let who = session.administrator?.text ?? session.key.map { "key \($0)" }
                _ = try await engine.change(
                    ChangeRequest(change: .deleteSession(session.id), author: who ?? "somebody"))
                book.forget()
            }
        }
        return Response(
            status: .noContent,
            headers: [.setCookie: request.head.cookie("", seconds: 0, isSecure: isSecure)])
    }

    private func administrator() throws -> EmailAddress {
        guard let email = Caller.current.administrator else { throw Problem.noAdministrator }
        return email
    }

    /// One's own; an owner sees everybody's.
    private func isVisible(_ session: AdministratorSession) -> Bool {
        let caller = Caller.current
        if caller.isOwner || session.id == caller.session { return true }
        return caller.administrator != nil && session.administrator == caller.administrator
    }

    /// Sessions that count now.
    private func shown(
        _ isWanted: (AdministratorSession) -> Bool
    ) async throws -> [ShownSession] {
        let now = access.clock()
        let uses = try await book.lastUses()
        let (keys, administrators, sessions, _) = try await engine.access()
        return sessions.filter { isWanted($0) && now < $0.expiresAt }.compactMap { session in
            let role: AdministratorRole
            if let email = session.administrator {
                guard let administrator = administrators.first(where: { $0.email == email }),
                    administrator.active,
                    session.startedAt >= administrator.sessionsFrom ?? administrator.createdAt
                else { return nil }
                role = administrator.role
            } else if let key = keys.first(where: { $0.key == session.key }) {
                role = key.scopes.contains(.admin) ? .owner : .viewer
            } else {
                role = .owner
            }
            return ShownSession(
                session: session, role: role,
                lastSeenAt: max(uses[session.id.text] ?? session.startedAt, session.startedAt),
                isCurrent: session.id == Caller.current.session)
        }.sorted { $0.session.startedAt > $1.session.startedAt }
    }
}

extension AdministratorSession {
    /// Under this name a browser keeps the session's secret.
    static let cookie = "meterstone_session"
}

extension ServerContext {
    var ipAddress: String? { remoteAddress?.ipAddress }

    /// From where and with what somebody signs in.
    func place(of request: Request) -> SignIn.Place {
        let device = request.headers[.userAgent].map { agent in
            String(decoding: agent.utf8.prefix(AdministratorSession.deviceBytesMax), as: UTF8.self)
        }
        return SignIn.Place(address: ipAddress, device: device)
    }
}

extension HTTPRequest {
    /// Refuses what a page from elsewhere sends: it could sign somebody in as somebody else.
    fileprivate func requireOwnPage() throws {
        guard headerFields[.origin] == nil || isOfOwnPage else {
            throw Problem(
                status: .forbidden, code: "foreign_origin",
                detail: "only a page of this server signs in and out", field: "Origin")
        }
    }

    /// A cookie that no script reads, and that other sites' pages do not send along. Where the page came by
    /// https, it goes by https alone.
    ///
    /// - Parameter isSecure: whether the server speaks https itself.
    fileprivate func cookie(_ secret: String, seconds: Int64, isSecure: Bool) -> String {
        let isSecure =
            isSecure || headerFields[.origin]?.lowercased().hasPrefix("https://") ?? false
            || HTTPField.Name("X-Forwarded-Proto").flatMap { headerFields[$0] } == "https"
        return "\(AdministratorSession.cookie)=\(secret); Path=/; Max-Age=\(seconds); HttpOnly; "
            + "SameSite=Lax" + (isSecure ? "; Secure" : "")
    }
}
