import MeterstoneBlueprint
import MeterstoneCore
import Testing

/// The language tutor: features by the month, and what people achieved since they began.
@Suite struct LanguageTutorApplicationTests {
    private static let path = "/v1/subjects/u1"

    /// The document's own call, with its own names.
    private static let usage = """
        {"conversations":1,"seconds":300,"ankiExports":1,"customPhrasesCreated":2,\
        "completedSessions":1}
        """

    /// The user's months in the document's table.
    private static let months = """
        SELECT month, conversations, seconds, completed_sessions, average_session_length,
            longest_session, overage_seconds, tier_when_used FROM "userUsage"
        WHERE user_id = 'u1' ORDER BY month
        """

    @Test func `the document's call counts everything, and the session has its length`()
        async throws
    {
        try await ApplicationServer.run(.languageTutor, at: "2026-01-10T12:00:00Z") { application in
            let recorded = try await application.post(Self.path + "/usage", Self.usage)
            #expect(
                recorded.texts("moved") == [
                    "ankiExports", "completedSeconds", "completedSessions", "conversations",
                    "customPhrases", "longestSession", "seconds",
                ])
            let lifetime = try await application.get(Self.path + "/lifetime")
            #expect(
                lifetime[[
                    "totals.conversations", "totals.seconds", "totals.ankiExports",
                    "totals.customPhrases", "totals.completedSessions",
                    "totals.advancedVoiceSeconds", "totals.sessionExtensions",
                    "totals.realtimeSessions",
                ]] == "1 300 1 2 1 0 0 0")
            #expect(
                lifetime[[
                    "sessions.completed", "sessions.averageLength", "sessions.longest",
                ]] == "1 300 300")
            // A form that tells every field, and no session among them.
            let talk = try await application.post(
                Self.path + "/usage", #"{"conversations":1,"seconds":900,"completedSessions":0}"#)
            #expect(talk.texts("moved") == ["conversations", "seconds"])
            let later = try await application.get(Self.path + "/lifetime")
            #expect(later[["sessions.averageLength", "sessions.longest"]] == "300 300")
            try await application.expectClean()
        }
    }

    @Test func `seven days in January make a streak, and a plan from February revenue`()
        async throws
    {
        try await ApplicationServer.run(.languageTutor, at: "2026-01-25T09:00:00Z") { application in
            for day in 25...31 {
                application.at("2026-01-\(day)T09:00:00Z")
                let body = #"{"conversations":1,"seconds":300,"completedSessions":1}"#
                #expect(try await application.post(Self.path + "/usage", body).status == 200)
            }
            let january = try await application.get(Self.path + "/lifetime")
            #expect(
                january[["daysActive", "currentStreak", "longestStreak"]] == "7 7 7")
            #expect(january["milestones[1].key"] == "streak_week")
            #expect(january["milestones[1].reachedAt"] == "2026-01-31T00:00:00.000Z")
            // Nobody is cut off: 2,100 seconds on 1,800.
            let limits = try await application.get(Self.path + "/limits")
            #expect(limits.items("limits", "overage").contains("300"))
            #expect(january["overages.seconds_monthly"] == "300")
            let first = "2026-01 7 2100 7 300 300 300 free"
            #expect(try await application.rows(Self.months) == [first])

            application.at("2026-02-01T08:00:00Z")
            let morning = try await application.get(Self.path + "/lifetime")
            #expect(
                morning[["currentStreak", "thisMonth.conversations", "totals.conversations"]]
                    == "7 0 7")
            // A month without usage has no row.
            #expect(try await application.rows(Self.months) == [first])
            let subscribed = try await application.put(
                Self.path + "/subscription", #"{"plan":"basic"}"#)
            #expect(subscribed.status == 201)
            #expect(
                try await application.post(
                    Self.path + "/usage", #"{"conversations":1,"seconds":100}"#
                ).status == 200)

            #expect(
                try await application.rows(Self.months)
                    == [first, "2026-02 1 100 0 0 0 0 basic"])

            application.at("2026-04-10T12:00:00Z")
            let april = try await application.get(Self.path + "/lifetime")
            #expect(
                april[[
                    "daysActive", "currentStreak", "longestStreak", "monthsSubscribed",
                    "revenueMillionths", "highestPlan", "planAtLastUse",
                    "sessions.averagePerMonth",
                ]] == "8 0 8 3 29970000 basic basic 1.75")
            #expect(
                april[["firstActivityAt", "lastActivityAt"]]
                    == "2026-01-25T09:00:00.000Z 2026-02-01T08:00:00.000Z")

            #expect(
                try await application.rows(
                    """
                    SELECT total_conversations, total_seconds, days_active, longest_streak,
                        highest_tier_reached FROM user_lifetime_stats WHERE user_id = 'u1'
                    """) == ["8 2200 8 8 basic"])

            // One row a month, past ones included.
            let periods = try await application.get(
                Self.path + "/periods?window=month&count=4")
            #expect(
                periods.items("periods", "from") == [
                    "2026-04-01T00:00:00.000Z", "2026-03-01T00:00:00.000Z",
                    "2026-02-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z",
                ])
            let row = "periods[3]"
            #expect(
                periods[[
                    "\(row).quantities.conversations", "\(row).quantities.seconds",
                    "\(row).quantities.completedSessions", "\(row).sessions.averageLength",
                    "\(row).sessions.longest", "\(row).overages.seconds_monthly",
                    "\(row).plan", "\(row).daysActive",
                ]] == "7 2100 7 300 300 300 free 7")
            #expect(
                periods[[
                    "periods[2].plan", "periods[2].quantities.seconds",
                    "periods[2].sessions.completed", "periods[0].quantities.conversations",
                ]] == "basic 100 0 0")
            try await application.expectClean()
        }
    }

    @Test func `a feature is asked for by the document's type, with a limit or by the plan`()
        async throws
    {
        try await ApplicationServer.run(.languageTutor, at: "2026-01-10T12:00:00Z") { application in
            let feature = Self.path + "/features/anki_export"
            let new = try await application.get(feature)
            #expect(
                new[["allowed", "used", "limit", "remaining", "limitKey", "resetsAt"]]
                    == "true 0 1 1 anki_exports_monthly 2026-02-01T00:00:00.000Z")
            #expect(try await application.post(Self.path + "/usage", Self.usage).status == 200)
            #expect(
                try await application.get(feature)[["meter", "allowed", "used", "remaining"]]
                    == "ankiExports false 1 0")
            #expect(
                try await application.get(feature + "?monthlyLimit=1")[["allowed", "used"]]
                    == "false 1")
            #expect(
                try await application.get(feature + "?monthlyLimit=2")[["allowed", "remaining"]]
                    == "true 1")
            #expect(
                try await application.get(feature + "?monthlyLimit=-1")[["allowed", "remaining"]]
                    == "true -1")
            _ = try await application.put(Self.path + "/subscription", #"{"plan":"basic"}"#)
            #expect(
                try await application.get(feature)[["allowed", "limit", "remaining"]]
                    == "true 20 19")
            // A consume is refused where the question says no.
            let refused = try await application.post(
                "/v1/consume", #"{"subject":"u2","type":"anki_export"}"#)
            #expect(refused.status == 200)
            let second = try await application.post(
                "/v1/consume", #"{"subject":"u2","quantities":{"anki_export":1}}"#)
            #expect(second.isProblem(429, "limit_exceeded"))
            let typo = try await application.get(Self.path + "/features/anki_exprot")
            #expect(typo.isProblem(404, "unknown_meter", field: "feature"))
        }
    }

    @Test func `reports tell who uses what under which plan`() async throws {
        try await ApplicationServer.run(.languageTutor, at: "2026-01-10T12:00:00Z") { application in
            _ = try await application.put(
                "/v1/subjects/u2/subscription", #"{"plan":"premium"}"#)
            for (user, seconds) in [("u1", 100), ("u2", 5_000), ("u3", 50)] {
                let body = #"{"conversations":1,"seconds":\#(seconds)}"#
                #expect(
                    try await application.post("/v1/subjects/\(user)/usage", body).status == 200)
            }
            let adoption = try await application.get(
                "/v1/analytics/adoption?meters=seconds,ankiExports")
            #expect(adoption.items("rows", "plan") == ["free", "free", "premium", "premium"])
            #expect(adoption.items("rows", "subjects") == ["2", "0", "1", "0"])
            let power = try await application.get(
                "/v1/analytics/power-users?meter=seconds&percent=34")
            #expect(power.items("rows", "subject") == ["u2", "u1"])
            // Those who did not go on: by meters, since the document's call has no type.
            let steps = try await application.get(
                "/v1/analytics/funnel?meters=conversations,completedSessions")
            #expect(steps.items("rows", "subjects") == ["3", "0"])
            let trends = try await application.get(
                "/v1/analytics/trends?meters=conversations&window=month&days=31")
            #expect(trends.items("rows", "subjects").contains("3"))
        }
    }
}
