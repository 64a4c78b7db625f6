public import MeterstoneCore
public import MeterstoneStore

/// Whether a feature may be used, or what is wrong with the question.
public enum FeatureOutcome: Sendable {
    case use(FeatureUse)
    case rejected(Rejection)
}

extension MeterstoneEngine {
    /// Records what a subject used of several meters, as one event and whatever the limits say.
    ///
    /// - Parameters:
    ///   - quantities: at least one.
    ///   - id: the same id again counts nothing again; `nil`: a new one is made.
    ///   - instant: when it happened; `nil`: now.
    public func recordUsage(
        of id: SubjectID, quantities: [MeterKey: Quantity], id eventID: EventID? = nil,
        occurredAt instant: Instant? = nil
    ) async throws(StoreError) -> RecordOutcome {
        guard !quantities.isEmpty else { return .rejected(.nothingUsed) }
        let event = UsageEvent(
            id: eventID, subject: id, occurredAt: instant,
            quantities: Quantities(
                quantities.map { NamedQuantity(name: $0.key, quantity: $0.value) }))
        guard let outcome = try await record([event]).first else { throw .unexpectedOutcome }
        return outcome
    }

    /// Whether a subject may use a feature once more this month, under a limit of the caller's own.
    /// Counts nothing, and asks no limit of the catalog; a subject that nobody has seen has used none.
    ///
    /// - Parameters:
    ///   - feature: the key of a meter, or a type of events that moves one meter and no other.
    ///   - monthlyLimit: per month of the subject's calendar.
    public func canUseFeature(
        _ id: SubjectID, _ feature: String, monthlyLimit: Allowance
    ) async throws(StoreError) -> FeatureOutcome {
        let meters = try await blueprint().meters
        let matching =
            meters.first { $0.key.text == feature }.map { [$0] }
            ?? meters.filter { $0.eventTypes.contains(feature) }
        guard let meter = matching.first else { return .rejected(.unknown(feature: feature)) }
        guard matching.count == 1 else { return .rejected(.ambiguous(feature, matching)) }
        let now = clock()
        let outcome = try await usage(
            of: id, meter: meter.key, window: .month, from: now,
            until: now.advanced(byMilliseconds: 1))
        switch outcome {
        case .rejected(let rejection): return .rejected(rejection)
        case .series(let series):
            guard let month = series.points.last else { throw .unexpectedOutcome }
            return .use(
                FeatureUse(
                    meter: meter.key, used: month.quantity, limit: monthlyLimit,
                    resetsAt: month.until))
        }
    }
}

extension Rejection {
    fileprivate static let nothingUsed = Rejection(
        code: .nothingToCount, field: "quantities",
        message: "expected what was used of at least one meter")

    fileprivate static func unknown(feature: String) -> Rejection {
        Rejection(
            code: .unknownMeter, field: "feature",
            message: "expected the key of a meter, or a type of events that moves one, not "
                + "'\(feature)'")
    }

    fileprivate static func ambiguous(_ feature: String, _ meters: [Meter]) -> Rejection {
        let keys = meters.map(\.key.text).joined(separator: ", ")
        return Rejection(
            code: .invalidField, field: "feature",
            message: "expected the key of a meter, since events of the type '\(feature)' move "
                + keys)
    }
}
