import Foundation
import Meterstone
import MeterstoneClient
import MeterstoneCore
import MeterstoneTesting
import Synchronization
import Testing

/// Events that wait for a server.
@Suite struct RecordQueueTests {
    private static func event(
        _ id: String?, _ units: Int64 = 1, of meter: String = "prompts"
    )
        -> UsageEvent
    {
        UsageEvent(
            id: id.flatMap { EventID($0) }, subject: SubjectID(unchecked: "ann"),
            quantities: .one(MeterKey(unchecked: meter), Quantity(units)))
    }

    /// What a queue was told of events that do not count.
    private final class Refusals: Sendable {
        private let known = Mutex<[String]>([])
        var ids: [String] { known.withLock { $0 } }
        func add(_ event: UsageEvent) { known.withLock { $0.append(event.id?.text ?? "-") } }
    }

    private func queue(
        _ client: MeterstoneClient, folder: String? = nil, bytesMax: Int = 10_000,
        refusals: Refusals = Refusals()
    ) throws -> RecordQueue {
        var options = RecordQueue.Options()
        options.eventsPerBatch = 2
        options.bytesMax = bytesMax
        return try RecordQueue(
            for: client, folder: folder, options: options, makeID: { .text("made") },
            onRefused: { event, _ in refusals.add(event) }, sleep: { _ in await Task.yield() })
    }

    private func client(_ transport: some HTTPTransport) -> MeterstoneClient {
        MeterstoneClient(transport, random: { $0.lowerBound }, sleep: { _ in })
    }

    @Test func `what was added is recorded once, and what does not count is told`() async throws {
        try await TestServer.run { server in
            let refusals = Refusals()
            let queue = try queue(client(RouterTransport(server.client)), refusals: refusals)
            for event in [
                Self.event("a", 2), Self.event("b"), Self.event("a", 2), Self.event("a", 5),
                Self.event("c", of: "none"), Self.event(nil, 3),
            ] { try await queue.add(event) }
            #expect(await queue.count == 6)
            try await queue.send()
            #expect(await queue.count == 0)
            #expect(refusals.ids == ["a", "c"])
            let used = try await server.engine.limits(of: SubjectID(unchecked: "ann"))
                .first { $0.meter == TestServer.prompts }?.used
            #expect(used == 6)
        }
    }

    @Test func `while the server is away events wait in files, also for the next process`()
        async throws
    {
        let folder = TemporaryFolder()
        let away = ScriptedTransport([])
        let first = try queue(client(away), folder: folder.path)
        for id in ["a", "b", "c"] { try await first.add(Self.event(id)) }
        await #expect(throws: ClientError.self) { try await first.send() }
        #expect(await first.count == 3)
        #expect(throws: ClientError.self) { try queue(client(away), folder: folder.path) }
        await #expect(throws: ClientError.self) { try await first.close() }
        await #expect(throws: ClientError.self) { try await first.add(Self.event("d")) }
        // As a process leaves it that ends within a line.
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        let last = try #require(files.last { $0.hasSuffix(".ndjson") })
        let path = "\(folder.path)/\(last)"
        let torn = try Data(contentsOf: URL(filePath: path)) + Data(#"{"id":"d","sub"#.utf8)
        try torn.write(to: URL(filePath: path))
        try await TestServer.run { server in
            let second = try queue(client(RouterTransport(server.client)), folder: folder.path)
            #expect(await second.count == 3)
            try await second.add(Self.event("e"))
            try await second.close()
            let page = try await server.engine.events(of: SubjectID(unchecked: "ann"))
            #expect(page.events.compactMap { $0.event.id?.text }.sorted() == ["a", "b", "c", "e"])
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(left == ["lock"])
    }

    @Test func `whoever runs the queue sends what is added until it is closed`() async throws {
        try await TestServer.run { server in
            let queue = try queue(client(RouterTransport(server.client)))
            async let running: Void = queue.run()
            for id in ["a", "b", "c"] { try await queue.add(Self.event(id)) }
            while await queue.count > 0 { await Task.yield() }
            try await queue.close()
            await running
            let page = try await server.engine.events(of: SubjectID(unchecked: "ann"))
            #expect(page.events.count == 3)
        }
    }

    @Test func `a queue that is closed while it sends ends when everything is recorded`()
        async throws
    {
        try await TestServer.run { server in
            let transport = GatedTransport(RouterTransport(server.client))
            let queue = try queue(client(transport))
            try await queue.add(Self.event("a"))
            async let sending: Void = queue.send()
            await transport.reached()
            try await queue.add(Self.event("b"))
            async let closing: Void = queue.close()
            while await !queue.isWaitedFor { await Task.yield() }
            transport.open()
            _ = try await (sending, closing)
            let page = try await server.engine.events(of: SubjectID(unchecked: "ann"))
            #expect(page.events.count == 2)
            #expect(await queue.count == 0)
        }
    }

    @Test func `a queue that is full takes nothing more, and says so`() async throws {
        let queue = try queue(client(ScriptedTransport([])), bytesMax: 150)
        try await queue.add(Self.event("a"))
        let error = await #expect(throws: ClientError.self) {
            for id in ["b", "c", "d"] { try await queue.add(Self.event(id)) }
        }
        #expect(error?.code == .queueFull)
        #expect(await queue.count == 2)
    }

    @Test func `a file that is damaged is told, and nothing of it is lost`() async throws {
        let folder = TemporaryFolder()
        try FileManager.default.createDirectory(
            atPath: folder.path, withIntermediateDirectories: true)
        let file = "\(folder.path)/0000000000000000001.ndjson"
        try Data("{}\n".utf8).write(to: URL(filePath: file))
        let error = #expect(throws: ClientError.self) {
            try queue(client(ScriptedTransport([])), folder: folder.path)
        }
        #expect(error?.message.contains("line 1 is no event") == true)
        #expect(FileManager.default.fileExists(atPath: file))
    }

