import MeterstoneCore

/// The credit of one subject as lists of what came in and what became of it; everything else is added
/// up from them.
struct ModelWallet {
    var grants: [ModelGrant] = []
    var given: [Int64] = []
    var refunds: [Int64] = []
    /// References under which that happened.
    var refunded: Set<String> = []
    var spendings: [ModelSpending] = []
    var expired: [Int64] = []
    var voided: [Int64] = []
    /// Spent, and paid by no grant yet.
    var debt: Int64 = 0
    /// Held without a grant, by the place of the reservation in the list of events.
    var promised: [Int: Int64] = [:]
    /// Where each recurring grant goes on.
    var recurrences: [Window: Instant] = [:]
    var nextNumber = 1
    /// Used for reservations, and paid by nobody.
    var shortfall: Int64 = 0
    /// Grants that somebody asked for by name, as they were given first.
    var named: [GrantID: CreditGrant] = [:]

    var held: Int64 {
        promised.values.reduce(0, +) + grants.reduce(0) { $0 + $1.held.values.reduce(0, +) }
    }

    var spent: Int64 { spendings.reduce(0) { $0 + $1.units } }

    var balance: Int64 {
        given.reduce(0, +) - spent - expired.reduce(0, +) - voided.reduce(0, +) - held
    }

    /// Whether the parts say the same as the totals.
    var isConserved: Bool {
        balance
            == grants.reduce(0) { $0 + $1.usable } - debt - promised.values.reduce(0, +)
    }

    func spendable(overdraft: Int64) -> Int64 { max(balance + overdraft, 0) }
}

/// One grant, open or not.
struct ModelGrant {
    var id: GrantID
    var number: Int
    var amount: Int64
    var priority: Int
    var effectiveAt: Instant
    var expiresAt: Instant?
    var recurrence: Window?
    /// The most that is kept from one window to the next.
    var most: Int64?
    var usable: Int64 = 0
    /// By the place of the reservation.
    var held: [Int: Int64] = [:]
    var isScheduled = false
    var isVoided = false
    var isRefund = false

    var isOpen: Bool { usable > 0 || !held.isEmpty || isScheduled }

    func mayPay(at now: Instant) -> Bool {
        !isScheduled && !isVoided && expiresAt.map { now < $0 } ?? true
    }

    var order: (Int, Instant, Instant, Int) {
        (priority, expiresAt ?? Instant(millisecondsSince1970: .max), effectiveAt, number)
    }
}

/// What was spent at once, and what a refund of it gives back.
struct ModelSpending {
    struct Part {
        var units: Int64
        var priority: Int
        var expiresAt: Instant?
        var recurrence: Window?
        var most: Int64?
    }

    var reference: String
    var parts: [Part]

    var units: Int64 { parts.reduce(0) { $0 + $1.units } }
}

extension ModelWallet {
    /// Places of the grants in the order in which they are used.
    private var inOrder: [Int] {
        grants.indices.filter { grants[$0].isOpen }.sorted { grants[$0].order < grants[$1].order }
    }

    /// Takes units from whoever may pay.
    private mutating func take(
        _ units: Int64, at now: Instant
    ) -> (parts: [(grant: Int, units: Int64)], missing: Int64) {
        var missing = units
        var parts: [(grant: Int, units: Int64)] = []
        for index in inOrder where missing > 0 && grants[index].mayPay(at: now) {
            let part = min(missing, grants[index].usable)
            guard part > 0 else { continue }
            grants[index].usable -= part
            missing -= part
            parts.append((index, part))
        }
        return (parts, missing)
    }

    private mutating func payDebt(_ most: Int64, at now: Instant) {
        let units = min(debt, most)
        debt -= units - take(units, at: now).missing
    }

    private func part(_ grant: Int, _ units: Int64) -> ModelSpending.Part {
        let grant = grants[grant]
        return ModelSpending.Part(
            units: units, priority: grant.priority, expiresAt: grant.expiresAt,
            recurrence: grant.most == nil ? nil : grant.recurrence, most: grant.most)
    }

    private func unpaid(_ units: Int64) -> [ModelSpending.Part] {
        units == 0
            ? [] : [ModelSpending.Part(units: units, priority: CreditGrant.priorityDefault)]
    }

    // MARK: Coming in

    mutating func open(_ grant: ModelGrant, amount: Int64, at now: Instant) {
        var grant = grant
        grant.number = nextNumber
        nextNumber += 1
        grants.append(grant)
        if !grant.isScheduled { give(amount, to: grants.count - 1, at: now) }
    }

    mutating func give(_ amount: Int64, to index: Int, at now: Instant) {
        given.append(amount)
        grants[index].usable += amount
        grants[index].isScheduled = false
        payDebt(amount, at: now)
    }

    // MARK: Going out

    mutating func spend(_ units: Int64, _ reference: String, at now: Instant) {
        let (parts, missing) = take(units, at: now)
        debt += missing
        spendings.append(
            ModelSpending(
                reference: reference, parts: parts.map { part($0, $1) } + unpaid(missing)))
    }

    mutating func hold(_ units: Int64, for reservation: Int, at now: Instant) {
        let (parts, missing) = take(units, at: now)
        for (grant, units) in parts { grants[grant].held[reservation, default: 0] += units }
        promised[reservation, default: 0] += missing
    }

