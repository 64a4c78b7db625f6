import MeterstoneCore
import MeterstoneStore

/// One try at carrying out a batch of commands, as one database transaction.
///
/// Three round trips for a batch of any size, and one more when something is asked for that most batches
/// do not need:
///
/// 1. share the catalog, lock the subjects, take a number and numbers for new subjects, look event ids up;
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

    /// Sequence numbers that belong to one commit.
    static let numbersPerCommit: Int64 = 1 << 18
    /// As if of a commit after all that there can be.
    private static let numberAfterAll: Int64 = .max / numbersPerCommit - 1

    let store: PostgresStore
    let session: CommitSession
    let connection: Connection
    let commands: [Command]
    let needs: CommitNeeds
    let now: Instant
    private let loaded: LoadedSource

    init(
        _ store: PostgresStore, _ session: CommitSession, _ connection: Connection,
        _ commands: [Command], _ needs: CommitNeeds, at now: Instant
    ) {
        self.store = store
        self.session = session
        self.connection = connection
        self.commands = commands
        self.needs = needs
        self.now = now
        loaded = LoadedSource(rollings: session.rollings)
    }

    /// - Throws: `PostgresFailure`: nothing was committed. `UnknownCommit`: nobody can tell yet.
    ///   `StoreError`: what is stored, or the batch, is not in order.
    func run() throws -> Ending {
        if needs.isReadOnly { return .done(try check()) }
        let begun = try begin()
        // Somebody may have got a new parent since, or one that nobody here knew of.
        guard begun.above.isSubset(of: begun.locked) else { return try giveUp(.lock(begun.above)) }
        let catalog = try store.catalogs.current(version: begun.catalogVersion, connection)
        let (workingSet, outcomes) = try decide(
            with: catalog, number: begun.number, subjectNumbers: begun.subjectNumbers)
        guard workingSet.hasFacts else {
            session.rollings.keep(workingSet, loaded, [])
            return try giveUp(.done(outcomes))
        }
        let writes = try TransactionWrites(workingSet, brought: begun.brought, loaded)
        guard writes.subjects.isSubset(of: begun.locked) else {
            return try giveUp(.lock(writes.subjects))
        }
        guard workingSet.nextSubject <= begun.subjectNumbers.upperBound else {
            // Whom this node knew is erased, and whoever comes with the key needs a number.
            if begun.isErasedAmongLocked { return try giveUp(.lock([])) }
            throw StoreError(code: .corrupt, message: "a subject has a row and no number")
        }
        session.subjectNumbers = workingSet.nextSubject..<begun.subjectNumbers.upperBound
        try commit(writes, outcomes)
        session.rollings.keep(workingSet, loaded, writes.locations)
        store.merger.note(rows: writes.columnRows)
        if writes.changesCatalog { store.catalogs.forget() }
        return .done(outcomes)
    }

    // MARK: Locking

    private struct Beginning {
        var catalogVersion: Int64
        /// Of this commit.
        var number: Int64
        var locked: Set<SubjectID> = []
        /// Parents of those that are locked.
        var above: Set<SubjectID> = []
        /// Rows that were made for this batch, perhaps.
        var brought: Set<SubjectID> = []
        /// For those among them that get a first fact.
        var subjectNumbers: Range<Int64>
        /// Whether a key is among them that means nobody any more.
        var isErasedAmongLocked = false
    }

    private func begin() throws -> Beginning {
        let share =
            needs.changesCatalog
            ? TransactionStatements.ownCatalog : TransactionStatements.shareCatalog
        let ids = session.withAncestors(needs.subjects)
        var queries = [
            Query(TransactionStatements.begin), Query(share).binding(store.catalogs.lockKey),
            Query(CatalogStatements.version),
        ]
        let new = needs.writtenSubjects.filter { !session.isKnown($0) }
        if !new.isEmpty {
            queries.append(
                Query(SubjectStatements.bringIn).binding(TextColumn(new.map(\.text).sorted())))
        }
        let lock = queries.count
        queries.append(Query(SubjectStatements.lock).binding(TextColumn(ids.map(\.text))))
        queries.append(Query(TransactionStatements.number))
        let numbers = queries.count
        if !new.isEmpty {
            queries.append(
                Query(SubjectStatements.takeNumbers).binding(TextColumn(new.map(\.text)))
                    .binding(Int64(session.subjectNumbers.count)))
        }
        let identities = queries.count
        if !needs.identities.isEmpty {
            queries.append(
                Query(UsageEventStatements.byIdentity).binding(BytesColumn(needs.identities)))
        }
        let rows = try connection.run(queries)
        var result = Beginning(
            catalogVersion: rows[2].int(0, 0), number: rows[lock + 1].int(0, 0),
            subjectNumbers: session.subjectNumbers)
        if !new.isEmpty, rows[numbers].count > 0 {
            let (first, count) = (rows[numbers].int(0, 0), rows[numbers].int(0, 1))
            let isNext = first == result.subjectNumbers.upperBound
            let lowest = isNext ? result.subjectNumbers.lowerBound : first
            result.subjectNumbers = lowest..<first + count
            session.subjectNumbers = result.subjectNumbers
        }
        try take(rows[lock], of: ids, into: &result)
        result.brought = new.filter { !session.isKnown($0) }
        if !needs.identities.isEmpty {
            loaded.load(rows[identities], identities: needs.identities)
        }
        return result
    }

    /// Takes the locked subjects in.
    private func take(_ rows: Rows, of ids: Set<SubjectID>, into result: inout Beginning) throws {
        for row in 0..<rows.count where !rows.isNull(row, 1) {
            let subject = try session.profiles.subject(rows, row)
            loaded.load(subject, id: subject.profile.id)
            if subject.alias == .erased {
                result.isErasedAmongLocked = true
            } else {
                session.note(subject.profile)
            }
            result.locked.insert(subject.profile.id)
            if let parent = subject.profile.parent { result.above.insert(parent) }
        }
        guard result.locked.count < ids.count else { return }
        for id in ids.subtracting(result.locked) { loaded.load(nil, id: id) }
        // Those that were only brought in have no number.
        for row in 0..<rows.count where rows.isNull(row, 1) {
            result.locked.insert(SubjectID(unchecked: rows.text(row, 0)))
        }
    }

    // MARK: Deciding

    /// Decides the batch, with as many passes as it takes to have loaded everything it asks for.
    private func decide(
        with catalog: VersionedCatalog, number: Int64, subjectNumbers: Range<Int64>
    ) throws -> (WorkingSet, [Outcome]) {
        let (workingSet, outcomes) = try loaded.passes(
            over: commands,
            with: {
                WorkingSet(
                    options: store.options, source: loaded, catalog: catalog.catalog,
                    nextSequence: number * Self.numbersPerCommit,
                    nextSubject: subjectNumbers.lowerBound, eventIDs: session.eventIDs,
                    zones: catalog.zones)
            }, expecting: { $0.counters(neededBy: commands, at: now) }, loading: answer
        ) { (workingSet, command) throws(StoreError) in try workingSet.perform(command, at: now) }
        guard workingSet.head - number * Self.numbersPerCommit < Self.numbersPerCommit else {
            throw StoreError.tooManyCommands
        }
        session.eventIDs = workingSet.eventIDs
        return (workingSet, outcomes)
    }

    private func answer(_ questions: LoadedSource.Questions) throws {
        try loaded.answer(
            questions, connection, session.profiles,
            historyMilliseconds: store.postgres.historyMilliseconds)
    }

    /// Answers checks, which change nothing, from one snapshot.
    private func check() throws -> [Outcome] {
        let rows = try connection.run([
            Query(TransactionStatements.beginReading), Query(CatalogStatements.version),
            Query(SubjectStatements.withAncestors).binding(
                TextColumn(needs.subjects.map(\.text).sorted())),
        ])
        for id in needs.subjects { loaded.load(nil, id: id) }
        for row in 0..<rows[2].count {
            let subject = try session.profiles.subject(rows[2], row)
            loaded.load(subject, id: subject.profile.id)
        }
        let catalog = try store.catalogs.current(version: rows[1].int(0, 0), connection)
        // As if after everything that is committed.
        let (_, outcomes) = try decide(
            with: catalog, number: Self.numberAfterAll, subjectNumbers: 0..<0)
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
        _ writes: TransactionWrites, _ outcomes: [Outcome]
    ) throws {
        do throws(PostgresFailure) {
            try connection.run(
                writes.queries + [session.noting, Query(TransactionStatements.commit)])
            session.didCommit()
        } catch {
            // The server said no: the transaction is rolled back. It said nothing: who knows.
            guard error.sqlState == nil else { throw error }
            session.leaveUnsettled()
            throw UnknownCommit(outcomes: outcomes, failure: error)
        }
    }
}

/// A connection that was lost between the sending of a commit and its answer.
struct UnknownCommit: Error {
    let outcomes: [Outcome]
    let failure: PostgresFailure
}

extension StoreError {
    fileprivate static let tooManyCommands = StoreError(
        code: .misuse,
        message: "expected a batch of fewer than \(Transaction.numbersPerCommit) facts")
}
