package import MeterstoneCore

/// The tables and what waits to be projected, as one: everything that was answered up to a commit.
///
/// The head is taken before the snapshot of the tables, which may therefore include more than the head
/// does, and never less than what the tail begins after. What is in both is taken from the tables.
///
/// A class because it keeps what it has read; confined to one read.
package final class HeadSource: StoreSource {
    private let tables: any StoreSource
    package let head: StoreHead
    /// The last fact that the tables include.
    private let stored: Int64
    /// What was said last about the subject that was asked about last.
    private var known: (subject: Int64, changes: TailChanges)?
    /// Corrections that wait, by subject and by the event that they correct.
    private var waitingCorrections: [Int64: [Int64: [StoredFact]]] = [:]

    private var tail: TailSnapshot { head.tail }

    package init(_ tables: any StoreSource, _ head: StoreHead) throws(StoreError) {
        self.tables = tables
        self.head = head
        stored = try tables.watermark()
    }

    /// The last fact that the tables include.
    package func watermark() -> Int64 { stored }

    // MARK: Subjects

    package func subject(_ id: SubjectID) throws(StoreError) -> StoredSubject? {
        if let subject = waiting(tail.row(of: id)) { return subject }
        return try tables.subject(id)
    }

    package func subject(number: Int64) throws(StoreError) -> StoredSubject? {
        if let subject = waiting(tail.row(ofNumber: number)) { return subject }
        return try tables.subject(number: number)
    }

    private func waiting(_ row: SubjectRow?) -> StoredSubject? {
        row.flatMap { $0.sequence > stored ? $0.subject : nil }
    }

    package func subjects(after id: SubjectID?, count: Int) throws(StoreError) -> [StoredSubject] {
        var found: [SubjectID: StoredSubject] = [:]
        for subject in try tables.subjects(after: id, count: count) {
            found[subject.profile.id] = subject
        }
        for id in tail.ids(after: id, count: count) {
            if let subject = waiting(tail.row(of: id)) { found[id] = subject }
        }
        return found.values.sorted { $0.profile.id < $1.profile.id }.prefix(count).map { subject in
            waiting(tail.row(ofNumber: subject.number)) ?? subject
        }
    }

    package func ownKeyCount() throws(StoreError) -> (count: Int, numberMax: Int64) {
        var (count, numberMax) = try tables.ownKeyCount()
        let last = numberMax
        for subject in tail.changedSubjects(after: stored) {
            // A round of projection that is under way may have written the row already.
            let row = subject.number > last ? nil : try tables.subject(number: subject.number)
            if let row, row.alias == nil { count -= 1 }
            if subject.alias == nil { count += 1 }
            numberMax = max(numberMax, subject.number)
        }
        return (count, numberMax)
    }

    package func prefetch(subjects numbers: some Collection<Int64>) throws(StoreError) {
        try tables.prefetch(subjects: numbers.filter { tail.row(ofNumber: $0) == nil })
    }

    package func subjectZones() throws(StoreError) -> [(number: Int64, zones: ZonesInTime)] {
        var zones: [Int64: ZonesInTime] = [:]
        for (number, own) in try tables.subjectZones() { zones[number] = own }
        for row in tail.rows where row.sequence > stored {
            let own = row.subject.profile.zones
            zones[row.subject.number] = own == ZonesInTime() ? nil : own
        }
        return zones.map { ($0.key, $0.value) }
    }

    package func subjectsWithReservations() throws(StoreError) -> [SubjectID] {
        try due(try tables.subjectsWithReservations(), at: .latest, count: .max)
    }

    /// Some subjects of which reservations may have expired by now, sorted.
    ///
    /// - Parameter stored: those that the tables tell, some more than wanted.
    package func due(
        _ stored: [SubjectID], at now: Instant, count: Int
    ) throws(StoreError) -> [SubjectID] {
        func isDue(_ subject: StoredSubject?) -> Bool {
            subject?.nextExpiry.map { $0 <= now } ?? false
        }
        let waiting = tail.rows.filter { isDue($0.subject) }.map(\.subject.profile.id)
        var result: [SubjectID] = []
        for id in Set(stored + waiting).sorted() where result.count < count {
            if isDue(try subject(id)) { result.append(id) }
        }
        return result
    }

    // MARK: Usage

    package func locations(of id: EventID, source: String?) throws(StoreError) -> [EventLocation] {
        var result = try tables.locations(of: id, source: source)
        for fact in tail.usage(ofKey: id.key(source: source)) where fact.sequence > stored {
            if let location = fact.location { result.append(location) }
        }
        return result
    }

    package func body(at location: EventLocation) throws(StoreError) -> [UInt8]? {
        if location.sequence > stored, let fact = tail.fact(location.sequence) {
            return Array(fact.body)
        }
        return try tables.body(at: location)
    }

    /// What is stored comes first, and what waits in the order of recording.
    package func facts(
        of subject: Int64, days: ClosedRange<Int64>
    ) throws(StoreError) -> [StoredFact] {
        try tables.facts(of: subject, days: days)
            + waitingUsage(of: subject).compactMap { $0.row(of: subject, within: days) }
    }

    package func corrections(of event: EventLocation) throws(StoreError) -> [StoredFact] {
        try corrections(of: [event])
    }

    package func corrections(of events: [EventLocation]) throws(StoreError) -> [StoredFact] {
        // What waits has no correction in the tables.
        var result = try tables.corrections(of: events.filter { $0.sequence <= stored })
        for event in events { result += waitingCorrections(of: event) }
        return result
    }

    private func waitingCorrections(of event: EventLocation) -> [StoredFact] {
        if let known = waitingCorrections[event.subject] { return known[event.sequence] ?? [] }
        var corrections: [Int64: [StoredFact]] = [:]
        for fact in waitingUsage(of: event.subject)
        where fact.kind == .correction && fact.subject == event.subject {
            guard let target = try? CorrectionRecord.target(fact) else { continue }
            corrections[target, default: []].append(
                StoredFact(sequence: fact.sequence, body: Array(fact.body)))
        }
        waitingCorrections[event.subject] = corrections
        return corrections[event.sequence] ?? []
    }

    /// What waits comes first, since it may have occurred at any time.
    package func usage(
        of subject: Int64, within span: ClosedRange<Instant>, _ order: ReadingOrder,
        _ visit: (_ facts: [StoredFact], _ rest: Instant) throws(StoreError) -> Bool
    ) throws(StoreError) {
        let days = span.lowerBound.utcDay...span.upperBound.utcDay
        let waiting = waitingUsage(of: subject).compactMap { $0.row(of: subject, within: days) }
        if !waiting.isEmpty {
            guard try visit(waiting, order.first(span)) else { return }
        }
        try tables.usage(of: subject, within: span, order, visit)
    }

    private func waitingUsage(of subject: Int64) -> [Fact] {
        tail.facts(.usage, of: subject).filter { $0.sequence > stored }
    }

    /// Everything that waits is put in order first, so that it costs the whole tail.
    package func scan(
        days: ClosedRange<Int64>,
        _ visit: (_ day: Int64, _ subject: Int64, _ fact: StoredFact) throws(StoreError) -> Void
    ) throws(StoreError) {
        var rows: [EventRow] = []
        tail.forEach { fact in
            guard fact.sequence > stored, let day = fact.location?.day, days.contains(day) else {
                return
            }
            rows += fact.rows
        }
        rows.sort { $0.location < $1.location }
        var next = 0
        func visitWaiting(before location: EventLocation?) throws(StoreError) {
            while next < rows.count, location.map({ rows[next].location < $0 }) ?? true {
                let (location, body) = (rows[next].location, rows[next].body)
                try visit(
                    location.day, location.subject,
                    StoredFact(sequence: location.sequence, body: body))
                next += 1
            }
        }
        try tables.scan(days: days) { (day, subject, fact) throws(StoreError) in
            try visitWaiting(
                before: EventLocation(day: day, subject: subject, sequence: fact.sequence))
            try visit(day, subject, fact)
        }
        try visitWaiting(before: nil)
    }

    // MARK: Credits

    package func entries(of subject: Int64, lookup: String) throws(StoreError) -> [StoredFact] {
        var result = try tables.entries(of: subject, lookup: lookup)
        for fact in waitingEntries(of: subject)
        where try LedgerEntry(stored: fact.body).lookup == lookup {
            result.append(fact)
        }
        return result
    }

    package func entries(
        of subject: Int64, before sequence: Int64?, count: Int
    ) throws(StoreError) -> [StoredFact] {
        let waiting = waitingEntries(of: subject)
            .filter { fact in sequence.map { fact.sequence < $0 } ?? true }
            .reversed().prefix(count)
        guard waiting.count < count else { return Array(waiting) }
        return try waiting
            + tables.entries(of: subject, before: sequence, count: count - waiting.count)
    }

    private func waitingEntries(of subject: Int64) -> [StoredFact] {
        tail.facts(.ledger, of: subject).filter { $0.sequence > stored }
            .map { StoredFact(sequence: $0.sequence, body: Array($0.body)) }
    }

    // MARK: Counters

    package func counter(_ key: CounterKey) throws(StoreError) -> StoredCounter? {
        try counters([key])[key]
    }

    package func counters(
        _ keys: [CounterKey]
    ) throws(StoreError) -> [CounterKey: StoredCounter] {
        var result: [CounterKey: StoredCounter] = [:]
        for (subject, keys) in Dictionary(grouping: keys, by: \.subject) {
            let changes = try changes(of: subject)
            let known = changes.isEmpty ? try tables.counters(keys) : try changes.counters(keys)
            result.merge(known) { first, _ in first }
        }
        return result
    }

    package func counters(
        ofSeries series: Int, of subject: Int64
    ) throws(StoreError) -> [CounterKey: StoredCounter] {
        let changes = try changes(of: subject)
        return changes.isEmpty
            ? try tables.counters(ofSeries: series, of: subject)
            : try changes.counters(ofSeries: series)
    }

    private func changes(of subject: Int64) throws(StoreError) -> TailChanges {
        if let known, known.subject == subject { return known.changes }
        let changes = try TailChanges(of: subject, after: stored, tables, self)
        known = (subject, changes)
        return changes
    }

    // MARK: The log of changes

    package func changes(ofKind kind: String, key: String?) throws(StoreError) -> [ChangeRecord] {
        try tables.changes(ofKind: kind, key: key)
            + waitingChanges.filter { $0.kind == kind && (key == nil || $0.key == key) }
    }

    package func lastChange(
        ofKind kind: String, key: String
    ) throws(StoreError) -> ChangeRecord? {
        if let waiting = waitingChanges.last(where: { $0.kind == kind && $0.key == key }) {
            return waiting
        }
        return try tables.lastChange(ofKind: kind, key: key)
    }

    package func changes(
        after sequence: Int64, count: Int
    ) throws(StoreError) -> [ChangeRecord] {
        let stored = try tables.changes(after: sequence, count: count)
        guard stored.count < count else { return stored }
        let waiting = waitingChanges.filter { $0.sequence > sequence }
        return Array((stored + waiting).prefix(count))
    }

    package func changedKey(ofKind kind: String, after key: String) throws(StoreError) -> String? {
        let waiting = waitingChanges.filter { $0.kind == kind && $0.key > key }.map(\.key)
        return try [tables.changedKey(ofKind: kind, after: key), waiting.min()]
            .compactMap(\.self).min()
    }

    package func receipt(
        forIdempotencyKey key: String
    ) throws(StoreError) -> ChangeReceiptRecord? {
        if let recent = waitingChanges.last(where: { $0.idempotencyKey == key }) {
            return ChangeReceiptRecord(recent)
        }
        return try tables.receipt(forIdempotencyKey: key)
    }

    /// Administrative changes, newest first.
    ///
    /// - Parameter stored: as many as are wanted, from the tables.
    package func changes(
        _ stored: [ChangeEntry], _ filter: ChangeFilter, before sequence: Int64?, count: Int
    ) -> [ChangeEntry] {
        let waiting = waitingChanges.reversed().filter { change in
            change.outcome.isChange && sequence.map { change.sequence < $0 } ?? true
                && filter.accepts(
                    kind: change.kind, key: change.key, author: change.author,
                    address: change.address, recordedAt: change.recordedAt)
        }
        return Array((waiting.map { ChangeEntry($0) } + stored).prefix(count))
    }

    /// Changes that the tables do not include, oldest first.
    package private(set) lazy var waitingChanges = tail.changes.filter { $0.sequence > stored }

    // MARK: What only the tables tell

    package func columns(
        days: ClosedRange<Int64>, withTimes: Bool, at cut: ReportCut?,
        _ visit: (ColumnSegment) throws(StoreError) -> Void
    ) throws(StoreError) {
        try tables.columns(days: days, withTimes: withTimes, at: cut, visit)
    }

    package func columnRows(
        of days: ClosedRange<Int64>, at cut: ReportCut?
    ) throws(StoreError) -> ColumnRows {
        try tables.columnRows(of: days, at: cut)
    }

    package func columnDays(within days: ClosedRange<Int64>) throws(StoreError) -> [Int64] {
        try tables.columnDays(within: days)
    }

    package func snapshot() throws(StoreError) -> (text: String, sequence: Int64)? {
        try tables.snapshot()
    }

    package func holds(_ cut: ReportCut) throws(StoreError) -> Bool { try tables.holds(cut) }

    package func quantityNames() throws(StoreError) -> [MeterKey]? { try tables.quantityNames() }
}

extension Fact {
    /// Where its row stands; `nil`: it is not about usage.
    fileprivate var location: EventLocation? {
        guard topic == .usage, let head = usageHead else { return nil }
        return EventLocation(day: head.occurredAt.utcDay, subject: subject, sequence: sequence)
    }

    /// The row that a subject has of it, if it is of one of these days.
    fileprivate func row(of reader: Int64, within days: ClosedRange<Int64>) -> StoredFact? {
        guard let day = location?.day, days.contains(day) else { return nil }
        return StoredFact(
            sequence: sequence,
            body: subject == reader ? Array(body) : Self.pointer(to: subject, day: day))
    }
}
