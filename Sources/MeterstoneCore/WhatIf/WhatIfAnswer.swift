/// What would have been refused.
public struct WhatIfAnswer: Hashable, Sendable {
    public internal(set) var question: WhatIfQuestion
    /// Name of the zone whose days ``days`` are.
    public internal(set) var timeZone: String
    /// Events of the span that move a meter of a limit that refuses.
    public internal(set) var events = 0
    /// Of these, the refused ones.
    public internal(set) var refused = 0
    /// Whose events they are.
    public internal(set) var subjects = 0
    /// How many of them would have been refused something.
    public internal(set) var subjectsRefused = 0
    /// Every limit that could refuse, by key.
    public internal(set) var limits: [RefusingLimit] = []
    /// The days on which something would have been refused, by the time that events occurred.
    public internal(set) var days: [RefusingDay] = []
    /// Those who would have been refused most, ties by subject.
    public internal(set) var mostRefused: [RefusedSubject] = []
    /// The oldest refusals; of one instant in the order of recording.
    public internal(set) var refusals: [Refusal] = []

    init(question: WhatIfQuestion, timeZone: String) {
        self.question = question
        self.timeZone = timeZone
    }

    /// As a client was told; of the question only its span.
    package init(
        from: Instant?, until: Instant?, timeZone: String, events: Int, refused: Int, subjects: Int,
        subjectsRefused: Int, limits: [RefusingLimit], days: [RefusingDay],
        mostRefused: [RefusedSubject], refusals: [Refusal]
    ) {
        question = WhatIfQuestion(from: from, until: until)
        self.timeZone = timeZone
        self.events = events
        self.refused = refused
        self.subjects = subjects
        self.subjectsRefused = subjectsRefused
        self.limits = limits
        self.days = days
        self.mostRefused = mostRefused
        self.refusals = refusals
    }

    public var allowed: Int { events - refused }

    /// Whether there are more refusals than are told.
    public var isTruncated: Bool { refusals.count < refused }

    /// What one limit would have refused. An event that several limits refuse counts for each.
    public struct RefusingLimit: Hashable, Sendable {
        public let limit: LimitKey
        public internal(set) var refused = 0
        public internal(set) var subjects = 0

        package init(limit: LimitKey, refused: Int = 0, subjects: Int = 0) {
            self.limit = limit
            self.refused = refused
            self.subjects = subjects
        }
    }

    public struct RefusingDay: Hashable, Sendable {
        public let day: CivilDate
        public internal(set) var refused: Int

        package init(day: CivilDate, refused: Int) {
            self.day = day
            self.refused = refused
        }
    }

    public struct RefusedSubject: Hashable, Sendable {
        public let subject: SubjectID
        public let refused: Int
        public let firstRefusedAt: Instant
        public let lastRefusedAt: Instant

        package init(
            subject: SubjectID, refused: Int, firstRefusedAt: Instant, lastRefusedAt: Instant
        ) {
            self.subject = subject
            self.refused = refused
            self.firstRefusedAt = firstRefusedAt
            self.lastRefusedAt = lastRefusedAt
        }
    }

    /// One event that would have been refused.
    public struct Refusal: Hashable, Sendable {
        public let subject: SubjectID
        public let occurredAt: Instant
        /// The limits that refuse it, the subject's own and its teams', each once.
        public let limits: [LimitKey]
        public let eventID: EventID
        public let source: String?

        package init(
            subject: SubjectID, occurredAt: Instant, limits: [LimitKey], eventID: EventID,
            source: String?
        ) {
            self.subject = subject
            self.occurredAt = occurredAt
            self.limits = limits
            self.eventID = eventID
            self.source = source
        }
    }
}

/// An answer, or what is wrong with the question.
public enum WhatIfOutcome: Sendable {
    case answered(WhatIfAnswer)
    case rejected(Rejection)
}
