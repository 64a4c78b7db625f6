import MeterstoneCore
public import MeterstoneStore

/// The rows of `event_columns`. Each commit adds one for each day that it touches.
extension PostgresStore {
    /// What stores of this version derive from events, beside what those of the first one did.
    private static let derivedVersion = "2"

    /// There is nothing to project: everything that is committed stands in the tables. Rows of columns are
    /// merged beside the commits; see ``ColumnMerger``.
    public func project() throws(StoreError) -> Bool { false }

    /// Brings a database that an earlier version wrote up to what this one derives from its events.
    func adoptDerivedVersion() throws(StoreError) {
        let (known, isUsed) = try pool.with { (connection) throws(StoreError) in
            let source = PostgresSource(connection)
            let rows = try source.run([
                Query(SettingStatements.byKey).binding(Setting.derivedVersion),
                Query(UsageEventStatements.any),
            ])
            return (rows[0].count > 0 ? rows[0].text(0, 0) : nil, rows[1].count > 0)
        }
        guard known != Self.derivedVersion else { return }
        do {
            let connection = try Session.maintaining.connect(postgres)
            defer { connection.close() }
            if isUsed {
                let view = try view(of: nil)
                var registry = view.registry
                registry.registerPlans(of: view.catalog.blueprint)
                try connection.run(
                    try Query.putting(registry) + [
                        Query(CatalogStatements.raiseVersion), Query(CatalogStatements.notify),
                    ])
                catalogs.forget()
                _ = try rebuild()
            }
            _ = try connection.run(
                Query(SettingStatements.put).binding(Setting.derivedVersion)
                    .binding(Self.derivedVersion))
        } catch {
            throw StoreError(any: error)
        }
    }

    func rebuildColumns(_ source: PostgresSource, _ registry: Registry) throws(StoreError) {
        _ = try source.run(Query(ColumnStatements.deleteAll))
        _ = try source.run(Query(ColumnStatements.raiseFloor))
        try source.forEachPartOfColumns(registry) { (segments) throws(StoreError) in
            _ = try source.run(.inserting(segments))
        }
    }
}

extension PostgresSource {
    func columns(
        days: ClosedRange<Int64>, withTimes: Bool, at cut: ReportCut?,
        _ visit: (ColumnSegment) throws(StoreError) -> Void
    ) throws(StoreError) {
        var scan = Query(ColumnStatements.scan(withTimes: withTimes, isCut: cut != nil))
            .binding(days.lowerBound).binding(days.upperBound)
        if let cut { scan = scan.binding(CutSnapshot(cut)?.text ?? "") }
        var rows = try run([scan, Query(ColumnStatements.fetch)])[1]
        while rows.count > 0 {
            for row in 0..<rows.count { try visit(ColumnSegment(rows, row, firstColumn: 0)) }
            rows = try run(Query(ColumnStatements.fetch))
        }
        _ = try run(Query(ColumnStatements.closeScan))
    }

    func columnRows(
        of days: ClosedRange<Int64>, at cut: ReportCut?
    ) throws(StoreError) -> ColumnRows {
        var query = Query(ColumnStatements.rowsOfDays(isCut: cut != nil))
            .binding(days.lowerBound).binding(days.upperBound)
        if let cut { query = query.binding(CutSnapshot(cut)?.text ?? "") }
        let rows = try run(query)
        // No number is given to a second row.
        return ColumnRows(era: 0, (0..<rows.count).map { (rows.int($0, 0), rows.int($0, 1)) })
    }

    func columnDays(within days: ClosedRange<Int64>) throws(StoreError) -> [Int64] {
        let rows = try run(
            Query(ColumnStatements.days).binding(days.lowerBound).binding(days.upperBound))
        return (0..<rows.count).map { rows.int($0, 0) }
    }

    func snapshot() throws(StoreError) -> (text: String, sequence: Int64)? {
        let rows = try run(Query(ColumnStatements.snapshot))
        let commits = rows.int(0, 1)
        return (
            rows.text(0, 0).replacing(":", with: "/"),
            (commits &+ 1).multipliedReportingOverflow(by: Transaction.numbersPerCommit)
                .partialValue
                &- 1
        )
    }

