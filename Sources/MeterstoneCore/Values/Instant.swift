/// A point in time, in whole milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
public struct Instant: Hashable, Comparable, Sendable {
    public let millisecondsSince1970: Int64

    public init(millisecondsSince1970: Int64) {
        self.millisecondsSince1970 = millisecondsSince1970
    }

    /// 0001-01-01T00:00:00.000Z, the earliest instant that has a text.
    public static let earliest = Instant(millisecondsSince1970: -62_135_596_800_000)

    /// 9999-12-31T23:59:59.999Z, the latest instant that has a text.
    public static let latest = Instant(millisecondsSince1970: 253_402_300_799_999)

    /// Whether it is one of those between ``earliest`` and ``latest``.
    package var hasText: Bool { .earliest <= self && self <= .latest }

    public static func < (lhs: Instant, rhs: Instant) -> Bool {
        lhs.millisecondsSince1970 < rhs.millisecondsSince1970
    }

    /// Moves in time and stays between ``earliest`` and ``latest``.
    public func advanced(byMilliseconds milliseconds: Int64) -> Instant {
        let (sum, overflow) = millisecondsSince1970.addingReportingOverflow(milliseconds)
        if overflow { return milliseconds < 0 ? .earliest : .latest }
        return min(max(Instant(millisecondsSince1970: sum), .earliest), .latest)
    }

    /// The beginning of the second that it lies in.
    package var flooredToSecond: Instant {
        let rest = millisecondsSince1970 % 1_000
        guard rest != 0 else { return self }
        return advanced(byMilliseconds: rest < 0 ? -1_000 - rest : -rest)
    }
}

/// The number of the UTC day that an instant falls on, counted from 1970-01-01.
extension Instant {
    public var utcDay: Int64 {
        let day: Int64 = 86_400_000
        let quotient = millisecondsSince1970 / day
        return millisecondsSince1970 % day < 0 ? quotient - 1 : quotient
    }
}
