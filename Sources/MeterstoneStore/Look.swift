public import MeterstoneCore

/// What callers ask about how things stand. Looking changes nothing: what has expired by now counts as
/// expired, and is written down by somebody else.
public enum Look: Sendable {
    /// Where a subject stands with its limits now.
    case limits(SubjectID)
    /// The same, and what it may spend, at an instant that is not before now.
    case standing(SubjectID, at: Instant)
    /// What a subject used of each meter in each window that runs, and in all.
    case meters(SubjectID)
    /// A reservation as it stands.
    case reservation(EventID, source: String?)
    /// An event as it counts now, without the corrections that led there.
    case event(EventID, source: String?)
    /// What is open on a subject now.
    case openReservations(SubjectID)
    /// What a subject may spend now.
    case wallet(SubjectID)
    /// In what an event differs from the one under its id, beside the terms of a reserve.
    indirect case compare(UsageEvent, ReservationTerms?)
    /// What would become of a command that came next, after those that were tried before in the same
    /// looks. Nothing of it lasts.
    indirect case attempt(Command)

    /// What is seen, case by case.
    public enum Answer: Sendable {
        case limits([LimitStatus])
        indirect case standing([SubjectWindow], Wallet)
        case meters([MeterWindow])
        indirect case found(Reservation?)
        indirect case event(RecordedEvent?)
        case reservations([Reservation])
        indirect case wallet(Wallet)
        case differences([String])
        indirect case attempted(Outcome)
    }
}

extension WorkingSet {
    /// Answers one look, in memory. What it notes as expired goes into the batch, which is to be thrown
    /// away.
    package func look(_ look: Look, at now: Instant) throws(StoreError) -> Look.Answer {
        self.now = now
        return switch look {
        case .limits(let subject): .limits(try limits(of: subject, at: now))
        case .standing(let subject, let instant):
            try standing(of: subject, at: max(instant, now))
        case .meters(let subject): .meters(try meterWindows(of: try state(of: subject)))
        case .reservation(let id, let source):
            .found(try reservation(id, source: source, at: now))
        case .event(let id, let source): .event(try event(id, source: source))
        case .openReservations(let subject):
            .reservations(try openReservations(of: try state(of: subject), at: now))
        case .wallet(let subject): .wallet(try wallet(of: try state(of: subject), at: now))
        case .compare(let event, let terms):
            .differences(try differences(of: event, terms, at: now))
        case .attempt(let command): .attempted(try perform(command, at: now))
        }
    }
}

extension WorkingSet {
    /// `nil`: there is none, or it was voided.
    private func event(
        _ id: EventID, source: String?
    ) throws(StoreError) -> RecordedEvent? {
        guard let known = try find(id, source: source, at: .earliest),
            let record = try standing(of: known)
        else { return nil }
        return RecordedEvent(
            event: record.event(subject: known.subject.id), sequence: known.sequence,
            recordedAt: known.record.recordedAt, corrections: [],
            adjustment: known.record.adjustment)
    }

    private func standing(
        of id: SubjectID, at instant: Instant
    ) throws(StoreError) -> Look.Answer {
        let state = try state(of: id)
        try expireDue(state, at: now)
        let statuses = try currentStatuses(state, instant).filter { $0.ancestor == nil }
        let windows = statuses.map { status in
            SubjectWindow(
                status: status,
                span: status.window.span(
                    containing: instant, in: state.zone, anchors: state.anchors))
        }
        return .standing(windows, try account(of: state, at: instant).wallet)
    }
}

extension WorkingSet {
    /// In the order of the meters' keys. Windows that roll, or open with the first use, are those of limits.
    private func meterWindows(of state: SubjectState) throws(StoreError) -> [MeterWindow] {
        var result: [MeterWindow] = []
        for key in catalog.blueprint.meters.map(\.key).sorted() {
            guard let meter = catalog.meter(key) else { continue }
            var windows: Set<Window> = []
            for series in meter.series {
                let window = series.window
                let definition = registry.series[series.number].definition
                guard window.isRepeating || window == .lifetime, series.measure == .usage,
                    definition.limitFilter.isEmpty, definition.values == nil,
                    windows.insert(window).inserted
                else { continue }
                let index = try counterIndex(state, series: series.number, window: window, at: now)
                let counter = state.current[index]
                result.append(
                    MeterWindow(
                        meter: key, window: window, span: counter.span,
                        used: counter.state.value(at: now)))
            }
        }
        return result
    }
}

extension HeadSource {
    /// Decides what expires as a commit would that comes next, and forgets it.
    package func look(_ looks: [Look], at now: Instant) throws(StoreError) -> [Look.Answer] {
        let workingSet = head.workingSet(self, after: watermark(), isDeciding: true)
        return try looks.map { (look) throws(StoreError) in try workingSet.look(look, at: now) }
    }
}
