import Meterstone
import MeterstoneCore
import MeterstoneStore
import Testing

/// Facts in order, although commits of several nodes end in any order.
@Suite struct FollowingTests {
    @Test func `a commit that is under way is not stepped over`() async throws {
        try await TestDatabase.with { database in
            let engine = try database.engine()
            try await engine.setUp(daily: 1_000)
            try await engine.count(.of(.ada, id: "first"))
            let before = try await engine.facts(after: 0)
            #expect(before.usageIDs == ["first"])
            let position = try #require(before.lastSequence)
            // Another node has taken its number, and is slow to commit.
            let slow = try AdminSession(url: database.url)
            try slow.run("BEGIN")
            try slow.run(
                """
                SELECT pg_advisory_xact_lock_shared(hashtextextended(
                    'meterstone ' || coalesce(current_schema(), '') || ' catalog', 0))
                """)
            let number = try slow.number("SELECT nextval('commits')")
            try await engine.count(.of(.bob, id: "overtakes"))
            let during = try await engine.facts(after: position)
            #expect(during.usageIDs.isEmpty)
            try slow.run(
                """
                INSERT INTO usage_events (subject, day, sequence, body)
                SELECT subject, day, \(number) * 262144, body FROM usage_events
                WHERE sequence = \(position)
                """)
            try slow.run("COMMIT")
            let after = try await engine.facts(after: position)
            #expect(after.usageIDs == ["first", "overtakes"])
            #expect(after.isLast)
        }
    }

    @Test func `followers beside four nodes that commit miss nothing`() async throws {
        try await TestDatabase.with { database in
            var nodes: [MeterstoneEngine] = []
            for _ in 0..<4 { nodes.append(try database.engine()) }
            try await nodes[0].setUp(daily: 1_000)
            let follower = nodes[0]
            let found = try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, node) in nodes.enumerated() {
                    group.addTask {
                        for number in 0..<60 {
                            let id = "n\(index)-\(number)"
                            try await node.count(
                                .of(SubjectID(unchecked: "s\(index)"), id: id))
                        }
                    }
                }
                var found: [String] = []
                var position: Int64 = 0
                while found.count < 240 {
                    let page = try await follower.facts(after: position, count: 7)
                    found += page.usageIDs
                    position = page.lastSequence ?? position
                }
                try await group.waitForAll()
                return found
            }
            #expect(found.count == 240 && Set(found).count == 240)
            for index in 0..<4 {
                let own = found.filter { $0.hasPrefix("n\(index)-") }
                #expect(own == (0..<60).map { "n\(index)-\($0)" })
            }
        }
    }
}

extension MeterstoneEngine {
    fileprivate func count(_ event: UsageEvent) async throws {
        guard case .counted = try await record([event]).first else {
            Issue.record("expected \(event) to be counted")
            return
        }
    }
}

extension FactPage {
    fileprivate var usageIDs: [String] {
        facts.compactMap { fact in
            guard case .usage(let record) = fact.content else { return nil }
            return "\(record.id)"
        }
    }
}
