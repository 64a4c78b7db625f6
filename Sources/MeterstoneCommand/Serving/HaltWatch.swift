package import Meterstone
package import MeterstoneStore
import ServiceLifecycle

/// Ends the server when the engine has halted.
///
/// After a failed sync nobody can know what is on disk until the store is opened again, so whoever
/// keeps the process running has to start it anew.
package struct HaltWatch: Service {
    /// Why the server ended, with the exit code for it: whatever the store said, what failed is the
    /// disk, and repeating the command does not mend it.
    package static func failure(_ error: StoreError) -> CommandFailure {
        CommandFailure(
            .inputOutput, "the store stopped, and must be opened again: \(error.message)")
    }

    private static let interval: Duration = .milliseconds(250)

    private let engine: MeterstoneEngine

    package init(engine: MeterstoneEngine) {
        self.engine = engine
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                if case .halted = engine.state { return }
                try? await Task.sleep(for: Self.interval)
            }
        }
        if case .halted(let error) = engine.state { throw Self.failure(error) }
    }
}
