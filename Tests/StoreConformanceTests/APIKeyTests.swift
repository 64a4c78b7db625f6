import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Keys of the interface stand in the catalog, and in no blueprint.
@Suite struct APIKeyTests {
    private static let key = APIKey(
        key: APIKeyID(unchecked: "mk_live_12345678"), name: "app",
        digest: String(repeating: "0a", count: 32), scopes: [.consume, .read],
        subject: SubjectID(unchecked: "acme"), addresses: ["10.0.0.0/8"],
        createdAt: Instant(millisecondsSince1970: 1_000),
        expiresAt: Instant(millisecondsSince1970: 2_000))

    @Test(arguments: StoreUnderTest.allCases)
    func `keys are stored, replaced and deleted, and stay over a restart`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.withSession { session in
            #expect(try await session.engine.put(.putKey(Self.key)).code == "created")
            #expect(try await session.engine.put(.putKey(Self.key)).code == "unchanged")
            var shorter = Self.key
            shorter.expiresAt = Instant(millisecondsSince1970: 1_500)
            #expect(try await session.engine.put(.putKey(shorter)).code == "replaced")
            try await session.reopen()
            #expect(try await session.engine.keys() == [shorter])
            let changes = try await session.engine.changes(count: 1)
            #expect(changes.map(\.kind) == ["key"])
            #expect(try await session.engine.put(.deleteKey(Self.key.key)).code == "deleted")
            #expect(try await session.engine.put(.deleteKey(Self.key.key)).code == "missing")
            try await session.reopen()
            #expect(try await session.engine.keys() == [])
        }
    }

    @Test(arguments: StoreUnderTest.allCases, [nil, Instant(millisecondsSince1970: 1_500)])
    func `a rotation is one change of two keys, and stays over a restart`(
        store: StoreUnderTest, end: Instant?
    ) async throws {
        try await store.withSession { session in
            var new = Self.key
            new.key = APIKeyID(unchecked: "mk_live_new")
            new.digest = String(repeating: "0b", count: 32)
            new.requestsPerMinute = 60
            let rotation = Change.rotateKey(Self.key.key, to: new, endsAt: end)
            #expect(try await session.engine.put(rotation).code == "missing")
            _ = try await session.engine.put(.putKey(Self.key))
            let same = Change.rotateKey(Self.key.key, to: Self.key, endsAt: end)
            #expect(try await session.engine.put(same).code == "invalid_field")
            #expect(try await session.engine.put(rotation).code == "replaced")
            var old = Self.key
            old.expiresAt = end
            let expected = end == nil ? [new] : [old, new]
            for _ in 0..<2 {
                #expect(try await session.engine.keys() == expected.sorted { $0.key < $1.key })
                try await session.engine.flush()
                try await session.reopen()
            }
        }
    }

    @Test func `a blueprint has no keys, and leaves them alone`() async throws {
        try await StoreUnderTest.allCases[0].withSession { session in
            _ = try await session.engine.put(.putKey(Self.key))
            let before = try await session.engine.blueprint()
            #expect(before == Blueprint())
            _ = try await session.engine.apply(before, author: "test")
            #expect(try await session.engine.keys() == [Self.key])
        }
    }
}
