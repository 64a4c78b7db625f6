import ArgumentParser
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// `meterstone report retention`.
struct RetentionReport: ReportSubcommand {
    static let name = ReportName.retention
    static let configuration = CommandConfiguration(
        commandName: name.rawValue,
        abstract: "Tell how many of those who began together came back.")

    @Argument(
        help: "Only who moved this meter when they began.",
        transform: { try ArgumentText.identifier($0) as MeterKey })
    var meter: MeterKey?

    @Option(
        help: "\(ReportBounds.cohortExpectation) (default: month).",
        transform: { try ArgumentText.cohortWindow($0) })
    var window: Window = .month

    @OptionGroup var arguments: ReportArguments

    var topic: ReportTopic { .retention(per: window, meter) }
}

/// `meterstone report feature-retention`.
struct FeatureRetentionReport: ReportSubcommand {
    static let name = ReportName.featureRetention
    static let configuration = CommandConfiguration(
        commandName: name.rawValue,
        abstract: "Tell whether who used a meter when they began came back more often.")

    @Argument(
        help: "Keys of meters (default: all).",
        transform: { try ArgumentText.identifier($0) as MeterKey })
    var meters: [MeterKey] = []

    @Option(
        help: "\(ReportBounds.cohortExpectation) (default: month).",
        transform: { try ArgumentText.cohortWindow($0) })
    var window: Window = .month

    @OptionGroup var arguments: ReportArguments

    var topic: ReportTopic { .featureRetention(meters, per: window) }
}

/// `meterstone report sessions`.
struct SessionsReport: ReportSubcommand {
    static let name = ReportName.sessions
    static let configuration = CommandConfiguration(
        commandName: name.rawValue, abstract: "Tell how long sessions are, by plan.")

    @OptionGroup var arguments: ReportArguments

    var topic: ReportTopic { .sessions }
}

/// `meterstone report feature-value`.
struct FeatureValueReport: ReportSubcommand {
    static let name = ReportName.featureValue
    static let configuration = CommandConfiguration(
        commandName: name.rawValue,
        abstract: "Tell what those paid who used a meter, by plan.")

    @Argument(
        help: "Keys of meters (default: all).",
        transform: { try ArgumentText.identifier($0) as MeterKey })
    var meters: [MeterKey] = []

    @OptionGroup var arguments: ReportArguments

    var topic: ReportTopic { .featureValue(meters) }
}

extension ArgumentText {
    /// The length of the windows of cohorts.
    fileprivate static func cohortWindow(_ text: String) throws -> Window {
        guard let window = Window(trend: text), window != .minute, window != .hour else {
            throw ValidationError("expected \(ReportBounds.cohortExpectation)")
        }
        return window
    }
}
