import MeterstoneCore
import MeterstoneStore

/// The tables, read from one snapshot.
///
/// The transaction begins with the first question, in the same round trip.
final class PostgresSource: InspectionSource {
    let connection: Connection
    /// Subjects that are kept because they were fetched ahead.
    private static let fetchedSubjectsMax = 100_000

    private let profiles = ProfileCache()
    private var hasBegun: Bool
    /// What was fetched ahead of being asked for.
    private var bodies: [EventLocation: [UInt8]] = [:]
    private var byNumber: [Int64: StoredSubject] = [:]

    /// - Parameter isInTransaction: the caller has begun a transaction already.
    init(_ connection: Connection, isInTransaction: Bool = false) {
        self.connection = connection
        hasBegun = isInTransaction
    }

    func run(_ queries: [Query]) throws(StoreError) -> [Rows] {
        do throws(PostgresFailure) {
            if hasBegun { return try connection.run(queries) }
            hasBegun = true
            let rows = try connection.run([Query(TransactionStatements.beginReading)] + queries)
            return Array(rows.dropFirst())
        } catch {
            throw StoreError(error)
        }
    }

    func run(_ query: Query) throws(StoreError) -> Rows {
        try run([query])[0]
    }

    // MARK: Subjects

    func subject(_ id: SubjectID) throws(StoreError) -> StoredSubject? {
        let rows = try run(
            Query(SubjectStatements.withAncestors).binding(TextColumn([id.text])))
        return try stored(rows).first { $0.profile.id == id }
    }

    func subject(number: Int64) throws(StoreError) -> StoredSubject? {
        if byNumber[number] == nil { try prefetch(subjects: [number]) }
        return byNumber[number]
    }

    func subjects(after: SubjectID?, count: Int) throws(StoreError) -> [StoredSubject] {
        try stored(
            try run(
                Query(SubjectStatements.after).binding(after?.text ?? "").binding(Int64(count))))
    }

    func ownKeyCount() throws(StoreError) -> (count: Int, numberMax: Int64) {
        let rows = try run(Query(SubjectStatements.ownKeyCount))
        return (Int(rows.int(0, 0)), rows.int(0, 1))
    }

    func prefetch(subjects numbers: some Collection<Int64>) throws(StoreError) {
        var missing = Set(numbers).filter { byNumber[$0] == nil }
        guard !missing.isEmpty else { return }
        if byNumber.count + missing.count > Self.fetchedSubjectsMax {
            byNumber.removeAll()
            missing = Set(numbers)
        }
        let rows = try run(Query(SubjectStatements.byNumber).binding(IntColumn(missing)))
        for subject in try stored(rows) { byNumber[subject.number] = subject }
    }

    private func stored(_ rows: Rows) throws(StoreError) -> [StoredSubject] {
        try (0..<rows.count).map { (row) throws(StoreError) in try profiles.subject(rows, row) }
    }

    // MARK: Counters

    func counter(_ key: CounterKey) throws(StoreError) -> StoredCounter? {
        try counters([key])[key]
    }

    func counters(_ keys: [CounterKey]) throws(StoreError) -> [CounterKey: StoredCounter] {
        let rows = try run(.counters(keys))
        var result: [CounterKey: StoredCounter] = [:]
        for row in 0..<rows.count {
            result[CounterKey(rows, row)] = try StoredCounter(rows, row)
        }
        return result
    }

    // MARK: Events

    func locations(of id: EventID, source: String?) throws(StoreError) -> [EventLocation] {
        let rows = try run(
            Query(UsageEventStatements.byIdentity)
                .binding(BytesColumn([id.identity(source: source)])))
        return (0..<rows.count).map { row in
            EventLocation(
                day: rows.int(row, 2), subject: rows.int(row, 1), sequence: rows.int(row, 3))
        }
    }

