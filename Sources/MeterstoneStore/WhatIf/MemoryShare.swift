import Synchronization

/// What one who needs much memory has taken of a budget; given back when nobody holds this any more.
///
/// Whoever fills arrays says what they have come to, and the work that fills them asks now and then whether
/// that was too much: it may be over by what it did in between.
package final class MemoryShare: Sendable {
    /// Bytes that are taken at a time, if there are so many.
    private static let bytesPerStep = 1 << 16

    private struct State {
        var used = 0
        var taken = 0
        var isExceeded = false
    }

    private let budget: MemoryBudget
    private let state = Mutex(State())

    package init(_ budget: MemoryBudget) {
        self.budget = budget
    }

    deinit { budget.giveBack(state.withLock(\.taken)) }

    /// Notes that so many bytes more are in use.
    package func add(_ bytes: Int) {
        state.withLock { state in
            state.used += bytes
            guard state.used > state.taken, !state.isExceeded else { return }
            let missing = state.used - state.taken
            for step in [max(missing, Self.bytesPerStep), missing] where budget.take(step) {
                state.taken += step
                return
            }
            state.isExceeded = true
        }
    }

    /// Fails when there was not as much as is in use.
    package func check() throws(StoreError) {
        guard state.withLock(\.isExceeded) else { return }
        throw StoreError(
            code: .overloaded,
            message: "other questions take the memory that there is; try again shortly, or ask "
                + "about less")
    }
}

/// How many bytes something that grows has said that it takes.
package struct MemoryTab {
    private let share: MemoryShare?
    private var noted = 0

    /// - Parameter share: `nil`: nobody is told.
    package init(_ share: MemoryShare?) {
        self.share = share
    }

    /// Notes how many bytes it has come to. What it has taken once stays its.
    package mutating func note(_ bytes: Int) {
        guard bytes > noted else { return }
        share?.add(bytes - noted)
        noted = bytes
    }

    /// Bytes of an entry of a dictionary or a set, with the room that is not used, beside what it holds.
    package static let bytesPerEntry = 24
}
