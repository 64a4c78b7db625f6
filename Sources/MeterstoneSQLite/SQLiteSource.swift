import GRDB
import MeterstoneCore
import MeterstoneStore

/// The tables, read through one connection. Statements are prepared when they are first needed.
final class SQLiteSource: InspectionSource {
    /// Facts and subjects are numbered from 1, and nobody gets so far.
    static let sequenceMax = Int64.max / 4
    private let database: Database
    private var statements: [String: Statement] = [:]
    let cache: IDRunCache
    /// The runs of event ids in this snapshot; `nil`: they have to be looked at.
    var knownRuns: [IDRun]?
    /// Blocks of ids and parts of filters that were read.
    var idBodiesRead = 0

    init(_ database: Database, _ cache: IDRunCache) {
        self.database = database
        self.cache = cache
    }

    /// Lets go of the statements; they are prepared again when they are needed.
    func finalize() {
        for statement in statements.values { statement.finalize() }
        statements.removeAll()
    }

    func statement(_ sql: String) throws(StoreError) -> Statement {
        if let known = statements[sql] {
            known.reset()
            return known
        }
        let new = try Statement(database, sql)
        statements[sql] = new
        return new
    }

    func subject(_ id: SubjectID) throws(StoreError) -> StoredSubject? {
        let statement = try statement(SubjectStatements.byID)
        defer { statement.reset() }
        statement.bind(1, id.text)
        return try statement.step() ? try stored(statement) : nil
    }

    func subject(number: Int64) throws(StoreError) -> StoredSubject? {
        let statement = try statement(SubjectStatements.byNumber)
        defer { statement.reset() }
        statement.bind(1, number)
        return try statement.step() ? try stored(statement) : nil
    }

    func subjects(after: SubjectID?, count: Int) throws(StoreError) -> [StoredSubject] {
        let statement = try statement(SubjectStatements.after)
        defer { statement.reset() }
        statement.bind(1, after?.text ?? "")
        statement.bind(2, Int64(count))
        var result: [StoredSubject] = []
        while try statement.step() { result.append(try stored(statement)) }
        return result
    }

    func ownKeyCount() throws(StoreError) -> (count: Int, numberMax: Int64) {
        let own = try count(SubjectStatements.count) - count(SubjectStatements.aliasCount)
        return (Int(own), try count(SubjectStatements.numberMax))
    }

    private func stored(_ row: Statement) throws(StoreError) -> StoredSubject {
        try StoredSubject(
            number: row.int(0), firstSequence: row.int(2), id: SubjectID(unchecked: row.text(1)),
            profileText: row.isNull(3) ? nil : row.text(3),
            childrenText: row.isNull(4) ? nil : row.text(4),
            nextExpiry: row.isNull(5) ? nil : row.int(5),
            createdAt: row.isNull(6) ? nil : row.int(6),
            updatedAt: row.isNull(7) ? nil : row.int(7))
    }

    func counter(_ key: CounterKey) throws(StoreError) -> StoredCounter? {
        let statement = try statement(CounterStatements.byKey)
        defer { statement.reset() }
        statement.bind(1, Int64(key.series))
        statement.bind(2, key.from.columnValue)
        statement.bind(3, key.subject)
        guard try statement.step() else { return nil }
        return StoredCounter(
            state: try CounterState(
                value: statement.int(0),
                memoryBytes: statement.isNull(1) ? nil : statement.bytes(1)),
            asOf: statement.int(2))
    }

    func receipt(forIdempotencyKey key: String) throws(StoreError) -> ChangeReceiptRecord? {
        let statement = try statement(ChangeStatements.byIdempotencyKey)
        defer { statement.reset() }
        statement.bind(1, key)
        guard try statement.step() else { return nil }
        let record = try JSONText(text: statement.text(0)).decoded(as: ChangeRecord.self)
        return ChangeReceiptRecord(record)
    }

    func entries(of subject: Int64, lookup: String) throws(StoreError) -> [StoredFact] {
        let statement = try statement(LedgerStatements.byLookup)
        defer { statement.reset() }
        statement.bind(1, subject)
        statement.bind(2, lookup)
        let watermark = try watermark()
        return try statement.facts().filter { $0.sequence <= watermark }
    }

    func entries(
        of subject: Int64, before sequence: Int64?, count: Int
    ) throws(StoreError) -> [StoredFact] {
        let statement = try statement(LedgerStatements.before)
        defer { statement.reset() }
        statement.bind(1, subject)
        statement.bind(2, min(sequence ?? .max, try watermark() + 1))
        statement.bind(3, Int64(count))
        return try statement.facts()
    }

