import HTTPTypes

/// Operations on what a subject did, and on features.
extension OpenAPIOperation {
    static let subjectStatistics: [OpenAPIOperation] = [
        get(
            path + "/lifetime", "getLifetime", "What the subject did since the beginning",
            [.subject], "Lifetime"),
        get(
            path + "/statistics", "getStatistics",
            "What the subject used on the last days, and its newest events", [.subject, .days],
            "Statistics"),
        get(
            path + "/periods", "getPeriods",
            "What the subject used of every meter in its latest months, or other windows",
            [.subject, .periodWindow, .periodCount, .until], "Periods"),
        get(
            path + "/plans-that-fit", "getPlansThatFit",
            "Which plans allow what the subject used on the last days", [.subject, .days],
            "PlansThatFit"),
        get(
            path + "/pace", "getPace", "Where limits and the month end if usage goes on so",
            [.subject], "Pace"),
        OpenAPIOperation(
            method: .post, path: path + "/usage", id: "recordUsage",
            summary: "Record what was used of several meters, as one event",
            description: """
                Whatever the limits say. Meters stand in `quantities`, or beside `id` and \
                `occurredAt`.
                """,
            parameters: [.subject, .idempotencyKey], body: [("application/json", "UsageBody")],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "Counted, now or before.",
                    schema: "RecordedUsage", headers: [.replayed])
            ],
            problems: [.forbidden, .conflict]),
        get(
            path + "/meters/{meter}/items", "listItems",
            "What a gauge of the subject counts now, item by item, and who told it",
            [.subject, .meterOfItems, .count, .cursor], "HeldItemList"),
        get(
            path + "/features", "listFeatures",
            "What the subject's plan says of every feature that any plan names", [.subject],
            "SubjectFeatures", []),
        get(
            path + "/features/{feature}", "getFeature",
            """
            What the subject's plan says of a feature; with a monthly limit, whether a meter may be \
            used once more this month
            """,
            [.subject, .feature, .monthlyLimit], "FeatureAnswer"),
    ]

    static let documents: [OpenAPIOperation] = [
        list(
            daily, "listDailyUsage",
            """
            Of `userId`, by `date` or `lastUpdated`, the newest first; or everybody's, the newest \
            date first and in a date the highest usage. `date`, or `from` and `until`, select dates.
            """, [.documentDate, .documentFrom(.date), .documentUntil(.date)],
            order: .dailyOrder, "DailyUsageList"),
        get(
            daily + "/{document}", "getDailyUsage", "What a subject used on a day",
            [.dailyDocument, .documentMeter], "DailyUsage"),
        list(
            monthly, "listMonthlyUsage",
            """
            Of `userId`, by `month` or `updatedAt`, the newest first; or everybody's, the newest \
            month first and in a month the highest usage. `year`, perhaps with `month`, or `from` \
            and `until`, select months.
            """,
            [.year, .month, .documentFrom(.month), .documentUntil(.month)],
            order: .monthlyOrder, "MonthlyUsageList"),
        get(
            monthly + "/{document}", "getMonthlyUsage", "What a subject used in a month, by day",
            [.monthlyDocument, .documentMeter], "MonthlyUsage"),
    ]

    private static let path = "/v1/subjects/{subject}"
    private static let daily = "/v1/documents/daily_token_usage"
    private static let monthly = "/v1/documents/token_usage_history"

    private static func list(
        _ path: String, _ id: String, _ description: String, _ period: [OpenAPIParameter],
        order: OpenAPIParameter, _ schema: String
    ) -> OpenAPIOperation {
        OpenAPIOperation(
            method: .get, path: path, id: id, summary: "Documents of one subject, or of one time",
            description: description,
            parameters: [.userID] + period
                + [.userType, order, .documentMeter, .count, .documentLimit, .cursor],
            answers: [OpenAPIAnswer(status: 200, description: "Some documents.", schema: schema)],
            problems: [.cursorExpired])
    }
}

