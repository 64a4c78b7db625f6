public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// What the subjects on each plan paid in the span, and what their usage cost.
    ///
    /// Unlike other reports it reads the history of every subscription there is: its time goes with
    /// their number. Revenue is what ``SubscriptionHistory`` says; the question's filter selects events, and of
    /// revenue only by plan.
    ///
    /// - Parameter key: a meter whose unit cost is wanted.
    public func planEconomics(
        of key: MeterKey?, _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<PlanEconomics> {
        try await report(
            question, rejecting: { $0.reject(meters: [key].compactMap(\.self)) }
        ) {
            (context) throws(StoreError) in
            let meter = key.flatMap { context.blueprint.meter($0) }
            // In trillionths.
            var sums: [PlanKey?: Int128] = [:]
            var active: [PlanKey?: ActiveSubjects] = [:]
            var totals: [PlanKey?: MeterTotal] = [:]
            let movements = MeterMovements([meter].compactMap(\.self))
            try context.forEachRun(
                withTimes: movements.needTimes, takenBackFirst: movements.needTakenBackFirst
            ) { (run) in
                let plan = run.shape.plan
                let (subjects, weights) = (run.subjects, run.weights)
                active[plan, default: ActiveSubjects(context.memory)].add(subjects, weights)
                if let place = run.shape.costPlace {
                    sums[plan, default: 0] +=
                        1_000_000
                        * RunUnits(run, .value(place)).sum(count: subjects.count, weights)
                }
                if let place = run.shape.costRestPlace {
                    sums[plan, default: 0] += RunUnits(run, .value(place))
                        .sum(count: subjects.count, weights)
                }
                if let meter, let movement = movements[run][0] {
                    totals[plan, default: MeterTotal(meter, context.memory)].add(
                        run, movement, subjects, weights)
                }
            }
            if let meter { try context.show(gauge: meter, by: { $0.plan }, in: &totals) }
            let costs = sums.mapValues { (Money(trillionths: $0) ?? .largest).millionths }
            let revenue = try context.revenueByPlan()
            let plans = Set(active.filter { $0.value.count > 0 }.keys)
                .union(revenue.keys.map { Optional($0) })
            let rows = plans.sorted { ($0?.text ?? "") < ($1?.text ?? "") }.map { plan in
                let quantity = meter == nil ? nil : totals[plan]?.quantity ?? 0
                return PlanEconomics(
                    plan: plan, subjects: active[plan]?.count ?? 0,
                    revenueMillionths: plan.flatMap { revenue[$0] }?.millionths ?? 0,
                    costMillionths: costs[plan] ?? 0, quantity: quantity,
                    unitCostMillionths: meter?.aggregation.isAdditive == true
                        ? quantity.flatMap { Ratio(costs[plan] ?? 0, of: $0) } : nil)
            }
            return context.page(of: rows)
        }
    }
}

extension ReportContext {
    /// What billing periods cost that began in the span.
    fileprivate func revenueByPlan() throws(StoreError) -> [PlanKey: Money] {
        var result: [PlanKey: Money] = [:]
        try forEachPayment { (_, plan, money) in
            result[plan] = (result[plan] ?? .zero).adding(money) ?? Money(millionths: .max)
        }
        return result
    }

    /// Visits what each subject paid for each plan, for billing periods that began in the span.
    ///
    /// - Parameter visit: the number of a subject that nothing is stored of is 0.
    func forEachPayment(
        _ visit: (_ number: Int64, _ plan: PlanKey, _ money: Money) -> Void
    ) throws(StoreError) {
        let plans = try scan.planHistory()
        var renamed: Set<Int64> = []
        try scan.source.forEachSubscriber { (key) throws(StoreError) in
            let stored = try scan.source.meant(by: key)
            if let stored, !stored.aliases.isEmpty {
                // There are changes under each of its keys.
                guard renamed.insert(stored.number).inserted else { return }
            }
            let profile = stored?.profile ?? Subject(id: key)
            let id = profile.id
            let history = SubscriptionHistory(
                try scan.profileVersions(of: id), plans: plans,
                zone: scan.view.clocks(of: profile.zones), now: now,
                defaultPlan: scan.view.catalog.defaultPlan)
            for (plan, money) in history.revenueByPlan(in: span)
            where question.filter.plan.map({ $0 == plan }) ?? true {
                visit(stored?.number ?? 0, plan, money)
            }
        }
    }
}
