/// A threshold that was reached, as it is written down in the step that reached it.
public struct FiredAlert: Hashable, Sendable, Codable {
    public var alert: AlertKey
    /// Whose limit or credits: the one who used something, or a team above.
    public var subject: SubjectID
    public var measure: AlertMeasure
    public var threshold: Int64
    /// `nil`: it is about credits, about use that stands out, or about refusals that no limit is the cause of.
    public var limit: LimitKey?
    public var meter: MeterKey?
    /// Of a limit per value: which one.
    public var value: String?
    public var allowance: Int64?
    public var used: Int64?
    /// When counting starts anew; `nil`: never.
    public var resetsAt: Instant?
    /// Of a pace: when nothing will be left of the allowance.
    public var fullAt: Instant?
    /// Credits that are left.
    public var balance: Int64?
    /// The usage that reached it, where one did.
    public var eventID: EventID?
    /// Nothing is told: what was counted is taken back, and the threshold can be reached anew.
    package var isRearmed: Bool?
    /// Nothing is told: what became of a refill that was asked for.
    package var refill: RefillNote?

    public init(
        alert: AlertKey, subject: SubjectID, measure: AlertMeasure, threshold: Int64,
        limit: LimitKey? = nil, meter: MeterKey? = nil, value: String? = nil,
        allowance: Int64? = nil, used: Int64? = nil, resetsAt: Instant? = nil,
        fullAt: Instant? = nil, balance: Int64? = nil, eventID: EventID? = nil
    ) {
        self.fullAt = fullAt
        self.alert = alert
        self.subject = subject
        self.measure = measure
        self.threshold = threshold
        self.limit = limit
        self.meter = meter
        self.value = value
        self.allowance = allowance
        self.used = used
        self.resetsAt = resetsAt
        self.balance = balance
        self.eventID = eventID
    }

    /// A subject's day that stands out from its own past.
    package init(_ usage: UnusualUsage, of meter: MeterKey, alert: AlertKey) {
        self.init(
            alert: alert, subject: usage.subject, measure: .unusual,
            threshold: usage.usualQuantity.map { $0.numerator / $0.denominator } ?? 0,
            meter: meter, used: usage.quantity)
    }

    /// What became of a refill, or that it can be asked for again.
    package init(
        _ note: RefillNote, of alert: AlertKey, for subject: SubjectID, below balance: Int64
    ) {
        self.init(alert: alert, subject: subject, measure: .credits, threshold: balance)
        refill = note
    }

    package static let kind = "firedAlert"

    /// Whether somebody is told of it.
    package var isTold: Bool { isRearmed != true && refill == nil }

    /// As what it stands in the log.
    package var recordKind: String {
        if refill != nil { return RefillNote.kind }
        return isRearmed ?? false ? "rearmedAlert" : Self.kind
    }

    /// Under which changes of it are found.
    package static func key(of subject: SubjectID, _ alert: AlertKey) -> String {
        "\(subject.text)/\(alert.text)"
    }
}

/// A fired alert with its place among all facts and its time.
public struct RecordedAlert: Hashable, Sendable {
    public let sequence: Int64
    public let firedAt: Instant
    public let alert: FiredAlert

    package init(sequence: Int64, firedAt: Instant, alert: FiredAlert) {
        self.sequence = sequence
        self.firedAt = firedAt
        self.alert = alert
    }
}
