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
}

/// What became of a ``Command``, case by case.
public enum Outcome: Sendable {
    case consumed(ConsumeOutcome)
    case recorded(RecordOutcome)
    case corrected(CorrectionOutcome)
    case changed(ChangeOutcome, isReplay: Bool)
    case limits([LimitStatus])
}
