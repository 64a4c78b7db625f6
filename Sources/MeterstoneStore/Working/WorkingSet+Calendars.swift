import MeterstoneCore

/// How counters follow when a subject gets another time zone, or when its subscription starts at another
/// time: all that is counted in windows that are cut otherwise moves to the new ones at once.
extension WorkingSet {
    /// Moves the counters whose windows are cut otherwise by another calendar, and no others.
    func move(_ state: SubjectState, to new: SubjectCalendar) throws(StoreError) {
        let old = SubjectCalendar(zone: state.zone, anchors: state.anchors)
        let edge = old.zone.firstDifference(from: new.zone)
        guard state.number != 0, edge != nil || old.anchors != new.anchors else { return }
        var moved = Set(
            registry.series.indices.filter { number in
                let series = registry.series[number]
                return series.isCounted
                    && series.definition.window.isCut(
                        byZone: edge != nil, byTurn: old.anchors.opened != new.anchors.opened)
            })
        if edge != nil { moved.insert(OwnSeries.activity) }
        guard !moved.isEmpty else { return }
        var move = CalendarMove(subject: state.number, old: old, new: new, registry: registry)
        // Months that are counted from an anchor to come are cut by what its clock will show.
        if let edge, old.anchors == new.anchors, new.anchors.areBefore(edge) {
            guard try moveDays(of: state, from: edge, moved, by: &move) else { return }
            return replaceCounters(of: state, by: move)
        }
        // A replay finds counters that are ahead of it.
        if edge == nil, replayed == nil {
            for series in moved {
                let isAdded = try addDays(of: state, to: &move, series)
                // Of what is folded when it is first asked for, there is nothing to move.
                if !isAdded {
                    guard try counters(of: state, ofSeries: series).isEmpty else { continue }
                }
                moved.remove(series)
                move.replace(series)
            }
        }
        if !moved.isEmpty {
            let history = try history(of: state.number, over: .lifetime)
            for series in moved { move.replace(series) }
            guard move.add(history, to: moved) else { throw .doesNotFit(state.id) }
        }
        replaceCounters(of: state, by: move)
    }

    /// Moves what was used from an instant on at which clocks begin to differ: another zone takes over where
    /// the day ends, so that it is what came ahead of its time.
    ///
    /// - Returns: whether there is any. Otherwise counters stay, and only know where their windows end now.
    private func moveDays(
        of state: SubjectState, from edge: Instant, _ series: Set<Int>, by move: inout CalendarMove
    ) throws(StoreError) -> Bool {
        let ahead = try history(
            of: state.number, over: WindowSpan(from: edge, until: WindowSpan.lifetime.until))
        guard ahead.all.contains(where: { edge <= $0.record.occurredAt }) else {
            renewSpans(of: state, series, move.new)
            return false
        }
        for number in series {
            let last = move.span(number, move.old, containing: edge.advanced(byMilliseconds: -1))
            move.replace(number, from: last.from)
        }
        // A year may have begun long ago. Stores read a whole life in pieces, and take their time.
        let history = try history(of: state.number, over: .lifetime)
        guard move.add(history, to: series) else { throw .doesNotFit(state.id) }
        return true
    }

    /// Windows that run may end elsewhere, and those that nobody has used yet begin elsewhere.
    private func renewSpans(
        of state: SubjectState, _ series: Set<Int>, _ calendar: SubjectCalendar
    ) {
        for index in state.current.indices where series.contains(state.current[index].series) {
            let counter = state.current[index]
            let calendar = counter.series < 0 ? calendar.ofMonths : calendar
            let window =
                counter.series < 0 ? .month : registry.series[counter.series].definition.window
            let span = calendar.span(of: window, containing: counter.span.from)
            // An empty one is nobody's: whoever asks finds the window that is there.
            state.current[index].span =
                span.from == counter.span.from
                ? span : WindowSpan(from: counter.span.from, until: counter.span.from)
        }
    }

    /// Adds up billing months from days, which the zone cuts alike; `false` where no series of days has
    /// the same. Of a day on which a month begins or ends, the events tell.
    private func addDays(
        of state: SubjectState, to move: inout CalendarMove, _ number: Int
    ) throws(StoreError) -> Bool {
        let series = registry.series[number].definition
        guard series.limitFilter.isEmpty, series.values == nil, series.measure == .usage,
            let days = registry.number(of: series.meter.standingSeries(.day)),
            isCountedSinceFirstFact(state, days)
        else { return false }
        for (from, counter) in try counters(of: state, ofSeries: days) {
            let day = move.new.span(of: .day, containing: from)
            if move.add(counter, of: day, to: number) { continue }
            let events = try history(of: state.number, over: day).events
                .filter { day.contains($0.record.occurredAt) }
            guard move.add(events, to: number) else { throw .doesNotFit(state.id) }
        }
        return true
    }

    /// Every counter of a series that a subject has, by where its window begins.
    func counters(
        of state: SubjectState, ofSeries series: Int
    ) throws(StoreError) -> [Instant: CounterState] {
        var result: [Instant: CounterState] = [:]
        for (key, counter) in try source.counters(ofSeries: series, of: state.number) {
            result[key.from] = counter.state
        }
        for (key, counter) in state.others where key.series == series {
            result[key.from] = counter.isDeleted ? nil : counter.state
        }
        for counter in state.current
        where counter.series == series && (counter.isDirty || counter.state != .empty) {
            result[counter.span.from] = counter.state
        }
        return result
    }

