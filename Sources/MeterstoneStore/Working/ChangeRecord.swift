import FoundationEssentials
package import MeterstoneCore

/// A change as it is stored: what was asked, by whom, and what was there before.
public struct ChangeRecord: Sendable, Codable {
    package var sequence: Int64
    package var recordedAt: Instant
    package var author: String
    /// As of ``ChangeRequest/address``.
    package var address: String?
    /// What was carried out; of a patch, what it came to.
    package var change: Change
    /// What was asked, where that was a patch.
    package var patch: MergePatch?
    /// What was asked, where something else was carried out and it was no patch.
    package var request: Change?
    package var outcome: ChangeOutcome
    /// The zones that the subject had until then, where it got another. Earlier versions wrote none: there
    /// the new zone was that of all its days, the past included.
    package var formerZones: [FormerZone]?
    package var idempotencyKey: String?
    /// As of ``ChangeRequest/told``.
    package var told: String?
    /// What kind of thing was changed, and which one.
    package var kind: String
    package var key: String
    /// The thing as JSON, before and after; `nil` where it did not exist.
    package var before: String?
    package var after: String?

    func write(to writer: inout ByteWriter) throws(StoreError) {
        writer.byte(FactKind.change.rawValue)
        writer.append(try text().utf8)
    }

    package init(reading fact: Fact) throws(StoreError) {
        let text = String(decoding: fact.bytes[(fact.start + 1)..<fact.end], as: UTF8.self)
        self = try JSONText(text: text).decoded(as: ChangeRecord.self)
        sequence = fact.sequence
    }

    package init(
        sequence: Int64, recordedAt: Instant, request: ChangeRequest, outcome: ChangeOutcome,
        before: String?, after: String?
    ) {
        self.sequence = sequence
        self.recordedAt = recordedAt
        author = request.author
        address = request.address
        change = request.change
        self.outcome = outcome
        idempotencyKey = request.idempotencyKey
        told = request.idempotencyKey == nil ? nil : request.told
        kind = request.change.kind
        key = request.change.recordKey
        self.before = before
        self.after = after
    }
}

/// A value as JSON text with sorted keys, so that equal values have equal texts.
package struct JSONText: Sendable {
    package let text: String

    package init(text: String) {
        self.text = text
    }

    package init(_ value: some Encodable) throws(StoreError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            text = String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            throw StoreError(
                code: .misuse, message: "a change cannot be written down", detail: "\(error)")
        }
    }

    package func decoded<Value: Decodable>(as type: Value.Type) throws(StoreError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw StoreError(
                code: .corrupt, message: "a stored change is unreadable",
                detail: "\(type): \(error)")
        }
    }
}

extension ChangeRecord {
    /// The thing before and after, for people: without what messages are signed with.
    package var toldBefore: String? { told(before) }
    package var toldAfter: String? { told(after) }

    private func told(_ text: String?) -> String? {
        if kind == "administrator", let text {
            let administrator = try? JSONText(text: text).decoded(as: Administrator.self)
            return administrator.flatMap { try? JSONText($0.withoutSecrets).text }
        }
        guard kind == Webhook.kind, let text,
            case .object(var members) = try? JSONText(text: text).decoded(as: JSONValue.self)
        else { return text }
        members["secrets"] = nil
        return (try? JSONText(JSONValue.object(members)).text) ?? "{}"
    }

    /// What becomes of the rows of `catalog`; without a body the row goes.
    package func catalogRows() throws(StoreError) -> [(kind: String, key: String, body: String?)] {
        guard case .rotateKey(let old, let new, let end) = change else {
            return [(kind, key, after)]
        }
        var ended: String?
        if let end, let before {
            let known = try JSONText(text: before).decoded(as: APIKey.self)
            ended = try JSONText(known.ending(at: end)).text
        }
        return [(kind, old.text, ended), (kind, new.key.text, after)]
    }

    /// What a repeat with the same key has to ask.
    package var asked: Change { patch.map { .patch($0) } ?? request ?? change }
}

extension Change {
    /// What a subject is subscribed to by it.
    package var subscribed: Subscription? {
        switch self {
        case .putSubscription(_, let subscription): subscription
        case .turnSubscription(_, let turn): turn.subscription
        default: nil
        }
    }

