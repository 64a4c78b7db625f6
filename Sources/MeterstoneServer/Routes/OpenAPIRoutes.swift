import Hummingbird

/// The description of this interface, for programs.
struct OpenAPIRoutes: Sendable {
    private let json: [UInt8]

    /// - Parameter isGuarded: whether the server asks for an administrator key.
    init(isGuarded: Bool) {
        json = OpenAPIDocument.json(isGuarded: isGuarded)
    }

    func add(to routes: inout Routes) {
        routes.on(.get, "/openapi.json") { _, _ in
            Response(json: json)
        }
    }
}
