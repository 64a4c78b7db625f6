/// The credit of one subject: what its ledger entries, applied in order, add up to.
///
/// The operations look at a wallet and return the entries to write; none of them changes it. Only
/// ``apply(_:)`` does, and it depends on nothing but the wallet and the entry. Each operation but
/// ``entriesDue(at:terms:)`` relies on what is due up to then having been applied.
///
/// Credit that no grant covers is overdraft. What was spent that way is ``debt``, and whatever
/// credit comes in pays it back first. What is held that way is a promise with nothing behind it:
/// it becomes a payment, or a debt, when it is settled.
public struct Wallet: Hashable, Sendable {
    /// What can be used now: what remains of all grants, less debt and less what is held without a
    /// grant. Negative only by overdraft.
    public private(set) var balance: Int64 = 0
    /// Set aside for reservations, and no longer in the balance.
    public private(set) var held: Int64 = 0
    /// Ever granted, refunds included.
    public private(set) var granted: Int64 = 0
    public private(set) var refunded: Int64 = 0
    public private(set) var spent: Int64 = 0
    public private(set) var expired: Int64 = 0
    public private(set) var voided: Int64 = 0
    /// Spent, and not paid by any grant yet. No usable grant has anything left while there is debt.
    public private(set) var debt: Int64 = 0
    /// Used for reservations beyond what could be paid when they were settled. Nobody owes it: it is
    /// no part of the balance.
    public private(set) var shortfall: Int64 = 0
    /// The open grants, of which something remains, is held or is scheduled, in the order in which
    /// they are used.
    public private(set) var grants: [WalletGrant] = []
    /// What is held for each open reservation, by number.
    public private(set) var holds: [WalletHold] = []
    /// How far each recurring grant was given, in the order of the texts of their windows.
    public private(set) var recurrences: [WalletRecurrence] = []
    /// The number of the next grant that is opened; numbers start from 1.
    public private(set) var nextGrantNumber: Int64 = 1
    /// How many entries were applied.
    public private(set) var entryCount: Int64 = 0
    /// The first instant at which time alone changes something; `nil`: it never will.
    package private(set) var nextDueAt: Instant?

    public static let empty = Wallet()

    /// Notes of each grant when it was written about.
    package mutating func tellTimes<Failure>(
        _ times: (WalletGrant) throws(Failure) -> Times
    ) throws(Failure) {
        for index in grants.indices { grants[index].times = try times(grants[index]) }
    }

    public var lifetimeEarned: Int64 { granted - refunded }
    public var lifetimeSpent: Int64 { spent - refunded }

    private init() {}

    /// A wallet as it was stored; the caller vouches for ``isConserved``.
    package init(
        balance: Int64, held: Int64, granted: Int64, refunded: Int64, spent: Int64,
        expired: Int64, voided: Int64, debt: Int64, grants: [WalletGrant], holds: [WalletHold],
        recurrences: [WalletRecurrence], nextGrantNumber: Int64, entryCount: Int64,
        shortfall: Int64 = 0
    ) {
        self.balance = balance
        self.held = held
        self.granted = granted
        self.refunded = refunded
        self.spent = spent
        self.expired = expired
        self.voided = voided
        self.debt = debt
        self.grants = grants
        self.holds = holds
        self.recurrences = recurrences
        self.nextGrantNumber = nextGrantNumber
        self.entryCount = entryCount
        self.shortfall = shortfall
        nextDueAt = firstDue
    }
}

extension Wallet {
    /// Whether nothing was lost or made up: by the totals, and once more by the parts.
    package var isConserved: Bool {
        let usable = grants.reduce(Int64(0)) { $0 + $1.remaining }
        let promised = holds.reduce(Int64(0)) { $0 + $1.overdrawn }
        return granted - expired - voided - spent - held == balance
            && usable - debt - promised == balance
            && held == holds.reduce(Int64(0)) { $0 + $1.units }
    }

    /// Whether every number stays within its range when the entry is applied.
    ///
    /// Room is kept for scheduled grants to become usable and for holds to be spent, so that
    /// neither can fail later.
    package func fits(_ entry: LedgerEntry) -> Bool {
        switch entry.kind {
        case .grant where grants.contains { $0.number == entry.grantNumber && $0.isScheduled }: true
        case .grant, .refund: entry.amount <= grantRoom
        case .schedule: (entry.grant?.amount ?? 0) <= grantRoom
        case .spend, .hold, .settle: -entry.amount <= spendRoom
        case .release, .expire, .void: true
        }
    }

    /// How much more may ever be granted.
    var grantRoom: Int64 {
        grants.reduce(.max - granted) { $1.isScheduled ? $0 - $1.grant.amount : $0 }
    }

    /// How much more may ever be spent or held.
    var spendRoom: Int64 { .max - spent - held }

    /// How much may be spent or held now, which is not negative.
    package func spendable(overdraft: Int64) -> Int64 {
        let (sum, overflow) = balance.addingReportingOverflow(overdraft)
        return min(max(overflow ? .max : sum, 0), spendRoom)
    }
}

// MARK: - Applying entries

