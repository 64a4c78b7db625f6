import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// Tracked requests: one, a subject's, and those whose cost nobody knows.
struct TrackedRequestRoutes: Sendable {
    let tracker: RequestTracker

    func add(to routes: inout Routes) {
        routes.on(.get, "/v1/requests") { request, _ in try await listAll(request) }
        routes.on(.get, "/v1/requests/unpriced") { request, _ in
            try await unpriced(request)
        }
        routes.on(.get, "/v1/requests/:request") { _, context in
            let id = try context.eventID("request")
            guard let request = try await tracker.request(id),
                try await tracker.engine.isOwn(request.subject)
            else {
                throw Problem.missing("unknown_request", "request \(id)")
            }
            return Response(json: try encoded(request))
        }
        routes.on(.get, "/v1/subjects/:subject/requests") {
            request, context in
            try await list(request, context)
        }
    }

    private func list(
        _ request: Request, _ context: ServerContext
    ) async throws -> Response {
        let subject: SubjectID = try context.parameter("subject")
        let query = try Query(request)
        let cursor = try query.cursor(.events).map { (cursor) throws(Rejection) in
            try cursor.eventCursor()
        }
        let page = try await tracker.requests(
            of: subject, matching: try query.requestFilter(), before: cursor,
            count: try query.count())
        return try answer(page.requests, next: page.next.map { Cursor($0) })
    }

    private func listAll(_ request: Request) async throws -> Response {
        let query = try Query(request)
        let position = try query.cursor(.allEvents).map { (cursor) throws(Rejection) in
            try cursor.eventListPosition()
        }
        let subject = try query.name("subject").map { SubjectID(unchecked: $0) }
        let (from, until) = try query.span()
        let page = try await tracker.requests(
            matching: try query.requestFilter(),
            within: EventFilter(subject: subject, from: from, until: until), after: position,
            count: try query.count())
        return try answer(page.requests, next: page.next.map { Cursor($0) })
    }

    private func answer(_ requests: [TrackedRequest], next: Cursor?) throws -> Response {
        let requests = try encoded(requests)
        return Response { writer in
            writer.beginObject()
            writer.name("requests")
            writer.json(requests)
            writer.nextCursor(next)
            writer.endObject()
        }
    }

    private func unpriced(_ request: Request) async throws -> Response {
        let (from, until) = try Query(request).span()
        let all = try await tracker.unpriced(from: from ?? .earliest, until: until ?? .latest)
        let requests = try encoded(Array(all.prefix(RequestLimits.resultsMax)))
        return Response { writer in
            writer.beginObject()
            writer.name("unpriced")
            writer.integer(Int64(all.count))
            writer.name("requests")
            writer.json(requests)
            writer.endObject()
        }
    }
}

extension Query {
    fileprivate func requestFilter() throws(Rejection) -> RequestFilter {
        RequestFilter(
            session: try name("sessionId"),
            status: try optional("status", "pending, completed, failed or cancelled") {
                RequestStatus(rawValue: $0)
            }, model: try name("model"), category: try name("category"))
    }
}
