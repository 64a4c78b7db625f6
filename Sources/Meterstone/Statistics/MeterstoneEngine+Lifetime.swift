public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// What a subject did since the beginning; `nil`: nothing was ever written of it.
    ///
    /// It costs the days on which the subject was active, and not its events: totals and days stand in
    /// counters, and events are read of those days only on which something began, ended or was reached.
    public func lifetime(of id: SubjectID) async throws(StoreError) -> LifetimeStatistics? {
        try await answer(try await view(of: id)) { (context) throws(StoreError) in
            try context.lifetimeStatistics()
        }
    }
}

extension SubjectContext {
    fileprivate func lifetimeStatistics() throws(StoreError) -> LifetimeStatistics {
        let activities = try reader.activities()
        let days = activities.activeDays
        let month = span(.month)
        let totals = try meters.map { (meter) throws(StoreError) in
            MeterTotals(
                meter: meter.key, lifetime: try lifetime(of: meter),
                thisMonth: try total(of: meter, in: month))
        }
        let first = try days.first.flatMap { (day) throws(StoreError) in
            try reader.countedEvent(in: span(ofDay: day), .oldestFirst)
        }?.record.occurredAt
        let last = try days.last.flatMap { (day) throws(StoreError) in
            try reader.countedEvent(in: span(ofDay: day), .newestFirst)
        }?.record
        let policy = view.catalog.blueprint.statistics
        let lifetimes = Dictionary(
            totals.map { ($0.meter, $0.lifetime) }, uniquingKeysWith: { $1 })
        let history = try subscriptions()
        return LifetimeStatistics(
            subject: id, timeZone: view.timeZone, meters: totals,
            streaks: Streaks(days: days, today: today), firstActivityAt: first,
            lastActivityAt: last?.occurredAt,
            sessions: policy?.sessions.map { sessions($0, lifetimes, since: first) },
            overages: overages(activities), planAtLastUse: reader.plan(last?.planNumber),
            plan: plan, monthsSubscribed: history.monthsSubscribed, revenue: history.revenue,
            highestPlan: history.highestPlan,
            milestones: try policy.map { (policy) throws(StoreError) in
                try milestones(policy.milestones, on: days, lifetimes)
            })
    }

    private func sessions(
        _ meters: SessionMeters, _ totals: [MeterKey: Quantity], since first: Instant?
    ) -> SessionStatistics {
        let completed = totals[meters.completed] ?? .zero
        let length = totals[meters.length] ?? .zero
        return SessionStatistics(
            completed: completed, averageLength: Ratio(length.units, of: completed.units),
            longest: meters.longest.map { totals[$0] ?? .zero },
            averagePerMonth: first.flatMap { Ratio(completed.units, of: monthCount(since: $0)) })
    }

    /// Calendar months from that of an instant to the current one, both included.
    private func monthCount(since instant: Instant) -> Int64 {
        let months = [instant, now].map { CivilMonth(containing: zone.day(containing: $0)).number }
        return max(1, months[1] - months[0] + 1)
    }

    func overages(_ activities: [Activity]) -> [LimitKey: Quantity] {
        var result: [LimitKey: Quantity] = [:]
        for (limit, units) in activities.flatMap(\.overages) {
            guard let key = view.registry.limit(limit) else { continue }
            result[key] = (result[key] ?? .zero).adding(Quantity(units)) ?? Quantity(.max)
        }
        return result
    }

    private func subscriptions() throws(StoreError) -> SubscriptionHistory {
        SubscriptionHistory(
            try reader.source.profileVersions(of: id),
            plans: try PlanHistory(reader.source), zone: zone, now: now,
            defaultPlan: view.catalog.defaultPlan)
    }

    private func milestones(
        _ rules: [MilestoneRule], on days: [Int64], _ totals: [MeterKey: Quantity]
    ) throws(StoreError) -> [Milestone] {
        var result: [Milestone] = []
        var usage: [MeterKey: [Int64: Quantity]] = [:]
        for rule in rules {
            switch rule.goal {
            case .streak:
                guard let day = rule.streakDay(in: days) else { continue }
                result.append(Milestone(key: rule.key, reachedAt: span(ofDay: day).from))
            case .total(let key, let total):
                guard let meter = view.catalog.blueprint.meter(key),
                    let reached = totals[key], reached.units >= total
                else { continue }
                if usage[key] == nil { usage[key] = try quantities(of: meter, on: days) }
                if let instant = try crossing(rule, of: meter, on: days, usage[key] ?? [:]) {
                    result.append(Milestone(key: rule.key, reachedAt: instant))
                }
            }
        }
        return result.sorted { ($0.reachedAt, $0.key) < ($1.reachedAt, $1.key) }
    }

    /// When the total of a rule was reached: the day is found by what days come to, then the event.
    private func crossing(
        _ rule: MilestoneRule, of meter: Meter, on days: [Int64], _ usage: [Int64: Quantity]
    ) throws(StoreError) -> Instant? {
        guard case .total(_, let total) = rule.goal else { return nil }
        var before: Int64 = 0
        for day in days {
            let sum = before.addingSaturated(usage[day]?.units ?? 0)
            guard sum >= total else {
                before = sum
                continue
            }
            let series = meter.standingSeries(.lifetime)
            var steps: [(occurredAt: Instant, units: Int64)] = []
            for event in try reader.countedEvents(in: span(ofDay: day)) {
                guard let contribution = series.contribution(of: event) else { continue }
                steps.append(
                    (event.record.occurredAt, meter.aggregation == .count ? 1 : contribution.units))
            }
            return rule.crossing(of: steps, before: before).map { steps[$0].occurredAt }
        }
        return nil
    }
}
