package import MeterstoneCore

extension Shapes {
    /// Where a subject, or a team above it, stands.
    package static let limitStatus = Shape<LimitStatus>(
        "LimitStatus",
        [
            Member("limit", .key, \.limit, "The limit's key."),
            Member(
                maybe: "value", .text, \.value,
                "Of a limit per value: whose counter it is; * for any value that has none yet."),
            Member(
                maybe: "beyondValues", .always(true), { $0.isBeyondValues ? true : nil },
                "The value has no counter: as many as may have one do."),
            Member(
                maybe: "subject", .name, \.ancestor, "The team whose limit it is; absent: its own."),
            Member("meter", .key, \.meter, "What is counted."),
            Member("window", .window, \.window, "Over which time."),
            Member("allowance", .allowance, \.allowance, "How much is allowed."),
            Member("used", .units, \.used, "How much is used."),
            Member(
                "remaining", .integer(from: -1), \.remaining, "What is left; -1 without a bound."),
            Member(
                "resetsAt", Wire<Instant>.instant.orNull, \.resetsAt,
                "When the window ends; null: never."),
            Member("mode", .choice, \.mode, "What happens beyond the allowance."),
            Member(
                maybe: "failMode", .choice,
                { $0.failMode == .closed ? nil : $0.failMode },
                "What to do while no server answers: open lets go on; absent: closed."),
            Member(
                maybe: "wouldHaveDenied", .quantity, \.wouldHaveDenied,
                "Of a shadow limit: refusals that there would have been."),
            Member(
                maybe: "overage", .integer(from: 1),
                { $0.overage > .zero ? $0.overage.units : nil }, "Used beyond the allowance."),
            Member(
                maybe: "blockWhenExceeded", .always(true),
                { $0.definition.limit.blockWhenExceeded ? true : nil },
                "While it is full, its subject is blocked for everything."),
            Member(
                maybe: "base", .allowance, { $0.parts?.base },
                "What is allowed without additions; absent: none counts now."),
            Member(
                maybe: "additions", allowancePart.wire.list(), { $0.parts?.additions },
                "What changes the base now, in the order in which it is put on top."),
            Member(
                maybe: "carried", .integer, { $0.carried == 0 ? nil : $0.carried },
                "What earlier windows left, which is allowed beside it; below 0: what they owe."),
        ]
    ) { fields throws(WireMismatch) in
        let mode: LimitMode = try fields("mode")
        let limit = Limit(
            key: try fields("limit"), meter: try fields("meter"), window: try fields("window"),
            mode: mode, failMode: try fields("failMode") ?? .closed,
            blockWhenExceeded: try fields("blockWhenExceeded") ?? false)
        return LimitStatus(
            definition: LimitDefinition(told: limit), value: try fields("value"),
            isBeyondValues: try fields("beyondValues") ?? false, ancestor: try fields("subject"),
            allowance: try fields("allowance"), used: try fields("used"),
            resetsAt: try fields("resetsAt"), wouldHaveDenied: try fields("wouldHaveDenied"),
            parts: try parts(fields))
    }

    private static func parts(_ fields: WireFields) throws(WireMismatch) -> AllowanceParts? {
        guard let base: Allowance = try fields("base") else { return nil }
        return AllowanceParts(
            base: base, additions: try fields("additions", listOf: allowancePart),
            carried: try fields("carried") ?? 0)
    }

    /// An addition that counts in an allowance.
    package static let allowancePart = Shape<AllowancePart>(
        "AllowancePart",
        [
            Member("id", .key, \.id, "The addition's key."),
            Member(maybe: "set", .allowance, \.change.set, "So much is allowed instead."),
            Member(maybe: "add", .integer, \.change.added, "So much more is allowed, or less."),
            Member(maybe: "atLeast", .allowance, \.change.least, "No less than this is allowed."),
            Member(maybe: "until", .instant, \.until, "When it ends; absent: never."),
            Member(
                maybe: "plan", .key, \.plan,
                "The plan that it comes with; absent: it is the subject's own."),
        ]
    ) { fields throws(WireMismatch) in
        let set: Allowance? = try fields("set")
        let add: Int64? = try fields("add")
        let least: Allowance? = try fields("atLeast")
        guard
            let change = set.map({ AllowanceChange.set($0) }) ?? add.map({ .add($0) })
                ?? least.map({ .atLeast($0) })
        else { throw WireMismatch(path: "add", expectation: "one of set, add and atLeast") }
        return AllowancePart(
            id: try fields("id"), change: change, until: try fields("until"),
            plan: try fields("plan"))
    }
}

