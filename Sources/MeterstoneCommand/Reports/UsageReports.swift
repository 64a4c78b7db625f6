import ArgumentParser
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// `meterstone report top`.
struct TopReport: ReportSubcommand {
    static let name = ReportName.top
    static let configuration = CommandConfiguration(
        commandName: name.rawValue,
        abstract: "List the subjects that used most of a meter.")

    @Argument(
        help: "The meter's key.", transform: { try ArgumentText.identifier($0) as MeterKey })
    var meter: MeterKey

    @OptionGroup var arguments: ReportArguments

    var topic: ReportTopic { .top(meter) }
}

/// `meterstone report trends`.
struct TrendsReport: ReportSubcommand {
    static let name = ReportName.trends
    static let configuration = CommandConfiguration(
        commandName: name.rawValue,
        abstract: "Show the usage of meters over time.")

    @Argument(
        help: "Keys of meters (default: all).",
        transform: { try ArgumentText.identifier($0) as MeterKey })
    var meters: [MeterKey] = []

    @Option(
        help: "\(Window.trendExpectation) (default: day).",
        transform: { text in
            guard let window = Window(trend: text) else {
                throw ValidationError("expected \(Window.trendExpectation)")
            }
            return window
        })
    var window: Window = .day

    @OptionGroup var arguments: ReportArguments

    var topic: ReportTopic { .trends(meters, per: window) }
}

/// `meterstone report usage-by`.
struct UsageByReport: ReportSubcommand {
    static let name = ReportName.usageBy
    static let configuration = CommandConfiguration(
        commandName: name.rawValue,
        abstract: "Split the usage of a meter by model, category, type, source or plan.")

    @Argument(
        help: "The meter's key.", transform: { try ArgumentText.identifier($0) as MeterKey })
    var meter: MeterKey

    @Argument(
        help: "\(ReportFacet.expectation).",
        transform: { text in
            guard let facet = ReportFacet(text) else {
                throw ValidationError("expected \(ReportFacet.expectation)")
            }
            return facet
        })
    var facet: ReportFacet

    @OptionGroup var arguments: ReportArguments

    var topic: ReportTopic { .usage(meter, by: facet) }
}

/// `meterstone report power-users`.
struct PowerUsersReport: ReportSubcommand {
    static let name = ReportName.powerUsers
    static let configuration = CommandConfiguration(
        commandName: name.rawValue,
        abstract: "List the few who use most, and their share.")

    @Argument(
        help: "The meter's key.", transform: { try ArgumentText.identifier($0) as MeterKey })
    var meter: MeterKey

    @Option(
        help: ArgumentHelp("How many percent of the subjects (default: 1).", valueName: "n"),
        transform: { try ArgumentText.number($0, in: ReportBounds.percent) })
    var percent = ReportBounds.percentDefault

    @OptionGroup var arguments: ReportArguments

    var topic: ReportTopic { .powerUsers(meter, percent: percent) }
}

/// `meterstone report unusual`.
struct UnusualReport: ReportSubcommand {
    static let name = ReportName.unusual
    static let configuration = CommandConfiguration(
        commandName: name.rawValue,
        abstract: "List subjects whose day stands out from the days before.")

    @Argument(
        help: "The meter's key.", transform: { try ArgumentText.identifier($0) as MeterKey })
    var meter: MeterKey

    @Option(
        help: ArgumentHelp("The day (default: yesterday).", valueName: "date"),
        transform: { try ArgumentText.date($0) })
    var date: CivilDate?

    @OptionGroup var arguments: ReportArguments

    var topic: ReportTopic { .unusual(meter, on: date) }
}
