import MeterstoneBlueprint
import MeterstoneCore
import Testing

@Suite struct BlueprintReadingTests {
    @Test func `every kind of price arrives`() throws {
        let blueprint = try Blueprint(
            yaml: """
                models:
                  large:
                    prices:
                      - input: 3
                        output: 15
                        cached: 0.3
                        cacheWrite: 3.75
                        cacheWriteLong: 6
                        audioInput: 40
                        audioOutput: 80
                        reasoning: 15.5
                        image: 0.04
                        batchPercent: 50
                        tiers:
                          - { above: 200_000, input: 6, output: 22.5, cached: 0.6 }
                """)
        func amount(_ millionths: Int64) -> Money { Money(millionths: millionths) }
        #expect(
            blueprint.models.first?.prices == [
                ModelPrice(
                    rates: TokenRates(
                        input: amount(3_000_000), output: amount(15_000_000),
                        cached: amount(300_000), cacheWrite: amount(3_750_000),
                        cacheWriteLong: amount(6_000_000), audioInput: amount(40_000_000),
                        reasoning: amount(15_500_000), audioOutput: amount(80_000_000)),
                    tiers: [
                        RateTier(
                            above: 200_000,
                            rates: TokenRates(
                                input: amount(6_000_000), output: amount(22_500_000),
                                cached: amount(600_000)))
                    ], image: amount(40_000), batchPercent: 50)
            ])
    }

    @Test func `alerts arrive, and what they watch has to be in the file`() throws {
        let blueprint = try Blueprint(
            yaml: """
                meters: { prompts: {} }
                plans: { free: {} }
                limits: { daily: { meter: prompts, window: day } }
                alerts:
                  full: { limits: [daily], usedPercent: [80, 100], plans: [free], webhooks: [ops] }
                  odd: { unusual: [prompts], active: false, description: much }
                  fast: { pacePercent: [100], refusedPerHour: [20], failedPercent: [50] }
                """)
        #expect(
            blueprint.alerts == [
                Alert(
                    key: AlertKey(unchecked: "full"), limits: [LimitKey(unchecked: "daily")],
                    usedPercent: [80, 100], plans: [PlanKey(unchecked: "free")],
                    webhooks: [WebhookKey(unchecked: "ops")]),
                Alert(
                    key: AlertKey(unchecked: "odd"), unusual: [MeterKey(unchecked: "prompts")],
                    active: false, description: "much"),
                Alert(
                    key: AlertKey(unchecked: "fast"), pacePercent: [100], refusedPerHour: [20],
                    failedPercent: [50]),
            ])
        let error = try #require(throws: BlueprintError.self) {
            try Blueprint(
                yaml: """
                    meters: { prompts: {} }
                    alerts:
                      a: { limits: [dayly] }
                      b: { unusual: [prompt] }
                    """)
        }
        #expect(
            error.mistakes.map(\.description) == [
                "3:3: alerts.a.usedPercent: expected a threshold: usedPercent, remaining, pacePercent, "
                    + "refusedPerHour, failedPercent, credits or unusual",
                "3:17: alerts.a.limits[0]: no limit is called 'dayly'",
                "4:18: alerts.b.unusual[0]: no meter is called 'prompt'; did you mean 'prompts'?",
            ])
    }

    @Test func `limits per value and meters of cost arrive`() throws {
        let blueprint = try Blueprint(
            yaml: """
                meters:
                  cost: { counts: cost, withoutCost: 0.02 }
                plans:
                  pro: {}
                limits:
                  a:
                    meter: cost
                    window: day
                    per: model
                    values:
                      gpt-5*: 1_000
                      o3: { allowances: { pro: 5 }, defaultAllowance: 0 }
                    valuesMax: 50
                    beyondValues: together
                  b: { meter: cost, window: day, per: session }
                """)
        #expect(
            blueprint.meters == [
                Meter(
                    key: MeterKey(unchecked: "cost"), counts: .cost,
                    withoutCost: .estimate(Money(millionths: 20_000)))
            ])
        let pro = PlanKey(unchecked: "pro")
        #expect(
            blueprint.limits.map(\.perValue) == [
                PerValue(
                    "model",
                    allowances: [
                        "gpt-5*": ValueAllowance(.units(1_000)),
                        "o3": ValueAllowance(.units(0), allowances: [pro: .units(5)]),
                    ], valuesMax: 50, beyond: .together), PerValue("session"),
            ])
    }

    @Test func `what is carried over, and what aborted reservations count, arrive`() throws {
        let blueprint = try Blueprint(
            yaml: """
                meters:
                  calls: { onAbort: told, abortMinimum: 2 }
                  seconds: {}
                limits:
                  a: { meter: calls, window: month, rollover: { max: 1_50, windows: 3 } }
                  b: { meter: calls, window: day, rollover: {}, debt: true }
                  c: { meter: seconds, window: day, debt: false }
                """)
        let calls = blueprint.meters.first { $0.key == MeterKey(unchecked: "calls") }
        #expect(calls?.onAbort == .told && calls?.abortMinimum == 2)
        #expect(
            blueprint.limits.map(\.rollover) == [
                LimitRollover(max: 150, windows: 3), LimitRollover(), nil,
            ])
        #expect(blueprint.limits.map(\.debt) == [false, true, false])
    }

    @Test(
        arguments: [
            ("window: lifetime, debt: true", "limits.a.debt"),
            ("window: 'rolling:60', rollover: {}", "limits.a.rollover"),
            ("window: day, per: model, rollover: {}", "limits.a.rollover"),
            ("window: day, rollover: { windows: 25 }", "limits.a.rollover.windows"),
            ("window: day, rollover: { max: 0 }", "limits.a.rollover.max"),
            ("window: day, rollover: { maximum: 5 }", "limits.a.rollover.maximum"),
        ])
    func `what cannot be carried over is told by its place`(fields: String, place: String) {
        #expect {
            try Blueprint(
                yaml: """
                    meters:
                      calls: {}
                    limits:
                      a: { meter: calls, \(fields) }
                    """)
        } throws: { error in
            "\(error)".contains(place + ":")
        }
    }

    @Test func `every field arrives`() throws {
        let blueprint = try Blueprint(
            yaml: """
                meters:
                  minutes:
                    aggregation: max
                    eventTypes: [talk, on, 404]
                    dimensions: { model: [4, "gpt"], source: [web] }
                    quantityName: seconds
                    countedStatuses: [success, failed]
                    unit: on
                    description: Talking
                  people: { aggregation: uniqueCount, uniqueDimension: person }
                plans:
                  no: { name: None, description: Nothing, rank: -1, isDefault: true }
                limits:
                  a:
                    meter: minutes
                    window: month
                    allowances: { no: 10_000 }
                    defaultAllowance: -1
                    dimensions: { source: [web] }
                    mode: soft
                    active: false
                    description: Talking per month
                """)
        let minutes = Meter(
            key: MeterKey(unchecked: "minutes"), aggregation: .max,
            eventTypes: ["talk", "on", "404"],
            dimensions: ["model": ["4", "gpt"], "source": ["web"]],
            quantityName: MeterKey(unchecked: "seconds"), countedStatuses: [.success, .failed],
            unit: "on", description: "Talking")
        let people = Meter(
            key: MeterKey(unchecked: "people"), aggregation: .uniqueCount, uniqueDimension: "person"
        )
        let plan = Plan(
            key: PlanKey(unchecked: "no"), name: "None", description: "Nothing", rank: -1,
            isDefault: true)
        let limit = Limit(
            key: LimitKey(unchecked: "a"), meter: minutes.key, window: .month,
            allowances: [plan.key: .units(10_000)], defaultAllowance: .unlimited,
            dimensions: ["source": ["web"]], mode: .soft, active: false,
            description: "Talking per month")
        #expect(blueprint == Blueprint(meters: [minutes, people], plans: [plan], limits: [limit]))
    }

    @Test func `fields that are left out have defaults`() throws {
        let blueprint = try Blueprint(
            yaml: "meters: { m: }\nplans: { p: ~ }\nlimits: { l: { meter: m, window: day } }\n")
        let meter = Meter(key: MeterKey(unchecked: "m"))
        let limit = Limit(key: LimitKey(unchecked: "l"), meter: meter.key, window: .day)
        let plan = Plan(key: PlanKey(unchecked: "p"))
        #expect(blueprint == Blueprint(meters: [meter], plans: [plan], limits: [limit]))
    }

    @Test func `an anchor may stand for what is repeated`() throws {
        let blueprint = try Blueprint(
            yaml: """
                meters: { m: { eventTypes: &types [a, b] }, n: { eventTypes: *types } }
                """)
        #expect(blueprint.meters.map(\.eventTypes) == [["a", "b"], ["a", "b"]])
    }

    @Test func `a text that is too long is refused before it is parsed`() {
        let yaml = String(repeating: "#", count: Blueprint.yamlBytesMax + 1)
        let error = #expect(throws: BlueprintError.self) { _ = try Blueprint(yaml: yaml) }
        #expect(error?.mistakes.count == 1)
    }

    @Test(arguments: ["[", "{a: ", "- ", "? "])
    func `deep nesting is a mistake and not a crash`(opening: String) {
        let yaml = String(repeating: opening, count: 100_000)
        #expect(throws: BlueprintError.self) { _ = try Blueprint(yaml: yaml) }
    }

    /// Texts near to a blueprint: characters of a named one removed, doubled and exchanged.
    @Test(arguments: 0..<200)
    func `whatever is read, the answer is a blueprint or mistakes with a place`(seed: UInt64) {
        var random = SplitMix(state: seed)
        let named = NamedBlueprint.allCases[Int(seed % 5)]
        var bytes = Array(named.yaml.utf8.suffix(2_600))
        for _ in 0..<random.next(upTo: 12) {
            let index = random.next(upTo: bytes.count)
            switch random.next(upTo: 4) {
            case 0: bytes.remove(at: index)
            case 1: bytes.insert(bytes[index], at: index)
            case 2: bytes.swapAt(index, random.next(upTo: bytes.count))
            default:
                bytes[index] =
                    Array("{}[]:,#&*!|>'\"%@`~- \n\t\0\u{FF}".utf8).randomElement(using: &random)
                    ?? 0
            }
        }
        do {
            _ = try Blueprint(yaml: String(decoding: bytes, as: UTF8.self))
        } catch {
            #expect(!error.mistakes.isEmpty)
            #expect(error.mistakes.allSatisfy { $0.line >= 1 && $0.column >= 1 })
            #expect(error.mistakes.allSatisfy { !$0.message.isEmpty })
        }
    }
}

/// A generator that repeats itself for the same seed.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func next(upTo bound: Int) -> Int {
        Int(next() % UInt64(bound))
    }
}
