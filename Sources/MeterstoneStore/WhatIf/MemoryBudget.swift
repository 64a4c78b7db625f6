import Synchronization

/// Bytes that several who need many may take together.
package final class MemoryBudget: Sendable {
    package let bytes: Int
    private let taken = Mutex(0)

    package init(bytes: Int) {
        self.bytes = bytes
    }

    /// `false`, and nothing is taken, when there is not so much left.
    package func take(_ count: Int) -> Bool {
        taken.withLock { taken in
            guard count <= bytes - taken else { return false }
            taken += count
            return true
        }
    }

    package func giveBack(_ count: Int) {
        taken.withLock { $0 -= count }
    }
}
