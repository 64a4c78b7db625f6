import MeterstoneCore

/// Extending, settling and releasing reservations.
extension WorkingSet {
    /// An open reservation, or what became of it.
    private enum Found {
        case open(KnownEvent, UsageRecord, ReservationRecord)
        case closed(KnownEvent, UsageRecord, ReservationRecord)
        case rejected(Rejection)
    }

    private func find(
        reservation id: EventID, source: String?, at now: Instant
    ) throws(StoreError) -> Found {
        guard let known = try find(id, source: source, at: .earliest),
            known.record.reservation != nil
        else { return .rejected(.unknownReservation(id)) }
        try expireDue(known.subject, at: now)
        let index = try openReservationsIndex(known.subject, at: now)
        let open = known.subject.current[index].state.openReservations
            .first { $0.sequence == known.sequence }
        let isAsMade = open.map { !$0.isExtended } ?? false
        guard let record = isAsMade ? known.record : try standing(of: known),
            let reservation = record.reservation
        else { return .rejected(.unknownReservation(id)) }
        return open == nil
            ? .closed(known, record, reservation) : .open(known, record, reservation)
    }

    /// A reservation as it stands.
    func reservation(
        _ id: EventID, source: String?, at now: Instant
    ) throws(StoreError) -> Reservation? {
        switch try find(reservation: id, source: source, at: now) {
        case .rejected: nil
        case .open(let known, let record, _), .closed(let known, let record, _):
            Reservation(record, of: known.subject.id)
        }
    }

    // MARK: Closing

    /// Counts what was used in the place of what was set aside.
    func close(
        _ closing: ReservationClosing, at now: Instant
    ) throws(StoreError) -> ReservationOutcome {
        switch try find(reservation: closing.id, source: closing.source, at: now) {
        case .rejected(let rejection): return .rejected(rejection)
        case .closed(let known, let record, let reservation):
            // An end that comes late takes the place of what was counted without it.
            if reservation.status == .expired, let setAside = try setAsideUntilExpiry(of: known) {
                if isClosed(record.occurredAt) { return .rejected(.endAfterClosing) }
                return try end(known, record, closing, setAside, at: now)
            }
            return try closedBefore(known, record, reservation, closing)
        case .open(let known, let before, _):
            return try end(known, before, closing, before.quantities, at: now)
        }
    }

    private func end(
        _ known: KnownEvent, _ before: UsageRecord, _ closing: ReservationClosing,
        _ setAside: Quantities, at now: Instant
    ) throws(StoreError) -> ReservationOutcome {
        var asked: Quantities?
        if case .settle(let quantities) = closing.end {
            if let rejection = reject(quantities, of: known) { return .rejected(rejection) }
            asked = quantities
        }
        let told = closing.details?.told(over: before.details)
        if let rejection = told?.boundsRejection { return .rejected(rejection) }
        return try close(
            known, before, as: asked == nil ? .released : .settled, asked: asked,
            setAside: setAside, details: told, telling: closing.details, at: now)
    }

    /// What was set aside when a reservation expired; `nil`: something else was done with it since.
    private func setAsideUntilExpiry(of known: KnownEvent) throws(StoreError) -> Quantities? {
        guard let last = try lastCorrection(of: known), last.before.reservation?.status == .open
        else { return nil }
        return last.before.quantities
    }

    private func reject(_ quantities: Quantities, of known: KnownEvent) -> Rejection? {
        if let name = quantities.firstNegative { return .negativeQuantity(name) }
        let event = UsageEvent(subject: known.subject.id, quantities: quantities)
        return catalog.unknownQuantity(of: event).map { .unknownMeter($0) }
    }

    /// The first answer again, if it was closed in the same way.
    private func closedBefore(
        _ known: KnownEvent, _ record: UsageRecord, _ reservation: ReservationRecord,
        _ closing: ReservationClosing
    ) throws(StoreError) -> ReservationOutcome {
        let standing = Reservation(record, of: known.subject.id)
        let asked: Quantities?
        switch closing.end {
        case .settle(let quantities) where reservation.status == .settled: asked = quantities
        case .release where reservation.status == .released: asked = nil
        default: return .conflict(standing)
        }
        guard asked == reservation.asked,
            try isRepeated(closing.details?.withSource(closing.source), known, record, reservation)
        else { return .conflict(standing) }
        return .done(
            ReservationAnswer(
                reservation: standing,
                limits: statuses(from: reservation.answers, known, record.details),
                credits: record.credits, isDuplicate: true))
    }

