import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What a subject did since the beginning, whatever was corrected, and wherever it lives.
@Suite struct LifetimeTests {
    static let policy = StatisticsPolicy(
        sessions: SessionMeters(completed: .prompts, length: .seconds, longest: .longest),
        milestones: [
            rule("first", .total(.prompts, 1)), rule("third", .total(.prompts, 3)),
            rule("minutes", .total(.seconds, 120)), rule("streak", .streak(3)),
        ])

    static func rule(_ key: String, _ goal: MilestoneRule.Goal) -> MilestoneRule {
        MilestoneRule(key: MilestoneKey(unchecked: key), goal: goal)
    }

    private static func setUp(_ engine: MeterstoneEngine) async throws {
        try await engine.setUp(meters: [
            Meter(key: .prompts), Meter(key: .seconds),
            Meter(
                key: .longest, aggregation: .max, eventTypes: ["talk"], quantityName: .seconds),
        ])
        try await engine.put(.putStatisticsPolicy(policy))
    }

    private static func talk(_ id: String, at instant: String, seconds: Int64) -> UsageEvent {
        .of(.ada, [.prompts: 1, .seconds: seconds], id: id, at: instant, type: "talk")
    }

    private func lifetime(_ engine: MeterstoneEngine) async throws -> LifetimeStatistics {
        let before = try await engine.lifetime(of: .ada)
        try await engine.flush()
        let after = try await engine.lifetime(of: .ada)
        #expect(before == after)
        return try #require(after)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `totals, days, sessions and milestones follow from the events`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await Self.setUp(engine)
            #expect(try await engine.lifetime(of: .ada) == nil)
            // Told in no particular order.
            try await engine.count(
                Self.talk("c", at: "2026-03-09T20:00:00Z", seconds: 50),
                Self.talk("a", at: "2026-01-31T10:00:00Z", seconds: 30),
                Self.talk("d", at: "2026-03-10T08:00:00Z", seconds: 10),
                Self.talk("b", at: "2026-03-08T23:59:59Z", seconds: 60))
            let found = try await lifetime(engine)
            #expect(found.meters.map(\.meter) == [.longest, .prompts, .seconds])
            #expect(found.meters.map(\.lifetime) == [60, 4, 150])
            #expect(found.meters.map(\.thisMonth) == [60, 3, 120])
            #expect(found.streaks.daysActive == 4)
            #expect(found.streaks.longestStreak == 3 && found.streaks.currentStreak == 3)
            #expect(found.firstActivityAt == .at("2026-01-31T10:00:00Z"))
            #expect(found.lastActivityAt == .at("2026-03-10T08:00:00Z"))
            #expect(found.sessions?.completed == 4 && found.sessions?.longest == 60)
            #expect(found.sessions?.averageLength?.decimal == "37.5")
            // January, February and March.
            #expect(found.sessions?.averagePerMonth?.decimal == "1.333333")
            #expect(
                found.milestones?.map { "\($0.key) \($0.reachedAt.rfc3339)" } == [
                    "first 2026-01-31T10:00:00.000Z", "minutes 2026-03-09T20:00:00.000Z",
                    "third 2026-03-09T20:00:00.000Z", "streak 2026-03-10T00:00:00.000Z",
                ])
            #expect(found.overages == [:] && found.plan == nil && found.revenue == .zero)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what is taken back was never there, and what comes late was`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await Self.setUp(engine)
            for (day, id) in ["a", "b", "c", "d"].enumerated() {
                try await engine.count(
                    Self.talk(id, at: "2026-03-0\(day + 1)T10:00:00Z", seconds: 60))
            }
            #expect(try await lifetime(engine).milestones?.count == 4)
            // The first activity goes, and a day in between is emptied.
            for id in ["a", "c"] { _ = try await engine.void(id) }
            let less = try await lifetime(engine)
            #expect(less.streaks.daysActive == 2 && less.streaks.longestStreak == 1)
            #expect(less.streaks.currentStreak == 0)
            #expect(less.firstActivityAt == .at("2026-03-02T10:00:00Z"))
            #expect(less.milestones?.map(\.key.text) == ["first", "minutes"])
            #expect(less.milestones?.last?.reachedAt == .at("2026-03-04T10:00:00Z"))
            // The day comes back under another id, before everything that was known.
            try await engine.count(Self.talk("c2", at: "2026-03-03T07:00:00Z", seconds: 1))
            let more = try await lifetime(engine)
            #expect(more.streaks.longestStreak == 3)
            #expect(
                more.milestones?.map { "\($0.key) \($0.reachedAt.rfc3339)" } == [
                    "first 2026-03-02T10:00:00.000Z", "streak 2026-03-04T00:00:00.000Z",
                    "minutes 2026-03-04T10:00:00.000Z", "third 2026-03-04T10:00:00.000Z",
                ])
            for id in ["b", "c2", "d"] { _ = try await engine.void(id) }
            let none = try await lifetime(engine)
            #expect(none.streaks.daysActive == 0 && none.firstActivityAt == nil)
            #expect(none.lastActivityAt == nil && none.planAtLastUse == nil)
            #expect(none.milestones == [] && none.sessions?.averageLength == nil)
            #expect(none.sessions?.averagePerMonth == nil)
            try await engine.expectClean()
        }
    }

    /// The clocks of Berlin go from 02:00 to 03:00 on 29 March 2026.
    @Test(arguments: StoreUnderTest.allCases)
    func `days are the subject's own, also when its clock or its zone changes`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-03-30T12:00:00Z"))
        try await store.with(clock: clock) { engine, _ in
            try await Self.setUp(engine)
            try await engine.put(.putSubject(Subject(id: .ada, timeZone: "Europe/Berlin")))
            try await engine.count(
                Self.talk("a", at: "2026-03-28T22:30:00Z", seconds: 1),
                Self.talk("b", at: "2026-03-28T23:00:00Z", seconds: 1),
                Self.talk("c", at: "2026-03-29T22:00:00Z", seconds: 1))
            let berlin = try await lifetime(engine)
            #expect(berlin.timeZone == "Europe/Berlin")
            #expect(berlin.streaks.daysActive == 3 && berlin.streaks.currentStreak == 3)
            let streak = try #require(berlin.milestones?.first { $0.key.text == "streak" })
            #expect(streak.reachedAt == .at("2026-03-29T22:00:00Z"))
            // What happened on a day stays on it.
            try await engine.put(.putSubject(Subject(id: .ada)))
            let utc = try await lifetime(engine)
            #expect(utc.streaks == berlin.streaks && utc.milestones == berlin.milestones)
            #expect(utc.firstActivityAt == berlin.firstActivityAt)
            #expect(utc.meters == berlin.meters)
            // 29 March went from 23:00 to 22:00, and goes on doing so for what comes late.
            try await engine.count(Self.talk("d", at: "2026-03-29T21:59:59Z", seconds: 1))
            #expect(try await lifetime(engine).streaks == berlin.streaks)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `plans, months, revenue and overage are told`(store: StoreUnderTest) async throws {
        let clock = ManualClock(.at("2026-01-10T12:00:00Z"))
        try await store.with(clock: clock) { engine, clock in
            let limit = Limit(
                key: .daily, meter: .prompts, window: .day,
                allowances: [.free: .units(2), .pro: .units(5)], mode: .soft)
            func pro(_ price: Int64) -> Plan {
                Plan(key: .pro, rank: 1, price: Money(millionths: price))
            }
            try await engine.setUp(
                plans: [Plan(key: .free, isDefault: true), pro(10_000_000)], limits: [limit])
            try await engine.count(.of(.ada, [.prompts: 3], id: "a"))
            let subscription = Subscription(plan: .pro, startsAt: clock.now)
            try await engine.put(.putSubscription(.ada, subscription))
            clock.set(.at("2026-02-01T12:00:00Z"))
            try await engine.put(.putPlan(pro(12_500_000)))
            try await engine.count(.of(.ada, [.prompts: 9], id: "b"))
            clock.set(.at("2026-03-10T12:00:00Z"))
            let found = try await lifetime(engine)
            // The months from 10 January at the old price, from 10 February and 10 March at the new.
            #expect(found.monthsSubscribed == 3 && found.revenue.millionths == 35_000_000)
            #expect(found.highestPlan == .pro && found.plan == .pro)
            #expect(found.planAtLastUse == .pro)
            #expect(found.overages == [.daily: 5])
            #expect(found.sessions == nil && found.milestones == nil)
            _ = try await engine.void("b")
            try await engine.put(.deleteSubscription(.ada))
            let less = try await lifetime(engine)
            #expect(less.planAtLastUse == .free && less.plan == .free)
            #expect(less.highestPlan == .pro)
            #expect(less.overages == [.daily: 1])
            // A team's plan applies to those below it, and is not theirs.
            try await engine.put(.putSubject(Subject(id: .team, plan: .pro)))
            try await engine.put(.putSubject(Subject(id: .bob, parent: .team)))
            let bob = try #require(try await engine.lifetime(of: .bob))
            #expect(bob.plan == .pro && bob.highestPlan == .free)
            #expect(bob.streaks.daysActive == 0 && bob.meters.map(\.lifetime) == [0])
        }
    }
}

extension MeterKey {
    static let longest = MeterKey(unchecked: "longest")
}
