public import MeterstoneCore
public import MeterstoneStore

/// Usage of a meter, or what is wrong with the question.
public enum UsageOutcome: Sendable {
    case series(UsageSeries)
    case rejected(Rejection)
}

extension MeterstoneEngine {
    /// Points that one answer may have.
    public static let pointsMax = 10_000
    /// Events that one page may have.
    public static let eventsPerPageMax = 1_000
    /// Windows up to now that are answered when a question names no start.
    static let pointsDefault = 30

    /// Looks at how things stand, beside the committer.
    func look(_ looks: [Look]) async throws(StoreError) -> [Look.Answer] {
        let now = clock()
        return try await committer.read { (store) throws(StoreError) in
            try store.look(looks, at: now)
        }
    }

    func look(_ look: Look) async throws(StoreError) -> Look.Answer {
        guard let answer = try await self.look([look]).first else { throw .unexpectedOutcome }
        return answer
    }

    /// Usage of a meter, window by window, in the subject's own calendar.
    ///
    /// - Parameters:
    ///   - from: `nil`: thirty windows back.
    ///   - until: `nil`: until the end of the window that now falls into.
    public func usage(
        of id: SubjectID, meter key: MeterKey, window: Window, from: Instant? = nil,
        until: Instant? = nil
    ) async throws(StoreError) -> UsageOutcome {
        let now = clock()
        let view = try await view(of: id)
        guard let meter = view.catalog.blueprint.meter(key) else {
            return .rejected(.unknown(meter: key))
        }
        guard window.isRepeating || window == .lifetime else { return .rejected(.windowOfUsage) }
        guard let spans = view.spans(window, from: from, until: until, now: now) else {
            return .rejected(.tooManyPoints)
        }
        let points = try await committer.read { (store) throws(StoreError) in
            try store.read(view) { (source) throws(StoreError) in
                try UsageReader(view, source, now: now).points(
                    of: meter, over: spans, window: window)
            }
        }
        return .series(
            UsageSeries(
                meter: meter.key, window: window, timeZone: view.timeZone, points: points))
    }

    /// A subject's events, newest first; a team's include those of the subjects below it.
    public func events(
        of id: SubjectID, before cursor: EventCursor? = nil, count: Int = 100
    ) async throws(StoreError) -> EventPage {
        let view = try await view(of: id)
        let count = min(max(1, count), Self.eventsPerPageMax)
        return try await committer.read { (store) throws(StoreError) in
            try store.read(view) { (source) throws(StoreError) in
                try UsageReader(view, source, now: self.clock()).events(
                    before: cursor, count: count)
            }
        }
    }
}

extension MeterstoneEngine {
    /// Events of all subjects, newest first.
    ///
    /// It reads the columns of as many days as it takes, about ten nanoseconds an event, and at most ten
    /// thousand events themselves. Where a filter lets few of those through, a page ends early.
    public func events(
        matching filter: EventFilter, after position: EventListPosition? = nil, count: Int = 100
    ) async throws(StoreError) -> EventListPage {
        let view = try await view(of: nil)
        let now = clock()
        let count = min(max(1, count), Self.eventsPerPageMax)
        return try await committer.read(.long) { (store) throws(StoreError) in
            try store.read(view) { (source) throws(StoreError) in
                guard let filter = try self.narrowed(filter, view, source, now: now) else {
                    return EventListPage(events: [], next: nil)
                }
                return try EventListReader(view, source, filter, now: now)
                    .page(after: position, count: count)
            }
        }
    }
}

extension MeterstoneEngine {
    /// When the newest event and the newest change were recorded; `nil`: there is neither.
    package func newestAt() async throws(StoreError) -> Instant? {
        let event = try await events(matching: EventFilter(), count: 1).events.first
        let change = try await changes(count: 1).first
        return [event?.recordedAt, change?.recordedAt].compactMap(\.self).max()
    }
}

extension StoreView {
    fileprivate func spans(
        _ window: Window, from: Instant?, until: Instant?, now: Instant
    ) -> [WindowSpan]? {
        if window == .lifetime { return [.lifetime] }
        let end = until ?? span(window, containing: now).until
        var start = from ?? end
        if from == nil {
            for _ in 0..<MeterstoneEngine.pointsDefault {
                start = span(window, containing: start.advanced(byMilliseconds: -1)).from
            }
        }
        guard start < end else { return [] }
        return window.spans(
            from: start, until: end, in: zone, anchors: anchors, atMost: MeterstoneEngine.pointsMax)
    }

    private func span(_ window: Window, containing instant: Instant) -> WindowSpan {
        window.span(containing: instant, in: zone, anchors: anchors)
    }
}

extension Rejection {
    static func unknown(meter key: MeterKey) -> Rejection {
        Rejection(
            code: .unknownMeter, field: "meter",
            message: "expected the key of a meter, and there is none called '\(key)'")
    }

    fileprivate static let windowOfUsage = Rejection(
        code: .invalidField, field: "window",
        message: "expected minute, hour, day, week, month, quarter, year, billingMonth or lifetime")

    fileprivate static let tooManyPoints = Rejection(
        code: .invalidField, field: "from",
        message: "expected a span of at most \(MeterstoneEngine.pointsMax) windows")
}
