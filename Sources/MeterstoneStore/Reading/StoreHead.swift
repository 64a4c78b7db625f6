package import MeterstoneCore

/// What is known after one commit, beside the tables: what the committer publishes each time, and what
/// whoever reads takes. It never changes.
package struct StoreHead: Sendable {
    package let catalog: Catalog
    package let registry: Registry
    package let options: StoreOptions
    package let zones: ZoneNotes
    package let tail: TailSnapshot
    /// The last fact that it includes.
    package let sequence: Int64
    /// Pages of a report that was begun before this fact cannot be told any more.
    package let cutFloor: Int64

    package init(
        catalog: Catalog, options: StoreOptions, zones: ZoneNotes,
        tail: TailSnapshot = TailSnapshot(), sequence: Int64, cutFloor: Int64 = 0
    ) {
        self.catalog = catalog
        registry = catalog.registry
        self.options = options
        self.zones = zones
        self.tail = tail
        self.sequence = sequence
        self.cutFloor = cutFloor
    }

    /// A working set that knows nothing yet but what the source tells, for looking up and not for
    /// keeping.
    ///
    /// - Parameters:
    ///   - last: a fact that the source may include, when it is newer than the head.
    ///   - isDeciding: `false`: who subjects are is all that is asked of it.
    package func workingSet(
        _ source: any DecisionSource, after last: Int64 = 0, isDeciding: Bool = false
    ) -> WorkingSet {
        // Half of what a sequence number can be is more than a store can have.
        let last = min(max(sequence, last), .max / 2)
        return WorkingSet(
            options: options, source: source, catalog: catalog, nextSequence: last + 1,
            nextSubject: .max / 4, eventIDs: EventIDGenerator(seed: 0), zones: zones,
            isDeciding: isDeciding)
    }
}

extension WorkingSet {
    /// What is known now. Nothing of a batch that is not durable may be in it.
    package var published: StoreHead {
        StoreHead(
            catalog: catalog, options: options, zones: zones, tail: tail.snapshot, sequence: head,
            cutFloor: cutFloor)
    }
}
