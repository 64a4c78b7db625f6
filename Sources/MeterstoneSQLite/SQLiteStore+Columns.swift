import GRDB
import MeterstoneCore
import MeterstoneStore

/// The rows of `event_columns`.
extension WriterStatements {
    func put(_ segments: some Collection<ColumnSegment>, at sequence: Int64) throws(StoreError) {
        try put(segments.map { ($0, sequence) })
    }

    /// - Parameter segments: with the last fact that each includes.
    func put(
        _ segments: some Collection<(segment: ColumnSegment, sequence: Int64)>
    ) throws(StoreError) {
        let statement = try Statement(database, ColumnStatements.put)
        for (segment, sequence) in segments {
            statement.bind(1, segment.day)
            statement.bind(2, sequence)
            statement.bind(3, Int64(segment.count))
            statement.bind(4, segment.body)
            statement.bind(5, segment.times)
            try statement.run()
        }
    }

    /// Merges the newest segments of a day, and returns how many events they have; 0: there is nothing to
    /// merge.
    func mergeColumns(of day: Int64) throws(StoreError) -> Int {
        let known = try Statement(database, ColumnStatements.sizesOfDay)
        known.bind(1, day)
        var rows: [(id: Int64, sequence: Int64, count: Int)] = []
        while try known.step() { rows.append((known.int(0), known.int(1), Int(known.int(2)))) }
        guard let count = ColumnMerging.mergeable(rows.map(\.count)) else { return 0 }
        let merged = rows.suffix(count)
        let read = try Statement(database, ColumnStatements.byID)
        let note = try Statement(database, ColumnStatements.noteMerged)
        let sequence = merged.map(\.sequence).max() ?? 0
        var segments: [ColumnSegment] = []
        for row in merged {
            read.reset()
            read.bind(1, row.id)
            guard try read.step() else { continue }
            segments.append(
                ColumnSegment(day: day, count: row.count, body: read.bytes(0), times: read.bytes(1))
            )
            note.bind(1, row.id)
            note.bind(2, sequence)
            note.bind(3, now.millisecondsSince1970)
            try note.run()
        }
        read.reset()
        try put(try ColumnMerging.merged(segments), at: sequence)
        return segments.reduce(0) { $0 + $1.count }
    }

    /// Milliseconds for which merged rows are kept for pages that were begun before, if not too much
    /// comes after them.
    private static let keepsMergedMilliseconds: Int64 = 600_000
    /// Facts after which they go anyway.
    private static let keepsMergedFacts: Int64 = 1 << 21

    /// Drops merged rows that have been kept for long, the oldest first.
    func dropMergedColumns() throws(StoreError) {
        let oldest = try Statement(database, ColumnStatements.oldestMerged)
        let earliest = now.advanced(byMilliseconds: -Self.keepsMergedMilliseconds)
        let first = try source.watermark() - Self.keepsMergedFacts
        var rows: [(id: Int64, sequence: Int64)] = []
        while try oldest.step(),
            oldest.int(2) < earliest.millisecondsSince1970
                || oldest.int(1) < first
        {
            rows.append((oldest.int(0), oldest.int(1)))
        }
        oldest.reset()
        guard let last = rows.last else { return }
        for sql in [ColumnStatements.delete, ColumnStatements.forgetMerged] {
            let statement = try Statement(database, sql)
            for row in rows {
                statement.bind(1, row.id)
                try statement.run()
            }
        }
        try raiseCutFloor(to: last.sequence)
    }

    func raiseCutFloor(to sequence: Int64) throws(StoreError) {
        guard sequence > 0, try sequence > source.cutFloor() else { return }
        try put(setting: Setting.cutFloor, String(sequence))
    }

    /// Drops what a projection that was cut short had written ahead of the watermark.
    func dropColumnsAhead() throws(StoreError) {
        guard mayHaveColumnsAhead else { return }
        let watermark = try source.watermark()
        let statement = try Statement(database, ColumnStatements.deleteAfter)
        statement.bind(1, watermark)
        try statement.run()
        mayHaveColumnsAhead = false
    }
}

extension SQLiteStore {
    /// What stores of this version derive from events, beside what those of the first one did.
    private static let derivedVersion = "3"
    /// The version whose index of event ids had another form, and nothing else.
    private static let versionBeforeRuns = "2"

    /// Brings a store that an earlier version wrote up to what this one derives from its events.
    func adoptDerivedVersion() throws(StoreError) {
        let known = try write { (_) throws(StoreError) in
            try statements.source.setting(Setting.derivedVersion)
        }
        guard known != Self.derivedVersion else { return }
        if workingSet.head == 0 || known == Self.versionBeforeRuns {
            while try project() {}
            try adoptEventIDs()
        } else {
            while try project() {}
            try write { (_) throws(StoreError) in
                var registry = workingSet.registry
                registry.registerPlans(of: workingSet.catalog.blueprint)
                try statements.put(numbersOf: registry)
            }
            _ = try rebuild()
        }
        try write { (_) throws(StoreError) in
            try statements.put(setting: Setting.derivedVersion, Self.derivedVersion)
        }
    }

    func rebuildColumns(_ database: Database) throws(StoreError) {
        try Statement(database, ColumnStatements.deleteAll).run()
        try Statement(database, ColumnStatements.forgetAllMerged).run()
        try statements.put(
            setting: Setting.columnsEra, String(statements.source.columnsEra() + 1))
        let sequence = try statements.source.watermark()
        try statements.raiseCutFloor(to: sequence)
        var days: Set<Int64> = []
        try statements.source.forEachPartOfColumns(workingSet.registry) {
            (segments) throws(StoreError) in
            try statements.put(segments, at: sequence)
            days.formUnion(segments.map(\.day))
        }
        for day in days { while try statements.mergeColumns(of: day) > 0 {} }
    }
}

