/// What plans said, and from when: a plan changes by being written again.
public struct PlanHistory: Sendable {
    /// A plan as it was written at an instant, or deleted.
    public struct Version: Hashable, Sendable {
        public let recordedAt: Instant
        public let key: PlanKey
        /// `nil`: from then on there was none with this key.
        public let plan: Plan?

        public init(recordedAt: Instant, key: PlanKey, plan: Plan?) {
            self.recordedAt = recordedAt
            self.key = key
            self.plan = plan
        }
    }

    private let versions: [PlanKey: [Version]]

    /// - Parameter versions: in the order in which they were recorded.
    public init(_ versions: [Version]) {
        self.versions = Dictionary(grouping: versions, by: \.key).mapValues { versions in
            versions.indices.flatMap { index in
                let next = index + 1 < versions.count ? versions[index + 1].recordedAt : .latest
                return versions[index].withScheduled(before: next)
            }
        }
    }

    /// The plan as it stood at an instant; before it was first written, as it was written then, since
    /// a subscription may have started before anybody wrote down what it costs.
    public func plan(_ key: PlanKey, at instant: Instant) -> Plan? {
        guard let versions = versions[key] else { return nil }
        return (versions.last { $0.recordedAt <= instant } ?? versions.first)?.plan
    }

    /// As the plan was last written, also when it was deleted since; `nil`: it never was.
    public func rank(of key: PlanKey) -> Int? {
        versions[key]?.last { $0.plan != nil }?.plan?.rank
    }

    /// Whether one plan is above another. A plan that was never written is above none, and no plan is
    /// below every plan.
    func isHigher(_ one: PlanKey?, than other: PlanKey?) -> Bool {
        guard let one else { return false }
        guard let other else { return true }
        return (rank(of: one) ?? .min) > (rank(of: other) ?? .min)
    }
}

extension PlanHistory.Version {
    /// The version, and what it became by what was scheduled and came before it was replaced.
    fileprivate func withScheduled(before end: Instant) -> [PlanHistory.Version] {
        guard let plan, !plan.scheduled.isEmpty else { return [self] }
        let later = plan.scheduled.filter { recordedAt < $0.effectiveAt && $0.effectiveAt < end }
        return [self]
            + later.map { next in
                PlanHistory.Version(
                    recordedAt: next.effectiveAt, key: key,
                    plan: plan.settled(at: next.effectiveAt))
            }
    }
}
