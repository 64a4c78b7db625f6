import MeterstoneCore
public import MeterstoneStore

extension PostgresStore {
    private static let rowsPerStatement = 5_000

    public func archiveLog() throws(StoreError) -> ArchiveLog? {
        do {
            let connection = try Session.maintaining.connect(postgres)
            defer { connection.close() }
            return try PostgresSource(connection).archiveLog()
        } catch {
            throw StoreError(any: error)
        }
    }

    /// While every node goes on: what they write meanwhile is left for the next time.
    public func archive(
        _ progress: ArchiveProgress,
        _ write: (ArchivableDays) throws(StoreError) -> ArchivedPart?
    ) throws(StoreError) -> ArchiveProgress {
        do {
            let connection = try Session.maintaining.connect(postgres)
            defer { connection.close() }
            var progress = progress
            progress.sequence = try progress.sequence ?? lastSequence(connection)
            // What is written is what this transaction sees, and what it sees is what it writes over.
            try connection.run([Query(ArchiveStatements.begin)])
            let source = PostgresSource(connection, isInTransaction: true)
            let version = try source.run(Query(CatalogStatements.version)).int(0, 0)
            let catalog = try catalogs.current(version: version, connection).catalog
            let next = try archive(progress, write, source, catalog)
            try connection.run([Query(TransactionStatements.commit)])
            return next
        } catch {
            throw StoreError(any: error)
        }
    }

    /// A number that every commit has passed which is still under way.
    private func lastSequence(_ connection: Connection) throws -> Int64 {
        let rows = try connection.run([
            Query(TransactionStatements.begin),
            Query(TransactionStatements.ownCatalog).binding(catalogs.lockKey),
            Query(TransactionStatements.number), Query(TransactionStatements.commit),
        ])
        return rows[2].int(0, 0) * Transaction.numbersPerCommit
    }

    private func archive(
        _ progress: ArchiveProgress,
        _ write: (ArchivableDays) throws(StoreError) -> ArchivedPart?, _ source: PostgresSource,
        _ catalog: Catalog
    ) throws(StoreError) -> ArchiveProgress {
        var progress = progress
        progress.part = nil
        guard var log = try source.archiveLog() else {
            // Files say whose they are before anything is done that they are about.
            try source.put(ArchiveLog.new())
            return progress
        }
        let days = try source.archivableDays(progress, log)
        guard let range = ArchivableDays.first(of: days) else {
            log.finish(progress)
            try source.put(log)
            progress.isDone = true
            return progress
        }
        progress.nextDay = range.upperBound + 1
        guard let part = try write(ArchivableDays(range, catalog, log, source)) else {
            return progress
        }
        try leave(range, catalog.registry, source)
        log.note(part)
        log.events += part.newEvents
        try source.put(log)
        progress.part = part
        return progress
    }

    private func leave(
        _ days: ClosedRange<Int64>, _ registry: Registry, _ source: PostgresSource
    ) throws(StoreError) {
        var rows: [EventRow] = []
        func write() throws(StoreError) {
            guard !rows.isEmpty else { return }
            _ = try source.run(.updating(rows))
            rows = []
        }
        try source.forEachDay(within: days) { (day, subject, facts) throws(StoreError) in
            let left = try ArchivableDay(facts, of: subject, through: .max, registry)
                .left(registry)
            for (fact, isChanged) in left where isChanged {
                rows.append(
                    EventRow(
                        location: EventLocation(
                            day: day, subject: subject, sequence: fact.sequence),
                        body: fact.body))
            }
            if rows.count >= Self.rowsPerStatement { try write() }
        }
        try write()
    }
}

extension PostgresSource {
    func archiveLog() throws(StoreError) -> ArchiveLog? {
        let rows = try run(Query(SettingStatements.byKey).binding(Setting.archive))
        return try ArchiveLog(text: rows.count == 0 ? nil : rows.text(0, 0))
    }

    fileprivate func put(_ log: ArchiveLog) throws(StoreError) {
        _ = try run(
            Query(SettingStatements.put).binding(Setting.archive).binding(try log.text()))
    }

    fileprivate func archivableDays(
        _ progress: ArchiveProgress, _ log: ArchiveLog
    ) throws(StoreError) -> [(day: Int64, facts: Int64)] {
        let rows = try run(
            Query(ArchiveStatements.days).binding(progress.nextDay).binding(progress.untilDay)
                .binding(log.untilDay).binding(log.sequence))
        return (0..<rows.count).map { (rows.int($0, 0), rows.int($0, 1)) }
    }
}

private enum ArchiveStatements {
    static let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ"
    static let days = """
        SELECT day, count(*) FROM usage_events
        WHERE day >= $1::bigint AND day < $2::bigint
        GROUP BY day HAVING day >= $3::bigint OR max(sequence) > $4::bigint
        ORDER BY day
        """
}
