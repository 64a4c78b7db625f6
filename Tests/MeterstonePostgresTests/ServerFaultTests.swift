import Meterstone
import MeterstoneCore
import MeterstonePostgres
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Promises 1 to 3 while sessions and servers end under load.
@Suite
struct ServerFaultTests {
    private static let tasks = 8
    private static let eventsPerTask = 40
    private static let allowance = 200

    @Test func `sessions that are ended again and again lose nothing and count nothing twice`()
        async throws
    {
        try await TestDatabase.with { database in
            var random = SplitMix64(state: seed)
            let moments = Set((0..<25).map { _ in Int.random(in: 5..<300, using: &random) })
            let admin = database.admin
            try await Self.load(database, disturbedAfter: moments) {
                // Not the first session that is found: all of them, in the middle of whatever they do.
                try admin.run(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()
                    """)
            }
        }
    }

    @Test func `a server that crashes again and again loses nothing and counts nothing twice`()
        async throws
    {
        let server = try PostgresServer()
        try await TestDatabase.with(server) { database in
            var random = SplitMix64(state: seed)
            let moments = Set((0..<4).map { _ in Int.random(in: 5..<280, using: &random) })
            try await Self.load(database, disturbedAfter: moments) {
                try server.restartImmediately()
            }
        }
        server.stop()
    }

    /// As after a failover to a standby that had not heard of everything.
    @Test func `what a node remembers and the server does not is made again`() async throws {
        try await TestDatabase.with { database in
            let engine = try database.engine()
            try await engine.setUp(daily: 10)
            try await engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            #expect(await engine.answer(.of(.ada, id: "lost")) == "allowed")
            for table in [
                "subjects", "counters", "usage_events", "event_ids", "event_columns",
            ] {
                try database.admin.run("DELETE FROM \(table)")
            }
            #expect(await engine.answer(.of(.ada, id: "lost")) == "allowed")
            #expect(await engine.answer(.of(.ada, id: "lost")) == "again")
            #expect(try await engine.used(.ada) == 1)
            try await database.expectClean(engine, events: 1)
        }
    }

    /// Consumes from eight tasks on two nodes, disturbs after so many answers, and checks everything.
    private static func load(
        _ database: TestDatabase, disturbedAfter moments: Set<Int>,
        _ disturb: @escaping @Sendable () throws -> Void
    ) async throws {
        let nodes = [try database.engine(), try database.engine()]
        try await nodes[0].setUp(daily: Int64(allowance))
        let answers = Counter()
        let disturbances = Counter()
        let words = try await withThrowingTaskGroup(of: [String: String].self) { group in
            for task in 0..<tasks {
                group.addTask {
                    var words: [String: String] = [:]
                    for number in 0..<eventsPerTask {
                        let id = "event-\(task)-\(number)"
                        words[id] = await Self.settledAnswer(nodes[task % 2], id)
                        guard moments.contains(answers.increment()) else { continue }
                        try await onThread(disturb)
                        disturbances.increment()
                    }
                    return words
                }
            }
            return try await group.reduce(into: [:]) { $0.merge($1) { one, _ in one } }
        }
        let comment: Comment = "SEED=\(seed)"
        #expect(disturbances.value == moments.count)
        #expect(words.count == tasks * eventsPerTask)
        #expect(Set(words.values).isSubset(of: ["allowed", "again", "denied"]), comment)
        let counted = words.filter { $0.value != "denied" }
        #expect(counted.count == allowance, comment)
        for (id, word) in words {
            let again = await nodes[1].answer(.of(.ada, id: id))
            #expect(again == (word == "denied" ? "denied" : "again"), "\(id), SEED=\(seed)")
        }
        #expect(try await nodes[0].used(.ada) == Int64(allowance), comment)
        let admin = try AdminSession(url: database.url)
        #expect(try admin.number("SELECT count(*) FROM event_ids") == allowance, comment)
        #expect(try await nodes[1].verify().differences == [], comment)
    }

    /// Asks again with the same id while nobody knows, as callers are told to.
    private static func settledAnswer(_ node: MeterstoneEngine, _ id: String) async -> String {
        var word = "outcome_unknown"
        for _ in 0..<20 where word == "outcome_unknown" {
            word = await node.answer(.of(.ada, id: id))
        }
        return word
    }
}
