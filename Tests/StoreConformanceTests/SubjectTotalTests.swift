import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// How many subjects there are, which is as many as the list has.
@Suite struct SubjectTotalTests {
    private static let keys = (0..<12).map { SubjectID(unchecked: "s\($0)") }

    private static func id(_ text: String) -> SubjectID { SubjectID(unchecked: text) }

    private static func walked(_ engine: MeterstoneEngine) async throws -> Int {
        var count = 0
        var last: SubjectID?
        while true {
            let page = try await engine.subjects(after: last, count: 5)
            count += page.count
            guard page.count == 5 else { return count }
            last = page.last?.id
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `keys, merges, renames and erasures count each subject once`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            let engine = session.engine
            try await engine.setUp()
            #expect(try await engine.subjectTotal() == 0)
            let steps: [(Change, Int)] = [
                (.putSubject(Subject(id: Self.id("ann"), parent: Self.id("team"))), 2),
                (.putSubject(Subject(id: Self.id("bob"), name: "Bob")), 3),
                (.putAlias(Self.id("ann"), alias: Self.id("annie")), 3),
                (.renameSubject(Self.id("ann"), to: Self.id("anna")), 3),
                (.deleteAlias(Self.id("anna"), alias: Self.id("annie")), 4),
                (.mergeSubject(Self.id("bob"), from: Self.id("annie")), 3),
                (.deleteSubject(Self.id("bob")), 3),
                (.eraseSubject(Self.id("anna"), Erasure(key: Self.id("erased-1"))), 3),
                // Who comes with the key of somebody erased is somebody new.
                (.putSubject(Subject(id: Self.id("anna"))), 4),
            ]
            for (change, total) in steps {
                let outcome = try await engine.put(change)
                #expect(outcome.isChange, "\(change.kind): \(outcome)")
                #expect(try await engine.subjectTotal() == total, "\(change)")
            }
            try await engine.count(.of(Self.id("new")))
            #expect(try await engine.subjectTotal() == 5)
            try await session.reopen()
            #expect(try await session.engine.subjectTotal() == 5)
            #expect(try await Self.walked(session.engine) == 5)
        }
    }

    @Test(arguments: StoreUnderTest.allCases, [1, 2, 3, 4] as [UInt64])
    func `the total is what the list has, whatever happened`(
        store: StoreUnderTest, seed: UInt64
    ) async throws {
        var random = SplitMix64(state: seed)
        var erased = 0
        try await store.withSession { session in
            try await session.engine.setUp()
            for step in 0..<120 {
                let (one, other) = (
                    Self.keys.randomElement(using: &random)!,
                    Self.keys.randomElement(using: &random)!
                )
                switch Int.random(in: 0..<10, using: &random) {
                case 0: _ = try await session.engine.put(.putAlias(one, alias: other))
                case 1: _ = try await session.engine.put(.deleteAlias(one, alias: other))
                case 2: _ = try await session.engine.put(.renameSubject(one, to: other))
                case 3: _ = try await session.engine.put(.mergeSubject(one, from: other))
                case 4:
                    erased += 1
                    _ = try await session.engine.put(
                        .eraseSubject(
                            one, Erasure(key: SubjectID(unchecked: "erased-\(erased)"))))
                case 5: _ = try await session.engine.put(.deleteSubject(one))
                case 6: _ = try await session.engine.put(.putSubject(Subject(id: one)))
                case 7 where step % 3 == 0: _ = try await session.reopen()
                default: try await session.engine.count(.of(one, id: "e\(step)"))
                }
                let total = try await session.engine.subjectTotal()
                #expect(try await Self.walked(session.engine) == total, "step \(step)")
            }
            #expect(try await session.engine.verify().differences == [])
        }
    }
}
