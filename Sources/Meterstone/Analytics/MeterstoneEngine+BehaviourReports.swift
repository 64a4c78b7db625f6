public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// How many subjects took each of these steps.
    ///
    /// - Parameters:
    ///   - types: at least two types of events. Failed and cancelled ones are no steps, unless the
    ///     question asks for a status.
    ///   - isOrdered: count a subject at a step only when it took the steps before first, each no later
    ///     than the next; otherwise each step by itself.
    public func funnel(
        of types: [String], isOrdered: Bool, _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<FunnelStep> {
        guard types.count >= 2 else { return .rejected(.stepsOfFunnel) }
        return try await report(question) { (context) throws(StoreError) in
            let counts =
                try isOrdered ? context.orderedSteps(types) : context.steps(types)
            let rows = types.indices.map { place in
                FunnelStep(
                    type: types[place], subjects: counts[place],
                    rateOfFirst: Ratio(counts[place], of: counts[0]),
                    rateOfPrevious: place == 0
                        ? nil : Ratio(counts[place], of: counts[place - 1]))
            }
            return context.page(of: rows)
        }
    }

    /// How operations ended, by type and subtype, the most frequent first.
    ///
    /// - Parameter minimumEvents: those with fewer events are left out.
    public func errorRates(
        minimumEvents: Int, _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<ErrorRate> {
        guard minimumEvents >= 0 else { return .rejected(.minimumEvents) }
        return try await report(question) { (context) throws(StoreError) in
            var operations: [OperationName: OperationSum] = [:]
            try context.forEachRun(where: { $0.type != nil || $0.subtype != nil }) { (run) in
                let name = OperationName(type: run.shape.type, subtype: run.shape.subtype)
                operations[name, default: OperationSum()].add(run)
            }
            let rows = operations.filter { $0.value.events >= max(1, Int64(minimumEvents)) }
                .map { name, sum in
                    ErrorRate(
                        type: name.type, subtype: name.subtype, events: sum.events,
                        failed: sum.failed, cancelled: sum.cancelled,
                        errorRate: Ratio(sum.failed, of: sum.events),
                        averageDurationMs: sum.durations.average,
                        p50DurationMs: sum.durations.percentile(50),
                        p95DurationMs: sum.durations.percentile(95))
                }.sorted {
                    ($1.events, $0.type ?? "", $0.subtype ?? "")
                        < ($0.events, $1.type ?? "", $1.subtype ?? "")
                }
            return context.page(of: rows)
        }
    }

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
            let needsTimes = meters.contains { $0.aggregation == .latest }
            try context.forEachRun(withTimes: needsTimes) { (run) in
                let plan = run.shape.plan
                active[plan, default: ActiveSubjects()].add(run.subjects, run.weights)
                for (place, meter) in meters.enumerated() {
                    guard let movement = meter.movement(of: run.shape) else { continue }
                    totals[plan, default: meters.map { MeterTotal($0) }][place].add(run, movement)
                }
            }
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
                        share: Ratio(row.quantity, of: quantity), activeDays: days[row.number] ?? 0)
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
        // Who was active last shows in the tables only.
        try await flush()
        return try await report(question) { (context) throws(StoreError) in
            try context.idle(days: Int64(days))
        }
    }
}

/// The kinds of operations that are told apart.
private struct OperationName: Hashable {
    var type: String?
    var subtype: String?
}

/// How operations of one kind ended.
private struct OperationSum {
    var events: Int64 = 0
    var failed: Int64 = 0
    var cancelled: Int64 = 0
    var durations = Durations()

    mutating func add(_ run: ColumnRun) {
        let weights = run.weights
        let count = weights.map { $0.reduce(0, +) } ?? Int64(run.subjects.count)
        events += count
        switch run.shape.status {
        case .success: break
        case .failed: failed += count
        case .cancelled: cancelled += count
        }
        if let place = run.shape.durationPlace { durations.add(run.values(place), weights) }
    }
}

/// How often each duration occurred, exactly.
struct Durations {
    /// Milliseconds that index an array; longer ones are few, and go into a dictionary.
    private static let denseMax = 65_536
    private var short: [Int64] = []
    private var long: [Int64: Int64] = [:]
    private var count: Int64 = 0
    private var sum: Int64 = 0

    mutating func add(_ values: [Int64], _ weights: [Int64]?) {
        if short.isEmpty { short = Array(repeating: 0, count: Self.denseMax) }
        for index in values.indices {
            let (value, weight) = (values[index], weights?[index] ?? 1)
            count += weight
            sum &+= value &* weight
            if value >= 0, value < Self.denseMax {
                short[Int(value)] += weight
            } else {
                long[value, default: 0] += weight
            }
        }
    }

