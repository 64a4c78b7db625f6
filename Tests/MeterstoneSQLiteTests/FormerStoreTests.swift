import Foundation
import GRDB
import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Stores that earlier versions wrote open, and are brought into the present form.
@Suite struct FormerStoreTests {
    /// What version 0.1 wrote before ids stood in runs: 365 events of seven users and a team, two of them
    /// voided and one amended.
    private static func folder() throws -> TemporaryFolder {
        let folder = TemporaryFolder()
        try FileManager.default.createDirectory(
            atPath: folder.path, withIntermediateDirectories: true)
        let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/rows-0.1.sqlite")
        try FileManager.default.copyItem(
            at: fixture, to: URL(fileURLWithPath: folder.path + "/meterstone.sqlite"))
        return folder
    }

    private static let now = Instant(millisecondsSince1970: 1_795_950_000_000)

    private static func event(
        _ id: String, _ user: Int, _ day: Int, _ hour: Int, _ units: Int64
    ) -> Command {
        let start = Instant(millisecondsSince1970: 1_772_323_200_000)
        let hours = Int64(24 * (day - 1) + hour)
        return .record(
            UsageEvent(
                id: EventID(id), subject: SubjectID(unchecked: "user\(user)"),
                occurredAt: start.advanced(byMilliseconds: hours * 3_600_000),
                quantities: .one(.prompts, Quantity(units))))
    }

    private static func used(_ store: SQLiteStore, _ subject: String) throws -> Int64? {
        let id = SubjectID(unchecked: subject)
        guard case .limits(let statuses)? = try store.look([.limits(id)], at: now).first else {
            return nil
        }
        return statuses.first { $0.window == .lifetime }?.used.units
    }

    private static func check(_ store: SQLiteStore) throws {
        for (subject, units) in [
            ("team", 356), ("user1", 151), ("user2", 102), ("user4", 100), ("user5", 102),
        ] as [(String, Int64)] {
            #expect(try used(store, subject) == units, "\(subject)")
        }
        let repeated = try store.commit(
            [
                event("event-0", 0, 1, 0, 1),
                event("5bc8fbbc-bde5-4099-8164-d8399f767c45", 1, 2, 1, 2),
                event("01890000-0000-7000-8000-000000000006", 6, 7, 6, 1),
                event("01950003-0015-7003-a003-000000000003", 3, 4, 3, 1),
                event("event-4", 4, 5, 4, 2),
            ], at: now)
        for (place, outcome) in repeated.enumerated() {
            switch outcome {
            case .recorded(.duplicate): #expect(place < 4)
            case .recorded(.rejected(let rejection)):
                #expect(place == 4 && rejection.code == .eventVoided)
            default: Issue.record("\(place): expected no new event, got \(outcome)")
            }
        }
        let correction = Correction(
            eventID: try #require(EventID("01950007-0031-7007-a007-000000000007")), kind: .void,
            author: "test", reason: "test")
        _ = try store.commit([.correct(correction)], at: now)
        #expect(try store.verify().differences == [])
    }

    @Test func `a store of version 0_1 is read as it was and goes on`() throws {
        let folder = try Self.folder()
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        #expect(store.notices.contains { $0.contains("365 event ids") })
        #expect(store.notices.contains { $0.contains("stored facts were brought") })
        try Self.check(store)
        try store.close()
        let again = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        #expect(again.notices.isEmpty)
        #expect(try again.verify().differences == [])
        try again.close()
    }

    /// In the order of their numbers, each with the name by which a store knows that it was run.
    private static let scripts: [(name: String, sql: String)] = {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/MeterstoneSQLite/Migrations")
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.sorted().compactMap { file in
            (try? String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8))
                .map { (String(file.dropLast(".sql".count)), $0) }
        }
    }()

    private static func schema(_ folder: TemporaryFolder) throws -> [String] {
        let queue = try DatabaseQueue(path: folder.path + "/meterstone.sqlite")
        defer { try? queue.close() }
        return try queue.read { database in
            try String.fetchAll(
                database, sql: "SELECT sql FROM sqlite_schema WHERE sql NOT NULL ORDER BY name")
        }
    }

    /// The store has the scripts up to 5.
    @Test(arguments: 5...13)
    func `an upgrade goes on after the last script that was run`(count: Int) throws {
        #expect(Self.scripts.count == 13)
        let folder = try Self.folder()
        let queue = try DatabaseQueue(path: folder.path + "/meterstone.sqlite")
        for (name, sql) in Self.scripts[5..<count] {
            try queue.write { database in
                try database.execute(sql: sql)
                try database.execute(
                    sql: "INSERT INTO grdb_migrations (identifier) VALUES (?)", arguments: [name])
            }
        }
        try queue.close()
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        try Self.check(store)
        try store.close()
        let fresh = TemporaryFolder()
        try SQLiteStore(directory: fresh.path, options: FixedHistory.options).close()
        #expect(try Self.schema(folder) == Self.schema(fresh))
    }

    @Test func `the log of changes says since when subjects are there`() throws {
        let folder = try Self.folder()
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        var told: [String: [String?]] = [:]
        for subject in try store.subjects(after: nil, count: 10) {
            let times = [subject.times.createdAt, subject.times.updatedAt]
            told[subject.profile.id.text] = times.map { $0?.rfc3339 }
        }
        #expect(told.count == 8)
        #expect(told["user0"] == ["2026-11-29T10:59:01.678Z", "2026-11-29T10:59:01.678Z"])
        #expect(told["user2"] == ["2026-11-29T10:59:02.432Z", "2026-11-29T10:59:02.889Z"])
        // Nothing was ever written of it, and its events do not say when they came first.
        #expect(told["user3"] == [nil, nil])
        try store.close()
    }

    @Test func `bringing a store over can be cut off anywhere and begins again`() throws {
        for write in stride(from: 1, through: 200, by: 7) {
            let folder = try Self.folder()
            let disk = FaultyDisk(folder: folder.path)
            disk.failWrites(from: write, .full)
            let store = try? SQLiteStore(directory: folder.path, options: FixedHistory.options)
            let isWhole = store != nil
            // As it is on the disk, whatever this process still has in memory.
            let copy = TemporaryFolder()
            try folder.copyDatabase(to: copy)
            disk.recover()
            let again = try SQLiteStore(directory: copy.path, options: FixedHistory.options)
            try Self.check(again)
            try again.close()
            try store?.close()
            if isWhole { break }
        }
    }
}
