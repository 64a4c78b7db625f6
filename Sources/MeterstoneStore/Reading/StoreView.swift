public import MeterstoneCore

/// What the committer knows beyond the tables, taken at one instant for one read.
///
/// Facts may be projected between the taking of the view and the snapshot that is read with it; a
/// fact at or before the snapshot's watermark is therefore ignored here.
public struct StoreView: Sendable {
    public let catalog: Catalog
    package let registry: Registry
    /// How the store decides.
    package let options: StoreOptions
    /// `nil` when the view is of no subject, or of one that has no fact yet.
    package let subject: StoredSubject?
    /// The profiles of the teams above the subject, from the nearest up.
    package let teams: [Subject]
    package let zone: ZoneRules
    /// Facts about the subject, or about those below it, that were not projected.
    package let facts: [Fact]
    /// Ledger entries of the subject that were not projected.
    package let entries: [Fact]
    /// Counters of the subject that were not projected.
    package let counters: [CounterKey: CounterState]
    /// Ids of the subjects that ``facts`` are about.
    package let subjectIDs: [Int64: SubjectID]
    /// Changes of the subject, or of plans where the view is of none, that were not projected.
    package let changes: [ChangeRecord]
    /// Of a view of no subject: events by column that were not projected, and the last fact of each
    /// part.
    package let columns: [(until: Int64, entries: ColumnEntries)]
    /// Of a view of no subject: rows of subjects that were not projected, the oldest first.
    package let subjects: [SubjectRow]
    /// The last fact that the view includes.
    package let head: Int64
    /// Pages of a report that was begun before this fact cannot be told any more.
    package let cutFloor: Int64
}

extension StoreView {
    /// Name of the zone whose calendar the subject's windows follow.
    package var timeZone: String { zone.name }

    /// The rules of a zone by its name.
    package var zones: @Sendable (String) -> ZoneRules? { options.zoneRules }

    /// The instant that the subject's billing months are counted from.
    package var anchor: Instant? { subject?.profile.subscription?.startsAt }

    /// The subject and the teams above it, from the nearest up.
    private var levels: [Subject] { [subject?.profile].compactMap(\.self) + teams }

    /// The plan that applies to the subject at an instant, as profiles are now.
    package func plan(at instant: Instant) -> PlanKey? {
        for level in levels {
            if let subscription = level.subscription, subscription.applies(at: instant) {
                return subscription.plan
            }
            if let plan = level.plan { return plan }
        }
        return catalog.defaultPlan
    }

    /// What a limit allows the subject under a plan, the nearest override first.
    package func allowance(of definition: LimitDefinition, under plan: PlanKey?) -> Allowance {
        levels.lazy.compactMap { $0.overrides[definition.limit.key] }.first
            ?? definition.allowance(under: plan)
    }
}

extension WorkingSet {
    /// A view of no subject for a report, whose later pages leave out what comes after it.
    package func reportView() throws(StoreError) -> StoreView {
        tail.cutColumns()
        return try view(of: nil)
    }

    package func view(of id: SubjectID?) throws(StoreError) -> StoreView {
        guard let id else {
            return StoreView(
                catalog: catalog, registry: registry, options: options, subject: nil, teams: [],
                zone: zone(of: nil).rules, facts: [], entries: [], counters: [:], subjectIDs: [:],
                changes: dirtyChanges,
                columns: tail.columns, subjects: dirtySubjects, head: head, cutFloor: cutFloor)
        }
        let state = try state(of: id)
        var (facts, entries): ([Fact], [Fact]) = ([], [])
        var subjectIDs: [Int64: SubjectID] = [:]
        if state.number != 0 {
            facts = tail.facts(.usage, of: state.number)
            entries = tail.facts(.ledger, of: state.number)
            for fact in facts where subjectIDs[fact.subject] == nil {
                subjectIDs[fact.subject] = try self.state(number: fact.subject).id
            }
        }
        return StoreView(
            catalog: catalog, registry: registry, options: options,
            subject: state.number == 0
                ? nil
                : StoredSubject(
                    number: state.number, firstSequence: state.firstSequence,
                    profile: state.profile),
            teams: state.teams, zone: state.zone, facts: facts, entries: entries,
            counters: state.waitingCounters,
            subjectIDs: subjectIDs, changes: dirtyChanges, columns: [], subjects: [], head: head,
            cutFloor: cutFloor)
    }
}

extension WorkingSet {
    /// Every counter that waits to be projected.
    package var waitingCounters: [CounterKey: CounterState] {
        subjects.values.reduce(into: [:]) { result, state in
            result.merge(state.waitingCounters) { first, _ in first }
        }
    }

    package func recount(_ source: any StoreSource) -> Recount {
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
