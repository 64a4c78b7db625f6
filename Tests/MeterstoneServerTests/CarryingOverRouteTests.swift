import Meterstone
import MeterstoneCore
import MeterstoneTesting
import Testing

/// Roll-over and debt over HTTP, and what a client makes of it.
@Suite struct CarryingOverRouteTests {
    private static let path = "/v1/limits/monthly"

    @Test func `answers tell what is carried`() async throws {
        try await TestServer.run { server in
            let put = try await server.put(
                Self.path,
                """
                {"meter":"prompts","window":"month","defaultAllowance":10,\
                "rollover":{"max":15,"windows":2},"debt":true}
                """)
            #expect(put.status == 201)
            let read = try await server.get(Self.path)
            #expect(read.text.contains(#""rollover":{"max":15,"windows":2}"#))
            #expect(read.text.contains(#""debt":true"#))
            _ = try await server.post(
                "/v1/events", #"{"id":"a","subject":"u","meter":"prompts","quantity":4}"#)
            server.clock.set(try #require(Instant(rfc3339: "2026-04-10T12:00:00Z")))
            let limits = try await server.get("/v1/subjects/u/limits")
            #expect(limits.text.contains(#""allowance":16,"used":0,"remaining":16"#))
            #expect(limits.text.contains(#""base":10,"additions":[],"carried":6"#))
            _ = try await server.post(
                "/v1/events", #"{"id":"b","subject":"u","meter":"prompts","quantity":20}"#)
            server.clock.set(try #require(Instant(rfc3339: "2026-05-10T12:00:00Z")))
            let owed = try await server.get("/v1/subjects/u/limits")
            #expect(owed.text.contains(#""base":10,"additions":[],"carried":-4"#))
            let refused = try await server.post(
                "/v1/consume", #"{"subject":"u","meter":"prompts","quantity":7}"#)
            #expect(refused.isProblem(429, "limit_exceeded"))
            #expect(refused.text.contains(#""carried":-4"#))
        }
    }

    @Test(
        arguments: [
            (#""window":"lifetime","debt":true"#, "debt"),
            (#""window":"month","rollover":{"windows":0}"#, "rollover.windows"),
            (#""window":"month","rollover":{"max":0}"#, "rollover.max"),
            (#""window":"month","per":"model","rollover":{}"#, "rollover"),
        ])
    func `what cannot be carried over names its field`(
        fields: String, field: String
    ) async throws {
        try await TestServer.run { server in
            let answer = try await server.put(Self.path, #"{"meter":"prompts",\#(fields)}"#)
            #expect(answer.isProblem(422, "invalid_field", field: field))
        }
    }
}
