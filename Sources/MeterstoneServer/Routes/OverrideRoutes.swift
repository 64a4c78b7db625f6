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
            return Response { $0.overrides(subject.overrides) }
        }
        routes.on(.get, Self.path) { request, context in
            let subject = try await engine.existingSubject(context)
            let limit: LimitKey = try context.parameter("limit")
            guard let allowance = subject.overrides[limit] else {
                throw Self.missing(subject.id, limit)
            }
            var writer = JSONWriter()
            writer.override(limit, allowance)
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

    private func put(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
        let id: SubjectID = try context.parameter("subject")
        let limit: LimitKey = try context.parameter("limit")
        let body = try AdministrativeBody(try await request.json(), fields: ["limit", "allowance"])
        try body.require("limit", toBe: limit.text)
        let allowance = try body.decode(Body.self).allowance
        return try await engine.put(
            .putOverride(id, limit, allowance), request, missing: [.unknownLimit]
        ) { _ in
            var writer = JSONWriter()
            writer.override(limit, allowance)
            return writer.bytes
        }
    }
}

extension JSONWriter {
    fileprivate mutating func overrides(_ overrides: [LimitKey: Allowance]) {
        beginObject()
        name("overrides")
        beginArray()
        for (limit, allowance) in overrides.sorted(by: { $0.key < $1.key }) {
            override(limit, allowance)
        }
        endArray()
        endObject()
    }

    fileprivate mutating func override(_ limit: LimitKey, _ allowance: Allowance) {
        beginObject()
        name("limit")
        string(limit.text)
        name("allowance")
        integer(allowance.wire)
        endObject()
    }
}
