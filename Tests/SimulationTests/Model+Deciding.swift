import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting

extension Model {
    /// Carries a command out, and says in words what must come of it.
    mutating func perform(_ command: Command, at now: Instant) -> String {
        switch command {
        case .consume(let event): return consume(event, at: now, records: true)
        case .check(let event, let use): return check(event, as: use, at: now)
        case .record(let event): return record(event, at: now)
        case .correct(let correction): return correct(correction, at: now)
        case .change(let request): return change(request, at: now)
        case .reserve(let event, let terms): return reserve(event, terms, at: now)
        case .extend(let more): return extend(more, at: now)
        case .close(let closing): return close(closing, at: now)
        case .expire(let id): return "expired \(expireDue(id, at: now))"
        }
    }

    /// Says in words what must be seen. Other than in a store, what has expired is written down.
    mutating func look(_ look: Look, at now: Instant) -> String {
        switch look {
        case .limits(let id):
            _ = expireDue(id, at: now)
            return "\(statuses(id, at: now, now))"
        case .reservation(let id, let source):
            return reservation(id, source, at: now).map { text(ofReservation: $0) } ?? "none"
        case .openReservations(let id):
            _ = expireDue(id, at: now)
            return "\(open(on: id).map { text(ofReservation: $0) })"
        case .wallet(let id):
            _ = expireDue(id, at: now)
            return wallet(id, at: now).text
        // Lists of events are compared by themselves.
        case .event: return "event"
        // What differs is a matter of words, which the model has none of.
        case .compare: return "compared"
        // Dry runs have tests of their own.
        case .attempt: return "attempted"
        case .standing: return "stands"
        case .meters: return "counted"
        }
    }

    // MARK: Usage

    private mutating func consume(_ event: UsageEvent, at now: Instant, records: Bool) -> String {
        if let known = known(event.id, event.details?.source) {
            if events[known].reservation != nil { return "conflict" }
            return repeated(event, as: events[known])
        }
        return decide(event, at: now, records: records, terms: nil)
    }

    private mutating func check(
        _ event: UsageEvent, as use: CheckedUse, at now: Instant
    ) -> String {
        guard use == .reservation else { return consume(event, at: now, records: false) }
        if let known = known(event.id, event.details?.source) {
            guard events[known].reservation != nil else { return "conflict" }
            _ = expireDue(events[known].event.subject, at: now)
            return repeated(event, as: events[known])
        }
        return decide(event, at: now, records: false, terms: ReservationTerms())
    }

    /// What became of an event, unless what it was answered still holds.
    func takenBack(_ known: ModelEvent) -> String? {
        if known.isVoided { return "event_voided" }
        if let status = known.reservation?.status, status != .open {
            if status != .settled || countsNothing(known.event) { return "reservation_closed" }
        } else if countsNothing(known.event), !countsNothing(known.told) {
            return "event_voided"
        }
        let refunded = wallets[known.event.subject]?.refunded ?? []
        if known.firstCredits != nil, refunded.contains(known.event.id?.text ?? "") {
            return "event_refunded"
        }
        return nil
    }

    private func countsNothing(_ event: UsageEvent) -> Bool {
        moved(by: event, at: .earliest).allSatisfy { meter, worth in
            worth.units == 0
                && ![.count, .uniqueCount, .gauge, .integral].contains(meter.aggregation)
        }
    }

    func repeated(_ event: UsageEvent, as known: ModelEvent) -> String {
        guard matches(known, event) else { return "conflict" }
        if let answer = takenBack(known) { return answer }
        return "duplicate \(stillKnown(known.answer, known.told.details))\(known.firstCredits.text)"
    }

    /// A stored answer, as far as its limits are still there.
    func stillKnown(_ answer: [ModelStatus], _ details: EventDetails?) -> [ModelStatus] {
        answer.compactMap { status in
            guard let limit = blueprint.limits.first(where: { $0.key == status.limit }) else {
                return nil
            }
            var status = status.withoutReset
            // What it tells apart today.
            status.value = value(limit.perValue, details)
            return status
        }.sortedByText
    }

