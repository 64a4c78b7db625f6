import MeterstoneCore

/// How counters follow when a subject's time zone changes, or when its subscription starts at another
/// time: all that is counted moves to the new windows at once.
extension WorkingSet {
    /// Moves the counters whose windows are cut otherwise by another calendar, and no others.
    func move(_ state: SubjectState, to new: SubjectCalendar) throws(StoreError) {
        let old = SubjectCalendar(zone: state.zone, anchors: state.anchors)
        let hasOtherDays = old.zone.digest != new.zone.digest
        guard state.number != 0, hasOtherDays || old.anchors != new.anchors else { return }
        var moved = Set(
            registry.series.indices.filter { number in
                let series = registry.series[number]
                return series.isCounted
                    && series.definition.window.isCut(
                        byZone: hasOtherDays, byTurn: old.anchors.opened != new.anchors.opened)
            })
        if hasOtherDays { moved.insert(OwnSeries.activity) }
        guard !moved.isEmpty else { return }
        var move = CalendarMove(subject: state.number, old: old, new: new, registry: registry)
        // A replay finds counters that are ahead of it.
        if !hasOtherDays, replayed == nil {
            for series in moved {
                let isAdded = try addDays(of: state, to: &move, series)
                // Of what is folded when it is first asked for, there is nothing to move.
                if !isAdded {
                    guard try counters(of: state, ofSeries: series).isEmpty else { continue }
                }
                moved.remove(series)
                move.replaced.insert(series)
            }
        }
        if !moved.isEmpty {
            let history = try history(of: state.number, over: .lifetime)
            move.replaced.formUnion(moved)
            guard move.add(history, to: moved) else { throw .doesNotFit(state.id) }
        }
        replaceCounters(of: state, by: move)
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
    private func counters(
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
        func isReplaced(_ series: Int) -> Bool { move.replaced.contains(series) }
        let wasDirty = Set(
            state.others.filter { $0.value.isDirty && isReplaced($0.key.series) }.keys
                + state.current.filter { $0.isDirty && isReplaced($0.series) }
                .map { $0.key(of: state) })
        // Reservations, credits, and what is counted for ever, follow no calendar.
        state.current.removeAll { isReplaced($0.series) }
        for key in state.others.keys.filter({ isReplaced($0.series) }) { state.others[key] = nil }
        for (key, counter) in move.counters {
            state.others[key] = Counter(
                series: key.series, span: move.new.span(of: key, registry), state: counter,
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
    /// Series of which every counter is in ``counters``.
    var replaced: Set<Int> = []
    private(set) var counters: [CounterKey: CounterState] = [:]
    /// Counters that there may have been until now.
    private(set) var left: Set<CounterKey> = []

    init(subject: Int64, old: SubjectCalendar, new: SubjectCalendar, registry: Registry) {
        self.subject = subject
        self.old = old
        self.new = new
        self.registry = registry
    }

    /// Folds events to series; `false` when a number does not fit.
    mutating func add(_ history: History, to series: Set<Int>) -> Bool {
        let events = history.events
        for number in series where number >= 0 {
            guard add(events, to: number) else { return false }
        }
        guard series.contains(OwnSeries.activity) else { return true }
        for event in history.all { leave(OwnSeries.activity, .month, event.record.occurredAt) }
        var fold = CounterFold(registry)
        fold.addActivity(history.all, of: subject, new)
        counters.merge(fold.counters) { $1 }
        return true
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

extension SubjectCalendar {
    /// The window of a counter, of which the key tells the beginning.
    fileprivate func span(of key: CounterKey, _ registry: Registry) -> WindowSpan {
        guard key.series != OwnSeries.activity else {
            return ofMonths.span(of: .month, containing: key.from)
        }
        return span(
            of: registry.series[key.series].definition.window, containing: key.from)
    }
}

extension BillingAnchors {
    /// Where all windows are cut.
    fileprivate var opened: [Instant] { turns.filter(\.opensWindow).map(\.at) }
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
