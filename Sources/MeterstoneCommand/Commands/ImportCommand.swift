import ArgumentParser
import Meterstone
import MeterstoneCore
import MeterstoneImport

/// `meterstone import`.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Import usage from a file, in its order; gzip is unpacked.",
        discussion: """
            A repeat is harmless: rows have event ids, or get ids made from the file and their \
            content, and count once. Meters that do not exist are created as sums. Ends with 1 when \
            rows were rejected, and with 65 when none could be used.
            """)

    @Argument(help: "The file; - is the standard input.")
    var file: String?

    @Option(
        help: ArgumentHelp(
            "An application's own table instead of a file: sqlite:FILE#TABLE, postgres://…#TABLE "
                + "or FILE.csv#TABLE.", valueName: "url#table"))
    var fromTable: String?

    @Option(
        help: ArgumentHelp(
            "What a table of another name is like: "
                + OldTable.allCases.map(\.rawValue).joined(separator: ", ") + ".",
            valueName: "table"),
        transform: { try ArgumentText.choice($0) as OldTable })
    var like: OldTable?

    @Option(
        help: ArgumentHelp(
            "Which column tells a field of the events; repeat for more. Fields: "
                + EventField.allCases.map(\.rawValue).joined(separator: ", ") + ".",
            valueName: "field=column"),
        transform: { try ArgumentText.fieldMapping($0) })
    var column: [FieldMapping] = []

    @Option(
        help: ArgumentHelp(
            "The column with the subject, or a text such as 'user-{row%1000}' or '{team}/{name}'.",
            valueName: "column"),
        transform: { try ArgumentText.rowTemplate($0) })
    var subject: RowTemplate?

    @Option(help: ArgumentHelp("The column with the time (default: now).", valueName: "column"))
    var time: String?

    @Option(
        help: ArgumentHelp(
            "The column with the event id (default: made from the content).", valueName: "column"))
    var id: String?

    @Option(
        help: ArgumentHelp(
            "What a row counts: a column, or the same number in each; repeat for more.",
            valueName: "meter=column|n"),
        transform: { try ArgumentText.quantityMapping($0) })
    var quantity: [QuantityMapping] = []

    @Option(
        help: ArgumentHelp("A column to filter on; repeat for more.", valueName: "name=column"),
        transform: { try ArgumentText.dimensionMapping($0) })
    var dimension: [DimensionMapping] = []

    @Option(
        help: ArgumentHelp(
            "The type of the events, or a text such as '{kind}' or 'api_{method}'.",
            valueName: "text"))
    var type: String?

    @Option(help: ArgumentHelp("Where the event ids are unique.", valueName: "text"))
    var source: String?

    @Option(help: ArgumentHelp("The zone of times that name none.", valueName: "name"))
    var timeZone: String?

    @Option(
        help: "csv, ndjson or access-log (default: by the file's name, else csv).",
        transform: { try ArgumentText.choice($0) as ImportFormat })
    var format: ImportFormat?

    @Flag(help: "Consume each row at its own time under the limits, instead of recording it.")
    var enforce = false

    @Flag(help: "Create no meters.")
    var strict = false

    @OptionGroup var store: ServiceArguments
    @OptionGroup var output: OutputArguments

    func run() async throws {
        if let fromTable {
            guard file == nil else {
                throw ValidationError("expected a file or --from-table, and there are both")
            }
            return try await TableImport(
                fromTable, like: like, column, time: time, id: id, source: source,
                zone: try zone(), isStrict: strict, json: output.json
            ).run(store)
        }
        guard let file else {
            throw ValidationError("Missing expected argument '<file>', or --from-table")
        }
        guard like == nil else { throw ValidationError("--like: only with --from-table") }
        let request = try request(file)
        let input = try InputFile(path: file)
        let purpose: OpenStore.Purpose = strict ? .existing : .mayCreate
        let summary = try await OpenStore.with(store, for: purpose) { service in
            try await run(try UsageImport(input, into: service, request), file)
        }
        tell(summary, file)
        if summary.rejected > 0 {
            guard summary.usable > 0 else {
                throw CommandFailure(.badData, "no row of '\(file)' could be used")
            }
            throw ExitCode(ProgramExit.negative.rawValue)
        }
    }

    private func run(_ usageImport: UsageImport, _ file: String) async throws -> ImportSummary {
        var usageImport = usageImport
        let bar = Console.isErrorTerminal ? ProgressBar(name: file) : nil
        defer { if bar != nil { Console.redraw("") } }
        return try await usageImport.run { progress in
            if let bar { Console.redraw(bar.line(progress)) }
        }
    }

    private func request(_ file: String) throws -> ImportRequest {
        let format = format ?? ImportFormat(fileName: file) ?? .csv
        let mapping = try format == .ndjson ? noMapping() : mapping(format)
        return ImportRequest(
            format: format, mapping: mapping, isEnforced: enforce, isStrict: strict)
    }

    private func noMapping() throws -> ColumnMapping? {
        let isMapped =
            subject != nil || time != nil || id != nil || !quantity.isEmpty || !dimension.isEmpty
            || type != nil || source != nil || timeZone != nil || !column.isEmpty
        guard !isMapped else {
            throw ValidationError("rows of NDJSON are events already; columns cannot be mapped")
        }
        return nil
    }

    private func mapping(_ format: ImportFormat) throws -> ColumnMapping {
        var mapping = format == .accessLog ? ColumnMapping.accessLog : nil
        let own = column.first { $0.field == .subject }.map { RowTemplate(column: $0.column) }
        if let subject = subject ?? own {
            mapping = mapping ?? ColumnMapping(subject: subject)
            mapping?.subject = subject
        }
        guard var mapping else {
            throw ValidationError("Missing expected argument '--subject <column>'")
        }
        mapping.time = time ?? mapping.time
        mapping.id = id
        if !quantity.isEmpty { mapping.quantities = quantity }
        if !dimension.isEmpty { mapping.dimensions = dimension }
        mapping.type = type
        mapping.source = source
        mapping.zone = try zone()
        for field in column where field.field != .subject { mapping.put(field) }
        guard !mapping.quantities.isEmpty || mapping.type != nil else {
            throw ValidationError("expected --quantity or --type; else nothing would be counted")
        }
        return mapping
    }

    private func zone() throws -> ZoneRules? {
        guard let timeZone else { return nil }
        guard let zone = ZoneDatabase().rules(named: timeZone) else {
            throw ValidationError("--time-zone: '\(timeZone)' is no time zone of this system")
        }
        return zone
    }

    private func tell(_ summary: ImportSummary, _ file: String) {
        if let notice = summary.notice { Console.note(notice) }
        for meter in summary.createdMeters { Console.note("created the meter '\(meter)', a sum") }
        for problem in summary.problems { Console.note("\(file): \(problem)") }
        let others = summary.rejected - summary.problems.count
        if others > 0 { Console.note("\(file): and \(others) more rows were rejected") }
        Console.write(
            output.json ? summary.json(isEnforced: enforce) : summary.text(isEnforced: enforce))
    }
}

