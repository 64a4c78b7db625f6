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
        if isClosed(before.occurredAt), correction.kind == .void {
            return .rejected(.monthClosed(by: "voided"))
        }
        var after: UsageRecord?
        if case .amend(let quantities, let details) = correction.kind {
            var amended = before
            amended.quantities = quantities
            let first = before.details ?? .none
            let kept = details.map { first.replacing(correction.fields, by: $0) } ?? first
            // No details and details that tell nothing are the same.
            if kept != first { amended.details = kept == .none ? nil : kept }
            reprice(&amended, told: details)
            if amended == before { return .unchanged }
            if isClosed(before.occurredAt), !amended.countsAs(before) {
                return .rejected(.monthClosed(by: "amended"))
            }
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
        guard let effects = try effects(of: record, known.subject, at: batch.nextSequence) else {
            return .rejected(.quantityOverflow)
        }
        try write(record, effects, of: known.subject, isByHand: true)
        return .corrected
    }

    /// Writes a correction down and carries it out.
    ///
    /// - Parameter isByHand: what goes below a threshold of an alert then makes it possible to reach it anew.
    ///   That a reservation used less than it set aside does not.
    func write(
        _ record: CorrectionRecord, _ effects: [CorrectionEffect], of state: SubjectState,
        isByHand: Bool = false
    ) throws(StoreError) {
        let watched = catalog.alerts.isEmpty ? [] : try watched(record, effects, of: state)
        let position = batch.append(subject: state.number) { writer in
            record.write(to: &writer) { registry.number(ofQuantity: $0) }
        }
        try apply(record, effects, of: state, at: position)
        for use in watched {
            if isByHand { try rearm(use) }
            try fire(use, by: record.before.id)
        }
    }

    /// What a correction changes in every series of every level; `nil` when a number does not fit.
    ///
    /// - Parameter sequence: the correction's. A counter that includes it is left out.
    func effects(
        of correction: CorrectionRecord, _ owner: SubjectState, at sequence: Int64
    ) throws(StoreError) -> [CorrectionEffect]? {
        let before = movements(of: correction.before, owner)
        let after = correction.after.map { movements(of: $0, owner) } ?? Movements()
        var result: [CorrectionEffect] = []
        for (level, subject) in try levels(of: correction.before, owner).enumerated() {
            var concerned: [(series: CompiledSeries, meter: CompiledMeter)] = []
            for meter in before.map(\.meter) + after.map(\.meter)
            where !concerned.contains(where: { $0.meter === meter }) {
                for series in meter.series { concerned.append((series, meter)) }
            }
            // A refusal that a shadow limit counted goes, or comes back, with the event.
            for answer in correction.before.answers
            where answer.level == level && answer.isShadowRefusal {
                if let refusals = refusals(by: answer) { concerned.append(refusals) }
            }
            for (series, meter) in concerned {
                func contribution(_ movements: Movements, _ record: UsageRecord) -> Contribution? {
                    movements.movement(of: meter).flatMap {
                        series.contribution(
                            of: $0, record, level: level, owner: owner.number,
                            sequence: correction.target)
                    }?.counted(as: series.aggregation)
                }
                var effect = CorrectionEffect(
                    subject: subject, series: series,
                    before: contribution(before, correction.before),
                    after: correction.after.flatMap { contribution(after, $0) })
                guard effect.before != effect.after else { continue }
                switch try resolve(&effect, correction, at: sequence) {
                case .changes: result.append(effect)
                case .isIncluded: break
                case .overflows: return nil
                }
            }
        }
        return result
    }

    private enum Resolved {
        case changes, isIncluded, overflows
    }

    /// Finds out what the counter comes to. Where its state does not say, it is folded from what is left.
    private func resolve(
        _ effect: inout CorrectionEffect, _ correction: CorrectionRecord, at sequence: Int64
    ) throws(StoreError) -> Resolved {
        let (subject, series) = (effect.subject, effect.series)
        if series.window.isOfInstants {
            return resolveRolling(effect, at: sequence)
        }
        let index = try counterIndex(
            subject, series: series.number, window: series.window, at: correction.occurredAt)
        guard subject.current[index].asOf < sequence else { return .isIncluded }
        let span = subject.current[index].span
        let replaced = subject.current[index].state.previewing(
            replacing: effect.before, by: effect.after, as: series.aggregation,
            at: max(correction.occurredAt, now))
        if replaced == .overflow { return .overflows }
        if case .value(let value) = replaced {
            effect.value = value
            return .changes
        }
        var history = try history(of: subject.number, over: span)
        history.apply(correction, sequence)
        let definition = registry.series[series.number].definition
        let events = history.events.filter { span.contains($0.record.occurredAt) }
        guard let folded = definition.fold(events) else { return .overflows }
        effect.folded = folded
        effect.value = folded.value(at: max(correction.occurredAt, now))
        return .changes
    }

    /// A counter that rolls has no row. One that nobody uses, or that does not reach back to the event,
    /// includes the correction when it is folded for whoever asks next.
    private func resolveRolling(_ effect: CorrectionEffect, at sequence: Int64) -> Resolved {
        let (subject, series) = (effect.subject, effect.series)
        guard let index = subject.current.firstIndex(where: { $0.series == series.number }),
            effect.concerns(subject.current[index])
        else { return .changes }
        guard subject.current[index].asOf < sequence else { return .isIncluded }
        return effect.fits(subject.current[index].state.value) ? .changes : .overflows
    }

    /// What a record moves; nothing when it does not count.
    func movements(of record: UsageRecord, _ state: SubjectState) -> Movements {
        record.isCounted
            ? catalog.movements(of: record.event(subject: state.id)) : Movements()
    }
}

