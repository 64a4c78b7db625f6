extension Wallet {
    /// Spends all of the units, or nothing: `nil` when they are more than balance and overdraft.
    ///
    /// What grants do not cover becomes debt.
    package func spending(
        _ units: Int64, reference: String?, overdraft: Int64, at now: Instant
    ) -> LedgerEntry? {
        assert(units > 0, "spend at least one unit")
        guard units <= spendable(overdraft: overdraft) else { return nil }
        let (paid, missing) = allocations(of: units, at: now)
        return LedgerEntry(
            kind: .spend, amount: -units, balanceAfter: balance - units, recordedAt: now,
            reference: reference, allocations: paid, overdrawn: missing, spent: units)
    }

    /// Sets units aside, under the same condition as spending them.
    ///
    /// Holding again under the same number adds to what is held there.
    package func holding(
        _ units: Int64, number: Int64, reference: String?, overdraft: Int64, at now: Instant
    ) -> LedgerEntry? {
        assert(units > 0, "hold at least one unit")
        guard units <= spendable(overdraft: overdraft) else { return nil }
        let (paid, missing) = allocations(of: units, at: now)
        return LedgerEntry(
            kind: .hold, amount: -units, balanceAfter: balance - units, recordedAt: now,
            reference: reference, allocations: paid, overdrawn: missing, hold: number)
    }

    /// Ends a hold by spending units out of it, and gives the rest back.
    ///
    /// What is missing is taken from the balance if that is wanted, as far as balance and overdraft
    /// go. What was held without a grant is paid by those that are usable by now. What comes back to
    /// a grant that has expired or was voided meanwhile is lost by further entries. No units at all
    /// release the hold. A number that holds nothing is a hold of zero.
    package func settling(
        hold number: Int64, units: Int64, mayTakeMore: Bool, overdraft: Int64,
        reference: String?, at now: Instant
    ) -> WalletSettlement {
        let hold = holds.first { $0.number == number } ?? WalletHold(number: number)
        let lacking = max(0, units - hold.units)
        let more = mayTakeMore ? min(lacking, spendable(overdraft: overdraft)) : 0
        let paid = units - lacking + more
        guard paid > 0 else {
            let entries = releasing(hold: number, reference: reference, at: now)
            return WalletSettlement(entries: entries, paid: 0, unpaid: lacking)
        }
        var (allocations, rest) = allocations(of: paid, outOf: hold)
        let fresh = self.allocations(of: rest, at: now)
        for allocation in fresh.paid { allocations.add(allocation) }
        let given = returned(from: hold, lessSpent: min(paid, hold.allocations.units), at: now)
        let entry = LedgerEntry(
            kind: .settle, amount: hold.units - paid, balanceAfter: balance + hold.units - paid,
            recordedAt: now, reference: reference, allocations: allocations,
            overdrawn: fresh.missing - min(debt, given), hold: number, spent: paid)
        return WalletSettlement(
            entries: [entry] + lossesAfter(entry), paid: paid, unpaid: lacking - more)
    }

    /// Ends a hold and gives back all of it; no entries when nothing is held under the number.
    package func releasing(
        hold number: Int64, reference: String?, at now: Instant
    ) -> [LedgerEntry] {
        guard let hold = holds.first(where: { $0.number == number }) else { return [] }
        let given = returned(from: hold, lessSpent: 0, at: now)
        let entry = LedgerEntry(
            kind: .release, amount: hold.units, balanceAfter: balance + hold.units,
            recordedAt: now, reference: reference, allocations: hold.allocations,
            overdrawn: -min(debt, given), hold: number)
        return [entry] + lossesAfter(entry)
    }
}

/// What became of a hold that was settled.
package struct WalletSettlement: Hashable, Sendable {
    package let entries: [LedgerEntry]
    /// How much was spent in all.
    package let paid: Int64
    /// What was to be spent and could not be.
    package let unpaid: Int64
}

extension Wallet {
    /// Who pays for units among the usable grants, and how many nobody can pay for.
    func allocations(
        of units: Int64, at now: Instant
    ) -> (paid: [CreditAllocation], missing: Int64) {
        var missing = units
        var paid: [CreditAllocation] = []
        for grant in grants where grant.remaining > 0 && grant.isUsable(at: now) {
            guard missing > 0 else { break }
            let part = min(grant.remaining, missing)
            paid.append(grant.allocation(of: part))
            missing -= part
        }
        return (paid, missing)
    }

    /// The same among the grants behind a hold, which may have expired or been voided meanwhile.
    private func allocations(
        of units: Int64, outOf hold: WalletHold
    ) -> (paid: [CreditAllocation], missing: Int64) {
        var missing = units
        var paid: [CreditAllocation] = []
        for (grant, heldUnits) in behind(hold) where missing > 0 {
            let part = min(heldUnits, missing)
            paid.append(grant.allocation(of: part))
            missing -= part
        }
        return (paid, missing)
    }

    /// The grants that a hold was taken from, in the order in which they are used.
    private func behind(_ hold: WalletHold) -> [(WalletGrant, Int64)] {
        grants.compactMap { grant in
            hold.allocations.first { $0.grant == grant.number }.map { (grant, $0.units) }
        }
    }

    /// How much a hold gives back to grants that can use it, after some of it was spent.
    private func returned(
        from hold: WalletHold, lessSpent spent: Int64, at now: Instant
    ) -> Int64 {
        var spent = spent
        var returned: Int64 = 0
        for (grant, heldUnits) in behind(hold) {
            let part = min(heldUnits, spent)
            spent -= part
            if grant.isUsable(at: now) { returned += heldUnits - part }
        }
        return returned
    }

    /// What came back to grants that cannot use it any more.
    private func lossesAfter(_ entry: LedgerEntry) -> [LedgerEntry] {
        guard grants.contains(where: { $0.held > 0 && !$0.isUsable(at: entry.recordedAt) })
        else { return [] }
        var wallet = self
        wallet.apply(entry)
        var balance = wallet.balance
        return wallet.grants.compactMap { grant in
            guard grant.remaining > 0, !grant.isUsable(at: entry.recordedAt) else { return nil }
            balance -= grant.remaining
            return LedgerEntry(
                kind: grant.isVoided ? .void : .expire, amount: -grant.remaining,
                balanceAfter: balance, recordedAt: entry.recordedAt, reference: entry.reference,
                grantNumber: grant.number, allocations: [grant.allocation(of: grant.remaining)],
                hold: entry.hold, recurrence: grant.recurrence)
        }
    }
}
