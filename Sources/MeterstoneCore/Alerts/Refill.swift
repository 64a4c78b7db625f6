/// Credits that the payment side is asked for when a balance is low.
public struct Refill: Hashable, Sendable, Codable {
    /// How many are asked for at once.
    public var amount: Int64
    /// How often a subject is given them in a calendar month of the store's time zone.
    public var perMonth: Int
    /// How long a request that has too few credits waits for them, at most; 0: not at all.
    public var holdSeconds: Int

    public init(amount: Int64, perMonth: Int, holdSeconds: Int = 0) {
        self.amount = amount
        self.perMonth = perMonth
        self.holdSeconds = holdSeconds
    }

    public static let perMonthRange = 1...1_000
    public static let holdSecondsRange = 0...30
    /// After so many refusals one after another nobody asks any more, until somebody says so.
    public static let refusalsMax = 3
    /// How long nobody asks again after the payment side said that it is on its way.
    package static let patienceMilliseconds: Int64 = 3_600_000

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case amount, perMonth, holdSeconds
    }

    /// The names of its members on the wire.
    package static let fields = CodingKeys.allCases.map(\.rawValue)

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            amount: try container.decode(Int64.self, forKey: .amount),
            perMonth: try container.decode(Int.self, forKey: .perMonth),
            holdSeconds: try container.decodeIfPresent(Int.self, forKey: .holdSeconds) ?? 0)
    }

    /// What is wrong with it, if something is: a field and what was expected.
    package var mistake: (field: String, expectation: String)? {
        if amount < 1 { return ("refill.amount", "a whole number from 1") }
        if !Self.perMonthRange.contains(perMonth) {
            return ("refill.perMonth", "a whole number from 1 to \(Self.perMonthRange.upperBound)")
        }
        if !Self.holdSecondsRange.contains(holdSeconds) {
            return (
                "refill.holdSeconds", "a whole number from 0 to \(Self.holdSecondsRange.upperBound)"
            )
        }
        return nil
    }
}

/// What became of a refill that was asked for, as it is written down.
public struct RefillNote: Hashable, Sendable, Codable {
    public enum Outcome: String, NamedChoice, Hashable, Sendable {
        /// The payment side said that it was paid, and the credits were granted.
        case granted
        /// The payment side took the message, and will grant them itself.
        case asked
        /// The payment side said no.
        case declined
        /// Nobody was asked: it was given as often as it may be in this month.
        case capped
        /// Nobody was asked: there are more credits by now.
        case unneeded
        /// Nobody was asked: it was declined too often.
        case off
        /// Somebody said that it can be asked for again.
        case resumed
    }

    public var outcome: Outcome
    /// The place among all facts of the alert that asked.
    public var sequence: Int64?
    /// How many credits were paid.
    public var amount: Int64?
    /// What the payment side calls it.
    public var reference: String?
    /// Why it was declined, in words of the payment side.
    public var reason: String?

    public init(
        _ outcome: Outcome, of sequence: Int64? = nil, amount: Int64? = nil,
        reference: String? = nil, reason: String? = nil
    ) {
        self.outcome = outcome
        self.sequence = sequence
        self.amount = amount
        self.reference = reference
        self.reason = reason
    }

    package static let kind = "refill"
    /// What a payment side says in words is cut after so many characters.
    package static let textMax = 200

    /// Under which credits are granted for an alert.
    package static func grant(of sequence: Int64) -> GrantID {
        GrantID(unchecked: "refill_\(sequence)")
    }
}

/// Where a subject stands with one refill.
public struct RefillState: Hashable, Sendable {
    public let alert: AlertKey
    public let refill: Refill
    /// How often it was given, or promised, in this month.
    public let thisMonth: Int
    /// How often it was declined since it was given last.
    public let refusals: Int
    public let last: RefillNote?
    public let lastAt: Instant?

    package init(
        alert: AlertKey, refill: Refill, thisMonth: Int, refusals: Int, last: RefillNote?,
        lastAt: Instant?
    ) {
        self.alert = alert
        self.refill = refill
        self.thisMonth = thisMonth
        self.refusals = refusals
        self.last = last
        self.lastAt = lastAt
    }

    /// Whether it was declined too often to be asked for.
    public var isOff: Bool { refusals >= Refill.refusalsMax }
    public var isCapped: Bool { thisMonth >= refill.perMonth }
}