/// What a correction changes in one series of one subject.
struct CorrectionEffect {
    let subject: SubjectState
    let series: CompiledSeries
    /// What the event contributes until then, and since.
    let before: Contribution?
    let after: Contribution?
    /// What the counter comes to, of one that does not roll.
    var value: Int64 = 0
    /// The counter's state, where it had to be folded from the events.
    var folded: CounterState?
}

/// What it changes in a counter, above all in a window that rolls.
extension CorrectionEffect {
    /// Whether a counter has what the event contributed.
    func concerns(_ counter: Counter) -> Bool {
        guard let instant = (before ?? after)?.occurredAt else { return false }
        switch series.window {
        case .rolling(let seconds):
            return counter.span.widened(bySeconds: seconds).contains(instant)
        case .sinceFirst: return counter.span.contains(instant)
        default: return false
        }
    }

    /// Whether a counter no longer tells which windows there are.
    func outdates(_ counter: Counter) -> Bool {
        guard case .sinceFirst = series.window, let instant = (before ?? after)?.occurredAt
        else { return false }
        return instant < counter.span.from
    }

    /// Whether what such a counter holds stays a number. Both contributions are of one event, and add up as
    /// they do in any other window.
    func fits(_ value: Int64) -> Bool {
        CounterState(value: value, memory: .none).previewing(
            replacing: before, by: after, as: series.aggregation, at: .latest) != .overflow
    }

    func apply(to state: inout CounterState) {
        state.replaceRolling(before, by: after, as: series.aggregation)
    }

    /// The state of a counter once this was carried out.
    func state(of counter: Counter) -> CounterState {
        if let folded { return folded }
        var state = counter.state
        if !series.window.isOfInstants {
            state.replace(before, by: after, as: series.aggregation)
        } else if concerns(counter) {
            apply(to: &state)
        }
        return state
    }
}

extension Contribution {
    /// Under a count, every contribution is worth one.
    func counted(as aggregation: Aggregation) -> Contribution {
        guard aggregation == .count else { return self }
        var result = self
        result.units = 1
        return result
    }
}

extension EventDetails {
    /// The source is part of an event's identity: an amendment cannot change it.
    func withSource(_ source: String?) -> EventDetails { with(source: .some(source)) }
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
