import HTTPTypes
import HummingbirdTesting
import Meterstone
import MeterstoneCore
import MeterstoneStore
import Testing

/// `?dryRun=true`: what would be answered.
@Suite struct DryRunRouteTests {
    private static let one = #"{"id":"a","subject":"u","meter":"prompts","quantity":6}"#

    /// What of an answer is the same when it is only tried.
    private func rest(_ answer: Answer) -> String {
        answer.text.replacing(#""dryRun":true,"#, with: "")
    }

    @Test(arguments: [TestingSetup.router, .live])
    func `a consume that is tried is answered as the consume`(setup: TestingSetup) async throws {
        try await TestServer.run(setup) { server in
            let tried = try await server.post("/v1/consume?dryRun=true", Self.one)
            #expect(tried.status == 200 && tried.boolean("dryRun") == true)
            #expect(tried.text("eventId") == "a")
            #expect(try await server.get("/v1/subjects/u").status == 404)
            let done = try await server.post("/v1/consume?dryRun=false", Self.one)
            #expect(!done.has("dryRun") && done.text == rest(tried))
            let refused = try await server.post(
                "/v1/consume?dryRun=true", #"{"subject":"u","meter":"prompts","quantity":5}"#)
            #expect(refused.status == 429 && refused.texts("violated") == ["prompts_daily"])
            let unnamed = try await server.post(
                "/v1/consume?dryRun=true", #"{"subject":"u","meter":"prompts"}"#)
            #expect(unnamed.status == 200 && !unnamed.has("eventId"))
            let conflict = try await server.post(
                "/v1/consume?dryRun=true", #"{"id":"a","subject":"u","meter":"prompts"}"#)
            #expect(conflict.isProblem(409, "event_conflict", field: "id"))
        }
    }

    @Test func `many are tried one after the other`() async throws {
        try await TestServer.run { server in
            let body = """
                [\(Self.one),{"id":"b","subject":"u","meter":"prompts","quantity":5},\
                {"id":"c","subject":"u","meter":"prompts","quantity":4},\(Self.one),{"subject":"u"}]
                """
            let lines = body.dropFirst().dropLast().replacing("},{", with: "}\n{")
            let tried = try await server.post("/v1/consume?dryRun=true", body)
            #expect(tried.boolean("dryRun") == true)
            #expect(
                tried.items("results", "status")
                    == ["counted", "denied", "counted", "duplicate", "rejected"])
            let again = try await server.send(
                .post, "/v1/consume?dryRun=true", String(lines), type: "application/x-ndjson")
            #expect(again.text == tried.text)
            let done = try await server.post("/v1/consume", body)
            #expect(done.text == rest(tried))
        }
    }

    @Test(arguments: ["application/json", "application/x-ndjson"])
    func `events that are tried say what they would move`(type: String) async throws {
        try await TestServer.run { server in
            let events = [
                #"{"id":"a","subject":"u","type":"prompt"}"#,
                #"{"id":"b","subject":"u","type":"other"}"#,
            ]
            let isJSON = type == "application/json"
            let body =
                isJSON ? "[\(events.joined(separator: ","))]" : events.joined(separator: "\n")
            let tried = try await server.send(
                .post, "/v1/events?dryRun=true", body, type: type)
            #expect(
                tried.text
                    == #"{"dryRun":true,"counted":2,"duplicate":0,"conflict":0,"rejected":0,"#
                    + #""results":[{"index":0,"id":"a","status":"counted","moved":["prompts"]},"#
                    + #"{"index":1,"id":"b","status":"counted","moved":[]}]}"#)
            #expect(try await server.get("/v1/subjects/u").status == 404)
            let one = try await server.post(
                "/v1/events?dryRun=true", #"{"subject":"u","type":"prompt"}"#)
            #expect(one.text.contains(#""id":null,"status":"counted","moved":["prompts"]"#))
        }
    }

    @Test func `more than can be tried together are refused`() async throws {
        try await TestServer.run { server in
            let events = (0...10_000).map { #"{"id":"e\#($0)","subject":"u","type":"prompt"}"# }
            let answer = try await server.post(
                "/v1/events?dryRun=true", "[\(events.joined(separator: ","))]")
            #expect(answer.isProblem(413, "too_large"))
            let most = try await server.post(
                "/v1/events?dryRun=true", "[\(events.dropLast().joined(separator: ","))]")
            #expect(most.number("counted") == 10_000)
            #expect(most.items("results", "id").count == 10_000)
        }
    }

    @Test(arguments: ["/v1/consume?dryRun=1", "/v1/events?dryRun=yes", "/v1/consume?dryRun="])
    func `another value is refused`(path: String) async throws {
        try await TestServer.run { server in
            let value = try await server.post(path, Self.one)
            #expect(value.isProblem(422, "invalid_field", field: "dryRun"))
            let check = try await server.post("/v1/check?dryRun=true", Self.one)
            #expect(check.isProblem(422, "unknown_field", field: "dryRun"))
        }
    }
}
