import Foundation
import GRDB
import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// The check that ends a copy sees what is not as in the source.
@Suite struct CopyDamageTests {
    /// A store with a history, a copy of it, and a second connection to the copy.
    private func withCopy(
        _ body: (SQLiteStore, SQLiteStore, DatabaseQueue) throws -> Void
    ) throws {
        let (first, second) = (TemporaryFolder(), TemporaryFolder())
        let source = try SQLiteStore(directory: first.path, options: FixedHistory.options)
        try FixedHistory.prepare(source)
        var history = FixedHistory()
        history.run(source)
        let target = try SQLiteStore(directory: second.path, options: FixedHistory.options)
        #expect(try StoreCopy.run(from: source, to: target).differences == [])
        let other = try DatabaseQueue(path: second.path + "/meterstone.sqlite")
        try body(source, target, other)
        try other.close()
        try target.close()
        try source.close()
    }

    @Test(arguments: [
        ("UPDATE counters SET value = value + 1 WHERE subject = 1", "prompts per "),
        ("DELETE FROM counters WHERE subject = 2", "prompts per "),
        ("INSERT INTO counters VALUES (0, 86400000, 1, 5, 1, NULL)", "prompts per "),
        ("DELETE FROM subjects WHERE number = 1", "subject "),
        (
            #"UPDATE subjects SET profile = '{"id":"' || id || '","name":"x"}' WHERE number = 1"#,
            "profile of "
        ),
        ("UPDATE subjects SET first_sequence = 99999 WHERE number = 1", "first fact of "),
        ("UPDATE subjects SET children = '1,0,0,0' WHERE number = 1", "subjects below "),
        (
            "DELETE FROM event_runs WHERE number = (SELECT MAX(number) FROM event_runs)",
            "number of "
        ),
    ])
    func `what was changed in the copy is told`(damage: String, what: String) throws {
        try withCopy { source, target, other in
            try other.write { try $0.execute(sql: damage) }
            let differences = try StoreCopy.compare(source, target).differences
            #expect(differences.contains { $0.what.hasPrefix(what) })
        }
    }

    @Test func `a counter of nothing is as good as none`() throws {
        try withCopy { source, target, other in
            try other.write {
                try $0.execute(sql: "INSERT INTO counters VALUES (0, 86400000, 1, 0, 1, NULL)")
            }
            #expect(try StoreCopy.compare(source, target).isEqual)
            #expect(try StoreCopy.compare(target, source).isEqual)
        }
    }

    @Test func `a source of another calendar is not opened when that is asked`() throws {
        let folder = TemporaryFolder()
        try SQLiteStore(directory: folder.path, options: FixedHistory.options).close()
        var options = FixedHistory.options
        options.defaultTimeZone = "Asia/Kathmandu"
        let error = #expect(throws: StoreError.self) {
            try SQLiteStore(
                directory: folder.path, options: options, adoptsDefaultTimeZone: false)
        }
        #expect(error?.code == .halted)
        try SQLiteStore(directory: folder.path, options: options).close()
    }
}