extension Wallet {
    /// Makes happen what an operation of this wallet returned, or replays what was stored.
    ///
    /// Entries are applied once each, in the order in which they were returned.
    package mutating func apply(_ entry: LedgerEntry) {
        change(by: entry)
        assert(balance == entry.balanceAfter, "the entry belongs to another wallet")
        assert(isConserved, "credit was lost or made up")
    }

    /// The wallet after an entry that anybody may have written; `nil` when it cannot be the next one.
    package func following(_ entry: LedgerEntry) -> Wallet? {
        guard entry.isWithinRange, fits(entry) else { return nil }
        var next = self
        next.change(by: entry)
        return next.balance == entry.balanceAfter && next.isConserved ? next : nil
    }

    private mutating func change(by entry: LedgerEntry) {
        switch entry.kind {
        case .grant, .refund, .schedule: applyGrant(entry)
        case .spend, .hold: applyUse(entry)
        case .settle, .release: applyEndOfHold(entry)
        case .expire, .void: applyLoss(entry)
        }
        balance += entry.amount
        entryCount += 1
        grants.removeAll(where: \.isClosed)
        nextDueAt = firstDue
    }

    private mutating func applyGrant(_ entry: LedgerEntry) {
        granted += entry.amount
        if entry.kind == .refund { refunded += entry.amount }
        debt += entry.overdrawn
        advanceRecurrence(entry)
        guard let grant = entry.grant else { return }
        var open = WalletGrant(
            number: entry.grantNumber, grant: grant, recurrence: entry.recurrence)
        if let index = index(ofGrant: entry.grantNumber) { open = grants.remove(at: index) }
        open.grant = grant
        if let rolloverMax = entry.rolloverMax { open.rolloverMax = rolloverMax }
        open.isScheduled = entry.kind == .schedule
        open.remaining += entry.amount + entry.overdrawn
        grants.insert(open, at: grants.firstIndex { open.isUsedBefore($0) } ?? grants.endIndex)
        nextGrantNumber = max(nextGrantNumber, entry.grantNumber + 1)
    }

    private mutating func advanceRecurrence(_ entry: LedgerEntry) {
        guard let window = entry.recurrence.flatMap(Window.init), let until = entry.windowUntil
        else { return }
        if let index = recurrences.firstIndex(where: { $0.window == window }) {
            recurrences[index].windowUntil = until
        } else {
            recurrences.append(WalletRecurrence(window: window, windowUntil: until))
            recurrences.sort { $0.window.text < $1.window.text }
        }
    }

    private mutating func applyUse(_ entry: LedgerEntry) {
        take(entry.allocations)
        spent += entry.spent
        guard entry.kind == .hold else {
            debt += entry.overdrawn
            return
        }
        for allocation in entry.allocations {
            guard let index = index(ofGrant: allocation.grant) else { continue }
            grants[index].held += allocation.units
        }
        var hold = removeHold(entry.hold)
        for var allocation in entry.allocations {
            // Its grant stays open, and knows.
            allocation.rollover = nil
            hold.allocations.add(allocation)
        }
        hold.overdrawn += entry.overdrawn
        holds.insert(hold, at: holds.firstIndex { $0.number > hold.number } ?? holds.endIndex)
        held -= entry.amount
    }

    private mutating func applyEndOfHold(_ entry: LedgerEntry) {
        let hold = removeHold(entry.hold)
        held -= hold.units
        for allocation in hold.allocations {
            guard let index = index(ofGrant: allocation.grant) else { continue }
            grants[index].held -= allocation.units
            grants[index].remaining += allocation.units
        }
        if entry.kind == .settle { take(entry.allocations) }
        spent += entry.spent
        let (sum, isOver) = shortfall.addingReportingOverflow(entry.shortfall)
        shortfall = isOver ? .max : sum
        debt += entry.overdrawn
        if entry.overdrawn < 0 {
            take(allocations(of: -entry.overdrawn, at: entry.occurredAt).paid)
        }
    }

    private mutating func applyLoss(_ entry: LedgerEntry) {
        take(entry.allocations)
        if entry.kind == .expire {
            expired -= entry.amount
            return
        }
        voided -= entry.amount
        guard let index = index(ofGrant: entry.grantNumber) else { return }
        grants[index].isScheduled = false
        grants[index].isVoided = true
    }

    private mutating func take(_ allocations: [CreditAllocation]) {
        for allocation in allocations {
            guard let index = index(ofGrant: allocation.grant) else { continue }
            grants[index].remaining -= allocation.units
        }
    }

    private mutating func removeHold(_ number: Int64) -> WalletHold {
        guard let index = holds.firstIndex(where: { $0.number == number }) else {
            return WalletHold(number: number)
        }
        return holds.remove(at: index)
    }

    private func index(ofGrant number: Int64) -> Int? {
        grants.firstIndex { $0.number == number }
    }

    private var firstDue: Instant? {
        var first = recurrences.lazy.map(\.windowUntil).min()
        for due in grants.lazy.compactMap(\.dueAt) { first = min(first ?? due, due) }
        return first
    }
}
