public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// Months that were closed, the oldest first.
    public func closedMonths() async throws(StoreError) -> [ClosedMonth] {
        try await view(of: nil).catalog.blueprint.closedMonths.sorted { $0.month < $1.month }
    }

    /// The month that is to be closed next, if it ended so many days ago; `nil`: there is none.
    ///
    /// Where none was ever closed it is the last one that is due, and all before it are closed with it.
    package func monthDue(afterDays days: Int64) async throws(StoreError) -> CivilMonth? {
        let view = try await view(of: nil)
        let last = view.catalog.blueprint.closedMonths.map(\.month).max()
        let due = clock().advanced(byMilliseconds: -days * 86_400_000)
        let today = CivilDate(daysSince1970: view.zone.dayNumber(containing: due))
        let newest = CivilMonth(number: CivilMonth(containing: today).number - 1)
        guard let last else { return newest }
        return last < newest ? last.next : nil
    }

    /// What a closed month came to: the same text whenever it is asked for.
    ///
    /// That of all subjects is written down when somebody first asks. That of one is told from its events; where
    /// another subject was merged into it since, with what that one used.
    ///
    /// - Parameter subject: `nil`: all together.
    public func statement(
        of month: CivilMonth, for subject: SubjectID? = nil
    ) async throws(StoreError) -> StatementOutcome {
        if let subject { return try await statement(of: month, of: subject) }
        if let text = try await storedStatement(of: month) {
            return .document(StatementDocument(text: text))
        }
        guard let closed = try await closedMonths().first(where: { $0.month == month }) else {
            return .notClosed
        }
        let text = try JSONText(MonthStatement(closed, of: nil, try await totals(of: closed))).text
        // Of two who ask at once the first is right: a merge may have come between.
        _ = try await change(
            ChangeRequest(
                change: .noteStatement(month, text: text), author: "server",
                idempotencyKey: "statement \(month)"))
        return .document(StatementDocument(text: try await storedStatement(of: month) ?? text))
    }

    private func storedStatement(of month: CivilMonth) async throws(StoreError) -> String? {
        let note = try await lastChange(ofKind: MonthStatement.kind, key: month.text)
        guard case .noteStatement(_, let text)? = note?.change else { return nil }
        return text
    }

    private func statement(
        of month: CivilMonth, of id: SubjectID
    ) async throws(StoreError) -> StatementOutcome {
        let view = try await view(of: id)
        guard let closed = view.catalog.blueprint.closedMonths.first(where: { $0.month == month })
        else { return .notClosed }
        guard let subject = view.subject else { return .unknownSubject }
        let meters = try await committer.read(.long) { (store) throws(StoreError) in
            try store.read(view) { (source) throws(StoreError) in
                try UsageReader(view, source, now: closed.closedAt).statements(closed)
            }
        }
        let statement = MonthStatement(closed, of: subject.profile.id, meters)
        return .document(StatementDocument(text: try JSONText(statement).text))
    }

    private func totals(of closed: ClosedMonth) async throws(StoreError) -> [MeterStatement] {
        let view = try await committer.read { (store) throws(StoreError) in
            try store.reportView()
        }
        let (budget, remembered) = (memory, remembered)
        return try await committer.read(.long) { (store) throws(StoreError) in
            try store.read(view) { (source) throws(StoreError) in
                let names = try source.quantityNames() ?? view.registry.names
                let context = ReportContext(
                    scan: try ColumnScan(view, source), question: ReportQuestion(),
                    span: WindowSpan(from: closed.from, until: closed.until), zone: view.zone,
                    now: closed.closedAt, memory: MemoryShare(budget), remembered: remembered)
                return try context.statements(
                    closed.meters, try closed.adjustments(in: source, names: names))
            }
        }
    }
}

extension ReportContext {
    fileprivate func statements(
        _ meters: [Meter], _ adjustments: [AdjustmentTotal]
    ) throws(StoreError) -> [MeterStatement] {
        var totals = meters.map { MeterTotal($0, memory) }
        var costs = meters.map { _ in Int128(0) }
        let movements = MeterMovements(meters)
        try forEachRun(
            withTimes: movements.needTimes, takenBackFirst: movements.needTakenBackFirst
        ) { (run) in
            let (subjects, weights) = (run.subjects, run.weights)
            var cost: Int128?
            for (place, movement) in movements[run].enumerated() {
                guard let movement else { continue }
                totals[place].add(run, movement, subjects, weights)
                let known = cost ?? run.cost(weights)
                cost = known
                costs[place] += known
            }
        }
        var result: [MeterStatement] = []
        for (place, meter) in meters.enumerated() {
            var own = [0: totals[place]]
            try show(gauge: meter, by: { _ in 0 }, in: &own)
            let total = own[0] ?? totals[place]
            result.append(
                MeterStatement(
                    meter: meter.key, aggregation: meter.aggregation, quantity: total.quantity,
                    events: total.events,
                    costMillionths: Money(trillionths: costs[place])?.millionths ?? .max,
                    adjustments: adjustments[place]))
        }
        return result
    }
}

extension ColumnRun {
    /// What its events cost together, in trillionths.
    fileprivate func cost(_ weights: [Int64]?) -> Int128 {
        guard let place = shape.costPlace else { return 0 }
        let wholes = values(place)
        let rests = shape.costRestPlace.map { values($0) }
        var sum: Int128 = 0
        for index in wholes.indices {
            let cost = Int128(wholes[index]) * 1_000_000 + Int128(rests?[index] ?? 0)
            sum += cost * Int128(weights?[index] ?? 1)
        }
        return sum
    }
}
