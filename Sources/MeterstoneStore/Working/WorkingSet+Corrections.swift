import MeterstoneCore

extension WorkingSet {
    /// Voids or amends an event, as a new fact beside it.
    func correct(
        _ correction: Correction, at now: Instant
    ) throws(StoreError) -> CorrectionOutcome {
        guard
            let known = try find(correction.eventID, source: correction.source, at: now)
        else { return .rejected(.unknownEvent(correction.eventID)) }
        try expireDue(known.subject, at: now)
        guard let before = try standing(of: known) else {
            return correction.kind == .void ? .unchanged : .rejected(.alreadyVoided)
        }
        if let reservation = before.reservation {
            if reservation.status == .open { return .rejected(.reservationOpen) }
            if !reservation.isCounted, correction.kind != .void { return .rejected(.alreadyVoided) }
        }
        var after: UsageRecord?
        if case .amend(let quantities, let details) = correction.kind {
            var amended = before
            amended.quantities = quantities
            let kept =
                details?.withSource(before.details?.source) ?? before.details ?? EventDetails.none
            // No details and details that tell nothing are the same.
            if kept != before.details ?? .none { amended.details = kept == .none ? nil : kept }
            if amended == before { return .unchanged }
            if let rejection = quantities.boundsRejection ?? details?.boundsRejection {
                return .rejected(rejection)
            }
            if let name = quantities.firstNegative { return .rejected(.negativeQuantity(name)) }
            let event = amended.event(subject: known.subject.id)
            if let unknown = catalog.unknownQuantity(of: event) {
                return .rejected(.unknownMeter(unknown))
            }
            after = amended
        }
        var record = CorrectionRecord(
            target: known.sequence, recordedAt: now, author: correction.author,
            reason: correction.reason, before: before, after: after)
        try correctOverages(of: &record, known.subject)
        let effects = try effects(of: record, known.subject)
        guard try fits(effects, at: record.occurredAt) else {
            return .rejected(.quantityOverflow)
        }
        try put(record, effects, of: known.subject)
        return .corrected
    }

    /// Writes a correction down and carries it out.
    func put(
        _ record: CorrectionRecord, _ effects: [CorrectionEffect], of state: SubjectState
    ) throws(StoreError) {
        let sequence = append(record, of: state)
        try apply(effects, record, of: state, at: sequence)
    }

    /// Writes a correction down, and returns its place.
    @discardableResult
    func append(_ record: CorrectionRecord, of state: SubjectState) -> Int64 {
        let position = batch.append(subject: state.number) { write(record, to: &$0) }
        tail.noteCorrection(of: record.target, at: position)
        return position.sequence
    }

    /// Writes the correction that was put last once more, with what was answered.
    func rewrite(_ record: CorrectionRecord, of state: SubjectState) {
        batch.replaceLast(subject: state.number) { write(record, to: &$0) }
    }

    private func write(_ record: CorrectionRecord, to writer: inout ByteWriter) {
        record.write(to: &writer) { registry.number(of: $0) ?? 0 }
    }

    /// Replaces what an event contributed, on every level that it counted on.
    func apply(
        _ correction: CorrectionRecord, of state: SubjectState, at sequence: Int64
    ) throws(StoreError) {
        try apply(try effects(of: correction, state), correction, of: state, at: sequence)
    }

    func apply(
        _ effects: [CorrectionEffect], _ correction: CorrectionRecord, of state: SubjectState,
        at sequence: Int64
    ) throws(StoreError) {
        if correction.before.reservation?.status == .open {
            try follow(correction, of: state, at: sequence)
        }
        tail.noteColumns(correction, of: state.number, registry)
        for level in try levels(of: correction.before, state) {
            try noteActivity(correction, of: level, isOwn: level === state, at: sequence)
        }
        for effect in effects {
            let (subject, series) = (effect.subject, effect.series)
            let index = try counterIndex(
                subject, series: series.number, window: series.window, at: correction.occurredAt)
            guard subject.current[index].asOf < sequence else { continue }
            if series.isInvertible {
                subject.current[index].state = CounterState(
                    value: subject.current[index].state.value &+ effect.change, memory: .none)
            } else {
                var span = subject.current[index].span
                if case .rolling(let seconds) = series.window {
                    span = span.widened(bySeconds: seconds)
                }
                subject.current[index].state = try fold(series.number, of: subject, over: span)
            }
            if case .rolling = series.window {
                subject.current[index].asOf = sequence
            } else {
                touch(subject, index, at: sequence)
            }
        }
    }

    /// Whether every counter has room for its new number.
    func fits(
        _ effects: [CorrectionEffect], at instant: Instant
    ) throws(StoreError) -> Bool {
        for effect in effects where effect.series.isInvertible {
            let index = try counterIndex(
                effect.subject, series: effect.series.number, window: effect.series.window,
                at: instant)
            let value = effect.subject.current[index].state.value
            if effect.changeOverflows || value.addingReportingOverflow(effect.change).overflow {
                return false
            }
        }
        return true
    }

