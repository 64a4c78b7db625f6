import Meterstone
import MeterstoneCore
import MeterstonePostgres
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Numbers of subjects, by which reports index arrays.
@Suite
struct SubjectNumberTests {
    private static func largest(_ database: TestDatabase) throws -> Int {
        try database.admin.number("SELECT max(number) FROM subjects")
    }

    private static func names(_ range: Range<Int>) -> [SubjectID] {
        range.map { SubjectID(unchecked: "subject\($0)") }
    }

    @Test func `subjects of three nodes at once get numbers without large gaps`() async throws {
        try await TestDatabase.with { database in
            let nodes = try (0..<3).map { _ in try database.engine() }
            try await nodes[0].setUp(daily: 1_000)
            let names = Self.names(0..<600)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, node) in nodes.enumerated() {
                    group.addTask {
                        // Some subjects are new to several nodes at once.
                        let own = names.enumerated().filter {
                            $0.offset % 3 == index || $0.offset % 10 == 0
                        }
                        for start in stride(from: 0, to: own.count, by: 7) {
                            let batch = own[start..<min(start + 7, own.count)]
                            _ = try await node.consume(batch.map { .of($0.element) })
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try database.admin.number("SELECT count(*) FROM subjects") == 600)
            #expect(try Self.largest(database) <= 700)
            try await database.expectClean(nodes[1])
        }
    }

    @Test func `subjects of which nothing is recorded use no numbers up`() async throws {
        try await TestDatabase.with { database in
            let engine = try database.engine()
            try await engine.setUp(daily: 0)
            for subject in Self.names(0..<50) {
                #expect(await engine.answer(.of(subject)) == "denied")
            }
            try await engine.put(.putLimit(.daily(1)))
            for subject in Self.names(25..<75) {
                #expect(await engine.answer(.of(subject)) == "allowed")
            }
            #expect(try Self.largest(database) <= 51)
        }
    }

    /// As earlier versions numbered them: by the commit, in blocks of 262,144.
    @Test func `numbers of an earlier version stay, and are stepped over`() async throws {
        try await TestDatabase.with { database in
            let engine = try database.engine()
            try await engine.setUp(daily: 10)
            try database.admin.run(
                """
                INSERT INTO subjects (id, number, first_sequence)
                SELECT 'old' || n, n, 1
                FROM unnest('{3,4,5,9,10,262144,524288,524289}'::bigint[]) n
                """)
            let events = Self.names(0..<6).map { UsageEvent.of($0) }
            for outcome in try await engine.consume(events) { #expect(outcome.word == "allowed") }
            for subject in Self.names(6..<12) {
                #expect(await engine.answer(.of(subject)) == "allowed")
            }
            #expect(await engine.answer(.of(SubjectID(unchecked: "old262144"))) == "allowed")
            let old = try database.admin.number(
                "SELECT count(*) FROM subjects WHERE id = 'old' || number")
            #expect(old == 8)
            #expect(
                try database.admin.number(
                    "SELECT max(number) FROM subjects WHERE id LIKE 'subject%'") <= 24)
            try await database.expectClean(engine, events: 13)
        }
    }

    @Test func `a copy goes on above what it has taken in`() async throws {
        try await TestDatabase.with { source in
            try await TestDatabase.with { target in
                let old = try source.engine()
                try await old.setUp(daily: 10)
                _ = try await old.consume(Self.names(0..<100).map { .of($0) })
                try source.admin.run("SELECT setval('subject_numbers', 5000000)")
                _ = try await old.consume(Self.names(100..<110).map { .of($0) })
                let (from, to) = (try source.store(), try target.store())
                try to.fill { (visit) throws(StoreError) in try from.export(visit) }
                let new = target.engine(on: to)
                _ = try await new.consume(Self.names(110..<200).map { .of($0) })
                let close = try target.admin.number(
                    "SELECT max(number) FROM subjects WHERE number < 1000000")
                #expect(close <= 220)
                #expect(try target.admin.number("SELECT count(*) FROM subjects") == 200)
                try await target.expectClean(new, events: 200)
                try from.close()
            }
        }
    }
}
