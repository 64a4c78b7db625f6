import MeterstoneCore

/// What became of an event that was played again.
enum PlayedEvent {
    /// It moves no meter that is limited.
    case unconcerned
    case counted
    /// Numbers of the limits that refuse it, each once.
    case refused(by: [Int])
}

/// Plays a past again: the rules decide and count, and nothing is written. A working set that plays
/// does nothing else.
extension WorkingSet {
    /// Counts an event of the past; one that is decided, only if every limit allows it.
    ///
    /// - Parameters:
    ///   - record: with quantities that meters know or not; what is unknown moves nothing.
    ///   - state: below the teams that the event counted for.
    ///   - sequence: rises from one event of a subject to its next.
    func play(
        _ record: UsageRecord, of state: SubjectState, at sequence: Int64, decides: Bool
    ) throws(StoreError) -> PlayedEvent {
        let movements = catalog.movements(of: record.event(subject: state.id))
        guard !movements.isEmpty else { return .unconcerned }
        batch.move(to: sequence)
        let levels = try levels(played: record, state)
        if decides {
            let evaluation = try evaluate(
                movements, levels, record.details, at: record.occurredAt,
                isReservation: false)
            guard evaluation.violations.isEmpty else {
                let statuses = evaluation.statuses
                return .refused(
                    by: evaluation.violations.map { statuses[$0.status].definition.number }.unique)
            }
        }
        for (level, subject) in levels.enumerated() {
            try count(
                movements, record, for: subject, level: level, owner: state.number, at: sequence)
        }
        return .counted
    }

    /// Puts a subject below these teams, the nearest first, and each of them below the next.
    func seat(
        _ state: SubjectState, below teams: some Collection<Int64>
    ) throws(StoreError) {
        var level = state
        for team in teams {
            if level.parent?.number != team {
                level.parent = try self.state(number: team)
                version += 1
            }
            level = level.parent ?? level
        }
        guard level.parent != nil else { return }
        level.parent = nil
        version += 1
    }

    /// Lets go of every subject and of all that was counted.
    func forget() {
        // Without their capacity: emptying what once held many costs as much as they did.
        subjects = [:]
        byNumber = [:]
        eviction = Eviction()
        tail = Tail()
    }
}
