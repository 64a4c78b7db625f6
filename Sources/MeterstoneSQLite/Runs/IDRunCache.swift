import MeterstoneStore
import Synchronization

/// What is known of runs of event ids, for everyone who looks ids up: runs never change.
///
/// A key of eight bytes for each block is kept of every run, which is a megabyte for 100 million ids.
/// Filters are kept while they take no more than 64 MiB together, which is 50 million ids.
final class IDRunCache: Sendable {
    private static let filterBytesMax = 64 * 1_048_576
    private let state = Mutex(State())

    private struct State {
        var runs: [Int64: IDRun] = [:]
        var filterBytes = 0
    }

    func run(_ number: Int64) -> IDRun? {
        state.withLock { $0.runs[number] }
    }

    /// Whether there is room for the filter of so many keys.
    func hasRoom(forKeys count: Int) -> Bool {
        state.withLock {
            $0.filterBytes + IDFilter.bytes(forKeys: count) <= Self.filterBytesMax
        }
    }

    /// Keeps a run, and its filter if there is room for it.
    func keep(_ run: IDRun) -> IDRun {
        var run = run
        if run.filter != nil, !hasRoom(forKeys: run.count) { run.filter = nil }
        state.withLock { state in
            let before = state.runs.updateValue(run, forKey: run.number)
            if before?.filter != nil { state.filterBytes -= IDFilter.bytes(forKeys: run.count) }
            if run.filter != nil { state.filterBytes += IDFilter.bytes(forKeys: run.count) }
        }
        return run
    }

    func forget(_ number: Int64) {
        state.withLock { state in
            guard let run = state.runs.removeValue(forKey: number), run.filter != nil else {
                return
            }
            state.filterBytes -= IDFilter.bytes(forKeys: run.count)
        }
    }
}
