import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Changes of plan that meet others: of the same second, of before, after a cancellation, after a trial.
@Suite struct PlanChangeEdgeTests {
    private static func setUp(_ engine: MeterstoneEngine) async throws {
        func grant(_ amount: Int64) -> [RecurringGrant] {
            [RecurringGrant(window: .billingMonth, amount: amount)]
        }
        try await engine.setUp(
            plans: [
                Plan(key: .free, rank: 0, isDefault: true),
                Plan(key: .pro, rank: 1, recurringGrants: grant(100)),
                Plan(key: .big, rank: 2, recurringGrants: grant(1_000)),
            ],
            limits: [
                Limit(
                    key: LimitKey(unchecked: "billing"), meter: .prompts, window: .billingMonth,
                    allowances: [.pro: .units(100), .big: .units(1_000)],
                    defaultAllowance: .units(10))
            ],
            credits: CreditPolicy(
                isEnabled: true, payment: .allowanceFirst, prices: [.prompts: 1]))
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a change that is dated before the subscription began takes its place`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-03-10T12:00:00Z"))
        try await store.withSession(clock: clock) { session in
            try await Self.setUp(session.engine)
            try await session.engine.put(
                .putSubscription(
                    .ada, Subscription(plan: .pro, startsAt: .at("2026-03-05T00:00:00Z"))))
            let turn = try await session.engine.changePlan(
                SubscriptionChange(plan: .big, at: .instant(.at("2026-03-01T00:00:00Z"))))
            #expect(turn.planBefore == .free)
            let periods = try #require(try await session.engine.subscriptions(of: .ada))
            #expect(periods.map(\.subscription.plan) == [.big])
            #expect(periods.map(\.from) == [.at("2026-03-01T00:00:00Z")])
            try await session.reopen()
            let back = SubscriptionChange(plan: .pro, at: .now)
            guard
                case .preview(let preview) = try await session.engine.previewSubscription(
                    of: .ada, back)
            else {
                Issue.record("no preview")
                return
            }
            #expect(preview.turn.planBefore == .big)
            #expect(try await session.engine.changePlan(back).planBefore == .big)
            let after = try #require(try await session.engine.subscriptions(of: .ada))
            #expect(after.map(\.subscription.plan) == [.big, .pro])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a loop of changes within one second gives no more than the larger plan`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-03-01T00:00:00Z"))
        try await store.with(clock: clock) { engine, clock in
            try await Self.setUp(engine)
            _ = try await engine.changePlan(SubscriptionChange(plan: .pro))
            #expect(try await engine.wallet(of: .ada).balance == 100)
            clock.set(.at("2026-03-10T12:00:00.100Z"))
            _ = try await engine.changePlan(SubscriptionChange(plan: .big))
            clock.set(.at("2026-03-10T12:00:00.200Z"))
            _ = try await engine.changePlan(SubscriptionChange(plan: .pro, at: .now))
            clock.set(.at("2026-03-10T12:00:00.300Z"))
            let turn = try await engine.changePlan(
                SubscriptionChange(plan: .big, usage: .reset, credits: .full))
            #expect(turn.grants.isEmpty && turn.subscription.change?.usage == .keep)
            #expect(try await engine.wallet(of: .ada).balance == 1_000)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a change in the second in which a subscription began gives the difference`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-03-10T12:00:00.100Z"))
        try await store.with(clock: clock) { engine, clock in
            try await Self.setUp(engine)
            for (plan, balance) in [
                (PlanKey.pro, 100), (.big, 1_000), (.pro, 1_000), (.big, 1_000),
            ] as [(PlanKey, Int64)] {
                _ = try await engine.changePlan(SubscriptionChange(plan: plan, at: .now))
                #expect(try await engine.wallet(of: .ada).balance == balance)
            }
            clock.set(.at("2026-04-10T11:59:59Z"))
            #expect(try await engine.wallet(of: .ada).balance == 1_000)
            clock.set(.at("2026-04-10T12:00:00Z"))
            let wallet = try await engine.wallet(of: .ada)
            #expect(wallet.balance == 1_000 && wallet.granted == 2_000)
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `who unsubscribes and comes back gets the credits of the window once`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-03-10T12:00:00Z"))
        try await store.with(clock: clock) { engine, clock in
            try await Self.setUp(engine)
            _ = try await engine.changePlan(SubscriptionChange(plan: .big))
            #expect(try await engine.decide(.of(.ada, [.prompts: 1_010])).isAllowed)
            #expect(try await engine.wallet(of: .ada).balance == 990)
            for second in 2..<5 {
                try await engine.put(.deleteSubscription(.ada))
                clock.set(.at("2026-03-10T12:00:0\(second)Z"))
                _ = try await engine.changePlan(SubscriptionChange(plan: .big))
                #expect(try await engine.wallet(of: .ada).balance == 990)
            }
            try await engine.expectClean()
        }
    }

    /// The webhook of a renewal comes an hour after the period before it has ended.
    @Test(arguments: StoreUnderTest.allCases)
    func `a renewal that is told late gives the credits of its period, once`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-02-20T00:00:00Z"))
        try await store.withSession(clock: clock) { session in
            try await Self.setUp(session.engine)
            func tell(
                _ plan: PlanKey = .big, from start: String = "2026-02-20T00:00:00Z",
                until end: String
            ) async throws -> Int64 {
                try await session.engine.put(
                    .putSubscription(
                        .ada,
                        Subscription(plan: plan, startsAt: .at(start), expiresAt: .at(end))))
                try await session.reopen()
                return try await session.engine.wallet(of: .ada).balance
            }
            #expect(try await tell(until: "2026-03-20T00:00:00Z") == 1_000)
            session.clock.set(.at("2026-03-20T01:00:00Z"))
            #expect(try await session.engine.wallet(of: .ada).balance == 0)
            for end in ["2026-04-20T00:00:00Z", "2026-04-21T00:00:00Z"] {
                #expect(try await tell(until: end) == 1_000)
            }
            // To lapse and to come back within what was given gives nothing more.
            session.clock.set(.at("2026-03-25T00:00:00Z"))
            #expect(try await tell(until: "2026-03-24T00:00:00Z") == 1_000)
            #expect(try await tell(until: "2026-04-20T00:00:00Z") == 1_000)
            // Who comes back later with another start has the windows of that.
            session.clock.set(.at("2026-05-10T00:00:00Z"))
            #expect(try await session.engine.wallet(of: .ada).balance == 0)
            #expect(
                try await tell(from: "2026-05-10T00:00:00Z", until: "2026-07-10T00:00:00Z")
                    == 1_000)
            session.clock.set(.at("2026-06-09T23:59:59Z"))
            #expect(try await session.engine.wallet(of: .ada).balance == 1_000)
            session.clock.set(.at("2026-06-10T00:00:00Z"))
            let wallet = try await session.engine.wallet(of: .ada)
            #expect(wallet.balance == 1_000 && wallet.granted == 4_000)
            try await session.engine.expectClean()
        }
    }

