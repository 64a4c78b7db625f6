import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Promise 4: a refusal changes nothing and says what would help.
@Suite struct RefusalTests {
    @Test(arguments: StoreUnderTest.allCases)
    func `a refusal names the limit and when to come back`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(3), .limit("hourly", 2, per: .hour)])
            _ = try await engine.decide("ada", 2)
            let refused = try await engine.decide("ada", 2)
            #expect(
                refused.denial?.violated == [LimitKey(unchecked: "hourly"), .daily])
            #expect(refused.denial?.retryAt == .at("2026-03-11T00:00:00Z"))
            #expect(refused.limits.map(\.used) == [2, 2])
            #expect(refused.limits.map(\.remaining) == [0, 1])
            #expect(refused.eventID == nil)
            let smaller = try await engine.decide("ada", 1)
            #expect(smaller.denial?.retryAt == .at("2026-03-10T13:00:00Z"))
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `time does not help when the quantity never fits or the limit never resets`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(3), .limit("ever", 5, per: .lifetime)])
            #expect(try await engine.decide("ada", 4).denial?.retryAt == nil)
            _ = try await engine.decide("ada", 3, at: .at("2026-03-01T00:00:00Z"))
            #expect(try await engine.decide("ada", 3).denial?.retryAt == nil)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a rolling limit says when the oldest usage has left`(store: StoreUnderTest) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(limits: [.limit("minute", 3, per: .rolling(seconds: 60))])
            _ = try await engine.decide("ada", 1)
            clock.advance(bySeconds: 10)
            _ = try await engine.decide("ada", 2)
            clock.advance(bySeconds: 10)
            let one = try await engine.decide("ada", 1)
            #expect(one.denial?.retryAt == .at("2026-03-10T12:01:00Z"))
            #expect(
                try await engine.decide("ada", 2).denial?.retryAt == .at("2026-03-10T12:01:10Z"))
            #expect(try await engine.decide("ada", 4).denial?.retryAt == nil)
            clock.set(.at("2026-03-10T12:00:59.999Z"))
            #expect(try await !engine.decide("ada", 1).isAllowed)
            clock.set(.at("2026-03-10T12:01:00Z"))
            #expect(try await engine.decide("ada", 1).isAllowed)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a maximum that is too large fits no later window either`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.with { engine, _ in
            let meter = Meter(key: .seconds, aggregation: .max)
            try await engine.setUp(
                meters: [meter], limits: [.limit("longest", 97, of: .seconds, per: .day)])
            #expect(try await engine.decide(.of(.ada, [.seconds: 5])).isAllowed)
            let refused = try await engine.decide(.of(.ada, [.seconds: 100]))
            #expect(!refused.isAllowed && refused.denial?.retryAt == nil)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a refusal names the plans under which all limits would allow`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.with { engine, _ in
            var daily = Limit.daily(1)
            daily.allowances = [.free: .units(1), .pro: .units(10), .big: .unlimited]
            var monthly = Limit.limit("monthly", 5, per: .month)
            monthly.allowances = [.pro: .units(3), .big: .units(100)]
            try await engine.setUp(
                plans: [
                    Plan(key: .big, rank: 3), Plan(key: .pro, rank: 2),
                    Plan(key: .free, rank: 1, isDefault: true),
                ], limits: [daily, monthly])
            #expect(try await engine.decide("ada", 2).denial?.plansThatAllow == [.pro, .big])
            // Under pro the monthly limit would refuse it.
            #expect(try await engine.decide("ada", 4).denial?.plansThatAllow == [.big])
            #expect(try await engine.decide("ada", 101).denial?.plansThatAllow == [])
            try await engine.put(.putOverride(.ada, .daily, .units(1)))
            #expect(try await engine.decide("ada", 2).denial?.plansThatAllow == [])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a refusal leaves no trace`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(1)])
            #expect(try await !engine.decide("ada", 2, id: "one").isAllowed)
            #expect(try await engine.subject(.ada) == nil)
            #expect(try await engine.events(of: .ada).events.isEmpty)
            #expect(try await engine.used(.ada) == ["prompts_daily": 0])
            try await engine.expectClean()
        }
    }
}
