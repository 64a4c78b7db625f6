package import MeterstoneCore

extension JSONWriter {
    package mutating func instant(_ instant: Instant?) {
        guard let instant else { return null() }
        string(instant.rfc3339)
    }

    /// Writes the member `limits`: where the subject, and teams above it, stand.
    package mutating func limits(_ statuses: [LimitStatus]) {
        name("limits")
        beginArray()
        for status in statuses { limit(status) }
        endArray()
    }

    private mutating func limit(_ status: LimitStatus) {
        beginObject()
        name("limit")
        string(status.limit.text)
        if let ancestor = status.ancestor {
            name("subject")
            string(ancestor.text)
        }
        name("meter")
        string(status.meter.text)
        name("window")
        string(status.window.text)
        name("allowance")
        integer(status.allowance.wire)
        name("used")
        integer(status.used.units)
        name("remaining")
        integer(status.remaining)
        name("resetsAt")
        instant(status.resetsAt)
        name("mode")
        string(status.mode.rawValue)
        if let wouldHaveDenied = status.wouldHaveDenied {
            name("wouldHaveDenied")
            integer(wouldHaveDenied)
        }
        if status.overage > .zero {
            name("overage")
            integer(status.overage.units)
        }
        endObject()
    }

    /// Writes the body of an answer to a consume that was allowed.
    package mutating func consumed(_ decision: Decision) {
        beginObject()
        name("allowed")
        boolean(true)
        name("duplicate")
        boolean(decision.isDuplicate)
        if let id = decision.eventID {
            name("eventId")
            string(id.text)
        }
        limits(decision.limits)
        credits(decision.credits)
        endObject()
    }

    /// Writes the member `credits`, when credits are concerned: what it costs, and what is left.
    package mutating func credits(_ charge: CreditCharge?) {
        guard let charge else { return }
        name("credits")
        beginObject()
        name("amount")
        integer(charge.amount)
        name("balance")
        integer(charge.balance)
        if charge.shortfall != 0 {
            name("shortfall")
            integer(charge.shortfall)
        }
        endObject()
    }

    /// Writes the body of an answer to a check, which says no with the same status as yes.
    package mutating func checked(_ decision: Decision, at now: Instant) {
        guard let denial = decision.denial else { return consumed(decision) }
        beginObject()
        name("allowed")
        boolean(false)
        name("duplicate")
        boolean(false)
        name("code")
        string(denial.code)
        limits(decision.limits)
        credits(decision.credits)
        self.denial(denial, at: now)
        endObject()
    }

    /// Writes the members that say why a consume is refused, and when or how it would not be.
    package mutating func denial(_ denial: Denial, at now: Instant) {
        name("violated")
        beginArray()
        for limit in denial.violated { string(limit.text) }
        endArray()
        name("retryAfterSeconds")
        if let seconds = denial.retryAfterSeconds(at: now) { integer(seconds) } else { null() }
        if let nextRefillAt = denial.nextRefillAt {
            name("nextRefillAt")
            instant(nextRefillAt)
        }
        name("plansThatAllow")
        beginArray()
        for plan in denial.plansThatAllow { string(plan.text) }
        endArray()
    }
}

extension Denial {
    /// The stable code of the refusal, as the problem and the answer to a check carry it.
    package var code: String {
        switch reason {
        case .limitExceeded: "limit_exceeded"
        case .insufficientCredits: "insufficient_credits"
        case .subjectBlocked: "subject_blocked"
        }
    }

    /// Rounded up, so that a caller that waits so long is not too early; at least 1.
    package func retryAfterSeconds(at now: Instant) -> Int64? {
        retryAt.map { max(1, $0.secondsRoundedUp(since: now)) }
    }
}

extension Instant {
    /// Whole seconds from an earlier instant to this one, rounded up; never below 0.
    package func secondsRoundedUp(since earlier: Instant) -> Int64 {
        let (milliseconds, overflow) = millisecondsSince1970.subtractingReportingOverflow(
            earlier.millisecondsSince1970)
        guard !overflow, milliseconds > 0 else { return 0 }
        return (milliseconds - 1) / 1_000 + 1
    }
}
