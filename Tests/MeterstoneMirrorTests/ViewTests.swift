import Foundation
import Meterstone
import MeterstoneBlueprint
import MeterstoneCore
import MeterstoneMirror
import MeterstoneTesting
import Testing

/// The documents' own queries, against the tables and columns that they name.
@Suite struct ViewTests {
    // MARK: The video studio

    /// Two weeks of three users: prompts under both names, exports of which some fail, a project each.
    private func studio(_ scene: MirrorScene) async throws {
        for (user, prompts) in [("u1", 7), ("u2", 4), ("u3", 1)] {
            for number in 0..<prompts {
                let type = number.isMultiple(of: 2) ? "prompt" : "generate_scene"
                try await scene.use(
                    user, type, at: "2026-04-0\(1 + number % 2)T10:0\(number):00Z",
                    subtype: "gpt-\(number)", duration: Int64(1_000 + number * 100))
            }
        }
        for number in 0..<12 {
            try await scene.use(
                "u1", "export", at: "2026-04-01T11:00:\(10 + number)Z", subtype: "mp4",
                status: number < 3 ? .failed : .success, duration: 2_000,
                error: number < 3 ? "out of memory" : nil)
        }
        try await scene.use("u1", "project_create", at: "2026-04-01T09:00:00Z")
        try await scene.use("u2", "create_project", at: "2026-04-01T09:00:00Z")
    }

