import Meterstone
import MeterstoneCore
import MeterstoneImport
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Each row of `enforced.json`, asked of usage that was recorded without any limit.
@Suite(.serialized) struct WhatIfUsageTests {
    private typealias Case = EnforcedUsageTests.Case

    private static func cases() throws -> [Case] {
        try Fixtures.expected("enforced.json", [Case].self)
    }

    @Test(arguments: StoreKind.allCases, Set(try cases().map(\.timeZone)).sorted())
    func `a question refuses what an enforced import refused`(
        store: StoreKind, timeZone: String
    ) async throws {
        try await withEngine(on: store, timeZone: timeZone) { engine in
            try await compare(engine, timeZone)
        }
    }

    @Test(arguments: Set(try cases().map(\.timeZone)).sorted())
    func `a store in memory answers the same`(timeZone: String) async throws {
        var options = StoreOptions()
        let zones = ZoneDatabase()
        options.defaultTimeZone = timeZone
        options.zoneRules = { zones.rules(named: $0) }
        let engine = MeterstoneEngine(store: MemoryStore(options: options))
        try await compare(engine, timeZone)
        await engine.shutdown()
    }

    private func compare(_ engine: MeterstoneEngine, _ timeZone: String) async throws {
        let request = ImportRequest(
            format: .csv, mapping: Fixtures.commitsMapping(["commits=1", "lines=lines_added"]))
        let summary = try await Fixtures.importFile("commits.csv.gz", request, into: engine)
        #expect(summary.counted == 60_751)
        let before = try await engine.topSubjects(of: Fixtures.commits, .always)
        let changes = try await engine.changes(count: 100).count
        for example in try Self.cases() where example.timeZone == timeZone {
            let answer = try await answer(engine, example)
            #expect(answer.events == 60_751, "\(example)")
            #expect(answer.allowed == example.allowed, "\(example)")
            #expect(answer.refused == example.denied, "\(example)")
            #expect(answer.subjects == 2_669)
            #expect(answer.subjectsRefused == example.subjectsDenied, "\(example)")
            let mostDenied = answer.mostRefused.map {
                EnforcedUsageTests.Denied(subject: $0.subject.text, count: $0.refused)
            }
            #expect(mostDenied == example.mostDenied, "\(example)")
            #expect(answer.days.reduce(0) { $0 + $1.refused } == example.denied)
            #expect(answer.limits.map(\.refused) == [example.denied])
            #expect(answer.limits.map(\.subjects) == [example.subjectsDenied])
            #expect(answer.refusals.count == 100 && answer.isTruncated)
        }
        let after = try await engine.topSubjects(of: Fixtures.commits, .always)
        #expect(after == before)
        #expect(try await engine.changes(count: 100).count == changes)
        #expect(try await engine.blueprint().limits == [])
        #expect(try await engine.verify().differences == [])
    }

    private func answer(_ engine: MeterstoneEngine, _ example: Case) async throws -> WhatIfAnswer {
        let limit = Limit(
            key: LimitKey(unchecked: "commits"), meter: Fixtures.commits,
            window: try #require(Window(example.window)),
            defaultAllowance: .units(Quantity(example.limit)))
        let question = WhatIfQuestion(limits: [limit], subjectsMax: 5)
        guard case .answered(let answer) = try await engine.whatIf(question) else {
            Issue.record("expected an answer")
            return try #require(nil)
        }
        return answer
    }
}
