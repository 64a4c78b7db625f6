import MeterstoneCore

/// What an event costs, and whether its subject can pay.
///
/// It holds no wallet: a second reference to one would have it copied when it is paid from.
struct Payment {
    var cost: Int64
    /// What the plan lets the balance go below 0.
    var overdraft: Int64
    var isCovered: Bool
    /// What time has caused since entries were last written.
    var due: [LedgerEntry]
    var at: Instant
    /// The cost, and the balance after it is paid, or as it is when it cannot be.
    var charge: CreditCharge

    init(_ account: Account, cost: Int64, overdraft: Int64) {
        self.cost = cost
        self.overdraft = overdraft
        due = account.due
        at = account.at
        let balance = account.wallet.balance
        isCovered = cost <= account.wallet.spendable(overdraft: overdraft)
        charge = CreditCharge(amount: cost, balance: isCovered ? balance - cost : balance)
    }
}

/// A subject's credits as of now, and the entries that time has caused since they were last written.
struct Account {
    var wallet: Wallet
    var due: [LedgerEntry]
    var at: Instant
}

/// What closing a reservation costs.
struct ClosingCharge {
    var entries: [LedgerEntry]
    var answer: CreditCharge
}

extension WorkingSet {
    // MARK: What has to be paid

    /// Before limits are looked at: with credits only, every unit has to be paid. By movement; empty:
    /// nothing costs any.
    func unitsToPay(of movements: Movements, by state: SubjectState, at instant: Instant) -> [Int64]
    {
        guard let payment = catalog.payment,
            state.isOn(catalog.charging, at: instant, catalog: catalog),
            movements.contains(where: { $0.meter.price > 0 })
        else { return [] }
        return movements.map { movement in
            payment == .creditsOnly && movement.meter.price > 0 ? movement.countedUnits : 0
        }
    }

    /// Whether credits pay for what a movement uses beyond a limit, and notes how much that is.
    func pays(
        _ movement: Movement, _ reading: LimitReading, beyond definition: LimitDefinition,
        _ payable: inout [Int64], at place: Int
    ) -> Bool {
        guard catalog.payment == .allowanceFirst, movement.meter.price > 0, !payable.isEmpty,
            definition.limit.window != .request, definition.limit.window != .concurrent,
            case .units(let allowed) = reading.allowance
        else { return false }
        let excess = reading.after - max(allowed.units, reading.before)
        payable[place] = max(payable[place], excess)
        return true
    }

    /// Units that credits pay for, by meter.
    func payableQuantities(_ movements: Movements, _ payable: [Int64]) -> Quantities {
        Quantities(
            zip(movements, payable).filter { $1 > 0 }.map { movement, units in
                NamedQuantity(name: movement.meter.meter.key, quantity: Quantity(units))
            })
    }

    /// What units that have to be paid cost together.
    func price(of movements: Movements, _ payable: [Int64]) -> Int64 {
        zip(movements, payable).reduce(0) { cost, paid in
            paid.1 > 0 ? cost.addingPrice(paid.0.meter.price, paid.1) : cost
        }
    }

    /// What the event costs; `nil`: nothing.
    func payment(
        for movements: Movements, _ payable: [Int64], from state: SubjectState, at now: Instant
    ) throws(StoreError) -> Payment? {
        guard !payable.isEmpty else { return nil }
        let cost = price(of: movements, payable)
        guard cost > 0 else { return nil }
        return Payment(
            try account(of: state, at: now), cost: cost, overdraft: overdraft(of: state, at: now))
    }

