import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// Subjects and what is known of them beside their usage.
struct SubjectRoutes: Sendable {
    let engine: MeterstoneEngine

    private static let fields = [
        "id", "timeZone", "parent", "plan", "blocked", "name", "metadata",
    ]
    private static let elsewhere = [
        "overrides": "/v1/subjects/{subject}/overrides/{limit}",
        "additions": "/v1/subjects/{subject}/additions/{addition}",
        "resets": "/v1/subjects/{subject}/limits/{limit}/reset",
        "subscription": "/v1/subjects/{subject}/subscription",
        "scheduled": "/v1/subjects/{subject}/subscription",
        "billing": "/v1/subjects/{subject}/subscription",
        "account": "/v1/subjects/{subject}/account",
        "formerZones": "timeZone, of which they are what went before",
    ]

    func add(to routes: inout Routes) {
        routes.on(.get, "/v1/subjects") { request, _ in
            try await list(request)
        }
        routes.on(.get, "/v1/subjects/:subject") { request, context in
            let subject = try await engine.existingSubject(context)
            return try await engine.answer(request, subject, .subject(subject.id))
        }
        routes.on(.put, "/v1/subjects/:subject") { request, context in
            try await put(request, context)
        }
        routes.on(.patch, "/v1/subjects/:subject") { request, context in
            let id: SubjectID = try context.parameter("subject")
            let body = try AdministrativeBody(
                try await request.json(), fields: Self.fields, elsewhere: Self.elsewhere)
            try await require(id, in: body)
            return try await engine.patch(
                .subject(id), body, request, missing: .missing(.unknownSubject, "subject \(id)"))
        }
        routes.on(.delete, "/v1/subjects/:subject") { request, context in
            let id: SubjectID = try context.parameter("subject")
            return try await engine.delete(
                .deleteSubject(id), request, missing: .missing(.unknownSubject, "subject \(id)"))
        }
    }

    /// Refuses a body that names another subject than the path, under whichever of its keys.
    private func require(_ id: SubjectID, in body: AdministrativeBody) async throws {
        guard let named = body.text("id"), named != id.text,
            named == (try await engine.subject(id))?.id.text
        else { return try body.require("id", toBe: id.text) }
    }

    private func list(_ request: Request) async throws -> Response {
        let query = try Query(request)
        let isCounted = try query.flag("total") ?? false
        if let found = try await found(by: query) {
            return try await answer(found, total: isCounted ? found.count : nil)
        }
        let count = try query.count()
        let prefix = try query.optional("prefix", SubjectID.expectation) { SubjectID($0) }
        if isCounted, prefix != nil { throw Rejection.invalid("total", "no prefix beside it") }
        let after = try query.cursor(.subjects).map { (cursor) throws(Rejection) in
            guard let id = SubjectID(cursor.position) else { throw Cursor.invalid }
            return id
        }
        var subjects = try await engine.timedSubjects(after: after ?? prefix, count: count + 1)
        if let prefix {
            subjects = subjects.filter { $0.subject.id.text.utf8.starts(with: prefix.text.utf8) }
            if after == nil, let exact = try await engine.subject(prefix), exact.id == prefix,
                let times = try await engine.times(of: .subject(prefix))
            {
                subjects.insert((exact, times), at: 0)
            }
        }
        let total = isCounted ? try await engine.subjectTotal() : nil
        let page = subjects.prefix(count)
        let next = subjects.count > count ? page.last : nil
        return try Response { writer in
            writer.beginObject()
            writer.name("subjects")
            writer.beginArray()
            for item in page { writer.json(item.times.adding(to: try encoded(item.subject))) }
            writer.endArray()
            writer.nextCursor(next.map { Cursor(kind: .subjects, position: $0.subject.id.text) })
            writer.total(total)
            writer.endObject()
        }
    }

    /// Whom an account's address or id means, as a list; `nil`: nobody asks for that.
    private func found(by query: Query) async throws -> [Subject]? {
        let email = try query.optional("email", EmailAddress.expectation) {
            EmailAddress(folding: $0)
        }
        let ids = query.texts(under: "externalIds.")
        guard email != nil || !ids.isEmpty else { return nil }
        var found: [Subject] = []
        if let email { found = [try await engine.subject(email: email)].compactMap(\.self) }
        for (kind, id) in ids.sorted(by: { $0.key < $1.key }) {
            guard let subject = try await engine.subject(externalID: id, ofKind: kind) else {
                return []
            }
            if found.isEmpty, email == nil { found = [subject] }
            found = found.filter { $0.id == subject.id }
            if found.isEmpty { return [] }
        }
        return found
    }

    private func answer(_ subjects: [Subject], total: Int?) async throws -> Response {
        var shown: [[UInt8]] = []
        for subject in subjects {
            let json = try encoded(subject)
            shown.append(
                try await engine.times(of: .subject(subject.id))?.adding(to: json) ?? json)
        }
        return Response { writer in
            writer.beginObject()
            writer.name("subjects")
            writer.beginArray()
            for json in shown { writer.json(json) }
            writer.endArray()
            writer.nextCursor(nil)
            writer.total(total)
            writer.endObject()
        }
    }

    /// Answers with the subject as it stands, overrides and subscription included, which a write of
    /// the subject leaves alone.
    private func put(_ request: Request, _ context: ServerContext) async throws -> Response {
        let id: SubjectID = try context.parameter("subject")
        let body = try AdministrativeBody(
            try await request.json(), fields: Self.fields + Times.fields,
            elsewhere: Self.elsewhere)
        try await require(id, in: body)
        let subject = try body.decode(Subject.self, adding: [("id", id.text)])
        return try await engine.put(.putSubject(subject), request)
    }
}

extension MeterstoneEngine {
    /// Answers with something that can be written, and its times.
    func answer(
        _ request: Request, _ stored: some Encodable, _ thing: MergePatch.Target
    ) async throws -> Response {
        let json = try encoded(stored)
        return try request.answer(stored, try await times(of: thing)?.adding(to: json) ?? json)
    }

    /// The subject that the path names, of which something must be known.
    func existingSubject(_ context: ServerContext) async throws -> Subject {
        let id: SubjectID = try context.parameter("subject")
        guard let subject = try await subject(id) else {
            throw Problem.missing(.unknownSubject, "subject \(id)")
        }
        return subject
    }
}
