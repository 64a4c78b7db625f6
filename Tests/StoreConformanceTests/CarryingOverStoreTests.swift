import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Roll-over and debt in time: with changes of limits, resets, additions and late events around them.
@Suite struct CarryingOverStoreTests {
    private static let key = LimitKey(unchecked: "monthly")

    private static func monthly(
        _ allowance: Int64 = 100, _ rollover: LimitRollover? = nil, debt: Bool = false,
        mode: LimitMode = .enforce
    ) -> Limit {
        Limit(
            key: key, meter: .prompts, window: .month,
            defaultAllowance: .units(Quantity(allowance)),
            rollover: rollover, debt: debt, mode: mode)
    }

    private func status(_ engine: MeterstoneEngine) async throws -> LimitStatus {
        try #require(try await engine.limits(of: .ada).first)
    }

    /// What may be used at all, and what of it comes from other months.
    private func expect(
        _ session: Session, _ month: String, _ allowance: Int64, carried: Int64,
        _ location: SourceLocation = #_sourceLocation
    ) async throws {
        session.clock.set(.at("2026-\(month)T12:00:00Z"))
        let status = try await status(session.engine)
        #expect(
            status.allowance == .units(Quantity(allowance)) && status.carried == carried,
            "\(month): \(status.allowance), \(status.carried)", sourceLocation: location)
    }

    /// A limit that is younger than the subject has its counters folded, also those of a merge.
    @Test(arguments: StoreUnderTest.allCases)
    func `what a merged subject used in an earlier month is owed for good`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            session.clock.set(.at("2026-02-10T00:00:00Z"))
            try await session.engine.setUp(meters: [Meter(key: .prompts), Meter(key: .exports)])
            try await session.engine.count(.of(.ada, [.exports: 1]))
            try await session.engine.put(.putLimit(Self.monthly(debt: true)))
            session.clock.set(.at("2026-03-02T00:00:00Z"))
            let before = try await session.engine.decide("ada", 1)
            #expect(before.limits.map(\.allowance) == [.units(100)])
            let visitor = SubjectID(unchecked: "visitor")
            try await session.engine.count(
                .of(visitor, [.prompts: 130], at: "2026-02-20T00:00:00Z"))
            #expect(
                try await session.engine.put(.mergeSubject(.ada, from: visitor)).code
                    == "replaced")
            for _ in 0..<3 {
                let decision = try await session.engine.decide("ada", 1)
                #expect(decision.limits.map(\.allowance) == [.units(70)])
            }
            try await session.reopen()
            let decision = try await session.engine.decide("ada", 1)
            #expect(decision.limits.map(\.allowance) == [.units(70)])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what is left of two months stays, and late events and voids change it`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            session.clock.set(.at("2026-01-20T00:00:00Z"))
            try await session.engine.setUp(
                limits: [Self.monthly(100, LimitRollover(max: 150, windows: 2))])
            // Ada is new: there was nothing before January.
            #expect(try await status(session.engine).allowance == .units(100))
            #expect(try await session.engine.decide("ada", 60, id: "jan").isAllowed)
            try await expect(session, "01-31", 100, carried: 0)
            try await expect(session, "02-01", 140, carried: 40)
            #expect(try await session.engine.decide("ada", 120, id: "feb").isAllowed)
            #expect(try await !session.engine.decide("ada", 21).isAllowed)
            try await session.reopen()
            // Twenty of January's forty are left for March, and nothing of February.
            try await expect(session, "03-15", 120, carried: 20)
            try await expect(session, "04-15", 200, carried: 100)
            // At most 150 of two unused months, and then the same again.
            try await expect(session, "05-15", 250, carried: 150)
            try await expect(session, "06-15", 250, carried: 150)
            // Late: what January used more is no longer left.
            try await session.engine.count(
                .of(.ada, [.prompts: 15], id: "l", at: "2026-01-25T00:00:00Z"))
            try await expect(session, "03-15", 105, carried: 5)
            #expect(try await session.engine.void("feb").code == "corrected")
            try await expect(session, "03-15", 225, carried: 125)
            try await session.reopen()
            try await expect(session, "03-15", 225, carried: 125)
            // A late consume of March is decided with what was left then.
            session.clock.set(.at("2026-06-15T00:00:00Z"))
            let late = try await session.engine.decide(
                "ada", 225, id: "m", at: .at("2026-03-20T00:00:00Z"))
            #expect(late.isAllowed && late.limits.map(\.carried) == [125])
            #expect(
                try await !session.engine.decide("ada", 1, at: .at("2026-03-20T00:00:00Z"))
                    .isAllowed)
            try await session.engine.expectClean()
            _ = try await session.engine.rebuild()
            try await expect(session, "06-15", 250, carried: 150)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what went beyond is taken off the months that follow`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            session.clock.set(.at("2026-01-20T00:00:00Z"))
            try await session.engine.setUp(limits: [Self.monthly(100, debt: true)])
            try await session.engine.count(.of(.ada, [.prompts: 250], id: "jan"))
            try await expect(session, "02-10", 0, carried: -150)
            let refused = try await session.engine.decide("ada", 1)
            #expect(!refused.isAllowed && refused.denial?.retryAt == .at("2026-03-01T00:00:00Z"))
            try await expect(session, "03-10", 50, carried: -50)
            #expect(try await session.engine.decide("ada", 50, id: "mar").isAllowed)
            #expect(try await !session.engine.decide("ada", 1).isAllowed)
            try await session.reopen()
            try await expect(session, "04-10", 100, carried: 0)
            // A settlement beyond the allowance is owed by the month in which it began.
            session.clock.set(.at("2026-04-30T23:59:00Z"))
            _ = try await session.engine.reserve(.ada, 100, id: "r")
            session.clock.set(.at("2026-05-01T00:01:00Z"))
            let answer = try await session.engine.finish("r", [.prompts: 130])
            #expect(answer.limits.map(\.overage) == [30])
            try await expect(session, "05-10", 70, carried: -30)
            #expect(try await session.engine.amend("jan", [.prompts: 100]).code == "corrected")
            try await expect(session, "02-10", 100, carried: 0)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `how long to wait knows what is owed, and what will be left`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            session.clock.set(.at("2026-01-20T00:00:00Z"))
            try await session.engine.setUp(
                limits: [Self.monthly(100, LimitRollover(max: 50), debt: true)])
            func waits(
                _ units: Quantity, _ expected: String?,
                _ location: SourceLocation = #_sourceLocation
            ) async throws {
                let denial = try #require(try await session.engine.decide("ada", units).denial)
                #expect(
                    denial.retryAt == expected.map { .at("2026-\($0)T00:00:00Z") },
                    sourceLocation: location)
            }
            try await session.engine.count(.of(.ada, [.prompts: 10]))
            // February will have its hundred and fifty of January's ninety.
            try await waits(91, "02-01")
            try await waits(150, "02-01")
            try await waits(151, nil)
            try await session.engine.count(.of(.ada, [.prompts: 340], id: "much"))
            // 250 are owed: February and March pay a hundred each, April fifty.
            try await waits(1, "04-01")
            try await waits(50, "04-01")
            try await waits(51, "05-01")
            // April leaves fifty of its hundred.
            try await waits(150, "05-01")
            try await waits(151, nil)
            // An addition comes first.
            let boost = Addition(
                id: AdditionID(unchecked: "boost"), .limit(Self.key, .add(500)),
                from: .at("2026-03-10T00:00:00Z"))
            #expect(try await session.engine.put(.putAddition(.ada, boost)) == .created)
            try await waits(50, "03-10")
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `other allowances, additions and resets count in their months`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            session.clock.set(.at("2026-01-20T00:00:00Z"))
            let rollover = LimitRollover(windows: 1)
            try await session.engine.setUp(limits: [Self.monthly(100, rollover, debt: true)])
            #expect(try await session.engine.decide("ada", 60, id: "jan").isAllowed)
            // What is allowed at the end of January counts, with the boost that there was.
            try await session.engine.put(
                .putAddition(
                    .ada,
                    Addition(
                        id: AdditionID(unchecked: "boost"), .limit(Self.key, .add(20)),
                        until: .at("2026-02-03T00:00:00Z"))))
            try await expect(session, "02-01", 180, carried: 60)
            try await expect(session, "02-10", 160, carried: 60)
            // More in March does not make February more.
            session.clock.set(.at("2026-03-05T00:00:00Z"))
            try await session.engine.put(.putLimit(Self.monthly(500, rollover, debt: true)))
            try await expect(session, "03-10", 600, carried: 100)
            session.clock.set(.at("2026-04-05T00:00:00Z"))
            try await session.engine.count(.of(.ada, [.prompts: 1_100], id: "apr"))
            // Of April's own 500 and March's 500, a hundred are too many.
            try await expect(session, "05-10", 400, carried: -100)
            try await session.engine.put(.resetLimit(.ada, Self.key, reason: "sorry"))
            try await expect(session, "05-20", 500, carried: 0)
            #expect(try await session.engine.decide("ada", 200, id: "may").isAllowed)
            try await session.reopen()
            try await expect(session, "06-10", 800, carried: 300)
            // Whoever has no bound has nothing left and owes nothing.
            try await session.engine.put(.putOverride(.ada, Self.key, .unlimited))
            session.clock.set(.at("2026-07-10T00:00:00Z"))
            try await session.engine.put(.deleteOverride(.ada, Self.key))
            try await expect(session, "07-20", 500, carried: 0)
            try await expect(session, "08-10", 1_000, carried: 500)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a limit carries from the month in which it was told to`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            session.clock.set(.at("2026-01-20T00:00:00Z"))
            try await session.engine.setUp(limits: [Self.monthly()])
            #expect(try await session.engine.decide("ada", 60, id: "jan").isAllowed)
            session.clock.set(.at("2026-03-05T00:00:00Z"))
            try await session.engine.put(.putLimit(Self.monthly(100, LimitRollover(windows: 3))))
            try await expect(session, "03-10", 100, carried: 0)
            try await expect(session, "04-10", 200, carried: 100)
            try await session.reopen()
            // Other terms of the same go on; another filter begins anew.
            session.clock.set(.at("2026-04-15T00:00:00Z"))
            try await session.engine.put(
                .putLimit(Self.monthly(100, LimitRollover(max: 70, windows: 3))))
            try await expect(session, "04-16", 170, carried: 70)
            var other = Self.monthly(100, LimitRollover(windows: 3))
            other.dimensions = ["model": ["x"]]
            try await session.engine.put(.putLimit(other))
            try await expect(session, "04-17", 100, carried: 0)
            try await expect(session, "05-17", 200, carried: 100)
            try await session.engine.put(.putLimit(Self.monthly()))
            try await expect(session, "05-18", 100, carried: 0)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what cannot be carried is rejected`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(
                meters: [Meter(key: .prompts), Meter(key: .seconds, aggregation: .max)])
            for window in [
                Window.lifetime, .request, .concurrent, .rolling(seconds: 60),
                .sinceFirst(seconds: 60),
            ] {
                var limit = Self.monthly(100, LimitRollover())
                limit.window = window
                #expect(try await engine.put(.putLimit(limit)).code == "invalid_field", "\(window)")
                limit.rollover = nil
                limit.debt = true
                #expect(try await engine.put(.putLimit(limit)).code == "invalid_field", "\(window)")
            }
            var limit = Self.monthly(100, LimitRollover())
            limit.meter = .seconds
            #expect(try await engine.put(.putLimit(limit)).code == "invalid_field")
            limit = Self.monthly(100, LimitRollover())
            limit.perValue = PerValue("model")
            #expect(try await engine.put(.putLimit(limit)).code == "invalid_field")
            limit.perValue = nil
            #expect(try await engine.put(.putLimit(limit)).code == "created")
            #expect(
                try await engine.put(.putMeter(Meter(key: .prompts, aggregation: .max))).code
                    == "invalid_field")
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a question about other limits carries over, too`(store: StoreUnderTest) async throws {
        try await store.with { engine, clock in
            try await engine.setUp()
            clock.set(.at("2026-01-20T00:00:00Z"))
            try await engine.count(.of(.ada, [.prompts: 60], id: "jan"))
            clock.set(.at("2026-02-10T00:00:00Z"))
            for (id, units) in [("a", Int64(100)), ("b", 40), ("c", 1)] {
                clock.advance(bySeconds: 1)
                try await engine.count(.of(.ada, [.prompts: units], id: id))
            }
            func refused(_ limit: Limit) async throws -> [String] {
                try await engine.answer(
                    WhatIfQuestion(
                        from: .at("2026-02-01T00:00:00Z"), until: .at("2026-03-01T00:00:00Z"),
                        limits: [limit])
                ).refusals.map(\.eventID.text)
            }
            #expect(try await refused(Self.monthly()) == ["b", "c"])
            #expect(try await refused(Self.monthly(100, LimitRollover())) == ["c"])
            #expect(try await refused(Self.monthly(50, debt: true)) == ["a", "c"])
        }
    }
}
