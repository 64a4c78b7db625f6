import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// What tells one collection of the catalog from another.
struct CatalogCollection<Item: Codable & Sendable, Key: TextIdentifier>: Sendable {
    let name: String
    let singular: String
    /// The code of the problem when there is none with a key.
    let unknown: String
    let fields: [String]
    /// As of ``AdministrativeBody``.
    var elements: [String: [String]] = [:]
    var objects: [String: [String]] = [:]
    let items: @Sendable (Blueprint) -> [Item]
    let key: @Sendable (Item) -> Key
    let put: @Sendable (Item) -> Change
    let delete: @Sendable (Key) -> Change
    let target: @Sendable (Key) -> MergePatch.Target
    /// How one is shown, where the environment can say something else than what is stored.
    var shown: (@Sendable (Item, EffectiveBlueprint) -> any Encodable)?
    /// What is shown beside what is stored. A write may hold it, so that what was read can be written,
    /// and it is left aside.
    var shownFields: [String] = []

    func missing(_ key: Key) -> Problem {
        .missing(unknown, "\(singular) \(key)")
    }
}

extension CatalogCollection where Item == Meter, Key == MeterKey {
    static var meters: Self {
        CatalogCollection(
            name: "meters", singular: "meter", unknown: Rejection.Code.unknownMeter.rawValue,
            fields: Meter.fields,
            items: { $0.meters }, key: { $0.key }, put: { .putMeter($0) },
            delete: { .deleteMeter($0) }, target: { .meter($0) })
    }
}

extension CatalogCollection where Item == Plan, Key == PlanKey {
    private static var changePolicy: [String] { ["at", "usage", "anchor", "credits"] }

    static var plans: Self {
        CatalogCollection(
            name: "plans", singular: "plan", unknown: Rejection.Code.unknownPlan.rawValue,
            fields: [
                "key", "name", "description", "rank", "isDefault", "recurringGrants", "overdraft",
                "price", "billingPeriod", "features", "pastDueGraceDays", "onUpgrade",
                "onDowngrade", "keepsVersion",
                "additions", "scheduled",
            ],
            elements: [
                "recurringGrants": ["window", "amount", "rolloverMax", "priority"],
                "additions": Addition.fields,
                "scheduled": ScheduledPrice.fields,
            ],
            objects: ["onUpgrade": changePolicy, "onDowngrade": changePolicy],
            items: { $0.plans }, key: { $0.key }, put: { .putPlan($0) },
            delete: { .deletePlan($0) }, target: { .plan($0) }, shown: { $1.plan($0) },
            shownFields: EffectivePlan.fields)
    }
}

extension CatalogCollection where Item == Limit, Key == LimitKey {
    static var limits: Self {
        CatalogCollection(
            name: "limits", singular: "limit", unknown: Rejection.Code.unknownLimit.rawValue,
            fields: Limit.fields, elements: ["scheduled": ScheduledAllowances.fields],
            objects: ["rollover": ["max", "windows"], "rollout": Rollout.fields],
            items: { $0.limits }, key: { $0.key }, put: { .putLimit($0) },
            delete: { .deleteLimit($0) }, target: { .limit($0) }, shown: { $1.limit($0) },
            shownFields: EffectiveLimit.fields)
    }
}

extension CatalogCollection where Item == Alert, Key == AlertKey {
    static var alerts: Self {
        CatalogCollection(
            name: "alerts", singular: "alert", unknown: "unknown_alert", fields: Alert.fields,
            objects: ["refill": Refill.fields],
            items: { $0.alerts }, key: { $0.key }, put: { .putAlert($0) },
            delete: { .deleteAlert($0) }, target: { .alert($0) })
    }
}

extension CatalogCollection where Item == Model, Key == ModelKey {
    static var models: Self {
        CatalogCollection(
            name: "models", singular: "model", unknown: "unknown_model",
            fields: ["key", "prices"],
            elements: ["prices": ModelPrice.fields, "prices.tiers": RateTier.fields],
            items: { $0.models }, key: { $0.key }, put: { .putModel($0) },
            delete: { .deleteModel($0) }, target: { .model($0) })
    }
}
