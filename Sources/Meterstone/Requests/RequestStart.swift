public import MeterstoneCore

/// The start of a request: who asks what, of which model.
public struct RequestStart: Hashable, Sendable {
    /// The caller's id, by which a repeat is known; `nil`: the engine makes one.
    public var id: EventID?
    public var subject: SubjectID
    public var prompt: String
    public var session: String?
    public var model: ModelKey?
    public var type: String?
    public var category: String?
    public var complexity: String?
    /// What is set aside; `nil`: as the prompt's length suggests.
    public var estimatedTokens: Int64?
    public var ipAddress: String?
    public var userAgent: String?
    /// How long its end is waited for; `nil`: as the tracker says.
    public var milliseconds: Int64?
    /// What counts when nobody tells its end; `nil`: nothing.
    public var onExpiry: ExpiryPolicy?
    /// What counts when it fails or is cancelled; `nil`: as meters say.
    public var onAbort: AbortPolicy?
    /// Tokens that count at least then, where there is a meter of tokens; `nil`: as the meter says.
    public var abortMinimumTokens: Int64?
    /// Further subjects that it counts for, beside its own and the teams above that.
    public var levels: [SubjectID]

    public init(
        id: EventID? = nil, subject: SubjectID, prompt: String, session: String? = nil,
        model: ModelKey? = nil, type: String? = nil, category: String? = nil,
        complexity: String? = nil, estimatedTokens: Int64? = nil, ipAddress: String? = nil,
        userAgent: String? = nil, milliseconds: Int64? = nil, onExpiry: ExpiryPolicy? = nil,
        onAbort: AbortPolicy? = nil, abortMinimumTokens: Int64? = nil, levels: [SubjectID] = []
    ) {
        self.id = id
        self.subject = subject
        self.prompt = prompt
        self.session = session
        self.model = model
        self.type = type
        self.category = category
        self.complexity = complexity
        self.estimatedTokens = estimatedTokens
        self.ipAddress = ipAddress
        self.userAgent = userAgent
        self.milliseconds = milliseconds
        self.onExpiry = onExpiry
        self.onAbort = onAbort
        self.abortMinimumTokens = abortMinimumTokens
        self.levels = levels
    }

    /// Tokens that an answer is thought to have where nobody says more.
    public static let answerTokensDefault: Int64 = 500
    /// Bytes of a prompt that are thought to be one token.
    public static let bytesPerToken: Int64 = 4

    /// What is set aside until the real number is known.
    public var tokensSetAside: Int64 {
        let bytes = Int64(prompt.utf8.count)
        return estimatedTokens
            ?? (bytes + Self.bytesPerToken - 1) / Self.bytesPerToken + Self.answerTokensDefault
    }
}

/// What became of the start of a request.
public enum RequestStartOutcome: Sendable {
    case started(StartedRequest)
    /// The limits say no. Nothing was counted.
    case denied(Denial, [LimitStatus], CreditCharge?)
    /// The id was used before, for something else. Nothing changed.
    case conflict(EventID)
    case rejected(Rejection)
}

/// A request that was let in, and where the subject's limits stood then.
public struct StartedRequest: Sendable {
    /// As it started, also when this answer was given before.
    public let request: TrackedRequest
    public let limits: [LimitStatus]
    public let credits: CreditCharge?
    /// This answer was given before.
    public let isDuplicate: Bool
}
