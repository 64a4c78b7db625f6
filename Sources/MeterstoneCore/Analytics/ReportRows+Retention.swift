/// How many of those who began in one window were there in a later one.
public struct RetentionCohort: ReportRow {
    /// The first day of the window in which they began.
    public let cohort: CivilDate
    /// How many windows later; 0 is the one itself.
    public let period: Int64
    /// Who began.
    public let subjects: Int64
    /// Who of them did anything in the later window.
    public let active: Int64
    public let rate: Ratio?

    package init(cohort: CivilDate, period: Int64, subjects: Int64, active: Int64, rate: Ratio?) {
        self.cohort = cohort
        self.period = period
        self.subjects = subjects
        self.active = active
        self.rate = rate
    }

    public static let fields: [ReportField<RetentionCohort>] = [
        ReportField("cohort", \.cohort),
        ReportField("period", \.period),
        ReportField("subjects", \.subjects),
        ReportField("active", \.active),
        ReportField("rate", \.rate),
    ]
}

/// Whether those who used a meter when they began came back more often than the others.
public struct FeatureRetention: ReportRow {
    public let meter: MeterKey
    /// Who moved the meter in the window in which they began.
    public let subjects: Int64
    /// Who of them did anything in the next window.
    public let retained: Int64
    public let rate: Ratio?
    /// Who began and did not move it.
    public let others: Int64
    public let othersRetained: Int64
    public let othersRate: Ratio?

    package init(
        meter: MeterKey, subjects: Int64, retained: Int64, others: Int64, othersRetained: Int64
    ) {
        self.meter = meter
        self.subjects = subjects
        self.retained = retained
        rate = Ratio(retained, of: subjects)
        self.others = others
        self.othersRetained = othersRetained
        othersRate = Ratio(othersRetained, of: others)
    }

    public static let fields: [ReportField<FeatureRetention>] = [
        ReportField("meter", \.meter),
        ReportField("subjects", \.subjects),
        ReportField("retained", \.retained),
        ReportField("rate", \.rate),
        ReportField("others", \.others),
        ReportField("othersRetained", \.othersRetained),
        ReportField("othersRate", \.othersRate),
    ]
}

/// How long sessions were under a plan.
public struct SessionQuality: ReportRow {
    /// At the time of use; `nil`: none.
    public let plan: PlanKey?
    /// Who completed a session.
    public let subjects: Int64
    public let sessions: Int64
    public let averageLength: Ratio?
    /// `nil`: the statistics policy names no meter of it.
    public let longest: Int64?
    public let sessionsPerSubject: Ratio?

    package init(
        plan: PlanKey?, subjects: Int64, sessions: Int64, averageLength: Ratio?, longest: Int64?,
        sessionsPerSubject: Ratio?
    ) {
        self.plan = plan
        self.subjects = subjects
        self.sessions = sessions
        self.averageLength = averageLength
        self.longest = longest
        self.sessionsPerSubject = sessionsPerSubject
    }

    public static let fields: [ReportField<SessionQuality>] = [
        ReportField("plan", \.plan),
        ReportField("subjects", \.subjects),
        ReportField("sessions", \.sessions),
        ReportField("averageLength", \.averageLength),
        ReportField("longest", \.longest),
        ReportField("sessionsPerSubject", \.sessionsPerSubject),
    ]
}

/// What those paid who used a meter under a plan.
public struct FeatureValue: ReportRow {
    /// At the time of use; `nil`: none.
    public let plan: PlanKey?
    public let meter: MeterKey
    public let subjects: Int64
    public let quantity: Int64
    /// Of billing periods of the plan that began in the span, of those subjects.
    public let revenueMillionths: Int64
    public let revenuePerSubjectMillionths: Ratio?

    package init(
        plan: PlanKey?, meter: MeterKey, subjects: Int64, quantity: Int64, revenueMillionths: Int64
    ) {
        self.plan = plan
        self.meter = meter
        self.subjects = subjects
        self.quantity = quantity
        self.revenueMillionths = revenueMillionths
        revenuePerSubjectMillionths = Ratio(revenueMillionths, of: subjects)
    }

    public static let fields: [ReportField<FeatureValue>] = [
        ReportField("plan", \.plan),
        ReportField("meter", \.meter),
        ReportField("subjects", \.subjects),
        ReportField("quantity", \.quantity),
        ReportField("revenueMillionths", \.revenueMillionths),
        ReportField("revenuePerSubjectMillionths", \.revenuePerSubjectMillionths),
    ]
}
