import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Meterstone
import MeterstoneCore
import MeterstoneServer
import MeterstoneStore
import MeterstoneTesting
import NIOCore
import Testing

/// A server over a store in memory, with a small catalog and a clock that stands still.
///
/// Its meters are `prompts` and `seconds`, its plans `free` (the default) and `pro`, and its limits
/// `prompts_daily` (10 and 100 a day) and `seconds_monthly` (1,000, on every plan).
struct TestServer {
    let engine: MeterstoneEngine
    let clock: ManualClock
    let client: any TestClientProtocol
    var key: String?

    static let prompts = MeterKey(unchecked: "prompts")
    static let seconds = MeterKey(unchecked: "seconds")
    static let free = PlanKey(unchecked: "free")
    static let pro = PlanKey(unchecked: "pro")

    static let blueprint = Blueprint(
        meters: [
            Meter(key: prompts, eventTypes: ["prompt"]), Meter(key: seconds),
        ],
        plans: [Plan(key: free, rank: 1, isDefault: true), Plan(key: pro, rank: 2)],
        limits: [
            Limit(
                key: LimitKey(unchecked: "prompts_daily"), meter: prompts, window: .day,
                allowances: [free: .units(10), pro: .units(100)]),
            Limit(
                key: LimitKey(unchecked: "seconds_monthly"), meter: seconds, window: .month,
                defaultAllowance: .units(1_000)),
        ])

    /// Starts a server, works with it, and stops it.
    ///
    /// - Parameters:
    ///   - setup: `.router` sends requests to the routes, `.live` through a socket.
    ///   - blueprint: another catalog, for tests that need one.
    ///   - change: other options.
    @discardableResult
    static func run<Value: Sendable>(
        _ setup: TestingSetup = .router, key: String? = nil, isAnalyticsEnabled: Bool = true,
        store: StoreOptions = StoreOptions(), blueprint: Blueprint = blueprint,
        logger: Logger? = nil, options change: (inout ServerOptions) -> Void = { _ in },
        _ work: @Sendable (TestServer) async throws -> Value
    ) async throws -> Value {
        let clock = ManualClock()
        var quiet = Logger(label: "test")
        quiet.logLevel = .error
        let logger = logger ?? quiet
        var store = store
        let zones = ZoneDatabase()
        store.zoneRules = { zones.rules(named: $0) }
        var options = ServerOptions()
        let engine = MeterstoneEngine(
            store: MemoryStore(options: store), clock: { clock.now }, logger: logger,
            metrics: options.metrics)
        _ = try await engine.apply(blueprint, author: "test")
        options.port = 0
        options.administratorKey = key
        options.isAnalyticsEnabled = isAnalyticsEnabled
        options.clock = { clock.now }
        // A stream ends after it has said what stands.
        options.liveMilliseconds = 40
        change(&options)
        let application = makeApplication(engine: engine, options: options, logger: logger)
        let value = try await application.test(setup) { client in
            try await work(TestServer(engine: engine, clock: clock, client: client, key: key))
        }
        await engine.shutdown()
        return value
    }

    func send(
        _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil,
        type: String? = "application/json", headers: HTTPFields = [:]
    ) async throws -> Answer {
        try await send(
            method, path, bytes: body.map { Array($0.utf8) }, type: type, headers: headers)
    }

    /// Sends a request, and compares what comes back with the description.
    func send(
        _ method: HTTPRequest.Method, _ path: String, bytes: [UInt8]?,
        type: String? = "application/json", headers: HTTPFields = [:]
    ) async throws -> Answer {
        var headers = headers
        if bytes != nil, let type { headers[.contentType] = type }
        if let key, headers[.authorization] == nil { headers[.authorization] = "Bearer \(key)" }
        let answer = try await client.execute(
            uri: path, method: method, headers: headers, body: bytes.map { ByteBuffer(bytes: $0) }
        ) { Answer($0) }
        for mistake in try DescribedAnswers.all.mistakes(in: answer, to: method, path) {
            Issue.record("\(method) \(path), \(answer.status): \(mistake)")
        }
        return answer
    }

    func get(_ path: String) async throws -> Answer { try await send(.get, path) }

    func post(
        _ path: String, _ body: String, headers: HTTPFields = [:]
    ) async throws -> Answer {
        try await send(.post, path, body, headers: headers)
    }

    func put(
        _ path: String, _ body: String, headers: HTTPFields = [:]
    ) async throws -> Answer {
        try await send(.put, path, body, headers: headers)
    }

    func delete(_ path: String, headers: HTTPFields = [:]) async throws -> Answer {
        try await send(.delete, path, headers: headers)
    }
}

/// What came back.
struct Answer: Sendable {
    let status: Int
    let headers: HTTPFields
    let text: String

    init(_ response: TestResponse) {
        status = Int(response.status.code)
        headers = response.headers
        text = String(buffer: response.body)
    }

    private var members: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any] ?? [:]
    }

    func text(_ name: String) -> String? { members[name] as? String }
    func number(_ name: String) -> Int? { members[name] as? Int }
    func boolean(_ name: String) -> Bool? { members[name] as? Bool }
    func texts(_ name: String) -> [String]? { members[name] as? [String] }
    func has(_ name: String) -> Bool { members[name] != nil }

    /// The items of a list, each as text.
    func items(_ name: String, _ field: String) -> [String] {
        (members[name] as? [[String: Any]] ?? []).map { item in
            (item[field] as? String) ?? (item[field] as? Int).map(String.init) ?? "-"
        }
    }

    func header(_ name: String) -> String? {
        HTTPField.Name(name).flatMap { headers[$0] }
    }

    /// Whether this is a problem with this status and code, in the form of RFC 9457.
    func isProblem(_ status: Int, _ code: String, field: String? = nil) -> Bool {
        self.status == status && header("Content-Type") == "application/problem+json"
            && number("status") == status && text("code") == code && text("field") == field
            && text("type") == "/docs/errors#\(code)" && text("title")?.isEmpty == false
            && text("detail")?.isEmpty == false
    }
}
