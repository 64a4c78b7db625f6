import Foundation
import GRDB
import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Promise 7: counters are derived, `verify` says when they are wrong, `rebuild` puts them right.
@Suite struct DamageTests {
    /// A store with a projected history, and a second connection to it.
    private func withStore(
        _ body: (SQLiteStore, DatabaseQueue) throws -> Void
    ) throws {
        let folder = TemporaryFolder()
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        try FixedHistory.prepare(store)
        var history = FixedHistory()
        history.run(store)
        while try store.project() {}
        let other = try DatabaseQueue(path: folder.path + "/meterstone.sqlite")
        try body(store, other)
        try other.close()
        try store.close()
    }

    @Test(arguments: [
        "UPDATE counters SET value = value + 1",
        "UPDATE counters SET value = value - 1 WHERE subject = 2",
        "DELETE FROM counters WHERE subject = 1",
        "INSERT INTO counters VALUES (0, 86400000, 1, 5, 1, NULL)",
        "INSERT INTO counters VALUES (999, 86400000, 1, 5, 1, NULL)",
        "INSERT INTO counters VALUES (0, 86400000, 999, 5, 1, NULL)",
        "UPDATE counters SET memory = x'0102'",
    ])
    func `verify reports damaged counters and rebuild restores them`(damage: String) throws {
        try withStore { store, other in
            let before = try limits(store)
            let counters = try store.verify().counters
            try other.write { try $0.execute(sql: damage) }
            #expect(try !store.verify().isClean)
            #expect(try store.rebuild() == counters)
            #expect(try store.verify().differences == [])
            #expect(try limits(store) == before)
        }
    }

    @Test func `rebuild restores when the next reservation expires`() throws {
        try withStore { store, other in
            let now = Instant(millisecondsSince1970: 1_900_000_000_000)
            let event = UsageEvent(
                id: .text("held"), subject: SubjectID(unchecked: "held"), occurredAt: now,
                quantities: .one(MeterKey(unchecked: "prompts"), 1))
            _ = try store.commit(
                [.reserve(event, ReservationTerms(milliseconds: 60_000))], at: now)
            while try store.project() {}
            try other.write { try $0.execute(sql: "UPDATE subjects SET next_expiry = NULL") }
            #expect(try !store.verify().isClean)
            _ = try store.rebuild()
            #expect(try store.verify().differences == [])
            let late = now.advanced(byMilliseconds: 60_000)
            #expect(try store.subjectsDue(at: late, count: 9) == [event.subject])
        }
    }

    @Test func `verify reports an event id that leads nowhere`() throws {
        try withStore { store, other in
            try other.write {
                try $0.execute(
                    sql: """
                        DELETE FROM event_runs
                        WHERE number = (SELECT MAX(number) FROM event_runs)
                        """)
            }
            let whats = try store.verify().differences.map(\.what)
            #expect(whats.contains { $0.hasPrefix("event id index, sequence ") })
        }
    }

    @Test(arguments: [
        "UPDATE event_runs SET facts = facts + 1", "UPDATE event_runs SET usages = usages - 1",
        "UPDATE event_runs SET first_sequence = last_sequence + 1",
        "UPDATE event_runs SET last_sequence = last_sequence - 1",
        "INSERT INTO event_corrections VALUES (1, 1, 1, 1)",
        "UPDATE event_blocks SET latest = earliest - 1, earliest = earliest - 1",
    ])
    func `verify reports rows of runs that say something else than their blocks`(
        damage: String
    ) throws {
        try withStore { store, other in
            #expect(try store.verify().isClean)
            try other.write { try $0.execute(sql: damage) }
            do throws(StoreError) {
                #expect(try !store.verify().isClean)
            } catch {
                // What a team's row points to is not found any more.
                #expect(error.code == .corrupt)
            }
        }
    }

    @Test(arguments: [
        "UPDATE event_blocks SET body = zeroblob(length(body))",
        "UPDATE event_blocks SET body = substr(body, 1, length(body) - 1)",
        "UPDATE event_blocks SET body = x''", "DELETE FROM event_blocks",
        "UPDATE event_runs SET blocks = blocks + 1", "UPDATE event_runs SET blocks = -1",
        "UPDATE event_runs SET blocks = 9223372036854775807",
    ])
    func `a damaged run of events is a clear error and no trap`(damage: String) throws {
        try withStore { store, other in
            try other.write { try $0.execute(sql: damage) }
            do throws(StoreError) {
                #expect(try !store.verify().isClean)
            } catch {
                #expect(error.code == .corrupt)
            }
        }
    }

