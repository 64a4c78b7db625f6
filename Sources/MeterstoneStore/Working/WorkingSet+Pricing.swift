import MeterstoneCore

/// What events cost that name a model and their tokens. It is found out when they are decided and stands in
/// the fact from then on: another price changes nothing that was recorded.
extension WorkingSet {
    /// An event with what it costs by the price of its model; `nil`: nobody counts costs, it tells its own,
    /// or there is no price.
    ///
    /// - Parameter isEstimate: as of ``ModelPrice/cost(of:isBatch:isEstimate:)``.
    func priced(_ event: UsageEvent, at now: Instant, isEstimate: Bool) -> UsageEvent? {
        guard !catalog.costMeters.isEmpty, let details = event.details, details.cost == nil,
            let cost = cost(
                event.quantities, details, at: event.occurredAt ?? now, isEstimate: isEstimate)
        else { return nil }
        var priced = event
        priced.details = details.costing(cost)
        return priced
    }

    private func cost(
        _ quantities: Quantities, _ details: EventDetails, at instant: Instant, isEstimate: Bool
    ) -> Money? {
        details.modelName.flatMap { catalog.price(of: $0, at: instant) }?
            .cost(of: quantities, isBatch: details.isBatch, isEstimate: isEstimate)
    }

    /// Why tokens of an event cannot be priced, although its model has a price: parts are more than their
    /// whole. It would cost nothing, and a budget would not hold.
    func misfit(of event: UsageEvent) -> Rejection? {
        guard !catalog.costMeters.isEmpty, let details = event.details, details.cost == nil,
            let model = details.modelName,
            catalog.price(of: model, at: event.occurredAt ?? now) != nil,
            let counts = TokenCounts(event.quantities, isBatch: details.isBatch),
            !counts.areConsistent
        else { return nil }
        let isOfInput = counts.plainInput < 0
        let whole = isOfInput ? TokenName.input : TokenName.output
        let parts =
            isOfInput
            ? [
                TokenName.cached, TokenName.cacheWrite, TokenName.cacheWriteLong,
                TokenName.audioInput,
            ] : [TokenName.reasoning, TokenName.audioOutput]
        let told = parts.filter { event.quantities[$0] != nil }.map(\.text)
        return Rejection(
            code: .invalidField, field: "quantities.\(whole)",
            message:
                "expected \(whole) with all of its parts in it, and \(told.joined(separator: ", ")) "
                + "come to more: tell the whole, or the cost of the event")
    }

    /// Computes a cost anew that was computed before, once the quantities are others.
    ///
    /// - Parameter told: what the change tells of its own; with a cost the event tells it from now on.
    func reprice(_ record: inout UsageRecord, told: EventDetails?) {
        guard record.isPriced else { return }
        guard told?.cost == nil else {
            record.isPriced = false
            return
        }
        guard let details = record.details else { return }
        let cost = cost(record.quantities, details, at: record.occurredAt, isEstimate: true)
        if let cost { record.details = details.costing(cost) }
    }
}

extension EventDetails {
    func costing(_ cost: Money?) -> EventDetails { with(cost: .some(cost)) }
}

extension UsageRecord {
    /// The details as they were told: without a cost that was computed.
    func detailsTold(besides event: UsageEvent) -> EventDetails? {
        isPriced && event.details?.cost == nil ? details?.costing(nil) : details
    }
}
