import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// An engine over a store in memory, with the meters and limits of the chat flow and a clock that
/// stands still at noon UTC.
struct RequestsWorld {
    let engine: MeterstoneEngine
    let clock: ManualClock
    let tracker: RequestTracker

    static let ada = SubjectID(unchecked: "ada")
    static let gpt = ModelKey(unchecked: "gpt-4")

    /// Free: 10 a day, 12 a month, 4,000 tokens a request.
    static let blueprint = Blueprint(
        meters: [Meter(key: RequestTracker.requests), Meter(key: RequestTracker.tokens)],
        plans: [
            Plan(key: PlanKey(unchecked: "free"), isDefault: true),
            Plan(key: PlanKey(unchecked: "team"), rank: 1),
        ],
        limits: [
            limit("requests_daily", RequestTracker.requests, .day, 10),
            limit("requests_monthly", RequestTracker.requests, .month, 12),
            limit("tokens_per_request", RequestTracker.tokens, .request, 4_000),
        ],
        models: [Model(key: gpt, prices: [ModelPrice(input: dollars(30), output: dollars(60))])])

    static func limit(
        _ key: String, _ meter: MeterKey, _ window: Window, _ units: Int64
    ) -> Limit {
        Limit(
            key: LimitKey(unchecked: key), meter: meter, window: window,
            allowances: [
                PlanKey(unchecked: "free"): .units(Quantity(units)),
                PlanKey(unchecked: "team"): .unlimited,
            ])
    }

    static func dollars(_ dollars: Int64) -> Money { Money(millionths: dollars * 1_000_000) }

    static func run<Answer>(
        _ blueprint: Blueprint = Self.blueprint, storedText: StoredText = .standard,
        _ body: (RequestsWorld) async throws -> Answer
    ) async throws -> Answer {
        let zones = ZoneDatabase()
        var options = StoreOptions()
        options.zoneRules = { zones.rules(named: $0) }
        let clock = ManualClock()
        let engine = MeterstoneEngine(
            store: MemoryStore(options: options), clock: { clock.now })
        for step in try await engine.apply(blueprint, author: "test") {
            #expect(step.outcome == .created)
        }
        let answer = try await body(
            RequestsWorld(
                engine: engine, clock: clock,
                tracker: RequestTracker(engine, storedText: storedText)))
        await engine.shutdown()
        return answer
    }

    // MARK: Shorter

    func start(
        _ id: String, of subject: SubjectID = Self.ada, tokens: Int64 = 100,
        model: ModelKey? = Self.gpt
    ) async throws -> RequestStartOutcome {
        try await tracker.start(
            RequestStart(
                id: .text(id), subject: subject, prompt: "Hello", model: model,
                estimatedTokens: tokens))
    }

    /// Starts a request that has to be let in.
    @discardableResult
    func started(
        _ id: String, of subject: SubjectID = Self.ada, tokens: Int64 = 100,
        model: ModelKey? = Self.gpt
    ) async throws -> StartedRequest {
        let outcome = try await start(id, of: subject, tokens: tokens, model: model)
        guard case .started(let started) = outcome else {
            throw Unexpected(what: "\(outcome)")
        }
        return started
    }

    /// Ends a request that has to be there.
    @discardableResult
    func finished(_ end: RequestEnd) async throws -> EndedRequest {
        let outcome = try await tracker.finish(end)
        guard case .done(let ended) = outcome else { throw Unexpected(what: "\(outcome)") }
        return ended
    }

    func used(
        _ meter: MeterKey, of subject: SubjectID = Self.ada, window: Window = .lifetime
    ) async throws -> Int64? {
        guard
            case .series(let series) = try await engine.usage(
                of: subject, meter: meter, window: window)
        else { return nil }
        return series.points.last?.quantity.units
    }

    func dashboard(of subject: SubjectID = Self.ada) async throws -> RequestDashboard {
        guard case .dashboard(let dashboard) = try await tracker.dashboard(of: subject) else {
            throw Unexpected(what: "there is no dashboard")
        }
        return dashboard
    }

    struct Unexpected: Error {
        let what: String
    }
}
