public import MeterstoneCore
public import MeterstoneStore

/// The committer's connection.
struct Writer {
    let connection: Connection
    /// Which history of transactions its numbers belong to.
    let history: String
}

extension PostgresStore {
    /// Carries out a batch as one transaction, and goes on trying while it is certain that nothing was
    /// committed: a lock that is not to be had, a server that restarts, a connection that is cut.
    ///
    /// When the connection is lost between the sending of the commit and its answer, the server is asked
    /// what became of that transaction, and what it says is the answer. Only when that cannot be told
    /// within ``PostgresOptions/commitMilliseconds`` do callers get `outcomeUnknown`.
    public func commit(_ commands: [Command], at now: Instant) throws(StoreError) -> [Outcome] {
        if let halt { throw halt }
        var needs = CommitNeeds(commands)
        let deadline = Deadline(milliseconds: postgres.commitMilliseconds)
        var backOff = BackOff()
        while true {
            do {
                let writer = try openWriter()
                try partitions.make(for: commands, at: now, options, writer.connection)
                switch try Transaction(self, writer.connection, commands, needs, at: now).run() {
                case .done(let outcomes): return outcomes
                case .lock(let more): needs.add(more)
                }
            } catch let unknown as UnknownCommit {
                if try settle(unknown, deadline) { return unknown.outcomes }
            } catch let failure as PostgresFailure {
                leaveTransaction()
                guard isWorthAnotherTry(failure), !deadline.isOver else {
                    throw StoreError(failure)
                }
                backOff.wait()
            } catch {
                leaveTransaction()
                let error = StoreError(any: error)
                if error.code == .halted { halt = error }
                throw error
            }
        }
    }

    private func openWriter() throws(PostgresFailure) -> Writer {
        if let writer, writer.connection.isOpen { return writer }
        let connection = try Session.committing.connect(postgres)
        let rows = try connection.run([
            Query(Session.keepDurable), Query(TransactionStatements.history),
        ])
        let writer = Writer(connection: connection, history: rows[1].text(0, 0))
        self.writer = writer
        return writer
    }

    /// Makes the connection ready for the next transaction, or gives it up.
    private func leaveTransaction() {
        guard let connection = writer?.connection, connection.isOpen else {
            writer = nil
            return
        }
        guard connection.isInTransaction else { return }
        do throws(PostgresFailure) {
            _ = try connection.run(Query(TransactionStatements.rollback))
        } catch {
            connection.close()
            writer = nil
        }
    }

    private func isWorthAnotherTry(_ failure: PostgresFailure) -> Bool {
        switch failure.sqlState {
        // Another node has just recorded the same event id or idempotency key; now it will be found.
        case PostgresFailure.State.uniqueViolation: return true
        // A month has no partition any more.
        case PostgresFailure.State.checkViolation:
            partitions.forget()
            return true
        default: return failure.isTransient
        }
    }

    /// Finds out whether a transaction was committed whose answer was lost.
    private func settle(_ unknown: UnknownCommit, _ deadline: Deadline) throws(StoreError) -> Bool {
        let history = writer?.history
        writer = nil
        var backOff = BackOff()
        while !deadline.isOver {
            do throws(PostgresFailure) {
                let writer = try openWriter()
                // Another server took over. It may have heard of the transaction or not.
                guard writer.history == history else { break }
                let status = try writer.connection.run(
                    Query(TransactionStatements.status).binding(unknown.transaction))
                switch status.optionalText(0, 0) {
                case "committed": return true
                case "aborted": return false
                default:
                    // Its session does not know yet that nobody listens.
                    _ = try writer.connection.run(
                        Query(TransactionStatements.end).binding(unknown.transaction))
                }
            } catch {
                leaveTransaction()
            }
            backOff.wait()
        }
        throw StoreError(
            code: .outcomeUnknown,
            message: "the connection was lost during a commit (\(unknown.failure)); "
                + "repeat with the same event id")
    }
}