    @Test func `a consume that nobody answers fails, or is allowed and recorded later`()
        async throws
    {
        let away = client(ScriptedTransport([]))
        let queue = try queue(away)
        await #expect(throws: ClientError.self) {
            try await away.consume(Self.event("a"), whenUnreachable: .fail)
        }
        guard
            case .decided(let decision) = try await away.consume(
                Self.event("b"), whenUnreachable: .allow(queue))
        else {
            Issue.record("expected a decision")
            return
        }
        #expect(decision.isAllowed && decision.limits.isEmpty)
        #expect(decision.eventID == .text("b"))
        #expect(await queue.count == 1)
    }

    /// What limits declare is told with each decision.
    @Test func `a consume that nobody answers does what its limits declare`() async throws {
        func answer(_ failMode: String, mode: String = "enforce") -> ScriptedTransport.Step {
            .answer(
                200,
                #"""
                {"allowed":true,"duplicate":false,"eventId":"e","limits":[{"limit":"l","meter":"prompts",
                "window":"day","allowance":9,"used":1,"remaining":8,"resetsAt":null,"mode":"\#(mode)"\#(failMode)}]}
                """#)
        }
        let open = #","failMode":"open""#
        for (told, isAllowed) in [
            (answer(open), true), (answer(""), false), (answer("", mode: "shadow"), true),
            (.answer(200, #"{"allowed":true,"duplicate":false,"eventId":"e","limits":[]}"#), false),
        ] {
            let client = client(ScriptedTransport([told]))
            let queue = try queue(client)
            _ = try await client.consume(
                Self.event("a"), whenUnreachable: .asDeclared(queue))
            let outcome = try? await client.consume(
                Self.event("b"), whenUnreachable: .asDeclared(queue))
            #expect((outcome != nil) == isAllowed)
            #expect(await queue.count == (isAllowed ? 1 : 0))
        }
        // Nothing was told of another kind of event.
        let client = client(ScriptedTransport([answer(open)]))
        let queue = try queue(client)
        _ = try await client.consume(Self.event("a"), whenUnreachable: .asDeclared(queue))
        var other = Self.event("b")
        other.details = EventDetails(type: "other")
        await #expect(throws: ClientError.self) {
            try await client.consume(other, whenUnreachable: .asDeclared(queue))
        }
    }
}

/// Holds requests until it is opened.
private final class GatedTransport: HTTPTransport {
    private let next: RouterTransport
    private let (gate, opening) = AsyncStream<Void>.makeStream()
    private let (arrivals, arrival) = AsyncStream<Void>.makeStream()

    init(_ next: RouterTransport) {
        self.next = next
    }

    /// Waits until a request is held.
    func reached() async { for await _ in arrivals { return } }

    func open() { opening.finish() }

    func send(
        _ request: ClientRequest, timeoutMilliseconds: Int64
    ) async throws -> ClientResponse {
        arrival.yield()
        for await _ in gate {}
        return try await next.send(request, timeoutMilliseconds: timeoutMilliseconds)
    }

    func shutdown() async {}
}
