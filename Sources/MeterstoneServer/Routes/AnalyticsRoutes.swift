import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// The operator's view of everyone.
struct AnalyticsRoutes: Sendable {
    let engine: MeterstoneEngine
    let options: ServerOptions

    func add(to routes: inout Routes) {
        routes.on(
            .get, "/v1/analytics/top", query: ["meter", "from", "until", "count"]
        ) { request, _ in
            guard options.isAnalyticsEnabled else { throw Problem.analyticsDisabled }
            return try await top(request)
        }
    }

    private func top(_ request: Request) async throws -> Response {
        let query = try Query(request)
        let meter = try query.required("meter", MeterKey.expectation) { MeterKey($0) }
        let span = try query.span()
        let count = try query.count(
            default: RequestLimits.topSubjectsDefault, max: RequestLimits.topSubjectsMax)
        guard try await engine.blueprint().meters.contains(where: { $0.key == meter }) else {
            throw Rejection(
                code: .unknownMeter, field: "meter", message: "there is no meter '\(meter)'")
        }
        let from = span.from ?? Instant(millisecondsSince1970: 0)
        let until = span.until ?? options.clock()
        let totals = try await engine.totals(of: meter, from: from, until: until)
        return Response { writer in
            writer.beginObject()
            writer.name("meter")
            writer.string(meter.text)
            writer.name("from")
            writer.instant(from)
            writer.name("until")
            writer.instant(until)
            writer.name("subjects")
            writer.beginArray()
            for total in totals.prefix(count) {
                writer.beginObject()
                writer.name("subject")
                writer.string(total.subject.text)
                writer.name("quantity")
                writer.integer(total.quantity.units)
                writer.endObject()
            }
            writer.endArray()
            writer.endObject()
        }
    }
}