    /// Pays out of what is held and, if that is wanted, out of what else there is; gives back the
    /// rest, and returns what was paid.
    mutating func settle(
        _ reservation: Int, _ units: Int64, mayTakeMore: Bool, overdraft: Int64,
        _ reference: String, at now: Instant
    ) -> Int64 {
        let heldByGrants = grants.reduce(0) { $0 + ($1.held[reservation] ?? 0) }
        let held = heldByGrants + (promised[reservation] ?? 0)
        let more = mayTakeMore ? min(max(0, units - held), spendable(overdraft: overdraft)) : 0
        let paid = min(units, held) + more
        shortfall += units - paid
        promised[reservation] = nil
        var left = paid
        var parts: [Int: Int64] = [:]
        var returned: Int64 = 0
        var cameBack: [(grant: Int, units: Int64)] = []
        for index in inOrder {
            guard let own = grants[index].held.removeValue(forKey: reservation) else { continue }
            parts[index] = min(own, left)
            let back = own - min(own, left)
            left -= own - back
            grants[index].usable += back
            cameBack.append((index, back))
            if grants[index].mayPay(at: now) { returned += back }
        }
        // What no grant held for is paid by those that are there.
        let inOrderOfPaying = parts.filter { $0.value > 0 }.keys
            .sorted { grants[$0].order < grants[$1].order }
        let (fresh, missing) = take(left, at: now)
        for (grant, units) in fresh { parts[grant, default: 0] += units }
        debt += missing
        if paid > 0 {
            let payers =
                inOrderOfPaying + fresh.map(\.grant).filter { !inOrderOfPaying.contains($0) }
            spendings.append(
                ModelSpending(
                    reference: reference,
                    parts: payers.map { part($0, parts[$0] ?? 0) } + unpaid(missing)))
        }
        payDebt(returned, at: now)
        for index in grants.indices where grants[index].usable > 0 && !grants[index].mayPay(at: now)
        {
            if grants[index].isVoided {
                voided.append(grants[index].usable)
            } else {
                expired.append(grants[index].usable)
            }
            grants[index].usable = 0
        }
        for (index, units) in cameBack { loseWhatIsTooMuch(of: index, cameBack: units) }
        return paid
    }

    /// What came back may not make more than is kept, by the most that any of its kind was given with.
    mutating func loseWhatIsTooMuch(of index: Int, cameBack units: Int64) {
        guard grants[index].most != nil, grants[index].expiresAt == nil else { return }
        let kind = grants.filter {
            $0.isOpen && $0.recurrence == grants[index].recurrence && $0.expiresAt == nil
        }
        let most = kind.compactMap(\.most).max() ?? 0
        let lost = min(units, grants[index].usable, kind.reduce(0) { $0 + $1.usable } - most)
        guard lost > 0 else { return }
        grants[index].usable -= lost
        expired.append(lost)
    }

    // MARK: Time

    /// Goes from one thing that happens to the next.
    ///
    /// - Parameters:
    ///   - continuing: what a window that begins at an instant gives, when there was one before.
    ///   - recurring: what the plan that applies at an instant gives.
    mutating func pass(
        to now: Instant, span: (Window, Instant) -> WindowSpan,
        continuing: (Instant) -> [RecurringGrant], recurring: (Instant) -> [RecurringGrant]
    ) {
        while let instant = nextInstant, instant <= now {
            for index in grants.indices where !grants[index].isScheduled {
                guard let end = grants[index].expiresAt, end <= instant, grants[index].usable > 0
                else { continue }
                expired.append(grants[index].usable)
                grants[index].usable = 0
            }
            for index in grants.indices
            where grants[index].isScheduled && grants[index].effectiveAt <= instant {
                give(grants[index].amount, to: index, at: instant)
            }
            for (window, start) in recurrences.sorted(by: { $0.key.text < $1.key.text })
            where start <= instant {
                let until = span(window, start).until
                if let grant = continuing(start).first(where: { $0.window == window }) {
                    give(grant, from: start, until: until)
                }
                recurrences[window] = until
            }
        }
        for grant in recurring(now) where recurrences[grant.window] == nil {
            let until = span(grant.window, now).until
            give(grant, from: now, until: until)
            recurrences[grant.window] = until
        }
    }

    private var nextInstant: Instant? {
        (Array(recurrences.values) + grants.filter(\.isScheduled).map(\.effectiveAt)
            + grants.filter { $0.usable > 0 }.compactMap(\.expiresAt)).min()
    }

    /// How much more may be given of what is kept up to a most.
    func room(for recurring: RecurringGrant) -> Int64 {
        guard let most = recurring.rolloverMax else { return .max }
        let left = grants.filter { $0.recurrence == recurring.window && $0.isOpen }
        return most - left.reduce(0) { $0 + $1.usable }
    }

    private mutating func give(_ recurring: RecurringGrant, from start: Instant, until: Instant) {
        let left = grants.indices.filter {
            grants[$0].recurrence == recurring.window && grants[$0].isOpen
        }
        var amount = recurring.amount
        if let most = recurring.rolloverMax {
            amount = min(amount, room(for: recurring))
            guard amount > 0 else { return }
            let kept = left.first {
                grants[$0].expiresAt == nil && !grants[$0].isVoided && !grants[$0].isRefund
                    && grants[$0].priority == recurring.priority
            }
            if let kept {
                grants[kept].most = most
                return give(amount, to: kept, at: start)
            }
        }
        open(
            ModelGrant(
                id: GrantID(unchecked: "meterstone:plan-\(recurring.window.text)-\(nextNumber)"),
                number: 0,
                amount: amount, priority: recurring.priority, effectiveAt: start,
                expiresAt: recurring.rolloverMax == nil ? until : nil,
                recurrence: recurring.window, most: recurring.rolloverMax),
            amount: amount, at: start)
    }
}
