import Logging
import Meterstone
import MeterstoneCore
import MeterstoneMirror
import MeterstoneServer
import MeterstoneShipping
import ServiceLifecycle
import UnixSignals

/// A server from start-up to shutdown.
struct Serving {
    /// How long a shutdown waits for requests that were accepted. Connections give up a little sooner.
    private static let shutdownMax: Duration = .seconds(9)

    let settings: Settings
    let logger: Logger
    /// Of the engine and of the server.
    let metrics = PrometheusMetrics(
        help: Dictionary(
            MirrorMetric.allCases.map { ($0.rawValue, $0.help) }
                + ShippingMetric.allCases.map { ($0.rawValue, $0.help) }
                + RetentionMetric.allCases.map { ($0.rawValue, $0.help) },
            uniquingKeysWith: { $1 }))

    init(_ settings: Settings) throws {
        self.settings = settings
        var logger = Logger(label: "meterstone") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = settings.logLevel.value
        self.logger = logger
    }

    /// Without a key everybody who reaches the server is an administrator. Where others than this machine
    /// reach it, one is made.
    private func checkKeys(_ engine: MeterstoneEngine) async throws {
        let now = SystemClock.now()
        let hasKey = try await engine.keys().contains {
            $0.scopes.contains(.admin) && !$0.isExpired(at: now)
        }
        guard settings.administratorKey.value == nil, !hasKey else { return }
        guard !Guardian.isLoopback(settings.host.value) else {
            logger.warning(
                """
                there is no key: whoever is on this machine is an administrator; make one with \
                'meterstone keys make --scope admin', or set METERSTONE_ADMIN_KEY
                """)
            return
        }
        let new = NewKey { (key, digest) in
            APIKey(key: key, name: "owner", digest: digest, scopes: [.admin], createdAt: now)
        }
        try await new.put(to: engine)
        Console.write(
            """
            This is the owner's key. It was made for the first start, and is shown this once:

              \(new.secret)

            Send it as 'Authorization: Bearer KEY', and make others with 'POST /v1/keys'.
            """)
    }

    func run() async throws {
        let certificate = try settings.certificate()
        let engine = try OpenStore.engine(
            settings, for: .mayCreate, logger: logger, metrics: metrics)
        do {
            // Before a start writes something.
            let newest = try await engine.newestAt()
            let trust = ClockTrust(newest: newest, at: SystemClock.now(), logger: logger)
            try await prepare(engine)
            try await serve(engine, certificate, trust)
        } catch {
            await engine.shutdown()
            throw error
        }
        let state = engine.state
        await engine.shutdown()
        if case .halted(let error) = state { throw HaltWatch.failure(error) }
    }

