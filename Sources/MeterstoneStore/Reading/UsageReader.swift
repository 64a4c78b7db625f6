package import MeterstoneCore

/// Answers questions about one subject.
package struct UsageReader {
    package let view: StoreView
    package let source: any StoreSource
    let now: Instant
    let names: [MeterKey]

    /// - Parameters:
    ///   - source: everything that the view knows of.
    ///   - now: gauges show nothing that was told for later.
    package init(
        _ view: StoreView, _ source: any StoreSource, now: Instant
    ) throws(StoreError) {
        self.view = view
        self.now = now
        self.source = source
        names = try source.quantityNames() ?? view.registry.names
    }

    /// Usage window by window.
    ///
    /// Days and longer spans come from the day counters, so that they cost the size of the answer. Hours are
    /// added up from the events of the span, and so are the days before a meter that is younger than the
    /// subject.
    package func points(
        of meter: Meter, over spans: [WindowSpan], window: Window
    )
        throws(StoreError) -> [UsageSeries.Point]
    {
        guard let subject = view.subject, let compiled = view.catalog.meter(meter.key) else {
            return spans.map { point($0, .empty) }
        }
        if meter.aggregation.isOfReadings {
            return try readings(compiled, of: subject, over: spans)
        }
        if window == .lifetime, let state = try lifetime(compiled, of: subject) {
            return spans.map { point($0, state) }
        }
        if window.isMadeOfDays { return try mergedDays(compiled, of: subject, over: spans) }
        return zip(spans, try fold(meter, of: subject, over: spans)).map { point($0, $1) }
    }

    func lifetime(
        _ meter: CompiledMeter, of subject: StoredSubject
    )
        throws(StoreError) -> CounterState?
    {
        let key = CounterKey(
            series: meter.lifetimeSeries, from: WindowSpan.lifetime.from, subject: subject.number)
        if let state = try counter(key) { return state }
        return isCounted(meter.lifetimeSeries, since: subject.firstSequence) ? .empty : nil
    }

    /// Whether no counter means no usage.
    private func isCounted(_ series: Int, since sequence: Int64) -> Bool {
        view.registry.series[series].definedAt <= sequence
    }

    func counter(_ key: CounterKey) throws(StoreError) -> CounterState? {
        try source.counter(key)?.state
    }

    private func mergedDays(
        _ meter: CompiledMeter, of subject: StoredSubject, over spans: [WindowSpan]
    ) throws(StoreError) -> [UsageSeries.Point] {
        func key(_ day: WindowSpan) -> CounterKey {
            CounterKey(series: meter.daySeries, from: day.from, subject: subject.number)
        }
        let days = spans.map { self.days(in: $0) }
        var known = try source.counters(days.joined().map(key)).mapValues(\.state)
        if !isCounted(meter.daySeries, since: subject.firstSequence) {
            // A meter that is younger than the subject has no counter of a day that nobody asked about.
            for unknown in days.joined().filter({ known[key($0)] == nil }).inRows {
                for (day, state) in zip(unknown, try fold(meter.meter, of: subject, over: unknown))
                {
                    known[key(day)] = state
                }
            }
        }
        return zip(spans, days).map { span, days in
            var total = CounterState.empty
            for day in days {
                if let state = known[key(day)] { total.merge(state, as: meter.meter.aggregation) }
            }
            return point(span, total)
        }
    }

    /// The days of a span, in the subject's zone.
    private func days(in span: WindowSpan) -> [WindowSpan] {
        var result: [WindowSpan] = []
        var day = Window.day.span(containing: span.from, in: view.zone, anchor: nil)
        while day.from < span.until {
            result.append(day)
            day = Window.day.span(containing: day.until, in: view.zone, anchor: nil)
        }
        return result
    }

    /// What the events of some spans come to.
    private func fold(
        _ meter: Meter, of subject: StoredSubject, over spans: [WindowSpan]
    ) throws(StoreError) -> [CounterState] {
        guard let first = spans.first, let last = spans.last else { return [] }
        let whole = WindowSpan(from: first.from, until: last.until)
        let definition = meter.standingSeries(.lifetime)
        if meter.canRoll { return try sums(definition, of: subject.number, in: whole, spans) }
        var states = [CounterState](repeating: .empty, count: spans.count)
        for event in try history(of: subject.number, over: whole).events {
            guard let contribution = definition.contribution(of: event),
                let index = spans.lastIndex(containing: event.record.occurredAt),
                definition.add(contribution, to: &states[index])
            else { continue }
        }
        return states
    }

    /// Sums and counts are added up as facts come, in whatever order, and none is kept.
    private func sums(
        _ definition: SeriesDefinition, of subject: Int64, in whole: WindowSpan,
        _ spans: [WindowSpan]
    ) throws(StoreError) -> [CounterState] {
        var sums = [Int64](repeating: 0, count: spans.count)
        if let instants = whole.instants {
            try source.usage(of: subject, within: instants, .oldestFirst) {
                (facts, _) throws(StoreError) in
                for fact in facts {
                    guard
                        let step = try UsageStep(fact, of: subject, names: names, source: source),
                        let index = spans.lastIndex(containing: step.occurredAt)
                    else { continue }
                    let (before, after) = step.contributions(to: definition)
                    sums[index] &+= (after?.units ?? 0) &- (before?.units ?? 0)
                }
                return true
            }
        }
        return sums.map { CounterState(value: $0, memory: .none) }
    }

    /// Everything that was recorded for a subject over a span.
    package func history(of subject: Int64, over span: WindowSpan) throws(StoreError) -> History {
        let days = span.utcDays
        var history = History(subject: subject, names: names)
        for fact in try source.facts(of: subject, days: days) {
            try history.add(fact, source: source)
        }
        return history
    }

    func point(_ span: WindowSpan, _ state: CounterState) -> UsageSeries.Point {
        UsageSeries.Point(
            from: span.from, until: span.until, quantity: Quantity(state.value(at: now)))
    }
}

extension Window {
    /// Whether the window starts and ends where local days do.
    fileprivate var isMadeOfDays: Bool {
        switch self {
        case .day, .week, .month, .quarter, .year: true
        case .minute, .hour, .lifetime, .billingMonth, .rolling, .sinceFirst, .request,
            .concurrent:
            false
        }
    }
}

extension [WindowSpan] {
    /// Those that follow each other without a gap, together.
    fileprivate var inRows: [[WindowSpan]] {
        reduce(into: []) { rows, span in
            if let last = rows.last?.last, last.until == span.from {
                rows[rows.count - 1].append(span)
            } else {
                rows.append([span])
            }
        }
    }

    /// Of sorted, disjoint spans, the one that an instant falls into.
    fileprivate func lastIndex(containing instant: Instant) -> Int? {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle].from <= instant { low = middle + 1 } else { high = middle }
        }
        return low > 0 && self[low - 1].contains(instant) ? low - 1 : nil
    }
}
