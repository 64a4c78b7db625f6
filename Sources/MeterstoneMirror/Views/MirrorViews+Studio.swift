extension MirrorViews {
    /// The video studio: limits as data, usage by day, the log of events, subscriptions and credits.
    static func studio(_ words: DialectWords) -> [MirrorView] {
        func tier(_ plan: String, else nothing: Int) -> String {
            """
            COALESCE(MAX(CASE WHEN a.plan = '\(plan)' THEN a.allowance END),
                l.default_allowance, \(nothing))
            """
        }
        func customer(_ names: String...) -> String {
            "COALESCE(\(names.map { "b.external_ids ->> '\($0)'" }.joined(separator: ", ")))"
        }
        let subtype = words.latest("u.subtype", where: "u.subtype IS NOT NULL")
        return [
            MirrorView(
                "usage_limits_config", key: ["id"],
                """
                SELECT ROW_NUMBER() OVER (ORDER BY l.key) AS id, l.key AS limit_type,
                    \(tier("free", else: 0)) AS free_tier_limit,
                    \(tier("pro", else: 0)) AS pro_tier_limit,
                    \(tier("team", else: 0)) AS team_tier_limit, l.description,
                    l.active AS is_active, t.created_at, t.updated_at
                FROM limits l LEFT JOIN limit_allowances a ON a.limit_key = l.key
                LEFT JOIN limit_times t ON t.key = l.key
                GROUP BY l.key, l.default_allowance, l.description, l.active, t.created_at,
                    t.updated_at
                """),
            MirrorView(
                "user_usage", key: ["id", "usage_type"],
                """
                SELECT MIN(u.sequence) AS id, u.subject AS user_id, t.usage_type,
                    u.day AS usage_date, \(words.quantity(by: { "\($0).day" })) AS count,
                    \(words.object("'lastEventSubtype', \(subtype)")) AS metadata,
                    MIN(u.occurred_at) AS created_at, MAX(u.occurred_at) AS updated_at
                FROM usage_types t
                JOIN meters m ON m.key = t.meter
                JOIN usage u ON u.meter = t.meter
                WHERE u.level = 0
                GROUP BY u.subject, t.usage_type, u.day, m.aggregation
                """),
            MirrorView(
                "usage_events", key: ["id"],
                """
                SELECT e.sequence AS id, e.subject AS user_id,
                    COALESCE(e.type, (SELECT MIN(u.meter) FROM usage u
                        WHERE u.sequence = e.sequence AND u.level = 0)) AS event_type,
                    e.subtype AS event_subtype, e.project AS project_id, e.scene AS scene_id,
                    CAST(e.quantities ->> 'tokens' AS bigint) AS tokens_used,
                    COALESCE(e.credits, CAST(e.quantities ->> 'credits_used' AS bigint))
                        AS credits_used,
                    e.duration_ms, e.status, e.error_message, e.properties AS metadata,
                    e.occurred_at AS created_at
                FROM events e
                WHERE NOT e.voided AND (e.counts OR e.status <> 'success')
                """),
            MirrorView(
                "user_subscriptions", key: ["id"],
                """
                SELECT s.number AS id, s.id AS user_id, COALESCE(p.plan, 'free') AS tier,
                    \(customer("stripeCustomerId", "stripe_customer_id", "stripeCustomer"))
                        AS stripe_customer_id,
                    \(customer(
                        "stripeSubscriptionId", "stripe_subscription_id", "stripeSubscription"))
                        AS stripe_subscription_id,
                    CASE WHEN b.gives_plan_until <= \(words.now) THEN 'expired'
                        ELSE COALESCE(b.status, 'active') END AS status,
                    COALESCE(b.starts_at, s.created_at) AS started_at, b.expires_at, b.metadata,
                    s.created_at, s.updated_at
                FROM subjects s
                JOIN subject_plans p ON p.number = s.number
                LEFT JOIN subscriptions b ON b.subject_number = s.number AND b.place = (
                    SELECT MAX(n.place) FROM subscriptions n
                    WHERE n.subject_number = s.number
                        AND (NOT n.is_scheduled OR n.starts_at <= \(words.now)))
                """),
            MirrorView(
                "user_credits", key: ["id"],
                """
                SELECT MIN(g.sequence) AS id, g.subject AS user_id,
                    MAX(CASE WHEN g.sequence = k.last THEN g.balance_after END) AS balance,
                    \(words.integer("SUM(g.earned)")) AS lifetime_earned,
                    \(words.integer(
                        "SUM(g.spent) - SUM(CASE WHEN g.kind = 'refund' "
                            + "THEN g.amount ELSE 0 END)")) AS lifetime_spent,
                    MAX(CASE WHEN g.kind = 'grant' AND g.recurrence IS NOT NULL AND g.amount > 0
                        THEN g.occurred_at END) AS last_refill_at,
                    MIN(g.recorded_at) AS created_at, MAX(g.recorded_at) AS updated_at
                FROM ledger g JOIN (
                    SELECT subject, MAX(sequence) AS last FROM ledger GROUP BY subject
                ) k ON k.subject = g.subject
                GROUP BY g.subject
                """),
            MirrorView(
                "credit_transactions", key: ["id"],
                """
                SELECT sequence AS id, subject AS user_id, amount, balance_after,
                    CASE WHEN kind IN ('spend', 'hold', 'settle', 'release') THEN 'usage'
                        WHEN kind <> 'grant' THEN kind
                        WHEN source = 'dailyRefill' THEN 'daily_refill'
                        WHEN source = 'plan' THEN 'plan_refill'
                        ELSE COALESCE(source, 'grant') END AS transaction_type,
                    note AS description, reference AS reference_id, CAST(NULL AS text) AS metadata,
                    recorded_at AS created_at
                FROM ledger
                """),
        ]
    }
}