extension SQLiteSource {
    /// More days than these are read on one thread while they are visited on another.
    private static let daysOnOneThread: Int64 = 4

    func columns(
        days: ClosedRange<Int64>, withTimes: Bool, at cut: ReportCut?,
        _ visit: (ColumnSegment) throws(StoreError) -> Void
    ) throws(StoreError) {
        let statement = try self.statement(
            withTimes ? ColumnStatements.ofDaysWithTimes : ColumnStatements.ofDays)
        defer { statement.reset() }
        let watermark = try watermark()
        statement.bind(1, days.lowerBound)
        statement.bind(2, days.upperBound)
        statement.bind(3, min(watermark, cut?.sequence ?? .max))
        let (count, isUnbounded) = days.upperBound.subtractingReportingOverflow(days.lowerBound)
        guard count < Self.daysOnOneThread, !isUnbounded else {
            return try SegmentReader(statement, withTimes: withTimes).forEach(visit)
        }
        while try statement.step() { try visit(statement.segment(withTimes: withTimes)) }
    }

    func columnRows(
        of days: ClosedRange<Int64>, at cut: ReportCut?
    ) throws(StoreError) -> ColumnRows {
        let statement = try self.statement(ColumnStatements.rowsOfDays)
        defer { statement.reset() }
        let watermark = try watermark()
        statement.bind(1, days.lowerBound)
        statement.bind(2, days.upperBound)
        statement.bind(3, min(watermark, cut?.sequence ?? .max))
        var rows: [(day: Int64, number: Int64)] = []
        while try statement.step() { rows.append((statement.int(0), statement.int(1))) }
        return ColumnRows(era: try columnsEra(), rows)
    }

    func columnsEra() throws(StoreError) -> Int64 {
        Int64(try setting(Setting.columnsEra) ?? "0") ?? 0
    }

    func columnDays(within days: ClosedRange<Int64>) throws(StoreError) -> [Int64] {
        let statement = try self.statement(ColumnStatements.days)
        defer { statement.reset() }
        statement.bind(1, days.lowerBound)
        statement.bind(2, days.upperBound)
        var result: [Int64] = []
        while try statement.step() { result.append(statement.int(0)) }
        return result
    }

    func holds(_ cut: ReportCut) throws(StoreError) -> Bool {
        let floor = try cutFloor()
        return cut.snapshot == nil && cut.sequence >= floor
    }

    func cutFloor() throws(StoreError) -> Int64 {
        Int64(try setting(Setting.cutFloor) ?? "0") ?? .max
    }

    func subjectZones() throws(StoreError) -> [(number: Int64, zones: ZonesInTime)] {
        let statement = try self.statement(SubjectStatements.zones)
        defer { statement.reset() }
        var result: [(number: Int64, zones: ZonesInTime)] = []
        while try statement.step() {
            let zones = try ZonesInTime(
                storedName: statement.isNull(1) ? nil : statement.text(1),
                former: statement.isNull(2) ? nil : statement.text(2))
            result.append((statement.int(0), zones))
        }
        return result
    }

    /// Windows of one kind are few, however many subjects there are: each is looked at once.
    func counters(
        ofSeries series: Int, of subject: Int64
    ) throws(StoreError) -> [CounterKey: StoredCounter] {
        var result: [CounterKey: StoredCounter] = [:]
        var last = Int64.min
        while let from = try nextWindow(of: series, after: last) {
            let key = CounterKey(
                series: series, from: Instant(columnValue: from), subject: subject)
            if let counter = try counter(key) { result[key] = counter }
            last = from
        }
        return result
    }

    private func nextWindow(of series: Int, after last: Int64) throws(StoreError) -> Int64? {
        let statement = try self.statement(CounterStatements.nextWindow)
        defer { statement.reset() }
        statement.bind(1, Int64(series))
        statement.bind(2, last)
        return try statement.step() && !statement.isNull(0) ? statement.int(0) : nil
    }

    func changedKey(ofKind kind: String, after key: String) throws(StoreError) -> String? {
        let statement = try self.statement(ChangeStatements.nextKey)
        defer { statement.reset() }
        statement.bind(1, kind)
        statement.bind(2, key)
        return try statement.step() && !statement.isNull(0) ? statement.text(0) : nil
    }

    func changes(ofKind kind: String, key: String?) throws(StoreError) -> [ChangeRecord] {
        let statement = try self.statement(
            key == nil ? ChangeStatements.byKind : ChangeStatements.byKey)
        defer { statement.reset() }
        statement.bind(1, kind)
        if let key { statement.bind(2, key) }
        return try changes(of: statement)
    }

    func lastChange(ofKind kind: String, key: String) throws(StoreError) -> ChangeRecord? {
        let statement = try self.statement(ChangeStatements.lastByKey)
        defer { statement.reset() }
        statement.bind(1, kind)
        statement.bind(2, key)
        return try changes(of: statement).first
    }

    func changes(of statement: Statement) throws(StoreError) -> [ChangeRecord] {
        var result: [ChangeRecord] = []
        while try statement.step() {
            result.append(try JSONText(text: statement.text(0)).decoded(as: ChangeRecord.self))
        }
        return result
    }
}
