import Meterstone
import MeterstoneCore
import MeterstonePostgres
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Rows of columns that become fewer while commits go on.
@Suite
struct ColumnMergingTests {
    /// The most rows that a day keeps: fifteen of each of four sizes, and what each of two nodes has not
    /// looked at yet.
    private static let rowsMax = 60 + 2 * 64

    private static func rows(_ database: TestDatabase) throws -> Int {
        try database.admin.number("SELECT count(*) FROM event_columns WHERE merged IS NULL")
    }

    private static func columnEvents(_ database: TestDatabase) throws -> Int {
        try database.admin.number(
            "SELECT coalesce(sum(events), 0) FROM event_columns WHERE merged IS NULL")
    }

    /// Counts one event after the other, each in a commit of its own.
    private static func consume(
        _ count: Int, _ name: String, at nodes: [MeterstoneEngine]
    ) async throws {
        for number in 0..<count {
            let subject = SubjectID(unchecked: "subject\(number % 40)")
            let event = UsageEvent.of(subject, id: "\(name)-\(number)")
            let word = await nodes[number % nodes.count].answer(event)
            #expect(["allowed", "again"].contains(word))
        }
    }

    @Test func `columns merge while commits go on`() async throws {
        try await TestDatabase.with { database in
            let nodes = try (0..<2).map { _ in try database.engine() }
            try await nodes[0].setUp(daily: 1_000_000)
            // Nobody is ever idle, and nothing is asked but to count.
            var (written, merged) = (0, 0)
            while merged == 0, written < 2_000 {
                try await Self.consume(50, "round \(written)", at: nodes)
                written += 50
                merged = try database.admin.number(
                    "SELECT count(*) FROM event_columns WHERE merged IS NOT NULL")
            }
            #expect(merged >= 16)
            try await Self.consume(400, "more", at: nodes)
            written += 400
            try await eventually("many rows stay") {
                try Self.rows(database) <= Self.rowsMax
            }
            #expect(try Self.columnEvents(database) == written)
            try await database.expectClean(nodes[1], events: written)
        }
    }

    @Test func `pages on another node are as of the first one while columns merge`()
        async throws
    {
        try await TestDatabase.with { database in
            let nodes = try (0..<3).map { _ in try database.engine() }
            try await nodes[0].setUp(daily: 1_000_000)
            try await Self.consume(200, "before", at: nodes)
            let now = database.clock.now
            var question = ReportQuestion(
                from: now.advanced(byMilliseconds: -86_400_000),
                until: now.advanced(byMilliseconds: 86_400_000), count: 1_000)
            let whole = try await Self.top(nodes[0], question).rows
            #expect(whole.count == 40)
            question.count = 7
            var rows: [TopSubject] = []
            for round in 0..<6 {
                let page = try await Self.top(nodes[round % 3], question)
                rows += page.rows
                guard let next = question.following(page) else { break }
                question = next
                try await Self.consume(100, "round \(round)", at: [nodes[(round + 1) % 3]])
            }
            #expect(rows == whole)
            #expect(
                try database.admin.number(
                    "SELECT count(*) FROM event_columns WHERE merged IS NOT NULL") > 0)
        }
    }

    private static func top(
        _ node: MeterstoneEngine, _ question: ReportQuestion
    ) async throws -> Report<TopSubject> {
        let outcome = try await node.topSubjects(of: .prompts, question)
        guard case .report(let page) = outcome else { throw DidNotHappen() }
        return page
    }

    @Test func `nobody merges while another does`() async throws {
        try await TestDatabase.with { database in
            let node = try database.engine()
            try await node.setUp(daily: 1_000_000)
            let other = try AdminSession(url: database.url)
            try other.run(
                """
                BEGIN;
                SELECT pg_advisory_xact_lock(
                    ~hashtextextended('meterstone ' || current_schema() || ' catalog', 0))
                """)
            try await Self.consume(150, "held", at: [node])
            #expect(try Self.rows(database) == 150)
            try other.run("ROLLBACK")
            try await Self.consume(150, "free", at: [node])
            try await eventually("many rows stay") {
                try Self.rows(database) <= Self.rowsMax
            }
            #expect(try Self.columnEvents(database) == 300)
        }
    }

    @Test func `sessions that end while columns merge do no harm`() async throws {
        try await TestDatabase.with { database in
            let node = try database.engine()
            try await node.setUp(daily: 1_000_000)
            for round in 0..<20 {
                try await Self.consume(30, "round \(round)", at: [node])
                try database.terminateSessions()
            }
            try await Self.consume(200, "after", at: [node])
            try await eventually("many rows stay") {
                try Self.rows(database) <= Self.rowsMax
            }
            #expect(try Self.columnEvents(database) == 800)
            try await database.expectClean(node, events: 800)
            await node.shutdown()
            try await eventually("sessions stay") {
                try database.admin.number(
                    """
                    SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()
                    """) == 0
            }
        }
    }
}
