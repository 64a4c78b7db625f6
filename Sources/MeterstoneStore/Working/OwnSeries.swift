import MeterstoneCore

/// Counters that belong to no meter. They have numbers below those of the registry, no windows, and
/// were counted from the first fact on.
package enum OwnSeries {
    /// Reservations that are open on a subject, or on one below it.
    package static let reservations = -1
    /// A subject's credits.
    package static let wallet = -2
}

extension WorkingSet {
    func openReservationsIndex(_ state: SubjectState, at now: Instant) throws(StoreError) -> Int {
        try counterIndex(state, series: OwnSeries.reservations, window: .lifetime, at: now)
    }

    func walletIndex(_ state: SubjectState, at now: Instant) throws(StoreError) -> Int {
        try counterIndex(state, series: OwnSeries.wallet, window: .lifetime, at: now)
    }
}
