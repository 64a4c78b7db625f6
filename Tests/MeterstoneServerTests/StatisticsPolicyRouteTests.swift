import HTTPTypes
import Testing

/// What statistics are about, and what plans are sold for.
@Suite struct StatisticsPolicyRouteTests {
    private static let path = "/v1/statistics-policy"

    private static let body = #"""
        {"sessions":{"completed":"prompts","length":"prompts"},"milestones":[
         {"key":"first","meter":"prompts","total":1},{"key":"week","streak":7}]}
        """#

    @Test func `the policy is made, read, changed and deleted`() async throws {
        try await TestServer.run { server in
            let code = "unknown_statistics_policy"
            #expect(try await server.get(Self.path).isProblem(404, code))
            let made = try await server.put(Self.path, Self.body)
            #expect(made.status == 201)
            #expect(
                made.text == """
                    {"milestones":[{"key":"first","meter":"prompts","total":1},\
                    {"key":"week","streak":7}],\
                    "sessions":{"completed":"prompts","length":"prompts"}}
                    """)
            #expect(try await server.get(Self.path).text == made.text)
            #expect(try await server.put(Self.path, Self.body).status == 200)
            let changed = try await server.put(Self.path, "{}")
            #expect(changed.status == 200 && changed.text == #"{"milestones":[]}"#)
            let gone = try await server.delete(Self.path, headers: [.author: "ann"])
            #expect(gone.status == 204)
            #expect(try await server.delete(Self.path).isProblem(404, code))
            let log = try await server.get("/v1/changes?count=3")
            #expect(log.items("changes", "kind") == Array(repeating: "statisticsPolicy", count: 3))
            #expect(log.items("changes", "key") == ["statistics", "statistics", "statistics"])
        }
    }

    static let mistakes: [(path: String, body: String, code: String, field: String)] = [
        (
            "statistics-policy", #"{"sessions":{"completed":"nope","length":"prompts"}}"#,
            "unknown_meter", "sessions.completed"
        ),
        (
            "statistics-policy", #"{"sessions":{"completed":"prompts"}}"#, "missing_field",
            "sessions.length"
        ),
        (
            "statistics-policy",
            #"{"sessions":{"completed":"prompts","length":"prompts","longest":"prompts"}}"#,
            "invalid_field", "sessions.longest"
        ),
        (
            "statistics-policy", #"{"sessions":{"complete":"prompts"}}"#, "unknown_field",
            "sessions.complete"
        ),
        ("statistics-policy", #"{"milestone":[]}"#, "unknown_field", "milestone"),
        (
            "statistics-policy", #"{"milestones":[{"meter":"prompts","total":1}]}"#,
            "missing_field", "milestones[0].key"
        ),
        ("statistics-policy", #"{"milestones":[{"key":"a"}]}"#, "invalid_field", "milestones[0]"),
        (
            "statistics-policy", #"{"milestones":[{"key":"a","streak":7,"total":1}]}"#,
            "invalid_field", "milestones[0]"
        ),
        (
            "statistics-policy", #"{"milestones":[{"key":"a","streak":7,"days":1}]}"#,
            "unknown_field", "milestones[0].days"
        ),
        (
            "statistics-policy", #"{"milestones":[{"key":"a","streak":0}]}"#, "invalid_field",
            "milestones[0].streak"
        ),
        (
            "statistics-policy",
            #"{"milestones":[{"key":"a","streak":1},{"key":"a","meter":"prompts","total":1}]}"#,
            "invalid_field", "milestones[1].key"
        ),
        (
            "statistics-policy", #"{"milestones":[{"key":"a","meter":"nope","total":1}]}"#,
            "unknown_meter", "milestones[0].meter"
        ),
        ("plans/x", #"{"price":-1}"#, "invalid_field", "price"),
        ("plans/x", #"{"price":9.99}"#, "invalid_field", "price"),
        ("plans/x", #"{"price":1000000000001}"#, "invalid_field", "price"),
        ("plans/x", #"{"billingPeriod":"week"}"#, "invalid_field", "billingPeriod"),
    ]

    @Test(arguments: mistakes)
    func `a mistake names its field`(
        path: String, body: String, code: String, field: String
    ) async throws {
        try await TestServer.run { server in
            let answer = try await server.put("/v1/\(path)", body)
            #expect(answer.isProblem(422, code, field: field), "\(answer.text)")
        }
    }

    @Test func `a meter that the policy names is in use`() async throws {
        try await TestServer.run { server in
            _ = try await server.put("/v1/meters/talks", "{}")
            _ = try await server.put(
                Self.path, #"{"milestones":[{"key":"a","meter":"talks","total":1}]}"#)
            let answer = try await server.delete("/v1/meters/talks")
            #expect(answer.isProblem(409, "in_use", field: "key"))
            let latest = try await server.put("/v1/meters/talks", #"{"aggregation":"latest"}"#)
            #expect(latest.isProblem(422, "invalid_field", field: "aggregation"))
        }
    }

    @Test func `a plan has a price in millionths, for a period`() async throws {
        try await TestServer.run { server in
            let made = try await server.put("/v1/plans/gold", #"{"price":9990000}"#)
            #expect(made.status == 201)
            #expect(
                made.text == """
                    {"billingPeriod":"month","isDefault":false,"key":"gold","price":9990000,\
                    "rank":0,"createdAt":"2026-03-10T12:00:00.000Z",\
                    "updatedAt":"2026-03-10T12:00:00.000Z"}
                    """)
            let yearly = try await server.put(
                "/v1/plans/gold", #"{"price":99000000,"billingPeriod":"year"}"#)
            #expect(yearly.status == 200 && yearly.text("billingPeriod") == "year")
            #expect(try await server.get("/v1/plans/gold").text == yearly.text)
        }
    }
}