    func body(at location: EventLocation) throws(StoreError) -> [UInt8]? {
        if let known = bodies[location] { return known }
        try fetch(bodies: [location])
        return bodies[location]
    }

    private func fetch(bodies locations: [EventLocation]) throws(StoreError) {
        let rows = try run(.bodies(at: locations))
        for row in 0..<rows.count { bodies[EventLocation(rows, row)] = rows.bytes(row, 3) }
    }

    func facts(of subject: Int64, days: ClosedRange<Int64>) throws(StoreError) -> [StoredFact] {
        let rows = try run(.facts([LoadedSource.FactsKey(subject: subject, days: days)]))
        let facts = (0..<rows.count).map { row in
            StoredFact(sequence: rows.int(row, 1), body: rows.bytes(row, 2))
        }
        try fetchPointed(facts)
        return facts
    }

    /// Fetches the events that teams' rows point to, all at once.
    private func fetchPointed(_ facts: [StoredFact]) throws(StoreError) {
        var pointers: [EventLocation] = []
        for fact in facts {
            do throws(MalformedRecord) {
                if let pointer = try fact.pointer { pointers.append(pointer) }
            } catch {
                throw StoreError(any: error)
            }
        }
        if !pointers.isEmpty { try fetch(bodies: pointers) }
    }

    func corrections(of event: EventLocation) throws(StoreError) -> [StoredFact] {
        try corrections(of: [event])
    }

    func corrections(of events: [EventLocation]) throws(StoreError) -> [StoredFact] {
        guard !events.isEmpty else { return [] }
        let rows = try run(.corrections(of: events))
        return (0..<rows.count).map { row in
            StoredFact(sequence: rows.int(row, 1), body: rows.bytes(row, 2))
        }
    }

    /// Day by day: within a day nothing says what occurred when.
    func usage(
        of subject: Int64, within span: ClosedRange<Instant>, _ order: ReadingOrder,
        _ visit: (_ facts: [StoredFact], _ rest: Instant) throws(StoreError) -> Bool
    ) throws(StoreError) {
        func query(_ sql: String) -> Query {
            Query(sql).binding(subject).binding(span.lowerBound.utcDay)
                .binding(span.upperBound.utcDay)
        }
        var rows = try run(query(UsageEventStatements.firstUsage(order)))
        guard try hand(rows, order, to: visit), rows.count == UsageEventStatements.usageAtFirst
        else {
            return
        }
        rows = try run([
            query(UsageEventStatements.laterUsage(order)), Query(UsageEventStatements.fetchUsage),
        ])[1]
        while try hand(rows, order, to: visit) {
            rows = try run(Query(UsageEventStatements.fetchUsage))
        }
        _ = try run(Query(UsageEventStatements.closeUsage))
    }

    /// - Returns: whether more is wanted; there is none after rows that are empty.
    private func hand(
        _ rows: Rows, _ order: ReadingOrder,
        to visit: (_ facts: [StoredFact], _ rest: Instant) throws(StoreError) -> Bool
    ) throws(StoreError) -> Bool {
        guard rows.count > 0 else { return false }
        let facts = (0..<rows.count).map { row in
            StoredFact(sequence: rows.int(row, 1), body: rows.bytes(row, 2))
        }
        bodies.removeAll(keepingCapacity: true)
        try fetchPointed(facts)
        // Of the day with which a piece ends there may be more.
        return try visit(facts, order.first(.ofDay(rows.int(rows.count - 1, 0))))
    }

