import HTTPTypes
import HummingbirdTesting
import Meterstone
import MeterstoneCore
import Testing

/// `GET /v1/events` and `GET /v1/events/unmetered`.
@Suite struct EventListRouteTests {
    private func fill(_ server: TestServer) async throws {
        let events = [
            #"{"id":"a","subject":"u","type":"prompt","occurredAt":"2026-03-10T10:00:00Z"}"#,
            #"{"id":"b","subject":"w","type":"promt","occurredAt":"2026-03-10T11:00:00Z"}"#,
            #"{"id":"unmetered","subject":"u","type":"prompt","session":"s","status":"failed"}"#,
        ]
        _ = try await server.post("/v1/events", "[\(events.joined(separator: ","))]")
    }

    @Test func `events of all subjects are listed, page by page`() async throws {
        try await TestServer.run { server in
            #expect(try await server.get("/v1/events").text == #"{"events":[],"nextCursor":null}"#)
            try await fill(server)
            let all = try await server.get("/v1/events")
            #expect(all.items("events", "id") == ["unmetered", "b", "a"])
            #expect(all.items("events", "subject") == ["u", "w", "u"])
            let first = try await server.get("/v1/events?count=2")
            #expect(first.items("events", "id") == ["unmetered", "b"])
            let cursor = try #require(first.text("nextCursor"))
            let second = try await server.get("/v1/events?count=2&cursor=\(cursor)")
            #expect(second.items("events", "id") == ["a"] && second.text("nextCursor") == nil)
            for (query, ids) in [
                ("type=prompt", ["unmetered", "a"]), ("subject=w", ["b"]),
                ("status=failed", ["unmetered"]), ("session=s", ["unmetered"]),
                ("until=2026-03-10T11:00:00Z", ["a"]),
                ("from=2026-03-10T11:00:00Z&type=promt", ["b"]),
            ] {
                let found = try await server.get("/v1/events?\(query)")
                #expect(found.items("events", "id") == ids, "\(query)")
            }
        }
    }

    @Test(arguments: [
        ("status=good", "invalid_field", "status"), ("type=", "invalid_field", "type"),
        ("cursor=x", "invalid_field", "cursor"), ("count=0", "invalid_field", "count"),
        ("kind=x", "unknown_field", "kind"), ("from=x", "invalid_field", "from"),
        ("from=2026-03-10T11:00:00Z&until=2026-03-10T11:00:00Z", "invalid_field", "until"),
    ])
    func `a filter that means nothing is refused`(
        query: String, code: String, field: String
    ) async throws {
        try await TestServer.run(key: "secret") { server in
            let answer = try await server.get("/v1/events?\(query)")
            #expect(answer.isProblem(422, code, field: field))
            let stranger = try await server.send(
                .get, "/v1/events", headers: [.authorization: "Bearer x"])
            #expect(stranger.isProblem(401, "unauthorized"))
        }
    }

    @Test func `what no meter counts is told by type`() async throws {
        try await TestServer.run { server in
            try await fill(server)
            let answer = try await server.get("/v1/events/unmetered")
            #expect(answer.items("rows", "type") == ["prompt", "promt"])
            #expect(answer.items("rows", "events") == ["1", "1"])
            #expect(answer.text.contains("did you mean 'prompt', which moves the meter 'prompts'?"))
            let csv = try await server.get("/v1/events/unmetered?format=csv&type=promt")
            #expect(
                csv.text.hasPrefix(
                    "type,status,events,firstAt,lastAt,suggestion\r\npromt,success,1,"))
            // An event may be called so.
            let void = try await server.post(
                "/v1/events/unmetered/void", #"{"reason":"wrong","author":"me"}"#)
            #expect(void.status == 200 && void.boolean("corrected") == true)
        }
    }
}
