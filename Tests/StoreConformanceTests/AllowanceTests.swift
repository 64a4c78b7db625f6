import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Promise 9: −1, 0 and absent; override, team, plan, default.
@Suite struct AllowanceTests {
    private func allowance(_ engine: MeterstoneEngine, _ subject: SubjectID) async throws -> Int64?
    {
        try await engine.limits(of: subject).first { $0.ancestor == nil }?.allowance.wire
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `minus one is unlimited and zero is none`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(-1), .limit("none", 0, per: .day)])
            let refused = try await engine.decide("ada", 1)
            #expect(refused.denial?.violated == [LimitKey(unchecked: "none")])
            #expect(refused.denial?.retryAt == nil)
            #expect(refused.limits.map(\.remaining) == [0, -1])
            try await engine.put(.deleteLimit(LimitKey(unchecked: "none")))
            let allowed = try await engine.decide("ada", 1_000_000_000_000)
            #expect(allowed.isAllowed && allowed.limits.map(\.remaining) == [-1])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `an allowance is the override or the team's or the plan's or the default`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            var limit = Limit.daily(5)
            limit.allowances = [.free: .units(10), .pro: .units(100)]
            try await engine.setUp(
                plans: [Plan(key: .free), Plan(key: .pro), Plan(key: .big)], limits: [limit])
            #expect(try await allowance(engine, .ada) == 5)
            try await engine.put(.putPlan(Plan(key: .free, isDefault: true)))
            #expect(try await allowance(engine, .ada) == 10)
            try await engine.put(.putSubject(Subject(id: .team, plan: .pro)))
            try await engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            #expect(try await allowance(engine, .ada) == 100)
            try await engine.put(.putSubject(Subject(id: .ada, parent: .team, plan: .free)))
            #expect(try await allowance(engine, .ada) == 10)
            try await engine.put(.putSubject(Subject(id: .ada, parent: .team, plan: .big)))
            #expect(try await allowance(engine, .ada) == 5)
            try await engine.put(.putOverride(.team, .daily, .units(7)))
            #expect(try await allowance(engine, .ada) == 7)
            try await engine.put(.putOverride(.ada, .daily, .unlimited))
            #expect(try await allowance(engine, .ada) == -1)
            try await engine.put(.deleteOverride(.ada, .daily))
            try await engine.put(.deleteOverride(.team, .daily))
            #expect(try await allowance(engine, .ada) == 5)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a limit without a default does not bind plans that it does not name`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            var limit = Limit.daily(5)
            limit.defaultAllowance = nil
            limit.allowances = [.free: .units(1)]
            try await engine.setUp(limits: [limit])
            #expect(try await engine.decide("ada", 1_000).isAllowed)
            try await engine.put(.putSubject(Subject(id: .bob, plan: .free)))
            #expect(try await !engine.decide("bob", 2).isAllowed)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a subscription gives its plan from its start until it expires`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.withSession { session in
            var limit = Limit.limit("ever", 5, per: .lifetime)
            limit.allowances = [.free: .units(10), .pro: .units(100)]
            try await session.engine.setUp(
                plans: [Plan(key: .free, isDefault: true), Plan(key: .pro)], limits: [limit])
            let subscription = Subscription(
                plan: .pro, startsAt: .at("2026-03-11T00:00:00Z"),
                expiresAt: .at("2026-03-12T00:00:00Z"))
            try await session.engine.put(.putSubscription(.ada, subscription))
            for (instant, expected) in [
                ("2026-03-10T23:59:59.999Z", 10), ("2026-03-11T00:00:00Z", 100),
                ("2026-03-11T23:59:59.999Z", 100), ("2026-03-12T00:00:00Z", 10),
            ] as [(String, Int64)] {
                session.clock.set(.at(instant))
                #expect(try await allowance(session.engine, .ada) == expected, "\(instant)")
            }
            try await session.reopen()
            session.clock.set(.at("2026-03-11T12:00:00Z"))
            #expect(try await allowance(session.engine, .ada) == 100)
            // A late event is decided by the plan of its time.
            let late = try await session.engine.check(
                .of(.ada, [.prompts: 11], at: "2026-03-10T12:00:00Z"))
            #expect(late.code == "denied")
        }
    }

    @Test(arguments: SubscriptionStatus.allCases)
    func `a status gives the plan or does not`(status: SubscriptionStatus) async throws {
        try await StoreUnderTest.memory.with { engine, _ in
            var limit = Limit.daily(5)
            limit.allowances = [.pro: .units(100)]
            try await engine.setUp(plans: [Plan(key: .pro)], limits: [limit])
            try await engine.put(
                .putSubscription(
                    .ada,
                    Subscription(
                        plan: .pro, status: status, startsAt: .at("2026-01-01T00:00:00Z"))))
            let gives = [.active, .trialing, .pastDue].contains(status)
            #expect(try await allowance(engine, .ada) == (gives ? 100 : 5))
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `allowances of the environment come before the limit's own`(
        store: StoreUnderTest
    )
        async throws
    {
        let options = StoreUnderTest.options {
            $0.allowanceOverrides = ["PROMPTS_DAILY_PRO": .units(3)]
        }
        try await store.with(options) { engine, _ in
            var limit = Limit.daily(5)
            limit.allowances = [.pro: .units(100)]
            try await engine.setUp(plans: [Plan(key: .pro)], limits: [limit])
            try await engine.put(.putSubject(Subject(id: .ada, plan: .pro)))
            #expect(try await allowance(engine, .ada) == 3)
            #expect(try await engine.blueprint().limits == [limit])
        }
    }

    // MARK: Modes

    @Test(arguments: StoreUnderTest.allCases)
    func `a soft limit allows and counts overage`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(5, mode: .soft)])
            let decision = try await engine.decide("ada", 8)
            #expect(decision.isAllowed)
            #expect(decision.limits.map(\.overage) == [3])
            #expect(decision.limits.map(\.remaining) == [0])
            #expect(decision.limits.map(\.mode) == [.soft])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a shadow limit allows and an off or inactive one is not shown`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.with { engine, _ in
            var inactive = Limit.limit("inactive", 0, per: .day)
            inactive.active = false
            try await engine.setUp(limits: [
                .daily(5, mode: .shadow), .limit("off", 0, per: .day, mode: .off), inactive,
            ])
            let decision = try await engine.decide("ada", 8)
            #expect(decision.isAllowed)
            #expect(decision.limits.map(\.limit) == [.daily])
            #expect(try await engine.limits(of: .ada).map(\.limit) == [.daily])
            try await engine.expectClean()
            inactive.active = true
            try await engine.put(.putLimit(inactive))
            // It counted all the time.
            #expect(try await engine.used(.ada)["inactive"] == 8)
            #expect(try await !engine.decide("ada").isAllowed)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a shadow limit says how often it would have denied`(store: StoreUnderTest) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(limits: [.daily(2, mode: .shadow)])
            for count in [0, 0, 1, 2] as [Int64] {
                let decision = try await engine.decide("ada")
                #expect(decision.isAllowed)
                #expect(decision.limits.map(\.wouldHaveDenied) == [count])
            }
            try await engine.flush()
            #expect(try await engine.limits(of: .ada).map(\.wouldHaveDenied) == [2])
            clock.advance(bySeconds: 86_400)
            #expect(try await engine.limits(of: .ada).map(\.wouldHaveDenied) == [0])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `nothing is refused while limits are not enforced`(store: StoreUnderTest) async throws {
        try await store.with(StoreUnderTest.options { $0.areLimitsEnforced = false }) { engine, _ in
            try await engine.setUp(limits: [.daily(1)])
            let decision = try await engine.decide("ada", 8)
            #expect(decision.isAllowed && decision.limits.map(\.mode) == [.shadow])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `nothing is kept while tracking is off`(store: StoreUnderTest) async throws {
        try await store.with(StoreUnderTest.options { $0.isTrackingEnabled = false }) { engine, _ in
            try await engine.setUp(limits: [.daily(1)])
            for _ in 0..<3 { #expect(try await engine.decide("ada").isAllowed) }
            #expect(try await engine.record([.of(.ada)]).map(\.code) == ["tracking_disabled"])
            #expect(try await engine.events(of: .ada).events.isEmpty)
        }
    }

    // MARK: Blocks

    @Test(arguments: StoreUnderTest.allCases)
    func `a blocked subject is refused and what happened is still recorded`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(5)])
            try await engine.put(.putSubject(Subject(id: .ada, blocked: true)))
            let refused = try await engine.decide("ada")
            #expect(refused.denial?.reason == .subjectBlocked(.ada))
            #expect(refused.denial?.violated == [] && refused.denial?.retryAt == nil)
            try await engine.count(.of(.ada))
            #expect(try await engine.used(.ada) == ["prompts_daily": 1])
            try await engine.put(.putSubject(Subject(id: .ada)))
            #expect(try await engine.decide("ada").isAllowed)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `the block of a team blocks everyone below it`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.daily(5)])
            try await session.engine.put(.putSubject(Subject(id: .team, parent: .company)))
            try await session.engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            try await session.engine.put(.putSubject(Subject(id: .company, blocked: true)))
            try await session.reopen()
            let refused = try await session.engine.decide("ada")
            #expect(refused.denial?.reason == .subjectBlocked(.company))
            #expect(try await session.engine.decide("bob").isAllowed)
        }
    }
}
