package import CoreMetrics
package import Logging
package import Meterstone
import MeterstoneArchive
package import MeterstoneCore
import MeterstoneStore
import ServiceLifecycle

/// Lets go of what is to be kept no longer, once a day while the server runs: old events go into the archive, and texts
/// and lines of the log are forgotten.
package struct RetentionWatch: Service {
    private static let interval: Duration = .seconds(300)
    private static let day: Int64 = 86_400_000

    private let engine: MeterstoneEngine
    private let folder: ArchiveFolder?
    private let archiveDays: Int64
    private let textDays: Int64
    private let accessDays: Int64
    private let deliveryDays: Int64
    private let trust: ClockTrust?
    private let logger: Logger
    private let age: Gauge
    private let events: Gauge
    private let files: Gauge
    private let failures: CoreMetrics.Counter
    private let forgotten: CoreMetrics.Counter

    /// `nil`: everything is kept as it is.
    package init?(
        _ engine: MeterstoneEngine, _ settings: Settings, _ logger: Logger,
        trust: ClockTrust? = nil,
        metrics: any MetricsFactory = MetricsSystem.factory
    ) throws {
        self.engine = engine
        self.trust = trust
        self.logger = logger
        folder = settings.archive.value.map { ArchiveFolder($0) }
        archiveDays = Int64(settings.archiveDays.value)
        textDays = Int64(settings.textDays.value)
        accessDays = Int64(settings.accessDays.value)
        deliveryDays = Int64(settings.deliveryDays.value)
        func gauge(_ metric: RetentionMetric) -> Gauge {
            Gauge(label: metric.rawValue, factory: metrics)
        }
        func counter(_ metric: RetentionMetric) -> CoreMetrics.Counter {
            CoreMetrics.Counter(label: metric.rawValue, factory: metrics)
        }
        guard folder != nil || textDays + accessDays + deliveryDays > 0 else { return nil }
        age = gauge(.archiveAge)
        events = gauge(.archivedEvents)
        files = gauge(.archiveFiles)
        failures = counter(.failures)
        forgotten = counter(.forgottenLines)
        guard folder == nil || textDays == 0 || archiveDays < textDays else {
            throw CommandFailure(
                .usage,
                "\(settings.textDays.origin): expected 0, or more than \(archiveDays): texts would be "
                    + "gone before they are archived")
        }
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var done: Int64?
            while !Task.isCancelled {
                let now = SystemClock.now()
                if done != now.utcDay, await workAndTell(at: now) { done = now.utcDay }
                await tell(at: SystemClock.now())
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    /// Says in the log and in metrics what went wrong.
    ///
    /// - Returns: whether nothing is left to do.
    package func workAndTell(at now: Instant) async -> Bool {
        do {
            return try await work(at: now)
        } catch {
            failures.increment()
            logger.error("what is old stays where it is: \(error)")
            return false
        }
    }

    /// - Returns: `false`: another process that shares the store does it, or the clock is doubted.
    package func work(at now: Instant) async throws -> Bool {
        guard await trust?.allows(at: now) ?? true, try await engine.isOnDuty() else {
            return false
        }
        if let folder {
            // By whole months, so that files are few.
            let oldest = now.utcDay - archiveDays
            let month = oldest - Int64(CivilDate(daysSince1970: oldest).day - 1)
            try await folder.archive(engine, before: month) { part in
                logger.info("\(part.events) events are archived in \(part.name)")
            }
        }
        if textDays > 0 {
            let count = try await Forgetting.texts(of: engine, before: now.utcDay - textDays)
            if count > 0 { logger.info("the texts of \(count) events are forgotten") }
        }
        let lines = try await engine.forgetLines(
            LogRetention(
                accessBefore: end(of: accessDays, at: now),
                deliveriesBefore: end(of: deliveryDays, at: now))
        ) { forgotten.increment(by: $0) }
        if lines > 0 { logger.info("\(lines) lines of the log of changes are forgotten") }
        return true
    }

    private func end(of days: Int64, at now: Instant) -> Instant? {
        days == 0 ? nil : now.advanced(byMilliseconds: -days * Self.day)
    }

    /// Tells how the archive stands, whoever archived.
    package func tell(at now: Instant) async {
        guard let log = try? await engine.archiveLog() else {
            age.record(-1)
            return
        }
        let milliseconds = log.finishedAt.map {
            max(0, now.millisecondsSince1970 - $0.millisecondsSince1970)
        }
        age.record(milliseconds.map { Double($0 / 1_000) } ?? -1)
        events.record(log.events)
        files.record(log.parts.count)
    }
}
