public import MeterstoneCore
public import MeterstoneStore

/// Follows requests to language models from their start to their end, on top of an engine.
///
/// A request counts as one of the meter ``requests``, and by its tokens where there is a meter
/// ``tokens``; the limits of both decide whether it may start. Methods may be called from anywhere.
public struct RequestTracker: Sendable {
    public let engine: MeterstoneEngine
    /// What is kept of prompts and responses.
    public var storedText: StoredText
    /// How long a request may take before it counts as failed.
    public var milliseconds: Int64

    public init(
        _ engine: MeterstoneEngine, storedText: StoredText = .standard,
        milliseconds: Int64 = ReservationTerms.millisecondsDefault
    ) {
        self.engine = engine
        self.storedText = storedText
        self.milliseconds = milliseconds
    }

    public static let requests = MeterKey(unchecked: "requests")
    public static let tokens = MeterKey(unchecked: "tokens")
    /// Who corrects events for ratings and prices.
    public static let author = "meterstone"

    // MARK: Starting

    /// Starts a request if the limits let it.
    public func start(_ start: RequestStart) async throws(StoreError) -> RequestStartOutcome {
        guard let outcome = try await self.start([start]).first else { throw .unexpectedOutcome }
        return outcome
    }

    /// Starts requests in order, with one commit for all. Each is decided by itself.
    public func start(
        _ starts: [RequestStart]
    ) async throws(StoreError) -> [RequestStartOutcome] {
        var outcomes = try await reserve(starts, withTokens: true)
        // Where nobody counts tokens, requests are counted alone, and known again without them.
        let again = outcomes.indices.filter { outcomes[$0].mayBeWithoutTokens }
        guard !again.isEmpty else { return outcomes }
        let others = try await reserve(again.map { starts[$0] }, withTokens: false)
        for (index, outcome) in zip(again, others) { outcomes[index] = outcome }
        return outcomes
    }

    private func reserve(
        _ starts: [RequestStart], withTokens: Bool
    ) async throws(StoreError) -> [RequestStartOutcome] {
        let terms = ReservationTerms(milliseconds: milliseconds)
        var commands: [Command] = []
        for start in starts {
            let request = pending(start, id: .text(""), startedAt: .earliest)
            var quantities = [NamedQuantity(name: Self.requests, quantity: 1)]
            if withTokens {
                quantities.append(
                    NamedQuantity(name: Self.tokens, quantity: Quantity(start.tokensSetAside)))
            }
            let event = UsageEvent(
                id: start.id, subject: start.subject, quantities: Quantities(quantities),
                details: try request.details())
            commands.append(.reserve(event, terms))
        }
        var outcomes: [RequestStartOutcome] = []
        for (start, outcome) in zip(starts, try await engine.committer.commit(commands)) {
            guard case .reserved(let reserved) = outcome else { throw .unexpectedOutcome }
            outcomes.append(self.outcome(of: reserved, start))
        }
        return outcomes
    }

    private func outcome(of reserved: ReserveOutcome, _ start: RequestStart) -> RequestStartOutcome
    {
        switch reserved {
        case .conflict(let id): return .conflict(id)
        case .rejected(let rejection): return .rejected(rejection.namingBlueprint)
        case .decided(let decision, let reservation):
            if let denial = decision.denial {
                return .denied(denial, decision.limits, decision.credits)
            }
            guard let reservation else { return .conflict(start.id ?? .text("")) }
            return .started(
                StartedRequest(
                    request: pending(
                        start, id: reservation.id, startedAt: reservation.reservedAt),
                    limits: decision.limits, credits: decision.credits,
                    isDuplicate: decision.isDuplicate))
        }
    }

    private func pending(
        _ start: RequestStart, id: EventID, startedAt: Instant
    ) -> TrackedRequest {
        var request = TrackedRequest(
            id: id, subject: start.subject, status: .pending, startedAt: startedAt)
        request.session = start.session
        request.prompt = storedText.kept(of: start.prompt)
        request.model = start.model
        request.type = start.type
        request.category = start.category
        request.complexity = start.complexity
        request.estimatedTokens = start.tokensSetAside
        request.ipAddress = start.ipAddress
        request.userAgent = start.userAgent
        return request
    }
}

extension RequestStartOutcome {
    fileprivate var mayBeWithoutTokens: Bool {
        switch self {
        case .started, .denied: false
        case .conflict: true
        case .rejected(let rejection):
            rejection.code == .unknownMeter
                && rejection.field == "quantities.\(RequestTracker.tokens)"
        }
    }
}

extension Rejection {
    /// Whoever tracks requests named no meter, and is told where the one that is missing comes from.
    fileprivate var namingBlueprint: Rejection {
        guard code == .unknownMeter, field == "quantities.\(RequestTracker.requests)" else {
            return self
        }
        return .noRequestsMeter
    }

    static let noRequestsMeter = Rejection(
        code: .unknownMeter, field: "",
        message: "expected a meter '\(RequestTracker.requests)', and there is none; the blueprint "
            + "chat-flow has it")
}
