/// Where a subject's usage leads when it goes on as it did so far.
public struct UsageProjection: Hashable, Sendable {
    public let subject: SubjectID
    public let timeZone: String
    public let calculatedAt: Instant
    /// The subject's own limits, by key.
    public let limits: [LimitPace]
    /// The current month of the subject's calendar.
    public let month: WindowSpan
    /// Every meter, by key.
    public let meters: [MeterPace]

    package init(
        subject: SubjectID, timeZone: String, calculatedAt: Instant, limits: [LimitPace],
        month: WindowSpan, meters: [MeterPace]
    ) {
        self.subject = subject
        self.timeZone = timeZone
        self.calculatedAt = calculatedAt
        self.limits = limits
        self.month = month
        self.meters = meters
    }
}

/// How one limit fares.
public struct LimitPace: Hashable, Sendable {
    public let limit: LimitKey
    public let meter: MeterKey
    public let window: Window
    public let allowance: Allowance
    public let used: Quantity
    /// When the window ends; `nil`: never, or it rolls.
    public let endsAt: Instant?
    /// `nil` where there is no end to look forward to, or the meter neither sums nor counts.
    public let projected: Quantity?
    /// When the allowance is used up; `nil`: not in this window.
    public let reachedAt: Instant?

    package init(
        limit: LimitKey, meter: MeterKey, window: Window, allowance: Allowance, used: Quantity,
        endsAt: Instant?, pace: UsagePace?
    ) {
        self.limit = limit
        self.meter = meter
        self.window = window
        self.allowance = allowance
        self.used = used
        self.endsAt = endsAt
        projected = pace?.projected
        reachedAt = pace?.reachedAt
    }
}

/// How the month of one meter will end.
public struct MeterPace: Hashable, Sendable {
    public let meter: MeterKey
    /// In the month so far.
    public let used: Quantity
    /// When the month ends; `nil` of a meter that neither sums nor counts.
    public let projected: Quantity?

    package init(meter: MeterKey, used: Quantity, projected: Quantity?) {
        self.meter = meter
        self.used = used
        self.projected = projected
    }
}
