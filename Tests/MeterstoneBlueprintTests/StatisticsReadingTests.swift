import MeterstoneBlueprint
import MeterstoneCore
import Testing

@Suite struct StatisticsReadingTests {
    private func meter(_ text: String) -> MeterKey { MeterKey(unchecked: text) }

    @Test func `every field of statistics arrives`() throws {
        let blueprint = try Blueprint(
            yaml: """
                meters: { talks: , seconds: , longest: { aggregation: max } }
                statistics:
                  sessions: { completed: talks, length: seconds, longest: longest }
                  milestones:
                    - { key: first, meter: talks, total: 1 }
                    - { key: week, streak: 7 }
                    - { key: many, meter: seconds, total: 1_000_000 }
                """)
        let sessions = SessionMeters(
            completed: meter("talks"), length: meter("seconds"), longest: meter("longest"))
        let milestones = [
            MilestoneRule(key: MilestoneKey(unchecked: "first"), goal: .total(meter("talks"), 1)),
            MilestoneRule(key: MilestoneKey(unchecked: "week"), goal: .streak(7)),
            MilestoneRule(
                key: MilestoneKey(unchecked: "many"), goal: .total(meter("seconds"), 1_000_000)),
        ]
        #expect(
            blueprint.statistics == StatisticsPolicy(sessions: sessions, milestones: milestones))
    }

    @Test(arguments: ["", "statistics:\n", "statistics: ~\n"])
    func `where nothing is said of statistics there is no policy`(yaml: String) throws {
        #expect(try Blueprint(yaml: "meters: { m: }\n" + yaml).statistics == nil)
    }

    @Test func `a policy may leave everything out`() throws {
        #expect(try Blueprint(yaml: "statistics: {}\n").statistics == StatisticsPolicy())
        let short = try Blueprint(
            yaml: "meters: { m: }\nstatistics: { sessions: { completed: m, length: m } }\n")
        #expect(
            short.statistics
                == StatisticsPolicy(
                    sessions: SessionMeters(completed: meter("m"), length: meter("m"))))
    }

    @Test(
        arguments: [
            ("price: 9.99", 9_990_000, .month), ("price: 0", 0, .month),
            ("price: 1_000, billingPeriod: year", 1_000_000_000, .year),
            ("price: 0.000001, billingPeriod: month", 1, .month),
            ("billingPeriod: year", nil, .year), ("price: ~", nil, .month),
        ] as [(String, Int64?, BillingPeriod)])
    func `a plan has a price for a period`(
        fields: String, millionths: Int64?, period: BillingPeriod
    ) throws {
        let plan = try #require(try Blueprint(yaml: "plans: { p: { \(fields) } }\n").plans.first)
        #expect(plan.price?.millionths == millionths)
        #expect(plan.billingPeriod == period)
    }
}
