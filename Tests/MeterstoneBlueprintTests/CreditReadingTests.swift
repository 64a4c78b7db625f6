import MeterstoneBlueprint
import MeterstoneCore
import Testing

@Suite struct CreditReadingTests {
    @Test func `every field of credits arrives`() throws {
        let blueprint = try Blueprint(
            yaml: """
                meters: { prompts: , exports: { aggregation: count } }
                plans:
                  free:
                    recurringGrants:
                      - { window: day, amount: 1_00, rolloverMax: 300, priority: 7 }
                      - { window: billingMonth, amount: 1000000000000 }
                    overdraft: 20
                credits:
                  enabled: false
                  payment: allowanceFirst
                  prices: { prompts: 10, exports: 0 }
                """)
        let plan = try #require(blueprint.plans.first)
        #expect(
            plan.recurringGrants == [
                RecurringGrant(window: .day, amount: 100, rolloverMax: 300, priority: 7),
                RecurringGrant(window: .billingMonth, amount: 1_000_000_000_000),
            ])
        #expect(plan.overdraft == 20)
        let prices: [MeterKey: Int64] = [
            MeterKey(unchecked: "prompts"): 10, MeterKey(unchecked: "exports"): 0,
        ]
        #expect(
            blueprint.credits
                == CreditPolicy(isEnabled: false, payment: .allowanceFirst, prices: prices))
    }

    @Test(arguments: ["", "credits:\n", "credits: ~\n"])
    func `where nothing is said of credits there is no policy`(yaml: String) throws {
        let blueprint = try Blueprint(yaml: "plans: { p: }\n" + yaml)
        #expect(blueprint.credits == nil)
        #expect(blueprint.plans == [Plan(key: PlanKey(unchecked: "p"))])
    }

    @Test func `a policy that leaves everything out has defaults`() throws {
        #expect(try Blueprint(yaml: "credits: {}\n").credits == CreditPolicy())
    }

    /// Reading and applying have the same idea of what is right.
    @Test(arguments: [
        "{ window: hour, amount: 1 }", "{ window: \"week:sunday\", amount: 5, rolloverMax: 5 }",
        "{ window: year, amount: 1000000000000, rolloverMax: 1000000000000, priority: 1000 }",
        "{ window: month, amount: 1, priority: 0 }",
    ])
    func `what can be read can be applied`(grant: String) throws {
        let blueprint = try Blueprint(
            yaml: "plans: { p: { recurringGrants: [\(grant)], overdraft: 1000000000000 } }\n")
        #expect(try #require(blueprint.plans.first).mistake == nil)
    }
}

@Suite struct ModelReadingTests {
    private func model(_ yaml: String) throws -> Model {
        try #require(try Blueprint(yaml: "models:\n" + yaml).models.first)
    }

    @Test func `prices arrive in the order of time`() throws {
        let model = try model(
            """
              gpt-4.1 (EU) / ü:
                prices:
                  - { effectiveAt: 2026-01-01T00:00:00Z, input: 3, output: 6, reasoning: 7 }
                  - { input: "30", output: '60', cached: 3 }
            """)
        let january = try #require(Instant(rfc3339: "2026-01-01T00:00:00Z"))
        #expect(model.key.text == "gpt-4.1 (EU) / ü")
        #expect(
            model.prices == [
                ModelPrice(
                    input: Money(millionths: 30_000_000), output: Money(millionths: 60_000_000),
                    cached: Money(millionths: 3_000_000)),
                ModelPrice(
                    effectiveAt: january, input: Money(millionths: 3_000_000),
                    output: Money(millionths: 6_000_000), reasoning: Money(millionths: 7_000_000)),
            ])
    }

    @Test(arguments: [
        "gpt-4.1", "4", "on", "meta/llama 3 [70b]", "模型", "\u{E000}private", "a: b", "#1",
    ])
    func `a model may have any printable name`(name: String) throws {
        let model = try model("  \"\(name)\": { prices: [{ input: 1, output: 1 }] }\n")
        #expect(model.key.text == name)
    }

    /// Among them amounts that binary floating point does not have.
    @Test(
        arguments: [
            ("0", 0), ("0.0", 0), ("30", 30_000_000), ("0.15", 150_000), ("0.1", 100_000),
            ("0.3", 300_000), ("0.000001", 1), ("1.000001", 1_000_001), ("007.5", 7_500_000),
            ("0.29", 290_000), ("999999.999999", 999_999_999_999), ("4.35", 4_350_000),
            ("1000000", 1_000_000_000_000), ("1_000.5", 1_000_500_000),
        ] as [(String, Int64)])
    func `an amount is exactly what was written`(text: String, millionths: Int64) throws {
        let model = try model("  m: { prices: [{ input: \(text), output: 1 }] }\n")
        #expect(model.prices.map(\.input.millionths) == [millionths])
    }

    @Test(arguments: [
        "-0", "+1", ".5", "5.", ".", "1.2.3", "1,5", "0x10", "1e3", "1 000", "٣", "1.٣", "NaN",
        ".inf",
        "true", "0.1234567", "1.0000000", "1000000.000001", "9223372036854775808",
        "99999999999999999999999999",
    ])
    func `what is no amount is a mistake with the field`(text: String) {
        let yaml = "models: { m: { prices: [{ input: \"\(text)\", output: 1 }] } }\n"
        let error = #expect(throws: BlueprintError.self) { _ = try Blueprint(yaml: yaml) }
        #expect(error?.mistakes.map(\.field) == ["models.m.prices[0].input"])
        #expect(error?.mistakes.first?.message.hasSuffix("decimals, found '\(text)'") == true)
    }

    /// Every amount that has six decimals, as far as two hundred of them can tell.
    @Test(arguments: 0..<200)
    func `writing an amount and reading it gives the amount`(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let millionths = Int64.random(in: ModelPrice.range, using: &random)
        let decimals = String(1_000_000 + millionths % 1_000_000).dropFirst()
        let model = try model(
            "  m: { prices: [{ input: \(millionths / 1_000_000).\(decimals), output: 1 }] }\n")
        #expect(model.prices.map(\.input.millionths) == [millionths])
    }
}
