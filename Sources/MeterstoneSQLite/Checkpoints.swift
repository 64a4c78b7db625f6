import Dispatch
import GRDB
import GRDBSQLite
import MeterstoneStore
import Synchronization

/// Moves the write-ahead log into the database file, beside the commits.
///
/// The long part, copying pages, is done from a connection of its own while commits go on, and once more
/// for what they wrote meanwhile. What little is left is copied from the writer's connection, and the
/// next write then starts the log from its beginning.
final class Checkpoints: Sendable {
    /// Pages in the log from which on it is copied: 64 MiB.
    private static let pagesMax = 16_384
    /// Pages that a commit or a step of projection may find left to copy: 4 MiB.
    private static let pagesLeft = 1_024
    /// How often the log is copied before it is left to the writer, however much comes meanwhile.
    private static let passesMax = 4

    private let connection: DatabaseQueue
    private let queue = DispatchQueue(label: "meterstone.checkpoints")
    private let state = Mutex(State())

    private struct State {
        var pages = 0
        var isCopying = false
        var wasCopied = false
        /// What went wrong while copying. After a failed sync nothing may be tried again.
        var failure: StoreError?
    }

    init(path: String, writer: Database) throws {
        connection = try DatabaseQueue(path: path)
        let box = unsafe Unmanaged.passUnretained(self).toOpaque()
        // The hook takes the place of automatic checkpoints, which a commit would have to wait for.
        unsafe sqlite3_wal_hook(
            writer.sqliteConnection,
            { context, _, _, pages in
                guard let context = unsafe context else { return SQLITE_OK }
                unsafe Unmanaged<Checkpoints>.fromOpaque(context).takeUnretainedValue()
                    .note(pages: Int(pages))
                return SQLITE_OK
            }, box)
    }

    private func note(pages: Int) {
        state.withLock { $0.pages = pages }
    }

    /// Called by the committer before each commit and each step of projection.
    func continueIfNeeded(_ writer: Database) throws(StoreError) {
        if let failure = state.withLock({ $0.failure.take() }) { throw failure }
        let (mustStart, mustFinish) = state.withLock { state in
            let mustFinish = state.wasCopied
            let mustStart = !mustFinish && !state.isCopying && state.pages > Self.pagesMax
            if mustStart { state.isCopying = true }
            state.wasCopied = false
            return (mustStart, mustFinish)
        }
        if mustStart { queue.async { self.copy() } }
        if mustFinish { try Self.checkpoint(writer, .passive) }
    }

    private func copy() {
        var failure: StoreError?
        do {
            try connection.writeWithoutTransaction { database in
                var passes = 0
                var copied = 0
                repeat {
                    copied = try Self.checkpoint(database, .passive)
                    passes += 1
                } while passes < Self.passesMax
                    && state.withLock({ $0.pages }) - copied > Self.pagesLeft
            }
        } catch {
            failure = StoreError(error)
        }
        state.withLock { state in
            state.failure = failure
            state.isCopying = false
            state.wasCopied = true
        }
    }

    /// Copies everything and empties the log.
    func empty(_ writer: Database) throws(StoreError) {
        queue.sync {}
        if let failure = state.withLock({ $0.failure }) { throw failure }
        try Self.checkpoint(writer, .truncate)
    }

    /// Empties the log when the store closes.
    func finish(_ writer: Database) throws(StoreError) {
        try empty(writer)
        unsafe sqlite3_wal_hook(writer.sqliteConnection, nil, nil)
        do { try connection.close() } catch { throw StoreError(error) }
    }

    /// - Returns: how many pages of the log are in the database now.
    @discardableResult
    private static func checkpoint(
        _ database: Database, _ kind: Database.CheckpointMode
    ) throws(StoreError) -> Int {
        do {
            return try database.checkpoint(kind).checkpointedFrameCount
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
            // A reader holds the log; the next round comes soon.
            return 0
        } catch {
            throw StoreError(error)
        }
    }
}
