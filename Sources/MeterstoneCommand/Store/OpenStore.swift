import CoreMetrics
import Foundation
import Logging
import Meterstone
import MeterstoneClient
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore

#if Postgres
import MeterstonePostgres
#endif

/// Opens the store that the settings name.
enum OpenStore {
    /// What a command is about to do, which decides what a folder without a store means.
    enum Purpose {
        /// Ask, or write to what is there: a store that does not exist is an error, not a new store
        /// in the wrong folder.
        case existing
        /// Set a store up.
        case mayCreate
        /// Hand out what is there as it is: counters that follow another default time zone are not
        /// recomputed on the way.
        case source
        /// Recompute everything, for another default time zone, too.
        case rebuild
    }

    /// - Parameter whileServed: what to do while a server owns the store.
    static func engine(
        _ settings: Settings, for purpose: Purpose, logger: Logger? = nil,
        metrics: any MetricsFactory = MetricsSystem.factory, whileServed advice: String = stopIt
    ) throws
        -> MeterstoneEngine
    {
        MeterstoneEngine(
            store: try store(
                settings, at: settings.location, for: purpose, whileServed: advice),
            commandsMax: settings.waitingCommands.value, logger: logger ?? quietLogger,
            metrics: metrics)
    }

    static func store(
        _ settings: Settings, at location: Setting<StoreLocation>, for purpose: Purpose,
        whileServed advice: String = stopIt
    ) throws -> any Store {
        let options = settings.storeOptions
        switch location.value {
        case .directory(let path):
            if purpose != .mayCreate, !FileManager.default.fileExists(atPath: path) {
                let message = "there is no store in '\(path)' (\(location.origin))"
                throw CommandFailure(.unavailable, message)
            }
            return try sqlite(
                path, options, adoptsDefaultTimeZone: purpose != .source, whileServed: advice)
        case .postgres(let url):
            #if Postgres
            return try PostgresStore(
                settings.postgresOptions(url: url), options: options,
                adoptsDefaultTimeZone: purpose == .rebuild)
            #else
            preconditionFailure("no location says so without PostgreSQL: \(url)")
            #endif
        case .server:
            throw CommandFailure(.usage, "a server has no store to open from here")
        }
    }

    static let stopIt = "stop it first"

    private static func sqlite(
        _ path: String, _ options: StoreOptions, adoptsDefaultTimeZone: Bool,
        whileServed advice: String
    ) throws -> SQLiteStore {
        do throws(StoreError) {
            return try SQLiteStore(
                directory: path, options: options, adoptsDefaultTimeZone: adoptsDefaultTimeZone)
        } catch {
            guard error.code == .locked else { throw error }
            let message = "the store in '\(path)' belongs to another process, a server most likely"
            throw CommandFailure(.unavailable, "\(message); \(advice)")
        }
    }

    /// Commands answer on the output; of the log they show what went wrong.
    private static var quietLogger: Logger {
        var logger = Logger(label: "meterstone") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        return logger
    }

    /// Opens the store, hands it over, and closes it also when `body` fails.
    static func with<Answer>(
        _ arguments: StoreArguments, for purpose: Purpose = .existing,
        whileServed advice: String = stopIt,
        _ body: (MeterstoneEngine) async throws -> Answer
    ) async throws -> Answer {
        try await with(
            try engine(try arguments.settings(), for: purpose, whileServed: advice), body)
    }

    /// The same with the store, or with a server that has one.
    static func with<Answer>(
        _ arguments: ServiceArguments, for purpose: Purpose = .existing,
        _ body: (any MeterstoneService) async throws -> Answer
    ) async throws -> Answer {
        let settings = try arguments.settings()
        guard case .server(let url) = settings.location.value else {
            let advice = "ask the server with --server, or \(stopIt)"
            return try await with(try engine(settings, for: purpose, whileServed: advice)) {
                try await body($0)
            }
        }
        return try await with(try MeterstoneClient(url: url, key: settings.key.value)) {
            try await body($0)
        }
    }

    private static func with<Service: MeterstoneService, Answer>(
        _ service: Service, _ body: (Service) async throws -> Answer
    ) async throws -> Answer {
        do {
            let answer = try await body(service)
            await service.shutdown()
            return answer
        } catch {
            await service.shutdown()
            throw error
        }
    }
}
