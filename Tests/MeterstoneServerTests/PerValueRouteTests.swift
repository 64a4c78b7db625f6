import HTTPTypes
import Meterstone
import MeterstoneCore
import Testing

/// Limits per value and budgets of cost, over HTTP.
@Suite struct PerValueRouteTests {
    private static let limit = #"""
        {"meter":"prompts","window":"day","defaultAllowance":5,"per":"model",
         "values":{"large*":2,"small":{"allowances":{"pro":9},"defaultAllowance":8}},"valuesMax":2}
        """#

    private static func use(_ model: String, _ units: Int) -> String {
        #"{"subject":"u","meter":"prompts","quantity":\#(units),"dimensions":{"model":"\#(model)"}}"#
    }

    @Test func `a limit per value is written, decided and listed`() async throws {
        try await TestServer.run { server in
            _ = try await server.delete("/v1/limits/prompts_daily")
            let made = try await server.put("/v1/limits/models", Self.limit)
            #expect(made.status == 201)
            #expect(
                made.text == #"""
                    {"active":true,"allowances":{},"beyondValues":"refuse","defaultAllowance":5,\#
                    "key":"models","meter":"prompts","mode":"enforce","per":"model",\#
                    "values":{"large*":2,"small":{"allowances":{"pro":9},"defaultAllowance":8}},\#
                    "valuesMax":2,"window":"day","createdAt":"2026-03-10T12:00:00.000Z",\#
                    "updatedAt":"2026-03-10T12:00:00.000Z"}
                    """#)
            let first = try await server.post("/v1/consume", Self.use("large-1", 2))
            #expect(first.status == 200)
            #expect(first.items("limits", "value") == ["large-1"])
            #expect(first.items("limits", "remaining") == ["0"])
            let second = try await server.post("/v1/consume", Self.use("large-1", 1))
            #expect(second.isProblem(429, "limit_exceeded"))
            #expect(second.text("detail") == "not enough is left of models")
            #expect(try await server.post("/v1/consume", Self.use("small", 8)).status == 200)
            let third = try await server.post("/v1/consume", Self.use("third", 1))
            #expect(third.isProblem(429, "limit_exceeded"))
            #expect(third.text("detail") == "models has no counter left for the value 'third'")
            #expect(third.items("limits", "beyondValues") == ["1"])
            #expect(third.number("retryAfterSeconds") == 43_200)
            let listed = try await server.get("/v1/subjects/u/limits")
            #expect(listed.items("limits", "value").prefix(3) == ["large-1", "small", "*"])
            #expect(listed.items("limits", "used").prefix(3) == ["2", "8", "0"])
        }
    }

    static let mistakes: [(body: String, field: String)] = [
        (#"{"meter":"prompts","window":"day","values":{"a":1}}"#, "per"),
        (#"{"meter":"prompts","window":"day","per":"m","values":{"a":-2}}"#, "values.a"),
        (#"{"meter":"prompts","window":"day","per":"m","values":{"a":{"b":1}}}"#, "values.a"),
        (#"{"meter":"prompts","window":"day","per":"m","valuesMax":0}"#, "valuesMax"),
        (#"{"meter":"prompts","window":"day","per":"m","beyondValues":"drop"}"#, "beyondValues"),
        (
            #"{"meter":"prompts","window":"rolling:60","per":"m","beyondValues":"together"}"#,
            "beyondValues"
        ),
    ]

    @Test(arguments: mistakes)
    func `a limit per value with a mistake is told which`(body: String, field: String) async throws
    {
        try await TestServer.run { server in
            let answer = try await server.put("/v1/limits/models", body)
            #expect(answer.isProblem(422, "invalid_field", field: field))
        }
    }

    private static let budget = Blueprint(
        meters: ["tokens", "inputTokens", "outputTokens"].map {
            Meter(key: MeterKey(unchecked: $0))
        }
            + [Meter(key: MeterKey(unchecked: "cost"), counts: .cost, withoutCost: .refuse)],
        limits: [
            Limit(
                key: LimitKey(unchecked: "spend"), meter: MeterKey(unchecked: "cost"), window: .day,
                defaultAllowance: .units(1_000_000))
        ],
        models: [
            Model(
                key: ModelKey(unchecked: "gpt"),
                prices: [
                    ModelPrice(
                        input: Money(millionths: 2_000_000), output: Money(millionths: 8_000_000))
                ])
        ])

    @Test func `requests tell tokens of every kind, beside each other or inside`() async throws {
        var blueprint = TestServer.blueprint
        blueprint.meters.append(Meter(key: MeterKey(unchecked: "requests")))
        try await TestServer.run(blueprint: blueprint) { server in
            let model = #"""
                {"prices":[{"effectiveAt":"2026-01-01T00:00:00.000Z","input":3000000,"output":15000000,
                 "cached":300000,"cacheWriteLong":6000000,"image":40000,"batchPercent":50,
                 "tiers":[{"above":1000,"input":6000000,"output":30000000}]}]}
                """#
            #expect(try await server.put("/v1/models/large", model).status == 201)
            let read = try await server.get("/v1/models/large")
            #expect(try await server.put("/v1/models/large", read.text).text == read.text)
            #expect(
                try await server.put(
                    "/v1/models/large",
                    #"{"prices":[{"input":1,"output":1,"tiers":[{"above":1,"input":1,"outptu":1}]}]}"#
                ).isProblem(422, "unknown_field", field: "prices[0].tiers[0].outptu"))
            // 100 plain, 200 read, 10 written for long: 300 + 60 + 60; 20 and 5 thought: 375.
            for (id, told, input, output, cost) in [
                ("1", "inside", 310, 25, 795), ("2", "beside", 100, 20, 795),
            ] {
                _ = try await server.post(
                    "/api/chat/track",
                    #"{"requestId":"\#(id)","userId":"u","prompt":"x","sessionId":"s","model":"large"}"#
                )
                let ended = try await server.put(
                    "/api/chat/track",
                    #"""
                    {"requestId":"\#(id)","userId":"u","status":"completed","tokensInput":\#(input),
                     "tokensOutput":\#(output),"cachedTokens":200,"cacheWriteLongTokens":10,
                     "reasoningTokens":5,"tokensTold":"\#(told)"}
                    """#)
                #expect(ended.status == 200)
                #expect(ended.number("costMillionths") == cost)
                #expect(ended.number("tokensInput") == 310)
                #expect(ended.text.contains(#""otherTokens":{"cacheWriteLong":10}"#))
            }
        }
    }

    private static func call(_ members: String) -> String {
        #"{"subject":"u","dimensions":{"model":"gpt"},\#(members)}"#
    }

    @Test func `events that name a model and tokens are held by a budget`() async throws {
        try await TestServer.run(blueprint: Self.budget) { server in
            // 100 at 2 and 50 at 8 are 600 millionths.
            let tokens = #""quantities":{"inputTokens":100,"outputTokens":50}"#
            let body = Self.call(#""id":"1","# + tokens)
            let first = try await server.post("/v1/consume", body)
            #expect(first.status == 200)
            #expect(first.items("limits", "used") == ["600000"])
            // A repeat tells no cost, and is one.
            let again = try await server.post("/v1/consume", body)
            #expect(again.header("Idempotency-Replayed") == "true")
            let events = try await server.get("/v1/subjects/u/events")
            #expect(events.items("events", "costMillionths") == ["600"])
            #expect(
                try await server.post("/v1/consume", Self.call(tokens))
                    .isProblem(429, "limit_exceeded"))
            // Tokens of an unknown kind: 50 at 8 are set aside, and 10 and 20 were used.
            let reserved = try await server.post(
                "/v1/reservations", Self.call(#""id":"2","quantities":{"tokens":50}"#))
            #expect(reserved.status == 200)
            #expect(reserved.items("limits", "used") == ["1000000"])
            let settled = try await server.post(
                "/v1/reservations/2/settle",
                #"{"quantities":{"inputTokens":10,"outputTokens":20}}"#)
            #expect(settled.status == 200)
            #expect(
                try await server.get("/v1/subjects/u/limits").items("limits", "used") == ["780000"])
            let unknown = try await server.post(
                "/v1/consume",
                #"{"subject":"u","meter":"tokens","quantity":1,"dimensions":{"model":"new"}}"#)
            #expect(unknown.isProblem(422, "unpriced_model", field: "dimensions.model"))
            #expect(
                try await server.post(
                    "/v1/consume", Self.call(#""quantities":{"cost":1}"#)
                ).isProblem(422, "unknown_meter", field: "quantities.cost"))
        }
    }
}
