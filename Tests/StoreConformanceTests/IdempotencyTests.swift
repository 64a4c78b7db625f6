import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Promise 3: counted once.
@Suite struct IdempotencyTests {
    @Test(arguments: StoreUnderTest.allCases)
    func `the same id gets the first answer again also after projection and reopening`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.daily(10)])
            let first = try await session.engine.decide("ada", 2, id: "one")
            _ = try await session.engine.decide("ada", 3)
            for step in 0..<3 {
                if step == 1 { try await session.engine.flush() }
                if step == 2 { try await session.reopen() }
                let again = try await session.engine.decide("ada", 2, id: "one")
                #expect(again.isAllowed && again.isDuplicate && !first.isDuplicate)
                #expect(again.eventID == first.eventID)
                #expect(again.limits.map(\.used) == first.limits.map(\.used))
                #expect(again.limits.map(\.resetsAt) == first.limits.map(\.resetsAt))
                let other = try await session.engine.consume(.of(.ada, [.prompts: 3], id: "one"))
                #expect(other.code == "conflict")
            }
            #expect(try await session.engine.used(.ada) == ["prompts_daily": 5])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a repeat is answered after the limit is used up`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(2)])
            #expect(try await engine.decide("ada", 2, id: "one").isAllowed)
            #expect(try await !engine.decide("ada", 1, id: "two").isAllowed)
            #expect(try await engine.decide("ada", 2, id: "one").isDuplicate)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a refusal is not remembered`(store: StoreUnderTest) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(limits: [.daily(2)])
            _ = try await engine.decide("ada", 2)
            #expect(try await !engine.decide("ada", 2, id: "one").isAllowed)
            clock.advance(bySeconds: 86_400)
            let later = try await engine.decide("ada", 2, id: "one")
            #expect(later.isAllowed && !later.isDuplicate)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `one id twice in one batch counts once`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(10)])
            let outcomes = try await engine.record([
                .of(.ada, id: "one"), .of(.ada, id: "one"), .of(.ada, [.prompts: 2], id: "one"),
                .of(.bob, id: "one"), .of(.ada, id: "two"),
            ])
            #expect(
                outcomes.map(\.code) == ["counted", "duplicate", "conflict", "conflict", "counted"])
            #expect(try await engine.used(.ada) == ["prompts_daily": 2])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `an id is unique per source`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.daily(10)])
            let events: [UsageEvent] = [
                .of(.ada, id: "one"), .of(.ada, id: "one", source: "shop"),
                .of(.ada, id: "one", source: "app"),
                .of(.ada, id: "018f4f3e-7f00-7000-8000-000000000001"),
                .of(.ada, id: "018f4f3e-7f00-7000-8000-000000000001", source: "app"),
                .of(.ada, id: "018f4f3e-7f00-7000-8000-000000000002"),
            ]
            #expect(try await session.engine.record(events).allSatisfy { $0.code == "counted" })
            try await session.reopen()
            #expect(try await session.engine.record(events).allSatisfy { $0.code == "duplicate" })
            #expect(try await session.engine.used(.ada) == ["prompts_daily": 6])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `fifty tasks with one id count once and agree on the answer`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(100)])
            let answers = try await withThrowingTaskGroup(of: Decision.self) { group in
                for _ in 0..<50 {
                    group.addTask { try await engine.decide("ada", 1, id: "one") }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.count { !$0.isDuplicate } == 1)
            #expect(answers.allSatisfy { $0.limits.map(\.used) == [1] })
            #expect(try await engine.used(.ada) == ["prompts_daily": 1])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `an id is remembered as long as the options say`(store: StoreUnderTest) async throws {
        let options = StoreUnderTest.options { $0.eventIDMillisecondsMax = 3_600_000 }
        try await store.with(options) { engine, clock in
            try await engine.setUp(limits: [.limit("ever", 10, per: .lifetime)])
            #expect(try await !engine.decide("ada", id: "one").isDuplicate)
            clock.advance(bySeconds: 3_600)
            #expect(try await engine.decide("ada", id: "one").isDuplicate)
            clock.advance(bySeconds: 1)
            #expect(try await !engine.decide("ada", id: "one").isDuplicate)
            try await engine.flush()
            #expect(try await engine.decide("ada", id: "one").isDuplicate)
            #expect(try await engine.used(.ada) == ["ever": 2])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a repeat is answered also when its time is too late by now`(
        store: StoreUnderTest
    )
        async throws
    {
        let options = StoreUnderTest.options { $0.lateMillisecondsMax = 3_600_000 }
        try await store.with(options) { engine, clock in
            try await engine.setUp(limits: [.daily(10)])
            let event = UsageEvent.of(.ada, id: "one", at: "2026-03-10T11:30:00Z")
            #expect(try await engine.decide(event).isAllowed)
            clock.advance(bySeconds: 7_200)
            #expect(try await engine.decide(event).isDuplicate)
            #expect(try await engine.record([event]).map(\.code) == ["duplicate"])
            let fresh = UsageEvent.of(.ada, id: "two", at: "2026-03-10T11:30:00Z")
            #expect(try await engine.consume(fresh).code == "occurred_at_out_of_range")
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a record that repeats a consume is a duplicate and the other way round`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(10)])
            _ = try await engine.decide("ada", id: "one")
            #expect(try await engine.record([.of(.ada, id: "one")]).map(\.code) == ["duplicate"])
            try await engine.count(.of(.ada, id: "two"))
            #expect(try await engine.decide("ada", id: "two").isDuplicate)
            #expect(try await engine.used(.ada) == ["prompts_daily": 2])
        }
    }
}
