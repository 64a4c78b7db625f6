package import Logging
package import MeterstoneServer
package import MeterstoneCore
import Meterstone
import MeterstoneStore
import ServiceLifecycle

/// Makes a backup whenever the newest is older than it should be.
package struct BackupWatch: Service {
    private static let interval: Duration = .seconds(60)
    /// Copying and verifying a store that is not right costs as much as one that is.
    private static let pauseAfterFailure: Duration = .seconds(3_600)

    private let backups: any Backups
    private let milliseconds: Int64
    private let logger: Logger

    package init(_ backups: any Backups, hours: Int, logger: Logger) {
        self.backups = backups
        milliseconds = Int64(hours) * 3_600_000
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let outcome = await makeIfDue(at: SystemClock.now())
                let pause = outcome == .failed ? Self.pauseAfterFailure : Self.interval
                try? await Task.sleep(for: pause)
            }
        }
    }

    /// What became of a look at the newest backup.
    package enum Outcome: Sendable {
        case notDue, made, failed
    }

    package func makeIfDue(at now: Instant) async -> Outcome {
        do {
            // One that a clock made which was ahead is no reason to wait for its day.
            let due = try await backups.all().first { $0.madeAt <= now }.map {
                $0.madeAt.advanced(byMilliseconds: milliseconds)
            }
            guard due.map({ $0 <= now }) ?? true else { return .notDue }
            let made = try await backups.make()
            logger.info("backup \(made.name) is made and verified: \(made.bytes) bytes")
            return .made
        } catch let error as StoreError where error.code == .overloaded {
            // Somebody asked for one, or shipping did: it is made already.
            return .notDue
        } catch {
            logger.error("no backup was made: \(error)")
            return .failed
        }
    }
}
