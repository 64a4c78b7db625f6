import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// What an application asks that has tracked usage itself, under the names that its own code has: users,
/// types of usage, limits by name, and tables of everybody's usage.
struct UsageTrackerRoutes: Sendable {
    static let path = "/api/usage"

    let engine: MeterstoneEngine
    let options: ServerOptions

    func add(to routes: inout Routes) {
        routes.on(.post, Self.path + "/track") { request, _ in try await track(request) }
        routes.on(.get, Self.path + "/limit") { request, _ in try await limit(request) }
        routes.on(.post, Self.path + "/action") { request, _ in try await action(request) }
        routes.on(.get, Self.path + "/limits") { request, _ in try await limits(request) }
        routes.on(.get, Self.path + "/stats") { request, _ in try await statistics(request) }
        addReports(to: &routes)
    }

    private func user(in request: Request, _ told: SubjectID? = nil) async throws -> SubjectID {
        let user = try ChatUser.named(in: request, nil)
        if let user, let told, user != told {
            throw Rejection.invalid(
                ChatUser.name, "the same user in X-User-Id, the query and the body")
        }
        guard let user = told ?? user else {
            throw Rejection.missing(
                ChatUser.name, "a user in X-User-Id, in the query or in the body")
        }
        try await engine.requireOwn(user, field: ChatUser.name)
        return user
    }

    // MARK: One user

    private func track(_ request: Request) async throws -> Response {
        let body = try TrackBody(try await request.json())
        let user = try await user(in: request, body.user)
        let event = try body.event(
            of: user, key: try request.headers.idempotencyEventID(),
            try await engine.blueprint())
        guard let outcome = try await engine.record([event]).first else {
            throw Problem.unexplained
        }
        let suggestion = try await engine.suggestion(event, outcome)
        switch outcome {
        case .conflict(let id): throw try await engine.conflict(id, event)
        case .rejected(let rejection) where rejection.code == .trackingDisabled:
            return answer(TrackedUsage(id: nil, moved: [], suggestion: nil))
        case .rejected(let rejection): throw rejection
        case .counted(let id, let moved, _):
            return answer(TrackedUsage(id: id, moved: moved, suggestion: suggestion))
        case .duplicate(let id, let moved, _):
            return answer(
                TrackedUsage(id: id, moved: moved, suggestion: suggestion), headers: .replayed)
        }
    }

    private func answer(_ tracked: TrackedUsage, headers: HTTPFields = [:]) -> Response {
        Response(tracked, Shapes.trackedUsage, headers: headers)
    }

    private func limit(_ request: Request) async throws -> Response {
        let user = try await user(in: request)
        let key = try Query(request).required("limitType", LimitKey.expectation) { LimitKey($0) }
        return Response(try await engine.checkLimit(of: user, key), Shapes.limitCheck)
    }

    private func action(_ request: Request) async throws -> Response {
        let body = try ActionBody(try await request.json())
        let user = try await user(in: request, body.user)
        switch try await engine.checkAction(of: user, body.action) {
        case .allowed(let check):
            return Response(ActionAnswer(isAllowed: true, check: check), Shapes.actionAnswer)
        case .denied(_, let check, _) where !body.throwsOnExceed:
            return Response(
                ActionAnswer(isAllowed: false, check: check ?? .unlimited), Shapes.actionAnswer)
        case .denied(let denial, let check, let decision):
            var problem = Problem.denied(
                denial, limits: decision.limits, credits: decision.credits, at: options.clock())
            guard let check else { throw problem }
            problem.detail = check.message
            let members = problem.members
            problem.members = { writer in
                members?(&writer)
                writer.name("message")
                writer.string(check.message)
                writer.name("cause")
                writer.object(check, Shapes.denialCause)
            }
            throw problem
        case .conflict(let id): throw Problem.eventConflict(id, differs: [])
        case .rejected(let rejection): throw rejection
        }
    }

    private func limits(_ request: Request) async throws -> Response {
        let user = try await user(in: request)
        let checks = try await engine.checkLimits(of: user)
        let plan = try await engine.plan(of: user)
        return Response { writer in
            writer.beginObject()
            writer.name("tier")
            if let plan { writer.string(plan.text) } else { writer.null() }
            writer.name("limits")
            writer.beginObject()
            for (status, check) in checks where status.value == nil {
                writer.name(text: status.limit.text)
                writer.object(check, Shapes.limitCheck)
            }
            writer.endObject()
            for (meter, check) in checks.shortestByMeter {
                writer.name(text: meter.text)
                writer.object(check, Shapes.limitCheck)
            }
            writer.endObject()
        }
    }

    private func statistics(_ request: Request) async throws -> Response {
        let user = try await user(in: request)
        let days =
            try Query(request).number("days", in: RecentStatistics.daysRange)
            ?? RecentStatistics.daysDefault
        let types = try await engine.usageTypes()
        let recent = try await engine.statistics(of: user, days: days)
        return Response(UserStatistics(recent, types), Shapes.userStatistics)
    }
}

