/// An amount of money in millionths of the currency unit: exact, and fine enough for one token.
///
/// There is one currency, and it is the application's business which.
public struct Money: Hashable, Comparable, Sendable, Codable {
    public var millionths: Int64

    public init(millionths: Int64) {
        self.millionths = millionths
    }

    public static let zero = Money(millionths: 0)
    /// The smallest coin of most currencies.
    public static let cent = Money(millionths: 10_000)

    public static func < (lhs: Money, rhs: Money) -> Bool { lhs.millionths < rhs.millionths }

    /// Adds, or returns `nil` when the sum does not fit.
    public func adding(_ other: Money) -> Money? {
        let (sum, overflow) = millionths.addingReportingOverflow(other.millionths)
        return overflow ? nil : Money(millionths: sum)
    }

    /// In hundredths of the unit, half a cent rounded up.
    public var cents: Int64 {
        let (quotient, rest) = millionths.quotientAndRemainder(dividingBy: 10_000)
        return rest >= 5_000 ? quotient + 1 : rest < -5_000 ? quotient - 1 : quotient
    }

    public init(from decoder: any Decoder) throws {
        millionths = try decoder.singleValueContainer().decode(Int64.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(millionths)
    }
}
