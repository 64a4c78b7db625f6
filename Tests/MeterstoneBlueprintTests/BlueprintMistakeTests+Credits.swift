import MeterstoneCore

extension BlueprintMistakeTests {
    static let grantCases = [
        Case(
            name: "a grant of nothing", yaml: "plans:\n  a: { recurringGrants: [{}] }\n",
            mistakes: [
                "2:26: plans.a.recurringGrants[0].amount: missing; every grant has one",
                "2:26: plans.a.recurringGrants[0].window: missing; every grant has one",
            ]),
        Case(
            name: "fields of grants",
            yaml: """
                plans:
                  a:
                    recurringGrants:
                      - { window: dya, amount: 0, rolloverMax: ten, priority: 1001 }
                      - { window: lifetime, amount: 100, rolloverMax: 99, priority: -1 }
                      - { window: month, amont: 1, amount: 1_000_000_000_001 }
                      - day
                    overdraft: -1
                  b: { recurringGrants: { window: day }, overdraft: 0.5 }
                  c: { recurringGrant: [], overdrafts: 1 }
                """,
            mistakes: [
                "4:19: plans.a.recurringGrants[0].window: 'dya': expected hour, day, week, "
                    + "week:WEEKDAY, month, year or billingMonth; did you mean 'day'?",
                "4:32: plans.a.recurringGrants[0].amount: "
                    + "expected a whole number from 1 to 1000000000000, found 0",
                "4:48: plans.a.recurringGrants[0].rolloverMax: "
                    + "expected a whole number, found 'ten'",
                "4:63: plans.a.recurringGrants[0].priority: "
                    + "expected a whole number from 0 to 1000, found 1001",
                "5:19: plans.a.recurringGrants[1].window: 'lifetime': expected hour, day, week, "
                    + "week:WEEKDAY, month, year or billingMonth",
                "5:55: plans.a.recurringGrants[1].rolloverMax: "
                    + "expected a whole number from 100 to 1000000000000, found 99",
                "5:69: plans.a.recurringGrants[1].priority: "
                    + "expected a whole number from 0 to 1000, found -1",
                "6:26: plans.a.recurringGrants[2].amont: unknown field 'amont'; "
                    + "did you mean 'amount'?",
                "6:44: plans.a.recurringGrants[2].amount: "
                    + "expected a whole number from 1 to 1000000000000, found 1000000000001",
                "7:9: plans.a.recurringGrants[3]: expected a mapping, found 'day'",
                "7:9: plans.a.recurringGrants[3].amount: missing; every grant has one",
                "7:9: plans.a.recurringGrants[3].window: missing; every grant has one",
                "8:16: plans.a.overdraft: "
                    + "expected a whole number from 0 to 1000000000000, found -1",
                "9:25: plans.b.recurringGrants: expected a list of grants, found a mapping",
                "9:53: plans.b.overdraft: expected a whole number, found '0.5'",
                "10:8: plans.c.recurringGrant: unknown field 'recurringGrant'; "
                    + "did you mean 'recurringGrants'?",
                "10:28: plans.c.overdrafts: unknown field 'overdrafts'; "
                    + "did you mean 'overdraft'?",
            ]),
        Case(
            name: "two grants for a window",
            yaml: """
                plans:
                  a:
                    recurringGrants:
                      - { window: week, amount: 1 }
                      - { window: "week:monday", amount: 2 }
                      - { window: "week:sunday", amount: 3 }
                """,
            mistakes: [
                "5:19: plans.a.recurringGrants[1].window: "
                    + "only one grant for each window; another is on line 4"
            ]),
    ]

    static let creditCases = [
        Case(
            name: "types of fields of credits",
            yaml: """
                meters: { prompts: , storage: { aggregation: latest }, people: { unit: [] } }
                credits:
                  enabled: on
                  payment: credits
                  price: {}
                  prices:
                    prompt: 10
                    prompts: -1
                    storage: 1
                    people: 1000000000001
                """,
            mistakes: [
                "1:72: meters.people.unit: expected a text, found a list",
                "3:12: credits.enabled: expected true or false, found 'on'",
                "4:12: credits.payment: expected one of creditsOnly, allowanceFirst, "
                    + "found 'credits'",
                "5:3: credits.price: unknown field 'price'; did you mean 'prices'?",
                "7:5: credits.prices.prompt: no meter is called 'prompt'; "
                    + "did you mean 'prompts'?",
                "8:14: credits.prices.prompts: "
                    + "expected a whole number from 0 to 1000000000000, found -1",
                "9:5: credits.prices.storage: a price is for meters that sum or count; "
                    + "'storage' has the aggregation latest",
                "10:13: credits.prices.people: "
                    + "expected a whole number from 0 to 1000000000000, found 1000000000001",
            ]),
        Case(
            name: "prices without a number",
            yaml: """
                meters: { a: , b: { aggregation: max }, c: { aggregation: uniqueCount } }
                credits:
                  prices: { a: , b: 0.5, c: "1" }
                """,
            mistakes: [
                "1:41: meters.c.uniqueDimension: missing; "
                    + "uniqueCount counts the values of this dimension",
                "3:16: credits.prices.a: expected a whole number from 0 to 1000000000000",
                "3:18: credits.prices.b: a price is for meters that sum or count; "
                    + "'b' has the aggregation max",
                "3:21: credits.prices.b: expected a whole number, found '0.5'",
                "3:26: credits.prices.c: a price is for meters that sum or count; "
                    + "'c' has the aggregation uniqueCount",
                "3:29: credits.prices.c: expected a whole number, found '1'",
            ]),
        Case(
            name: "credits that are a number",
            yaml: "credits: 100\n",
            mistakes: ["1:10: credits: expected a mapping, found '100'"]),
        Case(
            name: "prices that are a list", yaml: "credits: { prices: [a] }\n",
            mistakes: ["1:20: credits.prices: expected a mapping, found a list"]),
        Case(
            name: "misspelt sections", yaml: "credit: {}\nmodel: {}\n",
            mistakes: [
                "1:1: credit: unknown field 'credit'; did you mean 'credits'?",
                "2:1: model: unknown field 'model'; did you mean 'models'?",
            ]),
    ]

