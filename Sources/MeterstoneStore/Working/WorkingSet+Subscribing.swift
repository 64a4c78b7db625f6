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
    func creditsComingBack(
        with change: Change, to state: SubjectState, at now: Instant
    ) throws(StoreError) -> GivenByWindows {
        guard case .putSubscription(_, let subscription) = change, catalog.payment != nil,
            state.number != 0, subscription.applies(at: now),
            state.plan(at: now, catalog: catalog) != subscription.plan
        else { return GivenByWindows() }
        let after = state.profile.applying(
            change, by: "", at: now, batch.nextSequence, isNew: false
        ).profile
        return try Turning(SubscriptionChange(plan: subscription.plan), of: state, at: now, self)
            .comingBack(with: after.anchors)
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
        var given = back
        var plan = change.subject.flatMap { _ in state.profile.subscription?.plan }
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
                    grant, author: author, note: nil, at: now)
            else { continue }
            try write(entries, of: state, at: now)
        }
    }
}

/// What a change has windows give, and which of them give nothing more until they end.
struct GivenByWindows {
    var grants: [ChangeGrant] = []
    var passed: [PassedWindow] = []
}

/// Decides one change of plan.
private struct Turning {
    let asked: SubscriptionChange
    let state: SubjectState
    let workingSet: WorkingSet
    let now: Instant
    /// As time has made it.
    let profile: Subject

    init(
        _ asked: SubscriptionChange, of state: SubjectState, at now: Instant,
        _ workingSet: WorkingSet
    ) {
        self.asked = asked
        self.state = state
        self.workingSet = workingSet
        self.now = now
        profile = state.profile.settled(at: now).subject
    }

    private var catalog: Catalog { workingSet.catalog }

    func decided(as id: SubjectID) throws(StoreError) -> DecidedSubscription {
        if let causedAt = asked.ifNewerThan, let last = profile.subscription?.causedAt,
            causedAt < last
        {
            return .unchanged
        }
        guard catalog.blueprint.knows(plan: asked.plan) else {
            return .rejected(
                Rejection(
                    code: .unknownPlan, field: "plan",
                    message:
                        "expected the key of a plan, and there is none called '\(asked.plan)'"))
        }
        let current = state.plan(at: now, catalog: catalog)
        let isDowngrade = rank(asked.plan) < rank(current)
        let plan = catalog.plan(asked.plan)
        let policy = (isDowngrade ? plan?.onDowngrade : plan?.onUpgrade) ?? ChangePolicy()
        let at = start(asked.at ?? policy.at?.time ?? (isDowngrade ? .periodEnd : .now))
        guard at.hasText, asked.expiresAt.map({ at < $0 }) ?? true else {
            return .rejected(
                Rejection(
                    code: .invalidField, field: "expiresAt",
                    message: "expected later than the change, which is at \(at.rfc3339)"))
        }
        let kept = profile.scheduled.filter { $0.subscription.startsAt < at }
        guard kept.count < Self.scheduledMax else {
            return .rejected(
                Rejection(
                    code: .invalidField, field: "at",
                    message: "expected at most \(Self.scheduledMax) changes that are scheduled"))
        }
        if let stay = stay(at: at) { return .put(.turnSubscription(id, stay)) }
        return .put(.turnSubscription(id, try turn(at: at, policy)))
    }

    /// Who asks for the plan that applies, and for nothing else, stays on it: what is scheduled does not come.
    private func stay(at: Instant) -> SubscriptionTurn? {
        guard at <= now, let subscription = profile.subscription, subscription.plan == asked.plan,
            subscription.applies(at: now), subscription.appliesFrom <= at,
            asked.isOfPlanAlone
        else { return nil }
        return SubscriptionTurn(
            subscription: subscription, isScheduled: false, planBefore: asked.plan,
            cancelled: profile.scheduled.map(\.subscription),
            billing: profile.billing?.without(
                turnsAt: Set(profile.scheduled.map(\.subscription.startsAt))))
    }

    private static let scheduledMax = 16

    private func rank(_ key: PlanKey?) -> Int { catalog.plan(key)?.rank ?? 0 }

    // MARK: When

    private func start(_ time: ChangeTime) -> Instant {
        switch time {
        case .now: now.flooredToSecond
        case .instant(let instant): instant
        case .periodEnd: periodEnd
        }
    }

    /// When that ends which is paid for.
    private var periodEnd: Instant {
        let subscription = profile.subscription
        if let end = subscription?.expiresAt, end > now { return end }
        let month = Window.billingMonth
        let anchors = profile.anchors
        var end = month.span(containing: now, in: state.zone, anchors: anchors).until
        guard let subscription, subscription.applies(at: now),
            let plan = catalog.plan(subscription.plan), plan.billingPeriod != .month
        else { return end }
        // Whole periods are counted from the anchor.
        end = max(anchors.anchor(at: now) ?? subscription.startsAt, .earliest)
        var isFirst = true
        while isFirst || end <= now {
            isFirst = false
            for _ in 0..<plan.billingPeriod.months {
                let next = month.span(containing: end, in: state.zone, anchors: anchors).until
                guard next > end else { return end }
                end = next
            }
        }
        return end
    }

