import MeterstoneCore

extension WorkingSet {
    /// Decides one consume: everything that the event moves, on every level, or nothing.
    ///
    /// The order in which a request can fail is fixed: event id, time, parts that are out of bounds,
    /// negative quantities, unknown ones, nothing to count, blocked, overflow, limits, credits.
    ///
    /// - Parameter records: `false` decides only, and changes nothing.
    func consume(
        _ event: UsageEvent, at now: Instant, records: Bool
    ) throws(StoreError) -> ConsumeOutcome {
        // A repeat is answered also when its time has become too late meanwhile.
        if let id = event.id,
            let known = try find(id, source: event.details?.source, at: now)
        {
            // What is set aside is not used up.
            guard known.record.reservation == nil else { return .conflict(id) }
            return try repeated(event, as: known)
        }
        return try decide(event, at: now, records: records, terms: nil)
    }

    /// What ``reserve(_:_:at:)`` would decide, whatever the terms. Nothing changes.
    func checkReservation(
        _ event: UsageEvent, at now: Instant
    ) throws(StoreError) -> ConsumeOutcome {
        if let id = event.id, let known = try find(id, source: event.details?.source, at: now) {
            guard known.record.reservation != nil else { return .conflict(id) }
            try expireDue(known.subject, at: now)
            return try repeated(event, as: known)
        }
        let outcome = try decide(event, at: now, records: false, terms: ReservationTerms())
        if !options.isTrackingEnabled, case .decided(let decision) = outcome, decision.isAllowed {
            return .rejected(.trackingDisabled)
        }
        return outcome
    }

    /// Decides an event whose id is new, and counts it when it is allowed.
    ///
    /// - Parameter terms: of a reservation; `nil`: it is used up at once.
    func decide(
        _ event: UsageEvent, at now: Instant, records: Bool, terms: ReservationTerms?
    ) throws(StoreError) -> ConsumeOutcome {
        let occurredAt = event.occurredAt ?? now
        if let rejection = reject(occurredAt, now) { return .rejected(rejection) }
        let state = try state(of: event.subject)
        let levels = Levels(state, at: occurredAt)
        // Before anything is noted of the event: what expires has movements of its own.
        try expireDue(levels, at: now)
        if let rejection = moves(event) { return .rejected(rejection) }
        guard !movements.isEmpty else { return .rejected(.nothingToCount) }
        if let blocked = state.blockedLevel {
            return .decided(
                Decision(
                    denial: Denial(reason: .subjectBlocked(blocked)), isDuplicate: false,
                    eventID: nil, limits: try currentStatuses(state, occurredAt)))
        }
        let isReservation = terms != nil
        if occurredAt > now, let rejection = begins(levels, event.details, at: occurredAt, now) {
            return .rejected(rejection)
        }
        guard try fits(levels, event.details, at: occurredAt, isReservation: isReservation) else {
            return .rejected(.quantityOverflow)
        }
        if isReservation, try !hasRoomToReserve(levels) {
            return .rejected(.tooManyReservations(options.openReservationsMax))
        }
        if let denial = try evaluate(
            levels, event.details, at: occurredAt, isReservation: isReservation)
        {
            return .decided(
                Decision(denial: denial, isDuplicate: false, eventID: nil, limits: statuses))
        }
        let payment = try payment(from: state, at: now)
        if let payment, !payment.isCovered {
            return .decided(try unpaid(payment, state, occurredAt))
        }
        guard records else {
            return .decided(
                Decision(
                    denial: nil, isDuplicate: false, eventID: nil, limits: statuses,
                    credits: payment?.charge))
        }
        let reservation = terms.map { terms in
            ReservationRecord(
                terms: terms, expiresAt: now.advanced(byMilliseconds: terms.milliseconds),
                payable: payment == nil ? .none : payableQuantities)
        }
        let id = try count(
            event, of: state, occurredAt: occurredAt, now: now,
            reservation: reservation, payment: payment)
        return .decided(
            Decision(
                denial: nil, isDuplicate: false, eventID: id, limits: statuses,
                credits: payment?.charge))
    }

    /// Fills ``movements``; rejects an event of which a part is out of bounds, or that carries a
    /// quantity which is negative, or which no meter knows.
    func moves(_ event: UsageEvent) -> Rejection? {
        if let rejection = event.quantities.boundsRejection ?? event.details?.boundsRejection {
            return rejection
        }
        if let name = event.quantities.firstNegative { return .negativeQuantity(name) }
        catalog.movements(of: event, into: &movements)
        // A plain event that moves its meter carries nothing unknown.
        if event.details == nil, case .one = event.quantities, !movements.isEmpty { return nil }
        return catalog.unknownQuantity(of: event).map { .unknownMeter($0) }
    }

