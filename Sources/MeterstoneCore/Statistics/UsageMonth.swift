/// What a subject used of one meter in one month of its calendar, day by day.
///
/// Of a meter that sums or counts, what days add up to is the month. Of any other the month is told apart:
/// who came on two days is one user of the month.
public struct UsageMonth: Hashable, Sendable {
    public let year: Int
    /// From 1 to 12.
    public let month: Int
    /// Usage of the 1st, the 2nd and so on, zeros included: every day of a month that is over, the
    /// days up to and including today of the one that is running, and none of a later one.
    public let dailyUsage: [Quantity]
    /// Stops at the greatest quantity there is.
    public let totalMonthly: Quantity
    /// Per day of ``dailyUsage``; `nil` when there is none, and of a meter whose days do not add up.
    public let averageDaily: Ratio?
    /// The day of the month with the greatest usage, the earliest of equals: the 1st when nothing was
    /// used. `nil` when ``dailyUsage`` is empty.
    public let peakDay: Int?
    /// What was used on ``peakDay``.
    public let peakUsage: Quantity

    /// - Parameters:
    ///   - usage: by the number of the local day since 1970. Days of other months, and days after
    ///     today, are not looked at.
    ///   - today: the local day that it is.
    ///   - total: what the month comes to, of a meter whose days do not add up; `nil`: they do.
    /// - Returns: `nil` when there is no such month.
    public init?(
        year: Int, month: Int, usage: [Int64: Quantity], today: CivilDate, total: Quantity? = nil
    ) {
        guard let first = CivilDate(year: year, month: month, day: 1)?.daysSince1970 else {
            return nil
        }
        let length = Int64(CivilDate.dayCount(ofMonth: month, year: year))
        let elapsed = min(max(today.daysSince1970 - first + 1, 0), length)
        let days = (first..<first + elapsed).map { usage[$0] ?? .zero }
        let peak = days.max() ?? .zero
        self.year = year
        self.month = month
        dailyUsage = days
        totalMonthly = total ?? days.reduce(.zero) { $0.adding($1) ?? Quantity(.max) }
        averageDaily = total == nil ? Ratio(totalMonthly.units, of: elapsed) : nil
        peakDay = days.firstIndex(of: peak).map { $0 + 1 }
        peakUsage = peak
    }
}
