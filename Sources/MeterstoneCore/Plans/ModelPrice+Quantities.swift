/// The names of quantities by which an event tells its tokens.
public enum TokenName {
    public static let input = MeterKey(unchecked: "inputTokens")
    public static let output = MeterKey(unchecked: "outputTokens")
    /// A part of the input.
    public static let cached = MeterKey(unchecked: "cachedTokens")
    /// A part of the output.
    public static let reasoning = MeterKey(unchecked: "reasoningTokens")
    /// Parts of the input: written to the cache, for an hour or longer, and sound.
    public static let cacheWrite = MeterKey(unchecked: "cacheWriteTokens")
    public static let cacheWriteLong = MeterKey(unchecked: "cacheWriteLongTokens")
    public static let audioInput = MeterKey(unchecked: "audioInputTokens")
    /// A part of the output that is sound.
    public static let audioOutput = MeterKey(unchecked: "audioOutputTokens")
    public static let images = MeterKey(unchecked: "images")
    /// Input and output together.
    public static let all = MeterKey(unchecked: "tokens")

    /// All that prices know. Events may tell them where no meter is called so, and are stored with their place
    /// in this list: it grows only at its end.
    private static let priced = [
        input, output, cached, reasoning, cacheWrite, cacheWriteLong, audioInput, audioOutput,
        images, all,
    ]

    /// What stands for the first of them in stored events: more than a registry will ever have names.
    private static let firstNumber = 2_000_000

    private static let numbers = Dictionary(
        uniqueKeysWithValues: priced.enumerated().map { ($1, firstNumber + $0) })

    package static func number(of name: MeterKey) -> Int? { numbers[name] }

    package static func name(ofNumber number: UInt64) -> MeterKey? {
        guard number >= firstNumber, number < firstNumber + priced.count else { return nil }
        return priced[Int(number) - firstNumber]
    }
}

extension TokenCounts {
    /// As an event tells them; `nil`: it tells neither input nor output, nor images alone.
    package init?(_ quantities: Quantities, isBatch: Bool) {
        func units(_ name: MeterKey) -> Int64? { quantities[name]?.units }
        let (input, output) = (units(TokenName.input), units(TokenName.output))
        let isOfImages = units(TokenName.images) != nil && units(TokenName.all) == nil
        guard input != nil || output != nil || isOfImages else { return nil }
        self.init(
            input: input ?? 0, output: output ?? 0, cached: units(TokenName.cached) ?? 0,
            reasoning: units(TokenName.reasoning) ?? 0,
            cacheWrite: units(TokenName.cacheWrite) ?? 0,
            cacheWriteLong: units(TokenName.cacheWriteLong) ?? 0,
            audioInput: units(TokenName.audioInput) ?? 0,
            audioOutput: units(TokenName.audioOutput) ?? 0, images: units(TokenName.images) ?? 0,
            isBatch: isBatch)
    }
}

extension ModelPrice {
    /// What the tokens of an event cost; `nil`: it does not tell them well enough.
    ///
    /// - Parameter isEstimate: tokens whose kind nobody tells cost what the dearest kind does.
    /// - Parameter isBatch: whether the event is of a batch.
    package func cost(of quantities: Quantities, isBatch: Bool, isEstimate: Bool) -> Money? {
        if let counts = TokenCounts(quantities, isBatch: isBatch) { return cost(of: counts) }
        guard let all = quantities[TokenName.all]?.units, all >= 0 else { return nil }
        return isOneForAll || isEstimate ? mostCost(of: all) : nil
    }
}
