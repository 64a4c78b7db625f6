import HTTPTypes
import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

@Suite struct ReservationRouteTests {
    private static let reserve =
        #"{"id":"r1","subject":"u","meter":"prompts","quantity":4,"expiresInSeconds":60}"#

    @Test func `what is reserved counts from the start`() async throws {
        try await TestServer.run { server in
            let answer = try await server.post("/v1/reservations", Self.reserve)
            #expect(answer.status == 200)
            #expect(answer.header("RateLimit") == #""prompts_daily";r=6;t=43200"#)
            #expect(answer.header("Idempotency-Replayed") == nil)
            #expect(
                answer.text == """
                    {"allowed":true,"duplicate":false,"reservation":\
                    {"id":"r1","subject":"u","status":"open","quantities":{"prompts":4},\
                    "reservedAt":"2026-03-10T12:00:00.000Z",\
                    "expiresAt":"2026-03-10T12:01:00.000Z","closedAt":null,"onExpiry":"release",\
                    "onOverage":"count"},"limits":[\
                    {"limit":"prompts_daily","meter":"prompts","window":"day","allowance":10,\
                    "used":4,"remaining":6,"resetsAt":"2026-03-11T00:00:00.000Z","mode":"enforce"}]}
                    """)
            let read = try await server.get("/v1/reservations/r1")
            #expect(read.status == 200 && read.text("status") == "open")
            let list = try await server.get("/v1/subjects/u/reservations")
            #expect(list.items("reservations", "id") == ["r1"])
            let events = try await server.get("/v1/subjects/u/events")
            #expect(
                events.text.contains(
                    #""reservation":{"status":"open","expiresAt":"2026-03-10T12:01:00.000Z"}"#))
        }
    }

