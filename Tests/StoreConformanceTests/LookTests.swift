import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Limits, credits and reservations as they stand, which somebody looks at.
@Suite struct LookTests {
    private static let minute: Int64 = 60_000

    @Test(arguments: StoreUnderTest.allCases)
    func `looking counts what has expired as expired, and writes nothing`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            let (engine, clock) = (session.engine, session.clock)
            try await engine.setUp(
                limits: [
                    .daily(10), .limit("prompts_shadow", 1, per: .day, mode: .shadow),
                    .limit("prompts_rolling", 10, per: .rolling(seconds: 3_600)),
                    .limit("prompts_open", 10, per: .concurrent),
                ], credits: CreditPolicy(prices: [.prompts: 10]))
            try await engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            try await engine.put(.grantCredit(.ada, GrantOrder(amount: 100)))
            let terms = ReservationTerms(milliseconds: Self.minute)
            _ = try await engine.reserve(.of(.ada, [.prompts: 4], id: "r1"), terms)
            let charged = ReservationTerms(
                milliseconds: 2 * Self.minute, onExpiry: .charge)
            _ = try await engine.reserve(.of(.ada, [.prompts: 3], id: "r2"), charged)
            #expect(try await engine.used(.ada)["prompts_daily"] == 7)
            #expect(try await engine.wallet(of: .ada).held == 70)
            // Longer than the sweep of a server would leave it.
            clock.advance(bySeconds: 600)
            for _ in 0..<2 {
                let used = try await engine.used(.ada)
                #expect(used["prompts_daily"] == 3 && used["prompts_rolling"] == 3)
                #expect(used["prompts_open"] == 0)
                #expect(try await engine.used(.team)["prompts_daily"] == 3)
                let wallet = try await engine.wallet(of: .ada)
                #expect(wallet.held == 0 && wallet.balance == 70 && wallet.isConserved)
                let first = try await engine.reservation(.text("r1"))
                #expect(first?.status == .expired)
                #expect(first?.closedAt == first?.expiresAt)
                #expect(try await engine.reservation(.text("r2"))?.status == .expired)
                #expect(try await engine.openReservations(of: .ada).isEmpty)
                #expect(try await engine.openReservations(of: .team).isEmpty)
                // What reads the events finds what was written down.
                #expect(try await engine.quantities(of: .ada, per: .lifetime) == [7])
                let events = try await engine.events(of: .ada).events
                #expect(events.map(\.reservation?.status) == [.open, .open])
                clock.advance(bySeconds: 60)
            }
            let ledger = try await engine.ledger(of: .ada).entries.count
            #expect(try await engine.expireReservations() == 2)
            #expect(try await engine.used(.ada)["prompts_daily"] == 3)
            #expect(try await engine.wallet(of: .ada).balance == 70)
            #expect(try await engine.reservation(.text("r1"))?.status == .expired)
            #expect(try await engine.quantities(of: .ada, per: .lifetime) == [3])
            #expect(try await engine.ledger(of: .ada).entries.count > ledger)
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `each caller sees what he was answered`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(
                limits: [.daily(1_000_000), .limit("rolling", -1, per: .rolling(seconds: 60))],
                credits: CreditPolicy(prices: [.prompts: 1]))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        let subject = SubjectID(unchecked: "user\(number)")
                        try await engine.put(.grantCredit(subject, GrantOrder(amount: 1_000)))
                        for round in 1...25 {
                            let id = "\(number)-\(round)"
                            let event = UsageEvent.of(subject, [.prompts: 2], id: id)
                            if round % 2 == 0 {
                                _ = try await engine.reserve(event)
                                let found = try await engine.reservation(.text(id))
                                #expect(found?.status == .open)
                                _ = try await engine.settle(.text(id), .one(.prompts, 2))
                                #expect(
                                    try await engine.reservation(.text(id))?.status == .settled)
                            } else {
                                _ = try await engine.consume(event)
                            }
                            let used = try await engine.used(subject)
                            let expected = Int64(round) * 2
                            #expect(used == ["prompts_daily": expected, "rolling": expected])
                            let wallet = try await engine.wallet(of: subject)
                            #expect(wallet.balance == 1_000 - expected)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `nobody that was ever heard of has used nothing`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(
                limits: [.daily(10)], credits: CreditPolicy(prices: [.prompts: 1]))
            #expect(try await engine.used(.bob) == ["prompts_daily": 0])
            #expect(try await engine.wallet(of: .bob).balance == 0)
            #expect(try await engine.openReservations(of: .bob).isEmpty)
            #expect(try await engine.reservation(.text("none")) == nil)
            #expect(try await engine.differences(of: .of(.bob, id: "none")) == [])
            #expect(try await engine.subject(.bob) == nil)
        }
    }
}
