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
        let costs = try await estimates(of: starts)
        var outcomes = try await reserve(starts, costs, withTokens: true)
        // Where nobody counts tokens, requests are counted alone, and known again without them.
        var again = outcomes.indices.filter { outcomes[$0].mayBeWithoutTokens }
        guard !again.isEmpty else { return outcomes }
        func take(_ others: [RequestStartOutcome]) {
            for (index, outcome) in zip(again, others) { outcomes[index] = outcome }
        }
        take(
            try await reserve(again.map { starts[$0] }, again.map { costs[$0] }, withTokens: false))
        // A repeat whose model has another price by now is known by the estimate of then.
        again = again.filter { outcomes[$0].isConflict && starts[$0].model != nil }
        guard !again.isEmpty else { return outcomes }
        let then = try await reservations(again.compactMap { starts[$0].id }).map {
            $0?.details?.cost
        }
        guard then.count == again.count else { return outcomes }
        for withTokens in [true, false] {
            let others = try await reserve(again.map { starts[$0] }, then, withTokens: withTokens)
            for (index, outcome) in zip(again, others) where !outcome.isConflict {
                outcomes[index] = outcome
            }
        }
        return outcomes
    }

    /// What each may cost, where somebody counts that.
    private func estimates(of starts: [RequestStart]) async throws(StoreError) -> [Money?] {
        let none = [Money?](repeating: nil, count: starts.count)
        guard starts.contains(where: { $0.model != nil }) else { return none }
        let blueprint = try await engine.blueprint()
        guard blueprint.meters.contains(where: { $0.counts == .cost }) else { return none }
        let prices = RequestPrices(blueprint.models)
        let now = engine.clock()
        return starts.map { prices.estimate(of: $0, at: now) }
    }

    private func reserve(
        _ starts: [RequestStart], _ costs: [Money?], withTokens: Bool
    ) async throws(StoreError) -> [RequestStartOutcome] {
        var commands: [Command] = []
        for (start, cost) in zip(starts, costs) {
            let request = pending(start, cost, id: .text(""), startedAt: .earliest)
            var quantities = [NamedQuantity(name: Self.requests, quantity: 1)]
            if withTokens {
                quantities.append(
                    NamedQuantity(name: Self.tokens, quantity: Quantity(start.tokensSetAside)))
            }
            let event = UsageEvent(
                id: start.id, subject: start.subject, quantities: Quantities(quantities),
                details: try request.details().with(levels: start.levels))
            commands.append(.reserve(event, terms(of: start, withTokens: withTokens)))
        }
        var outcomes: [RequestStartOutcome] = []
        let reserved = try await engine.committer.commit(commands)
        for (index, outcome) in reserved.enumerated() {
            guard case .reserved(let reserved) = outcome else { throw .unexpectedOutcome }
            outcomes.append(self.outcome(of: reserved, starts[index], costs[index]))
        }
        return outcomes
    }

    private func terms(of start: RequestStart, withTokens: Bool) -> ReservationTerms {
        ReservationTerms(
            milliseconds: start.milliseconds ?? milliseconds,
            onExpiry: start.onExpiry ?? .release, onAbort: start.onAbort,
            abortMinimum: start.abortMinimumTokens.flatMap { tokens in
                withTokens ? .one(Self.tokens, Quantity(tokens)) : nil
            } ?? .none)
    }

    private func outcome(
        of reserved: ReserveOutcome, _ start: RequestStart, _ cost: Money?
    ) -> RequestStartOutcome {
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
                        start, cost, id: reservation.id, startedAt: reservation.reservedAt),
                    limits: decision.limits, credits: decision.credits,
                    isDuplicate: decision.isDuplicate))
        }
    }

    private func pending(
        _ start: RequestStart, _ cost: Money?, id: EventID, startedAt: Instant
    ) -> TrackedRequest {
        var request = TrackedRequest(
            id: id, subject: start.subject, status: .pending, startedAt: startedAt)
        request.session = start.session
        request.cost = cost.map { RequestCost($0, .estimated) }
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
    fileprivate var isConflict: Bool {
        if case .conflict = self { return true }
        return false
    }

    fileprivate var mayBeWithoutTokens: Bool {
        switch self {
        case .started, .denied: false
        case .conflict: true
        case .rejected(let rejection):
            rejection.code == .unknownMeter
                && ["quantities", "abortMinimum"].contains {
                    rejection.field == "\($0).\(RequestTracker.tokens)"
                }
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
            + "chat-builder has it")
}
