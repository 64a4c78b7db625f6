import MeterstoneCore
import Testing

@Suite struct CivilDateTests {
    @Test(
        arguments: [
            (1970, 1, 1, 0, .thursday),
            (1969, 12, 31, -1, .wednesday),
            (1, 1, 1, -719_162, .monday),
            (0, 3, 1, -719_468, .wednesday),
            (-1, 12, 31, -719_529, .friday),
            (1900, 2, 28, -25_509, .wednesday),
            (1900, 3, 1, -25_508, .thursday),
            (2000, 2, 29, 11_016, .tuesday),
            (2000, 3, 1, 11_017, .wednesday),
            (2024, 2, 29, 19_782, .thursday),
            (2026, 11, 21, 20_778, .saturday),
            (2100, 2, 28, 47_540, .sunday),
            (2100, 3, 1, 47_541, .monday),
            (9999, 12, 31, 2_932_896, .friday),
        ] as [(Int, Int, Int, Int64, Weekday)])
    func `a date and its day number are the same thing`(
        year: Int, month: Int, day: Int, daysSince1970: Int64, weekday: Weekday
    ) throws {
        let date = try #require(CivilDate(year: year, month: month, day: day))
        #expect(date.daysSince1970 == daysSince1970)
        #expect(CivilDate(daysSince1970: daysSince1970) == date)
        #expect(date.weekday == weekday)
    }

    @Test func `every day from year 0 to 10000 follows the one before`() {
        var expected = CivilDate(daysSince1970: -719_528)
        #expect(expected.description == "0000-01-01")
        for number in Int64(-719_528)...2_932_897 {
            let date = CivilDate(daysSince1970: number)
            guard date == expected, date.daysSince1970 == number else {
                Issue.record("day \(number) is \(date), expected \(expected)")
                return
            }
            expected = Self.dayAfter(date)
        }
    }

    private static func dayAfter(_ date: CivilDate) -> CivilDate {
        let sameMonth = CivilDate(year: date.year, month: date.month, day: date.day + 1)
        let nextMonth = CivilDate(year: date.year, month: date.month + 1, day: 1)
        return sameMonth ?? nextMonth ?? CivilDate(year: date.year + 1, month: 1, day: 1) ?? date
    }

    @Test(arguments: [
        (2024, true), (2023, false), (2000, true), (1900, false), (2100, false), (0, true),
        (-4, true), (-100, false), (-400, true),
    ])
    func `a leap year is every fourth but three in four hundred`(year: Int, isLeap: Bool) {
        #expect(CivilDate.isLeap(year: year) == isLeap)
        #expect(CivilDate.dayCount(ofMonth: 2, year: year) == (isLeap ? 29 : 28))
    }

    @Test func `months have their lengths`() {
        let lengths = (1...12).map { CivilDate.dayCount(ofMonth: $0, year: 2026) }
        #expect(lengths == [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    }

    @Test(arguments: [
        (2026, 0, 1), (2026, 13, 1), (2026, 1, 0), (2026, 1, 32), (2026, 4, 31), (2026, 2, 29),
        (2100, 2, 29), (2026, .min, 1), (2026, 1, .max), (.max, 1, 1), (.min, 12, 31),
    ])
    func `there is no such date`(year: Int, month: Int, day: Int) {
        #expect(CivilDate(year: year, month: month, day: day) == nil)
    }

    @Test(arguments: [Int64.min, -366_000_001, 366_000_001, .max])
    func `day numbers out of reach stop at the end`(daysSince1970: Int64) {
        let date = CivilDate(daysSince1970: daysSince1970)
        #expect(date.daysSince1970 == (daysSince1970 < 0 ? -366_000_000 : 366_000_000))
    }

    @Test func `dates compare in order of time`() throws {
        let texts = ["-0402-06-05", "0000-12-31", "2025-12-31", "2026-01-01", "2026-02-01"]
        let dates = [-866_200, -719_163, 20_453, 20_454, 20_485].map(CivilDate.init(daysSince1970:))
        #expect(dates.map(\.description) == texts)
        #expect(dates.shuffled().sorted() == dates)
    }

    @Test(arguments: ["2026-11-21", "0000-01-01", "9999-12-31", "2024-02-29"])
    func `a date is read as it is written`(text: String) {
        #expect(CivilDate(text)?.description == text)
    }

    @Test(arguments: [
        "", "2026", "2026-11", "2026-11-31", "2026-2-3", "2026-11-21T", "2026-11-21-01",
        "-026-01-01", "+026-01-01", "12026-01-01", "2026-1١-01", "yesterday",
    ])
    func `other texts are no dates`(text: String) {
        #expect(CivilDate(text) == nil)
    }
}
