import Meterstone
import MeterstoneCore
import MeterstoneImport
import MeterstoneStore
import Testing

/// Promises 7 and 8 for reports: whatever order events come in and whatever is corrected, they say what
/// another program computed.
@Suite(.serialized) struct RealReportsTests {
    /// How the same 60,751 contributions come to be there.
    enum Way: CaseIterable {
        case inOrder, reversed, corrected
    }

    private struct Trends: Decodable {
        struct Month: Decodable, Equatable {
            let commits: Int64
            let linesAdded: Int64
            let subjects: Int64
        }
        let months: [String: Month]
    }

    private struct Top: Decodable {
        struct Leader: Decodable, Equatable {
            let subject: String
            let total: Int64
        }
        let commits: [Leader]
        let linesAdded: [Leader]
        let from: String
        let until: String
    }

    @Test(arguments: StoreKind.allCases, Way.allCases)
    func `trends and leaders are those that another program computed`(
        store: StoreKind, way: Way
    ) async throws {
        try await withEngine(on: store) { engine in
            for key in [Fixtures.commits, Fixtures.lines] {
                _ = try await engine.change(
                    ChangeRequest(change: .putMeter(Meter(key: key)), author: "test"))
            }
            try await record(way, engine)
            try await compareTrends(engine)
            try await compareLeaders(engine)
            try await engine.flush()
            try await compareTrends(engine)
            try await compareLeaders(engine)
            #expect(try await engine.verify().differences == [])
        }
    }

    private func record(_ way: Way, _ engine: MeterstoneEngine) async throws {
        let events = try Fixtures.commitEvents()
        try await put(way == .reversed ? events.reversed() : events, engine)
        guard way == .corrected else { return }
        let tenth = stride(from: 3, to: events.count, by: 10).map { events[$0] }
        for event in tenth {
            let outcome = try await engine.correct(
                Correction(
                    eventID: try #require(event.id), kind: .void, author: "test", reason: "again"))
            guard case .corrected = outcome else {
                Issue.record("\(outcome)")
                return
            }
        }
        try await put(
            tenth.enumerated().map { index, event in
                var again = event
                again.id = EventID("again-\(index)")
                return again
            }, engine)
    }

    private func put(_ events: [UsageEvent], _ engine: MeterstoneEngine) async throws {
        var counted = 0
        for start in stride(from: 0, to: events.count, by: 8_190) {
            let batch = Array(events[start..<min(start + 8_190, events.count)])
            for case .counted in try await engine.record(batch) { counted += 1 }
        }
        #expect(counted == events.count)
    }

    private func compareTrends(_ engine: MeterstoneEngine) async throws {
        let expected = try Fixtures.expected("trends.json", Trends.self).months
        let months = expected.keys.sorted()
        let question = ReportQuestion(
            from: Self.start(ofMonth: try #require(months.first)),
            until: Self.start(ofMonth: "2100-01"), timeZone: "UTC", count: 10_000)
        let outcome = try await engine.trends(
            of: [Fixtures.commits, Fixtures.lines], per: .month, question)
        guard case .report(let report) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        var found: [String: Trends.Month] = [:]
        for (commits, lines) in zip(
            report.rows.filter { $0.meter == Fixtures.commits },
            report.rows.filter { $0.meter == Fixtures.lines })
        where commits.events > 0 {
            let month = String(commits.from.rfc3339.prefix(7))
            found[month] = Trends.Month(
                commits: commits.quantity, linesAdded: lines.quantity, subjects: commits.subjects)
        }
        #expect(found == expected)
    }

    private static func start(ofMonth name: String) -> Instant? {
        Instant(rfc3339: "\(name)-01T00:00:00Z")
    }

    private func compareLeaders(_ engine: MeterstoneEngine) async throws {
        let expected = try Fixtures.expected("top.json", Top.self)
        let question = ReportQuestion(
            from: Instant(rfc3339: expected.from),
            until: Instant(rfc3339: expected.until), timeZone: "UTC", count: 20)
        let lists = [(Fixtures.commits, expected.commits), (Fixtures.lines, expected.linesAdded)]
        for (meter, leaders) in lists {
            let outcome = try await engine.topSubjects(of: meter, question)
            guard case .report(let report) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(
                report.rows.map { Top.Leader(subject: $0.subject.text, total: $0.quantity) }
                    == leaders)
        }
    }
}
