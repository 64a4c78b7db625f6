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
    /// go; what is beyond those is a shortfall, which the entry tells and nobody owes. What was held
    /// without a grant is paid by those that are usable by now. What comes back to a grant that has
    /// expired or was voided meanwhile, or beyond the most that it keeps, is lost by further entries.
    /// No units at all release the hold. A number that holds nothing is a hold of zero.
    package func settling(
        hold number: Int64, units: Int64, mayTakeMore: Bool, overdraft: Int64,
        reference: String?, at now: Instant
    ) -> WalletSettlement {
        let hold = holds.first { $0.number == number } ?? WalletHold(number: number)
        let lacking = max(0, units - hold.units)
        let more = mayTakeMore ? min(lacking, spendable(overdraft: overdraft)) : 0
        let paid = units - lacking + more
        guard units > 0 else {
            let entries = releasing(hold: number, reference: reference, at: now)
            return WalletSettlement(entries: entries, paid: 0, unpaid: 0)
        }
        var (allocations, rest) = allocations(of: paid, outOf: hold)
        let fresh = self.allocations(of: rest, at: now)
        for allocation in fresh.paid { allocations.add(allocation) }
        let returned = returned(from: hold, lessSpent: min(paid, hold.allocations.units))
        let given = usable(of: returned, at: now)
        let entry = LedgerEntry(
            kind: .settle, amount: hold.units - paid, balanceAfter: balance + hold.units - paid,
            recordedAt: now, reference: reference, allocations: allocations,
            overdrawn: fresh.missing - min(debt, given), hold: number, spent: paid,
            shortfall: min(lacking - more, LedgerEntry.unitsMax))
        return WalletSettlement(
            entries: [entry] + lossesAfter(entry, returned), paid: paid, unpaid: lacking - more)
    }

    /// Ends a hold and gives back all of it; no entries when nothing is held under the number.
    package func releasing(
        hold number: Int64, reference: String?, at now: Instant
    ) -> [LedgerEntry] {
        guard let hold = holds.first(where: { $0.number == number }) else { return [] }
        let returned = returned(from: hold, lessSpent: 0)
        let given = usable(of: returned, at: now)
        let entry = LedgerEntry(
            kind: .release, amount: hold.units, balanceAfter: balance + hold.units,
            recordedAt: now, reference: reference, allocations: hold.allocations,
            overdrawn: -min(debt, given), hold: number)
        return [entry] + lossesAfter(entry, returned)
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

    /// How much a hold gives back to each grant, after some of it was spent.
    private func returned(
        from hold: WalletHold, lessSpent spent: Int64
    ) -> [(grant: WalletGrant, units: Int64)] {
        var spent = spent
        return behind(hold).compactMap { grant, heldUnits in
            let part = min(heldUnits, spent)
            spent -= part
            return heldUnits > part ? (grant, heldUnits - part) : nil
        }
    }

    private func usable(of returned: [(grant: WalletGrant, units: Int64)], at now: Instant) -> Int64
    {
        returned.reduce(0) { $1.grant.isUsable(at: now) ? $0 + $1.units : $0 }
    }

    /// What came back to grants that cannot use it any more, or beyond the most that they keep.
    private func lossesAfter(
        _ entry: LedgerEntry, _ returned: [(grant: WalletGrant, units: Int64)]
    ) -> [LedgerEntry] {
        let mayLose = { (grant: WalletGrant) in
            grant.rolloverMax != nil || !grant.isUsable(at: entry.recordedAt)
        }
        guard returned.contains(where: { mayLose($0.grant) }) else { return [] }
        var wallet = self
        wallet.apply(entry)
        var losses: [LedgerEntry] = []
        for (grant, units) in returned {
            guard
                let loss = wallet.loss(
                    of: grant.number, returned: units, reference: entry.reference,
                    hold: entry.hold, at: entry.recordedAt)
            else { continue }
            wallet.apply(loss)
            losses.append(loss)
        }
        return losses
    }

    /// What a grant loses of units that came back to it: all when it has ended or was voided, and what
    /// is beyond the most that its recurring grant keeps; `nil`: nothing.
    func loss(
        of number: Int64, returned units: Int64, reference: String?, hold: Int64, at now: Instant
    ) -> LedgerEntry? {
        guard let grant = grants.first(where: { $0.number == number }) else { return nil }
        let isUsable = grant.isUsable(at: now)
        let lost = isUsable ? min(units, excess(of: grant)) : grant.remaining
        guard lost > 0 else { return nil }
        let note = isUsable ? "beyond the roll-over maximum" : "came back after its end"
        return LedgerEntry(
            kind: grant.isVoided ? .void : .expire, amount: -lost, balanceAfter: balance - lost,
            recordedAt: now, reference: reference, note: grant.isVoided ? nil : note,
            grantNumber: number, allocations: [grant.allocation(of: lost)], hold: hold,
            recurrence: grant.recurrence)
    }

    /// How much more the recurring grant of a kept grant has left than it keeps: by the most that any
    /// of its open grants was given with, since a plan may have changed in between.
    private func excess(of grant: WalletGrant) -> Int64 {
        guard let own = grant.rollover else { return 0 }
        let kept = grants.filter { $0.recurrence == own.recurrence && $0.grant.expiresAt == nil }
        let most = kept.reduce(own.most) { max($0, $1.rolloverMax ?? .max) }
        return kept.reduce(0) { $0 + $1.remaining } - most
    }
}
