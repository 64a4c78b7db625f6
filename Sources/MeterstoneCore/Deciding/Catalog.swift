/// Meters, plans and limits, compiled for deciding: immutable, replaced as a whole by a change.
public final class Catalog: Sendable {
    public let blueprint: Blueprint
    package let registry: Registry
    package let defaultPlan: PlanKey?
    /// Smallest rank first, then by key.
    package let plans: [Plan]
    private let meterByName: [MeterKey: CompiledMeter]
    private let metersByType: [String: [CompiledMeter]]
    private let metersByQuantity: [MeterKey: [CompiledMeter]]
    /// Those that count what events cost, by key; mostly none.
    package let costMeters: [CompiledMeter]
    /// By key; none where nobody counts costs.
    private let models: [String: Model]
    package let definitions: [LimitKey: LimitDefinition]
    /// All that decide, in the order of their keys.
    package let activeDefinitions: [LimitDefinition]
    /// Those that block their subject while they are full; mostly none.
    package let blockingDefinitions: [LimitDefinition]
    /// Alerts of what is used of limits, by limit; empty: nobody watches any.
    package let alerts: [LimitKey: [Alert]]
    /// Alerts of credits.
    package let creditAlerts: [Alert]
    /// What pays first; `nil`: nothing costs credits.
    package let payment: CreditPayment?
    /// For whom usage is recorded, and costs credits.
    package let tracking: SwitchGroup
    package let charging: SwitchGroup
    /// What plans give, and gave.
    package let schedule: CreditSchedule
    /// What limits allow, and allowed.
    package let limitSchedule: LimitSchedule
    /// Where the first open month begins; `nil`: none was ever closed.
    package let closedUntil: Instant?

    /// Compiles, after every name, limit and series of the blueprint was registered.
    ///
    /// - Parameter areStandingSeriesCounted: `false` counts for limits only, where nobody asks for
    ///   usage.
    /// - Parameter schedule: `nil`: nothing is known of the past.
    package init(
        blueprint: Blueprint, registry: Registry, areLimitsEnforced: Bool,
        allowanceOverrides: [String: Allowance], creditOverrides: CreditOverrides,
        areStandingSeriesCounted: Bool = true, schedule: CreditSchedule? = nil,
        limitSchedule: LimitSchedule? = nil
    ) {
        self.blueprint = blueprint
        self.registry = registry
        closedUntil = blueprint.closedMonths.map(\.until).max()
        let credits = creditOverrides.policy(of: blueprint)
        payment = credits.isEnabled ? credits.payment : nil
        tracking = SwitchGroup(blueprint.switches?.tracking)
        charging = SwitchGroup(blueprint.switches?.credits)
        let limitSchedule = limitSchedule ?? LimitSchedule(of: blueprint)
        self.limitSchedule = limitSchedule
        self.schedule =
            schedule ?? CreditSchedule(of: blueprint, overrides: creditOverrides)
        plans = blueprint.plans.map { creditOverrides.plan($0, isEnabled: credits.isEnabled) }
            .sorted { ($0.rank, $0.key) < ($1.rank, $1.key) }
        defaultPlan = plans.first { $0.isDefault }?.key
        var definitions: [LimitKey: LimitDefinition] = [:]
        var compiled: [MeterKey: CompiledMeter] = [:]
        for meter in blueprint.meters {
            let own = blueprint.limits.filter { $0.meter == meter.key }
                .sorted { $0.key < $1.key }
                .compactMap { limit in
                    // What it allows now is earlier than what is scheduled.
                    let (until, last) = limit.versions
                    return LimitDefinition(
                        last.overridden(by: allowanceOverrides, plans: blueprint.plans),
                        of: meter, registry: registry,
                        limits: areLimitsEnforced
                            ? blueprint.switches?.limits ?? Switch() : Switch(.shadow),
                        earlier: (limitSchedule.earlier(of: limit.key) + until).map { then in
                            EarlierAllowances(
                                until: then.until,
                                limit: then.limit.overridden(
                                    by: allowanceOverrides, plans: blueprint.plans))
                        }, carriesSince: limitSchedule.carriesSince(limit.key))
                }
            for definition in own { definitions[definition.limit.key] = definition }
            compiled[meter.key] = CompiledMeter(
                meter, limits: own, registry: registry,
                price: credits.isEnabled ? credits.prices[meter.key] ?? 0 : 0,
                isStanding: areStandingSeriesCounted)
        }
        self.definitions = definitions
        activeDefinitions = definitions.values.filter { $0.isDecisive }
            .sorted { $0.limit.key < $1.limit.key }
        blockingDefinitions = activeDefinitions.filter {
            $0.limit.blockWhenExceeded && $0.mode == .enforce
        }
        let active = blueprint.alerts.filter(\.active).sorted { $0.key < $1.key }
        creditAlerts = active.filter { !$0.credits.isEmpty }
        let watching = active.filter(\.isOfUse)
        alerts =
            watching.isEmpty
            ? [:]
            : Dictionary(
                uniqueKeysWithValues: activeDefinitions.map { definition in
                    let key = definition.limit.key
                    return (key, watching.filter { $0.limits.isEmpty || $0.limits.contains(key) })
                }
            ).filter { !$0.value.isEmpty }
        var byName = compiled
        for meter in compiled.values {
            for alias in meter.meter.aliases where byName[alias] == nil { byName[alias] = meter }
        }
        meterByName = byName
        var byType: [String: [CompiledMeter]] = [:]
        var byQuantity: [MeterKey: [CompiledMeter]] = [:]
        for meter in compiled.values.sorted(by: { $0.meter.key < $1.meter.key }) {
            for type in Set(meter.meter.eventTypes + meter.meter.aliases.map(\.text)) {
                byType[type, default: []].append(meter)
            }
            for name in Set([meter.meter.quantityName, meter.meter.alongside].compactMap(\.self)) {
                byQuantity[name, default: []].append(meter)
            }
        }
        metersByType = byType
        metersByQuantity = byQuantity
        costMeters = compiled.values.filter { $0.meter.counts == .cost }
            .sorted { $0.meter.key < $1.meter.key }
        models =
            costMeters.isEmpty
            ? [:]
            : Dictionary(blueprint.models.map { ($0.key.text, $0) }) { first, _ in first }
    }

