import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore
import MeterstoneStore

/// Which plan a subject is on, from when until when.
struct SubscriptionRoutes: Sendable {
    let engine: MeterstoneEngine
    let clock: @Sendable () -> Instant

    private static let path = "/v1/subjects/:subject/subscription"
    private static let fields = [
        "plan", "status", "startsAt", "expiresAt", "externalIds", "metadata", "graceUntil",
        "billingAnchor", "versionAt", "ifNewerThan",
    ]

    func add(to routes: inout Routes) {
        routes.on(.get, Self.path) { request, context in
            let subject = try await engine.existingSubject(context)
            guard let subscription = subject.subscription else {
                throw Self.missing(subject.id)
            }
            return try await engine.answer(request, subscription, .subscription(subject.id))
        }
        routes.on(.get, "/v1/subjects/:subject/subscriptions") { _, context in
            let id: SubjectID = try context.parameter("subject")
            guard let periods = try await engine.subscriptions(of: id) else {
                throw Problem.missing(.unknownSubject, "subject \(id)")
            }
            return Response(periods, Shapes.subscriptionPeriods)
        }
        routes.on(.post, Self.path) { request, context in try await change(request, context) }
        routes.on(.post, Self.path + "/preview") { request, context in
            try await preview(request, context)
        }
        routes.on(.delete, Self.path + "/scheduled") { request, context in
            let id: SubjectID = try context.parameter("subject")
            let start = try Query(request).optional("startsAt", "an instant") {
                Instant(rfc3339: $0)
            }
            return try await engine.delete(
                .cancelScheduled(id, startsAt: start), request,
                missing: .missing("unknown_subscription", "scheduled subscription of \(id)"))
        }
        routes.on(.put, Self.path) { request, context in try await put(request, context) }
        routes.on(.patch, Self.path) { request, context in
            let id: SubjectID = try context.parameter("subject")
            let body = try AdministrativeBody(try await request.json(), fields: Self.fields)
            return try await engine.patch(
                .subscription(id), body, request, missing: Self.missing(id))
        }
        routes.on(.delete, Self.path) { request, context in
            let id: SubjectID = try context.parameter("subject")
            return try await engine.delete(
                .deleteSubscription(id), request, missing: Self.missing(id))
        }
    }

    private static func missing(_ id: SubjectID) -> Problem {
        .missing("unknown_subscription", "subscription of \(id)")
    }

    private func change(
        _ request: Request, _ context: ServerContext
    ) async throws -> Response {
        let id: SubjectID = try context.parameter("subject")
        let json = try await request.json()
        let change = try Self.change(json)
        var response = try await engine.put(
            .changeSubscription(id, change), request, told: json
        ) { after in
            let turn = try JSONText(text: String(decoding: after, as: UTF8.self))
                .decoded(as: SubscriptionTurn.self)
            var writer = JSONWriter()
            writer.object(turn, Shapes.subscriptionTurn)
            return writer.bytes
        }
        response.headers[.eTag] = nil
        return response
    }

    private func preview(
        _ request: Request, _ context: ServerContext
    ) async throws -> Response {
        let id: SubjectID = try context.parameter("subject")
        let change = try Self.change(try await request.json())
        switch try await engine.previewSubscription(of: id, change) {
        case .rejected(let rejection): throw rejection
        case .preview(let preview): return Response(preview, Shapes.subscriptionPreview)
        }
    }

    private static func change(_ json: [UInt8]) throws -> SubscriptionChange {
        try AdministrativeBody(json, fields: SubscriptionChange.fields)
            .decode(SubscriptionChange.self)
    }

    private func put(_ request: Request, _ context: ServerContext) async throws -> Response {
        let id: SubjectID = try context.parameter("subject")
        let json = try await request.json()
        let body = try AdministrativeBody(json, fields: Self.fields + Times.fields)
        var added: [(name: String, text: String)] = []
        if !body.contains("startsAt") {
            added.append(("startsAt", try await start(of: id, body).rfc3339))
        }
        let subscription = try body.decode(Subscription.self, adding: added)
        return try await engine.put(.putSubscription(id, subscription), request, told: json)
    }

    /// Without a start, the subscription starts now. One to the same plan goes on as it started, so
    /// that a request that is repeated changes nothing.
    private func start(of id: SubjectID, _ body: AdministrativeBody) async throws -> Instant {
        let current = try await engine.subject(id)?.subscription
        if let current, body.text("plan") == current.plan.text { return current.startsAt }
        return clock().flooredToSecond
    }
}
