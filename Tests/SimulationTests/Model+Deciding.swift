import MeterstoneCore
import MeterstoneStore

extension Model {
    /// Carries a command out, and says in words what must come of it.
    mutating func perform(_ command: Command, at now: Instant) -> String {
        switch command {
        case .consume(let event): consume(event, at: now, records: true)
        case .check(let event): consume(event, at: now, records: false)
        case .record(let event): record(event, at: now)
        case .correct(let correction): correct(correction, at: now)
        case .change(let request): change(request.change)
        case .limits(let id): "\(statuses(id, at: now))"
        default: "unknown"
        }
    }

    // MARK: Usage

    private mutating func consume(_ event: UsageEvent, at now: Instant, records: Bool) -> String {
        let instant = event.occurredAt ?? now
        if records, let known = known(event.id, event.details?.source) {
            guard matches(events[known], event) else { return "conflict" }
            let answer = events[known].answer.filter { status in
                blueprint.limits.contains { $0.key == status.limit }
            }
            return "duplicate \(answer.map(\.withoutReset).sortedByText)"
        }
        if isOutOfRange(instant, now) { return "occurred_at_out_of_range" }
        if let rejection = reject(event.quantities) { return rejection }
        let moved = blueprint.meters.sorted { $0.key < $1.key }
            .compactMap { meter in worth(event, meter, at: instant).map { (meter, $0) } }
        if moved.isEmpty { return "nothing_to_count" }
        let levels = levels(event.subject)
        if let blocked = levels.first(where: { profile($0).blocked }) {
            return "blocked by \(blocked) \(statuses(event.subject, at: instant))"
        }
        var before: [ModelStatus] = []
        var after: [ModelStatus] = []
        var violated: [LimitKey] = []
        for level in levels {
            for (meter, worth) in moved {
                for limit in activeLimits where limit.meter == meter.key {
                    guard accepts(limit.dimensions, event.details ?? .none) else { continue }
                    let reading = reading(limit, meter, level, at: instant, adding: worth)
                    let allowance = allowance(limit, level, at: instant)
                    var status = ModelStatus(
                        limit: limit.key, ancestor: level == event.subject ? nil : level,
                        allowance: allowance.wire, used: reading.before,
                        resetsAt: reading.resetsAt)
                    before.append(status)
                    status.used = reading.after
                    after.append(status)
                    guard case .units(let units) = allowance, limit.mode == .enforce,
                        reading.after > units.units, reading.after > reading.before
                    else { continue }
                    if !violated.contains(limit.key) { violated.append(limit.key) }
                }
            }
        }
        // The order in which meters are looked at is the store's own.
        if !violated.isEmpty {
            return "denied by \(violated.sorted()) \(before.sortedByText)"
        }
        if records {
            remember(event, at: instant, now, answer: after)
        }
        return "allowed \(after.sortedByText)"
    }

    private mutating func record(_ event: UsageEvent, at now: Instant) -> String {
        let instant = event.occurredAt ?? now
        if let known = known(event.id, event.details?.source) {
            return matches(events[known], event) ? "duplicate" : "conflict"
        }
        if isOutOfRange(instant, now) { return "occurred_at_out_of_range" }
        if let rejection = reject(event.quantities) { return rejection }
        remember(event, at: instant, now, answer: [])
        return "counted"
    }

    private mutating func remember(
        _ event: UsageEvent, at instant: Instant, _ now: Instant, answer: [ModelStatus]
    ) {
        let levels = levels(event.subject)
        for level in levels where profiles[level] == nil { profiles[level] = Subject(id: level) }
        var known = event
        known.occurredAt = instant
        events.append(
            ModelEvent(
                event: known, told: known, at: instant, recordedAt: now,
                ancestors: Array(levels.dropFirst()), answer: answer))
    }

    private func known(_ id: EventID?, _ source: String?) -> Int? {
        guard let id else { return nil }
        return events.firstIndex { $0.event.id == id && $0.told.details?.source == source }
    }

    private func matches(_ known: ModelEvent, _ event: UsageEvent) -> Bool {
        known.told.subject == event.subject && known.told.quantities == event.quantities
            && (event.occurredAt ?? known.at) == known.at
            && (event.details ?? .none) == (known.told.details ?? .none)
    }

    private func isOutOfRange(_ instant: Instant, _ now: Instant) -> Bool {
        instant.millisecondsSince1970 < 0 || instant > now.advanced(byMilliseconds: 86_400_000)
    }

    private func reject(_ quantities: Quantities) -> String? {
        for pair in quantities.pairs {
            let isKnown = blueprint.meters.contains {
                $0.key == pair.name || $0.quantityName == pair.name
            }
            if !isKnown { return "unknown_meter" }
        }
        return nil
    }

    var activeLimits: [Limit] {
        blueprint.limits.filter { $0.active && $0.mode != .off }.sorted { $0.key < $1.key }
    }

