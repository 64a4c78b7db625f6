public import MeterstoneCore
public import MeterstoneStore
import Synchronization

extension PostgresStore {
    /// Carries out a batch as one transaction, and goes on trying while it is certain that nothing was
    /// committed: a lock that is not to be had, a server that restarts, a connection that is cut.
    ///
    /// When the connection is lost between the sending of the commit and its answer, the database knows
    /// what became of it: every commit notes its number in a row of this node's. Only when that row cannot
    /// be read within ``PostgresOptions/commitMilliseconds`` do callers get `outcomeUnknown`.
    public func commit(_ commands: [Command], at now: Instant) throws(StoreError) -> [Outcome] {
        try commit(commands, at: now, waited: 0)
    }

    public func commit(
        _ commands: [Command], at now: Instant, waited milliseconds: Int64
    ) throws(StoreError) -> [Outcome] {
        if let halt { throw halt }
        let deadline = Deadline(milliseconds: max(0, postgres.commitMilliseconds - milliseconds))
        return try session.withLock { (session) throws(StoreError) in
            try commit(commands, at: now, in: session, until: deadline)
        }
    }

    private func commit(
        _ commands: [Command], at now: Instant, in session: CommitSession,
        until deadline: Deadline
    ) throws(StoreError) -> [Outcome] {
        var needs = CommitNeeds(commands)
        var backOff = BackOff()
        while true {
            do {
                try session.settleIfNeeded(postgres, until: deadline)
                let connection = try session.connected(postgres, until: deadline)
                try session.partitions.make(for: commands, at: now, options, connection)
                let transaction = Transaction(self, session, connection, commands, needs, at: now)
                switch try transaction.run() {
                case .done(let outcomes): return outcomes
                case .lock(let more):
                    needs.add(more)
                    session.forgetSubjects()
                    guard !deadline.isOver else { throw StoreError.restless }
                }
            } catch let unknown as UnknownCommit {
                if try settle(unknown, session, deadline) {
                    catalogs.forget()
                    return unknown.outcomes
                }
            } catch let failure as PostgresFailure {
                session.leaveTransaction()
                guard isWorthAnotherTry(failure, session) else { throw StoreError(failure) }
                guard !isTooLate(deadline, session) else {
                    throw StoreError(code: .unavailable, failure)
                }
                backOff.wait()
            } catch {
                session.leaveTransaction()
                throw noting(StoreError(any: error))
            }
        }
    }

    /// Whether what is left is less than libpq waits for a server that does not answer.
    private func isTooLate(_ deadline: Deadline, _ session: CommitSession) -> Bool {
        let least = session.isConnected ? 0 : min(2_000, postgres.commitMilliseconds / 4)
        return deadline.isWithin(milliseconds: least)
    }

    private func isWorthAnotherTry(_ failure: PostgresFailure, _ session: CommitSession) -> Bool {
        switch failure.sqlState {
        // Another node has just recorded the same event id or idempotency key; now it will be found.
        case PostgresFailure.State.uniqueViolation: return true
        // Somebody who is no node has written a counter, or dropped what this session noted.
        case PostgresFailure.State.divisionByZero:
            session.leaveUnsettled()
            return true
        // A month has no partition any more.
        case PostgresFailure.State.checkViolation:
            session.partitions.forget()
            return true
        default: return failure.isTransient
        }
    }

    /// Finds out whether a commit was carried out whose answer was lost.
    private func settle(
        _ unknown: UnknownCommit, _ session: CommitSession, _ deadline: Deadline
    ) throws(StoreError) -> Bool {
        var backOff = BackOff()
        while !isTooLate(deadline, session) {
            do throws(PostgresFailure) {
                guard let isDone = try session.settle(postgres, until: deadline) else { break }
                return isDone
            } catch {
                session.leaveTransaction()
            }
            backOff.wait()
        }
        throw StoreError(
            code: .outcomeUnknown,
            message: "the connection was lost during a commit; repeat with the same event id",
            detail: unknown.failure.description)
    }
}

extension StoreError {
    fileprivate static let restless = StoreError(
        code: .unavailable, message: "subjects got new parents faster than they could be locked")
}
