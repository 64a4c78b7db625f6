import MeterstoneCore

/// What one limit says of one subject at an instant, with and without one more movement.
struct LimitReading {
    var allowance: Allowance
    var before: Int64
    var after: Int64
    var resetsAt: Instant?
    /// When a movement that is too much could be allowed, if nothing else is used; `nil`: never.
    var retryAt: Instant?
    /// From when on the event is one of the past, for which nothing becomes free; `nil`: never.
    var pastAt: Instant?
    /// Of a limit per value: whether the value has no counter, because as many as may have one.
    var isBeyondValues = false
    /// What the allowance is made of, where additions count.
    var parts: AllowanceParts?

    /// When waiting helps, as it is seen from now. An event of a window that is past stays there
    /// however long its caller waits.
    func retryAt(after now: Instant) -> Instant? {
        guard let retryAt, retryAt > now, pastAt.map({ $0 > now }) ?? true else { return nil }
        return retryAt
    }

    /// A movement that uses nothing more cannot be what goes over.
    var isExceeded: Bool {
        guard case .units(let allowed) = allowance else { return false }
        return after > allowed.units && after > before
    }
}

extension WorkingSet {
    /// - Parameters:
    ///   - value: of a limit per value, whose counter is read; `nil`: what any other value may have.
    ///   - member: whose movement it is, as of ``Contribution/member``.
    ///   - effects: of a correction that is about to be written: they are read as if they had been carried
    ///     out.
    func read(
        _ definition: LimitDefinition, _ value: String?, of subject: SubjectState,
        adding movement: Movement?, by member: Int64 = 0, at instant: Instant,
        after effects: [CorrectionEffect] = []
    ) throws(StoreError) -> LimitReading {
        let window = definition.countedWindow
        var allowed = subject.allowance(
            of: definition, value, at: instant, catalog: catalog, version: version)
        // What the next window has of its own.
        let bound = allowed.allowance.bound
        if definition.carries {
            allowed = try carrying(allowed, definition, of: subject, at: instant)
        }
        if window == .request { return readRequest(allowed, movement) }
        if let resets = allowed.resets,
            let reading = try readSinceReset(
                resets, allowed, definition, value, of: subject, adding: movement, at: instant,
                effects)
        {
            return reading
        }
        let index = try counterIndex(
            subject, series: definition.series, window: window, at: instant)
        let effect = effects.first {
            $0.subject === subject && $0.series.number == definition.series
        }
        if definition.isPerValue, let perValue = definition.limit.perValue {
            let counter = subject.current[index]
            let state = effect?.state(of: counter) ?? counter.state
            return read(
                value, perValue, window, state, until: counter.span.until,
                shared(allowed, by: value, definition, state, of: subject, at: instant),
                movement, at: instant)
        }
        if case .rolling(let seconds) = window {
            let counter = subject.current[index]
            return readRolling(
                effect?.state(of: counter) ?? counter.state, allowed, definition, movement,
                instant, milliseconds: seconds * 1_000)
        }
        if case .sinceFirst(let seconds) = window {
            let counter = subject.current[index]
            return readSinceFirst(
                effect?.state(of: counter) ?? counter.state, allowed, movement, instant,
                milliseconds: seconds * 1_000)
        }
        // What is told for later says nothing yet.
        let asked = max(instant, now)
        let before = effect?.value ?? subject.current[index].state.value(at: asked)
        var after = before
        if let movement {
            let contribution = movement.contribution(
                at: instant, sequence: batch.nextSequence, isAhead: instant > now, of: member)
            after =
                subject.current[index].state
                .previewing(contribution, as: definition.aggregation, at: asked) ?? .max
        }
        let until = subject.current[index].span.until
        let resetsAt = until == WindowSpan.lifetime.until ? nil : until
        return LimitReading(
            allowance: allowed.allowance, before: before, after: after, resetsAt: resetsAt,
            retryAt: movement.map { alone($0) <= bound } ?? false ? resetsAt : nil,
            pastAt: resetsAt, parts: allowed.parts)
    }

    /// A request counts for itself, and for what it set aside before.
    func readRequest(_ allowed: Allowed, _ movement: Movement?) -> LimitReading {
        let before = movement?.unitsBefore ?? 0
        let (after, overflow) = before.addingReportingOverflow(movement.map { alone($0) } ?? 0)
        return LimitReading(
            allowance: allowed.allowance, before: before, after: overflow ? .max : after,
            resetsAt: nil, retryAt: nil, parts: allowed.parts)
    }

    /// What a movement comes to in a window that is empty.
    func alone(_ movement: Movement) -> Int64 {
        switch movement.meter.meter.aggregation {
        case .sum, .max, .latest, .gauge, .integral: movement.units
        case .count, .uniqueCount: 1
        }
    }

    func readRolling(
        _ state: CounterState, _ allowed: Allowed, _ definition: LimitDefinition,
        _ movement: Movement?, _ instant: Instant, milliseconds: Int64
    ) -> LimitReading {
        var entries: [RollingEntry] = []
        if case .rolling(let known) = state.memory { entries = known }
        let before = Rolling.used(entries, at: instant, milliseconds: milliseconds)
        let isCount = movement?.meter.meter.aggregation == .count
        let units = movement.map { isCount ? 1 : $0.units } ?? 0
        let (after, overflow) = before.addingReportingOverflow(units)
        var reading = LimitReading(
            allowance: allowed.allowance, before: before, after: overflow ? .max : after,
            resetsAt: Rolling.resetsAt(entries, at: instant, milliseconds: milliseconds),
            pastAt: instant.advanced(byMilliseconds: milliseconds), parts: allowed.parts)
        // It reads all entries, and what fits does not wait.
        if reading.isExceeded {
            reading.retryAt = Rolling.fits(
                units, under: allowed.allowance.bound, entries, after: instant,
                milliseconds: milliseconds)
        }
        return reading
    }

