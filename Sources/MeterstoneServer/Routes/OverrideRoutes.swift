import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// Allowances of one subject that come before those of its plan.
struct OverrideRoutes: Sendable {
    let engine: MeterstoneEngine

    private static let path = "/v1/subjects/:subject/overrides/:limit"

    func add(to routes: inout Routes) {
        routes.on(.get, "/v1/subjects/:subject/overrides") { _, context in
            let subject = try await engine.existingSubject(context)
            return Response(
                subject.overrides.sorted { $0.key < $1.key }.map {
                    OverrideAnswer($0.key, $0.value)
                },
                Shapes.overrides)
        }
        routes.on(.get, Self.path) { request, context in
            let subject = try await engine.existingSubject(context)
            let limit: LimitKey = try context.parameter("limit")
            guard let allowance = subject.overrides[limit] else {
                throw Self.missing(subject.id, limit)
            }
            var writer = JSONWriter()
            writer.object(OverrideAnswer(limit, allowance), Shapes.override)
            return try request.answer(allowance, writer.bytes)
        }
        routes.on(.put, Self.path) { request, context in try await put(request, context) }
        routes.on(.delete, Self.path) { request, context in
            let id: SubjectID = try context.parameter("subject")
            let limit: LimitKey = try context.parameter("limit")
            return try await engine.delete(
                .deleteOverride(id, limit), request, missing: Self.missing(id, limit))
        }
    }

    private static func missing(_ id: SubjectID, _ limit: LimitKey) -> Problem {
        .missing("unknown_override", "override of limit \(limit) for \(id)")
    }

    private struct Body: Decodable {
        let allowance: Allowance
    }

    private func put(_ request: Request, _ context: ServerContext) async throws -> Response {
        let id: SubjectID = try context.parameter("subject")
        let limit: LimitKey = try context.parameter("limit")
        let body = try AdministrativeBody(try await request.json(), fields: ["limit", "allowance"])
        try body.require("limit", toBe: limit.text)
        let allowance = try body.decode(Body.self).allowance
        return try await engine.put(
            .putOverride(id, limit, allowance), request, missing: [.unknownLimit]
        ) { _ in
            var writer = JSONWriter()
            writer.object(OverrideAnswer(limit, allowance), Shapes.override)
            return writer.bytes
        }
    }
}
