import Foundation
import HTTPTypes
import HummingbirdTesting
import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

@testable import MeterstoneServer

/// Administrators: invited, signed in, listed, kept out.
@Suite struct SignInTests {
    private static let password = "correct horse battery"

    /// A server whose hashes cost next to nothing.
    private static func run(
        key: String? = "owner", _ work: @Sendable (TestServer) async throws -> Void
    ) async throws {
        try await TestServer.run(
            key: key, options: { $0.passwordCost = .init(rounds: 4, blockSize: 1, parallelism: 1) },
            work)
    }

    @Test func `who is invited chooses a password, signs in, and is known by the cookie`()
        async throws
    {
        try await Self.run { server in
            let invited = try await server.post(
                "/v1/administrators", #"{"email":"Ann@Example.com","role":"operator"}"#)
            #expect(invited.status == 201)
            let invitation = try #require(invited.text("invitation"))
            #expect(invitation.hasPrefix("mi_") && invitation.count == 43)
            let early = try await server.signIn("ann@example.com", Self.password)
            #expect(early.isProblem(401, "sign_in_failed"))

            let accepted = try await server.accept(invitation, Self.password)
            #expect(accepted.status == 200 && accepted.boolean("hasPassword") == true)
            let again = try await server.accept(invitation, "another password 1")
            #expect(again.isProblem(404, "unknown_invitation"))

            let signedIn = try await server.signIn("ANN@example.com", Self.password)
            #expect(signedIn.status == 201 && signedIn.text("role") == "operator")
            let cookie = try #require(signedIn.header("Set-Cookie"))
            for part in [
                "meterstone_session=ms_", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200",
            ] {
                #expect(cookie.contains(part), "\(cookie)")
            }
            #expect(!cookie.contains("Secure"))
            let secret = try #require(signedIn.sessionCookie)
            #expect(!signedIn.text.contains(secret))
            let meters = try await server.anonymous(.get, "/v1/meters", cookie: secret)
            #expect(meters.status == 200)
            let put = try await server.anonymous(
                .put, "/v1/subjects/bob", "{}", cookie: secret, origin: server.origin)
            #expect(put.status == 201)
            let change = try #require(try await server.engine.changes(count: 1).first)
            #expect(change.author == "ann@example.com" && change.kind == "subject")
            let keys = try await server.anonymous(.get, "/v1/keys", cookie: secret)
            #expect(keys.isProblem(403, "insufficient_role"))
        }
    }

    @Test func `no secret of an administrator is in the log or in an answer`() async throws {
        try await Self.run { server in
            let invitation = try await server.invite("ann@example.com", "owner")
            _ = try await server.accept(invitation, Self.password)
            let stored = try #require(try await server.engine.administrators().first)
            let hash = try #require(stored.password)
            #expect(hash.hasPrefix("$scrypt$ln=4,r=1,p=1$"))
            let session = try await server.signIn("ann@example.com", Self.password)
            let secret = try #require(session.sessionCookie)
            for path in [
                "/v1/changes", "/v1/changes?format=csv", "/v1/administrators", "/v1/sessions",
                "/v1/administrators/ann@example.com",
            ] {
                let answer = try await server.get(path)
                #expect(answer.status == 200)
                for hidden in [hash, invitation, Self.password, secret] {
                    #expect(!answer.text.contains(hidden), "\(path)")
                }
            }
        }
    }

    @Test func `a page from elsewhere neither signs anybody in nor writes with the cookie`()
        async throws
    {
        try await Self.run { server in
            let secret = try await server.administrator("ann@example.com", "owner", Self.password)
            for origin in ["https://evil.example", "null", "http://localhost.evil"] {
                let body = #"{"email":"ann@example.com","password":"\#(Self.password)"}"#
                let signIn = try await server.anonymous(
                    .post, "/v1/sessions", body, origin: origin)
                #expect(signIn.isProblem(403, "foreign_origin", field: "Origin"), "\(origin)")
                let write = try await server.anonymous(
                    .put, "/v1/subjects/bob", "{}", cookie: secret, origin: origin)
                #expect(write.status == 401, "\(origin)")
                let out = try await server.anonymous(
                    .delete, "/v1/sessions/current", cookie: secret, origin: origin)
                #expect(out.status == 403, "\(origin)")
            }
            // Without Origin nobody knows from which page it comes.
            let silent = try await server.anonymous(
                .put, "/v1/subjects/bob", "{}", cookie: secret)
            #expect(silent.status == 401)
            #expect(try await server.engine.subject(SubjectID(unchecked: "bob")) == nil)
        }
    }

    @Test func `where the page came by https the cookie goes by https alone`() async throws {
        try await Self.run { server in
            _ = try await server.administrator("ann@example.com", "owner", Self.password)
            let answer = try await server.signIn(
                "ann@example.com", Self.password, origin: "https://localhost")
            #expect(answer.header("Set-Cookie")?.hasSuffix("; Secure") == true)
        }
    }

    @Test func `after five failures nobody gets in from there for a quarter of an hour`()
        async throws
    {
        try await Self.run { server in
            _ = try await server.administrator("ann@example.com", "owner", Self.password)
            for _ in 0..<5 {
                let answer = try await server.signIn("ann@example.com", "wrong password 12")
                #expect(answer.isProblem(401, "sign_in_failed"))
            }
            let refused = try await server.signIn("ann@example.com", Self.password)
            #expect(refused.isProblem(429, "too_many_sign_ins"))
            #expect(refused.header("Retry-After") == "900")
            server.clock.advance(bySeconds: 899)
            #expect(try await server.signIn("ann@example.com", Self.password).status == 429)
            server.clock.advance(bySeconds: 1)
            #expect(try await server.signIn("ann@example.com", Self.password).status == 201)
        }
    }

    @Test func `good and bad sign-ins are in the log, and what was typed is not`() async throws {
        try await Self.run { server in
            _ = try await server.administrator("ann@example.com", "viewer", Self.password)
            _ = try await server.signIn("ann@example.com", "wrong password 12")
            _ = try await server.signIn("my secret phrase@x", "wrong password 12")
            let log = try await server.get("/v1/changes?kind=signIn")
            #expect(
                log.items("changes", "key") == ["unknown", "ann@example.com", "ann@example.com"])
            #expect(log.text.contains("wrongPassword") && log.text.contains("signedIn"))
            #expect(!log.text.contains("secret phrase") && !log.text.contains("wrong password"))
            let own = try await server.get("/v1/changes?key=ann@example.com&kind=signIn")
            #expect(own.items("changes", "author") == ["ann@example.com", "ann@example.com"])
            let shown = try await server.get("/v1/administrators/ann@example.com")
            #expect(shown.text("lastSignInAt") == server.clock.now.rfc3339)
        }
    }

