import MeterstoneCore

/// Limits per value: each value has a counter of its own, as far as there are so many.
extension WorkingSet {
    /// - Parameters:
    ///   - value: `nil`: one that has not been seen.
    ///   - allowance: of the value.
    func read(
        _ value: String?, _ perValue: PerValue, _ window: Window, _ state: CounterState,
        until: Instant, _ allowed: Allowed, _ movement: Movement?, at instant: Instant
    ) -> LimitReading {
        if case .rolling(let seconds) = window {
            return readRolling(
                value, perValue, state.rollingValues, allowed, movement, instant,
                milliseconds: seconds * 1_000)
        }
        let resetsAt = until == WindowSpan.lifetime.until ? nil : until
        let valuesMax = window == .concurrent ? .max : perValue.valuesMax
        let (before, isCounted) = state.values.units(of: value, max: valuesMax, perValue.beyond)
        var reading = LimitReading(
            allowance: allowed.allowance, before: before, after: before, resetsAt: resetsAt,
            pastAt: resetsAt, parts: allowed.parts)
        // Reservations that are open have counters without a bound, and decisions look at it.
        let hasRoom =
            isCounted
            && (window != .concurrent
                || state.values.hasRoom(for: value, max: perValue.valuesMax))
        if !hasRoom, allowed.isForSubject { reading.refuse() }
        guard let movement else { return reading }
        let (after, overflow) = reading.before.addingReportingOverflow(alone(movement))
        reading.after = overflow ? .max : after
        reading.retryAt = alone(movement) <= allowed.allowance.bound ? resetsAt : nil
        return reading
    }

    /// What a value is allowed: one that shares a counter with others has what any of them has.
    func shared(
        _ own: Allowed, by value: String?, _ definition: LimitDefinition, _ state: CounterState,
        of subject: SubjectState, at instant: Instant
    ) -> Allowed {
        let window = definition.limit.window
        guard let value, let perValue = definition.limit.perValue, perValue.beyond == .together,
            !window.isRolling, window != .concurrent,
            case .together = state.values.standing(of: value, max: perValue.valuesMax)
        else { return own }
        return subject.allowance(
            of: definition, nil, at: instant, catalog: catalog, version: version)
    }

    private func readRolling(
        _ value: String?, _ perValue: PerValue, _ lists: RollingValues, _ allowed: Allowed,
        _ movement: Movement?, _ instant: Instant, milliseconds: Int64
    ) -> LimitReading {
        let entries = value.flatMap { lists[$0] } ?? []
        let units = movement.map { alone($0) } ?? 0
        let before = Rolling.used(entries, at: instant, milliseconds: milliseconds)
        var reading = LimitReading(
            allowance: allowed.allowance, before: before, after: before,
            resetsAt: Rolling.resetsAt(entries, at: instant, milliseconds: milliseconds),
            pastAt: instant.advanced(byMilliseconds: milliseconds), parts: allowed.parts)
        if allowed.isForSubject, lists.count >= perValue.valuesMax {
            let near = Rolling.near(lists, at: instant, milliseconds: milliseconds)
            if near.count >= perValue.valuesMax, value.map({ near[$0] == nil }) ?? true {
                reading.refuse()
                // When so many have left the window that there is room for one.
                let left = near.values.sorted()[near.count - perValue.valuesMax]
                reading.retryAt =
                    units <= allowed.allowance.bound
                    ? left.advanced(byMilliseconds: milliseconds) : nil
            }
        }
        let (after, overflow) = reading.before.addingReportingOverflow(units)
        reading.after = overflow ? .max : after
        if reading.isExceeded, !reading.isBeyondValues {
            reading.retryAt = Rolling.fits(
                units, under: allowed.allowance.bound, entries, after: instant,
                milliseconds: milliseconds)
        }
        return reading
    }

    /// How many consumes of a value a shadow limit would have refused in a window.
    func refusals(
        _ value: String?, _ perValue: PerValue, _ window: Window, _ state: CounterState,
        at instant: Instant
    ) -> Int64 {
        guard case .rolling(let seconds) = window else {
            let valuesMax = window == .concurrent ? .max : perValue.valuesMax
            return state.values.units(of: value, max: valuesMax, .together).units
        }
        return Rolling.used(
            value.flatMap { state.rollingValues[$0] } ?? [], at: instant,
            milliseconds: seconds * 1_000)
    }

    /// The values of a window that have a counter, sorted, and then `nil` for any other.
    func values(
        _ definition: LimitDefinition, of subject: SubjectState, at instant: Instant
    ) throws(StoreError) -> [String?] {
        let window = definition.limit.window
        guard window != .request else { return [nil] }
        let state: CounterState
        if let sinceReset = try stateSinceReset(definition, of: subject, at: instant) {
            state = sinceReset
        } else {
            let index = try counterIndex(
                subject, series: definition.series, window: window, at: instant)
            state = subject.current[index].state
        }
        guard case .rolling(let seconds) = window else {
            return state.values.own.map(\.value) + [nil]
        }
        let near = Rolling.near(state.rollingValues, at: instant, milliseconds: seconds * 1_000)
        return near.keys.sorted() + [nil]
    }
}

extension LimitReading {
    /// For a value that is one too many there is nothing.
    fileprivate mutating func refuse() {
        (allowance, before, after, isBeyondValues) = (.units(.zero), 0, 0, true)
        parts = nil
    }
}

extension ValueCounters {
    /// What a value has come to, and whether there is a counter for it.
    fileprivate func units(
        of value: String?, max: Int, _ beyond: BeyondValues
    ) -> (units: Int64, isCounted: Bool) {
        guard let value else {
            return (othersUnits, beyond == .together || own.count < max)
        }
        switch standing(of: value, max: max) {
        case .counted(let units): return (units, true)
        // Who would push another one out has no claim to do so where further ones are refused.
        case .new: return (0, beyond == .together || own.count < max)
        case .together(let units): return beyond == .together ? (units, true) : (0, false)
        }
    }

    /// Whether a value is counted, or may be as well.
    fileprivate func hasRoom(for value: String?, max: Int) -> Bool {
        own.count < max || value.map { standing(of: $0, max: .max) != .new } ?? false
    }
}

extension Rolling {
    /// The values that are used in some window which contains an instant, and when each last was.
    fileprivate static func near(
        _ lists: RollingValues, at instant: Instant, milliseconds: Int64
    ) -> [String: Instant] {
        let from = instant.advanced(byMilliseconds: -milliseconds)
        let end = instant.advanced(byMilliseconds: milliseconds)
        return lists.compactMapValues { entries in
            entries.last { $0.at < end }.flatMap { $0.at > from ? $0.at : nil }
        }
    }
}
