import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Limits of what events cost: set aside by an estimate, and settled with what is known in the end.
@Suite struct BudgetTests {
    /// A cent a day for each subject, of which 4 tenths may go to one model.
    private static func blueprint(_ withoutCost: WithoutCost = .nothing) -> Blueprint {
        Blueprint(
            meters: [
                Meter(key: RequestTracker.requests), Meter(key: RequestTracker.tokens),
                Meter(
                    key: .cost, countedStatuses: EventStatus.allCases, counts: .cost,
                    withoutCost: withoutCost),
            ],
            limits: [
                .limit("budget", 10_000_000, of: .cost, per: .day),
                Limit(
                    key: .models, meter: .cost, window: .day, defaultAllowance: .unlimited,
                    perValue: PerValue(
                        "model", allowances: ["small*": ValueAllowance(.units(4_000_000))])),
            ],
            models: [
                // 10 and 30 for a million tokens.
                .priced("large", 10_000_000, 30_000_000),
                .priced("small", 1_000_000, 1_000_000),
            ])
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `tokens without meters count as nothing else, and are told as they were`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            var blueprint = Self.blueprint()
            // Keys before 'cost': they have the first numbers.
            blueprint.meters = [Meter(key: .prompts)] + blueprint.meters.filter { $0.key == .cost }
            blueprint.meters.insert(Meter(key: MeterKey(unchecked: "a")), at: 0)
            try await session.engine.setUp(blueprint)
            let told: [MeterKey: Int64] = [
                TokenName.input: 10, TokenName.output: 7, TokenName.cached: 2,
            ]
            for id in ["1", "2"] {
                guard
                    case .decided(let decision) = try await session.engine.consume(
                        .of(.ada, told, id: id, dimensions: ["model": "large"]))
                else {
                    Issue.record("not decided")
                    return
                }
                #expect(decision.isAllowed && decision.moved == [.cost])
            }
            _ = try await session.engine.amend("2", [TokenName.input: 5])
            func expect(_ meters: [MeterKey: Int64]) async throws {
                let page = try await session.engine.events(of: .ada, before: nil, count: 10)
                #expect(
                    page.events.map(\.event.quantities)
                        == [.of([TokenName.input: 5]), .of(told)])
                for (meter, units) in meters {
                    let usage = try await session.engine.quantities(of: .ada, meter, per: .day)
                    #expect(usage.last ?? 0 == units, "\(meter)")
                }
                try await session.engine.expectClean()
            }
            try await expect([MeterKey(unchecked: "a"): 0, .prompts: 0])
            try await session.reopen()
            try await expect([MeterKey(unchecked: "a"): 0, .prompts: 0])
            // Meters that come later count what was told before.
            try await session.engine.put(.putMeter(Meter(key: TokenName.input)))
            try await session.engine.count(.of(.ada, [TokenName.input: 100], id: "3"))
            #expect(
                try await session.engine.quantities(of: .ada, TokenName.input, per: .day).last
                    == 115)
            #expect(try await session.engine.void("3").code == "corrected")
            try await session.engine.flush()
            try await session.reopen()
            _ = try await session.engine.rebuild()
            #expect(
                try await session.engine.quantities(of: .ada, TokenName.input, per: .day).last
                    == 15)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `tokens are priced without meters of their own`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            var blueprint = Self.blueprint()
            blueprint.meters.removeAll { $0.counts != .cost }
            blueprint.models[0].prices[0].image = Money(millionths: 1_000)
            try await engine.setUp(blueprint)
            func consume(
                _ id: String, _ quantities: [MeterKey: Int64]
            ) async throws -> ConsumeOutcome {
                try await engine.consume(
                    .of(.ada, quantities, id: id, dimensions: ["model": "large"]))
            }
            guard
                case .decided(let decision) = try await consume(
                    "1", [TokenName.input: 10, TokenName.output: 10, TokenName.cached: 4])
            else {
                Issue.record("not decided")
                return
            }
            #expect(decision.isAllowed && decision.moved == [.cost])
            // Parts that are more than their whole would be free.
            for (quantities, field) in [
                ([TokenName.input: 9, TokenName.output: 5, TokenName.cached: 17], "inputTokens"),
                (
                    [TokenName.input: 9, TokenName.output: 5, TokenName.reasoning: 6],
                    "outputTokens"
                ),
            ] as [([MeterKey: Int64], String)] {
                guard case .rejected(let rejection) = try await consume("2", quantities) else {
                    Issue.record("not rejected")
                    return
                }
                #expect(
                    rejection.code == .invalidField
                        && rejection.field == "quantities.\(field)")
            }
            #expect(try await engine.spent(.ada) == 400_000)
            _ = try await consume("3", [TokenName.images: 1])
            #expect(try await engine.spent(.ada) == 1_400_000)
            guard
                case .rejected(let rejection) = try await consume(
                    "4", [MeterKey(unchecked: "imagesOfCats"): 1])
            else {
                Issue.record("not rejected")
                return
            }
            #expect(rejection.code == .unknownMeter)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `an estimate that stays when a request is aborted costs what it did`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(Self.blueprint())
            _ = try await RequestTracker(session.engine).start(
                RequestStart(
                    id: .text("1"), subject: .ada, prompt: "", model: ModelKey("large"),
                    estimatedTokens: 100, onAbort: .reserved))
            #expect(try await session.engine.spent(.ada) == 3_000_000)
            try await session.finish("1", RequestEnd(id: .text("1"), status: .cancelled))
            try await session.reopen()
            #expect(try await session.engine.spent(.ada) == 3_000_000)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a budget is held by estimates, and freed by what requests really cost`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(Self.blueprint())
            try await session.engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            try await session.engine.put(.putSubject(Subject(id: .bob, parent: .team)))
            func start(
                _ id: String, of subject: SubjectID = .ada, model: String = "large"
            ) async throws -> [LimitKey]? {
                let outcome = try await RequestTracker(session.engine).start(
                    RequestStart(
                        id: .text(id), subject: subject, prompt: "", model: ModelKey(model),
                        estimatedTokens: 100))
                switch outcome {
                case .started: return nil
                case .denied(let denial, _, _): return denial.violated
                default:
                    Issue.record("\(outcome)")
                    return nil
                }
            }
            // A hundred tokens cost 3,000 millionths at most.
            for id in ["1", "2", "3"] { #expect(try await start(id) == nil) }
            #expect(try await start("4") == [.budget])
            // The budget of the team is as full, also for someone else.
            #expect(try await start("5", of: .bob) == [.budget])
            #expect(try await session.engine.spent(.ada) == 9_000_000)
            // Ten of each kind: 100 and 300 millionths.
            try await session.finish(
                "1",
                RequestEnd(
                    id: .text("1"), tokens: .counts(TokenCounts(input: 10, output: 10))))
            #expect(try await session.engine.spent(.ada) == 6_400_000)
            #expect(try await session.engine.spent(.team) == 6_400_000)
            #expect(try await start("4", of: .bob) == nil)
            // What came to nothing costs nothing, and what is told is taken.
            try await session.finish("2", RequestEnd(id: .text("2"), status: .cancelled))
            try await session.finish(
                "3", RequestEnd(id: .text("3"), cost: Money(millionths: 5_000)))
            try await session.reopen()
            #expect(try await session.engine.spent(.ada) == 5_400_000)
            #expect(try await session.engine.spent(.team) == 8_400_000)
            // Of a model whose share is used up nothing more is let in.
            for id in 0..<16 { #expect(try await start("s\(id)", model: "small") == nil) }
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a repeat is known also when the price is another by now`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(Self.blueprint())
            let tracker = RequestTracker(engine)
            let start = RequestStart(
                id: .text("1"), subject: .ada, prompt: "Hello", model: ModelKey("small"))
            guard case .started(let first) = try await tracker.start(start) else {
                Issue.record("it does not start")
                return
            }
            // Two tokens of the prompt, and five hundred of an answer.
            #expect(first.request.cost == RequestCost(Money(millionths: 502), .estimated))
            try await engine.put(.putModel(.priced("small", 2_000_000, 6_000_000)))
            guard case .started(let again) = try await tracker.start(start) else {
                Issue.record("it is not known")
                return
            }
            #expect(again.isDuplicate)
            #expect(again.request == first.request)
            var other = start
            other.prompt = "Goodbye"
            guard case .conflict = try await tracker.start(other) else {
                Issue.record("another start is the same")
                return
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a model without a price is refused, counts an estimate, or counts nothing`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            let event = UsageEvent.of(
                .ada, [RequestTracker.tokens: 5], dimensions: ["model": "unheard-of"])
            for (rule, code, spent) in [
                (WithoutCost.nothing, "allowed", Int64(0)), (.refuse, "unpriced_model", 0),
                (.estimate(Money(millionths: 2_000)), "allowed", 4_000_000),
                (.estimate(Money(millionths: 9_000)), "denied", 18_000_000),
            ] {
                try await engine.setUp(Self.blueprint(rule))
                #expect(try await engine.consume(event).code == code)
                #expect(try await engine.spent(.ada) == spent, "\(rule)")
            }
            // What names no model is nothing that a price is looked for.
            try await engine.setUp(Self.blueprint(.refuse))
            let plain = UsageEvent.of(.ada, [RequestTracker.tokens: 5])
            #expect(try await engine.consume(plain).code == "allowed")
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `costs far below a millionth add up exactly`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(Self.blueprint())
            let tiny = try #require(Money(trillionths: 480_000))
            let outcomes = try await session.engine.record(
                (0..<2_000).map { index in
                    UsageEvent(
                        id: .text("e\(index)"), subject: .ada,
                        details: EventDetails(
                            cost: tiny, dimensions: [Dimension(name: "model", value: "large")]))
                })
            #expect(outcomes.map(\.code) == Array(repeating: "counted", count: 2_000))
            try await session.reopen()
            // 2,000 × 0.48 millionths are 960.
            #expect(try await session.engine.spent(.ada) == 960_000)
            #expect(try await session.engine.void("e7") == .corrected)
            #expect(try await session.engine.spent(.ada) == 959_520)
            let report = try await session.engine.planEconomics(of: nil, ReportQuestion())
            guard case .report(let economics) = report else {
                Issue.record("\(report)")
                return
            }
            #expect(economics.rows.map(\.costMillionths) == [960])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a past is played again under a budget`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp()
            for cost in [Int64(400), 500, 200] {
                try await engine.count(
                    UsageEvent(
                        subject: .ada, quantities: .one(.prompts, 1),
                        details: EventDetails(cost: Money(millionths: cost))))
            }
            try await engine.put(.putMeter(Meter(key: .cost, counts: .cost)))
            let outcome = try await engine.whatIf(
                WhatIfQuestion(limits: [.limit("budget", 1_000_000, of: .cost, per: .day)]))
            guard case .answered(let answer) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(answer.refused == 1)
            #expect(answer.events == 3)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a meter of cost adds up, and reads no quantity`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            let wrong = [
                Meter(key: .cost, aggregation: .max, counts: .cost),
                Meter(key: .cost, quantityName: .prompts, counts: .cost),
                Meter(key: .cost, withoutCost: .refuse),
            ]
            for meter in wrong {
                #expect(try await engine.put(.putMeter(meter)).code == "invalid_field")
            }
            try await engine.put(.putMeter(Meter(key: .cost, counts: .cost)))
            #expect(try await engine.consume(.of(.ada, [.cost: 5])).code == "unknown_meter")
        }
    }
}

