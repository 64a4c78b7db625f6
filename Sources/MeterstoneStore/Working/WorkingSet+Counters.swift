package import MeterstoneCore

extension WorkingSet {
    /// Brings the counter for this instant to `state.current`, and returns where it stands there.
    func counterIndex(
        _ state: SubjectState, series: Int, window: Window, at instant: Instant
    ) throws(StoreError) -> Int {
        let (found, isCurrent) = state.place(of: series, at: instant)
        if let index = found {
            if isCurrent { return index }
            let counter = try counter(state, series: series, window: window, at: instant)
            let left = state.current[index]
            leave(left, of: state)
            state.current[index] = counter
            return index
        }
        state.current.append(try counter(state, series: series, window: window, at: instant))
        return state.current.count - 1
    }

    /// A counter that waits for nothing may still hold more than was known of its window: it was folded when
    /// the fact stood there already, and so never changed.
    private func leave(_ left: Counter, of state: SubjectState) {
        if left.isDirty {
            state.others[left.key(of: state)] = left
        } else if !state.pastUnits.isEmpty {
            state.pastUnits[left.key(of: state)] = nil
        }
    }

    private func counter(
        _ state: SubjectState, series: Int, window: Window, at instant: Instant
    ) throws(StoreError) -> Counter {
        switch window {
        case .rolling(let seconds):
            return try rollingCounter(state, series: series, seconds: seconds, at: instant)
        case .sinceFirst(let seconds):
            return try sinceFirstCounter(
                state, series: series, milliseconds: seconds * 1_000, at: instant)
        default: break
        }
        // What every store counts of itself, no change of plan cuts.
        let span = window.span(
            containing: instant, in: state.zone,
            anchors: series < 0 ? BillingAnchors(nil) : state.anchors)
        let key = CounterKey(series: series, from: span.from, subject: state.number)
        if var waiting = state.others.removeValue(forKey: key) {
            waiting.isDeleted = false
            // A window of another calendar may have started at the same instant.
            waiting.span = span
            return waiting
        }
        if state.number != 0, let stored = try source.counter(key) {
            return Counter(
                series: series, span: span, state: stored.state, asOf: stored.asOf, isDirty: false)
        }
        guard !isCountedSinceFirstFact(state, series) else {
            // Nothing is included yet, and in a replay not even the fact that asks.
            return Counter(series: series, span: span, state: .empty, asOf: 0, isDirty: false)
        }
        return Counter(
            series: series, span: span, state: try fold(series, of: state, over: span),
            asOf: head, isDirty: false)
    }

    /// Whether no row means that nothing was counted: the series is older than the subject.
    func isCountedSinceFirstFact(_ state: SubjectState, _ series: Int) -> Bool {
        state.number == 0 || series < 0
            || registry.series[series].definedAt <= state.firstSequence
    }

    /// Rolling counters have no row: what they hold are the events themselves.
    ///
    /// Its span is where it can answer; the windows that end there begin earlier. What comes later than
    /// the slack has it folded once more.
    private func rollingCounter(
        _ state: SubjectState, series: Int, seconds: Int64, at instant: Instant
    ) throws(StoreError) -> Counter {
        let span = WindowSpan(
            from: instant.advanced(
                byMilliseconds: -Counter.rollingSlack(milliseconds: seconds * 1_000)),
            until: WindowSpan.lifetime.until)
        // What was counted in this batch is in no row that was kept.
        if state.number != 0, state.dirtyCounters == 0,
            let known = try source.rolling(series, of: state.number), known.from <= instant,
            batch.facts(.usage, of: state.number).isEmpty,
            let counter = try counter(known, of: state, series: series, seconds: seconds)
        {
            return counter
        }
        let folded =
            state.number == 0
            ? .empty : try fold(series, of: state, over: span.widened(bySeconds: seconds))
        return Counter(series: series, span: span, state: folded, asOf: head, isDirty: false)
    }

