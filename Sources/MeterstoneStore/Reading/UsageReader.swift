package import MeterstoneCore

/// Answers questions about one subject.
package struct UsageReader {
    package let view: StoreView
    package let source: any StoreSource
    private let now: Instant
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
    /// Days and longer spans come from the day counters, so that they cost the size of the answer; hours,
    /// and what nobody counted by day, are added up from the events of the span.
    package func points(
        of meter: Meter, over spans: [WindowSpan], window: Window
    )
        throws(StoreError) -> [UsageSeries.Point]
    {
        guard let subject = view.subject, let compiled = view.catalog.meter(meter.key) else {
            return spans.map { point($0, .empty) }
        }
        if window == .lifetime, let state = try lifetime(compiled, of: subject) {
            return spans.map { point($0, state) }
        }
        if window.isMadeOfDays, isCounted(compiled.daySeries, since: subject.firstSequence) {
            return try mergedDays(compiled, of: subject, over: spans)
        }
        return try fold(meter, window, of: subject, over: spans)
    }

    private func lifetime(
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
        let keys: [[CounterKey]] = spans.map { span in
            startsOfDays(in: span).map {
                CounterKey(series: meter.daySeries, from: $0, subject: subject.number)
            }
        }
        let stored = try source.counters(Array(keys.joined()))
        return zip(spans, keys).map { span, keys in
            var total = CounterState.empty
            for key in keys {
                if let day = stored[key]?.state {
                    total.merge(day, as: meter.meter.aggregation)
                }
            }
            return point(span, total)
        }
    }

    /// Where the days of a span start, in the subject's zone.
    private func startsOfDays(in span: WindowSpan) -> [Instant] {
        var result: [Instant] = []
        var day = Window.day.span(containing: span.from, in: view.zone, anchor: nil)
        while day.from < span.until {
            result.append(day.from)
            day = Window.day.span(containing: day.until, in: view.zone, anchor: nil)
        }
        return result
    }

    private func fold(
        _ meter: Meter, _ window: Window, of subject: StoredSubject, over spans: [WindowSpan]
    ) throws(StoreError) -> [UsageSeries.Point] {
        guard let first = spans.first, let last = spans.last else { return [] }
        let events = try history(
            of: subject.number, over: WindowSpan(from: first.from, until: last.until)
        ).events
        let definition = meter.standingSeries(.lifetime)
        var states = [CounterState](repeating: .empty, count: spans.count)
        for event in events {
            guard let contribution = definition.contribution(of: event),
                let index = spans.lastIndex(containing: event.record.occurredAt),
                definition.add(contribution, to: &states[index])
            else { continue }
        }
        return zip(spans, states).map { point($0, $1) }
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

    private func point(_ span: WindowSpan, _ state: CounterState) -> UsageSeries.Point {
        UsageSeries.Point(
            from: span.from, until: span.until, quantity: Quantity(state.value(at: now)))
    }
}

extension Window {
    /// Whether the window starts and ends where local days do.
    fileprivate var isMadeOfDays: Bool {
        switch self {
        case .day, .week, .month, .year: true
        case .hour, .lifetime, .billingMonth, .rolling, .request, .concurrent: false
        }
    }
}

extension [WindowSpan] {
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
