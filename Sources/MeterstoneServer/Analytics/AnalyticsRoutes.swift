import Hummingbird
import Meterstone

/// The operator's view of everyone: a route for each report.
struct AnalyticsRoutes: Sendable {
    let engine: MeterstoneEngine
    let options: ServerOptions

    func add(to routes: inout Routes) {
        for report in AnalyticsReport.all {
            routes.on(.get, report.path) { request, _ in
                try await engine.requireAnalytics(options)
                return try await report.answer(engine, request)
            }
        }
    }
}
