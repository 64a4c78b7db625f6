import MeterstoneCore
import MeterstoneStore

extension EventLocation {
    /// From the columns subject, day, sequence.
    init(_ rows: Rows, _ row: Int) {
        self.init(day: rows.int(row, 1), subject: rows.int(row, 0), sequence: rows.int(row, 2))
    }
}

extension CounterKey {
    /// From the columns series, window_from, subject.
    init(_ rows: Rows, _ row: Int) {
        self.init(
            series: Int(rows.int(row, 0)), from: Instant(columnValue: rows.int(row, 1)),
            subject: rows.int(row, 2))
    }
}

extension StoredCounter {
    /// From the columns value, memory and as_of, which follow those of the key.
    init(_ rows: Rows, _ row: Int) throws(StoreError) {
        let state = try CounterState(
            value: rows.int(row, 3), memoryBytes: rows.isNull(row, 4) ? nil : rows.bytes(row, 4))
        self.init(state: state, asOf: rows.int(row, 5))
    }
}

extension Query {
    static func bodies(at locations: some Sequence<EventLocation>) -> Query {
        var subjects = IntColumn()
        var days = IntColumn()
        var sequences = IntColumn()
        for location in locations {
            subjects.append(location.subject)
            days.append(location.day)
            sequences.append(location.sequence)
        }
        return Query(UsageEventStatements.bodies)
            .binding(subjects).binding(days).binding(sequences)
            .binding(spanOf: locations.lazy.map(\.day))
    }

    /// The first and the last of some days.
    private func binding(spanOf days: some Sequence<Int64>) -> Query {
        binding(days.min() ?? 0).binding(days.max() ?? 0)
    }

    static func facts(_ keys: [LoadedSource.FactsKey]) -> Query {
        Query(UsageEventStatements.facts)
            .binding(IntColumn(keys.map(\.subject)))
            .binding(IntColumn(keys.map(\.days.lowerBound)))
            .binding(IntColumn(keys.map(\.days.upperBound)))
            .binding(keys.map(\.days.lowerBound).min() ?? 0)
            .binding(keys.map(\.days.upperBound).max() ?? 0)
    }

    static func corrections(of events: [EventLocation]) -> Query {
        Query(UsageEventStatements.corrections)
            .binding(IntColumn(events.map(\.subject))).binding(IntColumn(events.map(\.day)))
            .binding(IntColumn(events.map(\.sequence)))
            .binding(spanOf: events.lazy.map(\.day))
    }

    static func newer(_ keys: [LoadedSource.NewerKey]) -> Query {
        Query(UsageEventStatements.newer)
            .binding(IntColumn(keys.map(\.subject)))
            .binding(IntColumn(keys.map(\.firstDay)))
            .binding(IntColumn(keys.map(\.last)))
    }

    static func entries(_ keys: [LoadedSource.EntriesKey]) -> Query {
        Query(LedgerStatements.byLookup)
            .binding(IntColumn(keys.map(\.subject)))
            .binding(TextColumn(keys.map(\.lookup)))
    }

    static func inserting(_ rows: [EntryRow]) -> Query {
        var (lookups, bodies) = (TextColumn(), BytesColumn())
        for row in rows {
            lookups.append(row.lookup)
            bodies.append(row.body)
        }
        return Query(LedgerStatements.insert)
            .binding(IntColumn(rows.map(\.subject))).binding(IntColumn(rows.map(\.sequence)))
            .binding(lookups).binding(bodies)
    }

    static func counters(_ keys: some Sequence<CounterKey>) -> Query {
        var series = IntColumn()
        var starts = IntColumn()
        var subjects = IntColumn()
        for key in keys {
            series.append(Int64(key.series))
            starts.append(key.from.columnValue)
            subjects.append(key.subject)
        }
        return Query(CounterStatements.byKey).binding(series).binding(starts).binding(subjects)
    }
}

/// Profiles as they were read last, by their text: reading JSON costs more than looking a row up.
///
/// What is in the cache is only used where the row says the same text, so that nothing can be out of
/// date.
final class ProfileCache {
    private static let countMax = 50_000

    private var profiles: [SubjectID: (text: String, stored: StoredSubject)] = [:]

    /// From the columns of `SubjectStatements.columns`.
    func subject(_ rows: Rows, _ row: Int) throws(StoreError) -> StoredSubject {
        let id = SubjectID(unchecked: rows.text(row, 0))
        let text = rows.optionalText(row, 3)
        let children = rows.optionalText(row, 4)
        let nextExpiry = rows.isNull(row, 5) ? nil : rows.int(row, 5)
        let created = rows.isNull(row, 6) ? nil : rows.int(row, 6)
        let updated = rows.isNull(row, 7) ? nil : rows.int(row, 7)
        guard let text, let known = profiles[id], known.text == text else {
            let stored = try StoredSubject(
                number: rows.int(row, 1), firstSequence: rows.int(row, 2), id: id,
                profileText: text, childrenText: children, nextExpiry: nextExpiry,
                createdAt: created, updatedAt: updated)
            if let text {
                if profiles.count >= Self.countMax { profiles.removeAll() }
                profiles[id] = (text, stored)
            }
            return stored
        }
        var stored = try StoredSubject(
            number: rows.int(row, 1), firstSequence: rows.int(row, 2), id: id, profileText: nil,
            childrenText: children, nextExpiry: nextExpiry, createdAt: created,
            updatedAt: updated)
        stored.profile = known.stored.profile
        stored.past = known.stored.past
        stored.since = known.stored.since
        stored.alias = known.stored.alias
        stored.aliases = known.stored.aliases
        stored.merged = known.stored.merged
        return stored
    }
}
