public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// How many sessions were completed under each plan, and how long they were, by the meters that the
    /// statistics policy names; no rows where it names none.
    public func sessionQuality(
        _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<SessionQuality> {
        try await report(question) { (context) throws(StoreError) in
            guard let sessions = context.blueprint.statistics?.sessions else { return ([], nil) }
            let keys =
                [sessions.completed, sessions.length] + [sessions.longest].compactMap(\.self)
            let totals = try context.totals(of: context.blueprint.meters(keys))
            let rows = totals.sorted { ($0.key?.text ?? "") < ($1.key?.text ?? "") }.compactMap {
                plan, totals -> SessionQuality? in
                let (count, subjects) = (totals[0].quantity, totals[0].subjects.count)
                guard subjects > 0 else { return nil }
                return SessionQuality(
                    plan: plan, subjects: subjects, sessions: count,
                    averageLength: Ratio(totals[1].quantity, of: count),
                    longest: totals.count > 2 ? totals[2].quantity : nil,
                    sessionsPerSubject: Ratio(count, of: subjects))
            }
            return context.page(of: rows)
        }
    }

    /// What those paid in the span who used a meter under a plan, by plan and meter.
    ///
    /// It reads the history of every subscription there is, as ``planEconomics(of:_:)`` does.
    ///
    /// - Parameter keys: empty: all meters.
    public func featureValue(
        of keys: [MeterKey], _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<FeatureValue> {
        try await report(question, rejecting: { $0.reject(meters: keys) }) {
            (context) throws(StoreError) in
            let meters = context.blueprint.meters(keys)
            var totals = try context.totals(of: meters)
            for plan in totals.keys {
                for place in meters.indices { totals[plan]?[place].settle() }
            }
            var revenue: [PlanKey: [Money]] = [:]
            try context.forEachPayment { (number, plan, money) in
                for place in meters.indices
                where totals[plan]?[place].subjects.contains(number) ?? false {
                    var sums = revenue[plan] ?? Array(repeating: .zero, count: meters.count)
                    sums[place] = sums[place].adding(money) ?? Money(millionths: .max)
                    revenue[plan] = sums
                }
            }
            var rows: [FeatureValue] = []
            for (plan, totals) in totals.sorted(by: {
                ($0.key?.text ?? "") < ($1.key?.text ?? "")
            }) {
                for (place, meter) in meters.enumerated() where totals[place].subjects.count > 0 {
                    rows.append(
                        FeatureValue(
                            plan: plan, meter: meter.key, subjects: totals[place].subjects.count,
                            quantity: totals[place].quantity,
                            revenueMillionths: plan.flatMap { revenue[$0]?[place].millionths }
                                ?? 0))
                }
            }
            return context.page(of: rows)
        }
    }
}

extension ReportContext {
    /// What each meter comes to under each plan, by the plan at the time of use.
    fileprivate func totals(
        of meters: [Meter]
    ) throws(StoreError) -> [PlanKey?: [MeterTotal]] {
        var totals: [PlanKey?: [MeterTotal]] = [:]
        let movements = MeterMovements(meters)
        try forEachRun(
            withTimes: movements.needTimes, takenBackFirst: movements.needTakenBackFirst
        ) { (run) in
            let (subjects, weights) = (run.subjects, run.weights)
            for (place, movement) in movements[run].enumerated() {
                guard let movement else { continue }
                totals[run.shape.plan, default: meters.map { MeterTotal($0, memory) }][place]
                    .add(run, movement, subjects, weights)
            }
        }
        try show(gauges: meters, in: &totals)
        return totals
    }
}
