/// A date of the proleptic Gregorian calendar, as a wall calendar shows it: without a zone.
///
/// The arithmetic is Howard Hinnant's (`days_from_civil` and `civil_from_days` of
/// "chrono-Compatible Low-Level Date Algorithms",
/// https://howardhinnant.github.io/date_algorithms.html). Its years begin in March, so that the
/// leap day is the last of its year, and 400 years are one era of 146,097 days.
public struct CivilDate: Hashable, Sendable {
    public let year: Int
    /// From 1 to 12.
    public let month: Int
    /// From 1 to the length of the month.
    public let day: Int

    /// Years further away than this are of no use, and their milliseconds might overflow.
    static let farthestYear = 1_000_000

    /// `nil` when there is no such date, or its year is more than a million years from zero.
    public init?(year: Int, month: Int, day: Int) {
        guard (-Self.farthestYear...Self.farthestYear).contains(year), (1...12).contains(month),
            (1...Self.dayCount(ofMonth: month, year: year)).contains(day)
        else { return nil }
        self.init(uncheckedYear: year, month: month, day: day)
    }

    init(uncheckedYear year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// The date of a day counted from 1970-01-01. Stops at about a million years from there.
    public init(daysSince1970: Int64) {
        let shifted = min(max(daysSince1970, -366_000_000), 366_000_000) + 719_468
        let (era, dayOfEra) = shifted.flooredQuotientAndRemainder(dividingBy: 146_097)
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        self.init(
            uncheckedYear: Int(era * 400 + yearOfEra + (month <= 2 ? 1 : 0)),
            month: Int(month),
            day: Int(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
        )
    }

    public var daysSince1970: Int64 {
        let yearFromMarch = Int64(month <= 2 ? year - 1 : year)
        let monthFromMarch = Int64(month > 2 ? month - 3 : month + 9)
        let (era, yearOfEra) = yearFromMarch.flooredQuotientAndRemainder(dividingBy: 400)
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + Int64(day) - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    public var weekday: Weekday {
        Weekday(daysSince1970: daysSince1970)
    }
}

extension CivilDate {
    public static func isLeap(year: Int) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    /// The number of days in a month from 1 to 12.
    public static func dayCount(ofMonth month: Int, year: Int) -> Int {
        switch month {
        case 2: isLeap(year: year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Months since the start of year 0, so that months can be counted with.
    var monthNumber: Int64 {
        Int64(year) * 12 + Int64(month - 1)
    }

    /// The given day of a numbered month, or the month's last day when it is shorter.
    init(monthNumber: Int64, clampingDay day: Int) {
        let (year, month) = monthNumber.flooredQuotientAndRemainder(dividingBy: 12)
        self.init(
            uncheckedYear: Int(year),
            month: Int(month) + 1,
            day: min(day, Self.dayCount(ofMonth: Int(month) + 1, year: Int(year)))
        )
    }
}

extension CivilDate: Comparable {
    public static func < (lhs: CivilDate, rhs: CivilDate) -> Bool {
        (lhs.year, lhs.month, lhs.day) < (rhs.year, rhs.month, rhs.day)
    }
}

extension CivilDate: CustomStringConvertible {
    /// As in `2026-11-21`; years of fewer than four digits are padded with zeros.
    public var description: String {
        func padded(_ number: Int, to width: Int) -> String {
            let digits = String(number.magnitude)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let sign = year < 0 ? "-" : ""
        return "\(sign)\(padded(year, to: 4))-\(padded(month, to: 2))-\(padded(day, to: 2))"
    }

    public static let expectation = "a date such as 2026-11-21"

    /// `nil` when the text is not a date of the years from 0 to 9999 as ``description`` writes it.
    public init?(_ text: String) {
        let numbers = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 3, let year = numbers[0], let month = numbers[1],
            let day = numbers[2]
        else { return nil }
        self.init(year: year, month: month, day: day)
        guard description == text, text.utf8.count == 10 else { return nil }
    }
}

extension Int64 {
    /// Divides as calendars do: the remainder counts forward from the quotient, also before zero.
    @inline(__always)
    func flooredQuotientAndRemainder(
        dividingBy divisor: Int64
    ) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
