package import MeterstoneCore

extension Wire<[(name: String, value: Int64)]> {
    /// Numbers by name, of which a correction may leave less than nothing.
    fileprivate static var named: Wire {
        Wire(.named("QuantitiesByName"), Wire<Int64>.integer.byName().write)
    }
}

extension Shapes {
    package static let lifetime = Shape<LifetimeStatistics>(
        "Lifetime",
        [
            Member("subject", .name, \.subject),
            Member("timeZone", .text, \.timeZone, "The zone of its days and months."),
            Member(
                "totals", .named, { $0.meters.map { ($0.meter.text, $0.lifetime.units) } },
                "Ever used, by meter."),
            Member(
                "thisMonth", .named, { $0.meters.map { ($0.meter.text, $0.thisMonth.units) } },
                "Used this month, by meter."),
            Member("daysActive", .quantity, \.streaks.daysActive, "Days with usage."),
            Member(
                "currentStreak", .quantity, \.streaks.currentStreak,
                "Days with usage in a row, until today or yesterday."),
            Member("longestStreak", .quantity, \.streaks.longestStreak),
            Member("firstActivityAt", Wire<Instant>.instant.orNull, \.firstActivityAt),
            Member("lastActivityAt", Wire<Instant>.instant.orNull, \.lastActivityAt),
            Member(
                maybe: "sessions", Shapes.sessions.wire, \.sessions,
                "Where the statistics policy names meters of sessions."),
            Member(
                "overages", .named,
                { $0.overages.sorted { $0.key < $1.key }.map { ($0.key.text, $0.value.units) } },
                "Used beyond allowances, by limit."),
            Member(
                "planAtLastUse", Wire<PlanKey>.key.orNull, \.planAtLastUse,
                "The plan of the last event."),
            Member("plan", Wire<PlanKey>.key.orNull, \.plan, "The plan that applies now."),
            Member("monthsSubscribed", .quantity, \.monthsSubscribed),
            Member(
                "revenueMillionths", .quantity, \.revenue.millionths,
                "In millionths of the currency unit."),
            Member("highestPlan", Wire<PlanKey>.key.orNull, \.highestPlan, "Ever subscribed to."),
            Member(
                maybe: "milestones", Shapes.milestone.wire.list(), \.milestones,
                "In the order in which they were reached."),
        ]
    ) { fields throws(WireMismatch) in try LifetimeStatistics(fields) }
}

extension LifetimeStatistics {
    fileprivate init(_ fields: WireFields) throws(WireMismatch) {
        let totals: [String: Quantity] = try fields("totals")
        let thisMonth: [String: Quantity] = try fields("thisMonth")
        let overages: [String: Quantity] = try fields("overages")
        self.init(
            subject: try fields("subject"), timeZone: try fields("timeZone"),
            meters: totals.sorted { $0.key < $1.key }.map {
                MeterTotals(
                    meter: MeterKey(unchecked: $0.key), lifetime: $0.value,
                    thisMonth: thisMonth[$0.key] ?? .zero)
            },
            streaks: Streaks(
                daysActive: try fields("daysActive"), longestStreak: try fields("longestStreak"),
                currentStreak: try fields("currentStreak")),
            firstActivityAt: try fields("firstActivityAt"),
            lastActivityAt: try fields("lastActivityAt"),
            sessions: try fields("sessions", maybe: Shapes.sessions),
            overages: Dictionary(
                uniqueKeysWithValues: overages.map { (LimitKey(unchecked: $0.key), $0.value) }),
            planAtLastUse: try fields("planAtLastUse"), plan: try fields("plan"),
            monthsSubscribed: try fields("monthsSubscribed"),
            revenue: Money(millionths: try fields("revenueMillionths")),
            highestPlan: try fields("highestPlan"),
            milestones: fields.contains("milestones")
                ? try fields("milestones", listOf: Shapes.milestone) : nil)
    }
}

extension Shapes {
    fileprivate static let sessions = Shape<SessionStatistics>([
        Member("completed", .units, \.completed),
        Member("averageLength", Wire<Ratio>.number.orNull, \.averageLength),
        Member("longest", Wire<Quantity>.units.orNull, \.longest),
        Member("averagePerMonth", Wire<Ratio>.number.orNull, \.averagePerMonth),
    ]) { fields throws(WireMismatch) in
        SessionStatistics(
            completed: try fields("completed"), averageLength: try fields("averageLength"),
            longest: try fields("longest"), averagePerMonth: try fields("averagePerMonth"))
    }
}