    // MARK: What

    private func turn(at: Instant, _ policy: ChangePolicy) throws(StoreError) -> SubscriptionTurn {
        let cancelled = profile.scheduled.map(\.subscription).filter { at <= $0.startsAt }
        let (anchors, planBefore) = (anchorsKept(cancelled), plan(before: at))
        let currentAnchor = anchors.anchor(at: at)
        var terms = ChangeTerms(
            usage: asked.usage ?? policy.usage ?? .keep,
            anchor: asked.anchor ?? policy.anchor ?? .keep,
            credits: asked.credits ?? policy.credits ?? .difference)
        let isFirst = subscription(before: at) == nil
        if currentAnchor == nil || isFirst && state.number == 0 { terms.anchor = .new }
        // Each plan opens a window once, and not where it applied before: no loop of changes adds windows.
        if terms.usage == .reset,
            held(in: natural(at, currentAnchor), before: at, withTrials: isTrial)
                .contains(asked.plan)
        {
            terms.usage = .keep
        }
        let anchor = terms.anchor == .keep ? currentAnchor ?? at : at
        var billing = profile.billing?.without(turnsAt: Set(cancelled.map(\.startsAt)))
        let isNew = isFirst && state.number == 0
        if !isNew, terms.usage == .reset || anchor != currentAnchor {
            if billing?.turns.isEmpty ?? true {
                billing = billing?.withoutTurns ?? SubjectBilling()
                billing?.base = anchors.base
            }
            billing?.add(
                BillingTurn(
                    at: at, anchor: anchor, opensWindow: terms.usage == .reset,
                    plans: paid(planBefore, at)))
        }
        if at <= now {
            billing = billing ?? SubjectBilling()
            billing?.note(paid(planBefore, at), at: at)
        }
        var result = SubscriptionTurn(
            subscription: subscription(at: at, terms, anchor), isScheduled: at > now,
            planBefore: planBefore, cancelled: cancelled, billing: billing)
        let after =
            billing.flatMap { $0.turns.isEmpty ? nil : BillingAnchors($0.base, turns: $0.turns) }
            ?? BillingAnchors(result.subscription.anchor)
        try addCredits(to: &result, from: anchors, to: after)
        return result
    }

    private func subscription(
        at: Instant, _ terms: ChangeTerms, _ anchor: Instant
    ) -> Subscription {
        let known = subscription(before: at)
        let subscription = Subscription(
            plan: asked.plan, status: asked.status ?? .active, startsAt: at,
            expiresAt: asked.expiresAt, externalIDs: asked.externalIDs ?? known?.externalIDs ?? [:],
            metadata: asked.metadata ?? known?.metadata ?? [:],
            billingAnchor: anchor == at ? nil : anchor,
            causedAt: asked.ifNewerThan ?? profile.subscription?.causedAt, change: terms)
        var kept = subscription
        // Who goes on with a plan stays on the version of it that was bought.
        if let known, known.plan == kept.plan, known.appliesRight(before: at) {
            kept.versionAt = known.versionAt
        }
        kept = workingSet.withVersion(kept, after: nil, at: now)
        return workingSet.withGrace(kept, after: nil, at: max(at, now))
    }

    private func subscription(before at: Instant) -> Subscription? {
        if let next = profile.scheduled.last(where: { $0.subscription.startsAt < at }) {
            return next.subscription
        }
        return at < now
            ? state.subscription(at: at.advanced(byMilliseconds: -1)) : profile.subscription
    }

    /// What billing months are counted from without what was cancelled.
    private func anchorsKept(_ cancelled: [Subscription]) -> BillingAnchors {
        var profile = profile
        profile.billing = profile.billing?.without(turnsAt: Set(cancelled.map(\.startsAt)))
        return profile.anchors
    }

    private func natural(_ at: Instant, _ anchor: Instant?) -> WindowSpan {
        Window.billingMonth.span(containing: at, in: state.zone, anchor: anchor)
    }

    private var isTrial: Bool { asked.status == .trialing }

    /// The plans of a change, without those of trials.
    private func paid(_ planBefore: PlanKey?, _ at: Instant) -> [PlanKey] {
        let before = at <= now && isTrial(at: now) ? nil : planBefore
        return [isTrial ? nil : asked.plan, before].compactMap(\.self)
    }

    private func isTrial(at instant: Instant) -> Bool {
        guard let subscription = state.subscription(at: instant) else { return false }
        return subscription.status == .trialing && subscription.applies(at: instant)
    }