    var average: Ratio? { Ratio(sum, of: count) }

    /// The smallest duration that at least so many hundredths of all stay within (nearest rank).
    func percentile(_ percent: Int64) -> Int64? {
        guard count > 0 else { return nil }
        let rank = (count * percent + 99) / 100
        var passed: Int64 = 0
        for (value, number) in short.enumerated() {
            passed += number
            if passed >= rank { return Int64(value) }
        }
        for (value, number) in long.sorted(by: { $0.key < $1.key }) {
            passed += number
            if passed >= rank { return value }
        }
        return nil
    }
}

extension ReportContext {
    private func isStep(_ shape: ColumnShape) -> Bool {
        question.filter.status != nil || shape.status == .success
    }

    /// How many subjects did each of these at all.
    fileprivate func steps(_ types: [String]) throws(StoreError) -> [Int64] {
        var subjects = Array(repeating: ActiveSubjects(), count: types.count)
        try forEachRun(where: { isStep($0) && types.contains($0.type ?? "") }) { (run) in
            for (place, type) in types.enumerated() where type == run.shape.type {
                subjects[place].add(run.subjects, run.weights)
            }
        }
        return subjects.map(\.count)
    }

    /// One subject doing one thing at one instant.
    private struct Deed: Hashable {
        var subject: Int64
        var time: Int64
    }

    /// How many subjects did these one after the other: for each step, when each subject first took it
    /// after the steps before.
    fileprivate func orderedSteps(_ types: [String]) throws(StoreError) -> [Int64] {
        var counts: [Int64] = []
        var before: SubjectInstants?
        for type in types {
            func isOfStep(_ shape: ColumnShape) -> Bool { isStep(shape) && shape.type == type }
            // What was taken back may stand anywhere after what it takes back.
            var taken: [Deed: Int64] = [:]
            try forEachRun(withTimes: true, where: isOfStep) { (run) in
                guard let weights = run.weights else { return }
                let (subjects, times) = (run.subjects, run.times)
                for index in subjects.indices where weights[index] < 0 {
                    taken[Deed(subject: subjects[index], time: times[index]), default: 0] -=
                        weights[index]
                }
            }
            var first = SubjectInstants()
            try forEachRun(withTimes: true, where: isOfStep) { (run) in
                let (subjects, times, weights) = (run.subjects, run.times, run.weights)
                for index in subjects.indices where weights?[index] ?? 1 > 0 {
                    let (subject, time) = (subjects[index], times[index])
                    if !taken.isEmpty {
                        let deed = Deed(subject: subject, time: time)
                        if let number = taken[deed], number > 0 {
                            taken[deed] = number - 1
                            continue
                        }
                    }
                    if let before, !(before[subject].map { $0 <= time } ?? false) { continue }
                    first.note(time, of: subject)
                }
            }
            counts.append(first.count)
            before = first
        }
        return counts
    }

    /// On how many UTC days each of these subjects moved a meter.
    fileprivate func activeDays(
        of meter: Meter, by subjects: [Int64]
    ) throws(StoreError) -> [Int64: Int64] {
        let wanted = Set(subjects)
        var events: [Deed: Int64] = [:]
        try forEachRun(of: meter) { (run, _) in
            let weights = run.weights
            for (index, subject) in run.subjects.enumerated() where wanted.contains(subject) {
                events[Deed(subject: subject, time: run.day), default: 0] += weights?[index] ?? 1
            }
        }
        return events.reduce(into: [:]) { result, entry in
            if entry.value > 0 { result[entry.key.subject, default: 0] += 1 }
        }
    }

    fileprivate func idle(days: Int64) throws(StoreError) -> (rows: [IdleSubject], next: Int?) {
        let recent = WindowSpan(
            from: span.until.advanced(byMilliseconds: -days * 86_400_000), until: span.until)
        var active = ActiveSubjects()
        try scan.forEachRun(in: recent, where: { _ in true }) { (run) in
            active.add(run.subjects, run.weights)
        }
        var found: [StoredSubject] = []
        var place = 0
        try forEachSubject { (subject) in
            if active.contains(subject.number) || !isOnPlan(subject.profile) { return true }
            if place >= question.offset { found.append(subject) }
            place += 1
            // One more than asked for tells whether there is a next page.
            return found.count <= question.count
        }
        let rows = try found.prefix(question.count).map { (subject) throws(StoreError) in
            let last = try lastActivity(of: subject)
            return IdleSubject(
                subject: subject.profile.id, plan: plan(of: subject.profile), lastActiveAt: last,
                idleDays: last.map {
                    (span.until.millisecondsSince1970 - $0.millisecondsSince1970) / 86_400_000
                })
        }
        return (rows, found.count > question.count ? question.end : nil)
    }

