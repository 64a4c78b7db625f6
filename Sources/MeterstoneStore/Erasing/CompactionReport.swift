/// What a compaction found.
public struct CompactionReport: Sendable, Hashable {
    /// Erased persons of whom nothing is left but numbers.
    public let persons: Int

    package init(persons: Int) {
        self.persons = persons
    }
}

extension Scrubber {
    package var report: CompactionReport { CompactionReport(persons: personsCount) }
}
