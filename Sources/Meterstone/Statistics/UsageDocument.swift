import MeterstoneCore
import MeterstoneStore

/// What one subject used of a meter in one period of its calendar, as it is read.
protocol UsageDocument: Sendable {
    associatedtype Period: CalendarPeriod

    var used: Quantity { get }
    var plan: PlanKey? { get }

    init(_ context: SubjectContext, _ period: Period, _ meter: Meter) throws(StoreError)

    /// That of the current period of somebody who has used nothing yet; `nil`: the period is another.
    init?(unseen id: SubjectID, _ view: StoreView, _ period: Period, _ meter: Meter, now: Instant)

    /// The same with what columns tell of it, as of the first page of a list.
    ///
    /// - Parameter days: by local day.
    func asOf(_ row: RankedUsage, _ days: [Int64: Quantity], _ meter: Meter) -> Self

    /// Periods with an event that counts, and when something was last recorded of each.
    static func periods(in activities: [Activity]) -> [(period: Period, updatedAt: Instant)]
}

extension DailyUsage: UsageDocument {
    init(_ context: SubjectContext, _ date: CivilDate, _ meter: Meter) throws(StoreError) {
        let day = date.daysSince1970
        let known = try context.activity(in: CivilMonth(containing: date)).days
            .first { $0.day == day }
        var used = Quantity.zero
        if let known, known.events > 0 {
            used = try context.quantities(of: meter, on: [day])[day] ?? .zero
        }
        let plan = context.plan(lastUsedOn: known)
        let resetsAt = date.span(in: context.zone).until
        self.init(
            subject: context.id, date: date, used: used,
            allowance: context.view.allowancePerDay(
                of: meter, under: plan,
                at: min(context.now, resetsAt.advanced(byMilliseconds: -1))),
            plan: plan, updatedAt: known?.updatedAt, resetsAt: resetsAt)
    }

    init?(
        unseen id: SubjectID, _ view: StoreView, _ date: CivilDate, _ meter: Meter, now: Instant
    ) {
        guard view.zone.dayNumber(containing: now) == date.daysSince1970 else { return nil }
        let plan = view.plan(at: now)
        self.init(
            subject: id, date: date, used: .zero,
            allowance: view.allowancePerDay(of: meter, under: plan, at: now), plan: plan,
            updatedAt: nil, resetsAt: date.span(in: view.zone).until)
    }

    func asOf(_ row: RankedUsage, _ days: [Int64: Quantity], _ meter: Meter) -> DailyUsage {
        DailyUsage(
            subject: subject, date: date, used: row.quantity, allowance: allowance, plan: plan,
            updatedAt: updatedAt, resetsAt: resetsAt)
    }

    static func periods(in activities: [Activity]) -> [(period: CivilDate, updatedAt: Instant)] {
        activities.flatMap(\.days).filter { $0.events > 0 }.map {
            (CivilDate(daysSince1970: $0.day), $0.updatedAt)
        }
    }
}

extension MonthlyUsage: UsageDocument {
    var used: Quantity { usage.totalMonthly }

    init(_ context: SubjectContext, _ month: CivilMonth, _ meter: Meter) throws(StoreError) {
        let activity = try context.activity(in: month)
        guard
            let usage = UsageMonth(
                year: month.year, month: month.month,
                usage: try context.quantities(
                    of: meter,
                    // A gauge shows something on the other days, too.
                    on: meter.aggregation.isOfReadings
                        ? context.days(of: month) : activity.activeDays),
                today: CivilDate(daysSince1970: context.today),
                total: try context.ownTotal(of: meter, in: month))
        else {
            throw StoreError(
                code: .corrupt, message: "the activity of \(context.id) names a day of no calendar")
        }
        self.init(
            subject: context.id, usage: usage,
            plan: context.plan(lastUsedOn: activity.days.last { $0.events > 0 }),
            createdAt: month.span(in: context.zone).from,
            updatedAt: activity.days.map(\.updatedAt).max())
    }

    init?(
        unseen id: SubjectID, _ view: StoreView, _ month: CivilMonth, _ meter: Meter, now: Instant
    ) {
        let today = CivilDate(daysSince1970: view.zone.dayNumber(containing: now))
        guard CivilMonth(containing: today) == month,
            let usage = UsageMonth(
                year: month.year, month: month.month, usage: [:], today: today, total: nil)
        else { return nil }
        self.init(
            subject: id, usage: usage, plan: view.plan(at: now),
            createdAt: month.span(in: view.zone).from, updatedAt: nil)
    }

    func asOf(_ row: RankedUsage, _ days: [Int64: Quantity], _ meter: Meter) -> MonthlyUsage {
        let usage = UsageMonth(
            year: usage.year, month: usage.month, usage: days, today: row.today,
            total: meter.aggregation.isAdditive ? nil : row.quantity)
        return MonthlyUsage(
            subject: subject, usage: usage ?? self.usage, plan: plan, createdAt: createdAt,
            updatedAt: updatedAt)
    }

    static func periods(in activities: [Activity]) -> [(period: CivilMonth, updatedAt: Instant)] {
        activities.compactMap { activity in
            guard let day = activity.activeDays.last,
                let updatedAt = activity.days.map(\.updatedAt).max()
            else { return nil }
            return (CivilMonth(containing: CivilDate(daysSince1970: day)), updatedAt)
        }
    }
}

extension SubjectContext {
    /// What a month comes to up to today, of a meter whose days do not add up; `nil`: they do.
    fileprivate func ownTotal(
        of meter: Meter, in month: CivilMonth
    ) throws(StoreError) -> Quantity? {
        guard !meter.aggregation.isAdditive else { return nil }
        let whole = month.span(in: zone)
        let span = WindowSpan(from: whole.from, until: min(whole.until, span(ofDay: today).until))
        return span.from < span.until ? try total(of: meter, in: span) : .zero
    }

    /// The plan at the time of use on a day, or the current one where there was none.
    func plan(lastUsedOn day: ActiveDay?) -> PlanKey? {
        guard let day, day.events > 0 else { return plan }
        return reader.plan(day.planNumber)
    }
}

extension StoreView {
    /// What the limits per day on all of a meter allow under a plan at an instant, the least of several.
    fileprivate func allowancePerDay(
        of meter: Meter, under plan: PlanKey?, at instant: Instant
    ) -> Allowance {
        var least = Allowance.unlimited
        for definition in catalog.activeDefinitions
        where definition.limit.meter == meter.key && definition.limit.window == .day
            && definition.limit.isForAll
        {
            guard
                case .units(let units) = allowance(of: definition, under: plan, at: instant)
            else { continue }
            if case .units(let known) = least, known <= units { continue }
            least = .units(units)
        }
        return least
    }
}
