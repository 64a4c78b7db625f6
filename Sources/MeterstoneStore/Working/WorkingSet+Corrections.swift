import MeterstoneCore

extension WorkingSet {
    /// Voids or amends an event, as a new fact beside it.
    func correct(
        _ correction: Correction, at now: Instant
    ) throws(StoreError) -> CorrectionOutcome {
        guard
            let known = try find(correction.eventID, source: correction.source, at: now)
        else { return .rejected(.unknownEvent(correction.eventID)) }
        let day = WindowSpan(
            from: known.record.occurredAt,
            until: known.record.occurredAt.advanced(byMilliseconds: 1))
        let standing = try history(of: known.subject.number, over: day)
            .first { $0.sequence == known.sequence }
        guard let before = standing?.record else {
            return correction.kind == .void ? .unchanged : .rejected(.alreadyVoided)
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
            if let name = quantities.firstNegative { return .rejected(.negativeQuantity(name)) }
            let event = amended.event(subject: known.subject.id)
            if let unknown = catalog.unknownQuantity(of: event) {
                return .rejected(.unknownMeter(unknown))
            }
            after = amended
        }
        let record = CorrectionRecord(
            target: known.sequence, recordedAt: now, author: correction.author,
            reason: correction.reason, before: before, after: after)
        guard try fits(record, of: known.subject) else { return .rejected(.quantityOverflow) }
        let registry = self.registry
        let position = batch.append(subject: known.subject.number) { writer in
            record.write(to: &writer) { registry.number(of: $0) ?? 0 }
        }
        try apply(record, of: known.subject, at: position.sequence)
        return .corrected
    }

    /// Replaces what an event contributed, on every level that it counted on.
    func apply(
        _ correction: CorrectionRecord, of state: SubjectState, at sequence: Int64
    ) throws(StoreError) {
        try forEachEffect(of: correction, state) {
            (subject, series, before, after) throws(StoreError) in
            let index = try counterIndex(
                subject, series: series.number, window: series.window, at: correction.occurredAt)
            guard subject.current[index].asOf < sequence else { return }
            if series.isInvertible {
                let change = (after?.units ?? 0) - (before?.units ?? 0)
                subject.current[index].state = CounterState(
                    value: subject.current[index].state.value &+ change, memory: .none)
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

    private func fits(
        _ correction: CorrectionRecord, of state: SubjectState
    )
        throws(StoreError) -> Bool
    {
        var fits = true
        try forEachEffect(of: correction, state) {
            (subject, series, before, after) throws(StoreError) in
            let index = try counterIndex(
                subject, series: series.number, window: series.window, at: correction.occurredAt)
            let change = (after?.units ?? 0).subtractingReportingOverflow(before?.units ?? 0)
            let sum = subject.current[index].state.value
                .addingReportingOverflow(change.partialValue)
            if series.isInvertible, change.overflow || sum.overflow { fits = false }
        }
        return fits
    }

    /// Visits every series of every level that the correction changes.
    private func forEachEffect(
        of correction: CorrectionRecord, _ state: SubjectState,
        _ visit: (SubjectState, CompiledSeries, Contribution?, Contribution?) throws(StoreError) ->
            Void
    ) throws(StoreError) {
        var levels = [state]
        for number in correction.before.ancestors { levels.append(try self.state(number: number)) }
        for (level, subject) in levels.enumerated() {
            for (number, series) in registry.series.enumerated() where series.isCounted {
                let before = series.definition.contribution(
                    of: correction.before, level: level, sequence: correction.target)
                let after = correction.after.flatMap {
                    series.definition.contribution(
                        of: $0, level: level, sequence: correction.target)
                }
                guard before != after else { continue }
                try visit(
                    subject, CompiledSeries(number: number, series.definition),
                    before?.counted(as: series.definition.aggregation),
                    after?.counted(as: series.definition.aggregation))
            }
        }
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
    fileprivate var isInvertible: Bool {
        if case .rolling = window { return false }
        return aggregation == .sum || aggregation == .count
    }
}

extension EventDetails {
    /// The source is part of an event's identity: an amendment cannot change it.
    fileprivate func withSource(_ source: String?) -> EventDetails {
        EventDetails(
            source: source, type: type, subtype: subtype, status: status,
            durationMilliseconds: durationMilliseconds, errorMessage: errorMessage,
            project: project, scene: scene, session: session, dimensions: dimensions,
            properties: properties)
    }
}

extension Rejection {
    static func unknownEvent(_ id: EventID) -> Rejection {
        Rejection(
            code: .unknownEvent, field: "id",
            message: "expected the id of a recorded event, and there is none '\(id.text)'")
    }

    static let alreadyVoided = Rejection(
        code: .alreadyVoided, field: "id", message: "a voided event cannot be amended")
}
