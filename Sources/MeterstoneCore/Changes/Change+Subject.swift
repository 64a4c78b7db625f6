extension Change {
    /// The same of the subject under another key.
    package func naming(_ id: SubjectID) -> Change {
        switch self {
        case .putSubject(var subject):
            subject.id = id
            return .putSubject(subject)
        case .deleteSubject: return .deleteSubject(id)
        case .patch(var patch):
            switch patch.target {
            case .subject(let key):
                patch.target = .subject(id)
                // Which may be named once more.
                if case .object(var members) = patch.members, members["id"] == .text(key.text) {
                    members["id"] = .text(id.text)
                    patch.members = .object(members)
                }
            case .subscription: patch.target = .subscription(id)
            case .account: patch.target = .account(id)
            case .meter, .plan, .limit, .model, .alert: break
            }
            return .patch(patch)
        case .putAccount(_, let account): return .putAccount(id, account)
        case .deleteAccount: return .deleteAccount(id)
        case .startAccountSession(_, let session): return .startAccountSession(id, session)
        case .endAccountSession(_, let session, let at):
            return .endAccountSession(id, session, at: at)
        case .putAlias(_, let alias): return .putAlias(id, alias: alias)
        case .deleteAlias(_, let alias): return .deleteAlias(id, alias: alias)
        case .renameSubject(_, let key): return .renameSubject(id, to: key)
        case .eraseSubject(_, let erasure): return .eraseSubject(id, erasure)
        case .mergeSubject(_, let from): return .mergeSubject(id, from: from)
        case .putSubscription(_, let subscription): return .putSubscription(id, subscription)
        case .deleteSubscription: return .deleteSubscription(id)
        case .putOverride(_, let limit, let allowance): return .putOverride(id, limit, allowance)
        case .deleteOverride(_, let limit): return .deleteOverride(id, limit)
        case .grantCredit(_, let order): return .grantCredit(id, order)
        case .voidGrant(_, let grant, let reason): return .voidGrant(id, grant, reason: reason)
        case .refundCredit(_, let reference, let reason):
            return .refundCredit(id, reference: reference, reason: reason)
        case .changeSubscription(_, let change): return .changeSubscription(id, change)
        case .turnSubscription(_, let turn): return .turnSubscription(id, turn)
        case .cancelScheduled(_, let start): return .cancelScheduled(id, startsAt: start)
        case .putAddition(_, let addition): return .putAddition(id, addition)
        case .endAddition(_, let addition): return .endAddition(id, addition)
        case .resetLimit(_, let limit, let reason): return .resetLimit(id, limit, reason: reason)
        case .putMeter, .deleteMeter, .putPlan, .deletePlan, .putLimit, .deleteLimit,
            .putCreditPolicy, .deleteCreditPolicy, .putStatisticsPolicy, .deleteStatisticsPolicy,
            .putSwitches, .deleteSwitches,
            .putModel, .deleteModel, .putKey, .deleteKey, .rotateKey, .putAlert, .deleteAlert,
            .putWebhook, .deleteWebhook, .putAdministrator, .deleteAdministrator, .putSession,
            .deleteSession, .noteUses, .closeMonth, .noteSignIn, .noteBlueprint, .noteImport,
            .noteAlert,
            .noteProgress, .noteReplay, .noteGivenOnce, .noteStatement:
            return self
        }
    }
}
