public import MeterstoneStore

extension MeterstoneEngine {
    /// The first facts after one, in the order of recording; see ``FactPage``.
    ///
    /// Example: `facts(after: 0)` is the beginning of everything, and `facts(after: page.lastSequence)` what
    /// comes next. A page without facts says that there is nothing new.
    ///
    /// - Parameter count: at most ``FactPage/factsMax``.
    public func facts(
        after sequence: Int64, count: Int = 10_000
    ) async throws(StoreError) -> FactPage {
        try await committer.read(.long) { (store) throws(StoreError) in
            try store.facts(after: sequence, count: count)
        }
    }

    /// The same, read on a thread of the caller's.
    ///
    /// - Parameter perform: has work done there.
    package func facts(
        after sequence: Int64, count: Int,
        on perform: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
    ) async throws(StoreError) -> FactPage {
        try await committer.read(.long, on: perform) { (store) throws(StoreError) in
            try store.facts(after: sequence, count: count)
        }
    }
}
