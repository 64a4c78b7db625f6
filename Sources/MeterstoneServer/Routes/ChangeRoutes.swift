import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore
import MeterstoneStore

/// The audit log: who changed what, when, from what to what.
struct ChangeRoutes: Sendable {
    let engine: MeterstoneEngine

    func add(to routes: inout Routes) {
        routes.on(.get, "/v1/changes", query: ["count", "cursor"]) { request, _ in
            try await list(request)
        }
    }

    private func list(_ request: Request) async throws -> Response {
        let query = try Query(request)
        let count = try query.count()
        let before = try query.cursor(.changes).map { (cursor) throws(Rejection) in
            try cursor.sequence()
        }
        let changes = try await engine.changes(before: before, count: count + 1)
        let page = changes.prefix(count)
        let next = changes.count > count ? page.last : nil
        return Response { writer in
            writer.beginObject()
            writer.name("changes")
            writer.beginArray()
            for change in page { writer.change(change) }
            writer.endArray()
            writer.nextCursor(
                next.map { Cursor(kind: .changes, position: String($0.sequence)) })
            writer.endObject()
        }
    }
}

extension JSONWriter {
    fileprivate mutating func change(_ change: ChangeEntry) {
        beginObject()
        name("sequence")
        integer(change.sequence)
        name("recordedAt")
        instant(change.recordedAt)
        name("author")
        string(change.author)
        name("kind")
        string(change.kind)
        name("key")
        string(change.key)
        name("before")
        if let before = change.before { json(before) } else { null() }
        name("after")
        if let after = change.after { json(after) } else { null() }
        endObject()
    }
}
