import MeterstoneCore
import Testing

/// A wallet with its ledger. Whatever is written is checked, entry by entry.
///
/// A class, because `#expect` cannot call what mutates a value.
final class WalletLedger {
    var wallet = Wallet.empty
    var entries: [LedgerEntry] = []
    var now = Instant(millisecondsSince1970: 1_767_225_600_000)  // 2026-01-01
    var overdraft: Int64 = 0
    var terms = CreditTerms(zone: .utc, anchor: nil) { _ in [] }

    func write(_ new: [LedgerEntry]) {
        for entry in new {
            wallet.apply(entry)
            entries.append(entry)
            #expect(wallet.balance == entry.balanceAfter)
            #expect(wallet.isConserved)
            #expect(entry.recordedAt == now && entry.occurredAt <= now)
            #expect(entry.allocations.allSatisfy { $0.units > 0 })
            #expect(wallet.grants.allSatisfy { $0.remaining >= 0 && $0.held >= 0 })
        }
    }

    func go(to instant: Instant) {
        now = instant
        let due = wallet.entriesDue(at: now, terms: terms)
        write(due)
        #expect(!wallet.isDue(at: now, recurring: terms.recurring(now)))
        #expect(zip(due, due.dropFirst()).allSatisfy { $0.occurredAt <= $1.occurredAt })
    }

    func go(byHours hours: Int64) {
        go(to: now.advanced(byMilliseconds: hours * 3_600_000))
    }

    @discardableResult
    func grant(_ grant: CreditGrant) -> WalletRefusal? {
        switch wallet.granting(grant, author: "ann", note: nil, at: now) {
        case .success(let new): write(new)
        case .failure(let refusal): return refusal
        }
        return nil
    }

    func spend(_ units: Int64) -> Bool {
        let entry = wallet.spending(units, reference: "use", overdraft: overdraft, at: now)
        write(entry.map { [$0] } ?? [])
        return entry != nil
    }

    func hold(_ units: Int64, number: Int64) -> Bool {
        let entry = wallet.holding(
            units, number: number, reference: "use", overdraft: overdraft, at: now)
        write(entry.map { [$0] } ?? [])
        return entry != nil
    }

    func settle(_ number: Int64, _ units: Int64, mayTakeMore: Bool) -> WalletSettlement {
        let settlement = wallet.settling(
            hold: number, units: units, mayTakeMore: mayTakeMore, overdraft: overdraft,
            reference: "use", at: now)
        write(settlement.entries)
        return settlement
    }

    func refund(_ spendings: [LedgerEntry]) throws {
        write(
            try wallet.refunding(
                spendings, reference: "use", author: "ann", reason: "broken", at: now
            ).get())
    }

    /// - Parameter id: of ours without what those begin with.
    func remaining(of id: String) -> Int64 {
        wallet.grants.reduce(0) { sum, grant in
            let text = grant.grant.id.text
            return text == id || text == GrantID.ownPrefix + id ? sum + grant.remaining : sum
        }
    }
}

extension Wallet {
    /// Everything but how many entries it took.
    var contents: [String] {
        [
            "balance \(balance) held \(held) granted \(granted) refunded \(refunded)",
            "spent \(spent) expired \(expired) voided \(voided) debt \(debt)",
            "shortfall \(shortfall)",
            "next \(nextGrantNumber) holds \(holds) recurrences \(recurrences)",
        ] + grants.map { "\($0)" }
    }
}

func credit(
    _ id: String, _ amount: Int64, priority: Int = 100, from: Instant, until: Instant? = nil
) -> CreditGrant {
    CreditGrant(
        id: GrantID(unchecked: id), amount: amount, priority: priority, effectiveAt: from,
        expiresAt: until, source: .purchase)
}
