import MeterstoneCore

extension Subject {
    /// The profile after a change of it, and what became of the change. What was scheduled until then applies
    /// before.
    func applying(
        _ change: Change, by author: String, at now: Instant, _ sequence: Int64, isNew: Bool
    ) -> (profile: Subject, outcome: ChangeOutcome) {
        let settled = scheduled.isEmpty ? self : self.settled(at: now).subject
        return settled.carryingOut(change, by: author, at: now, sequence, isNew: isNew)
    }

    private func carryingOut(
        _ change: Change, by author: String, at now: Instant, _ sequence: Int64, isNew: Bool
    ) -> (profile: Subject, outcome: ChangeOutcome) {
        var profile = self
        switch change {
        case .putSubject(let wanted):
            profile = wanted
            profile.overrides = overrides
            profile.subscription = subscription
            profile.additions = additions
            profile.scheduled = scheduled
            profile.billing = billing
            profile.resets = resets
            profile.account = account
            profile.formerZones = formerZones
            profile.onceGrants = onceGrants
        case .putAccount(_, var account):
            account.sessions = self.account?.sessions ?? []
            profile.account = account
            return (profile, outcome(profile, existed: self.account != nil))
        case .deleteAccount:
            profile.account = nil
            return (profile, account == nil ? .missing : .deleted)
        case .startAccountSession(_, let session):
            let isKnown = account?.sessions.contains { $0.id == session.id } ?? false
            profile.account = (account ?? PersonAccount()).starting(session)
            return (profile, outcome(profile, existed: isKnown))
        case .endAccountSession(_, let session, let instant):
            guard let ended = account?.ending(session, at: instant) else {
                return (self, .missing)
            }
            profile.account = ended
            return (profile, .deleted)
        case .deleteSubject:
            // What was added until now was added.
            profile = Subject(
                id: id, additions: additions.ended(at: now), resets: resets,
                formerZones: formerZones)
            profile.onceGrants = onceGrants
            profile.billing = billing?.withoutTurns
            return (profile, isNew || profile == self ? .missing : .deleted)
        case .putSubscription(_, let subscription):
            if let known = self.subscription, subscription.isOlder(than: known) {
                return (self, .unchanged)
            }
            profile.subscribe(to: subscription)
            return (profile, outcome(profile, existed: self.subscription != nil))
        case .deleteSubscription:
            profile.subscription = nil
            profile.scheduled = []
            profile.billing = billing?.withoutTurns
            let isMissing = subscription == nil && scheduled.isEmpty
            return (profile, isMissing ? .missing : .deleted)
        case .turnSubscription(_, let turn):
            let isNone = subscription == nil && scheduled.isEmpty
            profile.take(turn)
            return (profile, outcome(profile, existed: !isNone))
        case .cancelScheduled(_, let start):
            profile.cancelScheduled { start == nil || $0.startsAt == start }
            return (profile, profile == self ? .missing : .deleted)
        case .putOverride(_, let limit, let allowance):
            profile.overrides[limit] = allowance
            return (profile, outcome(profile, existed: overrides[limit] != nil))
        case .deleteOverride(_, let limit):
            profile.overrides[limit] = nil
            return (profile, overrides[limit] == nil ? .missing : .deleted)
        case .putAddition(_, let addition):
            let outcome = profile.additions.put(addition, by: author, at: now)
            return (profile, outcome)
        case .endAddition(_, let addition):
            let outcome = profile.additions.end(addition, by: now)
            return (profile, outcome)
        case .resetLimit(_, let limit, let reason):
            guard !isNew else { return (profile, .missing) }
            profile.resets[limit, default: []].put(
                LimitReset(at: now, sequence: sequence, author: author, reason: reason))
            return (profile, .created)
        default: break
        }
        return (profile, outcome(profile, existed: !isNew))
    }

    /// Subscribes as told. A change of plan that went before is kept in what is the same subscription; another
    /// one takes the place of all that was scheduled, and cuts billing months by its own start.
    private mutating func subscribe(to new: Subscription) {
        var new = new
        let isSame =
            subscription.map { $0.plan == new.plan && $0.startsAt == new.startsAt } ?? false
        if subscription?.startsAt == new.startsAt {
            new.billingAnchor = new.billingAnchor ?? subscription?.billingAnchor
            new.change = new.change ?? subscription?.change
        }
        new.causedAt = new.causedAt ?? subscription?.causedAt
        if !isSame { cancelScheduled { _ in true } }
        if new.anchor != subscription?.anchor { billing = billing?.withoutTurns }
        subscription = new
    }

    private mutating func take(_ turn: SubscriptionTurn) {
        let new = turn.subscription
        cancelScheduled { new.startsAt <= $0.startsAt }
        billing = turn.billing
        guard turn.isScheduled else {
            subscription = new
            return
        }
        scheduled.append(ScheduledSubscription(new, grants: turn.grants.compactMap(\.id)))
    }

    /// Lets go of some of what is scheduled, and of the turns that it would have brought.
    private mutating func cancelScheduled(_ isCancelled: (Subscription) -> Bool) {
        let cancelled = scheduled.map(\.subscription).filter(isCancelled)
        guard !cancelled.isEmpty else { return }
        scheduled.removeAll { isCancelled($0.subscription) }
        billing = billing?.without(turnsAt: Set(cancelled.map(\.startsAt)))
    }

