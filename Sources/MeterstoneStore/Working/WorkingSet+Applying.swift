import MeterstoneCore

/// What facts do. Nothing else changes what the working set knows: it is called with what a command just
/// wrote, and again with what a batch says that is replayed, in PostgreSQL's transactions too.
///
/// A counter that already includes a fact is left alone, so that replaying what was partly projected
/// does no harm.
extension WorkingSet {
    // MARK: Usage

    /// A usage moves the counters of its subject and of the teams above it.
    func apply(
        _ record: UsageRecord, of owner: SubjectState, _ levels: Levels, _ movements: Movements,
        isGenerated: Bool, at position: TailPosition
    ) throws(StoreError) {
        let sequence = position.sequence
        tail.remember(
            record.id.key(source: record.details?.source), isGenerated: isGenerated, at: position)
        let number = owner.number
        for (level, subject) in levels.enumerated() {
            try count(movements, record, for: subject, level: level, owner: number, at: sequence)
            if !subject.resetCounters.isEmpty {
                countSinceResets(movements, record, for: subject, level: level, at: sequence)
            }
            try noteActivity(record, of: subject, isOwn: level == 0, at: sequence)
            for answer in record.answers where answer.level == level && answer.isShadowRefusal {
                guard let (series, meter) = refusals(by: answer),
                    let movement = movements.movement(of: meter)
                else { continue }
                try count(
                    movement, series, record, for: subject, level: level, owner: number,
                    at: sequence)
            }
        }
        if record.reservation != nil { try open(record, of: owner, levels, at: sequence) }
    }

    /// Adds what a record moves to the counters of one of its levels.
    ///
    /// - Parameter owner: the number of the subject whose event it is.
    func count(
        _ movements: Movements, _ record: UsageRecord, for subject: SubjectState, level: Int,
        owner: Int64, at sequence: Int64
    ) throws(StoreError) {
        for movement in movements {
            for series in movement.meter.series {
                try count(
                    movement, series, record, for: subject, level: level, owner: owner,
                    at: sequence)
            }
        }
    }

    @inline(__always)
    private func count(
        _ movement: Movement, _ series: CompiledSeries, _ record: UsageRecord,
        for subject: SubjectState, level: Int, owner: Int64, at sequence: Int64
    ) throws(StoreError) {
        guard
            let contribution = series.contribution(
                of: movement, record, level: level, owner: owner, sequence: sequence)
        else { return }
        let index = try counterIndex(
            subject, series: series.number, window: series.window, at: contribution.occurredAt)
        if subject.current[index].count(contribution, series) {
            noteDirty(subject, index, at: sequence)
        }
    }

    /// The series that counts what a shadow limit would have refused, and the meter that it limits.
    func refusals(by answer: LimitAnswer) -> (series: CompiledSeries, meter: CompiledMeter)? {
        guard answer.limit < registry.limits.count,
            let definition = catalog.definitions[registry.limits[answer.limit]],
            let meter = catalog.meter(definition.limit.meter)
        else { return nil }
        let series = registry.series[definition.refusalSeries].definition
        return (CompiledSeries(number: definition.refusalSeries, series), meter)
    }

    // MARK: Corrections

    /// A correction replaces what an event contributed, on every level that it counted on.
    ///
    /// - Parameter effects: as ``effects(of:_:at:)`` tells them before anything of it is applied.
    func apply(
        _ correction: CorrectionRecord, _ effects: [CorrectionEffect], of owner: SubjectState,
        at position: TailPosition
    ) throws(StoreError) {
        let sequence = position.sequence
        tail.noteCorrection(of: correction.target, at: position)
        let levels = try levels(of: correction.before, owner)
        if correction.before.reservation?.status == .open {
            try follow(correction, levels, at: sequence)
        }
        for (level, subject) in levels.enumerated() {
            try noteActivity(correction, of: subject, isOwn: level == 0, at: sequence)
        }
        for effect in effects {
            let (subject, series) = (effect.subject, effect.series)
            if !subject.resetCounters.isEmpty { correctSinceResets(effect, at: sequence) }
            if series.window.isOfInstants {
                guard let index = subject.current.firstIndex(where: { $0.series == series.number })
                else { continue }
                if effect.outdates(subject.current[index]) {
                    subject.current[index].forgetInstants()
                    continue
                }
                guard effect.concerns(subject.current[index]),
                    subject.current[index].asOf < sequence
                else { continue }
                effect.apply(to: &subject.current[index].state)
                subject.current[index].asOf = sequence
                continue
            }
            let index = try counterIndex(
                subject, series: series.number, window: series.window, at: correction.occurredAt)
            if let folded = effect.folded {
                subject.current[index].state = folded
            } else {
                subject.current[index].state.replace(
                    effect.before, by: effect.after, as: series.aggregation)
            }
            touch(subject, index, at: sequence)
        }
    }

    // MARK: Reservations

