import MeterstoneCore
public import MeterstoneStore

extension PostgresStore {
    public func inspect<Result>(
        _ body: (any InspectionSource) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        let connection = try connectMaintaining()
        defer { connection.close() }
        return try body(PostgresSource(connection))
    }

    /// While every node goes on.
    public func export(_ visit: (StorePart) throws(StoreError) -> Void) throws(StoreError) {
        do {
            let connection = try Session.maintaining.connect(postgres)
            defer { connection.close() }
            let source = PostgresSource(connection)
            let version = try source.run(Query(CatalogStatements.version)).int(0, 0)
            let opening = StorePart.Opening(
                try catalogs.current(version: version, connection).catalog,
                defaultTimeZone: options.defaultTimeZone, days: try source.days(),
                archive: try source.archiveLog())
            try visit(StorePart(.opening(opening)))
            try source.getSubjectExports(visit)
            try source.exportSortedEvents(visit)
            try source.exportEntries(visit)
            try source.exportChanges(visit)
        } catch {
            throw StoreError(any: error)
        }
    }

    /// One transaction, during which no node commits.
    ///
    /// Partitions are made from a second session, before the transaction has looked at the table that
    /// they belong to: what is attached then is seen, and nobody waits for anybody.
    public func fill(
        _ parts: ((StorePart) throws(StoreError) -> Void) throws(StoreError) -> Void
    ) throws(StoreError) {
        do {
            let connection = try Session.maintaining.connect(postgres)
            defer { connection.close() }
            try connection.run([
                Query(TransactionStatements.begin),
                Query(TransactionStatements.ownCatalog).binding(catalogs.lockKey),
            ])
            let source = PostgresSource(connection, isInTransaction: true)
            guard try source.run(Query(CopyStatements.isEmpty)).int(0, 0) == 1 else {
                throw StoreError.notEmpty
            }
            var filling = Filling(options)
            try parts { (part) throws(StoreError) in
                try filling.admit(part)
                try take(part, source)
            }
            try finish(filling, source)
            try commit(connection)
        } catch {
            throw StoreError(any: error)
        }
    }

    private func take(_ part: StorePart, _ source: PostgresSource) throws(StoreError) {
        switch part.content {
        case .opening(let opening):
            try makePartitions(opening.days)
            var queries = try opening.blueprint.rows().map { row in
                Query(CatalogStatements.put)
                    .binding(row.kind).binding(row.key).binding(row.body)
            }
            queries += try Query.putting(opening.registry)
            // Counters are about to follow it, whatever was noted before.
            queries.append(
                Query(SettingStatements.put).binding(Setting.defaultTimeZone)
                    .binding(opening.defaultTimeZone))
            if let log = opening.archive {
                queries.append(
                    Query(SettingStatements.put).binding(Setting.archive).binding(try log.text()))
            }
            _ = try source.run(queries)
        case .subjects(let subjects): _ = try source.run(try .inserting(subjects))
        case .events(let rows): _ = try source.run(.inserting(rows))
        case .entries(let rows): _ = try source.run(.inserting(rows))
        case .changes(let changes): _ = try source.run(try .inserting(changes))
        }
    }

    /// With the bounds of a commit: should anybody be in the way, this fails instead of waiting for
    /// ever.
    private func makePartitions(_ days: [Int64]) throws(StoreError) {
        do throws(PostgresFailure) {
            let connection = try Session.committing.connect(postgres)
            defer { connection.close() }
            try Partitions().make(days: days, connection)
        } catch {
            throw StoreError(error)
        }
    }

    private func finish(_ filling: Filling, _ source: PostgresSource) throws(StoreError) {
        let opening = try filling.finish()
        let catalog = Catalog(opening.blueprint, opening.registry, options)
        let last = filling.sequenceMax / Transaction.numbersPerCommit
        let rows = try source.run([
            Query(CopyStatements.raiseNumber).binding(last), Query(TransactionStatements.number),
            Query(CopyStatements.raiseSubjectNumber), Query(CopyStatements.analyze),
        ])
        try rebuildEventIDs(source, catalog.registry)
        try rebuildColumns(source, catalog.registry)
        _ = try rebuildCounters(
            source, catalog, ZoneNotes(), asOf: rows[1].int(0, 0) * Transaction.numbersPerCommit)
        _ = try source.run([
            Query(CatalogStatements.raiseVersion), Query(CatalogStatements.notify),
        ])
    }

