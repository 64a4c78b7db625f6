import MeterstoneCore

/// What the facts that wait change in the counters of one subject.
///
/// A counter is the stored one and what was said since. Where that cannot be added, because something
/// was taken back or the windows moved, it is added up from the events.
struct TailChanges {
    private let subject: Int64
    private let tables: any StoreSource
    /// Which keeps this.
    private unowned let whole: HeadSource
    /// The last fact that the tables include.
    private let stored: Int64
    private let profile: Subject?
    private let firstSequence: Int64
    /// Whether its windows may have moved since what is stored.
    private let hasMoved: Bool
    private let facts: [Fact]
    private let entries: [Fact]
    private let steps: [UsageStep]

    private var head: StoreHead { whole.head }

    init(
        of subject: Int64, after stored: Int64, _ tables: any StoreSource, _ whole: HeadSource
    ) throws(StoreError) {
        self.subject = subject
        self.stored = stored
        self.tables = tables
        self.whole = whole
        let tail = whole.head.tail
        facts = tail.facts(.usage, of: subject).filter { $0.sequence > stored }
        entries = tail.facts(.ledger, of: subject).filter { $0.sequence > stored }
        let moves = tail.moves(ofNumber: subject).filter { $0.sequence > stored }
        var calendars = Set(moves.map(\.subject.calendar))
        if !moves.isEmpty, let before = try tables.subject(number: subject) {
            calendars.insert(before.calendar)
        }
        hasMoved = calendars.count > 1
        let isUntouched = facts.isEmpty && entries.isEmpty && !hasMoved
        let latest = isUntouched ? nil : try whole.subject(number: subject)
        profile = latest?.profile
        firstSequence = latest?.firstSequence ?? 0
        let names = whole.head.registry.names
        var steps: [UsageStep] = []
        for fact in facts {
            if let step = try UsageStep(fact, of: subject, names: names) { steps.append(step) }
        }
        self.steps = steps
    }

    /// Whether counters are as they are stored.
    var isEmpty: Bool { facts.isEmpty && entries.isEmpty && !hasMoved }

    private var zone: ZoneRules {
        head.options.clocks(of: profile?.zones ?? ZonesInTime()) ?? .utc
    }

    private func window(of series: Int) -> Window? {
        if series == OwnSeries.activity { return .month }
        if series < 0 { return .lifetime }
        return head.registry.series.indices.contains(series)
            ? head.registry.series[series].definition.window : nil
    }

    /// Where the windows of a series start and end that instants fall into.
    private func spans(of series: Int) -> (Instant) -> WindowSpan {
        let (window, zone) = (window(of: series) ?? .lifetime, zone)
        let anchors = series < 0 ? BillingAnchors(nil) : profile?.anchors ?? BillingAnchors(nil)
        var last: WindowSpan?
        return { instant in
            if let last, last.contains(instant) { return last }
            let span = window.span(containing: instant, in: zone, anchors: anchors)
            last = span
            return span
        }
    }

    /// Those of some counters that exist, or may: a series that is younger than the subject is in no
    /// counter before it is first asked for.
    func counters(_ keys: [CounterKey]) throws(StoreError) -> [CounterKey: StoredCounter] {
        var result: [CounterKey: StoredCounter] = [:]
        let stored = try tables.counters(keys)
        for (series, keys) in Dictionary(grouping: keys, by: \.series) {
            let known = stored.filter { $0.key.series == series }
            result.merge(try counters(series, keys, known)) { first, _ in first }
        }
        return result
    }

    /// Every counter of a series.
    func counters(ofSeries series: Int) throws(StoreError) -> [CounterKey: StoredCounter] {
        if hasMoved, OwnSeries.followsCalendar(series) { return try recounted(series, .lifetime) }
        let known = try tables.counters(ofSeries: series, of: subject)
        let span = spans(of: series)
        let touched = steps.map {
            CounterKey(series: series, from: span($0.occurredAt).from, subject: subject)
        }
        return try counters(series, Array(Set(known.keys).union(touched)), known)
    }

    private func counters(
        _ series: Int, _ keys: [CounterKey], _ known: [CounterKey: StoredCounter]
    ) throws(StoreError) -> [CounterKey: StoredCounter] {
        switch series {
        case OwnSeries.wallet:
            return try adding(to: known, keys) { (counter) throws(StoreError) in
                try wallet(after: counter)
            }
        case OwnSeries.reservations:
            return try adding(to: known, keys) { (counter) in openReservations(after: counter) }
        default: break
        }
        guard let span = spanned(keys, series) else { return [:] }
        if hasMoved {
            let counted = try recounted(series, span)
            let wanted = Set(keys)
            return counted.filter { wanted.contains($0.key) }
        }
        var result = known
        for key in keys where result[key] == nil && isCounted(series) {
            result[key] = StoredCounter(state: .empty, asOf: stored)
        }
        guard series != OwnSeries.activity else {
            addActivity(to: &result)
            return result
        }
        for key in addSteps(series, to: &result) {
            let counted = try recounted(series, spans(of: series)(key.from))
            result[key] = counted[key] ?? StoredCounter(state: .empty, asOf: head.sequence)
        }
        return result
    }

    /// Whether no row means that nothing was counted: the series is older than the subject.
    private func isCounted(_ series: Int) -> Bool {
        series < 0 || head.registry.series[series].definedAt <= firstSequence
    }

