import MeterstoneCore
import Synchronization

/// Where the committer shows readers what is durable, and where reports say what they begin at.
package final class PublishedHead: Sendable {
    private struct State {
        var known: Result<StoreHead, StoreError>
        /// The last facts of heads that reports took, ascending.
        var cuts: [Int64] = []
    }

    private let state: Mutex<State>

    package init(_ head: StoreHead) {
        state = Mutex(State(known: .success(head)))
    }

    /// - Parameter known: a failure: why nothing is read any more.
    package func publish(_ known: Result<StoreHead, StoreError>) {
        state.withLock { $0.known = known }
    }

    package func head() throws(StoreError) -> StoreHead { try state.withLock { $0.known }.get() }

    /// For a report, whose later pages leave out what comes after it.
    ///
    /// The cut is noted in the same step. Whatever round of projection begins later knows of it, and what
    /// was begun before includes nothing that comes after the head.
    package func headOfReport() throws(StoreError) -> StoreHead {
        try state.withLock { (state) throws(StoreError) in
            let head = try state.known.get()
            if state.cuts.last.map({ $0 < head.sequence }) ?? true {
                state.cuts.append(head.sequence)
            }
            return head
        }
    }

    /// Cuts after what is projected, ascending; those before are forgotten.
    package func cuts(after watermark: Int64) -> [Int64] {
        state.withLock { state in
            state.cuts.removeAll { $0 <= watermark }
            return state.cuts
        }
    }
}
