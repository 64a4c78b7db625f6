package import CoreMetrics
package import Logging
import Meterstone
package import MeterstoneMirror
import MeterstoneStore
import ServiceLifecycle

/// Keeps a mirror up while the server runs.
package struct MirrorWatch: Service {
    private static let interval: Duration = .milliseconds(500)
    /// A database that does not answer is not asked all the time.
    private static let pauseAfterFailure: Duration = .seconds(5)

    private let follower: MirrorFollower
    private let logger: Logger
    private let watermark: Gauge
    private let lag: Gauge
    private let facts: CoreMetrics.Counter
    private let failures: CoreMetrics.Counter

    package init(
        _ follower: MirrorFollower, logger: Logger, metrics: any MetricsFactory
    ) {
        self.follower = follower
        self.logger = logger
        watermark = Gauge(label: MirrorMetric.watermark.rawValue, factory: metrics)
        lag = Gauge(label: MirrorMetric.lag.rawValue, factory: metrics)
        facts = CoreMetrics.Counter(label: MirrorMetric.facts.rawValue, factory: metrics)
        failures = CoreMetrics.Counter(label: MirrorMetric.failures.rawValue, factory: metrics)
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var complete = ContinuousClock.now
            while !Task.isCancelled {
                let isComplete = await stepAndTell(since: &complete)
                if isComplete ?? true {
                    try? await Task.sleep(
                        for: isComplete == nil ? Self.pauseAfterFailure : Self.interval)
                }
            }
        }
        await follower.close()
    }

    /// Whether there was nothing more; `nil`: it failed.
    ///
    /// - Parameter complete: when the mirror had everything last.
    package func stepAndTell(since complete: inout ContinuousClock.Instant) async -> Bool? {
        let begun = ContinuousClock.now
        do {
            let progress = try await follower.step()
            watermark.record(progress.watermark)
            facts.increment(by: progress.facts)
            if progress.isAtEnd { complete = begun }
            tell(since: complete, isAtEnd: progress.isAtEnd)
            return progress.isAtEnd
        } catch {
            logger.error("the mirror is not kept up: \(error)")
            failures.increment()
            tell(since: complete, isAtEnd: false)
            return nil
        }
    }

    private func tell(since complete: ContinuousClock.Instant, isAtEnd: Bool) {
        let lag = isAtEnd ? .zero : ContinuousClock.now - complete
        self.lag.record(Double(lag.components.seconds))
    }
}
