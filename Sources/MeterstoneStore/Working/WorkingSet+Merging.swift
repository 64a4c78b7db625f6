import MeterstoneCore

/// One subject is merged into another: what it used counts for the other from then on.
///
/// Each event is taken back where it stood, by a correction, and recorded for the other as it was recorded
/// first: with its id, time, teams, plan and answer. Its corrections follow. So every reader, `verify` and
/// followers see facts as they know them. Credits move by ledger entries, and the key becomes an alias.
extension WorkingSet {
    /// How many events one merge moves.
    package static let mergedEventsMax = 1_000

    // MARK: What is refused

    /// Why two subjects cannot be made one, as far as it shows without their events.
    func rejectMerge(
        of from: SubjectState, into: SubjectState, as key: SubjectID
    ) throws(StoreError) -> Rejection? {
        if key == into.id {
            return Rejection(
                code: .invalidField, field: "from", message: "expected another subject's key")
        }
        if from === into { return nil }
        for (state, field) in [(from, "from"), (into, "into")] where state.number == 0 {
            return Rejection(
                code: .unknownSubject, field: field,
                message: "expected a subject of which something is known, and of '\(state.id)' "
                    + "there is nothing; a rename gives a subject another key")
        }
        if into.isEver(below: from) || from.isEver(below: into) { return .mergingTeams }
        if from.profile.erasedAt != nil { return .erased(from.id, "from") }
        let profile = from.profile.settled(at: now).subject
        if from.children != .zero { return .unmergeable("has members") }
        if profile.account != nil { return .unmergeable("has an account; delete that before") }
        if profile.blocked { return .unmergeable("is blocked, and would not be any more") }
        guard profile.subscription == nil, profile.scheduled.isEmpty,
            from.past.subscriptions.isEmpty
        else { return .unmergeable("has, or had, a subscription, whose payments are its own") }
        guard into.aliases.count + from.aliases.count < Self.aliasesMax else {
            return .tooManyAliases("from")
        }
        return nil
    }

    // MARK: Moving

    /// Moves what one subject used, and its credits, to another. Why not, if it cannot be; nothing of it is
    /// written then.
    func move(
        _ from: SubjectState, to into: SubjectState, by author: String, at now: Instant
    ) throws(StoreError) -> Rejection? {
        try expireDue(from, at: now)
        try expireDue(into, at: now)
        let open = from.current[try openReservationsIndex(from, at: now)].state.openReservations
        guard open.isEmpty else {
            return Rejection(
                code: .reservationOpen, field: "from",
                message: "expected no open reservation of it: settle or release '\(open[0].id)'")
        }
        let days = try counters(of: from, ofSeries: OwnSeries.activity).values.lazy
            .flatMap(\.activity.days)
        guard days.reduce(0, { $0 + $1.events }) <= Self.mergedEventsMax else {
            return .tooManyEvents
        }
        let events: [MergedEvent]
        switch try mergedEvents(of: from, into) {
        case .success(let found): events = found
        case .failure(let rejection): return rejection
        }
        let credits: MovedCredits
        switch try movedCredits(of: from, to: into, by: author, at: now) {
        case .success(let found): credits = found
        case .failure(let rejection): return rejection
        }
        // Rows of other keys are needed when the change is carried out.
        _ = try all(from.aliases) { (key) throws(StoreError) in try row(of: key) }
        let watched = try watchedUnits(of: into)
        for event in events {
            try move(event, of: from, to: into, by: author, at: now)
        }
        for entry in credits.taken { try write(entry, of: from, isTold: false) }
        for entry in credits.given { try write(entry, of: into, isTold: false) }
        if from.nextExpiry != nil { noteExpiry(of: from, nil) }
        if !watched.isEmpty { try fire(of: into, since: watched) }
        return nil
    }

