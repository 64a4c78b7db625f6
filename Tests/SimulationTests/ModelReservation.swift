import MeterstoneCore

/// What is known of an event that is, or was, a reservation.
struct ModelReservation {
    var terms: ReservationTerms
    var expiresAt: Instant
    var status = ReservationStatus.open
    var reported: Quantities?
    /// What was set aside when it expired, which an end that comes late goes by; `nil`: it did not.
    var setAside: Quantities?
    /// Units beyond an allowance, which credits were held for, by meter.
    var payable: [MeterKey: Int64] = [:]
    var closedAt: Instant?
    /// What was told when it was closed, for comparing repeats; `nil`: nothing was used.
    var asked: Quantities?
    var closingDetails = EventDetails.none
    var closingAnswer: [ModelStatus] = []

    var isCounted: Bool {
        switch status {
        case .open, .settled: return true
        case .released: return false
        case .expired:
            if terms.onExpiry == .chargeReported { return reported != nil }
            return terms.onExpiry == .charge
        }
    }
}
