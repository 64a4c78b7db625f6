import Dispatch
import MeterstoneCore
import MeterstoneStore
import Synchronization

/// What one round of projection writes, each in the order of its table.
struct PreparedSlice: Sendable {
    var events: [EventReference] = []
    var corrections: [CorrectionPlace] = []
    var ids: [IDEntry] = []
    var entries: [EntryRow] = []
    var counters: [CounterReference] = []
    /// Rows that say nothing but which number a subject has, and what expires next.
    var newSubjects: [StoredSubject] = []
    var expiries: [(subject: Int64, next: Instant?)] = []
    var changedSubjects: [StoredSubject] = []
    var segments: [(segment: ColumnSegment, sequence: Int64)] = []

    init() {}

    fileprivate init(_ slice: TailSlice, _ registry: Registry) throws(StoreError) {
        try add(slice.facts.batches, count: slice.count)
        add(slice.facts.rows)
        counters = slice.counters.indices
            .map { CounterReference(key: slice.counters[$0].key, index: $0) }
            .sorted()
        segments = try slice.columns.parts(registry).flatMap { part in
            part.entries.segments().map { ($0, part.until) }
        }
    }

    private mutating func add(_ batches: [JournalBatch], count: Int) throws(StoreError) {
        events.reserveCapacity(count)
        ids.reserveCapacity(count)
        for (number, batch) in batches.enumerated() {
            var facts = batch.facts
            while let fact = facts.next() {
                if let row = try fact.entryRow { entries.append(row) }
                fact.appendReferences(batch: number, to: &events, &ids, &corrections)
            }
        }
        events.sort()
        corrections.sort()
        ids.sort()
        entries.sort { ($0.subject, $0.sequence) < ($1.subject, $1.sequence) }
    }

    /// Of several rows of one subject only the last counts.
    ///
    /// Replayed on top of what is there already, the facts give a new subject the same row, and an expiry
    /// that is not later than any that they leave: both may stand there before the watermark moves.
    private mutating func add(_ rows: [SubjectRow]) {
        var last: [Int64: (place: Int, news: SubjectRow.News)] = [:]
        for (place, row) in rows.enumerated() {
            let before = last[row.subject.number]?.news ?? row.news
            last[row.subject.number] = (place, row.news == .expiry ? before : row.news)
        }
        // Who comes with a key that was somebody's takes the place of a row that is written at the end, in
        // one transaction with it and after it.
        let changed = Set(
            last.values.lazy.filter { $0.news == .profile }.map {
                rows[$0.place].subject.profile.id
            })
        // In the order in which they came: of two with one key the later has it.
        for (place, news) in last.values.sorted(by: { $0.place < $1.place }) {
            let subject = rows[place].subject
            switch news {
            case .number where changed.contains(subject.profile.id): changedSubjects.append(subject)
            case .number: newSubjects.append(subject)
            case .expiry: expiries.append((subject.number, subject.nextExpiry))
            case .profile: changedSubjects.append(subject)
            }
        }
        newSubjects.sort { $0.number < $1.number }
        expiries.sort { $0.subject < $1.subject }
    }
}

/// Puts the facts of a slice in order on a thread of its own, so that no commit waits for that.
final class SlicePreparation: Sendable {
    private static let queue = DispatchQueue(label: "meterstone.slices", qos: .userInitiated)
    private let prepared = Mutex<Result<PreparedSlice, StoreError>?>(nil)
    private let group = DispatchGroup()

    init(_ slice: TailSlice, _ registry: Registry) {
        let slice = Slice(all: slice)
        group.enter()
        Self.queue.async {
            let result: Result<PreparedSlice, StoreError>
            do throws(StoreError) {
                result = .success(try PreparedSlice(slice.all, registry))
            } catch {
                result = .failure(error)
            }
            self.prepared.withLock { $0 = result }
            self.group.leave()
        }
    }

    var isReady: Bool { prepared.withLock { $0 != nil } }

    /// Waits until everything is in order, and hands it out once.
    func take() throws(StoreError) -> PreparedSlice {
        group.wait()
        let result = prepared.withLock { prepared in
            defer { prepared = nil }
            return prepared
        }
        guard let result else {
            throw StoreError(code: .misuse, message: "a slice that is in order is taken once")
        }
        return try result.get()
    }
}

/// A slice for the thread that sorts it.
///
/// Unchecked, because of its subjects that thread only reads what never changes once they are stored:
/// their numbers.
private struct Slice: @unchecked Sendable {
    let all: TailSlice
}

/// Where a fact about usage stands in a slice.
struct EventReference: Comparable {
    var location: EventLocation
    /// Where the fact stands, also of a row that points to it.
    var batch: Int32
    var start: Int32
    var end: Int32
    /// The subject that a team's row points to; 0 for a row with a body of its own.
    var member: Int64

    static func < (lhs: EventReference, rhs: EventReference) -> Bool {
        lhs.location < rhs.location
    }
}

/// Where a counter stands among those of a slice.
struct CounterReference: Comparable {
    var key: CounterKey
    var index: Int

    static func < (lhs: CounterReference, rhs: CounterReference) -> Bool { lhs.key < rhs.key }
}

extension Fact {
    /// Notes the rows that a fact about usage becomes: as ``Fact/rows``, without copying a body.
    fileprivate func appendReferences(
        batch: Int, to events: inout [EventReference], _ ids: inout [IDEntry],
        _ corrections: inout [CorrectionPlace]
    ) {
        guard let head = usageHead else { return }
        let location = EventLocation(
            day: head.occurredAt.utcDay, subject: subject, sequence: sequence)
        events.append(
            EventReference(
                location: location, batch: Int32(batch), start: Int32(start), end: Int32(end),
                member: 0))
        for ancestor in head.ancestors {
            events.append(
                EventReference(
                    location: EventLocation(
                        day: location.day, subject: ancestor, sequence: sequence),
                    batch: Int32(batch), start: Int32(start), end: Int32(end), member: subject))
        }
        if kind == .correction, let target = try? CorrectionRecord.target(self) {
            let event = EventLocation(
                day: location.day, subject: subject, sequence: target)
            corrections.append(CorrectionPlace(event: event, sequence: sequence))
        }
        if kind == .usage, let (id, source) = try? UsageRecord.idAndSource(self) {
            ids.append(IDEntry(key: id.key(source: source), location: location))
        }
    }
}