    /// Everything that a subject used itself, oldest first; or why it cannot be another's.
    private func mergedEvents(
        of from: SubjectState, _ into: SubjectState
    ) throws(StoreError) -> Result<[MergedEvent], Rejection> {
        var steps: [Int64: UsageStep] = [:]
        func add(_ step: UsageStep?) { if let step { steps[step.sequence] = step } }
        for row in try source.facts(of: from.number, days: WindowSpan.lifetime.utcDays) {
            do throws(MalformedRecord) {
                guard try row.pointer == nil else { return .failure(.unmergeable("had members")) }
            } catch {
                throw .unreadable(row.sequence)
            }
            add(try UsageStep(row, of: from.number, names: registry.names, source: source))
        }
        let waiting = tail.facts(.usage, of: from.number).filter {
            $0.sequence > watermark && $0.sequence <= head
        }
        for fact in waiting + batch.facts(.usage, of: from.number) {
            guard fact.subject == from.number else {
                return .failure(.unmergeable("had members"))
            }
            add(try UsageStep(fact, of: from.number, names: registry.names))
        }
        var events: [MergedEvent] = []
        var places: [Int64: Int] = [:]
        for step in steps.values.sorted(by: { $0.sequence < $1.sequence }) {
            switch step.content {
            case .usage(let record):
                places[step.sequence] = events.count
                events.append(MergedEvent(sequence: step.sequence, record: record))
            case .correction(let correction):
                guard let place = places[correction.target] else {
                    throw .unreadable(step.sequence)
                }
                events[place].corrections.append(correction)
            }
        }
        guard events.count <= Self.mergedEventsMax else { return .failure(.tooManyEvents) }
        guard !events.contains(where: { $0.record.ancestors.contains(into.number) }) else {
            return .failure(.mergingTeams)
        }
        // Where the ids stood, and which teams there are: nothing is left to ask for once something is
        // written.
        _ = try all(events) { (event) throws(StoreError) in
            try source.locations(of: event.record.id, source: event.record.details?.source)
        }
        let levels = try all(events) { (event) throws(StoreError) in
            try self.levels(of: event.record, into)
        }
        if let rejection = try rejectSums(events, levels) { return .failure(rejection) }
        if let rejection = try rejectReadings(events, into) { return .failure(rejection) }
        return .success(events)
    }

    /// What sums come to has to fit, whatever was corrected since.
    private func rejectSums(
        _ events: [MergedEvent], _ levels: [Levels]
    ) throws(StoreError) -> Rejection? {
        var more: [CounterKey: Int64] = [:]
        for (event, levels) in zip(events, levels) {
            for movement in event.versions.flatMap({ catalog.movements(of: $0.event) })
            where movement.meter.meter.aggregation == .sum {
                let series = movement.meter.lifetimeSeries
                for subject in levels {
                    let key = CounterKey(
                        series: series, from: WindowSpan.lifetime.from, subject: subject.number)
                    let index = try counterIndex(
                        subject, series: series, window: .lifetime, at: now)
                    let known = more[key] ?? subject.current[index].state.value
                    let (sum, isOver) = known.addingReportingOverflow(movement.units)
                    if isOver { return .quantityOverflow }
                    more[key] = sum
                }
            }
        }
        return nil
    }

    /// Readings of two subjects are no readings of one: which of them holds at a time, nobody can tell.
    private func rejectReadings(
        _ events: [MergedEvent], _ into: SubjectState
    ) throws(StoreError) -> Rejection? {
        let gauges = events.flatMap { $0.versions.flatMap { catalog.movements(of: $0.event) } }
            .map(\.meter).filter(\.meter.aggregation.isOfReadings).unique
        for meter in gauges {
            let index = try counterIndex(
                into, series: meter.lifetimeSeries, window: .lifetime, at: now)
            guard into.current[index].state == .empty else {
                return .unmergeable("has readings of '\(meter.meter.key)', as the other has")
            }
        }
        return nil
    }

