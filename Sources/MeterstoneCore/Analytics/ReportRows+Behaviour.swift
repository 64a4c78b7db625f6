/// How far subjects came along a list of steps.
public struct FunnelStep: ReportRow {
    /// The type of events that is the step; `nil`: a meter is.
    public let type: String?
    public let meter: MeterKey?
    public let subjects: Int64
    /// Of those who took the first step.
    public let rateOfFirst: Ratio?
    public let rateOfPrevious: Ratio?

    package init(
        type: String? = nil, meter: MeterKey? = nil, subjects: Int64, rateOfFirst: Ratio?,
        rateOfPrevious: Ratio?
    ) {
        self.type = type
        self.meter = meter
        self.subjects = subjects
        self.rateOfFirst = rateOfFirst
        self.rateOfPrevious = rateOfPrevious
    }

    public static let fields: [ReportField<FunnelStep>] = [
        ReportField("type", \.type),
        ReportField("meter", \.meter),
        ReportField("subjects", \.subjects),
        ReportField("rateOfFirst", \.rateOfFirst),
        ReportField("rateOfPrevious", \.rateOfPrevious),
    ]
}

/// How operations of one type and subtype ended, and how long they took.
public struct ErrorRate: ReportRow {
    public let type: String?
    public let subtype: String?
    public let events: Int64
    public let failed: Int64
    public let cancelled: Int64
    /// Failed ones of all.
    public let errorRate: Ratio?
    public let averageDurationMs: Ratio?
    /// The shortest duration that at least half of the events stay within.
    public let p50DurationMs: Int64?
    public let p95DurationMs: Int64?

    package init(
        type: String?, subtype: String?, events: Int64, failed: Int64, cancelled: Int64,
        errorRate: Ratio?, averageDurationMs: Ratio?, p50DurationMs: Int64?, p95DurationMs: Int64?
    ) {
        self.type = type
        self.subtype = subtype
        self.events = events
        self.failed = failed
        self.cancelled = cancelled
        self.errorRate = errorRate
        self.averageDurationMs = averageDurationMs
        self.p50DurationMs = p50DurationMs
        self.p95DurationMs = p95DurationMs
    }

    public static let fields: [ReportField<ErrorRate>] = [
        ReportField("type", \.type),
        ReportField("subtype", \.subtype),
        ReportField("events", \.events),
        ReportField("failed", \.failed),
        ReportField("cancelled", \.cancelled),
        ReportField("errorRate", \.errorRate),
        ReportField("averageDurationMs", \.averageDurationMs),
        ReportField("p50DurationMs", \.p50DurationMs),
        ReportField("p95DurationMs", \.p95DurationMs),
    ]
}

/// How many of the subjects on a plan use a meter.
public struct FeatureAdoption: ReportRow {
    /// At the time of use; `nil`: none.
    public let plan: PlanKey?
    public let meter: MeterKey
    /// Who moved the meter.
    public let subjects: Int64
    /// Who did anything under the plan.
    public let activeSubjects: Int64
    public let rate: Ratio?
    public let quantity: Int64

    package init(
        plan: PlanKey?, meter: MeterKey, subjects: Int64, activeSubjects: Int64, rate: Ratio?,
        quantity: Int64
    ) {
        self.plan = plan
        self.meter = meter
        self.subjects = subjects
        self.activeSubjects = activeSubjects
        self.rate = rate
        self.quantity = quantity
    }

    public static let fields: [ReportField<FeatureAdoption>] = [
        ReportField("plan", \.plan),
        ReportField("meter", \.meter),
        ReportField("subjects", \.subjects),
        ReportField("activeSubjects", \.activeSubjects),
        ReportField("rate", \.rate),
        ReportField("quantity", \.quantity),
    ]
}

/// One of the subjects that use most.
public struct PowerUser: ReportRow {
    public let subject: SubjectID
    public let quantity: Int64
    /// Of what everybody used; `nil` of a meter that does not add up.
    public let share: Ratio?
    /// UTC days with usage of the meter.
    public let activeDays: Int64

    package init(
        subject: SubjectID, quantity: Int64, share: Ratio?, activeDays: Int64
    ) {
        self.subject = subject
        self.quantity = quantity
        self.share = share
        self.activeDays = activeDays
    }

    public static let fields: [ReportField<PowerUser>] = [
        ReportField("subject", \.subject),
        ReportField("quantity", \.quantity),
        ReportField("share", \.share),
        ReportField("activeDays", \.activeDays),
    ]
}

/// A subject that was active once and is no more.
public struct IdleSubject: ReportRow {
    public let subject: SubjectID
    /// The plan now.
    public let plan: PlanKey?
    /// `nil`: never.
    public let lastActiveAt: Instant?
    /// Whole days since, to the end of the span.
    public let idleDays: Int64?

    package init(
        subject: SubjectID, plan: PlanKey?, lastActiveAt: Instant?, idleDays: Int64?
    ) {
        self.subject = subject
        self.plan = plan
        self.lastActiveAt = lastActiveAt
        self.idleDays = idleDays
    }

    public static let fields: [ReportField<IdleSubject>] = [
        ReportField("subject", \.subject),
        ReportField("plan", \.plan),
        ReportField("lastActiveAt", \.lastActiveAt),
        ReportField("idleDays", \.idleDays),
    ]
}

/// A subject's day that stands out from its own past.
public struct UnusualUsage: ReportRow {
    public let subject: SubjectID
    public let date: CivilDate
    public let quantity: Int64
    /// The average of the days before, those without usage included.
    public let usualQuantity: Ratio?
    /// In words.
    public let reason: String

    package init(
        subject: SubjectID, date: CivilDate, quantity: Int64, usualQuantity: Ratio?, reason: String
    ) {
        self.subject = subject
        self.date = date
        self.quantity = quantity
        self.usualQuantity = usualQuantity
        self.reason = reason
    }

    public static let fields: [ReportField<UnusualUsage>] = [
        ReportField("subject", \.subject),
        ReportField("date", \.date),
        ReportField("quantity", \.quantity),
        ReportField("usualQuantity", \.usualQuantity),
        ReportField("reason", \.reason),
    ]
}
