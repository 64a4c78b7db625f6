import MeterstoneCore

/// Brings subjects into the state that they were in when an event of theirs was recorded: below the
/// teams of that time, and on the plan of that time or on the one that the question names.
///
/// Time zone, overrides and the start of a subscription are those of today.
struct Players {
    let workingSet: WorkingSet
    private let asked: [SubjectID: AssumedPlan]
    /// By number of its name.
    private let plans: [AssumedPlan]

    init(_ workingSet: WorkingSet, plans: [WhatIfQuestion.PlanChange], names: [MeterKey]) {
        self.workingSet = workingSet
        asked = Dictionary(
            plans.map { ($0.subject, AssumedPlan(plan: $0.plan)) }, uniquingKeysWith: { $1 })
        self.plans = names.map { AssumedPlan(plan: PlanKey(unchecked: $0.text)) }
    }

    /// The subject of an event, as it was.
    func player(
        _ number: Int64, _ record: UsageRecord
    ) throws(StoreError) -> SubjectState {
        let state = try workingSet.state(number: number)
        if state.parent != nil || !record.teams.isEmpty {
            try workingSet.seat(state, below: record.teams)
        }
        if !asked.isEmpty {
            for number in record.namedLevels {
                let level = try workingSet.state(number: number)
                let plan = asked[level.id]
                if level.assumedPlan != plan { level.assumedPlan = plan }
            }
        }
        var told: AssumedPlan?
        if let number = record.planNumber, plans.indices.contains(number) { told = plans[number] }
        if asked.isEmpty, state.parent == nil {
            if state.assumedPlan != told { state.assumedPlan = told }
        } else {
            assume(told, for: state, at: record.occurredAt)
        }
        return state
    }

    /// A subject without a plan of its own has that of its team, so that its events tell of it.
    private func assume(_ told: AssumedPlan?, for state: SubjectState, at instant: Instant) {
        let own = askedPlan(of: state, at: instant) ?? told
        var inherits = true
        var level: SubjectState? = state
        while let subject = level {
            var plan = subject.assumedPlan
            if let asked = asked[subject.id] {
                plan = asked
            } else if inherits, own != nil || subject === state {
                plan = own
            }
            if subject.assumedPlan != plan { subject.assumedPlan = plan }
            if subject.hasOwnPlan(at: instant) { inherits = false }
            level = subject.parent
        }
    }

    /// The plan that the question names for a subject, or for the team that it has its plan from.
    private func askedPlan(of state: SubjectState, at instant: Instant) -> AssumedPlan? {
        var level: SubjectState? = state
        while let subject = level {
            if let plan = asked[subject.id] { return plan }
            if subject.hasOwnPlan(at: instant) { return nil }
            level = subject.parent
        }
        return nil
    }
}

extension SubjectState {
    fileprivate func hasOwnPlan(at instant: Instant) -> Bool {
        profile.plan != nil
            || profile.subscription(at: instant)?.applies(at: instant) ?? false
    }
}
