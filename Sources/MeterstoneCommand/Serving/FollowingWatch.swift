package import CoreMetrics
package import Logging
package import MeterstoneShipping
import MeterstoneStore
import ServiceLifecycle

/// Keeps a follower up while it is served, and tells how far it is.
///
/// It ends the server when the copy cannot go on: what it answers would get older and older.
package struct FollowingWatch: Service {
    private static let interval: Duration = .seconds(1)
    /// A place that does not answer is not asked all the time.
    private static let pauseAfterFailure: Duration = .seconds(3)

    private let follower: Follower
    private let logger: Logger
    private let age: Gauge
    private let sequence: Gauge
    private let failures: CoreMetrics.Counter

    package init(_ follower: Follower, logger: Logger, metrics: any MetricsFactory) {
        self.follower = follower
        self.logger = logger
        age = Gauge(label: ShippingMetric.followingAge.rawValue, factory: metrics)
        sequence = Gauge(label: ShippingMetric.followingSequence.rawValue, factory: metrics)
        failures = CoreMetrics.Counter(
            label: ShippingMetric.followingFailures.rawValue, factory: metrics)
    }

    package func run() async throws {
        let end: (any Error)? = await cancelWhenGracefulShutdown {
            var complete = ContinuousClock.now
            while !Task.isCancelled {
                do {
                    let isComplete = try await step(&complete)
                    try? await Task.sleep(
                        for: isComplete ? Self.interval : Self.pauseAfterFailure)
                } catch {
                    return error
                }
            }
            return nil
        }
        if let end { throw end }
    }

    /// Whether everything was taken that is at the place; `false`: it failed, and will be tried again.
    ///
    /// Throws when this copy cannot go on.
    private func step(_ complete: inout ContinuousClock.Instant) async throws -> Bool {
        defer {
            let seconds = ContinuousClock.now - complete
            age.record(Double(seconds.components.seconds))
        }
        do {
            // What comes while it reads is for the next step.
            let begin = ContinuousClock.now
            sequence.record(try await follower.step().sequence)
            complete = begin
            return true
        } catch let error as ShippingError where error.kind != .unavailable {
            throw CommandFailure(.unavailable, error.message)
        } catch {
            failures.increment()
            if !Task.isCancelled { logger.error("nothing is followed: \(error)") }
            return false
        }
    }
}
