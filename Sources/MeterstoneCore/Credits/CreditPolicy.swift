/// How usage is paid with credits: prices per meter, and what pays first.
public struct CreditPolicy: Hashable, Sendable, Codable {
    /// `false`: nothing costs credits, and nobody is given any by their plan.
    public var isEnabled: Bool
    public var payment: CreditPayment
    /// Credits per unit of a meter; a meter that is not listed costs none.
    public var prices: [MeterKey: Int64]

    public init(
        isEnabled: Bool = true, payment: CreditPayment = .creditsOnly,
        prices: [MeterKey: Int64] = [:]
    ) {
        self.isEnabled = isEnabled
        self.payment = payment
        self.prices = prices
    }

    private enum CodingKeys: String, CodingKey {
        case isEnabled = "enabled"
        case payment, prices
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let prices = try container.decodeIfPresent([String: Int64].self, forKey: .prices) ?? [:]
        self.init(
            isEnabled: try container.decodeIfPresent(Bool.self, forKey: .isEnabled) ?? true,
            payment: try container.decodeIfPresent(CreditPayment.self, forKey: .payment)
                ?? .creditsOnly,
            prices: try MeterKey.keyed(prices, container, .prices)
        )
        if prices.values.contains(where: { !Self.priceRange.contains($0) }) {
            throw DecodingError.dataCorruptedError(
                forKey: .prices, in: container,
                debugDescription: "expected whole numbers from 0 to 1000000000000")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(isEnabled, forKey: .isEnabled)
        try container.encode(payment, forKey: .payment)
        try container.encode(prices.keyedByText, forKey: .prices)
    }

    /// What one unit may cost, what one grant may give, and how far an overdraft may go.
    public static let priceRange: ClosedRange<Int64> = 0...1_000_000_000_000
}

/// What pays for usage of a meter that has a price.
public enum CreditPayment: String, Hashable, Sendable, NamedChoice {
    /// Every unit is paid with credits, and limits apply as well.
    case creditsOnly
    /// What limits allow is free. Units beyond an allowance are paid with credits instead of being
    /// refused; limits per request and of concurrency stay as they are.
    case allowanceFirst
}

/// Credit that a plan gives anew in every window of the subject's calendar.
public struct RecurringGrant: Hashable, Sendable, Codable {
    /// `hour`, `day`, `week`, `month`, `year` or `billingMonth`.
    public var window: Window
    public var amount: Int64
    /// What is left over stays, up to this much together with the new amount; `nil`: what is left over
    /// expires when the window ends.
    public var rolloverMax: Int64?
    /// As of ``CreditGrant/priority``.
    public var priority: Int

    public init(
        window: Window, amount: Int64, rolloverMax: Int64? = nil,
        priority: Int = RecurringGrant.priorityDefault
    ) {
        self.window = window
        self.amount = amount
        self.rolloverMax = rolloverMax
        self.priority = priority
    }

    /// Before grants that were bought.
    public static let priorityDefault = 50

    private enum CodingKeys: String, CodingKey {
        case window, amount, rolloverMax, priority
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            window: try container.decode(Window.self, forKey: .window),
            amount: try container.decode(Int64.self, forKey: .amount),
            rolloverMax: try container.decodeIfPresent(Int64.self, forKey: .rolloverMax),
            priority: try container.decodeIfPresent(Int.self, forKey: .priority)
                ?? Self.priorityDefault)
    }

    /// What is wrong with it, if something is: a field and what was expected.
    package var mistake: (field: String, expectation: String)? {
        if !window.isRepeating || window == .minute || window == .quarter {
            return ("window", "hour, day, week, week:WEEKDAY, month, year or billingMonth")
        }
        if !(1...CreditPolicy.priceRange.upperBound).contains(amount) {
            return ("amount", "a whole number from 1 to \(CreditPolicy.priceRange.upperBound)")
        }
        if let rolloverMax, !(amount...CreditPolicy.priceRange.upperBound).contains(rolloverMax) {
            return ("rolloverMax", "a whole number from the amount on, \(amount)")
        }
        if !CreditGrant.priorityRange.contains(priority) {
            return ("priority", CreditGrant.priorityExpectation)
        }
        return nil
    }
}
