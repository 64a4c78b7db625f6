import ArgumentParser
import Foundation
import Meterstone
import MeterstoneAPI
import MeterstoneStore

/// `meterstone copy`.
struct CopyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy",
        abstract: "Copy a whole store into an empty one and compare all totals; exit code 1 when "
            + "they differ.",
        discussion: """
            What is copied is one snapshot. Stop servers first: one that owns an SQLite store holds \
            it locked, and what nodes record in PostgreSQL after the snapshot is not copied. The \
            target computes its counters anew from the copied events.
            """)

    @Option(
        help: ArgumentHelp("The store to copy, sqlite:DIR or postgres://….", valueName: "url"))
    var from: String

    @Option(
        help: ArgumentHelp(
            "The store to fill, which must be empty or not exist yet.", valueName: "url"))
    var to: String

    @Option(
        help: ArgumentHelp("A JSON file with settings (METERSTONE_CONFIG).", valueName: "file"))
    var config: String?

    @OptionGroup var output: OutputArguments

    func run() async throws {
        let settings = try await settings()
        let origin = (SettingOrigin.flag("--from"), SettingOrigin.flag("--to"))
        let places = (
            Setting(try StoreLocation(url: from, from: origin.0), origin.0),
            Setting(try StoreLocation(url: to, from: origin.1), origin.1)
        )
        guard places.0.value != places.1.value else {
            throw CommandFailure(.usage, "--from and --to name the same store")
        }
        let report = try Self.with(settings, places.0, for: .source) { source in
            guard try !StoreCopy.isEmpty(source) else {
                let message = "the store in '\(places.0.value)' has nothing to copy"
                throw CommandFailure(.usage, "\(origin.0): \(message)")
            }
            return try Self.with(settings, places.1, for: .mayCreate) { target in
                guard try StoreCopy.isEmpty(target) else {
                    let message = "the store in '\(places.1.value)' is not empty"
                    throw CommandFailure(.usage, "\(origin.1): \(message); nothing was copied")
                }
                return try StoreCopy.run(from: source, to: target)
            }
        }
        if output.json { Console.write(json: Self.json(report)) } else { Self.print(report) }
        if !report.isEqual { throw ExitCode(ProgramExit.negative.rawValue) }
    }

    /// Where other commands find their store does not matter here.
    private func settings() async throws -> Settings {
        var environment = ProcessInfo.processInfo.environment
        environment["METERSTONE_DATA"] = nil
        environment["METERSTONE_STORE"] = nil
        var flags = SettingFlags()
        flags.config = config
        return try await Settings(flags, environment: environment)
    }

    /// Opens, hands over, and closes also when `body` fails.
    private static func with<Answer>(
        _ settings: Settings, _ location: Setting<StoreLocation>, for purpose: OpenStore.Purpose,
        _ body: (any Store) throws -> Answer
    ) throws -> Answer {
        let store = try OpenStore.store(settings, at: location, for: purpose)
        let answer: Answer
        do {
            answer = try body(store)
        } catch {
            // The failure that led here is the one to report.
            try? store.close()
            throw error
        }
        try store.close()
        return answer
    }

    private static func print(_ report: CopyReport) {
        let compared =
            "\(report.subjects) subjects, \(report.events) events, \(report.counters) counters"
        guard !report.isEqual else { return Console.write("\(compared): equal") }
        Console.write("\(compared): \(report.differences.count) differ")
        Console.write(report.differences.table(expected: "source", found: "target"))
    }

    private static func json(_ report: CopyReport) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.name("subjects")
        writer.integer(Int64(report.subjects))
        writer.name("events")
        writer.integer(Int64(report.events))
        writer.name("counters")
        writer.integer(Int64(report.counters))
        writer.name("equal")
        writer.boolean(report.isEqual)
        writer.name("differences")
        report.differences.write(to: &writer, expected: "source", found: "target")
        writer.endObject()
        return writer.bytes
    }
}
