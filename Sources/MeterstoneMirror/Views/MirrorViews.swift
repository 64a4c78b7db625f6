/// What people ask the mirror by: sums of usage, and the tables of the five applications under the names and
/// columns that their documents give them.
package enum MirrorViews {
    /// In the order in which they build on each other, as they stand in SQL.
    package static var names: [String] { views(.sqlite).map(\.name) }

    /// The statements that make them, each by itself.
    package static func creation(_ dialect: MirrorDialect) -> [String] {
        views(dialect).map { "CREATE VIEW \($0.name) AS \($0.sql)" }
    }

    /// Those that people ask, with what tells a row of each from others.
    package static var keys: [String: [String]] {
        Dictionary(
            uniqueKeysWithValues: views(.postgres).compactMap { view in
                view.key.map { (view.name.filter { $0 != "\"" }, $0) }
            })
    }

    private static func views(_ dialect: MirrorDialect) -> [MirrorView] {
        let words = DialectWords(dialect)
        return sums(words) + people(words) + shop(words) + tutor(words) + chat(words)
            + tokens(words) + studio(words)
    }
}

struct MirrorView {
    let name: String
    /// Columns that tell a row from others; `nil`: others are built on it, and nobody asks it.
    let key: [String]?
    let sql: String

    init(_ name: String, key: [String]? = nil, _ sql: String) {
        self.name = name
        self.key = key
        self.sql = sql
    }
}

/// What the two databases call differently.
struct DialectWords {
    private let dialect: MirrorDialect

    init(_ dialect: MirrorDialect) {
        self.dialect = dialect
    }

    private func either(_ sqlite: String, _ postgres: String) -> String {
        dialect == .sqlite ? sqlite : postgres
    }

    var now: String { either("strftime('%Y-%m-%d %H:%M:%f', 'now')", "now()") }
    var today: String { either("date('now')", "(now() AT TIME ZONE 'UTC')::date") }

    /// Between a text and a pattern as ``MirrorDialect/pattern(_:)`` makes it.
    var matches: String { either("GLOB", "LIKE") }

    /// As in 2026-04.
    func month(_ day: String) -> String {
        either("substr(\(day), 1, 7)", "to_char(\(day), 'YYYY-MM')")
    }

    func year(_ day: String) -> String {
        either("CAST(substr(\(day), 1, 4) AS INTEGER)", "extract(year FROM \(day))::integer")
    }

    func monthOfYear(_ day: String) -> String {
        either("CAST(substr(\(day), 6, 2) AS INTEGER)", "extract(month FROM \(day))::integer")
    }

    /// As in 05.
    func dayOfMonth(_ day: String) -> String {
        either("substr(\(day), 9, 2)", "to_char(\(day), 'DD')")
    }

    /// How many days a month such as 2026-02 has.
    func daysOfMonth(_ month: String) -> String {
        either(
            "CAST(strftime('%d', \(month) || '-01', '+1 month', '-1 day') AS INTEGER)",
            "extract(day FROM to_date(\(month), 'YYYY-MM') + interval '1 month' - interval '1 day')::integer"
        )
    }

    func dayNumber(_ day: String) -> String {
        either(
            "CAST(julianday(\(day)) - 2440587.5 AS INTEGER)", "(\(day) - DATE '1970-01-01')")
    }

    /// Of a text such as 2026-04-02T12:00:00.000Z.
    func instant(_ text: String) -> String {
        either("replace(replace(\(text), 'T', ' '), 'Z', '')", "CAST(\(text) AS timestamptz)")
    }

    func text(_ value: String) -> String { either(value, "(\(value))::text") }

    func object(_ pairs: String) -> String {
        either("json_object(\(pairs))", "json_build_object(\(pairs))")
    }

    func objectOf(_ key: String, _ value: String) -> String {
        either("json_group_object(\(key), \(value))", "json_object_agg(\(key), \(value))")
    }

    func integer(_ value: String) -> String {
        either("CAST(\(value) AS INTEGER)", "CAST(\(value) AS bigint)")
    }

    /// A whole number, half of one rounded up.
    func rounded(_ value: String) -> String {
        either("CAST(ROUND(\(value)) AS INTEGER)", "ROUND(\(value))::bigint")
    }

    /// Of rows of `usage`, the value that goes with the greatest time and sequence number; `NULL` unless a
    /// condition holds.
    func latest(_ value: String, where condition: String) -> String {
        let key = "printf('%020d%020d', u.occurred_ms, u.sequence)"
        return either(
            "substr(MAX(CASE WHEN \(condition) THEN \(key) || \(value) END), 41)",
            "(MAX(CASE WHEN \(condition) THEN ARRAY[lpad(u.occurred_ms::text, 20, '0'), "
                + "lpad(u.sequence::text, 20, '0'), \(value)::text] END))[3]")
    }

    /// What rows of `usage` come to under the meter `m`. Of a gauge they are readings: the latest of each
    /// subject and item, added up. What one comes to over time, rows do not tell.
    ///
    /// - Parameter group: beside subject and meter, of rows that go by an alias; `nil`: nothing.
    func quantity(by group: ((String) -> String)? = nil) -> String {
        """
        CASE m.aggregation
            WHEN 'max' THEN MAX(u.quantity)
            WHEN 'uniqueCount' THEN COUNT(DISTINCT u.value)
            WHEN 'latest' THEN
                \(integer(latest("u.quantity", where: "m.aggregation = 'latest'")))
            WHEN 'gauge' THEN \(integer("SUM(\(readingThatStands(by: group)))"))
            WHEN 'integral' THEN NULL
            ELSE \(integer("SUM(u.quantity)"))
        END
        """
    }

