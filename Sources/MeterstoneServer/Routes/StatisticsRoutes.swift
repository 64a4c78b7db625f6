import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// What a subject did since the beginning and lately, and where that leads.
struct StatisticsRoutes: Sendable {
    let engine: MeterstoneEngine

    private static let path = "/v1/subjects/:subject"

    func add(to routes: inout Routes) {
        routes.on(.get, Self.path + "/lifetime") { _, context in
            let id: SubjectID = try context.parameter("subject")
            guard let statistics = try await engine.lifetime(of: id) else {
                throw Problem.missing(.unknownSubject, "subject \(id)")
            }
            return Response(statistics, Shapes.lifetime)
        }
        routes.on(.get, Self.path + "/statistics") { request, context in
            let id: SubjectID = try context.parameter("subject")
            let days = try Query(request).days()
            guard let statistics = try await engine.statistics(of: id, days: days) else {
                throw Problem.missing(.unknownSubject, "subject \(id)")
            }
            return Response(statistics, Shapes.statistics)
        }
        routes.on(.get, Self.path + "/periods") { request, context in
            let id: SubjectID = try context.parameter("subject")
            let query = try Query(request)
            let window =
                try query.optional("window", Window.expectation) { Window($0) } ?? .month
            let count =
                try query.number("count", in: UsagePeriods.countRange)
                ?? UsagePeriods.countDefault
            switch try await engine.periods(
                of: id, per: window, count: count, until: try query.instant("until"))
            {
            case .periods(let periods): return Response(periods, Shapes.periods)
            case .unknownSubject: throw Problem.missing(.unknownSubject, "subject \(id)")
            case .rejected(let rejection): throw rejection
            }
        }
        routes.on(.get, Self.path + "/plans-that-fit") { request, context in
            let id: SubjectID = try context.parameter("subject")
            let days = try Query(request).days()
            guard let fits = try await engine.plansThatFit(id, days: days) else {
                throw Problem.missing(.unknownSubject, "subject \(id)")
            }
            return Response(fits, Shapes.planFits)
        }
        routes.on(.get, Self.path + "/pace") { _, context in
            let id: SubjectID = try context.parameter("subject")
            guard let projection = try await engine.pace(of: id) else {
                throw Problem.missing(.unknownSubject, "subject \(id)")
            }
            return Response(projection, Shapes.pace)
        }
    }
}

extension Query {
    /// How many days to look at.
    fileprivate func days() throws(Rejection) -> Int {
        guard let text = text("days") else { return RecentStatistics.daysDefault }
        let range = RecentStatistics.daysRange
        guard let days = Int(text), range.contains(days), String(days) == text else {
            throw .invalid(
                "days", "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return days
    }
}
