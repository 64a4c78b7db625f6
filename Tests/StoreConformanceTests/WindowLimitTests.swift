import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Promise 8 and 10: every window, in the subject's zone, also for events that come late.
@Suite struct WindowLimitTests {
    /// A window, a zone, the last millisecond of one window and the first of the next.
    static let edges: [(Window, String, String)] = [
        (.hour, "UTC", "2026-03-10T13:00:00Z"),
        (.hour, "Asia/Kathmandu", "2026-03-10T12:15:00Z"),
        (.day, "UTC", "2026-03-11T00:00:00Z"),
        (.day, "Asia/Kathmandu", "2026-03-10T18:15:00Z"),
        (.day, "Europe/Berlin", "2026-03-29T22:00:00Z"),
        (.day, "America/New_York", "2026-11-02T05:00:00Z"),
        (.week(startsOn: .monday), "UTC", "2026-03-16T00:00:00Z"),
        (.week(startsOn: .sunday), "Europe/Berlin", "2026-03-28T23:00:00Z"),
        (.month, "UTC", "2026-04-01T00:00:00Z"),
        (.month, "Europe/Berlin", "2026-03-31T22:00:00Z"),
        (.year, "Asia/Kathmandu", "2026-12-31T18:15:00Z"),
        (.billingMonth, "UTC", "2026-04-30T08:30:00Z"),
    ]

