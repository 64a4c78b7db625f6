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
        let changes = try await engine.changes(before: before, count: count + 1)
        let page = changes.prefix(count)
        let next = changes.count > count ? page.last : nil
        return Response(
            Page(
                Array(page),
                next: next.map { Cursor(kind: .changes, position: String($0.sequence)) }),
            Shapes.changes)
    }
}

extension Shapes {
    static let change = Shape<ChangeEntry>(
        "Change",
        [
            Member("sequence", .integer(from: 1), \.sequence, "Its place among all facts."),
            Member("recordedAt", .instant, \.recordedAt),
            Member("author", .text, \.author),
            Member(
                "kind",
                .oneOf([
                    "meter", "plan", "limit", "subject", "subscription", "override",
                    "creditPolicy", "statisticsPolicy", "model", "creditGrant", "refund",
                    "appliedBlueprint", "importedFile",
                ]), \.kind, "What was changed."),
            Member("key", .text, \.key, "Which one."),
            Member(
                "before", Wire<String>.json(.anything).orNull, \.before,
                "As it was; null: it did not exist."),
            Member(
                "after", Wire<String>.json(.anything).orNull, \.after,
                "As it is; null: it was deleted."),
        ])

    static let changes = page("ChangeList", "changes", of: change)
}
