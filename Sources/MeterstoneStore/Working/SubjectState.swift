package import MeterstoneCore

/// One subject in the working set: who it is, and its counters.
///
/// A class because consumes change it in place, thousands of times between two projections, and
/// because members share their team's. It is confined to the committer.
package final class SubjectState {
    /// The key that answers name it by.
    package internal(set) var id: SubjectID
    /// 0 until the subject has a fact.
    package var number: Int64
    /// Place of the subject's first fact in the journal; 0 until then.
    package var firstSequence: Int64
    package var profile: Subject
    /// How many subjects are directly below it, by how many levels are below those.
    package var children: SIMD4<Int32>
    package var zone: ZoneRules
    package var parent: SubjectState? {
        didSet {
            oldValue?.holders -= 1
            parent?.holders += 1
        }
    }
    /// What was said of it before.
    package var past: SubjectPast
    /// Teams that stood above it before. A cycle, perhaps, which whoever lets go of the state breaks.
    private(set) var pastParents: [SubjectID: SubjectState] = [:]
    /// How many others in memory refer to it.
    fileprivate(set) var holders = 0
    /// Whether somebody asked for it since it was last looked at for letting it go.
    var wasUsed = true
    /// Where it stands among those in memory.
    var place = 0
    /// Whether its counters follow other rules of its time zone than are known here.
    let hasUncertainZone: Bool
    /// The window that each series was last used in. A linear search beats hashing here.
    package var current: ContiguousArray<Counter> = []
    /// Other windows that were touched: late events, and windows just left behind.
    package var others: [CounterKey: Counter] = [:]
    /// What counts against limits that were reset, by number of the limit. It stands in no row.
    var resetCounters: [Int: ResetCounter] = [:]
    /// What counters of earlier windows hold that do not wait to be projected, as far as somebody asked.
    var pastUnits: [CounterKey: Int64] = [:]
    /// The last fact that changed the subject's row; 0 when none did since it was read.
    package var rowSequence: Int64 = 0
    /// No reservation that counts on it expires before; `nil`: none is open.
    package var nextExpiry: Instant?
    /// Since when its plan has been as the profile says; `nil`: nobody knows.
    package var since: Instant?
    /// When it got its first fact, and when it was written about last.
    package var times: Times
    /// It is no subject: its key means the one that stands as its parent; `nil`: it is one.
    var alias: AliasKind?
    /// Other keys that mean it, sorted.
    var aliases: [SubjectID]
    /// Numbers of the subjects that were merged into it, sorted.
    var merged: [Int64]
    /// Counters that wait to be projected.
    package var dirtyCounters = 0
    private var allowances: ContiguousArray<CachedAllowance> = []
    private var allowancesVersion = -1
    private var planNumber: CachedPlan?
    /// The plan that applies whatever the profile says, where a past is played again; `nil`: none.
    package var assumedPlan: AssumedPlan? {
        didSet { if assumedPlan != oldValue { (allowancesVersion, planNumber) = (-1, nil) } }
    }

    package init(
        id: SubjectID, stored: StoredSubject?, zone: ZoneRules, parent: SubjectState?,
        hasUncertainZone: Bool = false
    ) {
        self.id = id
        self.hasUncertainZone = hasUncertainZone
        past = stored?.past ?? SubjectPast()
        number = stored?.number ?? 0
        firstSequence = stored?.firstSequence ?? 0
        profile = stored?.profile ?? Subject(id: id)
        children = stored?.children ?? .zero
        nextExpiry = stored?.nextExpiry
        since = stored?.since
        times = stored?.times ?? Times()
        alias = stored?.alias
        aliases = stored?.aliases ?? []
        merged = stored?.merged ?? []
        self.zone = zone
        self.parent = parent
        parent?.holders += 1
    }

    /// What billing months are counted from.
    package var anchors: BillingAnchors { profile.anchors }

    /// The subject that its key means.
    @inline(__always)
    var meant: SubjectState { alias == nil ? self : parent ?? self }

    /// What its readings are told apart by in the gauges of its teams; −1 until it has a fact, since 0
    /// is the team itself.
    var memberNumber: Int64 { number == 0 ? -1 : number }

    /// Whether a key means it.
    func isMeant(by key: SubjectID) -> Bool { id == key || aliases.contains(key) }

    /// Whether dropping this state from memory loses nothing, when everything up to the watermark is
    /// projected.
    package func isClean(at watermark: Int64) -> Bool {
        dirtyCounters == 0 && rowSequence <= watermark
    }

    /// How many levels are below it.
    package var levelsBelow: Int {
        (children.indices.last { children[$0] > 0 } ?? -1) + 1
    }

    /// The team that stood above it at an instant.
    func parent(at instant: Instant) -> SubjectState? {
        guard let past = past.profile(at: instant) else { return parent }
        return past.parent.flatMap { pastParents[$0]?.meant }
    }

    /// - Parameter key: as it was named, which may be an alias by now.
    func add(pastParent team: SubjectState, named key: SubjectID) {
        guard pastParents.updateValue(team, forKey: key) == nil else { return }
        team.holders += 1
    }

    /// Lets go of the teams that it refers to.
    func letGo() {
        parent = nil
        for team in pastParents.values { team.holders -= 1 }
        pastParents = [:]
    }

    /// Takes in which subscription applies by now.
    func settle(at now: Instant) {
        guard !profile.scheduled.isEmpty else { return }
        let (subject, replaced) = profile.settled(at: now)
        for (subscription, until) in replaced { past.end(subscription, at: until) }
        profile = subject
    }

    /// Takes in what is said of the subject from an instant on.
    func replace(profile new: Subject, parent newParent: SubjectState?, at now: Instant?) {
        if let now {
            past.note(profile, replacedBy: new, at: now)
            if let parent, let key = profile.parent { add(pastParent: parent, named: key) }
        }
        profile = new
        parent = newParent
        resetCounters = [:]
        pastUnits = [:]
    }
}