    func reject(_ occurredAt: Instant, _ now: Instant) -> Rejection? {
        let late = options.lateMillisecondsMax.map { now.advanced(byMilliseconds: -$0) }
        let earliest = max(Instant(millisecondsSince1970: 0), late ?? .earliest)
        let latest = now.advanced(byMilliseconds: options.earlyMillisecondsMax)
        if occurredAt >= earliest, occurredAt <= latest { return nil }
        return Rejection(
            code: .occurredAtOutOfRange, field: "occurredAt",
            message: "expected an instant from \(earliest.rfc3339) to \(latest.rfc3339)")
    }

    /// Why units cannot be used at an instant that is still to come: a window of a limit that they count
    /// in has not begun, and what it allows is not there yet.
    private func begins(
        _ levels: Levels, _ details: EventDetails?, at instant: Instant, _ now: Instant
    ) -> Rejection? {
        for subject in levels {
            for movement in movements {
                for definition in movement.meter.limits
                where definition.mode == .enforce && definition.limit.dimensions.matches(details) {
                    let from = definition.limit.window.span(
                        containing: instant, in: subject.zone, anchor: subject.anchor
                    ).from
                    if from > now { return .windowNotBegun(definition.limit, from) }
                }
            }
        }
        return nil
    }

    /// Whether every counter that the event moves has room for its number.
    func fits(
        _ levels: Levels, _ details: EventDetails?, at instant: Instant,
        isReservation: Bool = false
    )
        throws(StoreError) -> Bool
    {
        for subject in levels {
            for movement in movements {
                let contribution = movement.contribution(
                    at: instant, sequence: batch.nextSequence, isAhead: instant > now)
                for series in movement.meter.series
                where series.accepts(details) && (isReservation || !series.isConcurrent) {
                    let index = try counterIndex(
                        subject, series: series.number, window: series.window, at: instant)
                    let counted = subject.current[index].state
                        .previewing(contribution, as: series.aggregation, at: instant)
                    if counted == nil { return false }
                }
            }
        }
        return true
    }

    /// Fills ``statuses`` with what every limit would say after the event; when one of them refuses,
    /// with what they say without it. Fills ``payable`` with what credits have to pay instead.
    func evaluate(
        _ levels: Levels, _ details: EventDetails?, at instant: Instant, isReservation: Bool
    ) throws(StoreError) -> Denial? {
        let violations = try violations(levels, details, at: instant, isReservation: isReservation)
        var levels = levels
        guard !violations.isEmpty, let state = levels.next() else { return nil }
        let after = statuses.map(\.used)
        try rewindStatuses(state, instant)
        return denial(for: violations, of: state, at: instant, after: after)
    }

    /// Fills ``statuses`` with what every limit would say after the event, and returns what refuses
    /// it, by place in them.
    func violations(
        _ levels: Levels, _ details: EventDetails?, at instant: Instant, isReservation: Bool
    ) throws(StoreError) -> [Violation] {
        var levels = levels
        guard let state = levels.next() else { return [] }
        statuses.removeAll(keepingCapacity: true)
        exceeded.removeAll(keepingCapacity: true)
        overages.removeAll(keepingCapacity: true)
        startPaying()
        var violations: [Violation] = []
        var level: SubjectState? = state
        while let subject = level {
            for (place, movement) in movements.enumerated() {
                for definition in movement.meter.limits
                where definition.limit.dimensions.matches(details) {
                    let isAsideOfIt = definition.limit.window == .concurrent && !isReservation
                    let reading = try read(
                        definition, of: subject, adding: isAsideOfIt ? nil : movement, at: instant)
                    let isExceeded = reading.isExceeded
                    if isExceeded, definition.mode == .enforce,
                        !pays(reading, beyond: definition, for: place)
                    {
                        violations.append(
                            Violation(status: statuses.count, subject: subject, reading: reading))
                    }
                    statuses.append(
                        LimitStatus(
                            definition: definition,
                            ancestor: subject === state ? nil : subject.id,
                            allowance: reading.allowance, used: Quantity(reading.after),
                            resetsAt: reading.resetsAt,
                            wouldHaveDenied: try refusals(definition, of: subject, at: instant)
                                .map { $0 + (isExceeded ? 1 : 0) }))
                    exceeded.append(isExceeded)
                    if isExceeded, subject === state { addOverage(of: definition, reading) }
                }
            }
            level = levels.next()
        }
        return violations
    }

