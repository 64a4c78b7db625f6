import Meterstone
import MeterstoneCore
import MeterstonePostgres
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Plans, limits and meters that one node changes and another decides with.
@Suite
struct CatalogTests {
    private static func shownAllowance(_ node: MeterstoneEngine) async throws -> Int64? {
        try await node.blueprint().limits.first?.defaultAllowance?.wire
    }

    @Test func `a limit that one node changed decides on every other at once`() async throws {
        try await TestDatabase.with { database in
            let nodes = try (0..<3).map { _ in
                // What is shown may be old; what decides may not.
                try database.engine { $0.catalogMilliseconds = 600_000 }
            }
            try await nodes[0].setUp(daily: 1)
            for node in nodes { _ = try await node.blueprint() }
            for round in 0..<30 {
                let subject = SubjectID(unchecked: "subject\(round)")
                try await nodes[round % 3].put(.putLimit(.daily(round % 2 == 0 ? 0 : 5)))
                for other in 1..<3 {
                    let word = await nodes[(round + other) % 3].answer(.of(subject))
                    #expect(word == (round % 2 == 0 ? "denied" : "allowed"), "round \(round)")
                    let used = try await nodes[(round + other) % 3].limits(of: subject)
                    #expect(used.first?.allowance.wire == (round % 2 == 0 ? 0 : 5))
                }
            }
        }
    }

    @Test func `the server tells a node what another has changed`() async throws {
        try await TestDatabase.with { database in
            let one = try database.engine()
            let other = try database.engine { $0.catalogMilliseconds = 600_000 }
            try await one.setUp(daily: 1)
            #expect(try await Self.shownAllowance(other) == 1)
            for allowance in Int64(2)...10 {
                try await one.put(.putLimit(.daily(allowance)))
                try await eventually("\(allowance) is not shown") {
                    try await Self.shownAllowance(other) == allowance
                }
            }
        }
    }

    @Test func `a change of a plan is read without those before it`() async throws {
        try await TestDatabase.with { database in
            let proxy = try database.proxy()
            let one = try database.engine()
            let other = try database.engine(through: proxy)
            try await one.setUp(daily: 10)
            for number in 0..<300 {
                let plan = Plan(
                    key: PlanKey(unchecked: "pro"), name: "Plan \(number)", isDefault: false)
                try await one.put(.putPlan(plan))
            }
            let start = proxy.bytesDown
            #expect(await other.answer(.of(.ada)) == "allowed")
            let whole = proxy.bytesDown - start
            // Each is told with what was before and after.
            #expect(whole > 300 * 100)
            for number in 0..<5 {
                let plan = Plan(
                    key: PlanKey(unchecked: "pro"), name: "New plan \(number)", isDefault: false)
                try await one.put(.putPlan(plan))
                let start = proxy.bytesDown
                #expect(await other.answer(.of(.ada)) == "allowed")
                #expect(proxy.bytesDown - start < whole / 4)
                #expect(
                    try await other.blueprint().plans.first { $0.key.text == "pro" }?.name
                        == "New plan \(number)")
            }
        }
    }

    @Test func `a subject with a long history gets another time zone and another start`()
        async throws
    {
        try await TestDatabase.with { database in
            let engine = try database.engine {
                // Far less than it takes to count everything anew.
                $0.idleTransactionMilliseconds = 400
            }
            try await engine.setUp(daily: 1_000_000)
            #expect(await engine.answer(.of(.ada, id: "first")) == "allowed")
            let copies = 45_000
            try database.admin.run(
                """
                INSERT INTO usage_events
                SELECT subject, day, sequence + n, body
                FROM usage_events, generate_series(1, \(copies)) n
                """)
            // What comes ahead of its time is on a day of which the other zone decides.
            let ahead = database.clock.now.advanced(byMilliseconds: 82_800_000)
            _ = try await engine.record([.of(.ada, id: "ahead", at: ahead)])
            try await engine.put(.putSubject(Subject(id: .ada, timeZone: "Asia/Kathmandu")))
            #expect(try await engine.used(.ada) == Int64(copies) + 1)
            try await engine.put(.putPlan(Plan(key: PlanKey(unchecked: "pro"))))
            let start = database.clock.now.advanced(byMilliseconds: -86_400_000)
            try await engine.put(
                .putSubscription(
                    .ada, Subscription(plan: PlanKey(unchecked: "pro"), startsAt: start)))
            #expect(try await engine.used(.ada) == Int64(copies) + 1)
            #expect(await engine.answer(.of(.ada, id: "last")) == "allowed")
            #expect(try await engine.used(.ada) == Int64(copies) + 2)
        }
    }

    @Test func `without the server's notices a copy is compared in time`() async throws {
        try await TestDatabase.with { database in
            let one = try database.engine()
            let other = try database.engine { $0.catalogMilliseconds = 400 }
            try await one.setUp(daily: 1)
            for allowance in Int64(2)...4 {
                _ = try await Self.shownAllowance(other)
                #expect(
                    try database.admin.number(
                        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'") > 0)
                try database.terminateSessions("query LIKE 'LISTEN%'")
                try await one.put(.putLimit(.daily(allowance)))
                try await eventually("\(allowance) is not shown") {
                    try await Self.shownAllowance(other) == allowance
                }
                // Whoever lost its session listens again.
                try await eventually("nobody listens") {
                    _ = try await Self.shownAllowance(other)
                    return try database.admin.number(
                        """
                        SELECT count(*) FROM pg_stat_activity
                        WHERE datname = current_database() AND query LIKE 'LISTEN%'
                        """) > 0
                }
            }
        }
    }

    @Test func `nodes with another default time zone are refused until the counters follow it`()
        async throws
    {
        try await TestDatabase.with { database in
            let old = database.engine(on: try database.store(zone: "UTC"))
            try await old.setUp(daily: 10)
            #expect(await old.answer(.of(.ada, id: "before")) == "allowed")
            let refusal = #expect(throws: StoreError.self) {
                try database.store(zone: "Asia/Kathmandu")
            }
            #expect(refusal?.code == .halted)
            #expect(refusal?.message.contains("Asia/Kathmandu") == true)
            #expect(refusal?.message.contains("UTC") == true)
            // The refused one has changed nothing.
            #expect(await old.answer(.of(.ada, id: "still")) == "allowed")
            let new = database.engine(
                on: try database.store(zone: "Asia/Kathmandu", adopts: true))
            #expect(try await new.rebuild() > 0)
            #expect(await new.answer(.of(.ada, id: "new")) == "allowed")
            try await database.expectClean(new, events: 3)
            #expect(await old.answer(.of(.ada, id: "old")) == "store_halted")
            guard case .halted(let halt) = old.state else {
                Issue.record("expected a halted node, got \(old.state)")
                return
            }
            #expect(halt.message.contains("Asia/Kathmandu"))
            // It stays so.
            #expect(await old.answer(.of(.ada, id: "old")) == "store_halted")
            #expect(try await new.used(.ada) == 3)
            #expect(throws: StoreError.self) { try database.store(zone: "UTC") }
            try await database.expectClean(new, events: 3)
        }
    }
}
