import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Meterstone
import MeterstoneCore
import MeterstoneServer
import MeterstoneStore
import MeterstoneTesting
import Synchronization
import Testing

/// What is told of requests, whichever way they take through the server.
@Suite struct RequestLogTests {
    private final class Lines: Sendable {
        private let texts = Mutex<[String]>([])

        func log(_ format: RequestLog.Format) -> RequestLog {
            RequestLog(format) { bytes in
                self.texts.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) }
            }
        }

        func add(_ text: String) { texts.withLock { $0.append(text) } }

        /// Without the time that a request took, which is another each time.
        var all: [String] {
            texts.withLock { texts in
                texts.map {
                    $0.replacing(/[0-9]+\.[0-9]{3} ms/, with: "? ms")
                        .replacing(/"durationMilliseconds":[0-9]+\.[0-9]{3}}/, with: "?}")
                }
            }
        }
    }

    private static let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    private static func fields(_ texts: [String: String]) -> HTTPFields {
        var fields = HTTPFields()
        for (name, text) in texts { if let name = HTTPField.Name(name) { fields[name] = text } }
        return fields
    }

    private static func id(_ text: String) -> HTTPFields {
        fields(["X-Request-Id": text])
    }

    @Test(arguments: [TestingSetup.router, .live])
    func `each request is a line with its route and nobody's name`(setup: TestingSetup) async throws
    {
        let lines = Lines()
        try await TestServer.run(setup, options: { $0.requestLog = lines.log(.text) }) { server in
            let headers = Self.fields(["X-Request-Id": "a-1", "traceparent": Self.trace])
            let consume = #"{"subject":"ann","meter":"prompts"}"#
            _ = try await server.post("/v1/consume", consume, headers: headers)
            _ = try await server.send(.get, "/v1/subjects/ann", headers: Self.id("a-2"))
            _ = try await server.send(.get, "/v1/nothing", headers: Self.id("a-3"))
            _ = try await server.send(.delete, "/v1/consume", headers: Self.id("a-4"))
        }
        let time = "2026-03-10T12:00:00.000Z"
        #expect(
            lines.all == [
                "\(time) POST /v1/consume 200 ? ms id=a-1 trace=\(Self.trace)\n",
                "\(time) GET /v1/subjects/{subject} 200 ? ms id=a-2\n",
                "\(time) GET - 404 ? ms id=a-3\n", "\(time) DELETE - 405 ? ms id=a-4\n",
            ])
    }

    @Test func `a line may be JSON`() async throws {
        let lines = Lines()
        try await TestServer.run(options: { $0.requestLog = lines.log(.json) }) { server in
            let headers = Self.fields(["X-Request-Id": "b", "traceparent": Self.trace])
            _ = try await server.send(.get, "/v1/subjects/nobody", headers: headers)
            _ = try await server.send(.get, "/nothing", headers: Self.id("c"))
        }
        let time = #""time":"2026-03-10T12:00:00.000Z""#
        #expect(
            lines.all == [
                #"{\#(time),"requestId":"b","traceparent":"\#(Self.trace)","method":"GET","#
                    + #""route":"/v1/subjects/{subject}","status":404,?}\#n"#,
                #"{\#(time),"requestId":"c","method":"GET","status":404,?}\#n"#,
            ])
    }

    @Test(
        arguments: [
            ("x", true), ("0af7651916cd43dd8448eb211c80319c", true), ("a:b/c+d=e.f-g_h", true),
            (String(repeating: "x", count: 128), true), (String(repeating: "x", count: 129), false),
            ("a b", false), ("a\"b", false), ("\u{E4}", false), ("a,b", false),
        ])
    func `the id of a request is the caller's when it is well-formed`(
        id: String, isTaken: Bool
    ) async throws {
        try await TestServer.run { server in
            for path in ["/v1/consume", "/v1/check", "/nothing"] {
                let answer = try await server.post(path, "{}", headers: Self.id(id))
                let given = try #require(answer.header("X-Request-Id"))
                #expect((given == id) == isTaken)
                if !isTaken { #expect(given.count == 16) }
            }
        }
    }

    @Test(arguments: [TestingSetup.router, .live])
    func `no made id comes twice`(setup: TestingSetup) async throws {
        try await TestServer.run(setup) { server in
            var ids: Set<String> = []
            for number in 0..<50 {
                let path = number.isMultiple(of: 2) ? "/v1/consume" : "/healthz"
                let answer = try await server.send(number.isMultiple(of: 2) ? .post : .get, path)
                ids.insert(answer.header("X-Request-Id") ?? "")
            }
            #expect(ids.count == 50)
        }
    }

    @Test(
        arguments: [
            trace + "-00", trace.uppercased(), "ff" + trace.dropFirst(2),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", "",
        ])
    func `a trace that is none is left out`(text: String) async throws {
        let lines = Lines()
        try await TestServer.run(options: { $0.requestLog = lines.log(.text) }) { server in
            _ = try await server.send(
                .get, "/healthz", headers: Self.fields(["traceparent": text]))
        }
        #expect(lines.all.count == 1)
        #expect(!lines.all[0].contains("trace="))
    }

    /// Keeps what is logged.
    private struct Handler: LogHandler {
        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.MetadataValue? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let metadata = (event.metadata ?? [:]).sorted { $0.key < $1.key }
                .map { "\($0.key)=\($0.value)" }.joined(separator: " ")
            lines.add("\(event.level) \(event.message) \(metadata)")
        }
    }

    @Test(arguments: [TestingSetup.router, .live])
    func `failures of the store are logged where they become answers, once a second`(
        setup: TestingSetup
    ) async throws {
        let lines = Lines()
        let logger = Logger(label: "test") { _ in Handler(lines: lines) }
        try await TestServer.run(setup, logger: logger) { server in
            await server.engine.shutdown()
            for id in ["a", "b", "c"] {
                let answer = try await server.post(
                    "/v1/consume", #"{"subject":"u","meter":"prompts"}"#, headers: Self.id(id))
                #expect(answer.isProblem(503, "store_closed"))
            }
            server.clock.advance(bySeconds: 1)
            _ = try await server.send(.get, "/v1/subjects/u", headers: Self.id("d"))
        }
        let failures = lines.all.filter { $0.contains("the store failed a request") }
        #expect(failures.count == 2)
        #expect(failures[0].hasPrefix("warning "))
        #expect(failures[0].hasSuffix("code=store_closed requestId=a route=POST /v1/consume"))
        #expect(
            failures[1].hasSuffix(
                "code=store_closed requestId=d route=GET /v1/subjects/{subject} unsaidBefore=2"))
    }
}