    @Test func `sessions are listed, signed out, and end by themselves after half a day`()
        async throws
    {
        try await Self.run { server in
            let ann = try await server.administrator("ann@example.com", "viewer", Self.password)
            let bob = try await server.administrator("bob@example.com", "owner", Self.password)
            let own = try await server.anonymous(.get, "/v1/sessions", cookie: ann)
            #expect(own.items("sessions", "administrator") == ["ann@example.com"])
            #expect(own.text.contains(#""current":true"#))
            let all = try await server.anonymous(.get, "/v1/sessions", cookie: bob)
            #expect(Set(all.items("sessions", "administrator")).count == 2)
            let bobs = try #require(
                try await server.anonymous(.get, "/v1/sessions/current", cookie: bob).text("id"))
            let anns = try #require(own.items("sessions", "id").first)
            let foreign = try await server.anonymous(
                .delete, "/v1/sessions/\(bobs)", cookie: ann, origin: server.origin)
            #expect(foreign.isProblem(404, "unknown_session"))
            let ended = try await server.anonymous(
                .delete, "/v1/sessions/\(anns)", cookie: bob, origin: server.origin)
            #expect(ended.status == 204)
            #expect(try await server.anonymous(.get, "/v1/meters", cookie: ann).status == 401)
            let out = try await server.anonymous(
                .delete, "/v1/sessions/current", cookie: bob, origin: server.origin)
            #expect(out.status == 204)
            #expect(out.header("Set-Cookie")?.hasPrefix("meterstone_session=;") == true)
            #expect(try await server.anonymous(.get, "/v1/meters", cookie: bob).status == 401)

            let late = try await server.signIn("ann@example.com", Self.password)
            let secret = try #require(late.sessionCookie)
            server.clock.advance(bySeconds: 43_199)
            #expect(try await server.anonymous(.get, "/v1/meters", cookie: secret).status == 200)
            server.clock.advance(bySeconds: 1)
            #expect(try await server.anonymous(.get, "/v1/meters", cookie: secret).status == 401)
        }
    }

    @Test func `who is kept out, removed or has another password is signed out at once`()
        async throws
    {
        try await Self.run { server in
            let path = "/v1/administrators/ann@example.com"
            let ann = try await server.administrator("ann@example.com", "owner", Self.password)
            func isIn(_ secret: String) async throws -> Bool {
                try await server.anonymous(.get, "/v1/meters", cookie: secret).status == 200
            }
            #expect(try await isIn(ann))
            server.clock.advance(bySeconds: 1)
            #expect(try await server.send(.patch, path, #"{"active":false}"#).status == 200)
            #expect(try await !isIn(ann))
            let kept = try await server.signIn("ann@example.com", Self.password)
            #expect(kept.isProblem(401, "sign_in_failed"))
            _ = try await server.send(.patch, path, #"{"active":true}"#)
            // What ended does not come back.
            #expect(try await !isIn(ann))

            let next = try #require(
                try await server.signIn("ann@example.com", Self.password).sessionCookie)
            #expect(try await isIn(next))
            server.clock.advance(bySeconds: 1)
            let invitation = try await server.invite("ann@example.com", nil)
            #expect(try await isIn(next))
            let accepted = try await server.accept(invitation, "another password 1")
            #expect(accepted.text("role") == "owner")
            #expect(try await !isIn(next))

            let third = try #require(
                try await server.signIn("ann@example.com", "another password 1").sessionCookie)
            #expect(try await server.delete(path).status == 204)
            #expect(try await !isIn(third))
            server.clock.advance(bySeconds: 1)
            _ = try await server.accept(
                try await server.invite("ann@example.com", "viewer"), Self.password)
            #expect(try await !isIn(third))
        }
    }

    @Test func `a code is asked for once it was confirmed, and counts once`() async throws {
        try await Self.run { server in
            let ann = try await server.administrator("ann@example.com", "viewer", Self.password)
            let path = "/v1/sessions/current/code"
            let made = try await server.anonymous(
                .post, path, cookie: ann, origin: server.origin)
            let secret = try #require(made.text("secret"))
            #expect(made.text("uri")?.hasPrefix("otpauth://totp/Meterstone:ann") == true)
            let key = try #require(OneTimeCodes.decoded(secret))
            func code() -> String {
                OneTimeCodes.code(key, step: OneTimeCodes.step(at: server.clock.now))
            }
            // Nothing is asked for yet.
            #expect(try await server.signIn("ann@example.com", Self.password).status == 201)
            let wrong = code() == "000000" ? "000001" : "000000"
            let refused = try await server.anonymous(
                .put, path, #"{"code":"\#(wrong)"}"#, cookie: ann, origin: server.origin)
            #expect(refused.isProblem(422, "invalid_field", field: "code"))
            let first = code()
            let confirmed = try await server.anonymous(
                .put, path, #"{"code":"\#(first)"}"#, cookie: ann, origin: server.origin)
            #expect(confirmed.status == 204)

            let without = try await server.signIn("ann@example.com", Self.password)
            #expect(without.isProblem(401, "code_required"))
            let used = try await server.signIn("ann@example.com", Self.password, code: first)
            #expect(used.isProblem(401, "sign_in_failed"))
            server.clock.advance(bySeconds: 30)
            let next = code()
            let right = try await server.signIn("ann@example.com", Self.password, code: next)
            #expect(right.status == 201)
            let twice = try await server.signIn("ann@example.com", Self.password, code: next)
            #expect(twice.isProblem(401, "sign_in_failed"))
            let again = try #require(right.sessionCookie)
            let off = try await server.anonymous(
                .delete, path, cookie: again, origin: server.origin)
            #expect(off.status == 204)
            #expect(try await server.signIn("ann@example.com", Self.password).status == 201)
        }
    }

    @Test(arguments: [
        (59, "287082"), (1_111_111_109, "081804"), (1_111_111_111, "050471"),
        (1_234_567_890, "005924"), (2_000_000_000, "279037"),
    ])
    func `codes are those of RFC 6238`(second: Int64, code: String) {
        let step = OneTimeCodes.step(at: Instant(millisecondsSince1970: second * 1_000))
        #expect(OneTimeCodes.code(Array("12345678901234567890".utf8), step: step) == code)
    }

    @Test func `secrets in Base32 are read as RFC 4648 has it`() {
        #expect(OneTimeCodes.decoded("MZXW6YTBOI") == Array("foobar".utf8))
        #expect(OneTimeCodes.decoded("MZXW6") == Array("foo".utf8))
        #expect(OneTimeCodes.decoded("mz") == nil && OneTimeCodes.decoded("") == nil)
    }

    @Test func `somebody with a key signs in with it, and the session ends with the key`()
        async throws
    {
        try await Self.run { server in
            let made = try await server.post("/v1/keys", #"{"scopes":["read"]}"#)
            let key = try #require(made.text("secret"))
            let id = try #require(made.text("key"))
            let signedIn = try await server.signIn(key: key)
            #expect(signedIn.status == 201 && signedIn.text("role") == "viewer")
            let secret = try #require(signedIn.sessionCookie)
            #expect(try await server.anonymous(.get, "/v1/meters", cookie: secret).status == 200)
            #expect(
                try await server.anonymous(.get, "/v1/changes", cookie: secret)
                    .isProblem(403, "insufficient_scope"))
            _ = try await server.delete("/v1/keys/\(id)")
            #expect(try await server.anonymous(.get, "/v1/meters", cookie: secret).status == 401)
            #expect(try await server.signIn(key: key).isProblem(401, "sign_in_failed"))

            let owner = try await server.signIn(key: "owner")
            #expect(owner.status == 201 && owner.text("role") == "owner")
            let all = try await server.anonymous(
                .get, "/v1/keys", cookie: owner.sessionCookie)
            #expect(all.status == 200)
            let bound = try await server.post("/v1/keys", #"{"scopes":["read"],"subject":"ann"}"#)
            let refused = try await server.signIn(key: try #require(bound.text("secret")))
            #expect(refused.isProblem(403, "insufficient_scope"))
        }
    }

    @Test func `an owner does not lock the last door, and a viewer invites nobody`() async throws {
        try await Self.run { server in
            let path = "/v1/administrators/ann@example.com"
            let ann = try await server.administrator("ann@example.com", "owner", Self.password)
            for body in [#"{"role":"viewer"}"#, #"{"active":false}"#] {
                let answer = try await server.anonymous(
                    .patch, path, body, cookie: ann, origin: server.origin)
                #expect(answer.isProblem(409, "own_administrator"))
            }
            let removed = try await server.anonymous(
                .delete, path, cookie: ann, origin: server.origin)
            #expect(removed.isProblem(409, "own_administrator"))
            let bob = try await server.administrator("bob@example.com", "viewer", Self.password)
            let invite = try await server.anonymous(
                .post, "/v1/administrators", #"{"email":"eve@example.com","role":"owner"}"#,
                cookie: bob, origin: server.origin)
            #expect(invite.status == 403)
        }
    }

    @Test func `bad input names the field`() async throws {
        try await Self.run { server in
            for (path, body, field) in [
                ("/v1/administrators", #"{"email":"ann"}"#, "email"),
                ("/v1/administrators", #"{"email":"a@b","role":"boss"}"#, "role"),
                ("/v1/administrators", #"{"email":"a@b","roles":"owner"}"#, "roles"),
                ("/v1/administrators", #"{"email":"a@b","name":""}"#, "name"),
                ("/v1/sessions", #"{"email":"a@b"}"#, "password"),
                ("/v1/sessions", #"{"password":"x"}"#, "email"),
                ("/v1/sessions", #"{"key":"x","email":"a@b"}"#, "email"),
            ] {
                let answer = try await server.post(path, body)
                #expect(answer.status == 422 && answer.text("field") == field, "\(answer.text)")
            }
            let invitation = try await server.invite("ann@example.com", "owner")
            for password in ["short", "aaaaaaaaaaaaaaaa"] {
                let answer = try await server.accept(invitation, password)
                #expect(answer.isProblem(422, "invalid_field", field: "password"))
            }
            server.clock.advance(bySeconds: 86_400)
            let late = try await server.accept(invitation, Self.password)
            #expect(late.isProblem(404, "unknown_invitation"))
        }
    }

    @Test func `an administrator with a password ends the trial`() async throws {
        try await Self.run(key: nil) { server in
            #expect(try await server.get("/v1/meters").status == 200)
            let ann = try await server.administrator("ann@example.com", "owner", Self.password)
            #expect(try await server.get("/v1/meters").isProblem(401, "unauthorized"))
            #expect(try await server.anonymous(.get, "/v1/meters", cookie: ann).status == 200)
        }
    }

    @Test func `when a key was used is told, and written down at most now and then`() async throws {
        try await Self.run { server in
            let made = try await server.post("/v1/keys", #"{"scopes":["read"]}"#)
            let (key, id) = (try #require(made.text("secret")), try #require(made.text("key")))
            #expect(try await server.get("/v1/keys/\(id)").text("lastUsedAt") == nil)
            let count = try await server.engine.changes(count: 100).count
            for _ in 0..<10 {
                server.clock.advance(bySeconds: 2)
                _ = try await server.send(
                    .get, "/v1/meters", headers: [.authorization: "Bearer \(key)"])
            }
            let shown = try await server.get("/v1/keys/\(id)")
            #expect(shown.text("lastUsedAt") == server.clock.now.rfc3339)
            let uses = ChangeFilter(kind: "uses")
            #expect(try await server.engine.changes(uses, before: nil, count: 9).isEmpty)
            #expect(try await server.engine.changes(count: 100).count == count)
        }
    }

    @Test func `the standard cost is what OWASP asks for`() async throws {
        let passwords = Passwords()
        let hash = try await passwords.hash(Self.password)
        #expect(hash.hasPrefix("$scrypt$ln=15,r=8,p=3$"))
        #expect(try await passwords.matches(Self.password, hash))
        #expect(try await !passwords.matches(Self.password + " ", hash))
        #expect(try await !passwords.matches(Self.password, nil))
        // What is stored is checked: nobody's text takes all memory.
        for bad in ["", "$scrypt$ln=40,r=8,p=3$00$00", "$scrypt$ln=-1,r=8,p=3$00$00", "plain"] {
            #expect(try await !passwords.matches(Self.password, bad))
        }
    }
}

extension Answer {
    /// The secret that the answer has a browser keep.
    var sessionCookie: String? {
        guard let cookie = header("Set-Cookie"), cookie.hasPrefix("meterstone_session=") else {
            return nil
        }
        return String(cookie.dropFirst("meterstone_session=".count).prefix { $0 != ";" })
    }
}

extension TestServer {
    /// As whom the test client's requests are sent.
    var origin: String { "http://localhost" }

    /// Without the server's own key.
    func anonymous(
        _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil,
        cookie: String? = nil, origin: String? = nil
    ) async throws -> Answer {
        var anonymous = self
        anonymous.key = nil
        var headers: HTTPFields = [:]
        if let cookie { headers[.cookie] = "meterstone_session=\(cookie)" }
        if let origin { headers[.origin] = origin }
        return try await anonymous.send(method, path, body, headers: headers)
    }

    func signIn(
        _ email: String, _ password: String, code: String? = nil, origin: String? = nil
    ) async throws -> Answer {
        let code = code.map { #","code":"\#($0)""# } ?? ""
        return try await anonymous(
            .post, "/v1/sessions", #"{"email":"\#(email)","password":"\#(password)"\#(code)}"#,
            origin: origin)
    }

    func signIn(key: String) async throws -> Answer {
        try await anonymous(.post, "/v1/sessions", #"{"key":"\#(key)"}"#)
    }

    func invite(_ email: String, _ role: String?) async throws -> String {
        let role = role.map { #","role":"\#($0)""# } ?? ""
        let answer = try await post("/v1/administrators", #"{"email":"\#(email)"\#(role)}"#)
        return try #require(answer.text("invitation"), "\(answer.text)")
    }

    func accept(_ invitation: String, _ password: String) async throws -> Answer {
        try await anonymous(
            .post, "/v1/administrators/accept",
            #"{"invitation":"\#(invitation)","password":"\#(password)"}"#)
    }

    /// Invites somebody, and signs them in.
    func administrator(
        _ email: String, _ role: String, _ password: String
    ) async throws -> String {
        _ = try await accept(try await invite(email, role), password)
        let answer = try await signIn(email, password)
        return try #require(answer.sessionCookie, "\(answer.text)")
    }
}
