import MeterstoneCore
import Testing

/// Documents of days and months, with the names, fields and queries of applications that kept them.
@Suite struct DocumentRouteTests {
    static let tokens = MeterKey(unchecked: "tokens")
    private static let daily = "/v1/documents/daily_token_usage"
    private static let monthly = "/v1/documents/token_usage_history"

    private static let blueprint = Blueprint(
        meters: [Meter(key: tokens), Meter(key: TestServer.prompts)],
        plans: [
            Plan(key: PlanKey(unchecked: "trial"), isDefault: true),
            Plan(key: PlanKey(unchecked: "subscribed"), rank: 1),
        ],
        limits: [
            Limit(
                key: LimitKey(unchecked: "tokens_daily"), meter: tokens, window: .day,
                allowances: [PlanKey(unchecked: "trial"): .units(10_000)])
        ])

    private static func run(_ work: @Sendable (TestServer) async throws -> Void) async throws {
        try await TestServer.run(blueprint: blueprint) { server in
            let usage = [
                ("a_b", "2026-03-09T10:00:00Z", 850), ("a_b", "2026-03-04T10:00:00Z", 2_100),
                ("a_b", "2026-02-01T10:00:00Z", 1), ("c", "2026-03-09T11:00:00Z", 1_250),
            ]
            for (user, instant, tokens) in usage {
                let body = #"{"occurredAt":"\#(instant)","quantities":{"tokens":\#(tokens)}}"#
                let answer = try await server.post("/v1/subjects/\(user)/usage", body)
                #expect(answer.status == 200)
            }
            try await work(server)
        }
    }

