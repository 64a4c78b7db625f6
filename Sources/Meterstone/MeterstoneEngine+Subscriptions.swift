public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// A subject's subscriptions, the oldest first: those that were, the one that is, and those that are
    /// scheduled; `nil`: nothing was ever written of it.
    public func subscriptions(
        of id: SubjectID
    ) async throws(StoreError) -> [SubscriptionPeriod]? {
        guard let stored = try await view(of: id).subject else { return nil }
        return stored.subscriptionPeriods(at: clock())
    }

    /// What the plan of a subject says of every feature that any plan names. A subject that nobody has seen has
    /// the default plan.
    public func features(of id: SubjectID) async throws(StoreError) -> SubjectFeatures {
        let view = try await view(of: id)
        let now = clock()
        let plan = view.plan(at: now)
        return SubjectFeatures(
            subject: view.subject?.profile.id ?? id, plan: plan,
            subscription: view.subject?.profile.subscription(at: now)?.status(at: now),
            features: view.catalog.blueprint.features(of: plan))
    }

    /// What a change of plan would come to. Nothing changes.
    public func previewSubscription(
        of id: SubjectID, _ change: SubscriptionChange
    ) async throws(StoreError) -> SubscriptionPreviewOutcome {
        let attempt = Look.attempt(
            .change(ChangeRequest(change: .changeSubscription(id, change), author: "preview")))
        let first = try await turn(told: try await look([attempt]).first)
        guard case .turn(let planned) = first else { return try first.rejection() }
        let at = planned.subscription.startsAt
        let answers = try await look([.standing(id, at: at), attempt, .standing(id, at: at)])
        guard answers.count == 3, case .standing(let before, let walletBefore) = answers[0],
            case .standing(let after, let walletAfter) = answers[2]
        else { throw .unexpectedOutcome }
        guard case .turn(let turn) = try await turn(told: answers[1]) else {
            throw .unexpectedOutcome
        }
        return .preview(
            SubscriptionPreview(
                turn: turn, before: before, after: after, creditsBefore: walletBefore.balance,
                creditsAfter: walletAfter.balance, charges: try await charges(of: id, turn)))
    }

    private enum Attempted {
        case turn(SubscriptionTurn)
        case rejected(Rejection)

        func rejection() throws(StoreError) -> SubscriptionPreviewOutcome {
            guard case .rejected(let rejection) = self else { throw .unexpectedOutcome }
            return .rejected(rejection)
        }
    }

    private func turn(told answer: Look.Answer?) async throws(StoreError) -> Attempted {
        guard case .attempted(.changed(let outcome, let after, _)) = answer else {
            throw .unexpectedOutcome
        }
        if case .rejected(let rejection) = outcome { return .rejected(rejection) }
        guard let after else { throw .unexpectedOutcome }
        return .turn(try JSONText(text: after).decoded(as: SubscriptionTurn.self))
    }

    /// What is paid from a change on, as histories tell it.
    private func charges(
        of id: SubjectID, _ turn: SubscriptionTurn
    ) async throws(StoreError) -> [PlanCharge] {
        let now = clock()
        let view = try await view(of: id)
        let start = turn.subscription.startsAt
        return try await committer.read { (store) throws(StoreError) in
            try store.read(view) { (source) throws(StoreError) in
                var versions = try source.profileVersions(of: id).filter {
                    $0.recordedAt <= now || $0.recordedAt < start
                }
                versions.append(
                    ProfileVersion(
                        recordedAt: max(now, start), plan: view.subject?.profile.plan,
                        subscription: turn.subscription))
                let end = Window.billingMonth.span(
                    containing: max(now, start), in: view.zone, anchor: turn.subscription.anchor
                ).until
                let history = SubscriptionHistory(
                    versions, plans: try PlanHistory(source), zone: view.zone,
                    now: end.advanced(byMilliseconds: -1),
                    defaultPlan: view.catalog.defaultPlan)
                return history.charges.filter { start <= $0.periodFrom }
            }
        }
    }
}