    private func prepare(_ engine: MeterstoneEngine) async throws {
        guard try await !engine.isFollower() else {
            throw CommandFailure(
                .usage,
                "the store in '\(settings.location.value)' follows another: serve it with 'meterstone "
                    + "follow', or make it the one that is written with 'meterstone promote'")
        }
        for (name, value, origin) in settings.lines {
            logger.info("\(name): \(value)", metadata: ["from": "\(origin)"])
        }
        for warning in settings.warnings { logger.warning("\(warning)") }
        if let name = settings.blueprint.value {
            let start = try BlueprintAtStart(name)
            for line in try await start.apply(to: engine) { logger.info("\(line.printable)") }
        }
        try checkOverrides(try await engine.blueprint())
        try await checkKeys(engine)
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

    private func serve(
        _ engine: MeterstoneEngine, _ certificate: ServerCertificate?, _ trust: ClockTrust
    ) async throws {
        let backups = try backups(of: engine)
        try await backups?.claim()
        let shipping = try shipping(of: engine, backups)
        try await shipping?.begin()
        let sender = MessageSender(
            webhooks: WebhookClient(allowsPrivate: settings.allowsPrivateWebhooks.value),
            mail: MailProgram(path: settings.mailProgram.value, from: settings.mailFrom.value))
        var options = try options(backups)
        options.certificate = certificate
        options.webhookSender = sender
        let application = makeApplication(engine: engine, options: options, logger: logger)
        var services: [any Service] = [
            application, HaltWatch(engine: engine), RepeatedWork.expiring(engine, logger),
            WebhookCourier(engine, sender: sender, logger: logger),
            RepeatedWork.watchingUsage(engine, logger),
            RepeatedWork.watchingHours(engine, logger),
        ]
        if let backups, settings.backupHours.value > 0 {
            services.append(
                BackupWatch(backups, hours: settings.backupHours.value, logger: logger))
        }
        if let retention = try RetentionWatch(
            engine, settings, logger, trust: trust, metrics: metrics)
        {
            services.append(retention)
        }
        if settings.closeMonthDays.value > 0 {
            services.append(
                MonthWatch(
                    engine, days: settings.closeMonthDays.value, trust: trust, logger: logger))
        }
        if let mirror = settings.mirror.value {
            services.append(
                MirrorWatch(
                    MirrorFollower(engine, to: mirror), logger: logger, metrics: metrics))
        }
        if let certificate { services.append(RepeatedWork.refreshing(certificate, logger)) }
        // The first one is stopped last: it ships what the others have answered.
        if let shipping { services.insert(shipping, at: 0) }
        try await run(services)
    }

    /// Until a signal, or the failure of one of them.
    func run(_ services: [any Service]) async throws {
        var configuration = ServiceGroupConfiguration(
            services: services,
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

    private var tokenIssuer: TokenIssuer? {
        get throws {
            guard let name = settings.tokenIssuer.value else { return nil }
            guard let place = settings.tokenKeys.value else {
                throw CommandFailure(
                    .usage,
                    "\(settings.tokenIssuer.origin): an issuer needs METERSTONE_TOKEN_KEYS beside it"
                )
            }
            return TokenIssuer(name: name, audience: settings.tokenAudience.value) {
                try await KeySet.read(place)
            }
        }
    }

    private func backups(of engine: MeterstoneEngine) throws -> BackupFolder? {
        guard let directory = settings.backupFolder else { return nil }
        guard case .directory = settings.location.value else {
            let origin =
                settings.backups.value == nil ? settings.shipTo.origin : settings.backups.origin
            throw CommandFailure(
                .usage,
                "\(origin): PostgreSQL makes its own backups; or copy it with "
                    + "'meterstone backup'")
        }
        let settings = settings
        return BackupFolder(engine, directory: directory, kept: settings.backupsKept.value) {
            try await StoreCheck.verify($0, settings)
        }
    }

    private func shipping(
        of engine: MeterstoneEngine, _ backups: BackupFolder?
    ) throws -> ShippingWatch? {
        guard let location = settings.shipTo.value else { return nil }
        guard let backups, let directory = settings.backupFolder else {
            throw CommandFailure(
                .usage,
                "\(settings.shipTo.origin): set METERSTONE_BACKUPS, too: whole backups are made there "
                    + "before they are shipped")
        }
        let place = try settings.place(location)
        return ShippingWatch(
            Shipper(engine, to: place, clock: SystemClock.now),
            WholeBackups(at: place, kept: settings.backupsKept.value),
            of: backups, in: directory, logger: logger, metrics: metrics)
    }

    func options(_ backups: BackupFolder?) throws -> ServerOptions {
        var options = ServerOptions()
        options.backups = backups
        options.host = settings.host.value
        options.port = settings.port.value
        options.connectionsMax = connectionsMax
        options.administratorKey = settings.administratorKey.value
        options.allowedOrigins = settings.allowedOrigins.value
        options.tokenSecret = settings.tokenSecret.value
        options.statementSecret = settings.statementSecret.value
        options.tokenIssuer = try tokenIssuer
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
        let scheme = settings.tlsCertificate.value == nil ? "http" : "https"
        options.whenServing = { port in
            let version = MeterstoneProgram.version
            Console.write("meterstone \(version) listens on \(scheme)://\(host):\(port)")
        }
        return options
    }
}
