import MeterstoneCore
import MeterstoneStore

/// Answers looks from one snapshot, in sets: what all of them ask for is loaded together.
struct SnapshotLook {
    let store: PostgresStore
    let connection: Connection
    let looks: [Look]
    let now: Instant
    private let loaded: LoadedSource

    init(
        _ store: PostgresStore, _ connection: Connection, _ looks: [Look], at now: Instant
    ) {
        self.store = store
        self.connection = connection
        self.looks = looks
        self.now = now
        loaded = LoadedSource(rollings: store.rollings)
    }

    func answers() throws -> [Look.Answer] {
        let profiles = ProfileCache()
        let attempts = CommitNeeds(looks.compactMap(\.command))
        let ids = Set(looks.compactMap(\.subject)).union(attempts.subjects)
        let identities = Set(looks.compactMap(\.identity)).union(attempts.identities)
        var queries = [
            Query(TransactionStatements.beginReading), Query(CatalogStatements.version),
            Query(SubjectStatements.withAncestors)
                .binding(TextColumn(ids.map(\.text).sorted())),
        ]
        if !identities.isEmpty {
            queries.append(
                Query(UsageEventStatements.byIdentity).binding(BytesColumn(identities)))
        }
        let rows = try connection.run(queries)
        for id in ids { loaded.load(nil, id: id) }
        for row in 0..<rows[2].count {
            let subject = try profiles.subject(rows[2], row)
            loaded.load(subject, id: subject.profile.id)
        }
        if !identities.isEmpty { loaded.load(rows[3], identities: identities) }
        let catalog = try store.catalogs.current(version: rows[1].int(0, 0), connection)
        let head = store.head(catalog)
        return try loaded.passes(
            over: looks, with: { head.workingSet(loaded, isDeciding: true) },
            expecting: { $0.counters(neededBy: looks, at: now) },
            loading: {
                try loaded.answer(
                    $0, connection, profiles,
                    historyMilliseconds: store.postgres.historyMilliseconds)
            }
        ) { (workingSet, look) throws(StoreError) in try workingSet.look(look, at: now) }.1
    }
}

extension Look {
    /// Whom it is about, as far as it tells.
    fileprivate var subject: SubjectID? {
        switch self {
        case .limits(let id), .standing(let id, _), .openReservations(let id), .wallet(let id),
            .meters(let id):
            id
        case .reservation, .event, .compare, .attempt: nil
        }
    }

    /// What it tries.
    fileprivate var command: Command? {
        guard case .attempt(let command) = self else { return nil }
        return command
    }

    /// The event that it is about.
    fileprivate var identity: [UInt8]? {
        switch self {
        case .limits, .standing, .openReservations, .wallet, .meters, .attempt: nil
        case .reservation(let id, let source), .event(let id, let source):
            id.identity(source: source)
        case .compare(let event, _): event.id?.identity(source: event.details?.source)
        }
    }
}