/// A counter in memory.
package struct Counter {
    package var series: Int
    package var span: WindowSpan
    package var state: CounterState
    /// The last fact that the state includes.
    package var asOf: Int64
    /// Whether the row in the store is older than this.
    package var isDirty: Bool
    /// The counter has no window any more, because the subject's calendar changed.
    package var isDeleted = false

    package init(series: Int, span: WindowSpan, state: CounterState, asOf: Int64, isDirty: Bool) {
        self.series = series
        self.span = span
        self.state = state
        self.asOf = asOf
        self.isDirty = isDirty
    }
}

extension SubjectState {
    /// Where the counter of a series stands, and whether its window contains an instant. One look at all,
    /// since each access to a property of a class has its price.
    @inline(__always)
    func place(of series: Int, at instant: Instant) -> (index: Int?, isCurrent: Bool) {
        unsafe current.withUnsafeBufferPointer { counters in
            for index in counters.indices where unsafe counters[index].series == series {
                return (index, unsafe counters[index].span.contains(instant))
            }
            return (nil, false)
        }
    }
}

extension Counter {
    /// Notes that the state includes a fact, and whether its row was up to date until now.
    @inline(__always)
    mutating func include(_ sequence: Int64) -> Bool {
        asOf = sequence
        defer { isDirty = true }
        return !isDirty
    }

    /// Counts what a fact contributes, unless it is included. Returns whether its row was up to date until
    /// now; those that roll have none.
    @inline(__always)
    mutating func count(_ contribution: Contribution, _ series: CompiledSeries) -> Bool {
        guard asOf < contribution.sequence else { return false }
        switch series.window {
        case .rolling(let seconds):
            addRolling(contribution, as: series.aggregation, milliseconds: seconds * 1_000)
            asOf = contribution.sequence
            return false
        case .sinceFirst(let seconds):
            addSinceFirst(contribution, as: series.aggregation, milliseconds: seconds * 1_000)
            asOf = contribution.sequence
            return false
        default: break
        }
        _ = state.add(contribution, as: series.aggregation)
        return include(contribution.sequence)
    }

    /// Counts a contribution in a window that rolls, and now and then forgets what left it long ago.
    mutating func addRolling(
        _ contribution: Contribution, as aggregation: Aggregation, milliseconds: Int64
    ) {
        _ = state.addRolling(contribution, as: aggregation)
        let from = contribution.occurredAt.advanced(
            byMilliseconds: -Self.rollingSlack(milliseconds: milliseconds))
        let oldest = from.advanced(byMilliseconds: -milliseconds)
        let value = contribution.valuesMax == 0 ? nil : contribution.value
        guard state.dropRolling(through: oldest, of: value) else { return }
        span = WindowSpan(from: max(span.from, from), until: span.until)
    }

    /// Counts a contribution in windows that open with the first use, and now and then forgets those that
    /// ended long ago. What comes earlier than all that it knows may move every window.
    mutating func addSinceFirst(
        _ contribution: Contribution, as aggregation: Aggregation, milliseconds: Int64
    ) {
        guard span.from <= contribution.occurredAt else { return forgetInstants() }
        _ = state.addRolling(contribution, as: aggregation)
        let oldest = contribution.occurredAt.advanced(
            byMilliseconds: -Self.rollingSlack(milliseconds: milliseconds))
        guard case .rolling(let entries) = state.memory, entries.count >= Self.instantsMin,
            let start = SinceFirst.boundary(
                entries, atOrBefore: oldest, milliseconds: milliseconds),
            start > span.from,
            state.dropRolling(through: start.advanced(byMilliseconds: -1))
        else { return }
        span = WindowSpan(from: start, until: span.until)
    }