    @Test func `a repeat gets the first answer, and another body is a conflict`() async throws {
        try await TestServer.run { server in
            let first = try await server.post("/v1/reservations", Self.reserve)
            let again = try await server.post("/v1/reservations", Self.reserve)
            #expect(again.header("Idempotency-Replayed") == "true")
            #expect(
                again.text
                    == first.text.replacing(#""duplicate":false"#, with: #""duplicate":true"#))
            let other = try await server.post(
                "/v1/reservations", #"{"id":"r1","subject":"u","meter":"prompts","quantity":5}"#)
            #expect(other.isProblem(409, "event_conflict", field: "id"))
        }
    }

    @Test func `an idempotency key stands in for the id`() async throws {
        try await TestServer.run { server in
            let body = #"{"subject":"u","meter":"prompts"}"#
            let headers: HTTPFields = [.idempotencyKey: "k"]
            for duplicate in [false, true] {
                let answer = try await server.post("/v1/reservations", body, headers: headers)
                #expect(answer.status == 200 && answer.boolean("duplicate") == duplicate)
            }
            #expect(try await server.get("/v1/reservations/k").text("id") == "k")
        }
    }

    @Test func `what does not fit is refused as a consume is`() async throws {
        try await TestServer.run { server in
            _ = try await server.post("/v1/reservations", Self.reserve)
            for path in ["/v1/reservations", "/v1/consume"] {
                let answer = try await server.post(
                    path, #"{"subject":"u","meter":"prompts","quantity":7}"#)
                #expect(answer.isProblem(429, "limit_exceeded"))
                #expect(answer.texts("violated") == ["prompts_daily"])
                #expect(answer.items("limits", "used") == ["4"])
            }
            _ = try await server.put("/v1/subjects/u", #"{"blocked":true}"#)
            let blocked = try await server.post(
                "/v1/reservations", #"{"subject":"u","meter":"prompts"}"#)
            #expect(blocked.isProblem(403, "subject_blocked"))
        }
    }

    @Test func `settling counts what was used, and again gets the first answer`() async throws {
        try await TestServer.run { server in
            _ = try await server.post("/v1/reservations", Self.reserve)
            server.clock.advance(bySeconds: 10)
            let body = #"{"quantities":{"prompts":3}}"#
            let answer = try await server.post("/v1/reservations/r1/settle", body)
            #expect(
                answer.text == """
                    {"duplicate":false,"reservation":\
                    {"id":"r1","subject":"u","status":"settled","quantities":{"prompts":3},\
                    "reservedAt":"2026-03-10T12:00:00.000Z",\
                    "expiresAt":"2026-03-10T12:01:00.000Z",\
                    "closedAt":"2026-03-10T12:00:10.000Z","onExpiry":"release",\
                    "onOverage":"count"},"limits":[\
                    {"limit":"prompts_daily","meter":"prompts","window":"day","allowance":10,\
                    "used":3,"remaining":7,"resetsAt":"2026-03-11T00:00:00.000Z","mode":"enforce"}]}
                    """)
            #expect(answer.header("RateLimit") == #""prompts_daily";r=7;t=43190"#)
            let again = try await server.post("/v1/reservations/r1/settle", body)
            #expect(again.status == 200 && again.boolean("duplicate") == true)
            #expect(again.header("Idempotency-Replayed") == "true")
            let short = try await server.post(
                "/v1/reservations/r1/settle", #"{"meter":"prompts","quantity":3}"#)
            #expect(short.boolean("duplicate") == true)
            let list = try await server.get("/v1/subjects/u/reservations")
            #expect(list.text == #"{"reservations":[]}"#)
        }
    }

    @Test func `settling without quantities counts what was set aside`() async throws {
        try await TestServer.run { server in
            _ = try await server.post("/v1/reservations", Self.reserve)
            let answer = try await server.post("/v1/reservations/r1/settle", "{}")
            #expect(answer.items("limits", "used") == ["4"])
        }
    }

    @Test func `releasing counts nothing`() async throws {
        try await TestServer.run { server in
            for (id, body) in [("a", "{}"), ("b", nil)] {
                _ = try await server.post(
                    "/v1/reservations",
                    #"{"id":"\#(id)","subject":"u","meter":"prompts","quantity":10}"#)
                let path = "/v1/reservations/\(id)/release"
                let answer = try await server.send(.post, path, body)
                #expect(answer.status == 200 && answer.items("limits", "used") == ["0"])
                let again = try await server.send(.post, path, body)
                #expect(again.header("Idempotency-Replayed") == "true")
            }
        }
    }

    @Test func `what was closed in another way is a conflict that shows it`() async throws {
        try await TestServer.run { server in
            _ = try await server.post("/v1/reservations", Self.reserve)
            _ = try await server.post("/v1/reservations/r1/release", "{}")
            let settled = try await server.post("/v1/reservations/r1/settle", "{}")
            #expect(settled.isProblem(409, "reservation_conflict"))
            #expect(
                settled.text.contains(
                    #""reservation":{"id":"r1","subject":"u","status":"released""#))
            let extended = try await server.post("/v1/reservations/r1/extend", "{}")
            #expect(extended.isProblem(409, "reservation_closed", field: "id"))
            let again = try await server.post("/v1/reservations", Self.reserve)
            // Nothing is set aside under its id any more, and nothing may be used.
            #expect(again.isProblem(409, "reservation_closed", field: "id"))
        }
    }

    @Test func `an expired reservation says so`() async throws {
        try await TestServer.run { server in
            _ = try await server.post("/v1/reservations", Self.reserve)
            server.clock.advance(bySeconds: 60)
            let read = try await server.get("/v1/reservations/r1")
            #expect(read.text("status") == "expired")
            #expect(read.text("closedAt") == "2026-03-10T12:01:00.000Z")
            // An end that comes late is taken, once.
            let settled = try await server.post("/v1/reservations/r1/settle", "{}")
            #expect(settled.status == 200)
            #expect(settled.text.contains(#""status":"settled""#))
            let other = try await server.post("/v1/reservations/r1/release", "{}")
            #expect(other.isProblem(409, "reservation_conflict"))
        }
    }

    @Test func `what counts at expiry and beyond what was set aside is up to the caller`()
        async throws
    {
        try await TestServer.run { server in
            _ = try await server.post(
                "/v1/reservations",
                """
                {"id":"c","subject":"u","meter":"prompts","quantity":2,"expiresInSeconds":1,\
                "onExpiry":"charge","onOverage":"cap"}
                """)
            _ = try await server.post(
                "/v1/reservations",
                """
                {"id":"d","subject":"u","meter":"prompts","quantity":2,"onExpiry":"chargeReported",\
                "onOverage":"cap"}
                """)
            server.clock.advance(bySeconds: 1)
            let capped = try await server.post(
                "/v1/reservations/d/settle", #"{"meter":"prompts","quantity":5}"#)
            #expect(capped.items("limits", "used") == ["4"])
            #expect(capped.text.contains(#""onExpiry":"chargeReported","onOverage":"cap""#))
        }
    }

    @Test func `what was cancelled counts as the reservation says`() async throws {
        try await TestServer.run { server in
            let reserved = try await server.post(
                "/v1/reservations",
                """
                {"id":"a","subject":"u","meter":"prompts","quantity":4,"onAbort":"told",\
                "abortMinimum":{"prompts":2},"levels":["project/x"]}
                """)
            #expect(reserved.status == 200)
            #expect(reserved.text.contains(#""onAbort":"told","abortMinimum":{"prompts":2}"#))
            #expect(reserved.items("limits", "used") == ["4", "4"])
            let settled = try await server.post(
                "/v1/reservations/a/settle",
                """
                {"quantities":{"prompts":1},"status":"cancelled","durationMs":1234,\
                "errorMessage":"boom","properties":{"tab":"closed"}}
                """)
            #expect(settled.status == 200 && settled.items("limits", "used") == ["2", "2"])
            let events = try await server.get("/v1/subjects/project%2Fx/events")
            #expect(events.text.contains(#""levels":["project/x"]"#))
            #expect(events.text.contains(#""status":"cancelled","durationMs":1234"#))
            for (body, field) in [
                (#"{"subject":"u","meter":"prompts","onAbort":"perhaps"}"#, "onAbort"),
                (#"{"subject":"u","meter":"prompts","abortMinimum":{"x":1}}"#, "abortMinimum.x"),
                (#"{"subject":"u","meter":"prompts","levels":"x"}"#, "levels"),
                (#"{"subject":"u","meter":"prompts","levels":["x","x"]}"#, "levels[1]"),
                (#"{"subject":"u","meter":"prompts","levels":[""]}"#, "levels[0]"),
                (
                    #"{"subject":"u","meter":"prompts","levels":[1,2,3,4,5,6,7,8,9]}"#,
                    "levels[0]"
                ),
                (
                    "{\"subject\":\"u\",\"meter\":\"prompts\",\"levels\":"
                        + "[\((1...9).map { "\"\($0)\"" }.joined(separator: ","))]}", "levels"
                ),
            ] {
                let answer = try await server.post("/v1/reservations", body)
                #expect(answer.status == 422 && answer.text("field") == field, "\(body)")
            }
            let late = try await server.post(
                "/v1/reservations/a/settle", #"{"levels":["project/y"]}"#)
            #expect(late.isProblem(422, "unknown_field", field: "levels"))
        }
    }

    @Test func `an extension gives more time and units, and notes what was used`() async throws {
        try await TestServer.run { server in
            _ = try await server.post("/v1/reservations", Self.reserve)
            server.clock.advance(bySeconds: 30)
            let answer = try await server.post(
                "/v1/reservations/r1/extend",
                #"{"expiresInSeconds":90,"quantities":{"prompts":6},"reported":{"prompts":2}}"#)
            #expect(answer.status == 200 && answer.items("limits", "used") == ["6"])
            #expect(answer.text.contains(#""expiresAt":"2026-03-10T12:02:00.000Z""#))
            #expect(answer.text.contains(#""quantities":{"prompts":6},"reported":{"prompts":2}"#))
            let more = try await server.post(
                "/v1/reservations/r1/extend", #"{"quantities":{"prompts":11}}"#)
            #expect(more.isProblem(429, "limit_exceeded"))
            let less = try await server.post(
                "/v1/reservations/r1/extend", #"{"quantities":{"prompts":5}}"#)
            #expect(less.isProblem(422, "invalid_field", field: "quantities.prompts"))
        }
    }

    @Test func `ids are told apart by their source`() async throws {
        try await TestServer.run { server in
            _ = try await server.post(
                "/v1/reservations",
                #"{"id":"r","subject":"u","meter":"prompts","source":"a/b"}"#)
            #expect(
                try await server.get("/v1/reservations/r").isProblem(404, "unknown_reservation"))
            let read = try await server.get("/v1/reservations/r?source=a/b")
            #expect(read.status == 200 && read.text("source") == "a/b")
            for verb in ["extend", "settle"] {
                let answer = try await server.post(
                    "/v1/reservations/r/\(verb)?source=a%2Fb", "{}")
                #expect(answer.status == 200, "\(verb): \(answer.text)")
            }
        }
    }

    @Test func `an id that nobody reserved is unknown`() async throws {
        try await TestServer.run { server in
            _ = try await server.post(
                "/v1/consume", #"{"id":"plain","subject":"u","meter":"prompts"}"#)
            for id in ["nobody", "plain"] {
                let read = try await server.get("/v1/reservations/\(id)")
                #expect(read.isProblem(404, "unknown_reservation"))
                for verb in ["extend", "settle", "release"] {
                    let answer = try await server.post("/v1/reservations/\(id)/\(verb)", "{}")
                    #expect(answer.isProblem(404, "unknown_reservation", field: "id"))
                }
            }
        }
    }

    @Test func `an open reservation is neither voided nor amended`() async throws {
        try await TestServer.run { server in
            _ = try await server.post("/v1/reservations", Self.reserve)
            let voided = try await server.post("/v1/events/r1/void", #"{"reason":"x"}"#)
            #expect(voided.isProblem(409, "reservation_open", field: "id"))
        }
    }

    @Test func `a subject has a bounded number of open reservations`() async throws {
        var options = StoreOptions()
        options.openReservationsMax = 2
        try await TestServer.run(store: options) { server in
            let body = #"{"subject":"u","meter":"prompts"}"#
            for _ in 0..<2 {
                #expect(try await server.post("/v1/reservations", body).status == 200)
            }
            let answer = try await server.post("/v1/reservations", body)
            #expect(answer.isProblem(429, "too_many_reservations", field: "subject"))
            #expect(try await server.post("/v1/consume", body).status == 200)
        }
    }

    static let mistakes: [(path: String, body: String, status: Int, code: String, field: String?)] =
        [
            ("", "{", 400, "malformed", nil), ("", "[]", 422, "invalid_field", nil),
            ("", "{}", 422, "missing_field", "subject"),
            ("", #"{"subject":"u"}"#, 422, "missing_field", "quantities"),
            (
                "", #"{"subject":"u","meter":"prompts","expiresInSeconds":0}"#, 422,
                "invalid_field", "expiresInSeconds"
            ),
            (
                "", #"{"subject":"u","meter":"prompts","expiresInSeconds":2592001}"#, 422,
                "invalid_field", "expiresInSeconds"
            ),
            (
                "", #"{"subject":"u","meter":"prompts","expiresInSeconds":"60"}"#, 422,
                "invalid_field", "expiresInSeconds"
            ),
            (
                "", #"{"subject":"u","meter":"prompts","onExpiry":"keep"}"#, 422, "invalid_field",
                "onExpiry"
            ),
            (
                "", #"{"subject":"u","meter":"prompts","onOverage":5}"#, 422, "invalid_field",
                "onOverage"
            ),
            (
                "", #"{"subject":"u","meter":"prompts","expires":5}"#, 422, "unknown_field",
                "expires"
            ),
            (
                "", #"{"subject":"u","meter":"prompts","specversion":"1.0"}"#, 422,
                "unknown_field", "specversion"
            ),
            ("", #"{"subject":"u","meter":"nope"}"#, 422, "unknown_meter", "meter"),
            (
                "", #"{"subject":"u","quantities":{"nope":1}}"#, 422, "unknown_meter",
                "quantities.nope"
            ),
            ("/r1/extend", #"{"quantity":1}"#, 422, "unknown_field", "quantity"),
            ("/r1/extend", #"{"reported":[]}"#, 422, "invalid_field", "reported"),
            ("/r1/extend", "", 400, "malformed", nil),
            ("/r1/settle", #"{"subject":"u"}"#, 422, "unknown_field", "subject"),
            ("/r1/settle", #"{"quantity":1}"#, 422, "missing_field", "meter"),
            (
                "/r1/settle", #"{"meter":"prompts","quantities":{"prompts":1}}"#, 422,
                "invalid_field", "meter"
            ),
            ("/r1/settle", #"{"meter":"nope","quantity":1}"#, 422, "unknown_meter", "meter"),
            (
                "/r1/settle", #"{"quantities":{"prompts":-1}}"#, 422, "invalid_field",
                "quantities.prompts"
            ),
            ("/r1/release", #"{"quantities":{}}"#, 422, "unknown_field", "quantities"),
            ("/r1/release", "5", 422, "invalid_field", nil),
        ]

    @Test(arguments: mistakes)
    func `a mistake names its field and changes nothing`(
        path: String, body: String, status: Int, code: String, field: String?
    ) async throws {
        try await TestServer.run { server in
            _ = try await server.post("/v1/reservations", Self.reserve)
            let answer = try await server.post("/v1/reservations\(path)", body)
            #expect(answer.isProblem(status, code, field: field), "\(answer.text)")
            let list = try await server.get("/v1/subjects/u/reservations")
            #expect(list.items("reservations", "id") == ["r1"])
        }
    }

    @Test func `terms are no business of a consume`() async throws {
        try await TestServer.run { server in
            for path in ["/v1/consume", "/v1/check", "/v1/events"] {
                let answer = try await server.post(
                    path, #"{"subject":"u","meter":"prompts","expiresInSeconds":60}"#)
                #expect(answer.isProblem(422, "unknown_field", field: "expiresInSeconds"))
            }
        }
    }

    @Test func `limits per request and of concurrency bound reservations`() async throws {
        try await TestServer.run { server in
            for (key, window) in [("each", "request"), ("open", "concurrent")] {
                let limit = try await server.put(
                    "/v1/limits/\(key)",
                    #"{"meter":"seconds","window":"\#(window)","defaultAllowance":5}"#)
                #expect(limit.status == 201 && limit.text("window") == window)
            }
            func reserve(_ quantity: Int) async throws -> Answer {
                try await server.post(
                    "/v1/reservations",
                    #"{"subject":"u","meter":"seconds","quantity":\#(quantity)}"#)
            }
            #expect(try await reserve(6).isProblem(429, "limit_exceeded"))
            let first = try await reserve(5)
            #expect(first.status == 200)
            #expect(
                first.header("RateLimit-Policy")
                    == #""each";q=5, "open";q=5, "seconds_monthly";q=1000"#)
            #expect(try await reserve(1).texts("violated") == ["open"])
        }
    }
}