    private func commit(_ connection: Connection) throws {
        do throws(PostgresFailure) {
            _ = try connection.run(Query(TransactionStatements.commit))
        } catch {
            guard error.sqlState == nil else { throw error }
            throw StoreError(
                code: .outcomeUnknown,
                message: "the connection was lost during the commit of a copy (\(error)); when the "
                    + "target is still empty, nothing was copied, and otherwise everything")
        }
    }

    private func connectMaintaining() throws(StoreError) -> Connection {
        do throws(PostgresFailure) {
            return try Session.maintaining.connect(postgres)
        } catch {
            throw StoreError(error)
        }
    }
}

extension PostgresSource {
    func sizes() throws(StoreError) -> StoreSizes {
        let rows = try run(Query(CopyStatements.sizes))
        return StoreSizes(
            subjects: rows.int(0, 0), events: rows.int(0, 1), rows: rows.int(0, 2),
            counters: rows.int(0, 3), changes: rows.int(0, 4), entries: rows.int(0, 5))
    }

    fileprivate func days() throws(StoreError) -> [Int64] {
        let rows = try run(Query(CopyStatements.days))
        return (0..<rows.count).map { rows.int($0, 0) }
    }

    /// Without what rows of teams point to, which a scan would fetch.
    fileprivate func exportSortedEvents(
        _ visit: (StorePart) throws(StoreError) -> Void
    ) throws(StoreError) {
        var rows = try run([
            Query(CopyStatements.events), Query(CopyStatements.fetchEvents),
        ])[1]
        while rows.count > 0 {
            let events = (0..<rows.count).map { row in
                EventRow(
                    location: EventLocation(
                        day: rows.int(row, 0), subject: rows.int(row, 1),
                        sequence: rows.int(row, 2)),
                    body: rows.bytes(row, 3))
            }
            try visit(StorePart(.events(events)))
            rows = try run(Query(CopyStatements.fetchEvents))
        }
        _ = try run(Query(CopyStatements.closeEvents))
    }

    fileprivate func exportChanges(
        _ visit: (StorePart) throws(StoreError) -> Void
    ) throws(StoreError) {
        var last: Int64 = 0
        while true {
            let rows = try run(
                Query(CopyStatements.changesAfter).binding(last)
                    .binding(Int64(StorePart.rowsMax)))
            let changes = try (0..<rows.count).map { (row) throws(StoreError) in
                try JSONText(text: rows.text(row, 0)).decoded(as: ChangeRecord.self)
            }
            guard let next = changes.last?.sequence else { return }
            try visit(StorePart(.changes(changes)))
            last = next
        }
    }
}

extension Query {
    fileprivate static func inserting(_ subjects: [StoredSubject]) throws(StoreError) -> Query {
        var (ids, parents, profiles, children) = (
            TextColumn(), TextColumn(), TextColumn(), TextColumn()
        )
        for subject in subjects {
            ids.append(subject.profile.id.text)
            parents.append(subject.profile.parent?.text)
            profiles.append(try subject.profileText())
            children.append(subject.childrenText)
        }
        return Query(CopyStatements.insertSubjects)
            .binding(ids).binding(IntColumn(subjects.map(\.number)))
            .binding(IntColumn(subjects.map(\.firstSequence))).binding(parents)
            .binding(profiles).binding(children)
            .binding(IntColumn(subjects.map { $0.nextExpiry?.millisecondsSince1970 ?? -1 }))
            .binding(IntColumn(subjects.map { $0.times.createdAt?.millisecondsSince1970 ?? -1 }))
            .binding(IntColumn(subjects.map { $0.times.updatedAt?.millisecondsSince1970 ?? -1 }))
    }

    fileprivate static func inserting(_ rows: [EventRow]) -> Query {
        Query(UsageEventStatements.insert)
            .binding(IntColumn(rows.map(\.location.subject)))
            .binding(IntColumn(rows.map(\.location.day)))
            .binding(IntColumn(rows.map(\.location.sequence)))
            .binding(BytesColumn(rows.map(\.body)))
    }

    static func inserting(_ changes: [ChangeRecord]) throws(StoreError) -> Query {
        var (keys, bodies) = (TextColumn(), TextColumn())
        for change in changes {
            keys.append(change.idempotencyKey)
            bodies.append(try change.text())
        }
        return Query(ChangeStatements.insert)
            .binding(IntColumn(changes.map(\.sequence))).binding(keys).binding(bodies)
    }
}
