/// A month of the proleptic Gregorian calendar, without a zone.
public struct CivilMonth: Hashable, Sendable {
    public let year: Int
    /// From 1 to 12.
    public let month: Int

    /// `nil` when there is no such month.
    public init?(year: Int, month: Int) {
        guard let first = CivilDate(year: year, month: month, day: 1) else { return nil }
        self.init(containing: first)
    }

    public init(containing date: CivilDate) {
        year = date.year
        month = date.month
    }

    public var first: CivilDate { CivilDate(uncheckedYear: year, month: month, day: 1) }

    /// The 1st of the month after.
    public var end: CivilDate { CivilMonth(number: number + 1).first }

    /// Months since the start of year 0.
    package var number: Int64 { first.monthNumber }

    package init(number: Int64) {
        self.init(containing: CivilDate(monthNumber: number, clampingDay: 1))
    }
}

extension CivilMonth: Comparable {
    public static func < (lhs: CivilMonth, rhs: CivilMonth) -> Bool {
        (lhs.year, lhs.month) < (rhs.year, rhs.month)
    }
}
