import FoundationEssentials
package import MeterstoneCore
package import MeterstoneStore

/// How a tracked request stands in a usage event: what meters and limits may look at as details and
/// dimensions, and the rest as properties.
extension TrackedRequest {
    /// The type of its event.
    public static let eventType = "chat_request"

    private enum DimensionName {
        static let model = "model"
        static let type = "requestType"
        static let category = "category"
        static let complexity = "complexity"
    }

    /// What has no place of its own in a usage event.
    private struct Properties: Codable {
        var prompt: String?
        var response: String?
        var estimatedTokens: Int64?
        var tokensUsed: Int64?
        var tokensInput: Int64?
        var tokensOutput: Int64?
        var cachedTokens: Int64?
        var reasoningTokens: Int64?
        var otherTokens: OtherTokens?
        var costMillionths: Int64?
        /// Where the cost is none of whole millionths.
        var costTrillionths: Int64?
        var costSource: RequestCost.Source?
        /// That came with the end.
        var userRating: Int?
        /// That came after the end.
        var laterRating: Int?
        var ipAddress: String?
        var userAgent: String?
        /// Of a request that was told as a whole; others are closed when they end.
        var endedAt: String?
    }

    /// The details of its event. They tell nothing of times, so that a repeat has the same ones.
    package func details() throws(StoreError) -> EventDetails {
        let pairs = [
            (DimensionName.model, model?.text), (DimensionName.type, type),
            (DimensionName.category, category), (DimensionName.complexity, complexity),
        ]
        var dimensions: [Dimension] = []
        for (name, value) in pairs {
            if let value { dimensions.append(Dimension(name: name, value: value)) }
        }
        return EventDetails(
            type: Self.eventType, subtype: model?.text, status: status.eventStatus,
            durationMilliseconds: durationMilliseconds, errorMessage: error, cost: cost?.money,
            session: session, dimensions: dimensions, properties: try properties())
    }

    private func properties() throws(StoreError) -> String {
        var properties = Properties(
            prompt: prompt, response: response, estimatedTokens: estimatedTokens,
            costMillionths: cost?.money.millionths,
            costTrillionths: cost.flatMap { cost in
                cost.money.rest == 0 ? nil : Int64(exactly: cost.money.trillionths)
            }, costSource: cost?.source,
            userRating: ratingAtEnd, laterRating: rating == ratingAtEnd ? nil : rating,
            ipAddress: ipAddress, userAgent: userAgent,
            endedAt: isTold ? endedAt?.rfc3339 : nil)
        switch tokens {
        case .total(let total): properties.tokensUsed = total
        case .counts(let counts):
            properties.tokensInput = counts.input
            properties.tokensOutput = counts.output
            properties.cachedTokens = counts.cached
            properties.reasoningTokens = counts.reasoning
            properties.otherTokens = OtherTokens(counts)
        case nil: break
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(properties), as: UTF8.self)
        } catch {
            throw StoreError(code: .misuse, message: "a request cannot be written as JSON")
        }
    }

    /// The request that a reservation stands for; `nil` when it stands for something else.
    ///
    /// A reservation whose time has run out is one that failed, whether that was written down or not.
    package init?(_ reservation: Reservation, at now: Instant) {
        guard let details = reservation.details, details.type == Self.eventType,
            reservation.source == nil
        else { return nil }
        self.init(
            id: reservation.id, subject: reservation.subject, status: .pending,
            startedAt: reservation.reservedAt, endedAt: reservation.closedAt)
        read(details)
        switch reservation.status {
        case .open where reservation.expiresAt > now: break
        case .open, .expired:
            status = .failed
            error = Self.expired
            endedAt = reservation.expiresAt
        case .settled: status = RequestStatus(details.status)
        case .released: status = .cancelled
        }
    }

    /// The request that an event reports; `nil` when it reports something else, or was voided.
    package init?(_ recorded: RecordedEvent, at now: Instant) {
        guard !recorded.isVoided else { return nil }
        guard let reservation = recorded.reservation else {
            self.init(told: recorded.event)
            return
        }
        self.init(reservation, at: now)
    }

    /// The request that an event tells as a whole.
    private init?(told event: UsageEvent) {
        guard let id = event.id, let startedAt = event.occurredAt, let details = event.details,
            details.type == Self.eventType, details.source == nil
        else { return nil }
        self.init(
            id: id, subject: event.subject, status: RequestStatus(details.status),
            startedAt: startedAt)
        read(details)
        guard isTold else { return nil }
    }

    private mutating func read(_ details: EventDetails) {
        session = details.session
        model = details.subtype.flatMap { ModelKey($0) }
        durationMilliseconds = details.durationMilliseconds
        error = details.errorMessage
        for dimension in details.dimensions {
            switch dimension.name {
            case DimensionName.type: type = dimension.value
            case DimensionName.category: category = dimension.value
            case DimensionName.complexity: complexity = dimension.value
            default: break
            }
        }
        guard let text = details.properties,
            let properties = try? JSONDecoder().decode(Properties.self, from: Data(text.utf8))
        else { return }
        prompt = properties.prompt
        response = properties.response
        estimatedTokens = properties.estimatedTokens
        tokens = RequestTokens(
            used: properties.tokensUsed, input: properties.tokensInput,
            output: properties.tokensOutput, cached: properties.cachedTokens,
            reasoning: properties.reasoningTokens, others: properties.otherTokens)
        cost = RequestCost(millionths: properties.costMillionths, properties.costSource)
        if let exact = properties.costTrillionths.flatMap({ Money(trillionths: Int128($0)) }) {
            cost?.money = exact
        }
        ratingAtEnd = properties.userRating
        rating = properties.laterRating ?? properties.userRating
        ipAddress = properties.ipAddress
        userAgent = properties.userAgent
        if let end = properties.endedAt.flatMap({ Instant(rfc3339: $0) }) {
            (endedAt, isTold) = (end, true)
        }
    }
}

extension RequestStatus {
    /// What the event says: a pending request counts as one that succeeds.
    fileprivate var eventStatus: EventStatus {
        switch self {
        case .pending, .completed: .success
        case .failed: .failed
        case .cancelled: .cancelled
        }
    }

    fileprivate init(_ status: EventStatus) {
        switch status {
        case .success: self = .completed
        case .failed: self = .failed
        case .cancelled: self = .cancelled
        }
    }
}
