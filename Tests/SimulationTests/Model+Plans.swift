import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting

/// Changes of plan in a world without credits, from the list of what was said of a subject.
extension Model {
    /// What a change of plan makes of a profile, or what is wrong with it.
    mutating func turned(
        _ profile: Subject, _ asked: SubscriptionChange, at now: Instant
    ) -> (profile: Subject, outcome: String) {
        let caused = profile.subscription?.causedAt
        if let caused, let told = asked.ifNewerThan, told < caused { return (profile, "unchanged") }
        if !blueprint.knows(plan: asked.plan) { return (profile, "unknown_plan") }
        let start = start(of: asked, profile, at: now)
        if let end = asked.expiresAt, end <= start { return (profile, "invalid_field") }
        if profile.scheduled.filter({ $0.subscription.startsAt < start }).count >= 16 {
            return (profile, "invalid_field")
        }
        let isNone = profile.subscription == nil && profile.scheduled.isEmpty
        let result = turned(profile, asked, to: start, at: now)
        return (result, isNone ? "created" : result == profile ? "unchanged" : "replaced")
    }

    private func start(
        of asked: SubscriptionChange, _ profile: Subject, at now: Instant
    ) -> Instant {
        func rank(_ key: PlanKey?) -> Int { blueprint.plans.first { $0.key == key }?.rank ?? 0 }
        let isLess = rank(asked.plan) < rank(plan(profile.id, at: now))
        switch asked.at ?? (isLess ? .periodEnd : .now) {
        case .now: return now.flooredToSecond
        case .instant(let instant): return instant
        case .periodEnd:
            if let end = profile.subscription?.expiresAt, end > now { return end }
            return Window.billingMonth.span(
                containing: now, in: zone(profile.id), anchors: profile.anchors
            ).until
        }
    }

    private mutating func turned(
        _ profile: Subject, _ asked: SubscriptionChange, to start: Instant, at now: Instant
    ) -> Subject {
        var profile = profile
        let isKnown = firstAt[profile.id] != nil
        if start <= now, isHeld(profile, asked, from: start, at: now) {
            profile.cancel { _ in true }
            return profile
        }
        let planBefore = plan(
            profile.id,
            at: start <= now && now.flooredToSecond <= start
                ? now : start.advanced(byMilliseconds: -1))
        profile.cancel { $0.startsAt >= start }
        let before =
            profile.scheduled.last?.subscription
            ?? (start < now
                ? timeline.subscription(profile.id, at: start.advanced(byMilliseconds: -1))
                : profile.subscription)
        let anchors = profile.anchors
        let anchor = anchors.turns.last { $0.at <= start }.map(\.anchor) ?? anchors.base
        var terms = ChangeTerms(usage: asked.usage ?? .keep, anchor: asked.anchor ?? .keep)
        terms.credits = asked.credits ?? .difference
        let isNew = before == nil && !isKnown
        if anchor == nil || isNew { terms.anchor = .new }
        if terms.usage == .reset,
            months(of: profile.id, around: start, anchor).contains(where: {
                plans(
                    of: profile, before: start, at: now, withTrials: asked.status == .trialing,
                    in: $0
                ).contains(asked.plan)
            })
        {
            terms.usage = .keep
        }
        let isOfTrial = start <= now && isTrial(profile.id, at: now)
        let paid = [asked.status == .trialing ? nil : asked.plan, isOfTrial ? nil : planBefore]
            .compactMap(\.self)
        let newAnchor = terms.anchor == .keep ? anchor ?? start : start
        if !isNew, terms.usage == .reset || newAnchor != anchor {
            var billing = profile.billing ?? SubjectBilling()
            if billing.turns.isEmpty { billing = SubjectBilling(base: anchors.base) }
            billing.add(
                BillingTurn(
                    at: start, anchor: newAnchor, opensWindow: terms.usage == .reset,
                    plans: paid))
            profile.billing = billing
        }
        if start <= now { held[profile.id, default: []] += paid.map { (start, $0) } }
        let subscription = Subscription(
            plan: asked.plan, status: asked.status ?? .active, startsAt: start,
            expiresAt: asked.expiresAt, billingAnchor: newAnchor == start ? nil : newAnchor,
            causedAt: asked.ifNewerThan ?? profile.subscription?.causedAt, change: terms)
        if start > now {
            profile.scheduled.append(ScheduledSubscription(subscription))
        } else {
            profile.subscription = subscription
        }
        return profile
    }

