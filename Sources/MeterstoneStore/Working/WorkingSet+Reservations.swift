import MeterstoneCore

/// Reservations: usage events that count while they are open, and are corrected when they are closed.
extension WorkingSet {
    /// Decides as a consume is decided, and sets the units aside until somebody says what became of
    /// them.
    func reserve(
        _ event: UsageEvent, _ terms: ReservationTerms, at now: Instant
    ) throws(StoreError) -> ReserveOutcome {
        if let id = event.id, let known = try find(id, source: event.details?.source, at: now) {
            return try repeated(event, terms, as: known, at: now)
        }
        if let rejection = reject(terms) { return .rejected(rejection) }
        let priced = priced(event, at: now, isEstimate: true)
        switch try judge(priced ?? event, at: now, isReservation: true) {
        case .rejected(let rejection): return .rejected(rejection)
        case .denied(let decision): return .decided(decision, nil)
        case .allowed(let admission):
            // Without a record there would be nothing to settle.
            guard tracks(admission.subject, at: admission.occurredAt) else {
                return .rejected(.trackingDisabled)
            }
            let record = try write(
                priced ?? event, admission, at: now, isPriced: priced != nil, terms: terms)
            return .decided(
                admission.decision(record.id), Reservation(record, of: admission.subject.id))
        }
    }

    /// Rejects terms that name what no meter knows, or less than nothing.
    private func reject(_ terms: ReservationTerms) -> Rejection? {
        for pair in terms.abortMinimum.pairs {
            let field = "abortMinimum.\(pair.name.text)"
            guard pair.quantity >= .zero else {
                return Rejection(
                    code: .invalidField, field: field, message: "expected a whole number from 0")
            }
            let event = UsageEvent(
                subject: SubjectID(unchecked: ""), quantities: .one(pair.name, pair.quantity))
            if catalog.unknownQuantity(of: event) != nil {
                return Rejection(
                    code: .unknownMeter, field: field,
                    message: "expected the name of a quantity that some meter reads")
            }
        }
        return nil
    }

    private func repeated(
        _ event: UsageEvent, _ terms: ReservationTerms, as known: KnownEvent, at now: Instant
    ) throws(StoreError) -> ReserveOutcome {
        guard known.record.reservation?.terms == terms, try matches(event, known) else {
            return .conflict(known.record.id)
        }
        try expireDue(known.subject, at: now)
        if let rejection = try takenBack(known) { return .rejected(rejection) }
        let standing = try standing(of: known) ?? known.record
        return .decided(firstDecision(known), Reservation(standing, of: known.subject.id))
    }

    /// Whether one more reservation may be open on every level.
    func hasRoomToReserve(_ levels: Levels) throws(StoreError) -> Bool {
        for subject in levels {
            let index = try openReservationsIndex(subject, at: .earliest)
            if subject.current[index].state.value >= Int64(options.openReservationsMax) {
                return false
            }
        }
        return true
    }

    // MARK: Which are open

    /// What is open on a subject now, in the order in which it expires.
    func openReservations(
        of state: SubjectState, at now: Instant
    ) throws(StoreError) -> [Reservation] {
        try expireDue(state, at: now)
        let open = state.current[try openReservationsIndex(state, at: now)].state.openReservations
        var result: [Reservation] = []
        try forEach(open) { (entry) throws(StoreError) in
            let (known, record) = try event(of: entry)
            result.append(Reservation(record, of: known.subject.id))
        }
        return result
    }

    /// An open reservation's event, and how it stands.
    func event(
        of entry: OpenReservation
    ) throws(StoreError) -> (known: KnownEvent, standing: UsageRecord) {
        guard let known = try find(entry.id, source: entry.source, at: .earliest),
            known.sequence == entry.sequence,
            let record = entry.isExtended ? try standing(of: known) : known.record
        else { throw StoreError(code: .corrupt, message: "an open reservation is unreadable") }
        return (known, record)
    }

