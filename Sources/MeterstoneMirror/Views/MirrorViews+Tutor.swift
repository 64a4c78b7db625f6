extension MirrorViews {
    /// The language tutor: each month of everybody, and everybody's whole time.
    static func tutor(_ words: DialectWords) -> [MirrorView] {
        let month = words.month("u.day")
        func last(_ meter: String) -> String {
            "MAX(CASE WHEN meter = '\(meter)' THEN last_used_at END)"
        }
        func average(_ sum: String, _ count: String) -> String {
            """
            COALESCE(\(words.rounded(
                "1.0 * SUM(CASE WHEN meter = '\(sum)' THEN quantity END) / "
                    + "NULLIF(SUM(CASE WHEN meter = '\(count)' THEN quantity END), 0)")), 0)
            """
        }
        return [
            MirrorView(
                "month_details",
                """
                SELECT u.subject, \(month) AS month,
                    \(words.latest("e.plan", where: "e.plan IS NOT NULL")) AS plan,
                    \(words.integer(
                        "COALESCE(SUM(CASE WHEN u.meter = 'seconds' THEN "
                            + "CAST(e.overages ->> 'seconds_monthly' AS bigint) END), 0)"))
                        AS overage_seconds
                FROM usage u JOIN events e ON e.sequence = u.sequence
                WHERE u.level = 0 GROUP BY u.subject, \(month)
                """),
            MirrorView(
                "\"userUsage\"", key: ["user_id", "month"],
                """
                SELECT m.subject AS user_id, m.month, m.conversations, m.seconds,
                    m.realtime_sessions, m.anki_exports_used, m.custom_phrases_created,
                    m.advanced_voice_seconds, m.session_extensions_used, m.completed_sessions,
                    m.average_session_length, m.longest_session, d.overage_seconds,
                    COALESCE(d.plan, 'free') AS tier_when_used, m.last_conversation_at,
                    m.last_realtime_at
                FROM (
                    SELECT subject, month,
                        \(words.sum(of: "conversations", as: "conversations")),
                        \(words.sum(of: "seconds", as: "seconds")),
                        \(words.sum(of: "realtimeSessions", as: "realtime_sessions")),
                        \(words.sum(of: "ankiExports", as: "anki_exports_used")),
                        \(words.sum(
                            of: "customPhrases", "customPhrasesCreated",
                            as: "custom_phrases_created")),
                        \(words.sum(of: "advancedVoiceSeconds", as: "advanced_voice_seconds")),
                        \(words.sum(of: "sessionExtensions", as: "session_extensions_used")),
                        \(words.sum(of: "completedSessions", as: "completed_sessions")),
                        \(average("completedSeconds", "completedSessions"))
                            AS average_session_length,
                        \(words.sum(of: "longestSession", as: "longest_session")),
                        \(last("conversations")) AS last_conversation_at,
                        \(last("realtimeSessions")) AS last_realtime_at
                    FROM usage_by_month GROUP BY subject, month
                ) m LEFT JOIN month_details d ON d.subject = m.subject AND d.month = m.month
                """),
            MirrorView(
                "active_days",
                """
                SELECT DISTINCT subject, subject_number, day, \(words.dayNumber("day")) AS number
                FROM usage WHERE level = 0
                """),
            MirrorView(
                "streaks",
                """
                SELECT subject, subject_number, COUNT(*) AS days, MAX(number) AS last_number
                FROM (
                    SELECT subject, subject_number, number, number - ROW_NUMBER() OVER (
                        PARTITION BY subject ORDER BY number) AS run
                    FROM active_days
                ) r GROUP BY subject, subject_number, run
                """),
            MirrorView(
                "user_lifetime_stats", key: ["user_id"],
                """
                SELECT u.subject AS user_id, u.total_conversations, u.total_seconds,
                    u.total_realtime_sessions, u.total_anki_exports, u.total_custom_phrases,
                    u.total_advanced_voice_seconds, u.total_session_extensions,
                    COALESCE(k.days_active, 0) AS days_active,
                    COALESCE(k.longest_streak, 0) AS longest_streak,
                    COALESCE(k.current_streak, 0) AS current_streak,
                    COALESCE(\(words.rounded("1.0 * u.sessions / NULLIF(k.months, 0)")), 0)
                        AS average_sessions_per_month,
                    u.first_conversation_at, u.last_active_at,
                    CAST(NULL AS integer) AS months_subscribed,
                    CAST(NULL AS decimal(10, 2)) AS total_revenue,
                    COALESCE((
                        SELECT p.key FROM plans p
                        WHERE p.key IN (
                                SELECT e.plan FROM events e WHERE e.subject = u.subject)
                            OR p.key = (
                                SELECT c.plan FROM subject_plans c WHERE c.subject = u.subject)
                        ORDER BY p.rank DESC LIMIT 1), 'free') AS highest_tier_reached,
                    u.created_at, u.updated_at
                FROM (
                    SELECT subject, \(words.sum(of: "conversations", as: "total_conversations")),
                        \(words.sum(of: "seconds", as: "total_seconds")),
                        \(words.sum(of: "realtimeSessions", as: "total_realtime_sessions")),
                        \(words.sum(of: "ankiExports", as: "total_anki_exports")),
                        \(words.sum(
                            of: "customPhrases", "customPhrasesCreated",
                            as: "total_custom_phrases")),
                        \(words.sum(
                            of: "advancedVoiceSeconds", as: "total_advanced_voice_seconds")),
                        \(words.sum(of: "sessionExtensions", as: "total_session_extensions")),
                        \(words.sum(of: "completedSessions", as: "sessions")),
                        MIN(CASE WHEN meter = 'conversations' THEN first_used_at END)
                            AS first_conversation_at,
                        MAX(last_used_at) AS last_active_at, MIN(first_used_at) AS created_at,
                        MAX(last_used_at) AS updated_at
                    FROM usage_lifetime GROUP BY subject
                ) u LEFT JOIN (
                    SELECT s.subject, SUM(s.days) AS days_active, MAX(s.days) AS longest_streak,
                        MAX(CASE WHEN s.last_number >= \(words.dayNumber("t.today")) - 1
                            THEN s.days END) AS current_streak,
                        MAX(a.months) AS months
                    FROM streaks s JOIN subject_today t ON t.number = s.subject_number
                    JOIN (
                        SELECT subject, (MAX(\(words.year("day")) * 12
                            + \(words.monthOfYear("day"))) - MIN(\(words.year("day")) * 12
                            + \(words.monthOfYear("day"))) + 1) AS months
                        FROM active_days GROUP BY subject
                    ) a ON a.subject = s.subject
                    GROUP BY s.subject
                ) k ON k.subject = u.subject
                """),
        ]
    }
}
