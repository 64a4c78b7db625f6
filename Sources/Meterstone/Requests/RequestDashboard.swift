public import MeterstoneCore

/// A subject's requests at a glance.
public struct RequestDashboard: Sendable {
    public let subject: SubjectID
    /// What the subject's metadata call `email`, or its id if that is one.
    public let email: String?
    /// The plan that applies now; `nil`: there is none.
    public let plan: PlanKey?
    /// Requests that count, in the subject's own calendar.
    public let thisMonth: RequestAllowance
    public let today: RequestAllowance
    /// Whether the limits would let one more request start.
    public let canStart: Bool
    /// Of all requests ever.
    public let totals: RequestTotals
    /// Newest first.
    public let recent: [TrackedRequest]
    public let calculatedAt: Instant
}

/// Requests of a window that count, and how many there may be.
public struct RequestAllowance: Hashable, Sendable {
    public let used: Int64
    public let allowance: Allowance

    package init(used: Int64, allowance: Allowance) {
        self.used = used
        self.allowance = allowance
    }
}
