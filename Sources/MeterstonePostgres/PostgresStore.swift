public import MeterstoneCore
public import MeterstoneStore
import Synchronization

/// The store of many nodes: one PostgreSQL database, any number of processes.
///
/// A node keeps nothing that it decides with from one commit to the next, but for plans, limits and
/// meters, whose version is compared each time. A batch of commands is one transaction in three round
/// trips, whatever its size; see ``Transaction``.
///
/// Everything may be called from anywhere. Commits take turns: batches of some hundred subjects nearly
/// always share one, so that two at once would wait for each other, and be smaller.
public final class PostgresStore: Store {
    let options: StoreOptions
    let postgres: PostgresOptions
    let catalogs: CatalogCache
    let pool: ConnectionPool
    let rollings: RollingCache
    let session: Mutex<CommitSession>
    let merger: ColumnMerger
    /// What asks whether the database is there, and nothing else.
    private let probe = Mutex(Probe())
    private let duty = Mutex(Duty())
    private let halted: Mutex<StoreError?> = Mutex(nil)
    /// A sequence number up to which nothing can come any more, as followers found it last.
    let settled: Mutex<Int64> = Mutex(0)

    /// Connects, and brings the schema up to date.
    ///
    /// - Parameter adoptsDefaultTimeZone: do not mind that counters follow another default time zone than
    ///   the options name, because ``rebuild()`` is called next.
    ///
    /// Codes: `unavailable`, `schemaTooNew`, `halted` when the default time zone is another, `misuse` when
    /// the server refuses what is asked, `corrupt`.
    public init(
        _ postgres: PostgresOptions, options: StoreOptions = StoreOptions(),
        adoptsDefaultTimeZone: Bool = false
    ) throws(StoreError) {
        self.options = options
        self.postgres = postgres
        let rollings = RollingCache()
        self.rollings = rollings
        session = Mutex(CommitSession(rollings))
        pool = ConnectionPool(postgres)
        do {
            let connection = try Session.maintaining.connect(postgres)
            try Migrations(connection: connection).run()
            let lockKey = try connection.lockKey(of: "catalog")
            catalogs = CatalogCache(options, postgres, lockKey: lockKey)
            merger = ColumnMerger(postgres, lockKey: lockKey)
            try Self.claim(
                options.defaultTimeZone, replaces: adoptsDefaultTimeZone, connection)
            try Self.note(
                options.defaultTimeZone, options.zoneRules(options.defaultTimeZone), connection)
            connection.close()
        } catch {
            throw StoreError(any: error)
        }
        try adoptDerivedVersion()
    }

    /// Notes the default time zone that counters follow, unless there is one.
    private static func claim(
        _ zone: String, replaces: Bool, _ connection: Connection
    ) throws {
        let rows = try connection.run(
            Query(SettingStatements.byKey).binding(Setting.defaultTimeZone))
        if rows.count == 0 {
            _ = try connection.run(
                Query(SettingStatements.put).binding(Setting.defaultTimeZone).binding(zone))
        } else if rows.text(0, 0) != zone, !replaces {
            throw StoreError.otherTimeZone(rows.text(0, 0), zone)
        }
    }

    /// Notes the rules of the default time zone, unless some are noted, so that no commit has to.
    private static func note(
        _ zone: String, _ rules: ZoneRules?, _ connection: Connection
    ) throws {
        var zones = ZoneNotes()
        zones.note(zone, rules)
        for (name, digest) in zones.new {
            _ = try connection.run(
                Query(SettingStatements.putNew).binding(Setting.zone + name).binding(digest))
        }
    }

    // MARK: For the committer

    public var isSharedBetweenNodes: Bool { true }

    /// Everything that is committed stands in the tables.
    public var waitingFacts: Int { 0 }

    public var waitingFactsMax: Int { .max }

    public var waitMillisecondsMax: Int64? { postgres.commitMilliseconds }

    /// Whoever reads little waits for a connection in the pool, which says how long.
    public var readPlaces: (short: Int, long: Int) { (64, max(1, postgres.readersMax - 2)) }

    public var halt: StoreError? { halted.withLock { $0 } }

    /// Remembers an error after which this node must not go on.
    func noting(_ error: StoreError) -> StoreError {
        if error.code == .halted { halted.withLock { $0 = error } }
        return error
    }

    public func close() throws(StoreError) {
        session.withLock { $0.close() }
        merger.close()
        probe.withLock { $0.close() }
        duty.withLock { $0.close() }
        catalogs.close()
        pool.close()
    }

