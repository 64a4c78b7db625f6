import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

/// Each gets a problem with a stable code that names the field; nothing traps, nothing is counted.
@Suite struct BadInputTests {
    static let events: [(body: String, status: Int, code: String, field: String?)] = [
        ("", 400, "malformed", nil), ("{", 400, "malformed", nil),
        ("nonsense", 400, "malformed", nil),
        ("{}", 422, "missing_field", "subject"), ("5", 422, "invalid_field", nil),
        (#"{"subject":5,"meter":"prompts"}"#, 422, "invalid_field", "subject"),
        (#"{"subject":"","meter":"prompts"}"#, 422, "invalid_field", "subject"),
        (#"{"subject":"u"}"#, 422, "missing_field", "quantities"),
        (#"{"subject":"u","meter":"a b"}"#, 422, "invalid_field", "meter"),
        (#"{"subject":"u","meter":"prompts","quantity":-1}"#, 422, "invalid_field", "quantity"),
        (#"{"subject":"u","meter":"prompts","quantity":1.5}"#, 422, "invalid_field", "quantity"),
        (
            #"{"subject":"u","meter":"prompts","quantity":9223372036854775808}"#, 422,
            "invalid_field",
            "quantity"
        ),
        (#"{"subject":"u","meter":"prompts","quantity":1e400}"#, 422, "invalid_field", "quantity"),
        (
            #"{"subject":"u","quantities":{"prompts":"1"}}"#, 422, "invalid_field",
            "quantities.prompts"
        ),
        (#"{"subject":"u","type":"unknown"}"#, 422, "nothing_to_count", "meter"),
        (
            #"{"subject":"u","meter":"prompts","occurredAt":"9999-12-31T23:59:59Z"}"#, 422,
            "occurred_at_out_of_range", "occurredAt"
        ),
        (
            #"{"subject":"u","meter":"prompts","occurredAt":"2026-03-10T12:00:00"}"#, 422,
            "invalid_field", "occurredAt"
        ),
        (
            #"{"subject":"u","meter":"prompts","occurredAt":"99999-01-01T00:00:00Z"}"#, 422,
            "invalid_field", "occurredAt"
        ),
        (#"{"subject":"u","meter":"prompts","amount":1}"#, 422, "unknown_field", "amount"),
        (#"{"subject":"u","subject":"u","meter":"prompts"}"#, 422, "invalid_field", "subject"),
        (
            #"{"subject":"u","meter":"prompts","id":"\#(String(repeating: "x", count: 10_000))"}"#,
            422,
            "invalid_field", "id"
        ),
    ]

    @Test(arguments: events.indices, ["/v1/consume", "/v1/check"])
    func `an event that breaks a rule is refused`(index: Int, path: String) async throws {
        let (body, status, code, field) = Self.events[index]
        try await TestServer.run { server in
            let answer = try await server.post(path, body)
            #expect(answer.isProblem(status, code, field: field), "\(body) → \(answer.text)")
            #expect(try await server.get("/v1/subjects/u").status == 404)
        }
    }

    @Test func `deep JSON and bad UTF-8 are malformed`() async throws {
        let deep =
            #"{"subject":"u","type":"prompt","properties":{"a":"#
            + String(repeating: "[", count: 100_000)
        let broken = Array(#"{"subject":""#.utf8) + [0xC3, 0x28] + Array(#"","type":"t"}"#.utf8)
        try await TestServer.run { server in
            for path in ["/v1/consume", "/v1/check", "/v1/events"] {
                #expect(try await server.post(path, deep).isProblem(400, "malformed"))
                let answer = try await server.send(.post, path, bytes: broken)
                #expect(answer.isProblem(400, "malformed"))
            }
        }
    }

    @Test func `a quantity that would overflow a counter is refused`() async throws {
        try await TestServer.run { server in
            _ = try await server.put(
                "/v1/limits/seconds_monthly", #"{"meter":"seconds","window":"month"}"#)
            let most = #"{"subject":"u","meter":"seconds","quantity":9223372036854775807}"#
            #expect(try await server.post("/v1/consume", most).status == 200)
            for path in ["/v1/consume", "/v1/events"] {
                let answer = try await server.post(path, #"{"subject":"u","meter":"seconds"}"#)
                #expect(answer.status == 422 && answer.text("code") == "quantity_overflow")
            }
        }
    }

    static let types: [(path: String, type: String, status: Int)] = [
        ("/v1/consume", "text/plain", 415),
        ("/v1/consume", "application/x-www-form-urlencoded", 415),
        ("/v1/consume", "application/json; charset=utf-16", 415),
        ("/v1/consume", "application/json; charset=utf-8", 200), ("/v1/consume", "", 415),
        ("/v1/check", "application/xml", 415), ("/v1/events", "text/csv", 415),
        ("/v1/events", "application/x-ndjson; charset=latin1", 415),
        ("/v1/events", "application/json", 200), ("/v1/events/e/void", "text/plain", 415),
    ]

    @Test(arguments: types)
    func `a body of another media type is refused`(
        path: String, type: String, status: Int
    ) async throws {
        try await TestServer.run { server in
            let answer = try await server.send(
                .post, path, #"{"subject":"u","meter":"prompts"}"#, type: type)
            #expect(answer.status == status)
            if status == 415 {
                #expect(answer.isProblem(415, "unsupported_media_type", field: "Content-Type"))
            }
        }
    }

    @Test func `a body without a media type is JSON`() async throws {
        try await TestServer.run { server in
            let body = #"{"subject":"u","meter":"prompts"}"#
            for path in ["/v1/consume", "/v1/events"] {
                let answer = try await server.send(.post, path, body, type: nil)
                #expect(answer.status == 200)
            }
        }
    }

    @Test func `a body of a hundred megabytes is refused`() async throws {
        let large = [UInt8](repeating: UInt8(ascii: " "), count: 100 * 1_048_576)
        try await TestServer.run { server in
            for path in ["/v1/consume", "/v1/events"] {
                let answer = try await server.send(.post, path, bytes: large)
                #expect(answer.isProblem(413, "too_large"))
            }
            let lines = try await server.send(
                .post, "/v1/events", bytes: large, type: "application/x-ndjson")
            #expect(lines.isProblem(413, "too_large"))
        }
    }

    static let queries: [(path: String, code: String, field: String?)] = [
        ("/v1/subjects?count=0", "invalid_field", "count"),
        ("/v1/subjects?count=1001", "invalid_field", "count"),
        ("/v1/subjects?count=+5", "invalid_field", "count"),
        ("/v1/subjects?count=x", "invalid_field", "count"),
        ("/v1/subjects?cursor=x", "invalid_field", "cursor"),
        ("/v1/subjects?limit=5", "unknown_field", "limit"),
        ("/v1/subjects?count=1&count=2", "invalid_field", "count"),
        ("/v1/meters?cursor=MWVhYmM", "invalid_field", "cursor"),
        ("/v1/changes?cursor=MWNhYmM", "invalid_field", "cursor"),
        ("/v1/subjects/u?x=1", "unknown_field", "x"),
        ("/v1/subjects/u/usage", "missing_field", "meter"),
        ("/v1/subjects/u/usage?meter=prompts", "missing_field", "window"),
        ("/v1/subjects/u/usage?meter=prompts&window=minutes", "invalid_field", "window"),
        ("/v1/subjects/u/usage?meter=prompts&window=rolling:60", "invalid_field", "window"),
        ("/v1/subjects/u/usage?meter=prompts&window=request", "invalid_field", "window"),
        ("/v1/subjects/u/usage?meter=prompts&window=concurrent", "invalid_field", "window"),
        ("/v1/subjects/u/usage?meter=nope&window=day", "unknown_meter", "meter"),
        ("/v1/subjects/u/usage?meter=prompts&window=day&from=today", "invalid_field", "from"),
        (
            "/v1/subjects/u/usage?meter=prompts&window=day&from=2026-01-02T00:00:00Z"
                + "&until=2026-01-01T00:00:00Z", "invalid_field", "until"
        ),
        (
            "/v1/subjects/u/usage?meter=prompts&window=hour&from=1970-01-01T00:00:00Z",
            "invalid_field", "from"
        ),
        ("/v1/analytics/top", "missing_field", "meter"),
        ("/v1/analytics/top?meter=nope", "unknown_meter", "meter"),
        ("/v1/subjects/%FF", "invalid_field", "subject"),
        ("/v1/subjects/%00", "invalid_field", "subject"),
        ("/v1/subjects/\(String(repeating: "x", count: 300))", "invalid_field", "subject"),
        ("/v1/meters/a%20b", "invalid_field", "key"),
        ("/v1/models/%00", "invalid_field", "key"),
        ("/v1/reservations/%FF", "invalid_field", "reservation"),
        ("/v1/reservations/r?source=%00", "invalid_field", "source"),
        ("/v1/reservations/r?subject=u", "unknown_field", "subject"),
        ("/v1/subjects/u/reservations?status=open", "unknown_field", "status"),
        ("/v1/subjects/u/credits?x=1", "unknown_field", "x"),
        ("/v1/subjects/u/credits/entries?count=0", "invalid_field", "count"),
        ("/v1/subjects/u/credits/entries?cursor=MWNhYmM", "invalid_field", "cursor"),
    ]

    @Test(arguments: queries)
    func `a query or path that breaks a rule is refused`(
        path: String, code: String, field: String?
    ) async throws {
        try await TestServer.run { server in
            let answer = try await server.get(path)
            #expect(answer.isProblem(422, code, field: field), "\(answer.text)")
        }
    }

    @Test func `a query that is not UTF-8 is malformed`() async throws {
        try await TestServer.run { server in
            for query in ["count=%FF", "%zz", "count=%"] {
                let answer = try await server.get("/v1/subjects?\(query)")
                #expect(answer.isProblem(400, "malformed"))
            }
        }
    }
}
