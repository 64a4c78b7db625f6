import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// What a gauge shows, item by item.
struct ItemRoutes: Sendable {
    let engine: MeterstoneEngine

    func add(to routes: inout Routes) {
        routes.on(.get, "/v1/subjects/:subject/meters/:meter/items") { request, context in
            try await list(request, context)
        }
    }

    private func list(_ request: Request, _ context: ServerContext) async throws -> Response {
        let subject: SubjectID = try context.parameter("subject")
        let meter: MeterKey = try context.parameter("meter")
        let query = try Query(request)
        let position = try query.cursor(.items).map { (cursor) throws(Rejection) in
            try cursor.heldItemPosition()
        }
        let outcome = try await engine.heldItems(
            of: subject, meter: meter, after: position, count: try query.count())
        switch outcome {
        case .page(let page): return Response(Page(page), Shapes.heldItems)
        case .rejected(let rejection): throw Problem(rejection, missing: [.unknownMeter])
        }
    }
}
