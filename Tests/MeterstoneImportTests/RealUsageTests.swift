import Meterstone
import MeterstoneCore
import MeterstoneImport
import MeterstoneStore
import Testing

/// Promises 1, 3, 6, 7 and 10 on 60,751 real contributions by 2,669 people over 21 years.
@Suite(.serialized) struct RealUsageTests {
    private static let request = ImportRequest(
        format: .csv, mapping: Fixtures.commitsMapping(["commits=1", "lines=lines_added"]))

    private struct Lifetime: Decodable {
        struct Subject: Decodable {
            let commits: Int64
            let linesAdded: Int64
        }
        let events: Int
        let subjects: [String: Subject]
    }

    @Test(arguments: StoreKind.allCases)
    func `the file comes to the numbers that another program computed`(
        store: StoreKind
    ) async throws {
        try await withEngine(on: store) { engine in
            let summary = try await Fixtures.importFile(
                "commits.csv.gz", Self.request, into: engine)
            #expect(summary.rows == 60_751)
            #expect(summary.counted == 60_751)
            #expect(summary.problems == [])
            // Thousands of reads would each look through what waits to be projected.
            try await engine.flush()
            try await compareLifetimes(engine)
            try await importAgain(engine)
            #expect(try await engine.verify().differences == [])
        }
    }

    private func compareLifetimes(_ engine: MeterstoneEngine) async throws {
        let expected = try Fixtures.expected("lifetime.json", Lifetime.self)
        #expect(expected.subjects.count == 2_669)
        var different: [String] = []
        for (name, numbers) in expected.subjects {
            let subject = SubjectID(unchecked: name)
            let commits = try await lifetime(engine, subject, Fixtures.commits)
            let lines = try await lifetime(engine, subject, Fixtures.lines)
            if commits != numbers.commits || lines != numbers.linesAdded {
                different.append("\(name): \(commits) commits, \(lines) lines")
            }
        }
        #expect(different == [])
        let subjects = try await engine.subjects(after: nil, count: 10_000)
        #expect(subjects.map(\.id.text) == expected.subjects.keys.sorted())
    }

    private func lifetime(
        _ engine: MeterstoneEngine, _ subject: SubjectID, _ meter: MeterKey
    ) async throws -> Int64 {
        guard
            case .series(let series) = try await engine.usage(
                of: subject, meter: meter, window: .lifetime)
        else { return -1 }
        return series.points.first?.quantity.units ?? 0
    }

    private func importAgain(_ engine: MeterstoneEngine) async throws {
        let before = try await engine.totals(of: Fixtures.lines)
        let summary = try await Fixtures.importFile("commits.csv.gz", Self.request, into: engine)
        #expect(summary.duplicate == 60_751)
        #expect(summary.counted == 0)
        #expect(summary.rejected == 0)
        #expect(try await engine.totals(of: Fixtures.lines) == before)
    }
}

/// Each row of `enforced.json`: the file replayed under one limit.
@Suite(.serialized) struct EnforcedUsageTests {
    struct Case: Decodable, Sendable, CustomTestStringConvertible {
        let limit: Int64
        let window: String
        let timeZone: String
        let allowed: Int
        let denied: Int
        let subjectsDenied: Int
        let mostDenied: [Denied]

        var testDescription: String { "\(limit) per \(window) in \(timeZone)" }
    }

    /// `["dev-d449bd8939", 625]`.
    struct Denied: Decodable, Equatable, Sendable {
        let subject: String
        let count: Int

        init(subject: String, count: Int) {
            self.subject = subject
            self.count = count
        }

        init(from decoder: any Decoder) throws {
            var container = try decoder.unkeyedContainer()
            subject = try container.decode(String.self)
            count = try container.decode(Int.self)
        }
    }

    @Test func `there are five cases`() throws {
        #expect(try Fixtures.expected("enforced.json", [Case].self).count == 5)
    }