    /// - Parameter terms: of a reservation; `nil`: it is used up at once.
    mutating func decide(
        _ told: UsageEvent, at now: Instant, records: Bool, terms: ReservationTerms?
    ) -> String {
        let event = priced(told, at: now, isEstimate: terms != nil)
        let instant = event.occurredAt ?? now
        if isOutOfRange(instant, now) { return "occurred_at_out_of_range" }
        let levels = levels(of: event, at: instant)
        for level in levels { _ = expireDue(level, at: now) }
        if let rejection = reject(event.quantities) { return rejection }
        let moved = moved(by: event, at: instant).map { ModelMove(meter: $0, worth: $1) }
        if refusesUnpriced(event) { return "unpriced_model" }
        if moved.isEmpty { return "nothing_to_count" }
        let teams = timeline.levels(event.subject, at: instant)
        let named = levels.filter { !teams.contains($0) }
        if let blocked = (self.levels(event.subject) + named).first(where: { profile($0).isShut }) {
            return "blocked by \(blocked) \(statuses(event.subject, at: instant, now))"
        }
        if let blocked = levels.first(where: { isFull($0, at: instant, now) }) {
            return "blocked by \(blocked) \(statuses(event.subject, at: instant, now))"
        }
        if instant > now, !hasBegun(moved, levels, event.details, at: instant, now) {
            return "occurred_at_out_of_range"
        }
        if !fits(moved.map { ($0.meter, $0.worth) }, levels) { return "quantity_overflow" }
        if terms != nil, levels.contains(where: { open(on: $0).count >= openReservationsMax }) {
            return "too_many_reservations"
        }
        let verdict = evaluate(
            moved, levels, event.details, at: instant, now, isReservation: terms != nil)
        if !verdict.violated.isEmpty { return verdict.refusal }
        let cost = cost(of: verdict.payable)
        var wallet = wallet(event.subject, at: now)
        let overdraft = overdraft(event.subject, at: now)
        if cost > wallet.spendable(overdraft: overdraft) {
            return verdict.shortage + CreditCharge(amount: cost, balance: wallet.balance).text
        }
        let charge =
            cost == 0 ? nil : CreditCharge(amount: cost, balance: wallet.balance - cost)
        let isTracked = isOn(blueprint.switches?.tracking, event.subject, at: instant)
        if terms != nil, !isTracked { return "tracking_disabled" }
        if records, !isTracked { return "allowed \(verdict.after.sortedByText)\(charge.text)" }
        // A check tells what stands now.
        guard records else { return "allowed \(verdict.before.sortedByText)\(charge.text)" }
        let answer = "allowed \(verdict.after.sortedByText)\(charge.text)"
        remember(event, told: told, at: instant, now, answer: verdict.after)
        let place = events.count - 1
        events[place].firstCredits = charge
        events[place].credits = charge
        if let terms {
            events[place].reservation = ModelReservation(
                terms: terms, expiresAt: now.advanced(byMilliseconds: terms.milliseconds),
                payable: verdict.payable)
        }
        if cost > 0 {
            if terms == nil {
                wallet.spend(cost, event.id?.text ?? "", at: now)
            } else {
                wallet.hold(cost, for: place, at: now)
            }
            wallets[event.subject] = wallet
        }
        return terms == nil ? answer : "\(answer) \(text(ofReservation: place))"
    }

    /// Whether a limit that blocks is full.
    private func isFull(_ id: SubjectID, at instant: Instant, _ now: Instant) -> Bool {
        activeLimits.contains { limit in
            guard limit.blockWhenExceeded, enforces(limit, id, at: instant),
                let meter = blueprint.meters.first(where: { $0.key == limit.meter }),
                case .units(let units) = allowance(limit, id, at: instant)
            else { return false }
            let used = reading(limit, meter, id, at: instant, now, of: nil, adding: nil).before
            return used > 0 && used >= units.units
        }
    }

