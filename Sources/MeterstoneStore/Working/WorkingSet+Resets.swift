import MeterstoneCore

/// What counts against a limit of a subject between two resets.
struct ResetCounter {
    let piece: ResetPiece
    /// In the series of the limit. Its span is where it can answer.
    var counter: Counter
}

/// Limits that count anew because somebody reset them. The counters that reports are made of stay as they
/// are; what counts between two resets is added up from the events when it is first asked for.
extension WorkingSet {
    /// What a limit says between resets; `nil`: none lies in the window.
    func readSinceReset(
        _ resets: ResetHistory, _ allowed: Allowed, _ definition: LimitDefinition,
        _ value: String?, of subject: SubjectState, adding movement: Movement?, at instant: Instant,
        _ effects: [CorrectionEffect]
    ) throws(StoreError) -> LimitReading? {
        let window = definition.limit.window
        guard let (piece, whole) = resetPiece(resets, window, of: subject, at: instant) else {
            return nil
        }
        let counter = try resetCounter(definition, piece, of: subject, in: whole, at: instant)
        let effect = effects.first { effect in
            effect.subject === subject && effect.series.number == definition.series
                && effect.lies(in: piece)
        }
        if let perValue = definition.limit.perValue {
            let state = try state(of: counter, in: piece, of: subject, after: effect)
            var reading = read(
                value, perValue, window, state, until: whole.until,
                shared(allowed, by: value, definition, state, of: subject, at: instant), movement,
                at: instant)
            if let next = piece.before?.at, !window.isRolling { reading.pastAt = next }
            return reading
        }
        switch window {
        case .rolling(let seconds):
            return readRolling(
                effect?.state(of: counter) ?? counter.state, allowed, definition, movement,
                instant, milliseconds: seconds * 1_000)
        case .sinceFirst(let seconds):
            return readSinceFirst(
                effect?.state(of: counter) ?? counter.state, allowed, movement, instant,
                milliseconds: seconds * 1_000)
        default: break
        }
        var before = counter.state.value
        if let effect, let at = (effect.before ?? effect.after)?.occurredAt, whole.contains(at) {
            before &+= (effect.after?.units ?? 0) &- (effect.before?.units ?? 0)
        }
        let units = movement.map { alone($0) } ?? 0
        let (after, overflow) = before.addingReportingOverflow(units)
        let resetsAt = whole.until == WindowSpan.lifetime.until ? nil : whole.until
        return LimitReading(
            allowance: allowed.allowance, before: before, after: overflow ? .max : after,
            resetsAt: resetsAt, retryAt: units <= allowed.allowance.bound ? resetsAt : nil,
            pastAt: piece.before?.at ?? resetsAt, parts: allowed.parts)
    }

    /// The part of time between resets that an instant falls into, and its window; `nil`: no reset lies in it.
    private func resetPiece(
        _ resets: ResetHistory, _ window: Window, of subject: SubjectState, at instant: Instant
    ) -> (piece: ResetPiece, whole: WindowSpan)? {
        // A limit that was reset may have become one of what is open since.
        guard window != .concurrent else { return nil }
        let piece = resets.piece(at: instant)
        let whole = window.span(containing: instant, in: subject.zone, anchors: subject.anchors)
        return window.isOfInstants || piece.isEdge(within: whole) ? (piece, whole) : nil
    }

    /// What counts against a limit per value at an instant; `nil`: all that its counter says.
    func stateSinceReset(
        _ definition: LimitDefinition, of subject: SubjectState, at instant: Instant
    ) throws(StoreError) -> CounterState? {
        let allowed = subject.allowance(
            of: definition, nil, at: instant, catalog: catalog, version: version)
        guard let resets = allowed.resets,
            let (piece, whole) = resetPiece(
                resets, definition.limit.window, of: subject, at: instant)
        else { return nil }
        return try resetCounter(definition, piece, of: subject, in: whole, at: instant).state
    }

