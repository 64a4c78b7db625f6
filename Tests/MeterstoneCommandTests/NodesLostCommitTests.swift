import Dispatch
import Foundation
import MeterstoneTesting
import Synchronization
import Testing

/// What becomes of a commit that was sent and not answered.
extension NodesTests {
    /// PostgreSQL numbers transactions anew from the last one that reached its log. The number of a
    /// transaction that was lost in a crash then belongs to nobody, or to another one, whose end says
    /// nothing about the first.
    ///
    /// - Parameter others: how much the other node commits before the first one asks what became of its
    ///   commit.
    @Test(arguments: [0, 3])
    func `a commit that PostgreSQL lost in a crash is not taken for another`(others: Int) throws {
        // What is not committed stays out of the log on disk.
        let server = try PostgresServer(settings: ["wal_writer_delay": "10s"])
        defer { server.stop() }
        let nodes = try Nodes(2, on: server)
        defer { nodes.stop() }
        let (connections, first) = try sendCommit(nodes)
        defer { nodes.send(SIGCONT, to: 0) }
        let lost = try waitUntilLocked(nodes.console)
        nodes.send(SIGSTOP, to: 0)
        try server.restartImmediately()
        let next = try nodes.console.value("SELECT pg_snapshot_xmax(pg_current_snapshot())")
        #expect(next == lost)
        for number in 0..<others {
            #expect(try connections[1].consume("eve", "b\(number)").status == 200)
        }
        let start = ContinuousClock.now
        nodes.send(SIGCONT, to: 0)
        let said = try #require(first.answer())
        let time = ContinuousClock.now - start

        let isKnown = try connections[1].consume("ada", "e1").decoded(as: ConsumeAnswer.self)
            .duplicate
        switch said.status {
        case 200: #expect(isKnown, "\(said), and it was not counted")
        case 503: #expect(!isKnown, "\(said), and it was counted")
        default: #expect(said.code == "outcome_unknown")
        }
        // It found out, and did not wait until callers are given up.
        #expect(time < .seconds(20), "\(said) took \(time)")
        try nodes.expectClean()
    }

    @Test func `a node is killed between the sending of a commit and its answer`() throws {
        let nodes = try Nodes(2, on: .shared())
        defer { nodes.stop() }
        let (connections, first) = try sendCommit(nodes)
        _ = try waitUntilLocked(nodes.console)
        nodes.crash(0)
        #expect(first.answer() == nil)
        first.release()
        // The server carries out what it has received, or it does not.
        #expect(try connections[1].consume("ada", "e1").status == 200)
        let again = try connections[1].consume("ada", "e1").decoded(as: ConsumeAnswer.self)
        #expect(again.duplicate)
        #expect(again.limits.map(\.used) == [3])
        try nodes.expectClean()
    }

    /// Has the first node send a commit, of event `e1`, that the server receives and cannot carry out.
    private func sendCommit(_ nodes: Nodes) throws -> (connections: [HTTPConnection], HeldConsume) {
        try nodes.define(allowance: 100)
        let connections = (0..<2).map(nodes.connection)
        for node in 0..<2 {
            #expect(try connections[node].consume("ada", "a\(node)").status == 200)
        }
        let consume = HeldConsume(try nodes.console.begin("LOCK TABLE event_ids IN SHARE MODE"))
        consume.start(on: connections[0])
        return (connections, consume)
    }

    /// Waits until the commit is held up, and returns the number of its transaction.
    private func waitUntilLocked(_ console: PostgresConsole) throws -> String {
        let deadline = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < deadline {
            let waiting = try console.rows(
                """
                SELECT backend_xid FROM pg_stat_activity WHERE datname = current_database()
                AND wait_event_type = 'Lock' AND query LIKE 'INSERT INTO event_ids%'
                """)
            if let transaction = waiting.first?.first { return transaction }
        }
        throw ClientFailure("the node did not send its commit")
    }
}

/// A consume on a thread of its own, and the lock that holds it up.
private final class HeldConsume: Sendable {
    private let held: Mutex<Socket?>
    private let received = Mutex<HTTPAnswer?>(nil)
    private let client = DispatchGroup()

    init(_ held: sending Socket) {
        self.held = Mutex(held)
    }

    func start(on connection: HTTPConnection) {
        client.enter()
        Thread.detachNewThread {
            let answer = try? connection.consume("ada", "e1")
            self.received.withLock { $0 = answer }
            self.client.leave()
        }
    }

    func release() {
        held.withLock { $0 = nil }
    }

    /// What the node answered; `nil` when it did not.
    func answer() -> HTTPAnswer? {
        client.wait()
        return received.withLock { $0 }
    }
}
