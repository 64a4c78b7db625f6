package import MeterstoneCore

/// What facts about usage add to series. Nothing else says so: events are counted by it as they come,
/// corrected by it, and folded by it again when a young series is first looked at, when a calendar
/// changes, for `verify`, for usage of a span, and when a past is played again.
extension CompiledSeries {
    /// What a usage that moves the meter so adds for one of its levels; `nil`: nothing.
    ///
    /// - Parameter owner: the number of the subject whose event it is.
    @inline(__always)
    func contribution(
        of movement: Movement, _ record: UsageRecord, level: Int, owner: Int64, sequence: Int64
    ) -> Contribution? {
        contribution(
            units: movement.units, movement.distinctValue, record, level: level, owner: owner,
            sequence: sequence)
    }

    @inline(__always)
    fileprivate func contribution(
        units: Int64, _ distinctValue: String?, _ record: UsageRecord, level: Int, owner: Int64,
        sequence: Int64
    ) -> Contribution? {
        // What is no open reservation happens at no time together with anything else.
        guard accepts(record.details), !isConcurrent || record.reservation?.status == .open
        else { return nil }
        if case .refusals(let limit) = measure, !record.isRefused(by: limit, level: level) {
            return nil
        }
        return Contribution(
            units: units, value: valuesMax == 0 ? distinctValue : value(of: record.details),
            valuesMax: valuesMax, occurredAt: record.occurredAt, sequence: sequence,
            isAhead: record.isAhead, member: level == 0 ? 0 : owner)
    }
}

extension Movement {
    /// What it adds to a series that counts it, before there is a record.
    ///
    /// - Parameter member: as of ``Contribution/member``.
    @inline(__always)
    func contribution(
        at instant: Instant, sequence: Int64, isAhead: Bool, of member: Int64
    ) -> Contribution {
        Contribution(
            units: units, value: distinctValue, occurredAt: instant, sequence: sequence,
            isAhead: isAhead, member: member)
    }
}

extension UsageRecord {
    /// Whether a shadow limit would have refused it for one of its levels.
    fileprivate func isRefused(by limit: Int, level: Int) -> Bool {
        answers.contains { $0.limit == limit && $0.level == level && $0.isShadowRefusal }
    }
}

extension LimitAnswer {
    var isShadowRefusal: Bool { isExceeded && mode == .shadow }
}

extension SeriesDefinition {
    /// Adds up what events contribute to this series; `nil` when the number does not fit.
    package func fold(_ events: some Sequence<EffectiveEvent>) -> CounterState? {
        var state = CounterState.empty
        for event in events {
            guard let contribution = contribution(of: event) else { continue }
            guard add(contribution, to: &state) else { return nil }
        }
        return state
    }

    package func add(_ contribution: Contribution, to state: inout CounterState) -> Bool {
        if window.isOfInstants { return state.addRolling(contribution, as: aggregation) }
        return state.add(contribution, as: aggregation)
    }

    /// What one event adds to this series, or `nil` when it does not move it.
    package func contribution(of event: EffectiveEvent) -> Contribution? {
        contribution(
            of: event.record, level: event.level, owner: event.owner, sequence: event.sequence)
    }

    /// The same of a record that counts for one of its levels.
    func contribution(
        of record: UsageRecord, level: Int, owner: Int64, sequence: Int64
    ) -> Contribution? {
        guard record.isCounted,
            let (units, distinctValue) = meter.movement(
                of: record.event(subject: SubjectID(unchecked: "")))
        else { return nil }
        return CompiledSeries(number: 0, self)
            .contribution(
                units: units, distinctValue, record, level: level, owner: owner,
                sequence: sequence)
    }
}

/// Whose days and months the windows of a subject follow.
struct SubjectCalendar {
    var zone: ZoneRules
    /// What billing months are counted from.
    var anchors: BillingAnchors

    /// The same for what is counted by months whatever the plan.
    var ofMonths: SubjectCalendar { SubjectCalendar(zone: zone, anchors: BillingAnchors(nil)) }

    func span(of window: Window, containing instant: Instant) -> WindowSpan {
        window.span(containing: instant, in: zone, anchors: anchors)
    }
}

/// Counters as events say they are.
struct CounterFold {
    private let registry: Registry
    private(set) var counters: [CounterKey: CounterState] = [:]

    init(_ registry: Registry) {
        self.registry = registry
    }

    /// Adds what counts of some events to every series that is counted in windows with a row; `false`
    /// when a number does not fit.
    ///
    /// - Parameter series: `nil`: all.
    mutating func add(
        _ events: [EffectiveEvent], of subject: Int64, _ calendar: SubjectCalendar,
        to series: Set<Int>? = nil
    ) -> Bool {
        for (number, registered) in registry.series.enumerated()
        where registered.isCounted && !registered.definition.window.isOfInstants
            && series?.contains(number) ?? true
        {
            let definition = registered.definition
            for event in events {
                guard let contribution = definition.contribution(of: event) else { continue }
                let span = calendar.span(
                    of: definition.window, containing: event.record.occurredAt)
                let key = CounterKey(series: number, from: span.from, subject: subject)
                guard definition.add(contribution, to: &counters[key, default: .empty]) else {
                    return false
                }
            }
        }
        return true
    }

    /// Notes the days on which events were recorded, voided ones included.
    mutating func addActivity(
        _ events: [EffectiveEvent], of subject: Int64, _ calendar: SubjectCalendar
    ) {
        for event in events {
            let instant = event.record.occurredAt
            let key = CounterKey(
                series: OwnSeries.activity,
                from: calendar.ofMonths.span(of: .month, containing: instant).from, subject: subject
            )
            counters[key, default: .empty].withActivity {
                $0.note(event, on: calendar.zone.dayNumber(containing: instant))
            }
        }
    }

    /// Notes which reservations are open, in the order in which they expire.
    mutating func addReservations(_ events: [EffectiveEvent], of subject: Int64) {
        for event in events {
            guard let reservation = event.record.reservation, reservation.status == .open else {
                continue
            }
            let key = CounterKey(
                series: OwnSeries.reservations, from: WindowSpan.lifetime.from, subject: subject)
            let entry = OpenReservation(
                expiresAt: reservation.expiresAt, sequence: event.sequence, id: event.record.id,
                source: event.record.details?.source, owner: event.owner,
                isExtended: !event.corrections.isEmpty)
            let open = (counters[key] ?? .empty).openReservations + [entry]
            counters[key] = CounterState(open.sorted())
        }
    }

    mutating func put(_ state: CounterState, _ key: CounterKey) {
        counters[key] = state
    }
}
