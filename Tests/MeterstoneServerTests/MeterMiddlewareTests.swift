import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Meterstone
import MeterstoneClient
import MeterstoneCore
import MeterstoneHummingbird
import MeterstoneTesting
import NIOCore
import Testing

/// Routes of a program of somebody's own, gated by what may be used.
@Suite struct MeterMiddlewareTests {
    private static let ann = SubjectID(unchecked: "ann")

    private struct Breakdown: Error {}

    /// A program with one metered route, whose handler does what the path says.
    private func run(
        byClient: Bool = false,
        _ work: @Sendable (TestServer, any TestClientProtocol) async throws -> Void
    ) async throws {
        try await TestServer.run { server in
            let clock = server.clock
            let service: any MeterstoneService =
                byClient
                ? MeterstoneClient(RouterTransport(server.client), clock: { clock.now })
                : server.engine
            let router = Router()
            let meter = MeterMiddleware<BasicRequestContext>(service, clock: { clock.now }) {
                request, _ in
                guard let user = request.uri.queryParameters["user"] else { return nil }
                let id = request.headers[.ifMatch].flatMap { EventID($0) }
                return Use(
                    by: SubjectID(unchecked: String(user)), .one(TestServer.prompts, 4), id: id)
            }
            router.group("do").add(middleware: meter).get(":what") { _, context in
                clock.advance(bySeconds: 2)
                switch try context.parameters.require("what") {
                case "less": MeasuredUse.current?.report(.one(TestServer.prompts, 1))
                case "break": throw Breakdown()
                case "missing": throw HTTPError(.notFound)
                case "stream":
                    return Response(
                        status: .ok,
                        body: ResponseBody { writer in
                            MeasuredUse.current?.report(.one(TestServer.prompts, 9))
                            try await writer.write(ByteBuffer(string: "part"))
                            try await writer.finish(nil)
                        })
                default: break
                }
                return Response(
                    status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: "ok")))
            }
            try await Application(router: router).test(.router) { client in
                try await work(server, client)
            }
        }
    }

    private func used(_ server: TestServer) async throws -> Quantity? {
        try await server.engine.limits(of: Self.ann).first { $0.meter == TestServer.prompts }?.used
    }

    @Test(arguments: [false, true])
    func `what was set aside counts, or what the handler reports`(byClient: Bool) async throws {
        try await run(byClient: byClient) { server, client in
            try await client.execute(uri: "/do/it?user=ann", method: .get) {
                #expect($0.status == .ok && String(buffer: $0.body) == "ok")
            }
            #expect(try await used(server) == 4)
            try await client.execute(uri: "/do/less?user=ann", method: .get) {
                #expect($0.status == .ok)
            }
            #expect(try await used(server) == 5)
            let events = try await server.engine.events(of: Self.ann).events
            #expect(events.allSatisfy { $0.reservation?.status == .settled })
            #expect(events.allSatisfy { $0.event.details?.durationMilliseconds == 2_000 })
        }
    }

    @Test func `what may not be used is answered as a server answers it, and nothing is done`()
        async throws
    {
        try await run { server, client in
            for _ in 1...2 {
                try await client.execute(uri: "/do/it?user=ann", method: .get) { _ in }
            }
            let before = server.clock.now
            try await client.execute(uri: "/do/it?user=ann", method: .get) { response in
                let answer = Answer(response)
                #expect(answer.isProblem(429, "limit_exceeded"))
                #expect(answer.header("Retry-After") != nil && answer.header("RateLimit") != nil)
                #expect(answer.texts("violated") == ["prompts_daily"])
            }
            #expect(server.clock.now == before)
            #expect(try await used(server) == 8)
        }
    }

    @Test(arguments: [("break", ReservationStatus.released, 0), ("missing", .settled, 4)])
    func `what breaks has used nothing, and what is refused by the handler has`(
        path: String, status: ReservationStatus, units: Int64
    ) async throws {
        try await run { server, client in
            _ = try? await client.execute(uri: "/do/\(path)?user=ann", method: .get) { $0.status }
            #expect(try await used(server) == Quantity(units))
            let events = try await server.engine.events(of: Self.ann).events
            #expect(events.map(\.reservation?.status) == [status])
        }
    }

    @Test func `a stream counts what it reports while it is written`() async throws {
        try await run { server, client in
            try await client.execute(uri: "/do/stream?user=ann", method: .get) {
                #expect(String(buffer: $0.body) == "part")
            }
            #expect(try await used(server) == 9)
        }
    }

    @Test func `a request that is not described passes, and one with an id counts once`()
        async throws
    {
        try await run { server, client in
            try await client.execute(uri: "/do/it", method: .get) { #expect($0.status == .ok) }
            for _ in 1...2 {
                try await client.execute(
                    uri: "/do/it?user=ann", method: .get, headers: [.ifMatch: "once"]
                ) { #expect($0.status == .ok) }
            }
            #expect(try await used(server) == 4)
        }
    }
}
