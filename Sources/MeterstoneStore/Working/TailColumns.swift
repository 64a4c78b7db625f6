package import MeterstoneCore
import Synchronization

/// The events of one section of the tail by column, made by whoever asks first, from where the last one who
/// asked left off.
///
/// A class with a lock: reports and projection share it, and no fact is put into columns twice. The
/// committer never asks. It may know of more than the version of the section that somebody asks about.
final class TailColumns: Sendable {
    private struct State {
        var entries = ColumnEntries()
        /// How many entries there are up to the end of each batch.
        var ends: [Int] = []

        mutating func include(
            _ batches: ChunkedList<JournalBatch>, _ registry: Registry
        ) throws(StoreError) {
            do throws(StoreError) {
                while ends.count < batches.count {
                    try batches[ends.count].forEach { (fact) throws(StoreError) in
                        try entries.append(fact, registry)
                    }
                    ends.append(entries.count)
                }
            } catch {
                // Half a batch is nothing to go on from.
                self = State()
                throw error
            }
        }

        /// How many entries there are up to a fact.
        func count(
            through sequence: Int64, in batches: ChunkedList<JournalBatch>
        ) -> Int {
            let end = batches.partitioningIndex { $0.lastSequence > sequence }
            return end == 0 ? 0 : ends[end - 1]
        }
    }

    private let state = Mutex(State())

    /// What facts of some batches contribute.
    ///
    /// - Parameters:
    ///   - first: the last fact of a commit; only what comes after it.
    ///   - last: the last fact of a commit; nothing that comes after it.
    func entries(
        of batches: ChunkedList<JournalBatch>, after first: Int64, through last: Int64,
        _ registry: Registry
    ) throws(StoreError) -> ColumnEntries {
        let (entries, range) = try state.withLock { (state) throws(StoreError) in
            try state.include(batches, registry)
            let start = state.count(through: first, in: batches)
            let end = max(start, state.count(through: last, in: batches))
            return (state.entries, start..<end)
        }
        return entries.part(range)
    }
}

extension ColumnEntries {
    /// Adds a fact, unless it is of no event that counts.
    fileprivate mutating func append(_ fact: Fact, _ registry: Registry) throws(StoreError) {
        guard fact.topic == .usage else { return }
        var reader = fact.reader
        do throws(MalformedRecord) {
            try append(fact.kind, &reader, of: fact.subject, registry)
        } catch {
            throw .unreadable(fact.sequence)
        }
    }
}

/// The events of a round of projection, to be put into columns.
package struct ColumnSlice: Sendable {
    private let sections: [TailSection]
    /// Facts after which a new part begins, ascending.
    private let cuts: [Int64]

    init(_ sections: [TailSection], cuts: [Int64]) {
        self.sections = sections
        self.cuts = cuts
    }

    /// The events in parts, and the last fact that each includes. No part holds facts from both sides of
    /// a cut.
    package func parts(
        _ registry: Registry
    ) throws(StoreError) -> [(until: Int64, entries: ColumnEntries)] {
        var result: [(until: Int64, entries: ColumnEntries)] = []
        for section in sections {
            guard let first = section.batches.first?.firstSequence,
                let last = section.batches.last?.lastSequence
            else { continue }
            var start = first - 1
            for end in cuts.filter({ $0 >= first && $0 < last }) + [last] {
                let entries = try section.columns(after: start, through: end, registry)
                if entries.count > 0 { result.append((end, entries)) }
                start = end
            }
        }
        return result
    }
}
