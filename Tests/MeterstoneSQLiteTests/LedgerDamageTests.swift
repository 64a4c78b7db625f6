import Foundation
import GRDB
import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Promise 7 for credits: `verify` shows that a ledger was tampered with.
@Suite struct LedgerDamageTests {
    private static let ada = SubjectID(unchecked: "ada")
    private static let prompts = MeterKey(unchecked: "prompts")

    /// A store with a projected ledger of a grant and four spends, and a second connection to it.
    private func withStore(_ body: (SQLiteStore, DatabaseQueue) throws -> Void) throws {
        let folder = TemporaryFolder()
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        let changes: [Change] = [
            .putMeter(Meter(key: Self.prompts)),
            .putCreditPolicy(CreditPolicy(prices: [Self.prompts: 10])),
            .grantCredit(Self.ada, GrantOrder(amount: 100)),
        ]
        let event = UsageEvent(subject: Self.ada, quantities: .one(Self.prompts, 1))
        _ = try store.commit(
            changes.map { .change(ChangeRequest(change: $0, author: "test")) }
                + Array(repeating: .consume(event), count: 4)
                + [.reserve(event, ReservationTerms())],
            at: FixedHistory.now)
        while try store.project() {}
        let other = try DatabaseQueue(path: folder.path + "/meterstone.sqlite")
        try body(store, other)
        try other.close()
        try store.close()
    }

    private static let triggers = """
        DROP TRIGGER ledger_entries_are_never_updated;
        DROP TRIGGER ledger_entries_are_never_deleted;
        """

    @Test(arguments: [
        // An entry made smaller, left out, put in between, and given to somebody else.
        """
        UPDATE ledger_entries SET body = substr(body, 1, 45) || x'7F' || substr(body, 47)
        WHERE sequence = (SELECT MAX(sequence) - 2 FROM ledger_entries)
        """,
        "DELETE FROM ledger_entries WHERE sequence = (SELECT MIN(sequence) FROM ledger_entries)",
        "DELETE FROM ledger_entries WHERE sequence = (SELECT MAX(sequence) FROM ledger_entries)",
        """
        INSERT INTO ledger_entries
        SELECT subject, sequence + 1000, lookup, body FROM ledger_entries LIMIT 1
        """,
        """
        INSERT INTO ledger_entries
        SELECT subject + 1, sequence, lookup, body FROM ledger_entries LIMIT 1
        """,
    ])
    func `verify shows a ledger that was tampered with`(damage: String) throws {
        try withStore { store, other in
            #expect(try store.verify().differences == [])
            try other.write { try $0.execute(sql: Self.triggers + damage) }
            #expect(throws: Never.self) {
                let differences = try store.verify().differences
                #expect(
                    differences.contains {
                        $0.what.contains("ledger") || $0.what.contains("credits")
                    }
                )
            }
        }
    }

    @Test func `verify shows any changed byte of an entry, the last one's included`() throws {
        try withStore { store, other in
            let rows = try other.read {
                try Row.fetchAll($0, sql: "SELECT sequence, body FROM ledger_entries")
            }
            try other.write { try $0.execute(sql: Self.triggers) }
            let put = "UPDATE ledger_entries SET body = ? WHERE sequence = ?"
            for row in [rows.first, rows.last].compactMap(\.self) {
                let (sequence, body) = (row["sequence"] as Int64, row["body"] as Data)
                for index in body.indices {
                    var changed = body
                    changed[index] ^= 0x41
                    try other.write { try $0.execute(sql: put, arguments: [changed, sequence]) }
                    #expect(try !store.verify().isClean, "byte \(index) of \(sequence)")
                }
                try other.write { try $0.execute(sql: put, arguments: [body, sequence]) }
            }
            #expect(try store.verify().isClean)
        }
    }

    @Test func `a broken ledger is not rebuilt from`() throws {
        try withStore { store, other in
            try other.write {
                try $0.execute(
                    sql: Self.triggers + """
                        DELETE FROM ledger_entries
                        WHERE sequence = (SELECT MIN(sequence) FROM ledger_entries)
                        """)
            }
            #expect(
                performing: { _ = try store.rebuild() },
                throws: { ($0 as? StoreError)?.code == .corrupt })
        }
    }

    @Test(arguments: [
        "UPDATE counters SET value = value + 1 WHERE series < 0",
        "DELETE FROM counters WHERE series < 0",
        "UPDATE counters SET memory = x'0400' WHERE series = -2",
    ])
    func `what is derived from ledger and reservations is restored`(damage: String) throws {
        try withStore { store, other in
            try other.write { try $0.execute(sql: damage) }
            #expect(try !store.verify().isClean)
            _ = try store.rebuild()
            #expect(try store.verify().differences == [])
            guard
                case .wallet(let wallet) = try store.look(
                    [.wallet(Self.ada)], at: FixedHistory.now)[0]
            else { return }
            #expect(wallet.balance == 50 && wallet.held == 10)
        }
    }

    @Test func `verify shows an expiry that nobody would notice`() throws {
        try withStore { store, other in
            try other.write { try $0.execute(sql: "UPDATE subjects SET next_expiry = NULL") }
            #expect(try store.verify().differences.map(\.what) == ["next expiry of ada"])
        }
    }
}
