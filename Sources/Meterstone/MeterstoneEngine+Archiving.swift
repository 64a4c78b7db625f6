public import MeterstoneStore

extension MeterstoneEngine {
    /// What an archive has of this store; `nil`: nothing was archived.
    public func archiveLog() async throws(StoreError) -> ArchiveLog? {
        try await committer.read { (store) throws(StoreError) in try store.archiveLog() }
    }

    /// Takes the next step of an archiving, as ``Store/archive(_:_:)`` tells: reads beside commits, and writes down what is
    /// left between two of them, a day at a time.
    package func archive(
        _ progress: ArchiveProgress,
        _ write: @escaping @Sendable (ArchivableDays) throws(StoreError) -> ArchivedPart?
    ) async throws(StoreError) -> ArchiveProgress {
        var progress = progress
        progress.steppedAt = clock()
        let begun = progress
        progress = try await committer.read(.long) { (store) throws(StoreError) in
            try store.archive(begun, write)
        }
        while progress.next != nil {
            let known = progress
            progress = try await committer.run { (store) throws(StoreError) in
                try store.leaveArchived(known)
            }
        }
        return progress
    }
}
