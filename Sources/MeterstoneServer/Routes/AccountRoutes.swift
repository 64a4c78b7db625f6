import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore
import MeterstoneStore

/// What is known of persons who are subjects, and where they are signed in.
struct AccountRoutes: Sendable {
    let engine: MeterstoneEngine
    let clock: @Sendable () -> Instant

    private static let path = "/v1/subjects/:subject/account"
    private static let sessions = "/v1/subjects/:subject/sessions"
    private static let fields = [
        "email", "image", "externalIds", "active", "lastLoginAt", "preferences", "variables",
        "tokensFrom",
    ]
    private static let free: Set<String> = ["preferences", "variables"]
    private static let elsewhere = ["sessions": "/v1/subjects/{subject}/sessions"]

    func add(to routes: inout Routes) {
        routes.on(.get, Self.path) { request, context in
            let subject = try await engine.existingSubject(context)
            let account = subject.account ?? PersonAccount()
            return try request.answer(account, try encoded(account))
        }
        routes.on(.put, Self.path) { request, context in
            let id: SubjectID = try context.parameter("subject")
            var fields = Self.fields
            fields.append("sessions")
            let body = try AdministrativeBody(
                try await request.json(), fields: fields, free: Self.free)
            return try await engine.put(
                .putAccount(id, try body.decode(PersonAccount.self)), request)
        }
        routes.on(.patch, Self.path) { request, context in
            let id: SubjectID = try context.parameter("subject")
            let body = try AdministrativeBody(
                try await request.json(), fields: Self.fields, free: Self.free,
                elsewhere: Self.elsewhere)
            return try await engine.patch(
                .account(id), body, request, missing: .missing(.unknownSubject, "subject \(id)"))
        }
        routes.on(.delete, Self.path) { request, context in
            let id: SubjectID = try context.parameter("subject")
            return try await engine.delete(
                .deleteAccount(id), request,
                missing: .missing("unknown_account", "account of \(id)"))
        }
        routes.on(.get, "/v1/subjects/:subject/activity") { request, context in
            try await activity(request, context)
        }
        routes.on(.get, Self.sessions) { _, context in
            let subject = try await engine.existingSubject(context)
            return Response(subject.account?.sessions ?? [], Shapes.accountSessions)
        }
        routes.on(.post, Self.sessions) { request, context in
            try await startSession(request, context)
        }
        routes.on(.delete, Self.sessions + "/:session") { request, context in
            let id: SubjectID = try context.parameter("subject")
            let session: SessionID = try context.parameter("session")
            return try await engine.delete(
                .endAccountSession(id, session, at: clock()), request,
                missing: .missing("unknown_session", "session \(session) of \(id)"))
        }
    }

    private struct SessionBody: Decodable {
        let id: SessionID?
        let device: String?
        let address: String?
    }

    /// Notes that a person signed in to the application, or was seen again in a session that is known.
    private func startSession(
        _ request: Request, _ context: ServerContext
    ) async throws -> Response {
        let id: SubjectID = try context.parameter("subject")
        let json = try await request.json()
        let body = try AdministrativeBody(json, fields: ["id", "device", "address"])
            .decode(SessionBody.self)
        for (name, text) in [("device", body.device), ("address", body.address)] {
            guard let text else { continue }
            guard (1...AdministratorSession.deviceBytesMax).contains(text.utf8.count) else {
                throw Rejection.invalidAccess(
                    name, "1 to \(AdministratorSession.deviceBytesMax) bytes")
            }
        }
        var random = SystemRandomNumberGenerator()
        let now = clock()
        let session = AccountSession(
            id: body.id ?? SessionID(unchecked: AccessSecret.text(of: 16, using: &random)),
            device: body.device, address: body.address, startedAt: now, lastSeenAt: now)
        return try await engine.put(.startAccountSession(id, session), request, told: json)
    }

    /// What was done to the account and to everything that is the subject's, newest first.
    private func activity(_ request: Request, _ context: ServerContext) async throws -> Response {
        let subject = try await engine.existingSubject(context)
        let query = try Query(request)
        let count = try query.count()
        let before = try query.cursor(.changes).map { (cursor) throws(Rejection) in
            try cursor.sequence()
        }
        let (from, until) = try query.span()
        let kind = try query.optional(
            "kind", "one of \(ChangeEntry.subjectKinds.joined(separator: ", "))"
        ) { ChangeEntry.subjectKinds.contains($0) ? $0 : nil }
        let changes = try await engine.changes(
            ChangeFilter(kind: kind, subject: subject.id, from: from, until: until),
            before: before, count: count + 1)
        let page = changes.prefix(count)
        let next = changes.count > count ? page.last : nil
        return Response(
            Page(
                Array(page),
                next: next.map { Cursor(kind: .changes, position: String($0.sequence)) }),
            Shapes.changes)
    }

    static let activityParameters: [OpenAPIParameter] = [
        OpenAPIParameter(
            place: .query, name: "kind", description: "Only changes of this kind of thing.",
            schema:
                #"{"enum":[\#(ChangeEntry.subjectKinds.map { "\"\($0)\"" }.joined(separator: ","))]}"#
        ),
        .from, .until,
    ]
}
