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
        let quantities = try await blueprint().withoutEmptyCompanions(quantities)
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
        switch try await blueprint().meter(ofFeature: feature) {
        case .failure(let rejection): return .rejected(rejection)
        case .success(let meter): return try await month(of: id, meter, monthlyLimit)
        }
    }

    /// Whether a subject may use a feature once more under the limits of its plan, credits included. Counts
    /// nothing; a subject that nobody has seen is one of the default plan.
    ///
    /// Of several limits the answer shows the one of the month, or else the one of which least is left.
    public func canUseFeature(
        _ id: SubjectID, _ feature: String
    ) async throws(StoreError) -> FeatureOutcome {
        let meter: Meter
        switch try await blueprint().meter(ofFeature: feature) {
        case .failure(let rejection): return .rejected(rejection)
        case .success(let known): meter = known
        }
        let once = UsageEvent(subject: id, quantities: .one(meter.key, 1))
        guard case .decided(let decision) = try await check(once) else {
            return try await month(of: id, meter, .unlimited)
        }
        let own = decision.limits.filter { $0.meter == meter.key }
        let monthly = own.first { $0.window == .month || $0.window == .billingMonth }
        let bounded = own.filter { $0.remaining >= 0 }
        guard
            let shown = monthly ?? bounded.min(by: { $0.remaining < $1.remaining }) ?? own.first
        else {
            return try await month(of: id, meter, .unlimited, isAllowed: decision.isAllowed)
        }
        return .use(
            FeatureUse(
                meter: meter.key, used: shown.used, limit: shown.allowance,
                resetsAt: shown.resetsAt, limitKey: shown.limit, isAllowed: decision.isAllowed))
    }

    private func month(
        of id: SubjectID, _ meter: Meter, _ monthlyLimit: Allowance, isAllowed: Bool? = nil
    ) async throws(StoreError) -> FeatureOutcome {
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
                    resetsAt: month.until, isAllowed: isAllowed))
        }
    }
}

extension Blueprint {
    /// Without quantities of 0 that meters are counted alongside of: who tells all fields of a form, and no
    /// session among them, has completed none.
    fileprivate func withoutEmptyCompanions(
        _ quantities: [MeterKey: Quantity]
    ) -> [MeterKey: Quantity] {
        let companions = Set(meters.compactMap(\.alongside))
        guard !companions.isEmpty else { return quantities }
        let told = quantities.filter { $0.value != .zero || !companions.contains($0.key) }
        return told.isEmpty ? quantities : told
    }

    /// The meter of a key or an alias, or the one that a type of events moves.
    fileprivate func meter(ofFeature feature: String) -> Result<Meter, Rejection> {
        if let meter = MeterKey(feature).flatMap({ meter($0) }) { return .success(meter) }
        let matching = meters.filter { $0.counts(type: feature) }
        guard let meter = matching.first else { return .failure(.unknown(feature: feature)) }
        return matching.count == 1
            ? .success(meter) : .failure(.ambiguous(feature, matching))
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
