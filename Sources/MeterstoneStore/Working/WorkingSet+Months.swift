import MeterstoneCore

/// Months that are closed, for which nothing counts any more.
extension WorkingSet {
    /// Where usage counts that occurred at an instant: in a closed month nothing does, but at the beginning of
    /// the first open one.
    func counted(_ told: Instant) -> Instant {
        guard let closedUntil = catalog.closedUntil, told < closedUntil else { return told }
        return closedUntil
    }

    func isClosed(_ instant: Instant) -> Bool {
        catalog.closedUntil.map { instant < $0 } ?? false
    }

    /// Decides what closing a month comes to.
    func decided(
        closing month: CivilMonth, at now: Instant
    ) throws(StoreError) -> DecidedSubscription {
        let closed = catalog.blueprint.closedMonths
        if closed.contains(where: { $0.month == month }) { return .unchanged }
        guard let zone = options.clocks(of: ZonesInTime()) else {
            throw StoreError(
                code: .timeZoneRules,
                message: "there are no rules of the time zone '\(options.defaultTimeZone)'")
        }
        let last = closed.max { $0.until < $1.until }
        if let last, month != last.month.next {
            return .rejected(.notTheFirstOpen(month, after: last.month))
        }
        let from = last?.until ?? zone.start(of: month.first)
        let until = zone.start(of: month.end)
        guard from < until, until <= now else { return .rejected(.monthNotOver(month, until)) }
        if let id = try openReservation(before: until) {
            return .rejected(.reservationOpen(id, in: month))
        }
        return .put(
            .closeMonth(
                month,
                as: ClosedMonth(
                    month: month, timeZone: options.defaultTimeZone, from: from, until: until,
                    closedAt: now, sequence: batch.nextSequence,
                    meters: catalog.blueprint.meters.sorted { $0.key < $1.key })))
    }

    /// A reservation that began before an instant and is still open; `nil`: there is none. What has expired and
    /// was not written down yet is open.
    private func openReservation(before instant: Instant) throws(StoreError) -> EventID? {
        // What the tail changed of a subject is in memory, and what the tables say of it is older.
        let ids = Set(try source.subjectsWithReservations())
            .union(subjects.values.lazy.filter { $0.nextExpiry != nil }.map(\.id))
        let states = try all(ids.sorted()) { (id) throws(StoreError) in try state(of: id) }
        let open = try all(states.filter { $0.nextExpiry != nil }) { (state) throws(StoreError) in
            state.current[try openReservationsIndex(state, at: now)].state.openReservations
                .filter { $0.owner == state.number }
        }
        let found = try all(open.joined()) { (entry) throws(StoreError) in
            try event(of: entry).known.record
        }
        return found.first { $0.occurredAt < instant }?.id
    }
}

extension UsageRecord {
    /// Whether everything that can count, be found or be grouped by is the same: all but texts.
    func countsAs(_ other: UsageRecord) -> Bool {
        quantities == other.quantities
            && (details?.withoutTexts ?? .none) == (other.details?.withoutTexts ?? .none)
    }
}

extension EventDetails {
    fileprivate var withoutTexts: EventDetails {
        EventDetails(
            source: source, type: type, subtype: subtype, status: status,
            durationMilliseconds: durationMilliseconds, errorMessage: nil, cost: cost,
            project: project, scene: nil, session: session, dimensions: dimensions,
            properties: nil, levels: levels, countsWhenAborted: countsWhenAborted)
    }
}

extension Rejection {
    static func monthClosed(by deed: String) -> Rejection {
        Rejection(
            code: .monthClosed, field: "id",
            message: "expected an event of an open month: one that counts in a closed month is not "
                + "\(deed); report the difference as a new event, or give credits")
    }

    static let endAfterClosing = Rejection(
        code: .monthClosed, field: "id",
        message:
            "expected a reservation of an open month: this one expired and its month was closed "
            + "since; report what was used as a new event")

    fileprivate static func monthNotOver(_ month: CivilMonth, _ until: Instant) -> Rejection {
        Rejection(
            code: .monthNotOver, field: "month",
            message: "expected a month that is over: \(month) ends at \(until.rfc3339)")
    }

    fileprivate static func notTheFirstOpen(
        _ month: CivilMonth, after last: CivilMonth
    ) -> Rejection {
        month <= last
            ? Rejection(
                code: .monthClosed, field: "month",
                message:
                    "expected \(last.next), the first open month: \(month) was closed together "
                    + "with a later one, and has no statement")
            : Rejection(
                code: .monthNotOver, field: "month",
                message: "expected \(last.next), the first open month: months are closed in order")
    }

    fileprivate static func reservationOpen(_ id: EventID, in month: CivilMonth) -> Rejection {
        Rejection(
            code: .reservationOpen, field: "month",
            message:
                "expected no open reservation from before the end of \(month): '\(id.text)' is "
                + "settled, released or expires first")
    }
}
