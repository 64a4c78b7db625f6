import Dispatch
import Foundation
import Synchronization
import Testing

/// Many clients that consume from several nodes, and what became of every event id.
///
/// A client sends an id until it knows what became of it, to another node after each failure. When the
/// limit on ``team``, above all subjects, is reached, it goes on being refused.
final class Load: Sendable {
    static let team = "team"
    private static let members = 5
    private static let clientsPerNode = 4
    /// How often somebody has to be refused before the load ends.
    private static let refusedMin = 40
    /// Were nobody ever refused, the load would not end.
    private static let askedMax = 20_000
    private static let bound: Duration = .seconds(20)

    struct Tally {
        /// The node that allowed an id.
        var allowed: [String: Int] = [:]
        var refused: Set<String> = []
        /// How many decisions each node made.
        var served: [Int]
        /// By status, or 0 when the connection broke.
        var failures: [Int: Int] = [:]
        var mistakes: [String] = []
        var asked = 0
        var mayEnd = false

        var answered: Int { served.reduce(0, +) }
    }

    private let ports: [Int]
    private let tally: Mutex<Tally>
    private let arrived = DispatchSemaphore(value: 0)

    private init(_ nodes: Nodes) {
        ports = nodes.all.map(\.port)
        tally = Mutex(Tally(served: nodes.all.map { _ in 0 }))
    }

