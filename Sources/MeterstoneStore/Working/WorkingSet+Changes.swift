import MeterstoneCore

extension WorkingSet {
    /// Carries an administrative change out, unless it was so already.
    func change(_ request: ChangeRequest, at now: Instant) throws(StoreError) -> Outcome {
        if let key = request.idempotencyKey, let receipt = try receipt(for: key) {
            guard receipt.isOf(request) else {
                let differences = try request.change.differences(from: receipt.change)
                return .changed(
                    .rejected(.idempotencyConflict(differences)), after: nil, isReplay: false)
            }
            return .changed(receipt.outcome, after: receipt.after, isReplay: true)
        }
        let asked = request
        var request = request
        if case .patch(let patch) = request.change {
            switch try resolved(patch) {
            case .put(let change): request.change = change
            case .missing: return .changed(.missing, after: nil, isReplay: false)
            case .rejected(let why):
                return .changed(.rejected(why), after: nil, isReplay: false)
            }
        }
        if !request.change.isOfCredits, let id = request.change.subject {
            try writeDue(of: try state(of: id), at: now)
        }
        let before = request.change.isNote ? nil : try text(of: request.change)
        let outcome =
            request.change.isOfCredits
            ? try changeCredits(request, at: now)
            : try carryOut(request.change, at: batch.nextSequence, on: now)
        let after = try text(of: request.change)
        // A key is remembered with its answer also when that was that nothing had to be done.
        let isRemembered = request.idempotencyKey != nil && outcome.isAnswer
        guard outcome.isChange || isRemembered else {
            return .changed(outcome, after: after, isReplay: false)
        }
        var record = ChangeRecord(
            sequence: batch.nextSequence, recordedAt: now, request: request, outcome: outcome,
            before: before, after: after)
        if case .patch(let patch) = asked.change { record.patch = patch }
        var writer = ByteWriter()
        try record.write(to: &writer)
        let subject = request.change.subject.flatMap { subjects[$0]?.number } ?? 0
        let position = batch.append(subject: subject) { $0.append(writer.bytes) }
        note(record, at: position.sequence)
        return .changed(outcome, after: after, isReplay: false)
    }

    /// What a change fact does beside its effect, live and in replay.
    func note(_ record: ChangeRecord, at sequence: Int64) {
        var record = record
        record.sequence = sequence
        tail.note(record)
    }

    private func receipt(for key: String) throws(StoreError) -> ChangeReceiptRecord? {
        if let recent = tail.snapshot.lastChange(where: { $0.idempotencyKey == key }) {
            return ChangeReceiptRecord(recent)
        }
        return try source.receipt(forIdempotencyKey: key)
    }

    /// The effect of a change, live and in replay.
    func carryOut(
        _ change: Change, at sequence: Int64, on instant: Instant
    ) throws(StoreError) -> ChangeOutcome {
        switch change {
        case .putMeter, .deleteMeter, .putPlan, .deletePlan, .putLimit, .deleteLimit,
            .putCreditPolicy, .deleteCreditPolicy, .putStatisticsPolicy, .deleteStatisticsPolicy,
            .putModel,
            .deleteModel:
            let (blueprint, outcome) = catalog.blueprint.applying(change)
            if outcome.isChange { install(blueprint, after: change, at: sequence, on: instant) }
            return outcome
        case .grantCredit, .voidGrant, .refundCredit:
            // Ledger entries are facts of their own.
            return .unchanged
        case .noteBlueprint, .noteImport:
            return .created
        default:
            return try carryOutOnSubject(change, at: sequence, on: instant)
        }
    }

    /// Makes a blueprint the one that decides from here on.
    func install(
        _ blueprint: Blueprint, after change: Change, at sequence: Int64, on instant: Instant
    ) {
        for meter in blueprint.meters.sorted(by: { $0.key < $1.key }) {
            registry.register(meter.key)
            if let name = meter.quantityName { registry.register(name) }
        }
        registry.registerPlans(of: blueprint)
        for limit in blueprint.limits.sorted(by: { $0.key < $1.key }) {
            registry.register(limit.key)
        }
        registry.count(
            blueprint.series { registry.number(of: $0) }, from: sequence)
        var schedule = catalog.schedule
        schedule.apply(change, at: instant, sequence: sequence)
        catalog = Catalog(blueprint, registry, options, schedule: schedule)
        version += 1
    }

    private func carryOutOnSubject(
        _ change: Change, at sequence: Int64, on instant: Instant
    ) throws(StoreError) -> ChangeOutcome {
        guard let id = change.subject else { return .unchanged }
        let state = try state(of: id)
        let isNew = state.number == 0
        let (profile, outcome) = state.profile.applying(change, isNew: isNew)
        if let rejection = try reject(profile, change, of: state) { return .rejected(rejection) }
        guard outcome.isChange else { return outcome }
        register(state, on: instant)
        let before = state.profile
        if before.plan != profile.plan || before.subscription != profile.subscription
            || before.parent != profile.parent
        {
            state.since = instant
        }
        // What is said first is said of all that was before.
        try install(profile, of: state, at: sequence, on: instant, isFirst: isNew)
        return outcome
    }

