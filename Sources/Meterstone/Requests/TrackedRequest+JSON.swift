import MeterstoneCore

/// The request as JSON, under the names that the chat flow builder uses.
extension TrackedRequest: Codable {
    private enum CodingKeys: String, CodingKey {
        case requestId, userId, status, sessionId, prompt, response, model, requestType, category
        case complexity, estimatedTokens, tokensUsed, tokensInput, tokensOutput, cachedTokens
        case reasoningTokens, otherTokens, cost, costMillionths, costSource, duration, error,
            userRating
        case ipAddress, userAgent, startedAt, completedAt
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        guard let id = EventID(try container.decode(String.self, forKey: .requestId)) else {
            throw DecodingError.dataCorruptedError(
                forKey: .requestId, in: container,
                debugDescription: "expected \(EventID.expectation)")
        }
        self.init(
            id: id, subject: try container.decode(SubjectID.self, forKey: .userId),
            status: try container.decode(RequestStatus.self, forKey: .status),
            startedAt: try container.decode(Instant.self, forKey: .startedAt),
            endedAt: try container.decodeIfPresent(Instant.self, forKey: .completedAt))
        func text(_ key: CodingKeys) throws -> String? {
            try container.decodeIfPresent(String.self, forKey: key)
        }
        func number(_ key: CodingKeys) throws -> Int64? {
            try container.decodeIfPresent(Int64.self, forKey: key)
        }
        session = try text(.sessionId)
        prompt = try text(.prompt)
        response = try text(.response)
        model = try container.decodeIfPresent(ModelKey.self, forKey: .model)
        type = try text(.requestType)
        category = try text(.category)
        complexity = try text(.complexity)
        estimatedTokens = try number(.estimatedTokens)
        tokens = RequestTokens(
            used: try number(.tokensUsed), input: try number(.tokensInput),
            output: try number(.tokensOutput), cached: try number(.cachedTokens),
            reasoning: try number(.reasoningTokens),
            others: try container.decodeIfPresent(OtherTokens.self, forKey: .otherTokens))
        cost = RequestCost(
            millionths: try number(.costMillionths),
            try container.decodeIfPresent(RequestCost.Source.self, forKey: .costSource))
        durationMilliseconds = try number(.duration)
        error = try text(.error)
        rating = try container.decodeIfPresent(Int.self, forKey: .userRating)
        ratingAtEnd = rating
        ipAddress = try text(.ipAddress)
        userAgent = try text(.userAgent)
    }

    /// `cost` is in cents, rounded; `costMillionths` is exact, and is what is read.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id.text, forKey: .requestId)
        try container.encode(subject, forKey: .userId)
        try container.encode(status, forKey: .status)
        try container.encodeIfPresent(session, forKey: .sessionId)
        try container.encodeIfPresent(prompt, forKey: .prompt)
        try container.encodeIfPresent(response, forKey: .response)
        try container.encodeIfPresent(model, forKey: .model)
        try container.encodeIfPresent(type, forKey: .requestType)
        try container.encodeIfPresent(category, forKey: .category)
        try container.encodeIfPresent(complexity, forKey: .complexity)
        try container.encodeIfPresent(estimatedTokens, forKey: .estimatedTokens)
        try container.encodeIfPresent(tokens?.used, forKey: .tokensUsed)
        if case .counts(let counts) = tokens {
            try container.encode(counts.input, forKey: .tokensInput)
            try container.encode(counts.output, forKey: .tokensOutput)
            try container.encode(counts.cached, forKey: .cachedTokens)
            try container.encode(counts.reasoning, forKey: .reasoningTokens)
            try container.encodeIfPresent(OtherTokens(counts), forKey: .otherTokens)
        }
        try container.encodeIfPresent(cost?.money.cents, forKey: .cost)
        try container.encodeIfPresent(cost?.money, forKey: .costMillionths)
        try container.encodeIfPresent(cost?.source, forKey: .costSource)
        try container.encodeIfPresent(durationMilliseconds, forKey: .duration)
        try container.encodeIfPresent(error, forKey: .error)
        try container.encodeIfPresent(rating, forKey: .userRating)
        try container.encodeIfPresent(ipAddress, forKey: .ipAddress)
        try container.encodeIfPresent(userAgent, forKey: .userAgent)
        try container.encode(startedAt, forKey: .startedAt)
        try container.encodeIfPresent(endedAt, forKey: .completedAt)
    }
}

extension RequestTokens {
    /// `nil` when nothing is told of them.
    init?(
        used: Int64?, input: Int64?, output: Int64?, cached: Int64?, reasoning: Int64?,
        others: OtherTokens?
    ) {
        if let input, let output {
            var counts = TokenCounts(
                input: input, output: output, cached: cached ?? 0, reasoning: reasoning ?? 0)
            others?.add(to: &counts)
            self = .counts(counts)
        } else if let used {
            self = .total(used)
        } else {
            return nil
        }
    }
}

extension RequestCost {
    init?(millionths: Int64?, _ source: Source?) {
        guard let millionths, let source else { return nil }
        self.init(Money(millionths: millionths), source)
    }
}
