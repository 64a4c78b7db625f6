public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// How often each limit was met under each plan, and how many of those who met it are on a plan of
    /// a higher rank now.
    ///
    /// A subject meets a limit with an event after which nothing is left of an allowance of its own. A
    /// refusal is not recorded, so that it does not show here.
    public func limitPressure(
        _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<LimitPressure> {
        try await report(question) { (context) throws(StoreError) in
            let start: [LimitUnderPlan: LimitMet] = [:]
            let met = try context.state(
                of: RememberedFold(part: .limitsMet, start: start), where: { !$0.met.isEmpty }
            ) { (met, run) in
                let (subjects, weights) = (run.subjects, run.weights)
                for limit in run.shape.met {
                    met[
                        LimitUnderPlan(limit: limit, plan: run.shape.plan),
                        default: LimitMet(subjects: ActiveSubjects(context.memory))
                    ].add(subjects, weights, events: run.events(weights))
                }
            }
            let rows = try met.filter { $0.value.events > 0 }.sorted { $0.key < $1.key }.map {
                (key, sum) throws(StoreError) in
                let upgraded = try context.upgraded(sum.subjects, above: key.plan)
                return LimitPressure(
                    limit: key.limit, plan: key.plan, subjects: sum.subjects.count,
                    events: sum.events, upgraded: upgraded,
                    upgradeRate: Ratio(upgraded, of: sum.subjects.count))
            }
            return context.page(of: rows)
        }
    }

    /// Who met limits, most often first, and what they did after.
    ///
    /// - Parameter limit: `nil`: all limits.
    public func limitMeetings(
        of limit: LimitKey?, _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<LimitMeeting> {
        try await report(question, rejecting: { $0.reject(limit: limit) }) {
            (context) throws(StoreError) in
            let (limits, sums) = try context.meetings(of: limit)
            let page = try Ranking(groups: sums).page(context)
            return (try context.meetings(of: page.rows, limits), page.next)
        }
    }

    /// What was used beyond allowances, by subject, the most first.
    ///
    /// - Parameter limit: `nil`: all limits.
    public func overage(
        of limit: LimitKey?, _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<Overage> {
        try await report(question, rejecting: { $0.reject(limit: limit) }) {
            (context) throws(StoreError) in
            var sums: [LimitUnderPlan: SubjectSums] = [:]
            try context.forEachRun(where: { !$0.overages.isEmpty }) { (run) in
                for key in run.shape.overages where limit.map({ $0 == key }) ?? true {
                    guard let place = run.shape.place(ofOverage: key) else { continue }
                    let pair = LimitUnderPlan(limit: key, plan: run.shape.plan)
                    sums[pair, default: SubjectSums(context.memory, areFew: true)]
                        .add(run, .value(place))
                }
            }
            let keys = sums.keys.sorted()
            let page = try Ranking(groups: keys.compactMap { sums[$0] }).page(context)
            return (
                page.rows.map { row in
                    Overage(
                        limit: keys[row.group].limit, subject: row.id, plan: keys[row.group].plan,
                        quantity: row.quantity, events: row.events)
                }, page.next
            )
        }
    }
}

/// A limit, and the plan at the time of use.
private struct LimitUnderPlan: Hashable, Comparable {
    var limit: LimitKey
    var plan: PlanKey?

    static func < (lhs: LimitUnderPlan, rhs: LimitUnderPlan) -> Bool {
        (lhs.limit, lhs.plan?.text ?? "") < (rhs.limit, rhs.plan?.text ?? "")
    }
}

/// How often a limit was met, and by whom.
private struct LimitMet: FoldState {
    var events: Int64 = 0
    var subjects: ActiveSubjects

    var bytes: Int { subjects.bytes }

    mutating func tell(_ memory: MemoryShare?) { subjects.tell(memory) }

    mutating func add(_ numbers: [Int64], _ weights: [Int64]?, events: Int64) {
        self.events += events
        subjects.add(numbers, weights)
    }
}

/// A limit, and who met it.
private struct LimitOfSubject: Hashable {
    var limit: LimitKey
    var subject: Int64
}

/// When a subject met a limit, and under which plans.
private struct Meetings {
    /// Events by UTC day and by plan.
    var days: [Int64: Int64] = [:]
    var plans: [PlanKey?: Int64] = [:]

    var firstDay: Int64? { days.filter { $0.value > 0 }.keys.min() }
}

extension ReportContext {
    private func rank(_ plan: PlanKey?) -> Int {
        scan.view.catalog.plan(plan)?.rank ?? Int.min
    }

    /// How many of these subjects are on a plan above another one now.
    fileprivate func upgraded(
        _ subjects: ActiveSubjects, above plan: PlanKey?
    ) throws(StoreError) -> Int64 {
        let own = rank(plan)
        guard blueprint.plans.contains(where: { $0.rank > own }) else { return 0 }
        var numbers: [Int64] = []
        subjects.forEach { numbers.append($0) }
        return Int64(
            try profiles(of: numbers).values.count { rank(self.plan(of: $0)) > own })
    }

    /// Limits that were met, sorted, and how often each subject met them.
    fileprivate func meetings(
        of limit: LimitKey?
    ) throws(StoreError) -> (limits: [LimitKey], sums: [SubjectSums]) {
        var result: [LimitKey: SubjectSums] = [:]
        try forEachRun(where: { limit.map($0.met.contains) ?? !$0.met.isEmpty }) { (run) in
            for key in run.shape.met where limit.map({ $0 == key }) ?? true {
                result[key, default: SubjectSums(memory)].add(run, .constant(1))
            }
        }
        let limits = result.keys.sorted()
        return (limits, limits.compactMap { result[$0] })
    }

    /// What else there is to tell of some rows.
    fileprivate func meetings(
        of rows: [Ranking.Row], _ limits: [LimitKey]
    ) throws(StoreError) -> [LimitMeeting] {
        let wanted = WantedSubjects(rows.map(\.number))
        var found: [LimitOfSubject: Meetings] = [:]
        for row in rows {
            found[LimitOfSubject(limit: limits[row.group], subject: row.number)] = Meetings()
        }
        try forEachRun(where: { !$0.met.isEmpty }) { (run) in
            let (subjects, weights) = (run.subjects, run.weights)
            wanted.forEachPlace(in: subjects) { index in
                for limit in run.shape.met {
                    let key = LimitOfSubject(limit: limit, subject: subjects[index])
                    found[key]?.days[run.day, default: 0] += weights?[index] ?? 1
                    found[key]?.plans[run.shape.plan, default: 0] += weights?[index] ?? 1
                }
            }
        }
        let firsts = try firstMeetings(found)
        return try rows.map { (row) throws(StoreError) in
            let key = LimitOfSubject(limit: limits[row.group], subject: row.number)
            let meetings = found[key] ?? Meetings()
            let first = firsts[key] ?? span.from
            let plan =
                meetings.plans.filter { $0.value > 0 }.keys
                .max { (rank($0), $0?.text ?? "") < (rank($1), $1?.text ?? "") } ?? nil
            let upgrade = try upgrade(of: row.id, above: plan, after: first)
            return LimitMeeting(
                limit: key.limit, subject: row.id, plan: plan, events: row.events,
                days: Int64(meetings.days.values.count { $0 > 0 }), firstAt: first,
                upgradedAt: upgrade?.at, upgradedTo: upgrade?.plan)
        }
    }

    /// The instants of first meetings, each looked up on its day.
    private func firstMeetings(
        _ meetings: [LimitOfSubject: Meetings]
    ) throws(StoreError) -> [LimitOfSubject: Instant] {
        var result: [LimitOfSubject: Instant] = [:]
        for (day, entries) in Dictionary(grouping: meetings, by: { $0.value.firstDay ?? 0 }) {
            let part = WindowSpan(
                from: max(span.from, .startOf(day: day)),
                until: min(span.until, .startOf(day: day + 1)))
            let keys = Set(entries.map(\.key))
            let wanted = WantedSubjects(keys.map(\.subject))
            var times: [LimitOfSubject: [Int64: Int64]] = [:]
            try forEachRun(in: part, withTimes: true, where: { !$0.met.isEmpty }) { (run) in
                let (subjects, weights) = (run.subjects, run.weights)
                var whens: [Int64] = []
                wanted.forEachPlace(in: subjects) { index in
                    if whens.isEmpty { whens = run.times }
                    for limit in run.shape.met {
                        let key = LimitOfSubject(limit: limit, subject: subjects[index])
                        guard keys.contains(key) else { continue }
                        times[key, default: [:]][whens[index], default: 0] +=
                            weights?[index] ?? 1
                    }
                }
            }
            for key in keys {
                let first = times[key]?.filter { $0.value > 0 }.keys.min()
                result[key] = first.map { Instant(millisecondsSince1970: $0) } ?? part.from
            }
        }
        return result
    }

    /// The first change to a plan of a higher rank after an instant, and since when the plan counts: from its start,
    /// unless that is before the instant, as where somebody pays again.
    private func upgrade(
        of id: SubjectID, above plan: PlanKey?, after instant: Instant
    ) throws(StoreError) -> (at: Instant, plan: PlanKey)? {
        for change in try scan.source.changes(ofKinds: ["subject", "subscription"], of: id)
        where change.recordedAt >= instant && change.sequence <= scan.cut?.sequence ?? .max {
            if let subscription = change.change.subscribed,
                subscription.applies(at: max(change.recordedAt, subscription.startsAt)),
                rank(subscription.plan) > rank(plan)
            {
                let start = subscription.startsAt
                return (start >= instant ? start : change.recordedAt, subscription.plan)
            }
            if case .putSubject(let subject) = change.change, let wanted = subject.plan,
                rank(wanted) > rank(plan)
            {
                return (change.recordedAt, wanted)
            }
        }
        return nil
    }
}

extension Blueprint {
    fileprivate func reject(limit: LimitKey?) -> Rejection? {
        guard let limit, !limits.contains(where: { $0.key == limit }) else { return nil }
        return Rejection(
            code: .unknownLimit, field: "limit",
            message: "expected the key of a limit, and there is none called '\(limit)'")
    }
}