extension OpenAPIParameter {
    static let days = OpenAPIParameter(
        place: .query, name: "days", description: "How many days, today included; 30 if left out.",
        schema: #"{"type":"integer","minimum":1,"maximum":366}"#)
    static let meterOfItems = OpenAPIParameter(
        place: .path, name: "meter",
        description: "The key of a meter whose aggregation is gauge or integral.",
        schema: #"{"$ref":"Key"}"#)
    static let feature = OpenAPIParameter(
        place: .path, name: "feature",
        description:
            "A feature that a plan names; with monthlyLimit the key of a meter, or a type of events.",
        schema: #"{"$ref":"Name"}"#)
    static let monthlyLimit = OpenAPIParameter(
        place: .query, name: "monthlyLimit", description: "How much is allowed in a month.",
        schema: #"{"$ref":"Allowance"}"#)
    static let documentMeter = OpenAPIParameter(
        place: .query, name: "meter",
        description: "The meter's key; the meter tokens, or the only one, if left out.",
        schema: #"{"$ref":"Key"}"#)
    static let dailyDocument = OpenAPIParameter(
        place: .path, name: "document", description: "A subject and a date: user123_2024-01-15.",
        schema: CalendarPattern.date.schema(after: "_"))
    static let monthlyDocument = OpenAPIParameter(
        place: .path, name: "document", description: "A subject and a month: user123_2024_01.",
        schema: CalendarPattern.monthOfDocument.schema(after: "_"))
    static let userID = OpenAPIParameter(
        place: .query, name: "userId", description: "The subject's id.",
        schema: #"{"$ref":"Name"}"#)
    static let userType = OpenAPIParameter(
        place: .query, name: "userType", description: "The plan at the time of use.",
        schema: #"{"$ref":"Key"}"#)
    static let documentDate = OpenAPIParameter(
        place: .query, name: "date", description: "A day, from 1970-01-01 to 9998-12-31.",
        schema: CalendarPattern.date.schema())
    static func documentFrom(_ pattern: CalendarPattern) -> OpenAPIParameter {
        OpenAPIParameter(
            place: .query, name: "from", description: "The first period.",
            schema: pattern.schema())
    }
    static func documentUntil(_ pattern: CalendarPattern) -> OpenAPIParameter {
        OpenAPIParameter(
            place: .query, name: "until", description: "The period after the last.",
            schema: pattern.schema())
    }
    static let year = OpenAPIParameter(
        place: .query, name: "year", description: "A year.",
        schema: #"{"type":"integer","minimum":1970,"maximum":9998}"#)
    static let month = OpenAPIParameter(
        place: .query, name: "month", description: "A month.",
        schema: #"{"type":"integer","minimum":1,"maximum":12}"#)
    static let dailyOrder = OpenAPIParameter(
        place: .query, name: "orderBy", description: "What the list is ordered by.",
        schema: #"{"enum":["date","lastUpdated","tokensUsed"]}"#)
    static let monthlyOrder = OpenAPIParameter(
        place: .query, name: "orderBy", description: "What the list is ordered by.",
        schema: #"{"enum":["month","updatedAt","totalMonthlyTokens"]}"#)
    static let documentLimit = OpenAPIParameter(
        place: .query, name: "limit", description: "Another word for count.",
        schema: #"{"type":"integer","minimum":1,"maximum":\#(RequestLimits.pageItemsMax)}"#)
}

/// Texts for days and months of 1970 to 9998. All but 29 February of other years is a day.
enum CalendarPattern {
    case date, month, monthOfDocument

    private static let year = "(19[7-9][0-9]|[2-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8])"
    private static let monthAndDay = """
        ((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)\
        |02-(0[1-9]|[12][0-9]))
        """

    private var text: String {
        switch self {
        case .date: "\(Self.year)-\(Self.monthAndDay)"
        case .month: "\(Self.year)-(0[1-9]|1[0-2])"
        case .monthOfDocument: "\(Self.year)_(0[1-9]|1[0-2])"
        }
    }

    func schema() -> String {
        #"{"type":"string","pattern":"^\#(text)$"}"#
    }

    /// With a subject's id before it.
    func schema(after separator: String) -> String {
        #"{"type":"string","pattern":"^[^\u0000-\u001f\u007f]{1,255}\#(separator)\#(text)$"}"#
    }
}
