import Synchronization

/// How much of the journal stays when it is projected, because it is shipped elsewhere first.
final class JournalKept: Sendable {
    /// Facts that stay at most; 0: nothing is shipped, and nothing stays.
    private let factsMax: Int64
    /// The last fact that is shipped; 0 until somebody says.
    private let shipped = Atomic<Int64>(0)

    init(factsMax: Int64) {
        self.factsMax = factsMax
    }

    func didShip(through sequence: Int64) {
        shipped.store(sequence, ordering: .relaxed)
    }

    /// Up to where rows go when everything up to a fact is projected.
    func droppable(projectedThrough sequence: Int64) -> Int64 {
        guard factsMax > 0 else { return sequence }
        // Who has fallen so far behind begins anew from a whole backup.
        return min(sequence, max(shipped.load(ordering: .relaxed), sequence - factsMax))
    }
}
