/// A quotient of whole numbers, exact until it is written down.
public struct Ratio: Hashable, Sendable {
    public let numerator: Int64
    /// Greater than 0.
    public let denominator: Int64

    /// - Returns: `nil` when the denominator is not greater than 0: there is no average of nothing.
    public init?(_ numerator: Int64, of denominator: Int64) {
        guard denominator > 0 else { return nil }
        self.numerator = numerator
        self.denominator = denominator
    }

    /// Reads ``decimal``: a number with at most six digits after the point.
    package init?(decimal text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard let whole = parts.first, parts.count <= 2, let number = Int64(whole) else {
            return nil
        }
        let fraction = parts.count == 2 ? parts[1] : "0"
        guard 1...6 ~= fraction.utf8.count, let digits = UInt32(fraction) else { return nil }
        let scaled = Int64(digits) * [0, 100_000, 10_000, 1_000, 100, 10, 1][fraction.utf8.count]
        let (units, overflow) = number.multipliedReportingOverflow(by: 1_000_000)
        // Of a number that large, only the whole is told.
        let isLarge = overflow || units.magnitude > UInt64(Int64.max) - 1_000_000
        numerator = isLarge ? number : text.hasPrefix("-") ? units - scaled : units + scaled
        denominator = isLarge ? 1 : 1_000_000
    }

    public static let zero = Ratio(unchecked: 0)

    private init(unchecked number: Int64) {
        numerator = number
        denominator = 1
    }

    /// Decimal notation with at most six digits after the point, half a unit of the last one rounded
    /// away from zero, and no zeros at the end: `0.448276`, `1180`.
    public var decimal: String {
        let scale: UInt64 = 1_000_000
        let divisor = denominator.magnitude
        let whole = numerator.magnitude / divisor
        let product = (numerator.magnitude % divisor).multipliedFullWidth(by: scale)
        var (digits, rest) = divisor.dividingFullWidth(product)
        if rest >= divisor - rest { digits += 1 }
        let carried = whole + digits / scale
        digits %= scale
        let sign = numerator < 0 && (carried > 0 || digits > 0) ? "-" : ""
        guard digits > 0 else { return "\(sign)\(carried)" }
        var fraction = String(digits + scale).dropFirst()
        while fraction.last == "0" { fraction.removeLast() }
        return "\(sign)\(carried).\(fraction)"
    }
}

extension Ratio: Comparable {
    public static func < (lhs: Ratio, rhs: Ratio) -> Bool {
        let left = lhs.numerator.multipliedFullWidth(by: rhs.denominator)
        let right = rhs.numerator.multipliedFullWidth(by: lhs.denominator)
        return (left.high, left.low) < (right.high, right.low)
    }

    /// Equal quotients are equal, however they are written.
    public static func == (lhs: Ratio, rhs: Ratio) -> Bool {
        !(lhs < rhs) && !(rhs < lhs)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(decimal)
    }
}
