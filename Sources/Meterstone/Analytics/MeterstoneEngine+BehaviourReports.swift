public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// How many of the subjects that did anything under a plan moved each meter.
    ///
    /// - Parameter keys: empty: all meters.
    public func featureAdoption(
        of keys: [MeterKey], _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<FeatureAdoption> {
        try await report(question, rejecting: { $0.reject(meters: keys) }) {
            (context) throws(StoreError) in
            let meters = context.blueprint.meters(keys)
            var active: [PlanKey?: ActiveSubjects] = [:]
            var totals: [PlanKey?: [MeterTotal]] = [:]
            let movements = MeterMovements(meters)
            try context.forEachRun(
                withTimes: movements.needTimes, takenBackFirst: movements.needTakenBackFirst
            ) { (run) in
                let plan = run.shape.plan
                let (subjects, weights) = (run.subjects, run.weights)
                active[plan, default: ActiveSubjects(context.memory)].add(subjects, weights)
                for (place, movement) in movements[run].enumerated() {
                    guard let movement else { continue }
                    totals[plan, default: meters.map { MeterTotal($0, context.memory) }][place]
                        .add(run, movement, subjects, weights)
                }
            }
            try context.show(gauges: meters, in: &totals)
            var rows: [FeatureAdoption] = []
            for (plan, subjects) in active.sorted(by: {
                ($0.key?.text ?? "") < ($1.key?.text ?? "")
            })
            where subjects.count > 0 {
                for (place, meter) in meters.enumerated() {
                    let total = totals[plan]?[place]
                    let users = total?.subjects.count ?? 0
                    rows.append(
                        FeatureAdoption(
                            plan: plan, meter: meter.key, subjects: users,
                            activeSubjects: subjects.count,
                            rate: Ratio(users, of: subjects.count), quantity: total?.quantity ?? 0))
                }
            }
            return context.page(of: rows)
        }
    }

    /// The so many hundredths of subjects that used most of a meter, at least one.
    public func powerUsers(
        of key: MeterKey, percent: Int, _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<PowerUser> {
        guard (1...100).contains(percent) else { return .rejected(.percentOfUsers) }
        return try await report(question, rejecting: { $0.reject(meters: [key]) }) {
            (context) throws(StoreError) in
            guard let meter = context.blueprint.meter(key) else { return ([], nil) }
            let ranking = Ranking(try context.sums(of: meter))
            let (subjects, quantity) = ranking.total
            let page = try ranking.page(context, of: (subjects * percent + 99) / 100)
            let days = try context.activeDays(of: meter, by: page.rows.map(\.number))
            return (
                page.rows.map { row in
                    PowerUser(
                        subject: row.id, quantity: row.quantity,
                        share: meter.aggregation.isAdditive
                            ? Ratio(row.quantity, of: quantity) : nil,
                        activeDays: days[row.number] ?? 0)
                }, page.next
            )
        }
    }

    /// Subjects that did nothing on the last so many days of the span, by id.
    ///
    /// The question's filter selects by the plan that a subject is on now; the rest of it does not
    /// apply, and neither does `from`.
    public func idleSubjects(
        days: Int, _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<IdleSubject> {
        guard (1...36_500).contains(days) else { return .rejected(.idleDays) }
        return try await report(question) { (context) throws(StoreError) in
            try context.idle(days: Int64(days))
        }
    }
}

extension ReportContext {
    /// On how many UTC days each of these subjects moved a meter.
    fileprivate func activeDays(
        of meter: Meter, by subjects: [Int64]
    ) throws(StoreError) -> [Int64: Int64] {
        let wanted = WantedSubjects(subjects)
        var days: [Int64: Int64] = [:]
        var today: (day: Int64, events: [Int64: Int64]) = (.min, [:])
        func endDay() {
            for (subject, count) in today.events where count > 0 { days[subject, default: 0] += 1 }
        }
        try forEachRun(of: meter) { (run, _) in
            if run.day != today.day {
                endDay()
                today = (run.day, [:])
            }
            let (numbers, weights) = (run.subjects, run.weights)
            wanted.forEachPlace(in: numbers) { index in
                today.events[numbers[index], default: 0] += weights?[index] ?? 1
            }
        }
        endDay()
        return days
    }

    fileprivate func idle(days: Int64) throws(StoreError) -> (rows: [IdleSubject], next: Int?) {
        let recent = WindowSpan(
            from: span.until.advanced(byMilliseconds: -days * 86_400_000), until: span.until)
        var active = ActiveSubjects(memory)
        try scan.forEachRun(in: recent, where: { _ in true }) { (run) throws(StoreError) in
            active.add(run.subjects, run.weights)
            try memory.check()
        }
        active.settle()
        var found: [IdleSubject] = []
        var place = question.after == nil ? 0 : question.offset
        try forEachSubject(after: question.after) { (subject) throws(StoreError) in
            if active.contains(subject.number) || !isOnPlan(subject.profile) { return true }
            // Whoever came after the list was begun is not in it.
            if subject.firstSequence > lastFact { return true }
            let last = try lastActivity(of: subject, before: recent.from)
            // What was used below a team is its activity too, and does not stand in columns.
            if let last, last >= recent.from { return true }
            if place >= question.offset {
                found.append(
                    IdleSubject(
                        subject: subject.profile.id, plan: plan(of: subject.profile),
                        lastActiveAt: last,
                        idleDays: last.map {
                            (span.until.millisecondsSince1970 - $0.millisecondsSince1970)
                                / 86_400_000
                        }))
            }
            place += 1
            // One more than asked for tells whether there is a next page.
            return found.count <= question.count
        }
        return (
            Array(found.prefix(question.count)),
            found.count > question.count ? question.end : nil
        )
    }

    /// The last fact that the report is about.
    private var lastFact: Int64 { scan.cut?.sequence ?? .max }

    private func isOnPlan(_ profile: Subject) -> Bool {
        question.filter.plan.map { $0 == plan(of: profile) } ?? true
    }

    /// The plan that a subject is on now, by what its own profile says.
    func plan(of profile: Subject) -> PlanKey? {
        if let subscription = profile.subscription(at: span.until),
            subscription.applies(at: span.until)
        {
            return subscription.plan
        }
        return profile.plan ?? scan.view.catalog.defaultPlan
    }

    /// Visits subjects by id, until the visitor has seen enough.
    private func forEachSubject(
        after first: SubjectID?, _ visit: (StoredSubject) throws(StoreError) -> Bool
    ) throws(StoreError) {
        var last = first
        while true {
            let step = try scan.source.ownKeys(after: last, count: 1_000)
            for subject in step where try !visit(subject) { return }
            guard let end = step.last?.profile.id else { return }
            last = end
        }
    }

    /// When a subject did something last, before the end of the span; what it did itself, before
    /// another instant, from which on it is known to have done nothing.
    private func lastActivity(
        of subject: StoredSubject, before idle: Instant
    ) throws(StoreError) -> Instant? {
        let zone = scan.view.clocks(of: subject.profile.zones)
        let months = try scan.source.counters(ofSeries: OwnSeries.activity, of: subject.number)
        let days = months.values.flatMap { $0.state.activity.days }.filter { $0.events > 0 }
        for day in days.map(\.day).sorted(by: >) {
            // The day on which the span ends may have what is after it only.
            if let last = try lastActivity(of: subject, on: day, zone, before: idle) {
                return last
            }
        }
        return nil
    }

    private func lastActivity(
        of subject: StoredSubject, on day: Int64, _ zone: ZoneRules, before idle: Instant
    ) throws(StoreError) -> Instant? {
        let start = zone.start(of: CivilDate(daysSince1970: day))
        let end = zone.start(of: CivilDate(daysSince1970: day + 1))
        guard start < span.until else { return nil }
        var history = History(
            subject: subject.number,
            names: try scan.source.quantityNames() ?? scan.view.registry.names)
        let day = WindowSpan(from: start, until: min(end, span.until))
        for fact in try scan.source.facts(of: subject.number, days: day.utcDays)
        where fact.sequence <= lastFact {
            try history.add(fact, source: scan.source)
        }
        return history.events.filter { event in
            event.record.isCounted && day.contains(event.record.occurredAt)
                && (event.level > 0 || event.record.occurredAt < idle)
        }.map(\.record.occurredAt).max()
    }
}

extension Rejection {
    fileprivate static let percentOfUsers = Rejection(
        code: .invalidField, field: "percent", message: "expected a whole number from 1 to 100")

    fileprivate static let idleDays = Rejection(
        code: .invalidField, field: "idleDays", message: "expected a whole number from 1 to 36500")
}
