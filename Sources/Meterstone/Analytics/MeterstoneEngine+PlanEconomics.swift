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
            let sums = try context.sumsByPlan(of: meter)
            var shown: [PlanKey?: MeterTotal] = [:]
            if let meter { try context.show(gauge: meter, by: { $0.plan }, in: &shown) }
            let revenue = try context.revenueByPlan()
            let plans = Set(sums.filter { $0.value.subjects > 0 }.keys)
                .union(revenue.keys.map { Optional($0) })
            let rows = plans.sorted { ($0?.text ?? "") < ($1?.text ?? "") }.map { plan in
                let quantity =
                    meter == nil ? nil : shown[plan]?.quantity ?? sums[plan]?.quantity ?? 0
                let cost = sums[plan]?.costMillionths ?? 0
                return PlanEconomics(
                    plan: plan, subjects: sums[plan]?.subjects ?? 0,
                    revenueMillionths: plan.flatMap { revenue[$0] }?.millionths ?? 0,
                    costMillionths: cost, quantity: quantity,
                    unitCostMillionths: meter?.aggregation.isAdditive == true
                        ? quantity.flatMap { Ratio(cost, of: $0) } : nil)
            }
            return context.page(of: rows)
        }
    }
}

/// What was used under a plan.
private struct PlanState: FoldState {
    // In trillionths.
    var cost: Int128 = 0
    var active: ActiveSubjects
    var total: MeterTotal?

    init(_ meter: Meter?, _ memory: MemoryShare) {
        active = ActiveSubjects(memory)
        total = meter.map { MeterTotal($0, memory) }
    }

    var bytes: Int { active.bytes + (total?.bytes ?? 0) }

    mutating func tell(_ memory: MemoryShare?) {
        active.tell(memory)
        total?.tell(memory)
    }

    mutating func add(_ run: ColumnRun, _ movement: ShapeMovement?) {
        let (subjects, weights) = (run.subjects, run.weights)
        active.add(subjects, weights)
        let parts: [(Int?, Int128)] = [
            (run.shape.costPlace, 1_000_000), (run.shape.costRestPlace, 1),
        ]
        for (place, factor) in parts {
            guard let place else { continue }
            cost += factor * RunUnits(run, .value(place)).sum(count: subjects.count, weights)
        }
        if let movement { total?.add(run, movement, subjects, weights) }
    }
}

private struct PlanSum {
    let subjects: Int64
    let costMillionths: Int64
    let quantity: Int64?

    init(_ state: PlanState) {
        subjects = state.active.count
        costMillionths = (Money(trillionths: state.cost) ?? .largest).millionths
        quantity = state.total?.quantity
    }
}

extension ReportContext {
    /// - Parameter meter: of which the quantity is wanted; not of gauges.
    fileprivate func sumsByPlan(of meter: Meter?) throws(StoreError) -> [PlanKey?: PlanSum] {
        let movements = MeterMovements([meter].compactMap(\.self))
        let start: [PlanKey?: PlanState] = [:]
        return try result(
            of: RememberedFold(
                part: .plans(meter), withTimes: movements.needTimes,
                takenBackFirst: movements.needTakenBackFirst, start: start),
            bytes: { 128 * $0.count }, as: { $0.mapValues(PlanSum.init) }
        ) { (plans, run) in
            plans[run.shape.plan, default: PlanState(meter, memory)]
                .add(run, meter == nil ? nil : movements[run][0])
        }
    }

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
