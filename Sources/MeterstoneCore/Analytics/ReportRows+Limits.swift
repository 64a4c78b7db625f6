/// How often a limit was met, and whether who met it upgraded after.
public struct LimitPressure: ReportRow {
    public let limit: LimitKey
    /// At the time of use.
    public let plan: PlanKey?
    /// Who used an allowance up, or went beyond it.
    public let subjects: Int64
    /// Events that did.
    public let events: Int64
    /// Who is on a plan of a higher rank now.
    public let upgraded: Int64
    public let upgradeRate: Ratio?

    package init(
        limit: LimitKey, plan: PlanKey?, subjects: Int64, events: Int64, upgraded: Int64,
        upgradeRate: Ratio?
    ) {
        self.limit = limit
        self.plan = plan
        self.subjects = subjects
        self.events = events
        self.upgraded = upgraded
        self.upgradeRate = upgradeRate
    }

    public static let fields: [ReportField<LimitPressure>] = [
        ReportField("limit", \.limit),
        ReportField("plan", \.plan),
        ReportField("subjects", \.subjects),
        ReportField("events", \.events),
        ReportField("upgraded", \.upgraded),
        ReportField("upgradeRate", \.upgradeRate),
    ]
}

/// How often one subject met one limit, and what it did after.
public struct LimitMeeting: ReportRow {
    public let limit: LimitKey
    public let subject: SubjectID
    /// Of the plans at the times of use, the one of the highest rank.
    public let plan: PlanKey?
    public let events: Int64
    /// UTC days on which it did.
    public let days: Int64
    public let firstAt: Instant
    public let upgradedAt: Instant?
    public let upgradedTo: PlanKey?

    package init(
        limit: LimitKey, subject: SubjectID, plan: PlanKey?, events: Int64, days: Int64,
        firstAt: Instant, upgradedAt: Instant?, upgradedTo: PlanKey?
    ) {
        self.limit = limit
        self.subject = subject
        self.plan = plan
        self.events = events
        self.days = days
        self.firstAt = firstAt
        self.upgradedAt = upgradedAt
        self.upgradedTo = upgradedTo
    }

    public static let fields: [ReportField<LimitMeeting>] = [
        ReportField("limit", \.limit),
        ReportField("subject", \.subject),
        ReportField("plan", \.plan),
        ReportField("events", \.events),
        ReportField("days", \.days),
        ReportField("firstAt", \.firstAt),
        ReportField("upgradedAt", \.upgradedAt),
        ReportField("upgradedTo", \.upgradedTo),
    ]
}

/// What a subject used beyond an allowance.
public struct Overage: ReportRow {
    public let limit: LimitKey
    public let subject: SubjectID
    /// At the time of use.
    public let plan: PlanKey?
    public let quantity: Int64
    public let events: Int64

    package init(
        limit: LimitKey, subject: SubjectID, plan: PlanKey?, quantity: Int64, events: Int64
    ) {
        self.limit = limit
        self.subject = subject
        self.plan = plan
        self.quantity = quantity
        self.events = events
    }

    public static let fields: [ReportField<Overage>] = [
        ReportField("limit", \.limit),
        ReportField("subject", \.subject),
        ReportField("plan", \.plan),
        ReportField("quantity", \.quantity),
        ReportField("events", \.events),
    ]
}

/// What the subjects on a plan paid and cost.
public struct PlanEconomics: ReportRow {
    /// At the time of use.
    public let plan: PlanKey?
    /// Who did anything under the plan.
    public let subjects: Int64
    /// Of billing periods that began in the span.
    public let revenueMillionths: Int64
    /// What their events cost, where they tell it.
    public let costMillionths: Int64
    /// Of the meter that was asked for.
    public let quantity: Int64?
    /// Cost of one unit of that meter.
    public let unitCostMillionths: Ratio?

    package init(
        plan: PlanKey?, subjects: Int64, revenueMillionths: Int64, costMillionths: Int64,
        quantity: Int64?, unitCostMillionths: Ratio?
    ) {
        self.plan = plan
        self.subjects = subjects
        self.revenueMillionths = revenueMillionths
        self.costMillionths = costMillionths
        self.quantity = quantity
        self.unitCostMillionths = unitCostMillionths
    }

    public static let fields: [ReportField<PlanEconomics>] = [
        ReportField("plan", \.plan),
        ReportField("subjects", \.subjects),
        ReportField("revenueMillionths", \.revenueMillionths),
        ReportField("costMillionths", \.costMillionths),
        ReportField("quantity", \.quantity),
        ReportField("unitCostMillionths", \.unitCostMillionths),
    ]
}