    /// Every series of every level that the correction changes.
    func effects(
        of correction: CorrectionRecord, _ state: SubjectState
    ) throws(StoreError) -> [CorrectionEffect] {
        let levels = try levels(of: state, correction.before.ancestors)
        let before = movements(of: correction.before, state)
        let after = correction.after.map { movements(of: $0, state) } ?? []
        var result: [CorrectionEffect] = []
        for meter in before.map(\.meter)
            + after.map(\.meter).filter({ meter in
                !before.contains { $0.meter === meter }
            })
        {
            let (old, new) = (
                before.first { $0.meter === meter }, after.first { $0.meter === meter }
            )
            for series in meter.series {
                let was = contribution(old, to: series, of: correction.before, correction.target)
                let isNow = correction.after.flatMap {
                    contribution(new, to: series, of: $0, correction.target)
                }
                guard was != isNow else { continue }
                for subject in levels {
                    result.append(CorrectionEffect(subject, series, was, isNow))
                }
            }
        }
        for answer in correction.before.answers where answer.isExceeded && answer.mode == .shadow {
            addRefusal(answer, levels, correction, before, after, to: &result)
        }
        return result
    }

    /// What a record moves; nothing when it does not count.
    private func movements(of record: UsageRecord, _ state: SubjectState) -> [Movement] {
        if let reservation = record.reservation, !reservation.isCounted { return [] }
        catalog.movements(of: record.event(subject: state.id), into: &movements)
        return movements
    }

    private func contribution(
        _ movement: Movement?, to series: CompiledSeries, of record: UsageRecord, _ target: Int64
    ) -> Contribution? {
        guard let movement, series.accepts(record.details),
            !series.isConcurrent || record.reservation?.status == .open
        else { return nil }
        return movement.contribution(
            at: record.occurredAt, sequence: target, isAhead: record.isAhead
        )
        .counted(as: series.aggregation)
    }

    /// A refusal that a shadow limit counted goes, or comes back, with the event.
    private func addRefusal(
        _ answer: LimitAnswer, _ levels: [SubjectState], _ correction: CorrectionRecord,
        _ before: [Movement], _ after: [Movement], to result: inout [CorrectionEffect]
    ) {
        guard answer.limit < registry.limits.count, answer.level < levels.count,
            let definition = catalog.definitions[registry.limits[answer.limit]]
        else { return }
        let series = CompiledSeries(
            number: definition.refusalSeries, registry.series[definition.refusalSeries].definition)
        func refusal(_ movements: [Movement], _ record: UsageRecord?) -> Contribution? {
            guard let record, series.accepts(record.details),
                movements.contains(where: { $0.meter.meter.key == definition.limit.meter })
            else { return nil }
            return Contribution(
                units: 1, occurredAt: record.occurredAt, sequence: correction.target,
                isAhead: record.isAhead)
        }
        let (was, isNow) = (
            refusal(before, correction.before), refusal(after, correction.after)
        )
        guard was != isNow else { return }
        result.append(CorrectionEffect(levels[answer.level], series, was, isNow))
    }
}

/// What a correction changes in one series of one subject.
struct CorrectionEffect {
    let subject: SubjectState
    let series: CompiledSeries
    /// What is added, where the series is a sum or a count.
    let change: Int64
    let changeOverflows: Bool

    init(
        _ subject: SubjectState, _ series: CompiledSeries, _ before: Contribution?,
        _ after: Contribution?
    ) {
        self.subject = subject
        self.series = series
        (change, changeOverflows) = (after?.units ?? 0)
            .subtractingReportingOverflow(before?.units ?? 0)
    }
}

extension Contribution {
    /// Under a count, every contribution is worth one.
    fileprivate func counted(as aggregation: Aggregation) -> Contribution {
        guard aggregation == .count else { return self }
        var result = self
        result.units = 1
        return result
    }
}

extension CompiledSeries {
    /// Whether a contribution can be taken back by arithmetic alone.
    var isInvertible: Bool {
        if case .rolling = window { return false }
        return aggregation == .sum || aggregation == .count
    }
}

extension EventDetails {
    /// The source is part of an event's identity: an amendment cannot change it.
    func withSource(_ source: String?) -> EventDetails {
        EventDetails(
            source: source, type: type, subtype: subtype, status: status,
            durationMilliseconds: durationMilliseconds, errorMessage: errorMessage,
            cost: cost, project: project, scene: scene, session: session, dimensions: dimensions,
            properties: properties)
    }
}

extension Rejection {
    static func unknownEvent(_ id: EventID) -> Rejection {
        Rejection(
            code: .unknownEvent, field: "id",
            message: "expected the id of a recorded event, and there is none '\(id.text)'")
    }

    static let reservationOpen = Rejection(
        code: .reservationOpen, field: "id",
        message: "an open reservation is settled or released, and corrected after that")

    static let alreadyVoided = Rejection(
        code: .alreadyVoided, field: "id", message: "a voided event cannot be amended")
}
