public import MeterstoneCore

/// Who a read is about, and what is in force, as of one instant.
public struct StoreView: Sendable {
    package let known: StoreHead
    /// `nil` when the view is of no subject, or of one that has no fact yet.
    package let subject: StoredSubject?
    /// The profiles of the teams above the subject, from the nearest up.
    package let teams: [Subject]
    package let zone: ZoneRules

    public var catalog: Catalog { known.catalog }
    package var registry: Registry { known.registry }
    /// How the store decides.
    package var options: StoreOptions { known.options }
    /// The last fact that the view includes.
    package var head: Int64 { known.sequence }
    /// Pages of a report that was begun before this fact cannot be told any more.
    package var cutFloor: Int64 { known.cutFloor }
}

extension StoreView {
    /// Name of the zone whose calendar the subject's windows follow.
    package var timeZone: String { zone.name }

    /// The rules of a zone by its name.
    package var zones: @Sendable (String) -> ZoneRules? { options.zoneRules }

    /// What clocks showed to a subject. A zone that is no longer known falls back to the default.
    package func clocks(of zones: ZonesInTime) -> ZoneRules {
        options.clocks(of: zones) ?? options.clocks(of: ZonesInTime()) ?? .utc
    }

    /// What the subject's billing months are counted from.
    package var anchors: BillingAnchors { subject?.profile.anchors ?? BillingAnchors(nil) }

    /// The subject and the teams above it, from the nearest up.
    private var levels: [Subject] { [subject?.profile].compactMap(\.self) + teams }

    /// The plan that applies to the subject at an instant, as profiles are now.
    package func plan(at instant: Instant) -> PlanKey? {
        for level in levels {
            if let subscription = level.subscription(at: instant),
                subscription.applies(at: instant)
            {
                return subscription.plan
            }
            if let plan = level.plan { return plan }
        }
        return catalog.defaultPlan
    }

    /// What a limit does for the subject.
    package func mode(of definition: LimitDefinition, at instant: Instant) -> LimitMode {
        definition.mode(
            for: subject == nil ? [] : levels.map(\.id), under: plan(at: instant))
    }

    /// What a limit allows the subject under a plan at an instant, the nearest override first.
    package func allowance(
        of definition: LimitDefinition, under plan: PlanKey?, at instant: Instant
    ) -> Allowance {
        definition.allowed(
            under: catalog.plan(plan), plan,
            overriddenBy: levels.lazy.compactMap { $0.overrides[definition.limit.key] }.first,
            subject?.profile.additions ?? [],
            isForSubject: subject.map { definition.isFor($0.profile.id, at: instant) } ?? true,
            at: instant
        ).allowance
    }
}

extension StoreHead {
    /// A view of no subject.
    package func view() -> StoreView {
        let zone = options.zoneRules(options.defaultTimeZone) ?? .utc
        return StoreView(known: self, subject: nil, teams: [], zone: zone)
    }

    /// - Parameter source: everything as of this head.
    package func view(
        of id: SubjectID, _ source: any DecisionSource
    ) throws(StoreError) -> StoreView {
        let state = try workingSet(source).state(of: id)
        let subject = StoredSubject(
            number: state.number, firstSequence: state.firstSequence, profile: state.profile,
            nextExpiry: state.nextExpiry, past: state.past, times: state.times,
            aliases: state.aliases, merged: state.merged)
        return StoreView(
            known: self, subject: state.number == 0 ? nil : subject, teams: state.teams,
            zone: state.zone)
    }
}

extension WorkingSet {
    /// Every counter that waits to be projected.
    package var waitingCounters: [CounterKey: CounterState] {
        subjects.values.reduce(into: [:]) { result, state in
            result.merge(state.waitingCounters) { first, _ in first }
        }
    }

    package func recount(_ source: any InspectionSource) -> Recount {
        Recount(source: source, registry: registry, zone: { self.zone(of: $0).rules })
    }
}

extension SubjectState {
    fileprivate var teams: [Subject] {
        sequence(first: self, next: \.parent).dropFirst().map(\.profile)
    }

    fileprivate var waitingCounters: [CounterKey: CounterState] {
        var result: [CounterKey: CounterState] = [:]
        for (key, counter) in others where counter.isDirty {
            result[key] = counter.isDeleted ? .empty : counter.state
        }
        for counter in current where counter.isDirty {
            result[counter.key(of: self)] = counter.state
        }
        return result
    }
}
