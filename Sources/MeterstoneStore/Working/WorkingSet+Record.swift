import MeterstoneCore

extension WorkingSet {
    /// Records what has happened, whatever the limits say. While tracking is off, an event that would
    /// have been recorded is rejected last, so that other mistakes are told as always.
    func record(_ event: UsageEvent, at now: Instant) throws(StoreError) -> RecordOutcome {
        if let id = event.id, let known = try find(id, source: event.details?.source, at: now) {
            guard try matches(event, known), known.record.reservation == nil else {
                return .conflict(id)
            }
            if let rejection = try takenBack(known) { return .rejected(rejection) }
            return .duplicate(
                id, moved: moved(by: known), adjustment: known.record.adjustment)
        }
        let told = event.occurredAt ?? now
        if let rejection = reject(told, now) { return .rejected(rejection) }
        let occurredAt = counted(told)
        let state = try state(of: event.subject)
        if state.profile.erasedAt != nil { return .rejected(.erased(state.id)) }
        // Before anything is noted of the event: what expires has movements of its own.
        let levels = try levels(of: event, state, at: occurredAt)
        try expireDue(levels, at: now)
        if let rejection = reject(event) { return .rejected(rejection) }
        let priced = priced(event, at: now, isEstimate: false)
        let event = priced ?? event
        let movements = catalog.movements(of: event)
        if let rejection = reject(event, moving: movements) { return .rejected(rejection) }
        guard try fits(movements, levels) else { return .rejected(.quantityOverflow) }
        guard tracks(state, at: occurredAt) else { return .rejected(.trackingDisabled) }
        let admission = Admission(
            subject: state, occurredAt: occurredAt, toldAt: told == occurredAt ? nil : told,
            movements: movements,
            evaluation: try evaluateRecord(movements, of: state, event.details, at: occurredAt))
        let record = try write(
            event, admission, at: now, isOnlyRecorded: true, isPriced: priced != nil)
        return .counted(record.id, moved: movements.keys, adjustment: record.adjustment)
    }

    /// Writes down an event that may be counted, carries it out, and pays for it.
    ///
    /// - Parameter terms: of a reservation; `nil`: it is used up at once.
    func write(
        _ event: UsageEvent, _ admission: Admission, at now: Instant, isOnlyRecorded: Bool = false,
        isPriced: Bool = false, terms: ReservationTerms? = nil
    ) throws(StoreError) -> UsageRecord {
        let (state, movements) = (admission.subject, admission.movements)
        register(state, on: now)
        let levels = try levels(of: event, state, at: admission.occurredAt)
        if levels.namedCount > 0 { for level in levels { register(level, on: now) } }
        var record = UsageRecord(
            id: event.id ?? eventIDs.next(at: now), occurredAt: admission.occurredAt,
            recordedAt: now, quantities: event.quantities, details: event.details,
            ancestors: levels.teamNumbers, answers: admission.evaluation.answers(of: levels),
            planNumber: state.planNumber(
                at: admission.occurredAt, catalog: catalog, registry: registry, version: version),
            overages: admission.evaluation.overages)
        record.isOnlyRecorded = isOnlyRecorded && !record.answers.isEmpty
        record.isPriced = isPriced
        record.toldAt = admission.toldAt
        record.namedLevelCount = levels.namedCount
        if let terms {
            record.reservation = ReservationRecord(
                terms: terms, expiresAt: now.advanced(byMilliseconds: terms.milliseconds),
                payable: admission.payment == nil
                    ? .none : payableQuantities(movements, admission.evaluation.payable))
        }
        record.credits = admission.payment?.charge
        let reached =
            catalog.alerts.isEmpty || terms != nil
            ? [] : try reached(by: movements, levels, record.details, at: record.occurredAt)
        let position = batch.append(subject: state.number) { writer in
            record.write(to: &writer) { name in
                // Most events name the first meter that they move.
                if let meter = movements.first?.meter, meter.meter.key == name {
                    return meter.nameNumber
                }
                return registry.number(ofQuantity: name)
            }
        }
        try apply(
            record, of: state, levels, movements, isGenerated: event.id == nil, at: position)
        if let payment = admission.payment {
            try pay(
                payment, of: state, reference: record.id, isHeld: terms != nil,
                event: position.sequence)
        }
        for use in reached { try fire(use, by: record.id) }
        return record
    }
}

extension Rejection {
    static let trackingDisabled = Rejection(
        code: .trackingDisabled, field: "",
        message: "usage is not recorded while tracking is off: by USAGE_TRACKING_ENABLED, or by "
            + "the switches")
}
