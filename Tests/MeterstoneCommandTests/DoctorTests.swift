import Foundation
import Meterstone
import MeterstoneArchive
import MeterstoneCommand
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What `meterstone doctor` finds, and what it says to do.
@Suite struct DoctorTests {
    private static let now = Instant(millisecondsSince1970: 1_796_000_000_000)

    private func findings(
        _ said: [String: String], at now: Instant = now
    ) async throws -> [String: Finding] {
        let doctor = Doctor(try Settings(said, environment: [:]), at: now)
        return Dictionary(
            await doctor.findings().map { ($0.thing, $0) }, uniquingKeysWith: { $1 })
    }

    private func makeStore(_ folder: String, at now: Instant = now) async throws {
        let engine = MeterstoneEngine(
            store: try SQLiteStore(directory: folder, options: StoreOptions()), clock: { now })
        let meter = Meter(key: MeterKey(unchecked: "calls"))
        _ = try await engine.change(ChangeRequest(change: .putMeter(meter), author: "test"))
        await engine.shutdown()
    }

    @Test func `a store in order has no problem`() async throws {
        try await withFolder { folder in
            try await makeStore(folder + "/store")
            let found = try await findings(["--data": folder + "/store"])
            let levels = found.mapValues(\.level)
            #expect(levels["store"] == .fine && levels["clock"] == .fine)
            #expect(levels["time zones"] == .fine && levels["folder"] != .problem)
            // Nobody makes backups: that is told, and no more.
            #expect(levels["backups"] == .warning)
        }
    }

    @Test func `a clock behind the store, and one that was never set`() async throws {
        try await withFolder { folder in
            let ahead = Self.now.advanced(byMilliseconds: 3_600_000)
            try await makeStore(folder + "/store", at: ahead)
            let found = try await findings(["--data": folder + "/store"])
            #expect(found["clock"]?.level == .problem)
            #expect(found["clock"]?.text.contains("\n         → set the clock") ?? false)
            let unset = try await findings(
                ["--data": folder + "/none"], at: Instant(millisecondsSince1970: 0))
            #expect(unset["clock"]?.level == .problem)
            #expect(unset["folder"]?.level == .warning && unset["store"] == nil)
        }
    }

    @Test func `backups that are too old, not there or not clean`() async throws {
        try await withFolder { folder in
            try await makeStore(folder + "/store")
            let said = ["--data": folder + "/store", "--backups": folder + "/backups"]
            #expect(try await findings(said)["backups"]?.level == .problem)
            func put(_ name: String) throws {
                let path = folder + "/backups/" + name
                try FileManager.default.createDirectory(
                    atPath: path, withIntermediateDirectories: true)
                try Data("x".utf8).write(to: URL(filePath: path + "/meterstone.sqlite"))
            }
            func name(_ hours: Int64) -> String {
                Self.now.advanced(byMilliseconds: -hours * 3_600_000).rfc3339
                    .replacing(":", with: "-")
            }
            try put(name(49))
            #expect(try await findings(said)["backups"]?.level == .problem)
            try put(name(47))
            #expect(try await findings(said)["backups"]?.level == .fine)
            try put(name(1) + ".unclean")
            #expect(try await findings(said)["backups"]?.level == .problem)
        }
    }

    @Test func `an archive that was never made, or not for days`() async throws {
        try await withFolder { folder in
            try await makeStore(folder + "/store")
            let said = ["--data": folder + "/store", "--archive": folder + "/archive"]
            #expect(try await findings(["--data": folder + "/store"])["archive"] == nil)
            #expect(try await findings(said)["archive"]?.level == .warning)
            let engine = MeterstoneEngine(
                store: try SQLiteStore(directory: folder + "/store", options: StoreOptions()),
                clock: { Self.now })
            try await ArchiveFolder(folder + "/archive").archive(engine, before: 19_000)
            await engine.shutdown()
            let day: Int64 = 86_400_000
            let fresh = try await findings(
                said, at: Self.now.advanced(byMilliseconds: 2 * day))["archive"]
            #expect(fresh?.level == .fine)
            #expect(
                fresh?.text.contains("0 events are archived, 0 files; the last run ended ") ?? false
            )
            let old = try await findings(
                said, at: Self.now.advanced(byMilliseconds: 2 * day + 1))["archive"]
            #expect(old?.level == .problem)
        }
    }

    @Test func `a file that is no store is a problem`() async throws {
        try await withFolder { folder in
            try FileManager.default.createDirectory(
                atPath: folder + "/store", withIntermediateDirectories: true)
            let bytes = Data(repeating: 7, count: 8_192)
            try bytes.write(to: URL(filePath: folder + "/store/meterstone.sqlite"))
            let found = try await findings(["--data": folder + "/store"])
            #expect(found["store"]?.level == .problem)
        }
    }
}
