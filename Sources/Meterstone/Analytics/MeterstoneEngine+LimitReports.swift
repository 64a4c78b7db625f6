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
            var met: [LimitUnderPlan: (events: Int64, subjects: ActiveSubjects)] = [:]
            try context.forEachRun(where: { !$0.met.isEmpty }) { (run) in
                let (subjects, weights) = (run.subjects, run.weights)
                for limit in run.shape.met {
                    let key = LimitUnderPlan(limit: limit, plan: run.shape.plan)
                    met[key, default: (0, ActiveSubjects())].events +=
                        weights.map { $0.reduce(0, +) } ?? Int64(subjects.count)
                    met[key]?.subjects.add(subjects, weights)
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
        // Changes of plans show in the tables only.
        try await flush()
        return try await report(question, rejecting: { $0.reject(limit: limit) }) {
            (context) throws(StoreError) in
            let meetings = try context.meetings(of: limit)
            let ids = try context.ids(of: Set(meetings.keys.map(\.subject)))
            let order = meetings.sorted { first, second in
                let (one, other) = (first.key, second.key)
                return (second.value.events, one.limit, ids[one.subject])
                    < (first.value.events, other.limit, ids[other.subject])
            }
            let page = order.dropFirst(context.question.offset).prefix(context.question.count)
            let rows = try page.map { (key, sum) throws(StoreError) in
                try context.row(of: sum, key, id: ids[key.subject])
            }
            return (rows, order.count > context.question.end ? context.question.end : nil)
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
                    sums[LimitUnderPlan(limit: key, plan: run.shape.plan), default: SubjectSums()]
                        .add(run, .value(place))
                }
            }
            var found: [(key: LimitUnderPlan, subject: Int64, quantity: Int64, events: Int64)] = []
            for (key, sums) in sums {
                sums.forEach { found.append((key, $0, $1, $2)) }
            }
            let ids = try context.ids(of: Set(found.map(\.subject)))
            found.sort {
                ($1.quantity, $0.key, ids[$0.subject]) < ($0.quantity, $1.key, ids[$1.subject])
            }
            return context.page(
                of: found.map { entry in
                    Overage(
                        limit: entry.key.limit, subject: ids[entry.subject], plan: entry.key.plan,
                        quantity: entry.quantity, events: entry.events)
                })
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

/// A limit, and who met it.
private struct LimitOfSubject: Hashable {
    var limit: LimitKey
    var subject: Int64
}

/// How often a subject met a limit.
private struct Meetings {
    var events: Int64 = 0
    /// Events by UTC day and by plan.
    var days: [Int64: Int64] = [:]
    var plans: [PlanKey?: Int64] = [:]
}

extension ReportContext {
    private func rank(_ plan: PlanKey?) -> Int {
        scan.view.catalog.plan(plan)?.rank ?? Int.min
    }

    /// How many of these subjects are on a plan above another one now.
    fileprivate func upgraded(
        _ subjects: ActiveSubjects, above plan: PlanKey?
    ) throws(StoreError) -> Int64 {
        var numbers: [Int64] = []
        subjects.forEach { numbers.append($0) }
        let own = rank(plan)
        return Int64(
            try profiles(of: numbers).values.count { rank(self.plan(of: $0)) > own })
    }

    fileprivate func meetings(
        of limit: LimitKey?
    ) throws(StoreError) -> [LimitOfSubject: Meetings] {
        var result: [LimitOfSubject: Meetings] = [:]
        try forEachRun(where: { limit.map($0.met.contains) ?? !$0.met.isEmpty }) { (run) in
            let weights = run.weights
            for (index, subject) in run.subjects.enumerated() {
                let weight = weights?[index] ?? 1
                for key in run.shape.met where limit.map({ $0 == key }) ?? true {
                    let place = LimitOfSubject(limit: key, subject: subject)
                    result[place, default: Meetings()].events += weight
                    result[place]?.days[run.day, default: 0] += weight
                    result[place]?.plans[run.shape.plan, default: 0] += weight
                }
            }
        }
        return result.filter { $0.value.events > 0 }
    }

    fileprivate func row(
        of meetings: Meetings, _ key: LimitOfSubject, id: SubjectID
    ) throws(StoreError) -> LimitMeeting {
        let days = meetings.days.filter { $0.value > 0 }.keys.sorted()
        let first = try firstMeeting(key, on: days.first ?? 0)
        let plan =
            meetings.plans.filter { $0.value > 0 }.keys
            .max { rank($0) < rank($1) } ?? nil
        let upgrade = try upgrade(of: id, above: plan, after: first)
        return LimitMeeting(
            limit: key.limit, subject: id, plan: plan, events: meetings.events,
            days: Int64(days.count), firstAt: first, upgradedAt: upgrade?.at,
            upgradedTo: upgrade?.plan)
    }

    private func firstMeeting(
        _ key: LimitOfSubject, on day: Int64
    ) throws(StoreError) -> Instant {
        let part = WindowSpan(
            from: max(span.from, .startOf(day: day)), until: min(span.until, .startOf(day: day + 1))
        )
        var times: [Int64: Int64] = [:]
        try forEachRun(in: part, withTimes: true, where: { $0.met.contains(key.limit) }) { (run) in
            let (subjects, whens, weights) = (run.subjects, run.times, run.weights)
            for index in subjects.indices where subjects[index] == key.subject {
                times[whens[index], default: 0] += weights?[index] ?? 1
            }
        }
        let first = times.filter { $0.value > 0 }.keys.min()
        return first.map { Instant(millisecondsSince1970: $0) } ?? part.from
    }

    /// The first change to a plan of a higher rank after an instant.
    private func upgrade(
        of id: SubjectID, above plan: PlanKey?, after instant: Instant
    ) throws(StoreError) -> (at: Instant, plan: PlanKey)? {
        var changes: [ChangeRecord] = []
        for kind in ["subject", "subscription"] {
            changes += try scan.source.changes(ofKind: kind, key: id.text)
        }
        for change in changes.sorted(by: { $0.sequence < $1.sequence })
        where change.recordedAt >= instant {
            if case .putSubscription(_, let subscription) = change.change,
                subscription.status.givesPlan, rank(subscription.plan) > rank(plan)
            {
                return (max(change.recordedAt, subscription.startsAt), subscription.plan)
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