    /// Whether what is told of an end was told at the end. A repeat without details claims none.
    private func isRepeated(
        _ told: EventDetails?, _ known: KnownEvent, _ record: UsageRecord,
        _ reservation: ReservationRecord
    ) throws(StoreError) -> Bool {
        guard let told else { return true }
        func isAsAtEnd(over details: EventDetails?) -> Bool {
            EventDetails.fingerprint(told.told(over: details)) == reservation.toldAtEnd
        }
        if isAsAtEnd(over: record.details) { return true }
        // What was amended since was not told at the end.
        let end = try lastCorrection(of: known) { correction in
            correction.before.reservation?.status != reservation.status
                && correction.after?.reservation?.status == reservation.status
        }
        return end.map { isAsAtEnd(over: $0.after?.details) } ?? false
    }

    /// Closes a reservation that is open, or that has expired.
    ///
    /// - Parameters:
    ///   - asked: what was used; `nil`: nothing.
    ///   - setAside: `nil`: as it stands.
    ///   - details: what is told of it in all.
    ///   - news: what of that is told now.
    @discardableResult
    func close(
        _ known: KnownEvent, _ before: UsageRecord, as status: ReservationStatus,
        asked: Quantities?, setAside: Quantities? = nil, details: EventDetails?,
        telling news: EventDetails? = nil, at now: Instant
    ) throws(StoreError) -> ReservationOutcome {
        guard var reservation = before.reservation else { return .rejected(.reservationOpen) }
        var after = before
        if let details { after.details = details.withSource(before.details?.source) }
        after.quantities =
            asked.map {
                count($0, of: setAside ?? before.quantities, reservation, &after.details)
            } ?? .none
        if asked != nil { reprice(&after, told: news) }
        reservation.status = status
        reservation.asked = asked
        reservation.closedAt = status == .expired ? reservation.expiresAt : now
        reservation.toldAtEnd = EventDetails.fingerprint(after.details)
        after.reservation = reservation
        let owner = known.subject
        let charge = try charge(
            before, after, owner, hold: known.sequence, at: reservation.closedAt ?? now,
            writtenAt: now)
        after.credits = charge?.answer
        var record = CorrectionRecord(
            target: known.sequence, recordedAt: now, author: "meterstone",
            reason: status.rawValue, before: before, after: after)
        try correctOverages(of: &record, owner)
        guard let effects = try effects(of: record, owner, at: batch.nextSequence) else {
            return .rejected(.quantityOverflow)
        }
        let standing = Evaluation(statuses: try statuses(after: record, effects, of: owner))
        // What was answered is kept with the event, to be told again.
        record.after?.reservation?.answers = standing.answers(of: try levels(of: before, owner))
        try write(record, effects, of: owner)
        for entry in charge?.entries ?? [] { try write(entry, of: owner) }
        return .done(
            ReservationAnswer(
                reservation: Reservation(after, of: owner.id), limits: standing.statuses,
                credits: charge?.answer, isDuplicate: false))
    }

    /// What counts of a reservation once so much was used: all of it, no more than was set aside, or what its
    /// terms and the meters say of what failed or was cancelled.
    ///
    /// - Parameter details: of the event, which note that it counts although it was aborted.
    private func count(
        _ used: Quantities, of setAside: Quantities, _ reservation: ReservationRecord,
        _ details: inout EventDetails?
    ) -> Quantities {
        let terms = reservation.terms
        guard let ended = details, ended.status != .success else {
            return setAside.settled(as: used, terms.onOverage)
        }
        let reported = reservation.reported ?? .none
        let names = setAside.replacing(with: used).pairs.map(\.name)
        let counted = names.map { name in
            let asMetersSay = catalog.abortTerms(of: name)
            let told = used[name] ?? reported[name]
            let quantity: Quantity =
                switch terms.onAbort ?? asMetersSay.policy {
                case .nothing: .zero
                case .told: told ?? .zero
                case .reserved: told ?? setAside[name] ?? .zero
                case nil: used[name] ?? setAside[name] ?? .zero
                }
            let least = terms.abortMinimum[name]?.units ?? asMetersSay.minimum
            return NamedQuantity(name: name, quantity: max(quantity, Quantity(least)))
        }
        let quantities = setAside.settled(as: Quantities(counted), terms.onOverage)
        // What names no quantity is an estimate of one by itself.
        if terms.decidesAborts,
            terms.onAbort == .reserved || quantities.pairs.contains(where: { $0.quantity > .zero })
        {
            details = ended.with(countsWhenAborted: true)
        }
        return quantities
    }