    func holds(_ cut: ReportCut) throws(StoreError) -> Bool {
        guard let snapshot = CutSnapshot(cut) else { return false }
        let rows = try run([
            Query(SettingStatements.byKey).binding(Setting.cutFloor),
            Query(ColumnStatements.snapshot),
        ])
        guard let now = CutSnapshot(text: rows[1].text(0, 0)), snapshot.xmax <= now.xmax else {
            return false
        }
        guard rows[0].count > 0 else { return true }
        return Int64(rows[0].text(0, 0)).map { $0 < snapshot.xmin } ?? false
    }

    func subjectZones() throws(StoreError) -> [(number: Int64, zones: ZonesInTime)] {
        let rows = try run(Query(SubjectStatements.zones))
        return try (0..<rows.count).map { (row) throws(StoreError) in
            let zones = try ZonesInTime(
                storedName: rows.optionalText(row, 1), former: rows.optionalText(row, 2))
            return (rows.int(row, 0), zones)
        }
    }

    func counters(
        ofSeries series: Int, of subject: Int64
    ) throws(StoreError) -> [CounterKey: StoredCounter] {
        let rows = try run(
            Query(CounterStatements.ofSeries).binding(subject).binding(Int64(series)))
        var result: [CounterKey: StoredCounter] = [:]
        for row in 0..<rows.count { result[CounterKey(rows, row)] = try StoredCounter(rows, row) }
        return result
    }

    func changedKey(ofKind kind: String, after key: String) throws(StoreError) -> String? {
        let rows = try run(Query(ChangeStatements.nextKey).binding(kind).binding(key))
        return rows.isNull(0, 0) ? nil : rows.text(0, 0)
    }

    func changes(ofKind kind: String, key: String?) throws(StoreError) -> [ChangeRecord] {
        try changes(
            key.map { Query(ChangeStatements.byKey).binding(kind).binding($0) }
                ?? Query(ChangeStatements.byKind).binding(kind))
    }

    func lastChange(ofKind kind: String, key: String) throws(StoreError) -> ChangeRecord? {
        try changes(Query(ChangeStatements.lastByKey).binding(kind).binding(key)).first
    }

    func changes(after sequence: Int64, count: Int) throws(StoreError) -> [ChangeRecord] {
        try changes(Query(ChangeStatements.after).binding(sequence).binding(Int64(count)))
    }

    private func changes(_ query: Query) throws(StoreError) -> [ChangeRecord] {
        let rows = try run(query)
        return try (0..<rows.count).map { (row) throws(StoreError) in
            try JSONText(text: rows.text(row, 0)).decoded(as: ChangeRecord.self)
        }
    }
}

extension ColumnSegment {
    /// From day, events, body and, where it was asked for, times.
    init(_ rows: Rows, _ row: Int, firstColumn first: Int32) {
        self.init(
            day: rows.int(row, first), count: Int(rows.int(row, first + 1)),
            body: rows.bytes(row, first + 2),
            times: rows.isNull(row, first + 3) ? [] : rows.bytes(row, first + 3))
    }
}

extension Query {
    static func inserting(_ segments: [ColumnSegment]) -> Query {
        Query(ColumnStatements.insert)
            .binding(IntColumn(segments.map(\.day)))
            .binding(IntColumn(segments.map { Int64($0.count) }))
            .binding(BytesColumn(segments.map(\.body)))
            .binding(BytesColumn(segments.map(\.times)))
    }
}

