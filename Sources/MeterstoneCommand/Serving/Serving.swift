import Logging
import Meterstone
import MeterstoneCore
import MeterstoneServer
import ServiceLifecycle
import UnixSignals

/// A server from start-up to shutdown.
struct Serving {
    /// How long a shutdown waits for requests that were accepted. Connections give up a little sooner.
    private static let shutdownMax: Duration = .seconds(9)

    private let settings: Settings
    private let logger: Logger
    /// Of the engine and of the server.
    private let metrics = PrometheusMetrics()

    init(_ settings: Settings) throws {
        try Self.checkKey(settings)
        self.settings = settings
        var logger = Logger(label: "meterstone") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = settings.logLevel.value
        self.logger = logger
    }

    /// Without a key everybody who reaches the server is an administrator.
    private static func checkKey(_ settings: Settings) throws {
        guard settings.administratorKey.value == nil, !isLoopback(settings.host.value) else {
            return
        }
        let message =
            "'\(settings.host.value)' can be reached from other machines, and there is no key"
        let advice = "set METERSTONE_ADMIN_KEY, or bind to \(SettingTable.shared.host.standard)"
        throw CommandFailure(.usage, "\(settings.host.origin): \(message); \(advice)")
    }

    static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    func run() async throws {
        let engine = try OpenStore.engine(
            settings, for: .mayCreate, logger: logger, metrics: metrics)
        do {
            try await prepare(engine)
            try await serve(engine)
        } catch {
            await engine.shutdown()
            throw error
        }
        let state = engine.state
        await engine.shutdown()
        if case .halted(let error) = state { throw HaltWatch.failure(error) }
    }

    private func prepare(_ engine: MeterstoneEngine) async throws {
        for (name, value, origin) in settings.lines {
            logger.info("\(name): \(value)", metadata: ["from": "\(origin)"])
        }
        for warning in settings.warnings { logger.warning("\(warning)") }
        if let name = settings.blueprint.value {
            let start = try BlueprintAtStart(name)
            for line in try await start.apply(to: engine) { logger.info("\(line.printable)") }
        }
        try checkOverrides(try await engine.blueprint())
    }

    /// An allowance that is for no limit is an error: somebody counts on it. Where there are no limits yet
    /// it waits for its own. Other programs may have variables with the names of the rest.
    private func checkOverrides(_ blueprint: Blueprint) throws {
        var mistakes: [String] = []
        for override in settings.overrides {
            guard let mistake = override.mistake(with: blueprint) else { continue }
            if override.kind == .allowance, !blueprint.limits.isEmpty {
                mistakes.append(mistake)
            } else {
                logger.warning("\(mistake)")
            }
        }
        guard mistakes.isEmpty else {
            throw CommandFailure(.usage, mistakes.joined(separator: "\n"))
        }
    }

    private func serve(_ engine: MeterstoneEngine) async throws {
        let application = makeApplication(engine: engine, options: options, logger: logger)
        var configuration = ServiceGroupConfiguration(
            services: [
                application, HaltWatch(engine: engine),
                ExpiryWatch(engine: engine, logger: logger),
            ],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger)
        configuration.maximumGracefulShutdownDuration = Self.shutdownMax
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            let place = "\(settings.host.value):\(settings.port.value)"
            throw CommandFailure(.unavailable, "cannot serve on \(place): \(error)")
        }
    }

    /// As many as the setting says, as long as the system gives the process enough files for them and
    /// for its store.
    private var connectionsMax: Int {
        let wanted = settings.connections.value
        guard let files = OpenFiles.max, files - OpenFiles.keptForStore < wanted else {
            return wanted
        }
        let possible = max(1, files - OpenFiles.keptForStore)
        logger.warning(
            "the system gives this process \(files) open files: at most \(possible) connections")
        return possible
    }

    private var options: ServerOptions {
        var options = ServerOptions()
        options.host = settings.host.value
        options.port = settings.port.value
        options.connectionsMax = connectionsMax
        options.administratorKey = settings.administratorKey.value
        options.storedText = settings.storedText.value
        options.isAnalyticsEnabled = settings.isAnalyticsEnabled.value
        options.bodiesBytesMax = settings.bodies.value * 1_048_576
        options.metrics = metrics
        options.requestLog = settings.requestLog.value.map { format in
            let lines = LogLines()
            return RequestLog(format) { lines.add($0) }
        }
        // Whoever starts the server waits for this line; with port 0 it is how they learn the port.
        let host = options.host.contains(":") ? "[\(options.host)]" : options.host
        options.whenServing = { port in
            let version = MeterstoneProgram.version
            Console.write("meterstone \(version) listens on http://\(host):\(port)")
        }
        return options
    }
}
