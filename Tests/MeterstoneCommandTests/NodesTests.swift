import Foundation
import MeterstoneTesting
import Synchronization
import Testing

/// Three nodes as processes on one database: together they keep the promises of one.
@Suite(.serialized)
struct NodesTests {
    @Test func `of 600 consumes at three nodes exactly as many are allowed as the limit says`()
        async throws
    {
        let nodes = try Nodes(3, on: .shared())
        defer { nodes.stop() }
        try nodes.define(allowance: 100)
        let connections = (0..<24).map { nodes.connection($0 % 3) }
        let answers = Mutex<[Int: Int]>([:])
        startThreads(connections.count) { place in
            for number in 0..<25 {
                let answer = try? connections[place].consume("ada", "e\(place)-\(number)")
                answers.withLock { $0[answer?.status ?? 0, default: 0] += 1 }
            }
        }.wait()
        #expect(answers.withLock { $0 } == [200: 100, 429: 500])
        try nodes.expectClean()
    }

    @Test func `an event id sent to three nodes at once counts once`() throws {
        let nodes = try Nodes(3, on: .shared())
        defer { nodes.stop() }
        let (rounds, allowance) = (60, 45)
        try nodes.define(allowance: allowance)
        let connections = (0..<3).map(nodes.connection)
        var first = [0, 0, 0]
        for round in 0..<rounds {
            let answers = Mutex<[Int: HTTPAnswer]>([:])
            startThreads(3) { place in
                let answer = try? connections[place].consume("ada", "e\(round)")
                answers.withLock { $0[place] = answer }
            }.wait()
            let all = answers.withLock { $0 }
            #expect(all.count == 3)
            #expect(all.values.allSatisfy { $0.status == (round < allowance ? 200 : 429) })
            let bodies = all.values.map {
                $0.body.replacing(#""duplicate":true"#, with: #""duplicate":false"#)
            }
            #expect(Set(bodies).count == 1, "\(bodies)")
            guard round < allowance else { continue }
            let fresh = try all.filter { try !$1.decoded(as: ConsumeAnswer.self).duplicate }
            #expect(fresh.count == 1, "\(all)")
            for (place, answer) in fresh {
                first[place] += 1
                #expect(try answer.decoded(as: ConsumeAnswer.self).limits[0].used == round + 1)
            }
        }
        // Were one always first, nothing would have happened at once.
        #expect(first.count { $0 > 0 } > 1, "\(first)")
        try nodes.expectClean()
    }

    @Test func `what one node changes decides on the others at once, and is soon shown there`()
        async throws
    {
        let nodes = try Nodes(3, on: .shared())
        defer { nodes.stop() }
        let connections = (0..<3).map(nodes.connection)
        try nodes.define(allowance: 0)
        var count = 0
        func consume(_ node: Int) throws -> Int {
            count += 1
            return try connections[node].consume("ada", "e\(count)").status
        }
        for round in 1...12 {
            if round.isMultiple(of: 4) { try endNotices(nodes.console, connections) }
            let writer = round % 3
            let others = [(writer + 1) % 3, (writer + 2) % 3]
            for node in 0..<3 { #expect(try consume(node) == 429) }
            try nodes.ask(writer, "PUT", "/v1/limits/most", Nodes.limit(2 * round))
            // Each first, in turn: whoever decides with the new limit shows it from then on, too.
            if round.isMultiple(of: 2) {
                let text = #""defaultAllowance":\#(2 * round)"#
                try #require(try isShown(text, connections), "round \(round)")
            }
            for node in others { #expect(try consume(node) == 200) }
            for node in 0..<3 { #expect(try consume(node) == 429) }
        }
        try expectPlansFollow(nodes, connections)
        try nodes.expectClean()
    }

    /// Ends the sessions through which the server tells of changes, once every node has one.
    private func endNotices(
        _ console: PostgresConsole, _ connections: [HTTPConnection]
    ) throws {
        let listening = "datname = current_database() AND query LIKE 'LISTEN%'"
        let count = "SELECT count(*) FROM pg_stat_activity WHERE \(listening)"
        let deadline = ContinuousClock.now + .seconds(10)
        while try console.value(count) != "3" {
            guard ContinuousClock.now < deadline else {
                throw ClientFailure("expected every node to listen")
            }
            for connection in connections { _ = try connection.send("GET", "/v1/limits") }
        }
        let end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE \(listening)"
        #expect(try console.rows(end).count == 3)
    }

    /// A plan, and an allowance of a subject's own, decide on the other nodes with the next consume.
    private func expectPlansFollow(_ nodes: Nodes, _ connections: [HTTPConnection]) throws {
        try nodes.ask(0, "PUT", "/v1/plans/pro", "{}")
        let limit = #"{"meter":"prompts","window":"lifetime","allowances":{"pro":1},"#
        try nodes.ask(1, "PUT", "/v1/limits/most", limit + #""defaultAllowance":0}"#)
        #expect(try connections[2].consume("bob", "b1").status == 429)
        try nodes.ask(2, "PUT", "/v1/subjects/bob/subscription", #"{"plan":"pro"}"#)
        #expect(try connections[0].consume("bob", "b1").status == 200)
        #expect(try connections[1].consume("bob", "b2").status == 429)
        try nodes.ask(0, "PUT", "/v1/subjects/bob/overrides/most", #"{"allowance":2}"#)
        #expect(try connections[1].consume("bob", "b2").status == 200)
        #expect(try connections[2].consume("bob", "b3").status == 429)
    }

    /// Whether every node shows a limit with this text, once it had time to: a second where the machine has
    /// nothing else to do.
    private func isShown(_ text: String, _ connections: [HTTPConnection]) throws -> Bool {
        let end = ContinuousClock.now + .seconds(20)
        for connection in connections {
            while try !connection.send("GET", "/v1/limits").body.contains(text) {
                guard ContinuousClock.now < end else { return false }
            }
        }
        return true
    }

    @Test func `a node with another default time zone does not start`() async throws {
        let nodes = try Nodes(1, on: .shared(), ["METERSTONE_DEFAULT_TIME_ZONE": "Asia/Tokyo"])
        defer { nodes.stop() }
        let (line, log) = try await startBriefly(
            ["METERSTONE_STORE": nodes.url, "METERSTONE_DEFAULT_TIME_ZONE": "Europe/Berlin"])
        #expect(line == "")
        #expect(log.contains("'Asia/Tokyo'"))
        #expect(log.contains("'Europe/Berlin'"))
        try nodes.define(allowance: 1)
        #expect(try nodes.connection(0).consume("ada", "e1").status == 200)
    }

    @Test func `the log does not show the password of a URL`() async throws {
        let database = try PostgresServer.shared().makeDatabase()
        let url = database.replacing("meterstone@", with: "meterstone:do-not-tell@")
        for url in [url, "\(database)?password=do-not-tell", "\(url)?application_name=x"] {
            let (line, log) = try await startBriefly(["METERSTONE_STORE": url])
            #expect(line.contains("listens on"), "\(log)")
            #expect(log.contains("store: postgres://…@127.0.0.1"))
            #expect(!(line + log).contains("do-not-tell"))
        }
        for url in [
            "Postgres://u:do-not-tell@h", "postgres://u:do-not-tell%zz@h", "u:do-not-tell@h",
        ] {
            let (line, log) = try await startBriefly(["METERSTONE_STORE": url])
            #expect(line == "")
            #expect(log.contains("postgres://USER@HOST/DATABASE"))
            #expect(!log.contains("do-not-tell"))
        }
        let (line, log) = try await startBriefly(
            ["METERSTONE_STORE": "postgres://nobody:do-not-tell@127.0.0.1:1/nothing"])
        #expect(line == "")
        #expect(log.contains("Connection refused"))
        #expect(!log.contains("do-not-tell"))
    }

    /// Starts a server, and ends it once it listens or ends by itself: its first line, and its log.
    private func startBriefly(_ environment: [String: String]) async throws -> (String, String) {
        var line = ""
        let ending = try await Program.serve(["--log-level", "trace"], environment) {
            line = $0.line
        }
        return (line, ending.errors)
    }
}
