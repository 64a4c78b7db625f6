import MeterstoneCore
import Testing

@Suite struct UsageMonthTests {
    private func month(
        _ year: Int, _ month: Int, _ days: [Int64], today: (Int, Int, Int) = (2026, 11, 21)
    ) throws -> UsageMonth {
        let first = try #require(CivilDate(year: year, month: month, day: 1)).daysSince1970
        let usage = Dictionary(
            uniqueKeysWithValues: days.enumerated().map { (first + Int64($0), Quantity($1)) })
        let today = try #require(CivilDate(year: today.0, month: today.1, day: today.2))
        return try #require(UsageMonth(year: year, month: month, usage: usage, today: today))
    }

    /// Months of people in `Fixtures/expected/history.json`.
    private static let known: [(year: Int, month: Int, days: [Int64], average: String, peak: Int)] =
        [
            (
                2016, 2,
                [
                    1, 1, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0,
                    0, 0,
                ], "0.448276", 16
            ),
            (
                2019, 3,
                [
                    0, 0, 2, 11, 103, 5, 11, 0, 0, 0, 14, 8, 0, 0, 16, 0, 0, 0, 0, 70, 31, 0, 0, 47,
                    0, 0, 0, 0, 0, 0, 0,
                ], "10.258065", 5
            ),
            // Three days with the same usage: the first of them.
            (
                2019, 3,
                [
                    0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
                    0, 0, 0, 0,
                ], "0.096774", 7
            ),
            (
                2020, 12,
                [
                    14, 5, 12, 114, 0, 0, 44, 249, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                    0,
                    0, 0, 0, 0, 0, 0,
                ], "14.129032", 8
            ),
            // Nothing at all: the 1st.
            (2020, 12, Array(repeating: 0, count: 31), "0", 1),
        ]

    @Test(arguments: known.indices)
    func `a month that is over has all its days`(index: Int) throws {
        let known = Self.known[index]
        let month = try month(known.year, known.month, known.days)
        #expect(month.year == known.year && month.month == known.month)
        #expect(month.dailyUsage.map(\.units) == known.days)
        #expect(month.totalMonthly.units == known.days.reduce(0, +))
        #expect(month.averageDaily?.decimal == known.average)
        #expect(month.peakDay == known.peak)
        #expect(month.peakUsage.units == known.days[known.peak - 1])
    }

    @Test func `the running month has the days up to today`() throws {
        let days: [Int64] = [850, 1_200, 0, 2_100, 1_750, 9_999]
        let running = try month(2024, 1, days, today: (2024, 1, 5))
        #expect(running.dailyUsage.map(\.units) == [850, 1_200, 0, 2_100, 1_750])
        #expect(running.totalMonthly == 5_900)
        #expect(running.averageDaily?.decimal == "1180")
        #expect(running.peakDay == 4 && running.peakUsage == 2_100)
        let first = try month(2024, 1, days, today: (2024, 1, 1))
        #expect(first.dailyUsage == [850] && first.averageDaily == Ratio(850, of: 1))
        let last = try month(2024, 1, days, today: (2024, 1, 31))
        let over = try month(2024, 1, days, today: (2024, 2, 1))
        #expect(last == over && last.dailyUsage.count == 31)
    }

    @Test func `a month that has not begun has no days`() throws {
        let later = try month(2024, 2, [5], today: (2024, 1, 31))
        #expect(later.dailyUsage.isEmpty && later.totalMonthly == 0)
        #expect(later.averageDaily == nil && later.peakDay == nil && later.peakUsage == 0)
    }

    @Test func `a total stops at the greatest quantity, and no month is the thirteenth`() throws {
        #expect(try month(2024, 1, [.max, 1]).totalMonthly.units == .max)
        let today = try #require(CivilDate(year: 2024, month: 1, day: 1))
        #expect(UsageMonth(year: 2024, month: 13, usage: [:], today: today) == nil)
        #expect(UsageMonth(year: 2024, month: 0, usage: [:], today: today) == nil)
    }
}
