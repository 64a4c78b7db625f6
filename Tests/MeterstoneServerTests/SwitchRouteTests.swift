import Meterstone
import MeterstoneCore
import Testing

/// `/v1/switches`: what is in force, and for whom.
@Suite struct SwitchRouteTests {
    private static let path = "/v1/switches"

    @Test func `switches are written, told, noted and deleted`() async throws {
        try await TestServer.run { server in
            let none = try await server.get(Self.path)
            #expect(none.isProblem(404, "unknown_switches"))
            let body = #"{"limits":{"state":"shadow"},"credits":{"rollout":{"percent":25}}}"#
            let put = try await server.put(Self.path, body)
            #expect(put.status == 201, "\(put.text)")
            let told = try await server.get(Self.path)
            #expect(
                told.text.contains(#""credits":{"rollout":{"percent":25},"state":"on"}"#),
                "\(told.text)")
            // The limit says what it does now, and by what.
            _ = try await server.put(
                "/v1/limits/calls_daily",
                #"{"meter":"prompts","window":"day","defaultAllowance":1}"#)
            let limit = try await server.get("/v1/limits/calls_daily").text
            #expect(limit.contains(#""effectiveMode":"shadow""#), "\(limit)")
            #expect(limit.contains(#""overriddenBy":["switches"]"#), "\(limit)")
            let consume = #"{"subject":"u","meter":"prompts","quantity":6}"#
            #expect(try await server.post("/v1/consume", consume).status == 200)
            let changes = try await server.get("/v1/changes?kind=switches").text
            #expect(changes.contains(#""percent":25"#), "\(changes)")
            #expect(try await server.delete(Self.path).status == 204)
            #expect(try await server.delete(Self.path).isProblem(404, "unknown_switches"))
            #expect(try await server.post("/v1/consume", consume).status == 429)
        }
    }

    @Test func `reports answer while analytics are on`() async throws {
        try await TestServer.run { server in
            let path = "/v1/analytics/top?meter=prompts"
            #expect(try await server.get(path).status == 200)
            _ = try await server.put(Self.path, #"{"analytics":{"state":"off"}}"#)
            #expect(try await server.get(path).isProblem(403, "analytics_disabled"))
            let question = #"{"allLimits":true}"#
            #expect(
                try await server.post("/v1/what-if", question).isProblem(403, "analytics_disabled"))
            _ = try await server.delete(Self.path)
            #expect(try await server.get(path).status == 200)
        }
    }

    @Test(arguments: [
        (#"{"tracking":{"state":"shadow"}}"#, "invalid_field", "tracking.state"),
        (#"{"tracking":{"state":"on","percent":3}}"#, "unknown_field", "tracking.percent"),
        (#"{"trackin":{}}"#, "unknown_field", "trackin"),
        (#"{"limits":{"rollout":{"per":3}}}"#, "unknown_field", "limits.rollout.per"),
        (#"{"limits":{"rollout":{"percent":101}}}"#, "invalid_field", "limits.rollout.percent"),
        (#"{"analytics":{"rollout":{"percent":1}}}"#, "invalid_field", "analytics.rollout"),
    ])
    func `a mistake is named`(body: String, code: String, field: String) async throws {
        try await TestServer.run { server in
            let answer = try await server.put(Self.path, body)
            #expect(answer.isProblem(422, code, field: field), "\(answer.text)")
        }
    }
}
