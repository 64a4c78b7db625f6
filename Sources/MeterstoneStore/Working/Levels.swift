import MeterstoneCore

/// A subject and the teams above it: those of today, or those that an event counted for when it was
/// recorded.
struct Levels: Sequence, IteratorProtocol {
    private var level: SubjectState?
    private let teams: [SubjectState]?
    private var place = 0

    init(_ subject: SubjectState) {
        level = subject
        teams = nil
    }

    init(_ subject: SubjectState, below teams: [SubjectState]) {
        level = subject
        self.teams = teams
    }

    @inline(__always)
    mutating func next() -> SubjectState? {
        guard let subject = level else { return nil }
        if let teams {
            level = place < teams.count ? teams[place] : nil
            place += 1
        } else {
            level = subject.parent
        }
        return subject
    }
}

extension WorkingSet {
    /// The levels that a recorded event counts on.
    func levels(of record: UsageRecord, _ owner: SubjectState) throws(StoreError) -> Levels {
        var teams: [SubjectState] = []
        for number in record.ancestors { teams.append(try state(number: number)) }
        return Levels(owner, below: teams)
    }
}
