package import MeterstoneCore

/// Plays a past span again under other limits: the rules that decide, over what was recorded.
///
/// Families of subjects are played one after the other, each in the order of recording. What occurred
/// before or after the span counts as it was recorded, as far as a window reaches there; what occurred
/// in it counts when it is allowed.
package struct WhatIfReplay {
    /// Events that one question may need.
    package static let eventsMax = 5_000_000

    private let question: WhatIfQuestion
    private let blueprint: Blueprint
    private let view: StoreView
    private let zone: ZoneRules
    private let now: Instant
    private let eventsMax: Int
    private let budget: MemoryBudget

    /// Rejects a question that cannot be answered, and names the field.
    ///
    /// - Parameters:
    ///   - view: of no subject.
    ///   - budget: what several questions may take together.
    package init(
        _ question: WhatIfQuestion, _ view: StoreView, now: Instant,
        eventsMax: Int = Self.eventsMax, budget: MemoryBudget = MemoryBudget(bytes: 1 << 30)
    ) throws(Rejection) {
        let name = question.timeZone ?? view.options.defaultTimeZone
        guard let zone = view.options.zoneRules(name) else {
            throw Rejection(
                code: .unknownTimeZone, field: "timeZone",
                message: "expected a name of the IANA time zone database, not '\(name)'")
        }
        var decided = view.catalog.blueprint
        decided.limits = decided.limits.map {
            $0.overridden(by: view.options.allowanceOverrides, plans: decided.plans)
        }
        blueprint = try question.blueprint(from: decided)
        self.question = question
        self.view = view
        self.zone = zone
        self.now = now
        self.eventsMax = eventsMax
        self.budget = budget
    }

    /// Plays what a source has.
    package func outcome(_ source: any StoreSource) throws(StoreError) -> WhatIfOutcome {
        let names = try source.quantityNames() ?? view.registry.names
        let events = PastEvents(
            question: question.span, meters: blueprint.meters, names: names, head: view.head,
            now: now, countMax: eventsMax, budget: budget)
        do throws(StoreError) {
            try gather(events, source)
        } catch {
            guard events.isFull else { throw error }
            return .rejected(.tooManyEvents(eventsMax))
        }
        return .answered(try play(events, source, names))
    }

    private func gather(_ events: PastEvents, _ source: any StoreSource) throws(StoreError) {
        let span = question.span
        let gauges = Set(blueprint.meters.filter { $0.aggregation.isOfReadings }.map(\.key))
        let reaches = blueprint.limits.map {
            gauges.contains($0.meter) ? .lifetime : $0.reach(of: span)
        }
        let from = reaches.reduce(span.from) { min($0, $1.from) }
        let until = reaches.reduce(span.until) { max($0, $1.until) }
        try events.gather(source, over: WindowSpan(from: from, until: span.until))
        // What comes after the span only concerns events of it that were recorded later still.
        if events.lastDecided > 0, span.until <= .latest {
            try events.gather(
                source, over: WindowSpan(from: span.until, until: until), before: events.lastDecided
            )
        }
        events.finish()
    }

    private func play(
        _ events: PastEvents, _ source: any StoreSource, _ names: [MeterKey]
    ) throws(StoreError) -> WhatIfAnswer {
        let registry = blueprint.playedRegistry(names)
        let catalog = Catalog(
            blueprint: blueprint, registry: registry, areLimitsEnforced: true,
            allowanceOverrides: [:], creditOverrides: CreditOverrides(),
            areStandingSeriesCounted: false)
        let past = PastSource(
            source, events, remembers: blueprint.limits.contains { $0.window.isOfInstants })
        let workingSet = WorkingSet(
            options: view.options, source: past, catalog: catalog, nextSequence: 1, nextSubject: 1,
            eventIDs: EventIDGenerator(seed: 0))
        var stage = Stage(
            events: events, past: past, names: names, span: question.span,
            players: Players(workingSet, plans: question.plans, names: names),
            tally: WhatIfTally(
                question, limits: registry.limits, subjects: events.numbers.count, zone: zone))
        try stage.play()
        return stage.tally.finished()
    }
}

/// The events, in order, and what becomes of them.
private struct Stage {
    let events: PastEvents
    let past: PastSource
    let names: [MeterKey]
    /// In which events are decided.
    let span: WindowSpan
    let players: Players
    var tally: WhatIfTally

    mutating func play() throws(StoreError) {
        let entries = events.entries
        var start = 0
        while start < entries.count {
            let family = entries[start].family
            var end = start + 1
            while end < entries.count, entries[end].family == family { end += 1 }
            players.workingSet.forget()
            try past.turn(to: start..<end)
            for place in start..<end { try play(entries[place], at: place) }
            start = end
        }
    }

    private mutating func play(_ entry: PastEvents.Entry, at place: Int) throws(StoreError) {
        let record: UsageRecord
        do throws(MalformedRecord) {
            var reader = events.reader(entry)
            record = try UsageRecord(&reader, names: names)
        } catch {
            throw StoreError(
                code: .corrupt, message: "the fact with sequence \(entry.sequence) is unreadable")
        }
        let subject = Int(entry.subject)
        let state = try players.player(events.numbers[subject], record)
        let isDecided = span.contains(record.occurredAt)
        switch try players.workingSet.play(
            record, of: state, at: entry.sequence, decides: isDecided)
        {
        case .unconcerned: break
        case .counted:
            if isDecided { tally.count(subject: subject) }
            for level in try players.workingSet.levels(played: record, state) {
                past.note(place, for: level.number)
            }
        case .refused(let limits):
            tally.count(subject: subject)
            tally.refuse(
                WhatIfTally.RefusedEvent(
                    subject: state.id, sequence: entry.sequence, occurredAt: record.occurredAt,
                    limits: limits, eventID: record.id, source: record.details?.source),
                subject: subject)
        }
    }
}

extension Blueprint {
    /// Numbers for everything that is played; names keep those that they have in records.
    fileprivate func playedRegistry(_ names: [MeterKey]) -> Registry {
        var registry = Registry(names: names, limits: [], series: [])
        for meter in meters {
            registry.register(meter.key)
            for name in meter.furtherQuantities { registry.register(name) }
        }
        for limit in limits.sorted(by: { $0.key < $1.key }) { registry.register(limit.key) }
        registry.count(series { registry.number(of: $0) }, from: 0)
        return registry
    }
}

extension Rejection {
    fileprivate static func tooManyEvents(_ max: Int) -> Rejection {
        Rejection(
            code: .tooLarge, field: "from",
            message: "expected a shorter span: with the windows that reach into it, it has more "
                + "than \(max) events, or a gibibyte of them")
    }
}
