/// Meters, plans and limits as one reviewed set.
public struct Blueprint: Hashable, Sendable, Codable {
    public var meters: [Meter]
    public var plans: [Plan]
    public var limits: [Limit]

    public init(meters: [Meter] = [], plans: [Plan] = [], limits: [Limit] = []) {
        self.meters = meters
        self.plans = plans
        self.limits = limits
    }
}
