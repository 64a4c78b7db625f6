import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What the simulation found, each as short as it gets.
@Suite struct ReservationFindingTests {
    @Test(arguments: StoreUnderTest.allCases)
    func `a consume counts for itself while another reservation expires`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(
                meters: [Meter(key: .prompts), Meter(key: .seconds)],
                limits: [.daily(10), .limit("b", 20, of: .seconds, per: .day)])
            _ = try await engine.reserve(
                .of(.ada, [.seconds: 9], id: "work"),
                ReservationTerms(milliseconds: 1_000, onExpiry: .charge))
            clock.advance(bySeconds: 2)
            let decision = try await engine.decide(.of(.ada, [.prompts: 4]))
            #expect(decision.limits.map(\.limit) == [.daily])
            #expect(try await engine.used(.ada) == ["prompts_daily": 4, "b": 9])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what is told at the end is added to what was told before, within the bounds of an event`(
        store: StoreUnderTest
    ) async throws {
        func dimensions(_ numbers: Range<Int>) -> [Dimension] {
            numbers.map { Dimension(name: "d\($0)", value: "v") }
        }
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(5)])
            var event = UsageEvent.of(.ada, [.prompts: 3], id: "work")
            event.details = EventDetails(
                type: "chat", session: "s", dimensions: dimensions(0..<40))
            _ = try await engine.reserve(event)
            let id = try #require(EventID("work"))
            let tooMany = EventDetails(dimensions: dimensions(30..<70))
            let outcome = try await engine.settle(id, details: tooMany)
            guard case .rejected(let rejection) = outcome else {
                Issue.record("expected a rejection, not \(outcome)")
                return
            }
            #expect(rejection.field == "dimensions")
            let end = EventDetails(
                status: .failed, durationMilliseconds: 7, dimensions: dimensions(30..<60))
            #expect(try await engine.settle(id, details: end).word == "done")
            #expect(try await engine.settle(id, details: end).word == "again")
            let details = try await engine.reservation(id)?.details
            #expect(details?.type == "chat" && details?.session == "s")
            #expect(details?.durationMilliseconds == 7 && details?.status == .failed)
            #expect(details?.dimensions.count == 60)
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a refusal of a shadow limit stays counted when its reservation is settled`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [
                .limit("open", 2, per: .concurrent, mode: .shadow)
            ])
            _ = try await engine.reserve(.of(.ada, [.prompts: 3], id: "work"))
            _ = try await engine.settle(try #require(EventID("work")))
            #expect(try await engine.limits(of: .ada).map(\.wouldHaveDenied) == [1])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `more of a reservation is limited by the team that it counts for`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(5)])
            try await engine.put(.putOverride(.ada, .daily, .units(100)))
            try await engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            _ = try await engine.reserve(.of(.ada, [.prompts: 3], id: "work"))
            try await engine.put(.putOverride(.team, .daily, .units(5)))
            try await engine.put(.putSubject(Subject(id: .ada)))
            let outcome = try await engine.extend(
                ReservationExtension(
                    id: try #require(EventID("work")), quantities: .one(.prompts, 9)))
            #expect(outcome.word == "denied")
            #expect(try await engine.used(.team) == ["prompts_daily": 3])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a reservation that was voided is not open for whoever asks again`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(5)])
            let event = UsageEvent.of(.ada, [.prompts: 3], id: "work")
            _ = try await engine.reserve(event)
            _ = try await engine.settle(try #require(EventID("work")))
            _ = try await engine.void("work")
            guard case .rejected(let rejection) = try await engine.reserve(event) else {
                throw UnexpectedOutcome()
            }
            #expect(rejection.code == .eventVoided)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `settling again gets the first answer also after an amendment`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(5)])
            _ = try await engine.reserve(.of(.ada, [.prompts: 3], id: "work"))
            let id = try #require(EventID("work"))
            #expect(try await engine.settle(id, .one(.prompts, 2)).word == "done")
            _ = try await engine.amend("work", [.prompts: 1], details: EventDetails(type: "chat"))
            #expect(try await engine.settle(id, .one(.prompts, 2)).word == "again")
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a maximum cannot be extended beyond its limit`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(
                meters: [Meter(key: .seconds, aggregation: .max)],
                limits: [.limit("longest", 20, of: .seconds, per: .day)])
            _ = try await engine.reserve(.of(.ada, [.seconds: 10], id: "work"))
            let outcome = try await engine.extend(
                ReservationExtension(
                    id: try #require(EventID("work")), quantities: .one(.seconds, 40)))
            #expect(outcome.word == "denied")
            #expect(try await engine.used(.ada) == ["longest": 10])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what has expired can be corrected without a sweep`(store: StoreUnderTest) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(limits: [.daily(5)])
            _ = try await engine.reserve(
                .of(.ada, [.prompts: 3], id: "work"),
                ReservationTerms(milliseconds: 1_000, onExpiry: .charge))
            clock.advance(bySeconds: 2)
            #expect(try await engine.void("work") == .corrected)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a wallet holds nothing for what has expired`(store: StoreUnderTest) async throws {
        try await store.with { engine, clock in
            try await engine.setUpCredits(price: 7, balance: 100)
            _ = try await engine.reserve(
                .of(.ada, [.prompts: 3], id: "work"), ReservationTerms(milliseconds: 1_000))
            clock.advance(bySeconds: 2)
            let wallet = try await engine.wallet(of: .ada)
            #expect(wallet.balance == 100)
            #expect(wallet.held == 0)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what was paid at the expiry and at a late end is given back as one`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            try await engine.setUpCredits(price: 10, balance: 1_000)
            _ = try await engine.reserve(
                .of(.ada, [.prompts: 1], id: "work"),
                ReservationTerms(milliseconds: 1_000, onExpiry: .charge))
            clock.advance(bySeconds: 2)
            #expect(try await engine.wallet(of: .ada).balance == 990)
            let id = try #require(EventID("work"))
            _ = try await engine.settle(id, .one(.prompts, 3))
            #expect(try await engine.wallet(of: .ada).balance == 970)
            let refund = Change.refundCredit(.ada, reference: "work", reason: "late")
            #expect(try await engine.put(refund).word == "credited")
            #expect(try await engine.wallet(of: .ada).balance == 1_000)
            guard case .rejected(let again) = try await engine.put(refund) else {
                throw UnexpectedOutcome()
            }
            #expect(again.code == .alreadyRefunded)
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `an order of credit is repeated also when the credit has expired`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            try await engine.setUpCredits(price: 7, balance: 100)
            let order = GrantOrder(
                id: GrantID(unchecked: "order"), amount: 5,
                expiresAt: clock.now.advanced(byMilliseconds: 1_000))
            #expect(try await engine.put(.grantCredit(.ada, order)).word == "credited")
            clock.advance(bySeconds: 2)
            #expect(try await engine.put(.grantCredit(.ada, order)).word == "unchanged")
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `voiding a refund that was spent changes nothing`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUpCredits(price: 7, balance: 14)
            _ = try await engine.decide("ada", 1, id: "work")
            _ = try await engine.put(.refundCredit(.ada, reference: "work", reason: "late"))
            let grant = GrantID(unchecked: "meterstone:refund-work-1")
            _ = try await engine.decide("ada", 2)
            let outcome = try await engine.put(.voidGrant(.ada, grant, reason: "late"))
            #expect(outcome.word == "unchanged")
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a limit that two levels are beyond is named once`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUpCredits(
                price: 7, balance: 1, payment: .allowanceFirst, limits: [.daily(1)])
            try await engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            let decision = try await engine.decide("ada", 3)
            #expect(decision.denial?.reason == .insufficientCredits)
            #expect(decision.denial?.violated == [.daily])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `more time tells the balance as it is`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUpCredits(price: 7, balance: 100)
            _ = try await engine.reserve(.of(.ada, [.prompts: 3], id: "work"))
            _ = try await engine.decide("ada", 1)
            let outcome = try await engine.extend(
                ReservationExtension(id: try #require(EventID("work")), milliseconds: 5_000))
            guard case .done(let answer) = outcome else {
                Issue.record("expected an answer, got \(outcome)")
                return
            }
            #expect(answer.credits?.balance == 72)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `settling tells what a maximum came to`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(
                meters: [Meter(key: .seconds, aggregation: .max)],
                limits: [.limit("longest", 20, of: .seconds, per: .day)])
            _ = try await engine.reserve(.of(.ada, [.seconds: 10], id: "work"))
            let outcome = try await engine.settle(
                try #require(EventID("work")), .one(.seconds, 4))
            guard case .done(let answer) = outcome else {
                Issue.record("expected an answer, got \(outcome)")
                return
            }
            #expect(answer.limits.map(\.used) == [4])
            #expect(try await engine.used(.ada) == ["longest": 4])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a reservation of long ago is made`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(5)])
            let event = UsageEvent.of(.ada, id: "work", at: "2025-01-15T00:00:00Z")
            #expect(try await engine.reserve(event).word == "allowed")
        }
    }
}
