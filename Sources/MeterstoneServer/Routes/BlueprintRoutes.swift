import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// Meters, plans, limits, prices, models and statistics as one set, and the files that were imported.
struct BlueprintRoutes: Sendable {
    let engine: MeterstoneEngine

    func add(to routes: inout Routes) {
        routes.on(.get, "/v1/blueprint") { _, _ in
            Response(json: try encoded(try await engine.blueprint()))
        }
        routes.on(.put, "/v1/blueprint") { request, _ in
            let name = try Query(request).optional("name", SubjectID.expectation) {
                SubjectID($0)?.text
            }
            let blueprint = try AdministrativeBody(
                try await request.json(), fields: Self.fields, elements: Self.elements,
                objects: Self.objects
            ).decode(Blueprint.self)
            let steps = try await engine.apply(
                blueprint, named: name, author: try request.headers.author())
            return Response(steps, Shapes.blueprintSteps)
        }
        routes.on(.get, "/v1/imports") { _, _ in
            Response(try await engine.imports(), Shapes.imports)
        }
        routes.on(.post, "/v1/imports") { request, _ in
            let body = try AdministrativeBody(
                try await request.json(), fields: Self.fieldsOfImports)
            let note = try body.decode(ImportedFileNote.self)
            return try await engine.put(.noteImport(note), request)
        }
    }

    private static let fields = ["meters", "plans", "limits", "credits", "models", "statistics"]
    private static let elements = CatalogCollection.meters.elementsOfBlueprint
        .merging(CatalogCollection.plans.elementsOfBlueprint) { $1 }
        .merging(CatalogCollection.limits.elementsOfBlueprint) { $1 }
        .merging(CatalogCollection.models.elementsOfBlueprint) { $1 }
        .merging(["statistics.milestones": ["key", "meter", "total", "streak"]]) { $1 }
    private static let objects = [
        "credits": ["enabled", "payment", "prices"], "statistics": ["sessions", "milestones"],
        "statistics.sessions": ["completed", "length", "longest"],
    ]

    private static let fieldsOfImports = [
        "name", "source", "bytes", "digest", "scope", "mapping", "counted",
    ]
}

extension CatalogCollection {
    /// The names that its things, and the objects in them, may have within a blueprint.
    fileprivate var elementsOfBlueprint: [String: [String]] {
        var result = [name: fields]
        for (member, names) in elements { result["\(name).\(member)"] = names }
        return result
    }
}
