import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting

/// Credits of windows that began while nobody had the plan that gives them.
extension Model {
    /// What a subscription that is written has the windows give that run and gave nothing, and until when.
    func comingBack(
        with change: Change, _ old: Subject, _ new: Subject, at now: Instant
    ) -> [(grant: RecurringGrant, until: Instant)] {
        guard case .putSubscription(let id, let subscription) = change, payment != nil,
            firstAt[id] != nil, subscription.applies(at: now),
            plan(id, at: now) != subscription.plan
        else { return [] }
        let plan = blueprint.plans.first { $0.key == subscription.plan }
        var known: Set<Window> = []
        return (plan?.recurringGrants ?? []).compactMap { grant in
            let window = grant.window
            guard wallets[id]?.recurrences[window] != nil, known.insert(window).inserted
            else { return nil }
            func span(_ profile: Subject) -> WindowSpan {
                window == .billingMonth
                    ? window.span(containing: now, in: zone(id), anchors: profile.anchors)
                    : window.span(containing: now, in: zone(id), anchor: nil)
            }
            let anchors = old.anchors
            let anchor = anchors.turns.last { $0.at <= now }.map(\.anchor) ?? anchors.base
            let months = window == .billingMonth ? months(of: id, around: now, anchor) : []
            guard span(new).until > now,
                ([span(old), span(new)] + months).allSatisfy({ !gave(window, id, in: $0, at: now) })
            else { return nil }
            return (grant, span(new).until)
        }
    }

    /// Whether a plan gave something in a window: the one at its start, or one that was held in it.
    private func gave(
        _ window: Window, _ id: SubjectID, in span: WindowSpan, at now: Instant
    ) -> Bool {
        func gives(_ key: PlanKey?, by plans: [Plan]?) -> Bool {
            let grants = plans?.first { $0.key == key }?.recurringGrants
            return grants?.first { $0.window == window }.map { $0.amount > 0 } ?? false
        }
        let first = past.last { $0.from <= span.from }
        if let first, first.isEnabled, gives(plan(id, at: span.from), by: first.plans) {
            return true
        }
        if gives(plan(id, at: span.from), by: past.last?.plans) { return true }
        // Who falls back to the default plan within a window gets nothing by that.
        return (timeline.subscriptionEdges(id) + [now]).contains {
            span.contains($0) && gives(timeline.plan(id, at: $0), by: past.last?.plans)
        }
    }

    mutating func give(
        _ recurring: RecurringGrant, to id: SubjectID, until: Instant, at now: Instant
    ) {
        var wallet = wallets[id] ?? ModelWallet()
        wallet.recurrences[recurring.window] = until
        let amount = min(recurring.amount, wallet.room(for: recurring))
        defer { wallets[id] = wallet }
        guard amount > 0 else { return }
        let name = GrantID(
            unchecked: "meterstone:change-\(recurring.window.text)-\(wallet.nextNumber)")
        wallet.open(
            ModelGrant(
                id: name, number: 0, amount: amount, priority: recurring.priority,
                effectiveAt: now, expiresAt: recurring.rolloverMax == nil ? until : nil,
                recurrence: recurring.rolloverMax == nil ? nil : recurring.window,
                most: recurring.rolloverMax),
            amount: amount, at: now)
    }
}
