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
        return try #require(decision.limits.first).allowance.wire
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
