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

/// What a million tokens of each kind cost, from an instant until the next price.
public struct ModelPrice: Hashable, Sendable, Codable {
    public var effectiveAt: Instant
    public var input: Money
    public var output: Money
    /// Input tokens that the model's cache answered; `nil`: they cost what input costs.
    public var cached: Money?
    /// Tokens of the model's own thinking; `nil`: they cost what output costs.
    public var reasoning: Money?

    public init(
        effectiveAt: Instant = .earliest, input: Money, output: Money, cached: Money? = nil,
        reasoning: Money? = nil
    ) {
        self.effectiveAt = effectiveAt
        self.input = input
        self.output = output
        self.cached = cached
        self.reasoning = reasoning
    }

    private enum CodingKeys: String, CodingKey {
        case effectiveAt, input, output, cached, reasoning
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            effectiveAt: try container.decodeIfPresent(Instant.self, forKey: .effectiveAt)
                ?? .earliest,
            input: try container.decode(Money.self, forKey: .input),
            output: try container.decode(Money.self, forKey: .output),
            cached: try container.decodeIfPresent(Money.self, forKey: .cached),
            reasoning: try container.decodeIfPresent(Money.self, forKey: .reasoning))
        let all = [input, output, cached, reasoning].compactMap(\.self)
        if all.contains(where: { !Self.range.contains($0.millionths) }) {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: Self.expectation))
        }
    }

    /// Millionths that a million tokens may cost.
    public static let range: ClosedRange<Int64> = 0...1_000_000_000_000
    public static let expectation =
        "expected millionths per million tokens, from 0 to 1000000000000"
}

/// Tokens of one request, by kind. Cached tokens are a part of the input, reasoning of the output.
public struct TokenCounts: Hashable, Sendable {
    public var input: Int64
    public var output: Int64
    public var cached: Int64
    public var reasoning: Int64

    public init(input: Int64, output: Int64, cached: Int64 = 0, reasoning: Int64 = 0) {
        self.input = input
        self.output = output
        self.cached = cached
        self.reasoning = reasoning
    }
}

extension ModelPrice {
    /// What tokens cost, exactly; `nil` when a number is negative, when a part is more than its whole, or
    /// when the cost does not fit.
    public func cost(of tokens: TokenCounts) -> Money? {
        guard tokens.cached >= 0, tokens.reasoning >= 0, tokens.input >= tokens.cached,
            tokens.output >= tokens.reasoning
        else { return nil }
        let parts = [
            (tokens.input - tokens.cached, input), (tokens.cached, cached ?? input),
            (tokens.output - tokens.reasoning, output), (tokens.reasoning, reasoning ?? output),
        ]
        // Millionths for a million tokens are trillionths for each.
        return Money(
            trillionths: parts.reduce(0) { $0 + Int128($1.0) * Int128($1.1.millionths) })
    }

    /// What so many tokens cost at most, of whatever kind they are.
    public func mostCost(of tokens: Int64) -> Money? {
        let dearest = [input, output, cached, reasoning].compactMap(\.self).max() ?? input
        return Money(trillionths: Int128(tokens) * Int128(dearest.millionths))
    }

    /// Whether a token costs the same, whatever kind it is of.
    public var isOneForAll: Bool {
        input == output && cached ?? input == input && reasoning ?? output == output
    }
}
