/// Whether a subject may use a feature once more this month, under a limit that the caller names.
public struct FeatureUse: Hashable, Sendable {
    /// The meter that counts the feature.
    public let meter: MeterKey
    /// In the current month of the subject's calendar.
    public let used: Quantity
    public let limit: Allowance
    /// When the month ends.
    public let resetsAt: Instant

    package init(meter: MeterKey, used: Quantity, limit: Allowance, resetsAt: Instant) {
        self.meter = meter
        self.used = used
        self.limit = limit
        self.resetsAt = resetsAt
    }

    public var isAllowed: Bool { remaining != 0 }

    /// What may still be used: never below 0, and −1 when unlimited.
    public var remaining: Int64 {
        guard case .units(let allowed) = limit else { return -1 }
        return max(0, allowed.units.subtractingSaturated(used.units))
    }
}
