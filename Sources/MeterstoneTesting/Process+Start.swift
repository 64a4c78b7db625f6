public import Foundation
import Synchronization

private let starting = Mutex(())

extension Process {
    /// Starts the process, while no other is being started.
    ///
    /// Foundation watches the processes that it starts through tables of the whole program; once in many
    /// runs of all suites, two starts at once ended this program.
    public func start() throws {
        try starting.withLock { _ in try run() }
    }
}
