import Meterstone
@testable import MeterstoneClient
import MeterstoneCore
import Observation
import Testing

/// Limits that a client follows, and what an app shows of them.
@Suite struct LiveClientTests {
    private static let ann = SubjectID(unchecked: "ann")
    private static let daily = LimitKey(unchecked: "prompts_daily")

    // MARK: Events

    @Test func `a stream is taken apart wherever it is cut`() {
        let text =
            "retry: 2000\r\n\n: as before\n\nevent: limits\r\nid: 7-a\ndata:{\"a\":\rdata: 1}\n\nid: 8\n\n"
        let bytes = Array(text.utf8)
        let expected = ServerSentEvents.Event(name: "limits", data: Array("{\"a\":\n1}".utf8))
        for cut in 0...bytes.count {
            var events = ServerSentEvents()
            let found = events.push(Array(bytes[..<cut])) + events.push(Array(bytes[cut...]))
            #expect(found == [expected], "cut at \(cut)")
            #expect(events.lastID == "8")
        }
    }

    @Test func `half an event of a stream that broke off is none`() {
        var events = ServerSentEvents()
        #expect(events.push(Array("id: 7\nevent: limits\ndata: {\"a\"".utf8)).isEmpty)
        events.begin()
        #expect(events.lastID == "7")
        #expect(events.push(Array("data: 1\n\n".utf8)) == [.init(name: "", data: [0x31])])
    }

    // MARK: Following

    /// Each stream of this server ends after 40 ms.
    @Test func `limits are told now and when they change, over streams that end`() async throws {
        try await TestServer.run { server in
            let client = MeterstoneClient(RouterTransport(server.client), sleep: { _ in })
            var seen: [Int64] = []
            for try await limits in client.liveLimits(of: Self.ann) {
                let used = try #require(limits.first { $0.limit == Self.daily }).used.units
                #expect(seen.last != used)
                seen.append(used)
                if used == 2 { break }
                _ = try await server.post("/v1/consume", #"{"subject":"ann","type":"prompt"}"#)
            }
            #expect(seen == [0, 1, 2])
        }
    }

    @Test func `a stream that breaks off goes on after what was read last`() async throws {
        let transport = ScriptedTransport([
            .nothing, .answer(503, "busy"),
            .answer(
                200, "event: limits\nid: 1-a\ndata: {\"subject\":\"ann\",\"limits\":[]}\n\nid: 2"),
            .nothing,
            .answer(200, "event: limits\nid: 3-c\ndata: {\"subject\":\"ann\",\"limits\":[]}\n\n"),
            .answer(401, Self.problem(401, "unauthorized")),
        ])
        let client = MeterstoneClient(
            transport, key: "t", random: { $0.upperBound }, sleep: { transport.noteWait($0) })
        var count = 0
        await #expect(throws: ClientError.self) {
            for try await limits in client.liveLimits() {
                #expect(limits.isEmpty)
                count += 1
            }
        }
        #expect(count == 2)
        #expect(Set(transport.requests.map(\.path)) == ["/v1/me/live"])
        let ids = transport.requests.map { request in
            request.headers.first { $0.name == "Last-Event-ID" }?.value
        }
        #expect(ids == [nil, nil, nil, "1-a", "1-a", "3-c"])
        // Doubling, and from the start again once something was read.
        #expect(transport.waits == [100, 200, 100, 200, 100])
    }

    private static func problem(_ status: Int, _ code: String) -> String {
        #"{"type":"/docs/errors","title":"x","status":\#(status),"code":"\#(code)","detail":"no"}"#
    }