    /// Whether nothing is asked for but to stay.
    private func isHeld(
        _ profile: Subject, _ asked: SubscriptionChange, from start: Instant, at now: Instant
    ) -> Bool {
        guard let known = profile.subscription, known.plan == asked.plan, known.applies(at: now),
            known.startsAt.flooredToSecond <= start
        else { return false }
        return asked.usage != .reset && asked.anchor != .new && asked.status == nil
            && asked.expiresAt == nil && asked.ifNewerThan == nil
    }

    /// Billing months around an instant, by each anchor that there was in the 31 days before.
    func months(of id: SubjectID, around at: Instant, _ anchor: Instant?) -> [WindowSpan] {
        let since = at.advanced(byMilliseconds: -31 * 86_400_000)
        let scheduled = timeline.profiles[id]?.scheduled.map(\.subscription.startsAt) ?? []
        let edges = (timeline.subscriptionEdges(id) + scheduled).filter { since < $0 && $0 <= at }
        let instants = ([since] + edges).flatMap { [$0, $0.advanced(byMilliseconds: -1)] }
        let anchors = instants.compactMap { instant -> Instant? in
            let known = timeline.subscription(id, at: instant)
            return known.map { $0.billingAnchor ?? $0.startsAt }
        }
        return ([anchor] + anchors).map {
            Window.billingMonth.span(containing: at, in: zone(id), anchor: $0)
        }
    }

    /// Plans that applied in a window before an instant, or were changed to.
    private func plans(
        of profile: Subject, before start: Instant, at now: Instant, withTrials: Bool,
        in window: WindowSpan
    ) -> Set<PlanKey> {
        let instants =
            [window.from, now] + profile.scheduled.map(\.subscription.startsAt)
            + timeline.subscriptionEdges(profile.id)
        let applied = instants.filter {
            window.contains($0) && (withTrials || !isTrial(profile.id, at: $0))
        }.compactMap { plan(profile.id, at: $0) }
        let noted = (held[profile.id] ?? []).filter { window.contains($0.at) }.map(\.plan)
        let turned = (profile.billing?.turns ?? []).filter { window.contains($0.at) }
        return Set(applied + noted + turned.flatMap(\.plans))
    }

    private func isTrial(_ id: SubjectID, at instant: Instant) -> Bool {
        let subscription = timeline.subscription(id, at: instant)
        return subscription?.status == .trialing && subscription?.applies(at: instant) == true
    }
}

extension Subject {
    /// Takes in what was scheduled, and has begun.
    mutating func settle(at now: Instant) {
        while let next = scheduled.first?.subscription, next.startsAt.flooredToSecond <= now {
            subscription = next
            scheduled.removeFirst()
        }
    }

    /// Takes back some of what is scheduled.
    mutating func cancel(_ isCancelled: (Subscription) -> Bool) {
        let gone = scheduled.map(\.subscription).filter(isCancelled).map(\.startsAt)
        scheduled.removeAll { isCancelled($0.subscription) }
        guard !gone.isEmpty else { return }
        billing?.turns.removeAll { gone.contains($0.at) }
        if billing?.turns.isEmpty ?? false { billing = nil }
    }

    /// Subscribes as told, whatever was scheduled.
    mutating func subscribe(to told: Subscription) {
        var new = told
        let isSame = subscription?.plan == told.plan && subscription?.startsAt == told.startsAt
        if let known = subscription, known.startsAt == told.startsAt {
            new.billingAnchor = new.billingAnchor ?? known.billingAnchor
            new.change = new.change ?? known.change
        }
        new.causedAt = new.causedAt ?? subscription?.causedAt
        if !isSame { cancel { _ in true } }
        let anchor = new.billingAnchor ?? new.startsAt
        if anchor != subscription.map({ $0.billingAnchor ?? $0.startsAt }) { billing = nil }
        subscription = new
    }
}
