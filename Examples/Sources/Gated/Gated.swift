import Hummingbird
import Meterstone
import MeterstoneCore
import MeterstoneHummingbird
import MeterstoneSQLite

/// A server of one's own whose route costs tokens: `curl 'localhost:8081/answers?user=ada'`. A hundred tokens are
/// set aside for each answer, and what it took is counted.
@main struct Gated {
    static func main() async throws {
        let tokens = MeterKey(unchecked: "tokens")
        let daily = Limit(
            key: LimitKey(unchecked: "tokens_daily"), meter: tokens, window: .day,
            defaultAllowance: .units(1_000))
        let engine = MeterstoneEngine(store: try SQLiteStore(directory: "./meterstone-data"))
        _ = try await engine.apply(
            Blueprint(meters: [Meter(key: tokens)], limits: [daily]), author: "example")

        let meter = MeterMiddleware<BasicRequestContext>(engine) { request, _ in
            guard let user = request.uri.queryParameters["user"],
                let subject = SubjectID(String(user))
            else { throw HTTPError(.badRequest, message: "expected ?user=NAME") }
            return Use(by: subject, .one(tokens, 100))
        }
        let router = Router()
        router.group("answers").add(middleware: meter).get { _, _ in
            let answer = "forty-two"
            MeasuredUse.current?.report(.one(tokens, Quantity(Int64(answer.utf8.count))))
            return answer
        }
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 8_081)))
        try await application.runService()
        await engine.shutdown()
    }
}