    /// Has it folded once more for whoever asks next.
    mutating func forgetInstants() {
        state = .empty
        span = WindowSpan(from: span.until, until: span.until)
    }

    /// Entries that are kept without a look at their age.
    private static let instantsMin = 256

    /// How much earlier than what was asked last a rolling counter can answer: callers' clocks differ, and
    /// most reservations are settled within minutes, which is answered as of when they were made.
    static func rollingSlack(milliseconds: Int64) -> Int64 { min(milliseconds, 900_000) }
}

/// A plan that a subject is taken to be on.
package struct AssumedPlan: Hashable, Sendable {
    package var plan: PlanKey?

    package init(plan: PlanKey?) {
        self.plan = plan
    }
}

/// The number of a subject's plan, and how long that stays so.
private struct CachedPlan {
    var number: Int?
    var valid: WindowSpan
    var version: Int
}

/// What one limit allows a subject, and how long that stays so.
private struct CachedAllowance {
    var limit: Int
    /// As of ``LimitDefinition/pattern(of:)``.
    var pattern: Int?
    var allowed: Allowed
    var valid: WindowSpan
}

extension SubjectState {
    /// What a limit allows at an instant: override of the subject, of the team, plan, default; then additions
    /// of the plan, where it is that which gives, and the subject's own.
    ///
    /// - Parameters:
    ///   - value: of a limit per value.
    ///   - version: rises whenever any profile, plan or limit changes.
    package func allowance(
        of definition: LimitDefinition, _ value: String? = nil, at instant: Instant,
        catalog: Catalog, version: Int
    ) -> Allowed {
        let pattern = definition.pattern(of: value)
        if allowancesVersion != version {
            allowances.removeAll(keepingCapacity: true)
            allowancesVersion = version
        }
        if let index = allowances.firstIndex(where: {
            $0.limit == definition.number && $0.pattern == pattern
        }) {
            if allowances[index].valid.contains(instant) { return allowances[index].allowed }
            allowances.remove(at: index)
        }
        let allowed = resolve(definition, value, at: instant, catalog: catalog)
        // The place of a pattern says nothing of what values were allowed before.
        if let since = definition.patternsSince,
            term(at: instant, default: catalog.defaultPlan).versionAt ?? instant < since
        {
            return allowed
        }
        allowances.append(
            CachedAllowance(
                limit: definition.number, pattern: pattern, allowed: allowed,
                valid: allowanceSpan(of: definition, at: instant, catalog: catalog)))
        return allowed
    }

    /// The override that applies at an instant, the nearest first.
    func override(of limit: LimitKey, at instant: Instant) -> Allowance? {
        for subject in Levels(self, at: instant) {
            let past = subject.past.profile(at: instant)
            let allowance =
                past == nil ? subject.profile.overrides[limit] : past?.override(of: limit)
            if let allowance { return allowance }
        }
        return nil
    }

    /// The number, among the names, of the plan that applies at an instant.
    func planNumber(at instant: Instant, catalog: Catalog, registry: Registry, version: Int) -> Int?
    {
        if let planNumber, planNumber.version == version, planNumber.valid.contains(instant) {
            return planNumber.number
        }
        let number = plan(at: instant, catalog: catalog).flatMap { registry.number(of: $0) }
        planNumber = CachedPlan(
            number: number, valid: subscriptionSpan(around: instant), version: version)
        return number
    }

    /// The plan that applies at an instant.
    package func plan(at instant: Instant, catalog: Catalog) -> PlanKey? {
        plan(at: instant, default: catalog.defaultPlan)
    }

    /// The same where another plan was the default.
    func plan(at instant: Instant, default defaultPlan: PlanKey?) -> PlanKey? {
        term(at: instant, default: defaultPlan).plan
    }

    /// The plan, and the instant of which what it allows is given; `nil`: of the instant itself.
    func term(
        at instant: Instant, default defaultPlan: PlanKey?
    ) -> (plan: PlanKey?, versionAt: Instant?) {
        if let assumedPlan { return (assumedPlan.plan, nil) }
        for subject in Levels(self, at: instant) {
            if let subscription = subject.subscription(at: instant),
                subscription.applies(at: instant)
            {
                return (subscription.plan, subscription.versionAt)
            }
            let past = subject.past.profile(at: instant)
            if let plan = past == nil ? subject.profile.plan : past?.plan { return (plan, nil) }
        }
        return (defaultPlan, nil)
    }

