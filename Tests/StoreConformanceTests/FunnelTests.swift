import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// A funnel counts at a step who took all steps before it, too.
@Suite struct FunnelTests {
    private static let question = ReportQuestion(
        from: .at("2026-03-01T00:00:00Z"), until: .at("2026-04-01T00:00:00Z"))

    private func counts(_ outcome: ReportOutcome<FunnelStep>) throws -> [Int64] {
        guard case .report(let report) = outcome else { throw UnexpectedOutcome() }
        return report.rows.map(\.subjects)
    }

    private func setUp(_ engine: MeterstoneEngine) async throws {
        try await engine.setUp(meters: [
            Meter(key: .prompts), Meter(key: .exports, aggregation: .count, eventTypes: ["export"]),
        ])
        try await engine.count(
            .of(.ada, at: "2026-03-01T10:00:00Z", type: "prompt"),
            .of(.ada, [:], at: "2026-03-02T10:00:00Z", type: "export"),
            // The other way round.
            .of(.bob, [:], at: "2026-03-01T10:00:00Z", type: "export"),
            .of(.bob, at: "2026-03-02T10:00:00Z", type: "prompt"),
            // The second step only, and the first one without a type.
            .of(.team, [:], at: "2026-03-01T10:00:00Z", type: "export"),
            .of(.company, at: "2026-03-03T10:00:00Z"))
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a step counts who took all steps before it, in order or in any`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await setUp(engine)
            let types = ["prompt", "export"]
            for _ in 0..<2 {
                #expect(
                    try counts(
                        try await engine.funnel(of: types, isOrdered: true, Self.question))
                        == [2, 1])
                #expect(
                    try counts(
                        try await engine.funnel(of: types, isOrdered: false, Self.question))
                        == [2, 2])
                #expect(
                    try counts(try await engine.funnel(of: types, .independent, Self.question))
                        == [2, 3])
                let back = try await engine.funnel(
                    of: types.reversed(), isOrdered: false, Self.question)
                #expect(try counts(back) == [3, 2])
                try await engine.flush()
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `meters are steps too`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await setUp(engine)
            let meters = [MeterKey.prompts, .exports]
            let ordered = try await engine.funnel(
                ofMeters: meters, isOrdered: true, Self.question)
            #expect(try counts(ordered) == [3, 1])
            let any = try await engine.funnel(ofMeters: meters, isOrdered: false, Self.question)
            #expect(try counts(any) == [3, 2])
            guard
                case .rejected(let unknown) = try await engine.funnel(
                    ofMeters: [.prompts, .seconds], isOrdered: true, Self.question)
            else { throw UnexpectedOutcome() }
            #expect(unknown.code == .unknownMeter)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a type that no meter counts and no event had is an error`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await setUp(engine)
            guard
                case .rejected(let unknown) = try await engine.funnel(
                    of: ["prompt", "exprot"], isOrdered: false, Self.question)
            else { throw UnexpectedOutcome() }
            #expect(unknown.code == .unknownType && unknown.field == "types")
            // Known from another time, or from a meter.
            var other = Self.question
            other.from = .at("2026-03-20T00:00:00Z")
            let none = try await engine.funnel(of: ["prompt", "export"], isOrdered: true, other)
            #expect(try counts(none) == [0, 0])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `minimum events is more than`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp()
            for _ in 0..<10 { try await engine.count(.of(.ada, type: "ten")) }
            for _ in 0..<11 { try await engine.count(.of(.ada, type: "eleven")) }
            guard
                case .report(let report) = try await engine.errorRates(
                    minimumEvents: 10, ReportQuestion())
            else { throw UnexpectedOutcome() }
            #expect(report.rows.map(\.type) == ["eleven"])
        }
    }
}
