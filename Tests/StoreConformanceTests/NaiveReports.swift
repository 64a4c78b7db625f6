import MeterstoneCore
import MeterstoneTesting

/// What was recorded, as a plain list, and every report in the most obvious way: each number is counted
/// anew from all events.
struct NaiveReports {
    var events: [NaiveEvent] = []
    var timeline = ProfileTimeline()
    /// Every change of a profile that changed something.
    var changes: [(at: Instant, profile: Subject, plan: PlanKey?)] = []
    var meters: [Meter] = []
    var limits: [Limit] = []
    var plans: [Plan] = []
    let zones: (String?) -> ZoneRules

    init(zones: @escaping (String?) -> ZoneRules) {
        self.zones = zones
    }
}

/// One event, as it stands.
struct NaiveEvent {
    var id: EventID
    var subject: SubjectID
    var ancestors: [SubjectID]
    var at: Instant
    var quantities: [MeterKey: Int64]
    var details: EventDetails
    var plan: PlanKey?
    /// Of whose allowance nothing was left, as a consume was told.
    var met: Set<LimitKey> = []
    var overages: [LimitKey: Int64] = [:]
    var isVoid = false
    /// Set while it is an open reservation.
    var expiresAt: Instant?

    var source: String? { details.source }
    var allMet: Set<LimitKey> { met.union(overages.keys) }

    func dimension(_ name: String) -> String? {
        details.dimensions.first { $0.name == name }?.value
    }

    func dimensionsMatch(_ wanted: [String: [String]]) -> Bool {
        wanted.allSatisfy { name, values in dimension(name).map(values.contains) ?? false }
    }

    /// What the event contributes to a meter; `nil`: it does not move it.
    func units(_ meter: Meter) -> Int64? {
        let type = details.type
        if let type, !meter.eventTypes.isEmpty, !meter.eventTypes.contains(type) { return nil }
        guard meter.countedStatuses.contains(details.status), dimensionsMatch(meter.dimensions)
        else { return nil }
        if meter.aggregation == .uniqueCount, value(meter) == nil { return nil }
        if let named = quantities[meter.key] { return named }
        if let name = meter.quantityName {
            return meter.eventTypes.isEmpty || type != nil ? quantities[name] : nil
        }
        return type != nil && !meter.eventTypes.isEmpty ? 1 : nil
    }

    func value(_ meter: Meter) -> String? { meter.uniqueDimension.flatMap { dimension($0) } }
}

// MARK: - What decides

extension NaiveReports {
    var profiles: [SubjectID: Subject] { timeline.profiles }

    func profile(_ id: SubjectID) -> Subject { profiles[id] ?? Subject(id: id) }

    func zone(of id: SubjectID) -> ZoneRules { clocks(profile(id).zones) }

    func clocks(_ own: ZonesInTime) -> ZoneRules {
        own.clocks(default: "") { zones($0.isEmpty ? nil : $0) } ?? zones(nil)
    }

    var defaultPlan: PlanKey? { plans.first { $0.isDefault }?.key }

    /// The plan of a subject, or else that of the teams above it.
    func plan(of id: SubjectID, at instant: Instant) -> PlanKey? {
        timeline.plan(id, at: instant) ?? defaultPlan
    }

    private func ownPlan(_ profile: Subject, at instant: Instant) -> PlanKey? {
        if let subscription = profile.subscription, subscription.status.givesPlan,
            subscription.startsAt <= instant,
            subscription.expiresAt.map({ instant < $0 }) ?? true
        {
            return subscription.plan
        }
        return profile.plan
    }

    private func rank(_ plan: PlanKey?) -> Int {
        plans.first { $0.key == plan }?.rank ?? Int.min
    }

    private func allowance(_ limit: Limit, of id: SubjectID, at instant: Instant) -> Int64? {
        let allowance =
            plan(of: id, at: instant).flatMap { limit.allowances[$0] } ?? limit.defaultAllowance
        guard case .units(let quantity) = allowance else { return nil }
        return quantity.units
    }

