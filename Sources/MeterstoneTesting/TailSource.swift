import MeterstoneCore
import MeterstoneStore

/// Presents a working set's tail as if it were projected, so that it can be recounted.
///
/// A class, because the rows are made only when somebody asks for one, and once.
final class TailSource: InspectionSource {
    private let batches: [JournalBatch]
    private let tail: TailSnapshot
    private let registry: Registry
    private var stored: [Int64: StoredSubject] = [:]
    private lazy var rows = makeRows()
    private var counters: [CounterKey: CounterState] = [:]
    private var changes = 0

    init(_ workingSet: WorkingSet) {
        for state in workingSet.subjects.values where state.number != 0 {
            stored[state.number] = StoredSubject(
                number: state.number, firstSequence: state.firstSequence, profile: state.profile,
                nextExpiry: state.nextExpiry, past: state.past, times: state.times)
        }
        tail = workingSet.tail.snapshot
        batches = tail.batches
        registry = workingSet.registry
    }

    /// Presents everything, counters and how subjects stand to each other included.
    convenience init(whole workingSet: WorkingSet) {
        self.init(workingSet)
        // The latest row of each is the last.
        for row in workingSet.dirtySubjects { stored[row.subject.number] = row.subject }
        counters = workingSet.waitingCounters
        changes = workingSet.dirtyChanges.count
    }

    private func makeRows() -> [EventLocation: [UInt8]] {
        var rows: [EventLocation: [UInt8]] = [:]
        for batch in batches {
            batch.forEach { fact in
                for row in fact.rows { rows[row.location] = row.body }
            }
        }
        return rows
    }

    func subject(_ id: SubjectID) -> StoredSubject? { nil }
    func subject(number: Int64) -> StoredSubject? { stored[number] }

    func subjects(after: SubjectID?, count: Int) -> [StoredSubject] {
        let sorted = stored.values.sorted { $0.profile.id < $1.profile.id }
        guard let after else { return Array(sorted.prefix(count)) }
        return Array(sorted.drop { $0.profile.id <= after }.prefix(count))
    }

    func ownKeyCount() -> (count: Int, numberMax: Int64) {
        (stored.values.count { $0.alias == nil }, stored.keys.max() ?? 0)
    }

    func counter(_ key: CounterKey) -> StoredCounter? { nil }
    func locations(of id: EventID, source: String?) -> [EventLocation] { [] }
    func body(at location: EventLocation) -> [UInt8]? { rows[location] }
    func facts(of subject: Int64, days: ClosedRange<Int64>) -> [StoredFact] { [] }
    func usage(
        of subject: Int64, within span: ClosedRange<Instant>, _ order: ReadingOrder,
        _ visit: ([StoredFact], Instant) throws(StoreError) -> Bool
    ) {}
    func columns(
        days: ClosedRange<Int64>, withTimes: Bool, at cut: ReportCut?,
        _ visit: (ColumnSegment) throws(StoreError) -> Void
    ) throws(StoreError) {
        for entries in try tail.columns(registry) {
            for segment in entries.segments() where days.contains(segment.day) {
                try visit(segment)
            }
        }
    }

    func columnRows(of days: ClosedRange<Int64>, at cut: ReportCut?) -> ColumnRows { .none }
    func columnDays(within days: ClosedRange<Int64>) -> [Int64] { [] }
    func subjectZones() -> [(number: Int64, zones: ZonesInTime)] { [] }
    func counters(ofSeries series: Int, of subject: Int64) -> [CounterKey: StoredCounter] { [:] }
    func changes(ofKind kind: String, key: String?) -> [ChangeRecord] { [] }
    func lastChange(ofKind kind: String, key: String) -> ChangeRecord? { nil }
    func changes(after sequence: Int64, count: Int) -> [ChangeRecord] { [] }
    func changedKey(ofKind kind: String, after key: String) -> String? { nil }
    func receipt(forIdempotencyKey key: String) -> ChangeReceiptRecord? { nil }
    func subjectsWithReservations() -> [SubjectID] { [] }
    func watermark() -> Int64 { 0 }

    /// On which something is stored, ascending.
    var days: [Int64] { Set(rows.keys.map(\.day)).sorted() }

    func sizes() -> StoreSizes {
        StoreSizes(
            subjects: Int64(stored.count),
            events: Int64(rows.values.count { $0.first == FactKind.usage.rawValue }),
            rows: Int64(rows.count), counters: Int64(counters.count), changes: Int64(changes),
            entries: Int64(entries.count))
    }

    private var entries: [EntryRow] {
        var result: [EntryRow] = []
        for batch in batches {
            batch.forEach { fact in
                if let row = try? fact.entryRow { result.append(row) }
            }
        }
        return result.sorted { ($0.subject, $0.sequence) < ($1.subject, $1.sequence) }
    }

    func entries(of subject: Int64, lookup: String) -> [StoredFact] { [] }
    func entries(of subject: Int64, before sequence: Int64?, count: Int) -> [StoredFact] { [] }

    func scanEntries(
        pass: Int64, of passes: Int64,
        _ visit: (_ subject: Int64, _ fact: StoredFact) throws(StoreError) -> Void
    ) throws(StoreError) {
        for row in entries where ((row.subject >> 18) + row.subject) % passes == pass {
            try visit(row.subject, StoredFact(sequence: row.sequence, body: row.body))
        }
    }

    func counters(pass: Int64, of passes: Int64) -> [CounterKey: CounterState] {
        counters.filter { (($0.key.subject >> 18) + $0.key.subject) % passes == pass }
    }

    func scan(
        days: ClosedRange<Int64>,
        _ visit: (_ day: Int64, _ subject: Int64, _ fact: StoredFact) throws(StoreError) -> Void
    ) throws(StoreError) {
        let sorted = rows.filter { days.contains($0.key.day) }.sorted {
            ($0.key.day, $0.key.subject, $0.key.sequence)
                < ($1.key.day, $1.key.subject, $1.key.sequence)
        }
        for (location, body) in sorted {
            try visit(
                location.day, location.subject,
                StoredFact(sequence: location.sequence, body: body))
        }
    }
}
