package import CoreMetrics
package import Logging
import Meterstone
package import MeterstoneCore
package import MeterstoneServer
package import MeterstoneShipping
import MeterstoneStore
import ServiceLifecycle

/// Ships the journal and whole backups while the server runs, and tells how far it is.
///
/// It ends the server when another store has taken over: two that are written would be two histories.
package struct ShippingWatch: Service {
    private static let interval: Duration = .seconds(1)
    /// A place that does not answer is not asked all the time.
    private static let pauseAfterFailure: Duration = .seconds(3)
    private static let wholesInterval: Duration = .seconds(10)
    /// Copying and verifying a store costs much.
    private static let wholesPauseAfterFailure: Duration = .seconds(300)

    private let shipper: Shipper
    private let wholes: WholeBackups
    private let backups: any Backups
    /// The folder that they are in.
    private let directory: String
    private let logger: Logger
    private let lag: Gauge
    private let sequence: Gauge
    private let wholeAge: Gauge
    private let bytes: CoreMetrics.Counter
    private let failures: CoreMetrics.Counter
    private let lost: CoreMetrics.Counter

    package init(
        _ shipper: Shipper, _ wholes: WholeBackups, of backups: any Backups, in directory: String,
        logger: Logger, metrics: any MetricsFactory
    ) {
        self.shipper = shipper
        self.wholes = wholes
        self.backups = backups
        self.directory = directory
        self.logger = logger
        lag = Gauge(label: ShippingMetric.lag.rawValue, factory: metrics)
        sequence = Gauge(label: ShippingMetric.sequence.rawValue, factory: metrics)
        wholeAge = Gauge(label: ShippingMetric.wholeAge.rawValue, factory: metrics)
        bytes = CoreMetrics.Counter(label: ShippingMetric.bytes.rawValue, factory: metrics)
        failures = CoreMetrics.Counter(label: ShippingMetric.failures.rawValue, factory: metrics)
        lost = CoreMetrics.Counter(label: ShippingMetric.lost.rawValue, factory: metrics)
        // Until a step says more.
        wholeAge.record(-1)
        tell()
    }

    /// Before anything is served: throws when this store must not be written.
    package func begin() async throws {
        _ = try await step()
    }

    package func run() async throws {
        let end: (any Error)? = await cancelWhenGracefulShutdown {
            await withTaskGroup(of: (any Error)?.self) { group in
                group.addTask {
                    do { try await shipUntilCancelled() } catch { return error }
                    return nil
                }
                group.addTask {
                    await putWholesUntilCancelled()
                    return nil
                }
                group.addTask {
                    // A step may take long when the place is slow, and the lag is told meanwhile.
                    while !Task.isCancelled {
                        tell()
                        try? await Task.sleep(for: Self.interval)
                    }
                    return nil
                }
                let first = await group.next() ?? nil
                group.cancelAll()
                return first
            }
        }
        if let end { throw end }
        // What was answered until now goes, too.
        while try await step() == false {}
    }

    private func shipUntilCancelled() async throws {
        while !Task.isCancelled {
            let isAtEnd = try await step()
            if isAtEnd ?? true {
                try? await Task.sleep(
                    for: isAtEnd == nil ? Self.pauseAfterFailure : Self.interval)
            }
        }
    }

    /// Whether there was nothing more; `nil`: it failed, and will be tried again.
    ///
    /// Throws when this store must not be written any more.
    package func step() async throws -> Bool? {
        defer { tell() }
        do {
            let progress = try await shipper.step()
            bytes.increment(by: Int64(progress.bytes))
            if let range = progress.lost {
                lost.increment(by: Int64(range.count))
                logger.error(
                    """
                    facts \(range.lowerBound) to \(range.upperBound) were not shipped before the store let \
                    go of them: instants between the two whole backups around them cannot be restored. A \
                    whole backup is made now
                    """)
            }
            return progress.isAtEnd
        } catch let error as ShippingError where error.kind == .fenced || error.kind == .foreign {
            throw CommandFailure(.unavailable, error.message)
        } catch {
            failures.increment()
            if !Task.isCancelled { logger.error("the journal is not shipped: \(error)") }
            return nil
        }
    }

    private func tell() {
        let standing = shipper.standing
        let age = standing.oldestUnshipped.map {
            max(0, SystemClock.now().millisecondsSince1970 - $0.millisecondsSince1970)
        }
        lag.record(Double(age ?? 0) / 1_000)
        sequence.record(standing.shippedThrough)
    }

    // MARK: Whole backups

    private func putWholesUntilCancelled() async {
        while !Task.isCancelled {
            let isDone = await putWhole(at: SystemClock.now())
            try? await Task.sleep(
                for: isDone ? Self.wholesInterval : Self.wholesPauseAfterFailure)
        }
    }

    /// Makes the whole backup that is wanted, and puts the newest at the place; `false`: it failed.
    package func putWhole(at now: Instant) async -> Bool {
        do {
            if let since = shipper.standing.wantsWholeSince,
                try await backups.all().first.map({ $0.madeAt < since }) ?? true
            {
                _ = try await backups.make()
            }
            guard let newest = try await backups.all().first else { return true }
            if try await wholes.put(newest.name, from: directory + "/" + newest.name) {
                logger.info("the backup \(newest.name) is shipped")
            }
            if let since = shipper.standing.wantsWholeSince, newest.madeAt >= since {
                shipper.hasWhole()
            }
            if let madeAt = try await wholes.newest() {
                let age = now.millisecondsSince1970 - madeAt.millisecondsSince1970
                wholeAge.record(Double(max(0, age)) / 1_000)
            }
            return true
        } catch let error as StoreError where error.code == .overloaded {
            // One is being made by somebody else.
            return true
        } catch {
            failures.increment()
            if !Task.isCancelled { logger.error("no whole backup was shipped: \(error)") }
            return false
        }
    }
}
