import MeterstoneCore
import MeterstoneStore

/// One try at carrying out a batch of commands, as one database transaction.
///
/// Three round trips for a batch of any size, and one more when something is asked for that most batches
/// do not need:
///
/// 1. share the catalog, lock the subjects, take a number, look event ids up;
/// 2. load the counters that the rules ask for;
/// 3. write everything, and commit.
///
/// Locks are taken in one order: the catalog, rows of new subjects by id, rows of known subjects by id,
/// event ids by their bytes. Whoever waits holds only what comes before, so that nobody waits in a
/// circle.
struct Transaction {
    enum Ending {
        case done([Outcome])
        /// Something would be written of subjects that were not locked: begin again with these.
        case lock(Set<SubjectID>)
    }

    /// Sequence numbers, and numbers of subjects, that belong to one commit.
    static let numbersPerCommit: Int64 = 1 << 18

    let store: PostgresStore
    let connection: Connection
    let commands: [Command]
    let needs: CommitNeeds
    let now: Instant
    private let loaded = LoadedSource()

    init(
        _ store: PostgresStore, _ connection: Connection, _ commands: [Command],
        _ needs: CommitNeeds, at now: Instant
    ) {
        self.store = store
        self.connection = connection
        self.commands = commands
        self.needs = needs
        self.now = now
    }

    /// - Throws: `PostgresFailure`: nothing was committed. `UnknownCommit`: nobody can tell yet.
    ///   `StoreError`: what is stored, or the batch, is not in order.
    func run() throws -> Ending {
        if needs.isReadOnly { return .done(try look()) }
        let begun = try begin()
        var locked = Set<SubjectID>()
        var above = Set<SubjectID>()
        for subject in begun.subjects {
            locked.insert(subject.profile.id)
            if let parent = subject.profile.parent { above.insert(parent) }
        }
        // Somebody may have got a new parent while we waited for the lock.
        guard above.isSubset(of: locked) else { return try giveUp(.lock(above)) }
        let catalog = try store.catalogs.current(version: begun.catalogVersion, connection)
        let (workingSet, outcomes) = try decide(with: catalog.catalog, number: begun.number)
        guard workingSet.hasFacts else { return try giveUp(.done(outcomes)) }
        let writes = try TransactionWrites(
            workingSet, brought: needs.writtenSubjects.subtracting(begun.known), loaded)
        guard writes.subjects.isSubset(of: locked) else {
            return try giveUp(.lock(writes.subjects))
        }
        try commit(writes, outcomes, begun.transaction)
        if writes.changesCatalog {
            store.catalogs.adopt(
                VersionedCatalog(version: begun.catalogVersion + 1, catalog: workingSet.catalog))
        }
        return .done(outcomes)
    }

    // MARK: Locking

    private struct Beginning {
        var catalogVersion: Int64
        /// Of this commit.
        var number: Int64
        /// Of this transaction, as the server counts them.
        var transaction: String
        /// Locked, those that were only brought in included.
        var subjects: [StoredSubject] = []
        /// Ids of those that had a number before.
        var known: Set<SubjectID> = []
    }

    private func begin() throws -> Beginning {
        let key = store.catalogs.lockKey
        let ids = TextColumn(needs.subjects.map(\.text).sorted())
        let rows = try connection.run([
            Query(TransactionStatements.begin),
            Query(
                needs.changesCatalog
                    ? TransactionStatements.ownCatalog : TransactionStatements.shareCatalog
            ).binding(key),
            Query(CatalogStatements.version),
            Query(SubjectStatements.bringIn)
                .binding(TextColumn(needs.writtenSubjects.map(\.text).sorted())),
            Query(SubjectStatements.lock).binding(ids),
            Query(TransactionStatements.number),
            Query(UsageEventStatements.byIdentity).binding(BytesColumn(needs.identities)),
        ])
        var result = Beginning(
            catalogVersion: rows[2].int(0, 0), number: rows[5].int(0, 0),
            transaction: rows[5].text(0, 1))
        for id in needs.subjects { loaded.load(nil, id: id) }
        for row in 0..<rows[4].count {
            guard !rows[4].isNull(row, 1) else {
                let id = SubjectID(unchecked: rows[4].text(row, 0))
                result.subjects.append(
                    StoredSubject(number: 0, firstSequence: 0, profile: Subject(id: id)))
                continue
            }
            let subject = try store.profiles.subject(rows[4], row)
            loaded.load(subject, id: subject.profile.id)
            result.subjects.append(subject)
            result.known.insert(subject.profile.id)
        }
        loaded.load(rows[6], identities: needs.identities)
        return result
    }

