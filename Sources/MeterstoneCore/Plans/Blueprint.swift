/// Meters, plans, limits, prices, models and statistics as one reviewed set.
public struct Blueprint: Hashable, Sendable, Codable {
    public var meters: [Meter]
    public var plans: [Plan]
    public var limits: [Limit]
    /// How usage is paid with credits; `nil`: nothing is said about it, and nothing costs any.
    public var credits: CreditPolicy?
    /// Models whose tokens have a price.
    public var models: [Model]
    /// What statistics of subjects are about; `nil`: nothing is said about it.
    public var statistics: StatisticsPolicy?
    /// What is told when something comes to a threshold, or stands out.
    public var alerts: [Alert] = []
    /// What is in force, and for whom; `nil`: everything, for everybody.
    public var switches: Switches?
    /// Who may ask. They stand in the catalog and in no blueprint that is told or written.
    package var keys: [APIKey] = []
    /// To whom alerts are sent. They stand in the catalog, too, and in no blueprint.
    package var webhooks: [Webhook] = []
    package var administrators: [Administrator] = []
    package var sessions: [AdministratorSession] = []
    package var uses: AccessUses?
    /// Months that were closed; in no blueprint either.
    package var closedMonths: [ClosedMonth] = []

    public init(
        meters: [Meter] = [], plans: [Plan] = [], limits: [Limit] = [],
        credits: CreditPolicy? = nil, models: [Model] = [], statistics: StatisticsPolicy? = nil
    ) {
        self.meters = meters
        self.plans = plans
        self.limits = limits
        self.credits = credits
        self.models = models
        self.statistics = statistics
    }
}

extension Blueprint {
    /// Each part by its key.
    package var sorted: Blueprint {
        var result = Blueprint(
            meters: meters.sorted { $0.key < $1.key }, plans: plans.sorted { $0.key < $1.key },
            limits: limits.sorted { $0.key < $1.key }, credits: credits,
            models: models.sorted { $0.key < $1.key }, statistics: statistics)
        result.alerts = alerts.sorted { $0.key < $1.key }
        result.switches = switches
        return result
    }

    /// What writes each of its parts, in an order in which no part names one that comes later.
    package var parts: [Change] {
        var parts = meters.map { Change.putMeter($0) }
        parts += plans.map { .putPlan($0) }
        parts += limits.map { .putLimit($0) }
        parts += models.map { .putModel($0) }
        if let credits { parts.append(.putCreditPolicy(credits)) }
        if let statistics { parts.append(.putStatisticsPolicy(statistics)) }
        parts += alerts.map { .putAlert($0) }
        if let switches { parts.append(.putSwitches(switches)) }
        return parts
    }

    private enum CodingKeys: String, CodingKey {
        case meters, plans, limits, credits, models, statistics, alerts, switches
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            meters: try container.decode([Meter].self, forKey: .meters),
            plans: try container.decode([Plan].self, forKey: .plans),
            limits: try container.decode([Limit].self, forKey: .limits),
            credits: try container.decodeIfPresent(CreditPolicy.self, forKey: .credits),
            models: try container.decodeIfPresent([Model].self, forKey: .models) ?? [],
            statistics: try container.decodeIfPresent(StatisticsPolicy.self, forKey: .statistics))
        alerts = try container.decodeIfPresent([Alert].self, forKey: .alerts) ?? []
        switches = try container.decodeIfPresent(Switches.self, forKey: .switches)
    }

    /// Without alerts and switches it is written as it was before there were any, so that what was noted of it is
    /// the same.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(meters, forKey: .meters)
        try container.encode(plans, forKey: .plans)
        try container.encode(limits, forKey: .limits)
        try container.encodeIfPresent(credits, forKey: .credits)
        try container.encode(models, forKey: .models)
        try container.encodeIfPresent(statistics, forKey: .statistics)
        if !alerts.isEmpty { try container.encode(alerts, forKey: .alerts) }
        try container.encodeIfPresent(switches, forKey: .switches)
    }
}