extension Shapes {
    fileprivate static let milestone = Shape<Milestone>([
        Member("key", .key, \.key), Member("reachedAt", .instant, \.reachedAt),
    ]) { fields throws(WireMismatch) in
        Milestone(key: try fields("key"), reachedAt: try fields("reachedAt"))
    }
}

extension Shapes {
    package static let statistics = Shape<RecentStatistics>(
        "Statistics",
        [
            Member("subject", .name, \.subject),
            Member("timeZone", .text, \.timeZone, "The zone of its days."),
            Member("days", .integer(in: 1...366), { Int64($0.dayCount) }),
            Member(
                "daily", Wire<[(name: String, value: Int64)]>.named.byName(),
                { $0.days.map { ($0.date.description, $0.quantities.map(\.named)) } },
                "Used on each day, by meter."),
            Member(
                "totals", .named, { $0.totals.map(\.named) }, "Used on these days, by meter."),
            Member(
                "recentEvents", Shapes.event.wire.list(#","maxItems":100"#),
                \.events, "The latest first."),
        ])
}

extension NamedQuantity {
    fileprivate var named: (name: String, value: Int64) { (name.text, quantity.units) }
}

extension Shapes {
    package static let periods = Shape<UsagePeriods>(
        "Periods",
        [
            Member("subject", .name, \.subject),
            Member("timeZone", .text, \.timeZone, "The zone of its calendar."),
            Member("window", .window, \.window),
            Member("periods", period.wire.list(), \.periods, "The newest first."),
        ])

    private static let period = Shape<UsagePeriods.Period>([
        Member("from", .instant, \.span.from), Member("until", .instant, \.span.until),
        Member(
            "quantities", .named, { $0.quantities.map(\.named) }, "Used in it, by meter."),
        Member(maybe: "daysActive", .quantity, \.daysActive, "Of a month: days with usage."),
        Member(maybe: "plan", .key, \.plan, "Of a month: the plan of its last event."),
        Member(
            maybe: "overages", .named,
            { period in
                period.daysActive == nil
                    ? nil
                    : period.overages.sorted { $0.key < $1.key }.map {
                        ($0.key.text, $0.value.units)
                    }
            }, "Of a month: used beyond allowances, by limit."),
        Member(
            maybe: "sessions", periodSessions.wire, \.sessions,
            "Where the statistics policy names meters of sessions."),
    ])

    private static let periodSessions = Shape<SessionStatistics>([
        Member("completed", .units, \.completed),
        Member("averageLength", Wire<Ratio>.number.orNull, \.averageLength),
        Member("longest", Wire<Quantity>.units.orNull, \.longest),
    ])
}

extension Shapes {
    package static let planFits = Shape<PlanFits>(
        "PlansThatFit",
        [
            Member("subject", .name, \.subject),
            Member("plan", Wire<PlanKey>.key.orNull, \.plan, "The plan that applies now."),
            Member("days", .integer(in: 1...366), { Int64($0.dayCount) }),
            Member(
                "plansThatFit", Wire<PlanKey>.key.list(), \.fitting,
                "Plans that allow what was used, the smallest first."),
            Member("plans", planFit.wire.list(), \.plans, "Every plan, the smallest first."),
        ])

    private static let planFit = Shape<PlanFits.Plan>([
        Member("plan", .key, \.plan),
        Member(
            maybe: "price", .quantity, \.price?.millionths, "In millionths of the currency unit."),
        Member("fits", .flag, \.tooSmall.isEmpty),
        Member("tooSmall", tooSmall.wire.list(), \.tooSmall, "Limits that allow too little."),
    ])

    private static let tooSmall = Shape<PlanFits.TooSmall>([
        Member("limit", .key, \.limit), Member("allowance", .allowance, \.allowance),
        Member("peak", .units, \.peak, "Used in the fullest window."),
    ])
}

extension Shapes {
    package static let pace = Shape<UsageProjection>(
        "Pace",
        [
            Member("subject", .name, \.subject),
            Member("timeZone", .text, \.timeZone),
            Member("calculatedAt", .instant, \.calculatedAt),
            Member("limits", Shapes.limitPace.wire.list(), \.limits),
            Member(
                "month", Shapes.monthPace.wire, { $0 },
                "The month that is running, by meter."),
        ])