    /// What kind of thing changes, in the words of the routes.
    package var kind: String {
        switch self {
        case .putMeter, .deleteMeter: "meter"
        case .putPlan, .deletePlan: "plan"
        case .putLimit, .deleteLimit: "limit"
        case .putSubject, .deleteSubject: "subject"
        case .putSubscription, .deleteSubscription, .changeSubscription, .turnSubscription,
            .cancelScheduled:
            "subscription"
        case .putOverride, .deleteOverride: "override"
        case .putAddition, .endAddition: "addition"
        case .resetLimit: "limitReset"
        case .putCreditPolicy, .deleteCreditPolicy: "creditPolicy"
        case .putStatisticsPolicy, .deleteStatisticsPolicy: "statisticsPolicy"
        case .putSwitches, .deleteSwitches: "switches"
        case .putModel, .deleteModel: "model"
        case .putKey, .deleteKey, .rotateKey: "key"
        case .putAlert, .deleteAlert: "alert"
        case .putWebhook, .deleteWebhook: Webhook.kind
        case .noteAlert(let fired): fired.recordKind
        case .noteProgress: WebhookProgress.kind
        case .noteReplay: "webhookReplay"
        case .putAdministrator, .deleteAdministrator: "administrator"
        case .putSession, .deleteSession: "session"
        case .noteUses: "uses"
        case .closeMonth: ClosedMonth.kind
        case .noteSignIn: "signIn"
        case .grantCredit, .voidGrant: "creditGrant"
        case .refundCredit: "refund"
        case .patch(let patch): patch.deletion.kind
        case .putAccount, .deleteAccount: "account"
        case .startAccountSession, .endAccountSession: "accountSession"
        case .putAlias, .deleteAlias: "alias"
        case .renameSubject: "rename"
        case .eraseSubject: "erasure"
        case .mergeSubject: "merge"
        case .noteBlueprint: "appliedBlueprint"
        case .noteImport: "importedFile"
        case .noteGivenOnce: GivenOnce.kind
        case .noteStatement: MonthStatement.kind
        }
    }

    /// Which thing changes.
    package var key: String {
        switch self {
        case .putMeter(let meter): meter.key.text
        case .deleteMeter(let key): key.text
        case .putPlan(let plan): plan.key.text
        case .deletePlan(let key): key.text
        case .putLimit(let limit): limit.key.text
        case .deleteLimit(let key): key.text
        case .putSubject(let subject): subject.id.text
        case .deleteSubject(let id), .putSubscription(let id, _), .deleteSubscription(let id),
            .changeSubscription(let id, _), .turnSubscription(let id, _),
            .cancelScheduled(let id, _):
            id.text
        case .putOverride(let id, let limit, _), .deleteOverride(let id, let limit),
            .resetLimit(let id, let limit, _):
            "\(id.text)/\(limit.text)"
        case .putAddition(let id, let addition): "\(id.text)/\(addition.id)"
        case .endAddition(let id, let addition): "\(id.text)/\(addition)"
        case .putCreditPolicy, .deleteCreditPolicy: "credits"
        case .putStatisticsPolicy, .deleteStatisticsPolicy: "statistics"
        case .putSwitches, .deleteSwitches: "switches"
        case .putModel(let model): model.key.text
        case .deleteModel(let key): key.text
        case .putKey(let key): key.key.text
        case .deleteKey(let key): key.text
        case .putAlert(let alert): alert.key.text
        case .deleteAlert(let key): key.text
        case .putWebhook(let webhook): webhook.key.text
        case .deleteWebhook(let key): key.text
        case .noteAlert(let fired): FiredAlert.key(of: fired.subject, fired.alert)
        case .noteProgress(let progress): progress.webhook.text
        case .noteReplay(let webhook, _): webhook.text
        case .rotateKey(let key, _, _): key.text
        case .putAdministrator(let administrator): administrator.email.text
        case .deleteAdministrator(let email): email.text
        case .putSession(let session): session.id.text
        case .deleteSession(let id): id.text
        case .noteUses: "access"
        case .closeMonth(let month, _): month.text
        case .noteSignIn(let note): note.who ?? "unknown"
        case .grantCredit(let id, let order): "\(id.text)/\(order.id?.text ?? "")"
        case .voidGrant(let id, let grant, _): "\(id.text)/\(grant.text)"
        case .refundCredit(let id, let reference, _): "\(id.text)/\(reference)"
        case .patch(let patch): patch.deletion.key
        case .putAccount(let id, _), .deleteAccount(let id): id.text
        case .startAccountSession(let id, let session): "\(id.text)/\(session.id)"
        case .endAccountSession(let id, let session, _): "\(id.text)/\(session)"
        case .putAlias(let id, let alias), .deleteAlias(let id, let alias):
            "\(id.text)/\(alias.text)"
        case .mergeSubject(let id, let from): "\(id.text)/\(from.text)"
        case .renameSubject(let id, _), .eraseSubject(let id, _): id.text
        case .noteBlueprint(let note): note.name
        case .noteImport(let note): note.name
        case .noteGivenOnce(let note): note.secret == nil ? "person" : "secret"
        case .noteStatement(let month, _): month.text
        }
    }

