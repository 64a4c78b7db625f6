import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// A plan changes at a time, and what was before stays as it was.
@Suite struct PlanChangeTests {
    /// Free and pro, counted by billing month and by month, with credits by month.
    private static func setUp(_ engine: MeterstoneEngine, credits: Bool = false) async throws {
        func grant(_ amount: Int64) -> [RecurringGrant] {
            credits ? [RecurringGrant(window: .billingMonth, amount: amount)] : []
        }
        try await engine.setUp(
            plans: [
                Plan(key: .free, rank: 0, isDefault: true, recurringGrants: grant(100)),
                Plan(
                    key: .pro, rank: 1, recurringGrants: grant(1_000),
                    price: Money(millionths: 10_000_000)),
                Plan(
                    key: .big, rank: 2, recurringGrants: grant(5_000),
                    price: Money(millionths: 50_000_000)),
            ],
            limits: [
                .byPlan("billing", free: 100, pro: 1_000, big: 5_000, per: .billingMonth),
                .byPlan("month", free: 100, pro: 1_000, big: 5_000, per: .month),
            ],
            credits: credits
                ? CreditPolicy(isEnabled: true, payment: .allowanceFirst, prices: [.prompts: 1])
                : nil)
    }

    private static func subscribe(
        _ engine: MeterstoneEngine, _ plan: PlanKey, from start: String, until end: String? = nil
    ) async throws {
        try await engine.put(
            .putSubscription(
                .ada,
                Subscription(plan: plan, startsAt: .at(start), expiresAt: end.map { .at($0) })))
    }

    // MARK: When