extension ImportFormat {
    /// What a name such as `events.ndjson.gz` says; `nil` when it says nothing.
    package init?(fileName: String) {
        let name = fileName.lowercased()
        let stem = name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
        if stem.hasSuffix(".csv") {
            self = .csv
        } else if stem.hasSuffix(".ndjson") || stem.hasSuffix(".jsonl") {
            self = .ndjson
        } else if stem.hasSuffix(".log") {
            self = .accessLog
        } else {
            return nil
        }
    }
}

extension ImportSummary {
    /// The summary for people.
    package func text(isEnforced: Bool) -> String {
        let perSecond = seconds > 0 ? Int(Double(rows) / seconds) : 0
        var table = TextTable(
            ["rows>", "counted>", "duplicate>", "rejected>"]
                + (isEnforced ? ["allowed>", "denied>"] : []))
        table.add(
            ([rows, counted, duplicate, rejected] + (isEnforced ? [allowed, denied] : []))
                .map { String($0) })
        var text = table.text + "\n\(perSecond) rows per second"
        if timesShownTwice > 0 {
            text += "\n\(timesShownTwice) rows have a local time that clocks showed twice; "
            text += "the first of the two was taken"
        }
        if timesNeverShown > 0 {
            text += "\n\(timesNeverShown) rows have a local time that clocks never showed; "
            text += "the instant at which they were set forward was taken"
        }
        guard isEnforced, !denials.isEmpty else { return text }
        var subjects = TextTable(["subject", "denied>"])
        for (subject, count) in mostDenied { subjects.add([subject.text, String(count)]) }
        text += "\n\n\(denials.count) subjects were denied; most often\n\(subjects.text)"
        return text
    }
}