    private func replaceCounters(of state: SubjectState, by move: CalendarMove) {
        func isReplaced(_ key: CounterKey) -> Bool { move.isReplaced(key) }
        let wasDirty = Set(
            state.others.filter { $0.value.isDirty && isReplaced($0.key) }.keys
                + state.current.filter { $0.isDirty && isReplaced($0.key(of: state)) }
                .map { $0.key(of: state) })
        // Reservations, credits, and what is counted for ever, follow no calendar.
        state.current.removeAll { isReplaced($0.key(of: state)) }
        for key in state.others.keys.filter({ isReplaced($0) }) { state.others[key] = nil }
        for (key, counter) in move.counters {
            state.others[key] = Counter(
                series: key.series, span: move.span(key.series, move.new, containing: key.from),
                state: counter,
                asOf: head, isDirty: true)
        }
        // A row that is left without usage goes, and what was dirty keeps its place in the list.
        for key in move.left.union(wasDirty) where move.counters[key] == nil {
            var counter = Counter(
                series: key.series, span: WindowSpan(from: key.from, until: key.from),
                state: .empty, asOf: head, isDirty: true)
            counter.isDeleted = true
            state.others[key] = counter
        }
        for key in move.left.union(move.counters.keys) where !wasDirty.contains(key) {
            state.dirtyCounters += 1
            tail.noteDirty(
                DirtyCounter(subject: state, series: key.series, from: key.from, sequence: head))
        }
    }
}

/// Counters on their way from one calendar to another.
private struct CalendarMove {
    let subject: Int64
    let old: SubjectCalendar
    let new: SubjectCalendar
    let registry: Registry
    /// Series of which every counter from a window on is in ``counters``.
    private var replaced: [Int: Instant] = [:]
    private(set) var counters: [CounterKey: CounterState] = [:]
    /// Counters that there may have been until now.
    private(set) var left: Set<CounterKey> = []

    init(subject: Int64, old: SubjectCalendar, new: SubjectCalendar, registry: Registry) {
        self.subject = subject
        self.old = old
        self.new = new
        self.registry = registry
    }

    /// Says that all counters of a series from a window on will be there.
    mutating func replace(_ series: Int, from start: Instant = WindowSpan.lifetime.from) {
        replaced[series] = start
    }

    func isReplaced(_ key: CounterKey) -> Bool {
        replaced[key.series].map { $0 <= key.from } ?? false
    }

    /// Folds events to series that are replaced; `false` when a number does not fit.
    mutating func add(_ history: History, to series: Set<Int>) -> Bool {
        let events = history.events
        for number in series where number >= 0 {
            guard add(events.filter { isIncluded($0, number) }, to: number) else { return false }
        }
        guard series.contains(OwnSeries.activity) else { return true }
        let days = history.all.filter { isIncluded($0, OwnSeries.activity) }
        for event in days { leave(OwnSeries.activity, .month, event.record.occurredAt) }
        var fold = CounterFold(registry)
        fold.addActivity(days, of: subject, new)
        counters.merge(fold.counters) { $1 }
        return true
    }

    private func isIncluded(_ event: EffectiveEvent, _ series: Int) -> Bool {
        replaced[series].map { $0 <= event.record.occurredAt } ?? false
    }

    /// The window of a series that an instant falls into.
    func span(
        _ number: Int, _ calendar: SubjectCalendar, containing instant: Instant
    ) -> WindowSpan {
        guard number != OwnSeries.activity else {
            return calendar.ofMonths.span(of: .month, containing: instant)
        }
        return calendar.span(
            of: registry.series[number].definition.window, containing: instant)
    }

    /// Folds events to one series.
    mutating func add(_ events: [EffectiveEvent], to number: Int) -> Bool {
        let series = registry.series[number].definition
        for event in events {
            guard let contribution = series.contribution(of: event) else { continue }
            leave(number, series.window, contribution.occurredAt)
            let key = key(number, new, series.window, contribution.occurredAt)
            guard series.add(contribution, to: &counters[key, default: .empty]) else {
                return false
            }
        }
        return true
    }

    /// Adds what was counted on a day; `false`, and nothing is added, where a window begins within it.
    mutating func add(_ counter: CounterState, of day: WindowSpan, to number: Int) -> Bool {
        let series = registry.series[number].definition
        let span = new.span(of: series.window, containing: day.from)
        guard span.until >= day.until else { return false }
        leave(number, series.window, day.from)
        leave(number, series.window, day.until.advanced(byMilliseconds: -1))
        let key = CounterKey(series: number, from: span.from, subject: subject)
        counters[key, default: .empty].merge(counter, as: series.aggregation)
        return true
    }

    private mutating func leave(_ number: Int, _ window: Window, _ instant: Instant) {
        left.insert(key(number, old, window, instant))
    }

    private func key(
        _ number: Int, _ calendar: SubjectCalendar, _ window: Window, _ instant: Instant
    ) -> CounterKey {
        let calendar = number < 0 ? calendar.ofMonths : calendar
        return CounterKey(
            series: number, from: calendar.span(of: window, containing: instant).from,
            subject: subject)
    }
}

extension BillingAnchors {
    /// Where all windows are cut.
    fileprivate var opened: [Instant] { turns.filter(\.opensWindow).map(\.at) }

    fileprivate func areBefore(_ instant: Instant) -> Bool {
        !([base] + turns.map(\.anchor)).contains { $0.map { instant <= $0 } ?? false }
    }
}

extension Window {
    /// Whether other rules of a zone, or other turns of a subscription, cut it otherwise.
    fileprivate func isCut(byZone: Bool, byTurn: Bool) -> Bool {
        switch self {
        case .day: byZone
        case .minute, .hour, .week, .month, .quarter, .year: byZone || byTurn
        case .billingMonth: true
        case .lifetime, .request, .concurrent, .rolling, .sinceFirst: false
        }
    }
}

extension StoreError {
    static func doesNotFit(_ subject: SubjectID) -> StoreError {
        StoreError(code: .corrupt, message: "a counter of \(subject) does not fit")
    }
}
