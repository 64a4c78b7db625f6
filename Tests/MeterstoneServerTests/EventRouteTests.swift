import HTTPTypes
import HummingbirdTesting
import Meterstone
import MeterstoneCore
import MeterstoneStore
import Testing

@Suite struct EventRouteTests {
    private static let plain =
        #"{"id":"a","subject":"u","type":"prompt","quantities":{"seconds":5}}"#

    private func counts(_ answer: Answer) -> [Int?] {
        ["counted", "duplicate", "conflict", "rejected"].map { answer.number($0) }
    }

    @Test func `one event is counted once`() async throws {
        try await TestServer.run { server in
            let first = try await server.post("/v1/events", Self.plain)
            #expect(
                first.text
                    == #"{"counted":1,"duplicate":0,"conflict":0,"rejected":0,"results":"#
                    + #"[{"index":0,"id":"a","status":"counted","moved":["prompts","seconds"]}]}"#)
            let again = try await server.post("/v1/events", Self.plain)
            #expect(counts(again) == [0, 1, 0, 0])
            #expect(again.text.contains(#""status":"duplicate","moved":["prompts","seconds"]"#))
            #expect(again.header("Idempotency-Replayed") == "true")
            let other = try await server.post(
                "/v1/events", #"{"id":"a","subject":"u","type":"other"}"#)
            #expect(other.isProblem(409, "event_conflict", field: "id"))
        }
    }

    @Test func `a result says which meters the event moves`() async throws {
        try await TestServer.run { server in
            let body = #"""
                [{"id":"a","subject":"u","type":"nothing"},{"id":"b","subject":"u","type":"prompt"},
                {"id":"c","subject":"u","quantities":{"seconds":1,"prompts":2},"type":"prompt"},
                {"id":"d","subject":"u","type":"prompt","status":"failed"},
                {"id":"e","subject":"u","quantities":{"nope":1}}]
                """#
            for _ in 0..<2 {
                let answer = try await server.post("/v1/events", body)
                let moved = answer.text.matches(of: /"moved":(\[.*?\])/).map { String($0.1) }
                #expect(
                    moved == [
                        "[]", #"["prompts"]"#, #"["prompts","seconds"]"#, "[]", "[]",
                    ])
            }
            let usage = try await server.post(
                "/v1/subjects/u/usage", #"{"quantities":{"seconds":3}}"#)
            #expect(usage.texts("moved") == ["seconds"])
        }
    }

    @Test func `an event without an id gets one, or the idempotency key`() async throws {
        try await TestServer.run { server in
            let body = #"{"subject":"u","type":"prompt"}"#
            let made = try await server.post("/v1/events", body)
            #expect(made.items("results", "id").first?.count == 36)
            let keyed = try await server.post(
                "/v1/events", body, headers: [.idempotencyKey: "k"])
            #expect(keyed.items("results", "id") == ["k"])
        }
    }

    @Test func `a batch answers for each event`() async throws {
        try await TestServer.run { server in
            let body = #"""
                {"events":[{"id":"a","subject":"u","type":"prompt"},
                {"id":"a","subject":"u","type":"prompt"},{"id":"a","subject":"u","type":"other"},
                {"id":"b","subject":"u","quantities":{"nope":1}},{"id":"c","subject":"u","x":1},
                {"subject":"u","type":"prompt"},{"id":"d","subject":"u","type":"prompt"}]}
                """#
            let answer = try await server.post("/v1/events", body)
            #expect(answer.status == 200)
            #expect(counts(answer) == [2, 1, 1, 3])
            #expect(answer.items("results", "id").sorted() == ["-", "a", "a", "a", "b", "c", "d"])
            for field in ["events[3].quantities.nope", "events[4].x", "events[5].id"] {
                #expect(answer.text.contains(#""field":"\#(field)""#), "\(field)")
            }
        }
    }

    @Test func `a batch without ids needs a key`() async throws {
        try await TestServer.run { server in
            let body = #"[{"subject":"u","type":"prompt"},{"subject":"u","type":"prompt"}]"#
            let unnamed = try await server.post("/v1/events", body)
            #expect(counts(unnamed) == [0, 0, 0, 2])
            for expected in [[2, 0, 0, 0], [0, 2, 0, 0]] {
                let keyed = try await server.post(
                    "/v1/events", body, headers: [.idempotencyKey: "k"])
                #expect(counts(keyed) == expected)
            }
        }
    }

    @Test func `lines have their own verdicts, and those that counted are not listed`()
        async throws
    {
        try await TestServer.run { server in
            let lines = [
                #"{"id":"a","subject":"u","type":"prompt"}"#, "", "nonsense",
                #"{"id":"b","subject":"u","quantities":{"prompts":-1}}"#,
                #"{"id":"c","subject":"u","quantities":{"nope":1}}"#,
                #"{"specversion":"1.0","id":"d","source":"s","subject":"u","type":"prompt"}"#,
                #"{"id":"a","subject":"u","type":"prompt"}"#,
            ]
            let answer = try await server.send(
                .post, "/v1/events", lines.joined(separator: "\n"), type: "application/x-ndjson")
            #expect(counts(answer) == [2, 1, 0, 3])
            #expect(answer.items("results", "status").filter { $0 == "counted" } == [])
            for field in ["events[1]", "events[2].quantities.prompts", "events[3].quantities.nope"]
            {
                #expect(answer.text.contains(#""field":"\#(field)""#), "\(field)")
            }
        }
    }

    @Test func `a long stream takes several commits and stays small`() async throws {
        try await TestServer.run { server in
            let lines = (0..<20_000).map { #"{"id":"e\#($0)","subject":"u","type":"prompt"}"# }
            let body = lines.joined(separator: "\n")
            let first = try await server.send(.post, "/v1/events", body, type: "application/jsonl")
            #expect(counts(first) == [20_000, 0, 0, 0] && first.items("results", "id") == [])
            let again = try await server.send(.post, "/v1/events", body, type: "application/ndjson")
            #expect(counts(again) == [0, 20_000, 0, 0])
            #expect(again.number("omitted") == 10_000)
            let batch = try await server.post(
                "/v1/events", "[" + lines.joined(separator: ",") + "]")
            #expect(counts(batch) == [0, 20_000, 0, 0])
            let usage = try await server.get("/v1/subjects/u/usage?meter=prompts&window=lifetime")
            #expect(usage.items("points", "quantity") == ["20000"])
        }
    }

    @Test func `CloudEvents come structured, as a batch and in binary mode`() async throws {
        try await TestServer.run { server in
            func event(_ id: String) -> String {
                #"{"specversion":"1.0","id":"\#(id)","source":"/app","type":"prompt","subject":"u","#
                    + #""time":"2026-03-10T11:00:00Z","data":{"model":"m"}}"#
            }
            let structured = try await server.send(
                .post, "/v1/events", event("1"),
                type: "application/cloudevents+json; charset=utf-8")
            #expect(counts(structured) == [1, 0, 0, 0])
            let batch = try await server.send(
                .post, "/v1/events", "[\(event("1")),\(event("2"))]",
                type: "application/cloudevents-batch+json")
            #expect(counts(batch) == [1, 1, 0, 0])
            var headers = HTTPFields()
            for (name, value) in [
                ("ce-specversion", "1.0"), ("ce-id", "3"), ("ce-source", "/app"),
                ("ce-type", "prompt"), ("ce-subject", "u"), ("ce-time", "2026-03-10T11:00:00Z"),
            ] { headers[HTTPField.Name(name) ?? .accept] = value }
            let binary = try await server.post(
                "/v1/events", #"{"model":"m"}"#, headers: headers)
            #expect(counts(binary) == [1, 0, 0, 0])
            let page = try await server.get("/v1/subjects/u/events")
            #expect(page.items("events", "id").sorted() == ["1", "2", "3"])
            #expect(page.items("events", "source") == ["/app", "/app", "/app"])
            #expect(page.text.contains(#""properties":{"model":"m"}"#))
        }
    }

    @Test func `several events that are no JSON at all are one problem`() async throws {
        try await TestServer.run { server in
            let answer = try await server.post("/v1/events", "[" + Self.plain + ",{]")
            #expect(answer.isProblem(400, "malformed"))
            #expect(try await server.get("/v1/subjects/u").status == 404)
        }
    }

    @Test func `a byte order mark before a body is skipped`() async throws {
        try await TestServer.run { server in
            let marked = "\u{FEFF}" + Self.plain
            #expect(counts(try await server.post("/v1/events", marked)) == [1, 0, 0, 0])
            let lines = try await server.send(
                .post, "/v1/events", marked + "\n", type: "application/x-ndjson")
            #expect(lines.status == 200 && lines.number("rejected") ?? 0 <= 1)
            #expect(!lines.text.contains("malformed"))
            let consume = "\u{FEFF}" + #"{"subject":"u","meter":"prompts"}"#
            #expect(try await server.post("/v1/consume", consume).status == 200)
            let limit = "\u{FEFF}" + #"{"meter":"prompts","window":"hour"}"#
            #expect(try await server.put("/v1/limits/hourly", limit).status == 201)
        }
    }

    @Test func `nothing is recorded while tracking is off`() async throws {
        var options = StoreOptions()
        options.isTrackingEnabled = false
        try await TestServer.run(store: options) { server in
            let single = try await server.post("/v1/events", Self.plain)
            #expect(single.status == 200 && counts(single) == [0, 0, 0, 0])
            #expect(single.number("notRecorded") == 1)
            #expect(single.items("results", "status") == ["notRecorded"])
            let batch = try await server.post("/v1/events", "[\(Self.plain)]")
            #expect(counts(batch) == [0, 0, 0, 0] && batch.number("notRecorded") == 1)
            let consume = try await server.post(
                "/v1/consume", #"{"subject":"u","meter":"prompts"}"#)
            #expect(consume.status == 200 && !consume.has("eventId"))
        }
    }
}
