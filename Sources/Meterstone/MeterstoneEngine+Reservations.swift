public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// Checks as ``consume(_:)-(UsageEvent)`` does, and sets the units and credits aside until the
    /// real quantity is known. An open reservation counts as used in every decision.
    public func reserve(
        _ event: UsageEvent, _ terms: ReservationTerms = ReservationTerms()
    ) async throws(StoreError) -> ReserveOutcome {
        guard case .reserved(let outcome) = try await committer.commit(.reserve(event, terms))
        else { throw .unexpectedOutcome }
        return outcome
    }

    /// Gives a reservation more time, more units under the limits as they are now, or both, and notes
    /// what was used so far. Doing it again changes nothing but the time.
    public func extend(
        _ more: ReservationExtension
    ) async throws(StoreError) -> ReservationOutcome {
        try await reservation(.extend(more))
    }

    /// Counts what was used in the place of what was set aside. The same again gets the first answer.
    public func settle(
        _ id: EventID, source: String? = nil, _ quantities: Quantities = .none,
        details: EventDetails? = nil
    ) async throws(StoreError) -> ReservationOutcome {
        try await reservation(
            .close(
                ReservationClosing(
                    id: id, source: source, end: .settle(quantities), details: details)))
    }

    /// Counts nothing in the place of what was set aside. The same again gets the first answer.
    public func release(
        _ id: EventID, source: String? = nil, details: EventDetails? = nil
    ) async throws(StoreError) -> ReservationOutcome {
        try await reservation(
            .close(ReservationClosing(id: id, source: source, end: .release, details: details)))
    }

    private func reservation(_ command: Command) async throws(StoreError) -> ReservationOutcome {
        guard case .reservation(let outcome) = try await committer.commit(command) else {
            throw .unexpectedOutcome
        }
        return outcome
    }

    /// A reservation as it stands; `nil` when there is none with this id.
    public func reservation(
        _ id: EventID, source: String? = nil
    ) async throws(StoreError) -> Reservation? {
        guard case .found(let reservation) = try await look(.reservation(id, source: source))
        else { throw .unexpectedOutcome }
        return reservation
    }

    /// What is open on a subject, those of subjects below it included, in the order in which it
    /// expires.
    public func openReservations(
        of subject: SubjectID
    ) async throws(StoreError) -> [Reservation] {
        guard case .reservations(let reservations) = try await look(.openReservations(subject))
        else { throw .unexpectedOutcome }
        return reservations
    }

    /// Writes down which reservations have expired, and returns how many.
    ///
    /// Every decision, and every look at limits, credits or reservations, counts an expired reservation
    /// as expired; this is for subjects that nobody uses, and for those who read usage. A server calls it
    /// every second.
    @discardableResult
    public func expireReservations() async throws(StoreError) -> Int {
        let now = clock()
        var sweep = ExpirySweep()
        while true {
            let known = sweep.done
            let due = try await committer.read { (store) throws(StoreError) in
                try store.subjectsDue(at: now, count: ExpirySweep.subjectsPerLook + known.count)
            }
            let new = due.filter { !known.contains($0) }
            guard !new.isEmpty else { break }
            try await expire(new, &sweep)
        }
        if let failure = sweep.failure { throw failure }
        return sweep.count
    }

    /// Writes down what has expired of a subject, if anything has, for whoever reads its usage next.
    func expireReservations(of subject: SubjectID) async throws(StoreError) {
        let now = clock()
        while let next = try await view(of: subject).subject?.nextExpiry, next <= now {
            guard case .expired(let count) = try await committer.commit(.expire(subject)),
                count > 0
            else { return }
        }
    }

    /// In commits of few subjects, and of fewer where one fails.
    private func expire(
        _ subjects: [SubjectID], _ sweep: inout ExpirySweep
    ) async throws(StoreError) {
        var left = subjects[...]
        while !left.isEmpty {
            let part = left.prefix(sweep.subjectsPerCommit)
            do throws(StoreError) {
                let outcomes = try await committer.commit(part.map { .expire($0) })
                for (subject, outcome) in zip(part, outcomes) { sweep.note(outcome, of: subject) }
            } catch {
                if part.count > 1, error.code.maySuitFewer {
                    sweep.subjectsPerCommit = part.count / 2
                    continue
                }
                // Others must not wait for one that nobody can read.
                guard part.count == 1, error.code.isOfWhatIsStored else { throw error }
                sweep.note(error, of: part[part.startIndex])
            }
            left = left.dropFirst(part.count)
        }
    }
}

/// How far writing down what has expired has come.
private struct ExpirySweep {
    static let subjectsPerLook = 500
    /// A subject may have thousands of reservations that are due, and each is a fact or more.
    var subjectsPerCommit = 16
    /// Reservations that have expired.
    private(set) var count = 0
    /// Subjects of which nothing more will be written.
    private(set) var done: Set<SubjectID> = []
    /// Why the first of those that could not be written was not.
    private(set) var failure: StoreError?

    mutating func note(_ outcome: Outcome, of subject: SubjectID) {
        guard case .expired(let some) = outcome, some > 0 else {
            done.insert(subject)
            return
        }
        count += some
    }

    mutating func note(_ error: StoreError, of subject: SubjectID) {
        done.insert(subject)
        failure = failure ?? error
    }
}

extension StoreError.Code {
    /// Whether fewer commands may succeed where these did not: they were too many for one commit, or took
    /// too long, or one of them fails for all.
    fileprivate var maySuitFewer: Bool { self == .unavailable || isOfWhatIsStored }

    fileprivate var isOfWhatIsStored: Bool { self == .misuse || self == .corrupt }
}
