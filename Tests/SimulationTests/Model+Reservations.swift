import MeterstoneCore
import MeterstoneStore

extension Model {
    mutating func reserve(
        _ event: UsageEvent, _ terms: ReservationTerms, at now: Instant
    ) -> String {
        guard let known = known(event.id, event.details?.source) else {
            return decide(event, at: now, records: true, terms: terms)
        }
        guard events[known].reservation?.terms == terms, matches(events[known], event) else {
            return "conflict"
        }
        _ = expireDue(events[known].event.subject, at: now)
        if let answer = takenBack(events[known]) { return answer }
        return "\(repeated(event, as: events[known])) \(text(ofReservation: known))"
    }

    func text(ofReservation place: Int) -> String {
        let event = events[place]
        guard let reservation = event.reservation else { return "none" }
        return Reservation(
            id: event.event.id ?? .text("-"), source: nil, subject: event.event.subject,
            quantities: event.event.quantities, reported: reservation.reported,
            status: reservation.status, terms: reservation.terms, reservedAt: event.at,
            expiresAt: reservation.expiresAt, closedAt: reservation.closedAt
        ).text
    }

    /// Open reservations that count for a subject, in the order in which they expire.
    func open(on id: SubjectID) -> [Int] {
        events.indices.filter { events[$0].isOpen && events[$0].levels.contains(id) }
            .sorted { (expiry($0), $0) < (expiry($1), $1) }
    }

    func expiry(_ place: Int) -> Instant { events[place].reservation?.expiresAt ?? .latest }

    /// Subjects of which something that is open has run out.
    func due(at now: Instant) -> [SubjectID] {
        Set(
            events.filter { $0.isOpen && ($0.reservation?.expiresAt ?? .latest) <= now }
                .flatMap(\.levels)
        ).sorted()
    }

    mutating func expireDue(_ id: SubjectID, at now: Instant) -> Int {
        var count = 0
        looked.append(id)
        for level in levels(id) {
            for place in open(on: level) where expiry(place) <= now {
                guard let reservation = events[place].reservation else { continue }
                var asked: Quantities? =
                    switch reservation.terms.onExpiry {
                    case .release: nil
                    case .charge: Quantities.none
                    case .chargeReported:
                        reservation.reported.map { reported in
                            Quantities(
                                events[place].event.quantities.pairs.map {
                                    NamedQuantity(name: $0.name, quantity: .zero)
                                } + reported.pairs)
                        }
                    }
                // What was reported and does not fit is not counted; what was set aside is.
                if let told = asked, overflows(place, as: closed(place, told, nil)) {
                    asked = Quantities.none
                }
                _ = close(place, as: .expired, asked, details: nil, at: now)
                count += 1
            }
        }
        return count
    }

    /// The place of a reservation that was not voided, as of now.
    mutating func reservation(_ id: EventID, _ source: String?, at now: Instant) -> Int? {
        guard let place = known(id, source), events[place].reservation != nil else { return nil }
        _ = expireDue(events[place].event.subject, at: now)
        return events[place].isVoided ? nil : place
    }

    // MARK: Closing

    mutating func close(_ closing: ReservationClosing, at now: Instant) -> String {
        guard let place = reservation(closing.id, closing.source, at: now),
            let reservation = events[place].reservation
        else { return "unknown_reservation" }
        var asked: Quantities?
        if case .settle(let quantities) = closing.end { asked = quantities }
        let status = asked == nil ? ReservationStatus.released : .settled
        let isLate =
            reservation.status == .expired && events[place].corrections.last?.reason == "expired"
        guard reservation.status == .open || isLate else {
            let details =
                closing.details.map { $0.told(over: reservation.closingDetails) }
                ?? reservation.closingDetails
            guard reservation.status == status, reservation.asked == asked,
                details == reservation.closingDetails
            else { return "conflict \(text(ofReservation: place))" }
            return "duplicate \(stillKnown(reservation.closingAnswer, events[place].event.details))"
                + "\(events[place].credits.text) \(text(ofReservation: place))"
        }
        if let rejection = reject(asked ?? .none) { return rejection }
        let after = closed(place, asked, closing.details)
        if asked != nil, overflows(place, as: after) { return "quantity_overflow" }
        let answer = close(place, as: status, asked, details: closing.details, at: now)
        return "done \(answer.sortedByText)\(events[place].credits.text) "
            + text(ofReservation: place)
    }

