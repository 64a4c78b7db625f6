import Meterstone
import MeterstoneCore
import MeterstoneImport
import MeterstonePostgres
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// 19,366 real requests to a language model, tracked from start to end for a thousand users.
@Suite(.serialized) struct RequestReplayTests {
    private struct Row: Sendable {
        let number: Int
        let startedAt: Instant
        let input: Int64
        let output: Int64

        var subject: SubjectID { SubjectID(unchecked: "user-\(number % 1_000)") }
        var id: EventID { .text("row-\(number)") }
        /// Some fail and some are cancelled: what they used is told all the same.
        var status: RequestEnd.Status {
            number % 11 == 0 ? .failed : number % 13 == 0 ? .cancelled : .completed
        }
    }

    private struct Sums: Hashable {
        var requests: Int64 = 0
        var input: Int64 = 0
        var output: Int64 = 0
        /// Tokens of completed requests, which alone count.
        var counted: Int64 = 0
    }

    private static let model = ModelKey(unchecked: "served")

    /// `TIMESTAMP,ContextTokens,GeneratedTokens`, with seven digits of a second.
    private static func rows() throws -> [Row] {
        let file = try InputFile(path: Fixtures.path("llm-requests.csv.gz"))
        var bytes: [UInt8] = []
        while let chunk = try file.next() { bytes += chunk }
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        return try lines.dropFirst().enumerated().map { number, line in
            let fields = line.split(separator: ",")
            let time = fields[0].prefix(23).replacing(" ", with: "T")
            return Row(
                number: number, startedAt: try #require(Instant(rfc3339: time + "Z")),
                input: try #require(Int64(fields[1])), output: try #require(Int64(fields[2])))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `every user's requests and tokens are those of the file`(kind: StoreKind) async throws {
        let rows = try Self.rows()
        #expect(rows.count == 19_366)
        let clock = ManualClock(try #require(rows.first).startedAt)
        let folder = TemporaryFolder()
        let store: any Store =
            switch kind {
            case .sqlite: try SQLiteStore(directory: folder.path)
            case .postgres:
                try PostgresStore(
                    PostgresOptions(
                        url: try PostgresServer.shared().makeDatabase(),
                        patience: PostgresServer.patience))
            }
        let engine = MeterstoneEngine(store: store, clock: { clock.now })
        do {
            try await replay(rows, into: engine, clock)
            try await compare(rows, engine)
        } catch {
            await engine.shutdown()
            throw error
        }
        await engine.shutdown()
    }

    /// A thousand requests start together, and end together, told by several callers at once.
    private func replay(
        _ rows: [Row], into engine: MeterstoneEngine, _ clock: ManualClock
    ) async throws {
        let price = ModelPrice(
            input: Money(millionths: 2_000_000), output: Money(millionths: 3_000_000))
        let blueprint = Blueprint(
            meters: [Meter(key: RequestTracker.requests), Meter(key: RequestTracker.tokens)],
            models: [Model(key: Self.model, prices: [price])])
        _ = try await engine.apply(blueprint, author: "test")
        let tracker = RequestTracker(engine)
        for first in stride(from: 0, to: rows.count, by: 1_000) {
            let part = rows[first..<min(first + 1_000, rows.count)]
            clock.set(max(clock.now, part[first].startedAt))
            let parts = part.chunks(of: 125)
            try await inParallel(parts) { part in
                for outcome in try await tracker.start(part.map(Self.start)) {
                    guard case .started = outcome else { return false }
                }
                return true
            }
            clock.advance(bySeconds: 2)
            try await inParallel(parts) { part in
                for outcome in try await tracker.finish(part.map(Self.end)) {
                    guard case .done = outcome else { return false }
                }
                return true
            }
        }
        // Each look at a request that ended would go through all that waits to be projected.
        try await engine.flush()
        // What is told again changes nothing.
        for outcome in try await tracker.finish(rows.suffix(300).map(Self.end)) {
            guard case .done(let ended) = outcome else {
                Issue.record("a repeat was not known")
                continue
            }
            #expect(ended.isDuplicate)
        }
    }

    private static func start(_ row: Row) -> RequestStart {
        RequestStart(
            id: row.id, subject: row.subject, prompt: "", model: model, category: "replay")
    }

    private static func end(_ row: Row) -> RequestEnd {
        RequestEnd(
            id: row.id, status: row.status,
            tokens: .counts(TokenCounts(input: row.input, output: row.output)),
            durationMilliseconds: 2_000)
    }

    private func inParallel(
        _ parts: [[Row]], _ work: @escaping @Sendable ([Row]) async throws -> Bool
    ) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for part in parts { group.addTask { try await work(part) } }
            for try await isDone in group { #expect(isDone) }
        }
    }

    private func compare(_ rows: [Row], _ engine: MeterstoneEngine) async throws {
        var expected: [SubjectID: Sums] = [:]
        for row in rows {
            expected[row.subject, default: Sums()].requests += 1
            expected[row.subject, default: Sums()].input += row.input
            expected[row.subject, default: Sums()].output += row.output
            if row.status == .completed {
                expected[row.subject, default: Sums()].counted += row.input + row.output
            }
        }
        #expect(expected.count == 1_000)
        try await engine.flush()
        let counted = try await engine.totals(of: RequestTracker.tokens)
        #expect(counted == expected.mapValues(\.counted))
        let tracker = RequestTracker(engine)
        var different: [SubjectID] = []
        for (subject, sums) in expected {
            var totals = RequestTotals()
            let page = try await tracker.requests(of: subject, count: 1_000)
            for request in page.requests { totals.add(request) }
            let isSame =
                totals.requests == sums.requests && totals.inputTokens == sums.input
                && totals.outputTokens == sums.output && totals.ended == sums.requests
                && totals.cost.millionths == 2 * sums.input + 3 * sums.output
                && totals.byCategory == ["replay": sums.requests]
            if !isSame { different.append(subject) }
        }
        #expect(different.isEmpty)
        let report = try await tracker.reprice()
        #expect(report.unchanged == rows.count && report.repriced == 0)
        #expect(try await engine.verify().differences == [])
    }
}

extension ArraySlice {
    fileprivate func chunks(of count: Int) -> [[Element]] {
        stride(from: startIndex, to: endIndex, by: count).map { start in
            Array(self[start..<Swift.min(start + count, endIndex)])
        }
    }
}
