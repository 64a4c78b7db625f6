import MeterstoneBlueprint
import MeterstoneCore
import MeterstoneStore
import Testing

/// The video studio: what its code checks and tracks, under its own names, with its own numbers.
@Suite struct VideoStudioApplicationTests {
    private static func track(
        _ type: String, of user: String = "u1", _ more: String = ""
    ) -> String {
        #"{"userId":"\#(user)","usageType":"\#(type)"\#(more)}"#
    }

    private static func action(_ action: String, of user: String = "u1") -> String {
        #"{"userId":"\#(user)","action":"\#(action)"}"#
    }

    @Test func `usage is tracked with the document's body, and failures are only logged`()
        async throws
    {
        try await ApplicationServer.run(.videoStudio, at: "2026-03-10T12:00:00Z") { application in
            let more = """
                ,"eventSubtype":"gpt-4o-mini","projectId":"p1","sceneId":"s1","tokensUsed":321,\
                "durationMs":1500,"metadata":{"prompt":"A cat","hasImage":false}
                """
            let tracked = try await application.post(
                "/api/usage/track", Self.track("prompt", more))
            #expect(tracked["tracked"] == "true")
            #expect(tracked.texts("moved") == ["prompts", "tokens"])
            let failed = try await application.post(
                "/api/usage/track",
                """
                {"user_id":"u1","usage_type":"export","event_subtype":"mp4","status":"failed",\
                "error_message":"boom","duration_ms":9}
                """)
            #expect(failed.texts("moved") == [])
            let stats = try await application.get("/api/usage/stats?userId=u1&days=30")
            #expect(
                stats[["daily.2026-03-10.prompt", "totals.prompt", "totals.tokens"]]
                    == "1 1 321")
            #expect(stats["totals.export"] == nil)
            #expect(
                stats[[
                    "recentEvents[1].userId", "recentEvents[1].eventType",
                    "recentEvents[1].eventSubtype", "recentEvents[1].projectId",
                    "recentEvents[1].sceneId", "recentEvents[1].tokensUsed",
                    "recentEvents[1].durationMs", "recentEvents[1].status",
                    "recentEvents[1].metadata.prompt", "recentEvents[1].createdAt",
                ]] == "u1 prompt gpt-4o-mini p1 s1 321 1500 success A cat 2026-03-10T12:00:00.000Z")
            #expect(
                stats[[
                    "recentEvents[0].status", "recentEvents[0].errorMessage",
                    "recentEvents[0].eventSubtype",
                ]] == "failed boom mp4")
            // A type that is spelt as its meter is told.
            let typo = try await application.post("/api/usage/track", Self.track("promts"))
            #expect(typo.texts("moved") == [])
            #expect(typo["suggestion"]?.contains("'prompt'") == true)
            let plural = try await application.post(
                "/v1/events", #"{"subject":"u1","type":"exports"}"#)
            #expect(plural["results[0].suggestion"]?.contains("'export'") == true)
            try await application.expectClean()
        }
    }

    @Test(
        arguments: [
            ("generate_scene", "prompts_daily", 10), ("export_video", "exports_daily", 3),
            ("create_project", "projects_total", 5), ("web_search", "web_agent_daily", 5),
            ("api_call", "api_calls_hourly", 60),
        ])
    func `an action is allowed up to its limit and refused with the document's words`(
        action: String, limit: String, allowed: Int
    ) async throws {
        try await ApplicationServer.run(.videoStudio, at: "2026-03-10T12:00:00Z") { application in
            for used in 0..<allowed {
                let check = try await application.post(
                    "/api/usage/action", Self.action(action))
                #expect(check[["allowed", "current"]] == "true \(used)")
                let event = #"{"subject":"u1","type":"\#(action)"}"#
                #expect(try await application.consume(1, event) == "200 × 1")
            }
            let state = try await application.get(
                "/api/usage/limit?userId=u1&limitType=\(limit)")
            #expect(state[["allowed", "current", "limit"]] == "false \(allowed) \(allowed)")
            let refused = try await application.post("/api/usage/action", Self.action(action))
            #expect(refused.isProblem(429, "limit_exceeded"))
            let reset = state["resetAt"] ?? "null"
            #expect(
                refused["message"] == "You've reached your \(limit) limit (\(allowed)/\(allowed))."
                    + (reset == "null" ? "" : " Resets at \(reset)."))
            #expect(refused["message"] == refused["detail"])
            #expect(
                refused[["cause.limitType", "cause.current", "cause.limit", "cause.resetAt"]]
                    == "\(limit) \(allowed) \(allowed) \(reset)")
            // Told, and no error, where the caller asks for that.
            let told = try await application.post(
                "/api/usage/action",
                #"{"userId":"u1","action":"\#(action)","throwOnExceed":false}"#)
            #expect(told[["allowed", "limitType"]] == "false \(limit)")
        }
    }

    @Test func `what has no limit is allowed, and a limit that is not there as well`()
        async throws
    {
        try await ApplicationServer.run(.videoStudio, at: "2026-03-10T12:00:00Z") { application in
            let fly = try await application.post("/api/usage/action", Self.action("fly"))
            #expect(fly[["allowed", "limitType", "limit"]] == "true null -1")
            let none = try await application.get(
                "/api/usage/limit?userId=u1&limitType=flights_daily")
            #expect(
                none[["allowed", "current", "limit", "resetAt", "configured"]]
                    == "true 0 -1 null false")
            _ = try await application.patch("/v1/limits/exports_daily", #"{"active":false}"#)
            let off = try await application.get(
                "/api/usage/limit?userId=u1&limitType=exports_daily")
            #expect(off[["allowed", "limit", "configured"]] == "true -1 false")
        }
    }

    @Test func `a limit allows nothing to who is blocked, or whose team has reached it`()
        async throws
    {
        try await ApplicationServer.run(.videoStudio, at: "2026-03-10T12:00:00Z") { application in
            for user in ["u1", "u2"] {
                _ = try await application.put("/v1/subjects/\(user)", #"{"parent":"studio"}"#)
            }
            let export = #"{"subject":"u2","type":"export"}"#
            #expect(try await application.consume(3, export) == "200 × 3")
            let limit = "/api/usage/limit?userId=u1&limitType="
            #expect(
                try await application.get(limit + "exports_daily")[["allowed", "current", "limit"]]
                    == "false 0 3")
            let monthly = try await application.get(limit + "exports_monthly")
            #expect(monthly[["allowed", "current", "limit"]] == "true 0 10")
            _ = try await application.patch("/v1/subjects/u1", #"{"parent":null,"blocked":true}"#)
            let limits = try await application.get("/api/usage/limits?userId=u1")
            #expect(
                limits[["limits.exports_daily.allowed", "exports.allowed", "exports.current"]]
                    == "false false 0")
            _ = try await application.patch("/v1/subjects/u1", #"{"blocked":false}"#)
            let free = try await application.get("/api/usage/limits?userId=u1")
            #expect(free[["limits.exports_daily.allowed", "exports.allowed"]] == "true true")
            _ = try await application.patch("/v1/subjects/u1", #"{"blocked":true}"#)
            let asked = try await application.post(
                "/api/usage/action",
                #"{"userId":"u1","action":"export_video","throwOnExceed":false}"#)
            #expect(asked["allowed"] == "false", "\(asked)")
        }
    }

    @Test func `the hook has the tier and where prompts and exports stand`() async throws {
        try await ApplicationServer.run(.videoStudio, at: "2026-03-10T12:00:00Z") { application in
            #expect(
                try await application.consume(4, #"{"subject":"u1","type":"export"}"#)
                    == "200 × 3, 429 × 1")
            let free = try await application.get("/api/usage/limits?userId=u1")
            #expect(
                free[[
                    "tier", "prompts.allowed", "prompts.current", "prompts.limit",
                    "prompts.resetAt", "exports.allowed", "exports.current", "exports.limit",
                    "limits.exports_monthly.limit",
                ]] == "free true 0 10 2026-03-11T00:00:00.000Z false 3 3 10")
            _ = try await application.put(
                "/v1/subjects/u1/subscription",
                """
                {"plan":"team","externalIds":{"stripe_customer_id":"cus_1",\
                "stripe_subscription_id":"sub_1"}}
                """)
            let team = try await application.get("/api/usage/limits?userId=u1")
            #expect(
                team[["tier", "exports.allowed", "exports.limit", "prompts.limit"]]
                    == "team true -1 -1")
            let kept = try await application.patch(
                "/v1/subjects/u1/subscription", #"{"status":"past_due"}"#)
            #expect(
                kept[["plan", "status", "externalIds.stripe_customer_id"]]
                    == "team pastDue cus_1")
        }
    }

    @Test func `a day at the limits, an upgrade, a month that turns`() async throws {
        try await ApplicationServer.run(.videoStudio, at: "2026-03-28T12:00:00Z") { application in
            let export = #"{"subject":"u1","type":"export"}"#
            let days = """
                SELECT usage_date, count FROM user_usage
                WHERE user_id = 'u1' AND usage_type = 'export' ORDER BY usage_date
                """
            var used: [String] = []
            for day in 28...30 {
                application.at("2026-03-\(day)T12:00:00Z")
                #expect(try await application.consume(4, export) == "200 × 3, 429 × 1")
                used.append("2026-03-\(day) 3")
                #expect(try await application.rows(days) == used)
                let shown = try await application.get("/api/usage/limits?userId=u1")
                #expect(
                    shown[["exports.allowed", "exports.current", "exports.limit"]] == "false 3 3")
                let stats = try await application.get("/api/usage/stats?userId=u1&days=30")
                #expect(stats["daily.2026-03-\(day).export"] == "3")
                #expect(stats["totals.export"] == String(used.count * 3))
            }
            application.at("2026-03-31T12:00:00Z")
            // Nine this month: one more, whatever the day allows.
            #expect(try await application.consume(2, export) == "200 × 1, 429 × 1")
            let full = try await application.get("/api/usage/limits?userId=u1")
            #expect(
                full[["exports.allowed", "exports.current", "limits.exports_daily.allowed"]]
                    == "false 1 true")
            let refused = try await application.post("/v1/consume", export)
            #expect(refused.texts("violated") == ["exports_monthly"])
            #expect(refused.texts("plansThatAllow") == ["pro", "team", "enterprise"])
            #expect(try await application.rows(days) == used + ["2026-03-31 1"])
            _ = try await application.put(
                "/v1/subjects/u1/subscription", #"{"plan":"pro"}"#)
            #expect(try await application.consume(20, export) == "200 × 19, 429 × 1")
            #expect(try await application.rows(days) == used + ["2026-03-31 20"])
            #expect(
                try await application.rows("SELECT user_id, tier FROM user_subscriptions")
                    == ["u1 pro"])
            #expect(
                try await application.rows(
                    """
                    SELECT free_tier_limit, pro_tier_limit, team_tier_limit
                    FROM usage_limits_config WHERE limit_type = 'exports_daily'
                    """) == ["3 20 -1"])
            application.at("2026-04-01T00:00:00Z")
            let limits = try await application.get("/api/usage/limits?userId=u1")
            #expect(
                limits[[
                    "limits.exports_daily.current", "limits.exports_daily.limit",
                    "limits.exports_monthly.current", "limits.exports_monthly.limit",
                ]] == "0 20 0 200")
            let history = try await application.get(
                "/v1/subjects/u1/usage?meter=exports&window=day&from=2026-03-28T00:00:00Z"
                    + "&until=2026-04-01T00:00:00Z")
            #expect(history.items("points", "quantity") == ["3", "3", "3", "20"])
            let months = try await application.get("/v1/subjects/u1/periods?count=2")
            #expect(
                months[["periods[0].quantities.exports", "periods[1].quantities.exports"]]
                    == "0 29")
            #expect(try await application.rows(days) == used + ["2026-03-31 20"])
            try await application.expectClean()
        }
    }

    @Test func `one render at a time, and what is stored`() async throws {
        try await ApplicationServer.run(.videoStudio, at: "2026-03-10T12:00:00Z") { application in
            let render = #"{"id":"r1","subject":"u1","type":"render"}"#
            #expect(
                try await application.post("/api/usage/action", Self.action("render"))[
                    "allowed"] == "true")
            #expect(try await application.post("/v1/reservations", render).status == 200)
            let second = try await application.post(
                "/v1/reservations", #"{"id":"r2","subject":"u1","type":"render"}"#)
            #expect(second.isProblem(429, "limit_exceeded"))
            #expect(
                try await application.post("/api/usage/action", Self.action("render")).status
                    == 429)
            let failed = try await application.post(
                "/v1/reservations/r1/settle",
                #"{"status":"failed","durationMs":1234,"errorMessage":"boom"}"#)
            #expect(failed.status == 200)
            #expect(
                try await application.post(
                    "/v1/reservations", #"{"id":"r3","subject":"u1","type":"render"}"#
                ).status == 200)
            for (megabytes, status) in [(400, 200), (501, 429), (500, 200)] {
                let body = #"{"subject":"u1","meter":"storage_mb","quantity":\#(megabytes)}"#
                #expect(try await application.post("/v1/consume", body).status == status)
            }
            try await application.expectClean()
        }
    }

    @Test func `credits are refilled each day, spent, and given back once`() async throws {
        var options = StoreOptions()
        options.creditOverrides = CreditOverrides(isEnabled: true)
        try await ApplicationServer.run(.videoStudio, at: "2026-03-10T12:00:00Z", store: options) {
            application in
            let path = "/v1/subjects/u1/credits"
            let prompt = #"{"id":"p1","subject":"u1","type":"prompt"}"#
            let spent = try await application.post("/v1/consume", prompt)
            #expect(spent[["credits.amount", "credits.balance"]] == "10 90")
            let export = #"{"subject":"u1","type":"export"}"#
            let more = try await application.post("/v1/consume", export)
            #expect(more[["credits.amount", "credits.balance"]] == "50 40")
            let short = try await application.post("/v1/consume", export)
            #expect(short.isProblem(402, "insufficient_credits"))
            #expect(
                short[["credits.amount", "credits.balance", "nextRefillAt"]]
                    == "50 40 2026-03-11T00:00:00.000Z")
            let wallet = try await application.get(path)
            #expect(
                wallet[["balance", "lifetimeEarned", "lifetimeSpent"]] == "40 100 60")
            let refunded = try await application.post(
                path + "/refunds", #"{"reference":"p1","reason":"slow"}"#)
            #expect(refunded[["amount", "balance"]] == "10 50")
            let twice = try await application.post(
                path + "/refunds", #"{"reference":"p1","reason":"slow"}"#)
            #expect(twice.status == 409)
            let entries = try await application.get(path + "/entries")
            #expect(entries.items("entries", "amount") == ["10", "-50", "-10", "100"])
            #expect(
                entries.items("entries", "kind") == ["refund", "spend", "spend", "grant"])
            let wallets = "SELECT balance, lifetime_earned, lifetime_spent FROM user_credits"
            #expect(try await application.rows(wallets) == ["50 100 50"])
            #expect(
                try await application.rows(
                    """
                    SELECT amount, balance_after, transaction_type FROM credit_transactions
                    ORDER BY id
                    """) == [
                        "100 100 daily_refill", "-10 90 usage", "-50 40 usage", "10 50 refund",
                    ])
            // Midnight brings the next day's, and takes what was left.
            application.at("2026-03-11T00:00:00Z")
            #expect(try await application.get(path)["balance"] == "100")
            try await application.expectClean()
        }
    }

    @Test func `analytics count everybody, each step by itself and registered users`()
        async throws
    {
        try await ApplicationServer.run(.videoStudio, at: "2026-03-10T12:00:00Z") { application in
            // Registered, and nothing more.
            for user in ["r1", "r2"] {
                #expect(try await application.put("/v1/subjects/\(user)", "{}").status == 201)
            }
            // Either spelling of a project.
            for (user, type) in [
                ("a", "project_create"), ("b", "create_project"), ("a", "prompt"),
                ("c", "generate_scene"), ("d", "prompt"), ("d", "prompt"), ("e", "export"),
            ] {
                let body = Self.track(type, of: user)
                #expect(try await application.post("/api/usage/track", body).status == 200)
            }
            let funnel = try await application.get("/api/usage/funnel?days=30")
            #expect(
                funnel[["registered", "createdProject", "generatedScene", "exportedVideo"]]
                    == "7 2 3 1")
            let each = try await application.get(
                "/v1/analytics/funnel?types=prompt,export&independent=true")
            #expect(each.items("rows", "subjects") == ["2", "1"])
            let top = try await application.get("/api/usage/top?usageType=prompt&days=30")
            #expect(top.items("users", "userId") == ["d", "a", "c"])
            #expect(top.items("users", "totalUsage") == ["2", "1", "1"])
            #expect(top["users[0].lastUsed"] == "2026-03-10T12:00:00.000Z")
            let typo = try await application.get("/api/usage/top?usageType=promt")
            #expect(typo.isProblem(422, "unknown_type", field: "usageType"))
            let trends = try await application.get("/api/usage/trends?days=30")
            #expect(trends.items("trends", "usageType") == ["export", "project_create", "prompt"])
            #expect(trends.items("trends", "totalCount") == ["1", "2", "4"])
            #expect(trends.items("trends", "uniqueUsers") == ["1", "2", "3"])
            #expect(trends["trends[0].date"] == "2026-03-10")

            // Ten are too few to be told, eleven are not.
            for number in 1...11 {
                let status = number == 1 ? #","status":"failed""# : ""
                for type in number < 11 ? ["ten", "eleven"] : ["eleven"] {
                    let body = Self.track(
                        type, of: "f", #","eventSubtype":"x","durationMs":100"# + status)
                    #expect(try await application.post("/api/usage/track", body).status == 200)
                }
            }
            let errors = try await application.get("/api/usage/errors?days=7")
            #expect(
                errors[[
                    "errors[0].eventType", "errors[0].eventSubtype", "errors[0].totalEvents",
                    "errors[0].failedEvents", "errors[0].errorRate", "errors[0].avgDurationMs",
                ]] == "eleven x 11 1 9.09 100")
            #expect(errors.items("errors", "eventType") == ["eleven"])
        }
    }

    @Test func `what the environment says of a limit is told where the limit is`() async throws {
        var options = StoreOptions()
        options.allowanceOverrides = ["PROMPTS_DAILY_FREE": .units(2)]
        try await ApplicationServer.run(.videoStudio, at: "2026-03-10T12:00:00Z", store: options) {
            application in
            #expect(
                try await application.consume(3, #"{"subject":"u1","type":"prompt"}"#)
                    == "200 × 2, 429 × 1")
            let put = try await application.patch(
                "/v1/limits/prompts_daily", #"{"allowances":{"free":20}}"#)
            #expect(put["allowances.free"] == "20" && put["effectiveAllowances.free"] == "2")
            #expect(put.texts("overriddenBy") == ["USAGE_LIMIT_PROMPTS_DAILY_FREE"])
        }
    }

    @Test func `while tracking is off everything is answered and nothing recorded`()
        async throws
    {
        var options = StoreOptions()
        options.isTrackingEnabled = false
        try await ApplicationServer.run(.videoStudio, at: "2026-03-10T12:00:00Z", store: options) {
            application in
            #expect(
                try await application.consume(11, #"{"subject":"u1","type":"prompt"}"#)
                    == "200 × 11")
            let events = try await application.post(
                "/v1/events", #"{"subject":"u1","type":"prompt"}"#)
            #expect(events[["counted", "notRecorded"]] == "0 1")
            let tracked = try await application.post(
                "/api/usage/track", Self.track("prompt"))
            #expect(tracked[["tracked", "eventId"]] == "false null")
            let usage = try await application.post(
                "/v1/subjects/u1/usage", #"{"prompts":1}"#)
            #expect(usage[["counted", "eventId"]] == "false null")
            let state = try await application.get(
                "/api/usage/limit?userId=u1&limitType=prompts_daily")
            #expect(state[["allowed", "current"]] == "true 0")
        }
    }

    @Test func `analytics that are switched off are refused, and the rest is answered`()
        async throws
    {
        try await ApplicationServer.run(
            .videoStudio, at: "2026-03-10T12:00:00Z", isAnalyticsEnabled: false
        ) { application in
            for path in ["/api/usage/top?usageType=prompt", "/api/usage/funnel"] {
                let refused = try await application.get(path)
                #expect(refused.isProblem(403, "analytics_disabled"))
            }
            let limits = try await application.get("/api/usage/limits?userId=u1")
            #expect(limits.status == 200)
        }
    }
}
