import Meterstone
import MeterstoneCore
import MeterstoneStore
import Testing

/// Consumes and records that are only tried.
@Suite struct DryRunTests {
    private static func prompts(
        _ id: String, _ count: Int64, _ subject: SubjectID = .ada
    ) -> UsageEvent {
        .of(subject, [.prompts: count], id: id)
    }

    /// With ten prompts a day for each, and for the team of Ada and Bob.
    private static let consumes: [(event: UsageEvent, verdict: String)] = [
        (prompts("a", 6), "allowed 6"), (prompts("b", 5), "denied"), (prompts("c", 1), "allowed 7"),
        (prompts("a", 6), "duplicate"), (prompts("a", 7), "conflict"),
        // The team has three left.
        (prompts("d", 4, .bob), "denied"), (prompts("e", 3, .bob), "allowed 3"),
        (prompts("f", 10, .company), "allowed 10"), (.of(.ada, [.exports: 1], id: "g"), "rejected"),
    ]

    private static func text(_ outcome: ConsumeOutcome) -> String {
        switch outcome {
        case .conflict: return "conflict"
        case .rejected: return "rejected"
        case .decided(let decision):
            if decision.isDuplicate { return "duplicate" }
            let used = decision.limits.first.map { $0.used.description } ?? "-"
            return decision.isAllowed ? "allowed \(used)" : "denied"
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `each is decided as if those before it had been consumed, and nothing lasts`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            let engine = session.engine
            try await engine.setUp(
                limits: [.daily(10)], credits: CreditPolicy(payment: .allowanceFirst))
            for subject in [SubjectID.ada, .bob] {
                try await engine.put(.putSubject(Subject(id: subject, parent: .team)))
            }
            let events = Self.consumes.map(\.event)
            let expected = Self.consumes.map(\.verdict)
            for _ in 0..<2 {
                #expect(try await engine.dryRun(consuming: events).map(Self.text) == expected)
                #expect(try await engine.used(.ada)["prompts_daily"] == 0)
                #expect(try await engine.subject(.company) == nil)
            }
            try await engine.flush()
            #expect(try await engine.events(of: .ada).events.isEmpty)
            // What is done is what was said.
            #expect(try await engine.consume(events).map(Self.text) == expected)
            let again = try await engine.dryRun(consuming: events).map(Self.text)
            #expect(again[0] == "duplicate" && again[4] == "conflict" && again[1] == "denied")
            #expect(try await engine.used(.team)["prompts_daily"] == 10)
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `an attempt spends credits that it only tried to spend`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(credits: CreditPolicy(prices: [.prompts: 10]))
            try await engine.put(.grantCredit(.ada, GrantOrder(amount: 25)))
            let events = (1...3).map { Self.prompts("e\($0)", 1) }
            let outcomes = try await engine.dryRun(consuming: events)
            #expect(outcomes.map(Self.text) == ["allowed -", "allowed -", "denied"])
            #expect(try await engine.wallet(of: .ada).balance == 25)
            #expect(try await engine.ledger(of: .ada).entries.count == 1)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a record that is tried says what it would move, and is not there`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(1)])
            let events = [Self.prompts("a", 5), Self.prompts("a", 5), Self.prompts("a", 4)]
            for _ in 0..<2 {
                let outcomes = try await engine.dryRun(recording: events)
                guard case .counted(_, moved: [.prompts], nil) = outcomes[0],
                    case .duplicate(_, moved: [.prompts], nil) = outcomes[1],
                    case .conflict = outcomes[2]
                else { throw UnexpectedOutcome() }
            }
            #expect(try await engine.subject(.ada) == nil)
            #expect(try await engine.quantities(of: .ada, per: .lifetime) == [0])
        }
    }
}