    /// What the tokens of a model cost at an instant; `nil`: nobody knows, or nobody counts costs.
    package func price(of model: String, at instant: Instant) -> ModelPrice? {
        models[model]?.price(at: instant)
    }

    /// The meter of a key, or of an alias.
    package func meter(_ key: MeterKey) -> CompiledMeter? { meterByName[key] }

    package func plan(_ key: PlanKey?) -> Plan? {
        key.flatMap { key in plans.first { $0.key == key } }
    }

    /// Whether an event may carry a quantity of this name.
    package func knows(quantity name: MeterKey) -> Bool {
        meterByName[name].map { $0.meter.counts == .quantities } ?? false
            || metersByQuantity[name] != nil
    }

    /// The first quantity of an event that no meter knows.
    package func unknownQuantity(of event: UsageEvent) -> MeterKey? {
        switch event.quantities {
        case .none: nil
        case .one(let name, _): mayTell(name) ? nil : name
        case .many(let pairs): pairs.first { !mayTell($0.name) }?.name
        }
    }

    /// Whether a meter knows a quantity, or prices do where costs are counted.
    private func mayTell(_ name: MeterKey) -> Bool {
        knows(quantity: name) || !costMeters.isEmpty && TokenName.number(of: name) != nil
    }

    /// What meters say of a quantity of a reservation that was aborted: the one that is called so, or else the
    /// first by key, of those that read it, which says something.
    package func abortTerms(of name: MeterKey) -> (policy: AbortPolicy?, minimum: Int64) {
        // A meter that counts what is told alongside a quantity does not read it.
        let others = (metersByQuantity[name] ?? []).filter { $0.meter.quantityName == name }
        let readers = (meterByName[name].map { [$0] } ?? []) + others
        let meter = readers.first { $0.meter.onAbort != nil || $0.meter.abortMinimum > 0 }?.meter
        return (meter?.onAbort, meter?.abortMinimum ?? 0)
    }

