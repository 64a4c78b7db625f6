import MeterstoneCore

/// Decides one change of plan.
struct Turning {
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

    var catalog: Catalog { workingSet.catalog }

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
            wasHeld(in: months(around: at, currentAnchor), before: at, withDefault: true)
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

    /// The billing months around an instant: as they are counted then, and by each anchor of the 31 days before.
    /// Moving the anchor begins no month in which everything is to be had once more.
    func months(around at: Instant, _ anchor: Instant?) -> Set<WindowSpan> {
        let since = at.advanced(byMilliseconds: -31 * 86_400_000)
        let edges = (subscriptionEdges + profile.scheduled.map(\.subscription.startsAt))
            .filter { since < $0 && $0 <= at }
        var anchors: Set<Instant?> = [anchor]
        for edge in [since] + edges {
            for instant in [edge, edge.advanced(byMilliseconds: -1)] {
                if let known = state.subscription(at: instant) { anchors.insert(known.anchor) }
            }
        }
        return Set(
            anchors.map {
                Window.billingMonth.span(containing: at, in: state.zone, anchor: $0)
            })
    }

    private var subscriptionEdges: [Instant] {
        state.past.subscriptionEdges + [profile.subscription].compactMap { $0?.appliesFrom }
    }

    /// Whether the plan that is asked for applied in one of some windows, or was changed to.
    func wasHeld(
        in windows: Set<WindowSpan>, before at: Instant, withDefault: Bool = false
    ) -> Bool {
        windows.contains {
            held(in: $0, before: at, withTrials: isTrial, withDefault: withDefault)
                .contains(asked.plan)
        }
    }

    var isTrial: Bool { asked.status == .trialing }

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
    /// - Parameters:
    ///   - withTrials: who pays for what was tried had not paid for it before.
    ///   - withDefault: whether the default plan counts also where the window did not begin with it. It gives
    ///     credits to who falls back to it from the next window on.
    func held(
        in window: WindowSpan, before at: Instant, withTrials: Bool, withDefault: Bool = false
    ) -> Set<PlanKey> {
        var plans: Set<PlanKey> = []
        let scheduled = profile.scheduled.map(\.subscription.startsAt)
        let instants = [window.from, now] + scheduled.filter { $0 < at } + subscriptionEdges
        for instant in instants
        where window.contains(instant) && (withTrials || !isTrial(at: instant)) {
            let standard = withDefault || instant == window.from ? catalog.defaultPlan : nil
            if let plan = state.plan(at: instant, default: standard) { plans.insert(plan) }
        }
        // What is scheduled for later is cancelled, and led to nothing.
        let billing = profile.billing?.without(turnsAt: Set(scheduled.filter { at <= $0 }))
        for turn in billing?.turns ?? [] where window.contains(turn.at) {
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
