import MeterstoneCore

/// What the models' tokens cost now, for any time.
struct RequestPrices: Sendable {
    private let models: [ModelKey: Model]

    init(_ models: [Model]) {
        self.models = Dictionary(models.map { ($0.key, $0) }) { first, _ in first }
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

extension ModelPrice {
    /// Whether a token costs the same, whatever kind it is of.
    fileprivate var isOneForAll: Bool {
        input == output && cached ?? input == input && reasoning ?? output == output
    }
}
