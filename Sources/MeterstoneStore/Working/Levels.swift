import MeterstoneCore

/// A subject and the teams above it: those of today, those of an instant, or those that an event counted
/// for when it was recorded.
struct Levels: Sequence, IteratorProtocol {
    private var level: SubjectState?
    private let teams: [SubjectState]?
    private let instant: Instant?
    private var place = 0

    init(_ subject: SubjectState) {
        level = subject
        teams = nil
        instant = nil
    }

    /// As it was at an instant.
    init(_ subject: SubjectState, at instant: Instant) {
        level = subject
        teams = nil
        self.instant = instant
    }

    init(_ subject: SubjectState, below teams: [SubjectState]) {
        level = subject
        self.teams = teams
        instant = nil
    }

    @inline(__always)
    mutating func next() -> SubjectState? {
        guard let subject = level else { return nil }
        if let teams {
            level = place < teams.count ? teams[place] : nil
            place += 1
        } else if let instant {
            // Two changes of one instant may contradict each other.
            level = place < WorkingSet.ancestorsMax ? subject.parent(at: instant) : nil
            place += 1
        } else {
            level = subject.parent
        }
        return subject
    }
}

extension Levels {
    /// Numbers of the teams, the nearest first; most subjects have none.
    var teamNumbers: [Int64] {
        var levels = self
        _ = levels.next()
        var numbers: [Int64] = []
        while let team = levels.next() { numbers.append(team.number) }
        return numbers
    }
}

extension WorkingSet {
    /// The levels that a recorded event counts for.
    func levels(of record: UsageRecord, _ owner: SubjectState) throws(StoreError) -> Levels {
        guard !record.ancestors.isEmpty else { return Levels(owner, below: []) }
        var teams: [SubjectState] = []
        for number in record.ancestors { teams.append(try state(number: number)) }
        return Levels(owner, below: teams)
    }
}
