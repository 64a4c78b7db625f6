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

    @Option(help: .of(\.config)) var config: String?

    @OptionGroup var output: OutputArguments

    func run() async throws {
        let settings = try settings()
        let places = (try Self.place(from, "--from"), try Self.place(to, "--to"))
        guard places.0.value != places.1.value else {
            throw CommandFailure(.usage, "--from and --to name the same store")
        }
        let report = try Self.with(settings, places.0, for: .source) { source in
            guard try !StoreCopy.isEmpty(source) else {
                let message = "the store in '\(places.0.value)' has nothing to copy"
                throw CommandFailure(.usage, "\(places.0.origin): \(message)")
            }
            return try Self.with(settings, places.1, for: .mayCreate) { target in
                guard try StoreCopy.isEmpty(target) else {
                    let message = "the store in '\(places.1.value)' is not empty"
                    throw CommandFailure(
                        .usage, "\(places.1.origin): \(message); nothing was copied")
                }
                return try StoreCopy.run(from: source, to: target)
            }
        }
        if output.json { Console.write(json: Self.json(report)) } else { Self.print(report) }
        if !report.isEqual { throw ExitCode(ProgramExit.negative.rawValue) }
    }

    /// Where other commands find their store does not matter here.
    private func settings() throws -> Settings {
        let table = SettingTable.shared
        let elsewhere = table.data.facts.variables + table.store.facts.variables
        let environment = ProcessInfo.processInfo.environment.filter {
            !elsewhere.contains($0.key)
        }
        let flags = config.map { [table.config.facts.flag: $0] } ?? [:]
        return try Settings(flags, environment: environment)
    }

    private static func place(_ url: String, _ flag: String) throws -> Setting<StoreLocation> {
        guard let location = StoreLocation(url: url) else {
            throw CommandFailure(.usage, "\(flag): expected \(StoreLocation.expectation)")
        }
        return Setting(location, .flag(flag))
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
