import HTTPTypes
import Meterstone
import MeterstoneCore
import Testing

/// What things cost, and what plans give: the policy, plans and models.
@Suite struct CreditCatalogRouteTests {
    private static let policy = "/v1/credits/policy"

    @Test func `the policy is made, read, changed and deleted`() async throws {
        try await TestServer.run { server in
            #expect(try await server.get(Self.policy).isProblem(404, "unknown_credit_policy"))
            let made = try await server.put(Self.policy, #"{"prices":{"prompts":10}}"#)
            #expect(made.status == 201)
            #expect(
                made.text == #"{"enabled":true,"payment":"creditsOnly","prices":{"prompts":10}}"#)
            #expect(try await server.get(Self.policy).text == made.text)
            let refused = try await server.post(
                "/v1/consume", #"{"subject":"u","meter":"prompts"}"#)
            #expect(refused.isProblem(402, "insufficient_credits"))
            let changed = try await server.put(
                Self.policy, #"{"payment":"allowanceFirst","prices":{"prompts":10}}"#)
            #expect(changed.status == 200)
            let allowed = try await server.post(
                "/v1/consume", #"{"subject":"u","meter":"prompts"}"#)
            #expect(allowed.status == 200)
            let gone = try await server.delete(Self.policy, headers: [.author: "ann"])
            #expect(gone.status == 204)
            #expect(try await server.delete(Self.policy).isProblem(404, "unknown_credit_policy"))
            let log = try await server.get("/v1/changes?count=3")
            #expect(
                log.items("changes", "kind") == ["creditPolicy", "creditPolicy", "creditPolicy"])
        }
    }

    @Test func `a plan gives credit and overdraft`() async throws {
        try await TestServer.run { server in
            let body = """
                {"isDefault":true,"recurringGrants":[{"window":"day","amount":50,\
                "rolloverMax":80}],"overdraft":20}
                """
            let plan = try await server.put("/v1/plans/free", body)
            #expect(plan.status == 200)
            #expect(
                plan.text == """
                    {"isDefault":true,"key":"free","overdraft":20,"rank":0,"recurringGrants":\
                    [{"amount":50,"priority":50,"rolloverMax":80,"window":"day"}],\
                    "createdAt":"2026-03-10T12:00:00.000Z",\
                    "updatedAt":"2026-03-10T12:00:00.000Z"}
                    """)
            _ = try await server.put(Self.policy, #"{"prices":{"prompts":10}}"#)
            let wallet = try await server.get("/v1/subjects/u/credits")
            #expect(wallet.number("balance") == 50)
            #expect(wallet.items("grants", "source") == ["dailyRefill"])
            let spent = try await server.post(
                "/v1/consume", #"{"subject":"u","meter":"prompts","quantity":7}"#)
            #expect(spent.text.hasSuffix(#""credits":{"amount":70,"balance":-20}}"#))
            #expect(try await server.get("/v1/subjects/u/credits").number("debt") == 20)
            // The next day gives 50, of which 20 pay the debt; 20 more may be overdrawn.
            let more = #"{"subject":"u","meter":"prompts","quantity":3}"#
            let soon = try await server.post("/v1/consume", more)
            #expect(soon.isProblem(402, "insufficient_credits"))
            #expect(soon.number("retryAfterSeconds") == 43_200)
            #expect(soon.text("nextRefillAt") == "2026-03-11T00:00:00.000Z")
            _ = try await server.put(Self.policy, #"{"prices":{"prompts":20}}"#)
            let never = try await server.post("/v1/consume", more)
            #expect(never.isProblem(402, "insufficient_credits"))
            #expect(never.text.contains(#""retryAfterSeconds":null"#))
            #expect(never.text("nextRefillAt") == "2026-03-11T00:00:00.000Z")
        }
    }

    static let mistakes: [(path: String, body: String, code: String, field: String)] = [
        ("credits/policy", #"{"prices":{"nope":1}}"#, "unknown_meter", "prices.nope"),
        ("credits/policy", #"{"prices":{"prompts":-1}}"#, "invalid_field", "prices"),
        ("credits/policy", #"{"payment":"later"}"#, "invalid_field", "payment"),
        ("credits/policy", #"{"isEnabled":true}"#, "unknown_field", "isEnabled"),
        ("plans/x", #"{"overdraft":-1}"#, "invalid_field", "overdraft"),
        (
            "plans/x", #"{"recurringGrants":[{"window":"lifetime","amount":1}]}"#,
            "invalid_field", "recurringGrants[0].window"
        ),
        (
            "plans/x", #"{"recurringGrants":[{"window":"day","amount":0}]}"#, "invalid_field",
            "recurringGrants[0].amount"
        ),
        (
            "plans/x", #"{"recurringGrants":[{"window":"day","amount":5,"rolloverMax":4}]}"#,
            "invalid_field", "recurringGrants[0].rolloverMax"
        ),
        (
            "plans/x", #"{"recurringGrants":[{"window":"day","amount":5,"rollover":9}]}"#,
            "unknown_field", "recurringGrants[0].rollover"
        ),
        (
            "plans/x", #"{"recurringGrants":[{"window":"day"}]}"#, "missing_field",
            "recurringGrants[0].amount"
        ),
        ("models/x", "{}", "missing_field", "prices"),
        ("models/x", #"{"prices":[{"input":1}]}"#, "missing_field", "prices[0].output"),
        ("models/x", #"{"prices":[{"input":1.5,"output":1}]}"#, "invalid_field", "prices[0].input"),
        ("models/x", #"{"prices":[{"input":-1,"output":1}]}"#, "invalid_field", "prices[0]"),
        (
            "models/x", #"{"prices":[{"input":1,"output":1,"cache":1}]}"#, "unknown_field",
            "prices[0].cache"
        ),
        (
            "models/x", #"{"prices":[{"input":1,"output":1},{"input":2,"output":2}]}"#,
            "invalid_field", "prices"
        ),
    ]

    @Test(arguments: mistakes)
    func `a mistake names its field`(
        path: String, body: String, code: String, field: String
    ) async throws {
        try await TestServer.run { server in
            let answer = try await server.put("/v1/\(path)", body)
            #expect(answer.isProblem(422, code, field: field), "\(answer.text)")
        }
    }

    @Test func `a meter with a price is in use`() async throws {
        try await TestServer.run { server in
            _ = try await server.put("/v1/meters/words", "{}")
            _ = try await server.put(Self.policy, #"{"prices":{"words":1}}"#)
            let answer = try await server.delete("/v1/meters/words")
            #expect(answer.isProblem(409, "in_use", field: "key"))
        }
    }

    @Test func `models have names that keys cannot have`() async throws {
        try await TestServer.run { server in
            let path = "/v1/models/meta%2Fllama%203"
            let made = try await server.put(
                path,
                """
                {"prices":[{"effectiveAt":"2026-01-01T00:00:00Z","input":150000,\
                "output":600000,"cached":75000}]}
                """)
            #expect(made.status == 201)
            #expect(
                made.text == """
                    {"key":"meta/llama 3","prices":[{"cached":75000,\
                    "effectiveAt":"2026-01-01T00:00:00.000Z","input":150000,"output":600000}],\
                    "createdAt":"2026-03-10T12:00:00.000Z",\
                    "updatedAt":"2026-03-10T12:00:00.000Z"}
                    """)
            #expect(try await server.get("/v1/models").items("models", "key") == ["meta/llama 3"])
            #expect(try await server.get(path).text == made.text)
            #expect(try await server.delete(path).status == 204)
        }
    }
}
