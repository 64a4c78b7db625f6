import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Promise: no commit waits long for a step of projection, and no step needs a sync.
@Suite struct ProjectionStepTests {
    private static func events(_ numbers: Range<Int>, subjects: Int) -> [Command] {
        numbers.map { number in
            .record(
                UsageEvent(
                    id: .text("e\(number)"),
                    subject: SubjectID(unchecked: "user\(number &* 7_919 % subjects)"),
                    occurredAt: FixedHistory.now, quantities: .one(.prompts, 1)))
        }
    }

    /// One for each subject, which expires later than that of the subject before.
    private static func reservations(_ subjects: Range<Int>) -> [Command] {
        subjects.map { number in
            .reserve(
                UsageEvent(
                    id: .text("r\(number)"), subject: SubjectID(unchecked: "user\(number)"),
                    occurredAt: FixedHistory.now, quantities: .one(.prompts, 1)),
                ReservationTerms(milliseconds: Int64(60_000 + number)))
        }
    }

    @Test func `no step writes more than its share where every subject has a reservation`() throws {
        let folder = TemporaryFolder()
        let disk = FaultyDisk(folder: folder.path)
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        try FixedHistory.prepare(store)
        _ = try store.commit(Self.events(0..<6_000, subjects: 6_000), at: FixedHistory.now)
        while try store.project() {}
        // 4,000 of them are new.
        _ = try store.commit(Self.reservations(2_000..<10_000), at: FixedHistory.now)
        disk.recover()
        var writes = 0
        var most = 0
        while try store.project() {
            most = max(most, disk.writes - writes)
            writes = disk.writes
        }
        #expect(most < 2 * 1_100)
        let due = try store.subjectsDue(
            at: FixedHistory.now.advanced(byMilliseconds: 60_000 + 4_000), count: 10_000)
        #expect(due.count == 2_001)
        #expect(try store.verify().differences == [])
        try store.close()
    }

    @Test func `subjects are counted once while they are being projected`() throws {
        let folder = TemporaryFolder()
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        try FixedHistory.prepare(store)
        // One of those who come is there already, and so is a team.
        let before = try store.subjectTotal() - 1
        #expect(before == 1)
        _ = try store.commit(Self.events(0..<3_000, subjects: 3_000), at: FixedHistory.now)
        while try store.project() { #expect(try store.subjectTotal() == before + 3_000) }
        _ = try store.commit(Self.reservations(2_000..<5_000), at: FixedHistory.now)
        var steps = 0
        while try store.project() {
            // What comes while a round is under way is not in it.
            let new = Self.events(5_000 + steps..<5_001 + steps, subjects: 1_000_000)
            _ = try store.commit(new, at: FixedHistory.now)
            steps += 1
            #expect(try store.subjectTotal() == before + 5_000 + steps)
            if steps > 40 { break }
        }
        #expect(steps > 3)
        try store.close()
        let again = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        #expect(try again.subjectTotal() == before + 5_000 + steps)
        try again.close()
    }

    /// An event makes a row that only says a number, and those are written before rows that changed.
    @Test func `who comes with the key of somebody who is erased meanwhile stays`() throws {
        let folder = TemporaryFolder()
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        try FixedHistory.prepare(store)
        _ = try store.commit(Self.events(2..<3, subjects: 1_000_000), at: FixedHistory.now)
        let key = SubjectID(unchecked: "user\(2 * 7_919)")
        while try store.project() {}
        let erasure = Change.eraseSubject(key, Erasure(key: SubjectID(unchecked: "erased-1")))
        let again = UsageEvent(
            id: .text("again"), subject: key, occurredAt: FixedHistory.now,
            quantities: .one(.prompts, 1))
        _ = try store.commit(
            [.change(ChangeRequest(change: erasure, author: "test")), .record(again)],
            at: FixedHistory.now)
        let before = try store.subjects(after: nil, count: 10).map(\.profile.id)
        #expect(before.contains(key) && before.count == 4)
        while try store.project() {
            #expect(try store.subjects(after: nil, count: 10).map(\.profile.id) == before)
        }
        #expect(try store.subjects(after: nil, count: 10).map(\.profile.id) == before)
        #expect(try store.verify().differences == [])
        try store.close()
    }

    /// The row that an erasure leaves under a key has a greater number than whoever is renamed to it.
    @Test func `who is renamed to the key of somebody who is erased meanwhile stays`() throws {
        let folder = TemporaryFolder()
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        try FixedHistory.prepare(store)
        _ = try store.commit(Self.events(2..<4, subjects: 1_000_000), at: FixedHistory.now)
        let keys = [2, 3].map { SubjectID(unchecked: "user\($0 * 7_919)") }
        while try store.project() {}
        let changes: [Change] = [
            .eraseSubject(keys[0], Erasure(key: SubjectID(unchecked: "erased-1"))),
            .renameSubject(keys[1], to: keys[0]),
        ]
        _ = try store.commit(
            changes.map { .change(ChangeRequest(change: $0, author: "test")) },
            at: FixedHistory.now)
        let before = try store.subjects(after: nil, count: 10).map(\.profile.id)
        #expect(before.contains(keys[0]))
        while try store.project() {}
        #expect(try store.subjects(after: nil, count: 10).map(\.profile.id) == before)
        #expect(try store.verify().differences == [])
        try store.close()
    }

    @Test func `power lost in the middle of a projection loses no reservation`() throws {
        for steps in stride(from: 0, to: 30, by: 3) {
            let comment: Comment = "after \(steps) steps"
            let folder = TemporaryFolder()
            let disk = FaultyDisk(folder: folder.path, remembersSyncs: true)
            let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
            try FixedHistory.prepare(store)
            _ = try store.commit(Self.reservations(0..<600), at: FixedHistory.now)
            while try store.project() {}
            // The first two hundred are closed by time, and reserve again.
            let later = FixedHistory.now.advanced(byMilliseconds: 60_200)
            _ = try store.commit(
                (0..<200).map { .expire(SubjectID(unchecked: "user\($0)")) }
                    + Self.reservations(600..<900), at: later)
            for _ in 0..<steps { _ = try store.project() }
            disk.failSyncs(from: 1, .powerLoss)
            #expect(throws: StoreError.self, comment) {
                try store.commit(Self.reservations(900..<901), at: later)
            }
            let copy = TemporaryFolder()
            try disk.restore(to: copy.path, keepingUnsynced: 100, seed: UInt64(steps))
            let again = try SQLiteStore(directory: copy.path, options: FixedHistory.options)
            while try again.project() {}
            let due = try again.subjectsDue(
                at: FixedHistory.now.advanced(byMilliseconds: 60_300), count: 1_000)
            #expect(due.count == 101, comment)
            #expect(try again.verify().differences == [], comment)
            try again.close()
        }
    }

