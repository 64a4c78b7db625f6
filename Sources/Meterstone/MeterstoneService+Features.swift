public import MeterstoneCore

extension MeterstoneService {
    /// Whether a subject's plan has a feature; ``SubjectFeatures`` says what it is worth. Counts nothing.
    ///
    /// A refusal names the plans that have it, the smallest first. A feature that no plan names is rejected with
    /// `unknown_feature`.
    public func check(
        feature name: String, of id: SubjectID
    ) async throws -> ConsumeOutcome {
        guard let value = try await features(of: id).features[name] else {
            return .rejected(
                Rejection(
                    code: .unknownFeature, field: "feature",
                    message: "expected a feature that some plan names, not '\(name)'"))
        }
        var denial: Denial?
        if !value.isOn {
            let plans = try await blueprint().plans.filter { $0.features[name]?.isOn ?? false }
                .sorted { ($0.rank, $0.key) < ($1.rank, $1.key) }
            denial = Denial(reason: .featureOff(name), plansThatAllow: plans.map(\.key))
        }
        return .decided(
            Decision(denial: denial, isDuplicate: false, eventID: nil, limits: []))
    }
}
