import MeterstoneCore

/// A stretch of the journal that is not projected, as it stands at one instant.
///
/// It is a value: whoever holds one sees nothing of what comes later. All versions of one section share
/// its index, and its columns.
package struct TailSection: Sendable {
    package private(set) var batches = ChunkedList<JournalBatch>()
    /// Versions of subjects' rows, oldest first.
    package private(set) var rows = ChunkedList<SubjectRow>()
    package private(set) var changes = ChunkedList<ChangeRecord>()
    private let index = TailIndex()
    private let columns = TailColumns()

    package init() {}

    package mutating func append(_ batch: JournalBatch) { batches.append(batch) }

    mutating func append(_ row: SubjectRow) { rows.append(row) }

    mutating func append(_ change: ChangeRecord) { changes.append(change) }

    /// What is said about a subject, oldest first; of a team, what those below it used as well.
    package func facts(_ topic: FactTopic, of subject: Int64) -> [Fact] {
        index.places(topic, of: subject, in: batches).compactMap(fact)
    }

    /// What the facts between two commits contribute to columns.
    func columns(
        after first: Int64, through last: Int64, _ registry: Registry
    ) throws(StoreError) -> ColumnEntries {
        try columns.entries(of: batches, after: first, through: last, registry)
    }

    /// The fact with this sequence number, if it is about usage or credits.
    func fact(_ sequence: Int64) -> Fact? {
        let batch = batches.partitioningIndex { $0.lastSequence >= sequence }
        guard batch < batches.count, batches[batch].firstSequence <= sequence else { return nil }
        return index.place(
            ofFact: Int(sequence - batches[batch].firstSequence), inBatch: batch, in: batches
        ).flatMap(fact)
    }

    /// Usage whose id may have this key, oldest first.
    func usage(ofKey key: UInt64) -> [Fact] {
        index.places(ofKey: key, in: batches).compactMap(fact)
    }

    private func fact(at place: FactPlace) -> Fact? {
        let batch = batches[Int(place.batch)]
        return Fact(at: place, in: batch.bytes, from: batch.factsStart, batch.firstSequence)
    }

    /// The newest row of a subject.
    func row(of id: SubjectID) -> SubjectRow? { index.row(of: id, in: rows) }

    func row(ofNumber number: Int64) -> SubjectRow? { index.row(ofNumber: number, in: rows) }

    /// The rows of a subject with another calendar than the one before in this section.
    func moves(ofNumber number: Int64) -> [SubjectRow] { index.moves(ofNumber: number, in: rows) }

    /// Some ids of subjects that have rows, greater than another one, sorted.
    func ids(after id: SubjectID?, count: Int) -> [SubjectID] {
        index.ids(after: id, count: count, in: rows)
    }

    /// The fact at a position, if its batch is sealed.
    package func fact(at position: TailPosition) -> Fact? {
        let place = batches.partitioningIndex { $0.firstSequence >= position.batch }
        guard place < batches.count, batches[place].firstSequence == position.batch else {
            return nil
        }
        let batch = batches[place]
        var facts = FactIterator(
            batch.bytes, from: batch.factsStart + position.offset, to: batch.bytes.count - 8,
            sequence: position.sequence)
        return facts.next()
    }
}

/// What a fact can be about, as far as facts are looked for by subject.
package enum FactTopic: Sendable {
    /// Usage and its corrections.
    case usage
    /// Credits.
    case ledger
}

/// Where a fact stands among several batches.
struct FactPlace: Sendable {
    /// Which batch, in their order.
    var batch: Int32
    /// Which fact of the batch.
    var number: Int32
    /// From the start of the batch's facts.
    var offset: Int32
}

extension Fact {
    /// - Parameter start: where the facts start in the bytes, the first of which has a sequence number.
    init?(at place: FactPlace, in bytes: [UInt8], from start: Int, _ sequence: Int64) {
        var facts = FactIterator(
            bytes, from: start + Int(place.offset), to: bytes.count,
            sequence: sequence + Int64(place.number))
        guard let fact = facts.next() else { return nil }
        self = fact
    }

    /// Whether it is about a subject, or usage of one below it.
    func isAbout(_ subject: Int64) -> Bool {
        self.subject == subject || usageHead?.ancestors.contains(subject) ?? false
    }

    var topic: FactTopic? {
        switch kind {
        case .usage, .correction: .usage
        case .entry: .ledger
        case .member, .subject, .change, .expiry: nil
        }
    }
}

extension RandomAccessCollection where Index == Int {
    /// The first place from which on something holds, of which it holds from some place on.
    func partitioningIndex(where holds: (Element) -> Bool) -> Int {
        var low = startIndex
        var high = endIndex
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
