import Meterstone
import MeterstoneCore
import MeterstoneStore
import Testing

/// What is shown is what decides, and what was written stays what was written.
@Suite struct EffectiveSettingsTests {
    private static func overridden(
        _ change: (inout StoreOptions) -> Void
    ) -> StoreOptions {
        var options = StoreOptions()
        change(&options)
        return options
    }

    @Test func `a limit shows the allowance that decides beside the one that is stored`()
        async throws
    {
        let options = Self.overridden {
            $0.allowanceOverrides = ["PROMPTS_DAILY_FREE": .units(2)]
        }
        try await TestServer.run(store: options) { server in
            let path = "/v1/limits/prompts_daily"
            let limit = try await server.get(path)
            #expect(limit.text.contains(#""allowances":{"free":10,"pro":100}"#))
            #expect(limit.text.contains(#""effectiveAllowances":{"free":2,"pro":100}"#))
            #expect(limit.texts("overriddenBy") == ["USAGE_LIMIT_PROMPTS_DAILY_FREE"])
            let list = try await server.get("/v1/limits")
            #expect(list.text.contains(#""effectiveAllowances":{"free":2,"pro":100}"#))
            let other = try await server.get("/v1/limits/seconds_monthly")
            #expect(!other.has("effectiveAllowances") && !other.has("overriddenBy"))
            // What was read is written back: nothing of the environment is stored.
            #expect(try await server.put(path, limit.text).status == 200)
            let stored = try await server.engine.blueprint().limits.first
            #expect(stored?.allowances[TestServer.free] == .units(10))
        }
    }

    @Test func `a limit that is not enforced shows that it acts as a shadow`() async throws {
        let options = Self.overridden { $0.areLimitsEnforced = false }
        try await TestServer.run(store: options) { server in
            let limit = try await server.get("/v1/limits/prompts_daily")
            #expect(limit.text("mode") == "enforce" && limit.text("effectiveMode") == "shadow")
            #expect(limit.texts("overriddenBy") == ["USAGE_LIMITS_ENFORCED"])
        }
    }

    @Test func `a credit policy shows whether credits are charged`() async throws {
        let options = Self.overridden {
            $0.creditOverrides = CreditOverrides(isEnabled: true, costs: ["PROMPT": 7])
        }
        try await TestServer.run(store: options) { server in
            let path = "/v1/credits/policy"
            let none = try await server.get(path)
            #expect(none.status == 200 && none.boolean("enabled") == false)
            #expect(none.text.contains(#""effective":{"enabled":true,"#))
            _ = try await server.put(path, #"{"enabled":false,"prices":{"prompts":1}}"#)
            let policy = try await server.get(path)
            #expect(policy.boolean("enabled") == false)
            #expect(policy.text.contains(#""prices":{"prompts":7}"#))
            #expect(policy.text.contains(#""prices":{"prompts":1}"#))
            #expect(policy.texts("overriddenBy") == ["CREDITS_ENABLED", "CREDITS_COST_PROMPT"])
            #expect(try await server.put(path, policy.text).status == 200)
            let stored = try await server.engine.blueprint().credits
            #expect(stored == CreditPolicy(isEnabled: false, prices: [TestServer.prompts: 1]))
        }
    }

    @Test func `a plan shows the refill that is given`() async throws {
        let options = Self.overridden {
            $0.creditOverrides = CreditOverrides(isEnabled: true, dailyRefills: ["FREE": 50])
        }
        try await TestServer.run(store: options) { server in
            let plan = try await server.get("/v1/plans/free")
            #expect(!plan.text.contains(#""recurringGrants":[{"#))
            #expect(plan.text.contains(#""effectiveRecurringGrants":[{"amount":50,"#))
            #expect(plan.texts("overriddenBy") == ["CREDITS_DAILY_REFILL_FREE"])
            #expect(try await server.put("/v1/plans/free", plan.text).status == 200)
            let stored = try await server.engine.blueprint().plans.first {
                $0.key == TestServer.free
            }
            #expect(stored?.recurringGrants == [])
        }
    }

    @Test func `while tracking is off, everything is decided and answered, and nothing recorded`()
        async throws
    {
        let options = Self.overridden { $0.isTrackingEnabled = false }
        try await TestServer.run(store: options) { server in
            let one = #"{"subject":"u","meter":"prompts","quantity":1}"#
            let many = #"{"subject":"u","meter":"prompts","quantity":11}"#
            for path in ["/v1/consume", "/v1/check"] {
                #expect(try await server.post(path, one).status == 200)
            }
            #expect(try await server.post("/v1/consume", many).isProblem(429, "limit_exceeded"))
            #expect(try await server.post("/v1/events", one).number("notRecorded") == 1)
            let unknown = #"{"subject":"u","meter":"nothing"}"#
            #expect(
                try await server.post("/v1/events", unknown).isProblem(
                    422, "unknown_meter", field: "meter"))
            let usage = try await server.post("/v1/subjects/u/usage", #"{"prompts":1}"#)
            #expect(usage.status == 200 && usage.boolean("counted") == false)
            // There would be nothing to settle.
            let reserved = try await server.post("/v1/reservations", one)
            #expect(reserved.isProblem(403, "tracking_disabled"))
            #expect(
                try await server.post("/v1/reservations", many).isProblem(429, "limit_exceeded"))
            #expect(try await server.get("/v1/subjects/u").status == 404)
        }
    }
}
