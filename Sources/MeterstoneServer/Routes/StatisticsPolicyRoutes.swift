import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// Which meters a subject's statistics are about, and what there is to reach.
struct StatisticsPolicyRoutes: Sendable {
    let engine: MeterstoneEngine

    private static let path = "/v1/statistics-policy"

    func add(to routes: inout Routes) {
        routes.on(.get, Self.path) { request, _ in
            guard let policy = try await engine.blueprint().statistics else { throw Self.missing }
            return try request.answer(policy, try encoded(policy))
        }
        routes.on(.put, Self.path) { request, _ in
            let body = try AdministrativeBody(
                try await request.json(), fields: ["sessions", "milestones"],
                elements: ["milestones": ["key", "meter", "total", "streak"]],
                objects: ["sessions": ["completed", "length", "longest"]])
            let policy = try body.decode(StatisticsPolicy.self)
            return try await engine.put(.putStatisticsPolicy(policy), request)
        }
        routes.on(.delete, Self.path) { request, _ in
            try await engine.delete(.deleteStatisticsPolicy, request, missing: Self.missing)
        }
    }

    private static let missing = Problem.missing(
        "unknown_statistics_policy", "statistics policy")
}