    // MARK: From anywhere

    public func isOnDuty() throws(StoreError) -> Bool {
        do throws(PostgresFailure) {
            return try duty.withLock { (duty) throws(PostgresFailure) in try duty.hold(postgres) }
        } catch {
            throw StoreError(error)
        }
    }

    public func ping() throws(StoreError) {
        do throws(PostgresFailure) {
            try probe.withLock { (probe) throws(PostgresFailure) in try probe.ask(postgres) }
        } catch {
            throw StoreError(error)
        }
    }

    public func view(of subject: SubjectID?) throws(StoreError) -> StoreView {
        if subject == nil, let shown = catalogs.shown() { return head(shown).view() }
        catalogs.willCompare()
        return try pool.with { (connection) throws(StoreError) in
            do {
                let rows = try connection.run([
                    Query(TransactionStatements.beginReading),
                    Query(SubjectStatements.withAncestors)
                        .binding(TextColumn([subject].compactMap(\.self).map(\.text))),
                    Query(CatalogStatements.version),
                ])
                let profiles = ProfileCache()
                let subjects = try (0..<rows[1].count).map { row in
                    try profiles.subject(rows[1], row)
                }
                let catalog = try catalogs.current(version: rows[2].int(0, 0), connection)
                guard let subject else { return head(catalog).view() }
                let loaded = LoadedSource()
                loaded.load(nil, id: subject)
                for subject in subjects { loaded.load(subject, id: subject.profile.id) }
                return try head(catalog).view(of: subject, loaded)
            } catch {
                throw StoreError(any: error)
            }
        }
    }

    public func look(_ looks: [Look], at now: Instant) throws(StoreError) -> [Look.Answer] {
        catalogs.willCompare()
        return try pool.with { (connection) throws(StoreError) in
            do {
                return try SnapshotLook(self, connection, looks, at: now).answers()
            } catch {
                throw StoreError(any: error)
            }
        }
    }

    /// Everything that is committed stands in the tables.
    func head(_ catalog: VersionedCatalog) -> StoreHead {
        StoreHead(
            catalog: catalog.catalog, options: options, zones: catalog.zones, sequence: .max - 1)
    }

    public func reportView() throws(StoreError) -> StoreView { try view(of: nil) }

    public func read<Result>(
        _ view: StoreView, _ body: (any StoreSource) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        try read(body)
    }

    public func subjectsDue(at now: Instant, count: Int) throws(StoreError) -> [SubjectID] {
        try pool.with { (connection) throws(StoreError) in
            do throws(PostgresFailure) {
                let rows = try connection.run(
                    Query(SubjectStatements.due).binding(now.millisecondsSince1970)
                        .binding(Int64(count)))
                return (0..<rows.count).map { SubjectID(unchecked: rows.text($0, 0)) }
            } catch {
                throw StoreError(error)
            }
        }
    }

    public func subjects(after: SubjectID?, count: Int) throws(StoreError) -> [StoredSubject] {
        try read { (source) throws(StoreError) in
            try source.ownKeys(after: after, count: count)
        }
    }

    public func subjectTotal() throws(StoreError) -> Int {
        try read { (source) throws(StoreError) in try source.ownKeyCount().count }
    }

    func read<Result>(
        _ body: (any InspectionSource) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        try pool.with { (connection) throws(StoreError) in
            try body(PostgresSource(connection))
        }
    }

    public func changes(
        _ filter: ChangeFilter, before sequence: Int64?, count: Int
    ) throws(StoreError) -> [ChangeEntry] {
        let (sql, texts) = ChangeStatements.before(filter)
        let query = texts.reduce(Query(sql).binding(sequence ?? .max).binding(Int64(count))) {
            $0.binding($1)
        }
        return try pool.with { (connection) throws(StoreError) in
            do {
                let rows = try connection.run(query)
                return try (0..<rows.count).map { row in
                    ChangeEntry(
                        try JSONText(text: rows.text(row, 0)).decoded(as: ChangeRecord.self))
                }
            } catch {
                throw StoreError(any: error)
            }
        }
    }
}

extension StoreError {
    /// Whatever went wrong, in the words of a store.
    init(any error: any Error) {
        switch error {
        case let error as StoreError: self = error
        case let failure as PostgresFailure: self.init(failure)
        case is MalformedRecord:
            self.init(code: .corrupt, message: "a stored fact is unreadable")
        default:
            self.init(
                code: .misuse, message: "the store cannot be used", detail: "\(error)")
        }
    }
}