    // MARK: Deciding

    /// Decides the batch, with as many passes as it takes to have loaded everything it asks for.
    private func decide(
        with catalog: Catalog, number: Int64
    ) throws -> (WorkingSet, [Outcome]) {
        for _ in 0..<Self.passesMax {
            let workingSet = WorkingSet(
                options: store.options, source: loaded, catalog: catalog,
                nextSequence: number * Self.numbersPerCommit,
                nextSubject: number * Self.numbersPerCommit, eventIDs: store.eventIDs)
            var outcomes: [Outcome] = []
            outcomes.reserveCapacity(commands.count)
            var failure: StoreError?
            for command in commands {
                do throws(StoreError) {
                    outcomes.append(try workingSet.perform(command, at: now))
                } catch {
                    failure = failure ?? error
                }
            }
            let questions = loaded.takeQuestions()
            if questions.isEmpty {
                if let failure { throw failure }
                guard workingSet.head - number * Self.numbersPerCommit < Self.numbersPerCommit
                else { throw StoreError.tooManyCommands }
                store.eventIDs = workingSet.eventIDs
                return (workingSet, outcomes)
            }
            try loaded.answer(questions, connection, store.profiles)
        }
        throw StoreError(code: .misuse, message: "a batch asked for ever more rows")
    }

    /// A question leads to another only when a chain of things refer to each other.
    private static let passesMax = 64

    /// Answers commands that change nothing, from one snapshot.
    private func look() throws -> [Outcome] {
        let rows = try connection.run([
            Query(TransactionStatements.beginReading), Query(CatalogStatements.version),
            Query(SubjectStatements.withAncestors).binding(
                TextColumn(needs.subjects.map(\.text).sorted())),
        ])
        for id in needs.subjects { loaded.load(nil, id: id) }
        for row in 0..<rows[2].count {
            let subject = try store.profiles.subject(rows[2], row)
            loaded.load(subject, id: subject.profile.id)
        }
        let catalog = try store.catalogs.current(version: rows[1].int(0, 0), connection)
        // As if after everything that is committed.
        let (_, outcomes) = try decide(
            with: catalog.catalog, number: .max / Self.numbersPerCommit - 1)
        _ = try connection.run(Query(TransactionStatements.rollback))
        return outcomes
    }

    // MARK: The end

    /// Leaves everything as it was, the rows that were brought in included.
    private func giveUp(_ ending: Ending) throws -> Ending {
        _ = try connection.run(Query(TransactionStatements.rollback))
        return ending
    }

    private func commit(
        _ writes: TransactionWrites, _ outcomes: [Outcome], _ transaction: String
    ) throws {
        do throws(PostgresFailure) {
            try connection.run(writes.queries + [Query(TransactionStatements.commit)])
        } catch {
            // The server said no: the transaction is rolled back. It said nothing: who knows.
            guard error.sqlState == nil else { throw error }
            throw UnknownCommit(transaction: transaction, outcomes: outcomes, failure: error)
        }
    }
}

/// A connection that was lost between the sending of a commit and its answer.
struct UnknownCommit: Error {
    let transaction: String
    let outcomes: [Outcome]
    let failure: PostgresFailure
}

extension StoreError {
    fileprivate static let tooManyCommands = StoreError(
        code: .misuse,
        message: "expected a batch of fewer than \(Transaction.numbersPerCommit) facts")
}
