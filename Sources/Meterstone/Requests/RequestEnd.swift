public import MeterstoneCore

/// The end of a request, as its caller tells it.
public struct RequestEnd: Hashable, Sendable {
    public enum Status: String, Hashable, Sendable, CaseIterable {
        case completed, failed, cancelled
    }

    public var id: EventID
    public var status: Status
    public var response: String?
    /// `nil`: nobody knows. A completed request then counts by what was set aside.
    public var tokens: RequestTokens?
    /// `nil`: as the model's price has it.
    public var cost: Money?
    public var durationMilliseconds: Int64?
    public var error: String?
    /// From 1 to 5.
    public var rating: Int?

    public init(
        id: EventID, status: Status = .completed, response: String? = nil,
        tokens: RequestTokens? = nil, cost: Money? = nil, durationMilliseconds: Int64? = nil,
        error: String? = nil, rating: Int? = nil
    ) {
        self.id = id
        self.status = status
        self.response = response
        self.tokens = tokens
        self.cost = cost
        self.durationMilliseconds = durationMilliseconds
        self.error = error
        self.rating = rating
    }

    public static let ratings = 1...5

    /// What is wrong with it, under the names that the chat flow builder uses.
    var rejection: Rejection? {
        if let rating, !Self.ratings.contains(rating) { return .invalidRating }
        if case .counts(let counts) = tokens, !counts.areConsistent {
            return Rejection(
                code: .invalidField, field: "tokensInput",
                message: "expected numbers from 0, no more cached tokens than input, and no more "
                    + "reasoning tokens than output; parts of either do not overlap")
        }
        if let tokens, tokens.used < 0 { return .negative("tokensUsed") }
        if let cost, cost < .zero { return .negative("cost") }
        if let durationMilliseconds, durationMilliseconds < 0 { return .negative("duration") }
        return nil
    }
}

/// What became of the end of a request, or of its rating.
public enum RequestEndOutcome: Sendable {
    case done(EndedRequest)
    /// It ended before, in another way. Nothing changed.
    case conflict(TrackedRequest)
    /// There is no request with this id.
    case unknown(EventID)
    case rejected(Rejection)
}

/// A request after its end was told, and where the subject's limits stood then.
public struct EndedRequest: Sendable {
    public let request: TrackedRequest
    /// Empty for a rating.
    public let limits: [LimitStatus]
    public let credits: CreditCharge?
    /// This was told before.
    public let isDuplicate: Bool
}

extension Rejection {
    static let invalidRating = Rejection(
        code: .invalidField, field: "userRating",
        message:
            "expected a whole number from \(RequestEnd.ratings.lowerBound) to "
            + "\(RequestEnd.ratings.upperBound)")

    fileprivate static func negative(_ field: String) -> Rejection {
        Rejection(code: .invalidField, field: field, message: "expected a number from 0")
    }
}
