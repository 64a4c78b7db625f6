import MeterstoneCore

/// How long to wait: what limits and credits will say as time goes by, if nothing else is used.
extension WorkingSet {
    /// An instant from which on a limit may allow more.
    struct Room {
        let at: Instant
        /// Units of what was refused that are beyond the limit then.
        let beyond: Int64
    }

    /// What a limit will say of what it refuses: when its windows start anew, and when more is allowed within
    /// them, the earliest first.
    ///
    /// - Parameters:
    ///   - units: what is asked for, in a window that is empty.
    ///   - reading: what the limit says of it at an instant.
    func rooms(
        for units: Int64, in reading: LimitReading, _ definition: LimitDefinition,
        _ value: String?, of subject: SubjectState, at instant: Instant
    ) throws(StoreError) -> [Room] {
        let own = reading.retryAt(after: now)
        let isPast = reading.pastAt.map { $0 <= now } ?? false
        // More is allowed to values that have a counter.
        let changes =
            reading.isBeyondValues || isPast
            ? [] : allowanceChanges(of: definition, for: subject)
        var windows: [(from: Instant, carried: Int64)] = []
        if definition.addsUpWindows, !isPast, let resetsAt = reading.resetsAt {
            windows = try carriedAhead(definition, of: subject, from: resetsAt)
        } else if changes.isEmpty, let own {
            return [Room(at: own, beyond: 0)]
        } else if case .rolling(let seconds) = definition.countedWindow, !definition.isPerValue,
            let first = changes.first
        {
            let room = try roomAfterChange(
                for: units, definition, of: subject, changes, at: instant,
                milliseconds: seconds * 1_000)
            // What is allowed today says nothing of the time after a change.
            let before = own.flatMap { $0 < first ? $0 : nil }
            return [before, room].compactMap(\.self).map { Room(at: $0, beyond: 0) }
        } else {
            let isOfCalendar = !isPast && !definition.limit.window.isRolling
            windows = (own ?? (isOfCalendar ? reading.resetsAt : nil)).map { [($0, 0)] } ?? []
        }
        return (changes + windows.map(\.from)).sorted().map { instant in
            let window = windows.last { $0.from <= instant }
            let (before, after) =
                window == nil ? (reading.before, reading.after) : (0, units)
            let bound = subject.allowance(
                of: definition, value, under: subject.plan(at: instant, catalog: catalog),
                at: instant, catalog: catalog
            ).allowance.carrying(window?.carried ?? reading.parts?.carried ?? 0).bound
            return Room(
                at: instant, beyond: max(0, after.subtractingSaturated(max(bound, before))))
        }
    }

    /// When a window that rolls has room under what will be allowed; `nil`: it is not known.
    private func roomAfterChange(
        for units: Int64, _ definition: LimitDefinition, of subject: SubjectState,
        _ changes: [Instant], at instant: Instant, milliseconds: Int64
    ) throws(StoreError) -> Instant? {
        let index = try counterIndex(
            subject, series: definition.series, window: definition.countedWindow, at: instant)
        var entries: [RollingEntry] = []
        if case .rolling(let known) = subject.current[index].state.memory { entries = known }
        for (place, start) in changes.enumerated() {
            let bound = subject.allowance(
                of: definition, nil, under: subject.plan(at: start, catalog: catalog),
                at: start, catalog: catalog
            ).allowance.bound
            let used = Rolling.used(entries, at: start, milliseconds: milliseconds)
            let room =
                used.addingSaturated(units) <= bound
                ? start
                : Rolling.fits(
                    units, under: bound, entries, after: start, milliseconds: milliseconds)
            let end = place + 1 < changes.count ? changes[place + 1] : .latest
            if let room, room < end { return room }
        }
        return nil
    }

    /// When what a limit allows a subject changes from now on.
    private func allowanceChanges(
        of definition: LimitDefinition, for subject: SubjectState
    ) -> [Instant] {
        var changes: [Instant] = []
        while changes.count < Self.allowanceChangesMax {
            let until = subject.allowanceSpan(
                of: definition, at: changes.last ?? now, catalog: catalog
            ).until
            if until == WindowSpan.lifetime.until { break }
            changes.append(until)
        }
        return changes
    }

    /// Changes of what is allowed that are looked at when somebody asks how long to wait.
    private static let allowanceChangesMax = 16

    /// When what credits cannot pay is free or paid, and when credits come next of themselves; `nil`: the plan
    /// gives none, and no grant is for later.
    func waiting(
        for payment: Payment, of movements: Movements, _ evaluation: Evaluation,
        _ state: SubjectState, at instant: Instant
    ) throws(StoreError) -> (retryAt: Instant?, refillAt: Instant?) {
        let limits = try roomsOfPaid(movements, evaluation, state, at: instant)
        var instants = Set(limits.flatMap { $0.rooms.map(\.at) }).sorted()[...]
        var wallet = try account(of: state, at: payment.at).wallet
        var retryAt: Instant?
        var refillAt: Instant?
        for step in 0..<Self.waitingStepsMax {
            // Where the first credits are not enough, a while of further ones is looked at.
            let isLong = refillAt != nil && step > Self.furtherRefillsMax
            let due = isLong ? nil : wallet.nextDueAt.flatMap { $0 <= .latest ? $0 : nil }
            guard let next = [instants.first, due].compactMap(\.self).min() else { break }
            if instants.first == next { instants.removeFirst() }
            let entries =
                wallet.nextDueAt.map { $0 <= next } ?? false
                ? wallet.entriesDue(at: next, terms: terms(of: state, wallet, at: next)) : []
            for entry in entries { wallet.apply(entry) }
            if entries.contains(where: { $0.kind == .grant && $0.amount > 0 }) {
                refillAt = refillAt ?? next
            }
            if retryAt == nil {
                var payable = unitsToPay(of: movements, by: state, at: next)
                for limit in limits where !payable.isEmpty {
                    let beyond = limit.rooms.last { $0.at <= next }?.beyond ?? limit.beyond
                    payable[limit.place] = max(payable[limit.place], beyond)
                }
                let cost = price(of: movements, payable)
                if cost == 0 || cost <= wallet.spendable(overdraft: payment.overdraft) {
                    retryAt = next
                }
            }
            if refillAt != nil, retryAt != nil || instants.isEmpty { break }
        }
        return (retryAt, refillAt)
    }

    /// Ends of grants, and windows that give nothing, which are looked past.
    private static let waitingStepsMax = 100
    private static let furtherRefillsMax = 32

    /// The limits beyond which credits have to pay, by place of the movement.
    private func roomsOfPaid(
        _ movements: Movements, _ evaluation: Evaluation, _ state: SubjectState,
        at instant: Instant
    ) throws(StoreError) -> [(place: Int, beyond: Int64, rooms: [Room])] {
        var result: [(place: Int, beyond: Int64, rooms: [Room])] = []
        for status in evaluation.exceeded.map({ evaluation.statuses[$0] })
        where status.mode == .enforce {
            let subject = status.ancestor.flatMap { subjects[$0] } ?? state
            guard
                let place = movements.firstIndex(where: { $0.meter.meter.key == status.meter })
            else { continue }
            let movement = movements[place]
            let reading = try read(
                status.definition, status.value, of: subject, adding: movement, at: instant)
            let bound = max(reading.allowance.bound, reading.before)
            result.append(
                (
                    place, max(0, reading.after.subtractingSaturated(bound)),
                    try rooms(
                        for: alone(movement), in: reading, status.definition, status.value,
                        of: subject, at: instant)
                ))
        }
        return result
    }
}