// MARK: - Everybody

extension UsageTrackerRoutes {
    private func addReports(to routes: inout Routes) {
        routes.on(.get, Self.path + "/top") { request, _ in
            let query = try await query(of: request)
            let meter = try await meter(in: query)
            let report = try await engine.topSubjects(of: meter.key, try question(query, days: 30))
            return Response(try report.rows, Shapes.topUsers)
        }
        routes.on(.get, Self.path + "/trends") { request, _ in
            let query = try await query(of: request)
            let types = try await engine.usageTypes()
            var question = try question(query, days: 30)
            question.count = ReportQuestion.countMax
            let report = try await engine.trends(of: [], per: .day, question)
            let rows = try report.rows.filter { $0.events > 0 }
            let zone = try await engine.zone(named: report.timeZone)
            return Response(rows.map { UsageTrend($0, types, zone) }, Shapes.usageTrends)
        }
        routes.on(.get, Self.path + "/funnel") { request, _ in
            let question = try question(try await query(of: request), days: 30)
            let blueprint = try await engine.blueprint()
            var counts: [Int64] = []
            for type in ["project_create", "prompt", "export"] {
                guard let meter = blueprint.meter(ofUsageType: type) else {
                    counts.append(0)
                    continue
                }
                // Each step by itself: a funnel has at least two.
                let report = try await engine.funnel(
                    ofMeters: [meter.key, meter.key], .independent, question)
                counts.append(try report.rows.first?.subjects ?? 0)
            }
            return Response(
                ConversionFunnel(registered: try await engine.subjectCount(), counts),
                Shapes.conversionFunnel)
        }
        routes.on(.get, Self.path + "/errors") { request, _ in
            let query = try await query(of: request)
            let least =
                try query.number("minimumEvents", in: ReportBounds.minimumEvents)
                ?? ReportBounds.minimumEventsDefault
            let report = try await engine.errorRates(
                minimumEvents: least, try question(query, days: 7))
            // The document knows no events without a type.
            return Response(
                try report.rows.filter { $0.type != nil || $0.subtype != nil },
                Shapes.operationErrors)
        }
    }

    private func query(of request: Request) async throws -> Query {
        try await engine.requireAnalytics(options)
        return try Query(request)
    }

    private func question(_ query: Query, days: Int) throws(Rejection) -> ReportQuestion {
        ReportQuestion(
            days: try query.number("days", in: ReportBounds.days) ?? days,
            timeZone: query.text("timeZone"))
    }

    private func meter(in query: Query) async throws -> Meter {
        guard let type = try query.name("usageType") else {
            throw Rejection.missing("usageType", "what was used, such as 'prompt'")
        }
        let blueprint = try await engine.blueprint()
        guard let meter = blueprint.meter(ofUsageType: type) else {
            throw Rejection(
                code: .unknownType, field: "usageType",
                message: blueprint.suggestion(forType: type, .success))
        }
        return meter
    }
}

extension ReportOutcome {
    /// The rows of a report, or what is wrong with the question as an error.
    fileprivate var rows: [Row] {
        get throws(Rejection) {
            switch self {
            case .report(let report): return report.rows
            case .rejected(let rejection): throw rejection
            }
        }
    }

    fileprivate var timeZone: String? {
        guard case .report(let report) = self else { return nil }
        return report.timeZone
    }
}

extension MeterstoneEngine {
    /// What each meter is called by an application's own log.
    fileprivate func usageTypes() async throws -> [MeterKey: String] {
        Dictionary(
            try await blueprint().meters.map { ($0.key, $0.usageType) },
            uniquingKeysWith: { first, _ in first })
    }
}

extension [(status: LimitStatus, check: LimitCheck)] {
    /// Of each meter the limit with the shortest window, by the meters' keys. What another limit of it refuses is not
    /// allowed.
    fileprivate var shortestByMeter: [(MeterKey, LimitCheck)] {
        let order = ["minute", "hour", "day", "week", "month", "billingMonth", "quarter", "year"]
        func place(_ status: LimitStatus) -> Int {
            order.firstIndex(of: status.window.text) ?? order.count
        }
        let known = filter {
            $0.status.value == nil && !["tier", "limits"].contains($0.status.meter.text)
        }
        return Dictionary(grouping: known, by: \.status.meter).compactMap { meter, checks in
            let isAllowed = checks.allSatisfy(\.check.isAllowed)
            let shown = checks.min {
                (place($0.status), $0.status.limit) < (place($1.status), $1.status.limit)
            }
            return shown.map { (meter, $0.check.allowing(isAllowed)) }
        }.sorted { $0.0 < $1.0 }
    }
}
