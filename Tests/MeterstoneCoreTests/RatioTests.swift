import MeterstoneCore
import Testing

@Suite struct RatioTests {
    @Test(
        "a ratio is written with six digits at most, rounded half away from zero",
        arguments: [
            (13, 29, "0.448276"), (5_900, 5, "1180"), (-1, 3, "-0.333333"), (2, 3, "0.666667"),
            (1, 2_000_000, "0.000001"), (-1, 2_000_001, "0"), (1_999_999_9, 10_000_000, "2"),
            (0, 7, "0"), (.max, 1, "9223372036854775807"), (.min, 1, "-9223372036854775808"),
            (.max, .max, "1"), (.max - 1, .max, "1"),
        ] as [(Int64, Int64, String)])
    func decimals(numerator: Int64, denominator: Int64, expected: String) {
        #expect(Ratio(numerator, of: denominator)?.decimal == expected)
    }

    @Test("there is no ratio to nothing, and equal quotients are equal")
    func equality() {
        #expect(Ratio(1, of: 0) == nil)
        #expect(Ratio(1, of: -1) == nil)
        #expect(Ratio(2, of: 4) == Ratio(1, of: 2))
        #expect(Set([Ratio(2, of: 4), Ratio(1, of: 2)]).count == 1)
        #expect(Ratio(.max, of: 3)! > Ratio(.max - 1, of: 3)!)
        #expect(Ratio(-1, of: 2)! < .zero)
    }
}
