public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// Which plans allow what a subject used on the last days, by the fullest window of each limit. `nil`: nothing
    /// was ever written of the subject.
    ///
    /// Where a limit that refuses was full under the plan now, more might have been used: then only an allowance
    /// that is larger fits. Limits per request, of concurrency, of rolling windows, and those for some dimensions
    /// or values are left aside.
    public func plansThatFit(
        _ id: SubjectID, days: Int = PlanFits.daysDefault
    ) async throws(StoreError) -> PlanFits? {
        try await answer(try await view(of: id)) { (context) throws(StoreError) in
            try context.plansThatFit(days: min(max(days, 1), PlanFits.daysRange.upperBound))
        }
    }
}

extension SubjectContext {
    fileprivate func plansThatFit(days: Int) throws(StoreError) -> PlanFits {
        let catalog = view.catalog
        let first = span(ofDay: today - Int64(days) + 1).from
        var peaks: [(definition: LimitDefinition, peak: Quantity)] = []
        for definition in catalog.activeDefinitions
        where definition.limit.isForAll && definition.isFor(id) {
            guard let peak = try peak(of: definition.limit, since: first) else { continue }
            peaks.append((definition, peak))
        }
        let plans = catalog.plans.map { plan in
            PlanFits.Plan(
                plan: plan.key, price: plan.settled(at: now).price,
                tooSmall: peaks.compactMap { definition, peak in
                    tooSmall(definition, peak, under: plan.key)
                })
        }
        return PlanFits(subject: id, plan: plan, dayCount: days, plans: plans)
    }

    /// What was used in the fullest of the windows that touch the span.
    private func peak(of limit: Limit, since first: Instant) throws(StoreError) -> Quantity? {
        guard let meter = view.catalog.blueprint.meter(limit.meter) else { return nil }
        if limit.window == .lifetime { return try lifetime(of: meter) }
        guard limit.window.isRepeating,
            let spans = limit.window.spans(
                from: first, until: now.advanced(byMilliseconds: 1), in: zone,
                anchors: view.anchors, atMost: MeterstoneEngine.pointsMax)
        else { return nil }
        return try reader.points(of: meter, over: spans, window: limit.window)
            .map(\.quantity).max()
    }

    private func tooSmall(
        _ definition: LimitDefinition, _ peak: Quantity, under plan: PlanKey
    ) -> PlanFits.TooSmall? {
        let allowance = view.allowance(of: definition, under: plan, at: now)
        guard case .units(let units) = allowance else { return nil }
        let isFull =
            if view.mode(of: definition, at: now) == .enforce,
                case .units(let own) = view.allowance(of: definition, under: self.plan, at: now)
            {
                peak >= own && peak > .zero
            } else {
                false
            }
        guard peak > units || (isFull && peak == units) else { return nil }
        return PlanFits.TooSmall(limit: definition.limit.key, allowance: allowance, peak: peak)
    }
}
