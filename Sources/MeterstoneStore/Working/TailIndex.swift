import MeterstoneCore
import Synchronization

/// Where facts stand, by the subjects that they are about.
struct SubjectIndex: Sendable {
    private var links = Links<FactPlace>()
    private var lastUsage: [Int64: Int32] = [:]
    private var lastEntry: [Int64: Int32] = [:]

    mutating func add(_ fact: Fact, at place: FactPlace) {
        switch fact.kind {
        case .usage, .correction:
            links.add(place, for: fact.subject, &lastUsage)
            for team in fact.usageHead?.ancestors ?? [] { links.add(place, for: team, &lastUsage) }
        case .entry: links.add(place, for: fact.subject, &lastEntry)
        case .member, .subject, .change, .expiry: break
        }
    }

    /// Where facts about a subject stand, oldest first.
    ///
    /// - Parameter batches: only those in so many of the batches.
    func places(_ topic: FactTopic, of subject: Int64, inFirst batches: Int = .max) -> [FactPlace] {
        let last = topic == .usage ? lastUsage[subject] : lastEntry[subject]
        return links.all(from: last) { $0.batch < batches }
    }

    func place(ofFact number: Int, inBatch batch: Int) -> FactPlace? {
        links.first { (Int($0.batch), Int($0.number)) >= (batch, number) }
            .flatMap { $0.batch == batch && $0.number == number ? $0 : nil }
    }
}

/// Elements in their order, each linked to the one before of the same key: many short lists in one
/// array.
private struct Links<Element: Sendable>: Sendable {
    private var elements: [(element: Element, previous: Int32)] = []

    mutating func add<Key: Hashable>(
        _ element: Element, for key: Key, _ last: inout [Key: Int32]
    ) {
        let place = Int32(truncatingIfNeeded: elements.count)
        elements.append((element, last.updateValue(place, forKey: key) ?? -1))
    }

    /// The newest of one key for which something holds.
    func last(from last: Int32?, where isWanted: (Element) -> Bool) -> Element? {
        var next = last ?? -1
        while next >= 0 {
            let (element, previous) = elements[Int(next)]
            if isWanted(element) { return element }
            next = previous
        }
        return nil
    }

    /// Those of one key, oldest first.
    func all(from last: Int32?, where isWanted: (Element) -> Bool) -> [Element] {
        var result: [Element] = []
        var next = last ?? -1
        while next >= 0 {
            let (element, previous) = elements[Int(next)]
            if isWanted(element) { result.append(element) }
            next = previous
        }
        return result.reversed()
    }

    /// The first for which something holds that holds for all after it.
    func first(where holds: (Element) -> Bool) -> Element? {
        let place = elements.partitioningIndex { holds($0.element) }
        return place < elements.count ? elements[place].element : nil
    }
}

/// The index of one section, made by whoever asks first, from where the last one who asked left off.
///
/// A class with a lock: readers and the committer share it, and nothing is looked at twice. It may know
/// of more than the version of the section that somebody asks about.
final class TailIndex: Sendable {
    private struct State {
        var subjects = SubjectIndex()
        /// How many batches are in ``subjects``.
        var batches = 0
        var ids = Links<FactPlace>()
        var lastOfKey: [UInt64: Int32] = [:]
        /// How many batches are in ``ids``.
        var batchesOfIDs = 0
        var rows = Links<Int>()
        var lastOfNumber: [Int64: Int32] = [:]
        /// Rows with another calendar than the one before.
        var moves = Links<Int>()
        var lastMove: [Int64: Int32] = [:]
        /// The subjects that have rows.
        var numbers: [SubjectID: Int64] = [:]
        /// Numbers that ids had before others, and up to which row; mostly none.
        var renamed: [SubjectID: [(row: Int, number: Int64)]] = [:]
        /// How many rows are in ``rows``.
        var rowCount = 0
        /// The keys of ``numbers``, when somebody asked for them.
        var sorted: [SubjectID] = []

        mutating func include(_ batches: ChunkedList<JournalBatch>) {
            while self.batches < batches.count {
                batches[self.batches].forEachPlace(as: self.batches) { subjects.add($0, at: $1) }
                self.batches += 1
            }
        }

