import MeterstoneCore

/// Moves everything from one store into another, and proves that both say the same.
public enum StoreCopy {
    /// Fills an empty store with everything that another one had at one instant, and compares them.
    ///
    /// What is recorded in the source after that instant is not copied, and is told as a difference.
    ///
    /// Codes: `misuse` when the target is not empty, `halted` when its default time zone is another;
    /// and whatever reading the one and writing the other may fail with. The target is then as it
    /// was.
    public static func run(
        from source: any Store, to target: any Store
    ) throws(StoreError) -> CopyReport {
        try target.fill { (take) throws(StoreError) in try source.export(take) }
        return try compare(source, target)
    }

    /// Whether nothing was recorded in a store, so that it can be filled.
    public static func isEmpty(_ store: any Store) throws(StoreError) -> Bool {
        try store.inspect { (source) throws(StoreError) in
            // Cheaper than to count what there is.
            guard try source.subjects(after: nil, count: 1).isEmpty else { return false }
            return try source.sizes().isEmpty
        }
    }

    /// Compares the catalog, every subject and every counter of one store with those of another.
    public static func compare(
        _ source: any Store, _ target: any Store
    ) throws(StoreError) -> CopyReport {
        let catalogs = (try source.view(of: nil).catalog, try target.view(of: nil).catalog)
        return try source.inspect { (one) throws(StoreError) in
            try target.inspect { (other) throws(StoreError) in
                var comparison = StoreComparison(one, other, catalogs.0.registry.series)
                comparison.compareCatalogs(catalogs.0, catalogs.1)
                try comparison.compareSizes()
                try comparison.compareSubjects()
                try comparison.compareCounters()
                return comparison.report
            }
        }
    }
}

/// What was compared after a copy, and what differs.
public struct CopyReport: Sendable {
    static let differencesMax = 1_000

    public internal(set) var subjects = 0
    public internal(set) var events = 0
    public internal(set) var counters = 0
    /// The first thousand; expected is what the source says.
    public internal(set) var differences: [VerifyDifference] = []

    public var isEqual: Bool { differences.isEmpty }

    mutating func note(_ difference: VerifyDifference) {
        if differences.count < Self.differencesMax { differences.append(difference) }
    }
}

/// How many rows a store has.
public struct StoreSizes: Sendable {
    package let subjects: Int64
    /// Usage events, each counted once.
    package let events: Int64
    /// Rows of events, corrections and rows of teams included.
    package let rows: Int64
    package let counters: Int64
    package let changes: Int64
    /// Ledger entries.
    package let entries: Int64

    package init(
        subjects: Int64, events: Int64, rows: Int64, counters: Int64, changes: Int64,
        entries: Int64
    ) {
        self.entries = entries
        self.subjects = subjects
        self.events = events
        self.rows = rows
        self.counters = counters
        self.changes = changes
    }

    var isEmpty: Bool { subjects == 0 && rows == 0 && changes == 0 }
}
