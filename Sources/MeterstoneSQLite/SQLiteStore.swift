import Foundation
import GRDB
public import MeterstoneCore
public import MeterstoneStore
import Synchronization

/// The embedded store: one directory, one process.
///
/// A commit appends one row to `journal`, and syncs. Everything that people query is projected behind
/// it, in slices sorted by key. After a crash the rest of the journal is replayed.
///
/// Unchecked, because what changes is confined: the committer calls one method at a time, and readers
/// only touch the pool, which is thread-safe.
public final class SQLiteStore: Store, @unchecked Sendable {
    let options: StoreOptions
    let pool: DatabasePool
    let idRuns: IDRunCache
    /// Confined to the committer, like everything below.
    var workingSet: WorkingSet { didSet { publish() } }
    /// What readers take.
    let published: PublishedHead
    var projection: Projection?
    package internal(set) var isFollower = false
    let statements: WriterStatements
    private var lock: StoreLock?
    /// Why nothing more is written, once that is so.
    public private(set) var halt: StoreError? { didSet { publish() } }
    let checkpoints: Checkpoints
    /// What whoever opened it should know.
    public internal(set) var notices: [String] = []

    /// Opens the store in a directory, which is made if it does not exist, and replays what a crash
    /// left in the journal.
    ///
    /// - Parameter adoptsDefaultTimeZone: recompute the counters when they follow another default
    ///   time zone than the options name; `false`: refuse to open, with the code `halted`.
    ///
    /// Codes: `locked`, `schemaTooNew`, `corrupt`, `inputOutput`, `diskFull`.
    public init(
        directory: String, options: StoreOptions = StoreOptions(),
        adoptsDefaultTimeZone: Bool = true
    ) throws(StoreError) {
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true)
            lock = try StoreLock(directory: directory)
            let copiedEvents: Int
            let path = directory + "/meterstone.sqlite"
            let pool = try Self.openPool(path: path)
            self.pool = pool
            self.options = options
            let idRuns = IDRunCache()
            self.idRuns = idRuns
            (statements, workingSet, checkpoints, copiedEvents) =
                try pool.writeWithoutTransaction { database in
                    let statements = try WriterStatements(
                        database, idRuns,
                        JournalKept(factsMax: Int64(options.shippedFactsKeptMax)))
                    let checkpoints = try Checkpoints(path: path, writer: database)
                    let copied = try statements.copyFormerEvents(checkpoints)
                    return (
                        statements, try Self.load(statements.source, statements, options),
                        checkpoints, copied
                    )
                }
            if copiedEvents > 0 {
                notices.append("\(copiedEvents) stored facts were brought into their new form")
            }
            published = PublishedHead(workingSet.published)
            try adoptDefaultTimeZone(recomputes: adoptsDefaultTimeZone)
            try adoptZoneRules(recomputes: adoptsDefaultTimeZone)
            try adoptDerivedVersion()
            isFollower = try storedIdentity()?.role == .follower
        } catch {
            throw StoreError(error)
        }
    }

    private static func openPool(path: String) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.label = "meterstone"
        // One for each place that a reader may take, and beside them one for an export and one for whoever
        // ships the journal.
        configuration.maximumReaderCount = 8
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA cache_size = -65536")
        }
        if !FileManager.default.fileExists(atPath: path) {
            // Only a database with a schema can have its log prepared.
            let first = try DatabaseQueue(path: path, configuration: configuration)
            try Migrations.migrator.migrate(first)
            try first.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = WAL") }
            try first.close()
        }
        try WriteAheadLog.prepare(forDatabase: path)
        let pool = try DatabasePool(path: path, configuration: configuration)
        try pool.read { database in
            if try Migrations.migrator.hasBeenSuperseded(database) {
                throw StoreError(
                    code: .schemaTooNew, message: "a newer version of Meterstone wrote \(path)")
            }
        }
        try Migrations.migrator.migrate(pool)
        try pool.writeWithoutTransaction { database in
            // Every commit is synced; checkpoints are made beside the commits, never by one.
            try database.execute(
                sql: "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0")
        }
        return pool
    }

    // MARK: For the committer

    public func commit(_ commands: [Command], at now: Instant) throws(StoreError) -> [Outcome] {
        try refuseIfHalted()
        guard !isFollower else {
            throw StoreError(
                code: .following,
                message:
                    "this store follows another one, which takes what is written: ask that, or "
                    + "promote this one")
        }
        return try write { (database) throws(StoreError) in
            statements.now = now
            do throws(StoreError) {
                try checkpoints.continueIfNeeded(database)
                var outcomes: [Outcome] = []
                outcomes.reserveCapacity(commands.count)
                var batch: JournalBatch?
                try statements.transaction(isReadFirst: true) { () throws(StoreError) in
                    for command in commands {
                        outcomes.append(try workingSet.perform(command, at: now))
                    }
                    batch = try appendToJournal()
                }
                if let batch {
                    workingSet.append(batch)
                    publish()
                }
                // Checking brings subjects into memory, too.
                workingSet.evict()
                return outcomes
            } catch {
                try putBack(after: error)
                throw error
            }
        }
    }

    private func appendToJournal() throws(StoreError) -> JournalBatch? {
        guard workingSet.hasFacts else { return nil }
        let batch = workingSet.seal()
        try appendToJournal(batch, at: statements.now)
        return batch
    }

    func appendToJournal(_ batch: JournalBatch, at now: Instant) throws(StoreError) {
        statements.appendToJournal.bind(1, batch.firstSequence)
        statements.appendToJournal.bind(3, now.millisecondsSince1970)
        try statements.appendToJournal.run(binding: 2, batch.bytes, batch.bytes.indices)
    }

    /// After a failure that is known to have changed nothing, goes on from what is on disk. After a
    /// failed sync nobody can know, and nothing is written any more.
    func putBack(after error: StoreError) throws(StoreError) {
        projection = nil
        guard error.code != .outcomeUnknown else {
            halt = error
            throw error
        }
        do throws(StoreError) {
            statements.rollBackIfNeeded()
            workingSet = try Self.load(statements.source, statements, options)
        } catch let second {
            halt = second
            throw error
        }
    }

    func refuseIfHalted() throws(StoreError) {
        if let refusal { throw refusal }
    }

    private var refusal: StoreError? {
        halt.map {
            StoreError(
                code: .halted, message: "the store stopped (\($0.message)) and must be opened again"
            )
        }
    }

    /// Blocks of event ids and parts of filters that commits have read.
    package var idBodiesRead: Int { statements.source.idBodiesRead }

    /// Subjects in memory.
    public var cachedSubjects: Int { workingSet.subjects.count }

    public var isSharedBetweenNodes: Bool { false }

    public var waitingFacts: Int { workingSet.tail.count }

    public var owedFacts: Int {
        guard let projection else { return waitingFacts }
        return waitingFacts - projection.factsInTail + projection.factsLeft
    }

    public var isPreparing: Bool { projection?.isPreparing ?? false }

    public var waitingFactsMax: Int { options.journalEventsMax }

    /// Shows readers what is durable.
    func publish() {
        let known: Result<StoreHead, StoreError> =
            refusal.map { .failure($0) } ?? .success(workingSet.published)
        published.publish(known)
    }

    public func close() throws(StoreError) {
        // After a failed sync the files are left as they are, for the next process to recover from.
        guard halt == nil else { return }
        while try project() {}
        try write { (database) throws(StoreError) in
            try checkpoints.finish(database)
            statements.finalize()
        }
        do { try pool.close() } catch { throw StoreError(error) }
        lock = nil
    }

    // MARK: From anywhere

    public func view(of subject: SubjectID?) throws(StoreError) -> StoreView {
        guard let subject else { return try published.head().view() }
        return try read { (_, source) throws(StoreError) in
            try source.head.view(of: subject, source)
        }
    }

    public func reportView() throws(StoreError) -> StoreView {
        try published.headOfReport().view()
    }

    public func look(_ looks: [Look], at now: Instant) throws(StoreError) -> [Look.Answer] {
        try read { (_, source) throws(StoreError) in try source.look(looks, at: now) }
    }

    public func read<Result>(
        _ view: StoreView, _ body: (any StoreSource) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        try read(view.known) { (_, source) throws(StoreError) in try body(source) }
    }

    public func subjects(after: SubjectID?, count: Int) throws(StoreError) -> [StoredSubject] {
        try read { (_, source) throws(StoreError) in
            try source.ownKeys(after: after, count: count)
        }
    }

    public func subjectTotal() throws(StoreError) -> Int {
        try read { (_, source) throws(StoreError) in try source.ownKeyCount().count }
    }

    public func subjectsDue(at now: Instant, count: Int) throws(StoreError) -> [SubjectID] {
        try read { (tables, source) throws(StoreError) in
            // What waits may say of some of them that nothing is due any more.
            let stored = try tables.due(at: now, count: count + source.head.tail.rows.count)
            return try source.due(stored, at: now, count: count)
        }
    }

    public func changes(
        _ filter: ChangeFilter, before sequence: Int64?, count: Int
    ) throws(StoreError) -> [ChangeEntry] {
        try read { (tables, source) throws(StoreError) in
            source.changes(
                try tables.changes(filter, before: sequence, count: count), filter,
                before: sequence, count: count)
        }
    }

    public func facts(after sequence: Int64, count: Int) throws(StoreError) -> FactPage {
        try read { (tables, source) throws(StoreError) in
            try source.facts(after: sequence, count: count) { (last, count) throws(StoreError) in
                try tables.facts(after: sequence, through: last, count: count)
            }
        }
    }

    /// Reads a snapshot of the tables together with what waits.
    func read<Result>(
        _ known: StoreHead? = nil,
        _ body: (SQLiteSource, HeadSource) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        // Before the snapshot, so that nothing falls between the two.
        let newest = try published.head()
        let head = known ?? newest
        do {
            return try pool.read { database in
                let tables = SQLiteSource(database, idRuns)
                return try body(tables, try HeadSource(tables, head))
            }
        } catch {
            throw StoreError(error)
        }
    }

    /// Uses the writer's connection.
    func write<Result>(
        _ body: (Database) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        do {
            return try pool.writeWithoutTransaction { database in try body(database) }
        } catch {
            throw StoreError(error)
        }
    }
}
