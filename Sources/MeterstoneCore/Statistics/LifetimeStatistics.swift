/// What one subject did since the beginning, in its own calendar.
public struct LifetimeStatistics: Hashable, Sendable {
    public let subject: SubjectID
    /// Name of the zone whose calendar days, months and streaks follow.
    public let timeZone: String
    /// Every meter there is, by key.
    public let meters: [MeterTotals]
    public let streaks: Streaks
    /// When the first event occurred that counts; `nil`: there is none.
    public let firstActivityAt: Instant?
    public let lastActivityAt: Instant?
    /// `nil` unless the statistics policy names meters of sessions.
    public let sessions: SessionStatistics?
    /// What was used beyond allowances, by limit; those that were kept to are not there.
    public let overages: [LimitKey: Quantity]
    /// The plan under which the last event occurred; `nil`: on none, or there is no event.
    public let planAtLastUse: PlanKey?
    /// The plan that applies now, that of a team above included.
    public let plan: PlanKey?
    public let monthsSubscribed: Int64
    public let revenue: Money
    /// Of the plans that the subject's own profile and subscriptions ever gave it.
    public let highestPlan: PlanKey?
    /// In the order in which they were reached; `nil` without a statistics policy.
    public let milestones: [Milestone]?

    package init(
        subject: SubjectID, timeZone: String, meters: [MeterTotals], streaks: Streaks,
        firstActivityAt: Instant?, lastActivityAt: Instant?, sessions: SessionStatistics?,
        overages: [LimitKey: Quantity], planAtLastUse: PlanKey?, plan: PlanKey?,
        monthsSubscribed: Int64, revenue: Money, highestPlan: PlanKey?, milestones: [Milestone]?
    ) {
        self.subject = subject
        self.timeZone = timeZone
        self.meters = meters
        self.streaks = streaks
        self.firstActivityAt = firstActivityAt
        self.lastActivityAt = lastActivityAt
        self.sessions = sessions
        self.overages = overages
        self.planAtLastUse = planAtLastUse
        self.plan = plan
        self.monthsSubscribed = monthsSubscribed
        self.revenue = revenue
        self.highestPlan = highestPlan
        self.milestones = milestones
    }
}

/// What a subject used of one meter.
public struct MeterTotals: Hashable, Sendable {
    public let meter: MeterKey
    public let lifetime: Quantity
    /// In the current month of the subject's calendar.
    public let thisMonth: Quantity

    package init(meter: MeterKey, lifetime: Quantity, thisMonth: Quantity) {
        self.meter = meter
        self.lifetime = lifetime
        self.thisMonth = thisMonth
    }
}

/// How often and how long a subject's sessions were.
public struct SessionStatistics: Hashable, Sendable {
    public let completed: Quantity
    /// `nil`: none was completed.
    public let averageLength: Ratio?
    /// `nil`: no meter keeps it.
    public let longest: Quantity?
    /// Per month from that of the first activity to the current one, both included; `nil`: there
    /// was no activity.
    public let averagePerMonth: Ratio?

    package init(
        completed: Quantity, averageLength: Ratio?, longest: Quantity?, averagePerMonth: Ratio?
    ) {
        self.completed = completed
        self.averageLength = averageLength
        self.longest = longest
        self.averagePerMonth = averagePerMonth
    }
}