    @Test(arguments: MirrorUnderTest.allCases)
    func `checkLimit finds the limit of the tier and what was used since the start of the period`(
        mirror: MirrorUnderTest
    ) async throws {
        try await mirror.with(.videoStudio) { scene in
            try await studio(scene)
            try await scene.change(
                .putSubscription(
                    SubjectID(unchecked: "u2"),
                    Subscription(
                        plan: PlanKey(unchecked: "pro"), startsAt: .at("2026-04-01T00:00:00Z"),
                        externalIDs: ["stripeCustomerId": "cus_1"])))
            #expect(
                try await scene.ask("SELECT tier FROM user_subscriptions WHERE user_id = 'u1'")
                    == ["free"])
            #expect(
                try await scene.ask(
                    """
                    SELECT tier, status, stripe_customer_id, started_at FROM user_subscriptions
                    WHERE user_id = 'u2'
                    """) == ["pro|active|cus_1|2026-04-01 00:00:00"])
            #expect(
                try await scene.ask(
                    """
                    SELECT free_tier_limit, pro_tier_limit, team_tier_limit, description
                    FROM usage_limits_config WHERE limit_type = 'prompts_daily' AND is_active
                    """) == ["10|100|-1|AI generation prompts per day"])
            // The document strips "_daily" of the limit's name, and calls the rest the usage type.
            func current(_ user: String, _ type: String, since day: String) async throws -> [String]
            {
                try await scene.ask(
                    """
                    SELECT COALESCE(SUM(count), 0) AS total FROM user_usage
                    WHERE user_id = '\(user)' AND usage_type = '\(type)'
                        AND usage_date >= '\(day)'
                    """)
            }
            #expect(try await current("u1", "prompts", since: "2026-04-02") == ["3"])
            #expect(try await current("u1", "prompts", since: "2026-04-01") == ["7"])
            #expect(try await current("u1", "exports", since: "2026-04-01") == ["9"])
            #expect(try await current("u3", "exports", since: "2026-04-01") == ["0"])
            #expect(try await current("u2", "projects", since: "1970-01-01") == ["1"])
        }
    }

    @Test(arguments: MirrorUnderTest.allCases)
    func `top users, trends, the funnel and error rates are as the document computes them`(
        mirror: MirrorUnderTest
    ) async throws {
        try await mirror.with(.videoStudio) { scene in
            try await studio(scene)
            #expect(
                try await scene.ask(
                    """
                    SELECT user_id, SUM(count) AS total_usage, MAX(created_at) AS last_used
                    FROM user_usage
                    WHERE usage_type = 'prompt' AND created_at >= '2026-03-15'
                    GROUP BY user_id ORDER BY SUM(count) DESC LIMIT 100
                    """) == [
                        "u1|7|2026-04-02 10:01:00", "u2|4|2026-04-02 10:01:00",
                        "u3|1|2026-04-01 10:00:00",
                    ])
            #expect(
                try await scene.ask(
                    """
                    SELECT usage_date, usage_type, SUM(count) AS total_count,
                        COUNT(DISTINCT user_id) AS unique_users
                    FROM user_usage
                    WHERE usage_date >= '2026-03-15'
                        AND usage_type IN ('prompt', 'export', 'project_create')
                    GROUP BY usage_date, usage_type ORDER BY usage_date, usage_type
                    """) == [
                        "2026-04-01|export|9|1", "2026-04-01|project_create|2|2",
                        "2026-04-01|prompt|7|3", "2026-04-02|prompt|5|2",
                    ])
            #expect(
                try await scene.ask(
                    """
                    SELECT usage_type, COUNT(DISTINCT user_id) AS unique_users FROM user_usage
                    WHERE created_at >= '2026-03-15'
                        AND usage_type IN ('project_create', 'prompt', 'export')
                    GROUP BY usage_type ORDER BY usage_type
                    """) == ["export|1", "project_create|2", "prompt|3"])
            #expect(try await scene.ask("SELECT COUNT(*) AS registered FROM users") == ["3"])
            #expect(
                try await scene.ask(
                    """
                    SELECT event_type, event_subtype, COUNT(*) AS total_events,
                        COUNT(*) FILTER (WHERE status = 'failed') AS failed_events,
                        ROUND(COUNT(*) FILTER (WHERE status = 'failed') * 100.0 / COUNT(*), 2)
                            AS error_rate,
                        AVG(duration_ms) AS avg_duration_ms
                    FROM usage_events WHERE created_at >= '2026-03-28'
                    GROUP BY event_type, event_subtype HAVING COUNT(*) > 10
                    ORDER BY COUNT(*) DESC
                    """) == ["export|mp4|12|3|25.0|2000.0"])
        }
    }

    @Test(arguments: MirrorUnderTest.allCases)
    func `usage of a day says the last subtype, and each day of a type is one row`(
        mirror: MirrorUnderTest
    ) async throws {
        try await mirror.with(.videoStudio) { scene in
            try await studio(scene)
            #expect(
                try await scene.ask(
                    """
                    SELECT usage_date, usage_type, count, metadata ->> 'lastEventSubtype'
                    FROM user_usage WHERE user_id = 'u1' AND usage_date >= '2026-03-03'
                        AND usage_type IN ('prompt', 'export')
                    ORDER BY usage_date DESC, usage_type
                    """) == [
                        "2026-04-02|prompt|3|gpt-5", "2026-04-01|export|9|mp4",
                        "2026-04-01|prompt|4|gpt-6",
                    ])
            #expect(
                try await scene.ask(
                    """
                    SELECT COUNT(*) FROM (SELECT 1 AS one FROM user_usage
                    GROUP BY user_id, usage_type, usage_date HAVING COUNT(*) > 1) d
                    """) == ["0"])
            #expect(
                try await scene.ask(
                    """
                    SELECT event_type, event_subtype, status, error_message FROM usage_events
                    WHERE user_id = 'u1' AND created_at >= '2026-03-03'
                    ORDER BY created_at DESC LIMIT 2
                    """) == ["generate_scene|gpt-5|success|", "generate_scene|gpt-3|success|"])
        }
    }

    @Test(arguments: MirrorUnderTest.allCases)
    func `credits show their balance, their last refill and each transaction`(
        mirror: MirrorUnderTest
    ) async throws {
        try await mirror.with { scene in
            var blueprint = try Blueprint(yaml: NamedBlueprint.videoStudio.yaml)
            blueprint.credits?.isEnabled = true
            try await scene.apply(blueprint)
            for id in ["p1", "p2"] {
                let decision = try await scene.engine.consume(
                    UsageEvent(
                        id: EventID(id), subject: SubjectID(unchecked: "u1"),
                        details: EventDetails(type: "prompt")))
                guard case .decided(let decided) = decision, decided.isAllowed else {
                    Issue.record("expected \(id) to be allowed")
                    return
                }
            }
            try await scene.change(
                .grantCredit(
                    SubjectID(unchecked: "u1"),
                    GrantOrder(id: GrantID("pay1"), amount: 500, source: .purchase)))
            try await scene.change(
                .refundCredit(SubjectID(unchecked: "u1"), reference: "p1", reason: "blurred"))
            #expect(
                try await scene.ask(
                    """
                    SELECT user_id, balance, lifetime_earned, lifetime_spent, last_refill_at
                    FROM user_credits
                    """) == ["u1|590|600|10|2026-04-02 12:00:00"])
            #expect(
                try await scene.ask(
                    """
                    SELECT amount, balance_after, transaction_type, description, reference_id
                    FROM credit_transactions WHERE user_id = 'u1' ORDER BY id
                    """) == [
                        "100|100|daily_refill||", "-10|90|usage||p1", "-10|80|usage||p2",
                        "500|580|purchase||", "10|590|refund|blurred|p1",
                    ])
        }
    }

    // MARK: The chat flow

    @Test(arguments: MirrorUnderTest.allCases)
    func `chat requests, their analytics and the dashboard's numbers are rows`(
        mirror: MirrorUnderTest
    ) async throws {
        try await mirror.with(.chatBuilder) { scene in
            let tracker = RequestTracker(scene.engine)
            try await scene.change(
                .putSubject(
                    Subject(
                        id: SubjectID(unchecked: "user-123"), plan: PlanKey(unchecked: "pro"),
                        name: "Ann", metadata: ["email": "ann@example.org"])))
            for (number, category) in ["nft", "token", "nft"].enumerated() {
                let id = try #require(EventID("r\(number)"))
                _ = try await tracker.start(
                    RequestStart(
                        id: id, subject: SubjectID(unchecked: "user-123"),
                        prompt: "Create an NFT contract", session: "session-123",
                        model: ModelKey(unchecked: "gpt-4"), type: "code_generation",
                        category: category, complexity: "high"))
                guard number < 2 else { continue }
                _ = try await tracker.finish(
                    RequestEnd(
                        id: id, response: "Generated contract code", tokens: .total(1_500),
                        cost: Money(millionths: 30_000), durationMilliseconds: 2_500, rating: 5))
            }
            #expect(
                try await scene.ask(
                    """
                    SELECT id, user_id, session_id, prompt, response, model, tokens_used, cost,
                        duration, status FROM chat_requests ORDER BY id
                    """) == [
                        "r0|user-123|session-123|Create an NFT contract|Generated contract code|"
                            + "gpt-4|1500|3|2500|completed",
                        "r1|user-123|session-123|Create an NFT contract|Generated contract code|"
                            + "gpt-4|1500|3|2500|completed",
                        "r2|user-123|session-123|Create an NFT contract||gpt-4||||pending",
                    ])
            #expect(
                try await scene.ask(
                    """
                    SELECT request_id, request_type, category, complexity, response_time,
                        user_rating, was_successful FROM request_analytics ORDER BY request_id
                    """) == [
                        "r0|code_generation|nft|high|2500|5|1",
                        "r1|code_generation|token|high|2500|5|1",
                        "r2|code_generation|nft|high|||0",
                    ])
            #expect(
                try await scene.ask(
                    """
                    SELECT user_id, total_requests, total_tokens_used, total_cost,
                        average_response_time, requests_by_category FROM user_dashboard_data
                    """) == [#"user-123|3|3000|6|2500|{"nft":2,"token":1}"#])
            #expect(
                try await scene.ask(
                    "SELECT email, name, plan, requests_limit, is_active FROM users")
                    == ["ann@example.org|Ann|pro|1000|1"])
            #expect(
                try await scene.ask(
                    """
                    SELECT plan_name, monthly_requests, daily_requests, max_tokens_per_request,
                        billing_cycle, is_active FROM user_plans WHERE user_id = 'user-123'
                    """) == ["pro|1000|50|8000|monthly|1"])
        }
    }

    @Test(arguments: MirrorUnderTest.allCases)
    func `a user is who the account says, before what the metadata say`(
        mirror: MirrorUnderTest
    ) async throws {
        try await mirror.with(.chatBuilder) { scene in
            let user = SubjectID(unchecked: "user-1")
            try await scene.change(
                .putSubject(
                    Subject(
                        id: user, metadata: ["email": "old@example.org", "githubId": "1"])))
            let users = """
                SELECT email, image, github_id, is_active, last_login_at FROM users
                """
            #expect(try await scene.ask(users) == ["old@example.org||1|1|"])
            try await scene.change(
                .putAccount(
                    user,
                    PersonAccount(
                        email: EmailAddress("ann@example.org"), image: "https://example.org/a.png",
                        externalIDs: ["github": "583231"], active: false,
                        lastLoginAt: .at("2026-04-02T11:00:00Z"),
                        preferences: ["theme": .text("dark"), "warmth": .number(0.7)])))
            #expect(
                try await scene.ask(users) == [
                    "ann@example.org|https://example.org/a.png|583231|0|2026-04-02 11:00:00"
                ])
            #expect(
                try await scene.ask("SELECT preferences FROM subjects")
                    == [#"{"theme":"dark","warmth":0.7}"#])
        }
    }

    @Test(arguments: MirrorUnderTest.allCases)
    func `requests of today and of this month follow the subject's own calendar`(
        mirror: MirrorUnderTest
    ) async throws {
        try await mirror.with(.chatBuilder) { scene in
            scene.clock.set(SystemClock.now())
            let today = scene.clock.now
            let days: Int64 = 86_400_000
            for (user, zone) in [("far", "Pacific/Kiritimati"), ("near", "UTC")] {
                try await scene.change(
                    .putSubject(Subject(id: SubjectID(unchecked: user), timeZone: zone)))
                for back in [0, 0, 40 * days] {
                    try await scene.use(
                        user, nil, ["requests": 1],
                        at: today.advanced(byMilliseconds: -back).rfc3339)
                }
            }
            #expect(
                try await scene.ask(
                    """
                    SELECT user_id, requests_this_month, requests_today FROM user_dashboard_data
                    ORDER BY user_id
                    """) == ["far|2|2", "near|2|2"])
            #expect(
                try await scene.ask("SELECT id, requests_used FROM users ORDER BY id")
                    == ["far|2", "near|2"])
        }
    }

    // MARK: The daily token allowance

    @Test(arguments: MirrorUnderTest.allCases)
    func `the document's January adds up as it says`(mirror: MirrorUnderTest) async throws {
        try await mirror.with(.tokenAllowance) { scene in
            let tokens: [Int64] = [850, 1_200, 0, 2_100, 1_750]
            for (day, count) in tokens.enumerated() {
                try await scene.use(
                    "abc123def456", nil, ["tokens": count],
                    at: "2024-01-0\(day + 1)T14:30:00Z")
            }
            try await scene.use("late", nil, ["tokens": 3_000], at: "2024-01-04T01:00:00Z")
            #expect(
                try await scene.ask(
                    """
                    SELECT "tokensUsed", "tokenLimit", "userType", "lastUpdated", "resetAt"
                    FROM daily_token_usage WHERE id = 'abc123def456_2024-01-04'
                    """)
                    == ["2100|10000|trial|2024-01-04 14:30:00|2024-01-05 00:00:00"])
            #expect(
                try await scene.ask(
                    """
                    SELECT "userId", "tokensUsed" FROM daily_token_usage
                    WHERE "date" = '2024-01-04' ORDER BY "tokensUsed" DESC
                    """) == ["late|3000", "abc123def456|2100"])
            #expect(
                try await scene.ask(
                    """
                    SELECT id, "year", "month", "totalMonthlyTokens", "averageDailyUsage",
                        "peakUsageDate", "peakUsageTokens", "userType"
                    FROM token_usage_history WHERE "userId" = 'abc123def456'
                    ORDER BY "year" DESC, "month" DESC LIMIT 3
                    """) == ["abc123def456_2024_01|2024|1|5900|190.32|04|2100|trial"])
            let january = try await scene.ask(
                """
                SELECT "dailyUsage" FROM token_usage_history
                WHERE "userType" = 'trial' AND "year" = 2024 AND "month" = 1
                    AND "userId" = 'abc123def456'
                """)
            #expect(
                try JSONDecoder().decode([String: Int].self, from: Data(january[0].utf8))
                    == ["01": 850, "02": 1_200, "03": 0, "04": 2_100, "05": 1_750])
        }
    }

    // MARK: The language tutor

    @Test(arguments: MirrorUnderTest.allCases)
    func `a month and a lifetime of lessons are rows`(mirror: MirrorUnderTest) async throws {
        try await mirror.with(.languageTutor) { scene in
            for day in ["01", "02", "03", "05"] {
                try await scene.use(
                    "u1", "session_completed",
                    ["conversations": 1, "seconds": day == "05" ? 900 : 300],
                    at: "2026-03-\(day)T10:00:00Z")
            }
            try await scene.use("u1", nil, ["ankiExports": 1], at: "2026-04-01T10:00:00Z")
            #expect(
                try await scene.ask(
                    """
                    SELECT user_id, month, conversations, seconds, completed_sessions,
                        average_session_length, longest_session, anki_exports_used,
                        tier_when_used, last_conversation_at
                    FROM "userUsage" WHERE user_id = 'u1' ORDER BY month
                    """) == [
                        "u1|2026-03|4|1800|4|450|900|0|free|2026-03-05 10:00:00",
                        "u1|2026-04|0|0|0|0|0|1|free|",
                    ])
            #expect(
                try await scene.ask(
                    """
                    SELECT total_conversations, total_seconds, total_anki_exports, days_active,
                        longest_streak, average_sessions_per_month, first_conversation_at,
                        last_active_at, highest_tier_reached
                    FROM user_lifetime_stats WHERE user_id = 'u1'
                    """) == [
                        "4|1800|1|5|3|2|2026-03-01 10:00:00|2026-04-01 10:00:00|free"
                    ])
        }
    }

    // MARK: The shop

    @Test(arguments: MirrorUnderTest.allCases)
    func `a shop is one row, and all limits are one row`(mirror: MirrorUnderTest) async throws {
        try await mirror.with { scene in
            let names = [
                ("totalChatsCreated", "maxChats", 10),
                ("totalListsGenerated", "maxListsGenerated", 20),
                ("totalListsSaved", "maxListsSaved", 15), ("totalExports", "maxExports", 10),
            ]
            try await scene.apply(
                Blueprint(
                    meters: names.map { Meter(key: MeterKey(unchecked: $0.0)) }, plans: [],
                    limits: names.map {
                        Limit(
                            key: LimitKey(unchecked: $0.1), meter: MeterKey(unchecked: $0.0),
                            window: .lifetime, defaultAllowance: Allowance(wire: Int64($0.2)))
                    }))
            let shop = "store-name.myshopify.com"
            try await scene.use(shop, nil, ["totalChatsCreated": 3, "totalExports": 1])
            try await scene.use(shop, nil, ["totalChatsCreated": 1])
            try await scene.change(
                .putSubject(Subject(id: SubjectID(unchecked: shop), blocked: true)))
            #expect(
                try await scene.ask(
                    """
                    SELECT shop, "totalChatsCreated", "totalListsGenerated", "totalListsSaved",
                        "totalExports", "isBlocked" FROM "UsageTracking"
                    """) == ["\(shop)|4|0|0|1|1"])
            #expect(
                try await scene.ask(
                    """
                    SELECT "maxChats", "maxListsGenerated", "maxListsSaved", "maxExports",
                        "isActive" FROM "UsageLimits"
                    """) == ["10|20|15|10|1"])
            // One that has used a limit up is blocked by it, and one whose own is larger is not.
            for id in ["full", "larger"] {
                try await scene.use(id, nil, ["totalExports": 10])
            }
            try await scene.change(
                .putOverride(
                    SubjectID(unchecked: "larger"), LimitKey(unchecked: "maxExports"), .units(11)))
            let blocked = try await scene.ask(
                """
                SELECT shop, "isBlocked" FROM "UsageTracking" WHERE "totalExports" = 10
                ORDER BY shop
                """)
            #expect(blocked == ["full|1", "larger|0"])
        }
    }
}
