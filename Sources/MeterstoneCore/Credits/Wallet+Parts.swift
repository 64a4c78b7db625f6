/// A grant of which something remains, is held, or is still to come.
public struct WalletGrant: Hashable, Sendable {
    /// Counts the grants of a wallet, from 1.
    public let number: Int64
    /// Of a recurring grant that rolls over, all windows since it was opened are one grant.
    public internal(set) var grant: CreditGrant
    /// What can be used of it now; 0 as long as it is scheduled.
    public internal(set) var remaining: Int64
    /// Set aside for reservations. It comes back even when the grant has expired or was voided
    /// meanwhile, and is then lost at once.
    public internal(set) var held: Int64
    /// It becomes usable at its ``CreditGrant/effectiveAt``.
    public internal(set) var isScheduled: Bool
    public internal(set) var isVoided: Bool
    /// Which recurring grant gave it, or what a refund gives back of: ``Window/text``.
    public let recurrence: String?
    /// Up to how much the recurring grant keeps what is left over; `nil`: it keeps nothing.
    public internal(set) var rolloverMax: Int64?
    /// When it was first and last written about. Told where a wallet is asked for; no part of its state.
    public internal(set) var times = Times()

    package init(
        number: Int64, grant: CreditGrant, remaining: Int64 = 0, held: Int64 = 0,
        isScheduled: Bool = false, isVoided: Bool = false, recurrence: String? = nil,
        rolloverMax: Int64? = nil, times: Times = Times()
    ) {
        self.times = times
        self.number = number
        self.grant = grant
        self.remaining = remaining
        self.held = held
        self.isScheduled = isScheduled
        self.isVoided = isVoided
        self.recurrence = recurrence
        self.rolloverMax = rolloverMax
    }

    /// What it keeps from one window to the next; `nil`: nothing, or it never ends.
    var rollover: Rollover? {
        guard let recurrence, let rolloverMax else { return nil }
        return Rollover(recurrence: recurrence, most: rolloverMax)
    }

    public func isExpired(at instant: Instant) -> Bool {
        grant.expiresAt.map { $0 <= instant } ?? false
    }

    /// Whether it may pay for something.
    public func isUsable(at instant: Instant) -> Bool {
        !isScheduled && !isVoided && !isExpired(at: instant)
    }

    var isClosed: Bool { remaining == 0 && held == 0 && !isScheduled }

    /// When time alone does something to it.
    var dueAt: Instant? {
        if isScheduled { return grant.effectiveAt }
        return remaining > 0 ? grant.expiresAt : nil
    }

    /// Grants of smaller priority are used first, then those that expire earlier, then older ones.
    func isUsedBefore(_ other: WalletGrant) -> Bool {
        func order(_ grant: CreditGrant) -> (Int, Int, Instant, Instant) {
            let expiresAt = grant.expiresAt
            return (
                grant.priority, expiresAt == nil ? 1 : 0, expiresAt ?? .latest, grant.effectiveAt
            )
        }
        let (own, others) = (order(grant), order(other.grant))
        return own == others ? number < other.number : own < others
    }

    func allocation(of units: Int64) -> CreditAllocation {
        CreditAllocation(
            grant: number, units: units, priority: grant.priority, expiresAt: grant.expiresAt,
            rollover: rollover)
    }
}

/// What is set aside for one reservation.
public struct WalletHold: Hashable, Sendable {
    public let number: Int64
    public internal(set) var allocations: [CreditAllocation]
    /// What no grant stands for.
    public internal(set) var overdrawn: Int64

    public var units: Int64 { allocations.units + overdrawn }

    package init(number: Int64, allocations: [CreditAllocation] = [], overdrawn: Int64 = 0) {
        self.number = number
        self.allocations = allocations
        self.overdrawn = overdrawn
    }
}

/// How far a recurring grant was given.
public struct WalletRecurrence: Hashable, Sendable {
    public let window: Window
    /// The end of the last window that was given or passed over.
    public internal(set) var windowUntil: Instant

    package init(window: Window, windowUntil: Instant) {
        self.window = window
        self.windowUntil = windowUntil
    }
}

/// Why a wallet does not take a grant.
public enum WalletRefusal: Error, Hashable, Sendable {
    /// It would never be usable.
    case expiredGrant
    /// A total would no longer fit 64 bits.
    case overflow
}
