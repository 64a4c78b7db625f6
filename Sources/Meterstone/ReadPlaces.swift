import MeterstoneStore
import Synchronization

/// How many may read at once. Who comes later waits for a place, in order, and holds up no thread.
final class ReadPlaces: Sendable {
    /// Who may wait; more are refused.
    private static let waitingMax = 10_000

    private let state: Mutex<State>

    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
        /// Where the one stands who waits longest.
        var next = 0
    }

    init(_ count: Int) {
        state = Mutex(State(free: count))
    }

    /// Takes a place, which ``leave()`` gives back.
    func enter() async throws(StoreError) {
        let isRefused = state.withLock { $0.waiting.count - $0.next >= Self.waitingMax }
        if isRefused {
            throw StoreError(
                code: .overloaded,
                message: "\(Self.waitingMax) reads wait already; try again shortly")
        }
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.free == 0 else {
                    state.free -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    /// Takes a place if nobody has to wait for one.
    func enterIfFree() -> Bool {
        state.withLock { state in
            guard state.free > 0 else { return false }
            state.free -= 1
            return true
        }
    }

    func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.next < state.waiting.count else {
                state.free += 1
                return nil
            }
            let first = state.waiting[state.next]
            state.next += 1
            if state.next == state.waiting.count { (state.waiting, state.next) = ([], 0) }
            return first
        }
        next?.resume()
    }
}
