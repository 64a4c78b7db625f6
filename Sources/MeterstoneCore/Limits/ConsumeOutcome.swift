/// What became of a consume or a check.
public enum ConsumeOutcome: Sendable {
    /// The rules were applied: allowed or denied.
    case decided(Decision)
    /// The event id was used before, with another body. Nothing changed.
    case conflict(EventID)
    /// The request cannot be carried out as it is. Nothing changed.
    case rejected(Rejection)
}

/// What a check asks about.
public enum CheckedUse: String, Hashable, Sendable, CaseIterable {
    /// Whether it could be used up at once.
    case consume
    /// Whether it could be set aside.
    case reservation
}

/// The answer to a consume, with the state of every limit that was looked at.
public struct Decision: Sendable {
    /// `nil` when allowed.
    public let denial: Denial?
    /// This answer was given before, to the same event id.
    public let isDuplicate: Bool
    /// The event that was recorded; `nil` for a denial and for a check.
    public let eventID: EventID?
    public let limits: [LimitStatus]
    /// What it cost in credits, or would have; `nil` when it costs none.
    public let credits: CreditCharge?
    /// The meters that it moves, sorted; none when it is refused. A repeat is told by the meters that there
    /// are now.
    public let moved: [MeterKey]
    /// It says what would be answered: nothing was recorded.
    public let isDryRun: Bool
    /// Where it counts, since its own month is closed; `nil`: when it occurred.
    public let adjustment: Adjustment?

    package init(
        denial: Denial?, isDuplicate: Bool, eventID: EventID?, limits: [LimitStatus],
        credits: CreditCharge? = nil, moved: [MeterKey] = [], isDryRun: Bool = false,
        adjustment: Adjustment? = nil
    ) {
        self.adjustment = adjustment
        self.isDryRun = isDryRun
        self.credits = credits
        self.moved = moved
        self.denial = denial
        self.isDuplicate = isDuplicate
        self.eventID = eventID
        self.limits = limits
    }

    public var isAllowed: Bool { denial == nil }

    /// The same of a consume that was only tried.
    ///
    /// - Parameter id: the one that the caller gave; one that was made for the attempt means nothing.
    package func attempted(_ id: EventID?) -> Decision {
        Decision(
            denial: denial, isDuplicate: isDuplicate, eventID: eventID == nil ? nil : id,
            limits: limits, credits: credits, moved: moved, isDryRun: true, adjustment: adjustment)
    }
}

/// Why a consume was refused, and when or how it would not be.
public struct Denial: Hashable, Sendable {
    public enum Reason: Hashable, Sendable {
        case limitExceeded
        /// Fewer credits are left than it costs.
        case insufficientCredits
        /// The subject, or a team above it, is blocked: by somebody, or by limits that are full.
        case subjectBlocked(SubjectID)
        /// The plan does not have a feature. Only a check that asks about it says so.
        case featureOff(String)
    }

    public let reason: Reason
    /// The limits that refused, in the order of ``Decision/limits``; when blocked, those that block. When credits
    /// are short: those beyond which they would have had to pay.
    public let violated: [LimitKey]
    /// When the same consume could succeed if nothing else is used; always later than the decision.
    /// `nil`: time will not help, since the event belongs to a window that is past, since no window
    /// would hold it, or since the limit never starts anew.
    public let retryAt: Instant?
    /// When credits are short: when some come next of themselves, by the plan or by a grant for later.
    /// ``retryAt`` says the same if they are enough; `nil`: nothing is known to come.
    public let nextRefillAt: Instant?
    /// Plans under which this consume would be allowed, the smallest first. When credits are short: by what
    /// they allow, by their overdraft, or by the credits that they give more in a window.
    public let plansThatAllow: [PlanKey]
    /// What to do instead, by the first of ``violated`` that names something.
    public let fallback: String?

    package init(
        reason: Reason, violated: [LimitKey] = [], retryAt: Instant? = nil,
        nextRefillAt: Instant? = nil, plansThatAllow: [PlanKey] = [], fallback: String? = nil
    ) {
        self.reason = reason
        self.violated = violated
        self.retryAt = retryAt
        self.nextRefillAt = nextRefillAt
        self.plansThatAllow = plansThatAllow
        self.fallback = fallback
    }
}

/// What became of an event that reports what has happened.
public enum RecordOutcome: Sendable {
    /// - Parameters:
    ///   - moved: as of ``Decision/moved``; none when no meter counts such an event.
    ///   - adjustment: as of ``Decision/adjustment``.
    case counted(EventID, moved: [MeterKey], adjustment: Adjustment? = nil)
    /// The same event was counted before.
    case duplicate(EventID, moved: [MeterKey], adjustment: Adjustment? = nil)
    /// The event id was used before, with another body. Nothing changed.
    case conflict(EventID)
    case rejected(Rejection)
}

/// A request that breaks a rule: which field, and what was expected of it.
public struct Rejection: Hashable, Sendable, Codable, Error {
    /// Stable, for programs; every code has a line in `docs/reference/errors.md`.
    public let code: Code
    /// Path of the field in the request: `quantities.seconds`.
    public let field: String
    /// A sentence for people, with what was expected.
    public let message: String

    public init(code: Code, field: String, message: String) {
        self.code = code
        self.field = field
        self.message = message
    }

    public enum Code: String, Hashable, Sendable, Codable, CaseIterable {
        case invalidField = "invalid_field"
        case missingField = "missing_field"
        case unknownField = "unknown_field"
        case unknownMeter = "unknown_meter"
        case unknownPlan = "unknown_plan"
        case unknownLimit = "unknown_limit"
        case unknownFeature = "unknown_feature"
        case unknownAddOn = "unknown_add_on"
        case unknownWebhook = "unknown_webhook"
        case unknownSubject = "unknown_subject"
        case unknownEvent = "unknown_event"
        case unknownType = "unknown_type"
        case cursorExpired = "cursor_expired"
        case unknownTimeZone = "unknown_time_zone"
        case timeZoneRules = "time_zone_rules"
        case nothingToCount = "nothing_to_count"
        case unpricedModel = "unpriced_model"
        case quantityOverflow = "quantity_overflow"
        case occurredAtOutOfRange = "occurred_at_out_of_range"
        case alreadyVoided = "already_voided"
        case eventVoided = "event_voided"
        case eventRefunded = "event_refunded"
        case inUse = "in_use"
        case cyclicParent = "cyclic_parent"
        case malformed = "malformed"
        case tooLarge = "too_large"
        case idempotencyConflict = "idempotency_conflict"
        case preconditionFailed = "precondition_failed"
        case trackingDisabled = "tracking_disabled"
        case unknownReservation = "unknown_reservation"
        case reservationOpen = "reservation_open"
        case reservationClosed = "reservation_closed"
        case tooManyReservations = "too_many_reservations"
        case tooManyEvents = "too_many_events"
        case unknownGrant = "unknown_grant"
        case duplicateGrant = "duplicate_grant"
        case unknownReference = "unknown_reference"
        case alreadyRefunded = "already_refunded"
        case creditOverflow = "credit_overflow"
        case foreignSubject = "foreign_subject"
        case subjectErased = "subject_erased"
        case monthClosed = "month_closed"
        case monthNotOver = "month_not_over"
    }
}
