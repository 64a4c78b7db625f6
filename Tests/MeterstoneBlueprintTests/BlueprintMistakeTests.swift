import MeterstoneBlueprint
import MeterstoneCore
import Testing

/// A text, and the mistakes that reading it tells, each as `line:column: field: message`.
struct MistakeCase: Sendable, CustomTestStringConvertible {
    let name: String
    let yaml: String
    let mistakes: [String]

    var testDescription: String { name }
}

@Suite struct BlueprintMistakeTests {
    typealias Case = MistakeCase

    @Test(arguments: cases)
    func `a mistake is told with line, column, field and what was expected`(_ example: Case) {
        let error = #expect(throws: BlueprintError.self) {
            _ = try Blueprint(yaml: example.yaml)
        }
        #expect(error?.mistakes.map(\.description) == example.mistakes)
    }

    static let cases =
        structureCases + meterCases + planCases + limitCases + grantCases + creditCases
        + modelCases + priceCases + statisticsCases

    private static let structureCases = [
        Case(
            name: "an empty file", yaml: "# only a comment\n",
            mistakes: [
                "1:1: the file is empty; expected meters, plans, limits, credits, models, "
                    + "statistics, alerts or switches"
            ]),
        Case(
            name: "a list", yaml: "- meters\n",
            mistakes: ["1:1: expected a mapping, found a list"]),
        Case(
            name: "no YAML", yaml: "meters:\n  a: {\n",
            mistakes: ["3:1: not YAML: did not find expected node content"]),
        Case(
            name: "two documents", yaml: "meters: {}\n---\nplans: {}\n",
            mistakes: ["2:1: not YAML: but found another document"]),
        Case(
            name: "a misspelt section", yaml: "meter:\n  a: {}\n",
            mistakes: ["1:1: meter: unknown field 'meter'; did you mean 'meters'?"]),
        Case(
            name: "a section of its own", yaml: "currencies: {}\n",
            mistakes: [
                "1:1: currencies: unknown field 'currencies'; "
                    + "expected one of alerts, credits, limits, meters, models, plans, statistics, "
                    + "switches"
            ]),
        Case(
            name: "a section that is a list", yaml: "plans: [free, pro]\n",
            mistakes: ["1:8: plans: expected a mapping, found a list"]),
        Case(
            name: "a key that is no text", yaml: "plans:\n  ? [a, b]\n  : {}\n",
            mistakes: ["2:5: plans: expected a text as key"]),
        Case(
            name: "keys that repeat, in three mappings",
            yaml: """
                meters:
                  a: { unit: x, unit: y }
                  "b": {}
                  "b": {}
                  a: {}
                meters: {}
                """,
            mistakes: [
                "2:17: meters.a.unit: 'unit' is here twice; the first is on line 2",
                "4:3: meters.b: 'b' is here twice; the first is on line 3",
                "5:3: meters.a: 'a' is here twice; the first is on line 2",
                "6:1: meters: 'meters' is here twice; the first is on line 1",
            ]),
        Case(
            name: "a key that repeats twice", yaml: "plans:\n  p:\n  p:\n  p:\n",
            mistakes: [
                "3:3: plans.p: 'p' is here twice; the first is on line 2",
                "4:3: plans.p: 'p' is here twice; the first is on line 2",
            ]),
        Case(
            name: "a bad key", yaml: "meters:\n  'prompts per day': {}\n",
            mistakes: [
                "2:3: meters.prompts per day: 'prompts per day' is not a key: "
                    + "expected \(MeterKey.expectation)"
            ]),
    ]

    private static let meterCases = [
        Case(
            name: "an unknown aggregation", yaml: "meters:\n  a:\n    aggregation: summ\n",
            mistakes: [
                "3:18: meters.a.aggregation: expected one of sum, count, max, latest, uniqueCount, "
                    + "gauge, integral, found 'summ'; did you mean 'sum'?"
            ]),
        Case(
            name: "types of fields",
            yaml: """
                meters:
                  a:
                    eventTypes: prompt
                    dimensions: [model]
                    quantityName: { a: b }
                    countedStatuses: success
                    unit: [MB]
                """,
            mistakes: [
                "3:17: meters.a.eventTypes: expected a list of texts, found 'prompt'",
                "4:17: meters.a.dimensions: expected a mapping, found a list",
                "5:19: meters.a.quantityName: expected a text, found a mapping",
                "6:22: meters.a.countedStatuses: expected a list of texts, found 'success'",
                "7:11: meters.a.unit: expected a text, found a list",
            ]),
        Case(
            name: "items of lists",
            yaml: """
                meters:
                  a:
                    eventTypes: [prompt, [x], ~]
                    dimensions: { model: [], source: [web, {}] }
                    countedStatuses: [succes, failed]
                """,
            mistakes: [
                "3:26: meters.a.eventTypes[1]: expected a text, found a list",
                "3:31: meters.a.eventTypes[2]: expected a text, found nothing",
                "4:26: meters.a.dimensions.model: expected at least one value",
                "4:44: meters.a.dimensions.source[1]: expected a text, found a mapping",
                "5:23: meters.a.countedStatuses[0]: expected one of success, failed, cancelled, "
                    + "found 'succes'; did you mean 'success'?",
            ]),
        Case(
            name: "a unique count of nothing",
            yaml: "meters:\n  a: { aggregation: uniqueCount }\n  b: { uniqueDimension: model }\n",
            mistakes: [
                "2:3: meters.a.uniqueDimension: missing; "
                    + "uniqueCount counts the values of this dimension",
                "3:25: meters.b.uniqueDimension: belongs to the aggregations uniqueCount, gauge "
                    + "and integral only",
            ]),
        Case(
            name: "a limit of an integral",
            yaml: """
                meters: { a: { aggregation: integral } }
                limits: { b: { meter: a, window: month } }
                """,
            mistakes: [
                "2:34: limits.b.window: a limit bounds a gauge, and no integral, which grows "
                    + "without any event; 'a' has the aggregation integral"
            ]),
        Case(
            name: "a misspelt field", yaml: "meters:\n  a: { eventType: [x] }\n",
            mistakes: [
                "2:8: meters.a.eventType: unknown field 'eventType'; did you mean 'eventTypes'?"
            ]),
    ]

    private static let planCases = [
        Case(
            name: "two default plans",
            yaml: """
                plans:
                  free: { isDefault: true }
                  pro: { isDefault: true }
                """,
            mistakes: [
                "3:21: plans.pro.isDefault: only one plan is the default; another is on line 2"
            ]),
        Case(
            name: "types of fields",
            yaml: "plans:\n  a: { rank: high, isDefault: yes }\n  b: { rank: \"1\" }\n  c: 7\n",
            mistakes: [
                "2:14: plans.a.rank: expected a whole number, found 'high'",
                "2:31: plans.a.isDefault: expected true or false, found 'yes'",
                "3:14: plans.b.rank: expected a whole number, found '1'",
                "4:6: plans.c: expected a mapping, found '7'",
            ]),
    ]

    private static let limitCases = [
        Case(
            name: "nothing given", yaml: "limits:\n  a: {}\n",
            mistakes: [
                "2:3: limits.a.meter: missing; every limit has one",
                "2:3: limits.a.window: missing; every limit has one",
            ]),
        Case(
            name: "references and words",
            yaml: """
                meters:
                  prompts:
                plans:
                  free:
                  pro:
                limits:
                  prompts_daily:
                    meter: prompt
                    window: dya
                    mode: enforced
                    active: on
                    allowances: { fre: 10, pro: -2, free: ten }
                    defaultAllowance: 1.5
                    descripton: x
                """,
            mistakes: [
                "8:12: limits.prompts_daily.meter: no meter is called 'prompt'; "
                    + "did you mean 'prompts'?",
                "9:13: limits.prompts_daily.window: 'dya': expected \(Window.expectation); "
                    + "did you mean 'day'?",
                "10:11: limits.prompts_daily.mode: expected one of enforce, soft, shadow, off, "
                    + "found 'enforced'; did you mean 'enforce'?",
                "11:13: limits.prompts_daily.active: expected true or false, found 'on'",
                "12:19: limits.prompts_daily.allowances.fre: no plan is called 'fre'; "
                    + "did you mean 'free'?",
                "12:33: limits.prompts_daily.allowances.pro: "
                    + "expected a whole number from 0, or -1 for unlimited, found -2",
                "12:43: limits.prompts_daily.allowances.free: "
                    + "expected a whole number, found 'ten'",
                "13:23: limits.prompts_daily.defaultAllowance: "
                    + "expected a whole number, found '1.5'",
                "14:5: limits.prompts_daily.descripton: unknown field 'descripton'; "
                    + "did you mean 'description'?",
            ]),
        Case(
            name: "an allowance without a number",
            yaml: "meters: { m: }\nplans: { p: }\n"
                + "limits:\n  a: { meter: m, window: day, allowances: { p: ~ } }\n",
            mistakes: [
                "4:48: limits.a.allowances.p: expected a whole number from 0, or -1 for unlimited"
            ]),
        Case(
            name: "a number that does not fit",
            yaml: "meters: { m: }\n"
                + "limits:\n  a: { meter: m, window: day, defaultAllowance: 9223372036854775808 }\n",
            mistakes: [
                "3:49: limits.a.defaultAllowance: expected a whole number, "
                    + "found '9223372036854775808'"
            ]),
    ]
}

