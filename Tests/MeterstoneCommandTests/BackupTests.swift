import Foundation
import Logging
import Meterstone
import MeterstoneCommand
import MeterstoneCore
import MeterstoneServer
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// A backup is the store of one instant, whatever goes on meanwhile.
@Suite struct BackupTests {
    private static let calls = MeterKey(unchecked: "calls")
    private static let ann = SubjectID(unchecked: "ann")

    private func engine(
        _ folder: String, _ clock: ManualClock
    ) async throws -> MeterstoneEngine {
        let engine = MeterstoneEngine(
            store: try SQLiteStore(directory: folder, options: StoreOptions()),
            clock: { clock.now })
        _ = try await engine.change(
            ChangeRequest(change: .putMeter(Meter(key: Self.calls)), author: "test"))
        return engine
    }

    private func record(_ count: Int, _ engine: MeterstoneEngine) async throws {
        let event = UsageEvent(subject: Self.ann, quantities: .one(Self.calls, 1))
        _ = try await engine.record(Array(repeating: event, count: count))
    }

    private func verify(_ folder: String) throws -> VerifyReport {
        let store = try SQLiteStore(directory: folder, options: StoreOptions())
        defer { try? store.close() }
        return try store.verify()
    }

    @Test func `what was answered before is in it, and what comes while it is made does no harm`()
        async throws
    {
        try await withFolder { folder in
            let engine = try await engine(folder + "/store", ManualClock())
            try await record(500, engine)
            async let made: Void = engine.backup(to: folder + "/backup")
            for _ in 0..<20 { try await record(10, engine) }
            try await made
            let report = try verify(folder + "/backup")
            #expect(report.isClean)
            #expect((500...700).contains(report.events) && report.events % 10 == 0)
            // It is not written over, and nothing half-made is left.
            await #expect(throws: StoreError.self) {
                try await engine.backup(to: folder + "/backup")
            }
            let files = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(files.sorted() == ["backup", "store"])
            await engine.shutdown()
        }
    }

    @Test func `a folder keeps the newest ones, and what is not a backup is left alone`()
        async throws
    {
        try await withFolder { folder in
            let clock = ManualClock()
            let engine = try await engine(folder + "/store", clock)
            let backups = BackupFolder(
                engine, directory: folder + "/backups", kept: 2, clock: { clock.now }
            ) { try verify($0) }
            try FileManager.default.createDirectory(
                atPath: folder + "/backups/notes", withIntermediateDirectories: true)
            var names: [String] = []
            for _ in 0..<4 {
                names.append(try await backups.make().name)
                clock.set(clock.now.advanced(byMilliseconds: 3_600_000))
            }
            #expect(try await backups.all().map(\.name) == Array(names.reversed().prefix(2)))
            let left = try FileManager.default.contentsOfDirectory(atPath: folder + "/backups")
            #expect(Set(left) == Set(names.suffix(2) + ["notes", "store"]))
            // The clock was ahead, and goes back: what was made just now stays, whatever its name.
            clock.set(clock.now.advanced(byMilliseconds: -86_400_000))
            let back = try await backups.make().name
            #expect(try await backups.all().map(\.name) == [names[3], back])
            await engine.shutdown()
        }
    }

    @Test func `a folder has the backups of one store, and of copies that were restored`()
        async throws
    {
        try await withFolder { folder in
            let clock = ManualClock()
            func backups(of name: String) async throws -> (MeterstoneEngine, BackupFolder) {
                let engine = try await engine(folder + "/" + name, clock)
                return (
                    engine,
                    BackupFolder(
                        engine, directory: folder + "/backups", kept: 1, clock: { clock.now }
                    ) { try verify($0) }
                )
            }
            let (one, own) = try await backups(of: "one")
            let (two, other) = try await backups(of: "two")
            let first = try await own.make()
            await #expect(throws: StoreError.self) { try await other.make() }
            await #expect(throws: StoreError.self) { try await other.claim() }
            #expect(try await own.all() == [first])
            try FileManager.default.copyItem(
                atPath: folder + "/backups/" + first.name, toPath: folder + "/three")
            let (three, restored) = try await backups(of: "three")
            try await restored.claim()
            for engine in [one, two, three] { await engine.shutdown() }
        }
    }

    @Test func `a backup is made when the newest is too old, and not before`() async throws {
        try await withFolder { folder in
            let clock = ManualClock()
            let engine = try await engine(folder + "/store", clock)
            let backups = BackupFolder(
                engine, directory: folder + "/backups", kept: 9, clock: { clock.now }
            ) { try verify($0) }
            let watch = BackupWatch(
                backups, hours: 24,
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
            let looks: [(Int, BackupWatch.Outcome)] = [
                (0, .made), (0, .notDue), (23, .notDue), (1, .made), (1, .notDue),
            ]
            for (hours, outcome) in looks {
                clock.set(clock.now.advanced(byMilliseconds: Int64(hours) * 3_600_000))
                #expect(await watch.makeIfDue(at: clock.now) == outcome)
            }
            #expect(try await backups.all().count == 2)
            // The clock was a year ahead.
            clock.set(clock.now.advanced(byMilliseconds: -365 * 86_400_000))
            #expect(await watch.makeIfDue(at: clock.now) == .made)
            #expect(await watch.makeIfDue(at: clock.now) == .notDue)
            await engine.shutdown()
        }
    }

    @Test func `a copy that does not verify is not taken for a backup`() async throws {
        try await withFolder { folder in
            let clock = ManualClock()
            let engine = try await engine(folder + "/store", clock)
            let wrong = VerifyDifference(what: "calls", expected: "1", found: "2")
            let backups = BackupFolder(
                engine, directory: folder + "/backups", kept: 2, clock: { clock.now }
            ) { _ in
                VerifyReport(events: 1, counters: 1, differences: [wrong])
            }
            let left = folder + "/backups/2026-01-01T00-00-00.000Z.partial"
            try FileManager.default.createDirectory(
                atPath: left, withIntermediateDirectories: true)
            for _ in 0..<3 {
                await #expect(throws: StoreError.self) { try await backups.make() }
                clock.advance(bySeconds: 60)
            }
            #expect(try await backups.all() == [])
            // They do not fill the disk: one is kept to look at.
            let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/backups")
            #expect(Set(names) == ["2026-03-10T12-02-00.000Z.unclean", "store"])
            await engine.shutdown()
        }
    }

    @Test func `the program makes a backup, restores it, and leaves what is there alone`()
        async throws
    {
        try await withFolder { folder in
            let data = ["--data", folder + "/data"]
            _ = try await Program.run(["meters", "put", "calls"] + data)
            _ = try await Program.run(["record", "ann", "calls=3", "--id", "e"] + data)
            let backup = try await Program.run(["backup", "--to", folder + "/backup"] + data)
            #expect(backup.status == 0 && backup.output.contains("1 events"))
            let again = try await Program.run(["backup", "--to", folder + "/backup"] + data)
            #expect(again.status == 64)
            let elsewhere = ["--data", folder + "/restored"]
            let restored = try await Program.run(["restore", folder + "/backup"] + elsewhere)
            #expect(restored.status == 0 && restored.output.contains("all as the events say"))
            let usage = try await Program.run(
                ["usage", "ann", "calls", "--window", "lifetime"] + elsewhere)
            #expect(usage.output.contains("3"))
            #expect(try await Program.run(["restore", folder + "/backup"] + data).status == 64)
            // What cannot be read is not left for somebody to serve.
            let damaged = folder + "/backup/meterstone.sqlite"
            var bytes = try Data(contentsOf: URL(fileURLWithPath: damaged))
            bytes.replaceSubrange(4_096..<bytes.count, with: Data(count: bytes.count - 4_096))
            try bytes.write(to: URL(fileURLWithPath: damaged))
            let third = folder + "/third"
            let empty = folder + "/empty"
            try FileManager.default.createDirectory(
                atPath: empty, withIntermediateDirectories: true)
            try Data().write(to: URL(fileURLWithPath: empty + "/meterstone.sqlite"))
            let nothing = try await Program.run(["restore", empty, "--data", third])
            #expect(nothing.status == 65 && nothing.errors.contains("is no store"))
            let place = folder + "/place"
            try FileManager.default.createDirectory(
                atPath: place, withIntermediateDirectories: true)
            try FileManager.default.moveItem(
                atPath: empty, toPath: place + "/2026-03-10T12-00-00.000Z")
            let newest = try await Program.run(["restore", "--from", place, "--data", third])
            #expect(newest.status == 65 && newest.errors.contains("2026-03-10T12-00-00.000Z"))
            for _ in 1...2 {
                let broken = try await Program.run(
                    ["restore", folder + "/backup", "--data", third])
                #expect(broken.status == 65)
                let left = try FileManager.default.contentsOfDirectory(atPath: third)
                #expect(left.filter { $0.hasPrefix("meterstone.sqlite") } == [])
            }
            #expect(
                try await Program.run(
                    ["restore", folder + "/nowhere"] + ["--data", folder + "/x"]
                )
                .status == 64)
        }
    }
}
