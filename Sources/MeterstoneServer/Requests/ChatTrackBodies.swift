import Meterstone
import MeterstoneAPI
import MeterstoneCore

extension FlatBody {
    /// The body that starts a chat request.
    static func start(_ json: [UInt8]) throws(Rejection) -> FlatBody {
        try FlatBody(
            json,
            texts: [
                "prompt": ChatBounds.text, "sessionId": ChatBounds.name, "model": ChatBounds.name,
                "requestType": ChatBounds.name, "category": ChatBounds.name,
                "complexity": ChatBounds.name, "userId": ChatBounds.name,
                "requestId": ChatBounds.name, "ipAddress": ChatBounds.name,
                "userAgent": ChatBounds.userAgent, "onExpiry": ChatBounds.name,
                "onAbort": ChatBounds.name,
            ], numbers: ["estimatedTokens", "expiresInSeconds", "abortMinimumTokens"],
            hasLevels: true)
    }

    /// - Parameters:
    ///   - key: of the header field `Idempotency-Key`, the id where the body names none.
    ///   - userAgent: of the header field, used where the body tells none.
    func requestStart(
        of user: SubjectID, key: EventID?, userAgent: String?
    ) throws(Rejection) -> RequestStart {
        let session = try requiredText("sessionId", "the session that the request belongs to")
        guard SubjectID.isValid(session) else {
            throw .invalid("sessionId", SubjectID.expectation)
        }
        return RequestStart(
            id: try eventID("requestId") ?? key, subject: user,
            prompt: try requiredText("prompt", "what the user asks"), session: session,
            model: try identifier("model"), type: text("requestType"), category: text("category"),
            complexity: text("complexity"), estimatedTokens: try number("estimatedTokens"),
            ipAddress: text("ipAddress"), userAgent: text("userAgent") ?? userAgent,
            milliseconds: try expiry(), onExpiry: try choice("onExpiry"),
            onAbort: try choice("onAbort"), abortMinimumTokens: try number("abortMinimumTokens"),
            levels: levels)
    }

    private func expiry() throws(Rejection) -> Int64? {
        guard let seconds = try number("expiresInSeconds") else { return nil }
        let bounds = WireBounds.reservationSeconds
        guard bounds.contains(seconds) else {
            throw .invalid(
                "expiresInSeconds",
                "a whole number from \(bounds.lowerBound) to \(bounds.upperBound)")
        }
        return seconds * 1_000
    }

    private func choice<Choice>(_ name: String) throws(Rejection) -> Choice?
    where Choice: RawRepresentable<String> & CaseIterable {
        guard let text = text(name) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalid(name, "one of \(words)")
        }
        return choice
    }
}

extension FlatBody {
    /// The body that ends a chat request, or rates it.
    static func end(_ json: [UInt8]) throws(Rejection) -> FlatBody {
        try FlatBody(
            json,
            texts: [
                "requestId": ChatBounds.name, "status": ChatBounds.name, "userId": ChatBounds.name,
                "response": ChatBounds.text, "error": ChatBounds.error,
                "errorMessage": ChatBounds.error, "tokensTold": ChatBounds.name,
                "processing": ChatBounds.name,
            ], numbers: Set(endNumbers + ["userRating"]))
    }

    private static let tokenParts = [
        "cachedTokens", "reasoningTokens", "cacheWriteTokens", "cacheWriteLongTokens",
        "audioInputTokens", "audioOutputTokens", "images",
    ]
    private static let endNumbers =
        ["tokensUsed", "tokensInput", "tokensOutput"] + tokenParts + ["cost", "duration"]

    func requestID() throws(Rejection) -> EventID {
        _ = try requiredText("requestId", "the id that the start was answered")
        guard let id = try eventID("requestId") else { throw .missing("requestId", "an id") }
        return id
    }

    /// The rating of a body that tells nothing else.
    func ratingAlone() throws(Rejection) -> Int? {
        guard text("status") == nil else { return nil }
        for name in ["response", "error", "errorMessage", "tokensTold", "processing"]
        where text(name) != nil {
            throw .missing("status", Self.statuses)
        }
        for name in Self.endNumbers where try number(name) != nil {
            throw .missing("status", Self.statuses)
        }
        guard let rating = try number("userRating") else {
            throw .missing("status", Self.statuses)
        }
        return Int(rating)
    }

    func requestEnd() throws(Rejection) -> RequestEnd {
        guard let status = text("status").flatMap({ RequestEnd.Status(rawValue: $0) }) else {
            throw .invalid("status", Self.statuses)
        }
        return RequestEnd(
            id: try requestID(), status: status, response: text("response"),
            tokens: try requestTokens(), cost: try cost(),
            durationMilliseconds: try number("duration"), error: try errorText(),
            rating: try number("userRating").map { Int($0) })
    }

    private static let statuses = "completed, failed or cancelled"

    /// The document tells costs in cents.
    private func cost() throws(Rejection) -> Money? {
        try number("cost").map { Money(millionths: $0 * Money.cent.millionths) }
    }

    private func errorText() throws(Rejection) -> String? {
        guard let error = text("error"), let message = text("errorMessage"), error != message else {
            return text("error") ?? text("errorMessage")
        }
        throw .invalid("errorMessage", "the same as error, or only one of them")
    }

    /// Input and output together are `tokensUsed`, or are told as what they are.
    private func requestTokens() throws(Rejection) -> RequestTokens? {
        let used = try number("tokensUsed")
        let input = try number("tokensInput")
        let output = try number("tokensOutput")
        guard let input, let output else {
            for name in ["tokensInput", "tokensOutput"] where (input ?? output) != nil {
                if try number(name) == nil { throw .missing(name, "both kinds of tokens") }
            }
            for name in Self.tokenParts where try number(name) != nil {
                throw .missing("tokensInput", "tokensInput and tokensOutput beside \(name)")
            }
            return used.map { .total($0) }
        }
        if let used, used != input + output {
            throw .invalid("tokensUsed", "tokensInput and tokensOutput together")
        }
        var counts = TokenCounts(
            input: input, output: output, cached: try number("cachedTokens") ?? 0,
            reasoning: try number("reasoningTokens") ?? 0,
            cacheWrite: try number("cacheWriteTokens") ?? 0,
            cacheWriteLong: try number("cacheWriteLongTokens") ?? 0,
            audioInput: try number("audioInputTokens") ?? 0,
            audioOutput: try number("audioOutputTokens") ?? 0,
            images: try number("images") ?? 0, isBatch: try isBatch())
        if try areTokensBeside() {
            counts.input += counts.cached + counts.cacheWrite + counts.cacheWriteLong
            counts.output += counts.reasoning
        }
        return .counts(counts)
    }

    /// Whether what the cache had and what was thought is told beside input and output, as some providers
    /// do, and not as a part of them.
    private func areTokensBeside() throws(Rejection) -> Bool {
        switch text("tokensTold") {
        case nil, "inside": return false
        case "beside": return true
        default: throw .invalid("tokensTold", "inside or beside")
        }
    }

    private func isBatch() throws(Rejection) -> Bool {
        switch text("processing") {
        case nil, "standard": return false
        case "batch": return true
        default: throw .invalid("processing", "standard or batch")
        }
    }
}
