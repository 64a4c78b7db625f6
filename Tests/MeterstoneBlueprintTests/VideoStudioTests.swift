import MeterstoneBlueprint
import MeterstoneCore
import Testing

/// The document's numbers, line by line.
@Suite struct VideoStudioTests {
    let blueprint: Blueprint

    init() throws {
        blueprint = try Blueprint(yaml: NamedBlueprint.videoStudio.yaml)
    }

    @Test(
        arguments: [
            ("prompts_daily", "prompts", Window.day, 10, 100),
            ("exports_daily", "exports", .day, 3, 20),
            ("exports_monthly", "exports", .month, 10, 200),
            ("projects_total", "projects", .lifetime, 5, -1),
            ("storage_mb", "storage_mb", .lifetime, 500, 10_000),
            ("concurrent_renders", "renders", .concurrent, 1, 3),
            ("api_calls_hourly", "api_calls", .rolling(seconds: 3_600), 60, 600),
            ("web_agent_daily", "web_agent", .day, 5, 50),
        ] as [(String, String, Window, Int64, Int64)])
    func `a limit is the document's`(
        key: String, meter: String, window: Window, free: Int64, pro: Int64
    ) throws {
        let limit = try #require(blueprint.limits.first { $0.key.text == key })
        #expect(limit.meter.text == meter)
        #expect(limit.window == window)
        #expect(limit.mode == .enforce && limit.active)
        let allowances = Dictionary(
            uniqueKeysWithValues: limit.allowances.map { ($0.key.text, $0.value.wire) })
        #expect(allowances == ["free": free, "pro": pro, "team": -1, "enterprise": -1])
    }

    @Test func `there are eight limits and four plans, and free is the default`() {
        #expect(blueprint.limits.count == 8)
        #expect(blueprint.plans.map(\.key.text) == ["free", "pro", "team", "enterprise"])
        #expect(blueprint.plans.map(\.rank) == [0, 1, 2, 3])
        #expect(blueprint.plans.map(\.isDefault) == [true, false, false, false])
    }

    /// What the log calls it, what the code calls the same action, and the limit that it must meet.
    @Test(arguments: [
        ("prompt", "generate_scene", "prompts_daily"),
        ("export", "export_video", "exports_daily"),
        ("project_create", "create_project", "projects_total"),
        ("web_agent", "web_search", "web_agent_daily"),
        ("api_call", "api_call", "api_calls_hourly"),
        ("render", "render", "concurrent_renders"),
    ])
    func `a usage type and its action move the meter that the limit watches`(
        type: String, action: String, limit: String
    ) throws {
        let limit = try #require(blueprint.limits.first { $0.key.text == limit })
        for name in Set([type, action]) {
            let moved = blueprint.meters.filter { $0.eventTypes.contains(name) }
            #expect(moved.map(\.key) == [limit.meter])
        }
    }

    @Test func `failed and cancelled operations are not counted`() {
        #expect(blueprint.meters.allSatisfy { $0.countedStatuses == [.success] })
    }

    /// CREDITS_ENABLED, CREDITS_COST_… and CREDITS_DAILY_REFILL_…
    @Test func `credits are the document's, and switched off`() throws {
        let credits = try #require(blueprint.credits)
        #expect(!credits.isEnabled)
        #expect(credits.payment == .creditsOnly)
        let prices = Dictionary(
            uniqueKeysWithValues: credits.prices.map { ($0.key.text, $0.value) })
        #expect(prices == ["prompts": 10, "exports": 50])
        let refills = blueprint.plans.map { $0.recurringGrants.map(\.amount) }
        #expect(refills == [[100], [1_000], [], []])
        let grants = blueprint.plans.flatMap(\.recurringGrants)
        #expect(grants.allSatisfy { $0.window == .day && $0.rolloverMax == nil })
    }
}
