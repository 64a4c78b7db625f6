import Foundation
import HTTPTypes
import Meterstone
import MeterstoneCore
import MeterstoneTesting
import Testing

/// The chat flow builder's paths, with the bodies of its document as they stand there.
@Suite struct ChatTrackRouteTests {
    private static let initiation = """
        {
          "prompt": "Create an NFT contract",
          "sessionId": "session-123",
          "model": "gpt-4",
          "requestType": "code_generation",
          "category": "nft",
          "complexity": "high"
        }
        """
    private static let completion = """
        {
          "requestId": "req-123",
          "status": "completed",
          "response": "Generated contract code...",
          "tokensUsed": 1500,
          "cost": 3,
          "duration": 2500,
          "userRating": 5
        }
        """
    private static let usageExampleStart = """
        {"prompt":"Create an NFT contract","sessionId":"session-123","category":"nft",\
        "complexity":"high"}
        """
    private static let usageExampleEnd = """
        {"requestId":"req-123","status":"completed","tokensUsed":1500,"cost":3,"duration":2500,\
        "userRating":5}
        """
    private static let track = "/api/chat/track"
    private static let dashboard = "/api/user/dashboard"
    private static let user: HTTPFields = [.userID: "user-123"]
    /// So that the completion's literal id is the request's.
    private static let userAndID: HTTPFields = [
        .userID: "user-123", .idempotencyKey: "req-123",
    ]

    private static func run(_ work: @Sendable (TestServer) async throws -> Void) async throws {
        try await TestServer.run { server in
            try await server.setUp()
            try await work(server)
        }
    }

