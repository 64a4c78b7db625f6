import ArgumentParser
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// `meterstone report limits`.
struct LimitsReport: ReportSubcommand {
    static let name = ReportName.limits
    static let configuration = CommandConfiguration(
        commandName: name.rawValue,
        abstract: "Tell how often limits are met, and whether an upgrade follows.")

    @OptionGroup var arguments: ReportArguments

    var topic: ReportTopic { .limits }
}

/// `meterstone report limit-subjects`.
struct LimitSubjectsReport: ReportSubcommand {
    static let name = ReportName.limitSubjects
    static let configuration = CommandConfiguration(
        commandName: name.rawValue,
        abstract: "List who meets a limit, and what they do then.")

    @Option(
        help: ArgumentHelp("The limit (default: all).", valueName: "key"),
        transform: { try ArgumentText.identifier($0) as LimitKey })
    var limit: LimitKey?

    @OptionGroup var arguments: ReportArguments

    var topic: ReportTopic { .limitSubjects(limit) }
}

/// `meterstone report overage`.
struct OverageReport: ReportSubcommand {
    static let name = ReportName.overage
    static let configuration = CommandConfiguration(
        commandName: name.rawValue,
        abstract: "List who used more than the allowance.")

    @Option(
        help: ArgumentHelp("The limit (default: all).", valueName: "key"),
        transform: { try ArgumentText.identifier($0) as LimitKey })
    var limit: LimitKey?

    @OptionGroup var arguments: ReportArguments

    var topic: ReportTopic { .overage(limit) }
}

/// `meterstone report plans`.
struct PlansReport: ReportSubcommand {
    static let name = ReportName.plans
    static let configuration = CommandConfiguration(
        commandName: name.rawValue,
        abstract: "Tell what the subjects on a plan paid and cost.")

    @Option(
        help: ArgumentHelp("The meter that counts units, for their cost.", valueName: "key"),
        transform: { try ArgumentText.identifier($0) as MeterKey })
    var meter: MeterKey?

    @OptionGroup var arguments: ReportArguments

    var topic: ReportTopic { .plans(meter) }
}
