import MeterstoneCore
import Testing

@Suite struct StreaksTests {
    @Test(
        arguments: [
            ([], 100, 0, 0, 0),
            ([100], 100, 1, 1, 1),
            ([99], 100, 1, 1, 1),
            ([98], 100, 1, 1, 0),
            ([1, 2, 3, 5, 6], 6, 5, 3, 2),
            ([1, 2, 3, 5, 6], 7, 5, 3, 2),
            ([1, 2, 3, 5, 6], 8, 5, 3, 0),
            ([1, 3, 5, 7], 7, 4, 1, 1),
            ([10, 20, 21, 22, 23], 23, 5, 4, 4),
            // Before 1970, and across it.
            ([-2, -1, 0, 1], 1, 4, 4, 4),
            // An event may be dated a day ahead.
            ([9, 10, 11], 10, 3, 3, 3), ([11], 10, 1, 1, 1),
        ] as [([Int64], Int64, Int64, Int64, Int64)])
    func `a streak ends with the first day that is over and was not active`(
        days: [Int64], today: Int64, active: Int64, longest: Int64, current: Int64
    ) {
        let streaks = Streaks(days: days, today: today)
        #expect(streaks.daysActive == active)
        #expect(streaks.longestStreak == longest)
        #expect(streaks.currentStreak == current)
    }

    @Test(arguments: 0..<100)
    func `streaks are what counting each day by itself gives`(seed: UInt64) {
        var random = CalendarGenerator(seed: seed)
        let today: Int64 = 60
        let days = (0...today).filter { _ in random.next() % 3 != 0 }
        func length(endingOn day: Int64) -> Int64 {
            days.contains(day) ? 1 + length(endingOn: day - 1) : 0
        }
        let streaks = Streaks(days: days, today: today)
        #expect(streaks.longestStreak == (0...today).map { length(endingOn: $0) }.max())
        let current = length(endingOn: today)
        #expect(streaks.currentStreak == (current > 0 ? current : length(endingOn: today - 1)))
    }
}

@Suite struct MilestoneRuleTests {
    private func rule(total: Int64) -> MilestoneRule {
        MilestoneRule(
            key: MilestoneKey(unchecked: "k"), goal: .total(MeterKey(unchecked: "m"), total))
    }

    private func rule(streak: Int64) -> MilestoneRule {
        MilestoneRule(key: MilestoneKey(unchecked: "k"), goal: .streak(streak))
    }

    private func usage(_ units: [Int64]) -> [(occurredAt: Instant, units: Int64)] {
        units.enumerated().map { index, units in
            (Instant(millisecondsSince1970: Int64(index)), units)
        }
    }

    @Test(
        arguments: [
            (1, [1, 2, 3], 1), (3, [1, 2, 4, 5, 6, 8, 9, 10], 6), (2, [1, 3, 5], nil),
            (3, [], nil), (2, [-1, 0], 0),
        ] as [(Int64, [Int64], Int64?)])
    func `a streak is reached on the day that completes it, once`(
        length: Int64, days: [Int64], day: Int64?
    ) {
        #expect(rule(streak: length).streakDay(in: days) == day)
        #expect(rule(total: length).streakDay(in: days) == nil)
    }

    @Test(
        arguments: [
            (10, 0, [3, 3, 3, 1, 5], 3), (10, 9, [1, 1], 0), (10, 10, [1], nil),
            (10, 0, [9], nil), (1, 0, [0, 0, 7], 2), (10, 0, [], nil),
            // What was taken back has to be used again; a total that was reached stays so.
            (10, 5, [4, -4, 4, 1], 3), (10, 5, [5, -9, 9], 0),
            (.max, 5, [.max], 0), (5, .min, [-1, .max, 6], 2),
        ] as [(Int64, Int64, [Int64], Int?)])
    func `a total is reached with the usage that completes it, once`(
        total: Int64, before: Int64, units: [Int64], index: Int?
    ) {
        #expect(rule(total: total).crossing(of: usage(units), before: before) == index)
        #expect(rule(streak: 1).crossing(of: usage(units), before: before) == nil)
    }
}