    /// After a refusal nothing was used: every status goes back to what was counted before.
    func rewindStatuses(_ state: SubjectState, _ instant: Instant) throws(StoreError) {
        for index in statuses.indices {
            let status = statuses[index]
            let subject =
                try status.ancestor.map { (id) throws(StoreError) in try self.state(of: id) }
                ?? state
            let reading = try read(status.definition, of: subject, adding: nil, at: instant)
            statuses[index] = LimitStatus(
                definition: status.definition, ancestor: status.ancestor,
                allowance: reading.allowance, used: Quantity(reading.before),
                resetsAt: reading.resetsAt,
                wouldHaveDenied: try refusals(status.definition, of: subject, at: instant))
        }
    }

    private func denial(
        for violations: [Violation], of state: SubjectState, at instant: Instant, after: [Quantity]
    ) -> Denial {
        var retryAt: Instant? = .earliest
        for violation in violations {
            guard let known = retryAt, let own = violation.reading.retryAt(after: now)
            else {
                retryAt = nil
                break
            }
            retryAt = max(known, own)
        }
        return Denial(
            reason: .limitExceeded, violated: violations.map { statuses[$0.status].limit }.unique,
            retryAt: retryAt,
            plansThatAllow: plansThatAllow(violations, of: state, at: instant, after: after))
    }

    /// - Parameter after: what ``statuses`` would say is used if all had been allowed.
    private func plansThatAllow(
        _ violations: [Violation], of state: SubjectState, at instant: Instant, after: [Quantity]
    ) -> [PlanKey] {
        let isOverridden = statuses.map { status in
            let subject = status.ancestor.flatMap { subjects[$0] } ?? state
            return subject.override(of: status.limit, at: instant) != nil
        }
        // No plan changes what an override says.
        if violations.contains(where: { isOverridden[$0.status] }) { return [] }
        return catalog.plans.map(\.key).filter { plan in
            statuses.indices.allSatisfy { index in
                guard statuses[index].mode == .enforce, !isOverridden[index],
                    case .units(let units) = statuses[index].definition.allowance(under: plan)
                else { return true }
                return after[index] <= units || after[index] <= statuses[index].used
            }
        }
    }
}

/// A limit that refused.
struct Violation {
    let status: Int
    let subject: SubjectState
    let reading: LimitReading
}

extension Array where Element: Equatable {
    /// Each element once, where it stands first.
    var unique: [Element] {
        reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
}

extension Movement {
    @inline(__always)
    func contribution(at instant: Instant, sequence: Int64, isAhead: Bool) -> Contribution {
        Contribution(
            units: units, distinctValue: distinctValue, occurredAt: instant, sequence: sequence,
            isAhead: isAhead)
    }
}

extension Quantities {
    var firstNegative: MeterKey? {
        switch self {
        case .none: nil
        case .one(let name, let quantity): quantity < .zero ? name : nil
        case .many(let pairs): pairs.first { $0.quantity < .zero }?.name
        }
    }
}

extension SubjectState {
    /// The nearest blocked subject, this one or a team above.
    var blockedLevel: SubjectID? {
        var level: SubjectState? = self
        while let subject = level {
            if subject.profile.blocked { return subject.id }
            level = subject.parent
        }
        return nil
    }
}

extension Rejection {
    static let nothingToCount = Rejection(
        code: .nothingToCount, field: "meter",
        message: "expected a quantity of a known meter, or a type that moves one")

    static let quantityOverflow = Rejection(
        code: .quantityOverflow, field: "quantity",
        message: "expected a quantity with which every counter stays below 2^63")

    fileprivate static func windowNotBegun(_ limit: Limit, _ from: Instant) -> Rejection {
        Rejection(
            code: .occurredAtOutOfRange, field: "occurredAt",
            message: "expected an instant before \(from.rfc3339), when the next window of "
                + "'\(limit.key)' begins: what it allows cannot be used ahead of its time")
    }

    static func negativeQuantity(_ name: MeterKey) -> Rejection {
        Rejection(
            code: .invalidField, field: "quantities.\(name.text)",
            message: "expected a whole number from 0")
    }

    static func unknownMeter(_ name: MeterKey) -> Rejection {
        Rejection(
            code: .unknownMeter, field: "quantities.\(name.text)",
            message: "expected the key of a meter, and there is none called '\(name.text)'")
    }
}
