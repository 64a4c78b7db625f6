import Dispatch
import MeterstoneStore
import Synchronization

/// Merges the small rows of `event_columns` while commits go on, so that a report reads few.
///
/// Each commit adds a row for each day that it touches. Rows of a day that are of one size become one when
/// there are sixteen of them, and that one is of the next size: each event is written anew once per size,
/// and a day keeps at most fifteen rows of each. Merging has a session and a queue of its own, and one node
/// does it at a time. Nothing waits for it: where it fails, a later look finds the same rows.
final class ColumnMerger: Sendable {
    /// Rows of this node after which it looks whether there is something to merge.
    private static let rowsPerLook = 64
    /// Rows of a day and a size from which on they are merged.
    private static let rowsToMerge: Int64 = 16
    /// So many at most become one.
    private static let rowsPerStep: Int64 = 1_024
    /// Events of a row, by its size: those of the last are not merged any more.
    private static let sizes: [Range<Int64>] = [0..<16, 16..<256, 256..<4_096, 4_096..<65_536]
    /// How long merged rows are kept for pages that were begun before, and how many go at a time.
    private static let keepsMergedSeconds: Int64 = 600
    private static let droppedPerStep: Int64 = 4_096
    /// How long closing waits for a step that is under way.
    private static let closingMilliseconds = 2_000

    private let postgres: PostgresOptions
    /// Of the catalog's lock; whoever merges holds the one that is named by its complement.
    private let lockKey: Int64
    private let queue = DispatchQueue(label: "meterstone.columns", qos: .utility)
    private let state = Mutex(State())
    private let own = Mutex(Own())

    private struct State {
        /// Since the last look.
        var rows = 0
        var isLooking = false
        var isClosed = false
    }

    /// What the queue alone uses.
    private struct Own {
        // Only the merger's queue touches it.
        nonisolated(unsafe) var connection: Connection?
        /// Days with rows that nobody can read: `verify` tells of them, and `rebuild` mends them.
        var damaged: Set<Int64> = []
    }

    init(_ postgres: PostgresOptions, lockKey: Int64) {
        self.postgres = postgres
        self.lockKey = lockKey
    }

    /// Notes rows that a commit has added, and looks for something to merge when they are many.
    func note(rows: Int) {
        let mustLook = state.withLock { state in
            state.rows += rows
            guard state.rows >= Self.rowsPerLook, !state.isLooking, !state.isClosed else {
                return false
            }
            state.rows = 0
            state.isLooking = true
            return true
        }
        if mustLook { queue.async { self.look() } }
    }

    /// Ends with the step that is under way, or soon without it.
    func close() {
        state.withLock { $0.isClosed = true }
        let isDone = DispatchSemaphore(value: 0)
        queue.async {
            self.own.withLock { own in
                unsafe own.connection?.close()
                unsafe own.connection = nil
            }
            isDone.signal()
        }
        _ = isDone.wait(timeout: .now() + .milliseconds(Self.closingMilliseconds))
    }

    private var isClosed: Bool { state.withLock { $0.isClosed } }

    // MARK: On the queue

    private func look() {
        defer { state.withLock { $0.isLooking = false } }
        own.withLock { own in
            do throws(PostgresFailure) {
                let connection = try connected(&own)
                while !isClosed, try merge(connection, &own.damaged) {}
                while !isClosed, try drop(connection) {}
            } catch {
                // The server went away, or somebody is in the way. The session may hold locks.
                unsafe own.connection?.close()
                unsafe own.connection = nil
            }
        }
    }

    private func connected(_ own: inout Own) throws(PostgresFailure) -> Connection {
        if let connection = unsafe own.connection, connection.isOpen { return connection }
        let new = try Session.merging.connect(postgres)
        unsafe own.connection = new
        return new
    }

    /// Merges rows of one day and one size; `false` when there are none, or another node does it.
    private func merge(
        _ connection: Connection, _ damaged: inout Set<Int64>
    ) throws(PostgresFailure) -> Bool {
        // Whoever rebuilds, or changes the catalog, has it alone.
        let begun = try connection.run([
            Query(TransactionStatements.begin),
            Query(ColumnStatements.tryToShareCatalog).binding(lockKey),
            Query(ColumnStatements.tryToOwnMerging).binding(lockKey),
            Query(ColumnStatements.dayToMerge).binding(Self.rowsToMerge)
                .binding(IntColumn(Self.sizes.map(\.lowerBound)))
                .binding(IntColumn(Self.sizes.map { $0.upperBound - 1 }))
                .binding(IntColumn(damaged.sorted())),
        ])
        guard begun[1].int(0, 0) != 0, begun[2].int(0, 0) != 0, begun[3].count > 0 else {
            try connection.run([Query(TransactionStatements.rollback)])
            return false
        }
        let day = begun[3].int(0, 0)
        let rows = try connection.run(
            Query(ColumnStatements.toMerge).binding(day).binding(begun[3].int(0, 1))
                .binding(begun[3].int(0, 2)).binding(Self.rowsPerStep)
                .binding(Int64(ColumnEntries.segmentMax)))
        let segments = (0..<rows.count).map { ColumnSegment(rows, $0, firstColumn: 1) }
        guard segments.count > 1, let merged = try? ColumnMerging.merged(segments) else {
            damaged.insert(day)
            try connection.run([Query(TransactionStatements.rollback)])
            return true
        }
        try connection.run([
            Query(ColumnStatements.noteMerged)
                .binding(IntColumn((0..<rows.count).map { rows.int($0, 0) })),
            .inserting(merged), Query(TransactionStatements.commit),
        ])
        return true
    }

    /// Drops some rows that were merged long ago; `true` while there may be more.
    private func drop(_ connection: Connection) throws(PostgresFailure) -> Bool {
        let rows = try connection.run([
            Query(TransactionStatements.begin),
            Query(ColumnStatements.tryToShareCatalog).binding(lockKey),
            Query(ColumnStatements.tryToOwnMerging).binding(lockKey),
        ])
        guard rows[1].int(0, 0) != 0, rows[2].int(0, 0) != 0 else {
            try connection.run([Query(TransactionStatements.rollback)])
            return false
        }
        let dropped = try connection.run([
            Query(ColumnStatements.dropMerged).binding(Self.keepsMergedSeconds)
                .binding(Self.droppedPerStep),
            Query(TransactionStatements.commit),
        ])
        return dropped[0].int(0, 0) == Self.droppedPerStep
    }
}
