import MeterstoneCore
import MeterstoneStore

/// Rows that are written seldom; their statements are prepared when they are needed.
extension WriterStatements {
    /// Writes a counter, or deletes its row.
    func put(_ counter: Counter?, at key: CounterKey) throws(StoreError) {
        let statement = counter == nil ? deleteCounter : putCounter
        statement.bind(1, Int64(key.series))
        statement.bind(2, key.from.columnValue)
        statement.bind(3, key.subject)
        if let counter {
            statement.bind(4, counter.state.value)
            statement.bind(5, counter.asOf)
            if let memory = counter.state.memoryBytes {
                statement.bind(6, memory)
            } else {
                statement.bindNull(6)
            }
        }
        try statement.run()
    }

    func put(_ subjects: some Collection<StoredSubject>) throws(StoreError) {
        let statement = try Statement(database, SubjectStatements.put)
        for subject in subjects {
            statement.bind(1, subject.number)
            statement.bind(2, subject.profile.id.text)
            statement.bind(3, subject.firstSequence)
            statement.bind(4, try subject.profileText())
            statement.bind(5, subject.childrenText)
            let times = [subject.nextExpiry, subject.times.createdAt, subject.times.updatedAt]
            for (place, instant) in times.enumerated() {
                if let instant {
                    statement.bind(Int32(6 + place), instant.millisecondsSince1970)
                } else {
                    statement.bindNull(Int32(6 + place))
                }
            }
            try statement.run()
        }
    }

    func put(_ expiries: ArraySlice<(subject: Int64, next: Instant?)>) throws(StoreError) {
        let statement = try Statement(database, SubjectStatements.putExpiry)
        for expiry in expiries {
            statement.bind(1, expiry.subject)
            if let next = expiry.next {
                statement.bind(2, next.millisecondsSince1970)
            } else {
                statement.bindNull(2)
            }
            try statement.run()
        }
    }

    /// Writes facts as runs, one for each day.
    func put(_ rows: [EventRow]) throws(StoreError) {
        var runs: [EventRun] = []
        var builder: EventRunBuilder?
        for row in rows.sorted(by: { $0.location < $1.location }) {
            if let open = builder, open.run.day != row.location.day {
                builder = nil
                var open = open
                try open.finish(events)
                runs.append(open.run)
            }
            var open = builder ?? events.begin(day: row.location.day)
            builder = nil
            try open.append(
                subject: row.location.subject, sequence: row.location.sequence, row.body[...],
                at: Fact.occurredAt(row.body, from: 0, to: row.body.count).map { $0...$0 }, events)
            builder = open
        }
        if var open = builder {
            try open.finish(events)
            runs.append(open.run)
        }
        try events.putRows(runs)
    }

    func put(_ rows: some Collection<EntryRow>) throws(StoreError) {
        let statement = try Statement(database, LedgerStatements.put)
        for row in rows {
            statement.bind(1, row.subject)
            statement.bind(2, row.sequence)
            statement.bind(3, row.lookup)
            statement.bind(4, row.body)
            try statement.run()
        }
    }

    func put(_ changes: [ChangeRecord]) throws(StoreError) {
        let statement = try Statement(database, ChangeStatements.put)
        for change in changes {
            statement.bind(1, change.sequence)
            statement.bind(2, change.idempotencyKey)
            statement.bind(3, try change.text())
            try statement.run()
        }
    }

    /// Writes the catalog of another store.
    func put(_ opening: StorePart.Opening) throws(StoreError) {
        let put = try Statement(database, CatalogStatements.put)
        for row in try opening.blueprint.rows() {
            put.bind(1, row.kind)
            put.bind(2, row.key)
            put.bind(3, row.body)
            try put.run()
        }
        try self.put(numbersOf: opening.registry)
        if let log = opening.archive { try self.put(setting: Setting.archive, try log.text()) }
    }

    /// Writes the catalog that these changes led to.
    func put(
        _ registry: Registry, after changes: [ChangeRecord]
    ) throws(StoreError) {
        let putEntry = try Statement(database, CatalogStatements.put)
        let deleteEntry = try Statement(database, CatalogStatements.delete)
        for change in changes where change.change.isOfCatalog {
            for row in try change.catalogRows() {
                let statement = row.body == nil ? deleteEntry : putEntry
                statement.bind(1, row.kind)
                statement.bind(2, row.key)
                if row.body != nil { statement.bind(3, row.body) }
                try statement.run()
            }
        }
        try put(numbersOf: registry)
    }

    func put(numbersOf registry: Registry) throws(StoreError) {
        let putName = try Statement(database, CatalogStatements.putName)
        for (number, name) in registry.names.enumerated() {
            putName.bind(1, Int64(number))
            putName.bind(2, name.text)
            try putName.run()
        }
        let putLimit = try Statement(database, CatalogStatements.putLimit)
        for (number, key) in registry.limits.enumerated() {
            putLimit.bind(1, Int64(number))
            putLimit.bind(2, key.text)
            try putLimit.run()
        }
        let putSeries = try Statement(database, CatalogStatements.putSeries)
        for (number, series) in registry.series.enumerated() {
            putSeries.bind(1, Int64(number))
            putSeries.bind(2, try JSONText(series.definition).text)
            putSeries.bind(3, series.definedAt)
            putSeries.bind(4, series.isCounted ? 1 : 0)
            try putSeries.run()
        }
    }

    /// Writes what rules counters are cut with, by zone.
    func put(zones digests: [String: String]) throws(StoreError) {
        for (name, digest) in digests { try put(setting: Setting.zone + name, digest) }
    }

    func put(setting key: String, _ value: String) throws(StoreError) {
        let statement = try Statement(database, SettingStatements.put)
        statement.bind(1, key)
        statement.bind(2, value)
        try statement.run()
    }
}
