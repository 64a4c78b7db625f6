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
        guard
            case .found(let reservation) = try await committer.commit(
                .reservation(id, source: source))
        else { throw .unexpectedOutcome }
        return reservation
    }

    /// What is open on a subject, those of subjects below it included, in the order in which it
    /// expires.
    public func openReservations(
        of subject: SubjectID
    ) async throws(StoreError) -> [Reservation] {
        guard
            case .reservations(let reservations) = try await committer.commit(
                .openReservations(subject))
        else { throw .unexpectedOutcome }
        return reservations
    }

    /// Writes down which reservations have expired, and returns how many.
    ///
    /// Every decision counts an expired reservation as expired; this is for subjects that nobody asks
    /// about, and for those who read usage. A server calls it every second.
    @discardableResult
    public func expireReservations() async throws(StoreError) -> Int {
        let now = clock()
        var count = 0
        while true {
            let due = try await committer.read { (store) throws(StoreError) in
                try store.subjectsDue(at: now, count: Self.subjectsPerSweep)
            }
            guard !due.isEmpty else { return count }
            for outcome in try await committer.commit(due.map { .expire($0) }) {
                if case .expired(let some) = outcome { count += some }
            }
            guard due.count == Self.subjectsPerSweep else { return count }
        }
    }

    private static let subjectsPerSweep = 500
}