    /// The answer when credits are short.
    func unpaid(
        _ payment: Payment, for movements: Movements, _ evaluation: Evaluation,
        _ state: SubjectState, _ instant: Instant
    ) throws(StoreError) -> Decision {
        let beyond = evaluation.exceeded.map { evaluation.statuses[$0] }
            .filter { $0.mode == .enforce }
        let statuses = try rewound(evaluation.statuses, state, instant)
        let waiting = try waiting(for: payment, of: movements, evaluation, state, at: instant)
        return Decision(
            denial: Denial(
                reason: .insufficientCredits, violated: beyond.map(\.limit).unique,
                retryAt: waiting.retryAt, nextRefillAt: waiting.refillAt,
                plansThatAllow: try plansThatPay(
                    payment, for: movements, evaluation, statuses, of: state, at: instant),
                fallback: beyond.lazy.compactMap(\.definition.limit.fallback).first),
            isDuplicate: false, eventID: nil, limits: statuses, credits: payment.charge)
    }

    /// Plans under which the event would be paid: by what they allow, by their overdraft, or by the credits
    /// that they give more in a window than the subject's plan does.
    ///
    /// - Parameter statuses: without the event.
    private func plansThatPay(
        _ payment: Payment, for movements: Movements, _ evaluation: Evaluation,
        _ statuses: [LimitStatus], of state: SubjectState, at instant: Instant
    ) throws(StoreError) -> [PlanKey] {
        let wallet = try account(of: state, at: payment.at).wallet
        let current = catalog.plan(state.plan(at: payment.at, catalog: catalog))
        return catalog.plans.filter { plan in
            guard
                let cost = cost(
                    of: movements, evaluation, statuses, of: state, under: plan.key, at: instant)
            else { return false }
            let more = plan.recurringGrants.reduce(Int64(0)) { sum, grant in
                let known =
                    current?.recurringGrants.first { $0.window == grant.window }?.amount ?? 0
                return sum.addingSaturated(max(0, grant.amount.subtractingSaturated(known)))
            }
            return cost <= wallet.spendable(overdraft: plan.overdraft).addingSaturated(more)
        }.map(\.key)
    }

    /// What an event would cost under a plan; `nil`: a limit would refuse it.
    private func cost(
        of movements: Movements, _ evaluation: Evaluation, _ statuses: [LimitStatus],
        of state: SubjectState, under plan: PlanKey, at instant: Instant
    ) -> Int64? {
        var payable = unitsToPay(of: movements, by: state, at: instant)
        for (status, evaluated) in zip(statuses, evaluation.statuses) {
            let subject = status.ancestor.flatMap { subjects[$0] } ?? state
            guard subject.mode(of: status.definition, under: plan, at: instant) == .enforce
            else { continue }
            // No plan makes room for one more value.
            if evaluated.isBeyondValues { return nil }
            let allowed = subject.allowance(
                of: status.definition, status.value, under: plan, at: instant, catalog: catalog)
            let (before, after) = (status.used.units, evaluated.used.units)
            guard case .units(let units) = allowed.allowance.carrying(evaluated.carried),
                after > units.units, after > before
            else { continue }
            let window = status.window
            guard catalog.payment == .allowanceFirst, !payable.isEmpty, window != .request,
                window != .concurrent,
                let place = movements.firstIndex(where: { $0.meter.meter.key == status.meter }),
                movements[place].meter.price > 0
            else { return nil }
            payable[place] = max(payable[place], after - max(units.units, before))
        }
        return price(of: movements, payable)
    }

    // MARK: Paying

    /// Spends what an event costs, or sets it aside.
    func pay(
        _ payment: Payment, of state: SubjectState, reference: EventID, isHeld: Bool, event: Int64
    ) throws(StoreError) {
        register(state, on: payment.at)
        for entry in payment.due { try write(entry, of: state) }
        let index = try walletIndex(state, at: payment.at)
        let entry = state.current[index].state.wallet.wallet.paying(
            payment, reference: reference.text, hold: isHeld ? event : nil)
        if let entry { try write(entry, of: state) }
    }

