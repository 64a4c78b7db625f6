import MeterstoneCore
public import MeterstoneStore
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Facts in order, although commits do not end in the order of their numbers.
///
/// A commit takes its number after it has shared the lock of the catalog, which it lets go of when it has
/// ended. So of the numbers that were given out at one moment, all have ended when all who held the lock after
/// that moment have let go of it; nobody is held up by that. A snapshot that is taken then has everything up to
/// the number, and nothing before it can come later.
extension PostgresStore {
    /// How long a page waits for commits that are under way.
    private static let patienceMilliseconds: Int64 = 2_000
    private static let pauseMicroseconds: UInt32 = 2_000

    public func facts(after sequence: Int64, count: Int) throws(StoreError) -> FactPage {
        let count = min(max(1, count), FactPage.factsMax)
        return try pool.with { (connection) throws(StoreError) in
            do {
                let last = try settledSequence(connection, after: sequence)
                let source = PostgresSource(connection)
                let version = try source.run(Query(CatalogStatements.version)).int(0, 0)
                let catalog = try catalogs.current(version: version, connection)
                let found = try source.facts(after: sequence, through: last, count: count)
                return try FactPage(
                    found.facts, isLast: found.isAll, head(catalog), source)
            } catch {
                throw StoreError(any: error)
            }
        }
    }

    /// A number up to which nothing can come any more.
    private func settledSequence(
        _ connection: Connection, after sequence: Int64
    ) throws -> Int64 {
        let number = try connection.run(Query(FactStatements.lastNumber)).int(0, 0)
        let last = number * Transaction.numbersPerCommit + Transaction.numbersPerCommit - 1
        guard sequence < last else { return sequence }
        let deadline = Deadline(milliseconds: Self.patienceMilliseconds)
        var holders = try self.holders(connection, among: nil)
        while !holders.isEmpty {
            // Some commit takes long, as that of a copy does: what had ended before is there.
            guard !deadline.isOver else { return max(sequence, settled.withLock { $0 }) }
            usleep(Self.pauseMicroseconds)
            holders = try self.holders(connection, among: holders)
        }
        settled.withLock { $0 = max($0, last) }
        return last
    }

    /// Transactions that hold the lock of the catalog.
    private func holders(_ connection: Connection, among known: [String]?) throws -> [String] {
        let rows = try connection.run(
            Query(FactStatements.holders).binding(catalogs.lockKey))
        let holders = (0..<rows.count).map { rows.text($0, 0) }
        guard let known else { return holders }
        return holders.filter { known.contains($0) }
    }
}

extension PostgresSource {
    /// Numbers that are looked at in the first step. Only few of the numbers of a commit are used.
    private static let firstWidth = 64 * Transaction.numbersPerCommit

    /// The first facts between two that followers have a use for, and whether there are more.
    ///
    /// In steps, so that each reads the pages of the tables that may have one.
    func facts(
        after first: Int64, through last: Int64, count: Int
    ) throws(StoreError) -> (facts: [RawFact], isAll: Bool) {
        var result: [RawFact] = []
        var position = first
        var width = Self.firstWidth
        while position < last {
            guard result.count < count else { return (result, false) }
            let end = last - position > width ? position + width : last
            let step = try factsOfStep(after: position, through: end, count: count - result.count)
            result += step.facts
            // What is asked for next begins after what was read, whether that was all of the step or not.
            position = step.isAll ? end : step.facts.last?.sequence ?? end
            width = step.isAll ? width.multipliedReportingOverflow(by: 2).partialValue : width
            if width <= 0 { width = .max / 2 }
        }
        return (result, true)
    }

    private func factsOfStep(
        after first: Int64, through last: Int64, count: Int
    ) throws(StoreError) -> (facts: [RawFact], isAll: Bool) {
        let rows = try run(
            [FactStatements.usage, FactStatements.entries, FactStatements.changes].map {
                Query($0).binding(first).binding(last).binding(Int64(count) + 1)
            })
        var found = FirstFacts(count: count, through: last)
        for rows in rows[..<2] {
            for row in 0..<rows.count {
                let sequence = rows.int(row, 1)
                found.add(
                    RawFact(
                        sequence: sequence, subject: rows.int(row, 0), body: rows.bytes(row, 2)),
                    sequence)
            }
        }
        for row in 0..<rows[2].count {
            let change = try JSONText(text: rows[2].text(row, 0)).decoded(as: ChangeRecord.self)
            found.add(RawFact(change), change.sequence)
        }
        return found.sorted()
    }
}

/// What only followers ask of the tables.
enum FactStatements {
    static let lastNumber = "SELECT last_value FROM commits"
    /// Transactions by the number that only the server itself gives them.
    static let holders = """
        SELECT virtualtransaction FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND objsubid = 1
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND classid::bigint = ($1::bigint >> 32) & 4294967295
            AND objid::bigint = $1::bigint & 4294967295
        """
    /// Without what teams' rows point to.
    static let usage = """
        SELECT subject, sequence, body FROM usage_events
        WHERE sequence > $1::bigint AND sequence <= $2::bigint AND get_byte(body, 0) <> 3
        ORDER BY sequence LIMIT $3::bigint
        """
    static let entries = """
        SELECT subject, sequence, body FROM ledger_entries
        WHERE sequence > $1::bigint AND sequence <= $2::bigint
        ORDER BY sequence LIMIT $3::bigint
        """
    static let changes = """
        SELECT body FROM changes
        WHERE sequence > $1::bigint AND sequence <= $2::bigint
        ORDER BY sequence LIMIT $3::bigint
        """
}
