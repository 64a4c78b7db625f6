import Dispatch
import MeterstoneStore
import Synchronization

/// Connections for reads: made when they are needed, kept, and never more than a bound.
final class ConnectionPool: Sendable {
    private let options: PostgresOptions
    private let places: DispatchSemaphore
    private let idle = Mutex(Idle())

    private struct Idle {
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
        let wait = DispatchTime.now() + .milliseconds(Int(options.readerWaitMilliseconds))
        guard places.wait(timeout: wait) == .success else {
            throw StoreError(
                code: .overloaded,
                message: "all \(options.readersMax) connections for reads are in use")
        }
        defer { places.signal() }
        let (connection, wasIdle) = try take()
        let answers = connection.answers
        do throws(StoreError) {
            let result = try body(connection)
            giveBack(connection)
            return result
        } catch {
            guard !connection.isOpen, wasIdle, connection.answers == answers else {
                giveBack(connection)
                throw error
            }
        }
        let fresh = try connect()
        defer { giveBack(fresh) }
        return try body(fresh)
    }

    private func take() throws(StoreError) -> (Connection, wasIdle: Bool) {
        let known = try idle.withLock { (idle) throws(StoreError) in
            guard !idle.isClosed else {
                throw StoreError(code: .closed, message: "the store is closed")
            }
            return unsafe idle.connections.popLast()
        }
        if let known { return (known, true) }
        return (try connect(), false)
    }

    private func connect() throws(StoreError) -> Connection {
        do throws(PostgresFailure) {
            return try Session.reading.connect(options)
        } catch {
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
