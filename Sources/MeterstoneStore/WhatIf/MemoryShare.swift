/// What one who needs much memory has taken of a budget; given back when nobody holds this any more.
///
/// Whoever fills arrays says what they have come to, and the work that fills them asks now and then whether
/// that was too much: it may be over by what it did in between. Confined to one read.
package final class MemoryShare {
    /// Bytes that are taken at a time, if there are so many.
    private static let bytesPerStep = 1 << 16

    private let budget: MemoryBudget
    private var used = 0
    private var taken = 0
    private var isExceeded = false

    package init(_ budget: MemoryBudget) {
        self.budget = budget
    }

    deinit { budget.giveBack(taken) }

    /// Notes that so many bytes more are in use.
    package func add(_ bytes: Int) {
        used += bytes
        guard used > taken, !isExceeded else { return }
        for step in [max(used - taken, Self.bytesPerStep), used - taken] where budget.take(step) {
            taken += step
            return
        }
        isExceeded = true
    }

    /// Fails when there was not as much as is in use.
    package func check() throws(StoreError) {
        guard isExceeded else { return }
        throw StoreError(
            code: .overloaded,
            message: "other questions take the memory that there is; try again shortly, or ask "
                + "about less")
    }
}

/// How many bytes something that grows has said that it takes.
package struct MemoryTab {
    private let share: MemoryShare
    private var noted = 0

    package init(_ share: MemoryShare) {
        self.share = share
    }

    /// Notes how many bytes it has come to. What it has taken once stays its.
    package mutating func note(_ bytes: Int) {
        guard bytes > noted else { return }
        share.add(bytes - noted)
        noted = bytes
    }

    /// Bytes of an entry of a dictionary or a set, with the room that is not used, beside what it holds.
    package static let bytesPerEntry = 24
}
