import MeterstoneCore

extension BlueprintMistakeTests {
    static let priceCases = [
        Case(
            name: "prices of plans",
            yaml: """
                plans:
                  a: { price: -1, billingPeriod: monthly }
                  b: { price: 1000000.01 }
                  c: { price: [1], billingPeriod: week }
                  d: { prise: 1, price: 9,99 }
                """,
            mistakes: [
                "2:15: plans.a.price: expected an amount from 0 to 1000000 with at most 6 decimals, "
                    + "found '-1'",
                "2:34: plans.a.billingPeriod: expected one of month, year, found 'monthly'; "
                    + "did you mean 'month'?",
                "3:15: plans.b.price: expected an amount from 0 to 1000000 with at most 6 decimals, "
                    + "found '1000000.01'",
                "4:15: plans.c.price: expected an amount from 0 to 1000000 with at most 6 decimals, "
                    + "found a list",
                "4:35: plans.c.billingPeriod: expected one of month, year, found 'week'",
                "5:8: plans.d.prise: unknown field 'prise'; did you mean 'price'?",
                "5:27: plans.d.99: unknown field '99'; expected one of additions, billingPeriod, "
                    + "description, features, isDefault, keepsVersion, name, onDowngrade, onUpgrade, "
                    + "overdraft, pastDueGraceDays, price, rank, recurringGrants, "
                    + "scheduled",
            ])
    ]

    static let statisticsCases = [
        Case(
            name: "meters of sessions",
            yaml: """
                meters: { done: , seconds: , top: { aggregation: max } }
                statistics:
                  sessions: { completed: dome, length: top, longest: seconds, lenght: 1 }
                  milestone: []
                """,
            mistakes: [
                "3:26: statistics.sessions.completed: no meter is called 'dome'; "
                    + "did you mean 'done'?",
                "3:40: statistics.sessions.length: expected a meter that sums or counts; "
                    + "'top' has the aggregation max",
                "3:54: statistics.sessions.longest: the longest is kept by a meter with the "
                    + "aggregation max; 'seconds' has the aggregation sum",
                "3:63: statistics.sessions.lenght: unknown field 'lenght'; "
                    + "did you mean 'length'?",
                "4:3: statistics.milestone: unknown field 'milestone'; "
                    + "did you mean 'milestones'?",
            ]),
        Case(
            name: "sessions without meters", yaml: "statistics: { sessions: {} }\n",
            mistakes: [
                "1:25: statistics.sessions.completed: missing; every 'sessions' has one",
                "1:25: statistics.sessions.length: missing; every 'sessions' has one",
            ]),
        Case(
            name: "milestones",
            yaml: """
                meters: { talks: , top: { aggregation: max } }
                statistics:
                  milestones:
                    - { key: a, meter: talks, total: 0 }
                    - { key: a, streak: 7 }
                    - { key: b, streak: 7, total: 1 }
                    - { key: c d, streak: 36526 }
                    - { meter: top, total: 1 }
                    - { key: e }
                    - { key: f, meter: talk, total: ten, day: 1 }
                    - week
                """,
            mistakes: [
                "4:38: statistics.milestones[0].total: "
                    + "expected a whole number from 1 to 9223372036854775807, found 0",
                "5:14: statistics.milestones[1].key: "
                    + "only one milestone for each key; another is on line 4",
                "6:35: statistics.milestones[2].total: belongs to milestones without a streak",
                "7:14: statistics.milestones[3].key: 'c d': expected \(MilestoneKey.expectation)",
                "7:27: statistics.milestones[3].streak: "
                    + "expected a whole number from 1 to 36525, found 36526",
                "8:7: statistics.milestones[4].key: missing; every milestone has one",
                "8:16: statistics.milestones[4].meter: expected a meter that sums or counts; "
                    + "'top' has the aggregation max",
                "9:7: statistics.milestones[5].meter: missing; "
                    + "every milestone without a streak has one",
                "9:7: statistics.milestones[5].total: missing; "
                    + "every milestone without a streak has one",
                "10:24: statistics.milestones[6].meter: no meter is called 'talk'; "
                    + "did you mean 'talks'?",
                "10:37: statistics.milestones[6].total: expected a whole number, found 'ten'",
                "10:42: statistics.milestones[6].day: unknown field 'day'; "
                    + "expected one of key, meter, streak, total",
                "11:7: statistics.milestones[7]: expected a mapping, found 'week'",
                "11:7: statistics.milestones[7].key: missing; every milestone has one",
                "11:7: statistics.milestones[7].meter: missing; "
                    + "every milestone without a streak has one",
                "11:7: statistics.milestones[7].total: missing; "
                    + "every milestone without a streak has one",
            ]),
        Case(
            name: "statistics that are a list", yaml: "statistics: [sessions]\n",
            mistakes: ["1:13: statistics: expected a mapping, found a list"]),
    ]
}
