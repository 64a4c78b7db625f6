import HTTPTypes
import Meterstone
import MeterstoneCore
import MeterstoneTesting
import Testing

@testable import MeterstoneServer

/// Accounts of persons over HTTP, with the paths of the chat flow builder.
@Suite struct AccountRouteTests {
    @Test func `a subject is found by the address of its account, whatever the case`() async throws
    {
        try await TestServer.run { server in
            let put = try await server.put(
                "/v1/subjects/ann/account",
                #"{"email":"Ann@Example.com","externalIds":{"github":"583231","stripe":"cus_1"}}"#)
            #expect(put.status == 201 && put.text("email") == "ann@example.com")
            for query in [
                "email=ANN@example.com", "externalIds.github=583231",
                "email=ann@example.com&externalIds.stripe=cus_1",
            ] {
                let found = try await server.get("/v1/subjects?\(query)")
                #expect(found.items("subjects", "id") == ["ann"], "\(query)")
            }
            for query in [
                "email=bob@example.com", "externalIds.github=1",
                "email=ann@example.com&externalIds.github=1",
            ] {
                let found = try await server.get("/v1/subjects?\(query)")
                #expect(found.status == 200 && found.items("subjects", "id") == [], "\(query)")
            }
            #expect(try await server.get("/v1/subjects?email=ann").status == 422)
            let taken = try await server.send(
                .patch, "/v1/subjects/bob/account", #"{"email":"ANN@EXAMPLE.COM"}"#)
            #expect(taken.isProblem(409, "in_use", field: "email"))
        }
    }

    @Test func `a write of the subject leaves the account, and a patch of the account the rest`()
        async throws
    {
        try await TestServer.run { server in
            _ = try await server.put(
                "/v1/subjects/ann/account",
                #"{"email":"ann@example.com","preferences":{"theme":"dark"}}"#)
            let put = try await server.put("/v1/subjects/ann", #"{"plan":"free"}"#)
            #expect(put.text.contains("ann@example.com"))
            let patched = try await server.send(
                .patch, "/v1/subjects/ann/account",
                #"{"image":"https://example.com/a.png","preferences":{"size":2}}"#)
            #expect(patched.status == 200 && patched.text("email") == "ann@example.com")
            #expect(
                patched.text.contains(#""theme":"dark""#) && patched.text.contains(#""size":2"#))
            let gone = try await server.send(
                .patch, "/v1/subjects/ann/account", #"{"email":null,"preferences":{"theme":null}}"#)
            #expect(!gone.has("email") && !gone.text.contains("theme"))
            #expect(
                try await server.get("/v1/subjects?email=ann@example.com").items("subjects", "id")
                    == [])
            let wrong = try await server.put(
                "/v1/subjects/ann", #"{"account":{"email":"x@y"}}"#)
            #expect(wrong.isProblem(422, "unknown_field", field: "account"))
            #expect(try await server.delete("/v1/subjects/ann/account").status == 204)
            #expect(
                try await server.delete("/v1/subjects/ann/account")
                    .isProblem(404, "unknown_account"))
        }
    }

    @Test(arguments: ["variables", "preferences"])
    func `values are written one by one and many at once, and others stay`(
        kind: String
    )
        async throws
    {
        try await TestServer.run(key: "owner") { server in
            let made = try await server.post(
                "/v1/tokens", #"{"subject":"ann","scopes":["read","consume"]}"#)
            let headers: HTTPFields = [
                .authorization: "Bearer \(try #require(made.text("token")))"
            ]
            let path = "/api/user/\(kind)"
            let empty = try await server.send(.get, path, headers: headers)
            #expect(empty.text == #"{"\#(kind)":{}}"#)
            _ = try await server.post(path, #"{"key":"theme","value":"dark"}"#, headers: headers)
            _ = try await server.post(
                path, #"{"name":"layout","value":{"columns":[1,2]}}"#, headers: headers)
            let bulk = try await server.put(
                path, #"{"\#(kind)":{"theme":"light","tries":3}}"#, headers: headers)
            let all = #"{"\#(kind)":{"layout":{"columns":[1,2]},"theme":"light","tries":3}}"#
            #expect(bulk.status == 200 && bulk.text == all)
            let gone = try await server.put(
                path, #"{"\#(kind)":{"layout":null}}"#, headers: headers)
            #expect(gone.text == #"{"\#(kind)":{"theme":"light","tries":3}}"#)
            #expect(try await server.send(.get, path, headers: headers).text == gone.text)
            // Numbers are somebody else's, so they may have a fraction; nothing is computed with them.
            let warm = try await server.put(
                path, #"{"\#(kind)":{"tries":[0.7,-1e-05,123456789012345e5]}}"#, headers: headers
            )
            #expect(
                warm.text
                    == #"{"\#(kind)":{"theme":"light","tries":[0.7,-1e-05,1.23456789012345e+19]}}"#
            )
            _ = try await server.put(path, #"{"\#(kind)":{"tries":3}}"#, headers: headers)
            // The same as an administrator sees it.
            let account = try await server.get("/v1/subjects/ann/account")
            #expect(account.text.contains(#""\#(kind)":{"theme":"light","tries":3}"#))
            let other = try await server.post(
                path, #"{"userId":"bob","key":"a","value":1}"#, headers: headers)
            #expect(other.isProblem(403, "foreign_subject", field: "userId"))
            for (body, field) in [
                (#"{"key":"a"}"#, "value"), (#"{"value":1}"#, "key"),
                (#"{"userId":{},"key":"a","value":1}"#, "userId"),
                (#"{"\#(kind)":[]}"#, kind), (#"{"\#(kind)":{},"key":"a"}"#, "key"),
                (#"{"\#(kind)":{"a":1e400}}"#, "\(kind).a"),
                // They would come back as others.
                (#"{"\#(kind)":{"a":18446744073709551615}}"#, "\(kind).a"),
                (#"{"\#(kind)":{"a":0.1234567890123456}}"#, "\(kind).a"),
                (#"{"\#(kind)":{"a":1e-320}}"#, "\(kind).a"), (#"{"x":1}"#, "x"),
            ] {
                let answer = try await server.post(path, body, headers: headers)
                #expect(answer.status == 422 && answer.text("field") == field, "\(answer.text)")
            }
        }
    }

    @Test func `a person sees where they are signed in, and what was done`() async throws {
        try await TestServer.run(key: "owner") { server in
            let path = "/v1/subjects/ann/sessions"
            let started = try await server.post(
                path, #"{"id":"s1","device":"Firefox","address":"192.0.2.7"}"#)
            #expect(started.status == 201 && started.text("device") == "Firefox")
            server.clock.advance(bySeconds: 5)
            let again = try await server.post(path, #"{"id":"s1"}"#)
            #expect(again.status == 200 && again.text("lastSeenAt") == server.clock.now.rfc3339)
            _ = try await server.put("/v1/subjects/ann", #"{"plan":"free"}"#)
            _ = try await server.put("/v1/subjects/anna", "{}")
            let made = try await server.post("/v1/tokens", #"{"subject":"ann"}"#)
            let token: HTTPFields = [.authorization: "Bearer \(try #require(made.text("token")))"]
            let mine = try await server.send(.get, "/v1/me/sessions", headers: token)
            #expect(mine.items("sessions", "id") == ["s1"])
            let activity = try await server.send(.get, "/v1/me/activity", headers: token)
            #expect(
                activity.items("changes", "kind") == [
                    "subject", "accountSession", "accountSession",
                ])
            let page = try await server.send(
                .get, "/v1/me/activity?count=1&kind=accountSession", headers: token)
            let cursor = try #require(page.text("nextCursor"))
            let rest = try await server.send(
                .get, "/v1/me/activity?kind=accountSession&cursor=\(cursor)", headers: token)
            #expect(rest.items("changes", "key") == ["ann/s1"])
            let forbidden = try await server.send(
                .delete, "/v1/subjects/ann/sessions/s1", headers: token)
            #expect(forbidden.status == 403)
            #expect(try await server.delete("\(path)/s1").status == 204)
            #expect(try await server.delete("\(path)/s1").isProblem(404, "unknown_session"))
        }
    }

    @Test func `the dashboard shows the address of the account`() async throws {
        let blueprint = Blueprint(
            meters: [Meter(key: RequestTracker.requests), Meter(key: RequestTracker.tokens)])
        try await TestServer.run(blueprint: blueprint) { server in
            _ = try await server.put(
                "/v1/subjects/user-123/account", #"{"email":"user@example.com"}"#)
            _ = try await server.put("/v1/subjects/user-123", #"{"name":"Ann"}"#)
            let dashboard = try await server.get("/api/user/dashboard?userId=user-123")
            #expect(dashboard.text.contains(#""email":"user@example.com""#))
        }
    }
}