    private func outcome(_ profile: Subject, existed: Bool) -> ChangeOutcome {
        if !existed { return .created }
        return profile == self ? .unchanged : .replaced
    }
}

extension SubjectBilling {
    /// What is left of it where some turns do not come; `nil`: nothing.
    func without(turnsAt instants: Set<Instant>) -> SubjectBilling? {
        var result = self
        result.turns.removeAll { instants.contains($0.at) }
        return result.turns.isEmpty ? result.withoutTurns : result
    }
}

extension Subscription {
    /// Whether what it tells was caused before what is known.
    func isOlder(than known: Subscription) -> Bool {
        guard let causedAt, let last = known.causedAt else { return false }
        return causedAt < last
    }
}

extension WorkingSet {
    /// Whether a profile newly refers to things that do not exist, or to itself.
    ///
    /// What it referred to before stays, also when that is gone: who is on a deleted plan can still
    /// be blocked.
    func reject(_ change: Change) throws(StoreError) -> Rejection? {
        guard !change.isOfCredits, let id = change.subject else { return nil }
        if let rejection = try rejectKey(change) { return rejection }
        let state = try state(of: id)
        let known = state.profile
        let profile = known.applying(
            change, by: "", at: now, batch.nextSequence, isNew: state.number == 0
        ).profile
        if let mistake = reject(zonesOf: profile, known) { return mistake }
        let knownPlans = [known.plan, known.subscription?.plan]
        for plan in [profile.plan, profile.subscription?.plan].compactMap(\.self)
        where !knownPlans.contains(plan) && !catalog.blueprint.knows(plan: plan) {
            return Rejection(
                code: .unknownPlan, field: "plan",
                message: "expected the key of a plan, and there is none called '\(plan)'")
        }
        if case .putOverride(_, let limit, _) = change, catalog.definitions[limit] == nil {
            return Rejection(
                code: .unknownLimit, field: "limit",
                message: "expected the key of a limit, and there is none called '\(limit)'")
        }
        if case .putAddition(_, let addition) = change, let mistake = reject(addition, profile) {
            return mistake
        }
        if case .resetLimit(_, let limit, _) = change, let mistake = reject(resetOf: limit) {
            return mistake
        }
        if let rejection = try rejectAccount(profile, state) { return rejection }
        return try rejectParent(of: profile, state)
    }

    private func reject(zonesOf profile: Subject, _ known: Subject) -> Rejection? {
        guard profile.timeZone != known.timeZone else { return nil }
        if let zone = profile.timeZone, options.zoneRules(zone) == nil {
            return Rejection(
                code: .unknownTimeZone, field: "timeZone",
                message: "expected a name of the IANA time zone database, not '\(zone)'")
        }
        if let last = known.formerZones.last, last.until <= now,
            known.formerZones.count >= FormerZone.countMax
        {
            return Rejection(
                code: .invalidField, field: "timeZone",
                message: "expected at most \(FormerZone.countMax) changes of the time zone")
        }
        return nil
    }

    private func reject(resetOf key: LimitKey) -> Rejection? {
        guard let definition = catalog.definitions[key] else {
            return Rejection(
                code: .unknownLimit, field: "limit",
                message: "expected the key of a limit, and there is none called '\(key)'")
        }
        let window = definition.limit.window
        guard window != .request, window != .concurrent else {
            return Rejection(
                code: .invalidField, field: "limit",
                message: "expected a limit that counts over a time, and not '\(window)'")
        }
        guard definition.aggregation == .sum || definition.aggregation == .count else {
            return Rejection(
                code: .invalidField, field: "limit",
                message: "expected a limit of a meter that is a sum or a count")
        }
        return nil
    }

    private func reject(_ addition: Addition, _ profile: Subject) -> Rejection? {
        switch addition.content {
        case .limit(let limit, _) where catalog.definitions[limit] == nil:
            return Rejection(
                code: .unknownLimit, field: "limit",
                message: "expected the key of a limit, and there is none called '\(limit)'")
        case .addOn(let key, _) where !catalog.blueprint.limits.contains { $0.addOns[key] != nil }:
            return Rejection(
                code: .unknownAddOn, field: "addOn",
                message: "expected an add-on of some limit, and none lists '\(key)'")
        case .limit, .addOn: break
        }
        if let until = addition.until, until <= addition.from ?? now {
            return Rejection(
                code: .invalidField, field: "until", message: "expected later than from")
        }
        guard profile.additions.count <= Addition.countMax else {
            return Rejection(
                code: .invalidField, field: "id",
                message: "expected at most \(Addition.countMax) additions that are not over")
        }
        return nil
    }

    private func rejectParent(
        of profile: Subject, _ state: SubjectState
    )
        throws(StoreError) -> Rejection?
    {
        guard let parent = profile.parent, parent != state.profile.parent else { return nil }
        var level: SubjectState? = try self.state(of: parent)
        if let level, level.profile.erasedAt != nil { return .erased(level.id, "parent") }
        var depth = 1
        while let team = level {
            if team === state {
                return Rejection(
                    code: .cyclicParent, field: "parent",
                    message: "expected a subject that is not below this one")
            }
            if depth + state.levelsBelow > Self.ancestorsMax {
                return Rejection(
                    code: .cyclicParent, field: "parent",
                    message: "expected at most \(Self.ancestorsMax) levels above any subject")
            }
            depth += 1
            level = team.parent
        }
        return nil
    }
}
