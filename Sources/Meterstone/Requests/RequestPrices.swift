import MeterstoneCore

/// What the models' tokens cost now, for any time.
struct RequestPrices: Sendable {
    private let models: [ModelKey: Model]

    init(_ models: [Model]) {
        self.models = Dictionary(models.map { ($0.key, $0) }) { first, _ in first }
    }

    /// What a request may cost that is about to start, by the tokens that are set aside for it; `nil` when
    /// its model has no price now.
    func estimate(of start: RequestStart, at now: Instant) -> Money? {
        guard let price = start.model.flatMap({ models[$0] })?.price(at: now) else { return nil }
        // Of tokens that the caller estimates, nobody knows which are the dear ones.
        if let tokens = start.estimatedTokens { return price.mostCost(of: tokens) }
        let output = RequestStart.answerTokensDefault
        return price.cost(
            of: TokenCounts(input: start.tokensSetAside - output, output: output))
    }

    /// What a request cost at the price of its start; `nil` when its model has no price for that
    /// time, or when its tokens are not told well enough.
    func cost(of request: TrackedRequest) -> Money? {
        guard let tokens = request.tokens, let model = request.model.flatMap({ models[$0] }),
            let price = model.price(at: request.startedAt)
        else { return nil }
        switch tokens {
        case .counts(let counts): return price.cost(of: counts)
        case .total(let total):
            // Without kinds the cost is known only where they make no difference.
            guard price.isOneForAll else { return nil }
            return price.cost(of: TokenCounts(input: total, output: 0))
        }
    }
}
