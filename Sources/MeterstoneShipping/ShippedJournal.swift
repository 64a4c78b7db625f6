package import MeterstoneCore
package import MeterstoneStore

/// Reads what was shipped, in the order in which it was committed.
package struct ShippedJournal: Sendable {
    /// How far the reading came.
    package struct Reached: Hashable, Sendable {
        /// The last fact.
        package internal(set) var sequence: Int64
        /// When it was committed; `nil`: nothing was read.
        package internal(set) var committedAt: Instant?
        /// The fact that should come next, where what comes after it is there and it is not.
        package internal(set) var missing: Int64?
        package internal(set) var batches = 0
        /// The segment of which something follows a batch that is not whole, where nothing goes on from there. Whoever was
        /// cut off over its last writes leaves the same, and had not said that they are safe.
        package internal(set) var damaged: String?
    }

    private let place: any ShippingPlace
    /// The identity of the store whose journal it is.
    private let store: String

    package init(_ place: any ShippingPlace, of store: String) {
        self.place = place
        self.store = store
    }

    /// Hands out what comes after a fact, some batches at a time, up to an instant.
    ///
    /// It ends at the first batch that was committed later, also where a clock that was set back put earlier
    /// ones behind it.
    package func read(
        after sequence: Int64, _ lineage: Lineage, through instant: Instant? = nil,
        _ take: ([CommittedBatch]) async throws -> Void
    ) async throws -> Reached {
        var reached = Reached(sequence: sequence)
        for part in lineage.parts where part.through > reached.sequence {
            guard part.after <= reached.sequence else {
                reached.missing = reached.sequence + 1
                return reached
            }
            for name in try await segments(of: part.epoch, containing: reached.sequence + 1) {
                guard let segment = try await segment(name) else { continue }
                var batches: [CommittedBatch] = []
                let end = try add(segment, part, instant, to: &batches, &reached)
                if !batches.isEmpty {
                    reached.damaged = nil
                    try await take(batches)
                }
                if end { return reached }
                if segment.isDamaged { reached.damaged = name }
            }
        }
        return reached
    }

    /// Adds those that come next; `true`: nothing more is to be read.
    private func add(
        _ segment: Segment, _ part: Lineage.Part, _ instant: Instant?,
        to batches: inout [CommittedBatch], _ reached: inout Reached
    ) throws -> Bool {
        for shipped in segment.batches where shipped.batch.lastSequence > reached.sequence {
            guard shipped.batch.lastSequence <= part.through else { return false }
            if let instant, shipped.committedAt > instant { return true }
            guard shipped.batch.firstSequence == reached.sequence + 1 else {
                reached.missing = reached.sequence + 1
                return true
            }
            batches.append(shipped)
            reached.sequence = shipped.batch.lastSequence
            reached.committedAt = shipped.committedAt
            reached.batches += 1
        }
        return false
    }

    /// When the batch was committed that ends with a fact; `nil`: it was not shipped.
    package func committedAt(_ sequence: Int64, in epoch: Int64) async throws -> Instant? {
        guard let name = try await segments(of: epoch, containing: sequence).first,
            let segment = try await segment(name)
        else { return nil }
        return segment.batches.last { $0.batch.lastSequence == sequence }?.committedAt
    }

    /// The last batch of an epoch that is whole, and when it was committed; `nil`: there is none.
    package func end(of epoch: Int64) async throws -> (sequence: Int64, committedAt: Instant)? {
        for name in try await segments(of: epoch, containing: 0).reversed() {
            if let last = try await segment(name)?.batches.last {
                return (last.batch.lastSequence, last.committedAt)
            }
        }
        return nil
    }

    /// The names of the segment that a fact is in and of those that follow it.
    private func segments(of epoch: Int64, containing sequence: Int64) async throws -> [String] {
        let names = try await place.names(under: ShippedName.folder(epoch), after: nil)
            .compactMap { name in ShippedName.read(segment: name).map { (name, $0.first) } }
        let start = names.lastIndex { $0.1 <= sequence } ?? 0
        return names[start...].map(\.0)
    }

    /// `nil`: it was removed meanwhile, or was cut off before it had a header.
    private func segment(_ name: String) async throws -> Segment? {
        guard let bytes = try await place.read(name), let segment = try? Segment(reading: bytes)
        else { return nil }
        guard segment.header.store == store else {
            throw ShippingError(
                .foreign, "\(place.name): '\(name)' was written by another store")
        }
        return segment
    }
}