    /// From the first to the last of some windows.
    private func spanned(_ keys: [CounterKey], _ series: Int) -> WindowSpan? {
        guard let first = keys.map(\.from).min(), let last = keys.map(\.from).max(),
            window(of: series).map({ !$0.isOfInstants }) ?? false
        else { return nil }
        let span = spans(of: series)
        return WindowSpan(from: first, until: span(last).until)
    }

    // MARK: Adding

    private func adding(
        to known: [CounterKey: StoredCounter], _ keys: [CounterKey],
        _ change: (StoredCounter) throws(StoreError) -> StoredCounter
    ) throws(StoreError) -> [CounterKey: StoredCounter] {
        var result: [CounterKey: StoredCounter] = [:]
        for key in keys {
            result[key] = try change(known[key] ?? StoredCounter(state: .empty, asOf: stored))
        }
        return result
    }

    private func wallet(after counter: StoredCounter) throws(StoreError) -> StoredCounter {
        var sealed = counter.state.wallet
        var last = counter.asOf
        for fact in entries where fact.sequence > counter.asOf {
            let body = Array(fact.body)
            sealed.wallet.apply(try LedgerEntry(stored: body))
            sealed.seal = SHA256.hash(body)
            last = fact.sequence
        }
        guard last > counter.asOf else { return counter }
        return StoredCounter(state: CounterState(sealed), asOf: last)
    }

    private func openReservations(after counter: StoredCounter) -> StoredCounter {
        var open = counter.state.openReservations
        var last = counter.asOf
        for step in steps where step.sequence > counter.asOf {
            switch step.content {
            case .usage(let record):
                guard let entry = OpenReservation(record, of: step.owner, at: step.sequence) else {
                    continue
                }
                open.insert(entry)
            case .correction(let correction):
                guard correction.before.reservation?.status == .open else { continue }
                open.follow(correction)
            }
            last = step.sequence
        }
        guard last > counter.asOf else { return counter }
        return StoredCounter(state: CounterState(open), asOf: last)
    }

    private func addActivity(to counters: inout [CounterKey: StoredCounter]) {
        let (zone, span) = (zone, spans(of: OwnSeries.activity))
        for step in steps {
            let key = CounterKey(
                series: OwnSeries.activity, from: span(step.occurredAt).from, subject: subject)
            guard let counter = counters[key], counter.asOf < step.sequence else { continue }
            let day = zone.dayNumber(containing: step.occurredAt)
            counters[key]?.state.withActivity { activity in
                switch step.content {
                case .usage(let record):
                    activity.note(record, isOwn: step.level == 0, on: day, at: step.sequence)
                case .correction(let correction):
                    activity.note(correction, isOwn: step.level == 0, on: day, at: step.sequence)
                }
            }
            counters[key]?.asOf = step.sequence
        }
    }

    /// - Returns: the counters that must be added up anew: something was taken back that their states do
    ///   not remember.
    private func addSteps(
        _ series: Int, to counters: inout [CounterKey: StoredCounter]
    ) -> Set<CounterKey> {
        let (definition, span) = (head.registry.series[series].definition, spans(of: series))
        var unknown: Set<CounterKey> = []
        for step in steps {
            let key = CounterKey(
                series: series, from: span(step.occurredAt).from, subject: subject)
            guard var counter = counters[key], counter.asOf < step.sequence, !unknown.contains(key)
            else { continue }
            let (before, after) = step.contributions(to: definition)
            if before == after { continue }
            if before == nil, let after, case .usage = step.content {
                _ = definition.add(after, to: &counter.state)
            } else {
                let replaced = counter.state.previewing(
                    replacing: before, by: after, as: definition.aggregation, at: step.occurredAt)
                guard replaced != .unknown else {
                    unknown.insert(key)
                    continue
                }
                counter.state.replace(before, by: after, as: definition.aggregation)
            }
            counter.asOf = step.sequence
            counters[key] = counter
        }
        return unknown
    }

    // MARK: From the events

    /// The counters of a series whose windows lie in a span, from everything that is known.
    private func recounted(
        _ series: Int, _ span: WindowSpan
    ) throws(StoreError) -> [CounterKey: StoredCounter] {
        var history = History(subject: subject, names: head.registry.names)
        for fact in try whole.facts(of: subject, days: span.utcDays) {
            try history.add(fact, source: whole)
        }
        let (zone, windows) = (zone, spans(of: series))
        var result: [CounterKey: StoredCounter] = [:]
        for event in history.all where span.contains(event.record.occurredAt) {
            let key = CounterKey(
                series: series, from: windows(event.record.occurredAt).from, subject: subject)
            var counter = result[key] ?? StoredCounter(state: .empty, asOf: head.sequence)
            if series == OwnSeries.activity {
                let day = zone.dayNumber(containing: event.record.occurredAt)
                counter.state.withActivity { $0.note(event, on: day) }
            } else if !event.isVoided {
                let definition = head.registry.series[series].definition
                if let contribution = definition.contribution(of: event),
                    !definition.add(contribution, to: &counter.state)
                {
                    throw StoreError(
                        code: .corrupt, message: "a counter of subject \(subject) does not fit")
                }
            }
            result[key] = counter
        }
        return result
    }
}
