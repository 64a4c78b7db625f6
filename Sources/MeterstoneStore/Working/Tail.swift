package import MeterstoneCore

/// The part of the journal that is not projected yet, and the event ids in it.
package struct Tail {
    /// Facts after which a section is closed. One section is what one round of projection takes, and the
    /// larger it is, the more often a counter changes before it is written once.
    package static let factsPerSection = 262_144

    /// Changes after which a section is closed: they are projected in one step.
    private static let changesPerSection = 4_096

    /// Facts waiting.
    package private(set) var count = 0
    private var sections = [Section()]
    /// The last fact of all.
    private var last: Int64 = 0

    /// What belongs to a stretch of the tail, dropped as a whole when that is projected.
    fileprivate struct Section {
        /// The last fact of a closed section.
        var until: Int64?
        var count = 0
        /// Changes, and rows of subjects that are told together with the last fact.
        var changes = 0
        var facts = TailSection()
        var ids = EventIDIndex()
        /// Where corrections stand, by the event that they correct.
        var corrections: [Int64: [TailPosition]] = [:]
        /// Subjects to whom credits were given back.
        var refunded: Set<Int64> = []
        var dirtyCounters: [DirtyCounter] = []
    }

    private let factsPerSection: Int

    package init(factsPerSection: Int = Self.factsPerSection) {
        self.factsPerSection = factsPerSection
    }

    package mutating func append(_ batch: JournalBatch) {
        last = batch.lastSequence
        count += batch.count
        sections[sections.count - 1].count += batch.count
        sections[sections.count - 1].facts.append(batch)
    }

    /// As it stands now, for whoever reads beside the committer.
    package var snapshot: TailSnapshot { TailSnapshot(sections.map(\.facts)) }

    package func facts(_ topic: FactTopic, of subject: Int64) -> [Fact] {
        sections.flatMap { $0.facts.facts(topic, of: subject) }
    }

    package mutating func note(_ row: SubjectRow) {
        sections[sections.count - 1].facts.append(row)
        if row.news == .profile { sections[sections.count - 1].changes += 1 }
    }

    package mutating func note(_ change: ChangeRecord) {
        sections[sections.count - 1].facts.append(change)
        sections[sections.count - 1].changes += 1
    }

    /// Closes a section that is full, once everything that belongs to its last batch was noted.
    package mutating func closeFullSection() {
        let section = sections[sections.count - 1]
        guard section.count >= factsPerSection || section.changes >= Self.changesPerSection else {
            return
        }
        closeSection(at: last)
    }

    private mutating func closeSection(at sequence: Int64) {
        sections[sections.count - 1].until = sequence
        sections.append(Section())
    }

    package mutating func remember(_ key: UInt64, isGenerated: Bool, at position: TailPosition) {
        sections[sections.count - 1].ids.insert(key, isGenerated: isGenerated, at: position)
    }

    package mutating func noteCorrection(of target: Int64, at position: TailPosition) {
        sections[sections.count - 1].corrections[target, default: []].append(position)
    }

    /// Where corrections of an event stand, oldest first.
    package func corrections(of target: Int64) -> [TailPosition] {
        sections.flatMap { $0.corrections[target] ?? [] }
    }

    package mutating func noteRefund(of subject: Int64) {
        sections[sections.count - 1].refunded.insert(subject)
    }

    /// Whether a refund of this subject waits to be projected.
    package func hasRefund(of subject: Int64) -> Bool {
        sections.contains { $0.refunded.contains(subject) }
    }

    package mutating func noteDirty(_ counter: DirtyCounter) {
        sections[sections.count - 1].dirtyCounters.append(counter)
    }

    /// Takes what the next round of projection takes: the oldest closed section, or all that there is
    /// when there is none, or when it must not be split.
    ///
    /// - Parameter cuts: facts from both sides of which nothing is put into columns together; ascending.
    package mutating func takeSlice(whole: Bool, cuts: [Int64] = []) -> TailSlice? {
        guard count > 0 else { return nil }
        if whole || sections[0].until == nil { closeSection(at: last) }
        let end = whole ? sections.count - 1 : 1
        let until = sections[end - 1].until ?? last
        // Hundreds of thousands, which are moved and not copied where they are of one section.
        var counters: [DirtyCounter] = []
        swap(&counters, &sections[0].dirtyCounters)
        for index in 1..<end {
            counters += sections[index].dirtyCounters
            sections[index].dirtyCounters = []
        }
        return TailSlice(
            until: until, count: sections[..<end].reduce(0) { $0 + $1.count },
            facts: TailSnapshot(sections[..<end].map(\.facts)), counters: counters,
            columns: ColumnSlice(sections[..<end].map(\.facts), cuts: cuts))
    }

    /// Drops what is projected now, and hands it out: letting go of it takes a while.
    @discardableResult
    package mutating func drop(through sequence: Int64) -> TailRemains {
        let end = sections.firstIndex { $0.until.map { $0 > sequence } ?? true } ?? sections.count
        let remains = TailRemains(sections: Array(sections[..<end]))
        sections.removeFirst(end)
        count -= remains.sections.reduce(0) { $0 + $1.count }
        return remains
    }

    package func positions(of key: UInt64) -> [TailPosition] {
        sections.flatMap { $0.ids.positions(of: key) }
    }

    /// The fact at a position, if its batch is sealed.
    package func fact(at position: TailPosition) -> Fact? {
        sections.lazy.compactMap { $0.facts.fact(at: position) }.first
    }
}

