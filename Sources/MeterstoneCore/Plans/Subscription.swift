/// This subject is on this plan, from then until.
public struct Subscription: Hashable, Sendable, Codable {
    public var plan: PlanKey
    public var status: SubscriptionStatus
    /// Also the anchor of the window `billingMonth`, unless ``billingAnchor`` says another.
    public var startsAt: Instant
    /// `nil`: open-ended. At this instant the subscription no longer applies.
    public var expiresAt: Instant?
    /// The subject's ids elsewhere: `{"stripeCustomer": "cus_…"}`.
    public var externalIDs: [String: String]
    public var metadata: [String: String]
    /// Until when the plan is still given while the subscription is past due, whatever ``expiresAt`` says.
    public var graceUntil: Instant?
    /// What billing months are counted from, where a change of plan kept them; `nil`: from ``startsAt``.
    public var billingAnchor: Instant?
    /// When that happened which was told last, by the clock of who told it. What is told of an earlier time
    /// changes nothing.
    public var causedAt: Instant?
    /// Since when the plan is not looked at any more: its allowances, credits and price are those of this
    /// instant, whatever the plan says later. `nil`: they change with the plan.
    public var versionAt: Instant?
    /// How it came about, where that was a change of plan; `nil`: it was written as it is.
    public var change: ChangeTerms?

    public init(
        plan: PlanKey, status: SubscriptionStatus = .active, startsAt: Instant,
        expiresAt: Instant? = nil, externalIDs: [String: String] = [:],
        metadata: [String: String] = [:], graceUntil: Instant? = nil,
        billingAnchor: Instant? = nil, causedAt: Instant? = nil, versionAt: Instant? = nil,
        change: ChangeTerms? = nil
    ) {
        self.plan = plan
        self.status = status
        self.startsAt = startsAt
        self.expiresAt = expiresAt
        self.externalIDs = externalIDs
        self.metadata = metadata
        self.graceUntil = graceUntil
        self.billingAnchor = billingAnchor
        self.causedAt = causedAt
        self.versionAt = versionAt
        self.change = change
    }

    private enum CodingKeys: String, CodingKey {
        case plan, status, startsAt, expiresAt, metadata, graceUntil, billingAnchor, causedAt
        case versionAt, change, ifNewerThan
        case externalIDs = "externalIds"
    }

    /// Whether the subscription gives its plan at this instant.
    public func applies(at instant: Instant) -> Bool {
        guard status.givesPlan || status == .cancelled && expiresAt != nil else { return false }
        return appliesFrom <= instant && (givesPlanUntil.map { instant < $0 } ?? true)
    }

    /// The second that it starts in belongs to it as a whole: clocks of callers may show no less.
    package var appliesFrom: Instant { startsAt.flooredToSecond }

    /// `nil`: without an end that is known.
    package var givesPlanUntil: Instant? {
        status == .pastDue ? graceUntil ?? expiresAt : expiresAt
    }

    /// When it begins and ceases to give its plan.
    package var edges: [Instant] { [appliesFrom, givesPlanUntil].compactMap(\.self) }

    /// Where it stands at an instant: what is over has expired, whatever was told last.
    public func status(at instant: Instant) -> SubscriptionStatus {
        guard let end = givesPlanUntil, end <= instant else { return status }
        return .expired
    }

    /// What billing months are counted from.
    package var anchor: Instant { billingAnchor ?? startsAt }
}

extension Subscription {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func texts(_ key: CodingKeys) throws -> [String: String] {
            try container.decodeIfPresent([String: String].self, forKey: key) ?? [:]
        }
        func instant(_ key: CodingKeys) throws -> Instant? {
            try container.decodeIfPresent(Instant.self, forKey: key)
        }
        self.init(
            plan: try container.decode(PlanKey.self, forKey: .plan),
            status: try container.decodeIfPresent(SubscriptionStatus.self, forKey: .status)
                ?? .active,
            startsAt: try container.decode(Instant.self, forKey: .startsAt),
            expiresAt: try instant(.expiresAt), externalIDs: try texts(.externalIDs),
            metadata: try texts(.metadata), graceUntil: try instant(.graceUntil),
            billingAnchor: try instant(.billingAnchor),
            causedAt: try instant(.ifNewerThan) ?? instant(.causedAt),
            versionAt: try instant(.versionAt),
            change: try container.decodeIfPresent(ChangeTerms.self, forKey: .change))
        if let expiresAt, expiresAt <= startsAt {
            throw DecodingError.dataCorruptedError(
                forKey: .expiresAt, in: container, debugDescription: "expected later than startsAt")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(plan, forKey: .plan)
        try container.encode(status, forKey: .status)
        try container.encode(startsAt, forKey: .startsAt)
        try container.encodeIfPresent(expiresAt, forKey: .expiresAt)
        try container.encode(externalIDs, forKey: .externalIDs)
        if !metadata.isEmpty { try container.encode(metadata, forKey: .metadata) }
        try container.encodeIfPresent(graceUntil, forKey: .graceUntil)
        try container.encodeIfPresent(billingAnchor, forKey: .billingAnchor)
        try container.encodeIfPresent(causedAt, forKey: .causedAt)
        try container.encodeIfPresent(versionAt, forKey: .versionAt)
        try container.encodeIfPresent(change, forKey: .change)
    }
}

/// Where a subscription stands with whoever bills it.
public enum SubscriptionStatus: String, Hashable, Sendable, CaseIterable {
    case trialing, active, pastDue, unpaid, incomplete, paused, cancelled, expired

    /// Unpaid, incomplete, paused and expired subscriptions give nothing, whatever their dates; a cancelled
    /// one gives its plan as long as it is paid for, which is to say until its `expiresAt`.
    public var givesPlan: Bool {
        switch self {
        case .trialing, .active, .pastDue: true
        case .unpaid, .incomplete, .paused, .cancelled, .expired: false
        }
    }

    /// The words of payment providers for them, in small letters and with `_` between words.
    package static let spellings: [(text: String, status: SubscriptionStatus)] = [
        // Stripe, Paddle
        ("canceled", .cancelled), ("past_due", .pastDue), ("incomplete_expired", .expired),
        // Lemon Squeezy, Chargebee
        ("on_trial", .trialing), ("in_trial", .trialing), ("non_renewing", .cancelled),
        // RevenueCat, the App Store, Google Play
        ("in_grace_period", .pastDue), ("in_billing_retry", .unpaid), ("on_hold", .unpaid),
        ("pending", .incomplete), ("revoked", .expired),
        // PayPal, Braintree, Recurly
        ("approval_pending", .incomplete), ("approved", .incomplete), ("suspended", .paused),
        ("failed", .incomplete), ("ended", .expired), ("completed", .expired),
    ]

    /// The status that a text means: its own name, or the word of a payment provider, in capital or small
    /// letters, with a space, `-` or `_` between words; `nil`: none.
    public init?(text: String) {
        if let status = Self(rawValue: text) {
            self = status
            return
        }
        let plain = String(
            text.lowercased().map { $0 == " " || $0 == "-" ? Character("_") : $0 })
        let own = Self.allCases.first { $0.rawValue.lowercased() == plain }
        guard let status = own ?? Self.spellings.first(where: { $0.text == plain })?.status else {
            return nil
        }
        self = status
    }
}

extension SubscriptionStatus: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let status = Self(text: try container.decode(String.self)) else {
            let names = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected one of \(names)")
        }
        self = status
    }
}
