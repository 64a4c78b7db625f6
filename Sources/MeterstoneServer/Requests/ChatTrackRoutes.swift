import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// The chat flow builder's own paths: following requests, and a user's dashboard.
struct ChatTrackRoutes: Sendable {
    static let trackPath = "/api/chat/track"
    static let dashboardPath = "/api/user/dashboard"

    let tracker: RequestTracker
    let clock: @Sendable () -> Instant

    func add(to routes: inout Routes) {
        routes.on(.post, Self.trackPath) { request, _ in try await start(request) }
        routes.on(.put, Self.trackPath) { request, _ in try await end(request) }
        routes.on(.get, Self.dashboardPath) { request, _ in
            let user = try await user(in: request, nil)
            return try await dashboard(of: user, isRecalculated: false)
        }
        routes.on(.post, Self.dashboardPath) { request, _ in
            let json = try await request.json()
            let texts = [ChatUser.name: ChatBounds.name]
            let body = json.isEmpty ? nil : try FlatBody(json, texts: texts)
            let user = try await user(in: request, body)
            return try await dashboard(of: user, isRecalculated: true)
        }
    }

    private func user(in request: Request, _ body: FlatBody?) async throws -> SubjectID {
        let user = try ChatUser.required(in: request, body)
        try await tracker.engine.requireOwn(user, field: ChatUser.name)
        return user
    }

    // MARK: Tracking

    private func start(_ request: Request) async throws -> Response {
        let body = try FlatBody.start(try await request.json())
        let user = try await user(in: request, body)
        let userAgent = request.headers[.userAgent].map { String($0.prefix(256)) }
        let start = try body.requestStart(
            of: user, key: try request.headers.idempotencyEventID(), userAgent: userAgent)
        try await tracker.engine.requireOwn(levels: start.levels)
        var outcome = try await tracker.start(start)
        if case .conflict(let id) = outcome, body.text("userAgent") == nil {
            outcome = try await startAgain(start, id) ?? outcome
        }
        switch outcome {
        case .started(let started): return answer(started)
        case .conflict(let id):
            var problem = Problem.eventConflict(id, differs: [])
            problem.field = "requestId"
            throw problem
        case .rejected(let rejection): throw rejection
        case .denied(let denial, let limits, let credits):
            throw Problem.denied(denial, limits: limits, credits: credits, at: clock())
        }
    }

    /// A repeat may come through another program, which the header field tells and the caller does not.
    private func startAgain(
        _ start: RequestStart, _ id: EventID
    ) async throws -> RequestStartOutcome? {
        guard let known = try await tracker.request(id), known.userAgent != start.userAgent else {
            return nil
        }
        var again = start
        again.userAgent = known.userAgent
        return try await tracker.start(again)
    }

    private func answer(_ started: StartedRequest) -> Response {
        var headers = started.isDuplicate ? HTTPFields.replayed : HTTPFields()
        headers.addRateLimits(started.limits, at: clock())
        return Response(started, Shapes.chatStarted, headers: headers)
    }

    private func end(_ request: Request) async throws -> Response {
        let body = try FlatBody.end(try await request.json())
        let id = try body.requestID()
        if let user = try ChatUser.named(in: request, body) {
            try await tracker.engine.requireOwn(user, field: ChatUser.name)
            guard let known = try await tracker.request(id), known.subject == user else {
                throw Problem.unknownRequest(id)
            }
        }
        let outcome =
            if let rating = try body.ratingAlone() {
                try await tracker.rate(id, rating)
            } else {
                try await tracker.finish(try body.requestEnd())
            }
        switch outcome {
        case .done(let ended):
            var headers = ended.isDuplicate ? HTTPFields.replayed : HTTPFields()
            headers.addRateLimits(ended.limits, at: clock())
            return Response(json: try encoded(ended.request), headers: headers)
        case .conflict(let request): throw Problem.requestClosed(request)
        case .unknown(let id): throw Problem.unknownRequest(id)
        case .rejected(let rejection): throw rejection
        }
    }

    // MARK: Dashboard

    private func dashboard(of user: SubjectID, isRecalculated: Bool) async throws -> Response {
        switch try await tracker.dashboard(of: user) {
        case .rejected(let rejection): throw rejection
        case .dashboard(let dashboard):
            return Response(
                DashboardAnswer(
                    dashboard: dashboard, recent: try encoded(dashboard.recent),
                    isRecalculated: isRecalculated), Shapes.dashboard)
        }
    }
}

extension Problem {
    /// A body names a request that is not there, or that belongs to somebody else.
    static func unknownRequest(_ id: EventID) -> Problem {
        Problem(
            status: .unprocessableContent, code: "unknown_request",
            detail: "there is no request \(id)", field: "requestId")
    }

    /// The request ended before, in another way.
    static func requestClosed(_ request: TrackedRequest) -> Problem {
        let error = request.error == TrackedRequest.expired ? ", since nobody told its end" : ""
        return Problem(
            status: .conflict, code: "request_closed",
            detail: "\(request.id) is \(request.status.rawValue) already\(error), and other things "
                + "were told of it",
            field: "requestId")
    }
}
