import GRDB
import MeterstoneCore
import MeterstoneStore

extension SQLiteStore {
    /// The working set as the tables and the rest of the journal say it is.
    static func load(
        _ source: SQLiteSource, _ statements: WriterStatements, _ options: StoreOptions
    ) throws(StoreError) -> WorkingSet {
        source.finalize()
        let watermark = try source.watermark()
        statements.mayHaveColumnsAhead = true
        try statements.ids.reload()
        try statements.events.reload()
        var changes: [ChangeRecord] = []
        for kind in ChangeRecord.scheduleKinds {
            changes += try source.changes(ofKind: kind, key: nil)
                .filter { $0.sequence <= watermark }
        }
        changes.sort { $0.sequence < $1.sequence }
        let catalog = try catalog(statements.database, options, changes: changes)
        let subjectMax = try source.count(SubjectStatements.numberMax)
        guard (0...SQLiteSource.sequenceMax).contains(subjectMax) else {
            throw StoreError(
                code: .corrupt, message: "\(subjectMax) is not the number of a subject")
        }
        let workingSet = WorkingSet(
            options: options, source: source, catalog: catalog, nextSequence: watermark + 1,
            nextSubject: subjectMax + 1,
            eventIDs: EventIDGenerator(seed: UInt64.random(in: .min ... .max)),
            zones: ZoneNotes(try source.zones()))
        let journal = try Statement(statements.database, JournalStatements.after)
        journal.bind(1, watermark)
        while try journal.step() {
            guard let batch = try? JournalBatch(reading: journal.bytes(0)),
                batch.firstSequence == workingSet.head + 1
            else {
                throw StoreError(
                    code: .corrupt,
                    message: "the journal is unreadable after sequence \(workingSet.head)")
            }
            try workingSet.replay(batch)
            workingSet.cutFloor = workingSet.head
        }
        return workingSet
    }

    static func catalog(
        _ database: Database, _ options: StoreOptions, changes: [ChangeRecord]? = nil
    ) throws(StoreError) -> Catalog {
        try Catalog(
            stored: try blueprint(database), try registry(database), options, changes: changes)
    }

    private static func blueprint(_ database: Database) throws(StoreError) -> Blueprint {
        var blueprint = Blueprint()
        let rows = try Statement(database, CatalogStatements.all)
        while try rows.step() {
            try blueprint.add(kind: rows.text(0), body: rows.text(1))
        }
        return blueprint
    }

    private static func registry(_ database: Database) throws(StoreError) -> Registry {
        var names: [MeterKey] = []
        let nameRows = try Statement(database, CatalogStatements.names)
        while try nameRows.step() { names.append(MeterKey(unchecked: nameRows.text(0))) }
        var limits: [LimitKey] = []
        let limitRows = try Statement(database, CatalogStatements.limits)
        while try limitRows.step() { limits.append(LimitKey(unchecked: limitRows.text(0))) }
        var series: [RegisteredSeries] = []
        let seriesRows = try Statement(database, CatalogStatements.series)
        while try seriesRows.step() {
            series.append(
                RegisteredSeries(
                    definition: try JSONText(text: seriesRows.text(0))
                        .decoded(as: SeriesDefinition.self),
                    definedAt: seriesRows.int(1), isCounted: seriesRows.int(2) == 1))
        }
        return Registry(names: names, limits: limits, series: series)
    }

    /// Counters follow the rules of time zones as the system has them. When those changed since the
    /// counters were written, they are recomputed before anything else happens. Where the system has no
    /// rules at all, that is noted, and nothing is decided about the zone's subjects until it has.
    ///
    /// - Parameter recomputes: `false`: leave them as they are.
    func adoptZoneRules(recomputes: Bool) throws(StoreError) {
        let zones = workingSet.zones
        for (name, digest) in zones.digests(options.zoneRules).sorted(by: { $0.key < $1.key })
        where digest == ZoneNotes.missing {
            notices.append(
                "the system has no time zone '\(name)': nothing is decided about its subjects")
        }
        let changed = zones.changed(options.zoneRules)
        guard !changed.isEmpty, recomputes else { return }
        notices.append(
            "the rules of time zones changed since counters were cut with them "
                + "(\(changed.joined(separator: ", "))): counters are computed anew")
        _ = try rebuild()
    }

    /// Counters follow the default time zone for subjects that name none. When the setting changed
    /// since the counters were written, they are recomputed before anything else happens.
    ///
    /// - Parameter recomputes: `false`: refuse instead.
    func adoptDefaultTimeZone(recomputes: Bool) throws(StoreError) {
        let known = try write { (_) throws(StoreError) in
            try statements.source.setting(Setting.defaultTimeZone)
        }
        guard known != options.defaultTimeZone else { return }
        if let known {
            guard recomputes else { throw .otherTimeZone(known, options.defaultTimeZone) }
            _ = try rebuild()
        }
        try write { (database) throws(StoreError) in
            let put = try Statement(database, SettingStatements.put)
            put.bind(1, Setting.defaultTimeZone)
            put.bind(2, options.defaultTimeZone)
            try put.run()
        }
    }
}

extension StoreError {
    fileprivate static func otherTimeZone(_ stored: String, _ wanted: String) -> StoreError {
        StoreError(
            code: .halted,
            message: "the counters of this store follow the default time zone '\(stored)', and "
                + "'\(wanted)' was asked for; ask for the same, or recompute them first with "
                + "`meterstone rebuild`")
    }
}