    /// The quantity of a row of a gauge, unless another row of its group overtakes it.
    private func readingThatStands(by group: ((String) -> String)?) -> String {
        let sameGroup = group.map { " AND \($0("l")) = \($0("u"))" } ?? ""
        func owner(_ row: String) -> String {
            "(SELECT e.subject_number FROM events e WHERE e.sequence = \(row).sequence)"
        }
        return """
            CASE WHEN m.aggregation = 'gauge' AND NOT EXISTS (
                SELECT 1 FROM usage l
                WHERE l.subject = u.subject AND l.meter = u.meter\(sameGroup)
                    AND COALESCE(l.value, '') = COALESCE(u.value, '')
                    AND (l.occurred_ms > u.occurred_ms
                        OR l.occurred_ms = u.occurred_ms AND l.sequence > u.sequence)
                    AND \(owner("l")) = \(owner("u")))
            THEN u.quantity END
            """
    }

    /// Adds up what a subject used of any of these meters, in rows of a sum by meter.
    func sum(of meters: String..., as name: String) -> String {
        let list = meters.map { "'\($0)'" }.joined(separator: ", ")
        return "\(integer("COALESCE(SUM(CASE WHEN meter IN (\(list)) THEN quantity END), 0)")) "
            + "AS \(name)"
    }
}

extension MirrorViews {
    static func sums(_ words: DialectWords) -> [MirrorView] {
        func sum(
            _ name: String, _ column: String, _ value: ((String) -> String)?
        ) -> MirrorView {
            let (head, group) =
                value.map { ("\($0("u")) AS \(column), ", ", \($0("u"))") } ?? ("", "")
            return MirrorView(
                name, key: ["subject", "meter"] + (column.isEmpty ? [] : [column]),
                """
                SELECT u.subject, u.meter, \(head)\(words.quantity(by: value)) AS quantity,
                    COUNT(*) AS events, MIN(u.occurred_at) AS first_used_at,
                    MAX(u.occurred_at) AS last_used_at
                FROM usage u JOIN meters m ON m.key = u.meter
                GROUP BY u.subject, u.meter\(group), m.aggregation
                """)
        }
        return [
            sum("usage_by_day", "day", { "\($0).day" }),
            sum("usage_by_month", "month", { words.month("\($0).day") }),
            sum("usage_lifetime", "", nil),
        ]
    }

    /// Who is subscribed to what at the time of asking, and what may be used.
    static func people(_ words: DialectWords) -> [MirrorView] {
        [
            MirrorView(
                "own_plans",
                """
                SELECT s.number, s.id, s.parent, COALESCE((
                    SELECT CASE WHEN p.gives_plan AND p.starts_at <= \(words.now)
                        AND (p.gives_plan_until IS NULL OR p.gives_plan_until > \(words.now))
                        THEN p.plan END
                    FROM subscriptions p
                    WHERE p.subject_number = s.number
                        AND (NOT p.is_scheduled OR p.starts_at <= \(words.now))
                    ORDER BY p.place DESC LIMIT 1), s.plan) AS plan
                FROM subjects s
                """),
            MirrorView(
                "subject_plans", key: ["subject"],
                """
                SELECT o.number, o.id AS subject, COALESCE(o.plan, a.plan, b.plan, c.plan,
                    (SELECT key FROM plans WHERE is_default)) AS plan
                FROM own_plans o
                LEFT JOIN own_plans a ON a.id = o.parent
                LEFT JOIN own_plans b ON b.id = a.parent
                LEFT JOIN own_plans c ON c.id = b.parent
                """),
            MirrorView(
                "subject_limits", key: ["subject", "limit_key"],
                """
                SELECT p.subject, l.key AS limit_key, l.meter, l.period, l.mode, p.plan,
                    COALESCE(o.allowance, a.allowance, l.default_allowance, -1) AS allowance
                FROM subject_plans p CROSS JOIN limits l
                LEFT JOIN subject_overrides o
                    ON o.subject_number = p.number AND o.limit_key = l.key
                LEFT JOIN limit_allowances a ON a.limit_key = l.key AND a.plan = p.plan
                WHERE l.active AND (o.allowance IS NOT NULL OR (
                    (NOT EXISTS (
                        SELECT 1 FROM limit_subjects t WHERE t.limit_key = l.key AND t.taken)
                    OR EXISTS (
                        SELECT 1 FROM limit_subjects t WHERE t.limit_key = l.key AND t.taken
                            AND p.subject \(words.matches) t.matching))
                    AND NOT EXISTS (
                        SELECT 1 FROM limit_subjects t WHERE t.limit_key = l.key AND NOT t.taken
                            AND p.subject \(words.matches) t.matching)))
                """),
            MirrorView(
                "subject_today",
                """
                SELECT s.number, s.id AS subject, COALESCE((
                    SELECT d.day FROM days d
                    WHERE d.zone = COALESCE(
                            s.calendar, s.time_zone, (SELECT default_time_zone FROM mirror_state))
                        AND d.starts_at <= \(words.now) AND d.ends_at > \(words.now)
                    LIMIT 1), \(words.today)) AS today
                FROM subjects s
                """),
            MirrorView(
                "limit_times",
                """
                SELECT key, MIN(recorded_at) AS created_at, MAX(recorded_at) AS updated_at
                FROM changes WHERE kind = 'limit' GROUP BY key
                """),
        ]
    }
}
