/// Steps of a walk through time, with the windows of each recurrence joined.
///
/// Joined entries move no unit elsewhere than the steps did. The sum of what windows gave is put
/// into the grant of the last one, less the debt that all of them paid, and what the earlier ones
/// lost is then taken from there. That is exact because the earlier grants are closed: nothing of
/// them remains, and a grant that was opened on the walk cannot be held.
struct JoinedEntries {
    private var entries: [LedgerEntry] = []

    /// The entries in the order in which they took effect, with the balances that they lead to.
    func entries(after balance: Int64) -> [LedgerEntry] {
        var balance = balance
        return entries.map { entry in
            balance += entry.amount
            var entry = entry
            entry.balanceAfter = balance
            return entry
        }
    }

    /// Takes a step; `wallet` is what it led to.
    mutating func add(_ step: LedgerEntry, after wallet: Wallet) {
        if step.kind == .expire {
            addExpiry(step)
        } else if step.recurrence == nil {
            entries.append(step)
        } else if step.grant == nil {
            addPassed(step)
        } else {
            addWindow(step, after: wallet)
        }
    }

    private mutating func addExpiry(_ step: LedgerEntry) {
        guard let earlier = remove(where: { $0.kind == .expire && $0.isAbout(step.grantNumber) })
        else { return entries.append(step) }
        entries.append(step.joining(earlier))
    }

    private mutating func addPassed(_ step: LedgerEntry) {
        guard let index = entries.lastIndex(where: { $0.isWindow(of: step.recurrence) }) else {
            return entries.append(step)
        }
        entries[index].windows += step.windows
        entries[index].windowUntil = step.windowUntil
    }

    private mutating func addWindow(_ step: LedgerEntry, after wallet: Wallet) {
        let number = step.grantNumber
        let isClosed = { other in !wallet.grants.contains { $0.number == other } }
        // A grant of a greater number stays by itself, so that its number counts as used.
        guard
            let earlier = remove(where: {
                $0.isWindow(of: step.recurrence)
                    && ($0.grantNumber == number
                        || $0.grantNumber < number && isClosed($0.grantNumber))
            })
        else { return entries.append(step) }
        let expiry = remove { $0.kind == .expire && $0.isAbout(earlier.grantNumber) }
        entries.append(step.joining(earlier))
        if var expiry {
            expiry.occurredAt = step.occurredAt
            expiry.grantNumber = number
            expiry.allocations = expiry.allocations.map { allocation in
                var allocation = allocation
                allocation.grant = number
                return allocation
            }
            entries.append(expiry)
        }
    }

    private mutating func remove(where isWanted: (LedgerEntry) -> Bool) -> LedgerEntry? {
        entries.lastIndex(where: isWanted).map { entries.remove(at: $0) }
    }
}

extension LedgerEntry {
    fileprivate func isAbout(_ number: Int64) -> Bool {
        number != 0 && grantNumber == number
    }

    fileprivate func isWindow(of recurrence: String?) -> Bool {
        kind == .grant && self.recurrence == recurrence
    }

    /// This entry, with what an earlier one of the same kind moved.
    fileprivate func joining(_ earlier: LedgerEntry) -> LedgerEntry {
        var joined = self
        joined.amount += earlier.amount
        joined.overdrawn += earlier.overdrawn
        joined.windows += earlier.windows
        for allocation in earlier.allocations { joined.allocations.add(allocation) }
        return joined
    }
}