extension AllowanceChange {
    fileprivate var set: Allowance? {
        guard case .set(let allowance) = self else { return nil }
        return allowance
    }

    fileprivate var added: Int64? {
        guard case .add(let units) = self else { return nil }
        return units
    }

    fileprivate var least: Allowance? {
        guard case .atLeast(let allowance) = self else { return nil }
        return allowance
    }
}

extension Wire<[LimitStatus]> {
    package static var statuses: Wire { Shapes.limitStatus.wire.list() }
}

extension Shapes {
    /// A consume that was allowed.
    package static let consumed = Shape<Decision>(
        "ConsumeAnswer", [.allowed(true), dryRun] + answered + limitsAndCredits
    ) { fields throws(WireMismatch) in try Decision(fields, denial: nil) }

    private static let dryRun = Member<Decision>(
        maybe: "dryRun", .always(true), { $0.isDryRun ? true : nil }, nothingRecorded)

    private static let answered: [Member<Decision>] = [
        Member(
            "duplicate", .flag, \.isDuplicate, "Whether the same event was answered before."),
        Member(maybe: "eventId", .name, \.eventID, "The event that was recorded."),
        Member("moved", .keys, \.moved, "The meters that it moves: none when it is refused."),
        Member(maybe: "adjustment", adjustment.wire, \.adjustment, adjustmentSentence),
    ]

    private static let limitsAndCredits: [Member<Decision>] = [
        Member(
            "limits", .statuses, \.limits, "Every limit that was looked at, with what is used now."),
        Member(
            maybe: "credits", Shapes.charge.wire, \.credits,
            "What it costs in credits; absent: none."),
    ]
}

extension Member {
    package static func allowed(_ value: Bool) -> Member {
        Member("allowed", .always(value), { _ in value }, "Whether it may be used.")
    }
}

extension Decision {
    fileprivate init(_ fields: WireFields, denial: Denial?) throws(WireMismatch) {
        self.init(
            denial: denial, isDuplicate: try fields("duplicate") ?? false,
            eventID: try fields("eventId"),
            limits: try fields("limits", listOf: Shapes.limitStatus),
            credits: try fields("credits", maybe: Shapes.charge),
            moved: try fields("moved") ?? [], isDryRun: try fields("dryRun") ?? false,
            adjustment: try fields("adjustment", maybe: Shapes.adjustment))
    }
}

extension LimitDefinition {
    /// As a client is told of it: its place in a store is unknown.
    fileprivate convenience init(told limit: Limit) {
        self.init(
            limit: limit, aggregation: .sum, mode: limit.mode, number: 0, series: 0,
            refusalSeries: 0)
    }
}

/// The answer to a check, with the instant at which waiting begins.
package struct CheckAnswer: Sendable {
    package var decision: Decision
    package var now: Instant

    package init(_ decision: Decision, at now: Instant) {
        self.decision = decision
        self.now = now
    }
}

extension Shapes {
    /// A check says no with the same status as yes.
    package static let checked = Shape<CheckAnswer>(
        "CheckAnswer",
        [Member("allowed", .flag, \.decision.isAllowed, "Whether it could be used.")]
            + Shape(answered).members(of: \CheckAnswer.decision)
            + [
                Member(
                    maybe: "code",
                    .oneOf([
                        "limit_exceeded", "insufficient_credits", "subject_blocked", "feature_off",
                    ]),
                    \.decision.denial?.code, "Why not.")
            ] + denied.members)

    /// The members of a problem that says why something is refused.
    package static let denied = Shape<CheckAnswer>(
        Shape(limitsAndCredits).members(of: \CheckAnswer.decision) + denial)

