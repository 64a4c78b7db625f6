public import MeterstoneCore

/// One request to a language model, from its start to its end.
///
/// It is a usage event with a reservation: it counts from the start, by an estimate, and its end says
/// what it really used.
public struct TrackedRequest: Hashable, Sendable {
    public let id: EventID
    public let subject: SubjectID
    public var status: RequestStatus
    /// Groups the requests of one conversation.
    public var session: String?
    /// As much of the prompt as is kept.
    public var prompt: String?
    /// As much of the response as is kept.
    public var response: String?
    public var model: ModelKey?
    /// What was asked for: `chat`, `code_generation`.
    public var type: String?
    public var category: String?
    public var complexity: String?
    /// What was set aside at the start.
    public var estimatedTokens: Int64?
    /// `nil` until somebody tells.
    public var tokens: RequestTokens?
    /// `nil`: nobody told it, and no price is known.
    public var cost: RequestCost?
    public var durationMilliseconds: Int64?
    /// Why it failed; ``expired`` when nobody told its end in time.
    public var error: String?
    /// From 1 to 5.
    public var rating: Int?
    public var ipAddress: String?
    public var userAgent: String?
    public let startedAt: Instant
    /// `nil` while it is pending.
    public var endedAt: Instant?
    /// Whether it was told as a whole after it ended, so that nobody followed it: it is an event without a
    /// reservation.
    package var isTold = false
    /// The rating that came with the end, by which a repeat of it is known.
    package var ratingAtEnd: Int?

    package init(
        id: EventID, subject: SubjectID, status: RequestStatus, startedAt: Instant,
        endedAt: Instant? = nil
    ) {
        self.id = id
        self.subject = subject
        self.status = status
        self.startedAt = startedAt
        self.endedAt = endedAt
    }

    /// The error of a request whose end nobody told.
    public static let expired = "expired"
}

/// Where a tracked request stands.
public enum RequestStatus: String, Hashable, Sendable, Codable, CaseIterable {
    case pending, completed, failed, cancelled
}

/// What a request read and wrote.
public enum RequestTokens: Hashable, Sendable {
    /// Input and output together.
    case total(Int64)
    case counts(TokenCounts)

    /// Input and output together.
    public var used: Int64 {
        switch self {
        case .total(let tokens): tokens
        case .counts(let counts): counts.input.addingSaturated(counts.output)
        }
    }
}

/// What a request cost, and how that is known.
public struct RequestCost: Hashable, Sendable {
    public enum Source: String, Hashable, Sendable, Codable {
        /// Whoever ended the request told it.
        case given
        /// From the price of its model at the time of its start.
        case priced
        /// From the price and the tokens that were set aside, as long as nobody knows more.
        case estimated
    }

    public var money: Money
    public var source: Source

    public init(_ money: Money, _ source: Source) {
        self.money = money
        self.source = source
    }
}
