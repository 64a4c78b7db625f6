import Foundation
import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Promise 2: what was answered is on disk, whatever the disk does.
@Suite struct FaultyDiskTests {
    private static let undisturbed: (writes: Int, syncs: Int) = {
        let folder = TemporaryFolder()
        let disk = FaultyDisk(folder: folder.path)
        guard let store = try? SQLiteStore(directory: folder.path, options: FixedHistory.options)
        else { return (0, 0) }
        try? FixedHistory.prepare(store)
        disk.recover()
        var history = FixedHistory()
        history.run(store)
        return (disk.writes, disk.syncs)
    }()

    @Test func `the history writes and syncs enough to be worth disturbing`() {
        #expect(Self.undisturbed.writes > 100)
        #expect(Self.undisturbed.syncs >= FixedHistory.batches)
    }

    @Test(arguments: [FaultyDisk.Fault.full, .writeError, .tornWrite])
    func `a failed write does nothing and serving goes on`(fault: FaultyDisk.Fault) throws {
        for write in stride(from: 1, through: Self.undisturbed.writes, by: 11) {
            let comment: Comment = "\(fault) at write \(write)"
            let folder = TemporaryFolder()
            let disk = FaultyDisk(folder: folder.path)
            let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
            try FixedHistory.prepare(store)
            disk.failWrites(from: write, count: 3, fault)
            var history = FixedHistory()
            history.run(store)
            #expect(
                Set(history.errors) == [fault == .full ? .diskFull : .inputOutput], comment)
            #expect(history.unknown == [], comment)
            disk.recover()
            try history.check(store, comment)
            // Space is back: what was refused can be done now, and what was done is not done again.
            var again = FixedHistory()
            again.run(store)
            #expect(again.errors == [], comment)
            try again.check(store, comment)
            try store.close()
            try again.check(
                try SQLiteStore(directory: folder.path, options: FixedHistory.options), comment)
        }
    }

    @Test func `a disk that stays full refuses every write and keeps what was answered`() throws {
        let folder = TemporaryFolder()
        let disk = FaultyDisk(folder: folder.path)
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        try FixedHistory.prepare(store)
        disk.failWrites(from: 40, .full)
        var history = FixedHistory()
        history.run(store)
        #expect(!history.answered.isEmpty && !history.refused.isEmpty)
        #expect(Set(history.errors) == [.diskFull])
        let status = try store.look(
            [.limits(SubjectID(unchecked: "user0"))], at: FixedHistory.now)
        #expect(status.count == 1)
        disk.recover()
        try history.check(store, "a full disk")
    }

    @Test func `after a failed sync nobody knows, and nothing more is written`() throws {
        for sync in stride(from: 1, through: Self.undisturbed.syncs, by: 2) {
            let comment: Comment = "failed sync \(sync)"
            let folder = TemporaryFolder()
            let disk = FaultyDisk(folder: folder.path)
            let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
            try FixedHistory.prepare(store)
            disk.failSyncs(from: sync, count: 1, .syncError)
            var history = FixedHistory()
            history.run(store)
            #expect(history.errors.first == .outcomeUnknown, comment)
            #expect(history.errors.dropFirst().allSatisfy { $0 == .halted }, comment)
            let writes = disk.writes
            #expect(throws: StoreError.self) {
                try store.commit(FixedHistory.commands(ofBatch: 0), at: FixedHistory.now)
            }
            #expect(throws: StoreError.self) { try store.verify() }
            #expect(throws: StoreError.self) { try store.rebuild() }
            #expect(throws: StoreError.self) { try store.view(of: nil) }
            try store.close()
            #expect(disk.writes == writes, comment)
            let copy = TemporaryFolder()
            try folder.copyDatabase(to: copy)
            try history.check(
                try SQLiteStore(directory: copy.path, options: FixedHistory.options), comment)
        }
    }

    @Test(arguments: [0, 50, 100])
    func `power lost at any sync loses nothing that was answered`(kept: Int) throws {
        // Each share takes another third of the boundaries, and together they take all.
        for sync in stride(from: 1 + kept / 50, through: Self.undisturbed.syncs, by: 3) {
            let comment: Comment = "power lost at sync \(sync), \(kept) % of the rest kept"
            let folder = TemporaryFolder()
            let disk = FaultyDisk(folder: folder.path, remembersSyncs: true)
            let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
            try FixedHistory.prepare(store)
            disk.failSyncs(from: sync, .powerLoss)
            var history = FixedHistory()
            history.run(store)
            #expect(history.errors.first == .outcomeUnknown, comment)
            let copy = TemporaryFolder()
            try disk.restore(to: copy.path, keepingUnsynced: kept, seed: UInt64(sync))
            try history.check(
                try SQLiteStore(directory: copy.path, options: FixedHistory.options), comment)
        }
    }

    @Test func `a sync that fails while closing loses nothing`() throws {
        for sync in 1... {
            let comment: Comment = "failed sync \(sync) of closing"
            let folder = TemporaryFolder()
            let disk = FaultyDisk(folder: folder.path, remembersSyncs: true)
            let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
            try FixedHistory.prepare(store)
            var history = FixedHistory()
            history.run(store)
            _ = try store.commit(FixedHistory.commands(ofBatch: 5), at: FixedHistory.now)
            disk.failSyncs(from: sync, .powerLoss)
            do {
                try store.close()
                // Closing needs no more syncs than that.
                #expect(sync > 2)
                return
            } catch {
                #expect(error.code == .outcomeUnknown || error.code == .halted, comment)
            }
            let copy = TemporaryFolder()
            try disk.restore(to: copy.path, keepingUnsynced: 50, seed: UInt64(sync))
            try history.check(
                try SQLiteStore(directory: copy.path, options: FixedHistory.options), comment)
        }
    }

    @Test func `an engine halts after a failed sync and says so`() async throws {
        let folder = TemporaryFolder()
        let disk = FaultyDisk(folder: folder.path)
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        try FixedHistory.prepare(store)
        let engine = MeterstoneEngine(store: store, clock: { FixedHistory.now })
        let event = UsageEvent(
            id: EventID("one"), subject: SubjectID(unchecked: "ada"),
            quantities: .one(.prompts, 1))
        disk.failSyncs(from: 1, .syncError)
        await #expect(
            performing: { _ = try await engine.consume(event) },
            throws: {
                ($0 as? StoreError)?.code == .outcomeUnknown
            })
        guard case .halted = engine.state else {
            Issue.record("expected a halted engine, got \(engine.state)")
            return
        }
        await #expect(
            performing: { _ = try await engine.consume(event) },
            throws: {
                ($0 as? StoreError)?.code == .halted
            })
        await engine.shutdown()
    }

    @Test func `an engine halts when a rebuild meets a failed sync`() async throws {
        let folder = TemporaryFolder()
        let disk = FaultyDisk(folder: folder.path)
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        try FixedHistory.prepare(store)
        while try store.project() {}
        let engine = MeterstoneEngine(store: store, clock: { FixedHistory.now })
        disk.failSyncs(from: 1, .syncError)
        await #expect(
            performing: { _ = try await engine.rebuild() },
            throws: {
                ($0 as? StoreError)?.code == .outcomeUnknown
            })
        guard case .halted = engine.state else {
            Issue.record("expected a halted engine, got \(engine.state)")
            return
        }
        await #expect(
            performing: { _ = try await engine.verify() },
            throws: {
                ($0 as? StoreError)?.code == .halted
            })
        await engine.shutdown()
    }

    @Test func `projecting on request needs no sync and the next commit halts when one fails`()
        async throws
    {
        let folder = TemporaryFolder()
        let disk = FaultyDisk(folder: folder.path)
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        try FixedHistory.prepare(store)
        let engine = MeterstoneEngine(store: store, clock: { FixedHistory.now })
        disk.failSyncs(from: 1, .syncError)
        try await engine.flush()
        #expect(disk.syncs == 0)
        let event = UsageEvent(
            id: EventID("one"), subject: SubjectID(unchecked: "ada"),
            quantities: .one(.prompts, 1))
        await #expect(
            performing: { _ = try await engine.consume(event) },
            throws: {
                ($0 as? StoreError)?.code == .outcomeUnknown
            })
        guard case .halted = engine.state else {
            Issue.record("expected a halted engine, got \(engine.state)")
            return
        }
        await engine.shutdown()
    }

    @Test func `a full disk is told to everyone and serving goes on`() async throws {
        let folder = TemporaryFolder()
        let disk = FaultyDisk(folder: folder.path)
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        try FixedHistory.prepare(store)
        let engine = MeterstoneEngine(store: store, clock: { FixedHistory.now })
        disk.failWrites(from: 1, .full)
        let refused = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<50 {
                group.addTask {
                    let event = UsageEvent(
                        id: EventID("e\(number)"), subject: SubjectID(unchecked: "ada"),
                        quantities: .one(.prompts, 1))
                    do throws(StoreError) {
                        _ = try await engine.consume(event)
                        return false
                    } catch {
                        return error.code == .diskFull
                    }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(refused == 50)
        disk.recover()
        let statuses = try await engine.limits(of: SubjectID(unchecked: "ada"))
        #expect(statuses.allSatisfy { $0.used == 0 })
        let event = UsageEvent(
            id: EventID("e1"), subject: SubjectID(unchecked: "ada"), quantities: .one(.prompts, 1))
        guard case .decided(let decision) = try await engine.consume(event) else {
            Issue.record("expected a decision")
            return
        }
        #expect(decision.isAllowed && !decision.isDuplicate)
        #expect(try await engine.verify().differences == [])
        await engine.shutdown()
    }
}

extension TemporaryFolder {
    /// How long a file is; 0 where there is none.
    func bytes(of name: String) throws -> Int {
        let file = "\(path)/\(name)"
        guard FileManager.default.fileExists(atPath: file) else { return 0 }
        return try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int ?? 0
    }
}