    /// What closing a reservation spends, of what was held for it and beyond; `nil`: no credits are
    /// concerned.
    ///
    /// What expired is closed as of its end, however late that is written: what comes back then comes
    /// before the windows that have begun since. An end that comes after it pays what is lacking; what was
    /// paid at the expiry stays paid.
    func charge(
        _ before: UsageRecord, _ after: UsageRecord, _ state: SubjectState, hold: Int64,
        at instant: Instant, writtenAt now: Instant
    ) throws(StoreError) -> ClosingCharge? {
        let isCharged =
            catalog.payment != nil
            && state.isOn(catalog.charging, at: before.occurredAt, catalog: catalog)
        // What was held is given back where nothing is charged any more.
        let cost = isCharged ? try closingCost(before, after, state) : 0
        guard cost > 0 || before.credits != nil else { return nil }
        let isLate = before.reservation?.status == .expired
        let paid = isLate ? before.credits?.amount ?? 0 : 0
        let account = try account(of: state, at: instant)
        let settlement = account.wallet.settling(
            hold: hold, units: max(0, cost - paid),
            mayTakeMore: isLate || after.reservation?.terms.onOverage == .count,
            overdraft: overdraft(of: state, at: instant), reference: before.id.text, at: instant)
        let balance = settlement.entries.last?.balanceAfter ?? account.wallet.balance
        let entries = (account.due + settlement.entries).map { entry in
            var entry = entry
            entry.recordedAt = now
            return entry
        }
        return ClosingCharge(
            entries: entries,
            answer: CreditCharge(
                amount: paid + settlement.paid, balance: balance, shortfall: settlement.unpaid))
    }

    /// Units that were set aside within an allowance stay free; what goes beyond them is paid, and
    /// more than was set aside as a consume of the difference would be.
    private func closingCost(
        _ before: UsageRecord, _ after: UsageRecord, _ state: SubjectState
    ) throws(StoreError) -> Int64 {
        guard let reservation = before.reservation, after.reservation?.isCounted ?? true,
            let order = catalog.payment
        else { return 0 }
        let setAside =
            before.isCounted ? catalog.movements(of: before.event(subject: state.id)) : Movements()
        var movements = catalog.movements(of: after.event(subject: state.id))
        let used = movements.map(\.countedUnits)
        for index in movements.indices {
            let known = setAside.first { $0.meter === movements[index].meter }
            movements[index].units = used[index] - (known?.countedUnits ?? 0)
        }
        var cost: Int64 = 0
        for (index, movement) in movements.enumerated() where movement.meter.price > 0 {
            let reserved = used[index] - movement.units
            let payable =
                before.isCounted ? reservation.payable[movement.meter.meter.key]?.units ?? 0 : 0
            let units: Int64
            if order == .creditsOnly {
                units = used[index]
            } else if movement.units <= 0 {
                units = max(0, used[index] - (reserved - payable))
            } else {
                units = payable.addingSaturated(try excess(of: movement, after, state))
            }
            cost = cost.addingPrice(movement.meter.price, units)
        }
        return cost
    }

    /// How many units of a movement go beyond some limit that credits can pay for.
    private func excess(
        of movement: Movement, _ record: UsageRecord, _ state: SubjectState
    ) throws(StoreError) -> Int64 {
        var most: Int64 = 0
        for subject in try levels(of: record, state) {
            for definition in movement.meter.limits
            where definition.limit.window != .request && definition.limit.window != .concurrent
                && definition.concerns(record.details)
                && subject.mode(of: definition, at: record.occurredAt, catalog: catalog)
                    == .enforce
            {
                let reading = try read(
                    definition, definition.value(of: record.details), of: subject,
                    adding: movement, at: record.occurredAt)
                guard case .units(let allowed) = reading.allowance else { continue }
                most = max(most, reading.after - max(allowed.units, reading.before))
            }
        }
        return most
    }

    // MARK: Accounts

    /// What a subject may spend now; what is held for reservations that have expired is given back.
    func wallet(of state: SubjectState, at now: Instant) throws(StoreError) -> Wallet {
        try expireDue(state, at: now)
        var wallet = try account(of: state, at: now).wallet
        try wallet.tellTimes { (grant) throws(StoreError) in
            let entries = try entries(of: state, lookup: LedgerEntry.lookup(of: grant.grant.id))
            return Times(
                createdAt: entries.first?.recordedAt, updatedAt: entries.last?.recordedAt)
        }
        return wallet
    }