    /// By subject first, since that is how the table is clustered.
    func scan(
        days: ClosedRange<Int64>,
        _ visit: (_ day: Int64, _ subject: Int64, _ fact: StoredFact) throws(StoreError) -> Void
    ) throws(StoreError) {
        var next = try run([
            Query(UsageEventStatements.scan).binding(days.lowerBound).binding(days.upperBound),
            Query(UsageEventStatements.fetch),
        ])[1]
        while next.count > 0 {
            let rows = next
            let facts = (0..<rows.count).map { row in
                StoredFact(sequence: rows.int(row, 2), body: rows.bytes(row, 3))
            }
            bodies.removeAll(keepingCapacity: true)
            byNumber.removeAll(keepingCapacity: true)
            try fetchPointed(facts)
            try prefetch(subjects: (0..<rows.count).map { rows.int($0, 1) })
            for (row, fact) in facts.enumerated() {
                try visit(rows.int(row, 0), rows.int(row, 1), fact)
            }
            next = try run(Query(UsageEventStatements.fetch))
        }
        _ = try run(Query(UsageEventStatements.closeScan))
    }

    // MARK: The rest

    func subjectsWithReservations() throws(StoreError) -> [SubjectID] {
        let rows = try run(
            Query(SubjectStatements.due).binding(Instant.latest.millisecondsSince1970)
                .binding(Int64.max))
        return (0..<rows.count).map { SubjectID(unchecked: rows.text($0, 0)) }
    }

    func receipt(forIdempotencyKey key: String) throws(StoreError) -> ChangeReceiptRecord? {
        let rows = try run(
            Query(ChangeStatements.byIdempotencyKey).binding(TextColumn([key])))
        guard rows.count > 0 else { return nil }
        let record = try JSONText(text: rows.text(0, 1)).decoded(as: ChangeRecord.self)
        return ChangeReceiptRecord(record)
    }

    func entries(of subject: Int64, lookup: String) throws(StoreError) -> [StoredFact] {
        let rows = try run(.entries([.init(subject: subject, lookup: lookup)]))
        return (0..<rows.count).map { row in
            StoredFact(sequence: rows.int(row, 1), body: rows.bytes(row, 2))
        }
    }

    func entries(
        of subject: Int64, before sequence: Int64?, count: Int
    ) throws(StoreError) -> [StoredFact] {
        let rows = try run(
            Query(LedgerStatements.before).binding(subject).binding(sequence ?? .max)
                .binding(Int64(count)))
        return (0..<rows.count).map { row in
            StoredFact(sequence: rows.int(row, 0), body: rows.bytes(row, 1))
        }
    }

    func scanEntries(
        pass: Int64, of passes: Int64,
        _ visit: (_ subject: Int64, _ fact: StoredFact) throws(StoreError) -> Void
    ) throws(StoreError) {
        var next = try run([
            Query(LedgerStatements.scan).binding(passes).binding(pass),
            Query(LedgerStatements.fetch),
        ])[1]
        while next.count > 0 {
            let rows = next
            try prefetch(subjects: (0..<rows.count).map { rows.int($0, 0) })
            for row in 0..<rows.count {
                try visit(
                    rows.int(row, 0),
                    StoredFact(sequence: rows.int(row, 1), body: rows.bytes(row, 2)))
            }
            next = try run(Query(LedgerStatements.fetch))
        }
        _ = try run(Query(LedgerStatements.closeScan))
    }

    func quantityNames() throws(StoreError) -> [MeterKey]? {
        let rows = try run(Query(CatalogStatements.names))
        return (0..<rows.count).map { MeterKey(unchecked: rows.text($0, 0)) }
    }

    /// Everything that is committed stands in the tables.
    func watermark() -> Int64 { .max }

    /// Every counter of the subjects of one pass.
    func counters(pass: Int64, of passes: Int64) throws(StoreError) -> [CounterKey: CounterState] {
        let rows = try run(Query(CounterStatements.ofPass).binding(passes).binding(pass))
        var result: [CounterKey: CounterState] = [:]
        for row in 0..<rows.count {
            result[CounterKey(rows, row)] =
                (try? CounterState(
                    value: rows.int(row, 3),
                    memoryBytes: rows.isNull(row, 4) ? nil : rows.bytes(row, 4)))
                ?? .unreadable(value: rows.int(row, 3))
        }
        return result
    }
}
