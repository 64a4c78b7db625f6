import Foundation
import HTTPTypes
import HummingbirdTesting
import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

@testable import MeterstoneServer

/// Who may call what: every operation, with every scope, for one's own subject and for another's.
@Suite struct AccessTests {
    @Test func `every operation that needs a key has a rule, and every rule an operation`() {
        let guarded = OpenAPIDocument.operations.filter { !$0.isOpen }
        #expect(guarded.filter { $0.rule == nil }.map(\.id) == [])
        let named = Set(guarded.map { $0.ownOf ?? $0.id })
        #expect(AccessRule.table.keys.filter { !named.contains($0) } == [])
        for operation in guarded where operation.rule?.own == .path {
            #expect(operation.path.contains("{subject}"), "\(operation.id)")
        }
        // What others may change stays with administrators. Everybody who signed in may sign out, and ask
        // for a code; variables and preferences are one's own.
        let own: Set<String> = [
            "endChatRequest", "endSession", "confirmCodeSecret", "deleteCodeSecret",
            "updateVariables", "updatePreferences",
        ]
        for operation in guarded where operation.method == .put || operation.method == .delete {
            #expect(
                operation.rule?.scope == .admin || own.contains(operation.id), "\(operation.id)")
        }
    }

    @Test func `the page about access has every rule`() throws {
        let path = #filePath.replacing(
            "Tests/MeterstoneServerTests/AccessTests.swift", with: "docs/reference/access.md")
        let page = try String(contentsOfFile: path, encoding: .utf8)
        let head = page.prefix(upTo: page.range(of: "| operation |")?.lowerBound ?? page.endIndex)
        let whole = head + AccessRule.reference
        if ProcessInfo.processInfo.environment["METERSTONE_RECORD_SNAPSHOTS"] != nil {
            try whole.write(toFile: path, atomically: true, encoding: .utf8)
        } else {
            #expect(page == whole, "docs/reference/access.md is not what the rules say")
        }
    }

    @Test(arguments: AccessScope.allCases)
    func `a key may do what its scope says, and nothing else`(scope: AccessScope) async throws {
        try await TestServer.run(key: "owner") { server in
            let secret = try await server.makeKey(#"{"scopes":["\#(scope.rawValue)"]}"#)
            for operation in OpenAPIDocument.operations where !operation.isOpen {
                let answer = try await server.call(operation, subject: "ann", with: secret)
                let isAllowed = scope == .admin || operation.rule?.scope == scope
                // A key of nobody has no own subject.
                let isRefused =
                    answer.isProblem(403, "insufficient_scope")
                    || answer.isProblem(403, "no_own_subject")
                #expect(
                    isRefused == (!isAllowed || operation.ownOf != nil),
                    "\(operation.id): \(answer.status)")
                #expect(answer.status != 401, "\(operation.id)")
            }
        }
    }

    @Test(arguments: AdministratorRole.allCases)
    func `who signed in may do what the role says, and nothing else`(
        role: AdministratorRole
    ) async throws {
        try await TestServer.run(
            key: "owner",
            options: { $0.passwordCost = .init(rounds: 4, blockSize: 1, parallelism: 1) }
        ) { server in
            let secret = try await server.administrator(
                "ann@example.com", role.rawValue, "correct horse battery")
            let cookie: HTTPFields = [
                .cookie: "meterstone_session=\(secret)", .origin: server.origin,
            ]
            var anonymous = server
            anonymous.key = nil
            for operation in OpenAPIDocument.operations where !operation.isOpen {
                guard let rule = operation.rule else { continue }
                let answer = try await anonymous.call(operation, subject: "ann", cookie)
                let comment: Comment = "\(operation.id): \(answer.status) \(answer.text)"
                #expect(answer.status != 401, comment)
                let isRefused =
                    answer.isProblem(403, "insufficient_scope")
                    || answer.isProblem(403, "insufficient_role")
                    || answer.isProblem(403, "no_own_subject")
                #expect(isRefused == (role < rule.role || operation.ownOf != nil), comment)
            }
        }
    }

    @Test func `keys, administrators and backups are the owner's`() {
        for (operation, rule) in AccessRule.table where rule.role == .owner {
            #expect(rule.scope == .admin, "\(operation)")
        }
        let owners = AccessRule.table.filter { $0.value.role == .owner }.keys.sorted()
        #expect(
            owners == [
                "deleteAdministrator", "deleteKey", "getAdministrator", "getKey",
                "inviteAdministrator", "listAdministrators", "listBackups", "listKeys",
                "makeBackup",
                "makeKey", "patchAdministrator", "putKey", "rotateKey",
            ])
    }

    @Test(arguments: [AccessScope.ingest, .consume, .read], ["ann", "bob"])
    func `a bound key may do so for its own subject, and another's is not there`(
        scope: AccessScope, subject: String
    ) async throws {
        try await TestServer.run(key: "owner") { server in
            for id in ["ann", "bob"] {
                _ = try await server.put("/v1/subjects/\(id)", #"{"plan":"free"}"#)
            }
            let secret = try await server.makeKey(
                #"{"scopes":["\#(scope.rawValue)"],"subject":"ann"}"#)
            for operation in OpenAPIDocument.operations where !operation.isOpen {
                guard let rule = operation.rule else { continue }
                let answer = try await server.call(operation, subject: subject, with: secret)
                let comment: Comment = "\(operation.id): \(answer.status) \(answer.text)"
                guard rule.scope == scope, rule.own != .denied else {
                    #expect(answer.isProblem(403, "insufficient_scope"), comment)
                    continue
                }
                guard subject == "bob", rule.own == .path else {
                    #expect(answer.status != 401, comment)
                    continue
                }
                #expect(answer.isProblem(404, "unknown_subject"), comment)
            }
        }
    }

    @Test func `what names another's subject in its body is refused, one by one`() async throws {
        try await TestServer.run(key: "owner") { server in
            let secret = try await server.makeKey(
                #"{"scopes":["consume","ingest"],"subject":"ann"}"#)
            let mine = #"{"id":"a","subject":"ann","type":"prompt"}"#
            let foreign = #"{"id":"b","subject":"bob","type":"prompt"}"#
            for path in ["/v1/consume", "/v1/check", "/v1/reservations", "/v1/events"] {
                let answer = try await server.post(path, foreign, headers: .bearer(secret))
                #expect(answer.isProblem(403, "foreign_subject", field: "subject"), "\(path)")
            }
            for path in ["/v1/consume", "/v1/events"] {
                let answer = try await server.post(
                    path, "[\(mine),\(foreign)]", headers: .bearer(secret))
                #expect(answer.status == 200 && answer.text.contains("foreign_subject"))
            }
            let level =
                #"{"id":"c","subject":"ann","type":"prompt","levels":["ann","bob"]}"#
            for path in ["/v1/consume", "/v1/check", "/v1/reservations", "/v1/events"] {
                let answer = try await server.post(path, level, headers: .bearer(secret))
                #expect(answer.isProblem(403, "foreign_subject", field: "levels[1]"), "\(path)")
            }
            let several = try await server.post(
                "/v1/events", "[\(mine),\(level)]", headers: .bearer(secret))
            #expect(several.text.contains("foreign_subject") && several.text.contains("levels[1]"))
            #expect(
                try await server.engine.limits(of: SubjectID(unchecked: "ann")).map(\.used.units)
                    == [1, 0])
            #expect(
                try await server.engine.limits(of: SubjectID(unchecked: "bob")).map(\.used.units)
                    == [0, 0])
        }
    }

    @Test func `reservations and requests of others are not there`() async throws {
        try await TestServer.run(key: "owner") { server in
            for id in ["ann", "bob"] {
                let body = #"{"id":"r-\#(id)","subject":"\#(id)","type":"prompt"}"#
                _ = try await server.post("/v1/reservations", body)
            }
            let secret = try await server.makeKey(
                #"{"scopes":["consume","read"],"subject":"ann"}"#)
            for (id, status) in [("r-ann", 200), ("r-bob", 404)] {
                let answer = try await server.send(
                    .get, "/v1/reservations/\(id)", headers: .bearer(secret))
                #expect(answer.status == status)
                let settled = try await server.post(
                    "/v1/reservations/\(id)/settle", "{}", headers: .bearer(secret))
                #expect(settled.status == status)
            }
        }
    }

    @Test func `a key of a team is for its members`() async throws {
        try await TestServer.run(key: "owner") { server in
            _ = try await server.put("/v1/subjects/ann", #"{"parent":"team"}"#)
            let secret = try await server.makeKey(#"{"scopes":["read"],"subject":"team"}"#)
            for (id, status) in [("team", 200), ("ann", 200), ("eve", 404)] {
                let answer = try await server.send(
                    .get, "/v1/subjects/\(id)/limits", headers: .bearer(secret))
                #expect(answer.status == status, "\(id)")
            }
        }
    }

    // MARK: Keys

    @Test func `a secret is told once, and a key that is revoked or expired is refused`()
        async throws
    {
        try await TestServer.run(key: "owner") { server in
            let made = try await server.post(
                "/v1/keys", #"{"scopes":["read"],"expiresAt":"2026-04-01T00:00:00Z"}"#)
            let secret = try #require(made.text("secret"))
            let key = try #require(made.text("key"))
            #expect(secret.hasPrefix("mk_live_") && secret.hasPrefix(key))
            let list = try await server.get("/v1/keys")
            #expect(list.items("keys", "key") == [key] && !list.text.contains(secret))
            let changes = try await server.get("/v1/changes")
            #expect(!changes.text.contains(secret))
            server.clock.set(try #require(Instant(rfc3339: "2026-03-31T23:59:59Z")))
            #expect(try await server.meters(with: secret).status == 200)
            server.clock.set(try #require(Instant(rfc3339: "2026-04-01T00:00:00Z")))
            #expect(try await server.meters(with: secret).isProblem(401, "expired"))
            server.clock.set(try #require(Instant(rfc3339: "2026-03-20T00:00:00Z")))
            #expect(try await server.delete("/v1/keys/\(key)").status == 204)
            #expect(try await server.meters(with: secret).isProblem(401, "unauthorized"))
            #expect(try await server.get("/v1/keys/\(key)").isProblem(404, "unknown_key"))
        }
    }

    @Test func `of a rotated key the old secret is accepted for a while`() async throws {
        try await TestServer.run(key: "owner") { server in
            let made = try await server.post("/v1/keys", #"{"scopes":["read"],"name":"app"}"#)
            let (old, key) = (try #require(made.text("secret")), try #require(made.text("key")))
            let rotated = try await server.post(
                "/v1/keys/\(key)/rotate", #"{"overlapSeconds":60}"#)
            let new = try #require(rotated.text("secret"))
            #expect(rotated.status == 201 && rotated.text("name") == "app" && new != old)
            #expect(try await server.meters(with: old).status == 200)
            #expect(try await server.meters(with: new).status == 200)
            server.clock.set(server.clock.now.advanced(byMilliseconds: 60_000))
            #expect(try await server.meters(with: old).isProblem(401, "expired"))
            #expect(try await server.meters(with: new).status == 200)
            let again = try await server.post("/v1/keys/\(key)/rotate", "{}")
            #expect(again.isProblem(409, "key_expired"))
        }
    }

    @Test func `what another node changes counts here half a second later`() async throws {
        try await TestServer.run(key: "owner") { server in
            let secret = try await server.makeKey(#"{"scopes":["read"]}"#)
            #expect(try await server.meters(with: secret).status == 200)
            let key = try #require(try await server.engine.keys().first)
            // As if by another node: this server is not told.
            _ = try await server.engine.change(
                ChangeRequest(change: .deleteKey(key.key), author: "another"))
            server.clock.set(server.clock.now.advanced(byMilliseconds: 500))
            #expect(try await server.meters(with: secret).isProblem(401, "unauthorized"))
        }
    }

    @Test func `bad keys are refused with the field`() async throws {
        try await TestServer.run(key: "owner") { server in
            for (body, field) in [
                (#"{"scopes":[]}"#, "scopes"), (#"{"scopes":["write"]}"#, "scopes[0]"),
                (#"{"scopes":["read","read"]}"#, "scopes"),
                (#"{"scopes":["admin"],"subject":"ann"}"#, "scopes"),
                (#"{"scopes":["read"],"addresses":["10.0.0.0/33"]}"#, "addresses[0]"),
                (#"{"scopes":["read"],"expiresAt":"2001-01-01T00:00:00Z"}"#, "expiresAt"),
                (#"{"scopes":["read"],"scope":"x"}"#, "scope"), ("{}", "scopes"),
            ] {
                let answer = try await server.post("/v1/keys", body)
                #expect(answer.status == 422 && answer.text("field") == field, "\(answer.text)")
            }
            let digest = try await server.put(
                "/v1/keys/mk_live_12345678", #"{"scopes":["read"],"digest":"abc"}"#)
            #expect(digest.isProblem(422, "invalid_field", field: "digest"))
        }
    }

    @Test
    func `a key that is bound to addresses is refused where nobody knows from where it comes`()
        async throws
    {
        try await TestServer.run(key: "owner") { server in
            let secret = try await server.makeKey(
                #"{"scopes":["read"],"addresses":["203.0.113.0/24"]}"#)
            #expect(try await server.meters(with: secret).isProblem(403, "foreign_address"))
        }
        try await TestServer.run(.live, key: "owner") { server in
            let secret = try await server.makeKey(
                #"{"scopes":["read"],"addresses":["127.0.0.0/8","::1"]}"#)
            #expect(try await server.meters(with: secret).status == 200)
        }
    }

    @Test func `a trial without keys ends with the first key of an administrator`() async throws {
        try await TestServer.run { server in
            #expect(try await server.get("/v1/meters").status == 200)
            _ = try await server.makeKey(#"{"scopes":["read"]}"#)
            #expect(try await server.get("/v1/meters").status == 200)
            let secret = try await server.makeKey(#"{"scopes":["admin"]}"#)
            #expect(try await server.get("/v1/meters").isProblem(401, "unauthorized"))
            #expect(try await server.meters(with: secret).status == 200)
        }
    }

    @Test func `where others reach the server nobody comes in without a key, whatever Host says`()
        async throws
    {
        for host in ["0.0.0.0", "::", "192.0.2.1", "meter.example"] {
            try await TestServer.run(options: { $0.host = host }) { server in
                let key = try #require(HTTPField.Name("Host"))
                for headers: HTTPFields in [[:], [key: "localhost"], [key: "127.0.0.1:8080"]] {
                    let answer = try await server.send(.get, "/v1/meters", headers: headers)
                    #expect(answer.isProblem(401, "unauthorized"), "\(host)")
                }
            }
        }
    }

    @Test func `an administrator's key that expires does not bring the trial back`() async throws {
        try await TestServer.run { server in
            let end = server.clock.now.advanced(byMilliseconds: 1_000).rfc3339
            _ = try await server.makeKey(#"{"scopes":["admin"],"expiresAt":"\#(end)"}"#)
            server.clock.advance(bySeconds: 60)
            #expect(try await server.get("/v1/meters").isProblem(401, "unauthorized"))
        }
    }

    @Test func `the audit log names the key`() async throws {
        try await TestServer.run(key: "owner") { server in
            let secret = try await server.makeKey(#"{"scopes":["admin"]}"#)
            let key = try #require(try await server.engine.keys().first?.key)
            var headers = HTTPFields.bearer(secret)
            _ = try await server.put("/v1/subjects/a", "{}", headers: headers)
            headers[.author] = "eve"
            _ = try await server.put("/v1/subjects/b", "{}", headers: headers)
            let authors = try await server.engine.changes(count: 2).map(\.author)
            #expect(authors == ["eve, key \(key)", "key \(key)"])
        }
    }

    // MARK: Tokens

    @Test func `a token reads its own subject under me, and nothing else`() async throws {
        try await TestServer.run(key: "owner") { server in
            let token = try await server.makeToken(#"{"subject":"ann b"}"#)
            _ = try await server.post(
                "/v1/events", #"{"id":"e","subject":"ann b","type":"prompt"}"#)
            let limits = try await server.send(.get, "/v1/me/limits", headers: .bearer(token))
            #expect(limits.status == 200 && limits.text("subject") == "ann b")
            let same = try await server.get("/v1/subjects/ann%20b/limits")
            #expect(limits.text == same.text)
            let events = try await server.send(.get, "/v1/me/events", headers: .bearer(token))
            #expect(events.items("events", "id") == ["e"])
            let other = try await server.send(
                .get, "/v1/subjects/bob/limits", headers: .bearer(token))
            #expect(other.isProblem(404, "unknown_subject"))
            let consume = try await server.post(
                "/v1/consume", #"{"subject":"ann b","type":"prompt"}"#, headers: .bearer(token))
            #expect(consume.isProblem(403, "insufficient_scope"))
            let owner = try await server.get("/v1/me/limits")
            #expect(owner.isProblem(403, "no_own_subject"))
        }
    }

    @Test func `nobody gives more than they have`() async throws {
        try await TestServer.run(key: "owner") { server in
            let secret = try await server.makeKey(#"{"scopes":["read"]}"#)
            for (body, code) in [
                (#"{"subject":"ann","scopes":["consume"]}"#, "insufficient_scope"),
                (#"{"subject":"ann","scopes":["admin"]}"#, "invalid_field"),
                (#"{"subject":"ann","expiresInSeconds":0}"#, "invalid_field"),
                (#"{"subject":"ann","expiresInSeconds":86401}"#, "invalid_field"),
            ] {
                let answer = try await server.post("/v1/tokens", body, headers: .bearer(secret))
                #expect(answer.text("code") == code, "\(body)")
            }
            let token = try await server.makeToken(#"{"subject":"ann"}"#)
            let other = try await server.post(
                "/v1/tokens", #"{"subject":"bob"}"#, headers: .bearer(token))
            #expect(other.isProblem(403, "foreign_subject", field: "subject"))
        }
    }

    @Test func `what a token or a key asks for ends no later than itself`() async throws {
        try await TestServer.run(key: "owner") { server in
            func end(_ body: String, by secret: String) async throws -> String? {
                try await server.post("/v1/tokens", body, headers: .bearer(secret))
                    .text("expiresAt")
            }
            let minute = try await server.makeToken(#"{"subject":"ann","expiresInSeconds":60}"#)
            for body in [
                #"{"subject":"ann"}"#, #"{"subject":"ann","expiresInSeconds":86400}"#,
            ] {
                #expect(try await end(body, by: minute) == "2026-03-10T12:01:00.000Z")
            }
            let shorter = #"{"subject":"ann","expiresInSeconds":30}"#
            #expect(try await end(shorter, by: minute) == "2026-03-10T12:00:30.000Z")
            let key = try await server.makeKey(
                #"{"scopes":["read"],"expiresAt":"2026-03-10T12:05:00Z"}"#)
            #expect(
                try await end(#"{"subject":"ann"}"#, by: key) == "2026-03-10T12:05:00.000Z")
            let lasting = try await server.makeKey(#"{"scopes":["read"]}"#)
            #expect(
                try await end(#"{"subject":"ann"}"#, by: lasting) == "2026-03-10T13:00:00.000Z")
        }
    }

    @Test func `a token works until its end, and not when anything of it was changed`() async throws
    {
        try await TestServer.run(key: "owner") { server in
            let token = try await server.makeToken(
                #"{"subject":"ann","expiresInSeconds":60}"#)
            let parts = token.split(separator: ".").map(String.init)
            #expect(try await server.me(token).status == 200)
            // {"alg":"none","typ":"JWT"} and {"alg":"RS256","typ":"JWT"}
            let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"
            let other = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9"
            let foreign = try await server.makeToken(#"{"subject":"bob"}"#)
                .split(separator: ".")
            for forged in [
                "\(none).\(parts[1]).", "\(none).\(parts[1]).\(parts[2])",
                "\(other).\(parts[1]).\(parts[2])", "\(parts[0]).\(foreign[1]).\(parts[2])",
                "\(parts[0]).\(parts[1]).\(parts[2].dropLast())A", "a.b.c", "..",
            ] where forged != token {
                let answer = try await server.me(forged)
                #expect(answer.status == 401, "\(forged)")
            }
            server.clock.set(server.clock.now.advanced(byMilliseconds: 60_000))
            #expect(try await server.me(token).isProblem(401, "expired"))
        }
        // Another server has another secret.
        let token = try await TestServer.run(key: "other") { server in
            try await server.makeToken(#"{"subject":"ann"}"#)
        }
        try await TestServer.run(key: "owner") { server in
            let answer = try await server.me(token)
            #expect(answer.isProblem(401, "invalid_token"))
        }
    }

    @Test func `a cookie is enough to read, and to write only from the server's own pages`()
        async throws
    {
        try await TestServer.run(key: "owner") { server in
            let token = try await server.makeToken(
                #"{"subject":"ann","scopes":["read","consume"]}"#)
            var headers: HTTPFields = [.cookie: "a=b; meterstone_token=\(token)"]
            let body = #"{"subject":"ann","type":"prompt"}"#
            func consume() async throws -> Answer {
                try await server.anonymous(.post, "/v1/consume", body, headers)
            }
            #expect(try await server.anonymous(.get, "/v1/me/limits", nil, headers).status == 200)
            #expect(try await consume().status == 401)
            headers[.origin] = "https://evil.example"
            #expect(try await consume().status == 401)
        }
    }

    @Test func `pages of listed places may ask, and of others not`() async throws {
        try await TestServer.run(
            key: "owner", options: { $0.allowedOrigins = ["https://app.example"] }
        ) { server in
            let token = try await server.makeToken(#"{"subject":"ann"}"#)
            for (origin, allowed) in [
                ("https://app.example", true), ("https://app.example.evil", false),
                ("http://app.example", false), ("null", false),
            ] {
                var headers = HTTPFields.bearer(token)
                headers[.origin] = origin
                let answer = try await server.send(.get, "/v1/me/limits", headers: headers)
                #expect(
                    answer.header("Access-Control-Allow-Origin") == (allowed ? origin : nil))
                #expect(answer.header("Vary") == "Origin")
                headers = [.origin: origin, .accessControlRequestMethod: "GET"]
                let before = try await server.anonymous(.options, "/v1/me/limits", nil, headers)
                #expect(before.status == (allowed ? 204 : 405))
                #expect(
                    before.header("Access-Control-Allow-Methods") == (allowed ? "GET, HEAD" : nil))
            }
        }
    }

    @Test func `the chat's own paths know the user by the token`() async throws {
        let blueprint = Blueprint(
            meters: [Meter(key: RequestTracker.requests), Meter(key: RequestTracker.tokens)])
        try await TestServer.run(key: "owner", blueprint: blueprint) { server in
            let token = try await server.makeToken(
                #"{"subject":"ann","scopes":["read","consume"]}"#)
            let dashboard = try await server.send(
                .get, "/api/user/dashboard", headers: .bearer(token))
            #expect(dashboard.status == 200)
            let other = try await server.send(
                .get, "/api/user/dashboard?userId=bob", headers: .bearer(token))
            #expect(other.isProblem(403, "foreign_subject", field: "userId"))
        }
    }
}

extension HTTPFields {
    fileprivate static func bearer(_ text: String) -> HTTPFields {
        [.authorization: "Bearer \(text)"]
    }
}

extension TestServer {
    fileprivate func makeKey(_ body: String) async throws -> String {
        let answer = try await post("/v1/keys", body)
        return try #require(answer.text("secret"), "\(answer.text)")
    }

    fileprivate func makeToken(_ body: String) async throws -> String {
        let answer = try await post("/v1/tokens", body)
        return try #require(answer.text("token"), "\(answer.text)")
    }

    fileprivate func meters(with secret: String) async throws -> Answer {
        try await send(.get, "/v1/meters", headers: .bearer(secret))
    }

    fileprivate func me(_ token: String) async throws -> Answer {
        try await send(.get, "/v1/me/limits", headers: .bearer(token))
    }

    /// Without the server's own key.
    fileprivate func anonymous(
        _ method: HTTPRequest.Method, _ path: String, _ body: String?, _ headers: HTTPFields
    ) async throws -> Answer {
        var anonymous = self
        anonymous.key = nil
        return try await anonymous.send(method, path, body, headers: headers)
    }

    /// Calls an operation with something in each place of its path, and a body that says little.
    fileprivate func call(
        _ operation: OpenAPIOperation, subject: String, with secret: String
    ) async throws -> Answer {
        try await call(operation, subject: subject, .bearer(secret))
    }

    fileprivate func call(
        _ operation: OpenAPIOperation, subject: String, _ headers: HTTPFields
    ) async throws -> Answer {
        let places = [
            "{subject}": subject, "{key}": "some", "{event}": "some", "{reservation}": "some",
            "{limit}": "prompts_daily", "{grant}": "some", "{feature}": "some",
            "{request}": "some", "{alias}": "some", "{addition}": "some",
            "{document}": "\(subject)_2026-01-01", "{session}": "some",
            "{administrator}": "some@example.com",
        ]
        let path = places.reduce(operation.path) { $0.replacing($1.key, with: $1.value) }
        let hasBody = operation.method != .get && operation.method != .delete
        return try await send(
            operation.method, path, hasBody ? "{}" : nil, headers: headers)
    }
}
