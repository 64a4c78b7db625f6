/// Small numbers for names (of quantities and of plans), limits and series, given once and never again
/// to another.
///
/// Stored records and counters refer to these numbers, so the registry only grows.
public struct Registry: Sendable {
    package private(set) var names: [MeterKey] = []
    package private(set) var limits: [LimitKey] = []
    package private(set) var series: [RegisteredSeries] = []
    private var numberOfName: [MeterKey: Int] = [:]
    private var numberOfLimit: [LimitKey: Int] = [:]
    private var numberOfSeries: [SeriesDefinition: Int] = [:]

    package init() {}

    package func number(of name: MeterKey) -> Int? { numberOfName[name] }

    /// What stands for the name of a quantity in a stored event. Whoever writes one has found out that it is
    /// known.
    package func number(ofQuantity name: MeterKey) -> Int {
        guard let number = numberOfName[name] ?? TokenName.number(of: name) else {
            preconditionFailure("a quantity is known before it is written")
        }
        return number
    }

    package func number(of plan: PlanKey) -> Int? { numberOfName[MeterKey(unchecked: plan.text)] }
    package func number(of limit: LimitKey) -> Int? { numberOfLimit[limit] }
    package func number(of definition: SeriesDefinition) -> Int? { numberOfSeries[definition] }

    package mutating func register(_ name: MeterKey) {
        guard numberOfName[name] == nil else { return }
        numberOfName[name] = names.count
        names.append(name)
    }

    package mutating func register(_ plan: PlanKey) {
        register(MeterKey(unchecked: plan.text))
    }

    package func limit(_ number: Int) -> LimitKey? {
        limits.indices.contains(number) ? limits[number] : nil
    }

    /// Numbers the plans of a blueprint, in an order that is always the same.
    package mutating func registerPlans(of blueprint: Blueprint) {
        for plan in blueprint.plans.sorted(by: { $0.key < $1.key }) { register(plan.key) }
    }

    /// The plan that a number stands for.
    package func plan(_ number: Int?) -> PlanKey? {
        guard let number, names.indices.contains(number) else { return nil }
        return PlanKey(unchecked: names[number].text)
    }

    package mutating func register(_ limit: LimitKey) {
        guard numberOfLimit[limit] == nil else { return }
        numberOfLimit[limit] = limits.count
        limits.append(limit)
    }

    /// Makes `definitions` the series that are counted from here on.
    ///
    /// One that was counted before and now is not loses its number for good: if it comes back, its
    /// counters have a gap, and start as a new series.
    package mutating func count(_ definitions: [SeriesDefinition], from sequence: Int64) {
        let wanted = Set(definitions)
        numberOfSeries = numberOfSeries.filter { wanted.contains($0.key) }
        for definition in definitions where numberOfSeries[definition] == nil {
            numberOfSeries[definition] = series.count
            series.append(RegisteredSeries(definition: definition, definedAt: sequence))
        }
        for number in series.indices {
            series[number].isCounted = numberOfSeries[series[number].definition] == number
        }
    }

    /// Puts a registry back that was stored.
    package init(names: [MeterKey], limits: [LimitKey], series: [RegisteredSeries]) {
        for name in names { register(name) }
        for limit in limits { register(limit) }
        self.series = series
        for number in series.indices where series[number].isCounted {
            numberOfSeries[series[number].definition] = number
        }
    }
}

/// A series and the place in the journal from which on it was counted as events came.
public struct RegisteredSeries: Sendable, Hashable {
    package let definition: SeriesDefinition
    /// Events recorded before this sequence number are in a counter only after a fold over history.
    package let definedAt: Int64
    /// Whether events go into it now.
    package internal(set) var isCounted: Bool

    package init(definition: SeriesDefinition, definedAt: Int64, isCounted: Bool = true) {
        self.definition = definition
        self.definedAt = definedAt
        self.isCounted = isCounted
    }
}
