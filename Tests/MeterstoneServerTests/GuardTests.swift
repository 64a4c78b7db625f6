import Foundation
import HTTPTypes
import Meterstone
import MeterstoneAPI
import MeterstoneCore
import MeterstoneTesting
import NIOCore
import Synchronization
import Testing

@testable import MeterstoneServer

/// What stands around the routes: header fields, bounds, revocation, and what a caller of one subject learns.
@Suite struct GuardTests {
    @Test func `every answer tells browsers to run, frame and keep nothing of it`() async throws {
        try await TestServer.run(key: "owner") { server in
            var answers = [
                try await server.get("/v1/meters"), try await server.get("/nowhere"),
                try await server.get("/openapi.json"), try await server.get("/docs/errors"),
                try await server.post("/v1/consume", #"{"subject":"ann","type":"prompt"}"#),
                try await server.post("/v1/consume", "{"),
            ]
            answers.append(try await server.anonymous(.get, "/v1/meters"))
            for answer in answers {
                #expect(answer.header("X-Content-Type-Options") == "nosniff")
                let policy = try #require(answer.header("Content-Security-Policy"))
                #expect(policy.hasPrefix("default-src 'none'"), "\(answer.status)")
                #expect(policy.contains("frame-ancestors 'none'"), "\(answer.status)")
                #expect(answer.header("Cache-Control") == "private, no-cache")
            }
            let made = try await server.post("/v1/keys", #"{"scopes":["read"]}"#)
            #expect(made.header("Cache-Control") == "no-store")
        }
    }

    @Test func `a key asks so often a minute as it says, and others as before`() async throws {
        try await TestServer.run(key: "owner") { server in
            let made = try await server.post(
                "/v1/keys", #"{"scopes":["read"],"requestsPerMinute":2}"#)
            #expect(made.number("requestsPerMinute") == 2)
            let other = try await server.post("/v1/keys", #"{"scopes":["read"]}"#)
            func ask(_ answer: Answer) async throws -> Answer {
                let secret = try #require(answer.text("secret"))
                return try await server.send(
                    .get, "/v1/meters", headers: [.authorization: "Bearer \(secret)"])
            }
            let second = server.clock.now.millisecondsSince1970 / 1_000 % 60
            for status in [200, 200, 429, 429] {
                #expect(try await ask(made).status == status)
                #expect(try await ask(other).status == 200)
            }
            let refused = try await ask(made)
            #expect(refused.isProblem(429, "too_many_requests"))
            #expect(refused.header("Retry-After") == "\(60 - second)")
            server.clock.advance(bySeconds: 60 - second)
            #expect(try await ask(made).status == 200)
            let bad = try await server.post(
                "/v1/keys", #"{"scopes":["read"],"requestsPerMinute":0}"#)
            #expect(bad.isProblem(422, "invalid_field", field: "requestsPerMinute"))
        }
    }

    @Test func `tokens of a subject that were made before it was said are refused`() async throws {
        try await TestServer.run(key: "owner") { server in
            func token(of subject: String) async throws -> HTTPFields {
                let made = try await server.post("/v1/tokens", #"{"subject":"\#(subject)"}"#)
                return [.authorization: "Bearer \(try #require(made.text("token")))"]
            }
            func me(_ headers: HTTPFields) async throws -> Answer {
                try await server.send(.get, "/v1/me/limits", headers: headers)
            }
            let old = try await token(of: "ann")
            let bobs = try await token(of: "bob")
            #expect(try await me(old).status == 200)
            server.clock.advance(bySeconds: 10)
            let from = server.clock.now.rfc3339
            _ = try await server.send(
                .patch, "/v1/subjects/ann/account", #"{"tokensFrom":"\#(from)"}"#)
            server.clock.set(server.clock.now.advanced(byMilliseconds: 500))
            #expect(try await me(old).isProblem(401, "invalid_token"))
            #expect(try await me(bobs).status == 200)
            server.clock.advance(bySeconds: 1)
            let new = try await token(of: "ann")
            #expect(try await me(new).status == 200)
            // Ending a session does the same.
            _ = try await server.post("/v1/subjects/ann/sessions", #"{"id":"s1"}"#)
            server.clock.advance(bySeconds: 2)
            #expect(try await me(new).status == 200)
            #expect(try await server.delete("/v1/subjects/ann/sessions/s1").status == 204)
            server.clock.advance(bySeconds: 1)
            #expect(try await me(new).isProblem(401, "invalid_token"))
        }
    }

    @Test func `the description says whether a key is needed now`() async throws {
        @Sendable func asks(_ server: TestServer) async throws -> Bool {
            let text = try await server.anonymous(.get, "/openapi.json").text
            return text.contains(#""security":[{"key":[]}"#)
        }
        try await TestServer.run { server in
            let before = try await asks(server)
            #expect(!before)
            _ = try await server.post("/v1/keys", #"{"scopes":["admin"]}"#)
            let isAsked = try await asks(server)
            #expect(isAsked)
        }
        try await TestServer.run(key: "owner") { server in
            let isAsked = try await asks(server)
            #expect(isAsked)
        }
        try await TestServer.run(options: { $0.host = "0.0.0.0" }) { server in
            let isAsked = try await asks(server)
            #expect(isAsked)
        }
    }

    @Test func `a conflict with another's event tells a caller of one subject nothing of it`()
        async throws
    {
        try await TestServer.run(key: "owner") { server in
            _ = try await server.post(
                "/v1/consume", #"{"id":"e1","subject":"bob","type":"prompt"}"#)
            _ = try await server.post(
                "/v1/consume", #"{"id":"e2","subject":"ann","type":"prompt"}"#)
            let made = try await server.post(
                "/v1/keys", #"{"scopes":["consume","ingest"],"subject":"ann"}"#)
            let headers: HTTPFields = [
                .authorization: "Bearer \(try #require(made.text("secret")))"
            ]
            for type in ["prompt", "other"] {
                let foreign = try await server.post(
                    "/v1/consume",
                    #"{"id":"e1","subject":"ann","type":"\#(type)","quantities":{"prompts":1}}"#,
                    headers: headers)
                #expect(foreign.isProblem(409, "event_conflict", field: "id"))
                #expect(!foreign.has("differs") && !foreign.text.contains("bob"))
            }
            let own = try await server.post(
                "/v1/consume", #"{"id":"e2","subject":"ann","quantities":{"prompts":2}}"#,
                headers: headers)
            #expect(own.status == 409 && own.texts("differs")?.isEmpty == false)
        }
    }

    @Test func `while an issuer's keys cannot be read its tokens are answered with 503`()
        async throws
    {
        let isDown = Mutex(true)
        let reads = Mutex(0)
        let issuer = TokenIssuer(name: "https://auth.example/", audience: "meterstone") {
            reads.withLock { $0 += 1 }
            struct Down: Error {}
            if isDown.withLock({ $0 }) { throw Down() }
            return #"{"keys":[]}"#
        }
        try await TestServer.run(key: "owner", options: { $0.tokenIssuer = issuer }) { server in
            func part(_ json: String) -> String {
                Data(json.utf8).base64EncodedString().replacing("+", with: "-")
                    .replacing("/", with: "_").replacing("=", with: "")
            }
            let payload =
                #"{"iss":"https://auth.example/","sub":"ann","aud":"meterstone","exp":4000000000}"#
            let token = [
                part(#"{"alg":"ES256","kid":"k1","typ":"JWT"}"#), part(payload), part("x"),
            ].joined(separator: ".")
            func me() async throws -> Answer {
                try await server.send(
                    .get, "/v1/me/limits", headers: [.authorization: "Bearer \(token)"])
            }
            for _ in 0..<3 {
                let answer = try await me()
                #expect(answer.isProblem(503, "issuer_unavailable"))
                #expect(answer.header("Retry-After") == "5")
            }
            #expect(reads.withLock { $0 } == 1)
            server.clock.advance(bySeconds: 5)
            #expect(try await me().status == 503)
            #expect(reads.withLock { $0 } == 2)
            isDown.withLock { $0 = false }
            server.clock.advance(bySeconds: 5)
            // Now it is known that there is no such key.
            #expect(try await me().isProblem(401, "invalid_token"))
            #expect(try await me().isProblem(401, "invalid_token"))
            #expect(reads.withLock { $0 } == 3)
        }
    }

    @Test func `a rotation is one change, and its secret may be made elsewhere`() async throws {
        try await TestServer.run(key: "owner") { server in
            let made = try await server.post("/v1/keys", #"{"scopes":["read"],"name":"app"}"#)
            let key = try #require(made.text("key"))
            let before = try await server.engine.changes(count: 100).count
            let rotated = try await server.post("/v1/keys/\(key)/rotate", "{}")
            #expect(rotated.status == 201)
            let changes = try await server.engine.changes(count: 100)
            #expect(changes.count == before + 1 && changes.first?.key == key)
            let digest = String(repeating: "0a", count: 32)
            let next = try #require(rotated.text("key"))
            #expect(changes.first?.after?.contains(next) == true)
            let elsewhere = try await server.post(
                "/v1/keys/\(next)/rotate",
                #"{"key":"mk_live_elsewhere","digest":"\#(digest)","overlapSeconds":0}"#)
            #expect(elsewhere.status == 201 && !elsewhere.has("secret"))
            let left = try await server.engine.keys().map(\.key.text).sorted()
            #expect(left == [key, "mk_live_elsewhere"].sorted())
            let missing = try await server.post(
                "/v1/keys/\(key)/rotate", #"{"key":"mk_live_other"}"#)
            #expect(missing.isProblem(422, "missing_field", field: "digest"))
        }
    }
}