    @Test(arguments: StoreUnderTest.allCases)
    func `an upgrade applies now and keeps usage and window`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-01-31T10:00:00Z"))
        try await store.withSession(clock: clock) { session in
            try await Self.setUp(session.engine)
            try await Self.subscribe(session.engine, .free, from: "2026-01-31T10:00:00Z")
            session.clock.set(.at("2026-02-10T09:00:00.700Z"))
            try await session.engine.count(.of(.ada, [.prompts: 80]))
            let turn = try await session.engine.changePlan(SubscriptionChange(plan: .pro))
            #expect(!turn.isScheduled && turn.planBefore == .free)
            #expect(turn.subscription.startsAt == .at("2026-02-10T09:00:00Z"))
            #expect(turn.subscription.billingAnchor == .at("2026-01-31T10:00:00Z"))
            try await session.reopen()
            let status = try await session.engine.status("billing")
            #expect(status.used == 80 && status.allowance == .units(1_000))
            #expect(status.resetsAt == .at("2026-02-28T10:00:00Z"))
            // What happened before the change meets what was allowed then.
            let late = try await session.engine.decide(
                .of(.ada, [.prompts: 10], id: "late", at: "2026-02-10T08:59:59Z"))
            #expect(late.limits.first { $0.limit.text == "billing" }?.allowance == .units(100))
            // The second of the change belongs to the new plan as a whole.
            let same = try await session.engine.decide(
                .of(.ada, [.prompts: 10], id: "same", at: "2026-02-10T09:00:00Z"))
            #expect(same.limits.first { $0.limit.text == "billing" }?.allowance == .units(1_000))
            try await session.engine.expectClean()
            #expect(try await session.engine.rebuild() >= 0)
            #expect(try await session.engine.status("billing").used == 100)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a downgrade waits for the end of the period and can be cancelled`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-01-31T10:00:00Z"))
        try await store.withSession(clock: clock) { session in
            try await Self.setUp(session.engine)
            try await Self.subscribe(session.engine, .pro, from: "2026-01-31T10:00:00Z")
            session.clock.set(.at("2026-02-10T09:00:00Z"))
            let turn = try await session.engine.changePlan(SubscriptionChange(plan: .free))
            #expect(turn.isScheduled)
            #expect(turn.subscription.startsAt == .at("2026-02-28T10:00:00Z"))
            try await session.reopen()
            var periods = try #require(try await session.engine.subscriptions(of: .ada))
            #expect(periods.map(\.state) == [.current, .scheduled])
            #expect(periods.map(\.subscription.plan) == [.pro, .free])
            #expect(try await session.engine.status("billing").allowance == .units(1_000))
            #expect(try await session.engine.put(.cancelScheduled(.ada, startsAt: nil)) == .deleted)
            #expect(try await session.engine.put(.cancelScheduled(.ada, startsAt: nil)) == .missing)
            _ = try await session.engine.changePlan(SubscriptionChange(plan: .free))
            session.clock.set(.at("2026-02-28T10:00:00Z"))
            #expect(try await session.engine.status("billing").allowance == .units(100))
            periods = try #require(try await session.engine.subscriptions(of: .ada))
            #expect(periods.last?.state == .current && periods.last?.subscription.plan == .free)
            #expect(periods.last?.applies == true)
            try await session.engine.put(.putSubject(Subject(id: .ada, name: "Ada")))
            periods = try #require(try await session.engine.subscriptions(of: .ada))
            #expect(periods.map(\.state) == [.past, .current])
            #expect(periods[0].until == .at("2026-02-28T10:00:00Z"))
            let late = try await session.engine.decide(
                .of(.ada, [.prompts: 1], id: "late", at: "2026-02-28T09:59:59Z"))
            #expect(late.limits.first { $0.limit.text == "billing" }?.allowance == .units(1_000))
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `an upgrade takes the place of the downgrade that was scheduled`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-03-01T00:00:00Z"))
        try await store.with(clock: clock) { engine, clock in
            try await Self.setUp(engine)
            try await Self.subscribe(engine, .pro, from: "2026-03-01T00:00:00Z")
            _ = try await engine.changePlan(SubscriptionChange(plan: .free))
            clock.set(.at("2026-03-02T00:00:00Z"))
            let turn = try await engine.changePlan(SubscriptionChange(plan: .big))
            #expect(turn.cancelled.map(\.plan) == [.free])
            // Who asks for the plan that applies stays on it.
            _ = try await engine.changePlan(SubscriptionChange(plan: .free))
            let stay = try await engine.changePlan(SubscriptionChange(plan: .big))
            #expect(stay.cancelled.map(\.plan) == [.free])
            #expect(stay.subscription.startsAt == .at("2026-03-02T00:00:00Z"))
            clock.set(.at("2026-05-01T00:00:00Z"))
            #expect(try await engine.status("billing").allowance == .units(5_000))
            try await engine.expectClean()
        }
    }

    // MARK: Windows

    static let windows: [(change: SubscriptionChange, used: Int64, from: String, until: String)] = [
        (SubscriptionChange(plan: .pro), 80, "2026-01-10T00:00:00Z", "2026-02-10T00:00:00Z"),
        (
            SubscriptionChange(plan: .pro, usage: .reset), 0, "2026-01-25T12:00:00Z",
            "2026-02-10T00:00:00Z"
        ),
        (
            SubscriptionChange(plan: .pro, anchor: .new), 80, "2026-01-10T00:00:00Z",
            "2026-02-25T12:00:00Z"
        ),
        (
            SubscriptionChange(plan: .pro, usage: .reset, anchor: .new), 0, "2026-01-25T12:00:00Z",
            "2026-02-25T12:00:00Z"
        ),
    ]

    @Test(arguments: StoreUnderTest.allCases, windows)
    func `a change keeps or resets usage, and keeps or moves the month`(
        store: StoreUnderTest,
        wanted: (change: SubscriptionChange, used: Int64, from: String, until: String)
    ) async throws {
        let clock = ManualClock(.at("2026-01-10T00:00:00Z"))
        try await store.withSession(clock: clock) { session in
            try await Self.setUp(session.engine)
            try await Self.subscribe(session.engine, .free, from: "2026-01-10T00:00:00Z")
            session.clock.set(.at("2026-01-25T12:00:00Z"))
            try await session.engine.count(
                .of(.ada, [.prompts: 80], at: "2026-01-25T11:59:59Z"))
            let told = try await session.engine.previewSubscription(of: .ada, wanted.change)
            guard case .preview(let preview) = told else {
                Issue.record("expected a preview, got \(told)")
                return
            }
            let after = try #require(preview.after.first { $0.status.limit.text == "billing" })
            #expect(after.span.from == .at(wanted.from) && after.span.until == .at(wanted.until))
            #expect(after.status.used.units == wanted.used)
            #expect(after.status.allowance == .units(1_000))
            #expect(preview.before.first?.status.allowance == .units(100))
            #expect(try await session.engine.status("billing").allowance == .units(100))
            _ = try await session.engine.changePlan(wanted.change)
            try await session.reopen()
            let status = try await session.engine.status("billing")
            #expect(status.used.units == wanted.used && status.resetsAt == .at(wanted.until))
            try await session.engine.count(
                .of(.ada, [.prompts: 5], at: "2026-01-25T12:00:00Z"),
                .of(.ada, [.prompts: 7], at: "2026-01-24T00:00:00Z"))
            let both: Int64 = wanted.used == 0 ? 5 : 92
            #expect(try await session.engine.status("billing").used.units == both)
            #expect(
                try await session.engine.status("month").used.units == (wanted.used == 0 ? 5 : 92))
            try await session.engine.expectClean()
            #expect(try await session.engine.rebuild() >= 0)
            #expect(try await session.engine.status("billing").used.units == both)
            session.clock.set(.at(wanted.until))
            #expect(try await session.engine.status("billing").used == 0)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `no loop of changes yields more than the largest plan`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-01-01T00:00:00Z"))
        try await store.with(clock: clock) { engine, clock in
            try await Self.setUp(engine, credits: true)
            try await Self.subscribe(engine, .free, from: "2026-01-01T00:00:00Z")
            let changes = [
                SubscriptionChange(plan: .pro, at: .now),
                SubscriptionChange(plan: .pro, at: .now, anchor: .new),
                SubscriptionChange(plan: .big, at: .now, anchor: .new, credits: .full),
            ]
            let back = SubscriptionChange(plan: .free, at: .now)
            for round in 0..<6 {
                for (index, change) in changes.enumerated() {
                    let second = 10 + round * 6 + index * 2
                    clock.set(.at("2026-01-20T00:00:\(second)Z"))
                    // To and fro within one second, too.
                    for change in [change, back, change] {
                        _ = try await engine.changePlan(change)
                    }
                    clock.set(.at("2026-01-20T00:00:\(second + 1)Z"))
                    _ = try await engine.changePlan(back)
                }
            }
            let wallet = try await engine.wallet(of: .ada)
            #expect(wallet.granted == 100 + 900 + 5_000, "what was asked for in full came once")
            try await engine.count(.of(.ada))
            let lifetime = try #require(try await engine.lifetime(of: .ada))
            #expect(lifetime.revenue == Money(millionths: 50_000_000))
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a loop of resets opens one window for each plan`(store: StoreUnderTest) async throws {
        let clock = ManualClock(.at("2026-01-01T00:00:00Z"))
        try await store.with(clock: clock) { engine, clock in
            try await Self.setUp(engine)
            try await Self.subscribe(engine, .free, from: "2026-01-01T00:00:00Z")
            var total: Int64 = 0
            for day in 10..<20 {
                for plan in [PlanKey.pro, .free] {
                    clock.set(.at("2026-01-\(day)T0\(plan == .pro ? 1 : 2):00:00Z"))
                    _ = try await engine.changePlan(
                        SubscriptionChange(plan: plan, at: .now, usage: .reset))
                    let event = UsageEvent.of(.ada, [.prompts: 100])
                    if case .decided(let decision) = try await engine.consume(event),
                        decision.isAllowed
                    {
                        total += 100
                    }
                }
            }
            #expect(total == 1_000)
            try await engine.expectClean()
        }
    }

    // MARK: Credits and revenue

    static let credits: [(mode: CreditsAtChange, now: Int64, later: Int64)] = [
        (.difference, 1_000, 1_000), (.full, 1_100, 1_000), (.nextWindow, 100, 1_000),
    ]

    @Test(arguments: StoreUnderTest.allCases, credits)
    func `credits come at once, or with the next window`(
        store: StoreUnderTest, wanted: (mode: CreditsAtChange, now: Int64, later: Int64)
    ) async throws {
        let clock = ManualClock(.at("2026-01-01T00:00:00Z"))
        try await store.withSession(clock: clock) { session in
            try await Self.setUp(session.engine, credits: true)
            try await Self.subscribe(session.engine, .free, from: "2026-01-01T00:00:00Z")
            #expect(try await session.engine.wallet(of: .ada).balance == 100)
            session.clock.set(.at("2026-01-15T00:00:00Z"))
            let change = SubscriptionChange(plan: .pro, credits: wanted.mode)
            guard
                case .preview(let preview) = try await session.engine.previewSubscription(
                    of: .ada, change)
            else {
                Issue.record("expected a preview")
                return
            }
            #expect(preview.creditsBefore == 100 && preview.creditsAfter == wanted.now)
            #expect(preview.charges.map(\.price) == [Money(millionths: 10_000_000)])
            _ = try await session.engine.changePlan(change)
            #expect(try await session.engine.wallet(of: .ada).balance == wanted.now)
            try await session.reopen()
            session.clock.set(.at("2026-02-01T00:00:00Z"))
            #expect(try await session.engine.wallet(of: .ada).balance == wanted.later)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `credits of a change for later come then, and are voided when it is cancelled`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-01-01T00:00:00Z"))
        try await store.with(clock: clock) { engine, clock in
            try await Self.setUp(engine, credits: true)
            try await Self.subscribe(engine, .free, from: "2026-01-01T00:00:00Z")
            #expect(try await engine.wallet(of: .ada).balance == 100)
            let later = SubscriptionChange(
                plan: .pro, at: .instant(.at("2026-01-20T00:00:00Z")))
            let turn = try await engine.changePlan(later)
            #expect(turn.isScheduled && turn.grants.map(\.amount) == [900])
            try await engine.put(.cancelScheduled(.ada, startsAt: nil))
            _ = try await engine.changePlan(later)
            #expect(try await engine.wallet(of: .ada).balance == 100)
            clock.set(.at("2026-01-20T00:00:00Z"))
            #expect(try await engine.wallet(of: .ada).balance == 1_000)
            clock.set(.at("2026-02-01T00:00:00Z"))
            #expect(try await engine.wallet(of: .ada).balance == 1_000)
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a change costs the difference, and the next period what the plan costs`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-01-01T00:00:00Z"))
        try await store.with(clock: clock) { engine, clock in
            try await Self.setUp(engine)
            try await Self.subscribe(engine, .pro, from: "2026-01-01T00:00:00Z")
            try await engine.count(.of(.ada))
            clock.set(.at("2026-01-15T00:00:00Z"))
            _ = try await engine.changePlan(SubscriptionChange(plan: .big))
            func revenue() async throws -> Int64? {
                try await engine.lifetime(of: .ada).map { $0.revenue.millionths / 1_000_000 }
            }
            #expect(try await revenue() == 10 + 40)
            clock.set(.at("2026-02-01T00:00:00Z"))
            #expect(try await revenue() == 10 + 40 + 50)
            _ = try await engine.changePlan(SubscriptionChange(plan: .pro))
            clock.set(.at("2026-03-01T00:00:00Z"))
            #expect(try await revenue() == 10 + 40 + 50 + 10)
        }
    }

    // MARK: Statuses

    static let statuses: [(text: String, gives: Bool)] = [
        ("active", true), ("trialing", true), ("past_due", true), ("pastDue", true),
        ("canceled", true), ("cancelled", true), ("non_renewing", true), ("unpaid", false),
        ("incomplete", false), ("incomplete_expired", false), ("paused", false), ("expired", false),
        ("PAST-DUE", true), ("On Trial", true), ("in_billing_retry", false),
    ]

    @Test(arguments: statuses)
    func `statuses as providers spell them give their plan or not`(
        wanted: (text: String, gives: Bool)
    ) throws {
        let status = try #require(SubscriptionStatus(text: wanted.text))
        let subscription = Subscription(
            plan: .pro, status: status, startsAt: .at("2026-01-01T00:00:00Z"),
            expiresAt: .at("2026-01-30T00:00:00Z"))
        #expect(subscription.applies(at: .at("2026-01-29T23:59:59Z")) == wanted.gives)
        #expect(!subscription.applies(at: .at("2026-01-30T00:00:00Z")))
        #expect(subscription.status(at: .at("2026-01-30T00:00:00Z")) == .expired)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `grace for past due ends once, however often it is told`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-01-01T00:00:00Z"))
        try await store.with(clock: clock) { engine, clock in
            try await engine.setUp(
                plans: [
                    Plan(key: .free, isDefault: true), Plan(key: .pro, pastDueGraceDays: 7),
                ],
                limits: [.byPlan("billing", free: 100, pro: 1_000, big: 0, per: .billingMonth)])
            try await Self.subscribe(engine, .pro, from: "2026-01-01T00:00:00Z")
            for day in 10..<17 {
                clock.set(.at("2026-01-\(day)T00:00:00Z"))
                try await engine.put(
                    .putSubscription(
                        .ada,
                        Subscription(
                            plan: .pro, status: .pastDue, startsAt: .at("2026-01-01T00:00:00Z"))))
                #expect(try await engine.status("billing").allowance == .units(1_000))
            }
            clock.set(.at("2026-01-17T00:00:00Z"))
            #expect(try await engine.status("billing").allowance == .units(100))
            let periods = try #require(try await engine.subscriptions(of: .ada))
            #expect(periods.last?.status == .expired && periods.last?.applies == false)
            try await Self.subscribe(engine, .pro, from: "2026-01-01T00:00:00Z")
            #expect(try await engine.status("billing").allowance == .units(1_000))
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what was caused earlier does not win`(store: StoreUnderTest) async throws {
        let clock = ManualClock(.at("2026-01-01T00:00:00Z"))
        try await store.with(clock: clock) { engine, _ in
            try await Self.setUp(engine)
            func tell(_ plan: PlanKey, caused: String) async throws -> ChangeOutcome {
                try await engine.put(
                    .putSubscription(
                        .ada,
                        Subscription(
                            plan: plan, startsAt: .at("2026-01-01T00:00:00Z"),
                            causedAt: .at(caused))))
            }
            #expect(try await tell(.pro, caused: "2026-01-01T00:00:05Z") == .created)
            #expect(try await tell(.free, caused: "2026-01-01T00:00:04Z") == .unchanged)
            let older = try await engine.changePlan(
                SubscriptionChange(
                    plan: .big, at: .now, ifNewerThan: .at("2026-01-01T00:00:03Z")))
            #expect(older.subscription.plan == .pro)
            #expect(try await engine.status("billing").allowance == .units(1_000))
            #expect(try await tell(.big, caused: "2026-01-01T00:00:06Z") == .replaced)
        }
    }

    // MARK: Features

    @Test(arguments: StoreUnderTest.allCases)
    func `features are those of the plan that applies`(store: StoreUnderTest) async throws {
        let clock = ManualClock(.at("2026-01-01T00:00:00Z"))
        try await store.with(clock: clock) { engine, clock in
            try await engine.setUp(plans: [
                Plan(key: .free, isDefault: true, features: ["seats": .number(1)]),
                Plan(
                    key: .pro,
                    features: [
                        "seats": .number(5), "sso": .flag(true), "support": .text("mail"),
                    ]),
            ])
            var features = try await engine.features(of: .ada)
            #expect(
                features.features == [
                    "seats": .number(1), "sso": .flag(false), "support": .flag(false),
                ])
            try await Self.subscribe(
                engine, .pro, from: "2026-01-01T00:00:00Z", until: "2026-01-30T00:00:00Z")
            features = try await engine.features(of: .ada)
            #expect(features.plan == .pro && features.features["support"] == .text("mail"))
            clock.set(.at("2026-01-30T00:00:00Z"))
            features = try await engine.features(of: .ada)
            #expect(features.plan == .free && features.subscription == .expired)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a repeat of a change with its key gets the first answer`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-01-01T00:00:00Z"))
        try await store.withSession(clock: clock) { session in
            try await Self.setUp(session.engine)
            try await Self.subscribe(session.engine, .free, from: "2026-01-01T00:00:00Z")
            let first = try await session.engine.changePlan(
                SubscriptionChange(plan: .pro), key: "k")
            session.clock.set(.at("2026-01-02T00:00:00Z"))
            try await session.reopen()
            let again = try await session.engine.changePlan(
                SubscriptionChange(plan: .pro), key: "k")
            #expect(again == first)
        }
    }
}

extension Limit {
    fileprivate static func byPlan(
        _ key: String, free: Int64, pro: Int64, big: Int64, per window: Window
    ) -> Limit {
        Limit(
            key: LimitKey(unchecked: key), meter: .prompts, window: window,
            allowances: [.free: free, .pro: pro, .big: big].mapValues { .units(Quantity($0)) },
            defaultAllowance: .units(Quantity(free)))
    }
}

extension MeterstoneEngine {
    /// Where ada stands with a limit.
    fileprivate func status(_ limit: String) async throws -> LimitStatus {
        try #require(try await limits(of: .ada).first { $0.limit.text == limit })
    }
}
