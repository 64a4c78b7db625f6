import Foundation
import HTTPTypes
import HummingbirdTesting
import Meterstone
import MeterstoneCore
import MeterstoneStore
import Testing

/// Several consumes in one body.
@Suite struct ConsumeBatchRouteTests {
    private static let names = ["counted", "duplicate", "denied", "conflict", "rejected"]

    private func counts(_ answer: Answer) -> [Int?] { Self.names.map { answer.number($0) } }

    private static func event(_ id: String, _ quantity: Int, of subject: String = "u") -> String {
        #"{"id":"\#(id)","subject":"\#(subject)","meter":"prompts","quantity":\#(quantity)}"#
    }

    /// Ten prompts a day: six, then five that are one too many, then four that fit.
    private static let events = [event("a", 6), event("b", 5), event("c", 4), event("a", 6)]

    private static let statuses = ["counted", "denied", "counted", "duplicate"]

    @Test(
        arguments: [
            ("application/json", "[\(events.joined(separator: ","))]"),
            ("application/json", #"{"events":[\#(events.joined(separator: ","))]}"#),
            ("application/x-ndjson", events.joined(separator: "\n")),
        ], [TestingSetup.router, .live])
    func `each is decided in its turn, and has an answer`(
        body: (type: String, text: String), setup: TestingSetup
    ) async throws {
        try await TestServer.run(setup) { server in
            let answer = try await server.send(.post, "/v1/consume", body.text, type: body.type)
            #expect(answer.status == 200 && counts(answer) == [2, 1, 1, 0, 0])
            #expect(answer.items("results", "status") == Self.statuses)
            #expect(answer.items("results", "index") == ["0", "1", "2", "3"])
            let limits = try await server.get("/v1/subjects/u/limits")
            #expect(limits.items("limits", "used").first == "10")
        }
    }

    @Test func `an answer among others says what the answer alone says`() async throws {
        try await TestServer.run { server in
            let batch = try await server.post("/v1/consume", "[\(Self.event("a", 6))]")
            let alone = try await server.post("/v1/consume", Self.event("b", 6, of: "w"))
            #expect(
                batch.text
                    == #"{"counted":1,"duplicate":0,"denied":0,"conflict":0,"rejected":0,"#
                    + #""results":[{"index":0,"id":"a","status":"counted","#
                    + alone.text.dropFirst().replacing(#""b""#, with: #""a""#)
                    + "]}")
        }
    }

    @Test func `a refusal says which limit, until when, and which plan would allow it`()
        async throws
    {
        try await TestServer.run { server in
            let answer = try await server.post("/v1/consume", "[\(Self.event("a", 11))]")
            for part in [
                #""allowed":false"#, #""code":"limit_exceeded""#, #""violated":["prompts_daily"]"#,
                #""retryAfterSeconds":null"#, #""plansThatAllow":["pro"]"#, #""used":0"#,
            ] { #expect(answer.text.contains(part), "\(part)") }
            // A refusal is not remembered.
            let again = try await server.post("/v1/consume", "[\(Self.event("a", 10))]")
            #expect(counts(again) == [1, 0, 0, 0, 0])
        }
    }

    @Test func `a mistake in one holds up none of the others`() async throws {
        try await TestServer.run { server in
            let body = """
                [\(Self.event("a", 1)),{"id":"b","subject":"u","meter":"nope"},\
                {"id":"c","subject":"u","x":1},\(Self.event("a", 2)),{"subject":"u"},\
                \(Self.event("d", 1))]
                """
            let answer = try await server.post("/v1/consume", body)
            #expect(counts(answer) == [2, 0, 0, 1, 3])
            #expect(answer.items("results", "id") == ["a", "b", "c", "a", "-", "d"])
            for field in [
                "events[1].quantities.nope", "events[2].x", "events[3].quantities.prompts",
            ] {
                #expect(answer.text.contains(#""field":"\#(field)""#), "\(field)")
            }
        }
    }

    @Test func `an idempotency key stands in for ids that are missing`() async throws {
        try await TestServer.run { server in
            let body = #"[{"subject":"u","meter":"prompts"},{"subject":"u","meter":"prompts"}]"#
            #expect(counts(try await server.post("/v1/consume", body)) == [0, 0, 0, 0, 2])
            for expected in [[2, 0, 0, 0, 0], [0, 2, 0, 0, 0]] {
                let answer = try await server.post(
                    "/v1/consume", body, headers: [.idempotencyKey: "k"])
                #expect(counts(answer) == expected)
                #expect(answer.items("results", "eventId") == ["k#0", "k#1"])
            }
        }
    }

    @Test func `ten thousand take few commits, and one more is refused as a whole`() async throws {
        try await TestServer.run { server in
            let events = (0...10_000).map { Self.event("e\($0)", 1, of: "u\($0 % 500)") }
            for (type, body) in [
                ("application/json", "[\(events.joined(separator: ","))]"),
                ("application/x-ndjson", events.joined(separator: "\n")),
            ] {
                let answer = try await server.send(.post, "/v1/consume", body, type: type)
                #expect(answer.isProblem(413, "too_large"))
            }
            #expect(try await server.get("/v1/subjects/u1").status == 404)
            let most = try await server.post(
                "/v1/consume", "[\(events.dropLast().joined(separator: ","))]")
            // Five hundred subjects with ten a day and twenty each.
            #expect(counts(most) == [5_000, 0, 5_000, 0, 0])
            #expect(most.items("results", "index") == (0..<10_000).map(String.init))
            #expect(
                try await server.get("/metrics").text.contains("meterstone_commit_seconds_count"))
        }
    }

    @Test func `nothing is recorded while tracking is off`() async throws {
        var options = StoreOptions()
        options.isTrackingEnabled = false
        try await TestServer.run(store: options) { server in
            let answer = try await server.post("/v1/consume", "[\(Self.event("a", 1))]")
            #expect(counts(answer) == [0, 0, 0, 0, 0] && answer.number("notRecorded") == 1)
            #expect(answer.items("results", "status") == ["notRecorded"])
            #expect(answer.items("results", "allowed").count == 1)
        }
    }

    @Test func `what is no JSON at all is one problem`() async throws {
        try await TestServer.run { server in
            let answer = try await server.post("/v1/consume", "[\(Self.event("a", 1)),{]")
            #expect(answer.isProblem(400, "malformed"))
            #expect(try await server.get("/v1/subjects/u").status == 404)
            let empty = try await server.post("/v1/consume", "[]")
            #expect(empty.status == 200 && counts(empty) == [0, 0, 0, 0, 0])
        }
    }
}
