import Foundation
import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// More than fits one slice of projection, or one round of the write-ahead log.
@Suite struct ManyFactsTests {
    /// With slices that are small enough for several of them.
    private static let options: StoreOptions = {
        var options = FixedHistory.options
        options.factsPerSection = 65_536
        return options
    }()

    private static func event(_ number: Int, properties: String? = nil) -> UsageEvent {
        UsageEvent(
            id: .text("e\(number)"), subject: SubjectID(unchecked: "user\(number % 50)"),
            occurredAt: FixedHistory.now.advanced(byMilliseconds: Int64(number % 30) * -86_400_000),
            quantities: .one(.prompts, 1),
            details: properties.map { EventDetails(properties: $0) })
    }

    @Test func `commits between the steps of several slices keep every number right`() throws {
        let folder = TemporaryFolder()
        let disk = FaultyDisk(folder: folder.path)
        var store = try SQLiteStore(directory: folder.path, options: Self.options)
        try FixedHistory.prepare(store)
        let batches = 40, perBatch = 3_500
        for batch in 0..<batches {
            let numbers = batch * perBatch..<(batch + 1) * perBatch
            _ = try store.commit(numbers.map { .record(Self.event($0)) }, at: FixedHistory.now)
            // Far behind at first, and then catching up while commits go on.
            if batch > 22 { for _ in 0..<3 { _ = try store.project() } }
        }
        let repeated = [0, 65_536, 65_535, 70_000, 139_999].map { Command.record(Self.event($0)) }
        for _ in 0..<40 {
            for outcome in try store.commit(repeated, at: FixedHistory.now) {
                guard case .recorded(.duplicate) = outcome else {
                    Issue.record("expected a duplicate, got \(outcome)")
                    return
                }
            }
            for _ in 0..<5 { _ = try store.project() }
        }
        // As after a crash, in the middle of a slice.
        store = try Self.reopened(folder)
        #expect(disk.writes > 0)
        #expect(try used(store) == Array(repeating: 2_800, count: 50))
        let report = try store.verify()
        #expect(report.differences == [])
        #expect(report.events == batches * perBatch)
        try store.close()
    }

    @Test func `a slice that was replayed has all of its last batch`() throws {
        let folder = TemporaryFolder()
        var store = try SQLiteStore(directory: folder.path, options: Self.options)
        try FixedHistory.prepare(store)
        // What changes the catalog is projected with everything after it.
        while try store.project() {}
        let perBatch = 14_000
        for batch in 0..<6 {
            let numbers = batch * perBatch..<(batch + 1) * perBatch
            _ = try store.commit(numbers.map { .record(Self.event($0)) }, at: FixedHistory.now)
        }
        // As after a crash, and again when one slice is projected.
        let replayed = TemporaryFolder()
        try folder.copyDatabase(to: replayed)
        store = try SQLiteStore(directory: replayed.path, options: Self.options)
        while store.waitingFacts > 5 * perBatch { _ = try store.project() }
        store = try Self.reopened(replayed)
        #expect(store.waitingFacts > 0)
        #expect(try store.verify().differences == [])
        #expect(try used(store) == Array(repeating: 1_680, count: 50))
        try store.close()
    }

    /// The files as they are while the store is open; what goes on there later is not seen.
    private static func reopened(_ folder: TemporaryFolder) throws -> SQLiteStore {
        let copy = TemporaryFolder()
        try folder.copyDatabase(to: copy)
        return try SQLiteStore(directory: copy.path, options: options)
    }

    @Test func `the log is moved into the database while commits go on`() throws {
        let folder = TemporaryFolder()
        let store = try SQLiteStore(directory: folder.path, options: Self.options)
        try FixedHistory.prepare(store)
        let properties = "{\"text\":\"\(String(repeating: "x", count: 3_000))\"}"
        var largest = 0
        for batch in 0..<40 {
            let numbers = batch * 500..<(batch + 1) * 500
            _ = try store.commit(
                numbers.map { .record(Self.event($0, properties: properties)) },
                at: FixedHistory.now)
            while try store.project() {}
            let path = folder.path + "/meterstone.sqlite-wal"
            let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
            largest = max(largest, size ?? 0)
        }
        // 40 rounds write 180 MB and more.
        #expect(largest < 150_000_000)
        #expect(try store.verify().differences == [])
        #expect(try used(store) == Array(repeating: 400, count: 50))
        try store.close()
        let again = try SQLiteStore(directory: folder.path, options: Self.options)
        #expect(try again.verify().differences == [])
        try again.close()
    }

    @Test func `subjects that are only asked about do not fill memory`() throws {
        let folder = TemporaryFolder()
        var options = FixedHistory.options
        options.cachedSubjectsMax = 100
        let store = try SQLiteStore(directory: folder.path, options: options)
        try FixedHistory.prepare(store)
        while try store.project() {}
        for number in 0..<2_000 {
            _ = try store.commit([.check(Self.event(number))], at: FixedHistory.now)
            _ = try store.look(
                [.limits(SubjectID(unchecked: "x\(number)"))], at: FixedHistory.now)
            _ = try store.view(of: SubjectID(unchecked: "y\(number)"))
        }
        #expect(store.cachedSubjects <= 130)
        try store.close()
    }

    private func used(_ store: SQLiteStore) throws -> [Int64] {
        try (0..<50).map { number in
            let id = SubjectID(unchecked: "user\(number)")
            guard
                case .limits(let statuses)? = try store.look([.limits(id)], at: FixedHistory.now)
                    .first
            else { return -1 }
            return statuses.first { $0.window == .lifetime }?.used.units ?? -1
        }
    }
}
