package import Meterstone
package import MeterstoneCore
package import MeterstoneStore

/// A store that takes what another one shipped: what of an engine following needs.
package protocol FollowingStore: JournalSource {
    /// See ``JournaledStore``.
    func take(_ batches: [CommittedBatch]) async throws(StoreError)
}

extension MeterstoneEngine: FollowingStore {}

/// Keeps a copy of a store up with what the store ships, and takes over from it when it is told to.
package struct Follower: Sendable {
    /// What one step came to.
    package struct Progress: Hashable, Sendable {
        /// The last fact.
        package let sequence: Int64
        package let batches: Int
    }

    private let store: any FollowingStore
    private let place: any ShippingPlace
    private let clock: @Sendable () -> Instant

    package init(
        _ store: any FollowingStore, from place: any ShippingPlace,
        clock: @escaping @Sendable () -> Instant
    ) {
        self.store = store
        self.place = place
        self.clock = clock
    }

    /// Takes everything that is at the place.
    ///
    /// Throws a ``ShippingError`` of the kind `damaged` when this copy cannot go on: it has what the
    /// history there does not have, or something is missing there; `foreign` when it is no copy of that store, or
    /// follows no more.
    @discardableResult
    package func step() async throws -> Progress {
        var identity = try await store.identity()
        guard identity.role == .follower else {
            throw ShippingError(.foreign, "this store follows no other, or does so no longer")
        }
        let epochs = try await Epoch.all(at: place)
        let head = try await head()
        guard let newest = epochs.last else { return Progress(sequence: head, batches: 0) }
        guard newest.store == identity.id else {
            throw ShippingError(.foreign, "\(place.name) has the journal of another store")
        }
        let lineage = Lineage(epochs, at: nil)
        guard lineage.includes(epoch: identity.epoch, endingWith: head) else {
            throw ShippingError(
                .damaged,
                "this copy has facts up to \(head), of which the last are no part of the history that "
                    + "goes on at \(place.name): follow into a new folder")
        }
        let reached = try await ShippedJournal(place, of: identity.id).read(after: head, lineage) {
            try await store.take($0)
        }
        if let missing = reached.missing {
            throw ShippingError(
                .damaged,
                "fact \(missing) is not at \(place.name), and what follows it is: follow into a new "
                    + "folder")
        }
        if identity.epoch != newest.number {
            identity.epoch = newest.number
            try await store.put(identity)
        }
        return Progress(sequence: reached.sequence, batches: reached.batches)
    }

    private func head() async throws -> Int64 {
        try await store.journal(after: .max, bytesMax: 0).head ?? 0
    }

    /// Takes over: takes what is left, and begins an epoch at the place. Whoever shipped there before finds it, and
    /// must not be written any more; what it commits until then is of no history.
    package func promote() async throws -> Epoch {
        let progress = try await step()
        var identity = try await store.identity()
        let newest = try await Epoch.all(at: place).last?.number ?? 0
        identity.epoch = newest + 1
        identity.token = StoreIdentity.draw()
        identity.role = .writer
        let epoch = Epoch(
            number: identity.epoch, store: identity.id, token: identity.token,
            after: progress.sequence, at: clock())
        guard try await place.create(ShippedName.epoch(epoch.number), try epoch.bytes) else {
            throw ShippingError(.fenced, "\(place.name): another store began the same epoch")
        }
        try await store.put(identity)
        return epoch
    }
}
