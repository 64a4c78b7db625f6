import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// An id that was taken back is not an answer: who repeats it learns what became of it.
@Suite struct TakenBackTests {
    @Test(arguments: StoreUnderTest.allCases)
    func `delete and restore do not pass a lifetime limit of one`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.limit("projects", 1, per: .lifetime)])
            #expect(try await session.engine.decide("ada", id: "project-3").isAllowed)
            #expect(try await session.engine.void("project-3").code == "corrected")
            #expect(try await session.engine.decide("ada", id: "project-4").isAllowed)
            for step in 0..<3 {
                if step == 1 { try await session.engine.flush() }
                if step == 2 { try await session.reopen() }
                let event = UsageEvent.of(.ada, id: "project-3")
                #expect(try await session.engine.consume(event).code == "event_voided")
                #expect(try await session.engine.check(event).code == "event_voided")
                let recorded = try await session.engine.record([event])
                #expect(recorded.map(\.code) == ["event_voided"])
            }
            #expect(try await session.engine.used(.ada) == ["projects": 1])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `an amendment to nothing is no answer and one to something is`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(10)])
            #expect(try await engine.decide("ada", 4, id: "one").isAllowed)
            #expect(try await engine.amend("one", [.prompts: 3]).code == "corrected")
            let again = try await engine.decide("ada", 4, id: "one")
            #expect(again.isDuplicate && again.isAllowed && again.limits.map(\.used) == [4])
            #expect(try await engine.amend("one", [.prompts: 0]).code == "corrected")
            let event = UsageEvent.of(.ada, [.prompts: 4], id: "one")
            #expect(try await engine.consume(event).code == "event_voided")
            // Another content is a conflict whatever became of the first.
            #expect(
                try await engine.consume(.of(.ada, [.prompts: 5], id: "one")).code == "conflict")
            #expect(try await engine.used(.ada) == ["prompts_daily": 0])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a reservation that came to nothing is not reserved again by its id`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            let engine = session.engine
            try await engine.setUp(limits: [.daily(10)])
            func reserve(_ id: String) async throws -> String {
                let terms = ReservationTerms(milliseconds: 60_000)
                switch try await engine.reserve(.of(.ada, [.prompts: 2], id: id), terms) {
                case .decided(let decision, let reservation):
                    return "\(decision.isDuplicate ? "again" : "new") "
                        + (reservation?.status.rawValue ?? "none")
                case .conflict: return "conflict"
                case .rejected(let rejection): return rejection.code.rawValue
                }
            }
            for id in ["kept", "nothing", "released", "late"] {
                #expect(try await reserve(id) == "new open")
                #expect(try await reserve(id) == "again open")
            }
            _ = try await engine.settle(.text("kept"), .one(.prompts, 1))
            _ = try await engine.settle(.text("nothing"), .one(.prompts, 0))
            _ = try await engine.release(.text("released"))
            session.clock.advance(bySeconds: 60)
            #expect(try await reserve("kept") == "again settled")
            for id in ["nothing", "released", "late"] {
                #expect(try await reserve(id) == "reservation_closed")
            }
            #expect(try await engine.used(.ada) == ["prompts_daily": 1])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what was paid and given back is not paid by its id`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(credits: CreditPolicy(prices: [.prompts: 5]))
            try await session.engine.put(
                .grantCredit(.ada, GrantOrder(amount: 100, source: .purchase)))
            #expect(try await session.engine.decide("ada", 2, id: "paid").credits?.amount == 10)
            #expect(try await session.engine.decide("ada", 2, id: "paid").isDuplicate)
            try await session.engine.put(
                .refundCredit(.ada, reference: "paid", reason: "it was bad"))
            let event = UsageEvent.of(.ada, [.prompts: 2], id: "paid")
            #expect(try await session.engine.consume(event).code == "event_refunded")
            try await session.reopen()
            #expect(try await session.engine.consume(event).code == "event_refunded")
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a check says what a consume or a reservation would say`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [
                .daily(10), .limit("at_once", 2, per: .concurrent),
            ])
            #expect(try await engine.decide("ada", 4, id: "one").isAllowed)
            let known = UsageEvent.of(.ada, [.prompts: 4], id: "one")
            guard case .decided(let again) = try await engine.check(known) else {
                throw UnexpectedOutcome()
            }
            #expect(again.isDuplicate && again.isAllowed)
            let other = UsageEvent.of(.ada, [.prompts: 9], id: "one")
            #expect(try await engine.check(other).code == "conflict")
            #expect(try await engine.check(known, as: .reservation).code == "conflict")
            _ = try await engine.reserve(
                .of(.ada, [.prompts: 2], id: "held"), ReservationTerms(milliseconds: 60_000))
            let held = UsageEvent.of(.ada, [.prompts: 2], id: "held")
            #expect(try await engine.check(held).code == "conflict")
            #expect(try await engine.check(held, as: .reservation).code == "allowed")
            // Two of two are open: no more can be set aside, and what is used at once is not asked.
            let new = UsageEvent.of(.ada, [.prompts: 1])
            #expect(try await engine.check(new, as: .reservation).code == "denied")
            #expect(try await engine.check(new).code == "allowed")
            #expect(try await engine.consume(new).code == "allowed")
        }
    }
}
