import HTTPTypes
import MeterstoneCore
import Testing

/// What a subject did, lately and ever, where it leads, and features. It is noon on 10 March 2026.
@Suite struct SubjectStatisticsRouteTests {
    private static let policy = #"""
        {"sessions":{"completed":"prompts","length":"seconds"},"milestones":[
         {"key":"first","meter":"prompts","total":1},{"key":"pair","streak":2}]}
        """#

    private static let used = #"{"prompts":2,"seconds":300}"#

    @Test func `a lifetime is answered with all its numbers`() async throws {
        try await TestServer.run { server in
            let path = "/v1/subjects/u1/lifetime"
            #expect(try await server.get(path).isProblem(404, "unknown_subject"))
            _ = try await server.post("/v1/subjects/u1/usage", Self.used)
            #expect(
                try await server.get(path).text == """
                    {"subject":"u1","timeZone":"UTC","totals":{"prompts":2,"seconds":300},\
                    "thisMonth":{"prompts":2,"seconds":300},"daysActive":1,"currentStreak":1,\
                    "longestStreak":1,"firstActivityAt":"2026-03-10T12:00:00.000Z",\
                    "lastActivityAt":"2026-03-10T12:00:00.000Z","overages":{},\
                    "planAtLastUse":"free","plan":"free","monthsSubscribed":0,\
                    "revenueMillionths":0,"highestPlan":"free"}
                    """)
            _ = try await server.put("/v1/statistics-policy", Self.policy)
            #expect(
                try await server.get(path).text.hasSuffix(
                    #"""
                    "highestPlan":"free","milestones":[{"key":"first",\#
                    "reachedAt":"2026-03-10T12:00:00.000Z"}]}
                    """#))
            #expect(
                try await server.get(path).text.contains(
                    #"""
                    "sessions":{"completed":2,"averageLength":150,"longest":null,\#
                    "averagePerMonth":2}
                    """#))
        }
    }

    @Test func `the last days are answered`() async throws {
        try await TestServer.run { server in
            let path = "/v1/subjects/u1/statistics"
            #expect(try await server.get(path).isProblem(404, "unknown_subject"))
            _ = try await server.post(
                "/v1/subjects/u1/usage",
                #"{"id":"e1","occurredAt":"2026-03-09T01:00:00Z","quantities":{"prompts":2}}"#)
            let answer = try await server.get(path)
            #expect(
                answer.text.hasPrefix(
                    #"""
                    {"subject":"u1","timeZone":"UTC","days":30,\#
                    "daily":{"2026-03-09":{"prompts":2}},"totals":{"prompts":2},\#
                    "recentEvents":[{"id":"e1","subject":"u1",
                    """#))
            #expect(try await server.get(path + "?days=1").text.contains(#""daily":{}"#))
            for days in ["0", "367", "x", "+5"] {
                let wrong = try await server.get(path + "?days=\(days)")
                #expect(wrong.isProblem(422, "invalid_field", field: "days"))
            }
        }
    }

    @Test func `a pace is answered`() async throws {
        try await TestServer.run { server in
            let path = "/v1/subjects/u1/pace"
            #expect(try await server.get(path).isProblem(404, "unknown_subject"))
            _ = try await server.post("/v1/subjects/u1/usage", #"{"prompts":4,"seconds":95}"#)
            #expect(
                try await server.get(path).text == """
                    {"subject":"u1","timeZone":"UTC","calculatedAt":"2026-03-10T12:00:00.000Z",\
                    "limits":[{"limit":"prompts_daily","meter":"prompts","window":"day",\
                    "allowance":10,"used":4,"projected":8,"reachedAt":null,\
                    "endsAt":"2026-03-11T00:00:00.000Z"},{"limit":"seconds_monthly",\
                    "meter":"seconds","window":"month","allowance":1000,"used":95,\
                    "projected":310,"reachedAt":null,"endsAt":"2026-04-01T00:00:00.000Z"}],\
                    "month":{"from":"2026-03-01T00:00:00.000Z",\
                    "until":"2026-04-01T00:00:00.000Z","meters":{"prompts":{"used":4,\
                    "projected":13},"seconds":{"used":95,"projected":310}}}}
                    """)
        }
    }

    @Test func `usage of several meters is recorded once, in either form`() async throws {
        try await TestServer.run { server in
            let path = "/v1/subjects/u1/usage"
            let flat = try await server.post(path, Self.used, headers: [.idempotencyKey: "k1"])
            #expect(
                flat.text
                    == #"{"eventId":"k1","counted":true,"duplicate":false,"#
                    + #""moved":["prompts","seconds"]}"#)
            let again = try await server.post(path, Self.used, headers: [.idempotencyKey: "k1"])
            #expect(again.boolean("duplicate") == true)
            #expect(again.header("Idempotency-Replayed") == "true")
            let named = #"{"id":"k1","quantities":{"seconds":300,"prompts":2}}"#
            #expect(try await server.post(path, named).boolean("duplicate") == true)
            let other = try await server.post(
                path, #"{"prompts":1}"#, headers: [.idempotencyKey: "k1"])
            #expect(other.isProblem(409, "event_conflict", field: "id"))
            let usage = try await server.get(path + "?meter=seconds&window=lifetime")
            #expect(usage.items("points", "quantity") == ["300"])
        }
    }

    static let mistakes: [(body: String, code: String, field: String?)] = [
        ("{}", "missing_field", "quantities"), (#"{"id":"a"}"#, "missing_field", "quantities"),
        (#"{"quantities":{}}"#, "missing_field", "quantities"),
        (#"{"prompts":null}"#, "missing_field", "quantities"),
        (#"{"prompts":-1}"#, "invalid_field", "prompts"),
        (#"{"prompts":1.5}"#, "invalid_field", "prompts"),
        (#"{"prompts":"1"}"#, "invalid_field", "prompts"),
        (#"{"nope":1}"#, "unknown_meter", "nope"),
        (#"{"quantities":{"nope":1}}"#, "unknown_meter", "quantities.nope"),
        (#"{"quantities":{"prompts":1},"seconds":1}"#, "unknown_field", "seconds"),
        (#"{"a b":1}"#, "unknown_field", "a b"), ("[]", "invalid_field", nil),
        (#"{"prompts":1,"occurredAt":"now"}"#, "invalid_field", "occurredAt"),
    ]

    @Test(arguments: mistakes.indices)
    func `a mistake in usage names its field`(index: Int) async throws {
        let (body, code, field) = Self.mistakes[index]
        try await TestServer.run { server in
            let answer = try await server.post("/v1/subjects/u1/usage", body)
            #expect(answer.isProblem(422, code, field: field), "\(body): \(answer.text)")
        }
    }

    @Test func `a feature is found by its meter or by a type of events`() async throws {
        try await TestServer.run { server in
            let path = "/v1/subjects/u1/features/"
            let new = try await server.get(path + "prompt?monthlyLimit=1")
            #expect(
                new.text == """
                    {"subject":"u1","feature":"prompt","meter":"prompts","allowed":true,"used":0,\
                    "limit":1,"remaining":1,"resetsAt":"2026-04-01T00:00:00.000Z"}
                    """)
            _ = try await server.post("/v1/subjects/u1/usage", #"{"prompts":1}"#)
            let full = try await server.get(path + "prompts?monthlyLimit=1")
            #expect(full.boolean("allowed") == false && full.number("remaining") == 0)
            let free = try await server.get(path + "prompts?monthlyLimit=-1")
            #expect(free.boolean("allowed") == true && free.number("remaining") == -1)
            // Without a limit of its own the question is about the limits of the plan.
            let planned = try await server.get(path + "prompts")
            #expect(
                planned.text == """
                    {"subject":"u1","feature":"prompts","meter":"prompts","allowed":true,"used":1,\
                    "limit":10,"remaining":9,"resetsAt":"2026-03-11T00:00:00.000Z",\
                    "limitKey":"prompts_daily"}
                    """)
            let unlisted = try await server.get(path + "nope")
            #expect(unlisted.isProblem(404, "unknown_meter", field: "feature"))
            let wrong = try await server.get(path + "prompts?monthlyLimit=-2")
            #expect(wrong.isProblem(422, "invalid_field", field: "monthlyLimit"))
            let unknown = try await server.get(path + "nope?monthlyLimit=1")
            #expect(unknown.isProblem(404, "unknown_meter", field: "feature"))
        }
    }
}
