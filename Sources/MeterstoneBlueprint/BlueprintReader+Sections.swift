import MeterstoneCore
import Yams

extension BlueprintReader {
    mutating func blueprint() -> Blueprint {
        guard let root = document.root else {
            report(.start, "", "the file is empty; expected \(Self.sectionNames)")
            return Blueprint()
        }
        let position = document.position(of: root)
        var sections = fields(Value(node: root, field: "", position: position))
        let meters = section(sections.take("meters"), MeterKey.self)
        let plans = section(sections.take("plans"), PlanKey.self)
        let limits = section(sections.take("limits"), LimitKey.self)
        let credits = sections.take("credits")
        let models = section(sections.take("models"), ModelKey.self)
        let statistics = sections.take("statistics")
        let switches = sections.take("switches")
        let alerts = section(sections.take("alerts"), AlertKey.self)
        finish(sections)
        var blueprint = Blueprint()
        blueprint.meters = meters.compactMap { meter($0) }
        blueprint.plans = self.plans(plans)
        let names = Names(meters: meters, plans: plans, readable: blueprint.meters)
        blueprint.limits = limits.compactMap { limit($0, names) }
        blueprint.credits = creditPolicy(credits, names)
        blueprint.models = models.compactMap { model($0) }
        blueprint.statistics = statisticsPolicy(statistics, names)
        blueprint.alerts = alerts.compactMap { alert($0, names, limits: limits.map(\.key)) }
        blueprint.switches = self.switches(switches, names)
        return blueprint
    }

    private static let sectionNames =
        "meters, plans, limits, credits, models, statistics, alerts or switches"

    /// The entries of a section whose keys are good enough to name something.
    private mutating func section<Key: TextIdentifier>(
        _ value: Value?, _ type: Key.Type
    ) -> [Entry] {
        guard let value else { return [] }
        return entries(value).filter { entry in
            if Key.isValid(entry.key) { return true }
            let message = "'\(entry.key)' is not a key: expected \(Key.expectation)"
            report(entry.keyPosition, entry.value.field, message)
            return false
        }
    }
}

/// What limits and prices may refer to.
struct Names {
    /// Also those whose own definition is wrong: one mistake is enough.
    let meters: [String]
    let plans: [String]
    private let aggregations: [String: Aggregation]

    init(meters: [Entry], plans: [Entry], readable: [Meter]) {
        self.meters = meters.map(\.key)
        self.plans = plans.map(\.key)
        aggregations = Dictionary(
            readable.map { ($0.key.text, $0.aggregation) }, uniquingKeysWith: { first, _ in first })
    }

    /// What to say of a meter that is not in the file; `nil`: it is.
    func unknownMeter(_ key: String) -> String? {
        if meters.contains(key) { return nil }
        return "no meter is called '\(key)'\(Spelling.suggestion(for: key, among: meters))"
    }

    /// The aggregation of a meter whose definition can be read.
    func aggregation(_ key: String) -> Aggregation? { aggregations[key] }

    /// The aggregation of a meter that neither sums nor counts; `nil` also where it is not known.
    func unsummable(_ key: String) -> Aggregation? {
        guard let aggregation = aggregations[key], aggregation != .sum, aggregation != .count
        else { return nil }
        return aggregation
    }
}

