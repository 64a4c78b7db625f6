/// What a change of plan would come to.
public struct SubscriptionPreview: Sendable {
    public let turn: SubscriptionTurn
    /// Where the subject stands when the change takes effect, without it and with it: its own limits.
    public let before: [SubjectWindow]
    public let after: [SubjectWindow]
    /// The balance of credits then, without the change and with it.
    public let creditsBefore: Int64
    public let creditsAfter: Int64
    /// What is paid from the change on until the end of the billing month that begins or runs then.
    public let charges: [PlanCharge]

    package init(
        turn: SubscriptionTurn, before: [SubjectWindow], after: [SubjectWindow],
        creditsBefore: Int64, creditsAfter: Int64, charges: [PlanCharge]
    ) {
        self.turn = turn
        self.before = before
        self.after = after
        self.creditsBefore = creditsBefore
        self.creditsAfter = creditsAfter
        self.charges = charges
    }
}

/// A preview, or why the change would be refused.
public enum SubscriptionPreviewOutcome: Sendable {
    case preview(SubscriptionPreview)
    case rejected(Rejection)
}

/// Where a subject stands with a limit of its own, and in which window.
public struct SubjectWindow: Sendable {
    public let status: LimitStatus
    public let span: WindowSpan

    package init(status: LimitStatus, span: WindowSpan) {
        self.status = status
        self.span = span
    }
}
