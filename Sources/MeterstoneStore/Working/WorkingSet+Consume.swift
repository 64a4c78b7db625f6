import MeterstoneCore

extension WorkingSet {
    /// Decides one consume: everything that the event moves, on every level, or nothing.
    ///
    /// The order in which a request can fail is fixed: event id, time, parts that are out of bounds,
    /// negative quantities, unknown ones, no price, nothing to count, blocked, overflow, limits, credits.
    ///
    /// - Parameters:
    ///   - records: `false` decides only, and changes nothing.
    ///   - isCheck: whether limits are told as they stand, without the event.
    func consume(
        _ event: UsageEvent, at now: Instant, records: Bool, isCheck: Bool = false
    ) throws(StoreError) -> ConsumeOutcome {
        // A repeat is answered also when its time has become too late meanwhile.
        if let id = event.id,
            let known = try find(id, source: event.details?.source, at: now)
        {
            // What is set aside is not used up.
            guard known.record.reservation == nil else { return .conflict(id) }
            return try repeated(event, as: known)
        }
        let priced = priced(event, at: now, isEstimate: false)
        switch try judge(priced ?? event, at: now, isReservation: false) {
        case .rejected(let rejection): return .rejected(rejection)
        case .denied(let decision): return .decided(decision)
        case .allowed(let admission):
            if isCheck { return .decided(try checked(admission)) }
            guard records, tracks(admission.subject, at: admission.occurredAt) else {
                return .decided(admission.decision(nil))
            }
            let record = try write(
                priced ?? event, admission, at: now, isPriced: priced != nil)
            return .decided(admission.decision(record.id))
        }
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
        let priced = priced(event, at: now, isEstimate: true)
        switch try judge(priced ?? event, at: now, isReservation: true) {
        case .rejected(let rejection): return .rejected(rejection)
        case .denied(let decision): return .decided(decision)
        case .allowed(let admission):
            guard tracks(admission.subject, at: admission.occurredAt) else {
                return .rejected(.trackingDisabled)
            }
            return .decided(try checked(admission))
        }
    }

    /// Whether usage of a subject is recorded.
    func tracks(_ state: SubjectState, at instant: Instant) -> Bool {
        options.isTrackingEnabled && state.isOn(catalog.tracking, at: instant, catalog: catalog)
    }

    /// It would be allowed, and limits stand as they do without it.
    private func checked(_ admission: Admission) throws(StoreError) -> Decision {
        let evaluation = admission.evaluation
        return Decision(
            denial: nil, isDuplicate: false, eventID: nil,
            limits: try rewound(evaluation.statuses, admission.subject, admission.occurredAt),
            credits: admission.payment?.charge, moved: admission.movements.keys,
            adjustment: admission.adjustment)
    }

    /// Decides an event whose id is new. Nothing is written of it.
    func judge(
        _ event: UsageEvent, at now: Instant, isReservation: Bool
    ) throws(StoreError) -> Judgement {
        let told = event.occurredAt ?? now
        if let rejection = reject(told, now) { return .rejected(rejection) }
        let occurredAt = counted(told)
        let state = try state(of: event.subject)
        let levels = try levels(of: event, state, at: occurredAt)
        try expireDue(levels, at: now)
        if let rejection = reject(event) { return .rejected(rejection) }
        let movements = catalog.movements(of: event)
        if let rejection = reject(event, moving: movements) { return .rejected(rejection) }
        for meter in catalog.costMeters {
            if let model = meter.meter.unpricedModel(of: event) {
                return .rejected(.unpricedModel(model, meter.meter.key))
            }
        }
        guard !movements.isEmpty else { return .rejected(.nothingToCount) }
        if let blocked = state.blockedLevel ?? levels.blockedNamed {
            return .denied(
                Decision(
                    denial: Denial(reason: .subjectBlocked(blocked)), isDuplicate: false,
                    eventID: nil, limits: try currentStatuses(state, occurredAt)))
        }
        if let denial = try blocked(by: catalog.blockingDefinitions, levels, at: occurredAt) {
            return .denied(
                Decision(
                    denial: denial, isDuplicate: false, eventID: nil,
                    limits: try currentStatuses(state, occurredAt)))
        }
        if occurredAt > now,
            let rejection = begins(movements, levels, event.details, at: occurredAt, now)
        {
            return .rejected(rejection)
        }
        guard try fits(movements, levels) else { return .rejected(.quantityOverflow) }
        if isReservation, try !hasRoomToReserve(levels) {
            return .rejected(.tooManyReservations(options.openReservationsMax))
        }
        let evaluation = try evaluate(
            movements, levels, event.details, at: occurredAt, isReservation: isReservation)
        guard evaluation.violations.isEmpty else {
            return .denied(try refusal(evaluation, of: state, at: occurredAt))
        }
        let payment = try payment(for: movements, evaluation.payable, from: state, at: now)
        if let payment, !payment.isCovered {
            return .denied(try unpaid(payment, for: movements, evaluation, state, occurredAt))
        }
        return .allowed(
            Admission(
                subject: state, occurredAt: occurredAt, toldAt: told == occurredAt ? nil : told,
                movements: movements, evaluation: evaluation, payment: payment))
    }