    /// Visits all, also after one that fails: a store that loads for a whole batch at once learns what
    /// all of them need.
    private func forEach(
        _ open: some Sequence<OpenReservation>,
        _ visit: (OpenReservation) throws(StoreError) -> Void
    ) throws(StoreError) {
        var failure: StoreError?
        for entry in open {
            do throws(StoreError) { try visit(entry) } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
    }

    // MARK: Expiring

    /// Writes down which reservations of the subject and of its teams have expired by now, and returns
    /// how many.
    ///
    /// - Parameter max: so many at most; what is left is still due.
    @discardableResult
    func expireDue(
        _ state: SubjectState, at now: Instant, atMost max: Int = .max
    ) throws(StoreError) -> Int {
        var count = 0
        for subject in Levels(state) {
            guard let next = subject.nextExpiry, next <= now, count < max else { continue }
            count += try expire(subject, at: now, atMost: max - count)
        }
        return count
    }

    /// The same for teams that stood above it.
    func expireDue(_ levels: Levels, at now: Instant) throws(StoreError) {
        for subject in levels { try expireDue(subject, at: now) }
    }

    private func expire(
        _ subject: SubjectState, at now: Instant, atMost max: Int
    ) throws(StoreError) -> Int {
        let index = try openReservationsIndex(subject, at: now)
        let due = subject.current[index].state.openReservations.prefix { $0.expiresAt <= now }
            .prefix(max)
        try forEach(due) { (entry) throws(StoreError) in
            let (known, before) = try event(of: entry)
            let outcome = try close(
                known, before, as: .expired, asked: before.askedAtExpiry, details: nil, at: now)
            guard case .rejected = outcome else { return }
            // What was reported does not fit any counter. What was set aside does.
            try close(
                known, before, as: .expired, asked: Quantities.none, details: nil, at: now)
        }
        let left = subject.current[try openReservationsIndex(subject, at: now)].state
        noteExpiry(of: subject, left.openReservations.first?.expiresAt)
        return due.count
    }

    /// Reservations that one command writes down as expired, where somebody asks for nothing else.
    static var expiredPerCommand: Int { 256 }

    func noteExpiry(of subject: SubjectState, _ next: Instant?) {
        let position = batch.append(subject: subject.number) { writer in
            writer.byte(FactKind.expiry.rawValue)
            writer.signed(next?.millisecondsSince1970 ?? -1)
        }
        setNextExpiry(of: subject, next, at: position.sequence)
    }
}

extension OpenReservation {
    /// `nil`: the event is no reservation.
    init?(_ record: UsageRecord, of owner: Int64, at sequence: Int64) {
        guard let reservation = record.reservation else { return nil }
        self.init(
            expiresAt: reservation.expiresAt, sequence: sequence, id: record.id,
            source: record.details?.source, owner: owner, isExtended: false)
    }
}

/// What is open, in the order in which it expires.
extension [OpenReservation] {
    mutating func insert(_ entry: OpenReservation) {
        insert(entry, at: firstIndex { entry < $0 } ?? endIndex)
    }

    /// Notes what a correction of an open reservation makes of it.
    mutating func follow(_ correction: CorrectionRecord) {
        guard let index = firstIndex(where: { $0.sequence == correction.target }) else { return }
        var entry = remove(at: index)
        guard let reservation = correction.after?.reservation, reservation.status == .open else {
            return
        }
        entry.expiresAt = reservation.expiresAt
        entry.isExtended = true
        insert(entry)
    }
}

extension UsageRecord {
    /// What counts when nobody said what was used; `nil`: nothing.
    fileprivate var askedAtExpiry: Quantities? {
        switch reservation?.terms.onExpiry {
        case .charge: Quantities.none
        case .chargeReported: reservation?.reported.map { quantities.zeroed.replacing(with: $0) }
        case .release, nil: nil
        }
    }
}

extension Quantities {
    /// The same names, and nothing of any.
    fileprivate var zeroed: Quantities {
        Quantities(pairs.map { NamedQuantity(name: $0.name, quantity: .zero) })
    }
}

extension Reservation {
    init(_ record: UsageRecord, of subject: SubjectID) {
        let reservation = record.reservation
        self.init(
            id: record.id, source: record.details?.source, subject: subject,
            quantities: record.quantities, reported: reservation?.reported,
            status: reservation?.status ?? .settled,
            terms: reservation?.terms ?? ReservationTerms(), reservedAt: record.occurredAt,
            expiresAt: reservation?.expiresAt ?? record.occurredAt,
            closedAt: reservation?.closedAt, details: record.details,
            adjustment: record.adjustment)
    }
}

extension Rejection {
    static func tooManyReservations(_ max: Int) -> Rejection {
        Rejection(
            code: .tooManyReservations, field: "subject",
            message: "expected fewer than \(max) open reservations of the subject and of each team")
    }
}