/// What was dropped of a tail, for whoever lets go of it where nobody waits for that.
package struct TailRemains {
    fileprivate let sections: [Tail.Section]
}

/// What one round of projection takes.
package struct TailSlice {
    /// The last fact that it includes.
    package let until: Int64
    /// Facts in it.
    package let count: Int
    package let facts: TailSnapshot
    package let counters: [DirtyCounter]
    package let columns: ColumnSlice
}

/// Where events stand, by the 64-bit key of their id.
///
/// Ids that the engine makes rise with time, by the millisecond, so that they are kept as a sorted array
/// and need no hashing; the caller's ids go into a dictionary, collisions beside it.
package struct EventIDIndex: Sendable {
    private var given: [UInt64: TailPosition] = [:]
    private var collisions: [UInt64: [TailPosition]] = [:]
    private var generated: [(key: UInt64, position: TailPosition)] = []

    /// How far from its end an id is put into the sorted array.
    private static let stepsMax = 256

    mutating func insert(_ key: UInt64, isGenerated: Bool, at position: TailPosition) {
        if isGenerated, let place = placeNearEnd(of: key) {
            generated.insert((key, position), at: place)
        } else if let first = given.updateValue(position, forKey: key) {
            collisions[key, default: []].append(first)
        }
    }

    private func placeNearEnd(of key: UInt64) -> Int? {
        var place = generated.count
        while place > 0, generated[place - 1].key > key {
            place -= 1
            if generated.count - place > Self.stepsMax { return nil }
        }
        return place
    }

    func positions(of key: UInt64) -> [TailPosition] {
        var result = collisions[key] ?? []
        if let position = given[key] { result.append(position) }
        var low = 0
        var high = generated.count
        while low < high {
            let middle = (low + high) / 2
            if generated[middle].key < key { low = middle + 1 } else { high = middle }
        }
        while low < generated.count, generated[low].key == key {
            result.append(generated[low].position)
            low += 1
        }
        return result
    }
}

extension EventID {
    /// What event ids are found by.
    ///
    /// UUIDs of version 7 start with their time, 48 bits of milliseconds, and so does the key: an index of
    /// events that are recorded together grows in one place. The rest of the key is of a hash of all of the
    /// id, since nothing says that its other bits differ. Everything else is hashed as a whole. The source
    /// is always part of what is hashed.
    package func key(source: String?) -> UInt64 {
        let seed = source.map { XXH64.hash($0) } ?? 0
        switch self {
        case .uuid(let high, let low):
            let hash = unsafe withUnsafeBytes(of: (high.littleEndian, low.littleEndian)) {
                unsafe XXH64.hash($0.bindMemory(to: UInt8.self), seed: seed)
            }
            return high >> 12 & 0xF == 7 ? high & ~0xFFFF | hash & 0xFFFF : hash
        case .text(let text): return XXH64.hash(text, seed: seed)
        }
    }
}
