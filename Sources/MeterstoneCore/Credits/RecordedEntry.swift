/// A ledger entry as it stands in the ledger, which nobody can change unnoticed.
public struct RecordedEntry: Hashable, Sendable {
    public let entry: LedgerEntry
    /// Position in the order of recording; unique in a store.
    public let sequence: Int64
    public let seal: EntrySeal
    /// The seal of the entry before it for the same subject.
    public let previous: EntrySeal

    package init(entry: LedgerEntry, sequence: Int64, seal: EntrySeal, previous: EntrySeal) {
        self.entry = entry
        self.sequence = sequence
        self.seal = seal
        self.previous = previous
    }
}

/// Some of a subject's ledger entries, newest first, and where the next page starts.
public struct LedgerPage: Sendable {
    public let entries: [RecordedEntry]
    /// `nil`: there are no more.
    public let next: Int64?

    package init(entries: [RecordedEntry], next: Int64?) {
        self.entries = entries
        self.next = next
    }
}
