public import MeterstoneCore
public import MeterstoneStore

/// What became of an administrative change.
public struct ChangeReceipt: Sendable {
    public let outcome: ChangeOutcome
    /// What was changed, as JSON, as it stood afterwards; `nil` where it did not exist.
    public let after: String?
    /// This is the first answer again, to a repeated idempotency key.
    public let isReplay: Bool
}

/// What applying a blueprint did to one of its parts.
public struct BlueprintStep: Sendable {
    /// "meter", "plan", "limit", "model", "creditPolicy" or "statisticsPolicy".
    public let kind: String
    public let key: String
    public let outcome: ChangeOutcome
}

extension MeterstoneEngine {
    /// Changes meters, plans, limits, subjects, subscriptions or overrides.
    public func change(_ request: ChangeRequest) async throws(StoreError) -> ChangeReceipt {
        guard
            case .changed(let outcome, let after, let isReplay) =
                try await committer.commit(.change(request))
        else { throw .unexpectedOutcome }
        return ChangeReceipt(outcome: outcome, after: after, isReplay: isReplay)
    }

    /// Writes every part of a blueprint. What it does not name stays as it is, the policies
    /// included, and applying it twice changes nothing.
    public func apply(
        _ blueprint: Blueprint, author: String
    ) async throws(StoreError) -> [BlueprintStep] {
        let changes =
            blueprint.meters.map { Change.putMeter($0) } + blueprint.plans.map { .putPlan($0) }
            + blueprint.limits.map { .putLimit($0) } + blueprint.models.map { .putModel($0) }
            + (blueprint.credits.map { [.putCreditPolicy($0)] } ?? [])
            + (blueprint.statistics.map { [.putStatisticsPolicy($0)] } ?? [])
        let outcomes = try await committer.commit(
            changes.map { .change(ChangeRequest(change: $0, author: author)) })
        return try zip(changes, outcomes).map { (change, outcome) throws(StoreError) in
            guard case .changed(let outcome, _, _) = outcome else { throw .unexpectedOutcome }
            return BlueprintStep(kind: change.kind, key: change.key, outcome: outcome)
        }
    }

    /// What decides now, each part sorted by key.
    public func blueprint() async throws(StoreError) -> Blueprint {
        let view = try await view(of: nil)
        let blueprint = view.catalog.blueprint
        return Blueprint(
            meters: blueprint.meters.sorted { $0.key < $1.key },
            plans: blueprint.plans.sorted { $0.key < $1.key },
            limits: blueprint.limits.sorted { $0.key < $1.key }, credits: blueprint.credits,
            models: blueprint.models.sorted { $0.key < $1.key }, statistics: blueprint.statistics)
    }

    /// The same beside what is in force of it, where the environment says something else.
    package func effectiveBlueprint() async throws(StoreError) -> EffectiveBlueprint {
        let view = try await view(of: nil)
        return EffectiveBlueprint(
            view.catalog.blueprint, areLimitsEnforced: view.options.areLimitsEnforced,
            allowances: view.options.allowanceOverrides, credits: view.options.creditOverrides)
    }

    /// A subject's profile, or `nil` when nothing was ever written of it.
    public func subject(_ id: SubjectID) async throws(StoreError) -> Subject? {
        try await view(of: id).subject?.profile
    }

    /// Some subjects with an id greater than `after`, sorted by id.
    public func subjects(after: SubjectID?, count: Int) async throws(StoreError) -> [Subject] {
        try await committer.read { (store) throws(StoreError) in
            try store.subjects(after: after, count: max(1, count))
        }
    }

    /// The audit log, newest first: who changed what, when, from what to what.
    public func changes(
        before sequence: Int64? = nil, count: Int
    ) async throws(StoreError) -> [ChangeEntry] {
        try await committer.read { (store) throws(StoreError) in
            try store.changes(before: sequence, count: max(1, count))
        }
    }

    /// Changes of one thing, or of all of a kind, oldest first.
    package func changes(
        ofKind kind: String, key: String? = nil
    ) async throws(StoreError) -> [ChangeRecord] {
        try await committer.read { (store) throws(StoreError) in
            try store.read(try store.view(of: nil)) { (source) throws(StoreError) in
                try source.changes(ofKind: kind, key: key)
            }
        }
    }

    /// Projects everything that was committed.
    public func flush() async throws(StoreError) {
        try await committer.run { (store) throws(StoreError) in
            while try store.project() {}
        }
    }

    /// Recomputes every counter from the events, and says what differs. Holds writes up meanwhile, unless
    /// the store is shared between nodes.
    public func verify() async throws(StoreError) -> VerifyReport {
        try await committer.runUnlessShared { (store) throws(StoreError) in try store.verify() }
    }

    /// Recomputes every counter from the events and stores it. Holds writes up meanwhile.
    ///
    /// - Returns: how many counters there are.
    public func rebuild() async throws(StoreError) -> Int {
        try await committer.run { (store) throws(StoreError) in try store.rebuild() }
    }
}
