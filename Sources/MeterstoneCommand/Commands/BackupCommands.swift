import ArgumentParser
import Dispatch
import Foundation
import Meterstone
import MeterstoneClient
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore

/// `meterstone backup`.
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy a whole store into a new folder, and verify the copy.",
        discussion: """
            Example: meterstone backup --to /backups/monday. A server makes its own: set \
            METERSTONE_BACKUPS, or ask it with POST /v1/backups. From PostgreSQL the copy is an SQLite \
            store.
            """)

    @Option(help: ArgumentHelp("The folder to make.", valueName: "dir"))
    var to: String

    @Flag(inversion: .prefixedNo, help: "Recompute every counter of the copy and compare.")
    var verify = true

    @OptionGroup var store: StoreArguments

    func run() async throws {
        guard !FileManager.default.fileExists(atPath: to) else {
            throw CommandFailure(.usage, "--to: '\(to)' is there already")
        }
        let settings = try store.settings()
        if case .postgres = settings.location.value {
            try Self.copy(settings, to: to)
        } else {
            try await OpenStore.with(store, for: .source) { try await $0.backup(to: to) }
        }
        guard verify else { return Console.write("\(to): not verified") }
        let report = try await StoreCheck.verify(to, settings)
        try StoreCheck.tell(report, of: to)
    }

    private static func copy(_ settings: Settings, to directory: String) throws {
        let source = try OpenStore.store(settings, at: settings.location, for: .source)
        defer { try? source.close() }
        let target = try SQLiteStore(directory: directory, options: settings.storeOptions)
        defer { try? target.close() }
        let report = try StoreCopy.run(from: source, to: target)
        guard report.isEqual else {
            throw CommandFailure(
                .badData, "\(directory): \(report.differences.count) differ from the database")
        }
    }
}

/// `meterstone restore`.
struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Make a store of a backup, and verify it.",
        discussion: """
            Example: meterstone restore /backups/2026-11-29T21-00-00.000Z --data ./meterstone-data. The \
            backup stays as it is. A folder that has a store is left alone.
            """)

    @Argument(help: ArgumentHelp("The folder of the backup.", valueName: "backup"))
    var backup: String

    @OptionGroup var store: StoreArguments

    func run() async throws {
        let settings = try store.settings()
        guard case .directory(let directory) = settings.location.value else {
            throw CommandFailure(
                .usage, "--store: a backup is restored into a folder; fill PostgreSQL with copy")
        }
        let (source, target) = (
            backup + "/meterstone.sqlite", directory + "/meterstone.sqlite"
        )
        guard FileManager.default.fileExists(atPath: source) else {
            throw CommandFailure(.usage, "there is no backup in '\(backup)'")
        }
        guard !FileManager.default.fileExists(atPath: target) else {
            throw CommandFailure(.usage, "there is a store in '\(directory)' already")
        }
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let partial = target + ".partial"
        try? FileManager.default.removeItem(atPath: partial)
        try FileManager.default.copyItem(atPath: source, toPath: partial)
        // What a look at the backup left in its log belongs to it.
        let log = source + "-wal"
        if FileManager.default.fileExists(atPath: log) {
            try FileManager.default.copyItem(atPath: log, toPath: target + "-wal")
        }
        try FileManager.default.moveItem(atPath: partial, toPath: target)
        let report = try await StoreCheck.verify(directory, settings)
        try StoreCheck.tell(report, of: directory)
    }
}

/// Verifies a copy of a store.
enum StoreCheck {
    /// Takes minutes with a large store, on a thread of its own: a server goes on beside it.
    static func verify(_ directory: String, _ settings: Settings) async throws -> VerifyReport {
        let options = settings.storeOptions
        return try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "meterstone.verify", qos: .utility).async {
                continuation.resume(
                    with: Result {
                        let store = try SQLiteStore(
                            directory: directory, options: options, adoptsDefaultTimeZone: false)
                        defer { try? store.close() }
                        return try store.verify()
                    })
            }
        }
    }

    static func tell(_ report: VerifyReport, of directory: String) throws {
        let checked = "\(directory): \(report.events) events, \(report.counters) counters"
        guard report.isClean else {
            Console.write("\(checked): \(report.differences.count) differ")
            throw ExitCode(ProgramExit.negative.rawValue)
        }
        Console.write("\(checked): all as the events say")
    }
}
