public import MeterstoneCore

/// What callers ask about how things stand. Looking changes nothing: what has expired by now counts as
/// expired, and is written down by somebody else.
public enum Look: Sendable {
    /// Where a subject stands with its limits now.
    case limits(SubjectID)
    /// A reservation as it stands.
    case reservation(EventID, source: String?)
    /// What is open on a subject now.
    case openReservations(SubjectID)
    /// What a subject may spend now.
    case wallet(SubjectID)
    /// In what an event differs from the one under its id, beside the terms of a reserve.
    indirect case compare(UsageEvent, ReservationTerms?)
    /// What would become of a command that came next, after those that were tried before in the same
    /// looks. Nothing of it lasts.
    indirect case attempt(Command)

    /// What is seen, case by case.
    public enum Answer: Sendable {
        case limits([LimitStatus])
        indirect case found(Reservation?)
        case reservations([Reservation])
        indirect case wallet(Wallet)
        case differences([String])
        indirect case attempted(Outcome)
    }
}

extension WorkingSet {
    /// Answers one look, in memory. What it notes as expired goes into the batch, which is to be thrown
    /// away.
    package func look(_ look: Look, at now: Instant) throws(StoreError) -> Look.Answer {
        self.now = now
        return switch look {
        case .limits(let subject): .limits(try limits(of: subject, at: now))
        case .reservation(let id, let source):
            .found(try reservation(id, source: source, at: now))
        case .openReservations(let subject):
            .reservations(try openReservations(of: try state(of: subject), at: now))
        case .wallet(let subject): .wallet(try wallet(of: try state(of: subject), at: now))
        case .compare(let event, let terms):
            .differences(try differences(of: event, terms, at: now))
        case .attempt(let command): .attempted(try perform(command, at: now))
        }
    }
}

extension HeadSource {
    /// Decides what expires as a commit would that comes next, and forgets it.
    package func look(_ looks: [Look], at now: Instant) throws(StoreError) -> [Look.Answer] {
        let workingSet = head.workingSet(self, after: watermark(), isDeciding: true)
        return try looks.map { (look) throws(StoreError) in try workingSet.look(look, at: now) }
    }
}
