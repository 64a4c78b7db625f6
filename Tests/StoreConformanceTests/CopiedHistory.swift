import Meterstone
import MeterstoneCore
import MeterstonePostgres
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// A store that is opened by hand, to be copied. Confined to its test.
final class CopiedPlace {
    private let options: StoreOptions
    private let open: (StoreOptions) throws -> any Store
    private var opened: (any Store)?

    init(_ kind: StoreUnderTest, _ options: StoreOptions = StoreUnderTest.options()) throws {
        self.options = options
        switch kind {
        case .memory:
            let store = MemoryStore(options: options)
            open = { _ in store }
        case .sqlite:
            let folder = TemporaryFolder()
            open = { try SQLiteStore(directory: folder.path, options: $0) }
        case .postgres:
            let postgres = PostgresOptions(
                url: try PostgresServer.shared().makeDatabase(), patience: PostgresServer.patience)
            open = { try PostgresStore(postgres, options: $0) }
        }
    }

    /// The store, opened if it is not open.
    func store() throws -> any Store {
        if let opened { return opened }
        let store = try open(options)
        opened = store
        return store
    }

    /// The same place, as another node opens it.
    func another() throws -> any Store { try open(options) }

    func close() throws {
        try opened?.close()
        opened = nil
    }

    /// Runs an engine on the store, which is closed afterwards.
    func withEngine<Result>(
        _ body: (MeterstoneEngine, ManualClock) async throws -> Result
    ) async throws -> Result {
        let clock = ManualClock()
        let engine = MeterstoneEngine(store: try store(), clock: { clock.now })
        opened = nil
        do {
            let result = try await body(engine, clock)
            await engine.shutdown()
            return result
        } catch {
            await engine.shutdown()
            throw error
        }
    }
}

/// Something of everything that a store can hold.
enum CopiedHistory {
    static let end = Instant.at("2026-03-11T20:00:00Z")
    static let visitors = MeterKey(unchecked: "visitors")
    static let size = MeterKey(unchecked: "size")
    static let peak = MeterKey(unchecked: "peak")
    static let stock = MeterKey(unchecked: "stock")
    static let area = MeterKey(unchecked: "area")
    static let seats = MeterKey(unchecked: "seats")
    static let meters: [MeterKey] = [
        .prompts, .seconds, .exports, visitors, size, peak, stock, area, seats,
    ]
    static let cid = SubjectID(unchecked: "cid")
    static let äda = SubjectID(unchecked: "äda 😀")

    static let text = UsageEvent.of(
        .bob, [.prompts: 3], id: "e-1", at: "2026-03-09T10:00:00Z", source: "web")
    static let uuid = UsageEvent.of(
        .ada, [.prompts: 1], id: "0190cafe-0000-7000-8000-00000000beef",
        at: "2026-03-10T11:00:00Z", source: "app", dimensions: ["model": "gpt", "visitor": "v9"])
    static let ofAda = UsageEvent.of(.ada, [.prompts: 4], id: "e-2", at: "2026-03-11T15:00:00Z")
    static let keyed = Change.putSubject(Subject(id: cid, name: "Cid", metadata: ["a": "b"]))

    static let statistics = StatisticsPolicy(
        sessions: SessionMeters(completed: .prompts, length: .seconds, longest: peak),
        milestones: [
            MilestoneRule(key: MilestoneKey(unchecked: "a"), goal: .total(.prompts, 5)),
            MilestoneRule(key: MilestoneKey(unchecked: "b"), goal: .streak(3)),
        ])