    /// 1,000 a month that are kept up to 1,500, and a plan above that keeps 150 of 50 a week.
    @Test(arguments: StoreUnderTest.allCases)
    func `what a late renewal and a change of plan give is kept up to the same most`(
        store: StoreUnderTest
    ) async throws {
        let pro = PlanKey(unchecked: "pro")
        let (week, weeks) = (PlanKey(unchecked: "week"), PlanKey(unchecked: "weeks"))
        func plan(
            _ key: PlanKey, _ rank: Int, _ window: Window, _ amount: Int64, _ most: Int64
        ) -> Plan {
            Plan(
                key: key, rank: rank,
                recurringGrants: [
                    RecurringGrant(window: window, amount: amount, rolloverMax: most)
                ])
        }
        let clock = ManualClock(.at("2026-02-20T00:00:00Z"))
        try await store.withSession(clock: clock) { session in
            try await session.engine.setUp(
                plans: [
                    plan(pro, 1, .billingMonth, 1_000, 1_500),
                    plan(week, 1, .week(startsOn: .monday), 10, 150),
                    plan(weeks, 2, .week(startsOn: .monday), 50, 150),
                ], credits: CreditPolicy(prices: [.prompts: 1]))
            let start = Instant.at("2026-02-20T00:00:00Z")
            func tell(until end: String) async throws -> Int64 {
                try await session.engine.put(
                    .putSubscription(
                        .ada, Subscription(plan: pro, startsAt: start, expiresAt: .at(end))))
                try await session.reopen()
                return try await session.engine.wallet(of: .ada).balance
            }
            #expect(try await tell(until: "2026-03-20T00:00:00Z") == 1_000)
            for (now, end) in [
                ("2026-03-20T01:00:00Z", "2026-04-20T00:00:00Z"),
                ("2026-04-20T01:00:00Z", "2026-05-20T00:00:00Z"),
                // In time.
                ("2026-05-19T23:00:00Z", "2026-06-20T00:00:00Z"),
                ("2026-06-20T01:00:00Z", "2026-07-20T00:00:00Z"),
            ] {
                session.clock.set(.at(now))
                #expect(try await tell(until: end) == 1_500, "\(now)")
            }
            _ = try await session.engine.decide(.of(.ada, [.prompts: 700]))
            session.clock.set(.at("2026-07-20T01:00:00Z"))
            #expect(try await tell(until: "2026-08-20T00:00:00Z") == 1_500)

            try await session.engine.put(
                .putSubscription(.bob, Subscription(plan: week, startsAt: session.clock.now)))
            session.clock.advance(bySeconds: 86_400 * 7 * 30)
            #expect(try await session.engine.wallet(of: .bob).balance == 150)
            let outcome = try await session.engine.changePlan(
                SubscriptionChange(plan: weeks), of: .bob)
            #expect(outcome.grants.isEmpty)
            #expect(try await session.engine.wallet(of: .bob).balance == 150)
            _ = try await session.engine.decide(.of(.bob, [.prompts: 140]))
            session.clock.advance(bySeconds: 86_400 * 7)
            #expect(try await session.engine.wallet(of: .bob).balance == 60)
            try await session.engine.expectClean()
        }
    }

