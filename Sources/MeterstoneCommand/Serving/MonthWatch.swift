package import Logging
package import Meterstone
package import MeterstoneCore
import ServiceLifecycle

/// Closes months that ended so many days ago, while the server runs.
package struct MonthWatch: Service {
    private static let interval: Duration = .seconds(300)

    private let engine: MeterstoneEngine
    private let days: Int64
    private let trust: ClockTrust?
    private let logger: Logger

    /// - Parameter days: after the end of the month.
    /// - Parameter trust: `nil`: the clock is right.
    package init(
        _ engine: MeterstoneEngine, days: Int, trust: ClockTrust? = nil, logger: Logger
    ) {
        self.engine = engine
        self.trust = trust
        self.days = Int64(days)
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await work()
                } catch {
                    logger.error("no month is closed: \(error)")
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    /// Closes what is due, the oldest first, and has its statement written down.
    ///
    /// A month with an open reservation is closed when that has ended.
    package func work(at now: Instant = SystemClock.now()) async throws {
        guard await trust?.allows(at: now) ?? true, try await engine.isOnDuty() else { return }
        while let month = try await engine.monthDue(afterDays: days) {
            let receipt = try await engine.change(
                ChangeRequest(change: .closeMonth(month), author: "server"))
            switch receipt.outcome {
            case .created: logger.info("the month \(month) is closed")
            case .rejected(let rejection):
                logger.warning("the month \(month) is not closed yet: \(rejection.message)")
                return
            default: return
            }
            _ = try await engine.statement(of: month)
        }
    }
}
