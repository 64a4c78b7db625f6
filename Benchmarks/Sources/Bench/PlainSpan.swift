/// The questions of a dashboard in plain SQL, about a span of whole UTC days.
struct PlainSpan: Sendable {
    /// Milliseconds since 1970.
    let from: Int64
    let until: Int64

    private var within: String { "created_at >= \(from) AND created_at < \(until)" }

    private var meter: String {
        """
        CASE type WHEN 'project_create' THEN 'projects' WHEN 'prompt' THEN 'tokens'
            WHEN 'export' THEN 'exports' ELSE 'shares' END
        """
    }

    var topSubjects: String {
        """
        SELECT user_id, SUM(quantity), COUNT(*), MAX(created_at) FROM events
        WHERE type = 'prompt' AND status = 'success' AND \(within)
        GROUP BY user_id ORDER BY 2 DESC, 1 LIMIT 100
        """
    }

    var trends: String {
        """
        SELECT meter, total, uses, users FROM (
            SELECT created_at / 86400000 AS day, \(meter) AS meter, SUM(quantity) AS total,
                COUNT(*) AS uses, COUNT(DISTINCT user_id) AS users
            FROM events WHERE status = 'success' AND \(within) GROUP BY 1, 2)
        ORDER BY day, meter
        """
    }

    var usageByModel: String { usage(by: "subtype") }

    var usageByPlan: String { usage(by: "plan") }

    private func usage(by column: String) -> String {
        """
        SELECT \(column), SUM(quantity), COUNT(*), COUNT(DISTINCT user_id) FROM events
        WHERE type = 'prompt' AND status = 'success' AND \(within)
        GROUP BY 1 ORDER BY 2 DESC, 1
        """
    }

    var funnel: String {
        let types = BigStoreEvents.types
        let steps = types.indices.map { place in
            let join =
                place == 0 ? "" : "JOIN step\(place - 1) AS b ON b.user_id = e.user_id"
            return """
                step\(place) AS MATERIALIZED (
                    SELECT DISTINCT e.user_id FROM events AS e \(join)
                    WHERE e.type = '\(types[place])' AND e.status = 'success'
                        AND e.created_at >= \(from) AND e.created_at < \(until))
                """
        }
        return "WITH " + steps.joined(separator: ", ") + " "
            + types.indices.map { "SELECT '\(types[$0])', COUNT(*) FROM step\($0)" }
            .joined(separator: " UNION ALL ")
    }

    var orderedFunnel: String {
        let types = BigStoreEvents.types
        let steps = types.indices.map { place in
            let join =
                place == 0
                ? ""
                : "JOIN step\(place - 1) AS b ON b.user_id = e.user_id AND b.at <= e.created_at"
            return """
                step\(place) AS MATERIALIZED (
                    SELECT e.user_id, MIN(e.created_at) AS at FROM events AS e \(join)
                    WHERE e.type = '\(types[place])' AND e.status = 'success'
                        AND e.created_at >= \(from) AND e.created_at < \(until)
                    GROUP BY e.user_id)
                """
        }
        return "WITH " + steps.joined(separator: ", ") + " "
            + types.indices.map { "SELECT '\(types[$0])', COUNT(*) FROM step\($0)" }
            .joined(separator: " UNION ALL ")
    }

    var errorRates: String {
        """
        SELECT type, subtype, COUNT(*), SUM(status = 'failed'), SUM(duration_ms) / COUNT(*)
        FROM events WHERE \(within)
        GROUP BY 1, 2 HAVING COUNT(*) > 10 ORDER BY 3 DESC, 1, 2
        """
    }

    var adoption: String {
        """
        WITH active AS (
            SELECT plan, COUNT(DISTINCT user_id) AS users FROM events WHERE \(within) GROUP BY plan),
        used AS (
            SELECT plan, \(meter) AS meter, COUNT(DISTINCT user_id) AS users,
                SUM(quantity) AS total
            FROM events WHERE status = 'success' AND \(within) GROUP BY 1, 2)
        SELECT used.plan, meter, used.users, active.users, total
        FROM used JOIN active ON active.plan = used.plan ORDER BY 1, 2
        """
    }

