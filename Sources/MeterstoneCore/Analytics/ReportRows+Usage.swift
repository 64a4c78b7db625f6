/// What one subject used of a meter.
public struct TopSubject: ReportRow {
    public let subject: SubjectID
    /// By the meter's own aggregation.
    public let quantity: Int64
    /// Events that moved the meter.
    public let events: Int64
    public let lastUsedAt: Instant

    package init(
        subject: SubjectID, quantity: Int64, events: Int64, lastUsedAt: Instant
    ) {
        self.subject = subject
        self.quantity = quantity
        self.events = events
        self.lastUsedAt = lastUsedAt
    }

    public static let fields: [ReportField<TopSubject>] = [
        ReportField("subject", \.subject),
        ReportField("quantity", \.quantity),
        ReportField("events", \.events),
        ReportField("lastUsedAt", \.lastUsedAt),
    ]
}

/// What all subjects used of one meter in one window.
public struct TrendPoint: ReportRow {
    public let from: Instant
    public let until: Instant
    public let meter: MeterKey
    public let quantity: Int64
    public let events: Int64
    /// Distinct ones.
    public let subjects: Int64

    package init(
        from: Instant, until: Instant, meter: MeterKey, quantity: Int64, events: Int64,
        subjects: Int64
    ) {
        self.from = from
        self.until = until
        self.meter = meter
        self.quantity = quantity
        self.events = events
        self.subjects = subjects
    }

    public static let fields: [ReportField<TrendPoint>] = [
        ReportField("from", \.from),
        ReportField("until", \.until),
        ReportField("meter", \.meter),
        ReportField("quantity", \.quantity),
        ReportField("events", \.events),
        ReportField("subjects", \.subjects),
    ]
}

/// What was used under one value of a dimension, a type, a source or a plan.
public struct UsageShare: ReportRow {
    /// `nil`: events that have none.
    public let value: String?
    public let quantity: Int64
    public let events: Int64
    public let subjects: Int64
    /// Of the quantity of all values; `nil` of a meter that does not add up.
    public let share: Ratio?

    package init(
        value: String?, quantity: Int64, events: Int64, subjects: Int64, share: Ratio?
    ) {
        self.value = value
        self.quantity = quantity
        self.events = events
        self.subjects = subjects
        self.share = share
    }

    public static let fields: [ReportField<UsageShare>] = [
        ReportField("value", \.value),
        ReportField("quantity", \.quantity),
        ReportField("events", \.events),
        ReportField("subjects", \.subjects),
        ReportField("share", \.share),
    ]
}
