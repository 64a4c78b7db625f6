import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Credits: prices, grants, the ledger and what it proves.
@Suite struct CreditTests {
    private static let policy = CreditPolicy(prices: [.prompts: 10])

    private static func order(
        _ amount: Int64, id: String? = nil, priority: Int = CreditGrant.priorityDefault,
        until: String? = nil
    ) -> GrantOrder {
        GrantOrder(
            id: id.map { GrantID(unchecked: $0) }, amount: amount, priority: priority,
            expiresAt: until.map { .at($0) }, source: .purchase)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `usage costs what the policy says, until nothing is left`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.daily(100)], credits: Self.policy)
            let refused = try await session.engine.decide("ada")
            #expect(refused.denial?.reason == .insufficientCredits)
            #expect(refused.credits == CreditCharge(amount: 10, balance: 0))
            #expect(refused.limits.map(\.used) == [0])
            try await session.engine.put(.grantCredit(.ada, Self.order(25)))
            let paid = try await session.engine.decide("ada", 2, id: "e1")
            #expect(paid.credits == CreditCharge(amount: 20, balance: 5))
            try await session.reopen()
            let again = try await session.engine.decide("ada", 2, id: "e1")
            #expect(again.isDuplicate && again.credits == paid.credits)
            #expect(try await !session.engine.decide("ada").isAllowed)
            let wallet = try await session.engine.wallet(of: .ada)
            #expect(wallet.balance == 5 && wallet.lifetimeEarned == 25)
            #expect(wallet.lifetimeSpent == 20 && wallet.isConserved)
            // What has happened is recorded, and costs nothing.
            try await session.engine.count(.of(.ada, [.prompts: 50]))
            #expect(try await session.engine.wallet(of: .ada).balance == 5)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `where the allowance comes first, only what goes beyond it is paid`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            var policy = Self.policy
            policy.payment = .allowanceFirst
            try await engine.setUp(
                limits: [.daily(3), .limit("at_once", 9, per: .request)], credits: policy)
            try await engine.put(.grantCredit(.ada, Self.order(35)))
            #expect(try await engine.decide("ada", 2).credits == nil)
            let paid = try await engine.decide("ada", 3)
            #expect(paid.credits == CreditCharge(amount: 20, balance: 15))
            #expect(paid.limits.first { $0.limit == .daily }?.used == 5)
            let short = try await engine.decide("ada", 2)
            #expect(short.denial?.reason == .insufficientCredits)
            #expect(short.denial?.violated == [.daily])
            #expect(try await engine.decide("ada", 10).denial?.reason == .limitExceeded)
            #expect(try await engine.decide("ada").isAllowed)
            clock.advance(bySeconds: 86_400)
            #expect(try await engine.decide("ada", 3).credits == nil)
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a reservation holds credits, and settling takes what was used`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(credits: Self.policy)
            try await session.engine.put(.grantCredit(.ada, Self.order(100)))
            _ = try await session.engine.reserve(.ada, 6, id: "r1")
            var wallet = try await session.engine.wallet(of: .ada)
            #expect(wallet.balance == 40 && wallet.held == 60)
            try await session.reopen()
            let answer = try await session.engine.finish("r1", [.prompts: 4])
            #expect(answer.credits == CreditCharge(amount: 40, balance: 60))
            #expect(
                try await session.engine.finish("r1", [.prompts: 4]).credits == answer.credits)
            _ = try await session.engine.reserve(.ada, 5, id: "r2")
            guard case .done = try await session.engine.release(.of("r2")) else {
                Issue.record("not released")
                return
            }
            _ = try await session.engine.reserve(
                .ada, 5, id: "r3", terms: ReservationTerms(milliseconds: 1_000))
            session.clock.advance(bySeconds: 1)
            #expect(try await session.engine.expireReservations() == 1)
            wallet = try await session.engine.wallet(of: .ada)
            #expect(wallet.balance == 60 && wallet.held == 0 && wallet.spent == 40)
            // More than was held is taken from what is left, and no further.
            _ = try await session.engine.reserve(.ada, 2, id: "r4")
            let more = try await session.engine.finish("r4", [.prompts: 9])
            #expect(more.credits == CreditCharge(amount: 60, balance: 0, shortfall: 30))
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `each grant is made, voided and refunded once`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(credits: Self.policy)
            let order = Self.order(50, id: "g1")
            let first = try await session.engine.put(.grantCredit(.ada, order), key: "k1")
            try await session.reopen()
            #expect(try await session.engine.put(.grantCredit(.ada, order), key: "k1") == first)
            #expect(try await session.engine.put(.grantCredit(.ada, order)) == .unchanged)
            guard
                case .rejected(let rejection) = try await session.engine.put(
                    .grantCredit(.ada, Self.order(51, id: "g1")))
            else {
                Issue.record("another grant of the same id")
                return
            }
            #expect(rejection.code == .duplicateGrant)
            _ = try await session.engine.decide("ada", 3, id: "e1")
            try await session.reopen()
            let refund = Change.refundCredit(.ada, reference: "e1", reason: "it failed")
            guard case .credited(let receipt) = try await session.engine.put(refund) else {
                Issue.record("not refunded")
                return
            }
            #expect(receipt.amount == 30 && receipt.balance == 50)
            guard case .rejected(let twice) = try await session.engine.put(refund) else {
                Issue.record("refunded twice")
                return
            }
            #expect(twice.code == .alreadyRefunded)
            let void = Change.voidGrant(.ada, GrantID(unchecked: "g1"), reason: "a mistake")
            guard case .credited(let voided) = try await session.engine.put(void) else {
                Issue.record("not voided")
                return
            }
            #expect(voided.amount == 20 && voided.balance == 30)
            #expect(try await session.engine.put(void) == .unchanged)
            let wallet = try await session.engine.wallet(of: .ada)
            #expect(wallet.lifetimeEarned == 50 && wallet.lifetimeSpent == 0)
            #expect(wallet.voided == 20 && wallet.isConserved)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `an id that several sources used is not refunded`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(credits: Self.policy)
            try await engine.put(.grantCredit(.ada, Self.order(100)))
            for source in ["a", "b"] {
                _ = try await engine.decide(.of(.ada, id: "e1", source: source))
            }
            let refund = Change.refundCredit(.ada, reference: "e1", reason: "which?")
            guard case .rejected(let rejection) = try await engine.put(refund) else {
                Issue.record("refunded")
                return
            }
            #expect(rejection.code == .unknownReference)
            #expect(try await engine.wallet(of: .ada).balance == 80)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a plan gives its daily credit once a day, also after a year of silence`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            let grant = RecurringGrant(window: .day, amount: 100)
            try await session.engine.setUp(
                plans: [
                    Plan(key: .free, isDefault: true, recurringGrants: [grant], overdraft: 5)
                ], credits: Self.policy)
            try await session.engine.put(.grantCredit(.ada, Self.order(30)))
            #expect(try await session.engine.wallet(of: .ada).balance == 130)
            #expect(try await session.engine.decide("ada", 11).credits?.balance == 20)
            session.clock.advance(bySeconds: 365 * 86_400)
            try await session.reopen()
            let wallet = try await session.engine.wallet(of: .ada)
            #expect(wallet.balance == 120 && wallet.isConserved)
            #expect(wallet.lifetimeEarned == 30 + 366 * 100)
            #expect(try await session.engine.decide("ada", 12).isAllowed)
            #expect(try await !session.engine.decide("ada").isAllowed)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `entries are listed with the balance after each, and sealed one after the other`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(credits: Self.policy)
            try await session.engine.put(.grantCredit(.ada, Self.order(100, id: "g1")))
            for number in 1...5 { _ = try await session.engine.decide("ada", 1, id: "e\(number)") }
            try await session.engine.flush()
            for number in 6...9 { _ = try await session.engine.decide("ada", 1, id: "e\(number)") }
            var found: [RecordedEntry] = []
            var cursor: Int64?
            repeat {
                let page = try await session.engine.ledger(of: .ada, before: cursor, count: 4)
                found += page.entries
                cursor = page.next
            } while cursor != nil
            #expect(found.map(\.entry.balanceAfter) == [10, 20, 30, 40, 50, 60, 70, 80, 90, 100])
            #expect(found.map(\.entry.reference).first == "e9")
            for (newer, older) in zip(found, found.dropFirst()) {
                #expect(newer.previous == older.seal)
            }
            #expect(found.last?.previous == EntrySeal.none)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a thousand spends at once from a balance take exactly what it covers`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(credits: CreditPolicy(prices: [.prompts: 7]))
            try await engine.put(.grantCredit(.ada, Self.order(5_000)))
            let allowed = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<1_000 {
                    group.addTask { try await engine.decide("ada").isAllowed }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(allowed == 714)
            #expect(try await engine.wallet(of: .ada).balance == 2)
            try await engine.expectClean()
        }
    }
}
