import MeterstoneBlueprint
import MeterstoneCore
import Testing

/// The shop audience builder: four totals for each shop, the same four limits for all.
@Suite struct ShopAudienceApplicationTests {
    private static let shop = "store-name.myshopify.com"
    private static let path = "/v1/subjects/\(shop)"

    private static func event(_ type: String, of shop: String = shop) -> String {
        #"{"subject":"\#(shop)","type":"\#(type)"}"#
    }

    /// The shop's row of the document's table.
    private func counts(_ application: ApplicationServer) async throws -> [String] {
        try await application.rows(
            """
            SELECT "totalChatsCreated", "totalListsGenerated", "totalListsSaved", "totalExports"
            FROM "UsageTracking" WHERE shop = '\(Self.shop)'
            """)
    }

    private func unblock(_ application: ApplicationServer) async throws {
        for limit in ["maxChats", "maxListsGenerated", "maxListsSaved", "maxExports"] {
            let answer = try await application.patch(
                "/v1/limits/\(limit)", #"{"blockWhenExceeded":false}"#)
            #expect(answer.status == 200)
        }
    }

    @Test func `a shop has ten chats, twenty lists, fifteen saved and ten exports`() async throws {
        try await ApplicationServer.run(.shopAudience, at: "2026-03-10T12:00:00Z") { application in
            try await unblock(application)
            #expect(
                try await application.rows(
                    """
                    SELECT "maxChats", "maxListsGenerated", "maxListsSaved", "maxExports"
                    FROM "UsageLimits"
                    """) == ["10 20 15 10"])
            #expect(try await counts(application) == [])
            for (type, limit, allowed, counted) in [
                ("chat_created", "maxChats", 10, "10 0 0 0"),
                ("list_generated", "maxListsGenerated", 20, "10 20 0 0"),
                ("list_saved", "maxListsSaved", 15, "10 20 15 0"),
                ("export", "maxExports", 10, "10 20 15 10"),
            ] {
                let event = Self.event(type)
                #expect(
                    try await application.consume(allowed + 2, event)
                        == "200 × \(allowed), 429 × 2")
                let refused = try await application.post("/v1/consume", event)
                #expect(refused.texts("violated") == [limit])
                #expect(refused["retryAfterSeconds"] == "null")
                #expect(try await counts(application) == [counted])
                let limits = try await application.get(Self.path + "/limits")
                let used = zip(
                    limits.items("limits", "limit"), limits.items("limits", "used"))
                #expect(used.contains { $0.0 == limit && $0.1 == String(allowed) })
            }
            let totals = try await application.get(Self.path + "/lifetime")
            #expect(
                totals[[
                    "totals.totalChatsCreated", "totals.totalListsGenerated",
                    "totals.totalListsSaved", "totals.totalExports",
                ]] == "10 20 15 10")
            // They never start anew.
            application.at("2031-03-10T12:00:00Z")
            #expect(try await application.consume(1, Self.event("export")) == "429 × 1")
            // Another shop has its own.
            #expect(
                try await application.consume(11, Self.event("export", of: "b.myshopify.com"))
                    == "200 × 10, 429 × 1")
            #expect(
                try await application.rows(
                    """
                    SELECT shop, "totalExports" FROM "UsageTracking"
                    WHERE "totalExports" >= 10 ORDER BY shop
                    """) == ["b.myshopify.com 10", "\(Self.shop) 10"])
            try await application.expectClean()
        }
    }

    @Test func `a new shop has used nothing, and the same limits as all`() async throws {
        try await ApplicationServer.run(.shopAudience, at: "2026-03-10T12:00:00Z") { application in
            let limits = try await application.get(Self.path + "/limits")
            #expect(
                limits.items("limits", "limit")
                    == ["maxChats", "maxExports", "maxListsGenerated", "maxListsSaved"])
            #expect(limits.items("limits", "allowance") == ["10", "10", "20", "15"])
            #expect(limits.items("limits", "used") == ["0", "0", "0", "0"])
            #expect(limits.items("limits", "resetsAt") == ["-", "-", "-", "-"])
            #expect(limits["blockedBy"] == nil || limits["blockedBy"] == "[]")
        }
    }

    @Test func `the limit that is used up blocks the shop until an administrator allows more`()
        async throws
    {
        try await ApplicationServer.run(.shopAudience, at: "2026-03-10T12:00:00Z") { application in
            #expect(
                try await application.consume(12, Self.event("chat_created"))
                    == "200 × 10, 403 × 2")
            let blocked = try await application.post("/v1/consume", Self.event("export"))
            #expect(blocked.isProblem(403, "subject_blocked"))
            #expect(blocked.texts("violated") == ["maxChats"])
            let limits = try await application.get(Self.path + "/limits")
            #expect(limits.texts("blockedBy") == ["maxChats"])
            // One call changes it for all shops, at once.
            let changed = try await application.patch(
                "/v1/limits/maxChats", #"{"defaultAllowance":12}"#)
            #expect(changed["defaultAllowance"] == "12")
            #expect(try await application.consume(1, Self.event("export")) == "200 × 1")
            #expect(
                try await application.consume(3, Self.event("chat_created"))
                    == "200 × 2, 403 × 1")
            #expect(try await counts(application) == ["12 0 0 1"])
            #expect(
                try await application.rows(#"SELECT "maxChats" FROM "UsageLimits""#) == ["12"])
            // The next start with the same blueprint leaves it.
            let limit = try await application.get("/v1/limits/maxChats")
            #expect(limit["defaultAllowance"] == "12" && limit["active"] == "true")
            try await application.expectClean()
        }
    }

    @Test func `an administrator blocks a shop by hand, and switches a limit off`() async throws {
        try await ApplicationServer.run(.shopAudience, at: "2026-03-10T12:00:00Z") { application in
            #expect(try await application.put(Self.path, #"{"blocked":true}"#).status == 201)
            let blocked = try await application.post("/v1/consume", Self.event("export"))
            #expect(blocked.isProblem(403, "subject_blocked"))
            application.at("2026-03-11T12:00:00Z")
            #expect(try await application.patch(Self.path, #"{"blocked":false}"#).status == 200)
            let profile = try await application.get(Self.path)
            #expect(
                profile[["blocked", "createdAt", "updatedAt"]]
                    == "false 2026-03-10T12:00:00.000Z 2026-03-11T12:00:00.000Z")
            let off = try await application.patch("/v1/limits/maxExports", #"{"active":false}"#)
            #expect(
                off[["active", "createdAt", "updatedAt"]]
                    == "false 2026-03-10T12:00:00.000Z 2026-03-11T12:00:00.000Z")
            #expect(try await application.consume(12, Self.event("export")) == "200 × 12")
            // Who changed it, and from what.
            let changes = try await application.get("/v1/changes?kind=limit&key=maxExports")
            #expect(changes.items("changes", "key") == ["maxExports", "maxExports"])
            #expect(changes["changes[0].before.active"] == "true")
            #expect(changes["changes[0].after.active"] == "false")
        }
    }

    @Test func `exports are told apart by source and kept with all that was told`() async throws {
        try await ApplicationServer.run(.shopAudience, at: "2026-03-10T12:00:00Z") { application in
            for (subtype, source) in [
                ("csv", "ai-search-analyzer"), ("pdf", "filter-audience"),
                ("excel", "filter-audience"),
            ] {
                let answer = try await application.post(
                    "/v1/consume",
                    """
                    {"subject":"\(Self.shop)","type":"export","subtype":"\(subtype)",\
                    "source":"\(source)"}
                    """)
                #expect(answer.texts("moved") == ["totalExports"])
            }
            _ = try await application.post("/v1/consume", Self.event("list_saved"))
            let bySource = try await application.get(
                "/v1/analytics/usage-by?meter=totalExports&by=source")
            #expect(bySource.items("rows", "value") == ["filter-audience", "ai-search-analyzer"])
            #expect(bySource.items("rows", "quantity") == ["2", "1"])
            let bySubtype = try await application.get(
                "/v1/analytics/usage-by?meter=exports&by=subtype&source=filter-audience")
            #expect(bySubtype.items("rows", "value").sorted() == ["excel", "pdf"])
            // The history of exports, and of nothing else.
            let history = try await application.get(Self.path + "/events?type=export")
            #expect(history.items("events", "subtype") == ["excel", "pdf", "csv"])
            #expect(
                history[["events[0].source", "events[0].occurredAt"]]
                    == "filter-audience 2026-03-10T12:00:00.000Z")
        }
    }

    @Test func `forty exports at once on ten give exactly ten`() async throws {
        try await ApplicationServer.run(.shopAudience, at: "2026-03-10T12:00:00Z") { application in
            try await unblock(application)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<40 {
                    group.addTask {
                        try await application.post("/v1/consume", Self.event("export")).status
                    }
                }
                var statuses: [Int: Int] = [:]
                for try await status in group { statuses[status, default: 0] += 1 }
                return statuses
            }
            #expect(statuses == [200: 10, 429: 30])
            try await application.expectClean()
        }
    }

    @Test func `lists are generated when results are shown, and saved apart from it`()
        async throws
    {
        try await ApplicationServer.run(.shopAudience, at: "2026-03-10T12:00:00Z") { application in
            for (type, source) in [
                ("list_generated", "ai-search-analyzer"), ("list_generated", "ai-search-analyzer"),
                ("list_saved", "ai-search-analyzer"), ("list_saved", "filter-audience"),
                ("list_generated", "ai-search-analyzer"),
            ] {
                let body = """
                    {"subject":"\(Self.shop)","type":"\(type)","source":"\(source)"}
                    """
                #expect(try await application.post("/v1/consume", body).status == 200)
            }
            let totals = try await application.get(Self.path + "/lifetime")
            #expect(
                totals[["totals.totalListsGenerated", "totals.totalListsSaved"]] == "3 2")
            #expect(
                totals[["firstActivityAt", "lastActivityAt"]]
                    == "2026-03-10T12:00:00.000Z 2026-03-10T12:00:00.000Z")
        }
    }
}
