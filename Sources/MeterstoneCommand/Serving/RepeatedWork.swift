import Logging
import Meterstone
import ServiceLifecycle

/// Something that is done now and then as long as a server runs, and tried again when it fails.
struct RepeatedWork: Service {
    let interval: Duration
    /// What is said when it fails: `expired reservations are not written down`.
    let complaint: String
    let logger: Logger
    let work: @Sendable () async throws -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await work()
                } catch {
                    logger.warning("\(complaint): \(error)")
                }
                try? await Task.sleep(for: interval)
            }
        }
    }
}

extension RepeatedWork {
    /// Writes down which reservations have expired, about when they do. Every decision counts them as expired
    /// anyway; this is for those who look at usage.
    static func expiring(_ engine: MeterstoneEngine, _ logger: Logger) -> RepeatedWork {
        RepeatedWork(
            interval: .seconds(1), complaint: "expired reservations are not written down",
            logger: logger
        ) { try await engine.expireReservations() }
    }

    /// Looks who was refused often, and whose requests failed, where an alert asks for that.
    static func watchingHours(_ engine: MeterstoneEngine, _ logger: Logger) -> RepeatedWork {
        RepeatedWork(
            interval: .seconds(1), complaint: "refusals and failures are not looked at",
            logger: logger
        ) { try await engine.fireHourly() }
    }

    /// Looks whose use of today stands out, where an alert asks for that.
    static func watchingUsage(_ engine: MeterstoneEngine, _ logger: Logger) -> RepeatedWork {
        RepeatedWork(
            interval: .seconds(300), complaint: "unusual usage is not looked for", logger: logger
        ) { try await engine.fireUnusual() }
    }
}
