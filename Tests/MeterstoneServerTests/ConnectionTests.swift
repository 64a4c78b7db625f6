import HTTPTypes
import HummingbirdTesting
import MeterstoneTesting
import NIOCore
import NIOPosix
import Testing

/// What a connection promises, whichever way a request takes through the server.
@Suite struct ConnectionTests {
    private static func consume(_ id: String, _ more: String = "") -> String {
        let body = #"{"id":"\#(id)","subject":"u","meter":"prompts"}"#
        return
            "POST /v1/consume HTTP/1.1\r\nHost: x\r\n\(more)Content-Length: \(body.utf8.count)\r\n\r\n"
            + body
    }

    private static func get(_ path: String, _ more: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nHost: x\r\n\(more)\r\n"
    }

    private static let close = "Connection: close\r\n"

    /// Sends bytes at once, and returns what comes back until the server closes.
    private func exchange(
        _ server: TestServer, _ bytes: String, closesInput: Bool = false
    ) async throws -> String {
        let port = try #require(server.client.port)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true))
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: bytes))
            if closesInput { outbound.finish() }
            var received = ""
            for try await buffer in inbound { received += String(buffer: buffer) }
            return received
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
            "{", "", #"{"subject":"\#(String(repeating: "x", count: 70_000))","meter":"prompts"}"#,
        ]
        for type in ["application/json", "text/plain"] {
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