    /// What each value comes to between two resets once a correction is carried out.
    private func state(
        of counter: Counter, in piece: ResetPiece, of subject: SubjectState,
        after effect: CorrectionEffect?
    ) throws(StoreError) -> CounterState {
        guard let effect else { return counter.state }
        if effect.series.window.isOfInstants { return effect.state(of: counter) }
        let contribution = effect.before ?? effect.after
        guard let contribution, counter.span.contains(contribution.occurredAt) else {
            return counter.state
        }
        var state = counter.state
        if effect.isKnown(in: state) {
            state.replace(effect.before, by: effect.after, as: effect.series.aggregation)
        } else {
            state = try fold(
                counter.series, of: subject, over: piece.cutting(counter.span), within: piece,
                without: contribution.sequence)
            if let after = effect.after {
                _ = state.add(after, as: effect.series.aggregation)
            }
        }
        return state
    }

    private func resetCounter(
        _ definition: LimitDefinition, _ piece: ResetPiece, of subject: SubjectState,
        in whole: WindowSpan, at instant: Instant
    ) throws(StoreError) -> Counter {
        if let known = subject.resetCounters[definition.number], known.piece == piece,
            known.counter.series == definition.series, known.counter.span.contains(instant)
        {
            return known.counter
        }
        var counter = Counter(
            series: definition.series, span: whole, state: .empty, asOf: head, isDirty: false)
        switch definition.limit.window {
        case .rolling(let seconds):
            counter.span = WindowSpan(
                from: instant.advanced(
                    byMilliseconds: -Counter.rollingSlack(milliseconds: seconds * 1_000)),
                until: WindowSpan.lifetime.until)
            if subject.number != 0 {
                counter.state = try fold(
                    definition.series, of: subject,
                    over: piece.cutting(counter.span.widened(bySeconds: seconds)), within: piece)
            }
        case .sinceFirst(let seconds):
            counter = try sinceFirstCounter(
                subject, series: definition.series, milliseconds: seconds * 1_000, at: instant,
                within: piece)
        default:
            if subject.number != 0 {
                counter.state = try fold(
                    definition.series, of: subject, over: piece.cutting(whole), within: piece)
            }
        }
        subject.resetCounters[definition.number] = ResetCounter(piece: piece, counter: counter)
        return counter
    }

    // MARK: Following facts

    /// Counts a usage where it lies between the resets that somebody asked about last.
    func countSinceResets(
        _ movements: Movements, _ record: UsageRecord, for subject: SubjectState, level: Int,
        at sequence: Int64
    ) {
        for (number, known) in subject.resetCounters {
            for movement in movements {
                guard
                    let series = movement.meter.series.first(where: {
                        $0.number == known.counter.series
                    }),
                    let contribution = series.contribution(
                        // Nothing that tells members apart can be reset.
                        of: movement, record, level: level, owner: 0, sequence: sequence),
                    known.piece.contains(contribution.occurredAt, at: sequence),
                    series.window.isOfInstants
                        || known.counter.span.contains(contribution.occurredAt)
                else { continue }
                _ = subject.resetCounters[number]?.counter.count(contribution, series)
            }
        }
    }

    /// Has those counters follow a correction.
    func correctSinceResets(_ effect: CorrectionEffect, at sequence: Int64) {
        let subject = effect.subject
        for (number, known) in subject.resetCounters
        where known.counter.series == effect.series.number && known.counter.asOf < sequence
            && effect.lies(in: known.piece)
        {
            var counter = known.counter
            if effect.series.window.isOfInstants {
                if effect.outdates(counter) {
                    counter.forgetInstants()
                } else if effect.concerns(counter) {
                    effect.apply(to: &counter.state)
                }
            } else if let at = (effect.before ?? effect.after)?.occurredAt,
                counter.span.contains(at)
            {
                guard effect.isKnown(in: counter.state) else {
                    // It is added up once more for whoever asks next.
                    subject.resetCounters[number] = nil
                    continue
                }
                counter.state.replace(
                    effect.before, by: effect.after, as: effect.series.aggregation)
            }
            counter.asOf = sequence
            subject.resetCounters[number]?.counter = counter
        }
    }
}

extension CorrectionEffect {
    /// Whether a state tells what is left once this is carried out.
    fileprivate func isKnown(in state: CounterState) -> Bool {
        state.knowsRest(replacing: before, by: after)
    }

    fileprivate func lies(in piece: ResetPiece) -> Bool {
        guard let contribution = before ?? after else { return false }
        return piece.contains(contribution.occurredAt, at: contribution.sequence)
    }
}
