/// A named set of allowances. The numbers stand in the limits, by plan.
public struct Plan: Hashable, Sendable, Codable {
    public var key: PlanKey
    public var name: String?
    public var description: String?
    /// Orders plans from the smallest, for "highest plan reached" and upgrade hints.
    public var rank: Int
    /// Applies to subjects that name no plan. At most one plan is the default.
    public var isDefault: Bool
    /// Credit given anew in every window, at most once for each window.
    public var recurringGrants: [RecurringGrant]
    /// What it gives beside the allowances that limits list for it, some of it for a time.
    public var additions: [Addition]
    /// How far below 0 spending may take the balance.
    public var overdraft: Int64
    /// What a billing period costs; `nil`: nothing that is known.
    public var price: Money?
    public var billingPeriod: BillingPeriod

    public init(
        key: PlanKey, name: String? = nil, description: String? = nil, rank: Int = 0,
        isDefault: Bool = false, recurringGrants: [RecurringGrant] = [], overdraft: Int64 = 0,
        price: Money? = nil, billingPeriod: BillingPeriod = .month, additions: [Addition] = []
    ) {
        self.key = key
        self.name = name
        self.description = description
        self.rank = rank
        self.isDefault = isDefault
        self.recurringGrants = recurringGrants
        self.overdraft = overdraft
        self.price = price
        self.billingPeriod = billingPeriod
        self.additions = additions
    }

    /// What a billing period may cost.
    public static let priceRange = ModelPrice.range

    private enum CodingKeys: String, CodingKey {
        case key, name, description, rank, isDefault, recurringGrants, overdraft, price
        case billingPeriod, additions
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            key: try container.decode(PlanKey.self, forKey: .key),
            name: try container.decodeIfPresent(String.self, forKey: .name),
            description: try container.decodeIfPresent(String.self, forKey: .description),
            rank: try container.decodeIfPresent(Int.self, forKey: .rank) ?? 0,
            isDefault: try container.decodeIfPresent(Bool.self, forKey: .isDefault) ?? false,
            recurringGrants: try container.decodeIfPresent(
                [RecurringGrant].self, forKey: .recurringGrants) ?? [],
            overdraft: try container.decodeIfPresent(Int64.self, forKey: .overdraft) ?? 0,
            price: try container.decodeIfPresent(Money.self, forKey: .price),
            billingPeriod: try container.decodeIfPresent(BillingPeriod.self, forKey: .billingPeriod)
                ?? .month,
            additions: try container.decodeIfPresent([Addition].self, forKey: .additions) ?? []
        )
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(key, forKey: .key)
        try container.encodeIfPresent(name, forKey: .name)
        try container.encodeIfPresent(description, forKey: .description)
        try container.encode(rank, forKey: .rank)
        try container.encode(isDefault, forKey: .isDefault)
        if !recurringGrants.isEmpty {
            try container.encode(recurringGrants, forKey: .recurringGrants)
        }
        if !additions.isEmpty { try container.encode(additions, forKey: .additions) }
        if overdraft != 0 { try container.encode(overdraft, forKey: .overdraft) }
        try container.encodeIfPresent(price, forKey: .price)
        if price != nil || billingPeriod != .month {
            try container.encode(billingPeriod, forKey: .billingPeriod)
        }
    }
}

/// How long what is paid for a plan lasts.
public enum BillingPeriod: String, Hashable, Sendable, NamedChoice {
    case month, year

    /// Billing months in it.
    public var months: Int64 {
        switch self {
        case .month: 1
        case .year: 12
        }
    }
}

/// This subject is on this plan, from then until.
public struct Subscription: Hashable, Sendable, Codable {
    public var plan: PlanKey
    public var status: SubscriptionStatus
    /// Also the anchor of the window `billingMonth`.
    public var startsAt: Instant
    /// `nil`: open-ended. At this instant the subscription no longer applies.
    public var expiresAt: Instant?
    /// The subject's ids elsewhere: `{"stripeCustomer": "cus_…"}`.
    public var externalIDs: [String: String]

    public init(
        plan: PlanKey, status: SubscriptionStatus = .active, startsAt: Instant,
        expiresAt: Instant? = nil, externalIDs: [String: String] = [:]
    ) {
        self.plan = plan
        self.status = status
        self.startsAt = startsAt
        self.expiresAt = expiresAt
        self.externalIDs = externalIDs
    }

    private enum CodingKeys: String, CodingKey {
        case plan, status, startsAt, expiresAt
        case externalIDs = "externalIds"
    }

    /// Whether the subscription gives its plan at this instant.
    public func applies(at instant: Instant) -> Bool {
        status.givesPlan && startsAt <= instant && (expiresAt.map { instant < $0 } ?? true)
    }
}

extension Subscription {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            plan: try container.decode(PlanKey.self, forKey: .plan),
            status: try container.decodeIfPresent(SubscriptionStatus.self, forKey: .status)
                ?? .active,
            startsAt: try container.decode(Instant.self, forKey: .startsAt),
            expiresAt: try container.decodeIfPresent(Instant.self, forKey: .expiresAt),
            externalIDs: try container.decodeIfPresent(
                [String: String].self, forKey: .externalIDs) ?? [:]
        )
        if let expiresAt, expiresAt <= startsAt {
            throw DecodingError.dataCorruptedError(
                forKey: .expiresAt, in: container, debugDescription: "expected later than startsAt")
        }
    }
}

/// Where a subscription stands with whoever bills it.
public enum SubscriptionStatus: String, Hashable, Sendable, NamedChoice {
    case trialing, active, pastDue, paused, cancelled, expired

    /// Paused, cancelled and expired subscriptions give nothing, whatever their dates.
    public var givesPlan: Bool {
        switch self {
        case .trialing, .active, .pastDue: true
        case .paused, .cancelled, .expired: false
        }
    }
}
