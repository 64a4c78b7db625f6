import MeterstoneBlueprint
import MeterstoneCore
import Testing

@Suite struct ChatFlowTests {
    let blueprint: Blueprint

    init() throws {
        blueprint = try Blueprint(yaml: NamedBlueprint.chatBuilder.yaml)
    }

    @Test(
        arguments: [
            ("requests_monthly", "requests", Window.month, 100, 1_000, -1),
            ("requests_daily", "requests", .day, 10, 50, -1),
            ("tokens_daily", "tokens", .day, 20_000, 100_000, -1),
            ("tokens_monthly", "tokens", .month, 200_000, 2_000_000, -1),
            ("tokens_per_request", "tokens", .request, 4_000, 8_000, 32_000),
        ] as [(String, String, Window, Int64, Int64, Int64)])
    func `a limit has a number for each plan`(
        key: String, meter: String, window: Window, free: Int64, pro: Int64, enterprise: Int64
    ) throws {
        let limit = try #require(blueprint.limits.first { $0.key.text == key })
        #expect(limit.meter.text == meter)
        #expect(limit.window == window)
        #expect(limit.mode == .enforce && limit.active)
        let allowances = Dictionary(
            uniqueKeysWithValues: limit.allowances.map { ($0.key.text, $0.value.wire) })
        #expect(allowances == ["free": free, "pro": pro, "enterprise": enterprise])
    }

    @Test func `there are five limits and three plans, and free is the default`() {
        #expect(blueprint.limits.count == 5)
        #expect(blueprint.plans.map(\.key.text) == ["free", "pro", "enterprise"])
        #expect(blueprint.plans.map(\.rank) == [0, 1, 2])
        #expect(blueprint.plans.map(\.isDefault) == [true, false, false])
        #expect(blueprint.credits == nil)
    }

    @Test func `meters are moved by events that name them, and by no type`() {
        #expect(blueprint.meters.map(\.key.text) == ["requests", "tokens"])
        #expect(blueprint.meters.allSatisfy { $0.eventTypes.isEmpty && $0.canRoll })
    }

    @Test(
        arguments: [
            ("gpt-4", 30_000_000, 60_000_000), ("gpt-4o-mini", 150_000, 600_000),
            ("gpt-3.5-turbo", 500_000, 1_500_000),
        ] as [(String, Int64, Int64)])
    func `a model has a price from the beginning`(name: String, input: Int64, output: Int64) throws
    {
        let model = try #require(blueprint.models.first { $0.key.text == name })
        let price = try #require(model.price(at: .earliest))
        #expect(price.input.millionths == input)
        #expect(price.output.millionths == output)
    }

    @Test func `no cached token costs more than one that is not`() {
        for price in blueprint.models.flatMap(\.prices) {
            #expect((price.cached ?? price.input) <= price.input)
            #expect(price.input <= price.output)
        }
    }

    /// Every named blueprint can be applied: nothing that only the store would find.
    @Test(arguments: NamedBlueprint.allCases)
    func `a named blueprint can be applied to an empty store`(name: NamedBlueprint) throws {
        let blueprint = try Blueprint(yaml: name.yaml)
        let changes =
            blueprint.meters.map { Change.putMeter($0) }
            + blueprint.plans.map { Change.putPlan($0) }
            + blueprint.limits.map { Change.putLimit($0) }
            + [blueprint.credits].compactMap { $0.map { Change.putCreditPolicy($0) } }
            + blueprint.models.map { Change.putModel($0) }
            + [blueprint.statistics].compactMap { $0.map { Change.putStatisticsPolicy($0) } }
            + blueprint.alerts.map { Change.putAlert($0) }
        var applied = Blueprint()
        for change in changes {
            let step = applied.applying(change)
            #expect(step.outcome == .created)
            applied = step.blueprint
        }
        #expect(applied == blueprint)
    }
}
