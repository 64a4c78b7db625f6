import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What is kept of closed months: in copies, and after a crash.
@Suite struct ClosedMonthKeepingTests {
    private static let february = CivilMonth("2026-02") ?? CivilMonth(number: 0)
    private static let late = UsageEvent.of(
        .ada, [.prompts: 3], id: "late", at: "2026-02-20T10:00:00Z")

    private static func use(_ engine: MeterstoneEngine) async throws {
        try await engine.setUp()
        try await engine.count(
            .of(.ada, [.prompts: 5], id: "before", at: "2026-02-10T10:00:00Z"))
        try await engine.put(.closeMonth(february))
        try await engine.count(late)
    }

    /// Everything that closing a month decides.
    private static func state(_ engine: MeterstoneEngine) async throws -> [String] {
        let months = try await engine.closedMonths().map { "\($0)" }
        let events = try await engine.events(of: .ada).events.map { event in
            "\(event.event.occurredAt?.rfc3339 ?? "") \(String(describing: event.adjustment))"
        }
        let statements = [
            try await engine.statement(of: february),
            try await engine.statement(of: february, for: .ada),
        ]
        return months + events + statements.map { "\($0)" }
    }

    private static func goOn(_ engine: MeterstoneEngine) async throws {
        let again = try await engine.record([late])
        #expect(again.map(\.code) == ["duplicate"])
        #expect(try await engine.put(.closeMonth(february)) == .unchanged)
        #expect(try await engine.void("before").code == "month_closed")
        try await engine.count(.of(.ada, id: "later", at: "2026-02-20T10:00:00Z"))
        #expect(
            try await engine.quantities(
                of: .ada, per: .month, from: "2026-02-01T00:00:00Z", until: "2026-04-01T00:00:00Z")
                == [5, 4])
        try await engine.expectClean()
    }

    private static let ways: [(StoreUnderTest, StoreUnderTest)] = [
        (.memory, .sqlite), (.sqlite, .postgres), (.postgres, .sqlite),
    ]

    @Test(arguments: ways)
    func `a copy has closed months, their statements and what was adjusted`(
        from: StoreUnderTest, to: StoreUnderTest
    ) async throws {
        let (source, target) = (try CopiedPlace(from), try CopiedPlace(to))
        let before = try await source.withEngine { engine, _ in
            try await Self.use(engine)
            return try await Self.state(engine)
        }
        let report = try StoreCopy.run(from: try source.store(), to: try target.store())
        #expect(report.differences == [])
        try source.close()
        try await target.withEngine { engine, _ in
            #expect(try await Self.state(engine) == before)
            try await Self.goOn(engine)
        }
        try target.close()
    }

    @Test func `a crash after the closing changes nothing of it`() async throws {
        let (folder, left) = (TemporaryFolder(), TemporaryFolder())
        let clock = ManualClock()
        let options = StoreUnderTest.options()
        let engine = MeterstoneEngine(
            store: try SQLiteStore(directory: folder.path, options: options),
            clock: { clock.now })
        try await Self.use(engine)
        let before = try await Self.state(engine)
        try folder.copyDatabase(to: left)
        await engine.shutdown()
        let other = MeterstoneEngine(
            store: try SQLiteStore(directory: left.path, options: options), clock: { clock.now })
        #expect(try await Self.state(other) == before)
        try await Self.goOn(other)
        await other.shutdown()
    }

    /// Whoever closes has the catalog alone, so that no commit of another node comes in between.
    @Test func `a node of PostgreSQL knows at once what another one closed`() async throws {
        let place = try CopiedPlace(.postgres)
        let clock = ManualClock()
        let engines = [try place.another(), try place.another()].map { store in
            MeterstoneEngine(store: store, clock: { clock.now })
        }
        try await Self.use(engines[0])
        try await Self.goOn(engines[1])
        let terms = ReservationTerms(milliseconds: 60_000)
        clock.set(.at("2026-03-31T23:59:30Z"))
        _ = try await engines[1].reserve(.of(.bob, id: "open"), terms)
        clock.set(.at("2026-04-01T00:00:00Z"))
        let march = Change.closeMonth(Self.february.next)
        #expect(try await engines[0].put(march).code == "reservation_open")
        _ = try await engines[1].settle(try #require(EventID("open")))
        #expect(try await engines[0].put(march) == .created)
        try await engines[1].count(.of(.bob, [.prompts: 2], at: "2026-03-31T00:00:00Z"))
        #expect(
            try await engines[0].quantities(
                of: .bob, per: .month, from: "2026-03-01T00:00:00Z", until: "2026-05-01T00:00:00Z")
                == [1, 2])
        for engine in engines { await engine.shutdown() }
    }
}
