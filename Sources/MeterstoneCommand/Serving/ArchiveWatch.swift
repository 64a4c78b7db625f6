package import Logging
package import Meterstone
import MeterstoneArchive
package import MeterstoneCore
import MeterstoneStore
import ServiceLifecycle

/// Archives old events once a day while the server runs, and forgets texts that are to be kept no longer.
package struct ArchiveWatch: Service {
    private static let interval: Duration = .seconds(300)

    private let engine: MeterstoneEngine
    private let folder: ArchiveFolder?
    private let archiveDays: Int64
    private let textDays: Int64
    private let logger: Logger

    /// `nil`: everything is kept as it is.
    package init?(_ engine: MeterstoneEngine, _ settings: Settings, _ logger: Logger) throws {
        self.engine = engine
        self.logger = logger
        folder = settings.archive.value.map { ArchiveFolder($0) }
        archiveDays = Int64(settings.archiveDays.value)
        textDays = Int64(settings.textDays.value)
        guard folder != nil || textDays > 0 else { return nil }
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
                do {
                    if done != now.utcDay, try await work(at: now) { done = now.utcDay }
                } catch {
                    logger.error("old events are not archived: \(error)")
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    /// - Returns: `false`: another process that shares the store does it.
    package func work(at now: Instant) async throws -> Bool {
        guard try await engine.isOnDuty() else { return false }
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
        return true
    }
}
