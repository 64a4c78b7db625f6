/// Which events a list of all subjects shows; every part that is `nil` lets all through.
public struct EventFilter: Hashable, Sendable {
    /// Its own events, and not those of subjects below it.
    public var subject: SubjectID?
    /// As the event stands now.
    public var type: String?
    public var status: EventStatus?
    public var session: String?
    /// When it happened: from this instant on.
    public var from: Instant?
    /// Up to this instant, which is not included.
    public var until: Instant?
    /// Whether events are found that got their type only when they came to nothing; of those columns tell no
    /// type, so that everything has to be read that was ever taken back.
    package var findsLateTypes = true

    public init(
        subject: SubjectID? = nil, type: String? = nil, status: EventStatus? = nil,
        session: String? = nil, from: Instant? = nil, until: Instant? = nil
    ) {
        self.subject = subject
        self.type = type
        self.status = status
        self.session = session
        self.from = from
        self.until = until
    }
}

/// A position in a list of the events of all subjects, which runs from the newest to the oldest. Of one
/// instant, events of one subject stand together.
public struct EventListPosition: Hashable, Sendable {
    public let occurredAt: Instant
    /// The number of the subject.
    package let subject: Int64
    package let sequence: Int64

    package init(occurredAt: Instant, subject: Int64, sequence: Int64) {
        self.occurredAt = occurredAt
        self.subject = subject
        self.sequence = sequence
    }
}

/// Some events of all subjects, newest first, and where the next page starts.
public struct EventListPage: Sendable {
    public let events: [RecordedEvent]
    /// `nil`: there are no more. A page can be short, or empty, and not be the last.
    public let next: EventListPosition?

    package init(events: [RecordedEvent], next: EventListPosition?) {
        self.events = events
        self.next = next
    }
}
