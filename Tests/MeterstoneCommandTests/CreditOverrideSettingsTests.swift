import MeterstoneCommand
import MeterstoneCore
import Testing

@Suite struct CreditOverrideSettingsTests {
    private let blueprint = Blueprint(
        meters: [
            Meter(key: MeterKey(unchecked: "prompts"), eventTypes: ["prompt", "generate-scene"]),
            Meter(key: MeterKey(unchecked: "web.agent"), aggregation: .count),
            Meter(
                key: MeterKey(unchecked: "storage_mb"), aggregation: .latest, eventTypes: ["upload"]
            ),
        ],
        plans: [Plan(key: PlanKey(unchecked: "free")), Plan(key: PlanKey(unchecked: "pro-2"))],
        limits: [
            Limit(
                key: LimitKey(unchecked: "a"), meter: MeterKey(unchecked: "prompts"), window: .day,
                allowances: [PlanKey(unchecked: "team"): .units(10)])
        ])

    @Test func `each variable with a prefix gives a number of credits`() throws {
        let overrides = try VariableOverride.all(in: [
            "CREDITS_COST_PROMPT": "10", "CREDITS_DAILY_REFILL_FREE": "0",
            "CREDITS_COST_EXPORT": "1000000000000", "CREDITS_ENABLED": "x", "CREDITS_COST": "y",
        ])
        #expect(overrides.map(\.name) == ["EXPORT", "PROMPT", "FREE"])
        #expect(overrides.map(\.kind) == [.cost, .cost, .dailyRefill])
        #expect(overrides.map(\.number) == [1_000_000_000_000, 10, 0])
    }

    @Test(arguments: ["ten", "1.5", "-1", "1000000000001", "9223372036854775808", " 1"])
    func `a value that is no number of credits is an error`(value: String) {
        for variable in ["CREDITS_DAILY_REFILL_FREE", "CREDITS_COST_PROMPT"] {
            let failure = #expect(throws: CommandFailure.self) {
                _ = try VariableOverride.all(in: [variable: value])
            }
            #expect(failure?.status == .usage)
            #expect(
                failure?.message
                    == "\(variable): '\(value)': expected a whole number from 0 to 1000000000000")
        }
    }

    @Test func `every mistake is told`() {
        let failure = #expect(throws: CommandFailure.self) {
            _ = try VariableOverride.all(in: ["CREDITS_COST_A": "b", "CREDITS_DAILY_REFILL_C": "d"])
        }
        #expect(failure?.message.split(separator: "\n").count == 2)
    }

    @Test(arguments: [
        "CREDITS_COST_PROMPTS", "CREDITS_COST_PROMPT", "CREDITS_COST_GENERATE_SCENE",
        "CREDITS_COST_WEB_AGENT", "CREDITS_DAILY_REFILL_FREE", "CREDITS_DAILY_REFILL_PRO_2",
    ])
    func `a plan, a meter and a type have a variable`(variable: String) throws {
        let overrides = try VariableOverride.all(in: [variable: "1"])
        #expect(overrides.count == 1)
        #expect(overrides[0].mistake(with: blueprint) == nil)
    }

    /// A plan that only a limit names has no refill, and `latest` has nothing that could be paid.
    @Test(
        arguments: [
            ("CREDITS_COST_PROMT", "no meter of the store that sums or counts, nor for its types"),
            ("CREDITS_COST_prompt", "no meter of the store that sums or counts, nor for its types"),
            ("CREDITS_COST_STORAGE_MB", "no meter of the store that sums or counts"),
            ("CREDITS_COST_UPLOAD", "no meter of the store that sums or counts"),
            ("CREDITS_COST_", "no meter of the store that sums or counts"),
            ("CREDITS_DAILY_REFILL_PRO", "no plan of the store"),
            ("CREDITS_DAILY_REFILL_TEAM", "no plan of the store"),
            ("CREDITS_DAILY_REFILL_", "no plan of the store"),
        ])
    func `a name that is for nothing is found`(variable: String, reason: String) throws {
        let overrides = try VariableOverride.all(in: [variable: "1"])
        #expect(
            overrides.first?.mistake(with: blueprint)?.hasPrefix("\(variable) is for \(reason)")
                == true)
    }
}
