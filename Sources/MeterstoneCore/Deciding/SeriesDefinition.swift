/// One meter, as it is defined, counted per one kind of window.
///
/// Counters belong to a series. A meter that is redefined, or a limit with another filter, is another
/// series, whose counters are folded anew from the events.
public struct SeriesDefinition: Hashable, Sendable, Codable {
    /// What is counted.
    public enum Measure: Hashable, Sendable, Codable {
        case usage
        /// Consumes that the limit of this number would have refused, had it enforced.
        case refusals(limit: Int)
    }

    /// Without what does not change a number: unit and description.
    public let meter: Meter
    /// The limit's own filter, beside the meter's.
    public let limitFilter: [String: [String]]
    public let window: Window
    public let measure: Measure
    /// What is told apart; `nil`: one number for all.
    public let values: CountedValues?

    package init(
        meter: Meter, window: Window, limitFilter: [String: [String]], measure: Measure,
        values: CountedValues? = nil
    ) {
        self.values = values
        self.meter = meter.normalized
        self.limitFilter = limitFilter.mapValues { $0.sorted() }
        self.window = window
        self.measure = measure
    }

    /// How contributions of this series add up.
    package var aggregation: Aggregation {
        measure == .usage ? meter.aggregation : .count
    }
}

/// The values that a series tells apart.
public struct CountedValues: Hashable, Sendable, Codable {
    /// As of ``PerValue/name``.
    public let name: String
    /// How many have a counter of their own; `nil`: each that there is at a time.
    public let max: Int?

    package init(name: String, max: Int?) {
        self.name = name
        self.max = max
    }
}

extension Meter {
    /// What this event contributes to the meter, or `nil` when it does not move it.
    ///
    /// This is the only place that says so; the type's documentation states the rule.
    package func movement(of event: UsageEvent) -> (units: Int64, distinctValue: String?)? {
        guard let units = units(of: event),
            countsEnd(of: event.details),
            dimensions.matches(event.details)
        else { return nil }
        if aggregation.isOfReadings, let uniqueDimension {
            return reading(units, of: uniqueDimension, event.details)
        }
        guard aggregation == .uniqueCount else { return (units, nil) }
        guard let value = uniqueDimension.flatMap({ event.details?.dimension($0) }) else {
            return nil
        }
        return (units, value)
    }

    /// What an event says of an item: how much of it there is, and nothing once it was removed.
    private func reading(
        _ units: Int64, of itemDimension: String, _ details: EventDetails?
    ) -> (units: Int64, distinctValue: String?)? {
        guard let item = details?.dimension(itemDimension) else { return nil }
        switch details?.dimension(Self.operationDimension) {
        case nil, "add": return (units, item)
        case "remove": return (0, item)
        default: return nil
        }
    }

    /// The dimension that says whether an item is added or removed.
    package static let operationDimension = "operation"

    private func countsEnd(of details: EventDetails?) -> Bool {
        guard let details else { return countedStatuses.contains(.success) }
        return counts(details.status) || (details.countsWhenAborted && details.status != .success)
    }

    private func units(of event: UsageEvent) -> Int64? {
        let type = event.details?.type
        if counts == .cost { return billionths(of: event) }
        let isAlias = type.map { type in aliases.contains { $0.text == type } } ?? false
        if let type, !eventTypes.isEmpty, !eventTypes.contains(type), !isAlias { return nil }
        if let named = event.quantities[key] { return named.units }
        for alias in aliases {
            if let named = event.quantities[alias] { return named.units }
        }
        let isBeside = type == nil && alongside.map { event.quantities[$0] != nil } ?? false
        let matches = isAlias || isBeside || (type != nil && !eventTypes.isEmpty)
        if let quantityName {
            let mayRead = matches || (eventTypes.isEmpty && alongside == nil)
            return mayRead ? event.quantities[quantityName]?.units : nil
        }
        return matches ? 1 : nil
    }

    private func billionths(of event: UsageEvent) -> Int64? {
        guard let details = event.details, isOfCost(details) else { return nil }
        if let cost = details.cost { return cost.billionths }
        guard case .estimate(let cost) = withoutCost, details.modelName != nil else { return nil }
        return cost.billionths
    }

    private func isOfCost(_ details: EventDetails) -> Bool {
        eventTypes.isEmpty || details.type.map { eventTypes.contains($0) } ?? false
    }

    /// The model of an event that cannot be decided, since nobody knows what it costs; `nil`: it can.
    package func unpricedModel(of event: UsageEvent) -> String? {
        guard counts == .cost, withoutCost == .refuse, let details = event.details,
            details.cost == nil, isOfCost(details), countsEnd(of: details),
            dimensions.matches(details)
        else { return nil }
        return details.modelName
    }

    /// Two meters that count alike are equal when normalized.
    fileprivate var normalized: Meter {
        Meter(
            key: key, aliases: Set(aliases).sorted(), aggregation: aggregation,
            eventTypes: Set(eventTypes).sorted(),
            dimensions: dimensions.mapValues { Set($0).sorted() }, quantityName: quantityName,
            alongside: alongside, uniqueDimension: uniqueDimension,
            countedStatuses: Set(effectiveStatuses).sorted { $0.rawValue < $1.rawValue },
            counts: counts, withoutCost: withoutCost)
    }

    /// The series that every meter has, whatever its limits. A gauge has one.
    package func standingSeries(_ window: Window) -> SeriesDefinition {
        SeriesDefinition(
            meter: self, window: countedWindow(window), limitFilter: [:], measure: .usage)
    }

    /// In which windows it is counted for a question about some. What a gauge shows is not of a window.
    package func countedWindow(_ window: Window) -> Window {
        aggregation.isOfReadings ? .lifetime : window
    }
}

extension Limit {
    /// What it counts in. A limit on single requests counts in none, and names one that there is.
    package func series(of meter: Meter) -> SeriesDefinition {
        if window == .request { return meter.standingSeries(.lifetime) }
        return SeriesDefinition(
            meter: meter, window: meter.countedWindow(window), limitFilter: dimensions,
            measure: .usage, values: countedValues)
    }

    /// Windows that roll hold the events themselves, and reservations that are open are bounded: what there
    /// is of these is told apart.
    private var countedValues: CountedValues? {
        perValue.map { perValue in
            CountedValues(
                name: perValue.name,
                max: window.isRolling || window == .concurrent ? nil : perValue.valuesMax)
        }
    }

    /// - Parameter number: the limit's number in the registry.
    package func refusalSeries(of meter: Meter, number: Int) -> SeriesDefinition {
        SeriesDefinition(
            meter: meter, window: window, limitFilter: dimensions,
            measure: .refusals(limit: number), values: countedValues)
    }
}

extension [String: [String]] {
    /// Whether the event has, for every dimension listed, one of the accepted values.
    package func matches(_ details: EventDetails?) -> Bool {
        isEmpty
            || allSatisfy { name, accepted in
                details?.dimension(name).map(accepted.contains) ?? false
            }
    }
}
