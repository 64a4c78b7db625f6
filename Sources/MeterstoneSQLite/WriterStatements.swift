import GRDB
import MeterstoneCore
import MeterstoneStore

/// The prepared statements of the writer's connection.
final class WriterStatements {
    let source: SQLiteSource
    let ids: SealedIDs
    let events: SealedEvents
    let database: Database
    let journalKept: JournalKept
    let appendToJournal, putCounter, deleteCounter, dropJournal: Statement
    /// Whether a projection that was cut short may have written columns ahead of the watermark.
    var mayHaveColumnsAhead = true
    /// When the last commit was asked for.
    var now = Instant(millisecondsSince1970: 0)
    private let begin, beginReading, commit, rollback: Statement
    /// Whether the next transaction is synced when it commits; as ``SQLiteStore`` opens the database.
    private var isSynced = true

    init(
        _ database: Database, _ cache: IDRunCache, _ journalKept: JournalKept
    ) throws(StoreError) {
        self.journalKept = journalKept
        self.database = database
        source = SQLiteSource(database, cache)
        ids = try SealedIDs(database, source)
        events = try SealedEvents(database, source)
        begin = try Statement(database, "BEGIN IMMEDIATE")
        beginReading = try Statement(database, "BEGIN")
        commit = try Statement(database, "COMMIT")
        rollback = try Statement(database, "ROLLBACK")
        appendToJournal = try Statement(database, JournalStatements.append)
        putCounter = try Statement(database, CounterStatements.put)
        deleteCounter = try Statement(database, CounterStatements.delete)
        dropJournal = try Statement(database, JournalStatements.drop)
    }

    /// Makes what `body` writes one step, which is durable when this returns.
    ///
    /// - Parameters:
    ///   - isReadFirst: the body may write nothing; what it reads is read under one lock.
    ///   - isSynced: `false`: a power failure may undo the step, and then everything after it. For what
    ///     the journal tells again. The next step that is synced makes this one durable, too.
    func transaction<Result>(
        isReadFirst: Bool = false, isSynced: Bool = true, _ body: () throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        if isSynced != self.isSynced {
            try Statement(database, "PRAGMA synchronous = \(isSynced ? "FULL" : "NORMAL")").run()
            self.isSynced = isSynced
        }
        try (isReadFirst ? beginReading : begin).run()
        do throws(StoreError) {
            let result = try body()
            try commit.run()
            return result
        } catch {
            rollBackIfNeeded()
            throw error
        }
    }

    /// SQLite has rolled back by itself after some failures, and not after others.
    func rollBackIfNeeded() {
        guard database.isInsideTransaction else { return }
        // The failure that led here is the one to report.
        try? rollback.run()
    }

    /// Lets go of the statements, so that the connection can be closed.
    func finalize() {
        source.finalize()
        ids.finalize()
        events.finalize()
        for statement in [
            begin, beginReading, commit, rollback, appendToJournal, putCounter,
            deleteCounter, dropJournal,
        ] {
            statement.finalize()
        }
    }
}
