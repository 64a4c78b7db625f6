import MeterstoneCore

/// How the days of a subject follow from its facts, as they come and again in a recount.
extension WorkingSet {
    /// Notes a usage on the day on which it occurred.
    ///
    /// - Parameter isOwn: whether it is the subject's, and not that of one below it.
    func noteActivity(
        _ record: UsageRecord, of subject: SubjectState, isOwn: Bool, at sequence: Int64
    ) throws(StoreError) {
        try noteActivity(of: subject, at: record.occurredAt, sequence) { activity, day in
            activity.note(record, isOwn: isOwn, on: day, at: sequence)
        }
    }

    /// Notes a correction on the day on which its usage occurred.
    func noteActivity(
        _ correction: CorrectionRecord, of subject: SubjectState, isOwn: Bool, at sequence: Int64
    ) throws(StoreError) {
        try noteActivity(of: subject, at: correction.occurredAt, sequence) { activity, day in
            activity.note(correction, isOwn: isOwn, on: day, at: sequence)
        }
    }

    private func noteActivity(
        of subject: SubjectState, at instant: Instant, _ sequence: Int64,
        _ change: (inout Activity, Int64) -> Void
    ) throws(StoreError) {
        let index = try counterIndex(
            subject, series: OwnSeries.activity, window: .month, at: instant)
        guard subject.current[index].asOf < sequence else { return }
        let day = subject.zone.dayNumber(containing: instant)
        subject.current[index].state.withActivity { change(&$0, day) }
        touch(subject, index, at: sequence)
    }
}

extension Activity {
    fileprivate mutating func note(_ overages: [LimitOverage], times: Int64) {
        for overage in overages { note(overage: overage.units * times, of: overage.limit) }
    }

    /// Notes a usage as it comes.
    mutating func note(_ record: UsageRecord, isOwn: Bool, on day: Int64, at sequence: Int64) {
        note(
            day: day, change: record.isCounted ? 1 : 0, sequence: sequence,
            recordedAt: record.recordedAt, planNumber: record.planNumber)
        if isOwn { note(record.overages, times: 1) }
    }

    /// Notes a correction as it comes.
    mutating func note(
        _ correction: CorrectionRecord, isOwn: Bool, on day: Int64, at sequence: Int64
    ) {
        let change =
            (correction.after?.isCounted ?? false ? 1 : 0) - (correction.before.isCounted ? 1 : 0)
        note(
            day: day, change: Int64(change), sequence: sequence,
            recordedAt: correction.recordedAt, planNumber: correction.before.planNumber)
        guard isOwn else { return }
        note(correction.before.countedOverages, times: -1)
        note(correction.after?.countedOverages ?? [], times: 1)
    }

    /// Notes an event with all its corrections at once.
    mutating func note(_ event: EffectiveEvent, on day: Int64) {
        let record = event.record
        let isCounted = !event.isVoided && record.isCounted
        note(
            day: day, change: isCounted ? 1 : 0, sequence: event.lastSequence,
            recordedAt: event.corrections.last?.recordedAt ?? record.recordedAt,
            planNumber: record.planNumber)
        if event.level == 0, isCounted { note(record.overages, times: 1) }
    }
}

extension UsageRecord {
    /// Whether it counts: everything but reservations that came to nothing.
    package var isCounted: Bool { reservation?.isCounted ?? true }

    fileprivate var countedOverages: [LimitOverage] { isCounted ? overages : [] }
}
