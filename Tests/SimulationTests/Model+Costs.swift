import MeterstoneCore
import MeterstoneStore

/// What events cost that name a model and their tokens.
extension Model {
    private var countsCosts: Bool { blueprint.meters.contains { $0.counts == .cost } }

    /// The event with what it costs by the price of its model, if it tells none itself.
    func priced(_ event: UsageEvent, at now: Instant, isEstimate: Bool) -> UsageEvent {
        guard countsCosts, let details = event.details, details.cost == nil,
            let cost = cost(
                event.quantities, details, at: event.occurredAt ?? now, isEstimate: isEstimate)
        else { return event }
        var result = event
        result.details = details.with(cost: cost)
        return result
    }

    /// An event whose cost was computed, once its quantities are others.
    func repriced(_ event: UsageEvent, at instant: Instant) -> UsageEvent {
        var result = event
        if let details = event.details {
            let cost = cost(event.quantities, details, at: instant, isEstimate: true)
            if let cost { result.details = details.with(cost: cost) }
        }
        return result
    }

    private func cost(
        _ quantities: Quantities, _ details: EventDetails, at instant: Instant, isEstimate: Bool
    ) -> Money? {
        let name = details.dimensions.first { $0.name == "model" }?.value
        guard
            let price = blueprint.models.first(where: { $0.key.text == name })?.prices
                .last(where: { $0.effectiveAt <= instant })
        else { return nil }
        let (input, output) = (price.input.millionths, price.output.millionths)
        if let tokens = quantities[.named("inputTokens")] {
            return Money(trillionths: Int128(tokens.units) * Int128(input))
        }
        guard let tokens = quantities[.named("tokens")], isEstimate || input == output else {
            return nil
        }
        return Money(trillionths: Int128(tokens.units) * Int128(max(input, output)))
    }

    /// What a meter of cost counts of an event; `nil`: nothing.
    func billionths(_ details: EventDetails, _ meter: Meter) -> Int64? {
        if let cost = details.cost { return Int64((cost.trillionths + 500) / 1_000) }
        guard case .estimate(let cost) = meter.withoutCost,
            details.dimensions.contains(where: { $0.name == "model" })
        else { return nil }
        return Int64(cost.trillionths / 1_000)
    }

    /// Whether a meter refuses what it cannot price.
    func refusesUnpriced(_ event: UsageEvent) -> Bool {
        let details = event.details ?? .none
        return blueprint.meters.contains { meter in
            meter.withoutCost == .refuse && details.cost == nil
                && countsEnd(meter, details)
                && accepts(meter.dimensions, details)
                && details.dimensions.contains { $0.name == "model" }
        }
    }
}
