/// What a wallet needs to know about its subject, to find out what time alone brings.
package struct CreditTerms {
    /// What the plan that applies at an instant gives anew in every window. Of several grants with
    /// the same window the first counts.
    package let recurring: (Instant) -> [RecurringGrant]
    /// The same for a window of a known recurrence that begins at an instant: a change at that very
    /// instant comes after it.
    package let continuing: (Instant) -> [RecurringGrant]
    /// When the plan that applies may have begun to give something, the earliest first: a recurrence
    /// that the wallet does not know began at the first of them at which the plan had it.
    package let starts: [Instant]
    package let zone: ZoneRules
    package let anchors: BillingAnchors
    /// How many windows are gone through at a time.
    package let windowsMax: Int

    package init(
        zone: ZoneRules, anchors: BillingAnchors, windowsMax: Int = CreditTerms.windowsMaxDefault,
        starts: [Instant] = [], continuing: ((Instant) -> [RecurringGrant])? = nil,
        recurring: @escaping (Instant) -> [RecurringGrant]
    ) {
        self.zone = zone
        self.anchors = anchors
        self.windowsMax = windowsMax
        self.starts = starts
        self.recurring = recurring
        self.continuing = continuing ?? recurring
    }

    package init(
        zone: ZoneRules, anchor: Instant?, windowsMax: Int = CreditTerms.windowsMaxDefault,
        starts: [Instant] = [], continuing: ((Instant) -> [RecurringGrant])? = nil,
        recurring: @escaping (Instant) -> [RecurringGrant]
    ) {
        self.init(
            zone: zone, anchors: BillingAnchors(anchor), windowsMax: windowsMax, starts: starts,
            continuing: continuing, recurring: recurring)
    }

    /// Hours of more than eleven years.
    package static let windowsMaxDefault = 100_000
}

extension Wallet {
    /// Whether ``entriesDue(at:terms:)`` has something to say, as far as the wallet knows.
    package func isDue(at now: Instant) -> Bool {
        nextDueAt.map { $0 <= now } ?? false
    }

    /// The same for a subject whose plan gives these grants, some of them perhaps for the first
    /// time.
    package func isDue(at now: Instant, recurring: [RecurringGrant]) -> Bool {
        isDue(at: now) || recurring.contains { $0.window.isRepeating && !knows($0.window) }
    }

    /// What time alone has caused since the last time: scheduled grants became usable, grants
    /// expired, and windows gave their recurring grants.
    ///
    /// The result is exactly that of looking at every instant, however long nobody looked. Of what
    /// happens at one instant, expiry comes first, then scheduled grants, then recurring ones.
    /// Windows of one recurrence are joined into one entry that gives the sum, and one that expires
    /// what they left; both take effect with the last window that gave something.
    ///
    /// A recurrence is known by its window. The first time a plan has it, by ``CreditTerms/starts`` and
    /// at `now` at the latest, the window that contains that instant gives it, from the instant on.
    /// From then on each window gives once, what the plan at its start says; a window whose plan does not have the recurrence is passed over. After a change
    /// of zone or anchor, the next window begins where the last one ended.
    ///
    /// At most ``CreditTerms/windowsMax`` windows are gone through, of all recurrences together;
    /// after those, all up to the one that contains `now` are passed over.
    package func entriesDue(at now: Instant, terms: CreditTerms) -> [LedgerEntry] {
        let mayStart = terms.starts.contains { instant in
            instant <= now && terms.recurring(instant).contains { !knows($0.window) }
        }
        guard mayStart || isDue(at: now, recurring: terms.recurring(now)) else { return [] }
        var walk = WalletWalk(wallet: self, now: now, terms: terms)
        walk.run()
        return walk.joined.entries(after: balance)
    }

    /// Whether the window of a recurrence that begins at an instant was gone through.
    package func hasBegun(_ window: Window, at instant: Instant) -> Bool {
        recurrences.contains { $0.window == window && instant < $0.windowUntil }
    }

    package func knows(_ window: Window) -> Bool {
        recurrences.contains { $0.window == window }
    }
}

/// Goes from one instant at which something is due to the next, on a wallet of its own.
private struct WalletWalk {
    var wallet: Wallet
    let now: Instant
    let terms: CreditTerms
    var joined = JoinedEntries()
    var windowsLeft: Int

    init(wallet: Wallet, now: Instant, terms: CreditTerms) {
        self.wallet = wallet
        self.now = now
        self.terms = terms
        windowsLeft = terms.windowsMax
    }

