import MeterstoneCore
import MeterstoneStore

/// Presents a working set's tail as if it were projected, so that it can be recounted.
///
/// A class, because the rows are made only when somebody asks for one, and once.
final class TailSource: StoreSource {
    private let batches: [JournalBatch]
    private var stored: [Int64: StoredSubject] = [:]
    private lazy var rows = makeRows()

    init(_ workingSet: WorkingSet) {
        for state in workingSet.subjects.values where state.number != 0 {
            stored[state.number] = StoredSubject(
                number: state.number, firstSequence: state.firstSequence, profile: state.profile)
        }
        batches = workingSet.tail.batches
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
    func subjects(after: SubjectID?, count: Int) -> [StoredSubject] { [] }
    func counter(_ key: CounterKey) -> StoredCounter? { nil }
    func locations(of id: EventID, source: String?) -> [EventLocation] { [] }
    func body(at location: EventLocation) -> [UInt8]? { rows[location] }
    func facts(of subject: Int64, days: ClosedRange<Int64>) -> [StoredFact] { [] }
    func days(of subject: Int64, within days: ClosedRange<Int64>, count: Int) -> [Int64] { [] }
    func receipt(forIdempotencyKey key: String) -> ChangeReceiptRecord? { nil }
    func watermark() -> Int64 { 0 }

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
