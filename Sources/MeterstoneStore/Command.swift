public import MeterstoneCore

/// What callers ask of a store, in the order in which it is carried out.
public enum Command: Sendable {
    case consume(UsageEvent)
    /// Decides as `consume` would, and changes nothing.
    case check(UsageEvent)
    /// Records what has happened, whatever the limits say.
    case record(UsageEvent)
    case correct(Correction)
    case change(ChangeRequest)
    /// Where a subject stands with its limits now.
    case limits(SubjectID)
    /// Decides as `consume` would, and sets the units aside until they are settled.
    case reserve(UsageEvent, ReservationTerms)
    case extend(ReservationExtension)
    case close(ReservationClosing)
    /// A reservation as it stands.
    case reservation(EventID, source: String?)
    /// In what an event differs from the one under its id, beside the terms of a reserve.
    case compare(UsageEvent, ReservationTerms?)
    /// What is open on a subject now.
    case openReservations(SubjectID)
    /// Writes down which of a subject's reservations have expired.
    case expire(SubjectID)
    /// What a subject may spend now.
    case wallet(SubjectID)
}

/// What became of a ``Command``, case by case.
public enum Outcome: Sendable {
    case consumed(ConsumeOutcome)
    case recorded(RecordOutcome)
    case corrected(CorrectionOutcome)
    case changed(ChangeOutcome, isReplay: Bool)
    case limits([LimitStatus])
    case reserved(ReserveOutcome)
    case reservation(ReservationOutcome)
    case found(Reservation?)
    case reservations([Reservation])
    case expired(count: Int)
    case wallet(Wallet)
    case differences([String])
}
