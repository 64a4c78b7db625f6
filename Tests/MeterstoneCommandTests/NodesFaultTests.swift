import Foundation
import MeterstoneTesting
import Testing

/// What goes wrong under load: no answer is taken back, nothing counts twice, and service goes on
/// without a restart of any node that lives.
extension NodesTests {
    private static let limit = 2_000

    /// Bounds that are reached within a test.
    private func settings(commitMilliseconds: Int) -> [String: String] {
        [
            "METERSTONE_POSTGRES_IDLE_TRANSACTION_MILLISECONDS": "400",
            "METERSTONE_POSTGRES_LOCK_MILLISECONDS": "300",
            "METERSTONE_POSTGRES_STATEMENT_MILLISECONDS": "1000",
            "METERSTONE_POSTGRES_COMMIT_MILLISECONDS": "\(commitMilliseconds)",
        ]
    }

    @Test func `a node is killed under load`() throws {
        let nodes = try Nodes(3, on: .shared(), settings(commitMilliseconds: 10_000))
        defer { nodes.stop() }
        let tally = try Load.run(on: nodes, limit: Self.limit) { load in
            try load.wait(for: 30, from: [0, 1, 2])
            nodes.crash(1)
            #expect(load.now.allowed.count < Self.limit)
            try load.wait(for: 60, from: [0, 2])
        }
        #expect(tally.failures[0, default: 0] > 0)
        #expect(Set(tally.failures.keys) == [0])
        try tally.expectTrue(of: nodes, limit: Self.limit)
        #expect((0..<3).map(nodes.isRunning) == [true, false, true])
    }

    /// With a short bound callers are told so. With a long one they wait for the server, also those
    /// whose commit was on its way.
    @Test(arguments: [30, 10_000])
    func `PostgreSQL restarts under load`(commitMilliseconds: Int) throws {
        let server = try PostgresServer()
        defer { server.stop() }
        let nodes = try Nodes(3, on: server, settings(commitMilliseconds: commitMilliseconds))
        defer { nodes.stop() }
        let tally = try Load.run(on: nodes, limit: Self.limit) { load in
            try load.wait(for: 20, from: [0, 1, 2])
            for _ in 0..<2 {
                #expect(load.now.allowed.count < Self.limit)
                try server.restartImmediately()
                try load.wait(for: 20, from: [0, 1, 2])
            }
        }
        let codes = Set(tally.failures.keys)
        if commitMilliseconds == 10_000 {
            #expect(codes.isEmpty, "\(tally.failures)")
        } else {
            #expect(codes.contains(503) && codes.isSubset(of: [500, 503]), "\(tally.failures)")
        }
        try tally.expectTrue(of: nodes, limit: Self.limit)
        #expect((0..<3).allSatisfy(nodes.isRunning))
    }

    @Test func `connections to PostgreSQL are cut under load`() throws {
        let nodes = try Nodes(3, on: .shared(), settings(commitMilliseconds: 10_000))
        defer { nodes.stop() }
        let tally = try Load.run(on: nodes, limit: Self.limit) { load in
            for _ in 0..<5 {
                try load.wait(for: 10, from: [0, 1, 2])
                #expect(load.now.allowed.count < Self.limit)
                let cut = try nodes.console.rows(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()
                    """)
                #expect(cut.count >= 3)
            }
        }
        // It is certain what became of each commit, so that callers notice nothing.
        #expect(tally.failures.isEmpty)
        try tally.expectTrue(of: nodes, limit: Self.limit)
        #expect((0..<3).allSatisfy(nodes.isRunning))
    }

    /// The node holds locks that the others need, until the server ends its session.
    @Test func `a node hangs within a transaction under load`() throws {
        let nodes = try Nodes(3, on: .shared(), settings(commitMilliseconds: 1_500))
        defer { nodes.stop() }
        let tally = try Load.run(on: nodes, limit: Self.limit) { load in
            // Else the load would not end.
            defer { nodes.send(SIGCONT, to: 1) }
            try load.wait(for: 20, from: [0, 1, 2])
            try stopWithinTransaction(nodes, 1, load)
            #expect(load.now.allowed.count < Self.limit)
            let served = load.now.served[1]
            try load.wait(for: 60, from: [0, 2])
            // Until every bound of its own has passed, too.
            let started = try nodes.console.value("SELECT extract(epoch FROM clock_timestamp())")
            try load.wait(for: "1.6 seconds") { _ in
                try nodes.console.value(
                    "SELECT clock_timestamp() > to_timestamp(\(started)) + interval '1.6 s'") == "t"
            }
            #expect(load.now.served[1] == served)
            nodes.send(SIGCONT, to: 1)
            try load.wait(for: 20, from: [0, 1, 2])
        }
        try tally.expectTrue(of: nodes, limit: Self.limit)
        #expect((0..<3).allSatisfy(nodes.isRunning))
    }

    /// Stops a node as often as it takes to meet it with locks in hand, and waits until the server has
    /// ended that session.
    private func stopWithinTransaction(_ nodes: Nodes, _ node: Int, _ load: Load) throws {
        for _ in 0..<200 {
            nodes.send(SIGSTOP, to: node)
            let sessions = """
                SELECT pid, state FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'node-\(node)'
                """
            // What it has sent before is still carried out.
            try load.wait(for: "the node's statements") { _ in
                try nodes.console.rows("\(sessions) AND state = 'active'").isEmpty
            }
            let holding =
                "\(sessions) AND state = 'idle in transaction' AND backend_xid IS NOT NULL"
            if let session = try nodes.console.rows(holding).first?[0] {
                try load.wait(for: "the end of the transaction") { _ in
                    try nodes.console.rows("\(holding) AND pid = \(session)").isEmpty
                }
                let left = try nodes.console.rows("\(sessions) AND pid = \(session)")
                if left.isEmpty { return }
            }
            nodes.send(SIGCONT, to: node)
            try load.wait(for: 1, from: [node])
        }
        throw ClientFailure("the node was never met within a transaction")
    }
}
