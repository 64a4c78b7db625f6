package import MeterstoneCore

extension UsageReader {
    /// Events that are looked at first where the nearest one is looked for that counts.
    private static let eventsAtFirst = 16
    private static let eventsAtOnce = 65_536

    /// A subject's events before a position, newest first.
    package func events(
        before cursor: EventCursor?, count: Int
    ) throws(StoreError) -> EventPage {
        guard let subject = view.subject else { return EventPage(events: [], next: nil) }
        // No event is recorded for an instant that has no text.
        let latest = min(cursor?.occurredAt ?? .latest, .latest)
        guard latest >= .earliest else { return EventPage(events: [], next: nil) }
        // One more than asked for tells whether there is a next page.
        let found = try events(
            of: subject.number, within: .earliest...latest, .newestFirst, after: cursor,
            count: count + 1)
        let page = found.prefix(count)
        try source.prefetch(
            subjects: page.map(\.owner).filter { $0 != subject.number })
        return EventPage(
            events: try page.map { (event) throws(StoreError) in
                try recorded(event, subject)
            },
            next: found.count > count ? page.last?.cursor : nil)
    }

    /// The first, or the last, of a subject's events within a span that counts.
    package func countedEvent(
        in span: WindowSpan, _ order: ReadingOrder
    ) throws(StoreError) -> EffectiveEvent? {
        guard let subject = view.subject, let span = span.instants else { return nil }
        var cursor: EventCursor?
        var count = Self.eventsAtFirst
        while true {
            let found = try events(
                of: subject.number, within: span, order, after: cursor, count: count)
            if let event = found.first(where: { $0.record.isCounted && !$0.isVoided }) {
                return event
            }
            guard let last = found.last else { return nil }
            cursor = last.cursor
            count = min(4 * count, Self.eventsAtOnce)
        }
    }

    /// Some of a subject's events within a span, in order.
    func events(
        of subject: Int64, within span: ClosedRange<Instant>, _ order: ReadingOrder,
        after cursor: EventCursor?, count: Int
    ) throws(StoreError) -> [EffectiveEvent] {
        var nearest = NearestUsage(order, after: cursor, within: span, count: count)
        try source.usage(of: subject, within: span, order) {
            (facts, rest) throws(StoreError) in
            for fact in facts { try nearest.add(fact, of: subject, source) }
            return nearest.isOpen(to: rest)
        }
        var history = History(subject: subject, names: names)
        for usage in nearest.found { try history.add(usage.fact, owner: usage.location.subject) }
        let corrections = try source.corrections(of: nearest.found.map(\.location))
        for correction in corrections { try history.add(correction, source: source) }
        return history.all.sorted { order.precedes($0.cursor, $1.cursor) }
    }

    private func recorded(
        _ event: EffectiveEvent, _ subject: StoredSubject
    ) throws(StoreError) -> RecordedEvent {
        let owner =
            event.owner == subject.number
            ? subject.profile
            : try source.subject(number: event.owner)?.profile ?? subject.profile
        return recorded(event, owner: owner)
    }

    /// Of an owner who is erased, what compaction leaves.
    func recorded(_ event: EffectiveEvent, owner profile: Subject) -> RecordedEvent {
        var event = event
        if profile.erasedAt != nil { event.forgetTexts(view.registry.countedDimensions) }
        return RecordedEvent(event, of: profile.id, by: view.catalog)
    }
}

/// The usages next to a position, of those that were looked at: so many, and in memory never more than
/// twice as many.
private struct NearestUsage {
    private let order: ReadingOrder
    private let start: EventCursor?
    private let span: ClosedRange<Instant>
    private let count: Int
    private(set) var found: [Usage] = []

    struct Usage {
        let cursor: EventCursor
        let location: EventLocation
        let fact: StoredFact
    }

    init(
        _ order: ReadingOrder, after start: EventCursor?, within span: ClosedRange<Instant>,
        count: Int
    ) {
        self.order = order
        self.start = start
        self.span = span
        self.count = count
    }

    /// Looks at a fact. A team's pointer is followed to the fact of its member.
    mutating func add(
        _ fact: StoredFact, of subject: Int64, _ source: any StoreSource
    ) throws(StoreError) {
        var (fact, owner) = (fact, subject)
        let pointer: EventLocation?
        do throws(MalformedRecord) { pointer = try fact.pointer } catch {
            throw .unreadable(fact.sequence)
        }
        if let pointer {
            guard let body = try source.body(at: pointer) else { throw .unreadable(fact.sequence) }
            (fact.body, owner) = (body, pointer.subject)
        }
        guard let occurredAt = Fact.occurredAt(fact.body, from: 0, to: fact.body.count) else {
            throw .unreadable(fact.sequence)
        }
        guard fact.body.first == FactKind.usage.rawValue else { return }
        let cursor = EventCursor(occurredAt: occurredAt, sequence: fact.sequence)
        guard span.contains(occurredAt), start.map({ order.precedes($0, cursor) }) ?? true else {
            return
        }
        let location = EventLocation(
            day: occurredAt.utcDay, subject: owner, sequence: fact.sequence)
        found.append(Usage(cursor: cursor, location: location, fact: fact))
        if found.count >= 2 * count { trim() }
    }

    private mutating func trim() {
        found.sort { order.precedes($0.cursor, $1.cursor) }
        if found.count > count { found.removeLast(found.count - count) }
    }

    /// Whether anything that is no nearer than an instant may belong to what is looked for.
    mutating func isOpen(to rest: Instant) -> Bool {
        trim()
        guard found.count == count, let last = found.last else { return true }
        return !order.precedes(last.cursor.occurredAt, rest)
    }
}

extension EffectiveEvent {
    fileprivate var cursor: EventCursor {
        EventCursor(occurredAt: record.occurredAt, sequence: sequence)
    }
}

extension WindowSpan {
    /// The instants in it at which something can have occurred; `nil`: there are none.
    var instants: ClosedRange<Instant>? {
        let last = min(until, .latest).advanced(byMilliseconds: until <= .latest ? -1 : 0)
        let first = max(from, .earliest)
        return first <= last ? first...last : nil
    }
}

extension ClosedRange<Instant> {
    /// When something can have occurred that is stored for a UTC day.
    package static func ofDay(_ day: Int64) -> ClosedRange<Instant> {
        let start = Instant.startOf(day: day)
        return start...Swift.max(start, start.advanced(byMilliseconds: 86_399_999))
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