    /// Why a subject may use nothing while limits that block are full; `nil`: none is.
    private func blocked(
        by definitions: [LimitDefinition], _ levels: Levels, at instant: Instant
    ) throws(StoreError) -> Denial? {
        if definitions.isEmpty { return nil }
        for subject in levels {
            var full: [LimitKey] = []
            var retryAt: Instant? = .earliest
            for definition in definitions {
                var reading = try read(definition, nil, of: subject, adding: nil, at: instant)
                guard case .units(let allowed) = reading.allowance, reading.before > 0,
                    reading.before >= allowed.units,
                    subject.mode(of: definition, at: instant, catalog: catalog) == .enforce
                else { continue }
                full.append(definition.limit.key)
                var roomAt =
                    allowed.units > 0 ? reading.resetsAt.flatMap { $0 > now ? $0 : nil } : nil
                if definition.addsUpWindows {
                    reading.after = reading.before.addingSaturated(1)
                    roomAt = try rooms(
                        for: 1, in: reading, definition, nil, of: subject, at: instant
                    )
                    .first { $0.beyond == 0 }?.at
                }
                retryAt = retryAt.flatMap { known in roomAt.map { max(known, $0) } }
            }
            if !full.isEmpty {
                return Denial(
                    reason: .subjectBlocked(subject.id), violated: full, retryAt: retryAt)
            }
        }
        return nil
    }

    /// Rejects an event of which a part is out of bounds, or that carries a negative quantity.
    func reject(_ event: UsageEvent) -> Rejection? {
        if let rejection = event.quantities.boundsRejection ?? event.details?.boundsRejection {
            return rejection
        }
        return event.quantities.firstNegative.map { .negativeQuantity($0) }
    }

    /// Rejects an event that carries a quantity which no meter knows, or tokens that no price can take.
    func reject(_ event: UsageEvent, moving movements: Movements) -> Rejection? {
        // A plain event that moves its meter carries nothing unknown.
        if event.details == nil, case .one = event.quantities, !movements.isEmpty { return nil }
        if let name = catalog.unknownQuantity(of: event) {
            let isOfCost = catalog.costMeters.contains { $0.meter.key == name }
            return isOfCost ? .costMeter(name) : .unknownMeter(name)
        }
        return misfit(of: event)
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
        _ movements: Movements, _ levels: Levels, _ details: EventDetails?, at instant: Instant,
        _ now: Instant
    ) -> Rejection? {
        for subject in levels {
            for movement in movements {
                for definition in movement.meter.limits
                where definition.concerns(details) && definition.isFor(subject.id, at: instant)
                    && subject.mode(of: definition, at: instant, catalog: catalog) == .enforce
                {
                    let from = definition.limit.window.span(
                        containing: instant, in: subject.zone, anchors: subject.anchors
                    ).from
                    if from > now { return .windowNotBegun(definition.limit, from) }
                }
            }
        }
        return nil
    }

    /// Whether every counter that the event moves has room for its number. What a sum or a count comes
    /// to for ever is more than in any window, so that it has room last.
    func fits(_ movements: Movements, _ levels: Levels) throws(StoreError) -> Bool {
        for subject in levels {
            for movement in movements where movement.meter.meter.aggregation == .sum {
                let index = try counterIndex(
                    subject, series: movement.meter.lifetimeSeries, window: .lifetime, at: now)
                let used = subject.current[index].state.value
                if used.addingReportingOverflow(movement.units).overflow { return false }
            }
        }
        return true
    }
}

/// What is decided of an event before anything of it is written.
enum Judgement {
    case rejected(Rejection)
    case denied(Decision)
    case allowed(Admission)
}

/// An event that may be counted, with all that is told of it then.
struct Admission {
    let subject: SubjectState
    let occurredAt: Instant
    /// As of ``UsageRecord/toldAt``.
    let toldAt: Instant?
    let movements: Movements
    let evaluation: Evaluation
    /// `nil`: it costs no credits.
    var payment: Payment?

    /// - Parameter id: of the event that was recorded; `nil`: nothing was written.
    func decision(_ id: EventID?) -> Decision {
        Decision(
            denial: nil, isDuplicate: false, eventID: id, limits: evaluation.statuses,
            credits: payment?.charge, moved: movements.keys, adjustment: adjustment)
    }

    var adjustment: Adjustment? {
        toldAt.map { Adjustment(occurredAt: $0, countedAt: occurredAt) }
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
            if subject.profile.isShut { return subject.id }
            level = subject.parent
        }
        return nil
    }
}

extension Rejection {
    static let nothingToCount = Rejection(
        code: .nothingToCount, field: "meter",
        message: "expected a quantity of a known meter, or a type that moves one")

    static func unpricedModel(_ model: String, _ meter: MeterKey) -> Rejection {
        Rejection(
            code: .unpricedModel, field: "dimensions.\(EventDetails.modelDimension)",
            message:
                "expected the cost of the event, or a model with a price and the tokens that were used: "
                + "what '\(model)' costs is not known, and '\(meter)' refuses what it cannot price")
    }

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

    fileprivate static func costMeter(_ name: MeterKey) -> Rejection {
        Rejection(
            code: .unknownMeter, field: "quantities.\(name.text)",
            message:
                "expected a quantity that is told: '\(name.text)' counts what events cost, which "
                + "is their costMillionths, or the price of their model and tokens")
    }

    static func unknownMeter(_ name: MeterKey) -> Rejection {
        Rejection(
            code: .unknownMeter, field: "quantities.\(name.text)",
            message: "expected the key of a meter, and there is none called '\(name.text)'")
    }
}