    @Test(
        arguments: try Fixtures.expected("enforced.json", [Case].self), StoreKind.allCases)
    func `replaying the file refuses exactly what another program refused`(
        _ example: Case, store: StoreKind
    ) async throws {
        try await withEngine(on: store, timeZone: example.timeZone) { engine in
            try await limit(engine, example)
            let request = ImportRequest(
                format: .csv, mapping: Fixtures.commitsMapping(["commits=1"]), isEnforced: true)
            let summary = try await Fixtures.importFile("commits.csv.gz", request, into: engine)
            #expect(summary.rows == 60_751)
            #expect(summary.allowed == example.allowed)
            #expect(summary.counted == example.allowed)
            #expect(summary.denied == example.denied)
            #expect(summary.rejected == 0)
            #expect(summary.denials.count == example.subjectsDenied)
            let mostDenied = summary.mostDenied.map {
                Denied(subject: $0.subject.text, count: $0.count)
            }
            #expect(mostDenied == example.mostDenied)
        }
    }

    /// A refusal is not remembered, and a window that was full stays full.
    @Test func `replaying the file again changes nothing`() async throws {
        let example = try #require(try Fixtures.expected("enforced.json", [Case].self).first)
        try await withEngine(timeZone: example.timeZone) { engine in
            try await limit(engine, example)
            let request = ImportRequest(
                format: .csv, mapping: Fixtures.commitsMapping(["commits=1"]), isEnforced: true)
            let first = try await Fixtures.importFile("commits.csv.gz", request, into: engine)
            let second = try await Fixtures.importFile("commits.csv.gz", request, into: engine)
            #expect(second.allowed == first.allowed)
            #expect(second.denied == first.denied)
            #expect(second.duplicate == first.allowed)
            #expect(second.counted == 0)
            #expect(try await engine.verify().differences == [])
        }
    }

    private func limit(_ engine: MeterstoneEngine, _ example: Case) async throws {
        let window = try #require(Window(example.window))
        let blueprint = Blueprint(
            meters: [Meter(key: Fixtures.commits)],
            limits: [
                Limit(
                    key: LimitKey(unchecked: "commits"), meter: Fixtures.commits, window: window,
                    defaultAllowance: .units(Quantity(example.limit)))
            ])
        let steps = try await engine.apply(blueprint, author: "test")
        #expect(steps.allSatisfy { $0.outcome == .created })
    }
}

/// The other two files, with the mappings that the documentation shows.
@Suite struct OtherUsageTests {
    private func sum(_ engine: MeterstoneEngine, _ meter: String) async throws -> Int64 {
        try await engine.totals(of: MeterKey(unchecked: meter)).values.reduce(0, +)
    }

    @Test func `an access log counts requests and bytes by client`() async throws {
        try await withEngine { engine in
            let request = ImportRequest(format: .accessLog, mapping: .accessLog)
            for _ in 0..<2 {
                let summary = try await Fixtures.importFile("access.log.gz", request, into: engine)
                #expect(summary.rows == 10_000)
                #expect(summary.rejected == 0)
            }
            #expect(try await sum(engine, "requests") == 10_000)
            #expect(try await sum(engine, "bytes") == 2_747_282_740)
            #expect(try await engine.subjects(after: nil, count: 10_000).count == 1_753)
        }
    }

    @Test func `requests to a language model count tokens for a thousand users`() async throws {
        try await withEngine { engine in
            let mapping = ColumnMapping(
                subject: try #require(RowTemplate("user-{row%1000}")), time: "TIMESTAMP",
                quantities: ["context_tokens=ContextTokens", "generated_tokens=GeneratedTokens"]
                    .compactMap { QuantityMapping($0) },
                zone: .utc)
            let request = ImportRequest(format: .csv, mapping: mapping)
            for _ in 0..<2 {
                let summary = try await Fixtures.importFile(
                    "llm-requests.csv.gz", request, into: engine)
                #expect(summary.rows == 19_366)
                #expect(summary.rejected == 0)
            }
            #expect(try await sum(engine, "context_tokens") == 22_361_870)
            #expect(try await sum(engine, "generated_tokens") == 4_088_665)
            #expect(try await engine.subjects(after: nil, count: 10_000).count == 1_000)
        }
    }
}
