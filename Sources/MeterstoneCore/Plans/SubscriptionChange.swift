/// When a change of plan takes effect.
public enum ChangeTime: Hashable, Sendable {
    case now
    /// When what is paid for ends: at `expiresAt`, or with the billing period.
    case periodEnd
    case instant(Instant)

    public static let expectation = "now, periodEnd or an instant like 2026-05-01T00:00:00Z"
}

extension ChangeTime: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        switch try container.decode(String.self) {
        case "now": self = .now
        case "periodEnd": self = .periodEnd
        case let text:
            guard let instant = Instant(rfc3339: text) else {
                throw DecodingError.dataCorruptedError(
                    in: container, debugDescription: "expected \(Self.expectation)")
            }
            self = .instant(instant)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .now: try container.encode("now")
        case .periodEnd: try container.encode("periodEnd")
        case .instant(let instant): try container.encode(instant)
        }
    }
}

/// What becomes of usage when the plan changes.
public enum UsageAtChange: String, Hashable, Sendable, NamedChoice {
    /// It counts against the allowances of the new plan.
    case keep
    /// The windows that run end, and new ones begin.
    case reset
}

/// What billing months are counted from when the plan changes.
public enum AnchorAtChange: String, Hashable, Sendable, NamedChoice {
    case keep
    /// From the change on. With usage that is kept the month that runs becomes longer.
    case new
}

/// What becomes of the credits of the windows that run when the plan changes.
public enum CreditsAtChange: String, Hashable, Sendable, NamedChoice {
    /// What the new plan gives more than the window got so far comes at once.
    case difference
    /// All that the new plan gives comes at once.
    case full
    /// The new plan gives from the next window on.
    case nextWindow
}

/// How a change of plan was carried out.
public struct ChangeTerms: Hashable, Sendable, Codable {
    public var usage: UsageAtChange
    public var anchor: AnchorAtChange
    public var credits: CreditsAtChange

    public init(
        usage: UsageAtChange = .keep, anchor: AnchorAtChange = .keep,
        credits: CreditsAtChange = .difference
    ) {
        self.usage = usage
        self.anchor = anchor
        self.credits = credits
    }
}

/// How changes to a plan are carried out where the caller says nothing; what is `nil` is as people expect.
public struct ChangePolicy: Hashable, Sendable, Codable {
    /// When; an instant is no policy.
    public enum Time: String, Hashable, Sendable, NamedChoice {
        case now, periodEnd
    }

    public var at: Time?
    public var usage: UsageAtChange?
    public var anchor: AnchorAtChange?
    public var credits: CreditsAtChange?

    public init(
        at: Time? = nil, usage: UsageAtChange? = nil, anchor: AnchorAtChange? = nil,
        credits: CreditsAtChange? = nil
    ) {
        self.at = at
        self.usage = usage
        self.anchor = anchor
        self.credits = credits
    }
}

/// A change of a subject's plan, as it is asked for. What is `nil` comes from the policy of the plan, or is as
/// people expect: a plan of a higher rank applies now, one of a lower rank at the end of the period.
public struct SubscriptionChange: Hashable, Sendable, Codable {
    public var plan: PlanKey
    public var at: ChangeTime?
    public var usage: UsageAtChange?
    public var anchor: AnchorAtChange?
    public var credits: CreditsAtChange?
    public var status: SubscriptionStatus?
    public var expiresAt: Instant?
    /// `nil`: those of the subscription before.
    public var externalIDs: [String: String]?
    public var metadata: [String: String]?
    /// When that happened which causes the change. Nothing changes when something later was told before.
    public var ifNewerThan: Instant?

    public init(
        plan: PlanKey, at: ChangeTime? = nil, usage: UsageAtChange? = nil,
        anchor: AnchorAtChange? = nil, credits: CreditsAtChange? = nil,
        status: SubscriptionStatus? = nil, expiresAt: Instant? = nil,
        externalIDs: [String: String]? = nil, metadata: [String: String]? = nil,
        ifNewerThan: Instant? = nil
    ) {
        self.plan = plan
        self.at = at
        self.usage = usage
        self.anchor = anchor
        self.credits = credits
        self.status = status
        self.expiresAt = expiresAt
        self.externalIDs = externalIDs
        self.metadata = metadata
        self.ifNewerThan = ifNewerThan
    }

