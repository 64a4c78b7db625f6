/// Where one subject stands with one limit.
///
/// Built once per limit and consume, so it refers to the limit's definition instead of copying it.
public struct LimitStatus: Sendable {
    package let definition: LimitDefinition
    /// Of a limit per value: whose counter it is, ``PerValue/anyOther`` for all that have none.
    public let value: String?
    /// Whether it has no counter because there are as many values as have one.
    public let isBeyondValues: Bool
    /// The team that the limit counts for, or `nil` for the subject that was asked about.
    public let ancestor: SubjectID?
    public let allowance: Allowance
    /// Counted so far in the window, this consume included when it was allowed.
    public let used: Quantity
    /// When the window ends and counting starts anew; `nil`: never.
    public let resetsAt: Instant?
    /// For a shadow limit: consumes of the window that it would have denied, had it enforced.
    public let wouldHaveDenied: Int64?
    /// What it does for this subject now.
    public let mode: LimitMode
    /// Whether the event goes beyond the allowance, of which the answer tells.
    package let isExceeded: Bool
    /// What the allowance is made of, where additions count.
    package let parts: AllowanceParts?

    package init(
        definition: LimitDefinition, value: String? = nil, isBeyondValues: Bool = false,
        ancestor: SubjectID?, allowance: Allowance, used: Quantity, resetsAt: Instant?,
        wouldHaveDenied: Int64? = nil, mode: LimitMode? = nil, isExceeded: Bool = false,
        parts: AllowanceParts? = nil
    ) {
        self.mode = mode ?? definition.mode
        self.isExceeded = isExceeded
        self.value = value
        self.isBeyondValues = isBeyondValues
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
    public var failMode: LimitFailMode { definition.limit.failMode }

    /// What is allowed without additions.
    public var base: Allowance { parts?.base ?? allowance }
    /// What changes it now, in the order in which it is put on top.
    public var additions: [AllowancePart] { parts?.additions ?? [] }
    /// What earlier windows left, or less than 0 what they owe.
    public var carried: Int64 { parts?.carried ?? 0 }

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

extension [LimitStatus] {
    /// What whoever asked about these does while no server answers: a use goes on when each of them that could
    /// refuse it says so. Where nothing was told, nothing goes on.
    public var failMode: LimitFailMode {
        !isEmpty && allSatisfy { $0.mode != .enforce || $0.failMode == .open } ? .open : .closed
    }
}

/// A limit as the catalog compiled it; shared by every status that speaks of it.
public final class LimitDefinition: Sendable {
    public let limit: Limit
    /// What the limit does now, for whom it is rolled out: its own mode, or `shadow` while limits are not enforced.
    public let mode: LimitMode
    /// Stays the same for a key over all its changes; stored answers refer to it.
    package let number: Int
    /// Which series it counts in.
    package let series: Int
    /// Which series counts the consumes that a shadow limit would have refused.
    package let refusalSeries: Int

    /// For whom ``mode`` holds: who is in all of them. The limit is a shadow for all others.
    package let rollouts: [RolloutGroup]
    /// How the meter adds up.
    package let aggregation: Aggregation
    /// What it allowed before, the oldest first; mostly nothing.
    package let earlier: [EarlierAllowances]
    /// When it began to carry over from window to window; `nil`: it does not, or nobody knows.
    package let carriesSince: Instant?
    /// Whether what is left of a window, or goes beyond it, changes what later ones allow.
    package let carries: Bool
    /// Where events tell the value whose counter they are counted by; `nil`: values are not told apart.
    private let valueSource: ValueSource?
    /// What some values are allowed; the first that matches holds.
    private let patterns: [ValuePattern]
    /// From when on they hold; `nil`: from the beginning.
    package let patternsSince: Instant?
    private let isForAll: Bool
    /// Whom the allowances are for; `nil`: for all.
    private let subjects: LimitSubjects?
    /// Whether they are, or were, for some only: mostly nobody's key has to be looked at.
    private let isForSome: Bool
    package let isPerValue: Bool
    /// In which windows ``series`` is counted: the limit's own, or for a gauge that of all time.
    package let countedWindow: Window

    package init(
        limit: Limit, aggregation: Aggregation, mode: LimitMode, number: Int, series: Int,
        refusalSeries: Int, limits: Switch = Switch(), earlier: [EarlierAllowances] = [],
        carriesSince: Instant? = nil
    ) {
        self.limit = limit
        self.aggregation = aggregation
        self.mode = mode
        self.number = number
        self.series = series
        self.refusalSeries = refusalSeries
        self.earlier = earlier
        self.carriesSince = carriesSince
        carries = limit.carries
        let groups = [
            mode == .enforce || mode == .soft ? limit.rollout : nil,
            mode == .enforce ? limits.rollout : nil,
        ]
        rollouts = groups.compactMap { $0.map { RolloutGroup($0) } }
        valueSource = limit.perValue.map { ValueSource($0.name) }
        patterns = limit.perValue.map { ValuePattern.sorted($0.allowances) } ?? []
        patternsSince =
            earlier.last { $0.limit.perValue?.allowances != limit.perValue?.allowances }?.until
        isForAll = limit.isForAll
        subjects = LimitSubjects(limit.subjects)
        isForSome = subjects != nil || earlier.contains { !$0.limit.subjects.isEmpty }
        isPerValue = limit.perValue != nil
        countedWindow = aggregation.isOfReadings ? .lifetime : limit.window
    }

    /// Whether an event that moves the meter counts under this limit.
    @inline(__always)
    package func concerns(_ details: EventDetails?) -> Bool {
        isForAll || concernsSome(details)
    }

    private func concernsSome(_ details: EventDetails?) -> Bool {
        limit.dimensions.matches(details)
            && (valueSource.map { $0.value(of: details) != nil } ?? true)
    }

    /// Whether it is a shadow limit for somebody.
    package var isShadowForSome: Bool { mode == .shadow || !rollouts.isEmpty }

    /// What it does for a subject that is on a plan.
    ///
    /// - Parameter levels: the subject, and the teams above it from the nearest up.
    package func mode(for levels: [SubjectID], under plan: PlanKey?) -> LimitMode {
        rollouts.allSatisfy { $0.contains(levels, plan: plan) } ? mode : .shadow
    }

    /// Whether its allowances are for a subject, or were at an instant. Others see it where they have an override
    /// of their own.
    package func isFor(_ id: SubjectID, at instant: Instant? = nil) -> Bool {
        guard isForSome else { return true }
        let then = instant.flatMap { instant in earlier.first { instant < $0.until } }
        guard let then else { return subjects?.contain(id) ?? true }
        return LimitSubjects(then.limit.subjects)?.contain(id) ?? true
    }

    /// Whether answers about a subject leave it out: it is for others, and nothing else bounds this one.
    package func isLeftOut(
        for id: SubjectID, allowing allowance: Allowance, at instant: Instant
    ) -> Bool {
        allowance == .unlimited && !isFor(id, at: instant)
    }

    /// Of a limit per value: whose counter an event that it concerns is counted by.
    @inline(__always)
    package func value(of details: EventDetails?) -> String? {
        isForAll ? nil : valueSource.flatMap { $0.value(of: details) }
    }

    /// The place of the pattern that says what a value is allowed; `nil`: none does.
    @inline(__always)
    package func pattern(of value: String?) -> Int? {
        guard let value, !patterns.isEmpty else { return nil }
        return patterns.firstIndex { $0.matches(value) }
    }

    /// What the limit allows under a plan, before any override.
    ///
    /// - Parameters:
    ///   - value: of a limit per value; `nil`: one that no pattern matches.
    ///   - instant: as it was then; `nil`: as it is.
    package func allowance(
        under plan: PlanKey?, of value: String? = nil, at instant: Instant? = nil
    ) -> Allowance {
        let then = instant.flatMap { instant in earlier.first { instant < $0.until } }
        let own = value.flatMap { value in
            (then?.patterns ?? patterns).first { $0.matches(value) }?.allowance
        }
        if let own, let allowance = own.allowance(under: plan) { return allowance }
        let limit = then?.limit ?? limit
        return plan.flatMap { limit.allowances[$0] } ?? limit.defaultAllowance ?? .unlimited
    }
}