    /// Windows that open with the first use have no row either. Events are read from further and further
    /// back until there was a pause as long as a window, or the beginning.
    ///
    /// - Parameter piece: between resets of the limit, of which the first opens windows anew.
    func sinceFirstCounter(
        _ state: SubjectState, series: Int, milliseconds: Int64, at instant: Instant,
        within piece: ResetPiece? = nil
    ) throws(StoreError) -> Counter {
        let until = WindowSpan.lifetime.until
        let first = piece?.after?.at ?? Self.firstInstant
        var back = milliseconds
        while state.number != 0 {
            back = back.multipliedSaturated(by: 4)
            let from = max(instant.advanced(byMilliseconds: -back), first)
            var folded = try fold(
                series, of: state, over: WindowSpan(from: from, until: until), within: piece)
            var entries: [RollingEntry] = []
            if case .rolling(let known) = folded.memory { entries = known }
            guard
                let origin = from == first
                    ? from
                    : SinceFirst.origin(
                        entries, from: from, atOrBefore: instant, milliseconds: milliseconds)
            else { continue }
            folded.dropInstants(before: origin)
            return Counter(
                series: series, span: WindowSpan(from: origin, until: until), state: folded,
                asOf: head, isDirty: false)
        }
        return Counter(
            series: series, span: WindowSpan(from: first, until: until), state: .empty,
            asOf: head, isDirty: false)
    }

    /// Nothing occurred before.
    private static let firstInstant = Instant(millisecondsSince1970: 0)

    /// What was kept, with what is new since; `nil`: a number does not fit, and the events tell.
    private func counter(
        _ known: KnownRolling, of state: SubjectState, series: Int, seconds: Int64
    ) throws(StoreError) -> Counter? {
        let span = WindowSpan(from: known.from, until: WindowSpan.lifetime.until)
        let reach = span.widened(bySeconds: seconds)
        let definition = registry.series[series].definition
        var counted = known.state
        for fact in known.newer {
            guard
                let step = try UsageStep(
                    fact, of: state.number, names: registry.names, source: source),
                reach.contains(step.occurredAt)
            else { continue }
            let (before, after) = step.contributions(to: definition)
            let replaced = CounterState(value: counted.value, memory: .none).previewing(
                replacing: before, by: after, as: definition.aggregation, at: now)
            guard replaced != .overflow else { return nil }
            if before != after {
                counted.replaceRolling(before, by: after, as: definition.aggregation)
            }
        }
        return Counter(series: series, span: span, state: counted, asOf: head, isDirty: false)
    }

    /// What a series of a subject comes to over a span, from the events themselves.
    ///
    /// - Parameter piece: between resets of a limit; `nil`: all of it.
    func fold(
        _ series: Int, of state: SubjectState, over span: WindowSpan,
        within piece: ResetPiece? = nil, without left: Int64? = nil
    )
        throws(StoreError) -> CounterState
    {
        let events = try history(of: state.number, over: span).events
        let definition = registry.series[series].definition
        let counted = events.filter { event in
            span.contains(event.record.occurredAt) && event.sequence != left
                && piece?.contains(event.record.occurredAt, at: event.sequence) ?? true
        }
        guard let folded = definition.fold(counted) else {
            throw .doesNotFit(state.id)
        }
        return folded
    }

    /// Everything that counts for a subject over a span, the batch being decided included.
    package func history(
        of subject: Int64, over span: WindowSpan
    )
        throws(StoreError) -> History
    {
        let days = span.utcDays
        var history = History(subject: subject, names: registry.names)
        for fact in try source.facts(of: subject, days: days) {
            try history.add(fact, source: source)
        }
        for fact in tail.facts(.usage, of: subject)
        where fact.sequence > watermark && fact.sequence <= head {
            try history.add(fact, days: days)
        }
        for fact in batch.facts(.usage, of: subject) { try history.add(fact, days: days) }
        return history
    }

    /// Notes that a counter changed by the fact with this sequence number.
    @inline(__always)
    func touch(_ state: SubjectState, _ index: Int, at sequence: Int64) {
        if state.current[index].include(sequence) { noteDirty(state, index, at: sequence) }
    }

    func noteDirty(_ state: SubjectState, _ index: Int, at sequence: Int64) {
        state.dirtyCounters += 1
        if !state.pastUnits.isEmpty { state.pastUnits[state.current[index].key(of: state)] = nil }
        tail.noteDirty(
            DirtyCounter(
                subject: state, series: state.current[index].series,
                from: state.current[index].span.from, sequence: sequence))
    }
}

extension Counter {
    func key(of state: SubjectState) -> CounterKey {
        CounterKey(series: series, from: span.from, subject: state.number)
    }
}

extension WindowSpan {
    /// With the windows of this length that end in the span.
    func widened(bySeconds seconds: Int64) -> WindowSpan {
        WindowSpan(from: from.advanced(byMilliseconds: -seconds * 1_000), until: until)
    }

    /// The UTC days that the span touches.
    package var utcDays: ClosedRange<Int64> {
        let first = max(from, .earliest).utcDay
        let last = min(until, .latest).advanced(byMilliseconds: -1).utcDay
        return first...max(first, last)
    }
}
