/// Something that happened to a wallet. Entries are never changed: what a wallet holds is what its
/// entries, applied in order, add up to.
public struct LedgerEntry: Hashable, Sendable {
    public var kind: Kind
    /// The change of the balance.
    public var amount: Int64
    public var balanceAfter: Int64
    /// When it was written.
    public var recordedAt: Instant
    /// When it took effect, which is not after ``recordedAt``: the instant at which credit expired,
    /// the start of the (last) window that gave it.
    public var occurredAt: Instant
    /// The event id of what was spent, the caller's reference of a grant.
    public var reference: String?
    /// The description of a grant, the reason of a void or a refund.
    public var note: String?
    /// Who granted, voided or refunded.
    public var author: String?
    /// For `grant`, `schedule` and `refund`: the grant as it is from here on. `nil` for windows
    /// that gave nothing.
    public var grant: CreditGrant?
    /// The grant's number within the wallet; 0 when the entry is not about one grant.
    public var grantNumber: Int64
    /// Which grants paid (`spend`, `hold`, `settle`), got back (`release`) or lost (`expire`,
    /// `void`) how much. Each is positive.
    public var allocations: [CreditAllocation]
    /// Units that no grant paid. Below zero: debt that was paid back.
    public var overdrawn: Int64
    /// The number of the reservation; 0 when there is none.
    public var hold: Int64
    /// For `spend` and `settle`: how much was spent in all. What no grant paid of it is what the
    /// allocations leave.
    public var spent: Int64
    /// For recurring grants: how many windows the entry covers, also those that gave nothing.
    public var windows: Int64
    /// For recurring grants: when the last of these windows ends.
    public var windowUntil: Instant?
    /// For recurring grants, and for refunds of what one gave that rolls over: ``Window/text``.
    public var recurrence: String?
    /// Up to how much the recurring grant keeps what is left over; `nil`: it keeps nothing, or it was
    /// written before entries told.
    public var rolloverMax: Int64?
    /// For `settle`: what was used beyond what the balance and the overdraft could pay. Nobody owes it.
    public var shortfall: Int64

    package init(
        kind: Kind, amount: Int64, balanceAfter: Int64, recordedAt: Instant,
        occurredAt: Instant? = nil, reference: String? = nil, note: String? = nil,
        author: String? = nil, grant: CreditGrant? = nil, grantNumber: Int64 = 0,
        allocations: [CreditAllocation] = [], overdrawn: Int64 = 0, hold: Int64 = 0,
        spent: Int64 = 0, windows: Int64 = 0, windowUntil: Instant? = nil,
        recurrence: String? = nil, rolloverMax: Int64? = nil, shortfall: Int64 = 0
    ) {
        self.kind = kind
        self.amount = amount
        self.balanceAfter = balanceAfter
        self.recordedAt = recordedAt
        self.occurredAt = occurredAt ?? recordedAt
        self.reference = reference
        self.note = note
        self.author = author
        self.grant = grant
        self.grantNumber = grantNumber
        self.allocations = allocations
        self.overdrawn = overdrawn
        self.hold = hold
        self.spent = spent
        self.windows = windows
        self.windowUntil = windowUntil
        self.recurrence = recurrence
        self.rolloverMax = rolloverMax
        self.shortfall = shortfall
    }
}

extension LedgerEntry {
    /// What happened. The numbers are stored, so that none may ever change its meaning.
    public enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        /// A grant became usable, or a window of a recurring one began.
        case grant = 1
        /// A grant for later was noted; it changes nothing yet.
        case schedule = 2
        case spend = 3
        /// Units were set aside for a reservation.
        case hold = 4
        /// A reservation ended by being spent. The amount is what was held less what was spent, and
        /// negative when that was more.
        case settle = 5
        /// A reservation ended unspent.
        case release = 6
        /// What was left of a grant at its end.
        case expire = 7
        /// What was left of a grant that was taken back.
        case void = 8
        /// A grant that gives back what was spent under a reference.
        case refund = 9

        /// The word for it on the wire.
        public var name: String {
            switch self {
            case .grant: "grant"
            case .schedule: "schedule"
            case .spend: "spend"
            case .hold: "hold"
            case .settle: "settle"
            case .release: "release"
            case .expire: "expire"
            case .void: "void"
            case .refund: "refund"
            }
        }
    }
}

extension LedgerEntry {
    /// The most that one number of an entry may say.
    static let unitsMax = Int64.max / 64

    /// Whether no number is so large that adding up a few of them could overflow.
    package var isWithinRange: Bool {
        let range = -Self.unitsMax...Self.unitsMax
        var units: Int64 = 0
        for allocation in allocations {
            guard (0...range.upperBound).contains(allocation.units) else { return false }
            units += allocation.units
            guard range.contains(units) else { return false }
        }
        let given = grant?.amount ?? 0
        let isGift = kind == .grant || kind == .refund || kind == .schedule
        guard !isGift || amount >= 0, given >= 0, spent >= 0, shortfall >= 0,
            rolloverMax.map({ $0 >= 0 }) ?? true, range.contains(grantNumber)
        else { return false }
        return [amount, balanceAfter, overdrawn, spent, given, shortfall].allSatisfy(range.contains)
    }
}

/// Units of one grant.
public struct CreditAllocation: Hashable, Sendable {
    /// The grant's number within the wallet.
    public var grant: Int64
    public var units: Int64
    /// As of the grant, which may be long closed when a refund needs to know.
    public var priority: Int
    /// As of the grant.
    public var expiresAt: Instant?
    /// As of the grant; `nil`: it does not roll over.
    public var rollover: Rollover?

    package init(
        grant: Int64, units: Int64, priority: Int, expiresAt: Instant?, rollover: Rollover? = nil
    ) {
        self.grant = grant
        self.units = units
        self.priority = priority
        self.expiresAt = expiresAt
        self.rollover = rollover
    }
}

/// Which recurring grant keeps what is left over, and up to how much.
public struct Rollover: Hashable, Sendable {
    /// ``Window/text``.
    public var recurrence: String
    public var most: Int64

    package init(recurrence: String, most: Int64) {
        self.recurrence = recurrence
        self.most = most
    }
}

extension [CreditAllocation] {
    /// The units of all.
    package var units: Int64 { reduce(0) { $0 + $1.units } }

    /// Counts more units of a grant, with those that are there if the grant is.
    mutating func add(_ allocation: CreditAllocation) {
        if let index = firstIndex(where: { $0.grant == allocation.grant }) {
            self[index].units += allocation.units
        } else {
            append(allocation)
        }
    }
}
