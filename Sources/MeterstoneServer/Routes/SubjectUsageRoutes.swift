import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// What a subject has used, what is left, and its events.
struct SubjectUsageRoutes: Sendable {
    let engine: MeterstoneEngine

    func add(to routes: inout Routes) {
        routes.on(.get, "/v1/subjects/:subject/usage") { request, context in
            try await usage(request, context)
        }
        routes.on(.get, "/v1/subjects/:subject/limits") { _, context in
            try await limits(context)
        }
        routes.on(.post, "/v1/subjects/:subject/limits/:limit/reset") { request, context in
            try await reset(request, context)
        }
        routes.on(.get, "/v1/subjects/:subject/events") {
            request, context in
            try await events(request, context)
        }
    }

    private func usage(
        _ request: Request, _ context: ServerContext
    ) async throws -> Response {
        let subject: SubjectID = try context.parameter("subject")
        let query = try Query(request)
        let meter = try query.required("meter", MeterKey.expectation) { MeterKey($0) }
        let window = try query.required("window", Window.expectation) { Window($0) }
        guard window != .request, window != .concurrent else {
            throw Rejection.invalid(
                "window", "minute, hour, day, week, month, quarter, year, billingMonth or lifetime")
        }
        let (from, until) = try query.span()
        let outcome = try await engine.usage(
            of: subject, meter: meter, window: window, from: from, until: until)
        switch outcome {
        case .series(let series):
            return Response(
                UsageAnswer(try await engine.ownKey(of: subject), series), Shapes.usage)
        case .rejected(let rejection): throw rejection
        }
    }

    /// A subject that was never seen has limits too: those of the default plan.
    private func limits(_ context: ServerContext) async throws -> Response {
        let subject: SubjectID = try context.parameter("subject")
        let statuses = try await engine.limits(of: subject)
        return Response(
            SubjectLimits(try await engine.ownKey(of: subject), statuses), Shapes.limits)
    }

    private func reset(_ request: Request, _ context: ServerContext) async throws -> Response {
        let subject: SubjectID = try context.parameter("subject")
        let limit: LimitKey = try context.parameter("limit")
        let json = try await request.json()
        let told = json.isEmpty ? nil : try ReasonBody.reason(json)
        let reason = try told.map { (reason) throws(Rejection) in try ReasonBody.checked(reason) }
        let receipt = try await engine.change(
            try request.change(.resetLimit(subject, limit, reason: reason ?? "")))
        if case .rejected(let rejection) = receipt.outcome {
            throw Problem(rejection, missing: [.unknownLimit])
        }
        guard receipt.outcome != .missing else {
            throw Problem.missing(.unknownSubject, "subject \(subject)")
        }
        return Response(
            json: Array((receipt.after ?? "null").utf8), status: .created, headers: receipt.headers)
    }

    private func events(
        _ request: Request, _ context: ServerContext
    ) async throws -> Response {
        let subject: SubjectID = try context.parameter("subject")
        let query = try Query(request)
        let filter = try query.eventFilter(subject: subject)
        guard filter == EventFilter(subject: subject) else {
            return try await engine.listEvents(filter, query)
        }
        let cursor = try query.cursor(.events).map { (cursor) throws(Rejection) in
            try cursor.eventCursor()
        }
        let page = try await engine.events(of: subject, before: cursor, count: try query.count())
        return Response(
            Page(page.events, next: page.next.map { Cursor($0) }), Shapes.events)
    }
}
