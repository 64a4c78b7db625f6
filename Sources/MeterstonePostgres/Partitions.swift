import MeterstoneCore
import MeterstoneStore

/// The months for which `usage_events` has a partition. Confined to the committer.
///
/// Partitions are made before a transaction begins, and two months ahead, so that no transaction waits
/// for one. One is made beside its table and then attached, which holds up neither reads nor writes.
final class Partitions {
    private static let monthsAhead = 2

    private var months: Set<Month> = []

    /// A month of UTC days.
    private struct Month: Hashable, Comparable {
        /// Months since the year 0.
        let index: Int

        init(index: Int) {
            self.index = index
        }

        init(day: Int64) {
            let date = CivilDate(daysSince1970: day)
            index = date.year * 12 + date.month - 1
        }

        var firstDay: Int64 {
            CivilDate(year: index / 12, month: index % 12 + 1, day: 1)?.daysSince1970 ?? 0
        }

        var table: String {
            let month = String(index % 12 + 101).dropFirst()
            return "usage_events_\(index / 12)_\(month)"
        }

        static func < (one: Month, other: Month) -> Bool { one.index < other.index }
    }

    /// Forgets what is known, after an event found no partition.
    func forget() {
        months.removeAll()
    }

    /// Makes what the commands may need, and what comes next.
    func make(
        for commands: [Command], at now: Instant, _ options: StoreOptions, _ connection: Connection
    ) throws(PostgresFailure) {
        var missing: Set<Month> = []
        let current = Month(day: now.utcDay)
        for index in current.index...current.index + Self.monthsAhead
        where !months.contains(Month(index: index)) {
            missing.insert(Month(index: index))
        }
        let latest = now.advanced(byMilliseconds: options.earlyMillisecondsMax)
        let accepted = Instant(millisecondsSince1970: 0)...max(latest, now)
        for command in commands {
            guard let instant = command.recorded?.occurredAt, accepted.contains(instant) else {
                continue
            }
            let month = Month(day: instant.utcDay)
            if !months.contains(month) { missing.insert(month) }
        }
        if !missing.isEmpty { try make(missing, connection) }
    }

    private func make(
        _ wanted: Set<Month>, _ connection: Connection
    ) throws(PostgresFailure) {
        let rows = try connection.run([
            Query(TransactionStatements.begin),
            Query(TransactionStatements.ownCatalog)
                .binding(try connection.lockKey(of: "partitions")),
            Query(Self.known),
        ])
        var known: Set<String> = []
        for row in 0..<rows[2].count { known.insert(rows[2].text(row, 0)) }
        var script = ""
        for month in wanted.sorted() where !known.contains(month.table) {
            let table = month.table
            script += """
                CREATE TABLE \(table) (LIKE usage_events INCLUDING ALL);
                ALTER TABLE usage_events ATTACH PARTITION \(table)
                    FOR VALUES FROM (\(month.firstDay)) TO (\(Month(index: month.index + 1).firstDay));
                """
        }
        if script.isEmpty {
            _ = try connection.run(Query(TransactionStatements.rollback))
        } else {
            try connection.execute(script: script + "COMMIT")
        }
        months.formUnion(wanted)
    }

    private static let known = """
        SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'usage_events'::regclass
        """

    /// Makes the months of these days.
    func make(days: some Sequence<Int64>, _ connection: Connection) throws(PostgresFailure) {
        let wanted = Set(days.map { Month(day: $0) }).subtracting(months)
        if !wanted.isEmpty { try make(wanted, connection) }
    }
}

extension Command {
    /// The event that the command may record.
    fileprivate var recorded: UsageEvent? {
        switch self {
        case .consume(let event), .record(let event), .reserve(let event, _): event
        default: nil
        }
    }
}
