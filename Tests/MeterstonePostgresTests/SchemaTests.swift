import Foundation
import Meterstone
import MeterstoneCore
import MeterstonePostgres
import MeterstoneStore
import MeterstoneTesting
import Testing

/// The schema, and the months of events in it.
@Suite
struct SchemaTests {
    /// Everything that migrations make.
    private static func schema(_ database: TestDatabase) throws -> [String] {
        try database.admin.run(
            """
            SELECT c.relkind, c.relname, coalesce(string_agg(
                a.attname || ' ' || a.atttypid::regtype || ' ' || a.attnotnull, ', '
                ORDER BY a.attnum), '')
            FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
            WHERE c.relnamespace = 'public'::regnamespace GROUP BY c.oid, c.relkind, c.relname
            ORDER BY c.relname
            """) + database.admin.run("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
    }

    @Test func `nodes that start together on an empty database make one schema`() async throws {
        try await TestDatabase.with { database in
            let (count, options) = (Counter(), PostgresOptions(url: database.url))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        let store = try await onThread { try TestDatabase.store(options) }
                        count.increment()
                        try store.close()
                    }
                }
                try await group.waitForAll()
            }
            #expect(count.value == 6)
            let schema = try Self.schema(database)
            let migrations = "SELECT version, applied_at FROM schema_migrations"
            let applied = try database.admin.run(migrations)
            #expect(applied.count == 10)
            // Once more changes nothing.
            try database.store().close()
            #expect(try Self.schema(database) == schema)
            #expect(try database.admin.run(migrations) == applied)
            try await TestDatabase.with { single in
                try single.store().close()
                #expect(try Self.schema(single) == schema)
            }
            let engine = try database.engine()
            try await engine.setUp(daily: 1)
            #expect(await engine.answer(.of(.ada)) == "allowed")
        }
    }

    @Test func `a database that a newer version wrote is left alone`() async throws {
        try await TestDatabase.with { database in
            try database.store().close()
            try database.admin.run("INSERT INTO schema_migrations (version) VALUES (9999)")
            let schema = try Self.schema(database)
            let failure = #expect(throws: StoreError.self) { try database.store() }
            #expect(failure?.code == .schemaTooNew)
            #expect(failure?.message.contains("9999") == true)
            #expect(try Self.schema(database) == schema)
        }
    }

    @Test(arguments: [
        "UPDATE changes SET body = ''", "DELETE FROM changes", "TRUNCATE changes",
        "UPDATE ledger_entries SET body = ''",
        "DELETE FROM ledger_entries", "TRUNCATE ledger_entries",
    ])
    func `the audit log and the ledger refuse to be edited`(sql: String) async throws {
        try await TestDatabase.with { database in
            try database.store().close()
            #expect(throws: AdminSession.Failure.self) { try database.admin.run(sql) }
        }
    }

    /// What serves lists of documents: a subject's counters and changes, and everybody's columns.
    private static let documentPlans: [(sql: String, expected: String)] = [
        ("SELECT id FROM subjects WHERE id = ANY('{a,b}')", "subjects_pkey"),
        ("SELECT value FROM counters WHERE subject = 1 AND series = -3", "counters_pkey"),
        (
            "SELECT value FROM counters WHERE subject = 1 AND series = 1 AND window_from = 2",
            "counters_pkey"
        ),
        ("SELECT id FROM subjects WHERE number = ANY('{1,2}')", "subjects_"),
        (
            """
            SELECT day, events, body FROM event_columns
            WHERE day BETWEEN 1 AND 31 AND merged IS NULL ORDER BY day
            """, "event_columns_current"
        ),
        (
            """
            SELECT day, events, body FROM event_columns
            WHERE day BETWEEN 1 AND 31
                AND merged >= pg_snapshot_xmin('10:20:'::text::pg_snapshot)
                AND NOT pg_visible_in_snapshot(merged, '10:20:'::text::pg_snapshot)
                AND pg_visible_in_snapshot(created, '10:20:'::text::pg_snapshot)
            """, "event_columns_"
        ),
        (
            """
            SELECT c.day, w.fewest, w.most
            FROM unnest('{0,16,256,4096}'::bigint[], '{15,255,4095,65535}'::bigint[])
                w(fewest, most)
            JOIN event_columns c ON c.events BETWEEN w.fewest AND w.most
            WHERE c.events < 65536 AND c.merged IS NULL
            """, "event_columns_"
        ),
        (
            """
            SELECT body FROM changes
            WHERE body::json ->> 'kind' = 'plan' AND sequence > 7 ORDER BY sequence
            """, "changes_by_kind"
        ),
        (
            "SELECT DISTINCT day FROM event_columns WHERE day BETWEEN 1 AND 31 ORDER BY day",
            "event_columns_by_day"
        ),
        (
            """
            SELECT number, profile::json ->> 'timeZone' FROM subjects
            WHERE (profile::json ->> 'timeZone') IS NOT NULL AND number IS NOT NULL
            """, "subjects_by_time_zone"
        ),
        (
            """
            SELECT number, NULL, profile::json ->> 'formerZones' FROM subjects
            WHERE (profile::json ->> 'timeZone') IS NULL
                AND (profile::json ->> 'formerZones') IS NOT NULL AND number IS NOT NULL
            """, "subjects_by_former_zones"
        ),
        (
            """
            SELECT body FROM changes
            WHERE body::json ->> 'kind' = 'plan' AND (body::json ->> 'key') COLLATE "C" = 'a'
            ORDER BY sequence
            """, "changes_by_key"
        ),
    ]

    @Test(arguments: documentPlans.indices)
    func `documents are found by an index`(index: Int) async throws {
        let (sql, expected) = Self.documentPlans[index]
        try await TestDatabase.with { database in
            try database.store().close()
            let plan = try database.admin.run(
                """
                SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off;
                EXPLAIN \(sql)
                """
            ).joined(separator: "\n")
            #expect(plan.contains("Index") && plan.contains(expected), "\(sql): \(plan)")
            #expect(!plan.contains("Seq Scan") && !plan.contains("Sort"), "\(sql): \(plan)")
        }
    }

    @Test func `a server that is not there is a clear error`() async throws {
        var options = PostgresOptions(url: "postgres://meterstone@127.0.0.1:1/nothing")
        options.connectMilliseconds = 100
        let failure = #expect(throws: StoreError.self) { try TestDatabase.store(options) }
        #expect(failure?.code == .unavailable)
    }

    // MARK: Months

    private static func months(_ database: TestDatabase) throws -> [String] {
        try database.admin.run(
            """
            SELECT replace(c.relname, 'usage_events_', '')
            FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = 'usage_events'::regclass ORDER BY 1
            """)
    }

    private static func instant(_ text: String) throws -> Instant {
        try #require(Instant(rfc3339: text))
    }

    @Test func `months are made before they are needed and when they are`() async throws {
        try await TestDatabase.with { database in
            let engine = try database.engine()
            try await engine.setUp(daily: 10)
            // The clock stands in March.
            #expect(try Self.months(database) == ["2026_03", "2026_04", "2026_05"])
            let old = try Self.instant("2024-02-29T23:59:59Z")
            #expect(await engine.answer(.of(.ada, id: "old", at: old)) == "allowed")
            #expect(
                try Self.months(database) == ["2024_02", "2026_03", "2026_04", "2026_05"])
            database.clock.set(try Self.instant("2026-12-31T23:59:59Z"))
            #expect(await engine.answer(.of(.ada, id: "december")) == "allowed")
            #expect(
                try Self.months(database) == [
                    "2024_02", "2026_03", "2026_04", "2026_05", "2026_12", "2027_01", "2027_02",
                ])
            try await database.expectClean(engine, events: 2)
            let rows = try database.admin.run(
                "SELECT tableoid::regclass, count(*) FROM usage_events GROUP BY 1 ORDER BY 1")
            #expect(rows == ["usage_events_2024_02|1", "usage_events_2026_12|1"])
        }
    }

    @Test func `a month that somebody has dropped is made again`() async throws {
        try await TestDatabase.with { database in
            let engine = try database.engine()
            try await engine.setUp(daily: 10)
            let old = try Self.instant("2024-02-10T12:00:00Z")
            #expect(await engine.answer(.of(.ada, id: "old", at: old)) == "allowed")
            try database.admin.run("ALTER TABLE usage_events DETACH PARTITION usage_events_2024_02")
            try database.admin.run("DROP TABLE usage_events_2024_02")
            #expect(await engine.answer(.of(.bob, id: "new", at: old)) == "allowed")
            #expect(try Self.months(database).contains("2024_02"))
            #expect(try await engine.events(of: .bob).events.count == 1)
            #expect(await engine.answer(.of(.bob, id: "new", at: old)) == "again")
        }
    }

    @Test func `two nodes that make the same month at once make one`() async throws {
        try await TestDatabase.with { database in
            let nodes = try (0..<3).map { _ in try database.engine() }
            try await nodes[0].setUp(daily: 10)
            for year in 2_000..<2_010 {
                let instant = try Self.instant("\(year)-06-15T00:00:00Z")
                let words = await withTaskGroup(of: String.self) { group in
                    for (index, node) in nodes.enumerated() {
                        let event = UsageEvent.of(.ada, id: "\(year)-\(index)", at: instant)
                        group.addTask { await node.answer(event) }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                #expect(words == ["allowed", "allowed", "allowed"], "\(year)")
            }
            #expect(try Self.months(database).count == 13)
            try await database.expectClean(nodes[0], events: 30)
        }
    }
}