    @Test func `no step writes more than its share and none is synced`() throws {
        let folder = TemporaryFolder()
        let disk = FaultyDisk(folder: folder.path)
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        try FixedHistory.prepare(store)
        // Some of them alone, the others in one large commit; every subject is new.
        for number in 0..<500 {
            _ = try store.commit(
                Self.events(number..<number + 1, subjects: 20_000), at: FixedHistory.now)
        }
        _ = try store.commit(Self.events(500..<20_000, subjects: 20_000), at: FixedHistory.now)
        disk.recover()
        var writes = 0
        var most = 0
        var steps = 0
        var owed = store.owedFacts
        #expect(owed == store.waitingFacts && owed > 20_000)
        while try store.project() {
            most = max(most, disk.writes - writes)
            writes = disk.writes
            steps += 1
            #expect(store.owedFacts <= owed)
            owed = store.owedFacts
        }
        #expect(steps > 200)
        // A frame of the log is two writes.
        #expect(most < 2 * 1_100)
        #expect(disk.syncs == 0)
        #expect(store.owedFacts == 0)
        #expect(try store.verify().differences == [])
        try store.close()
    }

    @Test(arguments: [0, 30, 60, 100])
    func `power lost in the middle of a projection loses nothing`(kept: Int) throws {
        for steps in stride(from: 0, to: 30, by: 4) {
            let comment: Comment = "after \(steps) steps, \(kept) % of the rest kept"
            let folder = TemporaryFolder()
            let disk = FaultyDisk(folder: folder.path, remembersSyncs: true)
            let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
            try FixedHistory.prepare(store)
            _ = try store.commit(Self.events(0..<1_000, subjects: 300), at: FixedHistory.now)
            for _ in 0..<steps { _ = try store.project() }
            disk.failSyncs(from: 1, .powerLoss)
            #expect(throws: StoreError.self, comment) {
                try store.commit(Self.events(1_000..<1_001, subjects: 1), at: FixedHistory.now)
            }
            let copy = TemporaryFolder()
            try disk.restore(to: copy.path, keepingUnsynced: kept, seed: UInt64(steps))
            let again = try SQLiteStore(directory: copy.path, options: FixedHistory.options)
            let repeated = try again.commit(
                Self.events(0..<1_000, subjects: 300), at: FixedHistory.now)
            #expect(
                repeated.allSatisfy {
                    guard case .recorded(.duplicate) = $0 else { return false }
                    return true
                }, comment)
            #expect(try again.verify().differences == [], comment)
            try again.close()
        }
    }

    @Test func `the log stays below its bound when nothing but commits happens`() throws {
        let folder = TemporaryFolder()
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        try FixedHistory.prepare(store)
        let properties = "{\"text\":\"\(String(repeating: "x", count: 3_000))\"}"
        var largest = 0
        // 300 MB and more in 1,000 commits.
        for commit in 0..<1_000 {
            let commands = (0..<100).map { number in
                Command.record(
                    UsageEvent(
                        id: .text("e\(commit)-\(number)"), subject: SubjectID(unchecked: "ada"),
                        occurredAt: FixedHistory.now, quantities: .one(.prompts, 1),
                        details: EventDetails(properties: properties)))
            }
            _ = try store.commit(commands, at: FixedHistory.now)
            largest = max(largest, try folder.bytes(of: "meterstone.sqlite-wal"))
        }
        #expect(largest < 200_000_000)
        try store.close()
    }
}
