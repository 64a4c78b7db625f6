import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Erasing a person: what was said goes, the numbers stay, and who comes with the same address is somebody new.
@Suite struct ErasureTests {
    private static let ann = SubjectID(unchecked: "ann-lee")
    private static let bob = SubjectID(unchecked: "bob")
    private static let team = SubjectID(unchecked: "team")
    private static let erased = SubjectID(unchecked: "erased-0f")
    private static let mail = EmailAddress(unchecked: "ann.lee@example.com")
    private static let chats = MeterKey(unchecked: "chats")
    private static let account = PersonAccount(
        email: mail, externalIDs: ["github": "583231"], variables: ["city": .text("Oslo")])

    private static func use(_ id: String, by subject: SubjectID, _ units: Int64) -> UsageEvent {
        UsageEvent(
            id: EventID(id), subject: subject,
            quantities: Quantities([NamedQuantity(name: chats, quantity: Quantity(units))]),
            details: EventDetails(
                type: "chat", errorMessage: "no route to Ann Lee", session: "lee-1",
                dimensions: [Dimension(name: "title", value: "for Ann Lee")],
                properties: #"{"prompt":"write to Ann Lee"}"#))
    }

    /// A team of two who used 5 and 3, one of them with an account, credits and a key.
    private static func prepare(_ engine: MeterstoneEngine) async throws {
        let limit = Limit(
            key: LimitKey(unchecked: "monthly"), meter: chats, window: .month, allowances: [:],
            defaultAllowance: .units(100))
        for change in [
            Change.putMeter(Meter(key: chats)), .putLimit(limit),
            .putSubject(
                Subject(id: ann, parent: team, name: "Ann Lee", metadata: ["note": "likes tea"])),
            .putSubject(Subject(id: bob, parent: team)), .putAccount(ann, account),
            .putAlias(ann, alias: SubjectID(unchecked: "annie")),
            .grantCredit(
                ann, GrantOrder(id: GrantID("welcome"), amount: 50)),
            .putKey(
                APIKey(
                    key: APIKeyID(unchecked: "anns"), digest: String(repeating: "0", count: 64),
                    scopes: [.read],
                    subject: ann, createdAt: Instant(millisecondsSince1970: 0))),
        ] {
            let outcome = try await engine.put(change)
            #expect(outcome.isChange, "\(change.kind): \(outcome)")
        }
        _ = try await engine.record([use("a1", by: ann, 5), use("b1", by: bob, 3)])
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `who is erased is nobody any more, and the numbers stay`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await Self.prepare(session.engine)
            let outcome = try await session.engine.put(
                .eraseSubject(Self.ann, Erasure(key: Self.erased)))
            #expect(outcome.code == "deleted")
            for _ in 0..<2 {
                for key in [
                    Self.ann, SubjectID(unchecked: "annie"), PersonAccount.key(of: Self.mail),
                ] {
                    #expect(try await session.engine.subject(key) == nil, "\(key)")
                }
                #expect(try await session.engine.subject(email: Self.mail) == nil)
                let left = try #require(try await session.engine.subject(Self.erased))
                #expect(left.name == nil && left.account == nil && left.metadata.isEmpty)
                #expect(left.erasedAt == session.clock.now && left.parent == Self.team)
                #expect(try await session.engine.aliases(of: Self.erased) == [])
                #expect(try await session.engine.access().keys.isEmpty)
                for (subject, units) in [(Self.erased, 5), (Self.bob, 3), (Self.team, 8)] {
                    let total = try #require(try await session.engine.lifetime(of: subject))
                    #expect(total.meters.first?.lifetime.units == Int64(units), "\(subject)")
                }
                // What was told of her is not told any more, and of others it is.
                for (subject, prompts) in [(Self.erased, 0), (Self.team, 1)] {
                    let events = try await session.engine.events(of: subject).events
                    let told = events.compactMap(\.event.details?.properties)
                    #expect(told.count == prompts, "\(subject)")
                    #expect(events.allSatisfy { $0.event.id != EventID("a1") })
                }
                let listed = try await session.engine.subjects(after: nil, count: 10)
                #expect(listed.map(\.id) == [Self.bob, Self.erased, Self.team])
                #expect(try await session.engine.verify().isClean)
                try await session.engine.flush()
                try await session.reopen()
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `who comes with the same key and address is somebody new`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await Self.prepare(session.engine)
            _ = try await session.engine.put(.eraseSubject(Self.ann, Erasure(key: Self.erased)))
            #expect(
                try await session.engine.put(.putAccount(Self.bob, Self.account)).code == "created")
            _ = try await session.engine.record([Self.use("a2", by: Self.ann, 2)])
            for _ in 0..<2 {
                #expect(try await session.engine.subject(email: Self.mail)?.id == Self.bob)
                for (subject, units) in [(Self.erased, 5), (Self.ann, 2), (Self.team, 8)] {
                    let total = try #require(try await session.engine.lifetime(of: subject))
                    #expect(total.meters.first?.lifetime.units == Int64(units), "\(subject)")
                }
                #expect(try await session.engine.verify().isClean)
                try await session.engine.flush()
                try await session.reopen()
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `who was merged into a person is erased with the person`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            let guest = SubjectID(unchecked: "guest")
            try await Self.prepare(session.engine)
            for (key, name) in [("visitor", "A visitor"), ("guest", "A guest")] {
                let subject = SubjectID(unchecked: key)
                try await session.engine.put(.putSubject(Subject(id: subject, name: name)))
                _ = try await session.engine.record([Self.use(key, by: subject, 4)])
                try await session.engine.put(.mergeSubject(Self.ann, from: subject))
            }
            let outcome = try await session.engine.put(
                .eraseSubject(Self.ann, Erasure(key: Self.erased)))
            #expect(outcome.code == "deleted")
            for round in 0..<2 {
                #expect(try await session.engine.subject(guest) == nil)
                for (subject, units) in [(Self.erased, 13), (Self.team, 8)] {
                    let total = try #require(try await session.engine.lifetime(of: subject))
                    #expect(total.meters.first?.lifetime.units == Int64(units), "\(subject)")
                }
                let events = try await session.engine.events(of: Self.erased).events
                #expect(events.count == 3)
                #expect(events.allSatisfy { $0.event.details?.properties == nil })
                #expect(try await session.engine.verify().isClean)
                if round == 0 { _ = try await session.engine.compact() }
                try await session.engine.flush()
                try await session.reopen()
            }
            // Whoever comes with a key of theirs is somebody new.
            _ = try await session.engine.record([Self.use("new", by: guest, 2)])
            let new = try #require(try await session.engine.lifetime(of: guest))
            #expect(new.meters.first?.lifetime.units == 2)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `who is erased is not merged`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            let other = SubjectID(unchecked: "other")
            try await session.engine.put(.putMeter(Meter(key: Self.chats)))
            _ = try await session.engine.record([
                Self.use("e1", by: other, 1), Self.use("e2", by: Self.bob, 1),
            ])
            _ = try await session.engine.put(.eraseSubject(Self.bob, Erasure(key: Self.erased)))
            for (into, from) in [(other, Self.erased), (Self.erased, other)] {
                #expect(
                    try await session.engine.put(.mergeSubject(into, from: from)).code
                        == "subject_erased")
            }
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `of who is erased nothing new is said, and a team is not erased`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await Self.prepare(session.engine)
            let team = try await session.engine.put(.eraseSubject(Self.team, Erasure()))
            #expect(team.code == "in_use")
            let nobody = SubjectID(unchecked: "nobody")
            #expect(
                try await session.engine.put(.eraseSubject(nobody, Erasure())).code == "missing")
            _ = try await session.engine.put(.eraseSubject(Self.ann, Erasure(key: Self.erased)))
            for change in [
                Change.putSubject(Subject(id: Self.erased, name: "Ann Lee")),
                .putAccount(Self.erased, Self.account), .eraseSubject(Self.erased, Erasure()),
                .putAlias(Self.erased, alias: Self.ann),
                .grantCredit(Self.erased, GrantOrder(amount: 1)),
            ] {
                #expect(try await session.engine.put(change).code == "subject_erased")
            }
            let refused = try await session.engine.consume(Self.use("x", by: Self.erased, 1))
            guard case .decided(let decision) = refused else {
                Issue.record("\(refused)")
                return
            }
            #expect(decision.denial?.reason == .subjectBlocked(Self.erased))
            let told = try await session.engine.record([Self.use("y", by: Self.erased, 1)])
            #expect(told.map(\.code) == ["subject_erased"])
            let below = Change.putSubject(Subject(id: nobody, parent: Self.erased))
            #expect(try await session.engine.put(below).code == "subject_erased")
            #expect(
                try await session.engine.put(.eraseSubject(Self.ann, Erasure())).code == "missing")
        }
    }
}