extension MeterKey {
    fileprivate static let cost = MeterKey(unchecked: "cost")
}

extension Model {
    fileprivate static func priced(_ key: String, _ input: Int64, _ output: Int64) -> Model {
        Model(
            key: ModelKey(unchecked: key),
            prices: [
                ModelPrice(input: Money(millionths: input), output: Money(millionths: output))
            ])
    }
}

extension LimitKey {
    fileprivate static let budget = LimitKey(unchecked: "budget")
}

extension Session {
    fileprivate func finish(_ id: String, _ end: RequestEnd) async throws {
        let outcome = try await RequestTracker(engine).finish(end)
        guard case .done = outcome else {
            Issue.record("\(id): \(outcome)")
            return
        }
    }
}

extension MeterstoneEngine {
    fileprivate func setUp(_ blueprint: Blueprint) async throws {
        for step in try await apply(blueprint, author: "test") {
            if case .rejected(let rejection) = step.outcome {
                Issue.record("\(step.kind) \(step.key): \(rejection)")
            }
        }
    }

    /// Billionths, of today.
    fileprivate func spent(_ subject: SubjectID) async throws -> Int64 {
        let statuses = try await limits(of: subject)
        return statuses.first { $0.limit == .budget && $0.ancestor == nil }?.used.units ?? -1
    }
}