    // MARK: Extending

    /// Gives a reservation more time, more units under the limits as they are now, or both.
    func extend(
        _ more: ReservationExtension, at now: Instant
    ) throws(StoreError) -> ReservationOutcome {
        let found = try find(reservation: more.id, source: more.source, at: now)
        guard case .open(let known, let before, var reservation) = found else {
            if case .rejected(let rejection) = found { return .rejected(rejection) }
            return .rejected(.reservationClosed)
        }
        for quantities in [more.quantities, more.reported ?? .none] {
            if let rejection = reject(quantities, of: known) { return .rejected(rejection) }
        }
        var after = before
        after.quantities = before.quantities.replacing(with: more.quantities)
        reprice(&after, told: nil)
        for pair in before.quantities.pairs
        where (after.quantities[pair.name] ?? .zero) < pair.quantity {
            return .rejected(.shrinkingReservation(pair))
        }
        if let reported = more.reported {
            reservation.reported = (reservation.reported ?? .none).replacing(with: reported)
        }
        if let milliseconds = more.milliseconds {
            reservation.expiresAt = now.advanced(byMilliseconds: milliseconds)
        }
        let owner = known.subject
        let movements = movements(from: before, to: after, of: owner)
        let levels = try levels(of: before, owner)
        guard try fits(movements, levels) else { return .rejected(.quantityOverflow) }
        let evaluation = try evaluate(
            movements, levels, after.details, at: after.occurredAt, isReservation: true)
        guard evaluation.violations.isEmpty else {
            let decision = try refusal(evaluation, of: owner, at: after.occurredAt)
            return .denied(
                decision.denial ?? Denial(reason: .limitExceeded), decision.limits, nil)
        }
        let payment = try payment(for: movements, evaluation.payable, from: owner, at: now)
        if let payment, !payment.isCovered {
            let decision = try unpaid(
                payment, for: movements, evaluation, owner, after.occurredAt)
            return .denied(
                decision.denial ?? Denial(reason: .insufficientCredits), decision.limits,
                decision.credits)
        }
        if let payment {
            let known = before.credits?.amount ?? 0
            after.credits = CreditCharge(
                amount: known &+ payment.cost, balance: payment.charge.balance)
            reservation.payable = reservation.payable.adding(
                payableQuantities(movements, evaluation.payable))
        }
        after.reservation = reservation
        if after != before {
            var record = CorrectionRecord(
                target: known.sequence, recordedAt: now, author: "meterstone",
                reason: "extended", before: before, after: after)
            try correctOverages(of: &record, owner)
            guard let effects = try effects(of: record, owner, at: batch.nextSequence) else {
                return .rejected(.quantityOverflow)
            }
            try write(record, effects, of: owner)
            if let payment {
                try pay(
                    payment, of: owner, reference: after.id, isHeld: true, event: known.sequence)
            }
        }
        let credits = try before.credits.map { (charge) throws(StoreError) in
            CreditCharge(
                amount: charge.amount, balance: try account(of: owner, at: now).wallet.balance)
        }
        return .done(
            ReservationAnswer(
                reservation: Reservation(after, of: owner.id), limits: evaluation.statuses,
                credits: payment == nil ? credits : after.credits, isDuplicate: false))
    }

