import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// What is in force at all, and for whom.
struct SwitchRoutes: Sendable {
    let engine: MeterstoneEngine

    private static let path = "/v1/switches"

    func add(to routes: inout Routes) {
        routes.on(.get, Self.path) { request, _ in
            guard let switches = try await engine.blueprint().switches else { throw Self.missing }
            return try request.answer(switches, try encoded(switches))
        }
        routes.on(.put, Self.path) { request, _ in
            let body = try AdministrativeBody(
                try await request.json(), fields: Switches.fields,
                objects: Self.objects)
            let switches = try body.decode(Switches.self)
            return try await engine.put(.putSwitches(switches), request)
        }
        routes.on(.delete, Self.path) { request, _ in
            try await engine.delete(.deleteSwitches, request, missing: Self.missing)
        }
    }

    /// The names that the objects in the body may have.
    static let objects: [String: [String]] = Switches.fields.reduce(into: [:]) { objects, name in
        objects[name] = Switch.fields
        objects["\(name).rollout"] = Rollout.fields
    }

    private static let missing = Problem.missing("unknown_switches", "switches")
}

extension MeterstoneEngine {
    /// Throws where reports are switched off, at start or since.
    func requireAnalytics(_ options: ServerOptions) async throws {
        guard options.isAnalyticsEnabled,
            try await blueprint().switches?.analytics.state ?? .on == .on
        else { throw Problem.analyticsDisabled }
    }
}
