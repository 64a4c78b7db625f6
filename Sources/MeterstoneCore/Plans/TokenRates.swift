/// What a million tokens of each kind cost.
///
/// Kinds that have no price of their own cost what the kind does that they are a part of.
public struct TokenRates: Hashable, Sendable, Codable {
    public var input: Money
    public var output: Money
    /// Input that the model's cache answered; `nil`: as input.
    public var cached: Money?
    /// Input that was written to the cache; `nil`: as input.
    public var cacheWrite: Money?
    /// Input that was written to the cache for an hour or longer; `nil`: as what is written for less.
    public var cacheWriteLong: Money?
    /// Input that is sound; `nil`: as input.
    public var audioInput: Money?
    /// Tokens of the model's own thinking; `nil`: as output.
    public var reasoning: Money?
    /// Output that is sound; `nil`: as output.
    public var audioOutput: Money?

    public init(
        input: Money, output: Money, cached: Money? = nil, cacheWrite: Money? = nil,
        cacheWriteLong: Money? = nil, audioInput: Money? = nil, reasoning: Money? = nil,
        audioOutput: Money? = nil
    ) {
        self.input = input
        self.output = output
        self.cached = cached
        self.cacheWrite = cacheWrite
        self.cacheWriteLong = cacheWriteLong
        self.audioInput = audioInput
        self.reasoning = reasoning
        self.audioOutput = audioOutput
    }

    /// The names of its members on the wire.
    package static let fields = [
        "input", "output", "cached", "cacheWrite", "cacheWriteLong", "audioInput", "reasoning",
        "audioOutput",
    ]

    var all: [Money] {
        [input, output]
            + [cached, cacheWrite, cacheWriteLong, audioInput, reasoning, audioOutput]
            .compactMap(\.self)
    }

    /// Trillionths; `nil` when the counts do not agree with each other.
    func trillionths(_ tokens: TokenCounts) -> Int128? {
        guard tokens.areConsistent else { return nil }
        let short = cacheWrite ?? input
        let parts = [
            (tokens.plainInput, input), (tokens.cached, cached ?? input),
            (tokens.cacheWrite, short), (tokens.cacheWriteLong, cacheWriteLong ?? short),
            (tokens.audioInput, audioInput ?? input), (tokens.plainOutput, output),
            (tokens.reasoning, reasoning ?? output), (tokens.audioOutput, audioOutput ?? output),
        ]
        // Millionths for a million tokens are trillionths for each.
        return parts.reduce(0) { $0 + Int128($1.0) * Int128($1.1.millionths) }
    }
}

/// Other rates for requests with more input than so many tokens: for all of their tokens.
public struct RateTier: Hashable, Sendable {
    public var above: Int64
    public var rates: TokenRates

    public init(above: Int64, rates: TokenRates) {
        self.above = above
        self.rates = rates
    }
}

extension RateTier: Codable {
    private enum CodingKeys: String, CodingKey { case above }

    package static let fields = ["above"] + TokenRates.fields

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            above: try container.decode(Int64.self, forKey: .above),
            rates: try TokenRates(from: decoder))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(above, forKey: .above)
        try rates.encode(to: encoder)
    }
}

/// Tokens of one request, by kind. What the cache answered, what was written to it and sound are parts of
/// the input; reasoning and sound are parts of the output.
public struct TokenCounts: Hashable, Sendable {
    public var input: Int64
    public var output: Int64
    public var cached: Int64
    public var reasoning: Int64
    public var cacheWrite: Int64
    /// For an hour or longer.
    public var cacheWriteLong: Int64
    public var audioInput: Int64
    public var audioOutput: Int64
    /// Images that have a price of their own, and are no tokens.
    public var images: Int64
    /// Whether the request was one of a batch that is answered when there is time.
    public var isBatch: Bool

    public init(
        input: Int64, output: Int64, cached: Int64 = 0, reasoning: Int64 = 0,
        cacheWrite: Int64 = 0, cacheWriteLong: Int64 = 0, audioInput: Int64 = 0,
        audioOutput: Int64 = 0, images: Int64 = 0, isBatch: Bool = false
    ) {
        self.input = input
        self.output = output
        self.cached = cached
        self.reasoning = reasoning
        self.cacheWrite = cacheWrite
        self.cacheWriteLong = cacheWriteLong
        self.audioInput = audioInput
        self.audioOutput = audioOutput
        self.images = images
        self.isBatch = isBatch
    }

    /// Input that is of no other kind.
    package var plainInput: Int64 {
        [cached, cacheWrite, cacheWriteLong, audioInput].reduce(input) {
            $0.subtractingSaturated($1)
        }
    }

    /// Output that is of no other kind.
    package var plainOutput: Int64 {
        output.subtractingSaturated(reasoning).subtractingSaturated(audioOutput)
    }

    /// Whether no number is negative and no part more than its whole.
    package var areConsistent: Bool {
        let parts = [
            cached, reasoning, cacheWrite, cacheWriteLong, audioInput, audioOutput, images, input,
            output,
        ]
        return parts.allSatisfy { $0 >= 0 } && plainInput >= 0 && plainOutput >= 0
    }
}
