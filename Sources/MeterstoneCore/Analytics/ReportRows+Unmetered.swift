/// Events of one type and status that no meter counts.
public struct UnmeteredEvents: ReportRow {
    /// `nil`: events that have none.
    public let type: String?
    public let status: EventStatus
    public let events: Int64
    public let firstAt: Instant
    public let lastAt: Instant
    /// What may help, in a sentence.
    public let suggestion: String

    package init(
        type: String?, status: EventStatus, events: Int64, firstAt: Instant, lastAt: Instant,
        suggestion: String
    ) {
        self.type = type
        self.status = status
        self.events = events
        self.firstAt = firstAt
        self.lastAt = lastAt
        self.suggestion = suggestion
    }

    public static let fields: [ReportField<UnmeteredEvents>] = [
        ReportField("type", \.type),
        ReportField("status", \.status.rawValue),
        ReportField("events", \.events),
        ReportField("firstAt", \.firstAt),
        ReportField("lastAt", \.lastAt),
        ReportField("suggestion", \.suggestion),
    ]
}
