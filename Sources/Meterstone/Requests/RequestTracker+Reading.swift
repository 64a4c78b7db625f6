public import MeterstoneCore
public import MeterstoneStore

/// Some of a subject's requests, newest first, and where the next page starts.
public struct RequestPage: Sendable {
    public let requests: [TrackedRequest]
    /// `nil`: there are no more.
    public let next: EventCursor?
}

/// Which requests a list shows; every part that is `nil` lets all through.
public struct RequestFilter: Hashable, Sendable {
    public var session: String?
    public var status: RequestStatus?
    public var model: String?
    public var category: String?

    public init(
        session: String? = nil, status: RequestStatus? = nil, model: String? = nil,
        category: String? = nil
    ) {
        self.session = session
        self.status = status
        self.model = model
        self.category = category
    }

    func accepts(_ request: TrackedRequest) -> Bool {
        (session == nil || request.session == session)
            && (status == nil || request.status == status)
            && (model == nil || request.model?.text == model)
            && (category == nil || request.category == category)
    }
}

extension RequestTracker {
    /// A request as it stands; `nil` when there is none with this id.
    public func request(_ id: EventID) async throws(StoreError) -> TrackedRequest? {
        let found =
            if let reservation = try await reservations([id]).first ?? nil {
                TrackedRequest(reservation, at: engine.clock())
            } else {
                try await told(id)?.request
            }
        guard let found, try await !isErased(found.subject) else { return nil }
        return found
    }

    /// Whether the person is erased whose request it was: by its old id it is told no more.
    func isErased(_ subject: SubjectID) async throws(StoreError) -> Bool {
        guard subject.text.hasPrefix(Erasure.keyPrefix) else { return false }
        return try await engine.subject(subject)?.erasedAt != nil
    }

    /// A request that was told as a whole, and what counts of it; `nil` when there is none with this id.
    func told(
        _ id: EventID
    ) async throws(StoreError) -> (request: TrackedRequest, quantities: Quantities)? {
        guard case .event(let event)? = try await engine.look([.event(id, source: nil)]).first
        else { throw .unexpectedOutcome }
        guard let event, let request = TrackedRequest(event, at: engine.clock()), request.isTold
        else { return nil }
        guard try await !isErased(request.subject) else { return nil }
        return (request, event.event.quantities)
    }

    /// A subject's requests, newest first; a team's include those of the subjects below it.
    ///
    /// Events that are no requests are read over, and so are requests that a filter does not let through: a
    /// page among many of them takes longer.
    public func requests(
        of subject: SubjectID, matching filter: RequestFilter = RequestFilter(),
        before cursor: EventCursor? = nil, count: Int = 100
    ) async throws(StoreError) -> RequestPage {
        let count = min(max(1, count), MeterstoneEngine.eventsPerPageMax)
        var found: [TrackedRequest] = []
        var last: EventCursor?
        var isMore = false
        try await forEachRequest(of: subject, before: cursor) { request, event in
            guard filter.accepts(request) else { return true }
            // One more than asked for tells whether there is a next page.
            guard found.count < count else {
                isMore = true
                return false
            }
            found.append(request)
            last = event.cursor
            return true
        }
        return RequestPage(requests: found, next: isMore ? last : nil)
    }

    /// Requests of all subjects, newest first. A page ends early where a filter lets few of many through.
    ///
    /// - Parameter span: whose and when; what else it selects is that requests are events of their type.
    public func requests(
        matching filter: RequestFilter, within span: EventFilter = EventFilter(),
        after position: EventListPosition? = nil, count: Int = 100
    ) async throws(StoreError) -> (requests: [TrackedRequest], next: EventListPosition?) {
        var span = span
        (span.type, span.session) = (TrackedRequest.eventType, filter.session)
        // A request is one from its beginning on.
        span.findsLateTypes = false
        let count = min(max(1, count), MeterstoneEngine.eventsPerPageMax)
        let now = engine.clock()
        var found: [TrackedRequest] = []
        var position = position
        for _ in 0..<Self.readsPerPage where found.count < count {
            let page = try await engine.events(
                matching: span, after: position, count: count - found.count)
            found += page.events.compactMap { TrackedRequest($0, at: now) }
                .filter { filter.accepts($0) }
            position = page.next
            if position == nil { break }
        }
        return (found, position)
    }

    private static let readsPerPage = 20

    /// Requests of all subjects that ended within a span's starts and whose cost nobody knows,
    /// subject by subject, each newest first.
    ///
    /// Reads the columns of the span, about ten nanoseconds an event, and then the requests that are open
    /// or have no cost; meant for reports.
    public func unpriced(
        from: Instant = .earliest, until: Instant = .latest
    ) async throws(StoreError) -> [TrackedRequest] {
        let view = try await engine.view(of: nil)
        let now = engine.clock()
        let span = EventFilter(from: from, until: until)
        // An estimate counts as a cost where costs are counted, and is none that somebody knows.
        let hasEstimates = view.catalog.blueprint.meters.contains { $0.counts == .cost }
        let events = try await engine.committer.read(.long) { (store) throws(StoreError) in
            try store.read(view) { (source) throws(StoreError) in
                var events: [RecordedEvent] = []
                try EventListReader(view, source, span, now: now).forEachStanding(
                    where: {
                        $0.type == TrackedRequest.eventType && (!$0.hasCost || hasEstimates)
                    }
                ) { event in
                    if event.isEnded { events.append(event) }
                }
                return events
            }
        }
        return events.sorted { one, other in
            one.event.subject == other.event.subject
                ? one.cursor > other.cursor : one.event.subject < other.event.subject
        }
        .compactMap { TrackedRequest($0, at: now) }
        .filter { $0.cost == nil || $0.cost?.source == .estimated }
    }

    // MARK: Visiting

    /// Visits a subject's requests from the newest to the oldest, until the visit says `false`.
    func forEachRequest(
        of subject: SubjectID, before start: EventCursor?,
        _ visit: (TrackedRequest, RecordedEvent) -> Bool
    ) async throws(StoreError) {
        let now = engine.clock()
        var cursor = start
        while true {
            let page = try await engine.events(
                of: subject, before: cursor, count: MeterstoneEngine.eventsPerPageMax)
            for event in page.events {
                guard let request = TrackedRequest(event, at: now) else { continue }
                guard visit(request, event) else { return }
            }
            guard let next = page.next else { return }
            cursor = next
        }
    }

    /// Visits a subject's own requests that started within a span and whose end was told.
    func forEachEnded(
        of subject: SubjectID, from: Instant, until: Instant,
        _ visit: (TrackedRequest, RecordedEvent) -> Void
    ) async throws(StoreError) {
        let end = EventCursor(occurredAt: until, sequence: .min)
        try await forEachRequest(of: subject, before: end) { request, event in
            guard request.startedAt >= from else { return false }
            if request.subject == subject, event.isEnded {
                visit(request, event)
            }
            return true
        }
    }

    func forEachSubject(
        _ visit: (SubjectID) async throws(StoreError) -> Void
    ) async throws(StoreError) {
        var after: SubjectID?
        while true {
            let subjects = try await engine.subjects(after: after, count: Self.subjectsPerPage)
            for subject in subjects { try await visit(subject.id) }
            guard let last = subjects.last else { return }
            after = last.id
        }
    }

    private static let subjectsPerPage = 500
}

extension RecordedEvent {
    /// Whether the end of the request that it is was told.
    fileprivate var isEnded: Bool { reservation.map { $0.status == .settled } ?? true }

    fileprivate var cursor: EventCursor {
        EventCursor(occurredAt: event.occurredAt ?? recordedAt, sequence: sequence)
    }
}