    /// Which meters an event moves, and by how much.
    package func movements(of event: UsageEvent) -> Movements {
        var movements = Movements()
        switch event.quantities {
        case .none: break
        case .one(let name, let quantity):
            if event.details == nil, let meter = meterByName[name], meter.isPlain {
                movements.append(Movement(meter: meter, units: quantity.units, distinctValue: nil))
            } else {
                addMeters(of: event, readingFrom: name, &movements)
            }
            for meter in metersByQuantity[name] ?? [] { add(meter, event, &movements) }
        case .many(let pairs):
            for pair in pairs { addMeters(of: event, readingFrom: pair.name, &movements) }
            for pair in pairs where metersByQuantity[pair.name] != nil {
                for meter in metersByQuantity[pair.name] ?? [] { add(meter, event, &movements) }
            }
        }
        guard let details = event.details else { return movements }
        for meter in costMeters { add(meter, event, &movements) }
        guard let type = details.type, let matching = metersByType[type] else {
            return movements
        }
        for meter in matching { add(meter, event, &movements) }
        return movements
    }

    private func addMeters(
        of event: UsageEvent, readingFrom name: MeterKey, _ movements: inout Movements
    ) {
        if let meter = meterByName[name] { add(meter, event, &movements) }
    }

    private func add(_ meter: CompiledMeter, _ event: UsageEvent, _ movements: inout Movements) {
        guard !movements.contains(where: { $0.meter === meter }),
            let (units, distinctValue) = meter.meter.movement(of: event)
        else { return }
        movements.append(Movement(meter: meter, units: units, distinctValue: distinctValue))
    }
}

/// A meter with its limits and the series that its events go into.
package final class CompiledMeter: Sendable {
    package let meter: Meter
    package let limits: [LimitDefinition]
    package let series: [CompiledSeries]
    /// The series that answers questions about days and longer spans, and the one for ever.
    package let daySeries: Int
    package let lifetimeSeries: Int
    /// The meter's key as a list, which most events have of the meters that they move.
    let keyAlone: [MeterKey]
    /// The number of the meter's key among the names of quantities.
    package let nameNumber: Int
    /// Credits that one unit costs.
    package let price: Int64
    /// Moved by whatever names it, when the event tells nothing else.
    fileprivate let isPlain: Bool

    init(
        _ meter: Meter, limits: [LimitDefinition], registry: Registry, price: Int64,
        isStanding: Bool
    ) {
        self.meter = meter
        self.price = price
        keyAlone = [meter.key]
        nameNumber = registry.number(of: meter.key) ?? 0
        self.limits = limits.filter { $0.isDecisive }
        var numbers: [Int] = []
        func add(_ number: Int?) -> Int {
            guard let number else { preconditionFailure("a series is registered before compiling") }
            if !numbers.contains(number) { numbers.append(number) }
            return number
        }
        daySeries = add(registry.number(of: meter.standingSeries(.day)))
        lifetimeSeries = add(registry.number(of: meter.standingSeries(.lifetime)))
        if !isStanding { numbers = [] }
        for limit in limits { _ = add(limit.series) }
        series = numbers.map { CompiledSeries(number: $0, registry.series[$0].definition) }
        isPlain =
            meter.dimensions.isEmpty && meter.uniqueDimension == nil
            && meter.aggregation != .uniqueCount && meter.counts == .quantities
            && meter.countedStatuses.contains(.success)
    }
}

/// A series as the hot path needs it.
package struct CompiledSeries: Sendable {
    package let number: Int
    package let window: Window
    package let aggregation: Aggregation
    package let measure: SeriesDefinition.Measure
    /// Whether only open reservations count.
    package let isConcurrent: Bool
    private let limitFilter: [String: [String]]
    private let valueSource: ValueSource?
    /// As of ``Contribution/valuesMax``.
    package let valuesMax: Int

    package init(number: Int, _ definition: SeriesDefinition) {
        self.number = number
        window = definition.window
        aggregation = definition.aggregation
        measure = definition.measure
        isConcurrent = definition.window == .concurrent && definition.measure == .usage
        limitFilter = definition.limitFilter
        valueSource = definition.values.map { ValueSource($0.name) }
        valuesMax = definition.values.map { $0.max ?? .max } ?? 0
    }

    /// The limit's own filter; the meter's was applied before.
    package func accepts(_ details: EventDetails?) -> Bool {
        limitFilter.matches(details)
            && (valueSource.map { $0.value(of: details) != nil } ?? true)
    }

    /// Whose counter an event adds to that is accepted; `nil`: values are not told apart.
    package func value(of details: EventDetails?) -> String? {
        valueSource.flatMap { $0.value(of: details) }
    }
}

