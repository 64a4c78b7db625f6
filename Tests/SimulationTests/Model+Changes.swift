import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting

extension Model {
    mutating func correct(_ correction: Correction, at now: Instant) -> String {
        guard let index = known(correction.eventID, correction.source) else {
            return "unknown_event"
        }
        _ = expireDue(events[index].event.subject, at: now)
        if !events[index].isVoided, let reservation = events[index].reservation {
            if reservation.status == .open { return "reservation_open" }
            if !reservation.isCounted, correction.kind != .void { return "already_voided" }
        }
        var kind = CorrectionNote.Kind.void
        switch correction.kind {
        case .void:
            if events[index].isVoided { return "unchanged" }
            events[index].isVoided = true
        case .amend(let quantities, let details):
            if events[index].isVoided { return "already_voided" }
            let before = events[index].event
            var after = before
            after.quantities = quantities
            // What it counts for, and by which terms, stays.
            if let details {
                after.details = (before.details ?? .none).replacing(
                    correction.fields, by: details)
            }
            if (after.details ?? .none) == (before.details ?? .none) {
                after.details = before.details
            }
            let isPriced = events[index].isPriced && details?.cost == nil
            if isPriced { after = repriced(after, at: events[index].at) }
            if after == before { return "unchanged" }
            if let rejection = reject(quantities) { return rejection }
            if overflows(index, as: after) { return "quantity_overflow" }
            events[index].event = after
            events[index].isPriced = isPriced
            kind = .amend
        }
        events[index].corrections.append(
            CorrectionNote(
                kind: kind, author: correction.author, reason: correction.reason, recordedAt: now))
        return "corrected"
    }

    /// The first answer again under the same key.
    mutating func change(_ request: ChangeRequest, at now: Instant) -> String {
        guard let key = request.idempotencyKey else { return carryOut(request.change, at: now) }
        if let receipt = receipts[key] {
            return receipt.change == request.change
                ? "again \(receipt.answer)" : "idempotency_conflict"
        }
        let answer = carryOut(request.change, at: now)
        let answers = ["created", "replaced", "deleted", "credited", "unchanged", "missing"]
        if answers.contains(where: { answer.hasPrefix($0) }) {
            receipts[key] = (request.change, answer)
        }
        return answer
    }

    private mutating func carryOut(_ change: Change, at now: Instant) -> String {
        // What the plan gave until now is given before it changes.
        if !change.isOfCredits, let id = change.subject, profiles[id] != nil, payment != nil {
            _ = expireDue(id, at: now)
            wallets[id] = wallet(id, at: now)
        }
        if let answer = credit(change, at: now) { return answer }
        guard let id = change.subject else {
            let (result, outcome) = blueprint.settled(for: change, at: now)
                .applying(change.settled(at: now))
            for limit in blueprint.limits { noteLimit(limit, in: result, at: now) }
            noteCarrying(result, at: now)
            blueprint = result
            past.append(
                (max(now, past.last?.from ?? now), blueprint.plans, payment != nil))
            return outcome.text
        }
        timeline.settle(id, at: now)
        let old = profiles[id]
        var new = old ?? Subject(id: id)
        let outcome: ChangeOutcome
        switch change {
        case .putSubject(let wanted):
            if let zone = wanted.timeZone, zoneRules(zone) == nil { return "unknown_time_zone" }
            if isUnknown(wanted.plan, to: old) { return "unknown_plan" }
            if let parent = wanted.parent, levels(parent).contains(id) { return "cyclic_parent" }
            new = wanted
            new.formerZones = formerZones(of: wanted, at: now)
            new.overrides = old?.overrides ?? [:]
            new.subscription = old?.subscription
            new.scheduled = old?.scheduled ?? []
            new.billing = old?.billing
            new.account = old?.account
            outcome = old == nil ? .created : new == old ? .unchanged : .replaced
        case .putAccount(_, let account):
            let others = profiles.values.filter { $0.id != id }.compactMap(\.account?.email)
            if let email = account.email, others.contains(email) { return "in_use" }
            new.account = account
            outcome = old?.account == nil ? .created : new == old ? .unchanged : .replaced
        case .deleteAccount:
            new.account = nil
            outcome = old?.account == nil ? .missing : .deleted
        case .putSubscription(_, let subscription):
            if isUnknown(subscription.plan, to: old) { return "unknown_plan" }
            let caused = old?.subscription?.causedAt
            if let caused, let told = subscription.causedAt, told < caused { return "unchanged" }
            new.subscribe(to: subscription)
            outcome = old?.subscription == nil ? .created : new == old ? .unchanged : .replaced
        case .deleteSubscription:
            let isNone = new.subscription == nil && new.scheduled.isEmpty
            new.subscription = nil
            new.scheduled = []
            new.billing = nil
            outcome = isNone ? .missing : .deleted
        case .changeSubscription(_, let asked):
            let turn = turned(new, asked, at: now)
            new = turn.profile
            switch turn.outcome {
            case "created": outcome = .created
            case "replaced": outcome = .replaced
            case let other: return other
            }
        case .cancelScheduled:
            new.cancel { _ in true }
            outcome = new == old ?? Subject(id: id) ? .missing : .deleted
        case .putOverride(_, let limit, let allowance):
            if !blueprint.limits.contains(where: { $0.key == limit }) { return "unknown_limit" }
            new.overrides[limit] = allowance
            outcome = old?.overrides[limit] == nil ? .created : new == old ? .unchanged : .replaced
        case .deleteOverride(_, let limit):
            new.overrides[limit] = nil
            outcome = old?.overrides[limit] == nil ? .missing : .deleted
        case .putAddition(_, let addition):
            if let rejection = reject(addition, at: now) { return rejection }
            outcome = put(addition, of: id, at: now)
        case .resetLimit(_, let key, _):
            if let rejection = reject(resetOf: key) { return rejection }
            outcome = old == nil ? .missing : .created
            if old != nil {
                var known = resets[id]?[key] ?? []
                known.removeAll { $0.at == now }
                resets[id, default: [:]][key] = known + [(now, events.count)]
            }
        case .endAddition(_, let key):
            outcome = standing(key, of: id, at: now) == nil ? .missing : .deleted
            end(key, of: id, at: now)
        default:
            new = Subject(id: id)
            new.formerZones = formerZones(of: new, at: now)
            let isBare =
                old == new
                && Set((additions[id] ?? []).map(\.id)).allSatisfy {
                    standing($0, of: id, at: now) == nil
                }
            outcome = old == nil || isBare ? .missing : .deleted
            for key in Set((additions[id] ?? []).map(\.id)) { end(key, of: id, at: now) }
        }
        if outcome == .missing || outcome == .unchanged { return outcome.text }
        let before = old ?? Subject(id: id)
        let back = old == nil ? [] : comingBack(with: change, before, new, at: now)
        if old == nil { noteFirst(id, at: now) }
        timeline.put(new, at: now)
        introduce(id, at: now)
        for (grant, until) in back { give(grant, to: id, until: until, at: now) }
        if before.plan != new.plan || before.subscription != new.subscription
            || before.parent != new.parent
        {
            since[id] = now
        }
        return outcome.text
    }