extension BlueprintReader {
    private mutating func meter(_ entry: Entry) -> Meter? {
        guard let key = MeterKey(entry.key) else { return nil }
        var fields = fields(entry.value, at: entry.keyPosition)
        var meter = Meter(key: key)
        meter.aliases = identifiers(fields.take("aliases"), MeterKey.self) ?? []
        meter.aggregation = choice(fields.take("aggregation"), Aggregation.self) ?? .sum
        meter.eventTypes = texts(fields.take("eventTypes")) ?? []
        meter.dimensions = dimensions(fields.take("dimensions"))
        meter.quantityName = identifier(fields.take("quantityName"), MeterKey.self)
        meter.alongside = identifier(fields.take("alongside"), MeterKey.self)
        let unique = fields.take("uniqueDimension")
        meter.uniqueDimension = text(unique)
        meter.countedStatuses = statuses(fields.take("countedStatuses")) ?? [.success]
        let counts = fields.take("counts")
        meter.counts = choice(counts, CountedMeasure.self) ?? .quantities
        let withoutCost = fields.take("withoutCost")
        meter.withoutCost = self.withoutCost(withoutCost) ?? .nothing
        meter.onAbort = choice(fields.take("onAbort"), AbortPolicy.self)
        meter.abortMinimum = wholeNumber(fields.take("abortMinimum"), in: 0...Int64.max) ?? 0
        meter.unit = text(fields.take("unit"))
        meter.description = text(fields.take("description"))
        finish(fields)
        if let (_, expectation) = meter.costMistake, let place = withoutCost ?? counts {
            report(place, "a meter of cost sums, and reads no quantity: expected \(expectation)")
        }
        if meter.aggregation == .uniqueCount, meter.uniqueDimension == nil {
            let message = "missing; uniqueCount counts the values of this dimension"
            report(fields.position, "\(fields.field).uniqueDimension", message)
        }
        if let unique, meter.aggregation != .uniqueCount, !meter.aggregation.isOfReadings {
            report(unique, "belongs to the aggregations uniqueCount, gauge and integral only")
        }
        return meter
    }

    /// `nothing`, `refuse`, or an amount of the currency unit.
    private mutating func withoutCost(_ value: Value?) -> WithoutCost? {
        guard let value, !value.isNull else { return nil }
        switch value.node {
        case .scalar(let scalar) where scalar.string == "nothing": return .nothing
        case .scalar(let scalar) where scalar.string == "refuse": return .refuse
        default: return money(value, in: ModelPrice.range).map { .estimate($0) }
        }
    }

    private mutating func statuses(_ value: Value?) -> [EventStatus]? {
        guard let value, case .sequence(let sequence) = value.node else {
            return texts(value).map { _ in [] }
        }
        if sequence.isEmpty { report(value, "expected at least one status") }
        return sequence.enumerated().compactMap { index, node in
            let path = "\(value.field)[\(index)]"
            let position = document.position(of: node)
            return choice(Value(node: node, field: path, position: position), EventStatus.self)
        }
    }

    private mutating func plans(_ entries: [Entry]) -> [Plan] {
        var firstDefault: Position?
        return entries.compactMap { entry in
            guard let key = PlanKey(entry.key) else { return nil }
            var fields = fields(entry.value, at: entry.keyPosition)
            var plan = Plan(key: key)
            plan.name = text(fields.take("name"))
            plan.description = text(fields.take("description"))
            plan.rank = Int(wholeNumber(fields.take("rank")) ?? 0)
            let isDefault = fields.take("isDefault")
            plan.isDefault = flag(isDefault) ?? false
            plan.recurringGrants = recurringGrants(fields.take("recurringGrants"))
            plan.additions = additions(fields.take("additions"))
            plan.overdraft =
                wholeNumber(fields.take("overdraft"), in: CreditPolicy.priceRange) ?? 0
            plan.price = money(fields.take("price"), in: Plan.priceRange)
            plan.scheduled = scheduledPrices(fields.take("scheduled"))
                .sorted { $0.effectiveAt < $1.effectiveAt }
            plan.billingPeriod = choice(fields.take("billingPeriod"), BillingPeriod.self) ?? .month
            plan.features = features(fields.take("features"))
            plan.pastDueGraceDays = wholeNumber(
                fields.take("pastDueGraceDays"), in: Plan.graceDaysRange)
            plan.keepsVersion = flag(fields.take("keepsVersion")) ?? false
            plan.onUpgrade = changePolicy(fields.take("onUpgrade"))
            plan.onDowngrade = changePolicy(fields.take("onDowngrade"))
            finish(fields)
            if let isDefault, plan.isDefault {
                if let first = firstDefault {
                    let message = "only one plan is the default; another is on line \(first.line)"
                    report(isDefault, message)
                }
                firstDefault = firstDefault ?? isDefault.position
            }
            return plan
        }
    }
}
