package import MeterstoneCore

extension UsageReader {
    /// Days that are read at once when a list of events goes back in time.
    private static let daysPerStep = 16

    /// A subject's events before a position, newest first.
    package func events(
        before cursor: EventCursor?, count: Int
    ) throws(StoreError) -> EventPage {
        guard let subject = view.subject else { return EventPage(events: [], next: nil) }
        var found: [EffectiveEvent] = []
        // No event is recorded for a day that has no text.
        let days = Instant.earliest.utcDay...Instant.latest.utcDay
        var until = min(cursor?.occurredAt ?? .latest, .latest).utcDay
        // One more than asked for tells whether there is a next page.
        while found.count <= count, until >= days.lowerBound {
            let step = try source.days(
                of: subject.number, within: days.lowerBound...until, count: Self.daysPerStep)
            guard let oldest = step.last, let newest = step.first else { break }
            let span = WindowSpan(from: .startOf(day: oldest), until: .startOf(day: newest + 1))
            let events = try history(of: subject.number, over: span).all
                .filter { $0.isBefore(cursor) }
            found += events.sorted { $0.cursor > $1.cursor }
            until = oldest - 1
        }
        let page = found.prefix(count)
        try source.prefetch(
            subjects: page.map(\.owner).filter { $0 != subject.number })
        return EventPage(
            events: try page.map { (event) throws(StoreError) in
                try recorded(event, subject)
            },
            next: found.count > count ? page.last?.cursor : nil)
    }

    private func recorded(
        _ event: EffectiveEvent, _ subject: StoredSubject
    ) throws(StoreError) -> RecordedEvent {
        let owner =
            event.owner == subject.number
            ? subject.profile.id
            : try source.subject(number: event.owner)?.profile.id ?? subject.profile.id
        return RecordedEvent(
            event: event.record.event(subject: owner), sequence: event.sequence,
            recordedAt: event.record.recordedAt, corrections: event.corrections,
            reservation: event.record.reservation == nil
                ? nil : Reservation(event.record, of: owner),
            credits: event.record.credits)
    }
}

extension EffectiveEvent {
    fileprivate var cursor: EventCursor {
        EventCursor(occurredAt: record.occurredAt, sequence: sequence)
    }

    fileprivate func isBefore(_ other: EventCursor?) -> Bool {
        other.map { cursor < $0 } ?? true
    }
}

extension Instant {
    package static func startOf(day: Int64) -> Instant {
        // A stored day may be any number.
        let (milliseconds, overflow) = day.multipliedReportingOverflow(by: 86_400_000)
        guard !overflow else { return day < 0 ? .earliest : .latest }
        return Instant(millisecondsSince1970: milliseconds)
    }
}
