import MeterstoneBlueprint
import MeterstoneCore
import Testing

/// The chat builder: requests from start to end, plans with requests a day and a month, a dashboard.
@Suite struct ChatBuilderApplicationTests {
    private static let track = "/api/chat/track"
    private static let dashboard = "/api/user/dashboard"
    private static let user = "user-123"

    private static func start(_ id: String, category: String = "nft") -> String {
        """
        {"requestId":"\(id)","prompt":"Create an NFT contract","sessionId":"session-123",\
        "model":"gpt-4","requestType":"code_generation","category":"\(category)",\
        "complexity":"high"}
        """
    }

    private static func end(_ id: String, duration: Int = 2_500, rating: Int = 5) -> String {
        """
        {"requestId":"\(id)","status":"completed","response":"Generated contract code...",\
        "tokensUsed":1500,"cost":3,"duration":\(duration),"userRating":\(rating)}
        """
    }

    private func request(
        _ application: ApplicationServer, _ id: String, category: String = "nft",
        duration: Int = 2_500,
        rating: Int = 5
    ) async throws {
        let started = try await application.post(
            Self.track, Self.start(id, category: category), as: Self.user)
        #expect(started.status == 200)
        let ended = try await application.put(
            Self.track, Self.end(id, duration: duration, rating: rating), as: Self.user)
        #expect(ended.status == 200)
    }

    /// What the document's tables and the dashboard say of the user's requests, in that order.
    private func totals(_ application: ApplicationServer) async throws -> [String] {
        let shown = try await application.get(Self.dashboard, as: Self.user)
        return try await application.rows(
            """
            SELECT COUNT(*), SUM(tokens_used), SUM(cost) FROM chat_requests
            WHERE user_id = '\(Self.user)'
            """)
            + application.rows(
                """
                SELECT total_requests, total_tokens_used, total_cost FROM user_dashboard_data
                WHERE user_id = '\(Self.user)'
                """)
            + [
                shown[[
                    "metrics.totalRequests", "metrics.totalTokensUsed", "metrics.totalCost",
                ]]
            ]
    }