    @Test(arguments: StoreUnderTest.allCases, edges)
    func `a limit starts anew where its window does`(
        store: StoreUnderTest, edge: (window: Window, zone: String, next: String)
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [
                .limit("l", 3, per: edge.window), .limit("ever", 100, per: .lifetime),
            ])
            try await session.engine.put(.putPlan(Plan(key: .pro)))
            try await session.engine.put(.putSubject(Subject(id: .ada, timeZone: edge.zone)))
            try await session.engine.put(
                .putSubscription(
                    .ada, Subscription(plan: .pro, startsAt: .at("2026-01-31T08:30:00Z"))))
            let next = Instant.at(edge.next)
            session.clock.set(next.advanced(byMilliseconds: -1))
            let last = try await session.engine.decide("ada", 3)
            #expect(last.isAllowed)
            #expect(last.limits.map(\.resetsAt) == [nil, next])
            #expect(try await session.engine.decide("ada").denial?.retryAt == next)
            try await session.reopen()
            session.clock.set(next)
            #expect(try await session.engine.decide("ada", 2).limits.map(\.used) == [5, 2])
            // A late event is decided and counted in its own window, which is full.
            let late = next.advanced(byMilliseconds: -1)
            #expect(try await !session.engine.decide("ada", 1, at: late).isAllowed)
            #expect(try await session.engine.decide("ada", 1, at: next).isAllowed)
            try await session.engine.count(
                UsageEvent(subject: .ada, occurredAt: late, quantities: .one(.prompts, 4)))
            #expect(try await session.engine.used(.ada) == ["ever": 10, "l": 3])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a refusal says when to try again only where waiting helps`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(
                meters: [Meter(key: .prompts), Meter(key: .seconds), Meter(key: .exports)],
                limits: [
                    .daily(3),
                    .limit("hour", 3, of: .seconds, per: .rolling(seconds: 3_600)),
                    .limit("ever", 2, of: .exports, per: .lifetime),
                    .limit("once", 5, of: .exports, per: .request),
                ])
            func retryAt(
                _ meter: MeterKey, _ units: Int64, at instant: String? = nil
            ) async throws -> Instant? {
                let denial = try await engine.decide(
                    .of(.ada, [meter: units], at: instant)
                ).denial
                #expect(denial?.reason == .limitExceeded)
                return denial?.retryAt
            }
            clock.set(.at("2026-03-10T12:00:00Z"))
            let first = UsageEvent.of(.ada, [.prompts: 3, .seconds: 3, .exports: 2])
            #expect(try await engine.decide(first).isAllowed)
            let midnight = Instant.at("2026-03-11T00:00:00Z")
            let inAnHour = Instant.at("2026-03-10T13:00:00Z")
            #expect(try await retryAt(.prompts, 1) == midnight)
            #expect(try await retryAt(.prompts, 1, at: "2026-03-10T01:00:00Z") == midnight)
            #expect(try await retryAt(.seconds, 1) == inAnHour)
            // No window holds four; nothing gives a lifetime back, or makes one request smaller.
            #expect(try await retryAt(.prompts, 4) == nil)
            #expect(try await retryAt(.seconds, 4) == nil)
            #expect(try await retryAt(.exports, 1) == nil)
            #expect(try await retryAt(.exports, 6) == nil)
            // The day and the hour of these are past, the one at its very end.
            clock.set(midnight)
            #expect(try await retryAt(.prompts, 1, at: "2026-03-10T23:00:00Z") == nil)
            #expect(try await retryAt(.seconds, 1, at: "2026-03-10T12:30:00Z") == nil)
            // Of two limits that refuse, one cannot be waited for.
            #expect(try await engine.decide(.of(.ada, [.prompts: 3])).isAllowed)
            #expect(try await retryAt(.prompts, 1) == .at("2026-03-12T00:00:00Z"))
            let both = UsageEvent.of(.ada, [.prompts: 1, .exports: 3])
            #expect(try await engine.decide(both).denial?.retryAt == nil)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a rolling window is full for its length and not longer`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [
                .limit("minute", 10, per: .rolling(seconds: 60))
            ])
            for second in [0, 20, 40] {
                session.clock.set(
                    Instant.at("2026-03-10T12:00:00Z").advanced(
                        byMilliseconds: Int64(second) * 1_000))
                #expect(try await session.engine.decide("ada", 3).isAllowed)
            }
            #expect(try await !session.engine.decide("ada", 2).isAllowed)
            session.clock.set(.at("2026-03-10T12:00:59.999Z"))
            #expect(try await !session.engine.decide("ada", 2).isAllowed)
            try await session.reopen()
            #expect(try await session.engine.used(.ada) == ["minute": 9])
            session.clock.set(.at("2026-03-10T12:01:00Z"))
            #expect(try await session.engine.used(.ada) == ["minute": 6])
            #expect(try await session.engine.decide("ada", 4).isAllowed)
            #expect(try await !session.engine.decide("ada", 1).isAllowed)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a late event overfills no rolling window that it falls into`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.with { engine, clock in
            try await engine.setUp(limits: [.limit("minute", 10, per: .rolling(seconds: 60))])
            clock.set(.at("2026-03-10T12:05:00Z"))
            #expect(try await engine.decide("ada", 6).isAllowed)
            // Together with the six above it would make a window of twelve.
            let late = Instant.at("2026-03-10T12:04:30Z")
            #expect(try await !engine.decide("ada", 6, at: late).isAllowed)
            #expect(try await engine.decide("ada", 4, at: late).isAllowed)
            #expect(try await !engine.decide("ada", 1, at: .at("2026-03-10T12:04:45Z")).isAllowed)
            #expect(try await engine.decide("ada", 10, at: .at("2026-03-10T12:03:30Z")).isAllowed)
            #expect(try await !engine.decide("ada", 1, at: .at("2026-03-10T12:03:31Z")).isAllowed)
        }
    }

    @Test(arguments: StoreUnderTest.allCases, [UInt64(1), 2, 3])
    func `no window that rolls is ever over its limit`(
        store: StoreUnderTest, seed: UInt64
    )
        async throws
    {
        var random = SplitMix64(state: seed)
        try await store.with { engine, clock in
            try await engine.setUp(limits: [.limit("roll", 20, per: .rolling(seconds: 100))])
            var allowed: [(at: Int64, units: Int64)] = []
            for _ in 0..<400 {
                clock.advance(bySeconds: Int64.random(in: 0...9, using: &random))
                let back =
                    Bool.random(using: &random) ? 0 : Int64.random(in: 0...300, using: &random)
                let at = clock.now.advanced(byMilliseconds: -back * 1_000)
                let units = Int64.random(in: 1...9, using: &random)
                guard try await engine.decide("ada", Quantity(units), at: at).isAllowed else {
                    continue
                }
                allowed.append((at.millisecondsSince1970, units))
            }
            for end in allowed {
                let sum = allowed.filter { $0.at > end.at - 100_000 && $0.at <= end.at }
                    .reduce(0) { $0 + $1.units }
                #expect(sum <= 20, "SEED=\(seed)")
            }
            #expect(allowed.count > 50)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `billing months follow their anchor and never drift`(store: StoreUnderTest) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(
                plans: [Plan(key: .pro)], limits: [.limit("bill", 5, per: .billingMonth)])
            try await engine.put(
                .putSubscription(
                    .ada, Subscription(plan: .pro, startsAt: .at("2026-01-31T10:00:00Z"))))
            for (now, resets) in [
                ("2026-02-28T09:59:59Z", "2026-02-28T10:00:00Z"),
                ("2026-02-28T10:00:00Z", "2026-03-31T10:00:00Z"),
                ("2026-03-31T10:00:00Z", "2026-04-30T10:00:00Z"),
                ("2026-04-30T10:00:00Z", "2026-05-31T10:00:00Z"),
            ] {
                clock.set(.at(now))
                let decision = try await engine.decide("ada", 5)
                #expect(decision.isAllowed && decision.limits.map(\.resetsAt) == [.at(resets)])
            }
            try await engine.expectClean()
        }
    }
}
