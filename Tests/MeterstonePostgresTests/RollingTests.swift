import Meterstone
import MeterstoneCore
import MeterstonePostgres
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Limits of windows that roll, of which no row says what is used.
@Suite
struct RollingTests {
    private static func limit(_ allowance: Int64) -> Limit {
        Limit(
            key: LimitKey(unchecked: "rolling"), meter: .prompts,
            window: .rolling(seconds: 3_600), defaultAllowance: Allowance(wire: allowance))
    }

    private static func setUp(_ node: MeterstoneEngine, _ allowance: Int64) async throws {
        try await node.setUp(daily: 1_000_000)
        try await node.put(.putLimit(limit(allowance)))
    }

    private static func used(_ node: MeterstoneEngine, _ subject: SubjectID) async throws -> Int64 {
        try await node.limits(of: subject)
            .first { $0.ancestor == nil && $0.limit.text == "rolling" }?.used.units ?? -1
    }

    @Test func `a consume reads none of the window's events again`() async throws {
        try await TestDatabase.with { database in
            let proxy = try database.proxy()
            let engine = try database.engine(through: proxy)
            try await Self.setUp(engine, 1_000_000)
            let history = (0..<3_000).map { UsageEvent.of(.ada, id: "history-\($0)") }
            _ = try await engine.consume(history)
            #expect(await engine.answer(.of(.ada, id: "first")) == "allowed")
            let (bytes, trips) = (proxy.bytesDown, proxy.roundTrips)
            for number in 0..<10 {
                database.clock.advance(bySeconds: 1)
                #expect(await engine.answer(.of(.ada, id: "\(number)")) == "allowed")
            }
            // Three thousand events have more than a hundred thousand bytes each time.
            #expect(proxy.bytesDown - bytes < 10 * 10_000)
            #expect(proxy.roundTrips - trips == 10 * 3)
            #expect(try await Self.used(engine, .ada) == 3_011)
        }
    }

    @Test func `a void reads none of the window's events again, nor does a consume after it`()
        async throws
    {
        try await TestDatabase.with { database in
            let proxy = try database.proxy()
            let engine = try database.engine(through: proxy)
            try await Self.setUp(engine, 1_000_000)
            let history = (0..<3_000).map { UsageEvent.of(.ada, id: "history-\($0)") }
            _ = try await engine.consume(history)
            #expect(await engine.answer(.of(.ada, id: "first")) == "allowed")
            let bytes = proxy.bytesDown
            for number in 0..<10 {
                let void = Correction(
                    eventID: try #require(EventID("history-\(number)")), source: nil, kind: .void,
                    author: "grace", reason: "a mistake")
                _ = try await engine.correct(void)
                #expect(await engine.answer(.of(.ada, id: "\(number)")) == "allowed")
            }
            #expect(proxy.bytesDown - bytes < 20 * 10_000)
            #expect(try await Self.used(engine, .ada) == 3_001)
        }
    }

    @Test func `what other nodes have counted and corrected since is counted`() async throws {
        try await TestDatabase.with { database in
            let nodes = try (0..<3).map { _ in try database.engine() }
            try await Self.setUp(nodes[0], 1_000_000)
            try await nodes[0].put(.putSubject(Subject(id: .ada, parent: .team)))
            var random = SplitMix64(state: seed)
            var counted: [(id: String, at: Instant, quantity: Int64)] = []
            for round in 0..<120 {
                let comment: Comment = "round \(round), SEED=\(seed)"
                let node = nodes[Int.random(in: 0..<3, using: &random)]
                database.clock.advance(bySeconds: Int64.random(in: 0..<400, using: &random))
                let now = database.clock.now
                switch Int.random(in: 0..<10, using: &random) {
                case 0..<7:
                    let late = Int64.random(in: 0..<10, using: &random)
                    let at = now.advanced(
                        byMilliseconds: late < 7 ? 0 : -late * 600_000)
                    let quantity = Int64.random(in: 0..<20, using: &random)
                    let event = UsageEvent.of(
                        .ada, Quantity(quantity), id: "event-\(round)", at: at)
                    #expect(await node.answer(event) == "allowed", comment)
                    counted.append(("event-\(round)", at, quantity))
                case 7..<9 where !counted.isEmpty:
                    let index = Int.random(in: 0..<counted.count, using: &random)
                    let event = counted.remove(at: index)
                    let correction = Correction(
                        eventID: try #require(EventID(event.id)), source: nil, kind: .void,
                        author: "grace", reason: "a mistake")
                    _ = try await node.correct(correction)
                default:
                    try await node.put(
                        .putSubject(
                            Subject(
                                id: .ada,
                                timeZone: round % 2 == 0 ? "Asia/Kathmandu" : "UTC",
                                parent: .team)))
                }
                // The fullest of the windows that contain this instant, all of which end now.
                let expected = counted.filter {
                    $0.at > now.advanced(byMilliseconds: -3_600_000)
                }.reduce(Int64(0)) { $0 + $1.quantity }
                for node in nodes {
                    #expect(try await Self.used(node, .ada) == expected, comment)
                }
                #expect(try await Self.used(nodes[round % 3], .team) == expected, comment)
            }
            #expect(counted.count > 20)
            try await database.expectClean(nodes[0])
        }
    }

    @Test func `six hundred consumes at three nodes against a rolling limit of a hundred`()
        async throws
    {
        try await TestDatabase.with { database in
            let nodes = try (0..<3).map { _ in try database.engine() }
            try await Self.setUp(nodes[0], 100)
            let allowed = await withTaskGroup(of: String.self) { group in
                for number in 0..<600 {
                    group.addTask {
                        await nodes[number % 3].answer(.of(.ada, id: "event-\(number)"))
                    }
                }
                return await group.reduce(0) { $0 + ($1 == "allowed" ? 1 : 0) }
            }
            #expect(allowed == 100)
            #expect(try await Self.used(nodes[1], .ada) == 100)
            database.clock.advance(bySeconds: 3_600)
            #expect(try await Self.used(nodes[2], .ada) == 0)
            #expect(await nodes[0].answer(.of(.ada)) == "allowed")
        }
    }

    /// As after a failover to a standby that had not heard of everything.
    @Test func `what the server has forgotten is not counted`() async throws {
        try await TestDatabase.with { database in
            let node = try database.engine()
            try await Self.setUp(node, 3)
            #expect(await node.answer(.of(.ada, id: "one")) == "allowed")
            #expect(await node.answer(.of(.ada, 2, id: "two")) == "allowed")
            #expect(await node.answer(.of(.ada, id: "three")) == "denied")
            try database.admin.run(
                """
                DELETE FROM usage_events WHERE sequence = (SELECT max(sequence) FROM usage_events)
                """)
            #expect(await node.answer(.of(.ada, 2, id: "four")) == "allowed")
            #expect(await node.answer(.of(.ada, id: "five")) == "denied")
        }
    }
}
