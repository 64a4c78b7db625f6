import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What followers read: every fact once, in order, wherever it stands by now.
@Suite struct FactPageTests {
    @Test(arguments: StoreUnderTest.allCases, [0, 1, 2, 3])
    func `facts come in order and once before and after and amid projection`(
        store: StoreUnderTest, step: Int
    ) async throws {
        try await store.withSession { session in
            let told = try await Self.history(in: session, step: step)
            for count in [1, 3, 10_000] {
                let facts = try await session.engine.allFacts(count: count)
                #expect(
                    facts.map(\.sequence) == facts.map(\.sequence).sorted()
                        && Set(facts.map(\.sequence)).count == facts.count)
                let texts = facts.map(\.text)
                #expect(texts == told, "in pages of \(count)")
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `who goes on from a fact gets what came after it`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            let told = try await Self.history(in: session, step: 2)
            let facts = try await session.engine.allFacts(count: 7)
            for (place, fact) in facts.enumerated() {
                let page = try await session.engine.facts(after: fact.sequence, count: 100)
                #expect(page.facts.map(\.text) == Array(told.dropFirst(place + 1)))
                #expect(page.isLast)
            }
            let end = try await session.engine.facts(after: facts.last?.sequence ?? 0)
            #expect(end.count == 0 && end.lastSequence == nil && end.isLast)
            // And what comes next is there at once.
            try await session.engine.count(.of(.bob, id: "later"))
            let next = try await session.engine.facts(after: facts.last?.sequence ?? 0)
            #expect(next.facts.map(\.text) == ["usage later"])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a page says who its facts are about as they are now`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            try await session.engine.setUp()
            _ = try await session.engine.put(
                .putSubject(Subject(id: .ada, timeZone: "Europe/Berlin", parent: .team)))
            try await session.engine.count(.of(.ada, id: "first"))
            _ = try await session.engine.put(
                .renameSubject(.ada, to: SubjectID(unchecked: "ada@example.org")))
            let page = try await session.engine.facts(after: 0)
            let usage = try #require(page.facts.first { $0.text == "usage first" })
            let owner = try #require(page.subjects[usage.subject])
            #expect(owner.profile.id.text == "ada@example.org")
            #expect(owner.profile.timeZone == "Europe/Berlin")
            #expect(page.subjects.values.contains { $0.profile.id == .team })
            #expect(page.catalog.blueprint.meters.map(\.key) == [.prompts])
        }
    }

    /// Usage of three days, a correction, credits and changes; returns what followers have to be told.
    private static func history(in session: Session, step: Int) async throws -> [String] {
        let engine = session.engine
        try await engine.setUp(limits: [.daily(1_000)])
        _ = try await engine.put(.putSubject(Subject(id: .ada, parent: .team)))
        _ = try await engine.put(.grantCredit(.ada, GrantOrder(id: GrantID("g1"), amount: 1_000)))
        var told = [
            "meter prompts", "limit prompts_daily", "subject ada", "grant 1000",
            "creditGrant ada/g1",
        ]
        session.clock.set(.at("2026-04-02T12:00:00Z"))
        for number in 0..<24 {
            let subject = number.isMultiple(of: 3) ? SubjectID.bob : .ada
            let day = ["2026-04-02", "2026-03-30", "2026-04-01"][number % 3]
            try await engine.count(
                .of(subject, [.prompts: Int64(number)], id: "e\(number)", at: "\(day)T09:00:00Z"))
            told.append("usage e\(number)")
            if number == 5 {
                _ = try await engine.void("e4")
                told.append("correction of e4")
            }
            if step == 1, number == 12 { try await engine.flush() }
        }
        if step == 2 { try await engine.flush() }
        if step == 3 { try await session.reopen() }
        return told
    }
}

extension MeterstoneEngine {
    func allFacts(count: Int) async throws -> [FollowedFact] {
        var facts: [FollowedFact] = []
        while true {
            let page = try await self.facts(after: facts.last?.sequence ?? 0, count: count)
            #expect(page.count <= count)
            facts += page.facts
            if page.isLast { return facts }
            #expect(page.count > 0)
        }
    }
}

extension FollowedFact {
    var text: String {
        switch content {
        case .usage(let record): "usage \(record.id)"
        case .correction(let correction): "correction of \(correction.before.id)"
        case .entry(let entry): "\(entry.kind.name) \(entry.amount)"
        case .change(let change): "\(change.kind) \(change.key)"
        }
    }
}
