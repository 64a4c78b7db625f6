package import MeterstoneCore

extension WorkingSet {
    /// The counters that commands will ask for, as far as that can be told without deciding them.
    ///
    /// For stores that fetch rows for a whole batch at once. It may name too many or too few: who
    /// decides asks for what is missing.
    package func counters(
        neededBy commands: [Command], at now: Instant
    ) -> Set<CounterKey> {
        var keys: Set<CounterKey> = []
        for command in commands {
            switch command {
            case .consume(let event), .check(let event, _), .record(let event),
                .reserve(let event, _):
                let movements = catalog.movements(
                    of: priced(event, at: now, isEstimate: true) ?? event)
                let instant = counted(event.occurredAt ?? now)
                forEachLevel(of: event.subject) { subject in
                    for movement in movements {
                        addKeys(of: movement.meter, subject, at: instant, to: &keys)
                    }
                    addKey(OwnSeries.activity, .month, subject, at: instant, to: &keys)
                    if case .reserve = command {
                        addKey(of: OwnSeries.reservations, subject, to: &keys)
                    }
                }
                addWallet(of: event.subject, isRecord: command.isRecord, to: &keys)
            case .expire(let id):
                forEachLevel(of: id) { addKey(of: OwnSeries.reservations, $0, to: &keys) }
            case .change(let request):
                if request.change.isOfCredits, let id = request.change.subject {
                    addWallet(of: id, isRecord: false, to: &keys)
                }
            case .correct, .extend, .close: break
            }
        }
        return keys
    }

    /// The same for looks.
    package func counters(neededBy looks: [Look], at now: Instant) -> Set<CounterKey> {
        var keys: Set<CounterKey> = []
        for look in looks {
            switch look {
            case .limits(let id):
                forEachLevel(of: id) { subject in
                    for definition in catalog.activeDefinitions {
                        addKeys(of: definition, subject, at: now, to: &keys)
                    }
                }
            case .openReservations(let id):
                forEachLevel(of: id) { addKey(of: OwnSeries.reservations, $0, to: &keys) }
            case .standing(let id, _):
                for definition in catalog.activeDefinitions {
                    guard let subject = try? state(of: id) else { continue }
                    addKeys(of: definition, subject, at: now, to: &keys)
                }
                addWallet(of: id, isRecord: false, to: &keys)
            case .wallet(let id): addWallet(of: id, isRecord: false, to: &keys)
            case .attempt(let command): keys.formUnion(counters(neededBy: [command], at: now))
            case .reservation, .event, .compare, .meters: break
            }
        }
        return keys
    }

    /// Visits the subject and those above it that have a number. One that cannot be read is left out.
    private func forEachLevel(of id: SubjectID, _ visit: (SubjectState) -> Void) {
        var level = try? state(of: id)
        while let subject = level {
            if subject.number != 0 { visit(subject) }
            level = subject.parent
        }
    }

    private func addKey(of series: Int, _ subject: SubjectState, to keys: inout Set<CounterKey>) {
        keys.insert(
            CounterKey(series: series, from: WindowSpan.lifetime.from, subject: subject.number))
    }

    private func addWallet(of id: SubjectID, isRecord: Bool, to keys: inout Set<CounterKey>) {
        guard catalog.payment != nil, !isRecord, let state = try? state(of: id), state.number != 0
        else { return }
        addKey(of: OwnSeries.wallet, state, to: &keys)
    }

    private func addKeys(
        of meter: CompiledMeter, _ subject: SubjectState, at instant: Instant,
        to keys: inout Set<CounterKey>
    ) {
        for series in meter.series {
            addKey(series.number, series.window, subject, at: instant, to: &keys)
        }
        for definition in meter.limits where definition.isShadowForSome {
            addKeys(of: definition, subject, at: instant, to: &keys)
        }
    }

    private func addKeys(
        of definition: LimitDefinition, _ subject: SubjectState, at instant: Instant,
        to keys: inout Set<CounterKey>
    ) {
        addKey(definition.series, definition.countedWindow, subject, at: instant, to: &keys)
        guard definition.isShadowForSome else { return }
        addKey(
            definition.refusalSeries, definition.limit.window, subject, at: instant, to: &keys)
    }

    private func addKey(
        _ series: Int, _ window: Window, _ subject: SubjectState, at instant: Instant,
        to keys: inout Set<CounterKey>
    ) {
        // Windows of instants have no row.
        guard !window.isOfInstants else { return }
        let span = window.span(
            containing: instant, in: subject.zone,
            anchors: series < 0 ? BillingAnchors(nil) : subject.anchors)
        keys.insert(CounterKey(series: series, from: span.from, subject: subject.number))
    }
}

extension Command {
    /// Whether it records what has happened, which costs no credits.
    fileprivate var isRecord: Bool {
        if case .record = self { return true }
        return false
    }
}