    /// What a window of a limit holds for the subject of an event, and with the event.
    private func reading(
        _ limit: Limit, _ event: NaiveEvent, adding more: NaiveEvent?
    ) -> (before: Int64, after: Int64)? {
        guard let meter = meters.first(where: { $0.key == limit.meter }) else { return nil }
        let id = event.subject
        let anchor = profile(id).subscription?.startsAt
        let span = limit.window.span(containing: event.at, in: zone(of: id), anchor: anchor)
        let inside = events.filter {
            !$0.isVoid && ($0.subject == id || $0.ancestors.contains(id)) && span.contains($0.at)
                && $0.dimensionsMatch(limit.dimensions) && $0.units(meter) != nil
        }
        func fold(_ events: [NaiveEvent]) -> Int64 {
            meter.aggregation == .count
                ? Int64(events.count) : events.compactMap { $0.units(meter) }.reduce(0, +)
        }
        return (fold(inside), fold(inside + [more].compactMap(\.self)))
    }

    private func moving(_ event: NaiveEvent) -> [Limit] {
        limits.filter { limit in
            limit.active && limit.mode != .off && event.dimensionsMatch(limit.dimensions)
                && meters.contains { $0.key == limit.meter && event.units($0) != nil }
        }
    }

    /// Takes an event in that was recorded, or that a consume or a reservation was allowed.
    mutating func add(_ event: NaiveEvent) {
        var event = event
        event.ancestors = Array(timeline.levels(event.subject, at: event.at).dropFirst())
        event.plan = plan(of: event.subject, at: event.at)
        for limit in moving(event) {
            guard let allowance = allowance(limit, of: event.subject, at: event.at),
                let (before, after) = reading(limit, event, adding: event)
            else { continue }
            if after >= allowance { event.met.insert(limit.key) }
            if limit.mode != .shadow, after > max(allowance, before) {
                event.overages[limit.key] = after - max(allowance, before)
            }
        }
        events.append(event)
        for id in [event.subject] + event.ancestors where profiles[id] == nil {
            timeline.put(Subject(id: id), at: .earliest)
        }
    }

    /// Puts other content in the place of an event's.
    mutating func replace(_ place: Int, _ quantities: [MeterKey: Int64], _ details: EventDetails) {
        let before = events[place]
        var after = before
        after.quantities = quantities
        after.details = details
        guard quantities != before.quantities || details != before.details else { return }
        after.overages = [:]
        for limit in limits
        where limit.mode != .shadow && limit.mode != .off && limit.active
            && (moving(before) + moving(after)).contains(limit)
        {
            guard let meter = meters.first(where: { $0.key == limit.meter }) else { continue }
            func units(_ event: NaiveEvent) -> Int64 {
                guard event.dimensionsMatch(limit.dimensions), let units = event.units(meter)
                else { return 0 }
                return meter.aggregation == .count ? 1 : units
            }
            let change = units(after) - units(before)
            let known = before.overages[limit.key] ?? 0
            if known > 0 {
                after.overages[limit.key] = known + change > 0 ? known + change : nil
            } else if change > 0, let (used, _) = reading(limit, before, adding: nil),
                let allowance = allowance(limit, of: before.subject, at: before.at),
                used + change > max(allowance, used)
            {
                after.overages[limit.key] = used + change - max(allowance, used)
            }
        }
        events[place] = after
    }
}

// MARK: - What is asked

extension NaiveReports {
    func span(of question: ReportQuestion, now: Instant) -> WindowSpan {
        let zone = zones(question.timeZone)
        let today = zone.day(containing: now).daysSince1970
        let until = question.until ?? zone.start(of: CivilDate(daysSince1970: today + 1))
        if let from = question.from { return WindowSpan(from: from, until: until) }
        let last = zone.day(containing: until.advanced(byMilliseconds: -1)).daysSince1970
        return WindowSpan(
            from: zone.start(of: CivilDate(daysSince1970: last - Int64(question.days) + 1)),
            until: until)
    }

