extension MirrorViews {
    /// The daily token allowance: a document for each user and day, and for each user and month.
    static func tokens(_ words: DialectWords) -> [MirrorView] {
        let year = words.year("d.day")
        let month = words.monthOfYear("d.day")
        let plan = words.latest("e.plan", where: "e.plan IS NOT NULL")
        let peak = "ROW_NUMBER() OVER (PARTITION BY subject, month ORDER BY quantity DESC, day)"
        return [
            MirrorView(
                "token_days",
                """
                SELECT u.subject, u.subject_number, u.day, \(words.month("u.day")) AS month,
                    \(words.integer("SUM(u.quantity)")) AS quantity, \(plan) AS plan,
                    MIN(u.occurred_at) AS first_at, MAX(u.occurred_at) AS last_at
                FROM usage u JOIN events e ON e.sequence = u.sequence
                WHERE u.meter = 'tokens' AND u.level = 0
                GROUP BY u.subject, u.subject_number, u.day
                """),
            MirrorView(
                "daily_token_usage", key: ["id"],
                """
                SELECT d.subject || '_' || \(words.text("d.day")) AS id, d.subject AS "userId",
                    \(words.text("d.day")) AS "date", d.quantity AS "tokensUsed",
                    COALESCE(o.allowance, a.allowance, l.default_allowance) AS "tokenLimit",
                    COALESCE(d.plan, p.plan) AS "userType", d.last_at AS "lastUpdated",
                    z.ends_at AS "resetAt"
                FROM token_days d
                JOIN subjects s ON s.number = d.subject_number
                JOIN subject_plans p ON p.number = d.subject_number
                LEFT JOIN limits l ON l.key = (
                    SELECT MIN(key) FROM limits WHERE meter = 'tokens' AND period = 'day')
                LEFT JOIN subject_overrides o
                    ON o.subject_number = d.subject_number AND o.limit_key = l.key
                LEFT JOIN limit_allowances a
                    ON a.limit_key = l.key AND a.plan = COALESCE(d.plan, p.plan)
                LEFT JOIN days z ON z.day = d.day AND z.zone = COALESCE(
                    s.calendar, s.time_zone, (SELECT default_time_zone FROM mirror_state))
                """),
            MirrorView(
                "token_usage_history", key: ["id"],
                """
                SELECT d.subject || '_' || replace(d.month, '-', '_') AS id,
                    d.subject AS "userId", MIN(\(year)) AS "year", MIN(\(month)) AS "month",
                    \(words.objectOf(words.dayOfMonth("d.day"), "d.quantity")) AS "dailyUsage",
                    \(words.integer("SUM(d.quantity)")) AS "totalMonthlyTokens",
                    ROUND(1.0 * SUM(d.quantity) / MAX(CASE
                        WHEN d.month = \(words.month("t.today"))
                            THEN CAST(\(words.dayOfMonth("t.today")) AS integer)
                        ELSE \(words.daysOfMonth("d.month")) END), 2) AS "averageDailyUsage",
                    MAX(CASE WHEN d.place = 1 THEN \(words.dayOfMonth("d.day")) END)
                        AS "peakUsageDate",
                    MAX(d.quantity) AS "peakUsageTokens",
                    COALESCE(MAX(CASE WHEN d.newest = 1 THEN d.plan END), MAX(p.plan))
                        AS "userType",
                    MIN(d.first_at) AS "createdAt", MAX(d.last_at) AS "updatedAt"
                FROM (
                    SELECT k.*, \(peak) AS place, ROW_NUMBER() OVER (
                        PARTITION BY subject, month ORDER BY day DESC) AS newest
                    FROM token_days k
                ) d JOIN subject_plans p ON p.number = d.subject_number
                JOIN subject_today t ON t.number = d.subject_number
                GROUP BY d.subject, d.month
                """),
        ]
    }
}
