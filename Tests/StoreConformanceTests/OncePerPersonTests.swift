import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What a person gets once is not had again after an erasure, under whatever key the person comes back.
@Suite struct OncePerPersonTests {
    private static let ann = SubjectID(unchecked: "ann-lee")
    private static let again = SubjectID(unchecked: "ann-2")
    private static let mail = EmailAddress(unchecked: "ann.lee@example.com")
    private static let welcome = GrantID("welcome")

    private static func once(_ id: GrantID? = welcome) -> GrantOrder {
        GrantOrder(id: id, amount: 50, oncePerPerson: true)
    }

    private static func account(_ mail: EmailAddress?, _ github: String?) -> PersonAccount {
        PersonAccount(email: mail, externalIDs: github.map { ["github": $0] } ?? [:])
    }

    private static func put(
        _ change: Change, _ engine: MeterstoneEngine
    ) async throws -> String {
        let outcome = try await engine.put(change)
        if case .credited = outcome { return "credited" }
        return outcome.code
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `the same address or id gets it once, also after an erasure`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            func put(_ change: Change) async throws -> String {
                try await Self.put(change, session.engine)
            }
            func grant(
                _ subject: SubjectID, _ order: GrantOrder = Self.once()
            ) async throws
                -> String
            {
                try await put(.grantCredit(subject, order))
            }
            _ = try await put(.putAccount(Self.ann, Self.account(Self.mail, nil)))
            #expect(try await grant(Self.ann) == "credited")
            #expect(try await grant(Self.ann) == "unchanged")
            // What an account names only later belongs to the person as well.
            _ = try await put(.putAccount(Self.ann, Self.account(Self.mail, "583231")))
            #expect(try await put(.eraseSubject(Self.ann, Erasure())) == "deleted")
            for round in 0..<3 {
                for (key, account) in [
                    ("by-mail", Self.account(Self.mail, nil)),
                    ("by-id", Self.account(nil, "583231")),
                    ("by-both", Self.account(Self.mail, "583231")),
                ] {
                    let subject = SubjectID(unchecked: "\(key)-\(round)")
                    #expect(try await put(.putAccount(subject, account)) == "created")
                    #expect(try await grant(subject) == "duplicate_grant", "\(key)")
                    // Everything else the person gets.
                    #expect(
                        try await grant(subject, GrantOrder(id: Self.welcome, amount: 5))
                            == "credited")
                    #expect(
                        try await grant(subject, Self.once(GrantID("spring-\(key)-\(round)")))
                            == "credited")
                    #expect(try await session.engine.wallet(of: subject).balance == 55)
                    #expect(try await put(.eraseSubject(subject, Erasure())) == "deleted")
                }
                #expect(try await session.engine.verify().isClean)
                if round == 0 { _ = try await session.engine.compact() }
                try await session.engine.flush()
                try await session.reopen()
            }
            // Another person is another person.
            let other = EmailAddress(unchecked: "bob@example.com")
            _ = try await put(.putAccount(.bob, Self.account(other, nil)))
            #expect(try await grant(.bob) == "credited")
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what a merged person had once goes with the one that stays`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            func put(_ change: Change) async throws -> String {
                try await Self.put(change, session.engine)
            }
            let visitor = SubjectID(unchecked: "visitor")
            _ = try await put(.putAccount(visitor, Self.account(Self.mail, nil)))
            #expect(try await put(.grantCredit(visitor, Self.once())) == "credited")
            _ = try await put(.deleteAccount(visitor))
            _ = try await put(.putSubject(Subject(id: Self.ann)))
            #expect(try await put(.mergeSubject(Self.ann, from: visitor)) == "replaced")
            #expect(try await put(.eraseSubject(Self.ann, Erasure())) == "deleted")
            _ = try await put(.putAccount(Self.again, Self.account(Self.mail, nil)))
            #expect(
                try await put(.grantCredit(Self.again, Self.once())) == "duplicate_grant")
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `it needs an id, and somebody who is known again`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            let engine = session.engine
            guard
                case .rejected(let nobody) = try await engine.put(
                    .grantCredit(Self.ann, Self.once()))
            else {
                Issue.record("granted")
                return
            }
            #expect(nobody.code == .invalidField && nobody.field == "oncePerPerson")
            _ = try await engine.put(.putAccount(Self.ann, Self.account(Self.mail, nil)))
            guard
                case .rejected(let unnamed) = try await engine.put(
                    .grantCredit(Self.ann, Self.once(nil)))
            else {
                Issue.record("granted")
                return
            }
            #expect(unnamed.code == .invalidField && unnamed.field == "id")
        }
    }
}
