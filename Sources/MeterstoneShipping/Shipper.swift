package import MeterstoneCore
import MeterstoneStore
import Synchronization

/// Ships the journal of a store: what it commits stands at another place a moment later.
///
/// It reads the journal beside the commits, which never wait for it. The store keeps what is not shipped yet,
/// up to a bound. After any failure it looks at the place for what is really there, and goes on behind that.
package actor Shipper {
    /// What is read and written in one step, unless one commit is larger.
    private static let stepBytesMax = 8 * 1_048_576
    /// How often the place is asked whether somebody took over, while there is nothing to ship.
    private static let fenceMilliseconds: Int64 = 10_000

    /// How things stand, for whoever tells it while a step is under way.
    package struct Standing: Hashable, Sendable {
        /// When the oldest commit was made that is not shipped; `nil`: everything is.
        package var oldestUnshipped: Instant?
        package var shippedThrough: Int64 = 0
        /// A whole backup has to be there that was made since then: without it, what is shipped cannot be
        /// used.
        package var wantsWholeSince: Instant?
    }

    /// What one step did.
    package struct Progress: Hashable, Sendable {
        package let batches: Int
        package let bytes: Int
        /// Whether everything is shipped.
        package let isAtEnd: Bool
        /// What was lost before the step: facts of which the store has no journal any more.
        package let lost: ClosedRange<Int64>?
    }

    private struct Open {
        var epoch: Epoch
        /// The last fact that stands at the place.
        var position: Int64
        var committedAt: Instant
        var segment: (name: String, bytes: [UInt8])?
    }

    private let source: any JournalSource
    private let place: any ShippingPlace
    private let clock: @Sendable () -> Instant
    private let known = Mutex(Standing())
    private var open: Open?
    private var fenceLookedAt = Instant.earliest

    package init(
        _ source: any JournalSource, to place: any ShippingPlace,
        clock: @escaping @Sendable () -> Instant
    ) {
        self.source = source
        self.place = place
        self.clock = clock
    }

    package nonisolated var standing: Standing { known.withLock { $0 } }

    /// Says that there is such a whole backup.
    package nonisolated func hasWhole() { known.withLock { $0.wantsWholeSince = nil } }

    /// Ships what there is, as much as one step takes.
    ///
    /// Throws a ``ShippingError`` of the kind `fenced` when another store has taken over: this one must not
    /// be written any more.
    package func step() async throws -> Progress {
        do {
            if open == nil { try await noteOldest(after: standing.shippedThrough) }
            var open =
                if let known = self.open { known } else { try await opened() }
            let page = try await source.journal(
                after: open.position, bytesMax: Self.stepBytesMax)
            known.withLock { $0.oldestUnshipped = page.batches.first.map { time(of: $0) } }
            try await refuseIfFenced(open.epoch, isUrgent: !page.batches.isEmpty)
            let lost = lost(after: open.position, page)
            if let lost { open = try await begin(after: lost.upperBound) }
            let bytes = try await ship(page.batches, &open)
            self.open = open
            try await source.keepJournal(after: open.position)
            let isAtEnd = page.head.map { $0 <= open.position } ?? false
            known.withLock {
                $0.shippedThrough = open.position
                if isAtEnd { $0.oldestUnshipped = nil }
            }
            return Progress(
                batches: page.batches.count, bytes: bytes, isAtEnd: isAtEnd, lost: lost)
        } catch {
            open = nil
            throw error
        }
    }

    /// For as long as nobody knows what is at the place.
    private func noteOldest(after sequence: Int64) async throws {
        let page = try await source.journal(after: sequence, bytesMax: 0)
        known.withLock { $0.oldestUnshipped = page.batches.first.map { time(of: $0) } }
    }

    /// Facts that come next, and that the journal has no longer.
    private func lost(after position: Int64, _ page: JournalPage) -> ClosedRange<Int64>? {
        let next = page.batches.first?.batch.firstSequence ?? page.head.map { $0 + 1 }
        guard let next, next > position + 1 else { return nil }
        return (position + 1)...(next - 1)
    }

    private func ship(_ batches: [CommittedBatch], _ open: inout Open) async throws -> Int {
        guard let first = batches.first else { return 0 }
        var segment = open.segment ?? beginning(first, open)
        let known = open.segment?.bytes.count ?? 0
        for shipped in batches {
            let at = max(time(of: shipped), open.committedAt)
            segment.bytes += Segment.bytes(of: CommittedBatch(shipped.batch, committedAt: at))
            (open.position, open.committedAt) = (shipped.batch.lastSequence, at)
        }
        try await place.write(segment.name, segment.bytes, known: known)
        open.segment = segment.bytes.count < place.segmentBytesMax ? segment : nil
        return segment.bytes.count - known
    }

    private func beginning(
        _ first: CommittedBatch, _ open: Open
    ) -> (name: String, bytes: [UInt8]) {
        let sequence = first.batch.firstSequence
        let header = Segment.Header(
            store: open.epoch.store, epoch: open.epoch.number, firstSequence: sequence)
        let name = ShippedName.segment(open.epoch.number, sequence, at: time(of: first))
        return (name, header.bytes)
    }

    /// Of what an earlier version committed the journal does not say when.
    private func time(of shipped: CommittedBatch) -> Instant {
        shipped.committedAt.millisecondsSince1970 > 0 ? shipped.committedAt : clock()
    }

    // MARK: Epochs

    /// Finds out where to go on, by what is at the place.
    private func opened() async throws -> Open {
        let identity = try await source.identity()
        guard let newest = try await Epoch.all(at: place).last else {
            // From here on it is a store of its own, and no copy of the one that was backed up.
            if identity.role == .restored { try await source.put(.new()) }
            return try await begin(after: try await beginOfJournal())
        }
        guard identity.role == .writer else {
            throw ShippingError(
                .fenced,
                "this store was made of a backup, and \(place.name) has the journal of another: "
                    + "ship it to an empty place")
        }
        guard newest.store == identity.id else {
            throw ShippingError(
                .foreign, "\(place.name) has the journal of another store; take another place")
        }
        // It shipped elsewhere meanwhile.
        if newest.number < identity.epoch {
            return try await begin(after: try await beginOfJournal())
        }
        guard newest.belongs(to: identity) else { throw Self.fenced(by: newest) }
        let end = try await ShippedJournal(place, of: identity.id).end(of: newest.number)
        let position = max(end?.sequence ?? 0, newest.afterSequence)
        let head = try await source.journal(after: position, bytesMax: 0)
        if let last = head.head, last < position {
            throw ShippingError(
                .foreign,
                "\(place.name) has facts up to \(position), and this store ends with \(last): it is "
                    + "an older copy; ship it to an empty place")
        }
        let wholes = try await place.wholes()
        let hasWhole = wholes.contains { $0.madeAt >= newest.begunAt }
        known.withLock { $0.wantsWholeSince = hasWhole ? nil : newest.begunAt }
        return Open(
            epoch: newest, position: position, committedAt: end?.committedAt ?? .earliest)
    }

    /// The fact before the first one that the journal still has.
    private func beginOfJournal() async throws -> Int64 {
        let page = try await source.journal(after: 0, bytesMax: 0)
        return page.batches.first.map { $0.batch.firstSequence - 1 } ?? page.head ?? 0
    }

    /// Begins an epoch of this store's own. The store knows of it first: when this is cut off between the
    /// two, the next one gets another number.
    private func begin(after sequence: Int64) async throws -> Open {
        var identity = try await source.identity()
        let newest = try await Epoch.all(at: place).last?.number ?? 0
        identity.epoch = max(identity.epoch, newest) + 1
        identity.token = StoreIdentity.draw()
        try await source.put(identity)
        let epoch = Epoch(
            number: identity.epoch, store: identity.id, token: identity.token, after: sequence,
            at: clock())
        guard try await place.create(ShippedName.epoch(epoch.number), try epoch.bytes) else {
            throw ShippingError(.fenced, "\(place.name): another store began the same epoch")
        }
        known.withLock { $0.wantsWholeSince = epoch.begunAt }
        return Open(epoch: epoch, position: sequence, committedAt: .earliest)
    }

    private func refuseIfFenced(_ epoch: Epoch, isUrgent: Bool) async throws {
        let now = clock()
        guard isUrgent || now >= fenceLookedAt.advanced(byMilliseconds: Self.fenceMilliseconds)
        else { return }
        if let newer = try await Epoch.all(at: place, after: epoch.number).last {
            throw Self.fenced(by: newer)
        }
        fenceLookedAt = now
    }

    private static func fenced(by epoch: Epoch) -> ShippingError {
        ShippingError(
            .fenced,
            "another copy of this store took over with epoch \(epoch.number) at "
                + "\(epoch.begunAt.rfc3339): this one must not be written any more")
    }
}