        mutating func includeIDs(of batches: ChunkedList<JournalBatch>) {
            while batchesOfIDs < batches.count {
                batches[batchesOfIDs].forEachPlace(as: batchesOfIDs) { fact, place in
                    guard fact.kind == .usage, let (id, source) = try? UsageRecord.idAndSource(fact)
                    else { return }
                    ids.add(place, for: id.key(source: source), &lastOfKey)
                }
                batchesOfIDs += 1
            }
        }

        mutating func include(_ rows: ChunkedList<SubjectRow>) {
            while rowCount < rows.count {
                let subject = rows[rowCount].subject
                let last = self.rows.last(from: lastOfNumber[subject.number]) { _ in true }
                if last.map({ rows[$0].subject.calendar != subject.calendar }) ?? true {
                    moves.add(rowCount, for: subject.number, &lastMove)
                }
                self.rows.add(rowCount, for: subject.number, &lastOfNumber)
                let before = numbers.updateValue(subject.number, forKey: subject.profile.id)
                if let before, before != subject.number {
                    renamed[subject.profile.id, default: []].append((rowCount, before))
                }
                rowCount += 1
            }
        }

        mutating func sort() {
            guard sorted.count < numbers.count else { return }
            sorted = numbers.keys.sorted()
        }
    }

    private let state = Mutex(State())

    func places(
        _ topic: FactTopic, of subject: Int64, in batches: ChunkedList<JournalBatch>
    ) -> [FactPlace] {
        state.withLock { state in
            state.include(batches)
            return state.subjects.places(topic, of: subject, inFirst: batches.count)
        }
    }

    func place(
        ofFact number: Int, inBatch batch: Int, in batches: ChunkedList<JournalBatch>
    ) -> FactPlace? {
        state.withLock { state in
            state.include(batches)
            return state.subjects.place(ofFact: number, inBatch: batch)
        }
    }

    func places(ofKey key: UInt64, in batches: ChunkedList<JournalBatch>) -> [FactPlace] {
        state.withLock { state in
            state.includeIDs(of: batches)
            return state.ids.all(from: state.lastOfKey[key]) { $0.batch < batches.count }
        }
    }

    func moves(ofNumber number: Int64, in rows: ChunkedList<SubjectRow>) -> [SubjectRow] {
        state.withLock { state in
            state.include(rows)
            return state.moves.all(from: state.lastMove[number]) { $0 < rows.count }
        }.map { rows[$0] }
    }

    func row(ofNumber number: Int64, in rows: ChunkedList<SubjectRow>) -> SubjectRow? {
        state.withLock { state in
            state.include(rows)
            return state.rows.last(from: state.lastOfNumber[number]) { $0 < rows.count }
        }.map { rows[$0] }
    }

    func row(of id: SubjectID, in rows: ChunkedList<SubjectRow>) -> SubjectRow? {
        let number = state.withLock { state in
            state.include(rows)
            let before = state.renamed[id]?.first { $0.row >= rows.count }
            return before?.number ?? state.numbers[id]
        }
        return number.flatMap { row(ofNumber: $0, in: rows) }
    }

    func ids(
        after id: SubjectID?, count: Int, in rows: ChunkedList<SubjectRow>
    ) -> [SubjectID] {
        let candidates = state.withLock { state in
            state.include(rows)
            state.sort()
            let start = id.map { id in state.sorted.partitioningIndex { id < $0 } } ?? 0
            return state.sorted[start...]
        }
        return Array(candidates.lazy.filter { self.row(of: $0, in: rows) != nil }.prefix(count))
    }
}

extension JournalBatch {
    fileprivate func forEachPlace(as batch: Int, _ visit: (Fact, FactPlace) -> Void) {
        var number: Int32 = 0
        forEach { fact in
            visit(
                fact,
                FactPlace(
                    batch: Int32(truncatingIfNeeded: batch), number: number,
                    offset: Int32(truncatingIfNeeded: fact.offset - factsStart)))
            number += 1
        }
    }
}
