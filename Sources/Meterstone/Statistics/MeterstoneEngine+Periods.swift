public import MeterstoneCore
public import MeterstoneStore

/// Periods of a subject, or why there are none.
public enum PeriodsOutcome: Sendable {
    case periods(UsagePeriods)
    /// Nothing was ever written of the subject.
    case unknownSubject
    case rejected(Rejection)
}

extension MeterstoneEngine {
    /// What a subject used of every meter in the latest windows of its calendar, the current one first.
    ///
    /// - Parameter until: windows that begin before it; `nil`: up to the current one.
    public func periods(
        of id: SubjectID, per window: Window, count: Int = UsagePeriods.countDefault,
        until: Instant? = nil
    ) async throws(StoreError) -> PeriodsOutcome {
        guard window.isRepeating else { return .rejected(.windowOfPeriods) }
        guard UsagePeriods.countRange.contains(count) else { return .rejected(.countOfPeriods) }
        let periods = try await answer(try await view(of: id)) { (context) throws(StoreError) in
            try context.periods(per: window, count: count, until: until)
        }
        return periods.map { .periods($0) } ?? .unknownSubject
    }
}

extension SubjectContext {
    fileprivate func periods(
        per window: Window, count: Int, until: Instant?
    ) throws(StoreError) -> UsagePeriods {
        let last = until.map { min($0.advanced(byMilliseconds: -1), now) } ?? now
        var spans: [WindowSpan] = []
        var instant = last
        while spans.count < count, instant >= .earliest {
            let span = window.span(containing: instant, in: zone, anchors: view.anchors)
            spans.append(span)
            guard span.from > .earliest else { break }
            instant = span.from.advanced(byMilliseconds: -1)
        }
        let meters = meters
        // Points are asked for in the order of time.
        let ordered = Array(spans.reversed())
        var quantities: [[NamedQuantity]] = Array(repeating: [], count: spans.count)
        for meter in meters {
            let points = try reader.points(of: meter, over: ordered, window: window)
            for (place, point) in points.enumerated() {
                quantities[place].append(
                    NamedQuantity(name: meter.key, quantity: point.quantity))
            }
        }
        let policy = view.catalog.blueprint.statistics?.sessions
        let periods = try ordered.indices.reversed().map { (place) throws(StoreError) in
            let activity =
                window == .month ? try reader.activity(inMonthFrom: ordered[place].from) : nil
            return UsagePeriods.Period(
                span: ordered[place], quantities: quantities[place],
                daysActive: activity.map { Int64($0.activeDays.count) },
                plan: activity.flatMap { activity in
                    activity.days.last { $0.events > 0 }.flatMap { reader.plan($0.planNumber) }
                },
                overages: activity.map { overages([$0]) } ?? [:],
                sessions: policy.map { sessions($0, quantities[place]) })
        }
        return UsagePeriods(
            subject: id, timeZone: view.timeZone, window: window, periods: periods)
    }

    private func sessions(
        _ meters: SessionMeters, _ used: [NamedQuantity]
    ) -> SessionStatistics {
        func units(_ key: MeterKey) -> Quantity {
            used.first { $0.name == key }?.quantity ?? .zero
        }
        let completed = units(meters.completed)
        return SessionStatistics(
            completed: completed,
            averageLength: Ratio(units(meters.length).units, of: completed.units),
            longest: meters.longest.map { units($0) }, averagePerMonth: nil)
    }
}

extension Rejection {
    fileprivate static let windowOfPeriods = Rejection(
        code: .invalidField, field: "window",
        message: "expected minute, hour, day, week, month, quarter, year or billingMonth")

    fileprivate static let countOfPeriods = Rejection(
        code: .invalidField, field: "count",
        message: "expected a whole number from \(UsagePeriods.countRange.lowerBound) to "
            + "\(UsagePeriods.countRange.upperBound)")
}
