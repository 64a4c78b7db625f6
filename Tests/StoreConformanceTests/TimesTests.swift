import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// When things came to be, and when they were written about last.
@Suite struct TimesTests {
    private static let start = Instant.at("2026-03-29T00:30:00Z")

    private static func times(_ created: Int64, _ updated: Int64) -> Times {
        Times(
            createdAt: start.advanced(byMilliseconds: created * 1_000),
            updatedAt: start.advanced(byMilliseconds: updated * 1_000))
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what is written has times, also after a deletion`(store: StoreUnderTest) async throws {
        let clock = ManualClock(Self.start)
        try await store.withSession(clock: clock) { session in
            let changes: [Change] = [
                .putMeter(Meter(key: .prompts)), .putPlan(Plan(key: .pro)), .putLimit(.daily(5)),
                .putLimit(.daily(6)), .putLimit(.daily(6)), .deletePlan(.pro),
                .putPlan(Plan(key: .pro, rank: 2)), .putPlan(Plan(key: .pro, rank: 3)),
                .deleteLimit(.daily),
            ]
            for change in changes {
                try await session.engine.put(change)
                clock.advance(bySeconds: 1)
            }
            for _ in 0..<2 {
                let engine = session.engine
                #expect(try await engine.times(of: .meter(.prompts)) == Self.times(0, 0))
                // The same once more is no change, and what was deleted began anew.
                #expect(try await engine.times(of: .plan(.pro)) == Self.times(6, 7))
                #expect(try await engine.times(of: .limit(.daily)) == nil)
                #expect(try await engine.times(of: .plan(.free)) == nil)
                #expect(try await engine.times(ofKind: "plan") == ["pro": Self.times(6, 7)])
                try await session.reopen()
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a subject is there since its first fact`(store: StoreUnderTest) async throws {
        let clock = ManualClock(Self.start)
        try await store.withSession(clock: clock) { session in
            let engine = session.engine
            try await engine.setUp()
            #expect(try await engine.times(of: .subject(.ada)) == nil)
            // What occurred before does not make it older.
            try await engine.count(.of(.ada, at: "2026-03-01T00:00:00Z"))
            clock.advance(bySeconds: 1)
            #expect(try await engine.times(of: .subject(.ada)) == Self.times(0, 0))
            try await engine.put(.putSubject(Subject(id: .bob, parent: .team)))
            clock.advance(bySeconds: 1)
            try await engine.put(
                .putSubscription(.ada, Subscription(plan: .pro, startsAt: Self.start)))
            #expect(try await engine.times(of: .subscription(.ada)) == nil)
            try await engine.put(.putPlan(Plan(key: .pro)))
            try await engine.put(
                .putSubscription(.ada, Subscription(plan: .pro, startsAt: Self.start)))
            clock.advance(bySeconds: 1)
            try await engine.flush()
            try await engine.count(.of(.ada))
            try await engine.put(.putSubject(Subject(id: .bob, parent: .team, name: "Bob")))
            for _ in 0..<2 {
                let engine = session.engine
                #expect(try await engine.times(of: .subject(.ada)) == Self.times(0, 2))
                #expect(try await engine.times(of: .subscription(.ada)) == Self.times(2, 2))
                #expect(try await engine.times(of: .subscription(.bob)) == nil)
                let page = try await engine.timedSubjects(after: nil, count: 10)
                #expect(page.map(\.subject.id) == [.ada, .bob, .team])
                // Nothing was ever written of a team that a member named.
                #expect(
                    page.map(\.times) == [Self.times(0, 2), Self.times(1, 3), Self.times(1, 1)])
                #expect(try await engine.verify().isClean)
                try await session.reopen()
            }
            try await session.engine.put(.deleteSubject(.ada))
            #expect(try await session.engine.times(of: .subject(.ada)) == Self.times(0, 3))
            #expect(try await session.engine.times(of: .subscription(.ada)) == nil)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a grant is there since it was made`(store: StoreUnderTest) async throws {
        let clock = ManualClock(Self.start)
        try await store.withSession(clock: clock) { session in
            try await session.engine.setUp(
                credits: CreditPolicy(prices: [.prompts: 1]))
            for id in ["g1", "g2"] {
                try await session.engine.put(
                    .grantCredit(.ada, GrantOrder(id: GrantID(id), amount: 10)))
                clock.advance(bySeconds: 1)
            }
            for _ in 0..<2 {
                let grants = try await session.engine.wallet(of: .ada).grants
                #expect(grants.map(\.times) == [Self.times(0, 0), Self.times(1, 1)])
                #expect(try await session.engine.verify().isClean)
                try await session.reopen()
            }
        }
    }
}
