import MeterstoneCore

/// What a change of a subscription comes to.
enum DecidedSubscription {
    case put(Change)
    /// What was told of a later time stands.
    case unchanged
    case rejected(Rejection)
}

extension WorkingSet {
    /// Decides what a change of a subscription leaves open: when it applies, which windows it cuts, what it
    /// gives, until when there is grace. What a limit or a plan schedules for now or before is what it says;
    /// other changes are what they are.
    func decided(_ change: Change, at now: Instant) throws(StoreError) -> DecidedSubscription {
        switch change {
        case .putSubscription(let id, let subscription):
            let known = try state(of: id).profile.settled(at: now).subject.subscription
            let kept = withVersion(subscription, after: known, at: now)
            return .put(.putSubscription(id, withGrace(kept, after: known, at: now)))
        case .changeSubscription(let id, let asked):
            return try Turning(asked, of: try state(of: id), at: now, self).decided(as: id)
        case .closeMonth(let month, _): return try decided(closing: month, at: now)
        case .eraseSubject(let id, let erasure): return .put(try decided(erasure, of: id))
        default: return .put(change.settled(at: now))
        }
    }

    /// With the version of its plan that it stays on, where the plan says so.
    func withVersion(
        _ subscription: Subscription, after known: Subscription?, at now: Instant
    ) -> Subscription {
        var subscription = subscription
        guard subscription.versionAt == nil else { return subscription }
        if let known, known.plan == subscription.plan, known.startsAt == subscription.startsAt {
            subscription.versionAt = known.versionAt
        } else if catalog.plan(subscription.plan)?.keepsVersion ?? false {
            subscription.versionAt = now
        }
        return subscription
    }

    /// With the end of the grace that its plan gives a subscription that is past due. A repeat does not
    /// prolong it.
    func withGrace(
        _ subscription: Subscription, after known: Subscription?, at now: Instant
    ) -> Subscription {
        var subscription = subscription
        guard subscription.status == .pastDue else {
            subscription.graceUntil = nil
            return subscription
        }
        guard subscription.graceUntil == nil else { return subscription }
        if let known, known.status == .pastDue, known.plan == subscription.plan,
            known.expiresAt == subscription.expiresAt, let graceUntil = known.graceUntil
        {
            subscription.graceUntil = graceUntil
        } else if let days = catalog.plan(subscription.plan)?.pastDueGraceDays {
            let (milliseconds, isOver) = days.multipliedReportingOverflow(by: 86_400_000)
            subscription.graceUntil = (subscription.expiresAt ?? now)
                .advanced(byMilliseconds: isOver ? .max : milliseconds)
        }
        return subscription
    }

    /// What windows that run give somebody whose subscription is written: those that gave nothing, since it
    /// did not apply when they began. Providers tell of a renewal when the period before it has ended.
    ///
    /// - Parameter new: the profile that the change leads to.
    func creditsComingBack(
        with change: Change, to state: SubjectState, as new: Subject, at now: Instant
    ) throws(StoreError) -> GivenByWindows {
        guard case .putSubscription(_, let subscription) = change, catalog.payment != nil,
            state.number != 0, subscription.applies(at: now),
            state.plan(at: now, catalog: catalog) != subscription.plan
        else { return GivenByWindows() }
        return try Turning(SubscriptionChange(plan: subscription.plan), of: state, at: now, self)
            .comingBack(with: new.anchors)
    }

    /// Writes the ledger entries that a change of subscriptions causes: grants that were for what is no longer
    /// scheduled are voided, and those of the new one are given.
    ///
    /// - Parameters:
    ///   - before: the profile until then.
    ///   - back: what windows give whose plan came back.
    func writeCredits(
        of change: Change, _ state: SubjectState, before: Subject, _ back: GivenByWindows,
        author: String, at now: Instant
    ) throws(StoreError) {
        let remaining = Set(state.profile.scheduled.flatMap(\.grants))
        let lost = before.settled(at: now).subject.scheduled.flatMap(\.grants)
            .filter { !remaining.contains($0) }
        for id in lost {
            let wallet = state.current[try walletIndex(state, at: now)].state.wallet.wallet
            guard let number = wallet.grants.first(where: { $0.grant.id == id })?.number,
                let entries = wallet.voiding(
                    number, author: author, reason: "the change of plan was cancelled", at: now)
            else { continue }
            try write(entries, of: state, at: now)
        }
        var (given, plan) = (back, state.profile.subscription?.plan)
        if case .turnSubscription(_, let turn) = change {
            given = GivenByWindows(grants: turn.grants, passed: turn.passedWindows)
            plan = turn.subscription.plan
        }
        for passed in given.passed {
            let wallet = state.current[try walletIndex(state, at: now)].state.wallet.wallet
            let entry = LedgerEntry(
                kind: .grant, amount: 0, balanceAfter: wallet.balance, recordedAt: now, windows: 1,
                windowUntil: passed.until, recurrence: passed.window.text)
            try write([entry], of: state, at: now)
        }
        for given in given.grants {
            guard let id = given.id else { continue }
            let wallet = state.current[try walletIndex(state, at: now)].state.wallet.wallet
            let recurring = catalog.plan(plan)?.recurringGrants.first { $0.window == given.window }
            let grant = CreditGrant(
                id: id, amount: given.amount,
                priority: recurring?.priority ?? CreditGrant.priorityDefault,
                effectiveAt: given.effectiveAt, expiresAt: given.expiresAt,
                source: given.window == .day ? .dailyRefill : .plan)
            // What would not fit is more than anybody has.
            guard
                case .success(let entries) = wallet.granting(
                    grant, author: author, note: nil, of: recurring, at: now)
            else { continue }
            try write(entries, of: state, at: now)
        }
    }
}