    private func formerZones(of subject: Subject, at now: Instant) -> [FormerZone] {
        timeline.formerZones(of: subject, at: now) { zones in
            Window.day.span(containing: now, in: clocks(zones), anchor: nil).until
        }
    }

    private func reject(resetOf key: LimitKey) -> String? {
        guard let limit = blueprint.limits.first(where: { $0.key == key }) else {
            return "unknown_limit"
        }
        let meter = blueprint.meters.first { $0.key == limit.meter }
        return limit.window == .request || limit.window == .concurrent || meter?.canRoll != true
            ? "invalid_field" : nil
    }

    private func reject(_ addition: Addition, at now: Instant) -> String? {
        switch addition.content {
        case .limit(let key, _):
            if !blueprint.limits.contains(where: { $0.key == key }) { return "unknown_limit" }
        case .addOn(let key, _):
            if !blueprint.limits.contains(where: { $0.addOns[key] != nil }) {
                return "unknown_add_on"
            }
        }
        let from = addition.from ?? now
        return addition.until.map { $0 <= from } ?? false ? "invalid_field" : nil
    }

    /// The last that was said under an id, also where it is still to begin.
    private func standing(_ key: AdditionID, of id: SubjectID, at now: Instant) -> Addition? {
        let last = (additions[id] ?? []).last { $0.id == key }?.addition
        return last?.until.map { $0 <= now } ?? false ? nil : last
    }

    private mutating func put(
        _ addition: Addition, of id: SubjectID, at now: Instant
    ) -> ChangeOutcome {
        let known = standing(addition.id, of: id, at: now)
        if let known, addition.content == known.content, addition.until == known.until,
            addition.from ?? known.from == known.from
        {
            return .unchanged
        }
        var said = addition
        said.from = addition.from ?? now
        additions[id, default: []].append((addition.id, said.from ?? now, said))
        return known == nil ? .created : .replaced
    }

    private mutating func end(_ key: AdditionID, of id: SubjectID, at now: Instant) {
        guard standing(key, of: id, at: now) != nil else { return }
        additions[id]?.append((key, now, nil))
    }

    /// What a limit allowed is kept, as long as it counts the same.
    private mutating func noteLimit(_ limit: Limit, in result: Blueprint, at now: Instant) {
        let new = result.limits.first {
            $0.key == limit.key && $0.meter == limit.meter && $0.window == limit.window
                && $0.perValue?.name == limit.perValue?.name
                && $0.perValue?.valuesMax == limit.perValue?.valuesMax
                && $0.perValue?.beyond == limit.perValue?.beyond
        }
        guard let new else {
            limitPast[limit.key] = nil
            return
        }
        guard
            new.allowances != limit.allowances || new.subjects != limit.subjects
                || new.defaultAllowance != limit.defaultAllowance
                || new.scheduled != limit.scheduled || new.perValue != limit.perValue
        else { return }
        let until = max(now, limitPast[limit.key]?.last?.until ?? now)
        limitPast[limit.key, default: []].append((until, limit))
    }

    /// A plan that a subject was on before may be gone since.
    private func isUnknown(_ plan: PlanKey?, to old: Subject?) -> Bool {
        guard let plan, plan != old?.plan, plan != old?.subscription?.plan else { return false }
        return !blueprint.knows(plan: plan)
    }
}