    /// The subscription that is said of it at an instant.
    func subscription(at instant: Instant) -> Subscription? {
        if let next = profile.scheduled.last(where: { $0.subscription.appliesFrom <= instant }) {
            return next.subscription
        }
        guard let past = past.subscribed(at: instant) else { return profile.subscription }
        return past.subscription
    }

    private func resolve(
        _ definition: LimitDefinition, _ value: String?, at instant: Instant, catalog: Catalog
    ) -> Allowed {
        var allowed = allowance(
            of: definition, value, under: plan(at: instant, catalog: catalog), at: instant,
            catalog: catalog)
        // A limit that was reset may have become one of a maximum since, which cannot be.
        if definition.aggregation == .sum || definition.aggregation == .count,
            let resets = profile.resets[definition.limit.key], !resets.isEmpty
        {
            allowed.resets = ResetHistory(resets)
        }
        return allowed
    }

    /// The span around an instant in which a limit allows the same.
    func allowanceSpan(
        of definition: LimitDefinition, at instant: Instant, catalog: Catalog
    ) -> WindowSpan {
        var span = subscriptionSpan(around: instant)
        if !definition.earlier.isEmpty {
            span = span.narrowed(to: definition.earlier.map(\.until), around: instant)
        }
        if !profile.additions.isEmpty {
            span = profile.additions.narrowing(span, around: instant)
        }
        if let plan = catalog.plan(plan(at: instant, catalog: catalog)), !plan.additions.isEmpty {
            span = plan.additions.narrowing(span, around: instant)
        }
        return span
    }

    /// What a limit allows under a plan.
    func allowance(
        of definition: LimitDefinition, _ value: String?, under plan: PlanKey?,
        at instant: Instant, catalog: Catalog
    ) -> Allowed {
        let term = term(at: instant, default: catalog.defaultPlan)
        let versionAt = term.plan == plan ? term.versionAt : nil
        return definition.allowed(
            under: catalog.plan(plan), plan, of: value,
            overriddenBy: override(of: definition.limit.key, at: instant),
            profile.additions, isForSubject: definition.isFor(id, at: versionAt ?? instant),
            at: instant, versionAt: versionAt)
    }

    /// What a limit does for it.
    @inline(__always)
    func mode(of definition: LimitDefinition, at instant: Instant, catalog: Catalog) -> LimitMode {
        if definition.rollouts.isEmpty { return definition.mode }
        return mode(of: definition, under: plan(at: instant, catalog: catalog), at: instant)
    }

    /// The same if it were on a plan.
    func mode(
        of definition: LimitDefinition, under plan: PlanKey?, at instant: Instant
    ) -> LimitMode {
        if definition.rollouts.isEmpty { return definition.mode }
        return definition.mode(for: Levels(self, at: instant).map(\.id), under: plan)
    }

    /// Whether something that is switched is on for it.
    @inline(__always)
    func isOn(_ group: SwitchGroup, at instant: Instant, catalog: Catalog) -> Bool {
        if let isOn = group.isOnForAll { return isOn }
        return group.isOn(
            for: Levels(self, at: instant).map(\.id), plan: plan(at: instant, catalog: catalog))
    }

    /// The span around `instant` in which nothing was said anew of this subject or of those above, and
    /// no subscription of theirs starts or ends.
    private func subscriptionSpan(around instant: Instant) -> WindowSpan {
        var span = WindowSpan.lifetime
        for subject in Levels(self, at: instant) {
            if !subject.past.isEmpty { span = subject.past.narrowing(span, around: instant) }
            var edges = subject.profile.scheduled.map(\.subscription.appliesFrom)
            edges += subject.subscription(at: instant)?.edges ?? []
            span = span.narrowed(to: edges, around: instant)
        }
        return span
    }
}

extension WindowSpan {
    /// The part of it around an instant in which none of some edges lies.
    fileprivate func narrowed(to edges: [Instant], around instant: Instant) -> WindowSpan {
        edges.reduce(self) { span, edge in
            edge <= instant
                ? WindowSpan(from: max(span.from, edge), until: span.until)
                : WindowSpan(from: span.from, until: min(span.until, edge))
        }
    }
}

extension SubjectState {
    /// Hands out a counter that waits to be projected, which it then no longer does; `nil` when it
    /// was handed out before.
    package func takeDirtyCounter(series: Int, from: Instant) -> Counter? {
        if let index = current.firstIndex(where: { $0.series == series && $0.span.from == from }),
            current[index].isDirty
        {
            current[index].isDirty = false
            dirtyCounters -= 1
            return current[index]
        }
        let key = CounterKey(series: series, from: from, subject: number)
        guard let counter = others[key], counter.isDirty else { return nil }
        others[key] = nil
        dirtyCounters -= 1
        return counter
    }
}
