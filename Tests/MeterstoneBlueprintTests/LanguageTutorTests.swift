import MeterstoneBlueprint
import MeterstoneCore
import Testing

@Suite struct LanguageTutorTests {
    let blueprint: Blueprint

    init() throws {
        blueprint = try Blueprint(yaml: NamedBlueprint.languageTutor.yaml)
    }

    @Test(
        arguments: [
            ("conversations_monthly", "conversations", 10, 100, -1),
            ("seconds_monthly", "seconds", 1_800, 18_000, 72_000),
            ("realtime_sessions_monthly", "realtimeSessions", 3, 30, -1),
            ("anki_exports_monthly", "ankiExports", 1, 20, -1),
            ("custom_phrases_monthly", "customPhrases", 10, 100, -1),
            ("advanced_voice_monthly", "advancedVoiceSeconds", 0, 3_600, 36_000),
            ("session_extensions_monthly", "sessionExtensions", 0, 10, -1),
        ] as [(String, String, Int64, Int64, Int64)])
    func `a limit has a number for each plan`(
        key: String, meter: String, free: Int64, basic: Int64, premium: Int64
    ) throws {
        let limit = try #require(blueprint.limits.first { $0.key.text == key })
        #expect(limit.meter.text == meter && limit.window == .month && limit.active)
        #expect(limit.mode == (meter == "seconds" ? .soft : .enforce))
        let allowances = Dictionary(
            uniqueKeysWithValues: limit.allowances.map { ($0.key.text, $0.value.wire) })
        #expect(allowances == ["free": free, "basic": basic, "premium": premium])
        #expect(blueprint.limits.count == 7)
    }

    @Test func `plans rise in rank and price, and free is the default`() {
        #expect(blueprint.plans.map(\.key.text) == ["free", "basic", "premium"])
        #expect(blueprint.plans.map(\.rank) == [0, 1, 2])
        #expect(blueprint.plans.map(\.isDefault) == [true, false, false])
        #expect(blueprint.plans.map { $0.price?.cents } == [nil, 999, 1_999])
        #expect(blueprint.plans.allSatisfy { $0.billingPeriod == .month })
    }

    @Test func `a completed session moves the meters of sessions, and an event like it does not`()
        throws
    {
        func moved(_ type: String?) -> [String] {
            let seconds = MeterKey(unchecked: "seconds")
            let event = UsageEvent(
                subject: SubjectID(unchecked: "ann"), occurredAt: .earliest,
                quantities: .one(seconds, 300), details: type.map { EventDetails(type: $0) })
            return blueprint.meters.filter { $0.movement(of: event) != nil }.map(\.key.text)
        }
        #expect(
            moved("session_completed").sorted()
                == ["completedSeconds", "completedSessions", "longestSession", "seconds"])
        #expect(moved("session_broken_off") == ["seconds"])
        #expect(moved(nil) == ["seconds"])
    }

    /// The document's own call names no type.
    @Test func `a completed session told by its quantities has a length`() {
        let event = UsageEvent(
            subject: SubjectID(unchecked: "ann"),
            quantities: Quantities(
                [
                    ("conversations", 1), ("seconds", 300), ("ankiExports", 1),
                    ("customPhrasesCreated", 2), ("completedSessions", 1),
                ].map { name, units in
                    NamedQuantity(name: MeterKey(unchecked: name), quantity: Quantity(units))
                }))
        let moved = blueprint.meters.compactMap { meter in
            meter.movement(of: event).map { (meter.key.text, $0.units) }
        }
        #expect(
            Dictionary(uniqueKeysWithValues: moved) == [
                "conversations": 1, "seconds": 300, "ankiExports": 1, "customPhrases": 2,
                "completedSessions": 1, "completedSeconds": 300, "longestSession": 300,
            ])
    }

    @Test(
        arguments: [
            ("anki_export", "ankiExports"), ("ankiExportsUsed", "ankiExports"),
            ("customPhrasesCreated", "customPhrases"),
            ("custom_phrases_created", "customPhrases"),
            ("session_extensions_used", "sessionExtensions"),
            ("advanced_voice_seconds", "advancedVoiceSeconds"),
        ])
    func `the document's names mean its meters`(name: String, meter: String) {
        let named = blueprint.meters.filter { $0.names.contains(MeterKey(unchecked: name)) }
        #expect(named.map(\.key.text) == [meter])
    }

    @Test func `statistics are about completed sessions and conversations`() throws {
        let statistics = try #require(blueprint.statistics)
        let sessions = try #require(statistics.sessions)
        #expect(sessions.completed.text == "completedSessions")
        #expect(sessions.length.text == "completedSeconds")
        #expect(sessions.longest?.text == "longestSession")
        let conversations = MeterKey(unchecked: "conversations")
        #expect(
            statistics.milestones.map(\.goal) == [
                .total(conversations, 1), .total(conversations, 10), .total(conversations, 100),
                .streak(7), .streak(30), .streak(100),
            ])
        #expect(Set(statistics.milestones.map(\.key)).count == 6)
    }
}

@Suite struct DailyTokensTests {
    @Test func `there are tokens per day, more of them for subscribers`() throws {
        let blueprint = try Blueprint(yaml: NamedBlueprint.tokenAllowance.yaml)
        #expect(
            blueprint.meters == [
                Meter(
                    key: MeterKey(unchecked: "tokens"),
                    aliases: ["tokensUsed", "tokens_used"].map { MeterKey(unchecked: $0) },
                    unit: "tokens",
                    description: "Tokens that messages used")
            ])
        #expect(blueprint.plans.map(\.key.text) == ["trial", "subscribed"])
        #expect(blueprint.plans.map(\.isDefault) == [true, false])
        #expect(blueprint.plans.map { $0.price?.cents } == [nil, 999])
        let limit = try #require(blueprint.limits.first)
        #expect(limit.meter.text == "tokens" && limit.window == .day && limit.mode == .enforce)
        #expect(limit.allowances[PlanKey(unchecked: "trial")]?.wire == 10_000)
        #expect(limit.allowances[PlanKey(unchecked: "subscribed")]?.wire == 100_000)
        #expect(blueprint.limits.count == 1 && blueprint.statistics == nil)
    }
}
