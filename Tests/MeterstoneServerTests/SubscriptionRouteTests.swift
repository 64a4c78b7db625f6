import HTTPTypes
import MeterstoneTesting
import Testing

/// Changes of plan over HTTP. It is noon of 10 March.
@Suite struct SubscriptionRouteTests {
    private static let path = "/v1/subjects/u/subscription"

    @Test func `a change is previewed, made, listed and cancelled`() async throws {
        try await TestServer.run { server in
            _ = try await server.put("/v1/plans/free", #"{"rank":0,"features":{"seats":1}}"#)
            _ = try await server.put(
                "/v1/plans/pro", #"{"rank":1,"price":10000000,"features":{"seats":5,"sso":true}}"#)
            _ = try await server.put(
                Self.path, #"{"plan":"free","startsAt":"2026-03-01T00:00:00Z"}"#)
            let preview = try await server.post(Self.path + "/preview", #"{"plan":"pro"}"#)
            #expect(preview.status == 200, "\(preview.text)")
            #expect(preview.items("revenue", "amount") == ["10000000"])
            #expect(try await server.get(Self.path).text("plan") == "free")
            let made = try await server.post(Self.path, #"{"plan":"pro"}"#)
            #expect(made.status == 200 && made.text("planBefore") == "free", "\(made.text)")
            let current = try await server.get(Self.path)
            #expect(current.text("plan") == "pro")
            #expect(current.text("billingAnchor") == "2026-03-01T00:00:00.000Z")
            let back = try await server.post(Self.path, #"{"plan":"free"}"#)
            #expect(back.status == 200 && back.text.contains(#""scheduled":true"#), "\(back.text)")
            #expect(back.text.contains(#""startsAt":"2026-04-01T00:00:00.000Z""#))
            let list = try await server.get("/v1/subjects/u/subscriptions")
            #expect(
                list.items("subscriptions", "state") == ["past", "current", "scheduled"])
            let other = "/scheduled?startsAt=2026-05-01T00:00:00Z"
            #expect(
                try await server.delete(Self.path + other).isProblem(404, "unknown_subscription"))
            let cancelled = try await server.delete(
                Self.path + "/scheduled?startsAt=2026-04-01T00:00:00Z")
            #expect(cancelled.status == 204)
            let rest = try await server.get("/v1/subjects/u/subscriptions")
            #expect(rest.items("subscriptions", "state") == ["past", "current"])
        }
    }

    @Test func `features are told all, and one by one`() async throws {
        try await TestServer.run { server in
            _ = try await server.put(
                "/v1/plans/pro", #"{"features":{"seats":5,"sso":true,"support":"mail"}}"#)
            let none = try await server.get("/v1/subjects/u/features")
            #expect(none.text.contains(#""features":{"seats":false,"sso":false,"support":false}"#))
            _ = try await server.put(Self.path, #"{"plan":"pro","status":"past_due"}"#)
            let all = try await server.get("/v1/subjects/u/features")
            #expect(all.text("subscription") == "pastDue" && all.text("plan") == "pro")
            #expect(all.text.contains(#""features":{"seats":5,"sso":true,"support":"mail"}"#))
            let one = try await server.get("/v1/subjects/u/features/seats")
            #expect(
                one.text.contains(#""allowed":true"#) && one.text.contains(#""value":5"#),
                "\(one.text)")
            let unknown = try await server.get("/v1/subjects/u/features/other")
            #expect(unknown.isProblem(404, "unknown_meter", field: "feature"))
        }
    }

    static let mistakes: [(body: String, code: String, field: String)] = [
        ("{}", "missing_field", "plan"), (#"{"plan":"nope"}"#, "unknown_plan", "plan"),
        (#"{"plan":"pro","at":"soon"}"#, "invalid_field", "at"),
        (#"{"plan":"pro","usage":"none"}"#, "invalid_field", "usage"),
        (#"{"plan":"pro","colour":"red"}"#, "unknown_field", "colour"),
        (
            #"{"plan":"pro","at":"2026-05-01T00:00:00Z","expiresAt":"2026-04-01T00:00:00Z"}"#,
            "invalid_field", "expiresAt"
        ),
    ]

    @Test(arguments: mistakes)
    func `a mistake in a change names its field`(
        body: String, code: String, field: String
    ) async throws {
        try await TestServer.run { server in
            for path in [Self.path, Self.path + "/preview"] {
                let answer = try await server.post(path, body)
                #expect(answer.isProblem(422, code, field: field), "\(answer.text)")
            }
        }
    }

    @Test func `an older webhook changes nothing`() async throws {
        try await TestServer.run { server in
            let newer = try await server.put(
                Self.path, #"{"plan":"pro","ifNewerThan":"2026-03-10T11:00:05Z"}"#)
            #expect(newer.status == 201 && newer.has("causedAt"))
            let older = try await server.put(
                Self.path,
                #"{"plan":"pro","status":"canceled","ifNewerThan":"2026-03-10T11:00:04Z"}"#)
            #expect(older.status == 200 && older.text("status") == "active", "\(older.text)")
            let patched = try await server.send(
                .patch, Self.path, #"{"status":"paused","ifNewerThan":"2026-03-10T11:00:03Z"}"#)
            #expect(patched.text("status") == "active", "\(patched.text)")
            let last = try await server.send(
                .patch, Self.path, #"{"status":"paused","ifNewerThan":"2026-03-10T11:00:06Z"}"#)
            #expect(last.text("status") == "paused")
        }
    }
}
