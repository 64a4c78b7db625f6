import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Who comes back, by when they began and by what they used first; sessions and what features bring in.
@Suite struct RetentionTests {
    /// January to March of 2026; the clock stands in March.
    private static let question = ReportQuestion(
        from: .at("2026-01-01T00:00:00Z"), until: .at("2026-04-01T00:00:00Z"))

    /// Ada and Bob begin in January, Cy in February; somebody of December is in no cohort. Ada exports when
    /// she begins, and comes back in February and March; Bob does neither.
    private func setUp(_ engine: MeterstoneEngine) async throws {
        try await engine.setUp(meters: [Meter(key: .prompts), Meter(key: .exports)])
        try await engine.count(
            .of(.team, at: "2025-12-31T23:59:59Z"), .of(.team, at: "2026-01-05T00:00:00Z"),
            .of(.ada, at: "2026-01-01T00:00:00Z"),
            .of(.ada, [.exports: 1], at: "2026-01-31T23:59:59Z"),
            .of(.bob, at: "2026-01-15T00:00:00Z"),
            .of(.ada, at: "2026-02-01T00:00:00Z"), .of(.ada, at: "2026-03-01T00:00:00Z"),
            .of(.company, at: "2026-02-10T00:00:00Z"),
            .of(.company, at: "2026-03-02T00:00:00Z"))
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a cohort shrinks from month to month`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await setUp(engine)
            for _ in 0..<2 {
                guard
                    case .report(let all) = try await engine.retention(
                        per: .month, of: nil, Self.question),
                    case .report(let exporters) = try await engine.retention(
                        per: .month, of: .exports, Self.question)
                else { throw UnexpectedOutcome() }
                #expect(
                    all.rows.map { "\($0.cohort) +\($0.period): \($0.active) of \($0.subjects)" }
                        == [
                            "2026-01-01 +0: 2 of 2", "2026-01-01 +1: 1 of 2",
                            "2026-01-01 +2: 1 of 2", "2026-02-01 +0: 1 of 1",
                            "2026-02-01 +1: 1 of 1", "2026-03-01 +0: 0 of 0",
                        ])
                #expect(exporters.rows.map(\.active) == [1, 1, 1, 0, 0, 0])
                try await engine.flush()
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a feature keeps people where its users come back more often`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await setUp(engine)
            guard
                case .report(let report) = try await engine.featureRetention(
                    of: [], per: .month, Self.question)
            else { throw UnexpectedOutcome() }
            #expect(report.rows.map(\.meter) == [.exports, .prompts])
            let exports = try #require(report.rows.first)
            #expect(exports.subjects == 1 && exports.retained == 1)
            // Bob did not come back, and who began in February did.
            #expect(exports.others == 2 && exports.othersRetained == 1)
            #expect(exports.rate == Ratio(1, of: 1) && exports.othersRate == Ratio(1, of: 2))
            let prompts = try #require(report.rows.last)
            #expect(prompts.subjects == 3 && prompts.retained == 2 && prompts.othersRate == nil)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what was taken back is no coming back`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp()
            try await engine.count(
                .of(.ada, at: "2026-01-10T00:00:00Z"),
                .of(.ada, id: "back", at: "2026-02-10T00:00:00Z"))
            let id = try #require(EventID("back"))
            let correction = Correction(
                eventID: id, kind: .void, author: "test", reason: "wrong")
            guard case .corrected = try await engine.correct(correction) else {
                throw UnexpectedOutcome()
            }
            guard
                case .report(let report) = try await engine.retention(
                    per: .month, of: nil, Self.question)
            else { throw UnexpectedOutcome() }
            #expect(report.rows.map(\.active) == [1, 0, 0, 0, 0, 0])
            guard
                case .rejected(let hours) = try await engine.retention(
                    per: .hour, of: nil, Self.question)
            else { throw UnexpectedOutcome() }
            #expect(hours.code == .invalidField && hours.field == "window")
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `sessions have a length by plan, and features the revenue of who used them`(
        store: StoreUnderTest
    ) async throws {
        let longest = MeterKey(unchecked: "longest")
        let (free, pro) = (PlanKey.free, PlanKey.pro)
        try await store.with { engine, _ in
            try await engine.setUp(
                meters: [
                    Meter(key: .prompts), Meter(key: .seconds),
                    Meter(key: longest, aggregation: .max),
                ],
                plans: [
                    Plan(key: free, isDefault: true),
                    Plan(key: pro, rank: 1, price: Money(millionths: 9_990_000)),
                ])
            let policy = StatisticsPolicy(
                sessions: SessionMeters(
                    completed: .prompts, length: .seconds, longest: longest))
            try await engine.put(.putStatisticsPolicy(policy))
            try await engine.put(
                .putSubscription(
                    .bob, Subscription(plan: pro, startsAt: .at("2026-01-01T00:00:00Z"))))
            try await engine.count(
                .of(.ada, [.prompts: 1, .seconds: 100, longest: 100], at: "2026-02-01T00:00:00Z"),
                .of(.bob, [.prompts: 1, .seconds: 300, longest: 300], at: "2026-02-01T00:00:00Z"),
                .of(.bob, [.prompts: 1, .seconds: 100, longest: 100], at: "2026-02-02T00:00:00Z"))
            guard case .report(let sessions) = try await engine.sessionQuality(Self.question),
                case .report(let value) = try await engine.featureValue(
                    of: [.prompts], Self.question)
            else { throw UnexpectedOutcome() }
            #expect(sessions.rows.map(\.plan) == [free, pro])
            #expect(sessions.rows.map(\.sessions) == [1, 2])
            #expect(sessions.rows.map(\.averageLength) == [Ratio(100, of: 1), Ratio(400, of: 2)])
            #expect(sessions.rows.map(\.longest) == [100, 300])
            // Three billing months of the span have begun by the tenth of March.
            #expect(value.rows.map(\.revenueMillionths) == [0, 29_970_000])
            #expect(value.rows.map(\.subjects) == [1, 1])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a plan fits when it allows the fullest window`(store: StoreUnderTest) async throws {
        func plan(_ key: String) -> PlanKey { PlanKey(unchecked: key) }
        let (free, pro, team) = (plan("free"), plan("pro"), plan("team"))
        try await store.with { engine, _ in
            try await engine.setUp(
                meters: [Meter(key: .prompts)],
                plans: [
                    Plan(key: free, isDefault: true), Plan(key: pro, rank: 1),
                    Plan(key: team, rank: 2),
                ],
                limits: [
                    Limit(
                        key: .daily, meter: .prompts, window: .day,
                        allowances: [free: .units(10), pro: .units(100), team: .unlimited])
                ])
            #expect(try await engine.plansThatFit(.ada) == nil)
            try await engine.count(
                .of(.ada, [.prompts: 9], at: "2026-03-01T00:00:00Z"),
                .of(.ada, [.prompts: 9], at: "2026-03-02T00:00:00Z"))
            #expect(try await engine.plansThatFit(.ada)?.fitting == [free, pro, team])
            // Who used exactly what is allowed might have used more.
            try await engine.count(.of(.ada, [.prompts: 1], at: "2026-03-02T01:00:00Z"))
            #expect(try await engine.plansThatFit(.ada)?.fitting == [pro, team])
            try await engine.count(.of(.ada, [.prompts: 200], at: "2026-01-02T01:00:00Z"))
            #expect(try await engine.plansThatFit(.ada)?.fitting == [pro, team])
            let year = try #require(try await engine.plansThatFit(.ada, days: 366))
            #expect(year.fitting == [team])
            #expect(year.plans[1].tooSmall.map(\.peak) == [200])
            #expect(year.plans[1].tooSmall.map(\.limit) == [.daily])
        }
    }
}
