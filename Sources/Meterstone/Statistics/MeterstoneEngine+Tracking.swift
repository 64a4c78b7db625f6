public import MeterstoneCore
public import MeterstoneStore

/// Where a subject stands with one limit, as an application asks that checks limits by their names.
public struct LimitCheck: Hashable, Sendable {
    /// `nil`: no such limit decides, and everything is allowed.
    public let limit: LimitKey?
    /// Whether something may be used still.
    public let isAllowed: Bool
    public let current: Quantity
    public let allowance: Allowance
    public let resetsAt: Instant?
    /// What to do while no server answers.
    public let failMode: LimitFailMode

    package static let unlimited = LimitCheck(
        limit: nil, isAllowed: true, current: .zero, allowance: .unlimited, resetsAt: nil)

    package init(
        limit: LimitKey?, isAllowed: Bool, current: Quantity, allowance: Allowance,
        resetsAt: Instant?, failMode: LimitFailMode = .closed
    ) {
        self.failMode = failMode
        self.limit = limit
        self.isAllowed = isAllowed
        self.current = current
        self.allowance = allowance
        self.resetsAt = resetsAt
    }

    /// - Parameter limits: all that could refuse the same; `nil`: this one alone.
    init(_ status: LimitStatus, isAllowed: Bool? = nil, among limits: [LimitStatus]? = nil) {
        self.init(
            limit: status.limit, isAllowed: isAllowed ?? !status.isFull, current: status.used,
            allowance: status.allowance, resetsAt: status.resetsAt,
            failMode: (limits ?? [status]).failMode)
    }

    package func allowing(_ isAllowed: Bool) -> LimitCheck {
        LimitCheck(
            limit: limit, isAllowed: isAllowed, current: current, allowance: allowance,
            resetsAt: resetsAt, failMode: failMode)
    }

    /// `You've reached your prompts_daily limit (10/10). Resets at 2026-03-11T00:00:00.000Z.`
    package var message: String {
        let reset = resetsAt.map { " Resets at \($0.rfc3339)." } ?? ""
        return
            "You've reached your \(limit?.text ?? "") limit (\(current)/\(allowance.wire)).\(reset)"
    }
}

/// Whether an action may be done, or what is wrong with the question.
public enum ActionOutcome: Sendable {
    case allowed(LimitCheck)
    /// - Parameter check: the first limit that refuses; `nil`: something else does.
    case denied(Denial, check: LimitCheck?, Decision)
    case conflict(EventID)
    case rejected(Rejection)
}

extension MeterstoneEngine {
    /// Where a subject stands with a limit. One that does not exist, or is switched off, allows everything.
    public func checkLimit(
        of id: SubjectID, _ key: LimitKey
    ) async throws(StoreError) -> LimitCheck {
        try await checkLimits(of: id, key).first?.check ?? .unlimited
    }

    /// Where a subject stands with each of its own limits, or with one. Where its meter may not be used once, a
    /// limit refuses that the subject has reached, or the team above; all do of who is blocked or lacks credits.
    package func checkLimits(
        of id: SubjectID, _ key: LimitKey? = nil
    ) async throws(StoreError) -> [(status: LimitStatus, check: LimitCheck)] {
        let statuses = try await limits(of: id).filter { key == nil || $0.limit == key }
        var denials: [MeterKey: Denial?] = [:]
        var checks: [(LimitStatus, LimitCheck)] = []
        for status in statuses where status.ancestor == nil {
            if denials[status.meter] == nil {
                let once = UsageEvent(subject: id, quantities: .one(status.meter, 1))
                var denial: Denial?
                if case .decided(let decision) = try await check(once) { denial = decision.denial }
                denials[status.meter] = .some(denial)
            }
            let isReached = statuses.contains {
                $0.limit == status.limit && $0.value == status.value && $0.isFull
            }
            let isAllowed =
                switch denials[status.meter]??.reason {
                // Credits pay for what is beyond a limit; one value's limit is not asked by this.
                case nil: status.value == nil || !isReached
                case .limitExceeded: !isReached
                case .insufficientCredits, .subjectBlocked, .featureOff: false
                }
            checks.append((status, LimitCheck(status, isAllowed: isAllowed)))
        }
        return checks
    }