    private func passes(_ event: NaiveEvent, _ filter: ReportFilter) -> Bool {
        !event.isVoid
            && filter.type.map { $0 == event.details.type } ?? true
            && filter.subtype.map { $0 == event.details.subtype } ?? true
            && filter.status.map { $0 == event.details.status } ?? true
            && filter.source.map { $0 == event.source } ?? true
            && filter.plan.map { $0 == event.plan } ?? true
            && filter.dimensions.allSatisfy { event.dimension($0) == $1 }
    }

    func asked(_ question: ReportQuestion, _ span: WindowSpan) -> [NaiveEvent] {
        events.filter { passes($0, question.filter) && span.contains($0.at) }
    }

    /// What one subject comes to.
    private func own(_ events: [NaiveEvent], _ meter: Meter) -> Int64 {
        switch meter.aggregation {
        case .sum: events.reduce(0) { $0 + ($1.units(meter) ?? 0) }
        case .count: Int64(events.count)
        case .max: events.compactMap { $0.units(meter) }.max() ?? 0
        case .latest:
            // Reports do not know what was recorded last of what occurred at once.
            events.map { ($0.at, $0.units(meter) ?? 0) }.max { $0 < $1 }?.1 ?? 0
        case .uniqueCount: Int64(Set(events.compactMap { $0.value(meter) }).count)
        // GaugeReportTests have a list of their own, which looks at what was before the span, too.
        case .gauge, .integral: 0
        }
    }

    /// What all of them come to.
    private func all(_ events: [NaiveEvent], _ meter: Meter) -> Int64 {
        guard meter.aggregation == .latest else { return own(events, meter) }
        return bySubject(events).values.reduce(0) { $0 + own($1, meter) }
    }

    private func bySubject(_ events: [NaiveEvent]) -> [SubjectID: [NaiveEvent]] {
        Dictionary(grouping: events, by: \.subject)
    }

    private func subjects(_ events: [NaiveEvent]) -> Int64 {
        Int64(Set(events.map(\.subject)).count)
    }

    private func utcDays(_ events: [NaiveEvent]) -> Int64 {
        Int64(Set(events.map(\.at.utcDay)).count)
    }

    func top(_ meter: Meter, _ asked: [NaiveEvent]) -> [TopSubject] {
        bySubject(asked.filter { $0.units(meter) != nil }).map { id, events in
            TopSubject(
                subject: id, quantity: own(events, meter), events: Int64(events.count),
                lastUsedAt: events.map(\.at).max() ?? .earliest)
        }.sorted { ($1.quantity, $0.subject) < ($0.quantity, $1.subject) }
    }

    func powerUsers(_ meter: Meter, percent: Int, _ asked: [NaiveEvent]) -> [PowerUser] {
        let users = top(meter, asked)
        let total = users.reduce(0) { $0 + $1.quantity }
        return users.prefix((users.count * percent + 99) / 100).map { user in
            let own = asked.filter { $0.subject == user.subject && $0.units(meter) != nil }
            return PowerUser(
                subject: user.subject, quantity: user.quantity,
                share: adds(meter) ? Ratio(user.quantity, of: total) : nil, activeDays: utcDays(own)
            )
        }
    }

    private func adds(_ meter: Meter) -> Bool {
        meter.aggregation == .sum || meter.aggregation == .count
    }

    func trends(
        _ meters: [Meter], _ window: Window, _ asked: [NaiveEvent], _ span: WindowSpan,
        _ zone: ZoneRules
    ) -> [TrendPoint] {
        var rows: [TrendPoint] = []
        var from = span.from
        while from < span.until {
            let whole = window.span(containing: from, in: zone, anchor: nil)
            let part = WindowSpan(from: from, until: min(whole.until, span.until))
            for meter in meters {
                let events = asked.filter { part.contains($0.at) && $0.units(meter) != nil }
                rows.append(
                    TrendPoint(
                        from: part.from, until: part.until, meter: meter.key,
                        quantity: all(events, meter), events: Int64(events.count),
                        subjects: subjects(events)))
            }
            from = part.until
        }
        return rows
    }

