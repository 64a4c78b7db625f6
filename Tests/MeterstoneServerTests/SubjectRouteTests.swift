import HTTPTypes
import MeterstoneCore
import MeterstoneTesting
import Testing

@Suite struct SubjectRouteTests {
    @Test func `a merge is seen before, done once, and refused with a reason`() async throws {
        try await TestServer.run { server in
            let merge = "/v1/subjects/ann/merge"
            let body = #"{"from":"anon-77"}"#
            let unknown = try await server.send(.post, merge, body)
            #expect(unknown.isProblem(422, "unknown_subject", field: "from"))
            for (id, units) in [("anon-77", 7), ("ann", 6)] {
                let used = #"{"subject":"\#(id)","quantities":{"prompts":\#(units)}}"#
                #expect(try await server.send(.post, "/v1/events", used).status == 200)
            }
            for _ in 0..<2 {
                let seen = try await server.send(.post, merge + "/preview", body)
                #expect(seen.status == 200)
                #expect(
                    seen.text.contains(
                        #""window":"lifetime","start":null,"until":null,"from":7,"into":6,"merged":13"#
                    ))
            }
            for _ in 0..<2 {
                let done = try await server.send(.post, merge, body)
                #expect(done.status == 200 && done.text("id") == "ann")
            }
            let keys = try await server.get("/v1/subjects/anon-77/aliases")
            #expect(keys.text == #"{"aliases":["anon-77"]}"#)
            for path in [
                "limits", "usage?meter=prompts&window=day", "features", "features/prompts",
            ] {
                let answer = try await server.get("/v1/subjects/anon-77/\(path)")
                #expect(answer.text("subject") == "ann", "\(path)")
            }
            let itself = try await server.send(.post, merge, #"{"from":"ann"}"#)
            #expect(itself.isProblem(422, "invalid_field", field: "from"))
            let wrong = try await server.send(.post, merge, #"{"into":"ann"}"#)
            #expect(wrong.isProblem(422, "unknown_field", field: "into"))
            let log = try await server.get("/v1/changes?kind=merge")
            #expect(log.status == 200 && log.text.contains(#""key":"ann/anon-77""#))
        }
    }

    @Test func `a list says how many there are where it is asked`() async throws {
        try await TestServer.run { server in
            for id in ["a", "b", "c"] {
                _ = try await server.put("/v1/subjects/\(id)", #"{"name":"\#(id)"}"#)
            }
            _ = try await server.put("/v1/subjects/c/account", #"{"email":"c@example.com"}"#)
            let first = try await server.get("/v1/subjects?count=2&total=true")
            #expect(first.text.hasSuffix(#","total":3}"#), "\(first.text)")
            #expect(try await !server.get("/v1/subjects?count=2").has("total"))
            #expect(try await !server.get("/v1/subjects?total=false").has("total"))
            for (email, total) in [("c@example.com", 1), ("d@example.com", 0)] {
                let found = try await server.get("/v1/subjects?total=true&email=\(email)")
                #expect(found.text.hasSuffix(#""nextCursor":null,"total":\#(total)}"#))
            }
            let wrong = try await server.get("/v1/subjects?total=all")
            #expect(wrong.isProblem(422, "invalid_field", field: "total"), "\(wrong.text)")
        }
    }

    @Test func `subjects are found by how their ids begin`() async throws {
        try await TestServer.run { server in
            for id in ["team", "team/a", "team/b", "teams", "tea", "Team/c"] {
                let path = "/v1/subjects/" + id.replacing("/", with: "%2F")
                _ = try await server.put(path, #"{"name":"x"}"#)
            }
            _ = try await server.post("/v1/subjects/teams/aliases", #"{"alias":"team/z"}"#)
            func ids(_ query: String) async throws -> [String] {
                try await server.get("/v1/subjects?" + query).items("subjects", "id")
            }
            #expect(try await ids("prefix=team") == ["team", "team/a", "team/b", "teams"])
            #expect(try await ids("prefix=team/") == ["team/a", "team/b"])
            #expect(try await ids("prefix=team/z") == [])
            var (pages, cursor): ([String], String?) = ([], nil)
            repeat {
                let page = try await server.get(
                    "/v1/subjects?prefix=team&count=1" + (cursor.map { "&cursor=\($0)" } ?? ""))
                pages += page.items("subjects", "id")
                cursor = page.text("nextCursor")
            } while cursor != nil && pages.count < 9
            #expect(pages == ["team", "team/a", "team/b", "teams"])
            let counted = try await server.get("/v1/subjects?prefix=team&total=true")
            #expect(counted.isProblem(422, "invalid_field", field: "total"))
        }
    }

    /// A value of which the one that stays knew nothing.
    @Test func `a preview of a merge shows what only the other one used`() async throws {
        try await TestServer.run { server in
            _ = try await server.put(
                "/v1/limits/models",
                #"{"meter":"prompts","window":"day","defaultAllowance":5,"per":"model"}"#)
            for (id, model) in [("anon-77", "gpt"), ("ann", "claude")] {
                let used =
                    #"{"subject":"\#(id)","quantities":{"prompts":2},"dimensions":{"model":"\#(model)"}}"#
                #expect(try await server.send(.post, "/v1/events", used).status == 200)
            }
            let seen = try await server.send(
                .post, "/v1/subjects/ann/merge/preview", #"{"from":"anon-77"}"#)
            let pairs = seen.text.split(separator: #"{"before":"#).dropFirst()
            let new = pairs.filter { $0.contains(#""value":"gpt""#) }.map {
                $0.split(separator: #""used":"#).dropFirst().map { $0.prefix(1) }
            }
            #expect(new == [["0", "2"]], "\(seen.text)")
        }
    }

    @Test func `PUT replaces and PATCH changes`() async throws {
        try await TestServer.run { server in
            let path = "/v1/subjects/x"
            _ = try await server.put(
                path, #"{"plan":"pro","name":"Xenia","metadata":{"email":"x@example.org"}}"#)
            let types = ["application/merge-patch+json", "application/json"]
            for (type, plan) in zip(types, ["free", "pro"]) {
                let answer = try await server.send(
                    .patch, path, #"{"plan":"\#(plan)"}"#, type: type)
                #expect(answer.status == 200)
                #expect(answer.text("name") == "Xenia" && answer.text("plan") == plan)
                #expect(answer.text.contains("x@example.org"))
            }
            let other = try await server.send(.patch, path, "{}", type: "text/plain")
            #expect(other.isProblem(415, "unsupported_media_type", field: "Content-Type"))
            let replaced = try await server.put(path, #"{"plan":"free"}"#)
            #expect(!replaced.has("name") && !replaced.has("metadata"))
            let new = try await server.send(.patch, "/v1/subjects/new", #"{"plan":"free"}"#)
            #expect(new.status == 201)

            let subscription = path + "/subscription"
            let missing = try await server.send(.patch, subscription, #"{"plan":"pro"}"#)
            #expect(missing.isProblem(404, "unknown_subscription"))
            _ = try await server.put(
                subscription,
                #"{"plan":"free","startsAt":"2026-01-01T00:00:00Z","externalIds":{"stripe":"cus_1"}}"#
            )
            let changed = try await server.send(.patch, subscription, #"{"plan":"pro"}"#)
            #expect(changed.text("plan") == "pro")
            #expect(changed.text("startsAt") == "2026-01-01T00:00:00.000Z")
            #expect(changed.text.contains("cus_1"))
            let mistake = try await server.send(.patch, subscription, #"{"colour":"red"}"#)
            #expect(mistake.isProblem(422, "unknown_field", field: "colour"))
            let unknown = try await server.send(.patch, "/v1/plans/none", #"{"rank":1}"#)
            #expect(unknown.isProblem(404, "unknown_plan"))
        }
    }

    @Test func `a subject tells the zones that it had`() async throws {
        try await TestServer.run { server in
            let path = "/v1/subjects/x"
            _ = try await server.put(path, #"{"timeZone":"Europe/Berlin"}"#)
            let changed = try await server.send(.patch, path, #"{"timeZone":"America/New_York"}"#)
            let former =
                #""formerZones":[{"timeZone":"Europe/Berlin","until":"2026-03-10T23:00:00.000Z"}]"#
            #expect(changed.status == 200 && changed.text.contains(former))
            #expect(try await server.get(path).text.contains(former))
            let written = try await server.put(path, #"{"formerZones":[]}"#)
            #expect(written.isProblem(422, "unknown_field", field: "formerZones"))
            let back = try await server.put(path, #"{"timeZone":"Europe/Berlin"}"#)
            #expect(back.status == 200 && !back.has("formerZones"))
        }
    }

    @Test func `answers say since when things are there, and a repeat says what the first did`()
        async throws
    {
        try await TestServer.run { server in
            let first = server.clock.now.rfc3339
            let path = "/v1/subjects/x"
            let key: HTTPFields = [try #require(HTTPField.Name("Idempotency-Key")): "k"]
            let put = try await server.put(path, #"{"name":"X"}"#, headers: key)
            #expect(put.text("createdAt") == first && put.text("updatedAt") == first)
            server.clock.advance(bySeconds: 60)
            let second = server.clock.now.rfc3339
            let patched = try await server.send(.patch, path, #"{"plan":"pro"}"#)
            #expect(patched.text("createdAt") == first && patched.text("updatedAt") == second)
            let again = try await server.put(path, #"{"name":"X"}"#, headers: key)
            #expect(again.header("Idempotency-Replayed") == "true" && again.text == put.text)
            // What was read can be written.
            let read = try await server.get(path)
            let written = try await server.put(path, read.text)
            #expect(written.header("Meterstone-Outcome") == "unchanged")
            #expect(written.text == read.text)
            let refused = try await server.send(.patch, path, #"{"createdAt":"\#(first)"}"#)
            #expect(refused.isProblem(422, "unknown_field", field: "createdAt"))

            _ = try await server.put(path + "/subscription", #"{"plan":"pro"}"#)
            for name in ["/v1/limits", "/v1/plans", "/v1/meters", "/v1/subjects"] {
                let list = try await server.get(name)
                #expect(list.text.contains(#""createdAt":"\#(first)""#), "\(name)")
            }
            for name in ["/v1/plans/pro", path + "/subscription"] {
                let one = try await server.get(name)
                #expect(one.has("createdAt") && one.has("updatedAt"), "\(name)")
            }
        }
    }

    @Test func `a subject has other keys, and another of its own`() async throws {
        try await TestServer.run { server in
            let path = "/v1/subjects/ann"
            let unknown = try await server.get(path + "/aliases")
            #expect(unknown.isProblem(404, "unknown_subject"))
            _ = try await server.put(path, #"{"name":"Ann"}"#)
            let added = try await server.send(.post, path + "/aliases", #"{"alias":"a/1"}"#)
            #expect(added.status == 201 && added.text == #"{"aliases":["a/1"]}"#)
            let again = try await server.send(.post, path + "/aliases", #"{"alias":"a/1"}"#)
            #expect(again.status == 200)
            let read = try await server.get("/v1/subjects/a%2F1")
            #expect(read.text("id") == "ann" && read.text("name") == "Ann")
            let renamed = try await server.send(.post, path + "/rename", #"{"to":"anna"}"#)
            #expect(renamed.status == 200 && renamed.text("id") == "anna")
            #expect(renamed.has("createdAt") && renamed.header("ETag") != nil)
            let list = try await server.get(path + "/aliases")
            #expect(list.text == #"{"aliases":["a/1","ann"]}"#)
            // What was read under one key can be written under another.
            let written = try await server.put(path, try await server.get(path).text)
            #expect(written.header("Meterstone-Outcome") == "unchanged")
            let patched = try await server.send(.patch, path, #"{"id":"ann","name":"A"}"#)
            #expect(patched.text("id") == "anna" && patched.text("name") == "A")
            let mistaken = try await server.put(path, #"{"id":"a/1"}"#)
            #expect(mistaken.isProblem(422, "invalid_field", field: "id"))
            let kept = try await server.delete("/v1/subjects/anna/aliases/ann")
            #expect(kept.isProblem(409, "in_use", field: "alias"))
            #expect(try await server.delete("/v1/subjects/anna/aliases/a%2F1").status == 204)
            let gone = try await server.delete("/v1/subjects/anna/aliases/a%2F1")
            #expect(gone.isProblem(404, "unknown_alias"))
            let nobody = try await server.send(.post, "/v1/subjects/x/rename", #"{"to":"y"}"#)
            #expect(nobody.isProblem(404, "unknown_subject"))
            let wrong = try await server.send(.post, path + "/rename", #"{"to":""}"#)
            #expect(wrong.status == 422)
        }
    }

    @Test func `a person is erased by who says the key twice, with their key and their tokens`()
        async throws
    {
        try await TestServer.run(key: "owner") { server in
            let path = "/v1/subjects/ann"
            _ = try await server.put(path + "/account", #"{"email":"ann@example.com"}"#)
            let key = try await server.post("/v1/keys", #"{"scopes":["read"],"subject":"ann"}"#)
            let token = try await server.post("/v1/tokens", #"{"subject":"ann","scopes":["read"]}"#)
            let secrets = [try #require(key.text("secret")), try #require(token.text("token"))]
            server.clock.advance(bySeconds: 2)
            for secret in secrets {
                let own = try await server.send(
                    .get, "/v1/me/account", headers: [.authorization: "Bearer \(secret)"])
                #expect(own.status == 200)
            }
            for body in [#"{"confirm":"bob"}"#, "{}"] {
                #expect(try await server.post(path + "/erase", body).status == 422, "\(body)")
            }
            let erased = try await server.post(path + "/erase", #"{"confirm":"ann"}"#)
            #expect(erased.status == 200 && erased.has("erasedAt") && !erased.has("account"))
            let id = try #require(erased.text("id"))
            #expect(id.hasPrefix("erased-") && id.count == 39)
            server.clock.advance(bySeconds: 1)
            for secret in secrets {
                let own = try await server.send(
                    .get, "/v1/me/account", headers: [.authorization: "Bearer \(secret)"])
                #expect(own.status == 401)
            }
            #expect(try await server.get(path).isProblem(404, "unknown_subject"))
            let again = try await server.post(path + "/erase", #"{"confirm":"ann"}"#)
            #expect(again.isProblem(404, "unknown_subject"))
            let left = try await server.put("/v1/subjects/\(id)", "{}")
            #expect(left.isProblem(409, "subject_erased", field: "subject"))
        }
    }

    @Test func `an addition is written, listed and ended`() async throws {
        try await TestServer.run { server in
            let path = "/v1/subjects/x/additions"
            let made = try await server.put(
                path + "/spring",
                #"{"limit":"prompts_daily","add":50,"until":"2100-01-01T00:00:00Z","reason":"sorry"}"#
            )
            #expect(made.status == 201 && made.text("reason") == "sorry" && made.has("from"))
            #expect(made.text("author") != nil)
            #expect(try await server.get(path + "/spring").text == made.text)
            let list = try await server.get(path)
            #expect(list.text.contains("spring") && list.text.contains("prompts_daily"))
            let subject = try await server.get("/v1/subjects/x")
            #expect(subject.text.contains("spring"))
            let elsewhere = try await server.put("/v1/subjects/x", #"{"additions":[]}"#)
            #expect(elsewhere.isProblem(422, "unknown_field", field: "additions"))
            #expect(try await server.delete(path + "/spring").status == 204)
            #expect(try await server.get(path + "/spring").isProblem(404, "unknown_addition"))
            #expect(try await server.delete(path + "/spring").isProblem(404, "unknown_addition"))
            #expect(try await server.get(path).text.contains("[]"))
        }
    }

    /// Bodies, and the field and the sentence that answer them.
    static let wrongBodies: [(path: String, body: String, field: String, detail: String)] = [
        (
            "/v1/subjects/u/subscription", #"{"plan":"pro","status":"odd"}"#, "status",
            "expected one of trialing, active, pastDue, unpaid, incomplete, paused, cancelled, expired"
        ),
        (
            "/v1/subjects/u/subscription", #"{"plan":"pro","externalIds":["x"]}"#, "externalIds",
            "expected an object"
        ),
        ("/v1/subjects/u", #"{"blocked":"yes"}"#, "blocked", "expected true or false"),
        ("/v1/subjects/u", #"{"name":5}"#, "name", "expected a text"),
        ("/v1/subjects/u", #"{"metadata":{"a":null}}"#, "metadata.a", "expected a text"),
        (
            "/v1/meters/m", #"{"aggregation":"avg"}"#, "aggregation",
            "expected one of sum, count, max, latest, uniqueCount, gauge, integral"
        ),
        ("/v1/meters/m", #"{"eventTypes":"a"}"#, "eventTypes", "expected an array"),
        (
            "/v1/meters/m", #"{"countedStatuses":["good"]}"#, "countedStatuses[0]",
            "expected one of success, failed, cancelled"
        ),
        (
            "/v1/limits/l", #"{"meter":"prompts","window":"day","mode":"hard"}"#, "mode",
            "expected one of enforce, soft, shadow, off"
        ),
        (
            "/v1/plans/p", #"{"billingPeriod":"week"}"#, "billingPeriod",
            "expected one of month, year"
        ),
        (
            "/v1/subjects/u/additions/a", #"{"limit":"l"}"#, "add",
            "expected one of set, add and atLeast"
        ),
        (
            "/v1/subjects/u/additions/a", #"{"limit":"l","add":1,"set":2}"#, "limit",
            "expected one of set, add and atLeast"
        ),
        (
            "/v1/subjects/u/additions/a", #"{"limit":"l","addOn":"x"}"#, "addOn",
            "expected a limit or an add-on, and not both"
        ),
        (
            "/v1/subjects/u/additions/a", #"{"addOn":"x","quantity":0}"#, "quantity",
            "expected a whole number from 1 to 1000000"
        ),
        (
            "/v1/subjects/u/additions/a",
            #"{"limit":"l","add":1,"from":"2026-03-02T00:00:00Z","until":"2026-03-01T00:00:00Z"}"#,
            "until", "expected later than from"
        ),
        (
            "/v1/limits/l", #"{"meter":"prompts","window":"day","addOns":{"x":0}}"#, "addOns",
            "expected whole numbers from 1, not 0 of 'x'"
        ),
        ("/v1/plans/p", #"{"rank":"first"}"#, "rank", "expected a whole number of 64 bits"),
    ]

    @Test func `a key in the body that is null is no other than that of the path`() async throws {
        try await TestServer.run { server in
            let answer = try await server.put(
                "/v1/subjects/u/additions/a", #"{"id":null,"limit":"l","add":1}"#)
            #expect(answer.isProblem(422, "unknown_limit", field: "limit"), "\(answer.text)")
            let other = try await server.put(
                "/v1/subjects/u/additions/a", #"{"id":"b","limit":"l","add":1}"#)
            #expect(other.isProblem(422, "invalid_field", field: "id"), "\(other.text)")
        }
    }

    @Test(arguments: wrongBodies)
    func `a mistake in a body is told in a sentence`(
        mistake: (path: String, body: String, field: String, detail: String)
    ) async throws {
        try await TestServer.run { server in
            let answer = try await server.put(mistake.path, mistake.body)
            #expect(answer.isProblem(422, "invalid_field", field: mistake.field))
            #expect(answer.text("detail") == mistake.detail)
        }
    }

    @Test func `a profile is written, read and put back`() async throws {
        try await TestServer.run { server in
            #expect(try await server.get("/v1/subjects/u").isProblem(404, "unknown_subject"))
            let made = try await server.put(
                "/v1/subjects/u",
                #"{"id":"u","plan":"pro","name":"Ü","metadata":{"a":"b"},"blocked":false}"#)
            #expect(made.status == 201 && made.text("plan") == "pro" && made.text("name") == "Ü")
            #expect(try await server.get("/v1/subjects/u").text == made.text)
            #expect(try await server.put("/v1/subjects/u", "{}").status == 200)
            #expect(try await server.get("/v1/subjects/u").has("plan") == false)
            #expect(try await server.put("/v1/subjects/u", #"{"plan":"pro"}"#).status == 200)
            #expect(try await server.delete("/v1/subjects/u").status == 204)
            #expect(try await server.delete("/v1/subjects/u").isProblem(404, "unknown_subject"))
        }
    }

    @Test(arguments: ["user@example.com", "a/b", "ümlaut 😀", "100%", "usage", "?x=1", "a+b", ".."])
    func `an id may be any text in its percent-encoded form`(id: String) async throws {
        let encoded = id.utf8.map { byte in
            let hex = String(byte, radix: 16, uppercase: true)
            return "%" + (hex.count == 1 ? "0" + hex : hex)
        }.joined()
        try await TestServer.run { server in
            let subject = try await server.put("/v1/subjects/\(encoded)", "{}")
            #expect(subject.text("id") == id)
            let limits = try await server.get("/v1/subjects/\(encoded)/limits")
            #expect(limits.text("subject") == id)
        }
    }

    static let mistakes: [(body: String, code: String, field: String)] = [
        (#"{"timeZone":"Mars/Olympus"}"#, "unknown_time_zone", "timeZone"),
        (#"{"plan":"nope"}"#, "unknown_plan", "plan"), (#"{"plan":""}"#, "invalid_field", "plan"),
        (#"{"parent":"u"}"#, "cyclic_parent", "parent"),
        (#"{"blocked":"yes"}"#, "invalid_field", "blocked"),
        (#"{"id":"other"}"#, "invalid_field", "id"), (#"{"tier":"x"}"#, "unknown_field", "tier"),
        (#"{"metadata":{"a":1}}"#, "invalid_field", "metadata.a"),
        (#"{"overrides":{}}"#, "unknown_field", "overrides"),
        (#"{"subscription":null}"#, "unknown_field", "subscription"),
    ]

    @Test(arguments: mistakes)
    func `a mistake names its field`(body: String, code: String, field: String) async throws {
        try await TestServer.run { server in
            let answer = try await server.put("/v1/subjects/u", body)
            #expect(answer.isProblem(422, code, field: field), "\(answer.text)")
        }
    }

    @Test func `subjects are listed by id, in pages`() async throws {
        try await TestServer.run { server in
            for id in ["c", "a", "e", "b", "d"] {
                _ = try await server.put("/v1/subjects/\(id)", "{}")
            }
            let first = try await server.get("/v1/subjects?count=2")
            #expect(first.items("subjects", "id") == ["a", "b"])
            let cursor = try #require(first.text("nextCursor"))
            let second = try await server.get("/v1/subjects?count=3&cursor=\(cursor)")
            #expect(second.items("subjects", "id") == ["c", "d", "e"])
            #expect(second.text("nextCursor") == nil)
        }
    }

    @Test func `a subscription decides the plan from its start`() async throws {
        try await TestServer.run { server in
            let path = "/v1/subjects/u/subscription"
            #expect(try await server.get(path).isProblem(404, "unknown_subject"))
            let made = try await server.put(
                path, #"{"plan":"pro","externalIds":{"stripe":"cus_1"}}"#)
            #expect(made.status == 201)
            #expect(made.text("startsAt") == "2026-03-10T12:00:00.000Z")
            #expect(made.text("status") == "active")
            #expect(try await server.get(path).text == made.text)
            server.clock.advance(bySeconds: 60)
            let again = try await server.put(
                path, #"{"plan":"pro","externalIds":{"stripe":"cus_1"}}"#)
            #expect(again.status == 200 && again.text == made.text, "a repeat starts anew")
            let consume = try await server.post(
                "/v1/consume", #"{"subject":"u","meter":"prompts"}"#)
            #expect(consume.items("limits", "allowance") == ["100"])
            let kept = try await server.put("/v1/subjects/u", #"{"name":"n"}"#)
            #expect(kept.has("subscription"), "writing a profile keeps the subscription")
            #expect(try await server.delete(path).status == 204)
            #expect(try await server.delete(path).isProblem(404, "unknown_subscription"))
            #expect(try await server.get(path).isProblem(404, "unknown_subscription"))
        }
    }

    static let subscriptionMistakes: [(body: String, code: String, field: String)] = [
        ("{}", "missing_field", "plan"), (#"{"plan":"nope"}"#, "unknown_plan", "plan"),
        (#"{"plan":"pro","startsAt":"now"}"#, "invalid_field", "startsAt"),
        (#"{"plan":"pro","status":"good"}"#, "invalid_field", "status"),
        (#"{"plan":"pro","expiresAt":"2020-01-01T00:00:00Z"}"#, "invalid_field", "expiresAt"),
        (#"{"plan":"pro","until":"2020-01-01T00:00:00Z"}"#, "unknown_field", "until"),
    ]

    @Test(arguments: subscriptionMistakes)
    func `a mistake in a subscription names its field`(
        body: String, code: String, field: String
    ) async throws {
        try await TestServer.run { server in
            let answer = try await server.put("/v1/subjects/u/subscription", body)
            #expect(answer.isProblem(422, code, field: field), "\(answer.text)")
        }
    }

    @Test func `an override comes before the plan`() async throws {
        try await TestServer.run { server in
            let path = "/v1/subjects/u/overrides/prompts_daily"
            #expect(try await server.get(path).isProblem(404, "unknown_subject"))
            let made = try await server.put(path, #"{"allowance":2}"#)
            #expect(made.status == 201)
            #expect(made.text == #"{"limit":"prompts_daily","allowance":2}"#)
            #expect(
                try await server.put(path, #"{"limit":"prompts_daily","allowance":3}"#).status
                    == 200)
            #expect(try await server.get(path).number("allowance") == 3)
            let list = try await server.get("/v1/subjects/u/overrides")
            #expect(list.items("overrides", "allowance") == ["3"])
            let consume = try await server.post(
                "/v1/consume", #"{"subject":"u","meter":"prompts","quantity":4}"#)
            #expect(consume.status == 429)
            #expect(try await server.delete(path).status == 204)
            #expect(try await server.delete(path).isProblem(404, "unknown_override"))
            #expect(try await server.get(path).isProblem(404, "unknown_override"))
            let unknown = try await server.put("/v1/subjects/u/overrides/nope", #"{"allowance":2}"#)
            #expect(unknown.isProblem(404, "unknown_limit", field: "limit"))
            let wrong = try await server.put(path, #"{"allowance":-5}"#)
            #expect(wrong.isProblem(422, "invalid_field", field: "allowance"))
        }
    }

    @Test func `usage has a point for each window`() async throws {
        try await TestServer.run { server in
            for (day, quantity) in [("08", 2), ("10", 3)] {
                _ = try await server.post(
                    "/v1/events",
                    #"{"subject":"u","quantities":{"prompts":\#(quantity)},"#
                        + #""occurredAt":"2026-03-\#(day)T10:00:00Z"}"#)
            }
            let path = "/v1/subjects/u/usage?meter=prompts&window=day"
            let answer = try await server.get(path + "&from=2026-03-08T00:00:00Z")
            #expect(answer.items("points", "quantity") == ["2", "0", "3"])
            #expect(answer.text("window") == "day" && answer.text("timeZone") == "UTC")
            let offset = try await server.get(
                path + "&from=2026-03-08T01:00:00+01:00&until=2026-03-09T00:00:00Z")
            #expect(offset.items("points", "quantity") == ["2"])
            #expect(try await server.get(path).items("points", "from").count == 30)
            let all = try await server.get("/v1/subjects/u/usage?meter=prompts&window=lifetime")
            #expect(all.items("points", "quantity") == ["5"])
        }
    }

    @Test func `limits are there before the first event`() async throws {
        try await TestServer.run { server in
            let answer = try await server.get("/v1/subjects/new/limits")
            #expect(answer.items("limits", "limit") == ["prompts_daily", "seconds_monthly"])
            #expect(answer.items("limits", "remaining") == ["10", "1000"])
        }
    }

    @Test func `events are listed newest first, in pages`() async throws {
        try await TestServer.run { server in
            for id in ["a", "b", "c"] {
                _ = try await server.post(
                    "/v1/events", #"{"id":"\#(id)","subject":"u","type":"prompt"}"#)
                server.clock.advance(bySeconds: 1)
            }
            let first = try await server.get("/v1/subjects/u/events?count=2")
            #expect(first.items("events", "id") == ["c", "b"])
            let cursor = try #require(first.text("nextCursor"))
            let second = try await server.get("/v1/subjects/u/events?count=2&cursor=\(cursor)")
            #expect(second.items("events", "id") == ["a"])
            #expect(second.text.contains(#""nextCursor":null"#))
            #expect(
                try await server.get("/v1/subjects/x/events").text
                    == #"{"events":[],"nextCursor":null}"#)
        }
    }
}