    /// Whether a subject may do something once. Counts nothing. What no meter counts is allowed.
    ///
    /// - Parameter action: a type of events, or the name of a meter.
    public func checkAction(
        of id: SubjectID, _ action: String
    ) async throws(StoreError) -> ActionOutcome {
        let blueprint = try await blueprint()
        var event = UsageEvent(subject: id, details: EventDetails(type: action))
        if !blueprint.meters.contains(where: { $0.counts(type: action) }) {
            guard let meter = MeterKey(action).flatMap({ blueprint.meter($0) }) else {
                return .allowed(.unlimited)
            }
            event = UsageEvent(subject: id, quantities: .one(meter.key, 1))
        }
        let meters = Set(blueprint.meters.filter { $0.movement(of: event) != nil }.map(\.key))
        let limits = blueprint.limits.filter { meters.contains($0.meter) && $0.active }
        // What is only ever reserved is asked for as it is used.
        let use: CheckedUse =
            !limits.isEmpty && limits.allSatisfy { $0.window == .concurrent }
            ? .reservation : .consume
        switch try await check(event, as: use) {
        case .rejected(let rejection) where rejection.code == .nothingToCount:
            return .allowed(.unlimited)
        case .rejected(let rejection): return .rejected(rejection)
        case .conflict(let id): return .conflict(id)
        case .decided(let decision):
            guard let denial = decision.denial else {
                let least = decision.limits.filter { $0.remaining >= 0 }
                    .min { $0.remaining < $1.remaining }
                return .allowed(
                    (least ?? decision.limits.first).map {
                        LimitCheck($0, isAllowed: true, among: decision.limits)
                    }
                        ?? .unlimited)
            }
            let violated = decision.limits.first { denial.violated.contains($0.limit) }
            return .denied(
                denial,
                check: denial.reason == .limitExceeded
                    ? violated.map { LimitCheck($0, isAllowed: false, among: decision.limits) }
                    : nil,
                decision)
        }
    }

    /// The plan that applies to a subject now; somebody whom nobody has seen is on the default plan.
    public func plan(of id: SubjectID) async throws(StoreError) -> PlanKey? {
        try await view(of: id).plan(at: clock())
    }

    /// The rules of a zone by its name; of an unknown one, and of none, those of the default zone.
    package func zone(named name: String?) async throws(StoreError) -> ZoneRules {
        let view = try await view(of: nil)
        return name.flatMap { view.zones($0) } ?? view.zone
    }

    /// How many subjects there are: those that used something, and those that something was written of. Teams
    /// that others are below are not counted.
    public func subjectCount() async throws(StoreError) -> Int {
        var count = 0
        var teams: Set<SubjectID> = []
        var last: SubjectID?
        while true {
            let page = try await subjects(after: last, count: 1_000)
            count += page.count
            for parent in page.compactMap(\.parent) { teams.insert(parent) }
            guard page.count == 1_000, let id = page.last?.id else { break }
            last = id
        }
        for team in teams where try await subject(team) != nil { count -= 1 }
        return count
    }
}

extension Meter {
    /// What an application's own log calls its use: the first of its types, or its key.
    package var usageType: String { eventTypes.first ?? key.text }
}

extension Blueprint {
    /// The meter of a key, an alias, or of a type of events that moves no other; several: the first by key.
    package func meter(ofUsageType type: String) -> Meter? {
        if let meter = MeterKey(type).flatMap({ meter($0) }) { return meter }
        return meters.filter { $0.counts(type: type) }.min { $0.key < $1.key }
    }
}