    private enum CodingKeys: String, CodingKey {
        case plan, at, usage, anchor, credits, status, expiresAt, metadata, ifNewerThan
        case externalIDs = "externalIds"
    }

    package static let fields = [
        "plan", "at", "usage", "anchor", "credits", "status", "expiresAt", "externalIds",
        "metadata", "ifNewerThan",
    ]
}

/// Credit that a change of plan gives, beside what plans give in every window.
public struct ChangeGrant: Hashable, Sendable, Codable {
    /// `nil` where the plan gives it as the first window of its own.
    public var id: GrantID?
    public var window: Window
    public var amount: Int64
    public var effectiveAt: Instant
    public var expiresAt: Instant?

    package init(
        id: GrantID?, window: Window, amount: Int64, effectiveAt: Instant, expiresAt: Instant?
    ) {
        self.id = id
        self.window = window
        self.amount = amount
        self.effectiveAt = effectiveAt
        self.expiresAt = expiresAt
    }
}

/// A change of plan as it was decided: what is written down of it, and what is answered.
public struct SubscriptionTurn: Hashable, Sendable, Codable {
    /// What the subject is subscribed to from `startsAt` on.
    public var subscription: Subscription
    /// Whether it is for later.
    public var isScheduled: Bool
    /// The plan that applies until then; `nil`: none.
    public var planBefore: PlanKey?
    /// Credit that it gives, at once or for later.
    public var grants: [ChangeGrant]
    /// Changes that were scheduled for then or for later, and are not any more.
    public var cancelled: [Subscription]
    /// How billing months are cut from here on; `nil`: by the subscription alone.
    package var billing: SubjectBilling?
    /// Windows of the plan's grants that give nothing until then.
    package var passedWindows: [PassedWindow] = []

    private enum CodingKeys: String, CodingKey {
        case subscription, planBefore, grants, cancelled, billing, passedWindows
        case isScheduled = "scheduled"
    }

    package init(
        subscription: Subscription, isScheduled: Bool, planBefore: PlanKey?,
        grants: [ChangeGrant] = [], cancelled: [Subscription] = [], billing: SubjectBilling? = nil
    ) {
        self.subscription = subscription
        self.isScheduled = isScheduled
        self.planBefore = planBefore
        self.grants = grants
        self.cancelled = cancelled
        self.billing = billing
    }
}

/// A window of a recurring grant that gives nothing.
package struct PassedWindow: Hashable, Sendable, Codable {
    package var window: Window
    package var until: Instant

    package init(window: Window, until: Instant) {
        self.window = window
        self.until = until
    }
}

/// A subscription that is for later.
public struct ScheduledSubscription: Hashable, Sendable, Codable {
    public var subscription: Subscription
    /// Credits that were noted for then.
    public var grants: [GrantID]

    package init(_ subscription: Subscription, grants: [GrantID] = []) {
        self.subscription = subscription
        self.grants = grants
    }
}

/// One entry of the list of a subject's subscriptions.
public struct SubscriptionPeriod: Hashable, Sendable {
    public enum State: String, Hashable, Sendable, NamedChoice {
        case past, current, scheduled
    }

    public let state: State
    /// When it is the one that is said of the subject; `nil`: from ever, or without an end.
    public let from: Instant?
    public let until: Instant?
    /// As it was told last.
    public let subscription: Subscription
    /// Where it stands now, or stood when it was replaced.
    public let status: SubscriptionStatus
    /// Whether it gives its plan now.
    public let applies: Bool

    package init(
        state: State, from: Instant?, until: Instant?, subscription: Subscription,
        status: SubscriptionStatus, applies: Bool
    ) {
        self.state = state
        self.from = from
        self.until = until
        self.subscription = subscription
        self.status = status
        self.applies = applies
    }
}