    func usage(
        _ meter: Meter, _ asked: [NaiveEvent], by value: (NaiveEvent) -> String?
    ) -> [UsageShare] {
        let groups = Dictionary(grouping: asked.filter { $0.units(meter) != nil }, by: value)
        let total = groups.values.reduce(0) { $0 + all($1, meter) }
        return groups.map { value, events in
            UsageShare(
                value: value, quantity: all(events, meter), events: Int64(events.count),
                subjects: subjects(events),
                share: adds(meter) ? Ratio(all(events, meter), of: total) : nil)
        }.sorted { ($1.quantity, $0.value ?? "") < ($0.quantity, $1.value ?? "") }
    }

    func funnel(
        _ types: [String], isOrdered: Bool, _ question: ReportQuestion, _ asked: [NaiveEvent]
    ) -> [FunnelStep] {
        let steps = asked.filter { question.filter.status != nil || $0.details.status == .success }
        let counts = counts(
            steps, isOrdered: isOrdered, types.map { type in { $0.details.type == type } })
        return types.indices.map { place in
            FunnelStep(
                type: types[place], subjects: counts[place],
                rateOfFirst: Ratio(counts[place], of: counts[0]),
                rateOfPrevious: place == 0 ? nil : Ratio(counts[place], of: counts[place - 1]))
        }
    }

    func funnel(
        _ meters: [Meter], isOrdered: Bool, _ asked: [NaiveEvent]
    ) -> [FunnelStep] {
        let counts = counts(
            asked, isOrdered: isOrdered, meters.map { meter in { $0.units(meter) != nil } })
        return meters.indices.map { place in
            FunnelStep(
                meter: meters[place].key, subjects: counts[place],
                rateOfFirst: Ratio(counts[place], of: counts[0]),
                rateOfPrevious: place == 0 ? nil : Ratio(counts[place], of: counts[place - 1]))
        }
    }

    /// Who took each step and all before it.
    private func counts(
        _ events: [NaiveEvent], isOrdered: Bool, _ steps: [(NaiveEvent) -> Bool]
    ) -> [Int64] {
        steps.indices.map { place in
            Int64(
                bySubject(events).values.count { events in
                    var time = Instant.earliest
                    for isStep in steps[...place] {
                        let next = events.filter { isStep($0) && (!isOrdered || $0.at >= time) }
                        guard let first = next.map(\.at).min() else { return false }
                        time = first
                    }
                    return true
                })
        }
    }

    func errors(minimum: Int64, _ asked: [NaiveEvent]) -> [ErrorRate] {
        let groups = Dictionary(grouping: asked) { [$0.details.type, $0.details.subtype] }
        return groups.values.filter { $0.count > minimum }.map { events in
            let durations = events.compactMap(\.details.durationMilliseconds).sorted()
            func percentile(_ percent: Int) -> Int64? {
                durations.isEmpty ? nil : durations[(durations.count * percent + 99) / 100 - 1]
            }
            let failed = Int64(events.count { $0.details.status == .failed })
            return ErrorRate(
                type: events[0].details.type, subtype: events[0].details.subtype,
                events: Int64(events.count), failed: failed,
                cancelled: Int64(events.count { $0.details.status == .cancelled }),
                errorRate: Ratio(failed, of: Int64(events.count)),
                averageDurationMs: Ratio(durations.reduce(0, +), of: Int64(durations.count)),
                p50DurationMs: percentile(50), p95DurationMs: percentile(95))
        }.sorted {
            ($1.events, $0.type ?? "", $0.subtype ?? "")
                < ($0.events, $1.type ?? "", $1.subtype ?? "")
        }
    }

