package import MeterstoneStore

extension MeterstoneEngine {
    /// What the journal has of the commits after a fact; see ``JournaledStore``. It has a place of its own
    /// among those that read, so that reports do not hold it up.
    package func journal(
        after sequence: Int64, bytesMax: Int
    ) async throws(StoreError) -> JournalPage {
        try await committer.readApart { (store) throws(StoreError) in
            try store.journaled.journal(after: sequence, bytesMax: bytesMax)
        }
    }

    /// Says that what was committed up to a fact stands elsewhere.
    package func keepJournal(after sequence: Int64) async throws(StoreError) {
        try await committer.readApart { (store) throws(StoreError) in
            try store.journaled.keepJournal(after: sequence)
        }
    }

    /// Which store this is.
    package func identity() async throws(StoreError) -> StoreIdentity {
        try await committer.run { (store) throws(StoreError) in try store.journaled.identity() }
    }

    /// Whether the store takes what another one ships, and nothing else.
    package func isFollower() async throws(StoreError) -> Bool {
        try await committer.run { (store) throws(StoreError) in
            (store as? any JournaledStore)?.isFollower ?? false
        }
    }

    /// Carries out what another copy of this store committed.
    package func take(_ batches: [CommittedBatch]) async throws(StoreError) {
        try await committer.run { (store) throws(StoreError) in
            try store.journaled.take(batches)
        }
        committer.news.note()
    }

    /// Writes down what has changed of that.
    package func put(_ identity: StoreIdentity) async throws(StoreError) {
        try await committer.run { (store) throws(StoreError) in
            try store.journaled.put(identity)
        }
    }
}

extension Store {
    fileprivate var journaled: any JournaledStore {
        get throws(StoreError) {
            guard let store = self as? any JournaledStore else {
                throw StoreError(
                    code: .misuse, message: "only the embedded store has a journal to ship")
            }
            return store
        }
    }
}