@Suite struct BlueprintLimitsTests {
    private static let windows: [Window] = [.rolling(seconds: 60), .request, .concurrent]

    @Test(
        arguments: [
            "max", "latest", "gauge", "gauge, uniqueDimension: d",
            "uniqueCount, uniqueDimension: d",
        ], windows)
    func `some windows are for meters that sum or count`(
        aggregation: String, window: Window
    ) throws {
        let yaml = """
            meters:
              m: { aggregation: \(aggregation) }
            limits:
              a: { meter: m, window: "\(window)" }
            """
        let error = #expect(throws: BlueprintError.self) { _ = try Blueprint(yaml: yaml) }
        let mistake = try #require(error?.mistakes.first)
        #expect(mistake.line == 4)
        #expect(mistake.field == "limits.a.window")
        #expect(
            mistake.message.hasPrefix(
                "the window '\(window)' is for meters that sum or count; 'm' has the aggregation"))
    }

    @Test(arguments: ["gauge", "gauge, uniqueDimension: d"])
    func `a gauge takes windows of the calendar`(aggregation: String) throws {
        let blueprint = try Blueprint(
            yaml: """
                meters: { m: { aggregation: \(aggregation) } }
                limits: { a: { meter: m, window: month, defaultAllowance: 5 } }
                """)
        #expect(blueprint.meters.first?.aggregation == .gauge)
        #expect(blueprint.limits.first?.window == .month)
    }

    @Test(arguments: ["sum", "count"], windows)
    func `meters that sum or count take every window`(aggregation: String, window: Window) throws {
        let yaml = """
            meters: { m: { aggregation: \(aggregation) } }
            limits: { a: { meter: m, window: "\(window)" } }
            """
        #expect(try Blueprint(yaml: yaml).limits.first?.window == window)
    }

    @Test(arguments: [("requests", "request"), ("concurent", "concurrent")])
    func `a misspelt window has a hint`(written: String, meant: String) {
        let yaml = "meters: { m: }\nlimits: { a: { meter: m, window: \(written) } }\n"
        let error = #expect(throws: BlueprintError.self) { _ = try Blueprint(yaml: yaml) }
        #expect(error?.description.hasSuffix("; did you mean '\(meant)'?") == true)
    }
}