    static func record(in engine: MeterstoneEngine, _ clock: ManualClock) async throws {
        try await setUp(engine)
        try await engine.count(text, uuid)
        // Other content under an id that another source uses.
        try await engine.count(
            .of(.bob, [.prompts: 1], id: "e-1", at: "2026-03-09T11:00:00Z", source: "app"))
        for day in 1...9 {
            let at = "2026-0\(day % 3 + 1)-0\(day)T2\(day % 4):30:00Z"
            try await engine.count(
                .of(.ada, [.seconds: Int64(day)], id: "a-\(day)", at: at),
                .of(.bob, [size: Int64(day * 7 % 5), peak: Int64(day * 3 % 7)], at: at),
                .of(
                    äda, [.exports: 1], at: at, type: "visit",
                    dimensions: ["visitor": "v\(day % 4)"]),
                .of(cid, [.prompts: 1], at: "2001-12-31T23:59:59Z", status: .failed))
        }
        try await engine.put(
            .putSubscription(
                .ada, Subscription(plan: .pro, startsAt: .at("2026-01-31T10:00:00Z"))))
        #expect(try await engine.void("a-3").code == "corrected")
        #expect(try await engine.amend("a-4", [.seconds: 40]).code == "corrected")
        clock.set(end)
        try await engine.count(ofAda)
        // Counters of the past that are not folded before somebody asks.
        try await engine.put(.putLimit(.limit("yearly", 50, per: .year)))
        try await engine.put(.putMeter(Meter(key: .exports, eventTypes: ["visit"])))
        #expect(try await engine.decide("bob", 2).isAllowed)
        #expect(try await !engine.decide("bob", 50).isAllowed)
        _ = try await engine.consume(.of(.bob, [.seconds: 30]))
        try await engine.put(.deletePlan(.big))
        try await engine.put(.putAlias(.ada, alias: SubjectID(unchecked: "ada@example.org")))
        try await engine.put(
            .renameSubject(
                SubjectID(unchecked: "idle"), to: SubjectID(unchecked: "asleep")))
    }

    private static func setUp(_ engine: MeterstoneEngine) async throws {
        let rolling = Limit.limit("rolling", 1_000, of: .seconds, per: .rolling(seconds: 7_200))
        try await engine.setUp(
            meters: [
                Meter(key: .prompts), Meter(key: .seconds),
                Meter(key: .exports, aggregation: .count, eventTypes: ["visit"]),
                Meter(
                    key: visitors, aggregation: .uniqueCount, eventTypes: ["visit"],
                    uniqueDimension: "visitor"),
                Meter(key: size, aggregation: .latest), Meter(key: peak, aggregation: .max),
                Meter(key: stock, aggregation: .gauge, quantityName: size),
                Meter(key: area, aggregation: .integral, quantityName: size),
                Meter(
                    key: seats, aggregation: .gauge, eventTypes: ["visit"],
                    uniqueDimension: "visitor"),
            ],
            plans: [
                Plan(key: .free, isDefault: true), Plan(key: .big),
                Plan(key: .pro, price: Money(millionths: 99_000_000), billingPeriod: .year),
            ],
            limits: [
                .daily(10), rolling, .limit("bill", 100, per: .billingMonth),
                .limit("shadow", 20, of: .seconds, per: .day, mode: .shadow),
                .limit("people", 9, of: visitors, per: .week(startsOn: .monday)),
                .limit("gpt", 9, per: .hour, dimensions: ["model": ["gpt"]]),
            ])
        try await engine.put(.putStatisticsPolicy(statistics))
        try await engine.put(
            .putSwitches(Switches(credits: Switch(rollout: Rollout(percent: 100)))))
        try await engine.put(keyed, key: "key-1")
        try await engine.put(.putSubject(Subject(id: .company)))
        try await engine.put(
            .putSubject(Subject(id: .team, timeZone: "Asia/Kathmandu", parent: .company)))
        try await engine.put(
            .putSubject(Subject(id: .ada, timeZone: "America/New_York", parent: .team)))
        try await engine.put(.putSubject(Subject(id: .bob, parent: .team)))
        try await engine.put(.putOverride(.bob, LimitKey(unchecked: "bill"), .unlimited))
        try await engine.put(
            .putSubject(Subject(id: SubjectID(unchecked: "idle"), blocked: true, name: "Idle")))
    }

    /// What people are told of all this.
    static func numbers(of engine: MeterstoneEngine) async throws -> [String] {
        var lines: [String] = []
        for subject in try await engine.subjects(after: nil, count: 100) {
            lines.append("\(subject) \(try await engine.aliases(of: subject.id) ?? [])")
            lines.append("\(try await engine.times(of: .subject(subject.id)) ?? Times())")
            let limits = try await engine.limits(of: subject.id)
            lines += limits.map { "\(subject.id) \($0)" }
            for meter in meters {
                for window in [Window.lifetime, .day, .month] {
                    let quantities = try await engine.quantities(
                        of: subject.id, meter, per: window, from: "2026-01-01T00:00:00Z",
                        until: "2026-03-12T00:00:00Z")
                    lines.append("\(subject.id) \(meter) \(window) \(quantities)")
                }
            }
        }
        lines += try await engine.changes(before: nil, count: 100).map { "\($0)" }
        let blueprint = try await engine.blueprint()
        lines += blueprint.limits.map(\.key.text).sorted()
        lines += blueprint.plans.map { "\($0)" } + ["\(blueprint.statistics, default: "none")"]
        return lines
    }
}
