import MeterstoneCore
import MeterstoneStore

/// Tables in memory that count what is read of them.
///
/// A class because a working set asks it while its test goes on asking what it cost. Confined to one test.
final class CountingTables: DecisionSource {
    /// Facts that were handed out.
    private(set) var factsRead = 0
    /// Rows of counters that were handed out.
    private(set) var countersRead = 0

    private var events: [EventLocation: [UInt8]] = [:]
    private var ids: [UInt64: [EventLocation]] = [:]
    private var stored: [Int64: StoredSubject] = [:]
    private var numbers: [SubjectID: Int64] = [:]
    private var states: [CounterKey: StoredCounter] = [:]

    func reset() { (factsRead, countersRead) = (0, 0) }

    /// Takes in everything that a working set would project.
    func project(_ workingSet: WorkingSet) throws {
        for batch in workingSet.tail.snapshot.batches {
            try batch.forEach { (fact) throws in
                for row in fact.rows { events[row.location] = row.body }
                guard fact.kind == .usage, let own = fact.rows.first else { return }
                let (id, source) = try UsageRecord.idAndSource(fact)
                ids[id.key(source: source), default: []].append(own.location)
            }
        }
        for row in workingSet.dirtySubjects {
            stored[row.subject.number] = row.subject
            numbers[row.subject.profile.id] = row.subject.number
        }
        let head = workingSet.head
        for (key, state) in workingSet.waitingCounters {
            states[key] = StoredCounter(state: state, asOf: head)
        }
    }

    func subjectsWithReservations() -> [SubjectID] {
        stored.values.filter { $0.nextExpiry != nil }.map(\.profile.id)
    }

    func subject(_ id: SubjectID) -> StoredSubject? { numbers[id].flatMap { stored[$0] } }
    func subject(number: Int64) -> StoredSubject? { stored[number] }

    func counter(_ key: CounterKey) -> StoredCounter? {
        let counter = states[key]
        if counter != nil { countersRead += 1 }
        return counter
    }

    func counters(ofSeries series: Int, of subject: Int64) -> [CounterKey: StoredCounter] {
        let found = states.filter { $0.key.series == series && $0.key.subject == subject }
        countersRead += found.count
        return found
    }

    func locations(of id: EventID, source: String?) -> [EventLocation] {
        ids[id.key(source: source)] ?? []
    }

    func body(at location: EventLocation) -> [UInt8]? {
        factsRead += 1
        return events[location]
    }

    func facts(of subject: Int64, days: ClosedRange<Int64>) -> [StoredFact] {
        let found = events.filter { $0.key.subject == subject && days.contains($0.key.day) }
            .sorted { $0.key < $1.key }
            .map { StoredFact(sequence: $0.key.sequence, body: $0.value) }
        factsRead += found.count
        return found
    }

    /// By an index of corrections, as a store has one.
    func corrections(of event: EventLocation) throws(StoreError) -> [StoredFact] {
        let found = events.filter {
            $0.key.day == event.day && $0.key.subject == event.subject
                && $0.key.sequence > event.sequence
                && $0.value.first == FactKind.correction.rawValue
        }
        var result: [StoredFact] = []
        for (location, body) in found.sorted(by: { $0.key < $1.key }) {
            let record: CorrectionRecord
            do throws(MalformedRecord) {
                var reader = ByteReader(body, from: 1)
                record = try CorrectionRecord(&reader, names: [MeterKey(unchecked: "prompts")])
            } catch {
                throw StoreError(code: .corrupt, message: "a correction is unreadable")
            }
            guard record.target == event.sequence else { continue }
            result.append(StoredFact(sequence: location.sequence, body: body))
        }
        factsRead += result.count
        return result
    }

    func entries(of subject: Int64, lookup: String) -> [StoredFact] { [] }
    func receipt(forIdempotencyKey key: String) -> ChangeReceiptRecord? { nil }
}
