import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore
import MeterstoneStore

/// The audit log: who changed what, when, from what to what.
struct ChangeRoutes: Sendable {
    let engine: MeterstoneEngine

    func add(to routes: inout Routes) {
        routes.on(.get, "/v1/changes") { request, _ in
            try await list(request)
        }
    }

    private func list(_ request: Request) async throws -> Response {
        let query = try Query(request)
        let count = try query.count()
        let before = try query.cursor(.changes).map { (cursor) throws(Rejection) in
            try cursor.sequence()
        }
        let kind = try query.optional("kind", "one of \(ChangeEntry.kinds.joined(separator: ", "))")
        {
            ChangeEntry.kinds.contains($0) ? $0 : nil
        }
        let key = query.text("key")
        guard key == nil || kind != nil else {
            throw Rejection.missing("kind", "the kind beside key")
        }
        let changes =
            if let kind {
                try await engine.changes(
                    ofKind: kind, key: key, before: before, count: count + 1)
            } else {
                try await engine.changes(before: before, count: count + 1)
            }
        let page = changes.prefix(count)
        let next = changes.count > count ? page.last : nil
        return Response(
            Page(
                Array(page),
                next: next.map { Cursor(kind: .changes, position: String($0.sequence)) }),
            Shapes.changes)
    }
}
