import MeterstoneCore
import MeterstoneStore

/// What one subject used of a meter in one period of its calendar, as it is read.
protocol UsageDocument: Sendable {
    associatedtype Period: CalendarPeriod

    var used: Quantity { get }
    var plan: PlanKey? { get }

    init(_ context: SubjectContext, _ period: Period, _ meter: Meter) throws(StoreError)

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
        self.init(
            subject: context.id, date: date, used: used,
            allowance: context.allowancePerDay(of: meter, under: plan), plan: plan,
            updatedAt: known?.updatedAt, resetsAt: date.span(in: context.zone).until)
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
                usage: try context.quantities(of: meter, on: activity.activeDays),
                today: CivilDate(daysSince1970: context.today))
        else { preconditionFailure("every civil month is a month of the calendar") }
        self.init(
            subject: context.id, usage: usage,
            plan: context.plan(lastUsedOn: activity.days.last { $0.events > 0 }),
            createdAt: month.span(in: context.zone).from,
            updatedAt: activity.days.map(\.updatedAt).max())
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
    /// The plan at the time of use on a day, or the current one where there was none.
    fileprivate func plan(lastUsedOn day: ActiveDay?) -> PlanKey? {
        guard let day, day.events > 0 else { return plan }
        return reader.plan(day.planNumber)
    }

    /// What the limits per day on all of a meter allow under a plan, the least of several.
    fileprivate func allowancePerDay(of meter: Meter, under plan: PlanKey?) -> Allowance {
        var least = Allowance.unlimited
        for definition in view.catalog.activeDefinitions
        where definition.limit.meter == meter.key && definition.limit.window == .day
            && definition.limit.dimensions.isEmpty
        {
            guard case .units(let units) = view.allowance(of: definition, under: plan) else {
                continue
            }
            if case .units(let known) = least, known <= units { continue }
            least = .units(units)
        }
        return least
    }
}
