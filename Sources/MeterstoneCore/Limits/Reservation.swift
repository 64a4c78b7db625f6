/// Units set aside for one operation until its real quantity is known.
///
/// A reservation is a usage event from the start: it counts in the windows of the time at which it was
/// made, and settling, releasing and expiring correct what it counts for. Its id is the event's.
public struct Reservation: Hashable, Sendable {
    public let id: EventID
    /// The event's source, if it has one.
    public let source: String?
    public let subject: SubjectID
    /// What counts: what is set aside while it is open, what was used afterwards.
    public let quantities: Quantities
    /// What the operation said so far to have used.
    public let reported: Quantities?
    public let status: ReservationStatus
    public let terms: ReservationTerms
    public let reservedAt: Instant
    public let expiresAt: Instant
    /// `nil` while it is open.
    public let closedAt: Instant?
    /// What is told of the operation.
    public let details: EventDetails?
    /// Where it counts, since its own month was closed when it was made; `nil`: when it was made.
    public let adjustment: Adjustment?

    package init(
        id: EventID, source: String?, subject: SubjectID, quantities: Quantities,
        reported: Quantities?, status: ReservationStatus, terms: ReservationTerms,
        reservedAt: Instant, expiresAt: Instant, closedAt: Instant?,
        details: EventDetails? = nil, adjustment: Adjustment? = nil
    ) {
        self.adjustment = adjustment
        self.id = id
        self.source = source
        self.subject = subject
        self.quantities = quantities
        self.reported = reported
        self.status = status
        self.terms = terms
        self.reservedAt = reservedAt
        self.expiresAt = expiresAt
        self.closedAt = closedAt
        self.details = details
    }
}

/// Where a reservation stands.
public enum ReservationStatus: String, Hashable, Sendable, NamedChoice {
    case open
    /// Its real quantity counts.
    case settled
    /// It counts for nothing.
    case released
    /// Its time ran out; ``ReservationTerms/onExpiry`` says what counts.
    case expired
}

/// How long a reservation lasts, and what happens where nobody says so.
public struct ReservationTerms: Hashable, Sendable {
    /// From when it is made, or extended, until it expires.
    public var milliseconds: Int64
    public var onExpiry: ExpiryPolicy
    public var onOverage: OveragePolicy
    /// What counts when the operation failed or was cancelled; `nil`: as each meter says.
    public var onAbort: AbortPolicy?
    /// What counts at least then, by quantity, in the place of what meters say.
    public var abortMinimum: Quantities

    public init(
        milliseconds: Int64 = ReservationTerms.millisecondsDefault,
        onExpiry: ExpiryPolicy = .release,
        onOverage: OveragePolicy = .count,
        onAbort: AbortPolicy? = nil,
        abortMinimum: Quantities = .none
    ) {
        self.milliseconds = milliseconds
        self.onExpiry = onExpiry
        self.onOverage = onOverage
        self.onAbort = onAbort
        self.abortMinimum = abortMinimum
    }

    /// Whether a reservation says itself what it counts when it was aborted.
    package var decidesAborts: Bool { onAbort != nil || abortMinimum != .none }

    /// Ten minutes.
    public static let millisecondsDefault: Int64 = 600_000
    /// A millisecond to thirty days.
    public static let millisecondsRange: ClosedRange<Int64> = 1...2_592_000_000
}

/// What counts when nobody settled a reservation in time.
public enum ExpiryPolicy: String, Hashable, Sendable, NamedChoice {
    /// Nothing.
    case release
    /// What was set aside.
    case charge
    /// What was reported so far; nothing when nothing was.
    case chargeReported
}

/// What counts of an operation that failed or was cancelled.
public enum AbortPolicy: String, Hashable, Sendable, NamedChoice {
    case nothing
    /// What was told at its end, or reported before; nothing when nothing was.
    case told
    /// The same, and what was set aside when nothing was told.
    case reserved
}

/// What happens when more was used than was set aside.
public enum OveragePolicy: String, Hashable, Sendable, NamedChoice {
    /// All of it counts, beyond the limits if need be.
    case count
    /// No more counts than was set aside.
    case cap
}

/// More time, more units, or what was used so far; what is `nil` stays as it is.
public struct ReservationExtension: Hashable, Sendable {
    public var id: EventID
    public var source: String?
    /// It expires so much later than now.
    public var milliseconds: Int64?
    /// What is set aside from now on, in all: never less than before. A name that is left out keeps its
    /// quantity.
    public var quantities: Quantities
    /// What was used so far, in all.
    public var reported: Quantities?

    public init(
        id: EventID, source: String? = nil, milliseconds: Int64? = nil,
        quantities: Quantities = .none, reported: Quantities? = nil
    ) {
        self.id = id
        self.source = source
        self.milliseconds = milliseconds
        self.quantities = quantities
        self.reported = reported
    }
}

/// How an operation with a reservation ended.
public struct ReservationClosing: Hashable, Sendable {
    public var id: EventID
    public var source: String?
    public var end: End

    public enum End: Hashable, Sendable {
        /// So much was used. A name that is left out keeps the quantity that was set aside.
        case settle(Quantities)
        /// Nothing was used.
        case release
    }
    /// What is told about the operation at its end, beside what was told when it began; `nil`: nothing,
    /// and in a repeat nothing in particular.
    public var details: EventDetails?

    public init(id: EventID, source: String? = nil, end: End, details: EventDetails? = nil) {
        self.id = id
        self.source = source
        self.end = end
        self.details = details
    }
}

/// What became of the wish to reserve.
public enum ReserveOutcome: Sendable {
    /// Allowed with a reservation, or denied without one.
    case decided(Decision, Reservation?)
    /// The event id was used before, for something else. Nothing changed.
    case conflict(EventID)
    case rejected(Rejection)
}

/// What became of extending, settling or releasing a reservation.
public enum ReservationOutcome: Sendable {
    case done(ReservationAnswer)
    /// An extension by units that do not fit. Nothing changed.
    case denied(Denial, [LimitStatus], CreditCharge?)
    /// It was closed before, in another way. Nothing changed.
    case conflict(Reservation)
    case rejected(Rejection)
}

/// A reservation after something was done with it, and where the subject's limits stood then.
public struct ReservationAnswer: Sendable {
    public let reservation: Reservation
    public let limits: [LimitStatus]
    /// `nil` when no credits were concerned.
    public let credits: CreditCharge?
    /// This answer was given before.
    public let isDuplicate: Bool

    package init(
        reservation: Reservation, limits: [LimitStatus], credits: CreditCharge?, isDuplicate: Bool
    ) {
        self.reservation = reservation
        self.limits = limits
        self.credits = credits
        self.isDuplicate = isDuplicate
    }
}

/// What an operation cost in credits, and what is left.
public struct CreditCharge: Hashable, Sendable {
    /// Spent, or held while a reservation is open. In a refusal: what would be needed.
    public let amount: Int64
    /// What the subject may use afterwards.
    public let balance: Int64
    /// What was used beyond what balance and overdraft could pay, when a reservation was settled. It
    /// was counted, and nobody owes it.
    public let shortfall: Int64

    package init(amount: Int64, balance: Int64, shortfall: Int64 = 0) {
        self.amount = amount
        self.balance = balance
        self.shortfall = shortfall
    }
}