    func scanEntries(
        pass: Int64, of passes: Int64,
        _ visit: (_ subject: Int64, _ fact: StoredFact) throws(StoreError) -> Void
    ) throws(StoreError) {
        let statement = try Statement(database, LedgerStatements.ofPass)
        statement.bind(1, passes)
        statement.bind(2, pass)
        while try statement.step() {
            try visit(
                statement.int(0),
                StoredFact(sequence: statement.int(1), body: statement.bytes(2)))
        }
    }

    func subjectsWithReservations() throws(StoreError) -> [SubjectID] {
        try due(at: .latest, count: .max)
    }

    /// Subjects with reservations that may have expired by an instant, the earliest first.
    func due(at now: Instant, count: Int) throws(StoreError) -> [SubjectID] {
        let statement = try statement(SubjectStatements.due)
        defer { statement.reset() }
        statement.bind(1, now.millisecondsSince1970)
        statement.bind(2, Int64(count))
        var result: [SubjectID] = []
        while try statement.step() { result.append(SubjectID(unchecked: statement.text(0))) }
        return result
    }

    func changes(
        _ filter: ChangeFilter, before sequence: Int64?, count: Int
    ) throws(StoreError) -> [ChangeEntry] {
        let (sql, texts) = ChangeStatements.before(filter)
        let statement = try statement(sql)
        defer { statement.reset() }
        statement.bind(1, sequence ?? .max)
        statement.bind(2, Int64(count))
        for (index, text) in texts.enumerated() { statement.bind(Int32(index + 3), text) }
        var result: [ChangeEntry] = []
        while try statement.step() {
            let record = try JSONText(text: statement.text(0)).decoded(as: ChangeRecord.self)
            result.append(ChangeEntry(record))
        }
        return result
    }

    /// Changes as they are stored, oldest first.
    func changes(after sequence: Int64, count: Int) throws(StoreError) -> [ChangeRecord] {
        let statement = try statement(ChangeStatements.after)
        defer { statement.reset() }
        statement.bind(1, sequence)
        statement.bind(2, Int64(count))
        return try changes(of: statement)
    }

    func watermark() throws(StoreError) -> Int64 {
        let text = try setting(Setting.watermark) ?? "0"
        guard let sequence = Int64(text), (0...Self.sequenceMax).contains(sequence) else {
            throw StoreError(
                code: .corrupt, message: "the watermark '\(text)' is not the place of a fact")
        }
        return sequence
    }

    func setting(_ key: String) throws(StoreError) -> String? {
        let statement = try statement(SettingStatements.byKey)
        defer { statement.reset() }
        statement.bind(1, key)
        return try statement.step() ? statement.text(0) : nil
    }

    /// The digests of the rules that counters were cut with, by zone.
    func zones() throws(StoreError) -> [String: String] {
        let statement = try statement(SettingStatements.zones)
        defer { statement.reset() }
        var result: [String: String] = [:]
        while try statement.step() {
            result[String(statement.text(0).dropFirst(Setting.zone.count))] = statement.text(1)
        }
        return result
    }

    /// Every row of `counters`, by subject, for the subjects whose number leaves this remainder.
    func counters(pass: Int64, of passes: Int64) throws(StoreError) -> [CounterKey: CounterState] {
        let statement = try Statement(database, CounterStatements.ofPass)
        statement.bind(1, passes)
        statement.bind(2, pass)
        var result: [CounterKey: CounterState] = [:]
        while try statement.step() {
            let key = CounterKey(
                series: Int(statement.int(0)), from: Instant(columnValue: statement.int(1)),
                subject: statement.int(2))
            result[key] =
                (try? CounterState(
                    value: statement.int(3),
                    memoryBytes: statement.isNull(4) ? nil : statement.bytes(4)))
                ?? .unreadable(value: statement.int(3))
        }
        return result
    }

    func sizes() throws(StoreError) -> StoreSizes {
        StoreSizes(
            subjects: try count(SubjectStatements.count),
            events: try count(EventRunStatements.usageCount),
            rows: try count(EventRunStatements.factCount),
            counters: try count(CounterStatements.count),
            changes: try count(ChangeStatements.count),
            entries: try count(LedgerStatements.count))
    }

    func count(_ sql: String) throws(StoreError) -> Int64 {
        let statement = try Statement(database, sql)
        return try statement.step() ? statement.int(0) : 0
    }
}

extension Statement {
    /// The rest of the rows, which are sequence and body.
    fileprivate func facts() throws(StoreError) -> [StoredFact] {
        var result: [StoredFact] = []
        while try step() { result.append(StoredFact(sequence: int(0), body: bytes(1))) }
        return result
    }
}