    /// Whether every window has begun that a limit would refuse in.
    private func hasBegun(
        _ moved: [ModelMove], _ levels: [SubjectID], _ details: EventDetails?, at instant: Instant,
        _ now: Instant
    ) -> Bool {
        levels.allSatisfy { level in
            activeLimits.allSatisfy { limit in
                guard enforces(limit, level, at: instant), concerns(limit, details),
                    isFor(level, limit, at: instant),
                    moved.contains(where: { $0.meter.key == limit.meter })
                else { return true }
                return span(limit.window, level, at: instant).from <= now
            }
        }
    }

    func moved(by event: UsageEvent, at instant: Instant) -> [(Meter, Worth)] {
        blueprint.meters.sorted { $0.key < $1.key }
            .compactMap { meter in worth(event, meter, at: instant).map { (meter, $0) } }
    }

    /// What every limit would say, who refuses, and what credits would have to pay.
    func evaluate(
        _ moved: [ModelMove], _ levels: [SubjectID], _ details: EventDetails?, at instant: Instant,
        _ now: Instant, isReservation: Bool
    ) -> ModelVerdict {
        var verdict = ModelVerdict()
        let isCharged = isOn(blueprint.switches?.credits, levels[0], at: instant)
        if payment == .creditsOnly, isCharged {
            for move in moved where price(move.meter.key) > 0 {
                verdict.payable[move.meter.key] = counting(move.worth, move.meter)
            }
        }
        for level in levels {
            for move in moved {
                for limit in activeLimits where limit.meter == move.meter.key {
                    guard concerns(limit, details) else { continue }
                    let value = value(limit.perValue, details)
                    let isAside = limit.window == .concurrent && !isReservation
                    let reading = reading(
                        limit, move.meter, level, at: instant, now, of: value,
                        adding: isAside ? nil : move.worth,
                        earlier: move.earlier)
                    let allowance =
                        reading.isBeyondValues
                        ? .units(.zero)
                        : allowance(
                            limit, level, at: instant, of: reading.isTogether ? nil : value)
                    if allowance == .unlimited, !isFor(level, limit, at: instant) { continue }
                    // What is refused opens no window.
                    let standing = self.reading(
                        limit, move.meter, level, at: instant, now, of: value, adding: nil)
                    var status = ModelStatus(
                        limit: limit.key, value: value, isBeyondValues: reading.isBeyondValues,
                        ancestor: level == levels[0] ? nil : level, allowance: allowance.wire,
                        used: standing.before, resetsAt: standing.resetsAt)
                    verdict.before.append(status)
                    (status.used, status.resetsAt) = (reading.after, reading.resetsAt)
                    verdict.after.append(status)
                    guard case .units(let units) = allowance,
                        enforces(limit, level, at: instant),
                        reading.after > units.units, reading.after > reading.before
                    else { continue }
                    guard isCharged, canPay(beyond: limit, move.meter) else {
                        verdict.violated.insert(limit.key)
                        continue
                    }
                    let excess = reading.after - max(units.units, reading.before)
                    let known = verdict.payable[move.meter.key] ?? 0
                    verdict.payable[move.meter.key] = max(known, excess)
                    verdict.paid.insert(limit.key)
                }
            }
        }
        return verdict
    }

    private mutating func record(_ event: UsageEvent, at now: Instant) -> String {
        let instant = event.occurredAt ?? now
        if let known = known(event.id, event.details?.source) {
            guard matches(events[known], event), events[known].reservation == nil else {
                return "conflict"
            }
            return takenBack(events[known]) ?? "duplicate"
        }
        if isOutOfRange(instant, now) { return "occurred_at_out_of_range" }
        let levels = levels(of: event, at: instant)
        for level in levels { _ = expireDue(level, at: now) }
        if let rejection = reject(event.quantities) { return rejection }
        let told = event
        let event = priced(told, at: now, isEstimate: false)
        if !fits(moved(by: event, at: instant), levels) { return "quantity_overflow" }
        if !isOn(blueprint.switches?.tracking, event.subject, at: instant) {
            return "tracking_disabled"
        }
        remember(event, told: told, at: instant, now, answer: [])
        return "counted"
    }

