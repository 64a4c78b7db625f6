import MeterstoneCore

/// What the limits say of what an event moves.
struct Evaluation {
    /// What every limit would say after the event. Of an event that is only recorded: the subject's own
    /// of which nothing is left.
    var statuses: [LimitStatus] = []
    /// Which of ``statuses`` the event goes beyond, by place; mostly none.
    var exceeded: [Int] = []
    /// What refuses the event.
    var violations: [Violation] = []
    /// What the event uses beyond allowances that the subject itself has.
    var overages: [LimitOverage] = []
    /// For each movement, how many of its units credits have to pay; empty: none of any.
    var payable: [Int64] = []

    /// The short form of ``statuses`` that is kept with the event.
    ///
    /// - Parameter levels: what the event counts for. One may have no status, where limits are for some only.
    func answers(of levels: Levels) -> [LimitAnswer] {
        var (above, level) = (levels, 0)
        var subject = above.next()
        var answers: [LimitAnswer] = []
        answers.reserveCapacity(statuses.count)
        for (place, status) in statuses.enumerated() {
            while let ancestor = status.ancestor, let known = subject, known.id != ancestor {
                subject = above.next()
                level += 1
            }
            answers.append(
                LimitAnswer(
                    limit: status.definition.number, level: level, mode: status.mode,
                    isExceeded: exceeded.contains(place), allowance: status.allowance.wire,
                    used: status.used.units,
                    resetsAt: status.window.isOfInstants ? status.resetsAt : nil,
                    isBeyondValues: status.isBeyondValues))
        }
        return answers
    }

    /// Notes what goes beyond an allowance with one more movement.
    mutating func addOverage(
        of definition: LimitDefinition, _ mode: LimitMode, _ reading: LimitReading
    ) {
        guard mode != .shadow, definition.canHaveOverage, let units = reading.overage else {
            return
        }
        overages.append(LimitOverage(limit: definition.number, units: units))
    }
}

/// A limit that refused.
struct Violation {
    /// Its place in ``Evaluation/statuses``.
    let status: Int
    let subject: SubjectState
    let movement: Movement
    let reading: LimitReading
}

extension WorkingSet {
    /// What every limit would say after the event, what refuses it, and what credits have to pay
    /// instead.
    func evaluate(
        _ movements: Movements, _ levels: Levels, _ details: EventDetails?, at instant: Instant,
        isReservation: Bool
    ) throws(StoreError) -> Evaluation {
        var result = Evaluation()
        var isOwn = true
        var member: Int64 = 0
        for subject in levels {
            if isOwn {
                result.statuses.reserveCapacity(movements.limitCount)
                result.payable = unitsToPay(of: movements, by: subject, at: instant)
            }
            for (place, movement) in movements.enumerated() {
                for definition in movement.meter.limits where definition.concerns(details) {
                    let value = definition.value(of: details)
                    let isAsideOfIt = definition.limit.window == .concurrent && !isReservation
                    let reading = try read(
                        definition, value, of: subject, adding: isAsideOfIt ? nil : movement,
                        by: member, at: instant)
                    let isExceeded = reading.isExceeded
                    let mode = subject.mode(of: definition, at: instant, catalog: catalog)
                    if isExceeded {
                        result.exceeded.append(result.statuses.count)
                        if mode == .enforce,
                            !pays(movement, reading, beyond: definition, &result.payable, at: place)
                        {
                            result.violations.append(
                                Violation(
                                    status: result.statuses.count, subject: subject,
                                    movement: movement, reading: reading))
                        }
                        if isOwn { result.addOverage(of: definition, mode, reading) }
                    }
                    if definition.isLeftOut(
                        for: subject.id, allowing: reading.allowance, at: instant)
                    {
                        continue
                    }
                    result.statuses.append(
                        LimitStatus(
                            definition: definition, value: value,
                            isBeyondValues: reading.isBeyondValues,
                            ancestor: isOwn ? nil : subject.id, allowance: reading.allowance,
                            used: Quantity(reading.after), resetsAt: reading.resetsAt,
                            wouldHaveDenied: try refusals(
                                definition, value, of: subject, at: instant
                            ).map { $0 + (isExceeded ? 1 : 0) }, mode: mode,
                            isExceeded: isExceeded, parts: reading.parts))
                }
            }
            if isOwn { member = subject.memberNumber }
            isOwn = false
        }
        return result
    }

