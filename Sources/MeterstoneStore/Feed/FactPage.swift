package import MeterstoneCore

/// Some facts in the order in which they were recorded: what a follower asks a store for.
///
/// A follower keeps the number of the last fact that it took, and asks for what comes after it. It gets
/// every fact about usage, credits and administration once, none before it is durable, and none later than
/// one with a greater number. Facts that only the store itself needs are left out: that a subject got its
/// number, and when a reservation expires next.
public struct FactPage: Sendable {
    /// By sequence.
    package let facts: [FollowedFact]
    /// Who the facts are about, and the teams above them, as they are now: by number.
    package let subjects: [Int64: StoredSubject]
    /// Meters, plans and limits as they are now.
    package let catalog: Catalog
    /// How the store decides.
    package let options: StoreOptions
    /// Whether there was nothing more when it was read.
    public let isLast: Bool

    public var count: Int { facts.count }

    /// Where to go on from; `nil`: there is nothing new.
    public var lastSequence: Int64? { facts.last?.sequence }

    /// How many facts one page may have.
    public static let factsMax = 100_000
}

/// A fact with its number.
package struct FollowedFact: Sendable, Hashable {
    package let sequence: Int64
    /// The subject that it is about, by number; 0: none.
    package let subject: Int64
    package let content: Content

    package enum Content: Sendable, Hashable {
        case usage(UsageRecord)
        // Larger than what nearly all facts are, which a page has many of.
        indirect case correction(CorrectionRecord)
        indirect case entry(LedgerEntry)
        indirect case change(ChangeRecord)
    }
}

extension ChangeRecord: Hashable {
    public static func == (one: ChangeRecord, other: ChangeRecord) -> Bool {
        one.sequence == other.sequence && one.recordedAt == other.recordedAt
            && one.author == other.author && one.asked == other.asked
            && one.outcome == other.outcome && one.kind == other.kind && one.key == other.key
            && one.before == other.before && one.after == other.after
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(sequence)
    }
}

/// A fact as it stands in a journal or in a table, before it is read.
package struct RawFact: Sendable {
    package let sequence: Int64
    package let subject: Int64
    package let content: Content

    package enum Content: Sendable {
        /// With the kind byte.
        case body([UInt8])
        indirect case change(ChangeRecord)
    }

    package init(sequence: Int64, subject: Int64, body: [UInt8]) {
        self.sequence = sequence
        self.subject = subject
        content = .body(body)
    }

    package init(_ change: ChangeRecord) {
        sequence = change.sequence
        subject = 0
        content = .change(change)
    }

    /// `nil`: followers have no use for it.
    init?(_ fact: Fact) throws(StoreError) {
        switch fact.kind {
        case .usage, .correction, .entry:
            self.init(
                sequence: fact.sequence, subject: fact.subject, body: Array(fact.body))
        case .change: self.init(try ChangeRecord(reading: fact))
        case .member, .subject, .expiry: return nil
        }
    }

    fileprivate func read(_ names: [MeterKey]) throws(StoreError) -> FollowedFact.Content {
        guard case .body(let body) = content else {
            guard case .change(let change) = content else { throw .unreadable(sequence) }
            return .change(change)
        }
        var reader = ByteReader(body)
        do throws(MalformedRecord) {
            switch FactKind(rawValue: try reader.byte()) {
            case .usage: return .usage(try UsageRecord(&reader, names: names))
            case .correction: return .correction(try CorrectionRecord(&reader, names: names))
            case .entry: return .entry(try LedgerRecord(&reader).entry)
            case .member, .subject, .change, .expiry, nil: throw MalformedRecord()
            }
        } catch {
            throw .unreadable(sequence)
        }
    }
}

