/// A month whose numbers do not change any more: what is told or corrected late counts in a month that is open.
public struct ClosedMonth: Hashable, Sendable, Codable {
    public let month: CivilMonth
    /// Whose calendar cut it.
    public let timeZone: String
    public let from: Instant
    /// Not included: where the first open month begins.
    public let until: Instant
    public let closedAt: Instant
    /// Place of the closing among all facts.
    public let sequence: Int64
    /// The meters that there were then. A statement counts by them.
    package let meters: [Meter]

    package init(
        month: CivilMonth, timeZone: String, from: Instant, until: Instant, closedAt: Instant,
        sequence: Int64, meters: [Meter]
    ) {
        self.month = month
        self.timeZone = timeZone
        self.from = from
        self.until = until
        self.closedAt = closedAt
        self.sequence = sequence
        self.meters = meters
    }

    package static let kind = "closedMonth"
}

/// Usage that was told after its month was closed: when it occurred, and where it counts instead.
public struct Adjustment: Hashable, Sendable {
    /// When it occurred, as it was told.
    public let occurredAt: Instant
    /// The beginning of the first month that was open when it was told.
    public let countedAt: Instant

    package init(occurredAt: Instant, countedAt: Instant) {
        self.occurredAt = occurredAt
        self.countedAt = countedAt
    }
}
