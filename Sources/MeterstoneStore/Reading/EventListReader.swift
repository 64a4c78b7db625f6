package import MeterstoneCore

/// Lists events of all subjects, newest first.
///
/// Columns tell who did something when, at some nanoseconds an event; the events themselves are read only for
/// the page. Of one instant the order is by the subject's number, and then by sequence, both falling.
package struct EventListReader {
    /// Events that are read for one page; a filter that lets few of them through ends a page early.
    package static let eventsLookedAtMax = 10_000

    private let scan: ColumnScan
    private let reader: UsageReader
    private let filter: EventFilter

    /// - Parameter view: of no subject, taken before the snapshot that `source` reads.
    package init(
        _ view: StoreView, _ source: any StoreSource, _ filter: EventFilter, now: Instant
    ) throws(StoreError) {
        scan = try ColumnScan(view, source)
        reader = try UsageReader(view, source, now: now)
        self.filter = filter
    }

    package func page(
        after start: EventListPosition?, count: Int
    ) throws(StoreError) -> EventListPage {
        var subject: Int64?
        if let id = filter.subject {
            guard let stored = try scan.source.meant(by: id) else {
                return EventListPage(events: [], next: nil)
            }
            subject = stored.number
        }
        var found: [Candidate] = []
        var position = start
        var lookedAt = 0
        while true {
            let (candidates, isLast) = try candidates(
                of: subject, after: position, count: count + 1)
            for candidate in candidates {
                lookedAt += 1
                if isWanted(candidate) {
                    // One more than asked for tells whether there is a next page.
                    guard found.count < count else {
                        return try page(of: found, next: found.last?.position)
                    }
                    found.append(candidate)
                }
                position = candidate.position
            }
            guard !isLast, !candidates.isEmpty else { return try page(of: found, next: nil) }
            if lookedAt >= Self.eventsLookedAtMax { return try page(of: found, next: position) }
        }
    }

    /// An event, and whose list it was read from.
    private struct Candidate {
        let subject: Int64
        let event: EffectiveEvent

        var position: EventListPosition {
            EventListPosition(
                occurredAt: event.record.occurredAt, subject: subject, sequence: event.sequence)
        }
    }

    private func isWanted(_ candidate: Candidate) -> Bool {
        let details = candidate.event.record.details
        // What a team's row points to stands in the list of its own subject.
        return candidate.event.owner == candidate.subject
            && (filter.type == nil || details?.type == filter.type)
            && (filter.session == nil || details?.session == filter.session)
            && (filter.status == nil || details?.status ?? .success == filter.status)
    }

    private func page(
        of candidates: [Candidate], next: EventListPosition?
    ) throws(StoreError) -> EventListPage {
        try scan.source.prefetch(subjects: Set(candidates.map(\.subject)))
        return EventListPage(
            events: try candidates.map { (candidate) throws(StoreError) in
                guard let owner = try scan.source.subject(number: candidate.subject) else {
                    throw StoreError(code: .corrupt, message: "an event's subject does not exist")
                }
                return reader.recorded(candidate.event, owner: owner.profile)
            }, next: next)
    }

    /// Some events from a position on, in order, those that the filter wants among them.
    private func candidates(
        of subject: Int64?, after position: EventListPosition?, count: Int
    ) throws(StoreError) -> (events: [Candidate], isLast: Bool) {
        guard let span = span(before: position) else { return ([], true) }
        if let subject {
            guard let instants = span.instants else { return ([], true) }
            let cursor = position.map {
                EventCursor(occurredAt: $0.occurredAt, sequence: $0.sequence)
            }
            let events = try reader.events(
                of: subject, within: instants, .newestFirst, after: cursor, count: count)
            return (
                events.map { Candidate(subject: subject, event: $0) }, events.count < count
            )
        }
        let places = try places(in: span, before: position, count: count)
        var found: [Candidate] = []
        for place in places where found.count < count {
            let isBegun = position.map { place == Place($0) } ?? false
            let cursor = position.flatMap {
                isBegun ? EventCursor(occurredAt: $0.occurredAt, sequence: $0.sequence) : nil
            }
            found += try candidates(at: place, after: cursor, count: count)
        }
        return (found, places.count < count && found.count < count)
    }

    /// The filter's span, up to a position; `nil`: it is empty.
    private func span(before position: EventListPosition?) -> WindowSpan? {
        let from = max(filter.from ?? .earliest, .earliest)
        var until = min(filter.until ?? .latest, .latest)
        if let position {
            until = min(until, position.occurredAt.advanced(byMilliseconds: 1))
        }
        return from < until ? WindowSpan(from: from, until: until) : nil
    }

    /// Visits the events of the filter's span that count now and are of a shape that is accepted, day by day;
    /// of events that were corrected, by the shape that they have since.
    ///
    /// Only the columns are read of all others.
    package func forEachStanding(
        where accepts: (ColumnShape) -> Bool, _ visit: (RecordedEvent) -> Void
    ) throws(StoreError) {
        guard let span = span(before: nil) else { return }
        for day in try scan.days(within: span) {
            var standing: [Place: Int64] = [:]
            let day = WindowSpan(
                from: max(span.from, .startOf(day: day)),
                until: min(span.until, .startOf(day: day + 1)))
            try scan.forEachRun(in: day, withTimes: true, where: accepts) { (run) in
                let (subjects, times, weights) = (run.subjects, run.times, run.weights)
                for index in times.indices {
                    let place = Place(time: times[index], subject: subjects[index])
                    let weight = (standing[place] ?? 0) + (weights?[index] ?? 1)
                    standing[place] = weight == 0 ? nil : weight
                }
            }
            for place in standing.keys.sorted() {
                let candidates = try candidates(at: place, after: nil, count: Self.eventsAtOnce)
                let own = candidates.filter { $0.event.owner == place.subject }
                for event in try page(of: own, next: nil).events { visit(event) }
            }
        }
    }

    /// Events of one subject and instant that are read together.
    private static let eventsAtOnce = 65_536

    private func candidates(
        at place: Place, after cursor: EventCursor?, count: Int
    ) throws(StoreError) -> [Candidate] {
        let instant = Instant(millisecondsSince1970: place.time)
        return try reader.events(
            of: place.subject, within: instant...instant, .newestFirst, after: cursor,
            count: count
        ).map { Candidate(subject: place.subject, event: $0) }
    }

    // MARK: Places

    /// When a subject did something.
    private struct Place: Hashable, Comparable {
        var time: Int64
        var subject: Int64

        init(time: Int64, subject: Int64) {
            self.time = time
            self.subject = subject
        }

        init(_ position: EventListPosition) {
            time = position.occurredAt.millisecondsSince1970
            subject = position.subject
        }

        static func < (lhs: Place, rhs: Place) -> Bool {
            (lhs.time, lhs.subject) < (rhs.time, rhs.subject)
        }
    }

    /// The last places of a span, the last first. It reads the columns of as many days as it takes.
    private func places(
        in span: WindowSpan, before position: EventListPosition?, count: Int
    ) throws(StoreError) -> [Place] {
        var last = LastPlaces(
            upTo: position.map { Place($0) }, count: count, looksAtTakenBack: filter.findsLateTypes)
        for day in try scan.days(within: span).reversed() {
            let day = WindowSpan(
                from: max(span.from, .startOf(day: day)),
                until: min(span.until, .startOf(day: day + 1)))
            try scan.forEachRun(in: day, withTimes: true, where: { _ in true }) { (run) in
                last.add(run, isWanted: isWanted(run.shape))
            }
            if last.isFull { break }
        }
        return last.sorted
    }

    private func isWanted(_ shape: ColumnShape) -> Bool {
        (filter.type == nil || shape.type == filter.type)
            && (filter.status == nil || shape.status == filter.status)
    }

    /// The last of all places that it is given, each once.
    private struct LastPlaces {
        private let end: Place?
        private let count: Int
        private let looksAtTakenBack: Bool
        private var found: [Place] = []
        /// What is not after this is none of the last.
        private var floor: Place?

        init(upTo end: Place?, count: Int, looksAtTakenBack: Bool) {
            self.end = end
            self.count = count
            self.looksAtTakenBack = looksAtTakenBack
        }

        /// - Parameter isWanted: whether the shape is that of events that are looked for. What was taken
        ///   back may be looked at in any case: what became of it has no shape when it counts for nothing.
        mutating func add(_ run: ColumnRun, isWanted: Bool) {
            let weights = isWanted || looksAtTakenBack ? run.weights : nil
            guard isWanted || weights != nil else { return }
            let (subjects, times) = (run.subjects, run.times)
            for index in times.indices where isWanted || weights?[index] ?? 1 < 0 {
                let place = Place(time: times[index], subject: subjects[index])
                if let floor, place <= floor { continue }
                if let end, place > end { continue }
                found.append(place)
                if found.count >= 4 * count { trim() }
            }
        }

        private mutating func trim() {
            found = Array(Set(found).sorted(by: >).prefix(count))
            if found.count == count { floor = found.last }
        }

        var isFull: Bool {
            mutating get {
                trim()
                return found.count == count
            }
        }

        var sorted: [Place] {
            mutating get {
                trim()
                return found
            }
        }
    }
}
