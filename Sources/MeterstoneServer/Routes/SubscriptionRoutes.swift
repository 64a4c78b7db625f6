import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// Which plan a subject is on, from when until when.
struct SubscriptionRoutes: Sendable {
    let engine: MeterstoneEngine
    let clock: @Sendable () -> Instant

    private static let path = "/v1/subjects/:subject/subscription"
    private static let fields = ["plan", "status", "startsAt", "expiresAt", "externalIds"]

    func add(to routes: inout Routes) {
        routes.on(.get, Self.path) { request, context in
            let subject = try await engine.existingSubject(context)
            guard let subscription = subject.subscription else {
                throw Self.missing(subject.id)
            }
            return try await engine.answer(request, subscription, .subscription(subject.id))
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

    private func put(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
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
        return clock()
    }
}
