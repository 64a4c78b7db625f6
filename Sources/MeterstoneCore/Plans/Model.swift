/// A language model and what its tokens cost, from when.
public struct Model: Hashable, Sendable, Codable {
    public var key: ModelKey
    /// Sorted by when they apply from, each instant once.
    public var prices: [ModelPrice]

    public init(key: ModelKey, prices: [ModelPrice]) {
        self.key = key
        self.prices = prices.sorted { $0.effectiveAt < $1.effectiveAt }
    }

    private enum CodingKeys: String, CodingKey { case key, prices }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            key: try container.decode(ModelKey.self, forKey: .key),
            prices: try container.decode([ModelPrice].self, forKey: .prices))
        if let expectation {
            throw DecodingError.dataCorruptedError(
                forKey: .prices, in: container, debugDescription: expectation)
        }
    }

    /// What its prices should have been; `nil`: they are.
    var expectation: String? {
        if prices.isEmpty { return "expected at least one price" }
        return Set(prices.map(\.effectiveAt)).count < prices.count
            ? "expected one price for each effectiveAt" : nil
    }

    /// The price that applies at an instant; `nil` before the first one.
    public func price(at instant: Instant) -> ModelPrice? {
        prices.last { $0.effectiveAt <= instant }
    }
}

/// What the tokens of a model cost, from an instant until the next price.
public struct ModelPrice: Hashable, Sendable {
    public var effectiveAt: Instant
    public var rates: TokenRates
    /// Rates of large requests, sorted by their size, each once.
    public var tiers: [RateTier]
    /// What one image costs; `nil`: nothing beside its tokens.
    public var image: Money?
    /// What requests of a batch cost of all this, in hundredths.
    public var batchPercent: Int

    public init(
        effectiveAt: Instant = .earliest, rates: TokenRates, tiers: [RateTier] = [],
        image: Money? = nil, batchPercent: Int = 100
    ) {
        self.effectiveAt = effectiveAt
        self.rates = rates
        self.tiers = tiers.sorted { $0.above < $1.above }
        self.image = image
        self.batchPercent = batchPercent
    }

    public init(
        effectiveAt: Instant = .earliest, input: Money, output: Money, cached: Money? = nil,
        reasoning: Money? = nil
    ) {
        self.init(
            effectiveAt: effectiveAt,
            rates: TokenRates(input: input, output: output, cached: cached, reasoning: reasoning))
    }

    public var input: Money { rates.input }
    public var output: Money { rates.output }
    public var cached: Money? { rates.cached }
    public var reasoning: Money? { rates.reasoning }

    public static let percentRange = 0...100
    public static let tiersMax = 16
    /// Millionths that a million tokens may cost.
    public static let range: ClosedRange<Int64> = 0...1_000_000_000_000
    public static let expectation =
        "expected millionths per million tokens, from 0 to 1000000000000"

    /// What is wrong with it, if something is, and with which field.
    package var mistake: (field: String, expectation: String)? {
        let all = rates.all + tiers.flatMap(\.rates.all) + [image].compactMap(\.self)
        if all.contains(where: { !Self.range.contains($0.millionths) }) {
            return ("", Self.expectation)
        }
        if !Self.percentRange.contains(batchPercent) {
            return ("batchPercent", "expected a whole number from 0 to 100")
        }
        if tiers.count > Self.tiersMax || tiers.contains(where: { $0.above < 0 })
            || Set(tiers.map(\.above)).count < tiers.count
        {
            return (
                "tiers", "expected at most \(Self.tiersMax) tiers, each above another number from 0"
            )
        }
        return nil
    }
}

extension ModelPrice: Codable {
    private enum CodingKeys: String, CodingKey {
        case effectiveAt, tiers, image, batchPercent
    }

    /// The names of its members on the wire.
    package static let fields =
        ["effectiveAt"] + TokenRates.fields + ["tiers", "image", "batchPercent"]

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            effectiveAt: try container.decodeIfPresent(Instant.self, forKey: .effectiveAt)
                ?? .earliest,
            rates: try TokenRates(from: decoder),
            tiers: try container.decodeIfPresent([RateTier].self, forKey: .tiers) ?? [],
            image: try container.decodeIfPresent(Money.self, forKey: .image),
            batchPercent: try container.decodeIfPresent(Int.self, forKey: .batchPercent) ?? 100)
        if let (field, expectation) = mistake {
            guard let key = CodingKeys(stringValue: field) else {
                throw DecodingError.dataCorrupted(
                    .init(codingPath: decoder.codingPath, debugDescription: expectation))
            }
            throw DecodingError.dataCorruptedError(
                forKey: key, in: container, debugDescription: expectation)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(effectiveAt, forKey: .effectiveAt)
        try rates.encode(to: encoder)
        if !tiers.isEmpty { try container.encode(tiers, forKey: .tiers) }
        try container.encodeIfPresent(image, forKey: .image)
        if batchPercent != 100 { try container.encode(batchPercent, forKey: .batchPercent) }
    }
}

extension ModelPrice {
    /// What tokens cost, exactly but for a batch, whose part is rounded down to a trillionth; `nil` when
    /// the counts do not agree with each other, or when the cost does not fit.
    public func cost(of tokens: TokenCounts) -> Money? {
        let rates = tiers.last { tokens.input > $0.above }?.rates ?? self.rates
        guard var sum = rates.trillionths(tokens) else { return nil }
        // The price of one image is no price of a million.
        sum += Int128(tokens.images) * (image?.trillionths ?? 0)
        if tokens.isBatch { sum = sum * Int128(batchPercent) / 100 }
        return Money(trillionths: sum)
    }

    /// What so many tokens cost at most, of whatever kind they are.
    public func mostCost(of tokens: Int64) -> Money? {
        let all = rates.all + tiers.filter { tokens > $0.above }.flatMap(\.rates.all)
        return Money(trillionths: Int128(tokens) * Int128(all.map(\.millionths).max() ?? 0))
    }

    /// Whether a token costs the same, whatever kind it is of.
    public var isOneForAll: Bool { tiers.isEmpty && Set(rates.all).count == 1 }
}
