import Foundation
import Meterstone
import MeterstoneCore
import MeterstonePostgres
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Databases that have some of the scripts get the others.
@Suite struct UpgradeTests {
    private static let scripts: [String] = {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/MeterstonePostgres/Migrations")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.sorted().compactMap {
            try? String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8)
        }
    }()

    private static func schema(_ database: TestDatabase) throws -> [String] {
        try database.admin.run(
            """
            SELECT c.relkind, c.relname, coalesce(string_agg(
                a.attname || ' ' || a.atttypid::regtype || ' ' || a.attnotnull, ', '
                ORDER BY a.attnum), '')
            FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
            WHERE c.relnamespace = 'public'::regnamespace GROUP BY c.oid, c.relkind, c.relname
            ORDER BY c.relname
            """)
    }

    @Test(arguments: 1...10)
    func `an upgrade goes on after the last script that was run`(count: Int) async throws {
        #expect(Self.scripts.count == 10)
        try await TestDatabase.with { database in
            try database.admin.run(
                """
                CREATE TABLE schema_migrations (
                    version bigint PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())
                """)
            for number in 1...count {
                try database.admin.run(Self.scripts[number - 1])
                try database.admin.run(
                    "INSERT INTO schema_migrations (version) VALUES (\(number))")
            }
            let engine = try database.engine()
            try await engine.setUp(daily: 1)
            #expect(await engine.answer(.of(.ada)) == "allowed")
            #expect(await engine.answer(.of(.ada)) == "denied")
            #expect(try await engine.verify().differences == [])
            let versions = try database.admin.run(
                "SELECT version FROM schema_migrations ORDER BY version")
            #expect(versions == (1...10).map(String.init))
            let schema = try Self.schema(database)
            try await TestDatabase.with { fresh in
                let other = try fresh.engine()
                try await other.setUp(daily: 1)
                _ = await other.answer(.of(.ada))
                #expect(try Self.schema(fresh) == schema)
            }
        }
    }
}