enum ColumnStatements {
    static let insert = """
        INSERT INTO event_columns (day, events, body, times)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[])
        """
    /// - Parameter isCut: as a snapshot saw it, which is the third argument.
    static func scan(withTimes: Bool, isCut: Bool) -> String {
        let columns = "day, events, body, \(withTimes ? "times" : "NULL::bytea") AS times"
        return """
            DECLARE columns NO SCROLL CURSOR FOR
            \(select(columns, isCut: isCut)) ORDER BY day
            """
    }
    static func rowsOfDays(isCut: Bool) -> String {
        "\(select("day, id", isCut: isCut)) ORDER BY day, id"
    }
    /// - Parameter isCut: what a snapshot saw and is there, and what went into other rows since.
    private static func select(_ columns: String, isCut: Bool) -> String {
        let select = """
            SELECT \(columns)
            FROM event_columns WHERE day BETWEEN $1::bigint AND $2::bigint
            """
        guard isCut else { return "\(select) AND merged IS NULL" }
        return """
            \(select) AND merged IS NULL AND pg_visible_in_snapshot(created, $3::text::pg_snapshot)
            UNION ALL
            \(select) AND merged >= pg_snapshot_xmin($3::text::pg_snapshot)
                AND NOT pg_visible_in_snapshot(merged, $3::text::pg_snapshot)
                AND pg_visible_in_snapshot(created, $3::text::pg_snapshot)
            """
    }
    static let days = """
        SELECT DISTINCT day FROM event_columns
        WHERE day BETWEEN $1::bigint AND $2::bigint
        ORDER BY day
        """
    static let snapshot = """
        SELECT pg_current_snapshot()::text, (SELECT last_value FROM commits)
        """
    static let fetch = "FETCH 32 FROM columns"
    static let closeScan = "CLOSE columns"
    static let tryToShareCatalog =
        "SELECT pg_try_advisory_xact_lock_shared($1::bigint)"
    static let tryToOwnMerging = "SELECT pg_try_advisory_xact_lock(~$1::bigint)"
    /// A day that has enough rows of one size, and the fewest and most events of that size.
    static let dayToMerge = """
        SELECT c.day, w.fewest, w.most
        FROM unnest($2::bigint[], $3::bigint[]) w(fewest, most)
        JOIN event_columns c ON c.events BETWEEN w.fewest AND w.most
        WHERE c.events < 65536 AND c.merged IS NULL AND c.day <> ALL($4::bigint[])
        GROUP BY c.day, w.fewest, w.most
        HAVING count(*) >= $1::bigint
        ORDER BY w.fewest, c.day DESC LIMIT 1
        """
    /// The oldest rows of a day and a size that one row has room for.
    static let toMerge = """
        SELECT id, day, events, body, times FROM (
            SELECT *, sum(events) OVER (ORDER BY id) AS total FROM (
                SELECT * FROM event_columns
                WHERE day = $1::bigint AND events BETWEEN $2::bigint AND $3::bigint
                    AND events < 65536 AND merged IS NULL
                ORDER BY id LIMIT $4::bigint
            ) AS oldest
        ) AS small
        WHERE total <= $5::bigint
        ORDER BY id
        """
    static let noteMerged = """
        UPDATE event_columns SET merged = pg_current_xact_id(), merged_at = now()
        WHERE id = ANY($1::bigint[])
        """
    /// Drops some of what was merged long ago, and notes that older pages cannot be told any more.
    static let dropMerged = """
        WITH gone AS (
            DELETE FROM event_columns WHERE id = ANY(ARRAY(
                SELECT id FROM event_columns
                WHERE merged IS NOT NULL AND merged_at < now() - make_interval(secs => $1::bigint)
                    AND merged < pg_snapshot_xmin(pg_current_snapshot())
                ORDER BY merged_at LIMIT $2::bigint
            ))
            RETURNING merged
        ), noted AS (
            INSERT INTO settings (key, value)
            SELECT 'cutFloor', max(merged::text::numeric)::text FROM gone HAVING count(*) > 0
            ON CONFLICT (key) DO UPDATE
            SET value = greatest(settings.value::numeric, excluded.value::numeric)::text
        )
        SELECT count(*) FROM gone
        """
    /// Pages that were begun before this transaction cannot be told after it.
    static let raiseFloor = """
        INSERT INTO settings (key, value) VALUES ('cutFloor', pg_current_xact_id()::text)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value
        """
    static let deleteAll = "DELETE FROM event_columns"
}
