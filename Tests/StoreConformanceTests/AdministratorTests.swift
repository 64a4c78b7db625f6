import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Administrators, their sessions and the uses of keys stand in the catalog, and in no blueprint.
@Suite struct AdministratorTests {
    private static let ann = Administrator(
        email: EmailAddress(unchecked: "ann@example.com"), name: "Ann", role: .owner,
        password: "$scrypt$x", codeSecret: "ABC", createdAt: Instant(millisecondsSince1970: 1_000))

    private static let session = AdministratorSession(
        id: SessionID(unchecked: "s1"), digest: String(repeating: "0a", count: 32),
        administrator: ann.email, device: "curl", address: "192.0.2.1",
        startedAt: Instant(millisecondsSince1970: 2_000),
        expiresAt: Instant(millisecondsSince1970: 9_000))

    @Test(arguments: StoreUnderTest.allCases)
    func `administrators and sessions are stored, replaced and deleted, and stay over a restart`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            #expect(try await session.engine.put(.putAdministrator(Self.ann)).code == "created")
            #expect(try await session.engine.put(.putAdministrator(Self.ann)).code == "unchanged")
            #expect(try await session.engine.put(.putSession(Self.session)).code == "created")
            var viewer = Self.ann
            viewer.role = .viewer
            #expect(try await session.engine.put(.putAdministrator(viewer)).code == "replaced")
            let uses = AccessUses(lastUsedAt: [
                "s1": Instant(millisecondsSince1970: 3_000),
                "gone": Instant(millisecondsSince1970: 3_000),
            ])
            #expect(try await session.engine.put(.noteUses(uses)).code == "created")
            try await session.reopen()
            #expect(try await session.engine.administrators() == [viewer])
            #expect(try await session.engine.administratorSessions() == [Self.session])
            let access = try await session.engine.access()
            #expect(access.uses?.lastUsedAt == ["s1": Instant(millisecondsSince1970: 3_000)])
            // An earlier word of another node takes nothing back.
            let older = AccessUses(lastUsedAt: ["s1": Instant(millisecondsSince1970: 2_500)])
            #expect(try await session.engine.put(.noteUses(older)).code == "unchanged")
            #expect(try await session.engine.put(.deleteSession(Self.session.id)).code == "deleted")
            let email = Self.ann.email
            #expect(try await session.engine.put(.deleteAdministrator(email)).code == "deleted")
            #expect(try await session.engine.put(.deleteAdministrator(email)).code == "missing")
            try await session.reopen()
            #expect(try await session.engine.administrators().isEmpty)
            #expect(try await session.engine.administratorSessions().isEmpty)
            #expect(try await session.engine.blueprint() == Blueprint())
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `an invitation is made once more for the same, and keeps the role`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            let engine = session.engine
            let email = Self.ann.email
            let first = try await engine.invite(email, as: .operator, name: nil, author: "t")
            let second = try await engine.invite(email, as: nil, name: "Ann", author: "t")
            #expect(first.invitation != second.invitation)
            let known = try #require(try await engine.administrators().first)
            #expect(known.role == .operator && known.name == "Ann")
            let digest = SHA256.hash(Array(second.invitation.utf8)).description
            #expect(known.invitation?.digest == digest)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `the log is searched by thing, subject, author, place and time`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            func put(_ change: Change, by author: String, from address: String?) async throws {
                let request = ChangeRequest(change: change, author: author, address: address)
                _ = try await session.engine.change(request)
                session.clock.advance(bySeconds: 1)
            }
            let start = session.clock.now
            let plan = PlanKey(unchecked: "maxChats")
            let limit = LimitKey(unchecked: "maxChats")
            let meter = MeterKey(unchecked: "chats")
            let bob = SubjectID(unchecked: "bob")
            try await put(.putMeter(Meter(key: meter)), by: "ann", from: "192.0.2.1")
            try await put(.putPlan(Plan(key: plan)), by: "ann", from: "192.0.2.2")
            try await put(
                .putLimit(Limit(key: limit, meter: meter, window: .day)), by: "eve, ann", from: nil)
            try await put(.putSubject(Subject(id: bob)), by: "eve", from: "192.0.2.1")
            try await put(.putOverride(bob, limit, .units(5)), by: "eve", from: "192.0.2.1")
            try await put(
                .putSubject(Subject(id: SubjectID(unchecked: "bobby"))), by: "eve", from: nil)
            try await put(.noteUses(AccessUses()), by: "server", from: nil)
            func keys(_ filter: ChangeFilter) async throws -> [String] {
                try await session.engine.changes(filter, before: nil, count: 100).map {
                    "\($0.kind) \($0.key)"
                }
            }
            // In what waits, and in the tables.
            for _ in 0..<2 {
                #expect(
                    try await keys(ChangeFilter(key: "maxChats"))
                        == ["limit maxChats", "plan maxChats"])
                #expect(
                    try await keys(ChangeFilter(kind: "plan", key: "maxChats")) == ["plan maxChats"]
                )
                #expect(
                    try await keys(ChangeFilter(subject: bob))
                        == ["override bob/maxChats", "subject bob"])
                #expect(
                    try await keys(ChangeFilter(author: "ann"))
                        == ["limit maxChats", "plan maxChats", "meter chats"])
                #expect(
                    try await keys(ChangeFilter(author: "eve", address: "192.0.2.1"))
                        == ["override bob/maxChats", "subject bob"])
                #expect(
                    try await keys(
                        ChangeFilter(
                            from: start.advanced(byMilliseconds: 1_000),
                            until: start.advanced(byMilliseconds: 3_000)))
                        == ["limit maxChats", "plan maxChats"])
                // When keys were used is told to whoever asks for that.
                #expect(try await keys(ChangeFilter()).count == 6)
                #expect(try await keys(ChangeFilter(kind: "uses")) == ["uses access"])
                let page = try await session.engine.changes(
                    ChangeFilter(author: "eve"), before: nil, count: 2)
                let rest = try await session.engine.changes(
                    ChangeFilter(author: "eve"), before: page[1].sequence, count: 9)
                #expect((page + rest).map(\.key) == ["bobby", "bob/maxChats", "bob", "maxChats"])
                try await session.engine.flush()
                try await session.reopen()
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `the log shows that there are secrets, and not which`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            _ = try await session.engine.put(.putAdministrator(Self.ann))
            for _ in 0..<2 {
                let change = try #require(try await session.engine.changes(count: 1).first)
                let after = try #require(change.after)
                #expect(change.kind == "administrator" && change.key == "ann@example.com")
                #expect(!after.contains("scrypt") && !after.contains("ABC"))
                #expect(after.contains("(secret)") && after.contains(#""role":"owner""#))
                try await session.reopen()
            }
        }
    }

    @Test func `addresses are told apart without case, and must be some`() {
        #expect(EmailAddress(folding: "Ann@Example.COM")?.text == "ann@example.com")
        #expect(EmailAddress(folding: "JÜRGEN@example.com")?.text == "jürgen@example.com")
        for bad in ["", "ann", "@b", "a@", "a@b@c", "a b@c", "a@b\n", "a@\u{7F}b"] {
            #expect(EmailAddress(folding: bad) == nil, "\(bad)")
        }
        #expect(EmailAddress("Ann@b") == nil)
    }
}
