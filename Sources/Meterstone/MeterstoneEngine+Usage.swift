public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// Checks and counts in one step: everything that the event moves, on every level, or nothing.
    public func consume(_ event: UsageEvent) async throws(StoreError) -> ConsumeOutcome {
        guard case .consumed(let outcome) = try await committer.commit(.consume(event)) else {
            throw .unexpectedOutcome
        }
        return outcome
    }

    /// Consumes in order, each seeing the ones before, with one commit for all. Each is decided by
    /// itself: a refusal does not hold the others up.
    public func consume(_ events: [UsageEvent]) async throws(StoreError) -> [ConsumeOutcome] {
        try await committer.commit(events.map { .consume($0) }).map {
            (outcome) throws(StoreError) in
            guard case .consumed(let consumed) = outcome else { throw .unexpectedOutcome }
            return consumed
        }
    }

    /// What ``consume(_:)-(UsageEvent)``, or a reservation of the event, would answer now. Nothing
    /// changes.
    public func check(
        _ event: UsageEvent, as use: CheckedUse = .consume
    ) async throws(StoreError) -> ConsumeOutcome {
        guard case .consumed(let outcome) = try await committer.commit(.check(event, as: use))
        else { throw .unexpectedOutcome }
        return outcome
    }

    /// Checks many at once; none sees another.
    public func check(_ events: [UsageEvent]) async throws(StoreError) -> [ConsumeOutcome] {
        try await committer.commit(events.map { .check($0) }).map { (outcome) throws(StoreError) in
            guard case .consumed(let consumed) = outcome else { throw .unexpectedOutcome }
            return consumed
        }
    }

    /// Records what has happened, whatever the limits say, with one commit for all.
    public func record(_ events: [UsageEvent]) async throws(StoreError) -> [RecordOutcome] {
        try await committer.commit(events.map { .record($0) }).map { (outcome) throws(StoreError) in
            guard case .recorded(let recorded) = outcome else { throw .unexpectedOutcome }
            return recorded
        }
    }

    /// What ``consume(_:)-([UsageEvent])`` would answer now, each as if those before it had been consumed.
    /// Nothing is recorded, and nobody waits for it.
    public func dryRun(
        consuming events: [UsageEvent]
    ) async throws(StoreError) -> [ConsumeOutcome] {
        let outcomes = try await attempt(events.map { .consume($0) })
        return try zip(events, outcomes).map { (event, outcome) throws(StoreError) in
            guard case .consumed(let consumed) = outcome else { throw .unexpectedOutcome }
            guard case .decided(let decision) = consumed else { return consumed }
            return .decided(decision.attempted(event.id))
        }
    }

    /// The same for ``record(_:)``. An event that gave no id has one in its outcome that means nothing.
    public func dryRun(
        recording events: [UsageEvent]
    ) async throws(StoreError) -> [RecordOutcome] {
        try await attempt(events.map { .record($0) }).map { (outcome) throws(StoreError) in
            guard case .recorded(let recorded) = outcome else { throw .unexpectedOutcome }
            return recorded
        }
    }

    private func attempt(_ commands: [Command]) async throws(StoreError) -> [Outcome] {
        let now = clock()
        let looks = commands.map { Look.attempt($0) }
        let length: Committer.ReadLength = looks.count > Self.shortLooksMax ? .long : .short
        let answers = try await committer.read(length) { (store) throws(StoreError) in
            try store.look(looks, at: now)
        }
        return try answers.map { (answer) throws(StoreError) in
            guard case .attempted(let outcome) = answer else { throw .unexpectedOutcome }
            return outcome
        }
    }

    /// Looks that take no longer than other short reads.
    private static let shortLooksMax = 100

    /// Voids or amends an event. The first fact stays; the correction is a fact beside it.
    public func correct(_ correction: Correction) async throws(StoreError) -> CorrectionOutcome {
        guard case .corrected(let outcome) = try await committer.commit(.correct(correction)) else {
            throw .unexpectedOutcome
        }
        return outcome
    }

    /// Where a subject stands now with every limit that decides, its teams' after its own.
    public func limits(of subject: SubjectID) async throws(StoreError) -> [LimitStatus] {
        guard case .limits(let statuses) = try await look(.limits(subject)) else {
            throw .unexpectedOutcome
        }
        return statuses
    }
}

extension StoreError {
    static let unexpectedOutcome = StoreError(
        code: .misuse, message: "the store answered another question than was asked")
}
