import HTTPTypes
import HummingbirdTesting
import Meterstone
import MeterstoneCore
import MeterstoneServer
import MeterstoneTesting
import NIOCore
import NIOPosix
import Testing

/// What a connection promises, whichever way a request takes through the server.
///
/// Most of them wait until the server closes: one that never does is found, and not waited for.
@Suite(.timeLimit(.minutes(5))) struct ConnectionTests {
    private static func consume(_ id: String, _ more: String = "") -> String {
        let body = #"{"id":"\#(id)","subject":"u","meter":"prompts"}"#
        return
            "POST /v1/consume HTTP/1.1\r\nHost: localhost\r\n\(more)Content-Length: \(body.utf8.count)\r\n\r\n"
            + body
    }

    private static func get(_ path: String, _ more: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\(more)\r\n"
    }

    private static let close = "Connection: close\r\n"

    /// Sends bytes at once, and returns what comes back until the server closes, however it does.
    private func exchange(
        _ server: TestServer, _ bytes: String, closesInput: Bool = false
    ) async throws -> String {
        var received = ""
        do {
            let channel = try await open(server)
            try await channel.executeThenClose { inbound, outbound in
                if !bytes.isEmpty { try await outbound.write(ByteBuffer(string: bytes)) }
                if closesInput { outbound.finish() }
                for try await buffer in inbound { received += String(buffer: buffer) }
            }
        } catch is IOError {
        } catch is ChannelError {
        }
        return received
    }

    private func open(_ server: TestServer) async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer>
    {
        let port = try #require(server.client.port)
        return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true))
                }
            }
    }

    private func statuses(_ text: String) -> [String] {
        text.matches(of: /HTTP\/1\.1 (\d+)/).map { String($0.1) }
    }

    @Test func `requests that come at once are answered in their order`() async throws {
        try await TestServer.run(.live) { server in
            let received = try await exchange(
                server,
                Self.consume("a") + Self.get("/nothing") + Self.consume("b") + Self.consume("a")
                    + Self.get("/healthz") + Self.get("/v1/subjects/u/limits")
                    + Self.consume("c", Self.close))
            #expect(statuses(received) == ["200", "404", "200", "200", "200", "200", "200"])
            let used = received.matches(of: /"limit":"prompts_daily".*?"used":(\d+)/).map {
                String($0.1)
            }
            #expect(used == ["1", "2", "1", "2", "3"])
            #expect(received.contains("Idempotency-Replayed: true"))
        }
    }

    /// The beginnings of requests that go no further.
    static let halves = [
        "POST /v1/consume HTTP/1.1\r\nHost: local",
        "POST /v1/consume HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40\r\n\r\n{\"subject\"",
        "PUT /v1/subjects/u HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40\r\n\r\n{\"plan\"",
        "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            + "Content-Type: application/x-ndjson\r\n\r\n5\r\n{\"sub",
    ]

    @Test(arguments: halves, [nil, "secret"])
    func `a client that stops in the middle of its request is let go`(
        half: String, key: String?
    ) async throws {
        try await TestServer.run(.live, key: key, options: { $0.idleMilliseconds = 100 }) {
            server in
            // Comes back when the server closes.
            let received = try await exchange(server, half)
            #expect(!statuses(received).contains("200"))
            #expect(try await server.engine.subjects(after: nil, count: 1).isEmpty)
        }
    }

    @Test(arguments: halves, [nil, "secret"])
    func `a server that stops does not wait for a client that stopped`(
        half: String, key: String?
    ) async throws {
        let channel = try await TestServer.run(
            .live, key: key, options: { $0.stoppingMilliseconds = 50 }
        ) { server in
            let port = try #require(server.client.port)
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: port).get()
            try await channel.writeAndFlush(ByteBuffer(string: half))
            for _ in 0..<20 { _ = try await server.get("/healthz") }
            return channel
        }
        try await channel.closeFuture.get()
    }

    /// Requests whose answers are more than a connection holds, and requests without an end.
    @Test(arguments: [get("/openapi.json"), consume("a")])
    func `a server that stops does not wait for a client that takes no answers`(
        request: String
    ) async throws {
        let bytes = ByteBuffer(string: String(repeating: request, count: 500))
        let channel = try await TestServer.run(
            .live,
            options: {
                $0.stoppingMilliseconds = 50
                $0.closingMilliseconds = 100
            }
        ) { server in
            let port = try #require(server.client.port)
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelOption(ChannelOptions.autoRead, value: false)
                .connect(host: "127.0.0.1", port: port).get()
            channel.writeAndFlush(bytes, promise: nil)
            for _ in 0..<20 { _ = try await server.get("/healthz") }
            return channel
        }
        // The server is gone; whoever reads now sees that.
        try await channel.setOption(ChannelOptions.autoRead, value: true).get()
        channel.read()
        try await channel.closeFuture.get()
    }

    @Test func `one connection too many is turned away at once`() async throws {
        // One of them is the test client's own.
        try await TestServer.run(.live, options: { $0.connectionsMax = 3 }) { server in
            let first = try await open(server)
            try await first.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(string: Self.get("/healthz")))
                var answers = inbound.makeAsyncIterator()
                _ = try await answers.next()
                let second = try await open(server)
                try await second.executeThenClose { inbound, outbound in
                    try await outbound.write(ByteBuffer(string: Self.get("/healthz")))
                    var answers = inbound.makeAsyncIterator()
                    _ = try await answers.next()
                    let third = try await exchange(server, "")
                    #expect(statuses(third) == ["503"])
                    #expect(third.contains("Retry-After: 1"))
                    #expect(third.contains(#""code":"overloaded""#))
                    // Those that are open go on.
                    try await outbound.write(ByteBuffer(string: Self.consume("a")))
                    let answer = try #require(try await answers.next())
                    #expect(statuses(String(buffer: answer)) == ["200"])
                }
            }
            // Room comes back as soon as the server has noticed that they are closed.
            var received = ""
            for _ in 0..<1_000 where !received.contains("200 OK") {
                received = try await exchange(server, Self.get("/healthz", Self.close))
            }
            #expect(statuses(received) == ["200"])
        }
    }

    // MARK: Without a key

    /// Values of `Host`, of `Origin`, and the code of the refusal.
    static let callers: [(host: String, origin: String?, code: String?)] = [
        ("localhost:8080", nil, nil), ("127.0.0.1", nil, nil), ("[::1]:8080", nil, nil),
        ("app.localhost", nil, nil), ("localhost:8080", "http://localhost:8080", nil),
        ("evil.example", nil, "foreign_host"), ("127.0.0.1.evil.example", nil, "foreign_host"),
        ("192.168.1.7:8080", nil, "foreign_host"),
        ("evil.example:8080", "http://evil.example:8080", "foreign_host"),
        ("localhost:8080", "http://evil.example", "foreign_origin"),
        ("localhost:8080", "http://localhost:3000", "foreign_origin"),
        ("localhost:8080", "https://localhost:8080", "foreign_origin"),
        ("localhost:8080", "null", "foreign_origin"),
    ]

    @Test(arguments: callers)
    func `a page from elsewhere reaches no server that has no key`(
        caller: (host: String, origin: String?, code: String?)
    ) async throws {
        let origin = caller.origin.map { "Origin: \($0)\r\n" } ?? ""
        let requests = [
            ("POST /v1/consume", #"{"subject":"u","meter":"prompts"}"#),
            ("PUT /v1/subjects/u", #"{"plan":"pro"}"#),
            ("POST /v1/events", #"{"subject":"u","meter":"prompts","id":"x"}"#),
        ].map { line, body in
            "\(line) HTTP/1.1\r\nHost: \(caller.host)\r\n\(origin)"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        }
        let last =
            "GET /v1/subjects/u HTTP/1.1\r\nHost: \(caller.host)\r\n\(origin)\(Self.close)\r\n"
        for key in [nil, "secret"] {
            try await TestServer.run(.live, key: key) { server in
                let received = try await exchange(server, requests.joined() + last)
                guard key == nil else {
                    // Who has no key gets no further, wherever they come from.
                    return #expect(statuses(received) == ["401", "401", "401", "401"])
                }
                guard let code = caller.code else {
                    return #expect(statuses(received).allSatisfy { $0.hasPrefix("20") })
                }
                #expect(statuses(received) == ["403", "403", "403", "403"])
                #expect(received.matches(of: try Regex("\"code\":\"\(code)\"")).count == 4)
                #expect(try await server.engine.subject(SubjectID(unchecked: "u")) == nil)
            }
        }
    }

    @Test(arguments: ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
    func `what a form can send is no JSON`(type: String) async throws {
        try await TestServer.run(.live) { server in
            let consume = #"{"subject":"u","meter":"prompts"}"#
            for path in ["/v1/consume", "/v1/check", "/v1/reservations", "/v1/events"] {
                let answer = try await server.send(.post, path, consume, type: type)
                #expect(answer.isProblem(415, "unsupported_media_type", field: "Content-Type"))
            }
            let answer = try await server.send(.put, "/v1/subjects/u", "{}", type: type)
            #expect(answer.isProblem(415, "unsupported_media_type", field: "Content-Type"))
        }
    }

    @Test func `many requests at once wait for their turn`() async throws {
        try await TestServer.run(.live) { server in
            _ = try await server.put(
                "/v1/subjects/u/overrides/prompts_daily", #"{"allowance":500}"#)
            let requests = (0..<600).map { Self.consume("e\($0)") }.joined()
            let received = try await exchange(server, requests + Self.get("/healthz", Self.close))
            let answers = statuses(received)
            #expect(answers.count == 601)
            #expect(answers.prefix(500).allSatisfy { $0 == "200" })
            #expect(answers.dropFirst(500).dropLast().allSatisfy { $0 == "429" })
        }
    }

    @Test func `thousands of requests that are refused at once do not pile up`() async throws {
        try await TestServer.run(.live) { server in
            let bad = "POST /v1/consume HTTP/1.1\r\nContent-Length: 1\r\n\r\n{"
            let received = try await exchange(
                server,
                Self.consume("a") + String(repeating: bad, count: 20_000)
                    + Self.get("/healthz", Self.close))
            let answers = statuses(received)
            #expect(answers.count == 20_002)
            #expect(answers.dropFirst().dropLast().allSatisfy { $0 == "400" })
        }
    }

    @Test(arguments: [
        ("/v1/check", "application/json", 1_048_576),
        ("/v1/reservations", "application/json", 1_048_576),
    ])
    func `a stream without a length is cut off at the bound`(
        path: String, type: String, bound: Int
    ) async throws {
        let head =
            "POST \(path) HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            + "Content-Type: \(type)\r\n\r\n"
        let size = 1_048_576
        let chunk = ByteBuffer(
            string: "100000\r\n" + String(repeating: "\n", count: size) + "\r\n")
        try await TestServer.run(.live) { server in
            var received = ""
            do {
                try await open(server).executeThenClose { inbound, outbound in
                    try await outbound.write(ByteBuffer(string: head))
                    // Never the end: whoever waited for it would wait for ever.
                    async let _: Void = {
                        for _ in 0...bound / size { try await outbound.write(chunk) }
                    }()
                    for try await buffer in inbound {
                        received += String(buffer: buffer)
                        if received.contains("too_large") { break }
                    }
                }
            } catch is IOError {
            } catch is ChannelError {
            }
            #expect(statuses(received) == ["413"])
            #expect(received.contains(#""code":"too_large""#))
            #expect(try await server.get("/healthz").status == 200)
        }
    }

    @Test func `a client that sends no more still gets its answer`() async throws {
        try await TestServer.run(.live) { server in
            let received = try await exchange(server, Self.consume("a"), closesInput: true)
            #expect(statuses(received) == ["200"])
        }
    }

    @Test func `what cannot be read is refused after what could`() async throws {
        try await TestServer.run(.live) { server in
            let received = try await exchange(server, Self.consume("a") + "NONSENSE\r\n\r\n")
            #expect(statuses(received) == ["200", "400"])
        }
    }

    @Test func `both ways through the server give the same answer`() async throws {
        let bodies = [
            #"{"id":"a","subject":"u","meter":"prompts","quantity":3}"#,
            #"{"id":"a","subject":"u","meter":"prompts","quantity":3}"#,
            #"{"id":"a","subject":"u","meter":"prompts","quantity":4}"#,
            #"{"subject":"u","meter":"prompts","quantity":9}"#, #"{"subject":"u","meter":"nope"}"#,
            #"[{"id":"b","subject":"u","meter":"prompts"},{"id":"c","subject":"u","meter":"no"}]"#,
            #"{"events":[{"id":"a","subject":"u","meter":"prompts","quantity":3}]}"#, "[]", "[{]",
            "{", "", #"{"subject":"\#(String(repeating: "x", count: 70_000))","meter":"prompts"}"#,
        ]
        for type in ["application/json", "text/plain", "application/x-ndjson"] {
            let routed = try await answers(.router, bodies, type)
            let direct = try await answers(.live, bodies, type)
            #expect(routed == direct)
        }
    }

    private func answers(
        _ setup: TestingSetup, _ bodies: [String], _ type: String
    ) async throws -> [String] {
        try await TestServer.run(setup, key: "secret") { server in
            var texts: [String] = []
            for body in bodies {
                for key in ["secret", "wrong"] {
                    let answer = try await server.send(
                        .post, "/v1/consume", body, type: type,
                        headers: [.authorization: "Bearer \(key)"])
                    let names = ["RateLimit", "Retry-After", "Content-Type", "Content-Length"]
                    let fields = names.map { answer.header($0) ?? "-" }
                    texts.append("\(answer.status) \(answer.text) \(fields)")
                }
            }
            return texts
        }
    }

    @Test func `every answer has a date`() async throws {
        try await TestServer.run(.live) { server in
            let consume = try await server.post(
                "/v1/consume", #"{"subject":"u","meter":"prompts"}"#)
            #expect(consume.header("Date") == "Tue, 10 Mar 2026 12:00:00 GMT")
            #expect(try await server.get("/healthz").header("Date") != nil)
        }
    }

    /// Heads whose bodies would not be read, and how they are answered.
    static let unwelcome: [(line: String, fields: String, status: String)] = [
        ("POST /v1/events", "Content-Length: 10\r\nAuthorization: Bearer wrong\r\n", "401"),
        ("POST /v1/consume", "Content-Length: 10\r\n", "401"),
        ("POST /v1/events", "Content-Length: 67108865\r\n" + key, "413"),
        ("POST /v1/consume", "Content-Length: 67108865\r\n" + key, "413"),
        ("POST /v1/check", "Content-Length: 1048577\r\n" + key, "413"),
        ("PUT /v1/plans/free", "Content-Length: 1048577\r\n" + key, "413"),
        ("POST /v1/nothing", "Content-Length: 10\r\n" + key, "404"),
        ("PUT /v1/events?dryRun=true", "Content-Length: 10\r\n" + key, "405"),
    ]

    private static let key = "Authorization: Bearer secret\r\n"

    @Test(.timeLimit(.minutes(1)), arguments: unwelcome)
    func `a body that would not be read is not asked for`(
        line: String, fields: String, status: String
    ) async throws {
        try await TestServer.run(.live, key: "secret") { server in
            let received = try await exchange(
                server,
                "\(line) HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\(fields)"
                    + "\(Self.close)\r\n")
            #expect(statuses(received) == [status])
        }
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            ("POST /v1/events?dryRun=true", "Content-Type: application/x-ndjson\r\n"),
            ("POST /v1/consume", ""), ("POST /v1/check", ""), ("POST /v1/events/e/void", ""),
        ])
    func `a body is asked for after the answers before it`(
        line: String, fields: String
    ) async throws {
        try await TestServer.run(.live, key: "secret") { server in
            let received = try await exchange(
                server,
                Self.get("/openapi.json", Self.key)
                    + "\(line) HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\(Self.key)"
                    + "\(fields)\(Self.close)Content-Length: 2\r\n\r\n{}")
            let found = statuses(received)
            #expect(found.prefix(2) == ["200", "100"] && found.count == 3)
        }
    }

    @Test func `a body that is announced is waited for`() async throws {
        try await TestServer.run(.live) { server in
            let received = try await exchange(
                server,
                Self.consume("a", "Expect: 100-continue\r\n")
                    + Self.get("/healthz", Self.close))
            #expect(statuses(received) == ["100", "200", "200"])
        }
    }
}
