import HTTPTypes
import MeterstoneTesting
import Testing

@Suite struct CatalogRouteTests {
    static let collections: [(name: String, body: String, changed: String)] = [
        ("meters", #"{"unit":"MB"}"#, #"{"unit":"GB"}"#),
        ("plans", #"{"rank":3,"name":"Team"}"#, #"{"rank":4}"#),
        (
            "models", #"{"prices":[{"input":30000000,"output":60000000}]}"#,
            #"{"prices":[{"input":1,"output":2,"cached":0,"reasoning":3}]}"#
        ),
        (
            "limits", #"{"meter":"prompts","window":"hour","allowances":{"free":5,"pro":-1}}"#,
            #"{"meter":"prompts","window":"hour","allowances":{"free":6},"mode":"soft"}"#
        ),
    ]

    @Test(arguments: collections)
    func `a thing is made, read, changed, listed and deleted`(
        name: String, body: String, changed: String
    ) async throws {
        try await TestServer.run { server in
            let path = "/v1/\(name)/extra"
            let code = "unknown_\(name.dropLast())"
            #expect(try await server.get(path).isProblem(404, code))
            let made = try await server.put(path, body)
            #expect(made.status == 201 && made.text("key") == "extra")
            let read = try await server.get(path)
            #expect(read.status == 200 && read.text == made.text)
            #expect(try await server.put(path, body).status == 200)
            let written = try await server.put(path, changed)
            #expect(written.status == 200)
            #expect(try await server.get(path).text == written.text)
            let list = try await server.get("/v1/\(name)")
            #expect(list.items(name, "key").contains("extra"))
            #expect(list.items(name, "key") == list.items(name, "key").sorted())
            let gone = try await server.delete(path)
            #expect(gone.status == 204 && gone.text.isEmpty)
            #expect(try await server.delete(path).isProblem(404, code))
        }
    }

    @Test(arguments: collections)
    func `a collection is read in pages`(
        name: String, body: String, changed: String
    ) async throws {
        try await TestServer.run { server in
            for key in ["a", "b", "c", "d", "e"] {
                _ = try await server.put("/v1/\(name)/\(key)", body)
            }
            let all = try await server.get("/v1/\(name)").items(name, "key")
            var keys: [String] = []
            var path = "/v1/\(name)?count=3"
            for _ in 0..<10 {
                let page = try await server.get(path)
                keys += page.items(name, "key")
                guard let cursor = page.text("nextCursor") else { break }
                path = "/v1/\(name)?count=3&cursor=\(cursor)"
            }
            #expect(keys == all && keys.count == (name == "models" ? 5 : 7))
        }
    }

    static let mistakes: [(path: String, body: String, status: Int, code: String, field: String?)] =
        [
            ("limits/x", "{}", 422, "missing_field", "meter"),
            ("limits/x", #"{"meter":"nope","window":"day"}"#, 422, "unknown_meter", "meter"),
            (
                "limits/x", #"{"meter":"prompts","window":"rolling:0"}"#, 422, "invalid_field",
                "window"
            ),
            (
                "limits/x", #"{"key":"y","meter":"prompts","window":"day"}"#, 422, "invalid_field",
                "key"
            ),
            (
                "limits/x", #"{"meter":"prompts","window":"day","allowance":5}"#, 422,
                "unknown_field",
                "allowance"
            ),
            (
                "limits/x", #"{"meter":"prompts","window":"day","allowances":{"free":-2}}"#, 422,
                "invalid_field", "allowances.free"
            ),
            ("limits/a%20b", #"{"meter":"prompts","window":"day"}"#, 422, "invalid_field", "key"),
            ("limits/x", "{", 400, "malformed", nil),
            (
                "meters/x", #"{"aggregation":"uniqueCount"}"#, 422, "missing_field",
                "uniqueDimension"
            ),
            ("meters/x", #"{"aggregation":"median"}"#, 422, "invalid_field", "aggregation"),
            ("plans/x", #"{"isDefault":true}"#, 422, "invalid_field", "isDefault"),
            ("plans/x", #"{"rank":1.5}"#, 422, "invalid_field", "rank"),
            (
                "plans/x", #"{"onUpgrade":{"when":"now"}}"#, 422, "unknown_field",
                "onUpgrade.when"
            ),
        ]

    @Test(arguments: mistakes)
    func `a mistake names its field`(
        path: String, body: String, status: Int, code: String, field: String?
    ) async throws {
        try await TestServer.run { server in
            let answer = try await server.put("/v1/\(path)", body)
            #expect(answer.isProblem(status, code, field: field), "\(answer.text)")
        }
    }

    @Test func `a limit says which plans of its rollout do not exist`() async throws {
        try await TestServer.run { server in
            let path = "/v1/limits/exports_daily"
            func put(_ plans: String, _ more: String = "") async throws -> Answer {
                try await server.put(
                    path,
                    #"{"meter":"prompts","window":"day","rollout":{"plans":[\#(plans)]}\#(more)}"#)
            }
            let first = try await put(#""pro","prp""#)
            #expect(first.status == 201, "\(first.text)")
            #expect(first.text.contains(#""unknownPlans":["prp"]"#), "\(first.text)")
            let known = try await server.get(path)
            #expect(known.text.contains(#""unknownPlans":["prp"]"#))
            // What was read can be written.
            #expect(try await server.put(path, known.text).status == 200)
            // Nobody can be on it: the rollout makes no plan known.
            let on = try await server.put("/v1/subjects/ann", #"{"plan":"prp"}"#)
            #expect(on.isProblem(422, "unknown_plan", field: "plan"), "\(on.text)")
            // A limit that says what the plan allows makes it known.
            let named = try await put(#""prp""#, #","allowances":{"prp":3}"#)
            #expect(!named.text.contains("unknownPlans"), "\(named.text)")
            #expect(try await put(#""prp""#).text.contains("unknownPlans"))
            _ = try await server.put("/v1/plans/prp", "{}")
            #expect(try await !server.get(path).text.contains("unknownPlans"))
        }
    }

    @Test func `what is in use is not deleted`() async throws {
        try await TestServer.run { server in
            let answer = try await server.delete("/v1/meters/prompts")
            #expect(answer.isProblem(409, "in_use", field: "key"))
        }
    }

    @Test func `an idempotency key gives the first answer again`() async throws {
        try await TestServer.run { server in
            let headers: HTTPFields = [.idempotencyKey: "k"]
            let first = try await server.put("/v1/meters/x", "{}", headers: headers)
            #expect(first.status == 201 && first.header("Idempotency-Replayed") == nil)
            let again = try await server.put("/v1/meters/x", "{}", headers: headers)
            #expect(again.status == 201 && again.header("Idempotency-Replayed") == "true")
            let other = try await server.put("/v1/meters/y", "{}", headers: headers)
            #expect(other.isProblem(409, "idempotency_conflict", field: "Idempotency-Key"))
            let gone = try await server.delete("/v1/meters/x", headers: [.idempotencyKey: "d"])
            let goneAgain = try await server.delete("/v1/meters/x", headers: [.idempotencyKey: "d"])
            #expect(gone.status == 204 && goneAgain.status == 204)
            #expect(goneAgain.header("Idempotency-Replayed") == "true")
        }
    }

    @Test func `every change is in the audit log`() async throws {
        try await TestServer.run { server in
            _ = try await server.put("/v1/plans/x", #"{"rank":1}"#, headers: [.author: "ann"])
            _ = try await server.put("/v1/plans/x", #"{"rank":2}"#)
            _ = try await server.delete("/v1/plans/x", headers: [.author: "bob"])
            let page = try await server.get("/v1/changes?count=3")
            #expect(page.items("changes", "author") == ["bob", "administrator", "ann"])
            #expect(page.items("changes", "key") == ["x", "x", "x"])
            #expect(page.text.contains(#""before":{"isDefault":false,"key":"x","rank":1}"#))
            #expect(page.text.contains(#""after":null"#))
            let cursor = try #require(page.text("nextCursor"))
            let next = try await server.get("/v1/changes?cursor=\(cursor)")
            #expect(next.items("changes", "author") == Array(repeating: "test", count: 6))
            #expect(next.text.contains(#""nextCursor":null"#))
            let unnamed = try await server.put("/v1/plans/x", "{}", headers: [.author: " "])
            #expect(unnamed.isProblem(422, "invalid_field", field: "X-Author"))
        }
    }

    @Test func `an idempotency key gets the same bytes whatever came between`() async throws {
        try await TestServer.run { server in
            let puts = [
                ("/v1/limits/daily", #"{"meter":"prompts","window":"day","defaultAllowance":5}"#),
                ("/v1/subjects/u", #"{"name":"Ann"}"#),
                ("/v1/subjects/u/subscription", #"{"plan":"pro"}"#),
                ("/v1/subjects/u/overrides/daily", #"{"allowance":7}"#),
            ]
            var first: [String] = []
            for (number, put) in puts.enumerated() {
                let key: HTTPFields = [.idempotencyKey: "key-\(number)"]
                first.append(try await server.put(put.0, put.1, headers: key).text)
            }
            // The second changes nothing, and is remembered as well.
            let same: HTTPFields = [.idempotencyKey: "same"]
            let unchanged = try await server.put(puts[0].0, puts[0].1, headers: same)
            #expect(unchanged.status == 200)
            server.clock.advance(bySeconds: 3_600)
            _ = try await server.put(
                puts[0].0, #"{"meter":"seconds","window":"month","defaultAllowance":9}"#)
            _ = try await server.put("/v1/subjects/u", #"{"blocked":true}"#)
            _ = try await server.delete("/v1/subjects/u/subscription")
            for (number, put) in puts.enumerated() {
                let key: HTTPFields = [.idempotencyKey: "key-\(number)"]
                let again = try await server.put(put.0, put.1, headers: key)
                #expect(again.text == first[number] && again.status == 201, "\(put.0)")
                #expect(again.header("Idempotency-Replayed") == "true")
            }
            let again = try await server.put(puts[0].0, puts[0].1, headers: same)
            #expect(again.text == unchanged.text && again.status == 200)
            #expect(try await server.get("/v1/subjects/u").boolean("blocked") == true)
        }
    }
}
