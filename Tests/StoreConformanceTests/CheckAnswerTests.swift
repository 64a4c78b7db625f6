import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What a check says: how things stand now, and whether more would be allowed. And what a refusal offers.
@Suite struct CheckAnswerTests {
    private func check(
        _ engine: MeterstoneEngine, _ event: UsageEvent, as use: CheckedUse = .consume
    ) async throws -> Decision {
        guard case .decided(let decision) = try await engine.check(event, as: use) else {
            throw UnexpectedOutcome()
        }
        return decision
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a check tells what stands now, and nothing of the question is added`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            let calls = Meter(
                key: MeterKey(unchecked: "calls"), aggregation: .count, eventTypes: ["call"])
            try await engine.setUp(
                meters: [Meter(key: .prompts), calls],
                limits: [
                    .daily(10), .limit("rolling", 8, per: .rolling(seconds: 60)),
                    .limit("request", 5, per: .request),
                    .limit("shadow", 3, per: .day, mode: .shadow),
                    .limit("calls", 2, of: calls.key, per: .sinceFirst(seconds: 60)),
                ])
            _ = try await engine.decide("ada", 3, id: "e")
            for (units, isAllowed) in [(0, true), (5, true), (6, false)] as [(Int64, Bool)] {
                for use in CheckedUse.allCases {
                    let decision = try await check(engine, .of(.ada, [.prompts: units]), as: use)
                    #expect(decision.isAllowed == isAllowed, "\(units) as \(use)")
                    let used = Dictionary(
                        uniqueKeysWithValues: decision.limits.map { ($0.limit.text, $0.used.units) }
                    )
                    #expect(
                        used == ["prompts_daily": 3, "rolling": 3, "request": 0, "shadow": 3])
                }
            }
            // By an action.
            let call = try await check(engine, .of(.ada, [:], type: "call"))
            #expect(call.isAllowed && call.moved == [calls.key])
            #expect(call.limits.map(\.used) == [0] && call.limits.map(\.resetsAt) == [nil])
            // What was counted under an id is told.
            let known = try await check(engine, .of(.ada, [.prompts: 3], id: "e"))
            #expect(known.isDuplicate && known.eventID == .text("e"))
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a refusal names what to do instead`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            var daily = Limit.daily(1)
            var monthly = Limit.limit("monthly", 3, per: .month)
            monthly.fallback = "small-model"
            try await engine.setUp(limits: [daily, monthly])
            #expect(try await engine.decide("ada", 2).denial?.fallback == nil)
            #expect(try await engine.decide("ada", 4).denial?.fallback == "small-model")
            daily.fallback = "tomorrow"
            try await engine.put(.putLimit(daily))
            // The limits are told in the order of their keys.
            #expect(try await engine.decide("ada", 4).denial?.fallback == "small-model")
            #expect(try await engine.decide("ada", 2).denial?.fallback == "tomorrow")
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `short of credits, plans are named that would pay`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            var daily = Limit.daily(1)
            daily.allowances = [.big: .units(50)]
            try await engine.setUp(
                plans: [
                    Plan(
                        key: .free, rank: 0, isDefault: true,
                        recurringGrants: [RecurringGrant(window: .day, amount: 10)]),
                    Plan(
                        key: .pro, rank: 1,
                        recurringGrants: [RecurringGrant(window: .day, amount: 100)]),
                    Plan(key: .big, rank: 2, overdraft: 30),
                ],
                limits: [daily],
                credits: CreditPolicy(payment: .allowanceFirst, prices: [.prompts: 10]))
            // One is free, one is paid with the ten credits of the day.
            #expect(try await engine.decide("ada", 2).isAllowed)
            for (units, plans) in [
                (1, [.pro, .big]), (9, [.pro, .big]), (10, [.big]), (51, [.big]), (52, []),
            ] as [(Quantity, [PlanKey])] {
                let denial = try #require(try await engine.decide("ada", units).denial)
                #expect(denial.reason == .insufficientCredits)
                #expect(denial.plansThatAllow == plans, "\(units)")
                #expect(denial.nextRefillAt == .at("2026-03-11T00:00:00Z"))
                let isSoon = units == 1
                #expect((denial.retryAt == .at("2026-03-11T00:00:00Z")) == isSoon, "\(units)")
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what credits cannot pay now is free when the window starts anew`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(
                limits: [.daily(10)],
                credits: CreditPolicy(payment: .allowanceFirst, prices: [.prompts: 10]))
            try await engine.put(.grantCredit(.ada, GrantOrder(amount: 50)))
            #expect(try await engine.decide("ada", 10).isAllowed)
            // Tomorrow ten are free, and fifty credits pay five.
            for (units, isSoon) in [(6, true), (15, true), (16, false)] as [(Quantity, Bool)] {
                let denial = try #require(try await engine.decide("ada", units).denial)
                #expect(denial.reason == .insufficientCredits && denial.nextRefillAt == nil)
                #expect(denial.retryAt == (isSoon ? .at("2026-03-11T00:00:00Z") : nil), "\(units)")
            }
        }
    }
}
