public import MeterstoneCore
public import MeterstoneStore

/// What computing costs anew came to.
public struct RepriceReport: Hashable, Sendable {
    /// Requests that ended and whose cost was not given.
    public var requests = 0
    /// Whose cost is another one now.
    public var repriced = 0
    /// Whose cost nobody knows, before and after.
    public var unpriced = 0
    /// Whose cost stays.
    public var unchanged = 0
    /// That the store did not let be corrected, since their ids are no longer remembered.
    public var refused = 0

    public init() {}
}

extension RequestTracker {
    /// Computes the costs of requests anew, with the prices of now for the times at which they
    /// started, and corrects those that differ. Doing it again changes nothing.
    ///
    /// Costs that were given stay. So does a cost whose model has no price any more. Reads every event
    /// of the span.
    ///
    /// - Parameters:
    ///   - model: only requests to this model; `nil`: to all.
    ///   - isDryRun: counts, and changes nothing.
    public func reprice(
        from: Instant = .earliest, until: Instant = .latest, model: ModelKey? = nil,
        isDryRun: Bool = false
    ) async throws(StoreError) -> RepriceReport {
        let prices = RequestPrices(try await engine.blueprint().models)
        var report = RepriceReport()
        try await forEachSubject { (subject) throws(StoreError) in
            var changed: [(request: TrackedRequest, quantities: Quantities)] = []
            try await forEachEnded(of: subject, from: from, until: until) { request, event in
                guard request.cost?.source != .given, model == nil || request.model == model
                else { return }
                var request = request
                if report.add(&request, prices) {
                    changed.append((request, event.event.quantities))
                }
            }
            if !isDryRun { report.refused += try await correct(changed) }
        }
        report.repriced -= report.refused
        return report
    }

    /// Corrects requests, with one commit for some hundred, and returns how many were refused.
    private func correct(
        _ changed: [(request: TrackedRequest, quantities: Quantities)]
    ) async throws(StoreError) -> Int {
        var refused = 0
        var start = 0
        while start < changed.count {
            let part = changed[start..<min(start + Self.correctionsPerCommit, changed.count)]
            var commands: [Command] = []
            for (request, quantities) in part {
                commands.append(
                    .correct(
                        Correction(
                            eventID: request.id,
                            kind: .amend(quantities, try request.details()), author: Self.author,
                            reason: Self.repriced)))
            }
            for outcome in try await engine.committer.commit(commands) {
                if case .corrected(.rejected) = outcome { refused += 1 }
            }
            start = part.endIndex
        }
        return refused
    }

    /// The reason of a correction that changes a cost.
    public static let repriced = "repriced"
    private static let correctionsPerCommit = 500
}

extension RepriceReport {
    /// Prices the request, notes what came of it, and returns whether it changed.
    fileprivate mutating func add(_ request: inout TrackedRequest, _ prices: RequestPrices) -> Bool
    {
        requests += 1
        let money = prices.cost(of: request)
        let known = request.cost.flatMap { $0.source == .estimated ? nil : $0.money }
        // What an earlier version rounded to millionths stays.
        guard let money, known != money, known != Money(millionths: money.millionths) else {
            if known == nil { unpriced += 1 } else { unchanged += 1 }
            return false
        }
        request.cost = RequestCost(money, .priced)
        repriced += 1
        return true
    }
}