    /// Which thing the log says was changed.
    package var recordKey: String {
        if case .eraseSubject(_, let erasure) = self { return erasure.key.text }
        return key
    }

    /// Whether it only writes something down, and nothing decides by it.
    package var isNote: Bool {
        switch self {
        case .noteBlueprint, .noteImport, .noteSignIn, .noteAlert, .noteProgress, .noteReplay,
            .noteGivenOnce, .noteStatement:
            true
        default: false
        }
    }

    /// Whether it changes meters, plans, limits, models, policies, or who may ask.
    package var isOfCatalog: Bool { subject == nil && !isNote }

    /// Whether it writes to a subject's ledger.
    package var isOfCredits: Bool {
        switch self {
        case .grantCredit, .voidGrant, .refundCredit: true
        default: false
        }
    }

    /// Whether it changes which keys mean a subject, and nothing else of it.
    package var isOfKeys: Bool {
        switch self {
        case .putAlias, .deleteAlias, .renameSubject, .mergeSubject: true
        default: false
        }
    }

    /// The subject whose profile changes, if one does.
    package var subject: SubjectID? {
        switch self {
        case .putSubject(let subject): subject.id
        case .deleteSubject(let id), .putSubscription(let id, _), .deleteSubscription(let id),
            .changeSubscription(let id, _), .turnSubscription(let id, _),
            .cancelScheduled(let id, _), .putOverride(let id, _, _), .deleteOverride(let id, _),
            .putAddition(let id, _), .endAddition(let id, _), .resetLimit(let id, _, _),
            .grantCredit(let id, _),
            .voidGrant(let id, _, _), .refundCredit(let id, _, _), .putAlias(let id, _),
            .deleteAlias(let id, _), .renameSubject(let id, _), .mergeSubject(let id, _),
            .eraseSubject(let id, _), .putAccount(let id, _),
            .deleteAccount(let id), .startAccountSession(let id, _),
            .endAccountSession(let id, _, _):
            id
        case .patch(let patch): patch.deletion.subject
        default: nil
        }
    }
}

extension JSONText {
    /// A name of what the text says, by which one state of a thing is told from another.
    package var tag: String { String(XXH64.hash(Array(text.utf8)[...], seed: 0), radix: 16) }
}

extension WorkingSet {
    /// What a change that is carried out, or finds that nothing has to be done, answers as JSON.
    func answer(
        to change: Change, after effect: ChangeEffect
    ) throws(StoreError) -> String? {
        guard case .turnSubscription(_, let turn) = change else {
            return try text(of: change, after: effect)
        }
        return try json(turn)
    }

