public import Hummingbird
import HummingbirdCore
import NIOCore
public import Logging
public import Meterstone

/// The HTTP server over an engine, as a service that runs until it is asked to stop.
///
/// Requests that were accepted are answered before it stops. It does not shut the engine down,
/// which whoever made the engine does afterwards.
public func makeApplication(
    engine: MeterstoneEngine, options: ServerOptions, logger: Logger
) -> some ApplicationProtocol {
    let routes = ConsumeRoutes(engine: engine, clock: options.clock)
    let guardian = Guardian(administratorKey: options.administratorKey)
    let connections = OpenConnections(max: options.connectionsMax)
    return Application(
        router: makeRouter(engine: engine, options: options),
        server: .http1(
            configuration: HTTP1Channel.Configuration(
                additionalChannelHandlers: [
                    ConnectionBound(connections),
                    IdleStateHandler(allTimeout: .milliseconds(options.idleMilliseconds)),
                    ExpectContinueHandler(),
                    ConsumeHandler(
                        routes: routes, guardian: guardian,
                        stoppingTime: .milliseconds(options.stoppingMilliseconds)),
                ])),
        configuration: ApplicationConfiguration(
            address: .hostname(options.host, port: options.port),
            backlog: RequestLimits.backlogConnectionsMax),
        onServerRunning: { channel in
            await options.whenServing(channel.localAddress?.port ?? options.port)
        },
        logger: logger.quiet)
}

/// Every route of the server.
public func makeRouter(
    engine: MeterstoneEngine, options: ServerOptions
) -> Router<BasicRequestContext> {
    makeRoutes(engine: engine, options: options).router
}

package func makeRoutes(engine: MeterstoneEngine, options: ServerOptions) -> Routes {
    var routes = Routes(administratorKey: options.administratorKey)
    HealthRoutes(engine: engine).add(to: &routes)
    OpenAPIRoutes(isGuarded: options.administratorKey != nil).add(to: &routes)
    ConsumeRoutes(engine: engine, clock: options.clock).add(to: &routes)
    ReservationRoutes(engine: engine, clock: options.clock).add(to: &routes)
    EventRoutes(engine: engine).add(to: &routes)
    CorrectionRoutes(engine: engine).add(to: &routes)
    SubjectRoutes(engine: engine).add(to: &routes)
    SubjectUsageRoutes(engine: engine).add(to: &routes)
    FeatureRoutes(engine: engine).add(to: &routes)
    StatisticsRoutes(engine: engine).add(to: &routes)
    DocumentRoutes(engine: engine).add(to: &routes)
    SubscriptionRoutes(engine: engine, clock: options.clock).add(to: &routes)
    OverrideRoutes(engine: engine).add(to: &routes)
    CreditRoutes(engine: engine).add(to: &routes)
    CatalogRoutes(engine: engine).add(to: &routes)
    CreditPolicyRoutes(engine: engine).add(to: &routes)
    StatisticsPolicyRoutes(engine: engine).add(to: &routes)
    AnalyticsRoutes(engine: engine, options: options).add(to: &routes)
    WhatIfRoutes(engine: engine, options: options).add(to: &routes)
    ChangeRoutes(engine: engine).add(to: &routes)
    let tracker = RequestTracker(engine, storedText: options.storedText)
    ChatTrackRoutes(tracker: tracker, clock: options.clock).add(to: &routes)
    TrackedRequestRoutes(tracker: tracker).add(to: &routes)
    return routes
}
