import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What is switched while everything runs, for all or for some.
@Suite struct SwitchesTests {
    private static let forAda = Rollout(subjects: ["ada"])

    @Test(arguments: StoreUnderTest.allCases)
    func `usage of those who are out is decided and not recorded`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            let engine = session.engine
            try await engine.setUp(limits: [.daily(5)])
            let switches = Switches(tracking: Switch(rollout: Self.forAda))
            #expect(try await engine.put(.putSwitches(switches)).code == "created")
            #expect(try await engine.put(.putSwitches(switches)).code == "unchanged")
            for round in 0..<2 {
                #expect(try await engine.decide("ada", 4).isAllowed == (round == 0))
                #expect(try await engine.decide("bob", 4).limits.map(\.used) == [4])
                #expect(try await !engine.decide("bob", 6).isAllowed)
            }
            #expect(try await engine.used(.ada) == ["prompts_daily": 4])
            #expect(try await engine.used(.bob) == ["prompts_daily": 0])
            #expect(try await engine.record([.of(.bob)]).map(\.code) == ["tracking_disabled"])
            #expect(try await engine.record([.of(.ada)]).map(\.code) == ["counted"])
            guard
                case .rejected(let rejection) = try await engine.reserve(
                    .of(.bob), ReservationTerms())
            else {
                Issue.record("expected a rejection")
                return
            }
            #expect(rejection.code == .trackingDisabled)
            try await session.reopen()
            #expect(try await session.engine.decide("bob", 4).eventID == nil)
            #expect(try await session.engine.put(.deleteSwitches).code == "deleted")
            #expect(try await session.engine.decide("bob", 4).eventID != nil)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `limits are in shadow or off for all, or in force for some`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(1)])
            try await engine.put(.putSwitches(Switches(limits: Switch(.shadow))))
            let shadow = try await engine.decide("ada", 2)
            #expect(shadow.isAllowed && shadow.limits.map(\.mode) == [.shadow])
            #expect(shadow.limits.map(\.wouldHaveDenied) == [1])
            try await engine.put(.putSwitches(Switches(limits: Switch(.off))))
            let off = try await engine.decide("ada", 2)
            #expect(off.isAllowed && off.limits.isEmpty)
            try await engine.put(.putSwitches(Switches(limits: Switch(rollout: Self.forAda))))
            let refused = try await engine.decide("ada", 2)
            #expect(!refused.isAllowed && refused.limits.map(\.used) == [4])
            #expect(try await engine.decide("bob", 2).isAllowed)
            // Who is in by both is refused.
            var limit = Limit.daily(1)
            limit.rollout = Rollout(subjects: ["bob"])
            try await engine.put(.putLimit(limit))
            #expect(try await engine.decide("ada", 2).isAllowed)
            #expect(try await engine.decide("bob", 2).isAllowed)
            try await engine.put(.deleteSwitches)
            #expect(try await !engine.decide("bob", 2).isAllowed)
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `usage costs credits for some`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(credits: CreditPolicy(prices: [.prompts: 10]))
            let switches = Switches(credits: Switch(rollout: Self.forAda))
            try await engine.put(.putSwitches(switches))
            let short = try await engine.decide("ada")
            #expect(short.denial?.reason == .insufficientCredits)
            let free = try await engine.decide("bob")
            #expect(free.isAllowed && free.credits == nil)
            try await engine.put(.putSwitches(Switches(credits: Switch(.off))))
            #expect(try await engine.decide("ada").isAllowed)
            try await engine.expectClean()
        }
    }

    @Test func `switches are checked`() async throws {
        try await StoreUnderTest.memory.with { engine, _ in
            for (switches, code) in [
                (Switches(tracking: Switch(.shadow)), "invalid_field"),
                (Switches(credits: Switch(.shadow)), "invalid_field"),
                (Switches(analytics: Switch(.shadow)), "invalid_field"),
                (Switches(analytics: Switch(rollout: Rollout(percent: 1))), "invalid_field"),
                (Switches(limits: Switch(rollout: Rollout(percent: 101))), "invalid_field"),
                (Switches(limits: Switch(.shadow), analytics: Switch(.off)), "created"),
            ] {
                let outcome = try await engine.put(.putSwitches(switches))
                #expect(outcome.code == code, "\(switches)")
            }
        }
    }
}
