package import MeterstoneStore

extension MeterstoneEngine {
    /// Lets go of lines of the log of changes that are kept no longer: reads beside commits, and deletes a bounded number
    /// between two of them.
    ///
    /// - Parameter tell: of how many, after each step.
    /// - Returns: how many there were.
    @discardableResult
    package func forgetLines(
        _ retention: LogRetention, tell: (Int) -> Void = { _ in }
    ) async throws(StoreError) -> Int {
        var sweep = LogSweep(retention)
        var count = 0
        while !sweep.isDone {
            let known = sweep
            sweep = try await committer.read(.long) { (store) throws(StoreError) in
                try store.sweep(known)
            }
            let leaving = sweep.leaving
            guard !leaving.isEmpty else { continue }
            try await committer.run { (store) throws(StoreError) in
                try store.forget(lines: leaving)
            }
            count += leaving.count
            tell(leaving.count)
        }
        return count
    }
}
