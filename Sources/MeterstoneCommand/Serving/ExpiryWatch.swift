package import Logging
package import Meterstone
import ServiceLifecycle

/// Writes down which reservations have expired, about when they do.
///
/// Every decision counts them as expired anyway; this is for those who look at usage.
package struct ExpiryWatch: Service {
    private static let interval: Duration = .seconds(1)

    private let engine: MeterstoneEngine
    private let logger: Logger

    package init(engine: MeterstoneEngine, logger: Logger) {
        self.engine = engine
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await engine.expireReservations()
                } catch {
                    // Whoever needs it sooner gets it done by their own decision.
                    logger.warning("expired reservations are not written down: \(error)")
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }
}
