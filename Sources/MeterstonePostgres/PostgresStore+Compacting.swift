import MeterstoneCore
public import MeterstoneStore

extension PostgresStore {
    /// Holds every node's commits up until it is done.
    public func compact() throws(StoreError) -> CompactionReport {
        do {
            let connection = try Session.maintaining.connect(postgres)
            defer { connection.close() }
            try connection.run([
                Query(TransactionStatements.begin),
                Query(TransactionStatements.ownCatalog).binding(catalogs.lockKey),
            ])
            let rows = try connection.run([
                Query(CatalogStatements.version), Query(TransactionStatements.number),
            ])
            let current = try catalogs.current(version: rows[0].int(0, 0), connection)
            let source = PostgresSource(connection, isInTransaction: true)
            let registry = current.catalog.registry
            var scrubber = try Scrubber(source, registry)
            if !scrubber.isEmpty {
                try Compaction(source).scrub(with: &scrubber)
                // With nothing kept of what was fetched before.
                let source = PostgresSource(connection, isInTransaction: true)
                try rebuildEventIDs(source, registry)
                try rebuildColumns(source, registry)
                _ = try rebuildCounters(
                    source, current.catalog, current.zones,
                    asOf: rows[1].int(0, 0) * Transaction.numbersPerCommit)
                try connection.run([
                    Query(CatalogStatements.raiseVersion), Query(CatalogStatements.notify),
                ])
            }
            try connection.run([Query(TransactionStatements.commit)])
            // Versions of rows that nobody sees any more stand in their pages until then.
            for table in CompactionStatements.tables {
                try connection.run([Query("VACUUM (FULL, ANALYZE) \(table)")])
            }
            return scrubber.report
        } catch {
            throw StoreError(any: error)
        }
    }
}

/// Writes what a scrubber leaves in the place of what is stored, within a transaction.
private struct Compaction {
    private static let rowsPerStatement = 5_000
    private let source: PostgresSource

    init(_ source: PostgresSource) {
        self.source = source
    }

    func scrub(with scrubber: inout Scrubber) throws(StoreError) {
        let guarded = ["changes", "ledger_entries"]
        _ = try source.run(guarded.map { Query("ALTER TABLE \($0) DISABLE TRIGGER USER") })
        try scrubEvents(with: &scrubber)
        try scrubEntries(with: scrubber)
        try scrubChanges(with: scrubber)
        try scrubSubjects(with: scrubber)
        _ = try source.run(guarded.map { Query("ALTER TABLE \($0) ENABLE TRIGGER USER") })
    }

    private func scrubEvents(with scrubber: inout Scrubber) throws(StoreError) {
        var rows: [EventRow] = []
        try source.scan(days: Int64.min...Int64.max) { (day, subject, fact) throws(StoreError) in
            guard
                let body = try scrubber.scrubbed(fact.body[...], of: subject, at: fact.sequence)
            else { return }
            rows.append(
                EventRow(
                    location: EventLocation(day: day, subject: subject, sequence: fact.sequence),
                    body: body))
            guard rows.count == Self.rowsPerStatement else { return }
            try write(rows)
            rows = []
        }
        if !rows.isEmpty { try write(rows) }
    }

    private func write(_ rows: [EventRow]) throws(StoreError) {
        _ = try source.run(.updating(rows))
    }

    private func scrubEntries(with scrubber: Scrubber) throws(StoreError) {
        let rows = try scrubber.entries(source)
        guard !rows.isEmpty else { return }
        var (lookups, bodies) = (TextColumn(), BytesColumn())
        for row in rows {
            lookups.append(row.lookup)
            bodies.append(row.body)
        }
        _ = try source.run(
            Query(CompactionStatements.updateEntries)
                .binding(IntColumn(rows.map(\.subject))).binding(IntColumn(rows.map(\.sequence)))
                .binding(lookups).binding(bodies))
    }

    private func scrubChanges(with scrubber: Scrubber) throws(StoreError) {
        try scrubber.forEachPart(ofChangesIn: source) { (left) throws(StoreError) in
            var (keys, bodies) = (TextColumn(), TextColumn())
            for change in left {
                keys.append(change.idempotencyKey)
                bodies.append(try JSONText(change).text)
            }
            _ = try source.run(
                Query(CompactionStatements.updateChanges)
                    .binding(IntColumn(left.map(\.sequence))).binding(keys).binding(bodies))
        }
    }

    private func scrubSubjects(with scrubber: Scrubber) throws(StoreError) {
        _ = try source.run(
            Query(CompactionStatements.deleteSubjects).binding(IntColumn(scrubber.emptyRows)))
        try scrubber.forEachPart(ofSubjectsIn: source) { (left) throws(StoreError) in
            var profiles = TextColumn()
            for subject in left { profiles.append(try subject.profileText()) }
            _ = try source.run(
                Query(CompactionStatements.updateProfiles)
                    .binding(IntColumn(left.map(\.number))).binding(profiles))
        }
    }
}

extension Query {
    /// Puts other bodies in the place of those that are there.
    static func updating(_ rows: [EventRow]) -> Query {
        Query(CompactionStatements.updateEvents)
            .binding(IntColumn(rows.map(\.location.subject)))
            .binding(IntColumn(rows.map(\.location.day)))
            .binding(IntColumn(rows.map(\.location.sequence)))
            .binding(BytesColumn(rows.map(\.body)))
    }
}

private enum CompactionStatements {
    /// Those that hold anything of a subject.
    static let tables = [
        "subjects", "usage_events", "event_ids", "counters", "ledger_entries", "changes",
        "event_columns", "catalog",
    ]
    static let updateEvents = """
        UPDATE usage_events e SET body = w.body
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[])
            w(subject, day, sequence, body)
        WHERE e.subject = w.subject AND e.day = w.day AND e.sequence = w.sequence
        """
    static let updateEntries = """
        UPDATE ledger_entries l SET lookup = w.lookup, body = w.body
        FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bytea[])
            w(subject, sequence, lookup, body)
        WHERE l.subject = w.subject AND l.sequence = w.sequence
        """
    static let updateChanges = """
        UPDATE changes c SET idempotency_key = w.key, body = w.body
        FROM unnest($1::bigint[], $2::text[], $3::text[]) w(sequence, key, body)
        WHERE c.sequence = w.sequence
        """
    static let deleteSubjects = "DELETE FROM subjects WHERE number = ANY($1::bigint[])"
    static let updateProfiles = """
        UPDATE subjects s SET profile = w.profile
        FROM unnest($1::bigint[], $2::text[]) w(number, profile) WHERE s.number = w.number
        """
}
