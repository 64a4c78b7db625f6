extension MirrorViews {
    /// The chat flow builder: accounts, requests and plans.
    static func chat(_ words: DialectWords) -> [MirrorView] {
        func property(_ name: String) -> String { "e.properties ->> '\(name)'" }
        func number(_ name: String) -> String { "CAST(e.properties ->> '\(name)' AS bigint)" }
        func limit(_ key: String) -> String {
            "MAX(CASE WHEN limit_key = '\(key)' THEN allowance END)"
        }
        // What a request may cost is no cost yet.
        let known = """
            CASE WHEN COALESCE(e.properties ->> 'costSource', '') <> 'estimated'
                THEN e.cost_billionths END
            """
        let cents = words.rounded("\(known) / 10000000.0")
        // Requests whose time ran out have failed.
        let status = """
            CASE e.reservation WHEN 'open' THEN 'pending' WHEN 'released' THEN 'cancelled'
                WHEN 'expired' THEN 'failed'
                ELSE CASE e.status WHEN 'success' THEN 'completed' ELSE e.status END END
            """
        let toldEnd = words.instant(property("endedAt"))
        let thisMonth = "\(words.month("u.day")) = \(words.month("t.today"))"
        let count = words.integer(
            "COALESCE(SUM(CASE WHEN u.meter = 'requests' AND \(thisMonth) "
                + "THEN u.quantity END), 0)")
        let today = words.integer(
            "COALESCE(SUM(CASE WHEN u.meter = 'requests' AND u.day = t.today "
                + "THEN u.quantity END), 0)")
        return [
            MirrorView(
                "requests", key: ["id"],
                """
                SELECT e.sequence, e.id, e.subject, e.session, e.subtype AS model,
                    \(status) AS status, e.occurred_at AS started_at, COALESCE(e.closed_at, \(toldEnd)) AS ended_at,
                    e.duration_ms, e.error_message, \(known) AS cost_billionths, e.voided,
                    \(property("prompt")) AS prompt, \(property("response")) AS response,
                    \(number("tokensInput")) AS tokens_input,
                    \(number("tokensOutput")) AS tokens_output,
                    COALESCE(\(number("tokensUsed")),
                        \(number("tokensInput")) + \(number("tokensOutput"))) AS tokens_used,
                    COALESCE(\(number("laterRating")), \(number("userRating"))) AS user_rating,
                    \(property("ipAddress")) AS ip_address,
                    \(property("userAgent")) AS user_agent,
                    e.dimensions ->> 'requestType' AS request_type,
                    e.dimensions ->> 'category' AS category,
                    e.dimensions ->> 'complexity' AS complexity, \(cents) AS cost
                FROM events e
                WHERE e.type = 'chat_request' AND (e.reservation IS NOT NULL
                    OR e.source IS NULL AND \(property("endedAt")) IS NOT NULL)
                """),
            MirrorView(
                "chat_requests", key: ["id"],
                """
                SELECT id, subject AS user_id, session AS session_id, prompt, response, model,
                    tokens_used, cost, duration_ms AS duration, status, error_message, ip_address,
                    user_agent, started_at, ended_at AS completed_at, started_at AS created_at
                FROM requests WHERE NOT voided
                """),
            MirrorView(
                "request_analytics", key: ["id"],
                """
                SELECT id, subject AS user_id, id AS request_id, request_type, category, complexity,
                    duration_ms AS response_time, tokens_input, tokens_output, user_rating,
                    status = 'completed' AS was_successful, started_at AS created_at
                FROM requests WHERE NOT voided
                """),
            MirrorView(
                "request_windows",
                """
                SELECT t.subject, \(count) AS this_month, \(today) AS today
                FROM subject_today t
                LEFT JOIN usage u ON u.subject = t.subject
                GROUP BY t.subject
                """),
            MirrorView(
                "users", key: ["id"],
                """
                SELECT s.id,
                    COALESCE(s.email, s.metadata ->> 'email',
                        CASE WHEN s.id LIKE '%@%' THEN s.id END) AS email,
                    s.name, COALESCE(s.image, s.metadata ->> 'image') AS image,
                    COALESCE(s.external_ids ->> 'github', s.metadata ->> 'githubId') AS github_id,
                    p.plan,
                    (SELECT b.gives_plan_until FROM subscriptions b
                        WHERE b.subject_number = s.number AND NOT b.is_scheduled LIMIT 1)
                        AS plan_expires_at,
                    COALESCE(w.this_month, 0) AS requests_used,
                    (SELECT l.allowance FROM subject_limits l
                        WHERE l.subject = s.id AND l.limit_key = 'requests_monthly')
                        AS requests_limit,
                    s.active AND NOT s.blocked AS is_active, s.last_login_at,
                    s.created_at, s.updated_at
                FROM subjects s
                JOIN subject_plans p ON p.number = s.number
                LEFT JOIN request_windows w ON w.subject = s.id
                """),
            MirrorView(
                "user_plans", key: ["id"],
                """
                SELECT \(words.text("s.number")) AS id, s.id AS user_id, p.plan AS plan_name,
                    l.monthly_requests, l.daily_requests, l.max_tokens_per_request, n.features,
                    NOT s.blocked AND p.plan IS NOT NULL AS is_active,
                    \(words.integer("n.price_millionths / 10000")) AS price_per_month,
                    CASE n.billing_period WHEN 'year' THEN 'yearly' ELSE 'monthly' END
                        AS billing_cycle,
                    b.starts_at, b.gives_plan_until AS expires_at, s.created_at, s.updated_at
                FROM subjects s
                JOIN subject_plans p ON p.number = s.number
                LEFT JOIN plans n ON n.key = p.plan
                LEFT JOIN (
                    SELECT subject, \(limit("requests_monthly")) AS monthly_requests,
                        \(limit("requests_daily")) AS daily_requests,
                        \(limit("tokens_per_request")) AS max_tokens_per_request
                    FROM subject_limits GROUP BY subject
                ) l ON l.subject = s.id
                LEFT JOIN subscriptions b
                    ON b.subject_number = s.number AND b.plan = p.plan AND NOT b.is_scheduled
                """),
            MirrorView(
                "user_dashboard_data", key: ["id"],
                """
                SELECT \(words.text("s.number")) AS id, s.id AS user_id,
                    COALESCE(r.total_requests, 0) AS total_requests,
                    COALESCE(r.total_tokens_used, 0) AS total_tokens_used,
                    COALESCE(r.total_cost, 0) AS total_cost, r.average_response_time,
                    c.requests_by_category, COALESCE(w.this_month, 0) AS requests_this_month,
                    COALESCE(w.today, 0) AS requests_today,
                    (SELECT updated_at FROM mirror_state) AS last_calculated_at,
                    s.created_at, s.updated_at
                FROM subjects s
                LEFT JOIN (
                    SELECT subject, COUNT(*) AS total_requests,
                        \(words.integer("SUM(tokens_used)")) AS total_tokens_used,
                        \(words.rounded("SUM(cost_billionths) / 10000000.0")) AS total_cost,
                        \(words.rounded("AVG(duration_ms)")) AS average_response_time
                    FROM requests WHERE NOT voided GROUP BY subject
                ) r ON r.subject = s.id
                LEFT JOIN (
                    SELECT subject, \(words.objectOf("category", "number")) AS requests_by_category
                    FROM (
                        SELECT subject, category, COUNT(*) AS number FROM requests
                        WHERE NOT voided AND category IS NOT NULL
                        GROUP BY subject, category ORDER BY subject, category
                    ) k GROUP BY subject
                ) c ON c.subject = s.id
                LEFT JOIN request_windows w ON w.subject = s.id
                """),
        ]
    }
}
