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
    /// What one costs that begins from instants to come on, by time.
    public var scheduled: [ScheduledPrice]
    public var billingPeriod: BillingPeriod
    /// What it lets somebody do, beside what limits count: on, off, or a value.
    public var features: [String: PlanFeature]
    /// For how many days a subscription that is past due keeps giving this plan; `nil`: as long as it is not
    /// over.
    public var pastDueGraceDays: Int64?
    /// Whether who subscribes stays on the version that was bought: allowances, credits and price do not change
    /// for a subscription that runs.
    public var keepsVersion: Bool
    /// How subjects change to this plan from one that is not of a higher rank; `nil`: as people expect.
    public var onUpgrade: ChangePolicy?
    /// How subjects change to this plan from one of a higher rank.
    public var onDowngrade: ChangePolicy?

    public init(
        key: PlanKey, name: String? = nil, description: String? = nil, rank: Int = 0,
        isDefault: Bool = false, recurringGrants: [RecurringGrant] = [], overdraft: Int64 = 0,
        price: Money? = nil, billingPeriod: BillingPeriod = .month,
        features: [String: PlanFeature] = [:], pastDueGraceDays: Int64? = nil,
        keepsVersion: Bool = false, onUpgrade: ChangePolicy? = nil,
        onDowngrade: ChangePolicy? = nil,
        additions: [Addition] = [], scheduled: [ScheduledPrice] = []
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
        self.features = features
        self.pastDueGraceDays = pastDueGraceDays
        self.keepsVersion = keepsVersion
        self.onUpgrade = onUpgrade
        self.onDowngrade = onDowngrade
        self.additions = additions
        self.scheduled = scheduled.sorted { $0.effectiveAt < $1.effectiveAt }
    }

    /// What a billing period may cost.
    public static let priceRange = ModelPrice.range
    /// For how many days a subscription may be past due.
    public static let graceDaysRange: ClosedRange<Int64> = 0...366

    private enum CodingKeys: String, CodingKey {
        case key, name, description, rank, isDefault, recurringGrants, overdraft, price
        case billingPeriod, features, pastDueGraceDays, onUpgrade, onDowngrade, additions
        case keepsVersion, scheduled
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
            features: try container.decodeIfPresent(
                [String: PlanFeature].self, forKey: .features) ?? [:],
            pastDueGraceDays: try container.decodeIfPresent(Int64.self, forKey: .pastDueGraceDays),
            keepsVersion: try container.decodeIfPresent(Bool.self, forKey: .keepsVersion) ?? false,
            onUpgrade: try container.decodeIfPresent(ChangePolicy.self, forKey: .onUpgrade),
            onDowngrade: try container.decodeIfPresent(ChangePolicy.self, forKey: .onDowngrade),
            additions: try container.decodeIfPresent([Addition].self, forKey: .additions) ?? [],
            scheduled: try container.decodeIfPresent([ScheduledPrice].self, forKey: .scheduled)
                ?? []
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
        if !scheduled.isEmpty { try container.encode(scheduled, forKey: .scheduled) }
        if price != nil || billingPeriod != .month {
            try container.encode(billingPeriod, forKey: .billingPeriod)
        }
        if !features.isEmpty { try container.encode(features, forKey: .features) }
        try container.encodeIfPresent(pastDueGraceDays, forKey: .pastDueGraceDays)
        if keepsVersion { try container.encode(keepsVersion, forKey: .keepsVersion) }
        try container.encodeIfPresent(onUpgrade, forKey: .onUpgrade)
        try container.encodeIfPresent(onDowngrade, forKey: .onDowngrade)
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
