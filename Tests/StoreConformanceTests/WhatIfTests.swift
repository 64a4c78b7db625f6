import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What would have been refused: the same as what is refused when limits enforce.
@Suite struct WhatIfTests {
    @Test(arguments: StoreUnderTest.allCases)
    func `a question changes nothing and says who, what and when`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(
                plans: [Plan(key: .free, isDefault: true), Plan(key: .pro)],
                limits: [.daily(20)])
            for hour in 0..<30 {
                clock.set(
                    Instant.at("2026-03-10T20:30:00Z").advanced(
                        byMilliseconds: Int64(hour) * 1_200_000))
                _ = try await engine.decide(hour % 3 == 0 ? "bob" : "ada", id: "e\(hour)")
            }
            let answer = try await engine.answer(
                WhatIfQuestion(
                    allowances: [.init(limit: .daily, plan: .free, allowance: .units(6))],
                    refusalsMax: 3))
            #expect((answer.events, answer.allowed, answer.refused) == (30, 22, 8))
            #expect((answer.subjects, answer.subjectsRefused) == (2, 1))
            #expect(answer.limits.map(\.limit) == [.daily])
            #expect(answer.days.map(\.day.description) == ["2026-03-10", "2026-03-11"])
            #expect(answer.days.map(\.refused) == [1, 7])
            #expect(answer.refusals.map(\.eventID.text) == ["e10", "e20", "e22"])
            #expect(answer.mostRefused.first?.firstRefusedAt == .at("2026-03-10T23:50:00Z"))
            #expect(answer.isTruncated)
            #expect(try await engine.blueprint().limits == [.daily(20)])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `usage before the span fills windows that reach into it`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            try await engine.setUp()
            clock.set(.at("2026-03-20T00:00:00Z"))
            for day in 1...9 {
                try await engine.count(.of(.ada, id: "d\(day)", at: "2026-03-0\(day)T12:00:00Z"))
            }
            // Recorded after the span, and before an event of it that comes late.
            try await engine.count(.of(.ada, id: "late", at: "2026-03-05T18:00:00Z"))
            func refused(_ window: Window, _ allowance: Int64) async throws -> [String] {
                try await engine.answer(
                    WhatIfQuestion(
                        from: .at("2026-03-05T00:00:00Z"), until: .at("2026-03-07T00:00:00Z"),
                        limits: [.limit("l", allowance, per: window)])
                ).refusals.map(\.eventID.text)
            }
            #expect(try await refused(.month, 5) == ["late", "d6"])
            #expect(try await refused(.month, 9) == ["late"])
            #expect(try await refused(.month, 10) == [])
            #expect(try await refused(.lifetime, 9) == ["late"])
            #expect(try await refused(.day, 1) == ["late"])
            #expect(try await refused(.rolling(seconds: 86_400 * 2), 2) == ["late"])
            #expect(try await refused(.request, 1) == [])
            #expect(try await refused(.request, 0) == ["d5", "late", "d6"])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a gauge has in a span what it was told before it`(store: StoreUnderTest) async throws {
        try await store.with { engine, clock in
            let seats = MeterKey(unchecked: "seats")
            try await engine.setUp(meters: [
                Meter(
                    key: seats, aggregation: .gauge, eventTypes: ["seat"], uniqueDimension: "who")
            ])
            for id in [SubjectID.ada, .bob] {
                try await engine.put(.putSubject(Subject(id: id, parent: .team)))
            }
            clock.set(.at("2026-03-20T00:00:00Z"))
            for (id, subject, who, operation, day) in [
                ("a", SubjectID.ada, "x", "add", "01-10"), ("b", .bob, "x", "add", "02-10"),
                ("c", .ada, "y", "add", "03-01"), ("d", .ada, "x", "add", "03-02"),
                ("e", .bob, "x", "remove", "03-03"), ("f", .ada, "z", "add", "03-04"),
                ("g", .bob, "z", "add", "03-05"),
            ] {
                try await engine.count(
                    .of(
                        subject, [:], id: id, at: "2026-\(day)T12:00:00Z", type: "seat",
                        dimensions: ["who": who, "operation": operation]))
            }
            func refused(_ window: Window, _ allowance: Int64) async throws -> [String] {
                try await engine.answer(
                    WhatIfQuestion(
                        from: .at("2026-03-01T00:00:00Z"), until: .at("2026-03-07T00:00:00Z"),
                        limits: [.limit("l", allowance, of: seats, per: window)])
                ).refusals.map(\.eventID.text)
            }
            // The team has two when March begins. What is refused is not there afterwards.
            for window in [Window.day, .month, .lifetime] {
                #expect(try await refused(window, 2) == ["c", "g"], "\(window)")
                #expect(try await refused(window, 1) == ["c", "f", "g"], "\(window)")
                #expect(try await refused(window, 3) == ["g"], "\(window)")
                #expect(try await refused(window, 4) == [], "\(window)")
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `only what counts is played`(store: StoreUnderTest) async throws {
        try await store.with { engine, clock in
            try await engine.setUp()
            try await engine.count(.of(.ada, id: "a"), .of(.ada, id: "b"), .of(.ada, id: "c"))
            _ = try await engine.void("a")
            _ = try await engine.amend("b", [.prompts: 5])
            _ = try await engine.reserve(.of(.bob, [.prompts: 9], id: "settled"))
            _ = try await engine.settle(try #require(EventID("settled")), .one(.prompts, 3))
            _ = try await engine.reserve(.of(.bob, [.prompts: 9], id: "released"))
            _ = try await engine.release(try #require(EventID("released")))
            let second = ReservationTerms(milliseconds: 1_000)
            _ = try await engine.reserve(.of(.bob, [.prompts: 9], id: "expired"), second)
            _ = try await engine.reserve(.of(.bob, [.prompts: 2], id: "open"))
            clock.advance(bySeconds: 2)
            let answer = try await engine.answer(
                WhatIfQuestion(limits: [.limit("l", 1, per: .request)]))
            #expect(answer.events == 4)
            #expect(Set(answer.refusals.map(\.eventID.text)) == ["b", "settled", "open"])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a plan of another time is played, and one that is asked about comes first`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            let limit = Limit(
                key: .daily, meter: .prompts, window: .day,
                allowances: [.free: .units(1), .pro: .units(100)], mode: .shadow)
            try await engine.setUp(
                plans: [Plan(key: .free, isDefault: true), Plan(key: .pro)], limits: [limit])
            try await engine.put(.putSubject(Subject(id: .team, plan: .pro)))
            try await engine.put(.putSubject(Subject(id: .ada, parent: .team, plan: .pro)))
            try await engine.put(.putSubject(Subject(id: .bob, parent: .team)))
            for subject in [SubjectID.ada, .ada, .bob, .bob, .team] {
                try await engine.count(.of(subject))
            }
            // What they are on today concerns nothing that was.
            try await engine.put(.putSubject(Subject(id: .ada, plan: .free)))
            func refused(_ plans: [SubjectID: PlanKey]) async throws -> [SubjectID] {
                try await engine.answer(
                    WhatIfQuestion(
                        allowances: [.init(limit: .daily)],
                        plans: plans.map { .init(subject: $0.key, plan: $0.value) })
                ).refusals.map(\.subject).sorted()
            }
            #expect(try await refused([:]) == [])
            #expect(try await refused([.ada: .free]) == [.ada])
            // One prompt of a member fills the team's day.
            #expect(try await refused([.team: .free]) == [.ada, .bob, .bob, .team])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a shadow limit says the same while a full window stays full`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(10, mode: .shadow)])
            for _ in 0..<14 { _ = try await engine.decide("ada") }
            for units in [8, 5, 2] { _ = try await engine.decide("bob", Quantity(Int64(units))) }
            let answer = try await engine.answer(
                WhatIfQuestion(allowances: [.init(limit: .daily)]))
            let live = try await engine.limits(of: .ada).first?.wouldHaveDenied
            #expect(live == 4)
            let refused = Dictionary(
                answer.mostRefused.map { ($0.subject, $0.refused) }, uniquingKeysWith: { $1 })
            #expect(refused == [.ada: 4, .bob: 1])
            // The five that it would have refused stay counted, so that the two do not fit either.
            #expect(try await engine.limits(of: .bob).first?.wouldHaveDenied == 2)
        }
    }

    @Test func `allowances of the environment hold unless the question names others`() async throws
    {
        let options = StoreUnderTest.options {
            $0.allowanceOverrides["PROMPTS_DAILY_FREE"] = .units(3)
        }
        try await StoreUnderTest.memory.with(options) { engine, _ in
            try await engine.setUp(
                plans: [Plan(key: .free, isDefault: true)], limits: [.daily(100, mode: .soft)])
            for _ in 0..<8 { try await engine.count(.of(.ada)) }
            func refused(_ allowance: Allowance?, _ plan: PlanKey? = nil) async throws -> Int {
                try await engine.answer(
                    WhatIfQuestion(
                        allowances: [.init(limit: .daily, plan: plan, allowance: allowance)])
                ).refused
            }
            #expect(try await refused(nil) == 5)
            #expect(try await refused(.units(6), .free) == 2)
            #expect(try await refused(.units(1)) == 7)
            #expect(try await refused(.unlimited) == 0)
        }
    }

    @Test func `limits that are not named refuse when all are asked for`() async throws {
        try await StoreUnderTest.memory.with { engine, _ in
            try await engine.setUp(
                limits: [.daily(2), .limit("hourly", 1, per: .hour, mode: .soft)])
            for _ in 0..<5 { try await engine.count(.of(.ada)) }
            let hourly = LimitKey(unchecked: "hourly")
            func refused(_ question: WhatIfQuestion) async throws -> [Int] {
                try await engine.answer(question).limits.map(\.refused)
            }
            #expect(try await refused(WhatIfQuestion(allLimits: true)) == [3])
            let four = WhatIfQuestion.AllowanceChange(limit: hourly, allowance: .units(4))
            #expect(try await refused(WhatIfQuestion(allowances: [four])) == [1])
            // By key: the hourly limit lets four through, of which the daily one lets two.
            #expect(
                try await refused(WhatIfQuestion(allowances: [four], allLimits: true)) == [0, 3])
        }
    }

    @Test func `a bad question names its field`() async throws {
        let unknown = LimitKey(unchecked: "unknown")
        let concurrent = Limit.limit("c", 1, per: .concurrent)
        let questions: [(WhatIfQuestion, Rejection.Code, String)] = [
            (WhatIfQuestion(), .missingField, "limits"),
            (
                WhatIfQuestion(
                    from: .at("2026-03-10T00:00:00Z"), until: .at("2026-03-10T00:00:00Z"),
                    allLimits: true), .invalidField, "until"
            ),
            (
                WhatIfQuestion(allowances: [.init(limit: .daily), .init(limit: unknown)]),
                .unknownLimit, "allowances[1].limit"
            ),
            (
                WhatIfQuestion(
                    allowances: [.init(limit: .daily, plan: .big, allowance: .unlimited)]),
                .unknownPlan, "allowances[0].plan"
            ),
            (
                WhatIfQuestion(allowances: [.init(limit: .daily, plan: .free)]), .missingField,
                "allowances[0].allowance"
            ),
            (
                WhatIfQuestion(plans: [.init(subject: .ada, plan: .big)]), .unknownPlan,
                "plans[0].plan"
            ),
            (
                WhatIfQuestion(plans: [.init(subject: .bob, plan: .free)]), .unknownSubject,
                "plans[0].subject"
            ),
            (
                WhatIfQuestion(limits: [.limit("l", 1, of: .exports, per: .day)]), .unknownMeter,
                "limits[0].meter"
            ),
            (WhatIfQuestion(limits: [.daily(1), .daily(2)]), .invalidField, "limits[1].key"),
            (WhatIfQuestion(limits: [concurrent]), .invalidField, "limits[0].window"),
            (
                WhatIfQuestion(allLimits: true, timeZone: "Mars/Olympus"), .unknownTimeZone,
                "timeZone"
            ),
            (WhatIfQuestion(allLimits: true, subjectsMax: -1), .invalidField, "subjectsMax"),
            (WhatIfQuestion(allLimits: true, refusalsMax: 10_001), .invalidField, "refusalsMax"),
        ]
        try await StoreUnderTest.memory.with { engine, _ in
            try await engine.setUp(plans: [Plan(key: .free)], limits: [.daily(1)])
            try await engine.count(.of(.ada))
            for (question, code, field) in questions {
                guard case .rejected(let rejection) = try await engine.whatIf(question) else {
                    Issue.record("\(question) was answered")
                    continue
                }
                #expect(rejection.code == code, "\(rejection)")
                #expect(rejection.field == field, "\(rejection)")
            }
        }
    }

    @Test func `questions share the memory that there is for them`() async throws {
        let store = MemoryStore(options: StoreUnderTest.options())
        let engine = MeterstoneEngine(store: store)
        try await engine.setUp(limits: [.daily(1)])
        for _ in 0..<5 { try await engine.count(.of(.ada)) }
        let view = try store.view(of: nil)
        let budget = MemoryBudget(bytes: 1_000_000)
        #expect(budget.take(600_000))
        let replay = try WhatIfReplay(
            WhatIfQuestion(allLimits: true), view, now: .latest, budget: budget)
        func answer() throws(StoreError) -> WhatIfOutcome {
            try store.read(view) { (source) throws(StoreError) in try replay.outcome(source) }
        }
        let error = #expect(throws: StoreError.self) { try answer() }
        #expect(error?.code == .overloaded)
        budget.giveBack(600_000)
        for _ in 0..<3 {
            guard case .answered(let answer) = try answer() else {
                Issue.record("expected an answer")
                return
            }
            #expect(answer.refused == 4)
        }
        await engine.shutdown()
    }

    @Test func `more events than one question may need are told`() async throws {
        let store = MemoryStore(options: StoreUnderTest.options())
        let engine = MeterstoneEngine(store: store)
        try await engine.setUp(limits: [.daily(1)])
        for _ in 0..<5 { try await engine.count(.of(.ada)) }
        for (max, isAnswered) in [(5, true), (4, false)] {
            let view = try store.view(of: nil)
            let replay = try WhatIfReplay(
                WhatIfQuestion(allLimits: true), view, now: .latest, eventsMax: max)
            switch try store.read(
                view, { (source) throws(StoreError) in try replay.outcome(source) })
            {
            case .answered(let answer): #expect(isAnswered && answer.refused == 4)
            case .rejected(let rejection):
                #expect(!isAnswered)
                #expect((rejection.code, rejection.field) == (.tooLarge, "from"))
            }
        }
        await engine.shutdown()
    }
}

extension MeterstoneEngine {
    /// Asks, and fails the test when that is rejected.
    func answer(_ question: WhatIfQuestion) async throws -> WhatIfAnswer {
        switch try await whatIf(question) {
        case .answered(let answer): return answer
        case .rejected(let rejection):
            Issue.record("expected an answer, got \(rejection)")
            throw UnexpectedOutcome()
        }
    }
}
