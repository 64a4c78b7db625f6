import MeterstoneCore
public import MeterstoneStore

extension PostgresStore {
    /// Counters that one pass of a recount keeps in memory.
    private static let countersPerPass: Int64 = 4_000_000
    private static let rowsPerStatement = 20_000

    /// From one snapshot, while every node goes on.
    public func verify() throws(StoreError) -> VerifyReport {
        do {
            let connection = try Session.maintaining.connect(postgres)
            defer { connection.close() }
            let source = PostgresSource(connection)
            let version = try source.run(Query(CatalogStatements.version)).int(0, 0)
            let current = try catalogs.current(version: version, connection)
            let catalog = current.catalog
            var recount = workingSet(source, catalog, current.zones).recount(source)
            let rows = try source.run(Query(CounterStatements.count)).int(0, 0)
            let passes = 1 + rows / Self.countersPerPass
            var (events, counters, archived) = (0, 0, 0)
            var differences = try integrityDifferences(source)
            for pass in 0..<passes {
                try recount.run(pass: pass, of: passes)
                var found = try source.counters(pass: pass, of: passes)
                events += recount.events
                counters += recount.counters.count
                archived += recount.archived
                differences += try recount.differences(from: &found)
            }
            differences += try source.columnDifferences(catalog.registry)
            differences += ArchiveLog.differences(try source.archiveLog(), found: archived)
            return VerifyReport(
                events: events, counters: counters, archived: archived,
                differences: Array(differences.prefix(1_000)))
        } catch {
            throw StoreError(any: error)
        }
    }

    private func workingSet(
        _ source: PostgresSource, _ catalog: Catalog, _ zones: ZoneNotes
    ) -> WorkingSet {
        WorkingSet(
            options: options, source: source, catalog: catalog, nextSequence: .max,
            nextSubject: .max, eventIDs: EventIDGenerator(seed: 0), zones: zones)
    }

    /// Event ids that lead nowhere, and events without one.
    private func integrityDifferences(
        _ source: PostgresSource
    ) throws(StoreError) -> [VerifyDifference] {
        let rows = try source.run([
            Query(UsageEventStatements.lostIDs), Query(UsageEventStatements.usageCount),
            Query(UsageEventStatements.idCount),
        ])
        var result = (0..<rows[0].count).map { row in
            VerifyDifference(
                what: "event id index, sequence \(rows[0].int(row, 0))", expected: "an event",
                found: "nothing")
        }
        let (usages, ids) = (rows[1].int(0, 0), rows[2].int(0, 0))
        // An id that was forgotten and used again leads to the newest of its events.
        let isWrong = options.eventIDMillisecondsMax == nil ? usages != ids : usages < ids
        if isWrong {
            result.append(
                VerifyDifference(
                    what: "event id index", expected: "\(usages) entries", found: "\(ids)"))
        }
        return result
    }

    /// Holds every node's commits up until it is done. From then on counters follow the default time
    /// zone that the options name.
    public func rebuild() throws(StoreError) -> Int {
        do {
            let connection = try Session.maintaining.connect(postgres)
            defer { connection.close() }
            try connection.run([
                Query(TransactionStatements.begin),
                Query(TransactionStatements.ownCatalog).binding(catalogs.lockKey),
                Query(SettingStatements.put).binding(Setting.defaultTimeZone)
                    .binding(options.defaultTimeZone),
            ])
            let rows = try connection.run([
                Query(CatalogStatements.version), Query(TransactionStatements.number),
            ])
            let current = try catalogs.current(version: rows[0].int(0, 0), connection)
            let catalog = current.catalog
            let source = PostgresSource(connection, isInTransaction: true)
            try rebuildEventIDs(source, catalog.registry)
            try rebuildColumns(source, catalog.registry)
            let total = try rebuildCounters(
                source, catalog, current.zones,
                asOf: rows[1].int(0, 0) * Transaction.numbersPerCommit)
            // Nodes that still follow another time zone, or other rules, must notice.
            try connection.run([
                Query(CatalogStatements.raiseVersion), Query(CatalogStatements.notify),
                Query(TransactionStatements.commit),
            ])
            return total
        } catch {
            throw StoreError(any: error)
        }
    }

    func rebuildCounters(
        _ source: PostgresSource, _ catalog: Catalog, _ zones: ZoneNotes, asOf: Int64
    ) throws(StoreError) -> Int {
        let rows = try source.run(Query(CounterStatements.count)).int(0, 0)
        let passes = 1 + rows / Self.countersPerPass
        let workingSet = workingSet(source, catalog, zones)
        var recount = workingSet.recount(source)
        _ = try source.run(Query(CounterStatements.deleteAll))
        var total = 0
        for pass in 0..<passes {
            try recount.run(pass: pass, of: passes)
            try recount.requireSoundLedgers()
            var columns = CounterColumns()
            for (key, state) in recount.counters {
                columns.append(key, StoredCounter(state: state, asOf: asOf))
                guard columns.count == Self.rowsPerStatement else { continue }
                _ = try source.run(columns.putting)
                columns = CounterColumns()
            }
            if columns.count > 0 { _ = try source.run(columns.putting) }
            total += recount.counters.count
            let expiries = recount.nextExpiries
            _ = try source.run([
                Query(SubjectStatements.clearNextExpiry).binding(passes).binding(pass),
                Query(SubjectStatements.putNextExpiry).binding(IntColumn(expiries.map(\.subject)))
                    .binding(IntColumn(expiries.map(\.at.millisecondsSince1970))),
            ])
        }
        let zones = workingSet.zones.digests(options.zoneRules).map { name, digest in
            Query(SettingStatements.put).binding(Setting.zone + name).binding(digest)
        }
        if !zones.isEmpty { _ = try source.run(zones) }
        return total
    }

    /// Of events with one id, which is possible where ids are forgotten, the newest is found by it.
    func rebuildEventIDs(
        _ source: PostgresSource, _ registry: Registry
    ) throws(StoreError) {
        _ = try source.run(Query(UsageEventStatements.deleteIDs))
        var columns = EventIDColumns()
        try source.scan(days: Int64.min...Int64.max) { (day, subject, fact) throws(StoreError) in
            guard fact.body.first == FactKind.usage.rawValue else { return }
            var reader = ByteReader(fact.body, from: 1)
            guard let record = try? UsageRecord(&reader, names: registry.names) else {
                throw StoreError(
                    code: .corrupt,
                    message: "the fact with sequence \(fact.sequence) is unreadable")
            }
            columns.append(
                record.id.identity(source: record.details?.source),
                EventLocation(day: day, subject: subject, sequence: fact.sequence))
            guard columns.count == Self.rowsPerStatement else { return }
            _ = try source.run(columns.replacing)
            columns = EventIDColumns()
        }
        if columns.count > 0 { _ = try source.run(columns.replacing) }
    }
}

/// The index of event ids as columns.
struct EventIDColumns {
    private(set) var count = 0
    private var identities = BytesColumn()
    private var (subjects, days, sequences) = (IntColumn(), IntColumn(), IntColumn())

    mutating func append(_ identity: [UInt8], _ location: EventLocation) {
        count += 1
        identities.append(identity)
        subjects.append(location.subject)
        days.append(location.day)
        sequences.append(location.sequence)
    }

    private func bound(_ sql: String) -> Query {
        Query(sql).binding(identities).binding(subjects).binding(days).binding(sequences)
    }

    var inserting: Query { bound(UsageEventStatements.insertIDs) }

    /// Of several events with one id the newest stays.
    var replacing: Query { bound(UsageEventStatements.replaceIDs) }
}