    /// What an extension adds.
    private func movements(
        from before: UsageRecord, to after: UsageRecord, of state: SubjectState
    ) -> Movements {
        let known = catalog.movements(of: before.event(subject: state.id))
        var result = Movements()
        for var movement in catalog.movements(of: after.event(subject: state.id)) {
            if let earlier = known.movement(of: movement.meter) {
                switch movement.meter.meter.aggregation {
                // What is counted once is counted already.
                case .count, .uniqueCount: continue
                case .sum:
                    movement.unitsBefore = earlier.units
                    movement.units -= earlier.units
                case .max, .latest, .gauge, .integral: break
                }
            }
            result.append(movement)
        }
        return result
    }

    // MARK: Answers

    /// Where the limits stand that a reservation counted under, once it is closed.
    private func statuses(
        after correction: CorrectionRecord, _ effects: [CorrectionEffect], of owner: SubjectState
    ) throws(StoreError) -> [LimitStatus] {
        let (before, after) = (correction.before, correction.after ?? correction.before)
        let used = movements(of: after, owner)
        let meters = [before, after].flatMap {
            catalog.movements(of: $0.event(subject: owner.id)).map(\.meter)
        }.unique
        var statuses: [LimitStatus] = []
        for (level, subject) in try levels(of: before, owner).enumerated() {
            for meter in meters {
                let own = used.movement(of: meter)?.countedUnits ?? 0
                for definition in meter.limits where definition.concerns(after.details) {
                    let value = definition.value(of: after.details)
                    let reading = try read(
                        definition, value, of: subject, adding: nil, at: before.occurredAt,
                        after: effects)
                    if definition.isLeftOut(
                        for: subject.id, allowing: reading.allowance, at: before.occurredAt)
                    {
                        continue
                    }
                    let isRequest = definition.limit.window == .request
                    statuses.append(
                        LimitStatus(
                            definition: definition, value: value,
                            isBeyondValues: reading.isBeyondValues,
                            ancestor: level == 0 ? nil : subject.id, allowance: reading.allowance,
                            used: Quantity(isRequest ? own : reading.before),
                            resetsAt: reading.resetsAt,
                            wouldHaveDenied: try refusals(
                                definition, value, of: subject, at: before.occurredAt,
                                after: effects),
                            mode: subject.mode(
                                of: definition, at: before.occurredAt, catalog: catalog),
                            parts: reading.parts))
                }
            }
        }
        return statuses
    }

    /// The answer that was stored when a reservation was closed.
    private func statuses(
        from answers: [LimitAnswer], _ known: KnownEvent, _ details: EventDetails?
    ) -> [LimitStatus] {
        var record = known.record
        record.answers = answers
        record.details = details
        return firstAnswer(
            KnownEvent(subject: known.subject, sequence: known.sequence, record: record))
    }
}

extension Quantities {
    /// What counts of a reservation of these quantities once so much was used.
    fileprivate func settled(as used: Quantities, _ policy: OveragePolicy) -> Quantities {
        let all = replacing(with: used)
        guard policy == .cap else { return all }
        // What was not set aside is left out: with 0 of it, an event counts where events are counted.
        return Quantities(
            all.pairs.compactMap { pair in
                self[pair.name].map {
                    NamedQuantity(name: pair.name, quantity: min(pair.quantity, $0))
                }
            })
    }

    /// The sum, name by name.
    func adding(_ other: Quantities) -> Quantities {
        Quantities(
            pairs
                + other.pairs.map { pair in
                    NamedQuantity(
                        name: pair.name,
                        quantity: Quantity(
                            pair.quantity.units &+ (self[pair.name]?.units ?? 0)))
                })
    }
}

extension Rejection {
    static func unknownReservation(_ id: EventID) -> Rejection {
        Rejection(
            code: .unknownReservation, field: "id",
            message: "expected the id of a reservation, and there is none '\(id.text)'")
    }

    static let reservationClosed = Rejection(
        code: .reservationClosed, field: "id",
        message: "expected an open reservation, and this one is settled, released or expired")

    static func shrinkingReservation(_ pair: NamedQuantity) -> Rejection {
        Rejection(
            code: .invalidField, field: "quantities.\(pair.name)",
            message: "expected at least what is set aside, \(pair.quantity)")
    }
}
