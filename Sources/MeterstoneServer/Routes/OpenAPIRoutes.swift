import Hummingbird

/// The description of this interface, for programs.
struct OpenAPIRoutes: Sendable {
    private let guardian: Guardian
    private let guarded = OpenAPIDocument.json(isGuarded: true)
    private let open = OpenAPIDocument.json(isGuarded: false)

    init(guardian: Guardian) {
        self.guardian = guardian
    }

    func add(to routes: inout Routes) {
        routes.on(.get, "/openapi.json") { _, _ in
            // The first key of an administrator changes it.
            Response(json: try await guardian.asksForKey() ? guarded : open)
        }
    }
}
