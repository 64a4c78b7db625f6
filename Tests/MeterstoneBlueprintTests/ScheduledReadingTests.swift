import MeterstoneBlueprint
import MeterstoneCore
import Testing

@Suite struct ScheduledReadingTests {
    @Test func `what is scheduled arrives by time`() throws {
        let blueprint = try Blueprint(
            yaml: """
                meters: { prompts: }
                plans:
                  pro:
                    price: 10
                    scheduled:
                      - { effectiveAt: 2027-06-01T00:00:00Z, price: 15 }
                      - { effectiveAt: 2027-01-01T00:00:00Z, price: 12.50 }
                limits:
                  daily:
                    meter: prompts
                    window: day
                    allowances: { pro: 100 }
                    scheduled:
                      - effectiveAt: 2027-01-01T00:00:00Z
                        allowances: { pro: 200 }
                        defaultAllowance: -1
                """)
        let first = try #require(Instant(rfc3339: "2027-01-01T00:00:00Z"))
        let second = try #require(Instant(rfc3339: "2027-06-01T00:00:00Z"))
        let pro = PlanKey(unchecked: "pro")
        #expect(
            blueprint.plans.first?.scheduled == [
                ScheduledPrice(effectiveAt: first, price: Money(millionths: 12_500_000)),
                ScheduledPrice(effectiveAt: second, price: Money(millionths: 15_000_000)),
            ])
        #expect(
            blueprint.limits.first?.scheduled == [
                ScheduledAllowances(
                    effectiveAt: first, allowances: [pro: .units(Quantity(200))],
                    defaultAllowance: .unlimited)
            ])
    }

    @Test func `allowances of values are scheduled, too`() throws {
        func read(_ per: String) throws -> Blueprint {
            try Blueprint(
                yaml: """
                    meters: { prompts: }
                    plans: { pro: }
                    limits:
                      daily:
                        meter: prompts
                        window: day
                        \(per)
                        scheduled:
                          - effectiveAt: 2027-01-01T00:00:00Z
                            values: { "gpt*": 7, claude: { allowances: { pro: 8 } } }
                    """)
        }
        let values = try read("per: model").limits.first?.scheduled.first?.values
        #expect(
            values == [
                "gpt*": ValueAllowance(.units(Quantity(7))),
                "claude": ValueAllowance(
                    nil, allowances: [PlanKey(unchecked: "pro"): .units(Quantity(8))]),
            ])
        let error = #expect(throws: BlueprintError.self) { try read("mode: soft") }
        #expect("\(error.map { "\($0)" } ?? "")".contains("the limit is no limit per value"))
    }

    @Test func `mistakes of what is scheduled are told`() throws {
        let error = #expect(throws: BlueprintError.self) {
            try Blueprint(
                yaml: """
                    meters: { prompts: }
                    plans:
                      pro: { scheduled: [{ price: 15 }, { effectiveAt: 2027-01-01T00:00:00Z }] }
                    limits:
                      daily:
                        meter: prompts
                        window: day
                        scheduled:
                          - { effectiveAt: 2027-01-01T00:00:00Z, allowances: { pro: 1 } }
                          - { effectiveAt: 2027-01-01T00:00:00Z, allowances: { pro: 2 } }
                          - { effectiveAt: 2027-02-01T00:00:00Z }
                    """)
        }
        #expect(
            error?.mistakes.map { "\($0.line) \($0.field)" } == [
                "3 plans.pro.scheduled[0].effectiveAt", "3 plans.pro.scheduled[1].price",
                "10 limits.daily.scheduled[1].effectiveAt", "11 limits.daily.scheduled[2]",
            ])
    }
}