    /// Reads a decision: of a check, or of a problem that says why something is refused.
    ///
    /// - Parameters:
    ///   - subject: who is taken to be blocked, where somebody is.
    ///   - now: when the answer came, from when on it tells to wait.
    package static func decision(
        _ fields: WireFields, of subject: SubjectID, at now: Instant
    ) throws(WireMismatch) -> Decision {
        guard let code: String = try fields("code") else {
            return try Decision(fields, denial: nil)
        }
        let seconds: Int64? = try fields("retryAfterSeconds")
        let reason: Denial.Reason
        switch code {
        case "limit_exceeded": reason = .limitExceeded
        case "insufficient_credits": reason = .insufficientCredits
        case "subject_blocked": reason = .subjectBlocked(subject)
        default: throw WireMismatch(path: "code", expectation: "the code of a refusal")
        }
        return try Decision(
            fields,
            denial: Denial(
                reason: reason, violated: try fields("violated") ?? [],
                retryAt: seconds.map { now.advanced(byMilliseconds: $0 * 1_000) },
                nextRefillAt: try fields("nextRefillAt"),
                plansThatAllow: try fields("plansThatAllow") ?? [],
                fallback: try fields("fallback")))
    }

    /// Why it is refused, and when or how it would not be.
    private static let denial: [Member<CheckAnswer>] = [
        Member(
            maybe: "violated", Wire<LimitKey>.key.list(), \.decision.denial?.violated,
            "The limits that refuse."),
        Member(
            maybe: "retryAfterSeconds", Wire<Int64>.integer(from: 1).orNull,
            { answer in answer.decision.denial.map { $0.retryAfterSeconds(at: answer.now) } },
            "How long to wait; null: waiting does not help."),
        Member(
            maybe: "nextRefillAt", .instant, \.decision.denial?.nextRefillAt,
            "When credits come again."),
        Member(
            maybe: "plansThatAllow", Wire<PlanKey>.key.list(), \.decision.denial?.plansThatAllow,
            "Plans under which it would be allowed."),
        Member(
            maybe: "fallback", .text, \.decision.denial?.fallback,
            "What to do instead, by the first limit that refuses and names something."),
    ]
}

/// Every limit of a subject.
package struct SubjectLimits: Sendable {
    package var subject: SubjectID
    package var limits: [LimitStatus]

    package init(_ subject: SubjectID, _ limits: [LimitStatus]) {
        self.subject = subject
        self.limits = limits
    }
}

extension Shapes {
    package static let limits = Shape<SubjectLimits>(
        "SubjectLimits",
        [
            Member("subject", .name, \.subject),
            Member("limits", .statuses, \.limits, "Its own and its teams', with what is used now."),
            Member(
                "overLimit", Wire<LimitKey>.key.list(),
                { $0.limits.filter(\.isFull).map(\.limit).uniqued },
                "The enforced limits of which nothing is left now."),
            Member(
                "blockedBy", Wire<LimitKey>.key.list(),
                { $0.limits.filter(\.isBlocking).map(\.limit).uniqued },
                "Of these, those that block the subject for everything."),
        ]
    ) { fields throws(WireMismatch) in
        SubjectLimits(try fields("subject"), try fields("limits", listOf: limitStatus))
    }
}

/// An allowance of one subject, in the place of its plan's.
package struct OverrideAnswer: Sendable {
    package var limit: LimitKey
    package var allowance: Allowance

    package init(_ limit: LimitKey, _ allowance: Allowance) {
        self.limit = limit
        self.allowance = allowance
    }
}

extension Shapes {
    package static let override = Shape<OverrideAnswer>(
        "Override",
        [
            Member("limit", .key, \.limit, "The limit's key."),
            Member("allowance", .allowance, \.allowance, "How much this subject may use."),
        ]
    ) { fields throws(WireMismatch) in
        OverrideAnswer(try fields("limit"), try fields("allowance"))
    }
}

extension Shapes {
    package static let overrides = list("OverrideList", "overrides", of: override)
}

extension [LimitKey] {
    /// Each once, where it stands first.
    fileprivate var uniqued: [LimitKey] {
        reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
}

extension Denial {
    /// The stable code of the refusal, as the problem and the answer to a check carry it.
    package var code: String {
        switch reason {
        case .limitExceeded: "limit_exceeded"
        case .insufficientCredits: "insufficient_credits"
        case .subjectBlocked: "subject_blocked"
        case .featureOff: "feature_off"
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