    /// What a change is about, as JSON; `nil` when it does not exist.
    ///
    /// - Parameter effect: what is about to be done; ``ChangeEffect/none``: as it stands now.
    func text(
        of change: Change, after effect: ChangeEffect = .none
    ) throws(StoreError) -> String? {
        var blueprint = catalog.blueprint
        if case .catalog(let new) = effect { blueprint = new }
        func profile(of id: SubjectID) throws(StoreError) -> Subject? {
            if case .profile(let new, let state, _) = effect, state.id == id { return new }
            if case .rename(let state, let key) = effect, state.id == id {
                var profile = state.profile
                profile.id = key
                return profile
            }
            let state = try state(of: id)
            return state.number == 0 ? nil : state.profile.settled(at: now).subject
        }
        // Before a merge the one is told that is merged, and after it the one that it was merged into.
        if case .mergeSubject(let id, let from) = change {
            if case .merge = effect { return try json(profile(of: id)) }
            return try json(profile(of: from))
        }
        switch change {
        case .putMeter(let meter): return try json(blueprint.meters.first { $0.key == meter.key })
        case .deleteMeter(let key): return try json(blueprint.meters.first { $0.key == key })
        case .putPlan(let plan):
            return try json(blueprint.plans.first { $0.key == plan.key }?.settled(at: now))
        case .deletePlan(let key):
            return try json(blueprint.plans.first { $0.key == key }?.settled(at: now))
        case .putLimit(let limit):
            return try json(blueprint.limits.first { $0.key == limit.key }?.settled(at: now))
        case .deleteLimit(let key):
            return try json(blueprint.limits.first { $0.key == key }?.settled(at: now))
        case .putSubject(let subject): return try json(profile(of: subject.id))
        case .deleteSubject(let id): return try json(profile(of: id))
        case .putSubscription(let id, _), .deleteSubscription(let id):
            return try json(profile(of: id)?.subscription)
        case .changeSubscription(let id, _):
            return try json(
                profile(of: id)?.subscription.map {
                    SubscriptionTurn(subscription: $0, isScheduled: false, planBefore: $0.plan)
                })
        case .turnSubscription(let id, _): return try json(profile(of: id)?.subscription)
        case .cancelScheduled(let id, _):
            return try json(profile(of: id)?.scheduled.map(\.subscription))
        case .putOverride(let id, let limit, _), .deleteOverride(let id, let limit):
            return try json(profile(of: id)?.overrides[limit])
        case .resetLimit(let id, let limit, _):
            return try json(profile(of: id)?.resets[limit]?.last)
        case .putAddition(let id, let addition):
            return try json(profile(of: id)?.additions.standing(addition.id, at: now))
        case .endAddition(let id, let addition):
            return try json(profile(of: id)?.additions.standing(addition, at: now))
        case .putCreditPolicy, .deleteCreditPolicy: return try json(blueprint.credits)
        case .putStatisticsPolicy, .deleteStatisticsPolicy: return try json(blueprint.statistics)
        case .putSwitches, .deleteSwitches: return try json(blueprint.switches)
        case .putModel(let model): return try json(blueprint.models.first { $0.key == model.key })
        case .deleteModel(let key): return try json(blueprint.models.first { $0.key == key })
        case .putKey(let key): return try json(blueprint.keys.first { $0.key == key.key })
        case .deleteKey(let key): return try json(blueprint.keys.first { $0.key == key })
        case .putAlert(let alert): return try json(blueprint.alerts.first { $0.key == alert.key })
        case .deleteAlert(let key): return try json(blueprint.alerts.first { $0.key == key })
        case .putWebhook(let webhook):
            return try json(blueprint.webhooks.first { $0.key == webhook.key })
        case .deleteWebhook(let key): return try json(blueprint.webhooks.first { $0.key == key })
        case .rotateKey(let old, let new, _):
            var shown = old
            if case .catalog = effect { shown = new.key }
            return try json(blueprint.keys.first { $0.key == shown })
        case .putAdministrator(let administrator):
            return try json(blueprint.administrators.first { $0.email == administrator.email })
        case .deleteAdministrator(let email):
            return try json(blueprint.administrators.first { $0.email == email })
        case .putSession(let session):
            return try json(blueprint.sessions.first { $0.id == session.id })
        case .deleteSession(let id): return try json(blueprint.sessions.first { $0.id == id })
        case .noteUses: return try json(blueprint.uses)
        case .closeMonth(let month, _):
            return try json(blueprint.closedMonths.first { $0.month == month })
        case .noteSignIn(let note): return try json(note)
        case .grantCredit(let id, let order):
            return try json(order.id.flatMap { (grant) in try? openGrant(grant, of: id) })
        case .voidGrant(let id, let grant, _): return try json(openGrant(grant, of: id))
        case .refundCredit: return nil
        case .putAlias(let id, let alias), .deleteAlias(let id, let alias):
            switch effect {
            case .alias: return try json(["alias": alias.text, "subject": id.text])
            case .noAlias: return nil
            default:
                let row = try row(of: alias)
                guard row.alias != nil else { return nil }
                return try json(["alias": alias.text, "subject": row.meant.id.text])
            }
        case .renameSubject(let id, _), .mergeSubject(let id, _): return try json(profile(of: id))
        case .eraseSubject:
            guard case .erase(let state, let erasure) = effect else { return nil }
            return try json(state.profile.erased(as: erasure.key, at: now))
        case .putAccount(let id, _), .deleteAccount(let id):
            return try json(profile(of: id)?.account)
        case .startAccountSession(let id, let session):
            return try json(profile(of: id)?.account?.sessions.first { $0.id == session.id })
        case .endAccountSession(let id, let session, _):
            return try json(profile(of: id)?.account?.sessions.first { $0.id == session })
        case .patch(let patch): return try text(of: patch.deletion, after: effect)
        case .noteBlueprint(let note): return try json(note)
        case .noteImport(let note): return try json(note)
        case .noteAlert(let fired): return try json(fired)
        case .noteProgress(let progress): return try json(progress)
        case .noteReplay(_, let sequence): return try json(["sequence": sequence])
        case .noteGivenOnce: return nil
        case .noteStatement(_, let text): return text
        }
    }

    private func json(_ value: (some Encodable)?) throws(StoreError) -> String? {
        guard let value else { return nil }
        return try JSONText(value).text
    }
}