    private func install(
        _ profile: Subject, of state: SubjectState, at sequence: Int64, on instant: Instant,
        isFirst: Bool
    ) throws(StoreError) {
        let oldZone = state.zone
        let oldAnchor = state.anchor
        let newZone = zone(of: profile).rules
        let moves = oldZone.name != newZone.name || oldAnchor != profile.subscription?.startsAt
        if moves { try recount(state, zone: newZone, anchor: profile.subscription?.startsAt) }
        let oldParent = state.parent
        let parent = try profile.parent.map { (id) throws(StoreError) in
            let parent = try self.state(of: id)
            register(parent, on: instant)
            return parent
        }
        state.replace(profile: profile, parent: parent, at: isFirst ? nil : instant)
        state.zone = newZone
        let place = max(sequence, head)
        if oldParent !== state.parent {
            noteChild(of: oldParent, left: state.levelsBelow, at: place)
            noteChild(of: state.parent, came: state.levelsBelow, at: place)
        }
        version += 1
        noteRow(of: state, at: place)
    }

    /// Moves all counters of a subject to the windows of another calendar.
    private func recount(
        _ state: SubjectState, zone: ZoneRules, anchor: Instant?
    ) throws(StoreError) {
        let history = try history(of: state.number, over: .lifetime)
        let events = history.events
        var counters: [CounterKey: Counter] = [:]
        for (number, series) in registry.series.enumerated()
        where series.isCounted && !series.definition.window.isRolling {
            for event in events {
                guard let contribution = series.definition.contribution(of: event) else { continue }
                let window = series.definition.window
                let old = window.span(
                    containing: event.record.occurredAt, in: state.zone, anchor: state.anchor)
                let oldKey = CounterKey(series: number, from: old.from, subject: state.number)
                if counters[oldKey] == nil { counters[oldKey] = .empty(number, old, head) }
                let new = window.span(
                    containing: event.record.occurredAt, in: zone, anchor: anchor)
                let key = CounterKey(series: number, from: new.from, subject: state.number)
                var counter = counters[key] ?? .empty(number, new, head)
                if counter.isDeleted { counter.span = new }
                counter.isDeleted = false
                _ = counter.state.add(contribution, as: series.definition.aggregation)
                counters[key] = counter
            }
        }
        for event in history.all {
            let instant = event.record.occurredAt
            let old = Window.month.span(containing: instant, in: state.zone, anchor: nil)
            let oldKey = CounterKey(
                series: OwnSeries.activity, from: old.from, subject: state.number)
            if counters[oldKey] == nil { counters[oldKey] = .empty(OwnSeries.activity, old, head) }
            let new = Window.month.span(containing: instant, in: zone, anchor: nil)
            let key = CounterKey(series: OwnSeries.activity, from: new.from, subject: state.number)
            var counter = counters[key] ?? .empty(OwnSeries.activity, new, head)
            if counter.isDeleted { counter.span = new }
            counter.isDeleted = false
            counter.state.withActivity { $0.note(event, on: zone.dayNumber(containing: instant)) }
            counters[key] = counter
        }
        replaceCounters(of: state, by: counters)
    }

    private func replaceCounters(of state: SubjectState, by counters: [CounterKey: Counter]) {
        let wasDirty = Set(
            state.others.filter(\.value.isDirty).keys
                + state.current.filter { $0.isDirty && OwnSeries.followsCalendar($0.series) }
                .map { $0.key(of: state) })
        // Reservations and credits follow no calendar.
        state.current.removeAll { OwnSeries.followsCalendar($0.series) }
        state.others = counters
        for key in counters.keys where !wasDirty.contains(key) {
            state.dirtyCounters += 1
            tail.noteDirty(
                DirtyCounter(subject: state, series: key.series, from: key.from, sequence: head))
        }
        // What was dirty and is gone keeps its place in the list, as a counter to delete.
        for key in wasDirty where counters[key] == nil {
            let span = WindowSpan(from: key.from, until: key.from)
            state.others[key] = .empty(key.series, span, head)
        }
    }
}

extension Counter {
    /// A counter whose row is to go, unless something is counted in it.
    fileprivate static func empty(_ series: Int, _ span: WindowSpan, _ head: Int64) -> Counter {
        var counter = Counter(
            series: series, span: span, state: .empty, asOf: head, isDirty: true)
        counter.isDeleted = true
        return counter
    }
}
