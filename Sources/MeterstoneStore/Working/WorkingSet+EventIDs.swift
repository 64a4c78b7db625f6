package import MeterstoneCore

/// An event that was recorded before.
package struct KnownEvent {
    package let subject: SubjectState
    package let sequence: Int64
    /// As it was recorded; corrections are facts of their own.
    package let record: UsageRecord

    /// Whether a repeat tells the same. A repeat without a time claims none.
    func matches(_ event: UsageEvent) -> Bool {
        subject.isMeant(by: event.subject)
            && (event.occurredAt == nil || event.occurredAt == record.toldAt ?? record.occurredAt)
            && event.quantities == record.quantities
            && details(of: event) == details(toldBesides: event)
    }
}

extension KnownEvent {
    /// Of what was archived, what is left is compared.
    func details(of event: UsageEvent) -> EventDetails {
        let details = event.details ?? .none
        return record.isWithoutTexts ? details.archived : details
    }

    func details(toldBesides event: UsageEvent) -> EventDetails {
        record.detailsTold(besides: event) ?? .none
    }
}

extension WorkingSet {
    /// The event with this id and source, while the id is remembered.
    package func find(
        _ id: EventID, source: String?, at now: Instant
    ) throws(StoreError) -> KnownEvent? {
        let key = id.key(source: source)
        var newest: KnownEvent?
        for position in tail.positions(of: key) {
            guard let fact = fact(at: position) else { continue }
            newest = try newer(newest, try known(fact, id, source))
        }
        if let newest, isRemembered(newest, now) { return newest }
        for location in try self.source.locations(of: id, source: source) {
            guard let body = try self.source.body(at: location) else {
                throw StoreError(
                    code: .corrupt, message: "the index of event ids points to no event")
            }
            newest = try newer(newest, try known(body, at: location, id, source))
        }
        return newest.flatMap { isRemembered($0, now) ? $0 : nil }
    }

    private func newer(_ one: KnownEvent?, _ other: KnownEvent?) throws(StoreError) -> KnownEvent? {
        guard let one, let other else { return one ?? other }
        return one.sequence > other.sequence ? one : other
    }

    private func isRemembered(_ event: KnownEvent, _ now: Instant) -> Bool {
        // A reservation may be open for longer than ids are remembered.
        if event.record.reservation != nil { return true }
        guard let milliseconds = options.eventIDMillisecondsMax else { return true }
        return event.record.recordedAt.advanced(byMilliseconds: milliseconds) >= now
    }

    private func fact(at position: TailPosition) -> Fact? {
        if let fact = tail.fact(at: position) { return fact }
        guard position.batch == batch.firstSequence else { return nil }
        var facts = FactIterator(
            batch.facts.bytes, from: position.offset, to: batch.facts.count,
            sequence: position.sequence)
        return facts.next()
    }

    private func known(
        _ fact: Fact, _ id: EventID, _ source: String?
    )
        throws(StoreError) -> KnownEvent?
    {
        // Most that share a key are told apart by a few bytes.
        guard fact.kind == .usage, let told = try? UsageRecord.idAndSource(fact),
            told.id == id, told.source == source
        else { return nil }
        var reader = fact.reader
        let record = try read(&reader)
        return KnownEvent(
            subject: try state(number: fact.subject), sequence: fact.sequence, record: record)
    }

    private func known(
        _ body: [UInt8], at location: EventLocation, _ id: EventID, _ source: String?
    ) throws(StoreError) -> KnownEvent? {
        var reader = ByteReader(body, from: 1)
        let record = try read(&reader)
        guard record.id == id, record.details?.source == source else { return nil }
        return KnownEvent(
            subject: try state(number: location.subject), sequence: location.sequence,
            record: record)
    }

    /// An event as it stands after its corrections; `nil` when it was voided.
    func standing(of known: KnownEvent) throws(StoreError) -> UsageRecord? {
        guard let correction = try lastCorrection(of: known) else { return known.record }
        return correction.after
    }

    /// `nil`: there is none.
    ///
    /// - Parameter isMeant: which of them are looked at; `nil`: all.
    func lastCorrection(
        of known: KnownEvent, where isMeant: ((CorrectionRecord) -> Bool)? = nil
    ) throws(StoreError) -> CorrectionRecord? {
        var latest: (sequence: Int64, correction: CorrectionRecord?) = (0, nil)
        func take(_ body: [UInt8], _ sequence: Int64) throws(StoreError) {
            guard body.first == FactKind.correction.rawValue, sequence > latest.sequence else {
                return
            }
            var reader = ByteReader(body, from: 1)
            do throws(MalformedRecord) {
                let correction = try CorrectionRecord(&reader, names: registry.names)
                guard correction.target == known.sequence, isMeant?(correction) ?? true else {
                    return
                }
                latest = (sequence, correction)
            } catch {
                throw .unreadable(sequence)
            }
        }
        // What was recorded after the watermark has no correction before it.
        if known.sequence <= watermark {
            let corrections = try source.corrections(
                of: EventLocation(
                    day: known.record.occurredAt.utcDay, subject: known.subject.number,
                    sequence: known.sequence))
            for fact in corrections { try take(fact.body, fact.sequence) }
        }
        for position in tail.corrections(of: known.sequence) {
            if let fact = fact(at: position) { try take(Array(fact.body), fact.sequence) }
        }
        return latest.correction
    }