    private func isOnPlan(_ profile: Subject) -> Bool {
        question.filter.plan.map { $0 == plan(of: profile) } ?? true
    }

    /// The plan that a subject is on now, by what its own profile says.
    func plan(of profile: Subject) -> PlanKey? {
        if let subscription = profile.subscription, subscription.applies(at: span.until) {
            return subscription.plan
        }
        return profile.plan ?? scan.view.catalog.defaultPlan
    }

    /// Visits subjects by id, until the visitor has seen enough.
    private func forEachSubject(_ visit: (StoredSubject) -> Bool) throws(StoreError) {
        var waiting: [SubjectID: StoredSubject] = [:]
        for row in scan.view.subjects { waiting[row.subject.profile.id] = row.subject }
        var last: SubjectID?
        while true {
            let step = try scan.source.subjects(after: last, count: 1_000)
            let end = step.last?.profile.id
            var merged: [SubjectID: StoredSubject] = [:]
            for subject in step { merged[subject.profile.id] = subject }
            for (id, subject) in waiting
            where last.map({ $0 < id }) ?? true && end.map({ id <= $0 }) ?? true {
                merged[id] = subject
            }
            for id in merged.keys.sorted() {
                if let subject = merged[id], !visit(subject) { return }
            }
            guard let end else { return }
            last = end
        }
    }

    /// When a subject did something last, before the end of the span.
    private func lastActivity(of subject: StoredSubject) throws(StoreError) -> Instant? {
        let zone = subject.profile.timeZone.flatMap { scan.view.zones($0) } ?? scan.view.zone
        let months = try scan.source.counters(ofSeries: OwnSeries.activity, of: subject.number)
        let days = months.values.flatMap { $0.state.activity.days }
            .filter {
                $0.events > 0 && zone.start(of: CivilDate(daysSince1970: $0.day)) < span.until
            }
        guard let last = days.max(by: { $0.day < $1.day })?.day else { return nil }
        let start = zone.start(of: CivilDate(daysSince1970: last))
        let end = zone.start(of: CivilDate(daysSince1970: last + 1))
        var history = History(
            subject: subject.number,
            names: try scan.source.quantityNames() ?? scan.view.registry.names)
        let day = WindowSpan(from: start, until: min(end, span.until))
        for fact in try scan.source.facts(of: subject.number, days: day.utcDays) {
            try history.add(fact, source: scan.source)
        }
        return history.events.filter(\.record.isCounted).map(\.record.occurredAt)
            .filter { day.contains($0) }.max()
    }
}

/// When each subject did something first.
private struct SubjectInstants {
    private static let denseMax: Int64 = 1 << 23
    private var dense: [Int64] = []
    private var sparse: [Int64: Int64] = [:]
    private(set) var count: Int64 = 0

    subscript(subject: Int64) -> Int64? {
        guard subject < Self.denseMax else { return sparse[subject] }
        guard Int(subject) < dense.count, dense[Int(subject)] != .max else { return nil }
        return dense[Int(subject)]
    }

    mutating func note(_ time: Int64, of subject: Int64) {
        let known = self[subject]
        if known == nil { count += 1 }
        guard time < known ?? .max else { return }
        guard subject < Self.denseMax else {
            sparse[subject] = time
            return
        }
        if Int(subject) >= dense.count {
            let size = min(max(Int(subject) + 1, dense.count * 2), Int(Self.denseMax))
            dense += Array(repeating: .max, count: size - dense.count)
        }
        dense[Int(subject)] = time
    }
}

extension Rejection {
    fileprivate static let stepsOfFunnel = Rejection(
        code: .invalidField, field: "types", message: "expected at least two types of events")

    fileprivate static let minimumEvents = Rejection(
        code: .invalidField, field: "minimumEvents", message: "expected a whole number from 0")

    fileprivate static let percentOfUsers = Rejection(
        code: .invalidField, field: "percent", message: "expected a whole number from 1 to 100")

    fileprivate static let idleDays = Rejection(
        code: .invalidField, field: "idleDays", message: "expected a whole number from 1 to 36500")
}