    /// Puts what was used in the place of what was set aside, and returns where the limits stand.
    ///
    /// - Parameter asked: what was used; `nil`: nothing.
    private mutating func close(
        _ place: Int, as status: ReservationStatus, _ asked: Quantities?, details: EventDetails?,
        at now: Instant
    ) -> [ModelStatus] {
        guard var reservation = events[place].reservation else { return [] }
        let before = events[place].event
        let after = closed(place, asked, details)
        reservation.setAside = status == .expired ? before.quantities : nil
        reservation.status = status
        reservation.asked = asked
        reservation.closingDetails = after.details ?? .none
        reservation.closedAt = status == .expired ? reservation.expiresAt : now
        // Written late or in time, what expired ended when it expired.
        charge(place, after, reservation, at: status == .expired ? reservation.expiresAt : now)
        events[place].event = after
        if asked != nil, details?.cost != nil { events[place].isPriced = false }
        events[place].reservation = reservation
        events[place].corrections.append(.made(at: now, because: status.rawValue))
        let answer = statuses(ofClosing: place, before, after, now)
        events[place].reservation?.closingAnswer = answer
        return answer
    }

    /// The event as it counts when it is closed so.
    private func closed(
        _ place: Int, _ asked: Quantities?, _ details: EventDetails?
    ) -> UsageEvent {
        let before = events[place].event
        var after = before
        // What is told at the end is added to what was told before.
        if let details { after.details = details.told(over: before.details) }
        after.quantities = .none
        guard let asked else { return after }
        let setAside = events[place].reservation?.setAside ?? before.quantities
        let counted = aborted(&after.details, asked, setAside, events[place].reservation)
        var pairs = setAside.pairs + counted.pairs
        if events[place].reservation?.terms.onOverage == .cap {
            pairs = pairs.compactMap { pair in
                setAside[pair.name].map {
                    NamedQuantity(name: pair.name, quantity: min(pair.quantity, $0))
                }
            }
        }
        after.quantities = Quantities(pairs)
        let isPriced = events[place].isPriced && details?.cost == nil
        return isPriced ? repriced(after, at: events[place].at) : after
    }

    /// What counts of an operation that failed or was cancelled.
    private func aborted(
        _ details: inout EventDetails?, _ asked: Quantities, _ setAside: Quantities,
        _ reservation: ModelReservation?
    ) -> Quantities {
        guard let ended = details, ended.status != .success, let reservation else { return asked }
        var result: [NamedQuantity] = []
        for name in Set((setAside.pairs + asked.pairs).map(\.name)) {
            let readers =
                blueprint.meters.filter {
                    $0.counts == .quantities && ($0.key == name || $0.aliases.contains(name))
                }
                + blueprint.meters.sorted { $0.key < $1.key }.filter {
                    $0.counts == .quantities && $0.quantityName == name
                }
            let meter = readers.first { $0.onAbort != nil || $0.abortMinimum > 0 }
            let told = asked[name] ?? reservation.reported?[name]
            var units: Int64
            switch reservation.terms.onAbort ?? meter?.onAbort {
            case .nothing: units = 0
            case .told: units = told?.units ?? 0
            case .reserved: units = (told ?? setAside[name])?.units ?? 0
            case nil: units = (asked[name] ?? setAside[name])?.units ?? 0
            }
            units = max(
                units, reservation.terms.abortMinimum[name]?.units ?? meter?.abortMinimum ?? 0)
            result.append(NamedQuantity(name: name, quantity: Quantity(units)))
        }
        let terms = reservation.terms
        let mayCount =
            terms.onAbort == .reserved
            || result.contains { pair in
                pair.quantity > .zero
                    && (terms.onOverage == .count || (setAside[pair.name] ?? .zero) > .zero)
            }
        if terms.onAbort != nil || terms.abortMinimum != .none, mayCount {
            details = ended.with(countsWhenAborted: true)
        }
        return Quantities(result)
    }

