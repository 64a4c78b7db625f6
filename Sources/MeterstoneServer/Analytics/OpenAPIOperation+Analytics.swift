import HTTPTypes
import MeterstoneAPI
import MeterstoneCore

/// Operations that answer with reports.
extension OpenAPIOperation {
    static let analytics: [OpenAPIOperation] = AnalyticsReport.all.map { report in
        OpenAPIOperation(
            method: .get, path: report.path, id: report.schemaName.lowercasedFirst,
            summary: report.summary, parameters: report.parameters,
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "A page of rows.", schema: report.schemaName,
                    textTypes: ["text/csv", "application/x-ndjson"],
                    fileTypes: [AnalyticsFormat.workbookType],
                    headers: [.link, .contentDisposition])
            ],
            problems: [.forbidden, .cursorExpired])
    }
}

/// What reports look like as JSON.
extension OpenAPISchemas {
    static let analytics: [(name: String, schema: String)] = AnalyticsReport.all.map { report in
        let properties = """
            "report":{"const":"\(report.name.rawValue)"},
            "from":{"$ref":"Instant"},"until":{"$ref":"Instant"},"timeZone":{"type":"string"},
            "rows":{"type":"array","items":\(report.name.rowSchema)},"next":{"type":"string"}
            """
        return (
            report.schemaName, object(["report", "from", "until", "timeZone", "rows"], properties)
        )
    }
}

extension ReportName {
    fileprivate var rowSchema: String {
        let properties = columns.map { column in
            let schema = column.kind.schema
            return #""\#(column.name)":"# + (column.isOptional ? schema.orNull : schema).json
        }
        return OpenAPISchemas.object(columns.map(\.name), properties.joined(separator: ","))
    }
}

extension ReportValue.Kind {
    fileprivate var schema: WireSchema {
        switch self {
        case .text: .type("string")
        case .integer: .type("integer")
        case .ratio: .type("number")
        case .instant: .type("string", #","format":"date-time""#)
        case .date: .type("string", #","format":"date""#)
        case .flag: .type("boolean")
        case .list: .type("array", #","items":{"type":"string"}"#)
        }
    }
}

extension AnalyticsReport {
    /// `UsageByReport`.
    fileprivate var schemaName: String {
        name.rawValue.split(separator: "-").map(\.uppercasedFirst).joined() + "Report"
    }
}

extension StringProtocol {
    fileprivate var uppercasedFirst: String { prefix(1).uppercased() + dropFirst() }
    fileprivate var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}

// MARK: - Parameters

extension OpenAPIParameter {
    private static let keyText = #"{"$ref":"Key"}"#
    private static let nameText = #"{"$ref":"Name"}"#

    private static func query(
        _ name: String, _ description: String, _ schema: String, isRequired: Bool = false
    ) -> OpenAPIParameter {
        OpenAPIParameter(
            place: .query, name: name, description: description, isRequired: isRequired,
            schema: schema)
    }

    /// Those that every report takes.
    static let ofReports: [OpenAPIParameter] = [
        from, until,
        query(
            "days", "Whole days up to until, instead of from. Default: 30.",
            number(in: ReportBounds.days)),
        query("timeZone", "The zone whose calendar cuts days.", #"{"type":"string"}"#),
        query("type", "Events of this type only.", nameText),
        query("subtype", "Events of this subtype only.", nameText),
        query(
            "status", "Events that ended so only.", #"{"enum":["success","failed","cancelled"]}"#),
        query("source", "Events of this source only.", nameText),
        query("plan", "Events under this plan only.", keyText),
        query(
            Query.dimensionPrefix, "dimension.NAME=VALUE: events with this dimension only.",
            #"""
            {"type":"object","propertyNames":{"pattern":"^dimension\\.[^\\u0000-\\u001f\\u007f]+$"},
             "additionalProperties":{"type":"string"}}
            """#),
        query("count", "How many rows to answer with.", number(in: ReportBounds.count)),
        query("cursor", "The next of the page before.", #"{"type":"string"}"#),
        query(
            "format", "Instead of the header field Accept.",
            #"{"enum":["json","csv","ndjson","xlsx"]}"#),
    ]

    private static let keyPattern = "[A-Za-z0-9_.-]{1,64}"

    /// Texts with commas between them.
    private static func list(of pattern: String, _ counts: some RangeExpression<Int>) -> String {
        let counts = counts.relative(to: 0..<Int.max)
        let last = counts.upperBound == .max ? "" : "\(counts.upperBound - 2)"
        let more = "{\(counts.lowerBound - 1),\(last)}"
        return #"{"type":"string","pattern":"^\#(pattern)(,\#(pattern))\#(more)$"}"#
    }

    static let optionalMeter = query("meter", "The key of the meter that counts units.", keyText)
    static let meters = query(
        "meters", "Keys of meters, with commas between them. Default: all.",
        list(of: keyPattern, 1...))
    static let trendWindow = query(
        "window", "The length of one window. Default: day.",
        #"{"type":"string","pattern":"^(minute|hour|day|week(:[a-z]+day)?|month|quarter|year)$"}"#)
    static let cohortWindow = query(
        "window", "The length of one window. Default: month.",
        #"{"type":"string","pattern":"^(day|week(:[a-z]+day)?|month|quarter|year)$"}"#)
    static let facet = query(
        "by", ReportFacet.expectation + ".",
        #"""
        {"type":"string","pattern":"^(type|subtype|status|source|plan|model|category\#
        |dimension:[^\u0000-\u001f\u007f]{1,255})$"}
        """#, isRequired: true)
    static let types = query(
        "types", "From 2 to 20 types of events, with commas between them.",
        list(of: #"[^\u0000-\u001f\u007f,]{1,255}"#, ReportBounds.steps))
    static let stepMeters = query(
        "meters", "From 2 to 20 keys of meters, with commas between them, instead of types.",
        list(of: keyPattern, ReportBounds.steps))
    static let ordered = query(
        "ordered", "Whether one step has to come after the other. Default: true.",
        #"{"type":"boolean"}"#)
    static let independent = query(
        "independent", "Whether each step counts by itself. Default: false.",
        #"{"type":"boolean"}"#)
    static let minimumEvents = query(
        "minimumEvents", "Only what happened more often. Default: 10.",
        number(in: ReportBounds.minimumEvents))
    static let percent = query(
        "percent", "How many of the subjects. Default: 1.", number(in: ReportBounds.percent))
    static let idleDays = query(
        "idleDays", "Days without an event. Default: 30.", number(in: ReportBounds.days))
    static let date = query(
        "date", "The day. Default: yesterday.", #"{"type":"string","format":"date"}"#)
    static let reportLimit = query("limit", "The limit's key. Default: all.", keyText)
}