extension FactPage {
    /// Reads facts, and looks up who they are about.
    ///
    /// - Parameter source: as of the head, or of a moment after it.
    package init(
        _ raw: [RawFact], isLast: Bool, _ head: StoreHead, _ source: any StoreSource
    ) throws(StoreError) {
        let names = try source.quantityNames() ?? head.registry.names
        var facts: [FollowedFact] = []
        facts.reserveCapacity(raw.count)
        var numbers: Set<Int64> = []
        var subjects: [Int64: StoredSubject] = [:]
        for fact in raw {
            let content = try fact.read(names)
            facts.append(
                FollowedFact(sequence: fact.sequence, subject: fact.subject, content: content))
            if fact.subject > 0 { numbers.insert(fact.subject) }
            switch content {
            case .usage(let record): numbers.formUnion(record.ancestors)
            case .correction(let correction): numbers.formUnion(correction.before.ancestors)
            case .change(let record):
                for id in record.subjects {
                    guard let subject = try source.meant(by: id) else { continue }
                    subjects[subject.number] = subject
                }
                if case .eraseSubject(_, let erasure) = record.change,
                    let person = try source.meant(by: erasure.key)
                {
                    numbers.formUnion(person.merged)
                }
                if case .mergeSubject(_, let from) = record.change,
                    let merged = try source.subject(from)
                {
                    subjects[merged.number] = merged
                }
            case .entry: break
            }
        }
        numbers.subtract(subjects.keys)
        try source.prefetch(subjects: numbers)
        subjects.reserveCapacity(subjects.count + numbers.count)
        for number in numbers { subjects[number] = try source.subject(number: number) }
        self.init(
            facts: facts, subjects: subjects, catalog: head.catalog, options: head.options,
            isLast: isLast)
    }
}

extension ChangeRecord {
    /// Whose rows it may have changed.
    fileprivate var subjects: [SubjectID] {
        var result = [change.subject, asked.subject].compactMap(\.self)
        if case .putSubject(let subject) = change, let parent = subject.parent {
            result.append(parent)
        }
        if case .renameSubject(_, let key) = change { result.append(key) }
        if case .eraseSubject(_, let erasure) = change { result.append(erasure.key) }
        return result
    }
}

extension TailSnapshot {
    /// The first facts between two that followers have a use for, and whether these are all.
    func facts(
        after first: Int64, through last: Int64, count: Int
    ) throws(StoreError) -> (facts: [RawFact], isAll: Bool) {
        var result: [RawFact] = []
        for section in sections {
            let batches = section.batches
            var place = batches.partitioningIndex { $0.lastSequence > first }
            while place < batches.count, batches[place].firstSequence <= last {
                var facts = batches[place].facts
                while let fact = facts.next() {
                    guard fact.sequence > first, fact.sequence <= last,
                        let raw = try RawFact(fact)
                    else { continue }
                    guard result.count < count else { return (result, false) }
                    result.append(raw)
                }
                place += 1
            }
        }
        return (result, true)
    }
}

extension HeadSource {
    /// A page of the facts that are stored and those that wait, as of the head.
    ///
    /// - Parameter stored: the first facts of the tables between two that followers have a use for, and
    ///   whether these are all.
    package func facts(
        after sequence: Int64, count: Int,
        _ stored: (_ through: Int64, _ count: Int) throws(StoreError) -> (
            facts: [RawFact], isAll: Bool
        )
    ) throws(StoreError) -> FactPage {
        let count = min(max(1, count), FactPage.factsMax)
        let watermark = watermark()
        var (facts, isAll): ([RawFact], Bool) = ([], true)
        if sequence < watermark {
            (facts, isAll) = try stored(min(watermark, head.sequence), count)
        }
        if isAll {
            let waiting = try head.tail.facts(
                after: max(sequence, watermark), through: head.sequence,
                count: count - facts.count)
            facts += waiting.facts
            isAll = waiting.isAll
        }
        return try FactPage(facts, isLast: isAll, head, self)
    }
}

/// Gathers the facts with the smallest numbers from places that each are in another order.
package struct FirstFacts {
    private let count: Int
    private var facts: [RawFact] = []
    /// Greater numbers are not wanted any more.
    package private(set) var last: Int64
    /// Whether something was left out because there was too much.
    package private(set) var isAll = true

    /// - Parameter last: the last fact that is wanted.
    package init(count: Int, through last: Int64) {
        self.count = count
        self.last = last
    }

    package mutating func add(_ fact: @autoclosure () -> RawFact, _ sequence: Int64) {
        guard sequence <= last else { return }
        facts.append(fact())
        if facts.count >= 2 * count + 64 { cut() }
    }

    private mutating func cut() {
        facts.sort { $0.sequence < $1.sequence }
        guard facts.count > count else { return }
        facts.removeLast(facts.count - count)
        isAll = false
        last = facts[count - 1].sequence
    }

    /// Whether everything from a fact on can be left out, since there is enough before it.
    package mutating func leavesOut(from sequence: Int64) -> Bool {
        guard facts.count >= count else { return false }
        cut()
        guard let reach = facts.last?.sequence, reach < sequence else { return false }
        isAll = false
        return true
    }

    package consuming func sorted() -> (facts: [RawFact], isAll: Bool) {
        cut()
        return (facts, isAll)
    }
}
