import MeterstoneCore
import Testing

/// What tokens of every kind cost, and how exactly.
@Suite struct PriceBookTests {
    private static func dollars(_ millionths: Int64) -> Money { Money(millionths: millionths) }

    /// 3 and 15 for a million, as such books have them, and twice and one and a half times that above
    /// 200,000 tokens of input.
    private static let price = ModelPrice(
        rates: TokenRates(
            input: dollars(3_000_000), output: dollars(15_000_000), cached: dollars(300_000),
            cacheWrite: dollars(3_750_000), cacheWriteLong: dollars(6_000_000),
            audioInput: dollars(40_000_000), audioOutput: dollars(80_000_000)),
        tiers: [
            RateTier(
                above: 200_000,
                rates: TokenRates(input: dollars(6_000_000), output: dollars(22_500_000)))
        ], image: dollars(40_000), batchPercent: 50)

    struct Case: Sendable {
        let tokens: TokenCounts
        /// `nil`: the counts do not agree.
        let trillionths: Int128?
    }

    @Test(arguments: [
        Case(tokens: TokenCounts(input: 1, output: 1), trillionths: 18_000_000),
        // 400 are plain, 300 are read, 200 written for short and 100 for long.
        Case(
            tokens: TokenCounts(
                input: 1_000, output: 0, cached: 300, cacheWrite: 200, cacheWriteLong: 100),
            trillionths: 400 * 3_000_000 + 300 * 300_000 + 200 * 3_750_000 + 100 * 6_000_000),
        Case(
            tokens: TokenCounts(input: 10, output: 10, reasoning: 4, audioInput: 5, audioOutput: 3),
            trillionths: 5 * 3_000_000 + 5 * 40_000_000 + 7 * 15_000_000 + 3 * 80_000_000),
        // The tier begins above its number, and holds for every token. What it does not name costs as input.
        Case(tokens: TokenCounts(input: 200_000, output: 0), trillionths: 600_000_000_000),
        Case(
            tokens: TokenCounts(input: 200_001, output: 2, cached: 1),
            trillionths: 200_001 * 6_000_000 + 2 * 22_500_000),
        Case(
            tokens: TokenCounts(input: 0, output: 0, images: 3), trillionths: 120_000_000_000),
        Case(
            tokens: TokenCounts(input: 1, output: 1, images: 1, isBatch: true),
            trillionths: (18_000_000 + 40_000_000_000) / 2),
        Case(tokens: TokenCounts(input: 5, output: 0, cached: 3, cacheWrite: 3), trillionths: nil),
        Case(
            tokens: TokenCounts(input: 0, output: 1, reasoning: 1, audioOutput: 1), trillionths: nil
        ),
        Case(tokens: TokenCounts(input: -1, output: 0), trillionths: nil),
        Case(tokens: TokenCounts(input: .max, output: .max), trillionths: nil),
    ])
    func `tokens of each kind cost what their kind does`(example: Case) {
        #expect(Self.price.cost(of: example.tokens)?.trillionths == example.trillionths)
    }

    @Test func `a million requests of less than half a millionth cost what they do`() {
        // 0.48 for a million tokens: one costs 0.48 millionths.
        let price = ModelPrice(input: Self.dollars(480_000), output: .zero)
        let one = price.cost(of: TokenCounts(input: 1, output: 0))
        #expect(one?.millionths == 0)
        var sum = Money.zero
        for _ in 0..<1_000_000 { sum = one.flatMap { sum.adding($0) } ?? sum }
        #expect(sum == Self.dollars(480_000))
        #expect(sum.cents == 48)
    }

    @Test(arguments: [
        (Int128(0), Int64(0), Int64(0), Int64(0)), (499_999, 0, 500, 0), (500_000, 1, 500, 0),
        (1_499_999, 1, 1_500, 0), (-500_000, 0, -500, 0), (-500_001, -1, -500, 0),
        (5_000_000_000, 5_000, 5_000_000, 1), (4_999_999_999, 5_000, 5_000_000, 0),
        (14_999_000_000, 14_999, 14_999_000, 1), (-5_000_000_001, -5_000, -5_000_000, -1),
    ])
    func `amounts are rounded once, where they are shown`(
        trillionths: Int128, millionths: Int64, billionths: Int64, cents: Int64
    ) throws {
        let money = try #require(Money(trillionths: trillionths))
        #expect(money.trillionths == trillionths)
        #expect(money.millionths == millionths)
        #expect(money.billionths == billionths)
        #expect(money.cents == cents)
    }

    @Test func `amounts that do not fit are none`() {
        let most = Int128(Int64.max) * 1_000_000
        #expect(Money(trillionths: most + 999_999)?.trillionths == most + 999_999)
        #expect(Money(trillionths: most + 1_000_000) == nil)
        #expect(Money(trillionths: Int128(Int64.min) * 1_000_000 - 1) == nil)
        #expect(Money(millionths: .max).adding(Money(millionths: 1)) == nil)
        #expect(Money(trillionths: most + 999_999)?.millionths == .max)
    }
}
