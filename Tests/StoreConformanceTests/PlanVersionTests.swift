import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What a limit allowed and a plan cost stays true of the time at which it was so.
@Suite struct PlanVersionTests {
    private static func daily(_ pro: Int64) -> Limit {
        Limit(
            key: .daily, meter: .prompts, window: .day, allowances: [.pro: .units(Quantity(pro))],
            defaultAllowance: .units(1), mode: .soft)
    }

    private static func status(
        _ engine: MeterstoneEngine, _ id: String, at instant: String
    ) async throws -> Int64 {
        let decision = try await engine.decide(.of(.ada, [.prompts: 1], id: id, at: instant))
        return try #require(decision.limits.first { $0.limit == .daily }).allowance.wire
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a late event meets what its plan allowed then`(store: StoreUnderTest) async throws {
        let clock = ManualClock(.at("2026-03-10T12:00:00Z"))
        try await store.withSession(clock: clock) { session in
            try await session.engine.setUp(
                plans: [Plan(key: .pro, isDefault: true)], limits: [Self.daily(3)])
            _ = try await Self.status(session.engine, "first", at: "2026-03-10T12:00:00Z")
            session.clock.set(.at("2026-03-12T12:00:00Z"))
            try await session.engine.put(.putLimit(Self.daily(10)))
            try await session.reopen()
            #expect(try await Self.status(session.engine, "a", at: "2026-03-12T11:59:59Z") == 3)
            #expect(try await Self.status(session.engine, "b", at: "2026-03-12T12:00:00Z") == 10)
            session.clock.set(.at("2026-03-13T12:00:00Z"))
            try await session.engine.put(.putLimit(Self.daily(5)))
            #expect(try await Self.status(session.engine, "c", at: "2026-03-10T13:00:00Z") == 3)
            #expect(try await Self.status(session.engine, "d", at: "2026-03-13T11:00:00Z") == 10)
            #expect(try await Self.status(session.engine, "e", at: "2026-03-13T12:00:00Z") == 5)
            // Written again after it was deleted, it has no past.
            try await session.engine.put(.deleteLimit(.daily))
            try await session.engine.put(.putLimit(Self.daily(7)))
            #expect(try await Self.status(session.engine, "f", at: "2026-03-13T11:00:00Z") == 7)
            try await session.engine.expectClean()
        }
    }

    // MARK: Limits per value

    private static func models(_ values: [String: Int64]) -> Limit {
        var limit = daily(2)
        limit.perValue = PerValue(
            "model", allowances: values.mapValues { ValueAllowance(.units(Quantity($0))) })
        return limit
    }

    private static func allowance(
        _ engine: MeterstoneEngine, _ model: String, _ id: String, at instant: String
    ) async throws -> Int64 {
        let decision = try await engine.decide(
            .of(.ada, [.prompts: 1], id: id, at: instant, dimensions: ["model": model]))
        return try #require(decision.limits.first { $0.limit == .daily }).allowance.wire
    }

    /// Other patterns match a value before than after, and the limit's own past is kept with theirs.
    @Test(arguments: StoreUnderTest.allCases)
    func `a late event meets what its value was allowed then`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-03-10T12:00:00Z"))
        try await store.withSession(clock: clock) { session in
            func check(
                _ place: String, _ instant: String, gpt4: Int64, gpt5: Int64, other: Int64
            ) async throws {
                for (model, expected) in [("gpt-4", gpt4), ("gpt-5", gpt5), ("claude", other)] {
                    let allowed = try await Self.allowance(
                        session.engine, model, "\(model) \(place)", at: instant)
                    #expect(allowed == expected, "\(model) \(place)")
                }
            }
            try await session.engine.setUp(
                plans: [Plan(key: .pro, isDefault: true)], limits: [Self.models(["gpt*": 50])])
            try await check("at first", "2026-03-10T12:00:00Z", gpt4: 50, gpt5: 50, other: 2)
            session.clock.set(.at("2026-03-12T12:00:00Z"))
            var limit = Self.models(["gpt*": 60, "*-4": 9, "gpt-4": 5])
            limit.scheduled = [
                ScheduledAllowances(
                    effectiveAt: .at("2026-03-14T00:00:00Z"),
                    values: ["gpt-4": ValueAllowance(.units(Quantity(70)))])
            ]
            try await session.engine.put(.putLimit(limit))
            for isReopened in [false, true] {
                let place = "\(isReopened)"
                try await check(
                    "now \(place)", "2026-03-12T12:00:00Z", gpt4: 5, gpt5: 60, other: 2)
                try await check(
                    "then \(place)", "2026-03-12T11:59:59Z", gpt4: 50, gpt5: 50, other: 2)
                try await check(
                    "again \(place)", "2026-03-12T12:00:01Z", gpt4: 5, gpt5: 60, other: 2)
                if !isReopened { try await session.reopen() }
            }
            session.clock.set(.at("2026-03-14T00:00:00Z"))
            try await check("later", "2026-03-14T00:00:00Z", gpt4: 70, gpt5: 60, other: 2)
            try await check("before", "2026-03-13T23:59:59Z", gpt4: 5, gpt5: 60, other: 2)
            try await check("first", "2026-03-12T00:00:00Z", gpt4: 50, gpt5: 50, other: 2)
            try await session.engine.expectClean()
        }
    }

    @Test func `what values will be allowed needs values`() async throws {
        let session = StoreUnderTest.memory
        try await session.withSession { session in
            try await session.engine.setUp()
            var limit = Self.daily(3)
            limit.scheduled = [
                ScheduledAllowances(
                    effectiveAt: .at("2027-01-01T00:00:00Z"), values: ["a": ValueAllowance(nil)])
            ]
            let outcome = try await session.engine.put(.putLimit(limit))
            #expect(
                outcome
                    == .rejected(
                        Rejection(
                            code: .invalidField, field: "scheduled[0].values",
                            message: "expected none: the limit is no limit per value")))
        }
    }

    // MARK: Scheduled

    private static func raised(_ pro: Int64, to later: Int64, at instant: String) -> Limit {
        var limit = daily(pro)
        limit.scheduled = [
            ScheduledAllowances(
                effectiveAt: .at(instant), allowances: [.pro: .units(Quantity(later))])
        ]
        return limit
    }

    private static func shown(_ engine: MeterstoneEngine) async throws -> String {
        let limit = try #require(try await engine.blueprint().limits.first { $0.key == .daily })
        let later = limit.scheduled.map {
            " \($0.effectiveAt.rfc3339.prefix(10)) \($0.allowances[.pro]?.wire ?? -2)"
        }
        return "\(limit.allowances[.pro]?.wire ?? -2)\(later.joined())"
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `an allowance that is scheduled holds from its instant on`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-12-20T12:00:00Z"))
        try await store.withSession(clock: clock) { session in
            try await session.engine.setUp(
                plans: [Plan(key: .pro, isDefault: true)],
                limits: [Self.raised(3, to: 10, at: "2027-01-01T00:00:00Z")])
            #expect(try await Self.shown(session.engine) == "3 2027-01-01 10")
            #expect(try await Self.status(session.engine, "a", at: "2026-12-20T12:00:00Z") == 3)
            session.clock.set(.at("2026-12-31T23:59:59.999Z"))
            #expect(
                try await Self.status(session.engine, "b", at: "2026-12-31T23:59:59.999Z") == 3)
            // What comes ahead of its time meets what will be allowed then.
            #expect(try await Self.status(session.engine, "c", at: "2027-01-01T00:00:00Z") == 10)
            session.clock.set(.at("2027-01-01T00:00:00Z"))
            let now = try await session.engine.limits(of: .ada)
            #expect(now.map(\.allowance.wire) == [10])
            #expect(try await Self.shown(session.engine) == "10")
            // The same once more is no change.
            #expect(try await session.engine.put(.putLimit(Self.daily(10))) == .unchanged)
            try await session.engine.put(.putLimit(.limit("other", 5, per: .month)))
            #expect(try await Self.status(session.engine, "d", at: "2026-12-31T20:00:00Z") == 3)
            try await session.reopen()
            #expect(try await Self.shown(session.engine) == "10")
            #expect(try await Self.status(session.engine, "e", at: "2026-12-31T21:00:00Z") == 3)
            // It goes on from what it is by now, and the past stays as it was.
            session.clock.set(.at("2027-01-03T12:00:00Z"))
            try await session.engine.put(
                .putLimit(Self.raised(10, to: 20, at: "2027-01-05T00:00:00Z")))
            session.clock.set(.at("2027-01-06T12:00:00Z"))
            for (id, instant, allowance) in [
                ("f", "2026-12-31T22:00:00Z", 3), ("g", "2027-01-04T23:59:59Z", 10),
                ("h", "2027-01-05T00:00:00Z", 20),
            ] as [(String, String, Int64)] {
                #expect(try await Self.status(session.engine, id, at: instant) == allowance)
            }
            try await session.reopen()
            try await session.engine.put(.putLimit(Self.daily(7)))
            for (id, instant, allowance) in [
                ("i", "2026-12-31T22:00:00Z", 3), ("j", "2027-01-04T23:59:59Z", 10),
                ("k", "2027-01-06T11:59:59Z", 20), ("l", "2027-01-06T12:00:00Z", 7),
            ] as [(String, String, Int64)] {
                #expect(try await Self.status(session.engine, id, at: instant) == allowance)
            }
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what is scheduled is taken back by writing the limit without it`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-12-20T12:00:00Z"))
        try await store.withSession(clock: clock) { session in
            try await session.engine.setUp(
                plans: [Plan(key: .pro, isDefault: true)],
                limits: [Self.raised(3, to: 10, at: "2027-01-01T00:00:00Z")])
            #expect(try await session.engine.put(.putLimit(Self.daily(3))) == .replaced)
            session.clock.set(.at("2027-01-02T00:00:00Z"))
            #expect(try await Self.status(session.engine, "a", at: "2027-01-02T00:00:00Z") == 3)
            // What is scheduled for the past is so at once, and not before.
            let late = Self.raised(3, to: 10, at: "2027-01-01T00:00:00Z")
            #expect(try await session.engine.put(.putLimit(late)) == .replaced)
            #expect(try await Self.shown(session.engine) == "10")
            #expect(try await Self.status(session.engine, "b", at: "2027-01-01T12:00:00Z") == 3)
            #expect(try await Self.status(session.engine, "c", at: "2027-01-02T00:00:00Z") == 10)
            let twice = (0..<2).map { _ in
                ScheduledAllowances(
                    effectiveAt: .at("2027-02-01T00:00:00Z"), defaultAllowance: .unlimited)
            }
            for (scheduled, field) in [
                (twice, "scheduled"),
                (
                    [ScheduledAllowances(effectiveAt: .at("2027-02-01T00:00:00Z"))],
                    "scheduled[0].allowances"
                ),
            ] {
                var limit = Self.daily(3)
                limit.scheduled = scheduled
                guard
                    case .rejected(let rejection) = try await session.engine.put(.putLimit(limit))
                else {
                    Issue.record("\(field) is not refused")
                    continue
                }
                #expect(rejection.field == field)
            }
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a price that is scheduled is paid for periods that begin then`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-01-10T00:00:00Z"))
        try await store.withSession(clock: clock) { session in
            func plan(_ price: Int64, later: [(String, Int64)]) -> Plan {
                Plan(
                    key: .pro, price: Money(millionths: price * 1_000_000),
                    scheduled: later.map {
                        ScheduledPrice(
                            effectiveAt: .at($0.0), price: Money(millionths: $0.1 * 1_000_000))
                    })
            }
            func revenue() async throws -> Int64 {
                let lifetime = try #require(try await session.engine.lifetime(of: .ada))
                return lifetime.revenue.millionths / 1_000_000
            }
            try await session.engine.setUp(
                plans: [
                    plan(10, later: [("2026-02-10T00:00:00Z", 20), ("2026-03-11T00:00:00Z", 40)])
                ], limits: [Self.daily(3)])
            try await session.engine.put(
                .putSubscription(.ada, Subscription(plan: .pro, startsAt: clock.now)))
            try await session.engine.count(.of(.ada))
            session.clock.set(.at("2026-02-09T00:00:00Z"))
            #expect(try await revenue() == 10)
            session.clock.set(.at("2026-03-20T00:00:00Z"))
            // From 10 January 10, from 10 February and 10 March 20.
            #expect(try await revenue() == 50)
            let shown = try #require(try await session.engine.blueprint().plans.first)
            #expect(shown.price?.millionths == 40_000_000 && shown.scheduled == [])
            try await session.engine.put(.putPlan(plan(50, later: [])))
            try await session.reopen()
            session.clock.set(.at("2026-04-12T00:00:00Z"))
            #expect(try await revenue() == 100)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `who bought a version may stay on it`(store: StoreUnderTest) async throws {
        let clock = ManualClock(.at("2026-01-01T00:00:00Z"))
        try await store.withSession(clock: clock) { session in
            func plan(_ price: Int64, _ credits: Int64) -> Plan {
                Plan(
                    key: .pro,
                    recurringGrants: [RecurringGrant(window: .billingMonth, amount: credits)],
                    price: Money(millionths: price * 1_000_000), keepsVersion: true)
            }
            try await session.engine.setUp(
                plans: [plan(10, 100)], limits: [Self.daily(3)],
                credits: CreditPolicy(
                    isEnabled: true, payment: .allowanceFirst, prices: [.prompts: 1]))
            for subject in [SubjectID.ada, .bob] {
                if subject == .bob {
                    session.clock.set(.at("2026-01-15T00:00:00Z"))
                    try await session.engine.put(.putLimit(Self.daily(30)))
                    try await session.engine.put(.putPlan(plan(50, 500)))
                }
                _ = try await session.engine.put(
                    .changeSubscription(subject, SubscriptionChange(plan: .pro)))
            }
            try await session.reopen()
            // A renewal, however it is told, buys no other version.
            _ = try await session.engine.put(
                .changeSubscription(.ada, SubscriptionChange(plan: .pro, status: .active)))
            session.clock.set(.at("2026-02-20T00:00:00Z"))
            for (subject, allowance, revenue, credits) in [
                (SubjectID.ada, 3, 20, 100), (.bob, 30, 100, 500),
            ] as [(SubjectID, Int64, Int64, Int64)] {
                let status = try #require(try await session.engine.limits(of: subject).first)
                #expect(status.allowance.wire == allowance)
                try await session.engine.count(.of(subject))
                let lifetime = try #require(try await session.engine.lifetime(of: subject))
                #expect(lifetime.revenue == Money(millionths: revenue * 1_000_000))
                #expect(try await session.engine.wallet(of: subject).balance == credits)
            }
            try await session.engine.expectClean()
        }
    }
}
