import MeterstoneBlueprint
import MeterstoneCore
import Testing

/// The token allowance: 10,000 tokens a day while somebody tries it, documents of days and months.
@Suite struct TokenAllowanceApplicationTests {
    private static let daily = "/v1/documents/daily_token_usage"
    private static let monthly = "/v1/documents/token_usage_history"

    private static func tokens(_ count: Int, of user: String) -> String {
        #"{"subject":"\#(user)","quantities":{"tokens":\#(count)}}"#
    }

    /// The days of a user in the mirror.
    private static func days(of user: String) -> String {
        """
        SELECT "date", "tokensUsed", "tokenLimit", "userType" FROM daily_token_usage
        WHERE "userId" = '\(user)' ORDER BY "date"
        """
    }

    @Test func `the document's example of a day, value by value`() async throws {
        try await ApplicationServer.run(.tokenAllowance, at: "2024-01-15T14:30:00Z") {
            application in
            let name = Self.daily + "/abc123def456_2024-01-15"
            // Before the first message there is a document already.
            let new = try await application.get(name)
            #expect(
                new[["userId", "date", "tokensUsed", "tokenLimit", "userType", "lastUpdated"]]
                    == "abc123def456 2024-01-15 0 10000 trial null")
            #expect(
                try await application.consume(1, Self.tokens(1_250, of: "abc123def456"))
                    == "200 × 1")
            #expect(
                try await application.get(name).text == """
                    {"userId":"abc123def456","date":"2024-01-15","tokensUsed":1250,\
                    "tokenLimit":10000,"userType":"trial",\
                    "lastUpdated":"2024-01-15T14:30:00.000Z",\
                    "resetAt":"2024-01-16T00:00:00.000Z"}
                    """)
            #expect(
                try await application.rows(
                    """
                    SELECT id, "tokensUsed", "tokenLimit", "userType", "lastUpdated", "resetAt"
                    FROM daily_token_usage
                    """) == [
                        "abc123def456_2024-01-15 1250 10000 trial 2024-01-15 14:30:00.000 "
                            + "2024-01-16 00:00:00.000"
                    ])
        }
    }

    @Test func `the document's example of a month, value by value`() async throws {
        try await ApplicationServer.run(.tokenAllowance, at: "2024-01-01T10:00:00Z") {
            application in
            for (day, tokens) in [(1, 850), (2, 1_200), (4, 2_100), (5, 1_750)] {
                application.at("2024-01-0\(day)T23:59:59Z")
                let body = Self.tokens(tokens, of: "abc123def456")
                #expect(try await application.consume(1, body) == "200 × 1")
            }
            #expect(
                try await application.get(Self.monthly + "/abc123def456_2024_01").text == """
                    {"userId":"abc123def456","year":2024,"month":1,\
                    "dailyUsage":{"01":850,"02":1200,"03":0,"04":2100,"05":1750},\
                    "totalMonthlyTokens":5900,"averageDailyUsage":1180,"peakUsageDate":"04",\
                    "peakUsageTokens":2100,"userType":"trial",\
                    "createdAt":"2024-01-01T00:00:00.000Z",\
                    "updatedAt":"2024-01-05T23:59:59.000Z"}
                    """)
            let months = """
                SELECT id, "totalMonthlyTokens", "peakUsageDate", "peakUsageTokens"
                FROM token_usage_history ORDER BY id
                """
            #expect(
                try await application.rows(months) == ["abc123def456_2024_01 5900 04 2100"])
            // The last three months of a user, and everybody's of a month by type.
            application.at("2024-02-02T10:00:00Z")
            _ = try await application.consume(1, Self.tokens(10, of: "abc123def456"))
            #expect(
                try await application.rows(months) == [
                    "abc123def456_2024_01 5900 04 2100", "abc123def456_2024_02 10 02 10",
                ])
            let last = try await application.get(Self.monthly + "?userId=abc123def456&limit=3")
            #expect(last.items("documents", "month") == ["2", "1"])
            let trial = try await application.get(
                Self.monthly + "?userType=trial&year=2024&month=1")
            #expect(trial.items("documents", "totalMonthlyTokens") == ["5900"])
            let all = try await application.get(Self.monthly + "?year=2024")
            #expect(all.items("documents", "totalMonthlyTokens") == ["10", "5900"])
            try await application.expectClean()
        }
    }

    @Test func `ten thousand a day, and a new day begins with nothing used`() async throws {
        try await ApplicationServer.run(.tokenAllowance, at: "2024-01-15T23:59:50Z") {
            application in
            #expect(
                try await application.consume(1, Self.tokens(10_000, of: "ann")) == "200 × 1")
            let refused = try await application.post("/v1/consume", Self.tokens(1, of: "ann"))
            #expect(refused.isProblem(429, "limit_exceeded"))
            #expect(
                refused[["retryAfterSeconds", "limits[0].used", "limits[0].allowance"]]
                    == "10 10000 10000")
            #expect(refused.texts("plansThatAllow") == ["subscribed"])
            let full = "2024-01-15 10000 10000 trial"
            #expect(try await application.rows(Self.days(of: "ann")) == [full])
            application.at("2024-01-16T00:00:01Z")
            #expect(try await application.consume(1, Self.tokens(1, of: "ann")) == "200 × 1")
            let days = try await application.get(Self.daily + "?userId=ann")
            #expect(days.items("documents", "date") == ["2024-01-16", "2024-01-15"])
            #expect(days.items("documents", "tokensUsed") == ["1", "10000"])
            #expect(
                try await application.rows(Self.days(of: "ann"))
                    == [full, "2024-01-16 1 10000 trial"])
            // Who subscribes has more at once.
            _ = try await application.put(
                "/v1/subjects/ann/subscription", #"{"plan":"subscribed"}"#)
            #expect(
                try await application.consume(1, Self.tokens(50_000, of: "ann")) == "200 × 1")
            let today = try await application.get(Self.daily + "/ann_2024-01-16")
            #expect(
                today[["tokensUsed", "tokenLimit", "userType"]] == "50001 100000 subscribed")
            #expect(
                try await application.rows(Self.days(of: "ann"))
                    == [full, "2024-01-16 50001 100000 subscribed"])
            // The month turns.
            application.at("2024-02-01T00:00:00Z")
            #expect(try await application.consume(1, Self.tokens(7, of: "ann")) == "200 × 1")
            #expect(
                try await application.rows(
                    """
                    SELECT "month", "totalMonthlyTokens" FROM token_usage_history
                    WHERE "userId" = 'ann' ORDER BY "month"
                    """) == ["1 60001", "2 7"])
            let statistics = try await application.get("/v1/subjects/ann/statistics?days=20")
            #expect(
                statistics[["daily.2024-01-15.tokens", "daily.2024-02-01.tokens"]] == "10000 7")
        }
    }

    @Test func `a past day keeps the limit that it had`() async throws {
        try await ApplicationServer.run(.tokenAllowance, at: "2024-01-05T12:00:00Z") {
            application in
            _ = try await application.consume(1, Self.tokens(5, of: "lim"))
            application.at("2024-02-10T12:00:00Z")
            _ = try await application.patch(
                "/v1/limits/tokens_daily", #"{"allowances":{"trial":20000}}"#)
            _ = try await application.consume(1, Self.tokens(5, of: "lim"))
            #expect(
                try await application.get(Self.daily + "/lim_2024-01-05")["tokenLimit"]
                    == "10000")
            #expect(
                try await application.get(Self.daily + "/lim_2024-02-10")["tokenLimit"]
                    == "20000")
        }
    }

    @Test func `everybody of a date is everybody of their own`() async throws {
        try await ApplicationServer.run(.tokenAllowance, at: "2026-11-28T12:00:00Z") {
            application in
            for (user, zone) in [("sp", "America/Sao_Paulo"), ("tk", "Asia/Tokyo")] {
                _ = try await application.put(
                    "/v1/subjects/\(user)", #"{"timeZone":"\#(zone)"}"#)
            }
            _ = try await application.consume(1, Self.tokens(5, of: "utc"))
            // Their 28th begins and ends at other times.
            application.at("2026-11-29T02:30:00Z")
            _ = try await application.consume(1, Self.tokens(9_000, of: "sp"))
            application.at("2026-11-28T15:30:00Z")
            _ = try await application.consume(1, Self.tokens(77, of: "tk"))
            let day = try await application.get(Self.daily + "?date=2026-11-28")
            #expect(day.items("documents", "userId") == ["sp", "utc"])
            let next = try await application.get(Self.daily + "?date=2026-11-29")
            #expect(next.items("documents", "userId") == ["tk"])
            let trial = try await application.get(Self.daily + "?userType=trial")
            #expect(trial.items("documents", "userId") == ["tk", "sp", "utc"])
        }
    }

    @Test func `many messages come at once, and a repeat counts nothing`() async throws {
        try await ApplicationServer.run(.tokenAllowance, at: "2024-01-15T12:00:00Z") {
            application in
            let body = """
                {"events":[{"id":"m1","subject":"a","quantities":{"tokens":10}},
                {"id":"m2","subject":"b","quantities":{"tokensUsed":20}},
                {"id":"m1","subject":"a","quantities":{"tokens":10}}]}
                """
            let first = try await application.post("/v1/events", body)
            #expect(first[["counted", "duplicate"]] == "2 1")
            let again = try await application.post("/v1/events", body)
            #expect(again[["counted", "duplicate"]] == "0 3")
            let day = try await application.get(Self.daily + "?date=2024-01-15")
            #expect(day.items("documents", "tokensUsed") == ["20", "10"])
            let unusual = try await application.get(
                "/v1/analytics/unusual?meter=tokens&date=2024-01-15")
            #expect(unusual.status == 200)
            let active = try await application.get(
                "/v1/analytics/trends?meters=tokens&window=day&days=1")
            #expect(active.items("rows", "subjects") == ["2"])
            let hours = try await application.get(
                "/v1/analytics/trends?meters=tokens&window=hour&days=1")
            #expect(hours.items("rows", "quantity").contains("30"))
            // Nobody writes a document.
            let written = try await application.put(Self.daily + "/a_2024-01-15", "{}")
            #expect(written.status == 405)
            try await application.expectClean()
        }
    }
}