    func readSinceFirst(
        _ state: CounterState, _ allowed: Allowed, _ movement: Movement?, _ instant: Instant,
        milliseconds: Int64
    ) -> LimitReading {
        var entries: [RollingEntry] = []
        if case .rolling(let known) = state.memory { entries = known }
        let units = movement.map { alone($0) } ?? 0
        let open = SinceFirst.window(at: instant, entries, milliseconds: milliseconds)
        // A use opens a window, which takes in what was told for later.
        let before =
            open?.used
            ?? (units == 0
                ? 0 : SinceFirst.used(from: instant, entries, milliseconds: milliseconds))
        let (after, overflow) = before.addingReportingOverflow(units)
        let end =
            open?.span.until
            ?? (units == 0 ? nil : instant.advanced(byMilliseconds: milliseconds))
        return LimitReading(
            allowance: allowed.allowance, before: before, after: overflow ? .max : after,
            resetsAt: end, retryAt: units <= allowed.allowance.bound ? end : nil, pastAt: end,
            parts: allowed.parts)
    }

    /// Where the subject stands with every limit that decides, its teams' after its own.
    func limits(of id: SubjectID, at now: Instant) throws(StoreError) -> [LimitStatus] {
        let state = try state(of: id)
        try expireDue(state, at: now)
        return try currentStatuses(state, now)
    }

    func currentStatuses(
        _ state: SubjectState, _ instant: Instant
    )
        throws(StoreError) -> [LimitStatus]
    {
        var result: [LimitStatus] = []
        var level: SubjectState? = state
        while let subject = level {
            for definition in catalog.activeDefinitions {
                let values =
                    definition.isPerValue
                    ? try values(definition, of: subject, at: instant) : [nil]
                for value in values {
                    let status = try status(definition, value, of: subject, below: state, instant)
                    if definition.isLeftOut(
                        for: subject.id, allowing: status.allowance, at: instant)
                    {
                        break
                    }
                    result.append(status)
                }
            }
            level = subject.parent
        }
        return result
    }

    /// What a limit says of a subject when nothing is added.
    ///
    /// - Parameter state: who asks.
    func status(
        _ definition: LimitDefinition, _ value: String?, of subject: SubjectState,
        below state: SubjectState, _ instant: Instant
    ) throws(StoreError) -> LimitStatus {
        let reading = try read(definition, value, of: subject, adding: nil, at: instant)
        return LimitStatus(
            definition: definition,
            value: value ?? (definition.isPerValue ? PerValue.anyOther : nil),
            isBeyondValues: reading.isBeyondValues, ancestor: subject === state ? nil : subject.id,
            allowance: reading.allowance, used: Quantity(reading.before),
            resetsAt: reading.resetsAt,
            wouldHaveDenied: try refusals(definition, value, of: subject, at: instant),
            mode: subject.mode(of: definition, at: instant, catalog: catalog),
            parts: reading.parts)
    }

    /// How many consumes of the window a shadow limit would have denied; `nil` for other modes.
    func refusals(
        _ definition: LimitDefinition, _ value: String?, of subject: SubjectState,
        at instant: Instant, after effects: [CorrectionEffect] = []
    ) throws(StoreError) -> Int64? {
        guard subject.mode(of: definition, at: instant, catalog: catalog) == .shadow else {
            return nil
        }
        let window = definition.limit.window
        let index = try counterIndex(
            subject, series: definition.refusalSeries, window: window, at: instant)
        let effect = effects.first {
            $0.subject === subject && $0.series.number == definition.refusalSeries
        }
        if definition.isPerValue, let perValue = definition.limit.perValue {
            let counter = subject.current[index]
            return refusals(
                value, perValue, window, effect?.state(of: counter) ?? counter.state, at: instant)
        }
        guard window.isOfInstants else {
            return effect?.value ?? subject.current[index].state.value
        }
        let counter = subject.current[index]
        let state = effect?.state(of: counter) ?? counter.state
        guard case .rolling(let entries) = state.memory else { return 0 }
        switch window {
        case .rolling(let seconds):
            return Rolling.used(entries, at: instant, milliseconds: seconds * 1_000)
        case .sinceFirst(let seconds):
            // Refusals are counted in the windows of the usage, which only the usage opens.
            return try refusalsSinceFirst(entries, definition, subject, instant, seconds * 1_000)
        default: return 0
        }
    }
}

extension WorkingSet {
    /// Of the window of usage that contains an instant.
    private func refusalsSinceFirst(
        _ refusals: [RollingEntry], _ definition: LimitDefinition, _ subject: SubjectState,
        _ instant: Instant, _ milliseconds: Int64
    ) throws(StoreError) -> Int64 {
        let index = try counterIndex(
            subject, series: definition.series, window: definition.limit.window, at: instant)
        guard case .rolling(let entries) = subject.current[index].state.memory,
            let open = SinceFirst.window(at: instant, entries, milliseconds: milliseconds)
        else { return 0 }
        return refusals.reduce(0) { open.span.contains($1.at) ? $0 &+ $1.units : $0 }
    }
}

extension Allowance {
    /// The most that may be used.
    var bound: Int64 {
        switch self {
        case .unlimited: .max
        case .units(let quantity): quantity.units
        }
    }
}
