import HTTPTypes
import HummingbirdTesting
import Meterstone
import MeterstoneCore
import MeterstoneTesting
import Testing

@Suite struct WhatIfRouteTests {
    private static let path = "/v1/what-if"

    @Test func `a question is answered, and nothing changes`() async throws {
        try await TestServer.run { server in
            for number in 0..<10 {
                let subject = number < 9 ? "u1" : "u2"
                _ = try await server.post(
                    "/v1/consume", #"{"subject":"\#(subject)","type":"prompt","id":"e\#(number)"}"#)
            }
            let answer = try await server.post(
                Self.path,
                #"""
                {"from":"2020-01-01T00:00:00Z","until":null,"refusalsMax":1,
                 "allowances":[{"limit":"prompts_daily","plan":"free","allowance":7}]}
                """#)
            let now = server.clock.now
            #expect(
                answer.text == """
                    {"from":"2020-01-01T00:00:00.000Z","until":null,"timeZone":"UTC","events":10,\
                    "allowed":8,"refused":2,"subjects":2,"subjectsRefused":1,\
                    "limits":[{"limit":"prompts_daily","refused":2,"subjects":1}],\
                    "days":[{"day":"\(now.rfc3339.prefix(10))","refused":2}],\
                    "mostRefused":[{"subject":"u1","refused":2,\
                    "firstRefusedAt":"\(now.rfc3339)","lastRefusedAt":"\(now.rfc3339)"}],\
                    "refusals":[{"subject":"u1","occurredAt":"\(now.rfc3339)",\
                    "limits":["prompts_daily"],"eventId":"e7"}],"truncated":true}
                    """)
            let limit = try await server.get("/v1/limits/prompts_daily")
            #expect(limit.text.contains(#""allowances":{"free":10,"pro":100}"#))
        }
    }

    @Test func `a limit that there is not can be asked about`() async throws {
        try await TestServer.run { server in
            _ = try await server.post(
                "/v1/events", #"{"subject":"u","quantities":{"seconds":40},"source":"s","id":"e"}"#)
            let body = #"""
                {"limits":[{"key":"short","meter":"seconds","window":"request",
                 "defaultAllowance":30,"mode":"off"}]}
                """#
            let answer = try await server.post(Self.path, body)
            #expect(answer.number("refused") == 1)
            #expect(answer.text.contains(#""limits":["short"],"eventId":"e","source":"s"}"#))
            #expect(answer.boolean("truncated") == false)
            #expect(try await server.get("/v1/limits/short").status == 404)
        }
    }

    static let bad: [(body: String, status: Int, code: String, field: String?)] = [
        ("", 400, "malformed", nil), ("[]", 422, "invalid_field", nil),
        ("{}", 422, "missing_field", "limits"),
        (#"{"limit":[]}"#, 422, "unknown_field", "limit"),
        (#"{"allLimits":1}"#, 422, "invalid_field", "allLimits"),
        (#"{"from":"today"}"#, 422, "invalid_field", "from"),
        (#"{"allowances":[{"key":"l"}]}"#, 422, "unknown_field", "allowances[0].key"),
        (#"{"allowances":[{}]}"#, 422, "missing_field", "allowances[0].limit"),
        (
            #"{"allowances":[{"limit":"prompts_daily","allowance":-2}]}"#, 422, "invalid_field",
            "allowances[0].allowance"
        ),
        (#"{"allowances":[{"limit":"no"}]}"#, 422, "unknown_limit", "allowances[0].limit"),
        (#"{"limits":[{"key":"l","meter":"seconds"}]}"#, 422, "missing_field", "limits[0].window"),
        (
            #"{"limits":[{"key":"l","meter":"no","window":"day"}]}"#, 422, "unknown_meter",
            "limits[0].meter"
        ),
        (
            #"{"plans":[{"subject":"nobody","plan":"pro"}]}"#, 422, "unknown_subject",
            "plans[0].subject"
        ),
        (#"{"allLimits":true,"timeZone":"Nowhere"}"#, 422, "unknown_time_zone", "timeZone"),
    ]

    @Test(arguments: bad.indices)
    func `a bad question is a problem that names the field`(index: Int) async throws {
        let (body, status, code, field) = Self.bad[index]
        try await TestServer.run { server in
            let answer = try await server.post(Self.path, body)
            #expect(answer.isProblem(status, code, field: field), "\(body) → \(answer.text)")
        }
    }

    @Test func `it is guarded, and off with analytics`() async throws {
        try await TestServer.run(key: "secret") { server in
            let stranger = try await server.post(
                Self.path, #"{"allLimits":true}"#, headers: [.authorization: "Bearer other"])
            #expect(stranger.isProblem(401, "unauthorized"))
            #expect(try await server.post(Self.path, #"{"allLimits":true}"#).status == 200)
        }
        try await TestServer.run(isAnalyticsEnabled: false) { server in
            let answer = try await server.post(Self.path, #"{"allLimits":true}"#)
            #expect(answer.isProblem(403, "analytics_disabled"))
        }
    }
}
