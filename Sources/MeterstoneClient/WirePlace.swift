import Foundation
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// Where a change is sent to.
struct WirePlace {
    var method: String
    var path: RequestPath
    var body: [UInt8]?
    var isCredit = false
    /// Whether 404 says that there is no subject.
    var isOfSubject = false
    var isReset = false

    private init(_ method: String, _ path: RequestPath, _ body: [UInt8]? = nil) {
        self.method = method
        self.path = path
        self.body = body
    }

    private init(
        put path: RequestPath, _ value: some Encodable, without names: [String] = [],
        renaming: (from: String, to: String)? = nil
    ) throws {
        self.init("PUT", path, try Self.json(value, without: names, renaming: renaming))
    }

    /// Names that a body must not have, since they have their own place, are left out.
    private static func json(
        _ value: some Encodable, without names: [String] = [],
        renaming: (from: String, to: String)? = nil
    ) throws -> [UInt8] {
        let whole = try JSONEncoder().encode(value)
        guard !names.isEmpty,
            case .object(var members) = try JSONDecoder().decode(JSONValue.self, from: whole)
        else { return Array(whole) }
        for name in names { members[name] = nil }
        if let renaming, let value = members.removeValue(forKey: renaming.from) {
            members[renaming.to] = value
        }
        return Array(try JSONEncoder().encode(JSONValue.object(members)))
    }

    private static func subject(_ id: SubjectID, _ more: String...) -> RequestPath {
        more.reduce(RequestPath("v1", "subjects", id.text)) { $0.appending($1) }
    }

