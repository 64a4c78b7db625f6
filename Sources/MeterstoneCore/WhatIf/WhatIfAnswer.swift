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

    public var allowed: Int { events - refused }

    /// Whether there are more refusals than are told.
    public var isTruncated: Bool { refusals.count < refused }

    /// What one limit would have refused. An event that several limits refuse counts for each.
    public struct RefusingLimit: Hashable, Sendable {
        public let limit: LimitKey
        public internal(set) var refused = 0
        public internal(set) var subjects = 0
    }

    public struct RefusingDay: Hashable, Sendable {
        public let day: CivilDate
        public internal(set) var refused: Int
    }

    public struct RefusedSubject: Hashable, Sendable {
        public let subject: SubjectID
        public let refused: Int
        public let firstRefusedAt: Instant
        public let lastRefusedAt: Instant
    }

    /// One event that would have been refused.
    public struct Refusal: Hashable, Sendable {
        public let subject: SubjectID
        public let occurredAt: Instant
        /// The limits that refuse it, the subject's own and its teams', each once.
        public let limits: [LimitKey]
        public let eventID: EventID
        public let source: String?
    }
}

/// An answer, or what is wrong with the question.
public enum WhatIfOutcome: Sendable {
    case answered(WhatIfAnswer)
    case rejected(Rejection)
}
