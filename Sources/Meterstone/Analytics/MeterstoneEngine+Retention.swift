public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// Windows that a report on retention may have.
    static let retentionWindowsMax = 120

    /// How many of those who began in one window came back in each of the later ones, the oldest cohort
    /// first. A subject begins with its first event ever; those who began before the span are in no cohort.
    ///
    /// - Parameters:
    ///   - window: day, week, month, quarter or year.
    ///   - key: only those who moved this meter in the window in which they began.
    public func retention(
        per window: Window, of key: MeterKey?, _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<RetentionCohort> {
        try await cohorts(per: window, [key].compactMap(\.self), question) {
            (context, spans) throws(StoreError) in
            let meters = context.blueprint.meters([key].compactMap(\.self))
            let watched = key == nil ? [] : meters
            var table: [[Int64]] = []
            try context.forEachWindow(spans, watched) { step in
                let new = step.newcomers.filter { key == nil || $0.isIn(0, step) }
                for newcomer in new { step.cohorts[newcomer.number] = table.count }
                for place in table.indices { table[place].append(0) }
                table.append([Int64(new.count)])
                for cohort in step.returning { table[cohort][table[cohort].count - 1] += 1 }
            }
            return table.enumerated().flatMap { place, counts in
                counts.enumerated().map { period, active in
                    RetentionCohort(
                        cohort: CivilDate(
                            daysSince1970: context.zone.dayNumber(containing: spans[place].from)),
                        period: Int64(period), subjects: counts[0], active: active,
                        rate: Ratio(active, of: counts[0]))
                }
            }
        }
    }

    /// Whether those who used a meter when they began came back in the next window more often than the
    /// others, of all who began in the span; the largest rate first.
    ///
    /// - Parameter keys: empty: all meters.
    public func featureRetention(
        of keys: [MeterKey], per window: Window, _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<FeatureRetention> {
        try await cohorts(per: window, keys, question) { (context, spans) throws(StoreError) in
            let meters = context.blueprint.meters(keys)
            var tallies = meters.map { _ in FeatureTally() }
            // Those who began in the window before, and which meters they moved.
            var last: [Int64: [Bool]] = [:]
            try context.forEachWindow(spans, meters) { step in
                for (number, moved) in last {
                    let isBack = step.active.contains(number)
                    for place in meters.indices { tallies[place].add(moved[place], isBack) }
                }
                last = [:]
                for newcomer in step.newcomers {
                    step.cohorts[newcomer.number] = 0
                    last[newcomer.number] = meters.indices.map { newcomer.isIn($0, step) }
                }
            }
            // Who began in the last window has had no next one.
            return zip(meters, tallies).map { meter, tally in
                FeatureRetention(
                    meter: meter.key, subjects: tally.users, retained: tally.usersBack,
                    others: tally.others, othersRetained: tally.othersBack)
            }.sorted { one, other in
                let (first, second) = (one.share, other.share)
                return first == second ? one.meter < other.meter : first > second
            }
        }
    }

    private func cohorts<Row: ReportRow>(
        per window: Window, _ keys: [MeterKey], _ question: ReportQuestion,
        _ rows: @escaping @Sendable (ReportContext, [WindowSpan]) throws(StoreError) -> [Row]
    ) async throws(StoreError) -> ReportOutcome<Row> {
        guard [.day, .month, .quarter, .year].contains(window) || window.isWeek else {
            return .rejected(.windowOfRetention)
        }
        @Sendable func windows(_ span: WindowSpan, _ zone: ZoneRules) -> [WindowSpan]? {
            window.spans(
                from: span.from, until: span.until, in: zone, anchor: nil,
                atMost: Self.retentionWindowsMax)
        }
        return try await report(
            question,
            rejecting: { blueprint, span, zone in
                blueprint.reject(meters: keys)
                    ?? (windows(span, zone) == nil ? .windowsOfRetention : nil)
            }
        ) { (context) throws(StoreError) in
            context.page(
                of: try rows(context, windows(context.span, context.zone) ?? []))
        }
    }
}

/// One window of a walk over cohorts.
private struct CohortStep {
    struct Newcomer {
        let number: Int64

        /// Whether they moved one of the watched meters.
        func isIn(_ place: Int, _ step: CohortStep) -> Bool { step.movers[place].contains(number) }
    }

    /// Who did anything, and who moved each of the watched meters.
    var active: ActiveSubjects
    var movers: [ActiveSubjects]
    /// Who did something for the first time.
    var newcomers: [Newcomer] = []
    /// The cohorts of those who did something before, one for each of them that has one.
    var returning: [Int] = []
    /// The cohort of each subject that is in one.
    var cohorts: [Int64: Int] = [:]
}

private struct FeatureTally {
    private(set) var users: Int64 = 0
    private(set) var usersBack: Int64 = 0
    private(set) var others: Int64 = 0
    private(set) var othersBack: Int64 = 0

    mutating func add(_ isUser: Bool, _ isBack: Bool) {
        if isUser {
            users += 1
            usersBack += isBack ? 1 : 0
        } else {
            others += 1
            othersBack += isBack ? 1 : 0
        }
    }
}

extension FeatureRetention {
    /// In millionths, to be compared.
    fileprivate var share: Int64 { subjects == 0 ? -1 : retained * 1_000_000 / subjects }
}

extension ReportContext {
    /// Walks over windows in the order of time.
    fileprivate func forEachWindow(
        _ spans: [WindowSpan], _ meters: [Meter], _ visit: (inout CohortStep) -> Void
    ) throws(StoreError) {
        var known = ActiveSubjects(memory)
        try forEachRun(in: WindowSpan(from: .earliest, until: span.from)) { (run) in
            known.add(run.subjects, run.weights)
        }
        known.settle()
        var seen: Set<Int64> = []
        var cohorts: [Int64: Int] = [:]
        let movements = MeterMovements(meters)
        for window in spans {
            var step = CohortStep(
                active: ActiveSubjects(memory),
                movers: meters.map { _ in ActiveSubjects(memory) }, cohorts: cohorts)
            let part = WindowSpan(
                from: max(window.from, span.from), until: min(window.until, span.until))
            try forEachRun(in: part) { (run) in
                step.active.add(run.subjects, run.weights)
                for (place, movement) in movements[run].enumerated() where movement != nil {
                    step.movers[place].add(run.subjects, run.weights)
                }
            }
            step.active.settle()
            for place in step.movers.indices { step.movers[place].settle() }
            step.active.forEach { number in
                if let cohort = cohorts[number] {
                    step.returning.append(cohort)
                } else if !known.contains(number), seen.insert(number).inserted {
                    step.newcomers.append(CohortStep.Newcomer(number: number))
                }
            }
            memory.add(Self.bytesPerNewcomer * step.newcomers.count)
            try memory.check()
            visit(&step)
            cohorts = step.cohorts
        }
    }

    /// What is remembered of one who began.
    private static let bytesPerNewcomer = 96
}

extension Window {
    fileprivate var isWeek: Bool {
        if case .week = self { return true }
        return false
    }
}

extension Rejection {
    fileprivate static let windowOfRetention = Rejection(
        code: .invalidField, field: "window",
        message: "expected day, week, month, quarter or year")

    fileprivate static let windowsOfRetention = Rejection(
        code: .invalidField, field: "window",
        message:
            "expected at most \(MeterstoneEngine.retentionWindowsMax) windows in the span")
}