    init(of change: Change) throws {
        switch change {
        case .putMeter(let meter):
            try self.init(put: RequestPath("v1", "meters", meter.key.text), meter)
        case .deleteMeter(let key): self.init("DELETE", RequestPath("v1", "meters", key.text))
        case .putPlan(let plan):
            try self.init(put: RequestPath("v1", "plans", plan.key.text), plan)
        case .deletePlan(let key): self.init("DELETE", RequestPath("v1", "plans", key.text))
        case .putLimit(let limit):
            try self.init(put: RequestPath("v1", "limits", limit.key.text), limit)
        case .deleteLimit(let key): self.init("DELETE", RequestPath("v1", "limits", key.text))
        case .putModel(let model):
            try self.init(put: RequestPath("v1", "models", model.key.text), model)
        case .deleteModel(let key): self.init("DELETE", RequestPath("v1", "models", key.text))
        case .putKey(let key): try self.init(put: RequestPath("v1", "keys", key.key.text), key)
        case .deleteKey(let key): self.init("DELETE", RequestPath("v1", "keys", key.text))
        case .putAlert(let alert):
            try self.init(put: RequestPath("v1", "alerts", alert.key.text), alert)
        case .deleteAlert(let key): self.init("DELETE", RequestPath("v1", "alerts", key.text))
        case .putWebhook(let webhook):
            var members: [String: JSONValue] = [
                "url": .text(webhook.url), "active": .boolean(webhook.active),
            ]
            members["secret"] = webhook.secrets.first.map { .text($0.text) }
            members["description"] = webhook.description.map { .text($0) }
            try self.init(
                put: RequestPath("v1", "webhooks", webhook.key.text), JSONValue.object(members))
        case .deleteWebhook(let key): self.init("DELETE", RequestPath("v1", "webhooks", key.text))
        case .rotateKey(let old, let new, let end):
            var body: [String: JSONValue] = [
                "key": .text(new.key.text), "digest": .text(new.digest),
            ]
            let left = (end ?? new.createdAt).millisecondsSince1970
            body["overlapSeconds"] = .integer(
                max(0, (left - new.createdAt.millisecondsSince1970 + 999) / 1_000))
            self.init(
                "POST", RequestPath("v1", "keys", old.text, "rotate"),
                try Self.json(JSONValue.object(body)))
        case .putAdministrator(let administrator):
            var body: [String: JSONValue] = [:]
            body["role"] = .text(administrator.role.rawValue)
            body["active"] = .boolean(administrator.active)
            body["name"] = administrator.name.map { .text($0) }
            self.init(
                "PATCH", RequestPath("v1", "administrators", administrator.email.text),
                try Self.json(JSONValue.object(body)))
        case .deleteAdministrator(let email):
            self.init("DELETE", RequestPath("v1", "administrators", email.text))
        case .deleteSession(let id): self.init("DELETE", RequestPath("v1", "sessions", id.text))
        case .putSession, .noteUses, .noteSignIn:
            throw ClientError(.refused, "a server writes down itself who signs in")
        case .putCreditPolicy(let policy):
            try self.init(put: RequestPath("v1", "credits", "policy"), policy)
        case .deleteCreditPolicy: self.init("DELETE", RequestPath("v1", "credits", "policy"))
        case .putStatisticsPolicy(let policy):
            try self.init(put: RequestPath("v1", "statistics-policy"), policy)
        case .deleteStatisticsPolicy: self.init("DELETE", RequestPath("v1", "statistics-policy"))
        case .putSwitches(let switches):
            try self.init(put: RequestPath("v1", "switches"), switches)
        case .deleteSwitches: self.init("DELETE", RequestPath("v1", "switches"))
        case .closeMonth(let month, _):
            self.init("POST", RequestPath("v1", "months", month.text, "close"))
        case .putSubject(let subject):
            try self.init(
                put: Self.subject(subject.id), subject,
                without: [
                    "overrides", "additions", "resets", "subscription", "scheduled", "billing",
                    "account", "formerZones",
                ])
        case .deleteSubject(let id): self.init("DELETE", Self.subject(id))
        case .putAccount(let id, let account):
            try self.init(put: Self.subject(id, "account"), account)
        case .deleteAccount(let id): self.init("DELETE", Self.subject(id, "account"))
        case .startAccountSession(let id, let session):
            var body = ["id": session.id.text]
            body["device"] = session.device
            body["address"] = session.address
            self.init("POST", Self.subject(id, "sessions"), try Self.json(body))
        case .endAccountSession(let id, let session, _):
            self.init("DELETE", Self.subject(id, "sessions", session.text))
        case .putSubscription(let id, let subscription):
            try self.init(
                put: Self.subject(id, "subscription"), subscription, without: ["change"],
                renaming: ("causedAt", "ifNewerThan"))
        case .changeSubscription(let id, let change):
            self.init("POST", Self.subject(id, "subscription"), try Self.json(change))
        case .cancelScheduled(let id, let start):
            self.init(
                "DELETE",
                Self.subject(id, "subscription", "scheduled").with("startsAt", start?.rfc3339))
        case .turnSubscription:
            throw ClientError(.refused, "what a change of plan comes to is decided by a server")
        case .deleteSubscription(let id): self.init("DELETE", Self.subject(id, "subscription"))
        case .putOverride(let id, let limit, let allowance):
            try self.init(
                put: Self.subject(id, "overrides", limit.text), ["allowance": allowance.wire])
        case .deleteOverride(let id, let limit):
            self.init("DELETE", Self.subject(id, "overrides", limit.text))
        case .putAlias(let id, let alias):
            self.init("POST", Self.subject(id, "aliases"), try Self.json(["alias": alias.text]))
        case .deleteAlias(let id, let alias):
            self.init("DELETE", Self.subject(id, "aliases", alias.text))
        case .renameSubject(let id, let key):
            self.init("POST", Self.subject(id, "rename"), try Self.json(["to": key.text]))
            isOfSubject = true
        case .eraseSubject(let id, _):
            self.init("POST", Self.subject(id, "erase"), try Self.json(["confirm": id.text]))
            isOfSubject = true
        case .mergeSubject(let id, let from):
            self.init("POST", Self.subject(id, "merge"), try Self.json(["from": from.text]))
        case .putAddition(let id, let addition):
            try self.init(
                put: Self.subject(id, "additions", addition.id.text), addition,
                without: ["author"])
        case .endAddition(let id, let addition):
            self.init("DELETE", Self.subject(id, "additions", addition.text))
        case .resetLimit(let id, let limit, let reason):
            self.init(
                "POST", Self.subject(id, "limits", limit.text, "reset"),
                try Self.json(reason.isEmpty ? [:] : ["reason": reason]))
            isReset = true
        case .patch(let patch): try self.init(patch)
        case .grantCredit(let id, let order):
            self.init(
                "POST", Self.subject(id, "credits", "grants"), try Self.json(order))
            isCredit = true
        case .voidGrant(let id, let grant, let reason):
            self.init(
                "DELETE", Self.subject(id, "credits", "grants", grant.text).with("reason", reason))
            isCredit = true
        case .refundCredit(let id, let reference, let reason):
            var body = ["reference": reference]
            if !reason.isEmpty { body["reason"] = reason }
            self.init(
                "POST", Self.subject(id, "credits", "refunds"), try Self.json(body))
            isCredit = true
        case .noteImport(let note):
            self.init("POST", RequestPath("v1", "imports"), try Self.json(note))
        case .noteReplay(let webhook, let sequence):
            self.init(
                "POST", RequestPath("v1", "webhooks", webhook.text, "replay"),
                try Self.json(sequence.map { ["sequence": $0] } ?? [:]))
        case .noteAlert, .noteProgress:
            throw ClientError(.refused, "a server notes of itself what fired and what was sent")
        case .noteStatement:
            throw ClientError(.refused, "a server notes of itself what closed months came to")
        case .noteGivenOnce:
            throw ClientError(.refused, "a server notes of itself what erased persons had")
        case .noteBlueprint:
            throw ClientError(.refused, "a blueprint is noted where it is applied")
        }
    }

    private init(_ patch: MergePatch) throws {
        self.init("PATCH", Self.path(of: patch.target), try Self.json(patch.members))
    }

    static func path(of thing: MergePatch.Target) -> RequestPath {
        switch thing {
        case .meter(let key): RequestPath("v1", "meters", key.text)
        case .plan(let key): RequestPath("v1", "plans", key.text)
        case .limit(let key): RequestPath("v1", "limits", key.text)
        case .model(let key): RequestPath("v1", "models", key.text)
        case .alert(let key): RequestPath("v1", "alerts", key.text)
        case .subject(let id): subject(id)
        case .subscription(let id): subject(id, "subscription")
        case .account(let id): subject(id, "account")
        }
    }

    /// Whether a problem says that what the path names is not there.
    func isMissing(_ code: String) -> Bool {
        isReset ? code == "unknown_subject" : !isCredit && code.hasPrefix("unknown_")
    }

    var mayBeMissing: Bool { method == "DELETE" || method == "PATCH" || isOfSubject || isReset }
}
