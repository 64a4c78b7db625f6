import Foundation
import GRDB
import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

@Suite struct SchemaTests {
    /// A closed store's database.
    private func withDatabase(_ body: (Database) throws -> Void) throws {
        let folder = TemporaryFolder()
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        try FixedHistory.prepare(store)
        try store.close()
        let queue = try DatabaseQueue(path: folder.path + "/meterstone.sqlite")
        try queue.writeWithoutTransaction { try body($0) }
        try queue.close()
    }

    /// Statements that serve requests or commits, and what their plan must say.
    static let plans: [(String, String)] = [
        (SubjectStatements.byID, "SEARCH subjects USING INDEX"),
        (SubjectStatements.byNumber, "SEARCH subjects USING INTEGER PRIMARY KEY"),
        (SubjectStatements.after, "SEARCH subjects USING INDEX"),
        (SubjectStatements.putExpiry, "SEARCH subjects USING INTEGER PRIMARY KEY"),
        (SubjectStatements.numberMax, "SEARCH subjects"),
        (JournalStatements.after, "SEARCH journal USING INTEGER PRIMARY KEY"),
        (JournalStatements.page, "SEARCH journal USING INTEGER PRIMARY KEY"),
        (JournalStatements.drop, "SEARCH journal USING INTEGER PRIMARY KEY"),
        (EventRunStatements.ofDay, "SEARCH event_runs USING INDEX event_runs_by_day (day=?)"),
        (
            EventRunStatements.firstDay,
            "SEARCH event_runs USING COVERING INDEX event_runs_by_day (day>?)"
        ),
        (
            EventRunStatements.lastDay,
            "SEARCH event_runs USING COVERING INDEX event_runs_by_day (day<?)"
        ),
        (EventRunStatements.body, "SEARCH event_blocks USING INTEGER PRIMARY KEY (rowid=?)"),
        (
            EventRunStatements.startBlock,
            "SEARCH event_blocks USING COVERING INDEX event_blocks_by_start (run=? AND (subject,sequence)<(?,?))"
        ),
        (EventRunStatements.nextBody, "SEARCH event_blocks USING INTEGER PRIMARY KEY (rowid>?)"),
        (EventRunStatements.dropBodies, "SEARCH event_blocks USING INTEGER PRIMARY KEY (rowid=?)"),
        (
            EventRunStatements.correctionsOfEvent,
            "SEARCH event_corrections USING PRIMARY KEY (day=? AND subject=? AND event=? AND sequence<?)"
        ),
        (EventIDStatements.body, "SEARCH id_blocks USING INTEGER PRIMARY KEY (rowid=?)"),
        (EventIDStatements.nextBody, "SEARCH id_blocks USING INTEGER PRIMARY KEY (rowid>?)"),
        (EventIDStatements.dropBodies, "SEARCH id_blocks USING INTEGER PRIMARY KEY (rowid=?)"),
        (
            CounterStatements.byKey,
            "SEARCH counters USING PRIMARY KEY (series=? AND window_from=? AND subject=?)"
        ),
        (
            CounterStatements.delete,
            "SEARCH counters USING PRIMARY KEY (series=? AND window_from=? AND subject=?)"
        ),
        (ChangeStatements.byIdempotencyKey, "SEARCH changes USING INDEX"),
        (ChangeStatements.before(ChangeFilter()).sql, "SEARCH changes USING INTEGER PRIMARY KEY"),
        (SubjectStatements.due, "SEARCH subjects USING INDEX subjects_by_next_expiry"),
        (
            LedgerStatements.byLookup, "SEARCH ledger_entries USING INDEX ledger_entries_by_lookup"
        ),
        (
            LedgerStatements.before,
            "SEARCH ledger_entries USING PRIMARY KEY (subject=? AND sequence<?)"
        ),
        (SettingStatements.byKey, "SEARCH settings USING PRIMARY KEY"),
        (
            CounterStatements.nextWindow,
            "SEARCH counters USING PRIMARY KEY (series=? AND window_from>?)"
        ),
        (
            ColumnStatements.ofDays,
            "SEARCH event_columns USING INDEX event_columns_by_day (day>? AND day<?)"
        ),
        (
            ColumnStatements.ofDaysWithTimes,
            "SEARCH event_columns USING INDEX event_columns_by_day (day>? AND day<?)"
        ),
        (
            ColumnStatements.days,
            "SEARCH event_columns USING COVERING INDEX event_columns_by_day (day>? AND day<?)"
        ),
        (SubjectStatements.zones, "SCAN subjects USING INDEX subjects_by_time_zone"),
        (
            ColumnStatements.oldestMerged,
            "SCAN merged_columns USING"
        ),
        (ColumnStatements.byID, "SEARCH event_columns USING INTEGER PRIMARY KEY"),
        (
            ChangeStatements.byKey,
            "SEARCH changes USING INDEX changes_by_key (<expr>=? AND <expr>=?)"
        ),
        (
            ChangeStatements.nextKey,
            "SEARCH changes USING INDEX changes_by_key (<expr>=? AND <expr>>?)"
        ),
    ]