    /// Keeps the nodes busy while `body` runs, and until the limit is reached.
    static func run(
        on nodes: Nodes, limit: Int, during body: (Load) throws -> Void
    ) throws -> Tally {
        try nodes.define(allowance: -1)
        try nodes.ask(0, "PUT", "/v1/subjects/\(team)/overrides/most", #"{"allowance":\#(limit)}"#)
        for member in 0..<members {
            try nodes.ask(0, "PUT", "/v1/subjects/m\(member)", #"{"parent":"\#(team)"}"#)
        }
        let load = Load(nodes)
        let clients = startThreads(nodes.all.count * clientsPerNode) { load.client($0) }
        defer { clients.wait() }
        defer { load.tally.withLock { $0.mayEnd = true } }
        try body(load)
        load.tally.withLock { $0.mayEnd = true }
        clients.wait()
        return load.now
    }

    var now: Tally { tally.withLock { $0 } }

    /// Looks at a condition after each answer, and now and then, until it holds.
    func wait(for what: String, until condition: (Tally) throws -> Bool) throws {
        let deadline = ContinuousClock.now + Self.bound
        while try !condition(now) {
            guard ContinuousClock.now < deadline, now.mistakes.isEmpty else {
                throw ClientFailure("waited in vain for \(what): \(now.mistakes)")
            }
            _ = arrived.wait(timeout: .now() + .milliseconds(20))
        }
    }

    /// Waits for more decisions of certain nodes.
    func wait(for more: Int, from nodes: [Int]) throws {
        let before = now.served
        try wait(for: "\(more) more decisions of nodes \(nodes)") { tally in
            nodes.allSatisfy { tally.served[$0] >= before[$0] + more }
        }
    }

    // MARK: Clients

    private func client(_ place: Int) {
        let connections = ports.map { HTTPConnection(port: $0) }
        // Each id begins at the client's own node, so that none is left without work.
        while let number = next() {
            settle(number, from: place % ports.count, connections)
            arrived.signal()
        }
    }

    private func next() -> Int? {
        tally.withLock { tally in
            let isEnough = tally.mayEnd && tally.refused.count >= Self.refusedMin
            guard !isEnough, tally.mistakes.isEmpty else { return nil }
            tally.asked += 1
            if tally.asked > Self.askedMax { tally.mistakes.append("the limit was not reached") }
            return tally.asked
        }
    }

    static func subject(_ number: Int) -> String { "m\(number % members)" }

    /// Sends an id until it is known what became of it, to another node after each failure.
    private func settle(_ number: Int, from first: Int, _ connections: [HTTPConnection]) {
        let id = "e\(number)"
        let deadline = ContinuousClock.now + Self.bound
        var node = first
        var mayBeCounted = false
        while ContinuousClock.now < deadline {
            let answer = try? connections[node].consume(Self.subject(number), id)
            switch (answer?.status, answer?.code) {
            case (200, _):
                let decision = try? answer?.decoded(as: ConsumeAnswer.self)
                tally.withLock { tally in
                    tally.allowed[id] = node
                    tally.served[node] += 1
                    guard let decision, decision.allowed, decision.eventId == id,
                        !decision.duplicate || mayBeCounted
                    else { return tally.mistakes.append("\(id): \(answer?.body ?? "")") }
                }
                return
            case (429, "limit_exceeded"):
                tally.withLock { tally in
                    tally.refused.insert(id)
                    tally.served[node] += 1
                }
                return
            // Nothing was counted, it says: a duplicate afterwards is a mistake.
            case (503, "store_unavailable"): break
            case (500, "outcome_unknown"), (nil, _): mayBeCounted = true
            default:
                let mistake = "\(id): \(answer?.status ?? 0) \(answer?.body ?? "")"
                tally.withLock { $0.mistakes.append(mistake) }
                return
            }
            tally.withLock { $0.failures[answer?.status ?? 0, default: 0] += 1 }
            node = (node + 1) % ports.count
        }
        tally.withLock { $0.mistakes.append("\(id) could not be settled") }
    }
}

extension Load.Tally {
    /// Compares what clients were told with what is stored, and with what every living node says now.
    func expectTrue(of nodes: Nodes, limit: Int) throws {
        #expect(mistakes.isEmpty)
        #expect(allowed.count == limit)
        #expect(allowed.keys.allSatisfy { !refused.contains($0) })
        let living = nodes.all.indices.filter(nodes.isRunning)
        let stored = try storedIDs(nodes, living[0])
        #expect(stored.count == limit)
        #expect(Set(stored) == Set(allowed.keys))
        for node in living {
            let fresh = try nodes.connection(node).consume("fresh", "fresh-\(node)")
            #expect(fresh.status == 200, "node \(node): \(fresh)\n\(nodes.log(node))")
            #expect(try !fresh.decoded(as: ConsumeAnswer.self).duplicate)
        }
        try expectRepeated(on: living, of: nodes)
        for node in living { #expect(try used(nodes, node) == [limit], "node \(node)") }
        try nodes.expectClean()
    }

    /// The ids of all that counts for the team, from page to page.
    private func storedIDs(_ nodes: Nodes, _ node: Int) throws -> [String] {
        struct Page: Decodable {
            struct Event: Decodable { let id: String }
            let events: [Event]
            let nextCursor: String?
        }
        var ids: [String] = []
        var cursor: String?
        repeat {
            let from = cursor.map { "&cursor=\($0)" } ?? ""
            let path = "/v1/subjects/\(Load.team)/events?count=1000\(from)"
            let page = try nodes.ask(node, "GET", path).decoded(as: Page.self)
            ids += page.events.map(\.id)
            cursor = page.nextCursor
        } while cursor != nil
        return ids
    }

    private func used(_ nodes: Nodes, _ node: Int) throws -> [Int] {
        struct Standings: Decodable { let limits: [ConsumeAnswer.Standing] }
        let answer = try nodes.ask(node, "GET", "/v1/subjects/\(Load.team)/limits")
        return try answer.decoded(as: Standings.self).limits.map(\.used)
    }

    /// What was allowed is known to a node that did not allow it, and what was refused is refused again.
    private func expectRepeated(on living: [Int], of nodes: Nodes) throws {
        let connections = living.map(nodes.connection)
        let wrong = Mutex<[String]>([])
        let chosen = allowed.map { ($0, $1, 200) } + refused.prefix(60).map { ($0, 0, 429) }
        startThreads(connections.count) { place in
            for (id, node, status) in chosen
            where living[(node + 1) % living.count] == living[place] {
                let answer = try? connections[place].consume(
                    Load.subject(Int(id.dropFirst()) ?? 0), id)
                let decision = try? answer?.decoded(as: ConsumeAnswer.self)
                guard answer?.status != status || status == 200 && decision?.duplicate != true
                else { continue }
                wrong.withLock { $0.append("\(id) on \(place): \(answer?.body ?? "nothing")") }
            }
        }.wait()
        #expect(wrong.withLock { $0 } == [])
    }
}
