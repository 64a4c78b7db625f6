import HTTPTypes
import MeterstoneCore
import MeterstoneTesting
import Testing

/// What a limit allows, and a plan costs, from a day to come.
@Suite struct ScheduledRouteTests {
    @Test func `an allowance of a day to come is shown, holds from then on, and is taken back`()
        async throws
    {
        try await TestServer.run { server in
            let path = "/v1/limits/prompts_daily"
            let later =
                #""scheduled":[{"allowances":{"free":20},"effectiveAt":"2026-04-01T00:00:00.000Z"}]"#
            let patched = try await server.send(.patch, path, "{\(later)}")
            #expect(patched.status == 200 && patched.text.contains(later))
            #expect(try await server.get(path).text.contains(later))
            #expect(try await server.get("/v1/limits").text.contains(later))
            let before = try await server.get("/v1/subjects/u/limits")
            #expect(before.text.contains(#""allowance":10"#))
            server.clock.set(try #require(Instant(rfc3339: "2026-04-01T00:00:00Z")))
            let after = try await server.get("/v1/subjects/u/limits")
            #expect(after.text.contains(#""allowance":20"#))
            let shown = try await server.get(path)
            #expect(!shown.has("scheduled"))
            #expect(shown.text.contains(#""allowances":{"free":20,"pro":100}"#))
            // A patch goes on from what it is by now.
            let changed = try await server.send(
                .patch, path,
                #"{"description":"d","scheduled":[{"effectiveAt":"2026-05-01T00:00:00Z","defaultAllowance":5}]}"#
            )
            #expect(changed.text.contains(#""allowances":{"free":20,"pro":100}"#))
            let back = try await server.send(.patch, path, #"{"scheduled":[]}"#)
            #expect(back.status == 200 && !back.has("scheduled"))
            #expect(back.text.contains(#""free":20"#))
        }
    }

    @Test func `a price of a day to come is shown and taken back`() async throws {
        try await TestServer.run { server in
            let path = "/v1/plans/pro"
            let later =
                #""scheduled":[{"effectiveAt":"2026-04-01T00:00:00.000Z","price":12500000}]"#
            let written = try await server.put(path, #"{"price":10000000,\#(later)}"#)
            #expect(written.text.contains(later))
            server.clock.set(try #require(Instant(rfc3339: "2026-04-01T00:00:00Z")))
            let shown = try await server.get(path)
            #expect(shown.number("price") == 12_500_000 && !shown.has("scheduled"))
        }
    }

    @Test(arguments: [
        (
            "limits/prompts_daily", #"{"scheduled":[{"allowances":{"free":1}}]}"#,
            "scheduled[0].effectiveAt"
        ),
        (
            "limits/prompts_daily", #"{"scheduled":[{"effectiveAt":"2026-04-01T00:00:00Z"}]}"#,
            "scheduled[0].allowances"
        ),
        (
            "limits/prompts_daily",
            #"{"scheduled":[{"effectiveAt":"2026-04-01T00:00:00Z","allowance":1}]}"#,
            "scheduled[0].allowance"
        ),
        (
            "plans/pro", #"{"scheduled":[{"effectiveAt":"2026-04-01T00:00:00Z","price":-1}]}"#,
            "scheduled[0].price"
        ),
    ])
    func `what cannot be scheduled names its field`(
        thing: String, body: String, field: String
    ) async throws {
        try await TestServer.run { server in
            let answer = try await server.send(.patch, "/v1/\(thing)", body)
            #expect(answer.status == 422 && answer.text("field") == field, "\(answer.text)")
        }
    }
}