    func adoption(_ meters: [Meter], _ asked: [NaiveEvent]) -> [FeatureAdoption] {
        let groups = Dictionary(grouping: asked, by: \.plan)
        return groups.sorted { ($0.key?.text ?? "") < ($1.key?.text ?? "") }.flatMap {
            plan, events in
            meters.map { meter in
                let moving = events.filter { $0.units(meter) != nil }
                return FeatureAdoption(
                    plan: plan, meter: meter.key, subjects: subjects(moving),
                    activeSubjects: subjects(events),
                    rate: Ratio(subjects(moving), of: subjects(events)),
                    quantity: all(moving, meter))
            }
        }
    }

    /// A team is active while somebody below it is.
    func idle(days: Int64, _ question: ReportQuestion, _ span: WindowSpan) -> [IdleSubject] {
        let since = span.until.advanced(byMilliseconds: -days * 86_400_000)
        return profiles.values.sorted { $0.id < $1.id }.compactMap { profile in
            let own = events.filter { event in
                !event.isVoid && event.at < span.until
                    && (event.subject == profile.id || event.ancestors.contains(profile.id))
            }
            let last = own.map(\.at).max()
            if let last, last >= since { return nil }
            let plan = ownPlan(profile, at: span.until) ?? defaultPlan
            if let wanted = question.filter.plan, plan != wanted { return nil }
            return IdleSubject(
                subject: profile.id, plan: plan, lastActiveAt: last,
                idleDays: last.map {
                    (span.until.millisecondsSince1970 - $0.millisecondsSince1970) / 86_400_000
                })
        }
    }

    func unusual(
        _ meter: Meter, on date: CivilDate, _ question: ReportQuestion, _ zone: ZoneRules
    ) -> [UnusualUsage] {
        func used(_ day: Int64) -> [SubjectID: Int64] {
            let span = WindowSpan(
                from: zone.start(of: CivilDate(daysSince1970: day)),
                until: zone.start(of: CivilDate(daysSince1970: day + 1)))
            let events = asked(question, span).filter { $0.units(meter) != nil }
            return bySubject(events).mapValues { own($0, meter) }
        }
        let day = date.daysSince1970
        let past = (day - 28..<day).map(used)
        let rows = used(day).compactMap { id, quantity -> (Ratio, UnusualUsage)? in
            let known = past.compactMap { $0[id] }
            let sum = known.reduce(0, +)
            guard known.count >= 3, let most = known.max(), quantity > most,
                quantity * 28 > 2 * sum, let usual = Ratio(sum, of: 28)
            else { return nil }
            // Three deviations: 9 × 28 × Σ(x − mean)², times 28 for whole numbers.
            let deviations = past.reduce(Int64(0)) { total, day in
                let difference = (day[id] ?? 0) * 28 - sum
                return total + difference * difference
            }
            let above = quantity * 28 - sum
            guard above * above * 28 > 9 * deviations else { return nil }
            let row = UnusualUsage(
                subject: id, date: date, quantity: quantity, usualQuantity: usual,
                reason: "\(quantity) against \(usual.decimal) on average and \(most) at most "
                    + "on the 28 days before")
            return (usual, row)
        }
        func excess(_ row: (Ratio, UnusualUsage)) -> Int64 {
            row.0.numerator == 0 ? .max : row.1.quantity / row.0.numerator
        }
        return rows.sorted {
            (excess($1), $1.1.quantity, $0.1.subject) < (excess($0), $0.1.quantity, $1.1.subject)
        }.map(\.1)
    }
}

// MARK: - Limits and money

extension NaiveReports {
    private struct Pair: Hashable {
        var limit: LimitKey
        var plan: PlanKey?
    }

    func pressure(_ asked: [NaiveEvent], _ span: WindowSpan) -> [LimitPressure] {
        var groups: [Pair: [NaiveEvent]] = [:]
        for event in asked {
            for limit in event.allMet {
                groups[Pair(limit: limit, plan: event.plan), default: []].append(event)
            }
        }
        return groups.map { pair, events in
            let upgraded = Int64(
                Set(events.map(\.subject)).count {
                    rank(ownPlan(profile($0), at: span.until) ?? defaultPlan) > rank(pair.plan)
                })
            return LimitPressure(
                limit: pair.limit, plan: pair.plan, subjects: subjects(events),
                events: Int64(events.count), upgraded: upgraded,
                upgradeRate: Ratio(upgraded, of: subjects(events)))
        }.sorted { ($0.limit, $0.plan?.text ?? "") < ($1.limit, $1.plan?.text ?? "") }
    }