extension Blueprint {
    /// Every series that these meters and limits count in, in an order that is always the same.
    package func series(limitNumber: (LimitKey) -> Int?) -> [SeriesDefinition] {
        var result: [SeriesDefinition] = []
        for meter in meters.sorted(by: { $0.key < $1.key }) {
            result.append(meter.standingSeries(.day))
            result.append(meter.standingSeries(.lifetime))
            for limit in limits.sorted(by: { $0.key < $1.key }) where limit.meter == meter.key {
                if limit.window != .request { result.append(limit.series(of: meter)) }
                if let number = limitNumber(limit.key) {
                    result.append(limit.refusalSeries(of: meter, number: number))
                }
            }
        }
        return result
    }
}

extension Limit {
    fileprivate func allowance(under plan: PlanKey?) -> Allowance {
        plan.flatMap { allowances[$0] } ?? defaultAllowance ?? .unlimited
    }

    /// With the allowances that the environment names.
    package func overridden(by overrides: [String: Allowance], plans: [Plan]) -> Limit {
        guard !overrides.isEmpty else { return self }
        var result = self
        for plan in Set(plans.map(\.key)).union(allowances.keys) {
            let name = "\(key.text.asVariableName)_\(plan.text.asVariableName)"
            if let allowance = overrides[name] { result.allowances[plan] = allowance }
        }
        return result
    }
}

extension String {
    /// Upper case, with `_` for everything that is not a letter or a digit.
    public var asVariableName: String {
        String(uppercased().map { $0.isLetter || $0.isNumber ? $0 : "_" })
    }
}

extension Limit {
    /// What it does while limits are switched so.
    package func mode(while limits: Switch) -> LimitMode {
        switch limits.state {
        case .on: mode
        case .shadow: mode == .enforce ? .shadow : mode
        case .off: .off
        }
    }
}

extension LimitDefinition {
    fileprivate convenience init?(
        _ limit: Limit, of meter: Meter, registry: Registry, limits: Switch,
        earlier: [EarlierAllowances], carriesSince: Instant?
    ) {
        guard let number = registry.number(of: limit.key),
            let series = registry.number(of: limit.series(of: meter)),
            let refusals = registry.number(of: limit.refusalSeries(of: meter, number: number))
        else { return nil }
        let mode = limit.mode(while: limits)
        self.init(
            limit: limit, aggregation: meter.aggregation, mode: mode, number: number,
            series: series, refusalSeries: refusals, limits: limits, earlier: earlier,
            carriesSince: carriesSince)
    }

    /// Whether the limit takes part in decisions.
    package var isDecisive: Bool { limit.active && mode != .off }

    /// What is allowed at an instant, additions included.
    ///
    /// - Parameters:
    ///   - plan: as it is defined; `nil`: it is not, or there is none.
    ///   - value: of a limit per value; `nil`: one that no pattern matches.
    ///   - override: takes the place of what the plan gives, its additions included.
    ///   - additions: of the subject.
    ///   - isForSubject: as ``isFor(_:)`` says.
    ///   - versionAt: when what the plan allows is looked up; `nil`: at the instant itself.
    package func allowed(
        under plan: Plan?, _ key: PlanKey?, of value: String? = nil,
        overriddenBy override: Allowance?, _ additions: [Addition], isForSubject: Bool,
        at instant: Instant, versionAt: Instant? = nil
    ) -> Allowed {
        guard isForSubject || override != nil else {
            return Allowed(allowance: .unlimited, isForSubject: false)
        }
        let base = override ?? allowance(under: key, of: value, at: versionAt ?? instant)
        let planned = override == nil ? plan?.additions ?? [] : []
        guard !planned.isEmpty || !additions.isEmpty else { return Allowed(allowance: base) }
        var stack = AllowanceStack(base, of: limit, at: instant)
        stack.add(planned, of: key)
        stack.add(additions, of: nil)
        return stack.result
    }
}
