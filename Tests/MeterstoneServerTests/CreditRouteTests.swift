import HTTPTypes
import Meterstone
import MeterstoneCore
import MeterstoneTesting
import Testing

@Suite struct CreditRouteTests {
    /// As ``TestServer/blueprint``, with a price of 10 credits a prompt.
    static var priced: Blueprint {
        var blueprint = TestServer.blueprint
        blueprint.credits = CreditPolicy(prices: [TestServer.prompts: 10])
        return blueprint
    }

    private static let credits = "/v1/subjects/u/credits"

    @discardableResult
    private func grant(
        _ server: TestServer, _ body: String, headers: HTTPFields = [:]
    ) async throws -> Answer {
        try await server.post(Self.credits + "/grants", body, headers: headers)
    }

    // MARK: Grants

    @Test func `a grant can be spent, and says what there is`() async throws {
        try await TestServer.run(blueprint: Self.priced) { server in
            let made = try await grant(
                server,
                """
                {"id":"g1","amount":100,"priority":7,"expiresAt":"2026-04-01T00:00:00Z",\
                "source":"purchase","reference":"pay-1","metadata":{"b":"2","a":"1"}}
                """)
            #expect(made.status == 201)
            #expect(
                made.text == """
                    {"grant":{"id":"g1","amount":100,"priority":7,\
                    "effectiveAt":"2026-03-10T12:00:00.000Z",\
                    "expiresAt":"2026-04-01T00:00:00.000Z","source":"purchase",\
                    "reference":"pay-1","metadata":{"a":"1","b":"2"}},"balance":100}
                    """)
            let consumed = try await server.post(
                "/v1/consume", #"{"id":"e1","subject":"u","meter":"prompts","quantity":3}"#)
            #expect(consumed.text.hasSuffix(#""credits":{"amount":30,"balance":70}}"#))
            let wallet = try await server.get(Self.credits)
            #expect(
                wallet.text == """
                    {"balance":70,"held":0,"debt":0,"shortfall":0,"lifetimeEarned":100,\
                    "lifetimeSpent":30,\
                    "expired":0,"voided":0,"grants":[{"id":"g1","amount":100,"priority":7,\
                    "effectiveAt":"2026-03-10T12:00:00.000Z",\
                    "expiresAt":"2026-04-01T00:00:00.000Z","source":"purchase",\
                    "reference":"pay-1","metadata":{"a":"1","b":"2"},"remaining":70,"held":0,\
                    "scheduled":false,"number":1,"createdAt":"2026-03-10T12:00:00.000Z",\
                    "updatedAt":"2026-03-10T12:00:00.000Z"}]}
                    """)
            let events = try await server.get("/v1/subjects/u/events")
            #expect(events.text.contains(#""credits":{"amount":30,"balance":70}"#))
        }
    }

    @Test func `what is left out of a grant has defaults`() async throws {
        try await TestServer.run { server in
            let made = try await grant(server, #"{"amount":5}"#)
            #expect(made.status == 201 && made.number("balance") == 5)
            #expect(made.text.contains(#""priority":100"#))
            #expect(made.text.contains(#""expiresAt":null,"source":"adjustment"},"balance":5"#))
        }
    }

    @Test func `the same grant again changes nothing, and another under its id is refused`()
        async throws
    {
        try await TestServer.run(blueprint: Self.priced) { server in
            let body = #"{"id":"g","amount":10}"#
            let made = try await grant(server, body)
            let again = try await grant(server, body)
            #expect(again.status == 200 && again.text == made.text)
            _ = try await server.post("/v1/consume", #"{"subject":"u","meter":"prompts"}"#)
            let used = try await grant(server, body)
            #expect(
                used.status == 200
                    && used.text
                        == made.text.replacing(#""balance":10"#, with: #""balance":0"#)
            )
            let other = try await grant(server, #"{"id":"g","amount":11}"#)
            #expect(other.isProblem(409, "duplicate_grant", field: "id"))
        }
    }

    @Test func `what is given once per person is not had again after an erasure`() async throws {
        try await TestServer.run { server in
            let body = #"{"id":"welcome","amount":5,"oncePerPerson":true}"#
            let account = #"{"email":"ann@example.com"}"#
            let nobody = try await grant(server, body)
            #expect(nobody.isProblem(422, "invalid_field", field: "oncePerPerson"))
            for status in [201, 409] {
                #expect(try await server.put("/v1/subjects/u/account", account).status == 201)
                let made = try await grant(server, body)
                #expect(made.status == status)
                if status == 409 {
                    #expect(made.isProblem(409, "duplicate_grant", field: "id"))
                }
                let erased = try await server.post("/v1/subjects/u/erase", #"{"confirm":"u"}"#)
                #expect(erased.status == 200)
            }
            let notes = try await server.get("/v1/changes?kind=givenOnce")
            #expect(notes.status == 200 && !notes.text.contains("ann@example.com"))
        }
    }

    @Test func `an idempotency key gives the first answer again`() async throws {
        try await TestServer.run { server in
            let headers: HTTPFields = [.idempotencyKey: "k", .author: "ann"]
            let first = try await grant(server, #"{"amount":5}"#, headers: headers)
            let again = try await grant(server, #"{"amount":5}"#, headers: headers)
            #expect(again.status == 201 && again.text == first.text)
            #expect(again.header("Idempotency-Replayed") == "true")
            let other = try await grant(server, #"{"amount":6}"#, headers: headers)
            #expect(other.isProblem(409, "idempotency_conflict", field: "Idempotency-Key"))
            #expect(try await server.get(Self.credits).number("balance") == 5)
            let log = try await server.get("/v1/changes?count=1")
            #expect(log.items("changes", "author") == ["ann"])
            #expect(log.items("changes", "kind") == ["creditGrant"])
        }
    }

    @Test func `a grant for later is scheduled`() async throws {
        try await TestServer.run { server in
            let made = try await grant(
                server, #"{"amount":5,"effectiveAt":"2026-03-11T00:00:00Z"}"#)
            #expect(made.status == 201 && made.number("balance") == 0)
            let before = try await server.get(Self.credits)
            #expect(before.text.contains(#""scheduled":true"#))
            server.clock.advance(bySeconds: 86_400)
            #expect(try await server.get(Self.credits).number("balance") == 5)
        }
    }

    // MARK: Spending

    @Test func `without credits a consume is refused with 402 and says what it costs`() async throws
    {
        try await TestServer.run(blueprint: Self.priced) { server in
            try await grant(server, #"{"amount":15}"#)
            let body = #"{"subject":"u","meter":"prompts","quantity":2}"#
            for path in ["/v1/consume", "/v1/reservations"] {
                let answer = try await server.post(path, body)
                #expect(answer.isProblem(402, "insufficient_credits"))
                #expect(answer.text("detail") == "20 credits are needed, 15 are left")
                #expect(answer.text.contains(#""credits":{"amount":20,"balance":15}"#))
                #expect(answer.items("limits", "used") == ["0"])
            }
            let check = try await server.post("/v1/check", body)
            #expect(check.status == 200 && check.text("code") == "insufficient_credits")
            #expect(check.text.contains(#""credits":{"amount":20,"balance":15}"#))
            let less = try await server.post("/v1/check", #"{"subject":"u","meter":"prompts"}"#)
            #expect(less.boolean("allowed") == true)
            #expect(less.text.contains(#""credits":{"amount":10,"balance":5}"#))
        }
    }

    @Test func `a reservation holds credits until it is settled`() async throws {
        try await TestServer.run(blueprint: Self.priced) { server in
            try await grant(server, #"{"amount":100}"#)
            let reserved = try await server.post(
                "/v1/reservations", #"{"id":"r","subject":"u","meter":"prompts","quantity":5}"#)
            #expect(reserved.text.hasSuffix(#""credits":{"amount":50,"balance":50}}"#))
            let wallet = try await server.get(Self.credits)
            #expect(wallet.number("held") == 50 && wallet.number("balance") == 50)
            let extended = try await server.post(
                "/v1/reservations/r/extend", #"{"quantities":{"prompts":6}}"#)
            #expect(extended.text.hasSuffix(#""credits":{"amount":60,"balance":40}}"#))
            let settled = try await server.post(
                "/v1/reservations/r/settle", #"{"meter":"prompts","quantity":2}"#)
            #expect(settled.text.hasSuffix(#""credits":{"amount":20,"balance":80}}"#))
            #expect(try await server.get(Self.credits).number("held") == 0)
        }
    }

    // MARK: Entries

    @Test func `the ledger is read in pages, and each entry seals the one before`() async throws {
        try await TestServer.run(blueprint: Self.priced) { server in
            try await grant(
                server, #"{"id":"g","amount":100,"reference":"pay"}"#, headers: [.author: "ann"])
            _ = try await server.post(
                "/v1/consume", #"{"id":"e1","subject":"u","meter":"prompts"}"#)
            _ = try await server.send(.delete, Self.credits + "/grants/g?reason=mistake")
            let all = try await server.get(Self.credits + "/entries")
            #expect(all.items("entries", "kind") == ["void", "spend", "grant"])
            #expect(all.items("entries", "amount") == ["-90", "-10", "100"])
            #expect(all.items("entries", "balanceAfter") == ["0", "90", "100"])
            #expect(all.items("entries", "reference") == ["pay", "e1", "pay"])
            #expect(all.items("entries", "note") == ["mistake", "-", "-"])
            #expect(all.items("entries", "author") == ["administrator", "-", "ann"])
            #expect(
                all.text.contains(
                    #""allocations":[{"grant":1,"units":10,"priority":100,"expiresAt":null}]"#))
            let seals = all.items("entries", "seal")
            let previous = all.items("entries", "previousSeal")
            #expect(Array(seals.dropFirst()) == Array(previous.dropLast()))
            #expect(previous.last == String(repeating: "0", count: 64))
            #expect(seals.allSatisfy { $0.count == 64 })

            var sequences: [String] = []
            var path = Self.credits + "/entries?count=2"
            for _ in 0..<3 {
                let page = try await server.get(path)
                sequences += page.items("entries", "sequence")
                guard let cursor = page.text("nextCursor") else { break }
                path = Self.credits + "/entries?count=2&cursor=\(cursor)"
            }
            #expect(sequences == all.items("entries", "sequence") && sequences.count == 3)
        }
    }

    @Test func `a subject that was never seen has no credits and no entries`() async throws {
        try await TestServer.run { server in
            let wallet = try await server.get(Self.credits)
            #expect(
                wallet.text
                    == #"{"balance":0,"held":0,"debt":0,"shortfall":0,"lifetimeEarned":0,"#
                    + #""lifetimeSpent":0,"expired":0,"voided":0,"grants":[]}"#)
            let ledger = try await server.get(Self.credits + "/entries")
            #expect(ledger.text == #"{"entries":[],"nextCursor":null}"#)
        }
    }

    // MARK: Voids and refunds

    @Test func `a void takes back what is left, once`() async throws {
        try await TestServer.run(blueprint: Self.priced) { server in
            try await grant(server, #"{"id":"g","amount":100}"#)
            _ = try await server.post("/v1/consume", #"{"subject":"u","meter":"prompts"}"#)
            let path = Self.credits + "/grants/g"
            let body = #"{"reason":"charged back"}"#
            let voided = try await server.send(.delete, path, body)
            #expect(voided.status == 200)
            #expect(voided.number("amount") == 90 && voided.number("balance") == 0)
            #expect(voided.text.hasPrefix(#"{"grant":{"id":"g","amount":100,"#))
            let again = try await server.send(.delete, path, body)
            #expect(again.status == 200 && again.number("amount") == 0)
            #expect(again.text.hasPrefix(#"{"grant":{"id":"g","amount":100,"#))
            let unknown = try await server.send(.delete, Self.credits + "/grants/x", body)
            #expect(unknown.isProblem(404, "unknown_grant", field: "id"))
        }
    }

    @Test func `a void repeated with its key gets the first answer`() async throws {
        try await TestServer.run { server in
            try await grant(server, #"{"id":"g","amount":100}"#)
            let path = Self.credits + "/grants/g?reason=x"
            let first = try await server.delete(path, headers: [.idempotencyKey: "k"])
            let again = try await server.delete(path, headers: [.idempotencyKey: "k"])
            #expect(first.number("amount") == 100 && again.text == first.text)
            #expect(again.header("Idempotency-Replayed") == "true")
        }
    }

    @Test func `a void needs one reason`() async throws {
        try await TestServer.run { server in
            try await grant(server, #"{"id":"g","amount":100}"#)
            let path = Self.credits + "/grants/g"
            #expect(
                try await server.delete(path).isProblem(422, "missing_field", field: "reason"))
            for (query, body) in [
                ("", "{}"), ("", #"{"reason":null}"#),
            ] {
                let answer = try await server.send(.delete, path + query, body)
                #expect(answer.isProblem(422, "missing_field", field: "reason"))
            }
            for (query, body) in [
                ("?reason=a", #"{"reason":"b"}"#), ("?reason=", nil), ("", #"{"reason":""}"#),
                ("?reason=%00", nil), ("", #"{"reason":5}"#),
            ] {
                let answer = try await server.send(.delete, path + query, body)
                #expect(answer.isProblem(422, "invalid_field", field: "reason"), "\(query)")
            }
            #expect(try await server.get(Self.credits).number("balance") == 100)
        }
    }

    @Test func `a refund gives back what was spent, once`() async throws {
        try await TestServer.run(blueprint: Self.priced) { server in
            try await grant(server, #"{"amount":100}"#)
            _ = try await server.post(
                "/v1/consume", #"{"id":"e1","subject":"u","meter":"prompts","quantity":4}"#)
            let path = Self.credits + "/refunds"
            let headers: HTTPFields = [.idempotencyKey: "k"]
            let body = #"{"reference":"e1","reason":"failed"}"#
            let first = try await server.post(path, body, headers: headers)
            #expect(first.status == 200 && first.text == #"{"amount":40,"balance":100}"#)
            let again = try await server.post(path, body, headers: headers)
            #expect(again.text == first.text && again.header("Idempotency-Replayed") == "true")
            let other = try await server.post(path, #"{"reference":"e1"}"#)
            #expect(other.isProblem(409, "already_refunded", field: "reference"))
            let unknown = try await server.post(path, #"{"reference":"e2"}"#)
            #expect(unknown.isProblem(404, "unknown_reference", field: "reference"))
            let wallet = try await server.get(Self.credits)
            #expect(wallet.number("lifetimeEarned") == 100 && wallet.number("lifetimeSpent") == 0)
        }
    }

    static let mistakes: [(path: String, body: String, status: Int, code: String, field: String?)] =
        [
            ("grants", "{", 400, "malformed", nil),
            ("grants", "{}", 422, "missing_field", "amount"),
            ("grants", #"{"amount":0}"#, 422, "invalid_field", "amount"),
            ("grants", #"{"amount":-5}"#, 422, "invalid_field", "amount"),
            ("grants", #"{"amount":1.5}"#, 422, "invalid_field", "amount"),
            ("grants", #"{"amount":1000000000001}"#, 422, "invalid_field", "amount"),
            ("grants", #"{"amount":1,"units":1}"#, 422, "unknown_field", "units"),
            ("grants", #"{"amount":1,"id":""}"#, 422, "invalid_field", "id"),
            ("grants", #"{"amount":1,"priority":1001}"#, 422, "invalid_field", "priority"),
            ("grants", #"{"amount":1,"source":"gift"}"#, 422, "invalid_field", "source"),
            ("grants", #"{"amount":1,"reference":""}"#, 422, "invalid_field", "reference"),
            (
                "grants", #"{"amount":1,"expiresAt":"2026-03-10T12:00:00Z"}"#, 422,
                "invalid_field", "expiresAt"
            ),
            (
                "grants", #"{"amount":1,"metadata":{"a":1}}"#, 422, "invalid_field", "metadata.a"
            ),
            ("refunds", "{}", 422, "missing_field", "reference"),
            ("refunds", #"{"reference":""}"#, 422, "invalid_field", "reference"),
            ("refunds", #"{"reference":"e","amount":1}"#, 422, "unknown_field", "amount"),
            ("refunds", #"{"reference":"e","reason":""}"#, 422, "invalid_field", "reason"),
        ]

    @Test(arguments: mistakes)
    func `a mistake names its field and changes nothing`(
        path: String, body: String, status: Int, code: String, field: String?
    ) async throws {
        try await TestServer.run { server in
            let answer = try await server.post("\(Self.credits)/\(path)", body)
            #expect(answer.isProblem(status, code, field: field), "\(answer.text)")
            let entries = try await server.get(Self.credits + "/entries")
            #expect(entries.items("entries", "kind").isEmpty)
        }
    }
}
