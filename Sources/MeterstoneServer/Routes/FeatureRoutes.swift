import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// What a subject used of features, told at once, and whether it may use one once more.
struct FeatureRoutes: Sendable {
    let engine: MeterstoneEngine

    func add(to routes: inout Routes) {
        routes.on(.post, "/v1/subjects/:subject/usage") { request, context in
            try await record(request, context)
        }
        routes.on(.get, "/v1/subjects/:subject/features") { _, context in
            let subject: SubjectID = try context.parameter("subject")
            return Response(try await engine.features(of: subject), Shapes.subjectFeatures)
        }
        routes.on(.get, "/v1/subjects/:subject/features/:feature") { request, context in
            try await use(request, context)
        }
    }

    private func record(
        _ request: Request, _ context: ServerContext
    ) async throws -> Response {
        let subject: SubjectID = try context.parameter("subject")
        let key = try request.headers.idempotencyEventID()
        let body = try UsageBody(try await request.json())
        let outcome = try await engine.recordUsage(
            of: subject, quantities: body.quantities, id: body.id ?? key,
            occurredAt: body.occurredAt)
        switch outcome {
        case .conflict(let id):
            throw try await engine.conflict(
                id,
                UsageEvent(
                    id: id, subject: subject, occurredAt: body.occurredAt,
                    quantities: Quantities(
                        body.quantities.map { NamedQuantity(name: $0.key, quantity: $0.value) })))
        case .rejected(let rejection) where rejection.code == .trackingDisabled:
            return answer(UsageResult(nil, isDuplicate: false, moved: []))
        case .rejected(let rejection): throw body.naming(rejection)
        case .counted(let id, let moved, _):
            return answer(UsageResult(id, isDuplicate: false, moved: moved))
        case .duplicate(let id, let moved, _):
            return answer(UsageResult(id, isDuplicate: true, moved: moved))
        }
    }

    private func answer(_ result: UsageResult) -> Response {
        Response(
            result, Shapes.recordedUsage, headers: result.isDuplicate ? .replayed : [:])
    }

    private func use(_ request: Request, _ context: ServerContext) async throws -> Response {
        let subject: SubjectID = try context.parameter("subject")
        // A type of events is a name like a subject's.
        let feature = try context.parameter("feature", as: SubjectID.self).text
        let expectation = "a whole number from 0, or -1 for unlimited"
        let limit = try Query(request).optional("monthlyLimit", expectation) { text in
            Int64(text).flatMap { String($0) == text ? Allowance(wire: $0) : nil }
        }
        guard let limit else {
            let features = try await engine.features(of: subject)
            guard let value = features.features[feature] else {
                return try await answer(
                    subject, feature, try await engine.canUseFeature(subject, feature))
            }
            return Response(
                PlanFeatureAnswer(features, feature, value), Shapes.planFeatureAnswer)
        }
        return try await answer(
            subject, feature,
            try await engine.canUseFeature(subject, feature, monthlyLimit: limit))
    }

    private func answer(
        _ subject: SubjectID, _ feature: String, _ outcome: FeatureOutcome
    ) async throws -> Response {
        switch outcome {
        case .rejected(let rejection): throw Problem(rejection, missing: [.unknownMeter])
        case .use(let use):
            return Response(
                FeatureAnswer(try await engine.ownKey(of: subject), feature, use), Shapes.feature)
        }
    }
}
