package import MeterstoneCore

extension UsageReader {
    /// What the subject used of each meter in a closed month.
    package func statements(_ closed: ClosedMonth) throws(StoreError) -> [MeterStatement] {
        guard let subject = view.subject else { return [] }
        let span = WindowSpan(from: closed.from, until: closed.until)
        let events = try history(of: subject.number, over: span).events
            .filter { span.contains($0.record.occurredAt) }
        return try closed.meters.map { (meter) throws(StoreError) in
            let definition = meter.standingSeries(.lifetime)
            let counted = events.filter { definition.contribution(of: $0) != nil }
            var quantity = definition.fold(counted)?.value ?? .max
            if meter.aggregation.isOfReadings, let compiled = view.catalog.meter(meter.key) {
                quantity = try readings(compiled, of: subject, over: [span])[0].quantity.units
            }
            return MeterStatement(
                meter: meter.key, aggregation: meter.aggregation, quantity: quantity,
                events: Int64(counted.count), costMillionths: counted.costMillionths,
                adjustments: AdjustmentTotal(
                    of: meter, counted.filter { $0.record.toldAt != nil }))
        }
    }
}

extension ClosedMonth {
    /// What everybody's usage of earlier months came to that counts in this one, meter by meter.
    package func adjustments(
        in source: any StoreSource, names: [MeterKey]
    ) throws(StoreError) -> [AdjustmentTotal] {
        var events: [EffectiveEvent] = []
        // All of it counts at the instant at which the month begins.
        let day = from.utcDay
        try source.forEachDay(within: day...day) { (_, subject, facts) throws(StoreError) in
            var history = History(subject: subject, names: names)
            for fact in facts
            where Fact.occurredAt(fact.body, from: 0, to: fact.body.count) == from {
                try history.add(fact, source: source)
            }
            events += history.events.filter { $0.record.toldAt != nil && $0.level == 0 }
        }
        return meters.map { meter in
            let definition = meter.standingSeries(.lifetime)
            return AdjustmentTotal(
                of: meter, events.filter { definition.contribution(of: $0) != nil })
        }
    }
}

extension AdjustmentTotal {
    fileprivate init(of meter: Meter, _ counted: [EffectiveEvent]) {
        let sum = meter.canRoll ? meter.standingSeries(.lifetime).fold(counted) : nil
        self.init(
            events: Int64(counted.count), quantity: meter.canRoll ? sum?.value ?? .max : nil,
            costMillionths: counted.costMillionths)
    }
}

extension [EffectiveEvent] {
    fileprivate var costMillionths: Int64 {
        let sum = reduce(Int128(0)) { $0 + ($1.record.details?.cost?.trillionths ?? 0) }
        return Money(trillionths: sum)?.millionths ?? .max
    }
}