    @Test func `requests of who is erased are nobody's`() async throws {
        try await Self.run { server in
            for id in ["ended", "open"] {
                _ = try await server.post(
                    Self.track, Self.initiation,
                    headers: [.userID: "wilma", .idempotencyKey: id])
            }
            let end = #"{"requestId":"ended","status":"completed","response":"r","tokensUsed":5}"#
            #expect(try await server.put(Self.track, end).status == 200)
            let erased = try await server.post(
                "/v1/subjects/wilma/erase", #"{"confirm":"wilma"}"#)
            #expect(erased.status == 200)
            #expect(
                try await server.get("/v1/requests/ended").isProblem(404, "unknown_request"))
            for body in [
                #"{"requestId":"ended","userRating":3}"#, end,
                #"{"requestId":"open","status":"completed","response":"r"}"#,
            ] {
                let answer = try await server.put(Self.track, body)
                #expect(
                    answer.isProblem(422, "unknown_request", field: "requestId"), "\(answer.text)")
                #expect(!answer.text.contains("NFT"))
            }
        }
    }

    @Test func `requests of all users are listed, newest first`() async throws {
        try await Self.run { server in
            for (user, model) in [("u", "gpt-4"), ("v", "small"), ("u", "small")] {
                let started = try await server.post(
                    Self.track,
                    #"{"prompt":"p","sessionId":"s-\#(user)","model":"\#(model)","category":"nft"}"#,
                    headers: [.userID: user])
                #expect(started.status == 200)
                server.clock.advance(bySeconds: 1)
            }
            func listed(_ query: String) async throws -> [String] {
                let answer = try await server.get("/v1/requests?" + query)
                #expect(answer.status == 200, "\(answer.text)")
                return answer.text.matches(of: /"userId":"(.)"/).map { String($0.1) }
            }
            #expect(try await listed("") == ["u", "v", "u"])
            #expect(try await listed("model=small") == ["u", "v"])
            #expect(try await listed("subject=u&model=gpt-4") == ["u"])
            #expect(try await listed("sessionId=s-v") == ["v"])
            #expect(try await listed("status=failed").isEmpty)
            // A filter that lets one through fills its page from what comes after.
            let page = try await server.get("/v1/requests?model=small&count=1")
            let cursor = try #require(page.text("nextCursor"))
            #expect(try await listed("model=small&count=1&cursor=\(cursor)") == ["v"])
            let wrong = try await server.get("/v1/requests?status=odd")
            #expect(wrong.isProblem(422, "invalid_field", field: "status"))
        }
    }

    @Test func `a request is started and completed with the document's bodies`() async throws {
        try await Self.run { server in
            let started = try await server.post(
                Self.track, Self.initiation, headers: Self.userAndID)
            #expect(started.status == 200)
            #expect(started.text("requestId") == "req-123")
            #expect(started.text("status") == "pending")
            #expect(started.text("startedAt") == "2026-03-10T12:00:00.000Z")
            #expect(
                started.items("limits", "limit") == [
                    "requests_daily", "requests_monthly", "tokens_per_request",
                ])
            #expect(started.header("RateLimit-Policy")?.hasPrefix(#""requests_daily";q=2"#) == true)

            server.clock.advance(bySeconds: 3)
            let ended = try await server.put(Self.track, Self.completion)
            #expect(ended.status == 200)
            #expect(
                ended.text == """
                    {"category":"nft","completedAt":"2026-03-10T12:00:03.000Z",\
                    "complexity":"high","cost":3,"costMillionths":30000,"costSource":"given",\
                    "duration":2500,"estimatedTokens":506,"model":"gpt-4",\
                    "prompt":"Create an NFT contract","requestId":"req-123",\
                    "requestType":"code_generation","response":"Generated contract code...",\
                    "sessionId":"session-123","startedAt":"2026-03-10T12:00:00.000Z",\
                    "status":"completed","tokensUsed":1500,"userId":"user-123","userRating":5}
                    """)
            let found = try await server.get("/v1/requests/req-123")
            #expect(found.status == 200 && found.text == ended.text)
        }
    }

    @Test func `the document's usage example works without an id of its own`() async throws {
        try await Self.run { server in
            let started = try await server.post(
                Self.track + "?userId=user-123", Self.usageExampleStart)
            let id = try #require(started.text("requestId"))
            #expect(id.utf8.count == 36)
            let body = Self.usageExampleEnd.replacing("req-123", with: id)
            let ended = try await server.put(Self.track, body)
            #expect(ended.status == 200 && ended.text("status") == "completed")
            #expect(!ended.has("response") && !ended.has("model"))
        }
    }

    @Test func `a request says how long it is waited for and what counts if it is cancelled`()
        async throws
    {
        try await Self.run { server in
            func start(_ id: String, _ terms: String) async throws -> Answer {
                try await server.post(
                    Self.track,
                    """
                    {"requestId":"\(id)","prompt":"p","sessionId":"s","estimatedTokens":100,\(terms)}
                    """, headers: Self.user)
            }
            let started = try await start(
                "a",
                #""expiresInSeconds":3600,"onAbort":"told","abortMinimumTokens":25"#)
            #expect(started.status == 200)
            server.clock.advance(bySeconds: 3_599)
            let end = #"{"requestId":"a","status":"cancelled","tokensUsed":40}"#
            #expect(try await server.put(Self.track, end).text("status") == "cancelled")
            func used(_ meter: String) async throws -> Int64? {
                let user = SubjectID(unchecked: "user-123")
                let outcome = try await server.engine.usage(
                    of: user, meter: MeterKey(unchecked: meter), window: .lifetime)
                guard case .series(let series) = outcome else { return nil }
                return series.points.reduce(0) { $0 + $1.quantity.units }
            }
            #expect(try await used("tokens") == 40)
            #expect(try await used("requests") == 0)
            _ = try await start("b", #""onAbort":"reserved""#)
            _ = try await server.put(Self.track, #"{"requestId":"b","status":"failed"}"#)
            #expect(try await used("tokens") == 140)
            _ = try await start("c", #""onExpiry":"charge","expiresInSeconds":1"#)
            server.clock.advance(bySeconds: 1)
            _ = try await server.engine.expireReservations()
            #expect(try await used("tokens") == 240)
            for (terms, field) in [
                (#""expiresInSeconds":0"#, "expiresInSeconds"), (#""onAbort":"x""#, "onAbort"),
                (#""onExpiry":"x""#, "onExpiry"),
            ] {
                let answer = try await start("d", terms)
                #expect(answer.isProblem(422, "invalid_field", field: field))
            }
        }
    }

    @Test func `a request counts for the levels that its start names`() async throws {
        try await Self.run { server in
            let body = #"{"prompt":"p","sessionId":"s","levels":["key/k1"]}"#
            for isRepeat in [false, true] {
                let started = try await server.post(Self.track, body, headers: Self.userAndID)
                #expect(started.header("Idempotency-Replayed") == (isRepeat ? "true" : nil))
                #expect(
                    started.items("limits", "subject") == [
                        "-", "-", "-", "key/k1", "key/k1", "key/k1",
                    ])
            }
            let ended = try await server.put(Self.track, Self.completion)
            #expect(ended.status == 200)
            let limits = try await server.get("/v1/subjects/key%2Fk1/limits")
            #expect(limits.items("limits", "used").filter { $0 == "1" }.count == 2)
            let wrong = try await server.post(
                Self.track, #"{"prompt":"p","sessionId":"s","levels":"x"}"#, headers: Self.user)
            #expect(wrong.isProblem(422, "invalid_field", field: "levels"))
        }
    }

    @Test func `a repeat through another program is a repeat`() async throws {
        try await Self.run { server in
            var headers = Self.userAndID
            headers[.userAgent] = "one"
            _ = try await server.post(Self.track, Self.initiation, headers: headers)
            headers[.userAgent] = "other"
            let again = try await server.post(Self.track, Self.initiation, headers: headers)
            #expect(again.status == 200 && again.header("Idempotency-Replayed") == "true")
            #expect(try await server.get("/v1/requests/req-123").text("userAgent") == "one")
            let different = try await server.post(
                Self.track, #"{"prompt":"other","sessionId":"s"}"#, headers: headers)
            #expect(different.isProblem(409, "event_conflict", field: "requestId"))
        }
    }

    @Test func `telling the same again gets the first answer`() async throws {
        try await Self.run { server in
            for isRepeat in [false, true] {
                let started = try await server.post(
                    Self.track, Self.initiation, headers: Self.userAndID)
                #expect(started.header("Idempotency-Replayed") == (isRepeat ? "true" : nil))
                #expect(started.items("limits", "used") == ["1", "1", "506"])
            }
            let first = try await server.put(Self.track, Self.completion)
            server.clock.advance(bySeconds: 60)
            let again = try await server.put(Self.track, Self.completion)
            #expect(again.text == first.text && again.header("Idempotency-Replayed") == "true")
            let started = try await server.post(
                Self.track, Self.initiation, headers: Self.userAndID)
            #expect(started.status == 200 && started.text("status") == "pending")
            let other = Self.completion.replacing("1500", with: "1501")
            #expect(
                try await server.put(Self.track, other)
                    .isProblem(409, "request_closed", field: "requestId"))
            let conflict = Self.initiation.replacing("nft", with: "token")
            #expect(
                try await server.post(Self.track, conflict, headers: Self.userAndID)
                    .isProblem(409, "event_conflict", field: "requestId"))
        }
    }

    @Test func `a refusal to start says which limit`() async throws {
        try await Self.run { server in
            for day in 0..<3 {
                for number in 0..<2 where day < 2 || number < 1 {
                    let id: HTTPFields = [.userID: "u", .idempotencyKey: "\(day)-\(number)"]
                    _ = try await server.post(Self.track, Self.initiation, headers: id)
                    _ = try await server.put(
                        Self.track, #"{"requestId":"\#(day)-\#(number)","status":"completed"}"#)
                }
                let refused = try await server.post(
                    Self.track, Self.initiation, headers: [.userID: "u"])
                #expect(refused.isProblem(429, "limit_exceeded"))
                let limit = day < 2 ? "requests_daily" : "requests_monthly"
                #expect(refused.texts("violated") == [limit])
                #expect(refused.texts("plansThatAllow") == ["pro"])
                #expect(refused.header("Retry-After") == (day < 2 ? "43200" : "1684800"))
                server.clock.advance(bySeconds: 86_400)
            }
            let large = #"{"prompt":"?","sessionId":"s","userId":"v","estimatedTokens":4001}"#
            let refused = try await server.post(Self.track, large)
            #expect(refused.texts("violated") == ["tokens_per_request"])
        }
    }

    @Test func `it is told whose request it is, once or alike`() async throws {
        try await Self.run { server in
            let body = #"{"prompt":"?","sessionId":"s","userId":"b"}"#
            #expect(try await server.post(Self.track, body).status == 200)
            #expect(
                try await server.post(Self.track + "?userId=b", body, headers: [.userID: "b"])
                    .status == 200)
            #expect(
                try await server.post(Self.track + "?userId=c", body)
                    .isProblem(422, "invalid_field", field: "userId"))
            #expect(
                try await server.post(Self.track, Self.initiation)
                    .isProblem(422, "missing_field", field: "userId"))
            #expect(
                try await server.get(Self.dashboard)
                    .isProblem(422, "missing_field", field: "userId"))
            _ = try await server.post(Self.track, Self.initiation, headers: Self.userAndID)
            #expect(
                try await server.put(Self.track, Self.completion, headers: [.userID: "other"])
                    .isProblem(422, "unknown_request", field: "requestId"))
            #expect(
                try await server.put(Self.track, Self.completion, headers: Self.user).status == 200)
        }
    }

    @Test(arguments: [
        (#"{"sessionId":"s"}"#, "missing_field", "prompt"),
        (#"{"prompt":"?"}"#, "missing_field", "sessionId"),
        (#"{"prompt":"?","sessionId":"s","nft":1}"#, "unknown_field", "nft"),
        (#"{"prompt":1,"sessionId":"s"}"#, "invalid_field", "prompt"),
        (
            #"{"prompt":"?","sessionId":"s","estimatedTokens":-1}"#, "invalid_field",
            "estimatedTokens"
        ),
    ])
    func `a wrong start names the field`(body: String, code: String, field: String) async throws {
        try await Self.run { server in
            let answer = try await server.post(Self.track, body, headers: Self.user)
            #expect(answer.isProblem(422, code, field: field))
        }
    }

    @Test(arguments: [
        ("", "missing_field", "status"), (#","status":"pending""#, "invalid_field", "status"),
        (#","tokensUsed":1"#, "missing_field", "status"),
        (#","status":"completed","userRating":6"#, "invalid_field", "userRating"),
        (#","userRating":0"#, "invalid_field", "userRating"),
        (#","status":"completed","cost":-1"#, "invalid_field", "cost"),
        (#","status":"completed","cost":1000000000001"#, "invalid_field", "cost"),
        (#","status":"completed","tokensInput":1"#, "missing_field", "tokensOutput"),
        (#","status":"completed","cachedTokens":1"#, "missing_field", "tokensInput"),
        (
            #","status":"completed","tokensInput":1,"tokensOutput":1,"tokensUsed":3"#,
            "invalid_field", "tokensUsed"
        ),
        (
            #","status":"completed","tokensInput":1,"tokensOutput":1,"cachedTokens":2"#,
            "invalid_field", "tokensInput"
        ),
        (#","status":"failed","error":"a","errorMessage":"b""#, "invalid_field", "errorMessage"),
    ])
    func `a wrong end names the field`(rest: String, code: String, field: String) async throws {
        try await Self.run { server in
            _ = try await server.post(Self.track, Self.initiation, headers: Self.userAndID)
            let answer = try await server.put(
                Self.track, #"{"requestId":"req-123"\#(rest)}"#)
            #expect(answer.isProblem(422, code, field: field))
            #expect(
                try await server.get("/v1/requests/req-123").text("status") == "pending")
        }
    }

    @Test func `a rating comes later, and only when the request has ended`() async throws {
        try await Self.run { server in
            _ = try await server.post(Self.track, Self.initiation, headers: Self.userAndID)
            let rating = #"{"requestId":"req-123","userRating":2}"#
            #expect(
                try await server.put(Self.track, rating)
                    .isProblem(409, "reservation_open", field: "requestId"))
            _ = try await server.put(Self.track, Self.completion)
            #expect(try await server.put(Self.track, rating).number("userRating") == 2)
            let again = try await server.put(Self.track, rating)
            #expect(again.header("Idempotency-Replayed") == "true")
            let missing = try await server.put(Self.track, #"{"requestId":"x","userRating":2}"#)
            #expect(missing.isProblem(422, "unknown_request", field: "requestId"))
        }
    }

    @Test func `the dashboard has every member of the document's example`() async throws {
        try await Self.run { server in
            _ = try await server.put(
                "/v1/subjects/user-123",
                #"{"plan":"pro","metadata":{"email":"user@example.com"}}"#)
            let ends = [
                (Self.initiation, Self.completion),
                (Self.initiation, #"{"requestId":"req-123","status":"failed","error":"boom"}"#),
                (
                    Self.usageExampleStart,
                    #"{"requestId":"req-123","status":"completed","tokensInput":7,"#
                        + #""tokensOutput":5,"duration":1000,"userRating":4}"#
                ),
                (#"{"prompt":"?","sessionId":"s","category":"token"}"#, ""),
            ]
            for (number, (start, end)) in ends.enumerated() {
                let id = "r\(number)"
                _ = try await server.post(
                    Self.track, start, headers: [.userID: "user-123", .idempotencyKey: id])
                guard !end.isEmpty else { continue }
                let ended = try await server.put(
                    Self.track, end.replacing("req-123", with: id))
                #expect(ended.status == 200)
            }
            let answer = try await server.send(.get, Self.dashboard, headers: Self.user)
            #expect(answer.status == 200)
            let members = """
                "user":{"id":"user-123","email":"user@example.com","plan":"pro",\
                "requestsUsed":3,"requestsLimit":1000},\
                "metrics":{"totalRequests":4,"totalTokensUsed":1512,"totalCost":3,\
                "averageResponseTime":1750,"requestsThisMonth":3,"requestsToday":3},\
                "limits":{"monthlyUsed":3,"monthlyLimit":1000,"dailyUsed":3,"dailyLimit":-1,\
                "canMakeRequest":true,"planName":"pro"},\
                "performance":{"averageResponseTime":1750,"successRate":0.6667,\
                "averageRating":4.5,"totalRequests":4},"recentRequests":[
                """
            #expect(answer.text.hasPrefix("{" + members))
            #expect(answer.text.contains(#""dashboard":{"# + members))
            #expect(answer.text.contains(#""requestsByCategory":{"nft":3,"token":1}"#))
            #expect(answer.items("recentRequests", "requestId") == ["r3", "r2", "r1", "r0"])
            #expect(!answer.has("lastCalculatedAt"))
            for body in [nil, "{}", #"{"userId":"user-123"}"#] {
                let again = try await server.send(
                    .post, Self.dashboard + "?userId=user-123", body)
                #expect(again.text("lastCalculatedAt") == "2026-03-10T12:00:00.000Z")
                #expect(again.text.hasPrefix("{" + members))
            }
        }
    }

    @Test func `lists show a subject's requests and those without a cost`() async throws {
        try await Self.run { server in
            for number in 0..<2 {
                _ = try await server.post(
                    Self.track, Self.initiation,
                    headers: [.userID: "u", .idempotencyKey: "r\(number)"])
                server.clock.advance(bySeconds: 1)
            }
            _ = try await server.put(
                Self.track, #"{"requestId":"r0","status":"completed","tokensUsed":5}"#)
            let page = try await server.get("/v1/subjects/u/requests?count=1")
            #expect(page.items("requests", "requestId") == ["r1"])
            let cursor = try #require(page.text("nextCursor"))
            let next = try await server.get("/v1/subjects/u/requests?count=1&cursor=\(cursor)")
            #expect(next.items("requests", "requestId") == ["r0"])
            #expect(next.text.contains(#""nextCursor":null"#))
            let unpriced = try await server.get("/v1/requests/unpriced")
            #expect(unpriced.number("unpriced") == 1)
            #expect(unpriced.items("requests", "requestId") == ["r0"])
            let later = "/v1/requests/unpriced?from=2026-03-11T00:00:00Z"
            #expect(try await server.get(later).number("unpriced") == 0)
            #expect(try await server.get("/v1/requests/x").isProblem(404, "unknown_request"))
        }
    }

    @Test func `without the blueprint it is named`() async throws {
        try await TestServer.run { server in
            let answer = try await server.post(
                Self.track, Self.initiation, headers: Self.user)
            #expect(answer.isProblem(422, "unknown_meter"))
            #expect(answer.text("detail")?.contains("chat-builder") == true)
        }
    }

    @Test func `the paths are guarded as the others are`() async throws {
        try await TestServer.run(key: "secret") { server in
            let wrong: HTTPFields = [.authorization: "Bearer wrong", .userID: "u"]
            for (method, path, body) in [
                (.post, Self.track, Self.initiation), (.put, Self.track, Self.completion),
                (.get, Self.dashboard, nil), (.post, Self.dashboard, "{}"),
                (.get, "/v1/requests/r", nil), (.get, "/v1/requests/unpriced", nil),
                (.get, "/v1/subjects/u/requests", nil),
            ] as [(HTTPRequest.Method, String, String?)] {
                let answer = try await server.send(method, path, body, headers: wrong)
                #expect(answer.isProblem(401, "unauthorized"), "\(path)")
            }
        }
    }
}

extension TestServer {
    /// Adds the meters and limits of the chat flow, with small numbers.
    fileprivate func setUp() async throws {
        let free = PlanKey(unchecked: "free")
        let pro = PlanKey(unchecked: "pro")
        func limit(
            _ key: String, _ meter: MeterKey, _ window: Window, _ units: Int64, _ more: Allowance
        ) -> Limit {
            Limit(
                key: LimitKey(unchecked: key), meter: meter, window: window,
                allowances: [free: .units(Quantity(units)), pro: more])
        }
        let blueprint = Blueprint(
            meters: [Meter(key: RequestTracker.requests), Meter(key: RequestTracker.tokens)],
            limits: [
                limit("requests_daily", RequestTracker.requests, .day, 2, .unlimited),
                limit("requests_monthly", RequestTracker.requests, .month, 5, .units(1_000)),
                limit("tokens_per_request", RequestTracker.tokens, .request, 4_000, .units(8_000)),
            ])
        for step in try await engine.apply(blueprint, author: "test") {
            #expect(step.outcome == .created)
        }
    }
}

extension HTTPField.Name {
    fileprivate static let userID = HTTPField.Name("X-User-Id") ?? .accept
}
