/// Whether a subject may use a feature once more: this month under a limit that the caller names, or under
/// the limits that there are.
public struct FeatureUse: Hashable, Sendable {
    /// The meter that counts the feature.
    public let meter: MeterKey
    /// In the current month of the subject's calendar, or the window of the limit.
    public let used: Quantity
    public let limit: Allowance
    /// When the month or the window ends; `nil`: never.
    public let resetsAt: Instant?
    /// The limit that says so; `nil`: the caller's own, or there is none.
    public let limitKey: LimitKey?
    /// Whether it may be used once more.
    public let isAllowed: Bool

    /// - Parameter isAllowed: `nil`: as long as something remains.
    package init(
        meter: MeterKey, used: Quantity, limit: Allowance, resetsAt: Instant?,
        limitKey: LimitKey? = nil, isAllowed: Bool? = nil
    ) {
        self.meter = meter
        self.used = used
        self.limit = limit
        self.resetsAt = resetsAt
        self.limitKey = limitKey
        let remains: Bool
        if case .units(let allowed) = limit {
            remains = used < allowed
        } else {
            remains = true
        }
        self.isAllowed = isAllowed ?? remains
    }

    /// What may still be used: never below 0, and −1 when unlimited.
    public var remaining: Int64 {
        guard case .units(let allowed) = limit else { return -1 }
        return max(0, allowed.units.subtractingSaturated(used.units))
    }
}
