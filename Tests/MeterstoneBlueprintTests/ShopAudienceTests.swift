import MeterstoneBlueprint
import MeterstoneCore
import Testing

@Suite struct ShopAudienceTests {
    @Test(
        arguments: [
            ("maxChats", "totalChatsCreated", 10), ("maxListsGenerated", "totalListsGenerated", 20),
            ("maxListsSaved", "totalListsSaved", 15), ("maxExports", "totalExports", 10),
        ] as [(String, String, Int64)])
    func `a limit is for every shop, for ever, and blocks when it is full`(
        key: String, meter: String, allowance: Int64
    ) throws {
        let blueprint = try Blueprint(yaml: NamedBlueprint.shopAudience.yaml)
        let limit = try #require(blueprint.limits.first { $0.key.text == key })
        #expect(limit.meter.text == meter && limit.window == .lifetime)
        #expect(limit.defaultAllowance?.wire == allowance && limit.allowances.isEmpty)
        #expect(limit.active && limit.mode == .enforce && limit.blockWhenExceeded)
        #expect(blueprint.limits.count == 4 && blueprint.meters.count == 4)
        #expect(blueprint.plans.isEmpty)
    }

    @Test(
        arguments: [
            ("chat_created", "totalChatsCreated"), ("list_generated", "totalListsGenerated"),
            ("listSaved", "totalListsSaved"), ("export", "totalExports"),
            ("exports", "totalExports"), ("total_chats_created", "totalChatsCreated"),
        ])
    func `a type moves its meter and no other`(type: String, meter: String) throws {
        let blueprint = try Blueprint(yaml: NamedBlueprint.shopAudience.yaml)
        let event = UsageEvent(
            subject: SubjectID(unchecked: "store-name.myshopify.com"),
            details: EventDetails(source: "filter-audience", type: type))
        #expect(
            blueprint.meters.filter { $0.movement(of: event) != nil }.map(\.key.text) == [meter])
    }
}

@Suite struct NamedBlueprintTests {
    @Test func `each document has a blueprint of its name`() {
        #expect(
            NamedBlueprint.allCases.map(\.rawValue) == [
                "shop-audience", "language-tutor", "chat-builder", "token-allowance",
                "video-studio",
            ])
    }

    @Test(
        arguments: [
            ("chat-flow", NamedBlueprint.chatBuilder), ("daily-tokens", .tokenAllowance),
            ("video-studio", .videoStudio),
        ])
    func `the former names go on meaning the same`(name: String, blueprint: NamedBlueprint) {
        #expect(NamedBlueprint(named: name) == blueprint)
        #expect(NamedBlueprint(named: name + "s") == nil)
    }
}
