package import MeterstoneStore

/// What went wrong between us and the server.
package struct PostgresFailure: Error, CustomStringConvertible {
    /// Five characters of the SQL standard and of PostgreSQL's appendix A; `nil` when the connection was
    /// lost, or could not be made.
    let sqlState: String?
    let message: String

    init(sqlState: String? = nil, _ message: String) {
        self.sqlState = sqlState
        self.message = message
    }

    package var description: String {
        sqlState.map { "\($0): \(message)" } ?? message
    }

    /// Whether the session is over, or was never there.
    var isConnectionLost: Bool {
        guard let sqlState else { return true }
        // Shut down by somebody, crashed, not ready yet; a session that was idle for too long.
        return ["57P01", "57P02", "57P03", "57P05", "25P03"].contains(sqlState)
            || sqlState.hasPrefix("08")
    }

    /// Whether the same may succeed when it is tried again shortly. Nothing was committed.
    var isTransient: Bool {
        guard let sqlState else { return true }
        switch sqlState {
        case State.lockNotAvailable, State.queryCanceled, State.tooManyConnections,
            State.readOnlyTransaction:
            return true
        default:
            // Serialization failures and deadlocks, whatever their cause.
            return isConnectionLost || sqlState.hasPrefix("40")
        }
    }

    enum State {
        static let uniqueViolation = "23505"
        static let checkViolation = "23514"
        static let divisionByZero = "22012"
        static let lockNotAvailable = "55P03"
        static let queryCanceled = "57014"
        static let tooManyConnections = "53300"
        static let diskFull = "53100"
        /// A standby took over, or the other way round.
        static let readOnlyTransaction = "25006"
    }
}

extension StoreError {
    package init(_ failure: PostgresFailure) {
        let code: Code =
            switch failure.sqlState {
            case PostgresFailure.State.diskFull: .diskFull
            case let state? where state.hasPrefix("58") || state.hasPrefix("XX"): .inputOutput
            case _ where failure.isTransient: .unavailable
            default: .misuse
            }
        self.init(code: code, failure)
    }

    /// What libpq says of a connection has addresses and users in it.
    init(code: Code, _ failure: PostgresFailure) {
        guard failure.sqlState == nil else {
            self.init(code: code, message: "PostgreSQL: \(failure.description)")
            return
        }
        self.init(
            code: code, message: "the database cannot be reached", detail: failure.message)
    }
}
