import HTTPTypes
import HummingbirdTesting
import Meterstone
import MeterstoneCore
import MeterstoneServer
import Testing

/// Writes that are carried out only if nobody wrote meanwhile.
@Suite struct EntityTagTests {
    /// A thing of each kind, two bodies for it, and what it needs.
    private static let things: [(path: String, first: String, second: String)] = [
        ("/v1/meters/m", "{}", #"{"unit":"x"}"#),
        ("/v1/plans/team", "{}", #"{"rank":3}"#),
        (
            "/v1/limits/l", #"{"meter":"prompts","window":"day"}"#,
            #"{"meter":"prompts","window":"month"}"#
        ),
        (
            "/v1/models/gpt",
            #"{"prices":[{"effectiveAt":"2026-01-01T00:00:00Z","input":1,"output":1}]}"#,
            #"{"prices":[{"effectiveAt":"2026-01-01T00:00:00Z","input":1,"output":2}]}"#
        ),
        ("/v1/subjects/u", "{}", #"{"name":"U"}"#),
        ("/v1/subjects/u/subscription", #"{"plan":"free"}"#, #"{"plan":"pro"}"#),
        ("/v1/subjects/u/overrides/prompts_daily", #"{"allowance":1}"#, #"{"allowance":2}"#),
        ("/v1/credits/policy", "{}", #"{"prices":{"prompts":2}}"#),
        ("/v1/statistics-policy", "{}", #"{"milestones":[{"key":"k","streak":7}]}"#),
    ]

    @Test(arguments: things)
    func `a tag names a state, and a write may ask for it`(
        thing: (path: String, first: String, second: String)
    ) async throws {
        try await TestServer.run { server in
            let path = thing.path
            let nothing = try await server.put(path, thing.first, headers: [.ifMatch: "*"])
            #expect(nothing.isProblem(412, "precondition_failed"), "\(nothing.text)")
            let first = try await server.put(path, thing.first, headers: [.ifNoneMatch: "*"])
            #expect(first.status == 201, "\(first.text)")
            let tag = try #require(first.header("ETag"))
            let read = try await server.get(path)
            #expect(read.header("ETag") == tag)
            let known = try await server.send(
                .get, path, headers: [.ifNoneMatch: "W/\(tag), \"x\""])
            #expect(known.status == 304 && known.text.isEmpty && known.header("ETag") == tag)

            let again = try await server.put(path, thing.second, headers: [.ifNoneMatch: "*"])
            #expect(again.isProblem(412, "precondition_failed"))
            let second = try await server.put(
                path, thing.second, headers: [.ifMatch: "\"x\", \(tag)"])
            #expect(second.status == 200, "\(second.text)")
            #expect(second.header("ETag") != tag)
            for headers: HTTPFields in [[.ifMatch: tag], [.ifMatch: "W/\(tag)"]] {
                #expect(
                    try await server.put(path, thing.first, headers: headers)
                        .isProblem(412, "precondition_failed"))
                #expect(
                    try await server.delete(path, headers: headers)
                        .isProblem(412, "precondition_failed"))
            }
            #expect(try await server.get(path).header("ETag") == second.header("ETag"))
            let changed = try await server.send(.get, path, headers: [.ifNoneMatch: tag])
            #expect(changed.status == 200)
            let now = try #require(second.header("ETag"))
            #expect(try await server.delete(path, headers: [.ifMatch: now]).status == 204)
        }
    }

    @Test func `a patch may ask for a state, and a repeated key is answered as the first time`()
        async throws
    {
        try await TestServer.run { server in
            let path = "/v1/plans/pro"
            let tag = try #require(try await server.get(path).header("ETag"))
            var headers: HTTPFields = [.ifMatch: tag]
            headers[try #require(HTTPField.Name("Idempotency-Key"))] = "k"
            let first = try await server.send(.patch, path, #"{"rank":7}"#, headers: headers)
            #expect(first.status == 200 && first.header("ETag") != tag)
            let again = try await server.send(.patch, path, #"{"rank":7}"#, headers: headers)
            #expect(again.status == 200 && again.header("Idempotency-Replayed") == "true")
            #expect(again.header("ETag") == first.header("ETag"))
            let other = try await server.send(
                .patch, path, #"{"rank":8}"#, headers: [.ifMatch: tag])
            #expect(other.isProblem(412, "precondition_failed"))
        }
    }

    @Test func `of many writers with the same tag one writes`() async throws {
        try await TestServer.run { server in
            let path = "/v1/plans/pro"
            let tag = try #require(try await server.get(path).header("ETag"))
            let statuses = try await withThrowingTaskGroup { group in
                for rank in 10..<30 {
                    group.addTask {
                        try await server.put(
                            path, #"{"rank":\#(rank)}"#, headers: [.ifMatch: tag]
                        ).status
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.count { $0 == 200 } == 1 && statuses.count { $0 == 412 } == 19)
        }
    }

    @Test(arguments: ["x", "\"x", "", "*,\"x\"", "W/x"])
    func `what is no tag is an error`(text: String) async throws {
        try await TestServer.run { server in
            let answer = try await server.put("/v1/plans/pro", "{}", headers: [.ifMatch: text])
            if text.isEmpty { return #expect(answer.isProblem(412, "precondition_failed")) }
            #expect(answer.isProblem(422, "invalid_field", field: "If-Match"))
        }
    }
}
