import MeterstoneCore

/// Counters that belong to no meter. They have numbers below those of the registry, and were counted
/// from the first fact on.
package enum OwnSeries {
    /// Reservations that are open on a subject, or on one below it.
    package static let reservations = -1
    /// A subject's credits.
    package static let wallet = -2
    /// What a subject did in a month of its calendar, day by day.
    package static let activity = -3

    /// Whether counters of a series move when the subject's calendar changes.
    static func followsCalendar(_ series: Int) -> Bool { series >= 0 || series == activity }

    /// What a counter of one's own is called, before " of" and the subject.
    package static func text(_ key: CounterKey) -> String {
        switch key.series {
        case wallet: "credits"
        case reservations: "open reservations"
        case activity: "activity in the month from \(key.from.rfc3339)"
        default: "counter of unknown series \(key.series)"
        }
    }
}

extension WorkingSet {
    func openReservationsIndex(_ state: SubjectState, at now: Instant) throws(StoreError) -> Int {
        try counterIndex(state, series: OwnSeries.reservations, window: .lifetime, at: now)
    }

    func walletIndex(_ state: SubjectState, at now: Instant) throws(StoreError) -> Int {
        try counterIndex(state, series: OwnSeries.wallet, window: .lifetime, at: now)
    }
}
