import Dispatch
import MeterstoneCore
import MeterstoneStore
import Synchronization

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

/// Where a ledger entry stands among those of a slice.
struct EntryReference: Comparable {
    var subject: Int64
    var sequence: Int64
    var index: Int

    init(_ row: EntryRow, index: Int) {
        subject = row.subject
        sequence = row.sequence
        self.index = index
    }

    static func < (lhs: EntryReference, rhs: EntryReference) -> Bool {
        (lhs.subject, lhs.sequence) < (rhs.subject, rhs.sequence)
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
    func appendReferences(
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

extension Projection {
    func put(
        _ rows: ArraySlice<CounterReference>, _ statements: WriterStatements
    ) throws(StoreError) {
        for row in rows {
            let dirty = dirtyCounters[row.index]
            guard
                let counter = dirty.subject.takeDirtyCounter(
                    series: dirty.series, from: dirty.from)
            else { continue }
            try statements.put(counter.isDeleted ? nil : counter, at: row.key)
        }
    }
}

/// Puts the events of a slice into columns, on a thread of its own while the rows are written.
final class ColumnWriting: Sendable {
    typealias Part = (segment: ColumnSegment, sequence: Int64)

    private let parts = Mutex<[Part]>([])
    private let group = DispatchGroup()
    private static let queue = DispatchQueue(label: "meterstone.columns", qos: .userInitiated)

    /// - Parameter columns: events, with the last fact that each part includes.
    init(_ columns: [(until: Int64, entries: ColumnEntries)]) {
        group.enter()
        Self.queue.async {
            for (until, entries) in columns {
                let made = entries.segments().map { ($0, until) }
                self.parts.withLock { $0 += made }
            }
            self.group.leave()
        }
    }

    /// Waits until all are there.
    func segments() -> [Part] {
        group.wait()
        return parts.withLock { $0 }
    }
}

/// Lets go of something large on a thread where nobody waits for it.
///
/// Unchecked, because nobody uses it any more.
struct Discarded: @unchecked Sendable {
    private static let queue = DispatchQueue(label: "meterstone.discarded", qos: .utility)
    private let value: AnyObject

    static func discard(_ value: AnyObject) {
        let discarded = Discarded(value: value)
        queue.async { withExtendedLifetime(discarded) {} }
    }

    private init(value: AnyObject) {
        self.value = value
    }
}
