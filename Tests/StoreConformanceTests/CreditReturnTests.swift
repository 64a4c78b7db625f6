import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Giving back: with which terms, under which ids, and what nobody can pay.
@Suite struct CreditReturnTests {
    private static let policy = CreditPolicy(prices: [.prompts: 1])

    private static func plans(
        _ amount: Int64, per window: Window = .day, keeping rolloverMax: Int64? = nil,
        overdraft: Int64 = 0
    ) -> [Plan] {
        let grant = RecurringGrant(window: window, amount: amount, rolloverMax: rolloverMax)
        return [Plan(key: .free, isDefault: true, recurringGrants: [grant], overdraft: overdraft)]
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a refund after the end is gone at once, and entries say so`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(plans: Self.plans(10), credits: Self.policy)
            for day in 1...7 {
                _ = try await session.engine.decide("ada", 10, id: "e\(day)")
                session.clock.advance(bySeconds: 86_400)
                try await session.reopen()
                let refund = Change.refundCredit(
                    .ada, reference: "e\(day)", reason: "it failed")
                guard case .credited(let receipt) = try await session.engine.put(refund) else {
                    Issue.record("not refunded")
                    return
                }
                #expect(receipt.amount == 10 && receipt.balance == 10)
            }
            let wallet = try await session.engine.wallet(of: .ada)
            #expect(wallet.balance == 10 && wallet.refunded == 70 && wallet.expired == 70)
            #expect(wallet.grants.map { $0.grant.expiresAt != nil } == [true])
            let newest = try await session.engine.ledger(of: .ada, before: nil, count: 2).entries
            #expect(newest.map(\.entry.kind) == [.expire, .refund])
            #expect(newest.map(\.entry.amount) == [-10, 10])
            #expect(newest.first?.entry.note == "came back after its end")
            try await session.engine.expectClean()
        }
    }

    /// A day gives 10, and keeps no more than 10. Eight are held until 23:59.
    @Test(arguments: StoreUnderTest.allCases)
    func `an expiry that is written late comes to the same as one in time`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(
                plans: Self.plans(10, keeping: 10, overdraft: 5), credits: Self.policy)
            let now = session.clock.now
            let midnight = Window.day.span(containing: now, in: .utc, anchor: nil).until
            let left =
                midnight.millisecondsSince1970 - now.millisecondsSince1970 - 60_000
            for name in ["intime", "late"] {
                _ = try await session.engine.reserve(
                    SubjectID(unchecked: name), 8, id: "hold-\(name)",
                    terms: ReservationTerms(milliseconds: left))
                _ = try await session.engine.decide(name, 7)
            }
            session.clock.advance(bySeconds: left / 1_000)
            _ = try await session.engine.wallet(of: SubjectID(unchecked: "intime"))
            session.clock.advance(bySeconds: 120)
            try await session.reopen()
            let inTime = try await session.engine.wallet(of: SubjectID(unchecked: "intime"))
            let late = try await session.engine.wallet(of: SubjectID(unchecked: "late"))
            #expect(late.balance == 10 && late.granted == inTime.granted)
            #expect(late.balance == inTime.balance && late.debt == inTime.debt)
            #expect(late.expired == inTime.expired && late.isConserved)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what nobody can pay is a shortfall in answer, wallet and ledger`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(
                plans: Self.plans(10, overdraft: 3), credits: Self.policy)
            _ = try await session.engine.reserve(.ada, 6, id: "r1")
            let answer = try await session.engine.finish("r1", [.prompts: 20])
            #expect(answer.credits == CreditCharge(amount: 13, balance: -3, shortfall: 7))
            try await session.reopen()
            let again = try await session.engine.finish("r1", [.prompts: 20])
            #expect(again.isDuplicate && again.credits == answer.credits)
            let wallet = try await session.engine.wallet(of: .ada)
            #expect(wallet.balance == -3 && wallet.debt == 3 && wallet.shortfall == 7)
            let newest = try await session.engine.ledger(of: .ada, before: nil, count: 1).entries
            #expect(newest.first?.entry.kind == .settle && newest.first?.entry.shortfall == 7)
            try await session.engine.put(
                .refundCredit(.ada, reference: "r1", reason: "it failed"))
            #expect(try await session.engine.wallet(of: .ada).balance == 10)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `ids of plans and refunds never meet those of callers`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(plans: Self.plans(10), credits: Self.policy)
            for id in ["plan-day-1", "plan-day-2", "refund-e1-1"] {
                let order = GrantOrder(
                    id: GrantID(unchecked: id), amount: 5, source: .purchase)
                guard case .credited = try await session.engine.put(.grantCredit(.ada, order))
                else {
                    Issue.record("\(id) is taken")
                    return
                }
                try await session.reopen()
                #expect(try await session.engine.put(.grantCredit(.ada, order)) == .unchanged)
            }
            _ = try await session.engine.decide("ada", 12, id: "e1")
            guard
                case .credited(let refund) = try await session.engine.put(
                    .refundCredit(.ada, reference: "e1", reason: "it failed"))
            else {
                Issue.record("not refunded")
                return
            }
            #expect(refund.amount == 12 && refund.balance == 25)
            guard
                case .credited(let void) = try await session.engine.put(
                    .voidGrant(.ada, GrantID(unchecked: "refund-e1-1"), reason: "mine"))
            else {
                Issue.record("not voided")
                return
            }
            #expect(void.grant?.source == .purchase && void.amount == 5)
            let ours = try await session.engine.wallet(of: .ada).grants.map(\.grant.id.text)
            #expect(
                ours.filter { $0.hasPrefix("meterstone:") } == [
                    "meterstone:refund-e1-1", "meterstone:refund-e1-2",
                ])
            let own = GrantOrder(
                id: GrantID(unchecked: "meterstone:plan-day-9"), amount: 5, source: .purchase)
            guard
                case .rejected(let rejection) = try await session.engine.put(
                    .grantCredit(.ada, own))
            else {
                Issue.record("an id of ours was taken")
                return
            }
            #expect(rejection.code == .invalidField && rejection.field == "id")
            try await session.engine.expectClean()
        }
    }

    // MARK: What plans give

    private static func plan(_ amount: Int64, keeping rolloverMax: Int64?) -> Change {
        .putPlan(
            Plan(
                key: .free, isDefault: true,
                recurringGrants: [
                    RecurringGrant(window: .day, amount: amount, rolloverMax: rolloverMax)
                ]))
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a plan gives from the first fact on, not from the first spend`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(
                plans: Self.plans(10, keeping: 1_000), credits: Self.policy)
            try await session.engine.count(.of(.ada, [.prompts: 1]))
            session.clock.advance(bySeconds: 5 * 86_400)
            try await session.reopen()
            let wallet = try await session.engine.wallet(of: .ada)
            #expect(wallet.balance == 60 && wallet.granted == 60)
            // Whoever there is no fact of begins with the first one.
            let unknown = SubjectID(unchecked: "bob")
            #expect(try await session.engine.wallet(of: unknown).balance == 10)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a change of a plan changes no window that has begun, seen or unseen`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(
                plans: Self.plans(10, keeping: 1_000), credits: Self.policy)
            let subjects = ["seen", "unseen"].map { SubjectID(unchecked: $0) }
            for subject in subjects {
                try await session.engine.count(.of(subject, [.prompts: 1]))
            }
            func pass(_ days: Int64) async throws {
                for _ in 0..<days * 4 {
                    session.clock.advance(bySeconds: 21_600)
                    _ = try await session.engine.wallet(of: subjects[0])
                    _ = try await session.engine.decide("seen", 1)
                }
            }
            try await pass(3)
            try await session.engine.put(Self.plan(25, keeping: 1_000))
            try await pass(2)
            try await session.reopen()
            try await session.engine.put(.putCreditPolicy(CreditPolicy(isEnabled: false)))
            try await pass(2)
            try await session.engine.put(.putCreditPolicy(Self.policy))
            try await pass(1)
            try await session.engine.put(.deletePlan(.free))
            try await pass(2)
            try await session.reopen()
            let seen = try await session.engine.wallet(of: subjects[0])
            let unseen = try await session.engine.wallet(of: subjects[1])
            #expect(unseen.granted == seen.granted)
            // The first day and three of 10, two of 25, none for two, and one of 25.
            #expect(unseen.granted == 40 + 50 + 25)
            try await session.engine.expectClean()
        }
    }

    // MARK: When credits come next

    @Test(arguments: StoreUnderTest.allCases)
    func `a refusal tells the next credits, and when they are enough`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(plans: Self.plans(10), credits: Self.policy)
            let midnight = Window.day.span(containing: clock.now, in: .utc, anchor: nil).until
            #expect(try await engine.decide("ada", 8).isAllowed)
            let soon = try await engine.decide("ada", 9).denial
            #expect(soon?.retryAt == midnight && soon?.nextRefillAt == midnight)
            let never = try await engine.decide("ada", 11).denial
            #expect(never?.retryAt == nil && never?.nextRefillAt == midnight)
            let later = clock.now.advanced(byMilliseconds: 60_000)
            try await engine.put(
                .grantCredit(
                    .ada, GrantOrder(amount: 20, effectiveAt: later, source: .purchase)))
            let scheduled = try await engine.decide("ada", 11).denial
            #expect(scheduled?.retryAt == later && scheduled?.nextRefillAt == later)
            try await engine.put(.deletePlan(.free))
            let bob = try await engine.decide("bob", 1).denial
            #expect(bob?.reason == .insufficientCredits && bob?.nextRefillAt == nil)
        }
    }
}
