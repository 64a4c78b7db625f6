import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Limits that block their subject for everything while they are full.
@Suite struct BlockWhenExceededTests {
    private func setUp(_ engine: MeterstoneEngine, _ window: Window = .day) async throws {
        var lists = Limit.limit("lists", 3, of: .exports, per: window)
        lists.blockWhenExceeded = true
        try await engine.setUp(
            meters: [Meter(key: .prompts), Meter(key: .exports)], limits: [lists, .daily(100)])
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `the use that fills a limit blocks, and room lifts the block`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await setUp(session.engine)
            #expect(try await session.engine.decide(.of(.ada, [.exports: 2], id: "a")).isAllowed)
            #expect(try await session.engine.decide("ada").isAllowed)
            #expect(try await session.engine.decide(.of(.ada, [.exports: 1], id: "b")).isAllowed)
            let refused = try await session.engine.decide("ada")
            #expect(refused.denial?.reason == .subjectBlocked(.ada))
            #expect(refused.denial?.violated == [LimitKey(unchecked: "lists")])
            #expect(refused.denial?.retryAt == .at("2026-03-11T00:00:00Z"))
            let blocking = try await session.engine.limits(of: .ada).filter(\.isBlocking)
            #expect(blocking.map(\.limit.text) == ["lists"])
            // What happened is recorded all the same.
            try await session.engine.count(.of(.ada))
            try await session.reopen()
            #expect(try await !session.engine.decide("ada").isAllowed)
            #expect(try await session.engine.void("b") == .corrected)
            #expect(try await session.engine.decide("ada").isAllowed)
            #expect(try await session.engine.decide(.of(.ada, [.exports: 1])).isAllowed)
            #expect(try await !session.engine.decide("ada").isAllowed)
            session.clock.set(.at("2026-03-11T00:00:00Z"))
            #expect(try await session.engine.decide("ada").isAllowed)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func
        `more that is allowed, a reset and another mode lift it, and a team's limit blocks members`(
            store: StoreUnderTest
        ) async throws
    {
        try await store.with { engine, clock in
            try await setUp(engine, .lifetime)
            try await engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            #expect(try await engine.decide(.of(.ada, [.exports: 3])).isAllowed)
            #expect(try await engine.decide("ada").denial?.retryAt == nil)
            let key = LimitKey(unchecked: "lists")
            try await engine.put(.putOverride(.ada, key, .units(4)))
            // Of the team nothing is left.
            #expect(try await engine.decide("ada").denial?.reason == .subjectBlocked(.team))
            try await engine.put(.resetLimit(.team, key, reason: ""))
            #expect(try await engine.decide("ada").isAllowed)
            // None is allowed to Bob, and he used none: that blocks nobody.
            try await engine.put(.putOverride(.bob, key, .units(0)))
            #expect(try await engine.decide("bob").isAllowed)
            #expect(try await engine.decide(.of(.ada, [.exports: 1])).isAllowed)
            #expect(try await engine.decide("ada").denial?.reason == .subjectBlocked(.ada))
            var soft = Limit.limit("lists", 3, of: .exports, per: .lifetime, mode: .soft)
            soft.blockWhenExceeded = true
            try await engine.put(.putLimit(soft))
            #expect(try await engine.decide("ada").isAllowed)
        }
    }
}