    mutating func run() {
        var starts = terms.starts.filter { $0 <= now }[...]
        while let instant = [wallet.nextDueAt, starts.first].compactMap(\.self).min(),
            instant <= now
        {
            expireGrants(at: instant)
            openScheduled(at: instant)
            for known in wallet.recurrences where known.windowUntil <= instant {
                continueRecurrence(known.window, at: known.windowUntil)
            }
            while starts.first == instant {
                starts.removeFirst()
                start(at: instant)
            }
        }
        start(at: now)
    }

    /// Gives for the first time what the wallet does not know.
    private mutating func start(at instant: Instant) {
        for recurring in terms.recurring(instant)
        where recurring.window.isRepeating && !wallet.knows(recurring.window) {
            let until = span(of: recurring.window, containing: instant).until
            give(recurring, until: until, at: instant)
        }
    }

    private mutating func step(_ entry: LedgerEntry) {
        var entry = entry
        entry.balanceAfter = wallet.balance + entry.amount
        wallet.apply(entry)
        joined.add(entry, after: wallet)
    }

    private mutating func expireGrants(at instant: Instant) {
        for grant in wallet.grants where grant.remaining > 0 && grant.isExpired(at: instant) {
            step(
                LedgerEntry(
                    kind: .expire, amount: -grant.remaining, balanceAfter: 0, recordedAt: now,
                    occurredAt: instant, reference: grant.grant.reference,
                    grantNumber: grant.number, allocations: [grant.allocation(of: grant.remaining)],
                    recurrence: grant.recurrence))
        }
    }

    private mutating func openScheduled(at instant: Instant) {
        let due = wallet.grants.filter { $0.isScheduled && $0.grant.effectiveAt <= instant }
        for open in due.sorted(by: { $0.number < $1.number }) {
            let amount = open.grant.amount
            step(
                LedgerEntry(
                    kind: .grant, amount: amount, balanceAfter: 0, recordedAt: now,
                    occurredAt: instant, reference: open.grant.reference, grant: open.grant,
                    grantNumber: open.number, overdrawn: -min(wallet.debt, amount)))
        }
    }

    private mutating func continueRecurrence(_ window: Window, at start: Instant) {
        let current = span(of: window, containing: now)
        guard windowsLeft > 0 || current.from <= start else {
            return pass(window, until: current.from, at: start)
        }
        windowsLeft -= 1
        // Where calendars end, windows would not get any further.
        let next = span(of: window, containing: start)
        let until = next.until
        let end = until > start ? until : Instant(millisecondsSince1970: .max)
        // A window that a change of plan moved may have begun, and got what it gets, before.
        let isGiven = terms.anchors.turns.contains { next.contains($0.at) && next.from < start }
        let recurring = terms.continuing(start).first { $0.window == window }
        guard let recurring, !isGiven else { return pass(window, until: end, at: start) }
        give(recurring, until: end, at: start)
    }

    private mutating func give(_ recurring: RecurringGrant, until: Instant, at start: Instant) {
        let window = recurring.window
        let left = wallet.grants.filter { $0.recurrence == window.text }
        let amount = min(recurring.amount, wallet.room(for: recurring), wallet.grantRoom)
        guard amount > 0 else { return pass(window, until: until, at: start) }
        let isKept = recurring.rolloverMax != nil
        let open = left.first {
            isKept && $0.grant.expiresAt == nil && !$0.isVoided
                && $0.grant.priority == recurring.priority && $0.grant.source != .refund
        }
        let number = open?.number ?? wallet.nextGrantNumber
        var grant = CreditGrant(
            id: .plan(window, number: number), amount: amount, priority: recurring.priority,
            effectiveAt: start, expiresAt: isKept ? nil : until,
            source: window == .day ? .dailyRefill : .plan)
        if let open {
            grant = open.grant
            grant.amount += amount
        }
        step(
            LedgerEntry(
                kind: .grant, amount: amount, balanceAfter: 0, recordedAt: now, occurredAt: start,
                grant: grant, grantNumber: number, overdrawn: -min(wallet.debt, amount),
                windows: 1, windowUntil: until, recurrence: window.text,
                rolloverMax: recurring.rolloverMax))
    }

    /// Lets a window go by that gives nothing.
    private mutating func pass(_ window: Window, until: Instant, at start: Instant) {
        step(
            LedgerEntry(
                kind: .grant, amount: 0, balanceAfter: 0, recordedAt: now, occurredAt: start,
                windows: 1, windowUntil: until, recurrence: window.text))
    }

    private func span(of window: Window, containing instant: Instant) -> WindowSpan {
        window == .billingMonth
            ? window.span(containing: instant, in: terms.zone, anchors: terms.anchors)
            : window.span(containing: instant, in: terms.zone, anchor: nil)
    }
}
