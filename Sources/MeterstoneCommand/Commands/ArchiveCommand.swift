import ArgumentParser
import Foundation
import Meterstone
import MeterstoneArchive
import MeterstoneCore
import MeterstoneStore

/// `meterstone archive`.
struct ArchiveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "archive",
        abstract: "Write old events into files, and keep what numbers are made of.",
        discussion: """
            Example: meterstone archive --older-than 400d --to /archive. Texts leave the store once they are \
            written and read back; totals, limits, ledgers and reports stay as they are. Cut off, it is started \
            again. `meterstone compact` then gives room back.
            """,
        subcommands: [ArchiveWriteCommand.self, ArchiveCheckCommand.self, ArchiveReadCommand.self],
        defaultSubcommand: ArchiveWriteCommand.self)
}

/// `meterstone archive write`.
struct ArchiveWriteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "write", abstract: "Archive what occurred before a day.")

    @Option(help: ArgumentHelp("The folder of this store's archive.", valueName: "dir"))
    var to: String?

    @Flag(help: "Forget texts without writing them anywhere.")
    var forget = false

    @Option(
        help: ArgumentHelp("The UTC day from which on nothing is archived.", valueName: "date"),
        transform: { try ArgumentText.date($0) })
    var before: CivilDate?

    @Option(
        help: ArgumentHelp("Archive what is older than so many days: 400d.", valueName: "days"),
        transform: { try ArgumentText.days($0) })
    var olderThan: Int64?

    @OptionGroup var store: StoreArguments
    @OptionGroup var output: OutputArguments

    func run() async throws {
        let today = SystemClock.now().utcDay
        let day: Int64
        switch (before, olderThan) {
        case (let date?, nil): day = date.daysSince1970
        case (nil, let days?): day = today - days
        default: throw CommandFailure(.usage, "name --before or --older-than, and not both")
        }
        guard day <= today else {
            throw CommandFailure(
                .usage, "--before: \(CivilDate(daysSince1970: day)) is not over yet")
        }
        guard (to != nil) != forget else {
            throw CommandFailure(.usage, "name --to or --forget, and not both")
        }
        let (folder, isJSON) = (to.map { ArchiveFolder($0) }, output.json)
        let advice = "\(OpenStore.stopIt), or let it archive: METERSTONE_ARCHIVE"
        let counts = try await OpenStore.with(store, whileServed: advice) { engine in
            try await engine.flush()
            var (parts, events) = (0, 0)
            if let folder {
                try await folder.archive(engine, before: day) { part in
                    parts += 1
                    events += part.events
                    if !isJSON { Console.write("\(part.name): \(part.events) events") }
                }
            } else {
                events = try await Forgetting.texts(of: engine, before: day)
            }
            let all = try await engine.archiveLog()?.events ?? 0
            return (parts: parts, events: events, all: all)
        }
        guard !isJSON else {
            return Console.write(
                "{\"parts\":\(counts.parts),\"events\":\(counts.events),\"archived\":\(counts.all)}"
            )
        }
        let done = forget ? "events without texts now" : "events written"
        Console.write("\(counts.events) \(done); of \(counts.all) the store keeps what counts")
    }
}

/// `meterstone archive check`.
struct ArchiveCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Read an archive and tell what is not as it was written; exit code 1 then.")

    @Argument(help: ArgumentHelp("The folder of the archive.", valueName: "dir"))
    var folder: String

    @Flag(help: "Compare it with what the store noted, too: which files there have to be.")
    var withStore = false

    @OptionGroup var store: StoreArguments
    @OptionGroup var output: OutputArguments

    func run() async throws {
        let log: ArchiveLog? =
            withStore ? try await OpenStore.with(store) { try await $0.archiveLog() } : nil
        let found = try ArchiveFolder(folder).check(log)
        if output.json {
            Console.write(
                "{\"parts\":\(found.parts),\"events\":\(found.events),"
                    + "\"mistakes\":\(try Answers.json(found.mistakes))}")
        } else {
            for mistake in found.mistakes { Console.write(mistake) }
            let verdict = found.mistakes.isEmpty ? "all as they were written" : "damaged"
            Console.write("\(found.parts) parts, \(found.events) events: \(verdict)")
        }
        if !found.mistakes.isEmpty { throw ExitCode(ProgramExit.negative.rawValue) }
    }
}

/// `meterstone archive read`.
struct ArchiveReadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "read",
        abstract: "Print an archive's events as POST /v1/events takes them, one a line.",
        discussion: """
            To ask about them, put them into a store of their own: meterstone archive read /archive | \
            meterstone import - --format ndjson --data ./old. What was taken back is left out.
            """)

    @Argument(help: ArgumentHelp("The folder of the archive.", valueName: "dir"))
    var folder: String

    func run() async throws {
        var lines: [UInt8] = []
        try ArchiveFolder(folder).forEachEvent { line in
            lines += line
            guard lines.count >= 262_144 else { return }
            Console.write(lines)
            lines.removeAll(keepingCapacity: true)
        }
        if !lines.isEmpty { Console.write(lines) }
    }
}
