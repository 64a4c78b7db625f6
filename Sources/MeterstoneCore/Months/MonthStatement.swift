/// What a closed month came to: of everybody, or of one subject.
///
/// It is told as a text, and the same month always as the same: see ``StatementDocument``.
public struct MonthStatement: Hashable, Sendable, Codable {
    public let month: CivilMonth
    /// Whose calendar cut it.
    public let timeZone: String
    public let from: Instant
    /// Not included.
    public let until: Instant
    public let closedAt: Instant
    /// Place of the closing among all facts.
    public let sequence: Int64
    /// `nil`: all subjects together.
    public let subject: SubjectID?
    /// Those that there were when the month was closed, by key.
    public let meters: [MeterStatement]

    package init(_ closed: ClosedMonth, of subject: SubjectID?, _ meters: [MeterStatement]) {
        month = closed.month
        timeZone = closed.timeZone
        from = closed.from
        until = closed.until
        closedAt = closed.closedAt
        sequence = closed.sequence
        self.subject = subject
        self.meters = meters
    }

    package static let kind = "statement"
}

/// One meter in a statement.
public struct MeterStatement: Hashable, Sendable, Codable {
    public let meter: MeterKey
    public let aggregation: Aggregation
    /// What it came to, as reports tell it.
    public let quantity: Int64
    /// Events that moved it.
    public let events: Int64
    /// What they cost you, in millionths of the currency unit.
    public let costMillionths: Int64
    /// What of this occurred in earlier months, and was told when they were closed.
    public let adjustments: AdjustmentTotal

    package init(
        meter: MeterKey, aggregation: Aggregation, quantity: Int64, events: Int64,
        costMillionths: Int64, adjustments: AdjustmentTotal
    ) {
        self.meter = meter
        self.aggregation = aggregation
        self.quantity = quantity
        self.events = events
        self.costMillionths = costMillionths
        self.adjustments = adjustments
    }
}

public struct AdjustmentTotal: Hashable, Sendable, Codable {
    public let events: Int64
    /// `nil`: it is no sum or count, and no part of it can be told.
    public let quantity: Int64?
    public let costMillionths: Int64

    package init(events: Int64, quantity: Int64?, costMillionths: Int64) {
        self.events = events
        self.quantity = quantity
        self.costMillionths = costMillionths
    }
}

/// A statement as it is handed out: the exact text, and what was signed of it.
public struct StatementDocument: Hashable, Sendable {
    /// A ``MonthStatement`` as JSON.
    public let text: String
    /// `nil`: whoever handed it out has no secret to sign with.
    public let signature: String?

    package init(text: String, signature: String? = nil) {
        self.text = text
        self.signature = signature
    }
}

/// A statement, or why there is none.
public enum StatementOutcome: Hashable, Sendable {
    case document(StatementDocument)
    /// The month was not closed, at least not by itself.
    case notClosed
    case unknownSubject
}
