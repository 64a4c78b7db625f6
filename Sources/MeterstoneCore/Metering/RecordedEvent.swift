/// A usage event as it stands: the fact, when it was recorded, and what was corrected since.
public struct RecordedEvent: Sendable, Hashable {
    /// With the id and time that the engine gave where the caller gave none; after an amendment,
    /// with the amended quantities and details.
    public let event: UsageEvent
    /// Position in the order of recording; unique in a store.
    public let sequence: Int64
    public let recordedAt: Instant
    /// Oldest first.
    public let corrections: [CorrectionNote]
    /// What the event is, or was, as a reservation; `nil`: it never was one.
    public let reservation: Reservation?
    /// What it cost in credits; `nil`: none.
    public let credits: CreditCharge?
    /// Where it counts, since its own month was closed when it was told; `nil`: when it occurred.
    public let adjustment: Adjustment?
    /// Which meters count it, by the rules as they are: none where nothing of it counts, or where nobody looked.
    public let moved: [MeterKey]

    package init(
        event: UsageEvent, sequence: Int64, recordedAt: Instant, corrections: [CorrectionNote],
        reservation: Reservation? = nil, credits: CreditCharge? = nil,
        adjustment: Adjustment? = nil, moved: [MeterKey] = []
    ) {
        self.moved = moved
        self.adjustment = adjustment
        self.reservation = reservation
        self.credits = credits
        self.event = event
        self.sequence = sequence
        self.recordedAt = recordedAt
        self.corrections = corrections
    }

    public var isVoided: Bool { corrections.last?.kind == .void }
}

/// Who corrected an event, when and why.
public struct CorrectionNote: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable {
        case void, amend
    }

    public let kind: Kind
    public let author: String
    public let reason: String
    public let recordedAt: Instant

    package init(kind: Kind, author: String, reason: String, recordedAt: Instant) {
        self.kind = kind
        self.author = author
        self.reason = reason
        self.recordedAt = recordedAt
    }
}

/// A position in a list of events that runs from the newest to the oldest.
public struct EventCursor: Hashable, Comparable, Sendable {
    public let occurredAt: Instant
    public let sequence: Int64

    public init(occurredAt: Instant, sequence: Int64) {
        self.occurredAt = occurredAt
        self.sequence = sequence
    }

    public static func < (lhs: EventCursor, rhs: EventCursor) -> Bool {
        (lhs.occurredAt, lhs.sequence) < (rhs.occurredAt, rhs.sequence)
    }
}

/// Some of a subject's events, newest first, and where the next page starts.
public struct EventPage: Sendable {
    public let events: [RecordedEvent]
    /// `nil`: there are no more.
    public let next: EventCursor?

    package init(events: [RecordedEvent], next: EventCursor?) {
        self.events = events
        self.next = next
    }
}

/// Usage of one meter, window by window.
public struct UsageSeries: Sendable {
    public struct Point: Hashable, Sendable {
        public let from: Instant
        public let until: Instant
        public let quantity: Quantity

        package init(from: Instant, until: Instant, quantity: Quantity) {
            self.from = from
            self.until = until
            self.quantity = quantity
        }
    }

    public let meter: MeterKey
    public let window: Window
    /// Name of the zone whose calendar the windows follow.
    public let timeZone: String
    /// Every window that overlaps the span asked for, in order, empty ones with quantity 0.
    public let points: [Point]

    package init(meter: MeterKey, window: Window, timeZone: String, points: [Point]) {
        self.meter = meter
        self.window = window
        self.timeZone = timeZone
        self.points = points
    }
}