    @Test(arguments: [
        "DELETE FROM id_runs", "DELETE FROM id_blocks", "UPDATE id_blocks SET body = x''",
        "UPDATE id_blocks SET body = zeroblob(length(body))",
        "UPDATE id_blocks SET body = substr(body, 1, length(body) - 1) WHERE id & 0x800000 = 0",
        "UPDATE id_runs SET keys = zeroblob(16)", "UPDATE id_runs SET entries = entries + 1",
        "UPDATE id_runs SET entries = -1", "UPDATE id_runs SET entries = 9223372036854775807",
        "UPDATE id_runs SET last_key = last_key - 1",
        "DELETE FROM id_blocks WHERE id & 0x800000 <> 0",
    ])
    func `verify reports a damaged index of ids and rebuild puts it back`(damage: String) throws {
        try withStore { store, other in
            try other.write { try $0.execute(sql: damage) }
            #expect(try !store.verify().isClean)
            _ = try store.rebuild()
            #expect(try store.verify().differences == [])
            let again = try store.commit(FixedHistory.commands(ofBatch: 3), at: FixedHistory.now)
            for outcome in again {
                guard case .consumed(.decided(let decision)) = outcome else {
                    Issue.record("expected a decision, got \(outcome)")
                    continue
                }
                #expect(decision.isDuplicate)
            }
        }
    }

    @Test(arguments: [
        "UPDATE id_blocks SET body = zeroblob(length(body)) WHERE id & 0x800000 = 0",
        "DELETE FROM id_blocks WHERE id & 0x800000 = 0",
        "UPDATE id_runs SET keys = substr(keys, 9)",
    ])
    func `a damaged index of ids is a clear error and no trap`(damage: String) throws {
        let folder = TemporaryFolder()
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        try FixedHistory.prepare(store)
        var history = FixedHistory()
        history.run(store)
        try store.close()
        let other = try DatabaseQueue(path: folder.path + "/meterstone.sqlite")
        try other.write { try $0.execute(sql: damage) }
        try other.close()
        let again = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        #expect(
            performing: {
                _ = try again.commit(FixedHistory.commands(ofBatch: 3), at: FixedHistory.now)
            }, throws: { ($0 as? StoreError)?.code == .corrupt })
        _ = try again.rebuild()
        #expect(try again.verify().differences == [])
        try again.close()
    }

    @Test(arguments: ["x''", "x'4d534a'", "zeroblob(400)", "substr(body, 1, length(body) - 1)"])
    func `a corrupt journal is a clear error and no trap`(body: String) throws {
        let folder = TemporaryFolder()
        do {
            let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
            try FixedHistory.prepare(store)
            _ = try store.commit(FixedHistory.commands(ofBatch: 3), at: FixedHistory.now)
        }
        let copy = TemporaryFolder()
        try folder.copyDatabase(to: copy)
        let other = try DatabaseQueue(path: copy.path + "/meterstone.sqlite")
        try other.write { try $0.execute(sql: "UPDATE journal SET body = \(body)") }
        try other.close()
        #expect(
            performing: {
                _ = try SQLiteStore(directory: copy.path, options: FixedHistory.options)
            }, throws: { ($0 as? StoreError)?.code == .corrupt })
    }

    @Test func `a journal with a hole is a clear error`() throws {
        let folder = TemporaryFolder()
        do {
            let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
            try FixedHistory.prepare(store)
            for batch in 0..<3 {
                _ = try store.commit(FixedHistory.commands(ofBatch: batch), at: FixedHistory.now)
            }
        }
        let other = try DatabaseQueue(path: folder.path + "/meterstone.sqlite")
        try other.write {
            try $0.execute(
                sql:
                    "DELETE FROM journal WHERE first_sequence = (SELECT first_sequence FROM journal ORDER BY 1 LIMIT 1 OFFSET 2)"
            )
        }
        try other.close()
        #expect(
            performing: {
                _ = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
            }, throws: { ($0 as? StoreError)?.code == .corrupt })
    }

    private func limits(_ store: SQLiteStore) throws -> [Int64] {
        try (0..<3).flatMap { number -> [Int64] in
            let id = SubjectID(unchecked: "user\(number)")
            guard
                case .limits(let statuses)? = try store.look([.limits(id)], at: FixedHistory.now)
                    .first
            else { return [] }
            return statuses.map(\.used.units)
        }
    }
}
