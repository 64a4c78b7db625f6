public import MeterstoneCore

/// What callers ask of a store, in the order in which it is carried out.
///
/// What is large and rare is boxed, since thousands of commands stand in a queue and a batch.
public enum Command: Sendable {
    case consume(UsageEvent)
    /// Decides as `consume` or `reserve` would, and changes nothing.
    case check(UsageEvent, as: CheckedUse = .consume)
    /// Records what has happened, whatever the limits say.
    case record(UsageEvent)
    indirect case correct(Correction)
    indirect case change(ChangeRequest)
    /// Decides as `consume` would, and sets the units aside until they are settled.
    indirect case reserve(UsageEvent, ReservationTerms)
    indirect case extend(ReservationExtension)
    indirect case close(ReservationClosing)
    /// Writes down which of a subject's reservations have expired.
    case expire(SubjectID)
}

/// What became of a ``Command``, case by case.
public enum Outcome: Sendable {
    case consumed(ConsumeOutcome)
    case recorded(RecordOutcome)
    indirect case corrected(CorrectionOutcome)
    /// - Parameter after: what was changed, as JSON, as it stood afterwards; `nil` where it did not exist.
    indirect case changed(ChangeOutcome, after: String?, isReplay: Bool)
    indirect case reserved(ReserveOutcome)
    indirect case reservation(ReservationOutcome)
    case expired(count: Int)
}

extension Command {
    /// The outcome when the subject cannot be decided about.
    func failing(_ error: StoreError) -> Outcome {
        switch self {
        case .consume, .check: .consumed(.rejected(Rejection(error)))
        case .record: .recorded(.rejected(Rejection(error)))
        case .correct: .corrected(.rejected(Rejection(error)))
        case .change: .changed(.rejected(Rejection(error)), after: nil, isReplay: false)
        case .reserve: .reserved(.rejected(Rejection(error)))
        case .extend, .close: .reservation(.rejected(Rejection(error)))
        case .expire: .expired(count: 0)
        }
    }
}