    @Test func `a client that may not look is told why`() async throws {
        let transport = ScriptedTransport([.answer(403, Self.problem(403, "forbidden"))])
        let client = MeterstoneClient(transport, sleep: { _ in })
        await #expect(throws: ClientError(.refused, "no", problem: "forbidden")) {
            for try await _ in client.liveLimits(of: Self.ann) {}
        }
        #expect(transport.requests.count == 1)
    }

    // MARK: The model of an app

    @Test func `a model follows its subject, and tells who looks at it`() async throws {
        try await TestServer.run { server in try await Self.follow(server) }
    }

    @MainActor
    private static func follow(_ server: TestServer) async throws {
        let client = MeterstoneClient(RouterTransport(server.client), sleep: { _ in })
        let model = UsageModel(
            client, subject: ann, shown: [daily, LimitKey(unchecked: "none")])
        #expect(model.state == .loading)
        #expect(model.lines.isEmpty)
        let running = Task { await model.run() }
        for used in 0...1 {
            while model.lines.first?.used != Int64(used) { await change(of: model) }
            let line = try #require(model.lines.first)
            #expect(model.lines.count == 1)
            #expect(line.label == "Prompts daily" && line.text == "\(used) / 10")
            _ = try await server.post("/v1/consume", #"{"subject":"ann","type":"prompt"}"#)
        }
        running.cancel()
        await running.value
        #expect(model.state == .live)
    }

    /// Waits until the lines change, as a view does.
    @MainActor
    private static func change(of model: UsageModel) async {
        await withCheckedContinuation { continuation in
            withObservationTracking {
                _ = model.lines
            } onChange: {
                continuation.resume()
            }
        }
        // It is told before the change.
        await Task.yield()
    }

    @MainActor
    @Test func `a model that is refused says so, and keeps what it had`() async throws {
        let transport = ScriptedTransport([.answer(401, Self.problem(401, "unauthorized"))])
        let model = UsageModel(MeterstoneClient(transport, sleep: { _ in }))
        await model.run()
        #expect(model.state == .failed("unauthorized: no"))
        #expect(model.lines.isEmpty)
    }

    private static let now = Instant(millisecondsSince1970: 1_000_000_000)

    @Test(arguments: [
        (4, 5, 0.8, LimitLine.Level.near, "4 / 5"), (3, 5, 0.6, .free, "3 / 5"),
        (5, 5, 1, .full, "5 / 5"), (9, 5, 1, .full, "9 / 5"), (0, 0, 1, .full, "0 / 0"),
        (7, -1, 0, .free, "7 / ∞"), (-2, 5, 0, .free, "-2 / 5"),
    ])
    func `a line has a bar`(
        used: Int64, allowance: Int64, share: Double, level: LimitLine.Level, text: String
    ) throws {
        let line = try Self.line(used, allowance)
        #expect(line.share == share && line.level == level && line.text == text)
    }

    @Test(arguments: [
        (0, "0m"), (1, "1m"), (60_000, "1m"), (7_500_000, "2h 5m"), (172_799_999, "2d 0h"),
        (172_740_000, "47h 59m"), (273_600_000, "3d 4h"), (-5_000, "0m"),
    ])
    func `a line says when counting starts anew`(milliseconds: Int64, text: String) throws {
        let line = try Self.line(1, 5, resetsAt: Self.now.advanced(byMilliseconds: milliseconds))
        #expect(line.resetsIn(at: Self.now) == text)
        #expect(try Self.line(1, 5).resetsIn(at: Self.now) == nil)
    }

    private static func line(
        _ used: Int64, _ allowance: Int64, resetsAt: Instant? = nil
    ) throws -> LimitLine {
        let limit = Limit(
            key: daily, meter: MeterKey(unchecked: "prompts"), window: .day,
            defaultAllowance: .unlimited)
        let definition = LimitDefinition(
            limit: limit, aggregation: .sum, mode: .enforce, number: 0, series: 0, refusalSeries: 0)
        return LimitLine(
            LimitStatus(
                definition: definition, ancestor: nil,
                allowance: try #require(Allowance(wire: allowance)), used: Quantity(used),
                resetsAt: resetsAt), label: nil)
    }
}
