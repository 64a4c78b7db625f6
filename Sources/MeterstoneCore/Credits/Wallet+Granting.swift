extension Wallet {
    /// Gives credit now, or notes it for later when it is not effective yet.
    ///
    /// Refusals are looked for in this order: the grant would never be usable, a total would overflow.
    /// Whether another grant has the id, the ledger knows.
    package func granting(
        _ grant: CreditGrant, author: String?, note: String?, of recurring: RecurringGrant? = nil,
        at now: Instant
    ) -> Result<[LedgerEntry], WalletRefusal> {
        assert(grant.amount > 0, "grant at least one unit")
        if let expiresAt = grant.expiresAt, expiresAt <= max(now, grant.effectiveAt) {
            return .failure(.expiredGrant)
        }
        let isLater = grant.effectiveAt > now
        var entry = opening(grant, kind: isLater ? .schedule : .grant, at: now)
        entry.author = author
        entry.note = note
        if let most = recurring?.rolloverMax {
            entry.recurrence = recurring?.window.text
            entry.rolloverMax = most
        }
        return fits(entry) ? .success([entry]) : .failure(.overflow)
    }

    /// How much more a recurring grant may give, so that what it keeps stays within the most of it.
    package func room(for recurring: RecurringGrant) -> Int64 {
        guard let most = recurring.rolloverMax else { return .max }
        let left = grants.filter { $0.recurrence == recurring.window.text }
        return max(0, most - left.reduce(0) { $0 + $1.remaining })
    }

    /// Takes back what remains of a grant, or of one that is still to come; `nil` when no usable or
    /// scheduled grant has the number.
    ///
    /// What was spent of it stays spent. What is held stays held, and is voided if it comes back.
    package func voiding(
        _ number: Int64, author: String?, reason: String?, at now: Instant
    ) -> [LedgerEntry]? {
        guard
            let grant = grants.first(where: {
                $0.number == number && ($0.isScheduled || $0.isUsable(at: now))
            })
        else { return nil }
        let lost = grant.remaining > 0 ? [grant.allocation(of: grant.remaining)] : []
        return [
            LedgerEntry(
                kind: .void, amount: -grant.remaining, balanceAfter: balance - grant.remaining,
                recordedAt: now, reference: grant.grant.reference, note: reason, author: author,
                grantNumber: grant.number, allocations: lost, recurrence: grant.recurrence)
        ]
    }

    /// Gives back what was spent by the entries of a reference: one grant for each allocation, with its
    /// priority, its end and the most that its recurring grant keeps; and one without an end for what
    /// no grant had paid. What comes back after its end, or beyond that most, is gone at once, and a
    /// further entry says so.
    ///
    /// Entries other than `spend` and `settle` are passed over. That nothing is refunded twice is up
    /// to the caller, who has the ledger. The only refusal is ``WalletRefusal/overflow``.
    package func refunding(
        _ entries: [LedgerEntry], reference: String, author: String?, reason: String?,
        at now: Instant
    ) -> Result<[LedgerEntry], WalletRefusal> {
        var wallet = self
        var refunds: [LedgerEntry] = []
        for (index, allocation) in entries.flatMap(\.refundable).enumerated() {
            let grant = CreditGrant(
                id: .refund(of: reference, number: index + 1), amount: allocation.units,
                priority: allocation.priority, effectiveAt: now, expiresAt: allocation.expiresAt,
                source: .refund, reference: reference)
            let hasEnded = allocation.expiresAt.map { $0 <= now } ?? false
            let rollover =
                allocation.rollover
                ?? grants.first { $0.number == allocation.grant }.flatMap(\.rollover)
            var entry = wallet.opening(grant, kind: .refund, at: now)
            if hasEnded { entry.overdrawn = 0 }
            entry.author = author
            entry.note = reason
            entry.recurrence = rollover?.recurrence
            entry.rolloverMax = rollover?.most
            guard wallet.fits(entry) else { return .failure(.overflow) }
            wallet.apply(entry)
            refunds.append(entry)
            if let loss = wallet.loss(
                of: entry.grantNumber, returned: allocation.units, reference: reference, hold: 0,
                at: now)
            {
                wallet.apply(loss)
                refunds.append(loss)
            }
        }
        return .success(refunds)
    }

    /// The entry that opens a grant under the next number and pays back debt.
    private func opening(
        _ grant: CreditGrant, kind: LedgerEntry.Kind, at now: Instant
    ) -> LedgerEntry {
        let amount = kind == .schedule ? 0 : grant.amount
        return LedgerEntry(
            kind: kind, amount: amount, balanceAfter: balance &+ amount, recordedAt: now,
            reference: grant.reference, grant: grant, grantNumber: nextGrantNumber,
            overdrawn: -min(debt, amount))
    }
}

extension LedgerEntry {
    /// What a refund of the entry gives back; what no grant paid is under the number 0.
    fileprivate var refundable: [CreditAllocation] {
        guard kind == .spend || kind == .settle else { return [] }
        let unpaid = CreditAllocation(
            grant: 0, units: spent - allocations.units, priority: CreditGrant.priorityDefault,
            expiresAt: nil)
        return unpaid.units > 0 ? allocations + [unpaid] : allocations
    }
}

extension GrantID {
    /// What the ids begin with that plans and refunds give; no caller's id does.
    package static let ownPrefix = "meterstone:"

    /// `meterstone:refund-REFERENCE-NUMBER`, with as much of the reference as an id has room for.
    ///
    /// - Parameter prefix: empty in ledgers that were written before ids of ours had one.
    package static func refund(
        of reference: String, number: Int, prefix: String = GrantID.ownPrefix
    ) -> GrantID {
        let suffix = "-\(number)"
        var text = "\(prefix)refund-"
        for character in reference {
            guard text.utf8.count + character.utf8.count + suffix.utf8.count <= 255 else { break }
            if isValid(String(character)) { text.append(character) }
        }
        return GrantID(unchecked: text + suffix)
    }

    /// `meterstone:change-WINDOW-NUMBER`.
    package static func change(_ window: Window, number: Int64) -> GrantID {
        GrantID(unchecked: "\(ownPrefix)change-\(window.text)-\(number)")
    }

    /// `meterstone:plan-WINDOW-NUMBER`.
    static func plan(_ window: Window, number: Int64) -> GrantID {
        GrantID(unchecked: "\(ownPrefix)plan-\(window.text)-\(number)")
    }
}