    func meetings(of wanted: LimitKey?, _ asked: [NaiveEvent]) -> [LimitMeeting] {
        var rows: [LimitMeeting] = []
        for limit in limits.map(\.key) where wanted.map({ $0 == limit }) ?? true {
            for (id, events) in bySubject(asked.filter { $0.allMet.contains(limit) }) {
                let plan = events.map(\.plan).max { rank($0) < rank($1) } ?? nil
                let first = events.map(\.at).min() ?? .earliest
                let upgrade = changes.first {
                    $0.profile.id == id && $0.at >= first && rank($0.plan) > rank(plan)
                }
                rows.append(
                    LimitMeeting(
                        limit: limit, subject: id, plan: plan, events: Int64(events.count),
                        days: utcDays(events), firstAt: first,
                        upgradedAt: upgrade.map { change in
                            let start = change.profile.subscription?.startsAt
                            return start.flatMap { $0 >= first ? $0 : nil } ?? change.at
                        },
                        upgradedTo: upgrade?.plan))
            }
        }
        return rows.sorted { ($1.events, $0.limit, $0.subject) < ($0.events, $1.limit, $1.subject) }
    }

    func overage(of wanted: LimitKey?, _ asked: [NaiveEvent]) -> [Overage] {
        var rows: [Overage] = []
        for limit in limits.map(\.key) where wanted.map({ $0 == limit }) ?? true {
            for (id, events) in bySubject(asked.filter { $0.overages[limit] != nil }) {
                for (plan, events) in Dictionary(grouping: events, by: \.plan) {
                    rows.append(
                        Overage(
                            limit: limit, subject: id, plan: plan,
                            quantity: events.reduce(0) { $0 + ($1.overages[limit] ?? 0) },
                            events: Int64(events.count)))
                }
            }
        }
        return rows.sorted {
            ($1.quantity, $0.limit, $0.plan?.text ?? "", $0.subject)
                < ($0.quantity, $1.limit, $1.plan?.text ?? "", $1.subject)
        }
    }

    func economics(
        _ meter: Meter?, _ question: ReportQuestion, _ asked: [NaiveEvent], _ span: WindowSpan,
        now: Instant
    ) -> [PlanEconomics] {
        var revenue: [PlanKey: Int64] = [:]
        for profile in profiles.values {
            guard let subscription = profile.subscription,
                let price = plans.first(where: { $0.key == subscription.plan })?.price,
                question.filter.plan.map({ $0 == subscription.plan }) ?? true
            else { continue }
            var from = subscription.startsAt
            while from <= now {
                if subscription.applies(at: from), span.contains(from) {
                    revenue[subscription.plan, default: 0] += price.millionths
                }
                from =
                    Window.billingMonth.span(
                        containing: from, in: zone(of: profile.id), anchor: subscription.startsAt
                    ).until
            }
        }
        let groups = Dictionary(grouping: asked, by: \.plan)
        return Set(groups.keys).union(revenue.keys.map { Optional($0) })
            .sorted { ($0?.text ?? "") < ($1?.text ?? "") }.map { plan in
                let events = groups[plan] ?? []
                let cost = events.reduce(0) { $0 + ($1.details.cost?.millionths ?? 0) }
                let quantity = meter.map { meter in
                    all(events.filter { $0.units(meter) != nil }, meter)
                }
                return PlanEconomics(
                    plan: plan, subjects: subjects(events),
                    revenueMillionths: plan.flatMap { revenue[$0] } ?? 0, costMillionths: cost,
                    quantity: quantity,
                    unitCostMillionths: meter.map(adds) == true
                        ? quantity.flatMap { Ratio(cost, of: $0) } : nil)
            }
    }
}
