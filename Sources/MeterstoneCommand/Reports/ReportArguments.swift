import ArgumentParser
import MeterstoneAPI
import MeterstoneCore

/// What all reports are asked, and how they are printed.
struct ReportArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The start (default: --days before the end, from the start of a day).",
            valueName: "time"), transform: { try ArgumentText.instant($0) })
    var from: Instant?

    @Option(
        help: ArgumentHelp(
            "The end, which is not included (default: the end of today).", valueName: "time"),
        transform: { try ArgumentText.instant($0) })
    var until: Instant?

    @Option(
        help: ArgumentHelp(
            "Whole days up to the end, instead of --from (default: 30).", valueName: "n"),
        transform: { try ArgumentText.number($0, in: ReportBounds.days) })
    var days: Int?

    @Option(
        help: ArgumentHelp(
            "The zone whose calendar cuts days (default: the store's).", valueName: "zone"))
    var timeZone: String?

    @Option(help: "Events of this type only.")
    var type: String?

    @Option(help: "Events of this subtype only.")
    var subtype: String?

    @Option(
        help: "Events that ended so only: success, failed or cancelled.",
        transform: { try ArgumentText.choice($0) })
    var status: EventStatus?

    @Option(help: "Events of this source only.")
    var source: String?

    @Option(
        help: "Events under this plan only.",
        transform: { try ArgumentText.identifier($0) as PlanKey })
    var plan: PlanKey?

    @Option(
        help: ArgumentHelp(
            "Events with this dimension only; repeat for more.", valueName: "name=value"),
        transform: { try ArgumentText.dimension($0) })
    var dimension: [MeterstoneCore.Dimension] = []

    @Option(
        help: ArgumentHelp(
            "Rows at most (default: 100; with --csv and --ndjson all).", valueName: "n"),
        transform: { try ArgumentText.number($0, in: ReportBounds.count) })
    var count: Int?

    @Option(help: "Where the page before ended.")
    var cursor: String?

    @Flag
    var format: ReportFormat?

    @OptionGroup var store: ServiceArguments

    /// Whether all pages are printed, and not only one.
    var isWhole: Bool { count == nil && (format == .csv || format == .ndjson) }

    func validate() throws {
        guard from == nil || days == nil else {
            throw ValidationError("--from or --days, not both")
        }
        if let from, let until, until <= from {
            throw ValidationError("--until has to be later than --from")
        }
        let names = dimension.map(\.name)
        guard Set(names).count == names.count else {
            throw ValidationError("each --dimension has one value")
        }
    }

    func question(_ name: ReportName) throws -> ReportQuestion {
        var question = ReportQuestion(
            from: from, until: until, days: days ?? ReportQuestion.daysDefault, timeZone: timeZone,
            filter: ReportFilter(
                type: type, subtype: subtype, status: status, source: source, plan: plan,
                dimensions: Dictionary(
                    dimension.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })),
            count: count ?? (isWhole ? ReportBounds.count.upperBound : ReportBounds.countDefault))
        guard let cursor else { return question }
        do throws(Rejection) {
            try question.resume(at: Cursor(cursor, kind: .reports), of: name)
        } catch {
            throw ValidationError("--cursor: \(error.message)")
        }
        return question
    }
}

extension ReportFormat: EnumerableFlag {
    static func help(for format: ReportFormat) -> ArgumentHelp? {
        switch format {
        case .json: "Print JSON instead of a table."
        case .csv: "Print CSV instead of a table."
        case .ndjson: "Print a line of JSON for each row instead of a table."
        }
    }
}