    private mutating func remember(
        _ event: UsageEvent, told: UsageEvent, at instant: Instant, _ now: Instant,
        answer: [ModelStatus]
    ) {
        let levels = levels(of: event, at: instant)
        introduce(event.subject, at: now)
        for level in event.details?.levels ?? [] { introduce(level, at: now) }
        var known = event
        known.occurredAt = instant
        var first = told
        first.occurredAt = instant
        events.append(
            ModelEvent(
                event: known, told: first, at: instant, recordedAt: now,
                ancestors: Array(levels.dropFirst()), answer: answer, isPriced: event != told))
    }

    /// A subject is there from its first fact on, and so are the teams above it.
    mutating func introduce(_ id: SubjectID, at now: Instant) {
        for level in levels(id) where profiles[level] == nil {
            timeline.put(Subject(id: level), at: now)
            noteFirst(level, at: now)
        }
    }

    mutating func noteFirst(_ id: SubjectID, at now: Instant) {
        pastAtFirst[id] = past.count
        firstAt[id] = firstAt[id] ?? now
        if payment != nil { since[id] = now }
    }

    func known(_ id: EventID?, _ source: String?) -> Int? {
        guard let id else { return nil }
        // What was merged into another was recorded once more.
        return events.lastIndex { $0.event.id == id && $0.told.details?.source == source }
    }

    func matches(_ known: ModelEvent, _ event: UsageEvent) -> Bool {
        known.told.subject == event.subject && known.told.quantities == event.quantities
            && (event.occurredAt ?? known.at) == known.at
            && (event.details ?? .none) == (known.told.details ?? .none)
    }

    private func isOutOfRange(_ instant: Instant, _ now: Instant) -> Bool {
        instant.millisecondsSince1970 < 0 || instant > now.advanced(byMilliseconds: 86_400_000)
    }

    func reject(_ quantities: Quantities) -> String? {
        for pair in quantities.pairs {
            let isKnown = blueprint.meters.contains {
                ([$0.key] + $0.aliases).contains(pair.name) && $0.counts == .quantities
                    || $0.quantityName == pair.name || $0.alongside == pair.name
            }
            if !isKnown { return "unknown_meter" }
        }
        return nil
    }

    var activeLimits: [Limit] {
        blueprint.switches?.limits.state == .off
            ? []
            : blueprint.limits.filter { $0.active && $0.mode != .off }.sorted { $0.key < $1.key }
    }

    func statuses(_ id: SubjectID, at instant: Instant, _ now: Instant) -> [ModelStatus] {
        levels(id).flatMap { level in
            activeLimits.compactMap { limit -> [ModelStatus]? in
                guard let meter = blueprint.meters.first(where: { $0.key == limit.meter }) else {
                    return nil
                }
                return values(limit, meter, level, at: instant).compactMap { value in
                    let reading = reading(
                        limit, meter, level, at: instant, now, of: value, adding: nil)
                    let allowance = allowance(
                        limit, level, at: instant, of: reading.isTogether ? nil : value)
                    if allowance == .unlimited, !isFor(level, limit, at: instant) { return nil }
                    return ModelStatus(
                        limit: limit.key, value: value ?? (limit.perValue == nil ? nil : "*"),
                        isBeyondValues: reading.isBeyondValues, ancestor: level == id ? nil : level,
                        allowance: reading.isBeyondValues ? 0 : allowance.wire,
                        used: reading.before, resetsAt: reading.resetsAt)
                }
            }.flatMap(\.self)
        }
    }
}

/// One meter that one event moves.
struct ModelMove {
    var meter: Meter
    var worth: Worth
    /// What the same request moved it by before.
    var earlier: Int64 = 0
}

/// What came of looking at every limit.
struct ModelVerdict {
    var before: [ModelStatus] = []
    var after: [ModelStatus] = []
    var violated: Set<LimitKey> = []
    /// Limits beyond which credits pay.
    var paid: Set<LimitKey> = []
    /// Units that credits have to pay, by meter.
    var payable: [MeterKey: Int64] = [:]

    var refusal: String { "denied by \(violated.sorted()) \(before.sortedByText)" }
    var shortage: String { "short beyond \(paid.sorted()) \(before.sortedByText)" }
}
