import Foundation
import GRDBSQLite

/// Usage as people write it down themselves: one row for each event in a SQLite database, with the
/// indexes that they give it.
///
/// Unchecked, because one task at a time uses it.
final class PlainEvents: @unchecked Sendable {
    private var database: OpaquePointer?
    private var insert: OpaquePointer?

    init(path: String) throws {
        try check(sqlite3_open(path, &database))
        // As the store has for each of its connections.
        try run("PRAGMA cache_size = -65536")
    }

    deinit {
        sqlite3_finalize(insert)
        sqlite3_close_v2(database)
    }

    /// Nothing here is synced: its writing is not what is measured.
    func create() throws {
        try run(
            """
            PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -524288;
            CREATE TABLE events (
                id INTEGER PRIMARY KEY, user_id TEXT NOT NULL, type TEXT NOT NULL, subtype TEXT,
                plan TEXT NOT NULL, status TEXT NOT NULL, quantity INTEGER NOT NULL,
                duration_ms INTEGER, cost INTEGER, created_at INTEGER NOT NULL);
            CREATE TABLE users (user_id TEXT PRIMARY KEY, plan TEXT NOT NULL) WITHOUT ROWID;
            """)
    }

    func createIndexes() throws {
        try run(
            """
            CREATE INDEX events_user_date ON events (user_id, created_at);
            CREATE INDEX events_type ON events (type, subtype);
            ANALYZE;
            """)
    }

    func append(_ events: [BigStoreEvents.Drawn], plans: [String]) throws {
        if insert == nil {
            try check(
                sqlite3_prepare_v2(
                    database,
                    """
                    INSERT INTO events (user_id, type, subtype, plan, status, quantity, duration_ms,
                        cost, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """, -1, &insert, nil))
        }
        try run("BEGIN")
        for (event, plan) in zip(events, plans) {
            bind(1, event.event.subject.text)
            bind(2, BigStoreEvents.types[event.kind])
            bind(3, BigStoreEvents.subtypes[event.kind][event.subtype])
            bind(4, plan)
            bind(5, event.isFailed ? "failed" : "success")
            sqlite3_bind_int64(insert, 6, event.quantity)
            sqlite3_bind_int64(insert, 7, event.durationMs)
            if let cost = event.cost {
                sqlite3_bind_int64(insert, 8, cost)
            } else {
                sqlite3_bind_null(insert, 8)
            }
            sqlite3_bind_int64(insert, 9, event.createdAt)
            guard sqlite3_step(insert) == SQLITE_DONE else { throw failure() }
            sqlite3_reset(insert)
        }
        try run("COMMIT")
    }

    private func bind(_ index: Int32, _ text: String) {
        let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        sqlite3_bind_text(insert, index, text, Int32(text.utf8.count), transient)
    }

    func run(_ sql: String) throws {
        try check(sqlite3_exec(database, sql, nil, nil, nil))
    }

    /// The rows of a query, as text; NULL is empty.
    func rows(_ sql: String) throws -> [[String]] {
        var statement: OpaquePointer?
        try check(sqlite3_prepare_v2(database, sql, -1, &statement, nil))
        defer { sqlite3_finalize(statement) }
        var result: [[String]] = []
        while true {
            let code = sqlite3_step(statement)
            if code == SQLITE_DONE { return result }
            guard code == SQLITE_ROW else { throw failure() }
            result.append(
                (0..<sqlite3_column_count(statement)).map { column in
                    sqlite3_column_text(statement, column).map { String(cString: $0) } ?? ""
                })
        }
    }

    private func check(_ code: Int32) throws {
        guard code == SQLITE_OK else { throw failure() }
    }

    private func failure() -> BenchError {
        BenchError(message: "plain SQL: " + String(cString: sqlite3_errmsg(database)))
    }
}