    @Test func `a day has the fields of its document`() async throws {
        try await Self.run { server in
            #expect(
                try await server.get(Self.daily + "/c_2026-03-09").text == """
                    {"userId":"c","date":"2026-03-09","tokensUsed":1250,"tokenLimit":10000,\
                    "userType":"trial","lastUpdated":"2026-03-10T12:00:00.000Z",\
                    "resetAt":"2026-03-10T00:00:00.000Z"}
                    """)
            let empty = try await server.get(Self.daily + "/c_2026-03-10")
            #expect(empty.number("tokensUsed") == 0 && empty.text("lastUpdated") == nil)
            #expect(empty.text.contains(#""lastUpdated":null"#))
            let other = try await server.get(Self.daily + "/c_2026-03-09?meter=prompts")
            #expect(other.number("tokensUsed") == 0 && other.number("tokenLimit") == -1)
            let unknown = try await server.get(Self.daily + "/nobody_2026-03-09")
            #expect(unknown.isProblem(404, "unknown_subject"))
            let meter = try await server.get(Self.daily + "/c_2026-03-09?meter=nope")
            #expect(meter.isProblem(422, "unknown_meter", field: "meter"))
        }
    }

    @Test func `a month has the fields of its document`() async throws {
        try await Self.run { server in
            #expect(
                try await server.get(Self.monthly + "/a_b_2026_03").text == """
                    {"userId":"a_b","year":2026,"month":3,"dailyUsage":{"01":0,"02":0,"03":0,\
                    "04":2100,"05":0,"06":0,"07":0,"08":0,"09":850,"10":0},\
                    "totalMonthlyTokens":2950,"averageDailyUsage":295,"peakUsageDate":"04",\
                    "peakUsageTokens":2100,"userType":"trial",\
                    "createdAt":"2026-03-01T00:00:00.000Z",\
                    "updatedAt":"2026-03-10T12:00:00.000Z"}
                    """)
            let future = try await server.get(Self.monthly + "/a_b_2026_12")
            #expect(future.text.contains(#""dailyUsage":{},"totalMonthlyTokens":0,"#))
            #expect(future.text.contains(#""averageDailyUsage":null,"peakUsageDate":null"#))
        }
    }

    @Test(arguments: [
        daily + "/c", daily + "/_2026-03-09", daily + "/c_2026-3-9", daily + "/c_2026-02-30",
        daily + "/c_1969-12-31", monthly + "/c_2026", monthly + "/c_2026_3",
        monthly + "/c_2026_13", monthly + "/_2026_03", monthly + "/c_9999_01",
    ])
    func `a name of another form is refused`(path: String) async throws {
        try await Self.run { server in
            let answer = try await server.get(path)
            #expect(answer.isProblem(422, "invalid_field", field: "document"), "\(answer.text)")
        }
    }

    static let queries: [(query: String, field: String, values: [String])] = [
        (daily + "?userId=a_b", "date", ["2026-03-09", "2026-03-04", "2026-02-01"]),
        (daily + "?userId=a_b&orderBy=date&limit=1", "date", ["2026-03-09"]),
        (
            daily + "?userId=a_b&orderBy=lastUpdated&count=3", "date",
            ["2026-03-09", "2026-03-04", "2026-02-01"]
        ),
        (daily + "?userType=trial&date=2026-03-09", "userId", ["c", "a_b"]),
        (daily + "?userType=subscribed&date=2026-03-09", "userId", []),
        (daily + "?date=2026-03-09&orderBy=tokensUsed", "userId", ["c", "a_b"]),
        (daily + "?userId=nobody", "userId", []),
        (daily + "?userId=a_b&from=2026-03-01&until=2026-03-09", "date", ["2026-03-04"]),
        (daily + "?userId=a_b&userType=subscribed", "date", []),
        (daily + "?userType=trial", "userId", ["c", "a_b", "a_b", "a_b"]),
        (
            daily + "?userType=trial&orderBy=date", "date",
            ["2026-03-09", "2026-03-09", "2026-03-04", "2026-02-01"]
        ),
        (daily + "?from=2026-02-01&until=2026-03-05", "tokensUsed", ["2100", "1"]),
        (daily, "tokensUsed", ["1250", "850", "2100", "1"]),
        (monthly + "?userType=trial&year=2026", "totalMonthlyTokens", ["2950", "1250", "1"]),
        (monthly + "?year=2026&orderBy=month", "month", ["3", "3", "2"]),
        (monthly + "?userType=trial", "userId", ["a_b", "c", "a_b"]),
        (monthly + "?from=2025-12&until=2026-03", "totalMonthlyTokens", ["1"]),
        (monthly + "?userId=a_b&year=2026&month=2", "month", ["2"]),
        (monthly + "?year=2025", "userId", []),
        (monthly + "?userId=a_b", "month", ["3", "2"]),
        (monthly + "?userId=a_b&orderBy=updatedAt", "month", ["3", "2"]),
        (monthly + "?userType=trial&year=2026&month=3", "userId", ["a_b", "c"]),
        (
            monthly + "?year=2026&month=03&orderBy=totalMonthlyTokens", "totalMonthlyTokens",
            ["2950", "1250"]
        ),
    ]

    @Test(arguments: queries.indices)
    func `documents are listed by each of the queries`(index: Int) async throws {
        let (query, field, values) = Self.queries[index]
        try await Self.run { server in
            let answer = try await server.get(query)
            #expect(answer.items("documents", field) == values, "\(query): \(answer.text)")
        }
    }

    @Test func `a list goes on where the page before ended`() async throws {
        try await Self.run { server in
            for path in [
                Self.daily + "?userId=a_b", Self.daily + "?date=2026-03-09",
                Self.monthly + "?userId=a_b", Self.monthly + "?year=2026&month=3",
            ] {
                let whole = try await server.get(path)
                let first = try await server.get(path + "&limit=1")
                let cursor = try #require(first.text("nextCursor"))
                let second = try await server.get(path + "&limit=9&cursor=\(cursor)")
                let used = path.hasPrefix(Self.daily) ? "tokensUsed" : "totalMonthlyTokens"
                let parts = first.items("documents", used) + second.items("documents", used)
                #expect(parts == whole.items("documents", used) && parts.count > 1)
                #expect(second.text("nextCursor") == nil)
                let other = try await server.get("\(Self.daily)?userType=trial&date=2026-03-09")
                #expect(other.status == 200)
                let stray = "\(Self.daily)?userType=trial&date=2026-03-09&cursor=\(cursor)"
                let wrong = try await server.get(stray)
                #expect(wrong.isProblem(422, "invalid_field", field: "cursor"))
            }
        }
    }

    static let mistakes: [(query: String, code: String, field: String)] = [
        (daily + "?date=2026-3-9", "invalid_field", "date"),
        (daily + "?date=2026-03-09&orderBy=date", "invalid_field", "orderBy"),
        (daily + "?userId=c&orderBy=tokensUsed", "invalid_field", "orderBy"),
        (daily + "?orderBy=tokensUsed", "invalid_field", "orderBy"),
        (daily + "?date=2026-03-09&from=2026-03-09", "invalid_field", "from"),
        (daily + "?from=2026-03-09&until=2026-03-09", "invalid_field", "until"),
        (daily + "?until=1970-01-01", "invalid_field", "until"),
        (daily + "?userType=a%20b", "invalid_field", "userType"),
        (daily + "?userId=c&limit=0", "invalid_field", "limit"),
        (daily + "?userId=c&limit=1&count=1", "invalid_field", "limit"),
        (daily + "?userId=c&year=2026", "unknown_field", "year"),
        (monthly + "?month=3", "missing_field", "year"),
        (monthly + "?from=2026-3", "invalid_field", "from"),
        (monthly + "?year=2026&until=2026-03", "invalid_field", "until"),
        (monthly + "?year=26&month=1", "invalid_field", "year"),
        (monthly + "?year=2026&month=0", "invalid_field", "month"),
        (monthly + "?userId=c&month=1", "missing_field", "year"),
        (monthly + "?userId=c&cursor=x", "invalid_field", "cursor"),
        (monthly + "?userId=c&meter=nope", "unknown_meter", "meter"),
    ]

    @Test(arguments: mistakes.indices)
    func `a query of another kind names its field`(index: Int) async throws {
        let (query, code, field) = Self.mistakes[index]
        try await Self.run { server in
            let answer = try await server.get(query)
            #expect(answer.isProblem(422, code, field: field), "\(query): \(answer.text)")
        }
    }

    @Test func `without a meter tokens, a list of several names the field`() async throws {
        try await TestServer.run { server in
            _ = try await server.post("/v1/subjects/c/usage", #"{"prompts":1}"#)
            for path in [Self.daily + "/c_2026-03-10", Self.daily + "?date=2026-03-10"] {
                let answer = try await server.get(path)
                #expect(answer.isProblem(422, "missing_field", field: "meter"))
            }
            let named = try await server.get(Self.daily + "/c_2026-03-10?meter=prompts")
            #expect(named.number("tokensUsed") == 1 && named.number("tokenLimit") == 10)
        }
    }
}