    private static let monthPace = Shape<UsageProjection>([
        Member("from", .instant, \.month.from), Member("until", .instant, \.month.until),
        Member(
            "meters", Shapes.meterPace.wire.byName(),
            { $0.meters.map { ($0.meter.text, $0) } }),
    ])
}

extension Shapes {
    fileprivate static let meterPace = Shape<MeterPace>([
        Member("used", .units, \.used),
        Member(
            "projected", Wire<Quantity>.units.orNull, \.projected,
            "Used at its end if it goes on like this."),
    ])
}

extension Shapes {
    fileprivate static let limitPace = Shape<LimitPace>([
        Member("limit", .key, \.limit), Member("meter", .key, \.meter),
        Member("window", .window, \.window), Member("allowance", .allowance, \.allowance),
        Member("used", .units, \.used),
        Member(
            "projected", Wire<Quantity>.units.orNull, \.projected,
            "Used at the window's end if it goes on like this."),
        Member(
            "reachedAt", Wire<Instant>.instant.orNull, \.reachedAt,
            "When nothing is left if it goes on like this; null: not in this window."),
        Member("endsAt", Wire<Instant>.instant.orNull, \.endsAt, "When the window ends."),
    ])
}

/// What a subject uses of a feature, as somebody asked.
package struct FeatureAnswer: Sendable {
    package var subject: SubjectID
    package var feature: String
    package var use: FeatureUse

    package init(_ subject: SubjectID, _ feature: String, _ use: FeatureUse) {
        self.subject = subject
        self.feature = feature
        self.use = use
    }
}

extension Shapes {
    package static let feature = Shape<FeatureAnswer>(
        "FeatureUse",
        [
            Member("subject", .name, \.subject),
            Member("feature", .name, \.feature),
            Member("meter", .key, \.use.meter, "What is counted."),
            Member("allowed", .flag, \.use.isAllowed, "Whether it may be used once more."),
            Member("used", .units, \.use.used, "This month, or in the window of the limit."),
            Member("limit", .allowance, \.use.limit, "A month, or in the window of the limit."),
            Member(
                "remaining", .integer(from: -1), \.use.remaining, "-1 without a bound."),
            Member(
                "resetsAt", Wire<Instant>.instant.orNull, \.use.resetsAt,
                "When the month or the window ends; null: never."),
            Member(
                maybe: "limitKey", .key, \.use.limitKey,
                "The limit that says so; absent: the one of the question, or there is none."),
        ])
}

// MARK: - Documents

/// Documents with the fields that applications of this form have kept themselves.
extension Shapes {
    package static let day = Shape<DailyUsage>(
        "DailyUsage",
        [
            Member("userId", .name, \.subject),
            Member("date", .date, \.date),
            Member("tokensUsed", .units, \.used),
            Member("tokenLimit", .allowance, \.allowance),
            Member("userType", Wire<PlanKey>.key.orNull, \.plan, "The plan of that day."),
            Member(
                "lastUpdated", Wire<Instant>.instant.orNull, \.updatedAt,
                "When it last changed; null: nothing was used."),
            Member("resetAt", .instant, \.resetsAt, "When the day ends."),
        ])
}

extension Shapes {
    package static let month = Shape<MonthlyUsage>(
        "MonthlyUsage",
        [
            Member("userId", .name, \.subject),
            Member("year", .integer, { Int64($0.usage.year) }),
            Member("month", .integer(in: 1...12), { Int64($0.usage.month) }),
            Member(
                "dailyUsage", Wire<Int64>.integer.byName(dayPattern),
                { monthly in
                    monthly.usage.dailyUsage.enumerated().map {
                        (twoDigits($0.offset + 1), $0.element.units)
                    }
                }, "Used on each day, by its two digits."),
            Member("totalMonthlyTokens", .units, \.usage.totalMonthly),
            Member(
                "averageDailyUsage", Wire<Ratio>.number.orNull, \.usage.averageDaily,
                "Over the days with usage."),
            Member(
                "peakUsageDate", Wire<String>.text(dayPattern).orNull,
                { $0.usage.peakDay.map { twoDigits($0) } }, "The day with most."),
            Member("peakUsageTokens", .units, \.usage.peakUsage),
            Member("userType", Wire<PlanKey>.key.orNull, \.plan),
            Member("createdAt", .instant, \.createdAt),
            Member("updatedAt", Wire<Instant>.instant.orNull, \.updatedAt),
        ])

    private static let dayPattern = "^[0-3][0-9]$"

    private static func twoDigits(_ day: Int) -> String { day < 10 ? "0\(day)" : String(day) }
}

extension Shapes {
    package static let days = page("DailyUsageList", "documents", .documents, of: day)
}

extension Shapes {
    package static let months = page("MonthlyUsageList", "documents", .documents, of: month)
}