    /// Takes one event back and records it for the other.
    private func move(
        _ event: MergedEvent, of from: SubjectState, to into: SubjectState, by author: String,
        at now: Instant
    ) throws(StoreError) {
        if let standing = event.standing {
            let taken = CorrectionRecord(
                target: event.sequence, recordedAt: now, author: author,
                reason: "merged into \(into.id)", before: standing, after: nil)
            try writeMoved(taken, of: from)
        }
        var record = event.record
        record.isArchived = false
        let position = batch.append(subject: into.number) { writer in
            record.write(to: &writer) { registry.number(ofQuantity: $0) }
        }
        try apply(
            record, of: into, try levels(of: record, into),
            catalog.movements(of: record.event(subject: into.id)), isGenerated: false, at: position)
        for var correction in event.corrections {
            correction.target = position.sequence
            correction.before.isArchived = false
            correction.after?.isArchived = false
            try writeMoved(correction, of: into)
        }
    }

    /// Nothing of it is told to whom watches limits: each level comes to what it had, or is looked at in the
    /// end.
    private func writeMoved(
        _ correction: CorrectionRecord, of state: SubjectState
    ) throws(StoreError) {
        guard let effects = try effects(of: correction, state, at: batch.nextSequence) else {
            throw .doesNotFit(state.id)
        }
        let position = batch.append(subject: state.number) { writer in
            correction.write(to: &writer) { registry.number(ofQuantity: $0) }
        }
        try apply(correction, effects, of: state, at: position)
    }

    // MARK: Carrying it out

    /// The keys of the one mean the other, and the row of the one is that of an alias.
    func install(
        merged from: SubjectState, into: SubjectState, at sequence: Int64, on instant: Instant
    ) throws(StoreError) {
        if let team = from.parent { noteChild(of: team, left: from.levelsBelow, at: sequence) }
        for key in from.aliases {
            let row = try row(of: key)
            row.stand(for: into, as: .merged)
            row.times.updatedAt = instant
            into.aliases.insert(key)
            noteRow(of: row, at: sequence)
        }
        from.aliases = []
        into.merged = (into.merged + from.merged + [from.number]).sorted()
        from.merged = []
        for grant in from.profile.onceGrants { into.profile.noteOnce(grant) }
        into.aliases.insert(from.id)
        from.stand(for: into, as: .merged)
        from.past = SubjectPast()
        for changed in [from, into] {
            changed.times.updatedAt = instant
            noteRow(of: changed, at: sequence)
        }
        version += 1
    }
}

extension SubjectState {
    /// Whether another stands above it, or stood.
    fileprivate func isEver(below other: SubjectState) -> Bool {
        var next = [self]
        var seen: Set<ObjectIdentifier> = []
        while let state = next.popLast() {
            for team in [state.parent].compactMap(\.self) + state.pastParents.values.map(\.meant) {
                if team === other { return true }
                if seen.insert(ObjectIdentifier(team)).inserted { next.append(team) }
            }
        }
        return false
    }
}

/// An event that is moved: as it was recorded first, and what corrected it since.
private struct MergedEvent {
    let sequence: Int64
    let record: UsageRecord
    var corrections: [CorrectionRecord] = []

    /// As it counts now; `nil`: it was voided.
    var standing: UsageRecord? {
        guard let last = corrections.last else { return record }
        return last.after
    }

    /// As it counts now, and as it counted before.
    var versions: [UsageRecord] { [record] + corrections.compactMap(\.after) }
}

extension UsageRecord {
    fileprivate var event: UsageEvent { event(subject: SubjectID(unchecked: "")) }
}

extension Rejection {
    fileprivate static func unmergeable(_ why: String) -> Rejection {
        Rejection(code: .inUse, field: "from", message: "it cannot be merged: it \(why)")
    }

    fileprivate static let mergingTeams = Rejection(
        code: .cyclicParent, field: "from",
        message: "expected a subject that is, and was, neither above nor below the other")

    fileprivate static let tooManyEvents = Rejection(
        code: .tooManyEvents, field: "from",
        message: "expected at most \(WorkingSet.mergedEventsMax) events of it")
}
