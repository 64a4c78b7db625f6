import MeterstoneCore

/// Roll-over and debt: what the windows before one leave for it, or owe it, computed from their counters
/// whenever somebody asks. Nothing of it is stored.
extension WorkingSet {
    /// What a limit allows together with what is carried into the window that contains an instant.
    func carrying(
        _ allowed: Allowed, _ definition: LimitDefinition, of subject: SubjectState,
        at instant: Instant
    ) throws(StoreError) -> Allowed {
        guard definition.addsUpWindows, allowed.allowance != .unlimited, subject.number != 0
        else { return allowed }
        let units = try carried(allowed, definition, of: subject, at: instant)
        guard units != 0 else { return allowed }
        var result = allowed
        result.parts = AllowanceParts(
            base: allowed.parts?.base ?? allowed.allowance,
            additions: allowed.parts?.additions ?? [], carried: units)
        result.allowance = allowed.allowance.carrying(units)
        return result
    }

    private func carried(
        _ allowed: Allowed, _ definition: LimitDefinition, of subject: SubjectState,
        at instant: Instant
    ) throws(StoreError) -> Int64 {
        let current = span(of: definition, subject, at: instant)
        let isReset =
            allowed.resets?.resets.contains { current.contains($0.at) && $0.at <= instant } ?? false
        return CarriedOver(
            definition.limit, try windows(before: current, of: definition, subject).reversed()
        ).units(isReset: isReset)
    }

    /// The windows before one that say what it has more or less, the latest first.
    private func windows(
        before current: WindowSpan, of definition: LimitDefinition, _ subject: SubjectState
    ) throws(StoreError) -> [CarriedOver.Window] {
        // Nobody had an allowance before there was a subject and a limit that carries.
        let beginning = max(
            subject.times.createdAt ?? .earliest, definition.carriesSince ?? .earliest)
        var windows: [CarriedOver.Window] = []
        var next = current
        while windows.count < definition.limit.windowsLookedBack, beginning < next.from {
            let before = span(
                of: definition, subject, at: next.from.advanced(byMilliseconds: -1))
            // At the beginning of calendars a window is the one before itself.
            guard before.from < next.from else { break }
            windows.append(try window(of: definition, subject, in: before))
            next = before
        }
        return windows
    }

    private func window(
        of definition: LimitDefinition, _ subject: SubjectState, in span: WindowSpan
    ) throws(StoreError) -> CarriedOver.Window {
        let own = subject.allowance(
            of: definition, nil, at: span.lastOwnInstant, catalog: catalog, version: version)
        let isReset = own.resets?.resets.contains { span.contains($0.at) } ?? false
        return CarriedOver.Window(
            own: own.allowance,
            used: try used(own, definition, of: subject, in: span, isReset: isReset),
            isReset: isReset)
    }

    /// What the windows that follow one will have more or less if nothing else is used: as many as it takes
    /// until what is left or owed now no longer counts.
    ///
    /// - Parameter instant: the beginning of the first of them.
    func carriedAhead(
        _ definition: LimitDefinition, of subject: SubjectState, from instant: Instant
    ) throws(StoreError) -> [(from: Instant, carried: Int64)] {
        let length = definition.limit.windowsLookedBack
        var last = span(of: definition, subject, at: instant.advanced(byMilliseconds: -1))
        var known = Array(try windows(before: last, of: definition, subject).reversed())
        var ahead: [(from: Instant, carried: Int64)] = []
        for _ in 0...length {
            known.append(try window(of: definition, subject, in: last))
            let next = span(of: definition, subject, at: last.until)
            guard next.from > last.from else { break }
            let carried = CarriedOver(definition.limit, known.suffix(length))
            ahead.append((next.from, carried.units(isReset: false)))
            last = next
        }
        return ahead
    }

    private func span(
        of definition: LimitDefinition, _ subject: SubjectState, at instant: Instant
    ) -> WindowSpan {
        definition.limit.window.span(
            containing: instant, in: subject.zone, anchors: subject.anchors)
    }

    /// What was used in a window of the past; where the limit was reset in it, since the last reset.
    private func used(
        _ allowed: Allowed, _ definition: LimitDefinition, of subject: SubjectState,
        in span: WindowSpan, isReset: Bool
    ) throws(StoreError) -> Int64 {
        let last = span.until.advanced(byMilliseconds: -1)
        if isReset, let resets = allowed.resets {
            return try unitsSince(resets.piece(at: last), definition, of: subject, in: span)
        }
        return try units(ofSeries: definition.series, of: subject, in: span)
    }

    /// What a counter holds, which stays where it is: the window of now is looked at first in every
    /// decision.
    private func units(
        ofSeries series: Int, of subject: SubjectState, in span: WindowSpan
    ) throws(StoreError) -> Int64 {
        if let counter = subject.current.first(where: { $0.series == series }),
            counter.span.from == span.from
        {
            return counter.state.value
        }
        let key = CounterKey(series: series, from: span.from, subject: subject.number)
        if let waiting = subject.others[key] { return waiting.state.value }
        if let known = subject.pastUnits[key] { return known }
        guard subject.number != 0 else { return 0 }
        var value: Int64 = 0
        if let stored = try source.counter(key) {
            value = stored.state.value
        } else if !isCountedSinceFirstFact(subject, series) {
            value = try fold(series, of: subject, over: span).value
        }
        subject.pastUnits[key] = value
        return value
    }

    private func unitsSince(
        _ piece: ResetPiece, _ definition: LimitDefinition, of subject: SubjectState,
        in span: WindowSpan
    ) throws(StoreError) -> Int64 {
        guard subject.number != 0 else { return 0 }
        return try fold(
            definition.series, of: subject, over: piece.cutting(span), within: piece
        ).value
    }
}

extension LimitDefinition {
    /// Whether it carries over. A limit that is said to may be of a meter that does not add up any more.
    var addsUpWindows: Bool {
        carries && limit.window.isOfCalendar && !isPerValue
            && (aggregation == .sum || aggregation == .count)
    }
}

extension WindowSpan {
    /// When what a window allows is looked up once it has ended: before the second in which it ends, which a
    /// subscription that starts there has as a whole.
    fileprivate var lastOwnInstant: Instant {
        until.flooredToSecond.advanced(byMilliseconds: -1)
    }
}
