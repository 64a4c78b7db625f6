package import MeterstoneCore

/// What a gauge shows, and what it comes to over time.
extension UsageReader {
    /// What stands now is in the counter. What stood before, and what it comes to over time, the readings
    /// tell from the first one on.
    ///
    /// - Parameter spans: sorted and disjoint.
    func readings(
        _ meter: CompiledMeter, of subject: StoredSubject, over spans: [WindowSpan]
    ) throws(StoreError) -> [UsageSeries.Point] {
        let aggregation = meter.meter.aggregation
        if aggregation == .gauge, spans.allSatisfy({ $0.until > now }),
            let state = try lifetime(meter, of: subject)
        {
            return spans.map { point($0, $0.from <= now ? state : .empty) }
        }
        var windows = GaugeWindows(spans, aggregation, now: now)
        var shown: [GaugeReadings.Key: Int64] = [:]
        let until = spans.last.map { $0.until <= now ? $0.until : WindowSpan.lifetime.until } ?? now
        for (key, reading) in try pastReadings(meter.meter, of: subject.number, until: until) {
            let before = shown.updateValue(reading.units, forKey: key) ?? 0
            windows.change(by: Int128(reading.units) - Int128(before), at: min(reading.at, now))
        }
        return zip(spans, windows.finished()).map { span, units in
            UsageSeries.Point(from: span.from, until: span.until, quantity: Quantity(units))
        }
    }

    /// Every reading that counts until an instant, in the order of time. One that was told in its time by a
    /// clock that was ahead is there already.
    private func pastReadings(
        _ meter: Meter, of subject: Int64, until: Instant
    ) throws(StoreError) -> [(key: GaugeReadings.Key, reading: CounterState.Reading)] {
        let definition = meter.standingSeries(.lifetime)
        let whole = WindowSpan(from: WindowSpan.lifetime.from, until: until)
        guard let instants = whole.instants else { return [] }
        /// By the place of the event; corrections take the place of what was said before them.
        var known: [Int64: (said: Int64, contribution: Contribution?)] = [:]
        try source.usage(of: subject, within: instants, .oldestFirst) {
            (facts, _) throws(StoreError) in
            for fact in facts {
                guard let step = try UsageStep(fact, of: subject, names: names, source: source),
                    whole.contains(step.occurredAt)
                else { continue }
                let (before, after) = step.contributions(to: definition)
                guard let event = (before ?? after)?.sequence else { continue }
                if let said = known[event]?.said, said >= step.sequence { continue }
                known[event] = (step.sequence, after)
            }
            return true
        }
        return known.values.compactMap { (_, contribution) in
            guard let contribution, !contribution.isAhead || contribution.occurredAt <= now else {
                return nil
            }
            return (contribution.gaugeKey, contribution.reading)
        }.sorted { $0.1 < $1.1 }
    }
}

extension UsageReader {
    /// What a gauge shows now, by item and by the number of the member that told it.
    package func standing(
        _ meter: Meter
    ) throws(StoreError) -> [(key: GaugeReadings.Key, reading: CounterState.Reading)] {
        guard let subject = view.subject, let compiled = view.catalog.meter(meter.key) else {
            return []
        }
        if let state = try lifetime(compiled, of: subject) {
            return state.gauge.standing(at: now)
        }
        let definition = meter.standingSeries(.lifetime)
        let history = try history(of: subject.number, over: .lifetime)
        return definition.fold(history.events)?.gauge.standing(at: now) ?? []
    }
}
