import MeterstoneCore

/// A subject and the teams above it: those of today, those of an instant, or those that an event counted
/// for when it was recorded.
struct Levels: Sequence, IteratorProtocol {
    private var level: SubjectState?
    private let teams: [SubjectState]?
    private let instant: Instant?
    private var place = 0
    /// How many of the last ones an event named itself.
    private(set) var namedCount = 0

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

    /// - Parameter namedCount: how many of the last ones are no teams, but were named by an event.
    init(_ subject: SubjectState, below teams: [SubjectState], namedCount: Int = 0) {
        self.namedCount = namedCount
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

    /// The first of the levels that an event named itself which is blocked.
    var blockedNamed: SubjectID? {
        guard namedCount > 0, let teams else { return nil }
        return teams.suffix(namedCount).first { $0.profile.isShut }?.id
    }
}

extension WorkingSet {
    /// What an event counts for: its subject, the teams above that at the time, and the levels that it names,
    /// each once.
    func levels(
        of event: UsageEvent, _ state: SubjectState, at instant: Instant
    ) throws(StoreError) -> Levels {
        let teams = Levels(state, at: instant)
        guard let names = event.details?.levels, !names.isEmpty else { return teams }
        var all = Array(teams)
        let count = all.count
        for name in names {
            let level = try self.state(of: name)
            if !all.contains(where: { $0 === level }) { all.append(level) }
        }
        return Levels(state, below: Array(all.dropFirst()), namedCount: all.count - count)
    }

    /// What an event of a past counts for, whose subject was seated below its teams of then.
    func levels(played record: UsageRecord, _ state: SubjectState) throws(StoreError) -> Levels {
        let teams = Levels(state)
        guard record.namedLevelCount > 0 else { return teams }
        var all = Array(teams.dropFirst())
        for number in record.namedLevels { all.append(try self.state(number: number)) }
        return Levels(state, below: all, namedCount: record.namedLevelCount)
    }

    /// The levels that a recorded event counts for.
    func levels(of record: UsageRecord, _ owner: SubjectState) throws(StoreError) -> Levels {
        guard !record.ancestors.isEmpty else { return Levels(owner, below: []) }
        var teams: [SubjectState] = []
        for number in record.ancestors { teams.append(try state(number: number)) }
        return Levels(owner, below: teams, namedCount: record.namedLevelCount)
    }
}
