import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Promises 1, 3 and 5 for credits, while many ask at once.
@Suite struct CreditRaceTests {
    @Test(arguments: StoreUnderTest.allCases)
    func `a thousand spends of seven from five thousand`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUpCredits(price: 7, balance: 5_000)
            let allowed = try await ConsumeTests.race(
                engine, Array(repeating: .of(.ada), count: 1_000))
            #expect(allowed == 714)
            let wallet = try await engine.wallet(of: .ada)
            #expect(wallet.balance == 2)
            #expect(wallet.spent == 4_998)
            try await engine.expectConserved()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `an overdraft is used up exactly`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUpCredits(
                price: 7, balance: 100, plan: Plan(key: .free, isDefault: true, overdraft: 50))
            let allowed = try await ConsumeTests.race(
                engine, Array(repeating: .of(.ada), count: 100))
            #expect(allowed == 21)
            let wallet = try await engine.wallet(of: .ada)
            #expect(wallet.balance == -47)
            #expect(wallet.debt == 47)
            try await engine.expectConserved()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `allowance and credits together allow exactly what both cover`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUpCredits(
                price: 7, balance: 100, payment: .allowanceFirst, limits: [.daily(20)])
            let allowed = try await ConsumeTests.race(
                engine, Array(repeating: .of(.ada), count: 100))
            #expect(allowed == 34)
            #expect(try await engine.wallet(of: .ada).balance == 2)
            try await engine.expectConserved()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `one refund of many at once is carried out`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUpCredits(price: 7, balance: 100)
            _ = try await engine.decide("ada", 3, id: "work")
            let codes = try await engine.race(count: 50) { engine, _ in
                try await engine.put(.refundCredit(.ada, reference: "work", reason: "late")).word
            }
            #expect(codes == ["already_refunded": 49, "credited": 1])
            #expect(try await engine.wallet(of: .ada).balance == 100)
            try await engine.expectConserved()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `one grant of many with one id is given`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUpCredits(price: 7, balance: 1)
            let order = GrantOrder(id: GrantID(unchecked: "order"), amount: 40)
            let codes = try await engine.race(count: 50) { engine, _ in
                try await engine.put(.grantCredit(.ada, order)).word
            }
            #expect(codes == ["credited": 1, "unchanged": 49])
            #expect(try await engine.wallet(of: .ada).balance == 41)
            try await engine.expectConserved()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a refill that many are the first to see is given once`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            let refill = RecurringGrant(window: .day, amount: 30)
            try await engine.setUpCredits(
                price: 1, balance: 1,
                plan: Plan(key: .free, isDefault: true, recurringGrants: [refill]))
            for _ in 0..<3 {
                clock.advance(bySeconds: 86_400)
                let allowed = try await ConsumeTests.race(
                    engine, Array(repeating: .of(.ada, [.prompts: 2]), count: 40))
                #expect(allowed == 15)
            }
            try await engine.expectConserved()
        }
    }
}

extension MeterstoneEngine {
    /// Prompts that cost so many credits, and a subject that has some.
    func setUpCredits(
        price: Int64, balance: Int64, payment: CreditPayment = .creditsOnly, plan: Plan? = nil,
        limits: [Limit] = []
    ) async throws {
        try await setUp(plans: plan.map { [$0] } ?? [], limits: limits)
        try await put(
            .putCreditPolicy(CreditPolicy(payment: payment, prices: [.prompts: price])))
        try await put(.grantCredit(.ada, GrantOrder(amount: balance)))
    }

    /// Does something many times at once, and counts what came of it.
    func race(
        count: Int, _ body: @escaping @Sendable (MeterstoneEngine, Int) async throws -> String
    ) async throws -> [String: Int] {
        try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<count {
                group.addTask { try await body(self, number) }
            }
            return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        }
    }

    /// Fails the test when credit was lost or made up, or a counter is not what the events say.
    func expectConserved(
        of subjects: [SubjectID] = [.ada], _ location: SourceLocation = #_sourceLocation
    ) async throws {
        for subject in subjects {
            let wallet = try await wallet(of: subject)
            #expect(
                wallet.granted - wallet.spent - wallet.expired - wallet.voided - wallet.held
                    == wallet.balance, sourceLocation: location)
            // Of what time alone has caused, not all is written down.
            let entries = try await ledger(of: subject, count: 1_000).entries.map(\.entry)
            #expect(entries.count < 1_000)
            #expect(
                entries.reduce(0) { $0 + $1.amount } == entries.first?.balanceAfter ?? 0,
                sourceLocation: location)
        }
        try await expectClean(location)
    }
}

extension ChangeOutcome {
    /// The stable code of a rejection, or what else it is, without numbers.
    var word: String {
        if case .credited = self { return "credited" }
        return code
    }
}