    /// A reservation is open on every level.
    private func open(
        _ record: UsageRecord, of owner: SubjectState, _ levels: Levels, at sequence: Int64
    ) throws(StoreError) {
        guard let entry = OpenReservation(record, of: owner.number, at: sequence) else { return }
        for subject in levels {
            try changeOpen(of: subject, at: sequence) { $0.insert(entry) }
            expire(subject, notAfter: entry.expiresAt, at: sequence)
        }
    }

    /// A correction of an open reservation moves its end, or closes it.
    private func follow(
        _ correction: CorrectionRecord, _ levels: Levels, at sequence: Int64
    ) throws(StoreError) {
        let stillOpen = correction.after?.reservation.flatMap { $0.status == .open ? $0 : nil }
        for subject in levels {
            try changeOpen(of: subject, at: sequence) { $0.follow(correction) }
            if let stillOpen { expire(subject, notAfter: stillOpen.expiresAt, at: sequence) }
        }
    }

    private func expire(_ subject: SubjectState, notAfter instant: Instant, at sequence: Int64) {
        guard subject.nextExpiry.map({ instant < $0 }) ?? true else { return }
        setNextExpiry(of: subject, instant, at: sequence)
    }

    private func changeOpen(
        of subject: SubjectState, at sequence: Int64, _ change: (inout [OpenReservation]) -> Void
    ) throws(StoreError) {
        let index = try openReservationsIndex(subject, at: .earliest)
        guard subject.current[index].asOf < sequence else { return }
        var open = subject.current[index].state.openReservations
        // Lets go of the second reference, so that the list is not copied.
        subject.current[index].state = .empty
        change(&open)
        subject.current[index].state = CounterState(open)
        touch(subject, index, at: sequence)
    }

    /// An expiry tells before when nothing of a subject expires.
    func setNextExpiry(of subject: SubjectState, _ next: Instant?, at sequence: Int64) {
        subject.nextExpiry = next
        noteRow(of: subject, .expiry, at: sequence)
    }

    // MARK: Credits

    /// An entry of a ledger changes its subject's wallet.
    ///
    /// - Parameter bytes: as they are sealed.
    func apply(
        _ record: LedgerRecord, _ bytes: [UInt8], of state: SubjectState, at sequence: Int64
    ) throws(StoreError) {
        let index = try walletIndex(state, at: .earliest)
        guard state.current[index].asOf < sequence else { return }
        if record.entry.kind == .refund { tail.noteRefund(of: state.number) }
        var sealed = state.current[index].state.wallet
        guard record.previous == sealed.seal else { throw .unreadable(sequence) }
        // Lets go of the second reference, so that the wallet is not copied.
        state.current[index].state = .empty
        sealed.wallet.apply(record.entry)
        sealed.seal = SHA256.hash(bytes)
        state.current[index].state = CounterState(sealed)
        touch(state, index, at: sequence)
    }

    // MARK: Subjects

    /// A subject gets its number with its first fact.
    func introduce(
        _ state: SubjectState, number: Int64, at sequence: Int64, since: Instant?,
        createdAt: Instant?
    ) {
        state.number = number
        state.times.createdAt = createdAt
        state.since = since
        state.firstSequence = sequence
        byNumber[number] = state
        nextSubject = max(nextSubject, number + 1)
        let isBare =
            state.children == .zero && state.nextExpiry == nil && state.past.isEmpty
            && state.profile == Subject(id: state.id) && state.rowSequence == 0
        noteRow(of: state, isBare ? .number : .profile, at: sequence)
    }

    // MARK: Changes

    /// A change puts another catalog or another profile in the place of what was.
    func apply(
        _ record: ChangeRecord, _ effect: ChangeEffect, at sequence: Int64
    ) throws(StoreError) {
        switch effect {
        case .none: break
        case .catalog(let blueprint):
            install(blueprint, after: record.change, at: sequence, on: record.recordedAt)
        case .profile(let profile, let state, let isFirst):
            try install(
                profile, of: state, isFirst: isFirst, at: sequence, on: record.recordedAt)
        case .alias(let key, let state):
            try install(alias: key, of: state, at: sequence, on: record.recordedAt)
        case .noAlias(let key, let state):
            try remove(alias: key, of: state, at: sequence, on: record.recordedAt)
        case .rename(let state, let key):
            try rename(state, to: key, at: sequence, on: record.recordedAt)
        case .erase(let state, let erasure):
            try erase(state, as: erasure, at: sequence, on: record.recordedAt)
        case .once(let grant, let state):
            state.profile.noteOnce(grant)
            noteRow(of: state, at: sequence)
        case .merge(let from, let into):
            try install(merged: from, into: into, at: sequence, on: record.recordedAt)
        }
        var record = record
        record.sequence = sequence
        if case .noteAlert = record.change, let key = record.idempotencyKey {
            waitingAlerts[key] = sequence
        }
        tail.note(record)
    }
}
