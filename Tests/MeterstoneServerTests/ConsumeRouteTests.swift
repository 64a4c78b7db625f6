import Foundation
import HTTPTypes
import HummingbirdTesting
import Meterstone
import MeterstoneCore
import Testing

@Suite struct ConsumeRouteTests {
    @Test func `a check may name a feature`() async throws {
        try await TestServer.run { server in
            _ = try await server.put(
                "/v1/plans/free", #"{"isDefault":true,"features":{"seats":0}}"#)
            _ = try await server.put("/v1/plans/team", #"{"rank":2,"features":{"sso":true}}"#)
            _ = try await server.put("/v1/plans/pro", #"{"rank":1,"features":{"sso":"saml"}}"#)
            let off = try await server.post("/v1/check", #"{"subject":"u","feature":"sso"}"#)
            #expect(off.status == 200 && off.text("code") == "feature_off")
            #expect(off.text.contains(#""allowed":false"#))
            #expect(off.text.contains(#""plansThatAllow":["pro","team"]"#))
            #expect(
                try await server.post("/v1/check", #"{"subject":"u","feature":"seats"}"#)
                    .text("code") == "feature_off")
            let unknown = try await server.post("/v1/check", #"{"subject":"u","feature":"x"}"#)
            #expect(unknown.isProblem(422, "unknown_feature", field: "feature"))
            _ = try await server.put("/v1/subjects/u", #"{"plan":"pro"}"#)
            let on = try await server.post("/v1/check", #"{"subject":"u","feature":"sso"}"#)
            #expect(on.text.contains(#""allowed":true"#))
            // Both have to be allowed.
            _ = try await server.put(
                "/v1/limits/prompts_daily",
                #"{"meter":"prompts","window":"day","defaultAllowance":1}"#)
            for (quantity, code) in [(1, nil), (2, "limit_exceeded")] as [(Int, String?)] {
                let both = try await server.post(
                    "/v1/check",
                    #"{"subject":"u","feature":"sso","meter":"prompts","quantity":\#(quantity)}"#)
                #expect(both.text("code") == code)
            }
            let nothing = try await server.post("/v1/check", #"{"subject":"u"}"#)
            #expect(nothing.isProblem(422, "missing_field", field: "quantities"))
            let nobody = try await server.post("/v1/check", #"{"feature":"sso"}"#)
            #expect(nobody.isProblem(422, "missing_field", field: "subject"))
        }
    }

    @Test func `a check may name a limit, and tells what stands now`() async throws {
        try await TestServer.run { server in
            _ = try await server.put(
                "/v1/limits/tokens_daily",
                #"{"meter":"prompts","window":"day","defaultAllowance":4,"fallback":"small","dimensions":{"model":["big"]}}"#
            )
            let allowed = try await server.post(
                "/v1/check", #"{"subject":"u","limit":"tokens_daily","quantity":4}"#)
            #expect(allowed.status == 200 && allowed.text.contains(#""allowed":true"#))
            #expect(allowed.text.contains(#""used":0"#) && !allowed.text.contains(#""used":4"#))
            let denied = try await server.post(
                "/v1/check",
                #"{"subject":"u","limit":"tokens_daily","quantity":5,"as":"reservation"}"#)
            #expect(denied.text.contains(#""allowed":false"#) && denied.text("fallback") == "small")
            #expect(denied.text.contains(#""retryAfterSeconds":null"#))
            #expect(denied.text.contains(#""violated":["tokens_daily"]"#))
            let unknown = try await server.post("/v1/check", #"{"subject":"u","limit":"x"}"#)
            #expect(unknown.isProblem(422, "unknown_limit", field: "limit"))
            let both = try await server.post(
                "/v1/check", #"{"subject":"u","limit":"tokens_daily","meter":"prompts"}"#)
            #expect(both.isProblem(422, "invalid_field", field: "limit"))
            _ = try await server.post(
                "/v1/consume",
                #"{"subject":"u","meter":"prompts","quantity":4,"dimensions":{"model":"big"}}"#)
            let limits = try await server.get("/v1/subjects/u/limits")
            #expect(limits.text.contains(#""overLimit":["tokens_daily"]"#))
            let refused = try await server.post(
                "/v1/consume",
                #"{"subject":"u","meter":"prompts","quantity":5,"dimensions":{"model":"big"}}"#)
            #expect(refused.status == 429 && refused.header("Retry-After") == nil)
        }
    }

    @Test func `a limit is reset by hand`() async throws {
        try await TestServer.run { server in
            let path = "/v1/subjects/u/limits/prompts_daily/reset"
            #expect(try await server.post(path, "{}").isProblem(404, "unknown_subject"))
            _ = try await server.post(
                "/v1/consume", #"{"subject":"u","meter":"prompts","quantity":1}"#)
            let reset = try await server.post(path, #"{"reason":"sorry"}"#)
            #expect(reset.status == 201 && reset.text("reason") == "sorry" && reset.has("at"))
            let limits = try await server.get("/v1/subjects/u/limits")
            #expect(limits.text.contains(#""used":0"#))
            let unknown = try await server.post("/v1/subjects/u/limits/x/reset", "{}")
            #expect(unknown.isProblem(404, "unknown_limit", field: "limit"))
            #expect(try await server.get("/v1/subjects/u").text.contains(#""resets""#))
            #expect(try await server.get("/v1/changes").text.contains("limitReset"))
        }
    }

    @Test func `a consume counts and says what is left`() async throws {
        try await TestServer.run { server in
            let answer = try await server.post(
                "/v1/consume", #"{"id":"e1","subject":"u","meter":"prompts","quantity":3}"#)
            #expect(answer.status == 200)
            #expect(answer.header("Content-Type") == "application/json")
            #expect(answer.header("RateLimit-Policy") == #""prompts_daily";q=10;w=86400"#)
            #expect(answer.header("RateLimit") == #""prompts_daily";r=7;t=43200"#)
            #expect(answer.header("Idempotency-Replayed") == nil)
            #expect(
                answer.text == """
                    {"allowed":true,"duplicate":false,"eventId":"e1","moved":["prompts"],"limits":[\
                    {"limit":"prompts_daily","meter":"prompts","window":"day","allowance":10,\
                    "used":3,"remaining":7,"resetsAt":"2026-03-11T00:00:00.000Z","mode":"enforce"}]}
                    """)
        }
    }

    @Test func `a refusal says which limit, until when, and which plan would allow it`()
        async throws
    {
        try await TestServer.run { server in
            _ = try await server.post(
                "/v1/consume", #"{"subject":"u","meter":"prompts","quantity":9}"#)
            let answer = try await server.post(
                "/v1/consume", #"{"subject":"u","meter":"prompts","quantity":2}"#)
            #expect(answer.isProblem(429, "limit_exceeded"))
            #expect(answer.header("Retry-After") == "43200")
            #expect(answer.header("RateLimit") == #""prompts_daily";r=1;t=43200"#)
            #expect(answer.number("retryAfterSeconds") == 43_200)
            #expect(answer.texts("violated") == ["prompts_daily"])
            #expect(answer.texts("plansThatAllow") == ["pro"])
            #expect(answer.items("limits", "used") == ["9"])
            let again = try await server.post(
                "/v1/consume", #"{"subject":"u","meter":"prompts","quantity":1}"#)
            #expect(again.status == 200, "a refusal changed something")
        }
    }

    @Test func `where time does not help there is no Retry-After`() async throws {
        try await TestServer.run { server in
            let answer = try await server.post(
                "/v1/consume", #"{"subject":"u","meter":"prompts","quantity":11}"#)
            #expect(answer.isProblem(429, "limit_exceeded"))
            #expect(answer.header("Retry-After") == nil)
            #expect(answer.text.contains(#""retryAfterSeconds":null"#))
        }
    }

    /// Repeats of an event under its id, and the fields that a conflict names.
    static let repeats: [(more: String, differs: [String])] = [
        (#""meter":"prompts","quantity":2"#, ["quantities.prompts"]),
        (
            #""quantities":{"prompts":1,"seconds":3},"type":"x""#,
            ["quantities.seconds", "type"]
        ),
        (
            #""meter":"prompts","occurredAt":"2026-03-10T11:00:00Z","dimensions":{"model":"m"}"#,
            ["occurredAt", "dimensions.model"]
        ),
        (#""meter":"prompts","project":"p","durationMs":4"#, ["durationMs", "project"]),
    ]

    @Test(arguments: repeats, [TestingSetup.router, .live])
    func `a conflict names what differs`(
        again: (more: String, differs: [String]), setup: TestingSetup
    ) async throws {
        try await TestServer.run(setup) { server in
            let first = #"{"id":"e1","subject":"u","meter":"prompts"}"#
            #expect(try await server.post("/v1/consume", first).status == 200)
            let other = #"{"id":"e1","subject":"u",\#(again.more)}"#
            for path in ["/v1/consume", "/v1/events"] {
                let answer = try await server.post(path, other)
                #expect(answer.isProblem(409, "event_conflict", field: "id"))
                #expect(answer.texts("differs") == again.differs)
                #expect(answer.text("detail")?.contains("another \(again.differs[0])") ?? false)
            }
            let reserve = try await server.post("/v1/reservations", other)
            #expect(reserve.texts("differs") == again.differs + ["reservation"])
            let batch = try await server.post("/v1/events", "[\(other)]")
            #expect(batch.text.contains(#""field":"events[0].\#(again.differs[0])""#))
        }
    }

    @Test func `a conflict of reservations and of keys names what differs`() async throws {
        try await TestServer.run { server in
            let reserve = #"{"id":"r","subject":"u","meter":"prompts","quantity":4}"#
            _ = try await server.post("/v1/reservations", reserve)
            let terms = try await server.post(
                "/v1/reservations",
                #"{"id":"r","subject":"u","meter":"prompts","quantity":4,"onExpiry":"charge"}"#)
            #expect(terms.texts("differs") == ["onExpiry"])
            _ = try await server.post("/v1/reservations/r/settle", #"{"quantities":{"prompts":2}}"#)
            let settle = try await server.post(
                "/v1/reservations/r/settle", #"{"quantities":{"prompts":3}}"#)
            #expect(settle.isProblem(409, "reservation_conflict"))
            #expect(settle.texts("differs") == ["quantities.prompts"])
            let release = try await server.post("/v1/reservations/r/release", "{}")
            #expect(release.texts("differs") == ["status"])

            let key: HTTPFields = [.idempotencyKey: "k"]
            _ = try await server.put("/v1/subjects/a", #"{"plan":"free"}"#, headers: key)
            let plan = try await server.put("/v1/subjects/a", #"{"plan":"pro"}"#, headers: key)
            #expect(plan.isProblem(409, "idempotency_conflict", field: "Idempotency-Key"))
            #expect(plan.text("detail")?.hasSuffix("differs in plan") ?? false)
            let path = try await server.put("/v1/subjects/b", #"{"plan":"free"}"#, headers: key)
            #expect(path.text("detail")?.hasSuffix("differs in the path") ?? false)
        }
    }

    @Test(arguments: [TestingSetup.router, .live])
    func `an event of a day that is past is not asked to wait`(setup: TestingSetup) async throws {
        try await TestServer.run(setup) { server in
            let late =
                #"{"subject":"u","meter":"prompts","quantity":6,"occurredAt":"2026-03-09T23:00:00Z"}"#
            let first = try await server.post("/v1/consume", late)
            #expect(first.header("RateLimit") == #""prompts_daily";r=4"#)
            let refused = try await server.post("/v1/consume", late)
            #expect(refused.isProblem(429, "limit_exceeded"))
            #expect(refused.header("Retry-After") == nil)
            #expect(refused.header("RateLimit") == #""prompts_daily";r=4"#)
            #expect(refused.text.contains(#""retryAfterSeconds":null"#))
            let check = try await server.post("/v1/check", late)
            #expect(check.text.contains(#""retryAfterSeconds":null"#))
            let reserve = try await server.post("/v1/reservations", late)
            #expect(reserve.isProblem(429, "limit_exceeded"))
            #expect(reserve.header("Retry-After") == nil)
        }
    }

    @Test func `a blocked subject is refused`() async throws {
        try await TestServer.run { server in
            _ = try await server.put("/v1/subjects/u", #"{"blocked":true}"#)
            let consume = #"{"subject":"u","meter":"prompts"}"#
            #expect(try await server.post("/v1/consume", consume).isProblem(403, "subject_blocked"))
            let check = try await server.post("/v1/check", consume)
            #expect(check.status == 200 && check.text("code") == "subject_blocked")
        }
    }

    @Test func `the same event id gets the first answer again`() async throws {
        try await TestServer.run { server in
            let body = #"{"id":"e1","subject":"u","meter":"prompts"}"#
            _ = try await server.post("/v1/consume", body)
            let again = try await server.post("/v1/consume", body)
            #expect(again.status == 200 && again.boolean("duplicate") == true)
            #expect(again.header("Idempotency-Replayed") == "true")
            #expect(again.items("limits", "used") == ["1"])
            let other = try await server.post(
                "/v1/consume", #"{"id":"e1","subject":"u","meter":"prompts","quantity":2}"#)
            #expect(other.isProblem(409, "event_conflict", field: "id"))
        }
    }

    @Test func `an idempotency key stands in for an event id`() async throws {
        try await TestServer.run { server in
            let body = #"{"subject":"u","meter":"prompts"}"#
            for (key, duplicate) in [("k1", false), ("k1", true), ("\"k1\"", true), ("k2", false)] {
                let answer = try await server.post(
                    "/v1/consume", body, headers: [.idempotencyKey: key])
                #expect(answer.boolean("duplicate") == duplicate)
                #expect(answer.header("Idempotency-Replayed") == (duplicate ? "true" : nil))
            }
            let long = String(repeating: "k", count: 256)
            let answer = try await server.post(
                "/v1/consume", body, headers: [.idempotencyKey: long])
            #expect(answer.isProblem(422, "invalid_field", field: "Idempotency-Key"))
        }
    }

    @Test func `several meters are one step`() async throws {
        try await TestServer.run { server in
            let refused = try await server.post(
                "/v1/consume", #"{"subject":"u","quantities":{"prompts":1,"seconds":1001}}"#)
            #expect(refused.texts("violated") == ["seconds_monthly"])
            let allowed = try await server.post(
                "/v1/consume", #"{"subject":"u","quantities":{"prompts":1,"seconds":1000}}"#)
            #expect(allowed.items("limits", "used") == ["1", "1000"])
            #expect(
                allowed.header("RateLimit-Policy")
                    == #""prompts_daily";q=10;w=86400, "seconds_monthly";q=1000"#)
        }
    }

    @Test func `a team counts and is limited too`() async throws {
        try await TestServer.run { server in
            _ = try await server.put("/v1/subjects/team", "{}")
            for member in ["a", "b"] {
                _ = try await server.put("/v1/subjects/\(member)", #"{"parent":"team"}"#)
                _ = try await server.post(
                    "/v1/consume", #"{"subject":"\#(member)","meter":"prompts","quantity":4}"#)
            }
            let answer = try await server.post(
                "/v1/consume", #"{"subject":"a","meter":"prompts","quantity":1}"#)
            #expect(answer.items("limits", "used") == ["5", "9"])
            #expect(answer.items("limits", "subject") == ["-", "team"])
            #expect(answer.header("RateLimit") == #""prompts_daily";r=1;t=43200"#)
        }
    }

    @Test func `an id that was taken back is answered 409 and a check says the same`() async throws
    {
        try await TestServer.run { server in
            let body = #"{"id":"e1","subject":"u","meter":"prompts","quantity":3}"#
            let check = try await server.post("/v1/check", body)
            #expect(check.boolean("allowed") == true && check.boolean("duplicate") == false)
            let first = try await server.post("/v1/consume", body)
            #expect(try await server.post("/v1/check", body).boolean("duplicate") == true)
            let other = #"{"id":"e1","subject":"u","meter":"prompts","quantity":4}"#
            #expect(try await server.post("/v1/check", other).status == 409)
            #expect(first.status == 200)
            _ = try await server.post("/v1/events/e1/void", #"{"reason":"a mistake"}"#)
            for path in ["/v1/consume", "/v1/check"] {
                let answer = try await server.post(path, body)
                #expect(answer.isProblem(409, "event_voided", field: "id"))
            }
            let events = try await server.post("/v1/events", "[\(body)]")
            #expect(events.number("rejected") == 1 && events.text.contains("event_voided"))
        }
    }

    @Test func `a check as a reservation says what a reservation would`() async throws {
        let limit = Limit(
            key: LimitKey(unchecked: "at_once"), meter: TestServer.prompts, window: .concurrent,
            defaultAllowance: .units(2))
        try await TestServer.run(
            blueprint: Blueprint(meters: TestServer.blueprint.meters, limits: [limit])
        ) { server in
            _ = try await server.post(
                "/v1/reservations", #"{"subject":"u","meter":"prompts","quantity":2}"#)
            let check = try await server.post(
                "/v1/check", #"{"subject":"u","meter":"prompts","as":"reservation"}"#)
            #expect(check.status == 200 && check.boolean("allowed") == false)
            let consume = try await server.post("/v1/check", #"{"subject":"u","meter":"prompts"}"#)
            #expect(consume.boolean("allowed") == true)
            let wrong = try await server.post(
                "/v1/check", #"{"subject":"u","meter":"prompts","as":"loan"}"#)
            #expect(wrong.isProblem(422, "invalid_field", field: "as"))
        }
    }

    @Test func `a check changes nothing`() async throws {
        try await TestServer.run { server in
            for _ in 0..<3 {
                let answer = try await server.post(
                    "/v1/check", #"{"id":"x","subject":"u","meter":"prompts","quantity":10}"#)
                #expect(answer.status == 200 && answer.boolean("allowed") == true)
            }
            let denied = try await server.post(
                "/v1/check", #"{"subject":"u","meter":"prompts","quantity":11}"#)
            #expect(denied.status == 200 && denied.boolean("allowed") == false)
            #expect(denied.text("code") == "limit_exceeded")
            #expect(denied.texts("plansThatAllow") == ["pro"])
            #expect(try await server.get("/v1/subjects/u").status == 404)
        }
    }

    @Test func `an unknown meter is named where the request named it`() async throws {
        try await TestServer.run { server in
            for (body, field) in [
                (#"{"subject":"u","meter":"nope"}"#, "meter"),
                (#"{"subject":"u","quantities":{"nope":1}}"#, "quantities.nope"),
            ] {
                for path in ["/v1/consume", "/v1/check", "/v1/events"] {
                    let answer = try await server.post(path, body)
                    #expect(answer.isProblem(422, "unknown_meter", field: field), "\(path) \(body)")
                }
            }
        }
    }

    @Test func `two hundred at once get exactly what the limit allows`() async throws {
        try await TestServer.run(.live) { server in
            _ = try await server.put("/v1/subjects/u/overrides/prompts_daily", #"{"allowance":50}"#)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<200 {
                    group.addTask {
                        try await server.post("/v1/consume", #"{"subject":"u","meter":"prompts"}"#)
                            .status
                    }
                }
                return try await group.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
            }
            #expect(statuses == [200: 50, 429: 150])
        }
    }
}

extension HTTPField.Name {
    static let idempotencyKey = HTTPField.Name("Idempotency-Key") ?? .accept
    static let author = HTTPField.Name("X-Author") ?? .accept
}