    var powerUsers: String {
        """
        WITH sums AS MATERIALIZED (
            SELECT user_id, SUM(quantity) AS total, COUNT(DISTINCT created_at / 86400000) AS days
            FROM events WHERE type = 'prompt' AND status = 'success' AND \(within)
            GROUP BY user_id)
        SELECT * FROM sums ORDER BY total DESC, user_id
        LIMIT MIN(100, ((SELECT COUNT(*) FROM sums) + 99) / 100)
        """
    }

    var idle: String {
        """
        SELECT user_id, MAX(at) FROM (
            SELECT user_id, created_at AS at FROM events
            UNION ALL SELECT user_id, NULL FROM users)
        GROUP BY user_id HAVING MAX(at) IS NULL OR MAX(at) < \(from) ORDER BY user_id LIMIT 100
        """
    }

    /// Each event with what its allowance was, and what was used of it with the event; from the start of
    /// the month in which the span begins.
    private var used: String {
        let (tokens, exports) = (BigStoreEvents.tokensOfMonth, BigStoreEvents.exportsOfDay)
        func running(
            _ limit: String, _ type: String, _ allowances: [Int64], _ window: String
        ) -> String {
            """
            SELECT '\(limit)' AS limit_key, user_id, plan, created_at, quantity,
                SUM(quantity) OVER (
                    PARTITION BY user_id, \(window) ORDER BY id ROWS UNBOUNDED PRECEDING) AS total,
                CASE plan WHEN 'free' THEN \(allowances[0]) ELSE \(allowances[1]) END AS allowance
            FROM events
            WHERE type = '\(type)' AND status = 'success' AND plan <> 'team'
                AND created_at >= \(from - 31 * 86_400_000) AND created_at < \(until)
            """
        }
        return """
            WITH used AS (
            \(running("tokens-monthly", "prompt", tokens,
                "strftime('%Y-%m', created_at / 1000, 'unixepoch')"))
            UNION ALL
            \(running("exports-daily", "export", exports, "created_at / 86400000")))
            """
    }

    var limitPressure: String {
        """
        \(used)
        SELECT limit_key, met.plan, COUNT(*), SUM(uses),
            SUM(COALESCE(users.plan, 'free') = 'team'
                OR (COALESCE(users.plan, 'free') = 'pro' AND met.plan = 'free'))
        FROM (SELECT limit_key, user_id, plan, COUNT(*) AS uses FROM used
                WHERE total >= allowance AND \(within) GROUP BY 1, 2, 3) AS met
            LEFT JOIN users ON users.user_id = met.user_id
        GROUP BY 1, 2 ORDER BY 1, 2
        """
    }

    var limitMeetings: String {
        """
        \(used)
        SELECT limit_key, user_id, COUNT(*), COUNT(DISTINCT created_at / 86400000), MIN(created_at)
        FROM used WHERE total >= allowance AND \(within)
        GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 100
        """
    }

    var overage: String {
        """
        \(used)
        SELECT limit_key, user_id, plan, SUM(total - MAX(allowance, total - quantity)), COUNT(*)
        FROM used WHERE total > allowance AND quantity > 0 AND \(within)
        GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 3, 2 LIMIT 100
        """
    }

    /// The last day against the 28 before.
    var unusual: String {
        let day = until / 86_400_000 - 1
        return """
            WITH daily AS (
                SELECT user_id, created_at / 86400000 AS day, SUM(quantity) AS total FROM events
                WHERE type = 'prompt' AND status = 'success'
                    AND created_at >= \((day - 28) * 86_400_000) AND created_at < \(until)
                GROUP BY 1, 2)
            SELECT today.user_id, today.total FROM daily AS today JOIN (
                SELECT user_id, SUM(total) AS total, SUM(total * total) AS squares,
                    COUNT(*) AS days, MAX(total) AS most
                FROM daily WHERE day < \(day) GROUP BY user_id) AS past
                ON past.user_id = today.user_id
            WHERE today.day = \(day) AND past.days >= 3 AND today.total > most
                AND today.total * 28 > 2 * past.total
                AND (today.total * 28 - past.total) * (today.total * 28 - past.total) / 9
                    > 28 * squares - past.total * past.total
            ORDER BY 1
            """
    }
}
