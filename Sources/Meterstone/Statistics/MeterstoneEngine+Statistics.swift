public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// What a subject used on the last so many days of its calendar, today included, and its newest
    /// events; `nil`: nothing was ever written of it.
    ///
    /// - Parameter days: taken into ``RecentStatistics/daysRange``.
    public func statistics(
        of id: SubjectID, days: Int = RecentStatistics.daysDefault
    ) async throws(StoreError) -> RecentStatistics? {
        let range = RecentStatistics.daysRange
        let count = min(max(days, range.lowerBound), range.upperBound)
        return try await answer(try await view(of: id)) { (context) throws(StoreError) in
            try context.recentStatistics(days: count)
        }
    }

    /// Where a subject's usage leads: each of its limits at the end of its window, each meter at the
    /// end of the month; `nil`: nothing was ever written of it.
    public func pace(of id: SubjectID) async throws(StoreError) -> UsageProjection? {
        let view = try await view(of: id)
        guard view.subject != nil else { return nil }
        // Asking for limits writes down what has expired, which the view is to include.
        let limits = try await limits(of: id).filter { $0.ancestor == nil }
        return try await answer(try await self.view(of: id)) { (context) throws(StoreError) in
            try context.projection(limits)
        }
    }
}

extension SubjectContext {
    fileprivate func recentStatistics(days count: Int) throws(StoreError) -> RecentStatistics {
        let first = today - Int64(count) + 1
        let span = WindowSpan(from: span(ofDay: first).from, until: span(ofDay: today).until)
        let active = try reader.activities().activeDays
            .filter { (first...today).contains($0) }
        var quantities: [Int64: [NamedQuantity]] = [:]
        var totals: [NamedQuantity] = []
        for meter in meters {
            for (day, quantity) in try self.quantities(of: meter, on: active)
            where quantity > .zero {
                quantities[day, default: []].append(
                    NamedQuantity(name: meter.key, quantity: quantity))
            }
            let total = try total(of: meter, in: span)
            if total > .zero { totals.append(NamedQuantity(name: meter.key, quantity: total)) }
        }
        let page = try reader.events(
            before: EventCursor(occurredAt: span.until, sequence: .min),
            count: RecentStatistics.eventsMax)
        return RecentStatistics(
            subject: id, timeZone: view.timeZone, dayCount: count,
            days: quantities.sorted { $0.key > $1.key }.map {
                RecentStatistics.Day(
                    date: CivilDate(daysSince1970: $0.key), quantities: $0.value)
            }, totals: totals,
            events: page.events.filter { $0.event.occurredAt.map(span.contains) ?? false })
    }

    fileprivate func projection(_ limits: [LimitStatus]) throws(StoreError) -> UsageProjection {
        let month = span(.month)
        var first: Instant?
        if limits.contains(where: { $0.window == .lifetime }),
            let day = try reader.activities().activeDays.first
        {
            first =
                try reader.countedEvent(in: span(ofDay: day), .oldestFirst)?.record.occurredAt
        }
        return UsageProjection(
            subject: id, timeZone: view.timeZone, calculatedAt: now,
            limits: limits.map { pace(of: $0, since: first ?? now) }, month: month,
            meters: try meters.map { (meter) throws(StoreError) in
                let used = try total(of: meter, in: month)
                let pace = UsagePace(
                    used: used, allowance: .unlimited, span: month, since: month.from, now: now)
                return MeterPace(
                    meter: meter.key, used: used,
                    projected: meter.aggregation.isAdditive ? pace.projected : nil)
            })
    }

    private func pace(of status: LimitStatus, since first: Instant) -> LimitPace {
        let window = status.window
        let hasPace =
            (window.isRepeating || window == .lifetime) && status.definition.aggregation.isAdditive
        let span = span(window)
        return LimitPace(
            limit: status.limit, meter: status.meter, window: window, allowance: status.allowance,
            used: status.used, endsAt: window.isRepeating ? span.until : nil,
            pace: hasPace
                ? UsagePace(
                    used: status.used, allowance: status.allowance, span: span,
                    since: window == .lifetime ? first : span.from, now: now) : nil)
    }
}