    /// What the old plan gives by now is not what the window got of it.
    @Test(arguments: StoreUnderTest.allCases, [true, false])
    func `an upgrade takes off what the window was given`(
        store: StoreUnderTest, keepsVersion: Bool
    ) async throws {
        let (pro, max) = (PlanKey(unchecked: "pro"), PlanKey(unchecked: "max"))
        func plan(_ key: PlanKey, _ rank: Int, _ amount: Int64) -> Plan {
            Plan(
                key: key, rank: rank,
                recurringGrants: [RecurringGrant(window: .billingMonth, amount: amount)],
                keepsVersion: keepsVersion)
        }
        for months in 0...1 {
            let clock = ManualClock(.at("2026-01-10T12:00:00Z"))
            try await store.withSession(clock: clock) { session in
                try await session.engine.setUp(
                    plans: [plan(pro, 1, 100), plan(max, 2, 1_000)],
                    credits: CreditPolicy(prices: [.prompts: 1]))
                _ = try await session.engine.changePlan(SubscriptionChange(plan: pro))
                #expect(try await session.engine.wallet(of: .ada).balance == 100)
                session.clock.set(.at("2026-01-12T12:00:00Z"))
                try await session.engine.put(.putPlan(plan(pro, 1, 1_000)))
                session.clock.set(
                    .at(months == 0 ? "2026-01-14T12:00:00Z" : "2026-02-14T12:00:00Z"))
                let had: Int64 = months == 1 && !keepsVersion ? 1_000 : 100
                #expect(try await session.engine.wallet(of: .ada).balance == had)
                _ = try await session.engine.changePlan(SubscriptionChange(plan: max))
                try await session.reopen()
                #expect(try await session.engine.wallet(of: .ada).balance == 1_000)
                // To and fro gives nothing more.
                for key in [pro, max] {
                    session.clock.advance(bySeconds: 60)
                    _ = try await session.engine.changePlan(SubscriptionChange(plan: key, at: .now))
                }
                #expect(try await session.engine.wallet(of: .ada).balance == 1_000)
                try await session.engine.expectClean()
            }
        }
    }

