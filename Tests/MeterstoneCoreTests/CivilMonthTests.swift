import MeterstoneCore
import Testing

@Suite struct CivilMonthTests {
    @Test func `a month has a number and comes back from it`() throws {
        let month = try #require(CivilMonth(year: 2024, month: 12))
        #expect(CivilMonth(number: month.number) == month)
        let next = CivilMonth(number: month.number + 1)
        #expect(next.year == 2025 && next.month == 1 && month < next)
        #expect(month.first.description == "2024-12-01")
        #expect(month.end.description == "2025-01-01" && month.end == next.first)
        let before = CivilMonth(containing: CivilDate(daysSince1970: -1))
        #expect(before == CivilMonth(year: 1969, month: 12))
    }

    @Test(arguments: [0, 13, -1])
    func `there is no such month`(month: Int) {
        #expect(CivilMonth(year: 2024, month: month) == nil)
    }
}