    /// Whether something would not fit if an event that counts became another.
    func overflows(_ place: Int, as after: UsageEvent) -> Bool {
        let instant = events[place].at
        let before = moved(by: events[place].event, at: instant)
        return !fits(moved(by: after, at: instant), insteadOf: before, events[place].levels)
    }

    private func statuses(
        ofClosing place: Int, _ before: UsageEvent, _ after: UsageEvent, _ now: Instant
    ) -> [ModelStatus] {
        let instant = events[place].at
        var result: [ModelStatus] = []
        for level in events[place].levels {
            for limit in activeLimits where concerns(limit, after.details) {
                guard let meter = blueprint.meters.first(where: { $0.key == limit.meter }) else {
                    continue
                }
                let worth = worth(after, meter, at: instant)
                if worth == nil, self.worth(before, meter, at: instant) == nil { continue }
                let value = value(limit.perValue, after.details)
                let reading = reading(
                    limit, meter, level, at: instant, now, of: value, adding: nil)
                let allowance = allowance(limit, level, at: instant, of: value)
                if allowance == .unlimited, !isFor(level, limit, at: instant) { continue }
                var used = reading.before
                if limit.window == .request, events[place].reservation?.isCounted ?? true {
                    used = worth.map { counting($0, meter) } ?? 0
                }
                result.append(
                    ModelStatus(
                        limit: limit.key, value: value, isBeyondValues: reading.isBeyondValues,
                        ancestor: level == before.subject ? nil : level,
                        allowance: reading.isBeyondValues ? 0 : allowance.wire, used: used,
                        resetsAt: reading.resetsAt))
            }
        }
        return result
    }

    /// Pays what closing a reservation costs, out of what is held for it first.
    private mutating func charge(
        _ place: Int, _ after: UsageEvent, _ reservation: ModelReservation, at now: Instant
    ) {
        let id = after.subject
        let cost = reservation.isCounted ? closingCost(place, after, reservation, now) : 0
        guard cost > 0 || events[place].credits != nil else { return }
        var wallet = wallet(id, at: now)
        let shortfall = wallet.shortfall
        let isLate = events[place].reservation?.status == .expired
        let before = isLate ? events[place].credits?.amount ?? 0 : 0
        let paid = wallet.settle(
            place, max(0, cost - before),
            mayTakeMore: isLate || reservation.terms.onOverage == .count,
            overdraft: overdraft(id, at: now), after.id?.text ?? "", at: now)
        wallets[id] = wallet
        events[place].credits = CreditCharge(
            amount: before + paid, balance: wallet.balance, shortfall: wallet.shortfall - shortfall)
    }

    private func closingCost(
        _ place: Int, _ after: UsageEvent, _ reservation: ModelReservation, _ now: Instant
    ) -> Int64 {
        let instant = events[place].at
        guard isOn(blueprint.switches?.credits, after.subject, at: instant) else { return 0 }
        let isCounted = events[place].reservation?.isCounted ?? true
        let setAside = isCounted ? moved(by: events[place].event, at: instant) : []
        var units: [MeterKey: Int64] = [:]
        for (meter, worth) in moved(by: after, at: instant) {
            let used = counting(worth, meter)
            let known = setAside.first { $0.0.key == meter.key }.map { counting($0.1, $0.0) } ?? 0
            let payable = isCounted ? reservation.payable[meter.key] ?? 0 : 0
            if payment == .creditsOnly {
                units[meter.key] = used
            } else if used <= known {
                // What was set aside for free stays free.
                units[meter.key] = max(0, used - (known - payable))
            } else {
                var more = worth
                more.units = used - known
                let verdict = evaluate(
                    [ModelMove(meter: meter, worth: more)], events[place].levels, after.details,
                    at: instant, now, isReservation: true)
                units[meter.key] = payable + (verdict.payable[meter.key] ?? 0)
            }
        }
        return cost(of: units)
    }