    /// Providers tell what happened more than once.
    @Test(arguments: StoreUnderTest.allCases)
    func `a change to the plan that applies is told again and changes nothing`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-03-10T12:00:00Z"))
        try await store.withSession(clock: clock) { session in
            try await Self.setUp(session.engine)
            let first = try await session.engine.changePlan(SubscriptionChange(plan: .big))
            for change in [
                SubscriptionChange(plan: .big), SubscriptionChange(plan: .big, credits: .full),
                SubscriptionChange(plan: .big, usage: .keep, anchor: .keep),
            ] {
                session.clock.advance(bySeconds: 100)
                let again = try await session.engine.changePlan(change)
                #expect(again.subscription == first.subscription && again.grants.isEmpty)
                guard
                    case .preview(let preview) = try await session.engine.previewSubscription(
                        of: .ada, change)
                else {
                    Issue.record("no preview")
                    return
                }
                #expect(preview.turn.subscription == first.subscription)
                try await session.reopen()
            }
            #expect(try await session.engine.subscriptions(of: .ada)?.count == 1)
            #expect(try await session.engine.wallet(of: .ada).balance == 1_000)
        }
    }

    /// Whoever moves the anchor, leaves, or has a scheduled change of the same plan, goes to and fro in one month.
    @Test(arguments: StoreUnderTest.allCases)
    func `no loop gives more than the largest plan, whatever it moves`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-03-10T12:00:00Z"))
        try await store.with(clock: clock) { engine, clock in
            try await Self.setUp(engine)
            func change(_ id: SubjectID, _ changes: [SubscriptionChange]) async throws {
                for change in changes {
                    clock.advance(bySeconds: 3_600)
                    _ = try await engine.changePlan(change, of: id)
                }
            }
            func put(
                _ id: SubjectID, _ plan: PlanKey, _ status: SubscriptionStatus = .active
            )
                async throws
            {
                clock.advance(bySeconds: 3_600)
                try await engine.put(
                    .putSubscription(
                        id, Subscription(plan: plan, status: status, startsAt: clock.now)))
            }
            func earned(_ id: SubjectID) async throws -> Int64 {
                try await engine.wallet(of: id).lifetimeEarned
            }
            let down = SubscriptionChange(plan: .pro, at: .now)
            let full = SubscriptionChange(plan: .big, usage: .reset, credits: .full)
            // A new anchor begins no month in which all is to be had once more.
            try await change(.ada, [SubscriptionChange(plan: .big)])
            for _ in 1...2 {
                try await change(.ada, [down, SubscriptionChange(plan: .pro, anchor: .new), full])
            }
            #expect(try await earned(.ada) == 1_000)
            let last = try #require(try await engine.subject(.ada)?.subscription?.change)
            #expect(last.usage == .keep && last.credits == .difference)
            // A window that was opened by a smaller plan.
            try await change(
                .bob,
                [
                    SubscriptionChange(plan: .big), SubscriptionChange(plan: .free, at: .now),
                    SubscriptionChange(plan: .pro, usage: .reset),
                    SubscriptionChange(plan: .big, credits: .full),
                ])
            #expect(try await earned(.bob) == 1_000)
            // Leaving by what is written, and coming back.
            let eve = SubjectID(unchecked: "eve")
            try await engine.put(.putSubject(Subject(id: eve)))
            try await change(eve, [SubscriptionChange(plan: .big)])
            for _ in 1...2 {
                try await put(eve, .pro, .cancelled)
                try await put(eve, .big)
                try await put(eve, .pro)
                try await change(eve, [SubscriptionChange(plan: .big, credits: .full)])
            }
            #expect(try await earned(eve) == 1_000)
            // By what is scheduled, as by what is done at once.
            let sam = SubjectID(unchecked: "sam")
            try await engine.put(.putSubject(Subject(id: sam)))
            try await change(sam, [SubscriptionChange(plan: .pro)])
            func on(_ hours: Int64) -> ChangeTime {
                .instant(clock.now.flooredToSecond.advanced(byMilliseconds: hours * 3_600_000))
            }
            try await change(
                sam,
                [
                    SubscriptionChange(plan: .big, at: on(24), anchor: .new),
                    SubscriptionChange(plan: .pro, at: on(48)),
                    SubscriptionChange(plan: .pro, at: on(72), anchor: .new),
                    SubscriptionChange(plan: .big, at: on(96), usage: .reset, credits: .full),
                ])
            clock.advance(bySeconds: 6 * 86_400)
            #expect(try await earned(sam) == 1_000)
            // One that was scheduled gave what the next leaves to the next window.
            let later = clock.now.advanced(byMilliseconds: 7_200_500).flooredToSecond
            let kim = SubjectID(unchecked: "kim")
            try await engine.put(.putSubject(Subject(id: kim)))
            try await change(kim, [SubscriptionChange(plan: .big, at: .instant(later))])
            clock.advance(bySeconds: 86_400)
            try await change(
                kim,
                [
                    SubscriptionChange(
                        plan: .big, credits: .nextWindow, expiresAt: .at("2026-03-30T00:00:00Z")),
                    SubscriptionChange(plan: .big, expiresAt: .at("2026-03-29T00:00:00Z")),
                ])
            #expect(try await earned(kim) == 1_000)
            try await engine.expectClean()
        }
    }

    /// The default plan gives from the next window on to who falls back to it.
    @Test(arguments: [true, false], StoreUnderTest.allCases)
    func `a window that gave nothing before a lapse and after it gives all of a new plan`(
        isWritten: Bool, store: StoreUnderTest
    ) async throws {
        func grant(_ amount: Int64) -> [RecurringGrant] {
            [RecurringGrant(window: .month, amount: amount)]
        }
        let clock = ManualClock(.at("2026-12-20T00:00:00Z"))
        try await store.with(clock: clock) { engine, clock in
            try await engine.setUp(
                plans: [
                    Plan(key: .free, rank: 0, isDefault: true, recurringGrants: grant(50)),
                    Plan(key: .pro, rank: 1), Plan(key: .big, rank: 2, recurringGrants: grant(200)),
                ],
                credits: CreditPolicy(payment: .creditsOnly, prices: [.prompts: 1]))
            _ = try await engine.put(.putSubject(Subject(id: .ada)))
            clock.set(.at("2026-12-21T00:00:00Z"))
            let ends = Instant.at("2027-02-10T00:00:00Z")
            try await engine.put(
                .putSubscription(
                    .ada, Subscription(plan: .pro, startsAt: clock.now, expiresAt: ends)))
            clock.set(.at("2027-02-12T00:00:00Z"))
            #expect(try await engine.wallet(of: .ada).balance == 0)
            if isWritten {
                try await engine.put(
                    .putSubscription(.ada, Subscription(plan: .big, startsAt: clock.now)))
            } else {
                _ = try await engine.changePlan(SubscriptionChange(plan: .big))
            }
            #expect(try await engine.wallet(of: .ada).balance == 200)
            clock.set(.at("2027-03-01T00:00:00Z"))
            #expect(try await engine.wallet(of: .ada).balance == 200)
            try await engine.expectClean()
        }
    }

    /// Who pays begins anew, once: what a trial gave is no plan that was paid for.
    @Test(arguments: StoreUnderTest.allCases)
    func `a trial that becomes a subscription begins a window with credits`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-01-31T10:00:00Z"))
        try await store.with(clock: clock) { engine, clock in
            try await Self.setUp(engine)
            _ = try await engine.changePlan(
                SubscriptionChange(
                    plan: .big, status: .trialing, expiresAt: .at("2026-02-14T10:00:00Z")))
            try await engine.count(.of(.ada, [.prompts: 1_000]))
            clock.set(.at("2026-02-14T10:00:05Z"))
            let paid = SubscriptionChange(
                plan: .big, usage: .reset, anchor: .new, credits: .full, status: .active)
            let turn = try await engine.changePlan(paid)
            #expect(turn.grants.map(\.amount) == [1_000])
            let status = try #require(try await engine.limits(of: .ada).first)
            #expect(status.used == 0 && status.allowance == .units(1_000))
            #expect(status.resetsAt == .at("2026-03-14T10:00:05Z"))
            let balance = try await engine.wallet(of: .ada).balance
            clock.set(.at("2026-02-14T10:00:10Z"))
            let again = try await engine.changePlan(paid)
            #expect(again.grants.isEmpty && again.subscription.change?.usage == .keep)
            #expect(try await engine.wallet(of: .ada).balance == balance)
            try await engine.expectClean()
        }
    }
}