    /// A subject's credits as of now. Nothing is written.
    func account(of state: SubjectState, at now: Instant) throws(StoreError) -> Account {
        let index = try walletIndex(state, at: now)
        var wallet = state.current[index].state.wallet.wallet
        let terms = terms(of: state, wallet, at: now)
        guard !terms.starts.isEmpty || wallet.isDue(at: now, recurring: terms.recurring(now)) else {
            return Account(wallet: wallet, due: [], at: now)
        }
        let due = wallet.entriesDue(at: now, terms: terms)
        for entry in due { wallet.apply(entry) }
        return Account(wallet: wallet, due: due, at: now)
    }

    /// What plans give the subject, and gave it.
    func terms(of state: SubjectState, _ wallet: Wallet, at now: Instant) -> CreditTerms {
        let schedule = catalog.schedule
        let isComplete = schedule.windows.allSatisfy(wallet.knows)
        func given(_ version: CreditSchedule.Version?, _ instant: Instant) -> [RecurringGrant] {
            guard let version else { return [] }
            let (plan, versionAt) = state.term(at: instant, default: version.defaultPlan)
            guard let plan else { return [] }
            let kept = versionAt.flatMap { schedule.version(at: $0) }
            return (kept ?? version).recurring[plan] ?? []
        }
        return CreditTerms(
            zone: state.zone, anchors: state.anchors,
            starts: isComplete ? [] : starts(of: state, until: now),
            continuing: { given(schedule.version(before: $0), $0) },
            recurring: { given(schedule.version(at: $0), $0) })
    }

    /// When what the subject is given may have begun: with its first fact or the last change of its plan
    /// or its team's, whichever is latest, and at each later change of what plans give or of which
    /// subscription applies. Empty while nobody knows: then it begins when somebody looks.
    private func starts(of state: SubjectState, until now: Instant) -> [Instant] {
        guard state.number != 0 else { return [] }
        var levels: [SubjectState] = [state]
        while let parent = levels.last?.parent { levels.append(parent) }
        let since = levels.compactMap(\.since).max()
        var starts = catalog.schedule.versions.filter { version in
            (state.since != nil || version.sequence > state.firstSequence)
                && since.map { version.from > $0 } ?? true
        }.map(\.from)
        if let since, state.since != nil {
            starts.append(since)
            for profile in levels.map(\.profile) {
                let subscriptions =
                    [profile.subscription].compactMap(\.self)
                    + profile.scheduled.map(\.subscription)
                // Windows are cut at the start itself, and not at the beginning of its second.
                starts += subscriptions.flatMap {
                    [$0.startsAt, $0.givesPlanUntil].compactMap(\.self)
                }.filter { $0 > since }
            }
        }
        return starts.filter { $0 <= now }.sorted()
    }

    func overdraft(of state: SubjectState, at now: Instant) -> Int64 {
        catalog.plan(state.plan(at: now, catalog: catalog))?.overdraft ?? 0
    }
}

extension Wallet {
    /// The entry that spends the cost, or sets it aside for the reservation with this number.
    fileprivate func paying(_ payment: Payment, reference: String, hold: Int64?) -> LedgerEntry? {
        guard let hold else {
            return spending(
                payment.cost, reference: reference, overdraft: payment.overdraft, at: payment.at)
        }
        return holding(
            payment.cost, number: hold, reference: reference, overdraft: payment.overdraft,
            at: payment.at)
    }
}

extension Movement {
    /// Units as the meter counts them.
    var countedUnits: Int64 { meter.meter.aggregation == .count ? 1 : units }
}

extension Int64 {
    /// With the price of some units; what does not fit is more than anybody has.
    fileprivate func addingPrice(_ price: Int64, _ units: Int64) -> Int64 {
        let (product, isTooMuch) = price.multipliedReportingOverflow(by: units)
        let (sum, isOver) = addingReportingOverflow(product)
        return isTooMuch || isOver ? .max : sum
    }
}