    /// Statements that every document is read with.
    private static let ofDocument = [SubjectStatements.byID, CounterStatements.byKey]
    /// Statements that tell in which months there are documents of a subject.
    private static let ofSubject =
        ofDocument + [SettingStatements.byKey, CounterStatements.nextWindow]
    /// Statements that rank everybody within a span, whose days are read in part at its ends.
    private static let ofEverybody =
        ofDocument + [
            SettingStatements.byKey, ColumnStatements.ofDays, ColumnStatements.ofDaysWithTimes,
            SubjectStatements.byNumber, SubjectStatements.zones,
        ]
    /// And those that tell of which days there is something.
    private static let ofSpans = ofEverybody + [ColumnStatements.days]

    /// The queries that lists of documents can be asked, and the statements that serve them.
    static let documentQueries: [(query: String, statements: [String])] = [
        ("daily_token_usage?userId&orderBy=date", ofSubject),
        ("daily_token_usage?userId&orderBy=lastUpdated", ofSubject),
        ("daily_token_usage?userType&date", ofEverybody),
        ("daily_token_usage?date&orderBy=tokensUsed", ofEverybody),
        ("daily_token_usage?userType", ofSpans), ("daily_token_usage?from&until", ofSpans),
        ("token_usage_history?userType&year", ofSpans), ("token_usage_history?year", ofSpans),
        ("token_usage_history?userId", ofSubject),
        ("token_usage_history?userId&orderBy=updatedAt", ofSubject),
        ("token_usage_history?userType&year&month", ofEverybody),
        ("token_usage_history?year&month&orderBy=totalMonthlyTokens", ofEverybody),
    ]

