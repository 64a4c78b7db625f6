import MeterstoneCore

/// What a change has windows give, and which of them give nothing more until they end.
struct GivenByWindows {
    var grants: [ChangeGrant] = []
    var passed: [PassedWindow] = []
}

extension Turning {
    /// Gives what the new plan gives more than the windows got that run at the time of the change. What a
    /// window got is noted: however often the plan changes, it gets no more than the largest of the plans gives.
    func addCredits(
        to turn: inout SubscriptionTurn, from before: BillingAnchors, to after: BillingAnchors
    ) throws(StoreError) {
        guard catalog.payment != nil, let plan = catalog.plan(asked.plan) else { return }
        let (at, terms) = (turn.subscription.startsAt, turn.subscription.change ?? ChangeTerms())
        let wallet = state.current[try workingSet.walletIndex(state, at: now)].state.wallet.wallet
        var number = wallet.nextGrantNumber
        var (isFullSomewhere, isReduced) = (false, false)
        for grant in plan.recurringGrants where grant.window.isRepeating {
            let old = span(of: grant.window, at, before)
            let new = span(of: grant.window, at, after)
            let end = grant.rolloverMax == nil ? new.until : nil
            // The window that begins then gives of itself, unless it has begun in the same second.
            guard old.from != at || wallet.hasBegun(grant.window, at: at), new.until > now
            else { continue }
            guard wallet.knows(grant.window) else {
                guard terms.credits != .nextWindow else {
                    turn.passedWindows.append(
                        PassedWindow(window: grant.window, until: new.until))
                    continue
                }
                turn.grants.append(
                    ChangeGrant(
                        id: nil, window: grant.window, amount: grant.amount,
                        effectiveAt: max(at, now), expiresAt: end))
                note(grant, new, in: &turn)
                continue
            }
            guard terms.credits != .nextWindow else { continue }
            let windows = counted([new], of: grant.window, at, before)
            let known = windows.map { given(grant.window, in: $0, before: at) }.max() ?? 0
            let isFull = terms.credits == .full && !wasHeld(in: windows, before: at)
            isFullSomewhere = isFullSomewhere || isFull
            isReduced = isReduced || terms.credits == .full && !isFull
            let wanted = isFull ? grant.amount : grant.amount - min(known, grant.amount)
            // What there will be when a change applies that is for later, nobody knows.
            let amount = turn.isScheduled ? wanted : min(wanted, wallet.room(for: grant))
            note(grant, new, in: &turn)
            guard amount > 0 else { continue }
            turn.grants.append(
                ChangeGrant(
                    id: .change(grant.window, number: number), window: grant.window,
                    amount: amount, effectiveAt: max(at, now), expiresAt: end))
            number += 1
        }
        if isReduced, !isFullSomewhere { turn.subscription.change?.credits = .difference }
    }

    /// What windows that gave nothing give now, by the anchors that follow.
    func comingBack(with after: BillingAnchors) throws(StoreError) -> GivenByWindows {
        var result = GivenByWindows()
        let wallet = state.current[try workingSet.walletIndex(state, at: now)].state.wallet.wallet
        var number = wallet.nextGrantNumber
        for grant in catalog.plan(asked.plan)?.recurringGrants ?? []
        where grant.window.isRepeating && wallet.knows(grant.window) {
            let (old, new) = (
                span(of: grant.window, now, profile.anchors), span(of: grant.window, now, after)
            )
            let windows = counted([old, new], of: grant.window, now, profile.anchors)
            guard new.until > now, !result.passed.contains(where: { $0.window == grant.window }),
                windows.allSatisfy({ given(grant.window, in: $0, before: now, byNow: true) == 0 })
            else { continue }
            result.passed.append(PassedWindow(window: grant.window, until: new.until))
            let amount = min(grant.amount, wallet.room(for: grant))
            guard amount > 0 else { continue }
            result.grants.append(
                ChangeGrant(
                    id: .change(grant.window, number: number), window: grant.window,
                    amount: amount, effectiveAt: now,
                    expiresAt: grant.rolloverMax == nil ? new.until : nil))
            number += 1
        }
        return result
    }

    private func note(
        _ grant: RecurringGrant, _ window: WindowSpan, in turn: inout SubscriptionTurn
    ) {
        // What is for later may be cancelled, and is in the list of subscriptions once it applies.
        guard !turn.isScheduled else { return }
        var billing = turn.billing ?? SubjectBilling()
        billing.note(grant.amount, of: grant.window, in: window)
        turn.billing = billing
    }

    /// The most that a window got, or gets, of one recurring grant by the plans until the change.
    ///
    /// - Parameter byNow: whether what its first plan gives by now counts like what it gave.
    private func given(
        _ window: Window, in span: WindowSpan, before at: Instant, byNow: Bool = false
    ) -> Int64 {
        let schedule = catalog.schedule
        var most = profile.billing?.given(window, in: span) ?? 0
        func take(_ plan: PlanKey?, _ version: CreditSchedule.Version?) {
            guard let plan, let grants = version?.recurring[plan] else { return }
            most = max(most, grants.first { $0.window == window }?.amount ?? 0)
        }
        // The window has what its plan gave when it began, by the version that the subscriber is on.
        let first = state.plan(at: span.from, catalog: catalog)
        let kept = profile.subscription.flatMap { $0.plan == first ? $0.versionAt : nil }
        take(first, schedule.version(at: kept ?? span.from))
        for plan in held(in: span, before: at, withTrials: true)
        where (byNow || plan != first) && !isWithout(plan, in: span) {
            take(plan, schedule.versions.last)
        }
        return most
    }

    /// Whether a plan came within a window in a way that gives nothing in it.
    private func isWithout(_ plan: PlanKey, in span: WindowSpan) -> Bool {
        guard let subscription = profile.subscription, subscription.plan == plan,
            span.contains(subscription.startsAt), subscription.startsAt != span.from,
            subscription.change?.credits == .nextWindow
        else { return false }
        // It may have been there before in another way.
        let earlier = WindowSpan(from: span.from, until: subscription.startsAt)
        return !held(in: earlier, before: subscription.startsAt, withTrials: true).contains(plan)
    }

    /// Windows of a recurring grant, and the billing months beside them in which what was given counts.
    private func counted(
        _ spans: Set<WindowSpan>, of window: Window, _ at: Instant, _ anchors: BillingAnchors
    ) -> Set<WindowSpan> {
        window == .billingMonth ? spans.union(months(around: at, anchors.anchor(at: at))) : spans
    }

    private func span(
        of window: Window, _ instant: Instant, _ anchors: BillingAnchors
    ) -> WindowSpan {
        window == .billingMonth
            ? window.span(containing: instant, in: state.zone, anchors: anchors)
            : window.span(containing: instant, in: state.zone, anchor: nil)
    }
}
