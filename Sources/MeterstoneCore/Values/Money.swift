/// An amount of money, exact to a trillionth of the currency unit: what one token costs at a price of
/// millionths for a million.
///
/// There is one currency, and it is the application's business which. Amounts are rounded once, to
/// millionths or cents, where they are shown.
public struct Money: Hashable, Comparable, Sendable, Codable {
    /// Rounded down.
    package let wholeMillionths: Int64
    /// Trillionths beyond these; below a million.
    package let rest: Int32

    public init(millionths: Int64) {
        wholeMillionths = millionths
        rest = 0
    }

    /// `nil` when the amount does not fit.
    public init?(trillionths: Int128) {
        let (quotient, rest) = trillionths.quotientAndRemainder(dividingBy: 1_000_000)
        guard let whole = Int64(exactly: rest < 0 ? quotient - 1 : quotient) else { return nil }
        wholeMillionths = whole
        self.rest = Int32(rest < 0 ? rest + 1_000_000 : rest)
    }

    /// What is stored: a rest of a million or more, or below 0, is carried.
    package init(wholeMillionths: Int64, rest: Int64) {
        self =
            Money(trillionths: Int128(wholeMillionths) * 1_000_000 + Int128(rest))
            ?? Money(millionths: wholeMillionths)
    }

    package static let largest = Money(millionths: .max)
    public static let zero = Money(millionths: 0)
    /// The smallest coin of most currencies.
    public static let cent = Money(millionths: 10_000)

    public var trillionths: Int128 { Int128(wholeMillionths) * 1_000_000 + Int128(rest) }

    /// Half a millionth rounded up.
    public var millionths: Int64 {
        rest >= 500_000 && wholeMillionths < .max ? wholeMillionths + 1 : wholeMillionths
    }

    /// Half a billionth rounded up; what does not fit is the largest or the smallest number.
    public var billionths: Int64 {
        let (quotient, rest) = (trillionths + 500).quotientAndRemainder(dividingBy: 1_000)
        return Int64(clamping: rest < 0 ? quotient - 1 : quotient)
    }

    public static func < (lhs: Money, rhs: Money) -> Bool {
        (lhs.wholeMillionths, lhs.rest) < (rhs.wholeMillionths, rhs.rest)
    }

    /// Adds, or returns `nil` when the sum does not fit.
    public func adding(_ other: Money) -> Money? {
        Money(trillionths: trillionths + other.trillionths)
    }

    /// In hundredths of the unit, half a cent rounded up.
    public var cents: Int64 {
        let cent: Int128 = 10_000_000_000
        let (quotient, rest) = trillionths.quotientAndRemainder(dividingBy: cent)
        let half = cent / 2
        return Int64(clamping: rest >= half ? quotient + 1 : rest < -half ? quotient - 1 : quotient)
    }

    /// Reads whole millionths.
    public init(from decoder: any Decoder) throws {
        self.init(millionths: try decoder.singleValueContainer().decode(Int64.self))
    }

    /// Writes whole millionths.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(millionths)
    }
}
