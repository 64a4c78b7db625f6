import Meterstone
import MeterstoneCore
import MeterstonePostgres
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Promises 1 and 3 for reservations and credits while several nodes decide at once.
@Suite
struct ReservationNodesTests {
    @Test func `a thousand spends of seven from five thousand at three nodes`() async throws {
        try await TestDatabase.with { database in
            let nodes = try await Self.nodes(database, balance: 5_000)
            let allowed = await withTaskGroup(of: String.self) { group in
                for number in 0..<1_000 {
                    group.addTask {
                        await nodes[number % 3].answer(.of(.ada, id: "event-\(number)"))
                    }
                }
                return await group.reduce(0) { $0 + ($1 == "allowed" ? 1 : 0) }
            }
            #expect(allowed == 714)
            #expect(try await nodes[1].wallet(of: .ada).balance == 2)
            try await database.expectClean(nodes[2], events: 714)
        }
    }

    @Test func `of a hundred reservations at three nodes three are open at once`() async throws {
        try await TestDatabase.with { database in
            let nodes = try await Self.nodes(database, balance: 1_000)
            let limit = Limit(
                key: LimitKey(unchecked: "renders"), meter: .prompts, window: .concurrent,
                defaultAllowance: .units(3))
            try await nodes[0].put(.putLimit(limit))
            for id in [SubjectID.ada, .bob] {
                try await nodes[0].put(.putSubject(Subject(id: id, parent: .team)))
            }
            let allowed = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<100 {
                    let subject = number % 2 == 0 ? SubjectID.ada : .bob
                    group.addTask {
                        let outcome = try await nodes[number % 3]
                            .reserve(.of(subject, 1, id: "work-\(number)"))
                        guard case .decided(let decision, _) = outcome else { return false }
                        return decision.isAllowed
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(allowed == 3)
            let open = try await nodes[1].openReservations(of: .team)
            #expect(open.count == allowed)
            database.clock.advance(bySeconds: 3_600)
            // Every node sweeps at once, and each reservation expires once.
            let expired = try await withThrowingTaskGroup(of: Int.self) { group in
                for node in nodes { group.addTask { try await node.expireReservations() } }
                return try await group.reduce(0, +)
            }
            #expect(expired == allowed)
            #expect(try await nodes[2].wallet(of: .ada).held == 0)
            #expect(try await nodes[2].verify().differences == [])
        }
    }

    /// Each is a fact or more, of which one commit takes so many.
    @Test func `what expires of many subjects is written in commits of few`() async throws {
        try await TestDatabase.with { database in
            let nodes = try (0..<2).map { _ in try database.engine() }
            try await nodes[0].setUp(daily: 1_000_000)
            let (subjects, perSubject) = (90, 20)
            for subject in 0..<subjects {
                let id = SubjectID(unchecked: "subject\(subject)")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<perSubject {
                        group.addTask {
                            _ = try await nodes[0].reserve(.of(id, 1, id: "\(subject)-\(number)"))
                        }
                    }
                    try await group.waitForAll()
                }
            }
            database.clock.advance(bySeconds: 3_600)
            #expect(try await nodes[1].expireReservations() == subjects * perSubject)
            #expect(try await nodes[1].expireReservations() == 0)
            let largest = try database.admin.number(
                """
                SELECT max(count) FROM (
                    SELECT count(*) AS count FROM usage_events WHERE get_byte(body, 0) = 2
                    GROUP BY sequence >> 18
                ) corrections
                """)
            #expect(largest == 16 * perSubject)
            #expect(try await nodes[0].verify().differences == [])
        }
    }

    /// What nobody can read of one subject is no reason not to write down what expired of others.
    @Test func `a subject whose reservation is damaged holds up no other`() async throws {
        try await TestDatabase.with { database in
            let node = try database.engine()
            try await node.setUp(daily: 1_000_000)
            let subjects = (0..<40).map { SubjectID(unchecked: "subject\($0)") }
            for subject in subjects {
                _ = try await node.reserve(.of(subject, 1, id: "work of \(subject.text)"))
            }
            try database.admin.run(
                """
                DELETE FROM usage_events WHERE subject = (
                    SELECT number FROM subjects WHERE id = 'subject7'
                )
                """)
            database.clock.advance(bySeconds: 3_600)
            let failure = await #expect(throws: StoreError.self) {
                try await node.expireReservations()
            }
            #expect(failure?.code == .corrupt)
            let due = try database.admin.run(
                "SELECT id FROM subjects WHERE next_expiry IS NOT NULL")
            #expect(due == ["subject7"])
        }
    }

    @Test func `one settlement at three nodes at once is made`() async throws {
        try await TestDatabase.with { database in
            let nodes = try await Self.nodes(database, balance: 10_000)
            for round in 0..<20 {
                let id = EventID.text("work-\(round)")
                _ = try await nodes[round % 3].reserve(.of(.ada, 5, id: id.text))
                let words = try await withThrowingTaskGroup(of: String.self) { group in
                    for node in nodes {
                        group.addTask { Self.word(try await node.settle(id, .one(.prompts, 2))) }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }.sorted()
                }
                #expect(words == ["again", "again", "done"], "round \(round)")
            }
            let wallet = try await nodes[0].wallet(of: .ada)
            #expect(wallet.balance == 10_000 - 20 * 2 * 7)
            #expect(wallet.held == 0)
            #expect(try await nodes[1].verify().differences == [])
        }
    }

    /// Three nodes, prompts that cost seven credits, and a subject that has some.
    private static func nodes(
        _ database: TestDatabase, balance: Int64
    ) async throws -> [MeterstoneEngine] {
        let nodes = try (0..<3).map { _ in try database.engine() }
        try await nodes[0].setUp(daily: 1_000_000)
        try await nodes[0].put(.putCreditPolicy(CreditPolicy(prices: [.prompts: 7])))
        try await nodes[0].put(.grantCredit(.ada, GrantOrder(amount: balance)))
        try await nodes[0].put(.grantCredit(.bob, GrantOrder(amount: balance)))
        return nodes
    }

    private static func word(_ outcome: ReservationOutcome) -> String {
        guard case .done(let answer) = outcome else { return "\(outcome)" }
        return answer.isDuplicate ? "again" : "done"
    }
}