    /// Plans that applied in a window, or were changed to.
    ///
    /// - Parameter withTrials: who pays for what was tried had not paid for it before.
    private func held(
        in window: WindowSpan, before at: Instant, withTrials: Bool
    ) -> Set<PlanKey> {
        var plans: Set<PlanKey> = []
        let starts = profile.scheduled.map(\.subscription.startsAt).filter { $0 < at }
        let edges =
            state.past.subscriptionEdges
            + [profile.subscription].compactMap { $0?.appliesFrom }
        let instants = [window.from, now] + starts + edges
        for instant in instants
        where window.contains(instant) && (withTrials || !isTrial(at: instant)) {
            if let plan = state.plan(at: instant, catalog: catalog) { plans.insert(plan) }
        }
        for turn in profile.billing?.turns ?? [] where window.contains(turn.at) {
            plans.formUnion(turn.plans)
        }
        for held in profile.billing?.held ?? [] where window.contains(held.at) {
            plans.insert(held.plan)
        }
        return plans
    }

    /// The plan that applies right before.
    private func plan(before at: Instant) -> PlanKey? {
        let isNow = at <= now && now.flooredToSecond <= at
        return state.plan(at: isNow ? now : at.advanced(byMilliseconds: -1), catalog: catalog)
    }

    // MARK: Credits

    /// Gives what the new plan gives more than the windows got that run at the time of the change. What a
    /// window got is noted: however often the plan changes, it gets no more than the largest of the plans gives.
    private func addCredits(
        to turn: inout SubscriptionTurn, from before: BillingAnchors, to after: BillingAnchors
    ) throws(StoreError) {
        guard catalog.payment != nil, let plan = catalog.plan(asked.plan) else { return }
        let (at, terms) = (turn.subscription.startsAt, turn.subscription.change ?? ChangeTerms())
        let wallet = state.current[try workingSet.walletIndex(state, at: now)].state.wallet.wallet
        var number = wallet.nextGrantNumber
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
            let known = given(grant.window, in: new, before: at)
            let isFull =
                terms.credits == .full
                && !held(in: new, before: at, withTrials: isTrial).contains(asked.plan)
            let amount = isFull ? grant.amount : grant.amount - min(known, grant.amount)
            note(grant, new, in: &turn)
            guard amount > 0 else { continue }
            turn.grants.append(
                ChangeGrant(
                    id: .change(grant.window, number: number), window: grant.window,
                    amount: amount, effectiveAt: max(at, now), expiresAt: end))
            number += 1
        }
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
            guard new.until > now, !result.passed.contains(where: { $0.window == grant.window }),
                given(grant.window, in: old, before: now) == 0,
                given(grant.window, in: new, before: now) == 0
            else { continue }
            result.passed.append(PassedWindow(window: grant.window, until: new.until))
            result.grants.append(
                ChangeGrant(
                    id: .change(grant.window, number: number), window: grant.window,
                    amount: grant.amount, effectiveAt: now,
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
    private func given(_ window: Window, in span: WindowSpan, before at: Instant) -> Int64 {
        let schedule = catalog.schedule
        var most = profile.billing?.given(window, in: span) ?? 0
        func take(_ plan: PlanKey?, _ version: CreditSchedule.Version?) {
            guard let plan, let grants = version?.recurring[plan] else { return }
            most = max(most, grants.first { $0.window == window }?.amount ?? 0)
        }
        take(state.plan(at: span.from, catalog: catalog), schedule.version(at: span.from))
        for plan in held(in: span, before: at, withTrials: true) where !isWithout(plan, in: span) {
            take(plan, schedule.versions.last)
        }
        return most
    }

    /// Whether a plan came within a window in a way that gives nothing in it.
    private func isWithout(_ plan: PlanKey, in span: WindowSpan) -> Bool {
        guard let subscription = profile.subscription, subscription.plan == plan,
            span.contains(subscription.startsAt), subscription.startsAt != span.from
        else { return false }
        return subscription.change?.credits == .nextWindow
    }

    private func span(
        of window: Window, _ instant: Instant, _ anchors: BillingAnchors
    ) -> WindowSpan {
        window == .billingMonth
            ? window.span(containing: instant, in: state.zone, anchors: anchors)
            : window.span(containing: instant, in: state.zone, anchor: nil)
    }
}

extension Subscription {
    /// Whether it gave its plan up to an instant, also where its end was reached there.
    fileprivate func appliesRight(before instant: Instant) -> Bool {
        applies(at: instant.advanced(byMilliseconds: -1)) || applies(at: instant)
    }
}

extension SubscriptionChange {
    /// Whether it asks for a plan, and for nothing that the subscription would tell otherwise.
    fileprivate var isOfPlanAlone: Bool {
        usage != .reset && anchor != .new && status == nil && expiresAt == nil
            && externalIDs == nil && metadata == nil && ifNewerThan == nil
    }
}

extension ChangePolicy.Time {
    fileprivate var time: ChangeTime {
        switch self {
        case .now: .now
        case .periodEnd: .periodEnd
        }
    }
}