    /// What of an event that is only recorded goes beyond the subject's own allowances, and which of
    /// them it leaves nothing of, as the answer to a consume would tell them.
    func evaluateRecord(
        _ movements: Movements, of state: SubjectState, _ details: EventDetails?,
        at instant: Instant
    ) throws(StoreError) -> Evaluation {
        var result = Evaluation()
        for movement in movements {
            for definition in movement.meter.limits
            where definition.limit.window != .concurrent && definition.concerns(details) {
                let value = definition.value(of: details)
                let reading = try read(definition, value, of: state, adding: movement, at: instant)
                let mode = state.mode(of: definition, at: instant, catalog: catalog)
                result.addOverage(of: definition, mode, reading)
                guard case .units(let allowed) = reading.allowance, reading.after >= allowed.units
                else { continue }
                // None is exceeded: a record is nothing that a shadow limit would have refused.
                result.statuses.append(
                    LimitStatus(
                        definition: definition, value: value,
                        isBeyondValues: reading.isBeyondValues, ancestor: nil,
                        allowance: reading.allowance, used: Quantity(reading.after),
                        resetsAt: reading.resetsAt,
                        mode: mode, parts: reading.parts))
            }
        }
        return result
    }

    /// Why an event is refused, and what every limit says without it: after a refusal nothing was used.
    func refusal(
        _ evaluation: Evaluation, of state: SubjectState, at instant: Instant
    ) throws(StoreError) -> Decision {
        let statuses = try rewound(evaluation.statuses, state, instant)
        var retryAt: Instant? = .earliest
        for violation in evaluation.violations {
            let definition = statuses[violation.status].definition
            guard let known = retryAt,
                let own = try rooms(
                    for: alone(violation.movement), in: violation.reading, definition,
                    statuses[violation.status].value, of: violation.subject, at: instant
                ).first(where: { $0.beyond == 0 })?.at
            else {
                retryAt = nil
                break
            }
            retryAt = max(known, own)
        }
        let denial = Denial(
            reason: .limitExceeded,
            violated: evaluation.violations.map { statuses[$0.status].limit }.unique,
            retryAt: retryAt,
            plansThatAllow: plansThatAllow(evaluation, statuses, of: state, at: instant),
            fallback: evaluation.violations.lazy.compactMap {
                statuses[$0.status].definition.limit.fallback
            }.first)
        return Decision(denial: denial, isDuplicate: false, eventID: nil, limits: statuses)
    }

    /// What limits say when the event is not counted.
    func rewound(
        _ statuses: [LimitStatus], _ state: SubjectState, _ instant: Instant
    ) throws(StoreError) -> [LimitStatus] {
        var result: [LimitStatus] = []
        result.reserveCapacity(statuses.count)
        for status in statuses {
            let subject =
                try status.ancestor.map { (id) throws(StoreError) in try self.state(of: id) }
                ?? state
            result.append(
                try self.status(status.definition, status.value, of: subject, below: state, instant)
            )
        }
        return result
    }

    /// - Parameter statuses: without the event.
    private func plansThatAllow(
        _ evaluation: Evaluation, _ statuses: [LimitStatus], of state: SubjectState,
        at instant: Instant
    ) -> [PlanKey] {
        let isOverridden = statuses.map { status in
            let subject = status.ancestor.flatMap { subjects[$0] } ?? state
            return subject.override(of: status.limit, at: instant) != nil
        }
        // No plan changes what an override says.
        if evaluation.violations.contains(where: { isOverridden[$0.status] }) { return [] }
        return catalog.plans.map(\.key).filter { plan in
            statuses.indices.allSatisfy { index in
                let subject = statuses[index].ancestor.flatMap { subjects[$0] } ?? state
                let mode = subject.mode(
                    of: statuses[index].definition, under: plan, at: instant)
                guard mode == .enforce, !isOverridden[index], !statuses[index].isBeyondValues
                else { return mode != .enforce || isOverridden[index] }
                let allowed = subject.allowance(
                    of: statuses[index].definition, statuses[index].value, under: plan,
                    at: instant, catalog: catalog)
                guard case .units(let units) = allowed.allowance.carrying(statuses[index].carried)
                else { return true }
                let after = evaluation.statuses[index].used
                return after <= units || after <= statuses[index].used
            }
        }
    }
}

extension Movements {
    /// Limits of the meters that are moved.
    fileprivate var limitCount: Int { reduce(0) { $0 + $1.meter.limits.count } }
}

extension Array where Element: Equatable {
    /// Each element once, where it stands first.
    var unique: [Element] {
        reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
}