    private static let amount =
        "expected an amount from 0 to 1000000 with at most 6 decimals, found"

    static let modelCases = [
        Case(
            name: "models without prices",
            yaml: """
                models:
                  gpt-4:
                  gpt-4.1: { prices: ~ }
                  gpt-5: { prices: [] }
                  gpt-6: { prices: { input: 1, output: 2 } }
                  gpt-7: { price: [] }
                  gpt-8: { prices: [{}, ~] }
                """,
            mistakes: [
                "2:3: models.gpt-4.prices: missing; every model has some",
                "3:3: models.gpt-4.1.prices: missing; every model has some",
                "4:20: models.gpt-5.prices: expected at least one price",
                "5:20: models.gpt-6.prices: expected a list of prices, found a mapping",
                "6:3: models.gpt-7.prices: missing; every model has some",
                "6:12: models.gpt-7.price: unknown field 'price'; did you mean 'prices'?",
                "7:21: models.gpt-8.prices[0].input: missing; every price has one",
                "7:21: models.gpt-8.prices[0].output: missing; every price has one",
                "7:25: models.gpt-8.prices[1].effectiveAt: "
                    + "only one price for each instant; another is on line 7",
                "7:25: models.gpt-8.prices[1].input: missing; every price has one",
                "7:25: models.gpt-8.prices[1].output: missing; every price has one",
            ]),
        Case(
            name: "amounts of money",
            yaml: """
                models:
                  a:
                    prices:
                      - input: -1
                        output: 0.0000001
                        cached: 1000000.000001
                        reasoning: 1e3
                  b:
                    prices:
                      - { input: thirty, output: [60], inputs: 1, resoning: 1 }
                """,
            mistakes: [
                "4:16: models.a.prices[0].input: \(amount) '-1'",
                "5:17: models.a.prices[0].output: \(amount) '0.0000001'",
                "6:17: models.a.prices[0].cached: \(amount) '1000000.000001'",
                "7:20: models.a.prices[0].reasoning: \(amount) '1e3'",
                "10:18: models.b.prices[0].input: \(amount) 'thirty'",
                "10:34: models.b.prices[0].output: \(amount) a list",
                "10:40: models.b.prices[0].inputs: unknown field 'inputs'; did you mean 'input'?",
                "10:51: models.b.prices[0].resoning: unknown field 'resoning'; "
                    + "did you mean 'reasoning'?",
            ]),
        Case(
            name: "instants",
            yaml: """
                models:
                  a:
                    prices:
                      - { effectiveAt: 2026-01-01, input: 1, output: 2 }
                      - { effectiveAt: 2026-01-01T00:00:00Z, input: 1, output: 2 }
                      - { effectiveAt: 2026-01-01T01:00:00+01:00, input: 1, output: 2 }
                      - { input: 1, output: 2 }
                      - { input: 1, output: 3 }
                """,
            mistakes: [
                "4:24: models.a.prices[0].effectiveAt: "
                    + "'2026-01-01': expected \(Instant.expectation)",
                "6:24: models.a.prices[2].effectiveAt: "
                    + "only one price for each instant; another is on line 5",
                "8:9: models.a.prices[4].effectiveAt: "
                    + "only one price for each instant; another is on line 7",
            ]),
        Case(
            name: "names of models", yaml: "models:\n  \"a\\tb\": {}\n  '': {}\n",
            mistakes: [
                "2:3: models.a\\u{9}b: 'a\\u{9}b' is not a key: expected \(ModelKey.expectation)",
                "3:3: models.: '' is not a key: expected \(ModelKey.expectation)",
            ]),
    ]
}
