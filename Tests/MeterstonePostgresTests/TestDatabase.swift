import Foundation
import Meterstone
import MeterstoneCore
import MeterstonePostgres
import MeterstoneStore
import MeterstoneTesting
import Synchronization
import Testing

/// A database of a test's own, and the nodes that use it.
final class TestDatabase {
    static let zones = ZoneDatabase()

    let server: PostgresServer
    let url: String
    let name: String
    let clock = ManualClock()
    let admin: AdminSession
    private var engines: [MeterstoneEngine] = []
    private var proxies: [CuttingProxy] = []

    private init(_ server: PostgresServer) throws {
        self.server = server
        url = try server.makeDatabase()
        name = url.split(separator: "/").last.map(String.init) ?? ""
        admin = try AdminSession(url: url)
    }

    /// Makes a database, and ends everything that uses it afterwards.
    static func with(
        _ server: PostgresServer? = nil, _ body: (TestDatabase) async throws -> Void
    ) async throws {
        let database = try TestDatabase(try server ?? PostgresServer.shared())
        do {
            try await body(database)
            await database.close()
        } catch {
            await database.close()
            throw error
        }
    }

    private func close() async {
        for proxy in proxies { proxy.recover() }
        for engine in engines { await engine.shutdown() }
        for proxy in proxies { proxy.close() }
        admin.close()
    }

    func proxy() throws -> CuttingProxy {
        let proxy = try CuttingProxy(toPort: server.port)
        proxies.append(proxy)
        return proxy
    }

    /// Opens the store of one more node.
    func store(
        through proxy: CuttingProxy? = nil, zone: String = "UTC", adopts: Bool = false,
        _ change: (inout PostgresOptions) -> Void = { _ in }
    ) throws -> PostgresStore {
        var postgres = PostgresOptions(url: proxy?.url(of: url) ?? url)
        change(&postgres)
        return try Self.store(postgres, zone: zone, adopts: adopts)
    }

    static func store(
        _ postgres: PostgresOptions, zone: String = "UTC", adopts: Bool = false
    ) throws -> PostgresStore {
        var options = StoreOptions()
        options.defaultTimeZone = zone
        options.zoneRules = { zones.rules(named: $0) }
        return try PostgresStore(postgres, options: options, adoptsDefaultTimeZone: adopts)
    }

    /// Starts one more node.
    func engine(
        through proxy: CuttingProxy? = nil,
        _ change: (inout PostgresOptions) -> Void = { _ in }
    ) throws -> MeterstoneEngine {
        engine(on: try store(through: proxy, change))
    }

    func engine(on store: PostgresStore) -> MeterstoneEngine {
        let clock = self.clock
        let engine = MeterstoneEngine(store: store, clock: { clock.now })
        engines.append(engine)
        return engine
    }

    /// Ends all sessions but this one, whoever has them.
    func terminateSessions(_ condition: String = "true") throws {
        try admin.run(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND \(condition)
            """)
    }

    /// Fails the test unless every counter is what the events say, and so many events are there.
    func expectClean(
        _ engine: MeterstoneEngine, events: Int? = nil,
        _ location: SourceLocation = #_sourceLocation
    ) async throws {
        let differences = try await engine.verify().differences
        #expect(differences == [], sourceLocation: location)
        guard let events else { return }
        let stored = try admin.number("SELECT count(*) FROM event_ids")
        #expect(stored == events, sourceLocation: location)
    }
}

/// Does what waits on a thread that may wait, and not on one of the few that tests share.
func onThread<Value: Sendable>(
    _ work: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try work() }) }
    }
}

/// Returns when the condition holds, and ends the test when it does not for ten seconds.
func eventually(
    _ what: Comment, _ location: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < end {
        if try await condition() { return }
        await Task.yield()
    }
    Issue.record(what, sourceLocation: location)
    throw DidNotHappen()
}

struct DidNotHappen: Error {}

/// A number that tasks share.
final class Counter: Sendable {
    private let count = Mutex(0)

    var value: Int { count.withLock(\.self) }

    @discardableResult
    func increment() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}

/// `SEED=n` chooses other moments.
let seed = ProcessInfo.processInfo.environment["SEED"].flatMap { UInt64($0) } ?? 20_261_121