    // MARK: Extending

    mutating func extend(_ more: ReservationExtension, at now: Instant) -> String {
        guard let place = reservation(more.id, more.source, at: now),
            var reservation = events[place].reservation
        else { return "unknown_reservation" }
        guard reservation.status == .open else { return "reservation_closed" }
        let rejection = reject(more.quantities) ?? reject(more.reported ?? .none)
        if let rejection { return rejection }
        let before = events[place].event
        var after = before
        after.quantities = Quantities(before.quantities.pairs + more.quantities.pairs)
        if events[place].isPriced { after = repriced(after, at: events[place].at) }
        for pair in before.quantities.pairs
        where after.quantities[pair.name] ?? .zero < pair.quantity {
            return "invalid_field"
        }
        if let reported = more.reported {
            reservation.reported = Quantities(
                (reservation.reported ?? .none).pairs + reported.pairs)
        }
        if let milliseconds = more.milliseconds {
            reservation.expiresAt = now.advanced(byMilliseconds: milliseconds)
        }
        let instant = events[place].at
        let setAside = moved(by: before, at: instant)
        let moves = moved(by: after, at: instant).compactMap { meter, worth -> ModelMove? in
            guard let known = setAside.first(where: { $0.0.key == meter.key })?.1 else {
                return ModelMove(meter: meter, worth: worth)
            }
            if meter.aggregation == .count || meter.aggregation == .uniqueCount { return nil }
            guard meter.aggregation == .sum else { return ModelMove(meter: meter, worth: worth) }
            var more = worth
            more.units -= known.units
            return ModelMove(meter: meter, worth: more, earlier: known.units)
        }
        if !fits(moves.map { ($0.meter, $0.worth) }, events[place].levels) {
            return "quantity_overflow"
        }
        let verdict = evaluate(
            moves, events[place].levels, after.details, at: instant, now, isReservation: true)
        if !verdict.violated.isEmpty { return verdict.refusal }
        let cost = cost(of: verdict.payable)
        var wallet = wallet(after.subject, at: now)
        if cost > wallet.spendable(overdraft: overdraft(after.subject, at: now)) {
            return verdict.shortage
        }
        let terms = (reservation.reported, reservation.expiresAt)
        let isChange =
            after != before || terms.0 != events[place].reservation?.reported
            || terms.1 != events[place].reservation?.expiresAt
        if cost > 0 {
            wallet.hold(cost, for: place, at: now)
            wallets[after.subject] = wallet
            let known = events[place].credits?.amount ?? 0
            events[place].credits = CreditCharge(amount: known + cost, balance: wallet.balance)
            for (meter, units) in verdict.payable {
                reservation.payable[meter, default: 0] += units
            }
        }
        events[place].event = after
        events[place].reservation = reservation
        if isChange { events[place].corrections.append(.made(at: now, because: "extended")) }
        let credits = events[place].credits.map {
            CreditCharge(amount: $0.amount, balance: self.wallet(after.subject, at: now).balance)
        }
        return "done \(verdict.after.sortedByText)\(credits.text) "
            + text(ofReservation: place)
    }
}

extension CorrectionNote {
    fileprivate static func made(at now: Instant, because reason: String) -> CorrectionNote {
        CorrectionNote(kind: .amend, author: "meterstone", reason: reason, recordedAt: now)
    }
}
