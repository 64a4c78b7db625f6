/// Credit that a subject was given: so much, from then until, to be used in its turn.
public struct CreditGrant: Hashable, Sendable, Codable {
    /// The caller's key, or one that the engine made; unique among a subject's grants.
    public var id: GrantID
    public var amount: Int64
    /// Smaller ones are used first.
    public var priority: Int
    /// It cannot be used before.
    public var effectiveAt: Instant
    /// It cannot be used from here on; `nil`: it never expires.
    public var expiresAt: Instant?
    public var source: CreditSource
    /// What it belongs to elsewhere: a payment, a ticket.
    public var reference: String?
    public var metadata: [String: String]

    public init(
        id: GrantID, amount: Int64, priority: Int = CreditGrant.priorityDefault,
        effectiveAt: Instant, expiresAt: Instant? = nil, source: CreditSource,
        reference: String? = nil, metadata: [String: String] = [:]
    ) {
        self.id = id
        self.amount = amount
        self.priority = priority
        self.effectiveAt = effectiveAt
        self.expiresAt = expiresAt
        self.source = source
        self.reference = reference
        self.metadata = metadata
    }

    public static let priorityDefault = 100
    public static let priorityRange: ClosedRange<Int> = 0...1_000
    public static let priorityExpectation = "a whole number from 0 to 1000"
}

/// Where credit came from.
public enum CreditSource: String, Hashable, Sendable, NamedChoice {
    case purchase
    /// Given with a plan, in every window but a day.
    case plan
    /// Given with a plan, every day.
    case dailyRefill
    case refund
    case adjustment
}

/// A grant as it is asked for: what is left out is filled in when it is carried out.
public struct GrantOrder: Hashable, Sendable, Codable {
    /// `nil`: the engine makes one.
    public var id: GrantID?
    public var amount: Int64
    public var priority: Int
    /// `nil`: now.
    public var effectiveAt: Instant?
    public var expiresAt: Instant?
    public var source: CreditSource
    public var reference: String?
    public var metadata: [String: String]
    /// Who has an e-mail address or an external id of somebody who had a grant with this id does not get
    /// it, also where that person is erased by now.
    public var oncePerPerson: Bool {
        get { isOnce ?? false }
        set { isOnce = newValue ? true : nil }
    }
    private var isOnce: Bool?

    public init(
        id: GrantID? = nil, amount: Int64, priority: Int = CreditGrant.priorityDefault,
        effectiveAt: Instant? = nil, expiresAt: Instant? = nil,
        source: CreditSource = .adjustment, reference: String? = nil,
        metadata: [String: String] = [:], oncePerPerson: Bool = false
    ) {
        isOnce = oncePerPerson ? true : nil
        self.id = id
        self.amount = amount
        self.priority = priority
        self.effectiveAt = effectiveAt
        self.expiresAt = expiresAt
        self.source = source
        self.reference = reference
        self.metadata = metadata
    }

    private enum CodingKeys: String, CodingKey {
        case id, amount, priority, effectiveAt, expiresAt, source, reference, metadata
        case isOnce = "oncePerPerson"
    }
}

/// What a change of a subject's credits came to.
public struct CreditReceipt: Hashable, Sendable, Codable {
    /// The grant that was made or voided; `nil` for a refund.
    public var grant: CreditGrant?
    /// Credits given, or taken back, as a positive number.
    public var amount: Int64
    /// What the subject may use afterwards.
    public var balance: Int64

    package init(grant: CreditGrant?, amount: Int64, balance: Int64) {
        self.grant = grant
        self.amount = amount
        self.balance = balance
    }
}
