import MeterstoneCore

extension WorkingSet {
    /// Records what has happened, whatever the limits say. While tracking is off, an event that would
    /// have been recorded is rejected last, so that other mistakes are told as always.
    func record(_ event: UsageEvent, at now: Instant) throws(StoreError) -> RecordOutcome {
        if let id = event.id, let known = try find(id, source: event.details?.source, at: now) {
            guard known.matches(event), known.record.reservation == nil else {
                return .conflict(id)
            }
            if let rejection = try takenBack(known) { return .rejected(rejection) }
            return .duplicate(id)
        }
        let occurredAt = event.occurredAt ?? now
        if let rejection = reject(occurredAt, now) { return .rejected(rejection) }
        let state = try state(of: event.subject)
        // Before anything is noted of the event: what expires has movements of its own.
        let levels = Levels(state, at: occurredAt)
        try expireDue(levels, at: now)
        if let rejection = moves(event) { return .rejected(rejection) }
        guard try fits(levels, event.details, at: occurredAt) else {
            return .rejected(.quantityOverflow)
        }
        guard options.isTrackingEnabled else { return .rejected(.trackingDisabled) }
        try readReached(by: state, event.details, at: occurredAt)
        return .counted(
            try count(
                event, of: state, occurredAt: occurredAt, now: now, isOnlyRecorded: true))
    }

    /// Adds the event to the batch and its ``movements`` to every counter. Everything was checked.
    func count(
        _ event: UsageEvent, of state: SubjectState, occurredAt: Instant, now: Instant,
        isOnlyRecorded: Bool = false, reservation: ReservationRecord? = nil, payment: Payment? = nil
    ) throws(StoreError) -> EventID {
        register(state, on: now)
        let levels = Levels(state, at: occurredAt)
        let id = event.id ?? eventIDs.next(at: now)
        var record = UsageRecord(
            id: id, occurredAt: occurredAt, recordedAt: now, quantities: event.quantities,
            details: event.details, ancestors: levels.teamNumbers,
            answers: answers(),
            planNumber: state.planNumber(
                at: occurredAt, catalog: catalog, registry: registry, version: version),
            overages: overages)
        record.isOnlyRecorded = isOnlyRecorded && !record.answers.isEmpty
        if let reservation { record.reservation = reservation }
        if let payment { record.credits = payment.charge }
        let position = batch.append(subject: state.number) { writer in
            record.write(to: &writer, nameNumber: nameNumber)
        }
        tail.remember(
            id.key(source: event.details?.source), isGenerated: event.id == nil, at: position)
        tail.noteColumns(record, of: state.number, registry)
        for subject in levels {
            try apply(record, to: subject, at: position.sequence)
            try noteActivity(record, of: subject, isOwn: subject === state, at: position.sequence)
        }
        for answer in record.answers where answer.isExceeded {
            try countRefusal(
                answer, of: Array(levels)[answer.level], record, at: position.sequence)
        }
        if reservation != nil {
            try open(record, of: state, at: position.sequence)
            reserved = record
        }
        if let payment {
            try pay(
                payment, of: state, reference: id, isHeld: reservation != nil,
                event: position.sequence)
        }
        return id
    }

    /// The number of a quantity's name; most name the first meter that they move.
    func nameNumber(_ name: MeterKey) -> Int {
        if let meter = movements.first?.meter, meter.meter.key == name { return meter.nameNumber }
        return registry.number(of: name) ?? 0
    }

    /// Adds ``movements`` to the counters of one subject.
    func apply(
        _ record: UsageRecord, to subject: SubjectState, at sequence: Int64
    ) throws(StoreError) {
        for movement in movements {
            let contribution = movement.contribution(
                at: record.occurredAt, sequence: sequence, isAhead: record.isAhead)
            for series in movement.meter.series
            where series.accepts(record.details)
                && (!series.isConcurrent || record.reservation != nil)
            {
                try add(contribution, to: subject, series, at: sequence)
            }
        }
    }

    @inline(__always)
    private func add(
        _ contribution: Contribution, to subject: SubjectState, _ series: CompiledSeries,
        at sequence: Int64
    ) throws(StoreError) {
        let index = try counterIndex(
            subject, series: series.number, window: series.window, at: contribution.occurredAt)
        guard subject.current[index].asOf < sequence else { return }
        if case .rolling(let seconds) = series.window {
            subject.current[index].addRolling(
                contribution, as: series.aggregation, milliseconds: seconds * 1_000)
            subject.current[index].asOf = sequence
        } else {
            _ = subject.current[index].state.add(contribution, as: series.aggregation)
            touch(subject, index, at: sequence)
        }
    }

    /// Counts that a shadow limit would have refused.
    func countRefusal(
        _ answer: LimitAnswer, of subject: SubjectState, _ record: UsageRecord, at sequence: Int64
    ) throws(StoreError) {
        guard answer.isExceeded, answer.mode == .shadow, answer.limit < registry.limits.count,
            let definition = catalog.definitions[registry.limits[answer.limit]]
        else { return }
        let series = CompiledSeries(
            number: definition.refusalSeries, registry.series[definition.refusalSeries].definition)
        let contribution = Contribution(
            units: 1, occurredAt: record.occurredAt, sequence: sequence, isAhead: record.isAhead)
        try add(contribution, to: subject, series, at: sequence)
    }

    /// ``statuses`` in the short form that is kept with the event.
    func answers() -> [LimitAnswer] {
        var level = 0
        var ancestor: SubjectID?
        return statuses.enumerated().map { index, status in
            if status.ancestor != ancestor {
                ancestor = status.ancestor
                level += 1
            }
            return LimitAnswer(
                limit: status.definition.number, level: level, mode: status.mode,
                isExceeded: exceeded[index], allowance: status.allowance.wire,
                used: status.used.units,
                resetsAt: status.window.isRolling ? status.resetsAt : nil)
        }
    }
}

extension Rejection {
    static let trackingDisabled = Rejection(
        code: .trackingDisabled, field: "",
        message: "usage is not recorded while USAGE_TRACKING_ENABLED is false")
}