    @Test(arguments: documentQueries.indices)
    func `a query for documents is served by statements that search by key`(index: Int) throws {
        let (query, statements) = Self.documentQueries[index]
        try withDatabase { database in
            for sql in statements {
                #expect(Self.plans.contains { $0.0 == sql }, "\(query): \(sql)")
                let lines = try Row.fetchAll(
                    database, sql: "EXPLAIN QUERY PLAN " + sql.withoutParameters
                ).map { row -> String in row["detail"] }
                // What a query is made of, and no look at a table.
                let parts = [
                    "CORRELATED SCALAR SUBQUERY", "COMPOUND QUERY", "LEFT-MOST SUBQUERY",
                    "UNION ALL",
                ]
                let looks = lines.filter { line in !parts.contains { line.hasPrefix($0) } }
                let indexes = ["subjects_by_time_zone", "subjects_by_former_zones"]
                #expect(
                    looks.allSatisfy { look in
                        look.hasPrefix("SEARCH")
                            || indexes.contains { look.contains("USING INDEX \($0)") }
                    }, "\(query): \(sql): \(lines)")
            }
        }
    }

    @Test func `statements that serve requests search by key and never sort or scan`() throws {
        try withDatabase { database in
            for (sql, expected) in Self.plans {
                let lines = try Row.fetchAll(
                    database, sql: "EXPLAIN QUERY PLAN " + sql.withoutParameters
                ).map { row -> String in row["detail"] }
                #expect(lines.contains { $0.hasPrefix(expected) }, "\(sql): \(lines)")
                // The subjects with a zone of their own are all of them wanted.
                let isWhole = [SubjectStatements.zones, ColumnStatements.oldestMerged].contains(sql)
                #expect(isWhole || !lines.contains { $0.hasPrefix("SCAN") }, "\(sql): \(lines)")
                #expect(!lines.contains { $0.contains("TEMP B-TREE") }, "\(sql): \(lines)")
            }
        }
    }

    /// What is found is sorted: changes of one thing are few.
    @Test func `the log of changes is searched by thing and by subject with its index`() throws {
        let filters = [
            ChangeFilter(key: "maxChats"), ChangeFilter(subject: SubjectID(unchecked: "ann")),
        ]
        try withDatabase { database in
            for filter in filters {
                let sql = ChangeStatements.before(filter).sql
                let lines = try Row.fetchAll(
                    database, sql: "EXPLAIN QUERY PLAN " + sql.withoutParameters
                ).map { row -> String in row["detail"] }
                #expect(
                    lines.contains { $0.hasPrefix("SEARCH changes USING INDEX changes_by_key") },
                    "\(sql): \(lines)")
            }
        }
    }

    @Test func `the schema has the tables that are documented`() throws {
        try withDatabase { database in
            let tables = try String.fetchAll(
                database,
                sql:
                    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
            )
            #expect(
                tables == [
                    "catalog", "changes", "counters", "event_blocks", "event_columns",
                    "event_corrections", "event_runs", "grdb_migrations", "id_blocks", "id_runs",
                    "journal",
                    "ledger_entries", "limit_numbers", "merged_columns", "quantity_names", "series",
                    "settings", "subjects",
                ])
            #expect(try String.fetchOne(database, sql: "PRAGMA journal_mode") == "wal")
            #expect(try String.fetchOne(database, sql: "PRAGMA integrity_check") == "ok")
        }
    }

    @Test func `a store of the first schema is brought up to date`() throws {
        let folder = TemporaryFolder()
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        try FixedHistory.prepare(store)
        var history = FixedHistory()
        history.run(store)
        try store.close()
        let queue = try DatabaseQueue(path: folder.path + "/meterstone.sqlite")
        try queue.write { database in
            try database.execute(
                sql: """
                    DROP TABLE ledger_entries;
                    DROP INDEX subjects_by_next_expiry;
                    ALTER TABLE subjects DROP COLUMN next_expiry;
                    DELETE FROM grdb_migrations WHERE identifier = '0002-ledger';
                    """)
        }
        try queue.close()
        let later = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        try history.check(later, "after the upgrade")
        try later.close()
    }

    @Test(arguments: [
        "UPDATE changes SET body = ''", "DELETE FROM changes",
        "UPDATE ledger_entries SET body = ''", "DELETE FROM ledger_entries",
    ])
    func `the audit log and the ledger refuse to be edited`(sql: String) throws {
        try withDatabase { database in
            try database.execute(sql: "INSERT INTO ledger_entries VALUES (1, 1, NULL, x'00')")
            #expect(throws: DatabaseError.self) { try database.execute(sql: sql) }
        }
    }

    @Test func `a second store on the same directory gets a clear error`() throws {
        let folder = TemporaryFolder()
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        #expect(
            performing: {
                _ = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
            }, throws: { ($0 as? StoreError)?.code == .locked })
        try store.close()
        try SQLiteStore(directory: folder.path, options: FixedHistory.options).close()
    }

    /// Between fork and exec a child has every descriptor of its parent.
    @Test func `a child that is just starting does not keep a closed store locked`() throws {
        let folder = TemporaryFolder()
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        let lock = URL(filePath: folder.path).appending(path: "meterstone.lock")
            .resolvingSymlinksInPath().path
        let held = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").first {
            let target = try? FileManager.default.destinationOfSymbolicLink(
                atPath: "/proc/self/fd/\($0)")
            return target == lock
        }
        let inherited = dup(try #require(held.flatMap { Int32($0) }))
        defer { close(inherited) }
        try store.close()
        try SQLiteStore(directory: folder.path, options: FixedHistory.options).close()
    }

    @Test func `a store that a newer version wrote is left alone`() throws {
        let folder = TemporaryFolder()
        try SQLiteStore(directory: folder.path, options: FixedHistory.options).close()
        let queue = try DatabaseQueue(path: folder.path + "/meterstone.sqlite")
        try queue.write {
            try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('9999-from-the-future')")
        }
        try queue.close()
        #expect(
            performing: {
                _ = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
            }, throws: { ($0 as? StoreError)?.code == .schemaTooNew })
    }

    @Test func `a file that is no database is a clear error`() throws {
        let folder = TemporaryFolder()
        try FileManager.default.createDirectory(
            atPath: folder.path, withIntermediateDirectories: true)
        try Data(repeating: 0x41, count: 8_192).write(
            to: URL(fileURLWithPath: folder.path + "/meterstone.sqlite"))
        #expect(
            performing: {
                _ = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
            }, throws: { ($0 as? StoreError)?.code == .corrupt })
    }

    @Test func `a directory that cannot be made is a clear error`() throws {
        #expect(
            performing: {
                _ = try SQLiteStore(directory: "/proc/nothing/here", options: FixedHistory.options)
            }, throws: { ($0 as? StoreError)?.code == .inputOutput })
    }
}

extension String {
    /// With numbers in the place of parameters, as a plan needs no values.
    fileprivate var withoutParameters: String {
        replacing(/\?[0-9]/, with: "1")
    }
}
