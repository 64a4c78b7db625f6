import ArgumentParser
import Meterstone
import MeterstoneAPI
import MeterstoneStore

/// `meterstone verify`.
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Recompute every counter from the events and tell what differs; exit code 1 then."
    )

    @OptionGroup var store: StoreArguments
    @OptionGroup var output: OutputArguments

    func run() async throws {
        let report = try await OpenStore.with(store) { try await $0.verify() }
        if output.json { Console.write(json: Self.json(report)) } else { Self.print(report) }
        if !report.isClean { throw ExitCode(ProgramExit.negative.rawValue) }
    }

    private static func print(_ report: VerifyReport) {
        let archived = report.archived == 0 ? "" : ", \(report.archived) archived"
        let checked = "\(report.events) events\(archived), \(report.counters) counters"
        guard !report.isClean else { return Console.write("\(checked): all as the events say") }
        Console.write("\(checked): \(report.differences.count) differ")
        Console.write(report.differences.table(expected: "expected", found: "found"))
    }

    private static func json(_ report: VerifyReport) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.name("events")
        writer.integer(Int64(report.events))
        writer.name("counters")
        writer.integer(Int64(report.counters))
        writer.name("archived")
        writer.integer(Int64(report.archived))
        writer.name("clean")
        writer.boolean(report.isClean)
        writer.name("differences")
        report.differences.write(to: &writer, expected: "expected", found: "found")
        writer.endObject()
        return writer.bytes
    }
}

/// `meterstone compact`.
struct CompactCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compact",
        abstract: "Take what was erased out of the store's files, and give back room.",
        discussion: """
            Texts, keys and names of persons who were erased leave events, changes and ledgers; numbers \
            stay as they are. It reads everything, writes counters anew, and needs as much free room as \
            the store takes. A database holds commits up meanwhile.
            """)

    @OptionGroup var store: StoreArguments
    @OptionGroup var output: OutputArguments

    func run() async throws {
        let report = try await OpenStore.with(store) { try await $0.compact() }
        Console.write(
            output.json
                ? "{\"persons\":\(report.persons)}"
                : "compacted; persons who are erased: \(report.persons)")
    }
}

/// `meterstone rebuild`.
struct RebuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Recompute every counter from the events and store it.")

    @OptionGroup var store: StoreArguments
    @OptionGroup var output: OutputArguments

    func run() async throws {
        let counters = try await OpenStore.with(store, for: .rebuild) { try await $0.rebuild() }
        Console.write(
            output.json ? "{\"counters\":\(counters)}" : "\(counters) counters written")
    }
}
