import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What reports remember of past days is what they would find out anew.
@Suite struct ReportMemoryTests {
    private static let peak = MeterKey(unchecked: "peak")
    private static let question = ReportQuestion(
        from: .at("2026-03-01T00:00:00Z"), until: .at("2026-03-11T00:00:00Z"))

    /// Reports about the days before today, and about those and today.
    private func reports(_ engine: MeterstoneEngine) async throws -> [String] {
        var past = Self.question
        past.until = .at("2026-03-10T00:00:00Z")
        var texts: [String] = []
        for question in [past, Self.question] {
            for meter in [MeterKey.prompts, Self.peak] {
                texts.append("\(try await engine.topSubjects(of: meter, question))")
                texts.append("\(try await engine.planEconomics(of: meter, question))")
            }
            texts.append("\(try await engine.trends(of: [], per: .day, question))")
            texts.append("\(try await engine.trends(of: [], per: .month, question))")
            texts.append("\(try await engine.errorRates(minimumEvents: 0, question))")
            texts.append("\(try await engine.limitPressure(question))")
            for order in [FunnelOrder.any, .independent, .given] {
                texts.append("\(try await engine.funnel(of: ["open", "export"], order, question))")
                texts.append(
                    "\(try await engine.funnel(ofMeters: [.prompts, Self.peak], order, question))")
            }
        }
        return texts
    }

    /// How often something was found, after everything is projected.
    private func expectSame(
        _ engine: MeterstoneEngine, _ what: String, _ location: SourceLocation = #_sourceLocation
    ) async throws -> Int {
        let waiting = try await reports(engine)
        try await engine.expectClean()
        let first = try await reports(engine)
        #expect(first == waiting, "\(what)", sourceLocation: location)
        #expect(try await reports(engine) == first, "\(what)", sourceLocation: location)
        let found = engine.forgetReports()
        #expect(try await reports(engine) == first, "\(what), anew", sourceLocation: location)
        return found
    }

    private func prompts(
        of day: Int, _ engine: MeterstoneEngine
    ) async throws -> Int64? {
        guard
            case .report(let report) = try await engine.trends(
                of: [.prompts], per: .day, Self.question)
        else { return nil }
        return report.rows[day - 1].quantity
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `an answer is never older than what it is about`(store: StoreUnderTest) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(
                meters: [
                    Meter(key: .prompts),
                    Meter(key: Self.peak, aggregation: .max, quantityName: .prompts),
                ], limits: [.limit("ever", 3, per: .lifetime, mode: .soft)])
            for day in 1...9 {
                let at = "2026-03-0\(day)T12:00:00Z"
                try await engine.count(
                    .of(.ada, [.prompts: 2], id: "a\(day)", at: at, type: "open"),
                    .of(.bob, [.prompts: 1], id: "b\(day)", at: at, type: "export"))
            }
            var found = try await expectSame(engine, "events")
            // What waits in memory only is never remembered.
            #expect(store == .memory || found > 40)
            #expect(try await prompts(of: 5, engine) == 3)

            try await engine.count(
                .of(
                    SubjectID(unchecked: "cleo"), [.prompts: 7], id: "late",
                    at: "2026-03-05T08:00:00Z", type: "open"))
            #expect(try await prompts(of: 5, engine) == 10)
            found = try await expectSame(engine, "late")
            #expect(try await prompts(of: 5, engine) == 10)

            #expect(try await engine.void("a5").code == "corrected")
            #expect(try await prompts(of: 5, engine) == 8)
            found = try await expectSame(engine, "void")

            #expect(try await engine.amend("b5", [.prompts: 4]).code == "corrected")
            #expect(try await prompts(of: 5, engine) == 11)
            found = try await expectSame(engine, "amended")

            #expect(try await engine.put(.mergeSubject(.ada, from: .bob)).code == "replaced")
            found = try await expectSame(engine, "merged")
            #expect(try await prompts(of: 5, engine) == 11)

            try await engine.put(
                .putMeter(Meter(key: .prompts, eventTypes: ["open"], quantityName: .prompts)))
            #expect(try await prompts(of: 5, engine) == 7)
            found = try await expectSame(engine, "another meter")

            clock.advance(bySeconds: 60)
            try await engine.count(.of(SubjectID(unchecked: "dan"), [.prompts: 5], type: "open"))
            #expect(try await prompts(of: 10, engine) == 5)
            found = try await expectSame(engine, "today")

            _ = try await engine.rebuild()
            found = try await expectSame(engine, "rebuilt")
            #expect(store == .memory || found > 40)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a list of one type reads the days alone that have it`(store: StoreUnderTest) async throws
    {
        try await store.with { engine, _ in
            func listed(_ type: String) async throws -> [SubjectID] {
                var filter = EventFilter(type: type)
                filter.findsLateTypes = false
                let page = try await engine.events(matching: filter, count: 10)
                #expect(page.next == nil)
                return page.events.map(\.event.subject)
            }
            try await engine.setUp()
            for day in 1...9 {
                try await engine.count(
                    .of(.ada, id: "a\(day)", at: "2026-03-0\(day)T12:00:00Z", type: "open"))
            }
            try await engine.expectClean()
            #expect(try await listed("export") == [])
            #expect(try await listed("open").count == 9)
            try await engine.count(.of(.bob, id: "b", at: "2026-03-04T12:00:00Z", type: "export"))
            #expect(try await listed("export") == [.bob])
            try await engine.expectClean()
            #expect(try await listed("export") == [.bob])
            #expect(engine.forgetReports() > 0 || store == .memory)
            #expect(try await listed("export") == [.bob])
            #expect(try await engine.void("b").code == "corrected")
            try await engine.expectClean()
            let before = try await listed("export")
            _ = engine.forgetReports()
            #expect(try await listed("export") == before)
        }
    }

    @Test(arguments: [StoreUnderTest.sqlite, .postgres])
    func `what past days came to is remembered while today goes on`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp()
            try await engine.count(
                .of(.ada, [.prompts: 2], at: "2026-03-08T12:00:00Z"),
                .of(.bob, [.prompts: 3], at: "2026-03-09T12:00:00Z"))
            try await engine.expectClean()
            for uses in 1...3 {
                try await engine.count(.of(.bob, [.prompts: 1]))
                guard
                    case .report(let report) = try await engine.topSubjects(
                        of: .prompts, Self.question)
                else { throw UnexpectedOutcome() }
                #expect(report.rows.map(\.subject) == [.bob, .ada])
                #expect(report.rows.map(\.quantity) == [Int64(3 + uses), 2])
            }
            #expect(engine.forgetReports() == 2)
        }
    }
}
