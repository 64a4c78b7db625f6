public import Hummingbird
import HummingbirdCore
import NIOCore
public import Logging
public import Meterstone
import MeterstonePages
import ServiceLifecycle

/// The HTTP server over an engine, as a service that runs until it is asked to stop.
///
/// Requests that were accepted are answered before it stops. It does not shut the engine down,
/// which whoever made the engine does afterwards.
public func makeApplication(
    engine: MeterstoneEngine, options: ServerOptions, logger: Logger
) -> some ApplicationProtocol {
    let observer = Observer(options, logger: logger)
    let consuming = ConsumeRoutes(engine, options)
    let access = Access(engine, options)
    let guardian = access.guardian
    let routes = makeRoutes(engine: engine, options: options, access: access, observer: observer)
    let paths = routes.paths
    let connections = OpenConnections(max: options.connectionsMax, options.metrics)
    let channel = HTTP1Channel.Configuration(
        additionalChannelHandlers: [
            ConnectionBound(connections),
            IdleStateHandler(allTimeout: .milliseconds(options.idleMilliseconds)),
            ConsumeHandler(
                routes: consuming, guardian: guardian, observer: observer,
                stoppingTime: .milliseconds(options.stoppingMilliseconds),
                closingTime: .milliseconds(options.closingMilliseconds)),
            ExpectContinueHandler(guardian, paths),
        ])
    var application = Application(
        router: routes.router,
        server: HTTPServerBuilder { responder in
            HTTP1Channel(responder: responder, configuration: channel)
                .secured(by: options.certificate)
        },
        configuration: ApplicationConfiguration(
            address: .hostname(options.host, port: options.port),
            backlog: RequestLimits.backlogConnectionsMax),
        onServerRunning: { channel in
            await options.whenServing(channel.localAddress?.port ?? options.port)
        },
        logger: logger.quiet)
    application.addServices(UseTelling(book: access.book))
    return application
}

/// Tells the store now and then when keys were used, and once more when the server stops.
private struct UseTelling: Service {
    static let pause = Duration.seconds(900)

    let book: AccessBook

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await Task.sleep(for: Self.pause)
                } catch {
                    return
                }
                await book.tellUses()
            }
        }
        await book.tellUses()
    }
}

/// Every route of the server.
public func makeRouter(
    engine: MeterstoneEngine, options: ServerOptions, logger: Logger = Logger(label: "meterstone")
) -> Router<ServerContext> {
    makeRoutes(engine: engine, options: options, logger: logger).router
}

package func makeRoutes(
    engine: MeterstoneEngine, options: ServerOptions, logger: Logger
) -> Routes {
    makeRoutes(
        engine: engine, options: options, access: Access(engine, options),
        observer: Observer(options, logger: logger))
}

private func makeRoutes(
    engine: MeterstoneEngine, options: ServerOptions, access: Access, observer: Observer
) -> Routes {
    var routes = Routes(options, engine: engine, guardian: access.guardian, observer: observer)
    HealthRoutes(engine: engine).add(to: &routes)
    MetricsRoutes(engine: engine, metrics: options.metrics).add(to: &routes)
    ErrorPage().add(to: &routes)
    OpenAPIRoutes(guardian: access.guardian).add(to: &routes)
    ConsumeRoutes(engine, options).add(to: &routes)
    ReservationRoutes(engine, options).add(to: &routes)
    EventRoutes(engine: engine, clock: options.clock).add(to: &routes)
    CorrectionRoutes(engine: engine).add(to: &routes)
    SubjectRoutes(engine: engine).add(to: &routes)
    AccountRoutes(engine: engine, clock: options.clock).add(to: &routes)
    UserValueRoutes(engine: engine).add(to: &routes)
    ExportRoutes(engine: engine).add(to: &routes)
    AliasRoutes(engine: engine).add(to: &routes)
    SubjectUsageRoutes(engine: engine).add(to: &routes)
    FeatureRoutes(engine: engine).add(to: &routes)
    ItemRoutes(engine: engine).add(to: &routes)
    StatisticsRoutes(engine: engine).add(to: &routes)
    DocumentRoutes(engine: engine).add(to: &routes)
    SubscriptionRoutes(engine: engine, clock: options.clock).add(to: &routes)
    OverrideRoutes(engine: engine).add(to: &routes)
    AdditionRoutes(engine: engine, clock: options.clock).add(to: &routes)
    CreditRoutes(engine: engine).add(to: &routes)
    CatalogRoutes(engine: engine).add(to: &routes)
    BlueprintRoutes(engine: engine).add(to: &routes)
    CreditPolicyRoutes(engine: engine).add(to: &routes)
    StatisticsPolicyRoutes(engine: engine).add(to: &routes)
    SwitchRoutes(engine: engine).add(to: &routes)
    AnalyticsRoutes(engine: engine, options: options).add(to: &routes)
    WhatIfRoutes(engine: engine, options: options).add(to: &routes)
    MonthRoutes(engine: engine, secret: options.statementSecret).add(to: &routes)
    ChangeRoutes(engine: engine).add(to: &routes)
    BackupRoutes(backups: options.backups).add(to: &routes)
    WebhookRoutes(engine: engine, sender: options.webhookSender, clock: options.clock)
        .add(to: &routes)
    KeyRoutes(engine: engine, book: access.book, clock: options.clock).add(to: &routes)
    SessionRoutes(
        engine: engine, access: access.signIn, book: access.book,
        isSecure: options.certificate != nil
    ).add(to: &routes)
    AdministratorRoutes(engine: engine, access: access.signIn, book: access.book).add(to: &routes)
    TokenRoutes(engine: engine, tokens: access.tokens).add(to: &routes)
    let tracker = RequestTracker(engine, storedText: options.storedText)
    ChatTrackRoutes(tracker: tracker, clock: options.clock).add(to: &routes)
    TrackedRequestRoutes(tracker: tracker).add(to: &routes)
    UsageTrackerRoutes(engine: engine, options: options).add(to: &routes)
    LiveRoutes(engine: engine, lastsMilliseconds: options.liveMilliseconds).add(to: &routes)
    PageRoutes(pages: .shared, guardian: access.guardian, clock: options.clock).add(to: &routes)
    return routes
}

/// What decides who may call: one for all ways into the server.
private struct Access {
    let book: AccessBook
    let tokens: SubjectTokens
    let guardian: Guardian
    let signIn: SignIn

    init(_ engine: MeterstoneEngine, _ options: ServerOptions) {
        book = AccessBook(engine, clock: options.clock)
        tokens = SubjectTokens(
            secret: options.tokenSecret ?? options.administratorKey, issuer: options.tokenIssuer,
            clock: options.clock)
        guardian = Guardian(
            administratorKey: options.administratorKey, host: options.host, book: book,
            tokens: tokens, clock: options.clock)
        signIn = SignIn(
            engine: engine, guardian: guardian, book: book,
            passwords: Passwords(cost: options.passwordCost), clock: options.clock)
    }
}