    @Test func `a request from its start to its end has every field of the document`()
        async throws
    {
        try await ApplicationServer.run(.chatBuilder, at: "2026-02-10T12:00:00Z") { application in
            let started = try await application.post(
                Self.track, Self.start("req-123"), as: Self.user)
            #expect(
                started[["requestId", "status", "startedAt"]]
                    == "req-123 pending 2026-02-10T12:00:00.000Z")
            // The same start again is the same request.
            let again = try await application.post(
                Self.track, Self.start("req-123"), as: Self.user)
            #expect(again.header("Idempotency-Replayed") == "true")
            application.at("2026-02-10T12:00:03Z")
            let ended = try await application.put(
                Self.track, Self.end("req-123"), as: Self.user)
            #expect(
                ended[[
                    "requestId", "userId", "sessionId", "prompt", "response", "model",
                    "tokensUsed", "cost", "duration", "status", "userRating", "requestType",
                    "category", "complexity", "startedAt", "completedAt",
                ]] == """
                    req-123 user-123 session-123 Create an NFT contract \
                    Generated contract code... gpt-4 1500 3 2500 completed 5 code_generation nft \
                    high 2026-02-10T12:00:00.000Z 2026-02-10T12:00:03.000Z
                    """)
            let failed = try await application.post(
                Self.track, Self.start("req-124"), as: Self.user)
            #expect(failed.status == 200)
            let told = try await application.put(
                Self.track,
                #"{"requestId":"req-124","status":"failed","errorMessage":"boom","duration":10}"#,
                as: Self.user)
            #expect(told[["status", "error"]] == "failed boom")
            let six = try await application.put(
                Self.track, #"{"requestId":"req-123","userRating":6}"#, as: Self.user)
            #expect(six.isProblem(422, "invalid_field", field: "userRating"))

            // By session, status, model and category; each with its rating.
            let path = "/v1/subjects/user-123/requests"
            for (filter, ids) in [
                ("sessionId=session-123", ["req-124", "req-123"]), ("sessionId=other", []),
                ("status=failed", ["req-124"]), ("status=completed", ["req-123"]),
                ("model=gpt-4&category=nft", ["req-124", "req-123"]), ("category=token", []),
            ] {
                let list = try await application.get("\(path)?\(filter)")
                #expect(list.items("requests", "requestId") == ids, "\(filter)")
            }
            let byCategory = try await application.get(
                "/v1/analytics/usage-by?meter=requests&by=category")
            #expect(byCategory.items("rows", "value") == ["nft"])
            let byType = try await application.get(
                "/v1/analytics/usage-by?meter=requests&by=dimension:requestType")
            #expect(byType.items("rows", "value") == ["code_generation"])
            try await application.expectClean()
        }
    }

    @Test func `the dashboard tells what the document shows`() async throws {
        try await ApplicationServer.run(.chatBuilder, at: "2026-02-09T12:00:00Z") { application in
            let profile = """
                {"plan":"pro","name":"Ann","metadata":{"email":"user@example.com",\
                "image":"a.png","githubId":"7"}}
                """
            #expect(try await application.put("/v1/subjects/user-123", profile).status == 201)
            try await request(application, "a1", category: "token", duration: 1_000, rating: 3)
            application.at("2026-02-10T12:00:00Z")
            try await request(application, "b1", duration: 2_000, rating: 4)
            try await request(application, "b2", duration: 3_000, rating: 5)
            #expect(
                try await application.post(Self.track, Self.start("b3"), as: Self.user).status
                    == 200)
            #expect(
                try await application.put(
                    Self.track, #"{"requestId":"b3","status":"failed","error":"no"}"#,
                    as: Self.user
                ).status == 200)
            let dashboard = try await application.get(Self.dashboard, as: Self.user)
            #expect(
                dashboard[[
                    "user.id", "user.email", "user.plan", "user.requestsUsed",
                    "user.requestsLimit",
                ]] == "user-123 user@example.com pro 3 1000")
            #expect(
                dashboard[[
                    "metrics.totalRequests", "metrics.totalTokensUsed", "metrics.totalCost",
                    "metrics.averageResponseTime", "metrics.requestsThisMonth",
                    "metrics.requestsToday",
                ]] == "4 4500 9 2000 3 2")
            #expect(
                dashboard[[
                    "limits.monthlyUsed", "limits.monthlyLimit", "limits.dailyUsed",
                    "limits.dailyLimit", "limits.canMakeRequest", "limits.planName",
                ]] == "3 1000 2 50 true pro")
            #expect(
                dashboard[[
                    "performance.averageResponseTime", "performance.successRate",
                    "performance.averageRating", "performance.totalRequests",
                ]] == "2000 0.75 4 4")
            #expect(
                dashboard[["requestsByCategory.nft", "requestsByCategory.token"]] == "3 1")
            #expect(dashboard.items("recentRequests", "requestId") == ["b3", "b2", "b1", "a1"])
            // As the document's JavaScript reads it, and calculated anew.
            #expect(dashboard["dashboard.metrics.totalRequests"] == "4")
            let again = try await application.post(Self.dashboard, "{}", as: Self.user)
            #expect(again["lastCalculatedAt"] == "2026-02-10T12:00:00.000Z")
            // The month turns.
            application.at("2026-03-01T00:00:00Z")
            #expect(
                try await application.rows(
                    """
                    SELECT total_requests, total_tokens_used, total_cost, average_response_time,
                        requests_by_category FROM user_dashboard_data
                    """) == [#"4 4500 9 2000 {"nft":3,"token":1}"#])
            #expect(
                try await application.rows(
                    "SELECT plan_name, daily_requests, monthly_requests FROM user_plans")
                    == ["pro 50 1000"])
            let march = try await application.get(Self.dashboard, as: Self.user)
            #expect(
                march[[
                    "metrics.totalRequests", "metrics.requestsThisMonth", "metrics.requestsToday",
                ]] == "4 0 0")
            try await application.expectClean()
        }
    }

    @Test func `fifty requests a day on pro, ten on free, and an upgrade helps at once`()
        async throws
    {
        try await ApplicationServer.run(.chatBuilder, at: "2026-02-10T12:00:00Z") { application in
            for number in 1...10 { try await request(application, "f\(number)") }
            let ten = "10 15000 30"
            #expect(try await totals(application) == [ten, ten, ten])
            let refused = try await application.post(
                Self.track, Self.start("f11"), as: Self.user)
            #expect(refused.isProblem(429, "limit_exceeded"))
            #expect(refused.texts("violated") == ["requests_daily"])
            let full = try await application.get(Self.dashboard, as: Self.user)
            #expect(full["limits.canMakeRequest"] == "false")
            #expect(try await totals(application) == [ten, ten, ten])

            let upgraded = try await application.put(
                "/v1/subjects/user-123/subscription",
                #"{"plan":"pro","expiresAt":"2026-02-10T18:00:00Z"}"#)
            #expect(upgraded.status == 201)
            for number in 11...50 { try await request(application, "f\(number)") }
            #expect(
                try await application.post(Self.track, Self.start("f51"), as: Self.user).status
                    == 429)
            let fifty = "50 75000 150"
            #expect(try await totals(application) == [fifty, fifty, fifty])
            // After it expires the user is on free again.
            application.at("2026-02-10T18:00:01Z")
            let expired = try await application.get(Self.dashboard, as: Self.user)
            #expect(
                expired[["user.plan", "limits.dailyUsed", "limits.dailyLimit"]] == "free 50 10")
            application.at("2026-02-11T00:00:00Z")
            let next = try await application.get(Self.dashboard, as: Self.user)
            #expect(
                next[["limits.dailyUsed", "limits.monthlyUsed", "limits.canMakeRequest"]]
                    == "0 50 true")
            #expect(try await totals(application) == [fifty, fifty, fifty])
            #expect(
                try await application.rows(
                    """
                    SELECT COUNT(DISTINCT request_id), SUM(was_successful), AVG(user_rating)
                    FROM request_analytics
                    """) == ["50 50 5.0"])
            // An account that is blocked makes none.
            _ = try await application.patch("/v1/subjects/user-123", #"{"blocked":true}"#)
            let blocked = try await application.post(
                Self.track, Self.start("g1"), as: Self.user)
            #expect(blocked.isProblem(403, "subject_blocked"))
            try await application.expectClean()
        }
    }

    @Test func `who changes the plan alone keeps the profile`() async throws {
        try await ApplicationServer.run(.chatBuilder, at: "2026-02-10T12:00:00Z") { application in
            _ = try await application.put(
                "/v1/subjects/user-123",
                #"{"plan":"pro","name":"Ann","metadata":{"email":"user@example.com"}}"#)
            let down = try await application.patch("/v1/subjects/user-123", #"{"plan":"free"}"#)
            #expect(
                down[["plan", "name", "metadata.email"]] == "free Ann user@example.com")
            let plans = try await application.get("/v1/plans")
            #expect(plans.items("plans", "key") == ["enterprise", "free", "pro"])
            let features = try await application.patch(
                "/v1/plans/pro", #"{"features":{"exports":true,"seats":3},"price":20000000}"#)
            #expect(
                features[["features.exports", "features.seats", "price", "billingPeriod"]]
                    == "true 3 20000000 month")
        }
    }
}
