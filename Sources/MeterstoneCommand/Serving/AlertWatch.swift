package import Logging
package import Meterstone
import ServiceLifecycle

/// Looks now and then whose use of today stands out, where an alert asks for that.
///
/// Where nodes share a store, one of them does it.
package struct AlertWatch: Service {
    private static let interval: Duration = .seconds(300)

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
                    if try await engine.isOnDuty() { try await engine.fireUnusual() }
                } catch {
                    logger.warning("unusual usage is not looked for: \(error)")
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }
}
