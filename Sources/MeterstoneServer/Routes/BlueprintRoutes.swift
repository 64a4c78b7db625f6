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
            let query = try Query(request)
            let name = try query.name("name")
            let isMerge = try query.flag("merge") ?? false
            let isDryRun = try query.flag("dryRun") ?? false
            guard isMerge || !isDryRun else {
                throw Rejection.invalid("dryRun", "merge=true beside dryRun=true")
            }
            let blueprint = try AdministrativeBody(
                try await request.json(), fields: Self.fields, elements: Self.elements,
                objects: Self.objects
            ).decode(Blueprint.self)
            let author = try request.headers.author()
            let steps =
                isMerge
                ? try await engine.merge(
                    blueprint, named: name, isDryRun: isDryRun, author: author)
                : try await engine.apply(blueprint, named: name, author: author)
            if let rejection = blueprint.rejection(steps) { throw rejection }
            return Response(steps, Shapes.blueprintSteps)
        }
        routes.on(.get, "/v1/imports") { _, _ in
            Response(try await engine.imports(), Shapes.imports)
        }
        routes.on(.post, "/v1/imports") { request, _ in
            let body = try AdministrativeBody(
                try await request.json(), fields: Self.fieldsOfImports)
            let note = try body.decode(ImportedFileNote.self)
            if let rejection = note.mistake { throw rejection }
            return try await engine.put(.noteImport(note), request)
        }
    }

    private static let fields = [
        "meters", "plans", "limits", "credits", "models", "statistics", "alerts",
        "switches",
    ]
    private static let elements = CatalogCollection.meters.elementsOfBlueprint
        .merging(CatalogCollection.plans.elementsOfBlueprint) { $1 }
        .merging(CatalogCollection.limits.elementsOfBlueprint) { $1 }
        .merging(CatalogCollection.models.elementsOfBlueprint) { $1 }
        .merging(CatalogCollection.alerts.elementsOfBlueprint) { $1 }
        .merging(["statistics.milestones": ["key", "meter", "total", "streak"]]) { $1 }
    private static let objects = [
        "credits": ["enabled", "payment", "prices"] + EffectiveCreditPolicy.fields,
        "statistics": ["sessions", "milestones"], "switches": Switches.fields,
        "statistics.sessions": ["completed", "length", "longest"],
    ].merging(CatalogCollection.plans.objectsOfBlueprint) { $1 }
        .merging(CatalogCollection.limits.objectsOfBlueprint) { $1 }
        .merging(SwitchRoutes.objects.map { ("switches.\($0.key)", $0.value) }) { $1 }

    private static let fieldsOfImports = [
        "name", "source", "bytes", "digest", "scope", "mapping", "counted",
    ]
}

extension CatalogCollection {
    /// The names that its things, and the objects in them, may have within a blueprint.
    fileprivate var elementsOfBlueprint: [String: [String]] {
        var result = [name: fields + shownFields]
        for (member, names) in elements { result["\(name).\(member)"] = names }
        return result
    }

    fileprivate var objectsOfBlueprint: [String: [String]] {
        Dictionary(uniqueKeysWithValues: objects.map { ("\(name).\($0.key)", $0.value) })
    }
}

extension ImportedFileNote {
    fileprivate var mistake: Rejection? {
        if let source, !SubjectID.isValid(source) {
            return .invalid("source", SubjectID.expectation)
        }
        let number = "a whole number from 0 to \(Int64.max)"
        if bytes < 0 { return .invalid("bytes", number) }
        return (counted ?? 0) < 0 ? .invalid("counted", number) : nil
    }
}

extension Blueprint {
    /// The first rejection of a part, with the path of the part.
    fileprivate func rejection(_ steps: [BlueprintStep]) -> Rejection? {
        for step in steps {
            guard case .rejected(let rejection) = step.outcome else { continue }
            return rejection.within(Self.path(ofPart: step, in: self))
        }
        return nil
    }

    private static func path(ofPart step: BlueprintStep, in blueprint: Blueprint) -> String {
        func place(_ name: String, _ keys: [String]) -> String {
            "\(name)[\(keys.firstIndex(of: step.key) ?? 0)]"
        }
        switch step.kind {
        case "meter": return place("meters", blueprint.meters.map(\.key.text))
        case "plan": return place("plans", blueprint.plans.map(\.key.text))
        case "limit": return place("limits", blueprint.limits.map(\.key.text))
        case "model": return place("models", blueprint.models.map(\.key.text))
        case "alert": return place("alerts", blueprint.alerts.map(\.key.text))
        case "creditPolicy": return "credits"
        default: return "statistics"
        }
    }
}
