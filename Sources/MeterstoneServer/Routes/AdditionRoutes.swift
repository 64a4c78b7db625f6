import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// What changes allowances of one subject for a time.
struct AdditionRoutes: Sendable {
    let engine: MeterstoneEngine
    let clock: @Sendable () -> Instant

    private static let path = "/v1/subjects/:subject/additions"

    func add(to routes: inout Routes) {
        routes.on(.get, Self.path) { _, context in
            let subject = try await engine.existingSubject(context)
            let additions = subject.additions.notEnded(at: clock())
            return try Response { writer in
                writer.beginObject()
                writer.name("additions")
                writer.json(try encoded(additions))
                writer.endObject()
            }
        }
        routes.on(.get, Self.path + "/:addition") { request, context in
            let subject = try await engine.existingSubject(context)
            let id: AdditionID = try context.parameter("addition")
            guard let addition = subject.additions.standing(id, at: clock()) else {
                throw Self.missing(subject.id, id)
            }
            return try request.answer(addition, try encoded(addition))
        }
        routes.on(.put, Self.path + "/:addition") { request, context in
            let id: SubjectID = try context.parameter("subject")
            let key: AdditionID = try context.parameter("addition")
            let json = try await request.json()
            let body = try AdministrativeBody(json, fields: Addition.fields)
            try body.require("id", toBe: key.text)
            let addition = try body.decode(Addition.self, adding: [("id", key.text)])
            return try await engine.put(.putAddition(id, addition), request, told: json)
        }
        routes.on(.delete, Self.path + "/:addition") { request, context in
            let id: SubjectID = try context.parameter("subject")
            let key: AdditionID = try context.parameter("addition")
            return try await engine.delete(
                .endAddition(id, key), request, missing: Self.missing(id, key))
        }
    }

    private static func missing(_ id: SubjectID, _ addition: AdditionID) -> Problem {
        .missing("unknown_addition", "addition \(addition) of \(id)")
    }
}