    func statuses(_ id: SubjectID, at instant: Instant) -> [ModelStatus] {
        levels(id).flatMap { level in
            activeLimits.compactMap { limit in
                guard let meter = blueprint.meters.first(where: { $0.key == limit.meter }) else {
                    return nil
                }
                let reading = reading(limit, meter, level, at: instant, adding: nil)
                return ModelStatus(
                    limit: limit.key, ancestor: level == id ? nil : level,
                    allowance: allowance(limit, level, at: instant).wire, used: reading.before,
                    resetsAt: reading.resetsAt)
            }
        }
    }

    // MARK: Corrections and changes

    private mutating func correct(_ correction: Correction, at now: Instant) -> String {
        guard let index = known(correction.eventID, correction.source) else {
            return "unknown_event"
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
            if let details { after.details = details }
            if (after.details ?? .none) == (before.details ?? .none) {
                after.details = before.details
            }
            if after == before { return "unchanged" }
            if let rejection = reject(quantities) { return rejection }
            events[index].event = after
            kind = .amend
        }
        events[index].corrections.append(
            CorrectionNote(
                kind: kind, author: correction.author, reason: correction.reason, recordedAt: now))
        return "corrected"
    }

    private mutating func change(_ change: Change) -> String {
        guard let id = change.subject else {
            let (result, outcome) = blueprint.applying(change)
            blueprint = result
            return outcome.text
        }
        let old = profiles[id]
        var new = old ?? Subject(id: id)
        let outcome: ChangeOutcome
        switch change {
        case .putSubject(let wanted):
            if let zone = wanted.timeZone, zoneRules(zone) == nil { return "unknown_time_zone" }
            if isUnknown(wanted.plan, to: old) { return "unknown_plan" }
            if let parent = wanted.parent, levels(parent).contains(id) { return "cyclic_parent" }
            new = wanted
            new.overrides = old?.overrides ?? [:]
            new.subscription = old?.subscription
            outcome = old == nil ? .created : new == old ? .unchanged : .replaced
        case .putSubscription(_, let subscription):
            if isUnknown(subscription.plan, to: old) { return "unknown_plan" }
            new.subscription = subscription
            outcome = old?.subscription == nil ? .created : new == old ? .unchanged : .replaced
        case .deleteSubscription:
            new.subscription = nil
            outcome = old?.subscription == nil ? .missing : .deleted
        case .putOverride(_, let limit, let allowance):
            if !blueprint.limits.contains(where: { $0.key == limit }) { return "unknown_limit" }
            new.overrides[limit] = allowance
            outcome = old?.overrides[limit] == nil ? .created : new == old ? .unchanged : .replaced
        case .deleteOverride(_, let limit):
            new.overrides[limit] = nil
            outcome = old?.overrides[limit] == nil ? .missing : .deleted
        default:
            new = Subject(id: id)
            outcome = old == nil || old == new ? .missing : .deleted
        }
        if outcome == .missing || outcome == .unchanged { return outcome.text }
        profiles[id] = new
        if let parent = new.parent, profiles[parent] == nil {
            profiles[parent] = Subject(id: parent)
        }
        return outcome.text
    }

    /// A plan that a subject was on before may be gone since.
    private func isUnknown(_ plan: PlanKey?, to old: Subject?) -> Bool {
        guard let plan, plan != old?.plan, plan != old?.subscription?.plan else { return false }
        return !blueprint.knows(plan: plan)
    }
}

extension ModelStatus {
    /// A repeat shows the window's end by today's calendar, which is not what is compared.
    var withoutReset: ModelStatus {
        var result = self
        result.resetsAt = nil
        return result
    }
}

extension [ModelStatus] {
    var sortedByText: [ModelStatus] {
        sorted { ($0.ancestor?.text ?? "", $0.limit) < ($1.ancestor?.text ?? "", $1.limit) }
    }
}

extension ChangeOutcome {
    var text: String {
        switch self {
        case .rejected(let rejection): rejection.code.rawValue
        default: "\(self)"
        }
    }
}

extension Outcome {
    /// In the words of ``Model/perform(_:at:)``.
    var text: String {
        switch self {
        case .consumed(.rejected(let rejection)): rejection.code.rawValue
        case .consumed(.conflict): "conflict"
        case .consumed(.decided(let decision)): decision.text
        case .recorded(.counted): "counted"
        case .recorded(.duplicate): "duplicate"
        case .recorded(.conflict): "conflict"
        case .recorded(.rejected(let rejection)): rejection.code.rawValue
        case .corrected(.corrected): "corrected"
        case .corrected(.unchanged): "unchanged"
        case .corrected(.rejected(let rejection)): rejection.code.rawValue
        case .changed(let outcome, _): outcome.text
        case .limits(let statuses): "\(statuses.map { ModelStatus($0) })"
        default: "unknown"
        }
    }
}

extension Decision {
    fileprivate var text: String {
        let limits = limits.map { ModelStatus($0) }
        if isDuplicate { return "duplicate \(limits.map(\.withoutReset).sortedByText)" }
        switch denial?.reason {
        case .subjectBlocked(let id): return "blocked by \(id) \(limits)"
        case .limitExceeded, .insufficientCredits:
            return "denied by \((denial?.violated ?? []).sorted()) \(limits.sortedByText)"
        case nil: return "allowed \(limits.sortedByText)"
        }
    }
}
