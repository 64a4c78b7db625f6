/// Where one subject stands with one limit.
///
/// Built once per limit and consume, so it refers to the limit's definition instead of copying it.
public struct LimitStatus: Sendable {
    package let definition: LimitDefinition
    /// The team that the limit counts for, or `nil` for the subject that was asked about.
    public let ancestor: SubjectID?
    public let allowance: Allowance
    /// Counted so far in the window, this consume included when it was allowed.
    public let used: Quantity
    /// When the window ends and counting starts anew; `nil`: never.
    public let resetsAt: Instant?
    /// For a shadow limit: consumes of the window that it would have denied, had it enforced.
    public let wouldHaveDenied: Int64?
    /// What the allowance is made of, where additions count.
    package let parts: AllowanceParts?

    package init(
        definition: LimitDefinition, ancestor: SubjectID?, allowance: Allowance, used: Quantity,
        resetsAt: Instant?, wouldHaveDenied: Int64? = nil, parts: AllowanceParts? = nil
    ) {
        self.definition = definition
        self.ancestor = ancestor
        self.allowance = allowance
        self.used = used
        self.resetsAt = resetsAt
        self.wouldHaveDenied = wouldHaveDenied
        self.parts = parts
    }

    public var limit: LimitKey { definition.limit.key }
    public var meter: MeterKey { definition.limit.meter }
    public var window: Window { definition.limit.window }
    public var mode: LimitMode { definition.mode }

    /// What is allowed without additions.
    public var base: Allowance { parts?.base ?? allowance }
    /// What changes it now, in the order in which it is put on top.
    public var additions: [AllowancePart] { parts?.additions ?? [] }

    /// Whether it blocks its subject now: something was used of it, and nothing is left.
    public var isBlocking: Bool { definition.limit.blockWhenExceeded && isFull && used > .zero }

    /// Whether it refuses and nothing is left.
    public var isFull: Bool { mode == .enforce && remaining == 0 }

    /// What may still be used: never below 0, and −1 when unlimited, as on the wire.
    public var remaining: Int64 {
        guard case .units(let allowed) = allowance else { return -1 }
        return max(0, allowed.units.subtractingSaturated(used.units))
    }

    /// What was used beyond the allowance.
    public var overage: Quantity {
        guard case .units(let allowed) = allowance else { return .zero }
        return Quantity(max(0, used.units.subtractingSaturated(allowed.units)))
    }
}

/// A limit as the catalog compiled it; shared by every status that speaks of it.
public final class LimitDefinition: Sendable {
    public let limit: Limit
    /// What the limit does now: its own mode, or `shadow` while limits are not enforced.
    public let mode: LimitMode
    /// Stays the same for a key over all its changes; stored answers refer to it.
    package let number: Int
    /// Which series it counts in.
    package let series: Int
    /// Which series counts the consumes that a shadow limit would have refused.
    package let refusalSeries: Int

    /// How the meter adds up.
    package let aggregation: Aggregation

    package init(
        limit: Limit, aggregation: Aggregation, mode: LimitMode, number: Int, series: Int,
        refusalSeries: Int
    ) {
        self.limit = limit
        self.aggregation = aggregation
        self.mode = mode
        self.number = number
        self.series = series
        self.refusalSeries = refusalSeries
    }
}
