import CLibPQ
import Synchronization

/// A session beside the store's own: that of an administrator, or of somebody who is in the way.
@safe final class AdminSession: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    @safe private struct State {
        // Used by whoever holds the lock.
        nonisolated(unsafe) var handle: OpaquePointer?
    }

    private let state: Mutex<State>

    init(url: String) throws {
        let handle = unsafe PQconnectdb(url)
        state = Mutex(unsafe State(handle: handle))
        guard unsafe PQstatus(handle) == CONNECTION_OK else {
            throw unsafe Failure(description: String(cString: PQerrorMessage(handle)))
        }
        unsafe PQsetNoticeProcessor(handle, { _, _ in }, nil)
    }

    deinit {
        close()
    }

    func close() {
        state.withLock { state in
            unsafe PQfinish(state.handle)
            unsafe state.handle = nil
        }
    }

    /// Runs statements, and returns the rows of the last one: their columns joined by a bar.
    @discardableResult
    func run(_ sql: String) throws -> [String] {
        try state.withLock { state in
            let result = unsafe PQexec(state.handle, sql)
            defer { unsafe PQclear(result) }
            let status = unsafe PQresultStatus(result)
            guard status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK else {
                throw unsafe Failure(description: String(cString: PQerrorMessage(state.handle)))
            }
            let (rows, columns) = unsafe (PQntuples(result), PQnfields(result))
            return (0..<rows).map { row in
                (0..<columns).map { column in
                    unsafe String(cString: PQgetvalue(result, row, column))
                }.joined(separator: "|")
            }
        }
    }

    /// The number in the first row.
    func number(_ sql: String) throws -> Int {
        try run(sql).first.flatMap { Int($0) } ?? -1
    }
}