    func read(_ reader: inout ByteReader) throws(StoreError) -> UsageRecord {
        do throws(MalformedRecord) {
            return try UsageRecord(&reader, names: registry.names)
        } catch {
            throw StoreError(code: .corrupt, message: "a usage event is unreadable")
        }
    }

    /// What a consume with a known event id is answered: the first answer, a conflict, or what became
    /// of the event since.
    func repeated(_ event: UsageEvent, as known: KnownEvent) throws(StoreError) -> ConsumeOutcome {
        guard try matches(event, known) else { return .conflict(known.record.id) }
        if let rejection = try takenBack(known) { return .rejected(rejection) }
        return .decided(firstDecision(known))
    }

    /// Whether a repeat tells the same, by whichever keys it names subjects.
    func matches(_ event: UsageEvent, _ known: KnownEvent) throws(StoreError) -> Bool {
        known.matches(try namingLevels(event, as: known))
    }

    /// An event with its levels named as those of the recorded one, where they are the same subjects.
    func namingLevels(
        _ event: UsageEvent, as known: KnownEvent
    ) throws(StoreError) -> UsageEvent {
        guard let details = event.details, !details.levels.isEmpty,
            let first = known.record.details?.levels, first != details.levels,
            first.count == details.levels.count
        else { return event }
        for (told, known) in zip(details.levels, first) where told != known {
            guard try state(of: told) === state(of: known) else { return event }
        }
        var event = event
        event.details = details.with(levels: first)
        return event
    }

    func firstDecision(_ known: KnownEvent) -> Decision {
        Decision(
            denial: nil, isDuplicate: true, eventID: known.record.id, limits: firstAnswer(known),
            credits: known.record.credits, moved: moved(by: known),
            adjustment: known.record.adjustment)
    }

    /// The meters that count the event as it was told first.
    func moved(by known: KnownEvent) -> [MeterKey] {
        catalog.movements(of: known.record.event(subject: known.subject.id)).keys
    }

    /// Why a repeat cannot get the first answer again: what was answered was taken back since, and who
    /// acts on the answer would use what nobody counts. `nil`: it stands.
    func takenBack(_ known: KnownEvent) throws(StoreError) -> Rejection? {
        let id = known.record.id
        guard let standing = try standing(of: known) else { return .eventVoided(id) }
        if let reservation = standing.reservation, reservation.status != .open {
            if reservation.status != .settled || countsNothing(standing, known.subject) {
                return .reservationClosed(as: reservation.status)
            }
        } else if standing != known.record, countsNothing(standing, known.subject),
            !countsNothing(known.record, known.subject)
        {
            return .eventVoided(id)
        }
        if known.record.credits != nil, try isRefunded(id.text, known.subject) {
            return .eventRefunded(id)
        }
        return nil
    }

    /// Whether no meter has anything of a record.
    private func countsNothing(_ record: UsageRecord, _ state: SubjectState) -> Bool {
        catalog.movements(of: record.event(subject: state.id)).allSatisfy { movement in
            switch movement.meter.meter.aggregation {
            case .sum, .max, .latest: movement.units == 0
            // That there is nothing, or that an item was removed, is a reading.
            case .gauge, .integral: false
            case .count, .uniqueCount: false
            }
        }
    }

    /// The answer that was stored with the event. A limit that is gone since is left out, and ends of
    /// windows are those of the subject's calendar as it is now.
    func firstAnswer(_ known: KnownEvent) -> [LimitStatus] {
        if known.record.isOnlyRecorded { return [] }
        var levels: [SubjectState] = []
        for number in known.record.ancestors {
            if let team = try? state(number: number) { levels.append(team) }
        }
        return known.record.answers.compactMap { answer in
            guard answer.limit < registry.limits.count, answer.level <= levels.count,
                let definition = catalog.definitions[registry.limits[answer.limit]],
                let allowance = Allowance(wire: answer.allowance)
            else { return nil }
            let subject = answer.level == 0 ? known.subject : levels[answer.level - 1]
            let until =
                answer.resetsAt
                ?? definition.countedWindow.span(
                    containing: known.record.occurredAt, in: subject.zone, anchors: subject.anchors
                ).until
            let allowed = subject.allowance(
                of: definition, definition.value(of: known.record.details),
                at: known.record.occurredAt, catalog: catalog, version: version)
            return LimitStatus(
                definition: definition, value: definition.value(of: known.record.details),
                isBeyondValues: answer.isBeyondValues,
                ancestor: answer.level == 0 ? nil : subject.id, allowance: allowance,
                used: Quantity(answer.used),
                resetsAt: until == WindowSpan.lifetime.until ? nil : until,
                mode: subject.mode(
                    of: definition, at: known.record.occurredAt, catalog: catalog),
                parts: allowed.allowance == allowance ? allowed.parts : nil)
        }
    }
}

extension Rejection {
    fileprivate static func eventVoided(_ id: EventID) -> Rejection {
        Rejection(
            code: .eventVoided, field: "id",
            message:
                "expected a new id: the event '\(id.text)' was taken back and counts for nothing")
    }

    fileprivate static func eventRefunded(_ id: EventID) -> Rejection {
        Rejection(
            code: .eventRefunded, field: "id",
            message: "expected a new id: the credits that '\(id.text)' had cost were given back")
    }

    fileprivate static func reservationClosed(as status: ReservationStatus) -> Rejection {
        Rejection(
            code: .reservationClosed, field: "id",
            message: "expected a new id: the reservation with this one is \(status.rawValue)")
    }
}
