import Dispatch
import MeterstoneStore
import Synchronization

/// Connections for reads: made when they are needed, kept, and never more than a bound.
final class ConnectionPool: Sendable {
    private let options: PostgresOptions
    private let places: DispatchSemaphore
    private let idle = Mutex(Idle())

    /// How long after a failed attempt nobody else tries: those who wait would fail one by one.
    private static let pauseMilliseconds: Int64 = 250

    private struct Idle {
        var failure: (PostgresFailure, until: Deadline)?
        // A connection is used by whoever took it out, and by nobody else.
        nonisolated(unsafe) var connections: [Connection] = []
        var isClosed = false
    }

    init(_ options: PostgresOptions) {
        self.options = options
        places = DispatchSemaphore(value: options.readersMax)
    }

    /// Hands a connection over for as long as `body` runs. One that an idle time or a restart of the
    /// server has ended is replaced, once, as long as nothing was answered on it.
    func with<Result>(
        _ body: (Connection) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        let deadline = Deadline(milliseconds: options.commitMilliseconds)
        let patience = min(options.readerWaitMilliseconds, options.commitMilliseconds)
        let wait = DispatchTime.now() + .milliseconds(Int(patience))
        guard places.wait(timeout: wait) == .success else {
            throw StoreError(
                code: .overloaded,
                message: "all \(options.readersMax) connections for reads are in use")
        }
        defer { places.signal() }
        let (connection, wasIdle) = try take(until: deadline)
        connection.limit = deadline.leavingMoment
        connection.isLimitedToFirstAnswer = true
        let answers = connection.answers
        do throws(StoreError) {
            let result = try body(connection)
            giveBack(connection)
            return result
        } catch {
            guard !connection.isOpen, wasIdle, connection.answers == answers, !deadline.isOver
            else {
                giveBack(connection)
                throw error
            }
        }
        let fresh = try connect(until: deadline)
        defer { giveBack(fresh) }
        return try body(fresh)
    }

    private func take(
        until deadline: Deadline
    ) throws(StoreError) -> (Connection, wasIdle: Bool) {
        let known = try idle.withLock { (idle) throws(StoreError) in
            guard !idle.isClosed else {
                throw StoreError(code: .closed, message: "the store is closed")
            }
            return unsafe idle.connections.popLast()
        }
        if let known { return (known, true) }
        return (try connect(until: deadline), false)
    }

    private func connect(until deadline: Deadline) throws(StoreError) -> Connection {
        let known = idle.withLock { $0.failure }
        if let (failure, until) = known, !until.isOver { throw StoreError(failure) }
        do throws(PostgresFailure) {
            let connection = try Session.reading.connect(
                options, until: deadline.leavingMoment)
            idle.withLock { $0.failure = nil }
            return connection
        } catch {
            let until = Deadline(milliseconds: Self.pauseMilliseconds)
            idle.withLock { $0.failure = (error, until) }
            throw StoreError(error)
        }
    }

    private func giveBack(_ connection: Connection) {
        if connection.isOpen, connection.isInTransaction {
            // What cannot be rolled back is closed, which rolls it back.
            do { _ = try connection.run(Query(TransactionStatements.rollback)) } catch {
                connection.close()
            }
        }
        guard connection.isOpen else { return }
        idle.withLock { idle in
            if idle.isClosed {
                connection.close()
            } else {
                unsafe idle.connections.append(connection)
            }
        }
    }

    func close() {
        idle.withLock { idle in
            idle.isClosed = true
            for connection in unsafe idle.connections { connection.close() }
            unsafe idle.connections = []
        }
    }
}
