import ArgumentParser
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// `meterstone report funnel`.
struct FunnelReport: ReportSubcommand {
    static let name = ReportName.funnel
    static let configuration = CommandConfiguration(
        commandName: name.rawValue,
        abstract: "Tell how many subjects get from one type of event to the next.")

    @Argument(help: "At least two types of events, in their order.")
    var types: [String]

    @Flag(help: "The steps are meters, by their keys.")
    var meters = false

    @Flag(help: "Count who did all, in whatever order.")
    var unordered = false

    @Flag(help: "Count each step by itself, whoever took the others.")
    var independent = false

    @OptionGroup var arguments: ReportArguments

    func validate() throws {
        guard ReportBounds.steps.contains(types.count) else {
            throw ValidationError("expected \(ReportBounds.stepsExpectation)")
        }
        guard !meters || types.allSatisfy({ MeterKey($0) != nil }) else {
            throw ValidationError("expected \(MeterKey.expectation)")
        }
        guard !unordered || !independent else {
            throw ValidationError("expected --unordered or --independent, not both")
        }
    }

    var topic: ReportTopic {
        let order: FunnelOrder = independent ? .independent : unordered ? .any : .given
        return meters
            ? .funnelOfMeters(types.compactMap { MeterKey($0) }, order) : .funnel(types, order)
    }
}

/// `meterstone report errors`.
struct ErrorsReport: ReportSubcommand {
    static let name = ReportName.errors
    static let configuration = CommandConfiguration(
        commandName: name.rawValue,
        abstract: "Tell how operations end, and how long they take.")

    @Option(
        help: ArgumentHelp("Only what happened more often (default: 10).", valueName: "n"),
        transform: { try ArgumentText.number($0, in: ReportBounds.minimumEvents) })
    var minimumEvents = ReportBounds.minimumEventsDefault

    @OptionGroup var arguments: ReportArguments

    var topic: ReportTopic { .errors(minimumEvents: minimumEvents) }
}

/// `meterstone report unmetered`.
struct UnmeteredReport: ReportSubcommand {
    static let name = ReportName.unmetered
    static let configuration = CommandConfiguration(
        commandName: name.rawValue,
        abstract: "Tell which events no meter counts, by type, and what may help.")

    @OptionGroup var arguments: ReportArguments

    var topic: ReportTopic { .unmetered }
}

/// `meterstone report adoption`.
struct AdoptionReport: ReportSubcommand {
    static let name = ReportName.adoption
    static let configuration = CommandConfiguration(
        commandName: name.rawValue,
        abstract: "Tell how many of a plan's subjects use a meter.")

    @Argument(
        help: "Keys of meters (default: all).",
        transform: { try ArgumentText.identifier($0) as MeterKey })
    var meters: [MeterKey] = []

    @OptionGroup var arguments: ReportArguments

    var topic: ReportTopic { .adoption(meters) }
}

/// `meterstone report idle`.
struct IdleReport: ReportSubcommand {
    static let name = ReportName.idle
    static let configuration = CommandConfiguration(
        commandName: name.rawValue,
        abstract: "List who was active once and is no more.")

    @Option(
        help: ArgumentHelp("Days without an event (default: 30).", valueName: "n"),
        transform: { try ArgumentText.number($0, in: ReportBounds.days) })
    var idleDays = ReportBounds.idleDaysDefault

    @OptionGroup var arguments: ReportArguments

    var topic: ReportTopic { .idle(days: idleDays) }
}
