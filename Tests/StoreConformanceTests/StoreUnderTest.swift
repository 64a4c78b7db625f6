import Foundation
import Meterstone
import MeterstoneCore
import MeterstonePostgres
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting

/// Every store that must keep the promises. Each test makes its own.
enum StoreUnderTest: String, CaseIterable, Sendable {
    case memory
    case sqlite
    case postgres

    static let zones = ZoneDatabase()

    static func options(_ change: (inout StoreOptions) -> Void = { _ in }) -> StoreOptions {
        var options = StoreOptions()
        options.zoneRules = { zones.rules(named: $0) }
        change(&options)
        return options
    }

    /// Runs a test on a store of its own, and cleans up.
    func with<Result>(
        _ options: StoreOptions = Self.options(), clock: ManualClock = ManualClock(),
        _ body: (MeterstoneEngine, ManualClock) async throws -> Result
    ) async throws -> Result {
        try await withSession(options, clock: clock) { session in
            try await body(session.engine, session.clock)
        }
    }

    /// Runs a test that stops and starts its store.
    func withSession<Result>(
        _ options: StoreOptions = Self.options(), clock: ManualClock = ManualClock(),
        _ body: (Session) async throws -> Result
    ) async throws -> Result {
        let session = try Session(self, options, clock)
        do {
            let result = try await body(session)
            await session.engine.shutdown()
            return result
        } catch {
            await session.engine.shutdown()
            throw error
        }
    }
}

/// An engine on a store that can be closed and opened again. Confined to its test.
final class Session {
    private(set) var engine: MeterstoneEngine
    let clock: ManualClock
    private let options: StoreOptions
    /// Opens the store; `nil` where what is in memory only would be gone.
    private let open: ((StoreOptions) throws -> any Store)?

    init(_ kind: StoreUnderTest, _ options: StoreOptions, _ clock: ManualClock) throws {
        self.options = options
        self.clock = clock
        switch kind {
        case .memory: open = nil
        case .sqlite:
            let folder = TemporaryFolder()
            open = { try SQLiteStore(directory: folder.path, options: $0) }
        case .postgres:
            let postgres = PostgresOptions(
                url: try PostgresServer.shared().makeDatabase(), patience: PostgresServer.patience)
            // Nobody else uses the database, so that another time zone can be adopted.
            open = { other in
                let adopts = other.defaultTimeZone != options.defaultTimeZone
                let store = try PostgresStore(
                    postgres, options: other, adoptsDefaultTimeZone: adopts)
                if adopts { _ = try store.rebuild() }
                return store
            }
        }
        let store = try open?(options) ?? MemoryStore(options: options)
        engine = MeterstoneEngine(store: store, clock: { clock.now })
    }

    /// Opens the store again, with other options if some are given. What is in memory only stays.
    func reopen(_ change: (inout StoreOptions) -> Void = { _ in }) async throws {
        guard let open else { return }
        await engine.shutdown()
        var options = self.options
        change(&options)
        let clock = self.clock
        engine = MeterstoneEngine(store: try open(options), clock: { clock.now })
    }
}
