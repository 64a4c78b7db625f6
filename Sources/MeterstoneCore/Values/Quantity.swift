/// A whole number of metered units.
///
/// Quantities are integers on purpose. A counter that is folded from thousands of events must come
/// out the same on every machine, and binary floating point does not promise that. The unit is
/// known from the meter.
public struct Quantity: Hashable, Comparable, Sendable {
    public let units: Int64

    public init(_ units: Int64) {
        self.units = units
    }

    public static let zero = Quantity(0)

    public static func < (lhs: Quantity, rhs: Quantity) -> Bool {
        lhs.units < rhs.units
    }

    /// Adds two quantities, or returns `nil` when the sum does not fit.
    public func adding(_ other: Quantity) -> Quantity? {
        let (sum, overflow) = units.addingReportingOverflow(other.units)
        return overflow ? nil : Quantity(sum)
    }

    /// Subtracts, or returns `nil` when the difference does not fit.
    public func subtracting(_ other: Quantity) -> Quantity? {
        let (difference, overflow) = units.subtractingReportingOverflow(other.units)
        return overflow ? nil : Quantity(difference)
    }
}

extension Quantity: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: Int64) {
        self.init(value)
    }
}

extension Quantity: CustomStringConvertible {
    public var description: String { String(units) }
}

extension Quantity: Codable {
    public init(from decoder: any Decoder) throws {
        units = try decoder.singleValueContainer().decode(Int64.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(units)
    }
}

extension Int64 {
    /// The difference, or the number at the end that it goes beyond; what is stored may be any number.
    package func subtractingSaturated(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other < 0 ? .max : .min) : difference
    }

    /// The sum, or the largest number where it does not fit; for numbers that are not negative.
    package func multipliedSaturated(by other: Int64) -> Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? ((self < 0) == (other < 0) ? .max : .min) : product
    }

    package func addingSaturated(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
