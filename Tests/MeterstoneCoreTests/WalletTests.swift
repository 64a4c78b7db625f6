import MeterstoneCore
import Testing

/// What operations refuse, and what their entries say.
@Suite struct WalletTests {
    private let now = WalletLedger().now

    private func later(_ hours: Int64) -> Instant {
        now.advanced(byMilliseconds: hours * 3_600_000)
    }

    @Test func `a grant that could never be used is refused`() {
        let ledger = WalletLedger()
        #expect(ledger.grant(credit("a", 5, from: later(-2), until: now)) == .expiredGrant)
        #expect(ledger.grant(credit("a", 5, from: later(2), until: later(2))) == .expiredGrant)
        #expect(ledger.grant(credit("a", 5, from: later(-2), until: later(1))) == nil)
        #expect(ledger.entries.map(\.occurredAt) == [now])
    }

    @Test func `totals never overflow`() throws {
        let ledger = WalletLedger()
        #expect(ledger.grant(credit("a", .max - 10, from: now)) == nil)
        #expect(ledger.grant(credit("b", 6, from: later(1))) == nil)
        #expect(ledger.grant(credit("c", 5, from: now)) == .overflow)
        #expect(ledger.grant(credit("c", 5, from: later(1))) == .overflow)
        ledger.terms = CreditTerms(zone: .utc, anchor: nil) { _ in
            [RecurringGrant(window: .day, amount: 100)]
        }
        ledger.go(byHours: 1)
        #expect(ledger.wallet.granted == .max)
        ledger.overdraft = .max
        #expect(ledger.spend(.max - 1))
        #expect(!ledger.spend(2))
        #expect(ledger.hold(1, number: 1))
        #expect(ledger.settle(1, 5, mayTakeMore: true).paid == 1)
        #expect(throws: WalletRefusal.overflow) { try ledger.refund(ledger.entries) }
    }

    @Test func `entries tell who, why and for what`() throws {
        let ledger = WalletLedger()
        ledger.overdraft = 2
        ledger.grant(credit("a", 5, from: now, until: later(9)))
        #expect(ledger.spend(7))
        try ledger.refund(ledger.entries)
        let spend = ledger.entries[1]
        #expect(spend.reference == "use" && spend.spent == 7 && spend.overdrawn == 2)
        #expect(
            spend.allocations == [
                CreditAllocation(grant: 1, units: 5, priority: 100, expiresAt: later(9))
            ])
        let refund = ledger.entries[2]
        #expect(refund.author == "ann" && refund.note == "broken" && refund.reference == "use")
        #expect(refund.overdrawn == -2 && refund.grant?.source == .refund)
        #expect(refund.grant?.expiresAt == later(9))
    }

    @Test func `the id of a refund is valid whatever it refers to`() throws {
        let ledger = WalletLedger()
        ledger.grant(credit("a", 5, from: now))
        #expect(ledger.spend(5))
        for reference in [String(repeating: "é", count: 300), "a\u{7}b", ""] {
            let refunds = try ledger.wallet.refunding(
                ledger.entries, reference: reference, author: nil, reason: nil, at: now
            ).get()
            let id = try #require(refunds.first?.grant?.id.text)
            #expect(GrantID(id) != nil && id.hasSuffix("-1"))
            #expect(id.hasPrefix("meterstone:refund-"))
        }
    }

    @Test func `nothing to void is told apart from nothing voided`() {
        let ledger = WalletLedger()
        ledger.grant(credit("a", 5, from: now, until: later(2)))
        #expect(ledger.hold(5, number: 1))
        func voided(_ number: Int64) -> [LedgerEntry]? {
            ledger.wallet.voiding(number, author: nil, reason: nil, at: ledger.now)
        }
        #expect(voided(2) == nil)
        #expect(voided(1)?.map(\.amount) == [0])
        ledger.go(byHours: 2)
        #expect(voided(1) == nil)
    }

    @Test func `a wallet says when time will change it`() {
        let ledger = WalletLedger()
        #expect(ledger.wallet.nextDueAt == nil)
        ledger.grant(credit("a", 5, from: now, until: later(9)))
        ledger.grant(credit("b", 5, from: later(4)))
        #expect(ledger.wallet.nextDueAt == later(4))
        #expect(!ledger.wallet.isDue(at: later(3)) && ledger.wallet.isDue(at: later(4)))
        ledger.go(byHours: 4)
        #expect(ledger.wallet.nextDueAt == later(9))
        #expect(ledger.spend(6))
        #expect(ledger.wallet.nextDueAt == nil)
        let daily = [RecurringGrant(window: .day, amount: 1)]
        #expect(ledger.wallet.isDue(at: ledger.now, recurring: daily))
    }

    @Test func `kinds keep their numbers and words`() {
        #expect(LedgerEntry.Kind.allCases.map(\.rawValue) == Array(1...9))
        #expect(
            LedgerEntry.Kind.allCases.map(\.name) == [
                "grant", "schedule", "spend", "hold", "settle", "release", "expire", "void",
                "refund",
            ])
    }
}
