import ArgumentParser
import Dispatch
import Foundation
import Meterstone
import MeterstoneClient
import MeterstoneCore
import MeterstoneShipping
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
            let advice = "\(OpenStore.stopIt), or ask it for one: POST /v1/backups"
            try await OpenStore.with(store, for: .source, whileServed: advice) {
                try await $0.backup(to: to)
            }
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
        abstract: "Make a store of a backup, as it was at an instant, and verify it.",
        discussion: """
            Example: meterstone restore --from /backups --at 2026-11-20T14:03:00Z --data ./restored. It \
            begins with the newest whole backup that is not later, and carries out what was shipped after \
            it. Without --at it goes as far as it can. `meterstone restore /backups/2026-11-29T21-00-00.000Z \
            --data ./restored` takes one backup as it is. What it reads stays as it is. A folder that has \
            a store is left alone.
            """)

    @Argument(help: ArgumentHelp("The folder of one backup.", valueName: "backup"))
    var backup: String?

    @Option(
        help: ArgumentHelp(
            "Where whole backups are, and what was shipped.", valueName: "place"))
    var from: String?

    @Option(
        help: ArgumentHelp("The instant, with --from.", valueName: "time"),
        transform: { try ArgumentText.instant($0) })
    var at: Instant?

    @OptionGroup var store: StoreArguments

    func run() async throws {
        let settings = try store.settings()
        guard case .directory(let directory) = settings.location.value else {
            throw CommandFailure(
                .usage, "--store: a backup is restored into a folder; fill PostgreSQL with copy")
        }
        guard !FileManager.default.fileExists(atPath: directory + "/meterstone.sqlite") else {
            throw CommandFailure(.usage, "there is a store in '\(directory)' already")
        }
        var isCut = false
        switch (backup, from) {
        case (let backup?, nil):
            guard at == nil else {
                throw CommandFailure(.usage, "--at needs --from: one backup is of one instant")
            }
            try Self.copy(backup, to: directory)
        case (nil, let from?): isCut = try await restore(from, to: directory, settings)
        default: throw CommandFailure(.usage, "name the folder of one backup, or --from")
        }
        let report: VerifyReport
        do {
            report = try await StoreCheck.verify(directory, settings, becomes: .restored)
        } catch let error as StoreError where error.code == .corrupt {
            // Nobody is to serve what cannot be read, and the next backup finds an empty place. Whatever else
            // goes wrong, somebody may be using it already.
            for suffix in ["", "-wal", "-shm"] {
                try? FileManager.default.removeItem(
                    atPath: directory + "/meterstone.sqlite" + suffix)
            }
            throw error
        }
        try StoreCheck.tell(report, of: directory)
        if isCut { throw ExitCode(ProgramExit.negative.rawValue) }
    }

    /// - Returns: whether something that was shipped could not be read.
    private func restore(
        _ from: String, to directory: String, _ settings: Settings
    ) async throws -> Bool {
        guard let location = ShippingLocation(from) else {
            throw CommandFailure(.usage, "--from: expected \(ShippingLocation.expectation)")
        }
        let options = settings.storeOptions
        let restoration = Restoration(from: try settings.place(location)) { directory in
            try SQLiteStore(directory: directory, options: options, adoptsDefaultTimeZone: false)
        }
        let outcome = try await restoration.run(into: directory, at: at)
        for name in outcome.damaged {
            Console.note("the backup \(name) cannot be read: an older one was taken")
        }
        Console.write(outcome.text)
        guard let damaged = outcome.reached.damaged else { return false }
        Console.note(
            "'\(damaged)' is damaged: what it has after fact \(outcome.reached.sequence) is not restored"
        )
        return true
    }

    private static func copy(_ backup: String, to directory: String) throws {
        let (source, target) = (
            backup + "/meterstone.sqlite", directory + "/meterstone.sqlite"
        )
        guard FileManager.default.fileExists(atPath: source) else {
            throw CommandFailure(.usage, "there is no backup in '\(backup)'")
        }
        guard try WholeFile.isDatabase(source) else {
            throw CommandFailure(.badData, "'\(source)' is no store: the copy is damaged")
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
    }
}

extension Restoration.Outcome {
    /// `from the backup 2026-…Z and 81 shipped commits; the last is of 2026-11-20T14:02:59.871Z`
    fileprivate var text: String {
        let base = whole.map { "from the backup \($0)" } ?? "from the beginning"
        guard isShipped else {
            return "\(base) alone: nothing was shipped then, and what came after it is not here"
        }
        let last = reached.committedAt.map { "; the last is of \($0.rfc3339)" } ?? ""
        let missing = reached.missing.map {
            "\nfact \($0) and what follows it cannot be restored: it was not shipped"
        }
        return "\(base) and \(reached.batches) shipped commits\(last)" + (missing ?? "")
    }
}

/// Verifies a copy of a store.
enum StoreCheck {
    /// Takes minutes with a large store, on a thread of its own: a server goes on beside it.
    ///
    /// - Parameter role: what a store becomes that is shipped; `nil`: it stays what it is.
    static func verify(
        _ directory: String, _ settings: Settings, becomes role: StoreIdentity.Role? = nil
    ) async throws -> VerifyReport {
        let options = settings.storeOptions
        return try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "meterstone.verify", qos: .utility).async {
                continuation.resume(
                    with: Result {
                        let store = try SQLiteStore(
                            directory: directory, options: options, adoptsDefaultTimeZone: false)
                        defer { try? store.close() }
                        if let role { try store.become(role) }
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

extension SQLiteStore {
    /// Changes the role of a store that has shipped.
    fileprivate func become(_ role: StoreIdentity.Role) throws(StoreError) {
        var identity = try identity()
        guard identity.epoch > 0, identity.role != role else { return }
        identity.role = role
        try put(identity)
    }
}
