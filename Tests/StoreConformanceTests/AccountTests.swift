import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Accounts of persons: found by what nobody else has, kept beside the profile.
@Suite struct AccountTests {
    private static let ann = SubjectID(unchecked: "ann")
    private static let bob = SubjectID(unchecked: "bob")
    private static let mail = EmailAddress(unchecked: "ann@example.com")
    private static let account = PersonAccount(
        email: mail, image: "https://example.com/a.png", externalIDs: ["github": "583231"],
        preferences: ["theme": .text("dark")], variables: ["tries": .integer(3)])

    @Test(arguments: StoreUnderTest.allCases)
    func `a person is found by address and id, and a write of the profile forgets neither`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            #expect(
                try await session.engine.put(.putAccount(Self.ann, Self.account)).code == "created")
            #expect(
                try await session.engine.put(.putAccount(Self.ann, Self.account)).code
                    == "unchanged")
            _ = try await session.engine.put(
                .putSubject(Subject(id: Self.ann, plan: nil, name: "Ann")))
            for _ in 0..<2 {
                let found = try await session.engine.subject(email: Self.mail)
                #expect(found?.id == Self.ann && found?.name == "Ann")
                #expect(found?.account == Self.account)
                let same = try await session.engine.subject(externalID: "583231", ofKind: "github")
                #expect(same?.id == Self.ann)
                #expect(
                    try await session.engine.subject(externalID: "583231", ofKind: "stripe") == nil)
                try await session.engine.flush()
                try await session.reopen()
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `nobody has another's address or id, until it is given up`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            _ = try await session.engine.put(.putAccount(Self.ann, Self.account))
            for (account, field) in [
                (PersonAccount(email: Self.mail), "email"),
                (PersonAccount(externalIDs: ["github": "583231"]), "externalIds.github"),
            ] {
                let outcome = try await session.engine.put(.putAccount(Self.bob, account))
                guard case .rejected(let rejection) = outcome else {
                    Issue.record("\(outcome)")
                    return
                }
                #expect(rejection.code == .inUse && rejection.field == field)
            }
            #expect(try await session.engine.subject(Self.bob)?.account == nil)
            // The same id of another kind is another.
            let stripe = PersonAccount(externalIDs: ["stripe": "583231"])
            #expect(try await session.engine.put(.putAccount(Self.bob, stripe)).code == "created")

            var without = Self.account
            without.email = EmailAddress(unchecked: "ann@example.org")
            #expect(try await session.engine.put(.putAccount(Self.ann, without)).code == "replaced")
            try await session.engine.flush()
            try await session.reopen()
            #expect(try await session.engine.subject(email: Self.mail) == nil)
            var taken = stripe
            taken.email = Self.mail
            #expect(try await session.engine.put(.putAccount(Self.bob, taken)).code == "replaced")
            for _ in 0..<2 {
                #expect(try await session.engine.subject(email: Self.mail)?.id == Self.bob)
                let aliases = try await session.engine.aliases(of: Self.ann)?.map(\.text)
                #expect(aliases == ["github:583231", "mailto:ann@example.org"])
                #expect(try await session.engine.verify().isClean)
                try await session.engine.flush()
                try await session.reopen()
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what is counted under an address is the person's, and who has usage there keeps it`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            let chats = MeterKey(unchecked: "chats")
            _ = try await session.engine.put(.putMeter(Meter(key: chats)))
            func use(_ id: String, by subject: SubjectID) -> UsageEvent {
                UsageEvent(
                    id: EventID(id), subject: subject,
                    quantities: Quantities([NamedQuantity(name: chats, quantity: 1)]))
            }
            let early = PersonAccount.key(of: Self.mail)
            _ = try await session.engine.record([use("e1", by: early)])
            let refused = try await session.engine.put(.putAccount(Self.ann, Self.account))
            #expect(refused.code == "in_use")
            let other = PersonAccount(email: EmailAddress(unchecked: "ann@example.org"))
            _ = try await session.engine.put(.putAccount(Self.ann, other))
            let key = PersonAccount.key(of: EmailAddress(unchecked: "ann@example.org"))
            _ = try await session.engine.record([use("e2", by: key)])
            let total = try #require(try await session.engine.lifetime(of: Self.ann))
            #expect(total.meters.first { $0.meter == chats }?.lifetime.units == 1)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `who is not active consumes nothing, and what was used stays`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            let chats = MeterKey(unchecked: "chats")
            _ = try await session.engine.put(.putMeter(Meter(key: chats)))
            func consume(_ id: String) async throws -> Bool {
                let event = UsageEvent(
                    id: EventID(id), subject: Self.ann,
                    quantities: Quantities([NamedQuantity(name: chats, quantity: 1)]))
                guard case .decided(let decision) = try await session.engine.consume(event) else {
                    return false
                }
                return decision.isAllowed
            }
            #expect(try await consume("e1"))
            var account = Self.account
            account.active = false
            _ = try await session.engine.put(.putAccount(Self.ann, account))
            #expect(try await !consume("e2"))
            try await session.reopen()
            #expect(try await !consume("e3"))
            account.active = true
            _ = try await session.engine.put(.putAccount(Self.ann, account))
            #expect(try await consume("e4"))
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `sessions of a person are kept, seen again and ended`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            let first = session.clock.now
            func start(_ id: String, device: String?) async throws -> String {
                let now = session.clock.now
                let new = AccountSession(
                    id: SessionID(unchecked: id), device: device, startedAt: now, lastSeenAt: now)
                return try await session.engine.put(.startAccountSession(Self.ann, new)).code
            }
            #expect(try await start("s1", device: "phone") == "created")
            session.clock.advance(bySeconds: 60)
            #expect(try await start("s2", device: nil) == "created")
            session.clock.advance(bySeconds: 60)
            #expect(try await start("s1", device: nil) == "replaced")
            let end = session.clock.now
            func stop(_ id: String) async throws -> String {
                let id = SessionID(unchecked: id)
                return try await session.engine.put(.endAccountSession(Self.ann, id, at: end)).code
            }
            #expect(try await stop("s2") == "deleted")
            #expect(try await stop("s2") == "missing")
            #expect(try await stop("s9") == "missing")
            try await session.reopen()
            let account = try #require(try await session.engine.subject(Self.ann)?.account)
            #expect(account.sessions.map(\.id.text) == ["s1", "s2"])
            #expect(account.sessions[0].device == "phone" && account.sessions[0].startedAt == first)
            #expect(account.sessions[0].lastSeenAt == end && account.sessions[1].endedAt == end)
            #expect(account.lastLoginAt == first.advanced(byMilliseconds: 60_000))
            #expect(account.tokensFrom == end)
            for number in 0..<30 { _ = try await start("n\(number)", device: nil) }
            let sessions = try await session.engine.subject(Self.ann)?.account?.sessions
            #expect(
                sessions?.count == PersonAccount.sessionsMax && sessions?.first?.id.text == "n29")
        }
    }

    @Test func `an account keeps within its bounds`() {
        #expect(Self.account.mistake == nil)
        for (account, field) in [
            (PersonAccount(image: ""), "image"),
            (PersonAccount(externalIDs: ["GitHub": "1"]), "externalIds"),
            (PersonAccount(externalIDs: ["mailto": "1"]), "externalIds"),
            (PersonAccount(externalIDs: ["github": ""]), "externalIds.github"),
            (
                PersonAccount(externalIDs: ["github": String(repeating: "1", count: 255)]),
                "externalIds.github"
            ),
            (PersonAccount(variables: ["": .null]), "variables"),
            (
                PersonAccount(variables: ["a": .text(String(repeating: "x", count: 4_100))]),
                "variables.a"
            ),
            (
                PersonAccount(
                    preferences: Dictionary(
                        uniqueKeysWithValues: (0..<201).map { ("p\($0)", JSONValue.null) })),
                "preferences"
            ),
            (
                PersonAccount(
                    variables: Dictionary(
                        uniqueKeysWithValues: (0..<20).map {
                            ("v\($0)", JSONValue.text(String(repeating: "x", count: 4_000)))
                        })), "variables"
            ),
        ] {
            #expect(account.mistake?.field == field)
        }
    }
}
