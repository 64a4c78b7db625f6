import Foundation
import Meterstone
import MeterstoneAPI
public import MeterstoneCore

extension MeterstoneClient {
    /// A change without an idempotency key gets one, so that it can be sent again. Who is named in the audit
    /// log is the author of the request, as a text without control characters.
    public func change(_ request: ChangeRequest) async throws -> ChangeReceipt {
        let place = try WirePlace(of: request.change)
        let key = request.idempotencyKey ?? makeID().text
        var headers = [("X-Author", request.author), ("Idempotency-Key", key)]
        headers += request.condition?.headers ?? []
        let answer = try await send(place.method, place.path, place.body, headers: headers)
        if let problem = answer.problem {
            if place.mayBeMissing, answer.status == 404, place.isMissing(problem.code) {
                return ChangeReceipt(outcome: .missing, after: nil, isReplay: false)
            }
            if let rejection = problem.rejection {
                return ChangeReceipt(outcome: .rejected(rejection), after: nil, isReplay: false)
            }
        }
        if let error = answer.error { throw error }
        let body = answer.response.body
        return ChangeReceipt(
            outcome: try answer.outcome(place),
            after: body.isEmpty || place.isCredit ? nil : String(decoding: body, as: UTF8.self),
            isReplay: answer.response.header("idempotency-replayed") == "true")
    }

    public func apply(
        _ blueprint: Blueprint, named name: String? = nil, author: String
    ) async throws -> [BlueprintStep] {
        try await put(blueprint, RequestPath("v1", "blueprint").with("name", name), author)
    }

    public func merge(
        _ blueprint: Blueprint, named name: String?, isDryRun: Bool, author: String
    ) async throws -> [BlueprintStep] {
        let path = RequestPath("v1", "blueprint").with("name", name).with("merge", "true")
            .with("dryRun", isDryRun ? "true" : nil)
        return try await put(blueprint, path, author)
    }

    private func put(
        _ blueprint: Blueprint, _ path: RequestPath, _ author: String
    ) async throws -> [BlueprintStep] {
        let answer = try await send(
            "PUT", path, try encoded(blueprint), headers: [("X-Author", author)])
        if let rejection = answer.problem?.rejection, let step = blueprint.step(rejection) {
            return [step]
        }
        return try answer.value(Shapes.blueprintSteps)
    }

    public func blueprint() async throws -> Blueprint {
        try await send("GET", RequestPath("v1", "blueprint")).decoded()
    }

    public func subject(_ id: SubjectID) async throws -> Subject? {
        let answer = try await send("GET", RequestPath("v1", "subjects", id.text))
        return answer.status == 404 ? nil : try answer.decoded()
    }

    public func subscriptions(of id: SubjectID) async throws -> [SubscriptionPeriod]? {
        let answer = try await send(
            "GET", RequestPath("v1", "subjects", id.text, "subscriptions"))
        return answer.status == 404 ? nil : try answer.value(Shapes.subscriptionPeriods)
    }

    public func previewSubscription(
        of id: SubjectID, _ change: SubscriptionChange
    ) async throws -> SubscriptionPreviewOutcome {
        let answer = try await send(
            "POST", RequestPath("v1", "subjects", id.text, "subscription", "preview"),
            try encoded(change))
        if let rejection = answer.problem?.rejection { return .rejected(rejection) }
        return .preview(try answer.value(Shapes.subscriptionPreview))
    }

    public func features(of id: SubjectID) async throws -> SubjectFeatures {
        try await send("GET", RequestPath("v1", "subjects", id.text, "features"))
            .value(Shapes.subjectFeatures)
    }

    public func subjects(after: SubjectID?, count: Int) async throws -> [Subject] {
        let cursor = after.map { Cursor(kind: .subjects, position: $0.text) }
        return try await pages(count) { limit, last in
            let path = RequestPath("v1", "subjects").with("count", "\(limit)")
                .with(
                    "cursor",
                    last.map { Cursor(kind: .subjects, position: $0.id.text) }?.text
                        ?? cursor?.text)
            return try await self.send("GET", path).value { (fields) throws(WireMismatch) in
                try fields("subjects", decoding: [Subject].self)
            }
        }
    }

    public func times(of thing: MergePatch.Target) async throws -> Times? {
        let answer = try await send("GET", WirePlace.path(of: thing))
        guard answer.status != 404 else { return nil }
        return try answer.value { (fields) throws(WireMismatch) in
            Times(createdAt: try fields("createdAt"), updatedAt: try fields("updatedAt"))
        }
    }

    /// Everything that the server stores about a subject: lines of JSON, packed with gzip.
    package func archive(of id: SubjectID) async throws -> [UInt8] {
        let answer = try await send("GET", RequestPath("v1", "subjects", id.text, "export"))
        if let problem = answer.problem { throw ClientError(.refused, problem.detail) }
        return answer.response.body
    }

    public func previewMerge(
        of from: SubjectID, into id: SubjectID
    ) async throws -> MergePreviewOutcome {
        let answer = try await send(
            "POST", RequestPath("v1", "subjects", id.text, "merge", "preview"),
            try encoded(["from": from.text]))
        if let rejection = answer.problem?.rejection { return .rejected(rejection) }
        return .preview(try answer.value(Shapes.mergePreview))
    }

    public func aliases(of id: SubjectID) async throws -> [SubjectID]? {
        let answer = try await send("GET", RequestPath("v1", "subjects", id.text, "aliases"))
        return answer.status == 404 ? nil : try answer.value(Shapes.aliases)
    }

    public func changes(before sequence: Int64? = nil, count: Int) async throws -> [ChangeEntry] {
        try await changes(ChangeFilter(), before: sequence, count: count)
    }

    public func changes(
        _ filter: ChangeFilter, before sequence: Int64?, count: Int
    ) async throws -> [ChangeEntry] {
        try await pages(count) { limit, last in
            let before = last?.sequence ?? sequence
            let cursor = before.map { Cursor(kind: .changes, position: String($0)) }
            let path = RequestPath("v1", "changes").with("count", "\(limit)")
                .with("cursor", cursor?.text).with("kind", filter.kind).with("key", filter.key)
                .with("subject", filter.subject?.text).with("author", filter.author)
                .with("address", filter.address).with("from", filter.from?.rfc3339)
                .with("until", filter.until?.rfc3339)
            return try await self.send("GET", path).value(Shapes.changes).items
        }
    }

    /// So many items of a list, in as many requests as that takes.
    private func pages<Item: Sendable>(
        _ count: Int,
        _ page: (_ limit: Int, _ last: Item?) async throws -> [Item]
    ) async throws -> [Item] {
        var items: [Item] = []
        while items.count < count {
            let limit = min(count - items.count, MeterstoneEngine.eventsPerPageMax)
            let more = try await page(limit, items.last)
            items += more
            guard more.count == limit else { break }
        }
        return items
    }

    public func keys() async throws -> [APIKey] {
        try await send("GET", RequestPath("v1", "keys")).value(Shapes.keys).map(\.key)
    }

    public func administrators() async throws -> [Administrator] {
        try await send("GET", RequestPath("v1", "administrators"))
            .value(Shapes.administrators).map(\.administrator)
    }

    public func invite(
        _ email: EmailAddress, as role: AdministratorRole?, name: String?, author: String
    ) async throws -> InvitedAdministrator {
        var body = ["email": email.text]
        body["role"] = role?.rawValue
        body["name"] = name
        return try await send(
            "POST", RequestPath("v1", "administrators"), try encoded(body),
            headers: [("X-Author", author)]
        ).value(Shapes.invited)
    }

    public func alerts() async throws -> [Alert] {
        let path = RequestPath("v1", "alerts").with("count", "\(MeterstoneEngine.eventsPerPageMax)")
        return try await send("GET", path).value { (fields) throws(WireMismatch) in
            try fields("alerts", decoding: [Alert].self)
        }
    }

    public func webhooks() async throws -> [Webhook] {
        try await send("GET", RequestPath("v1", "webhooks")).value(Shapes.webhooks)
    }

    public func firedAlerts(of subject: SubjectID) async throws -> [RecordedAlert] {
        try await send("GET", RequestPath("v1", "subjects", subject.text, "alerts"))
            .value(Shapes.firedAlerts)
    }

    public func refills(of subject: SubjectID) async throws -> [RefillState] {
        try await send("GET", RequestPath("v1", "subjects", subject.text, "refills"))
            .value(Shapes.refills)
    }

    public func resumeRefill(
        _ alert: AlertKey, of subject: SubjectID, author: String
    ) async throws -> RefillState? {
        let answer = try await send(
            "POST",
            RequestPath("v1", "subjects", subject.text, "refills", alert.text, "resume"),
            headers: [("X-Author", author)])
        return answer.status == 404 ? nil : try answer.value(Shapes.refill)
    }

    public func imports() async throws -> [ImportedFile] {
        try await send("GET", RequestPath("v1", "imports")).value(Shapes.imports)
    }

    func encoded(_ value: some Encodable) throws -> [UInt8] {
        Array(try JSONEncoder().encode(value))
    }
}

extension ClientAnswer {
    fileprivate func decoded<Value: Decodable>() throws -> Value {
        if let error { throw error }
        guard let value = Value(decoding: response.body) else {
            throw ClientError(.unexpectedAnswer, "the answer: expected \(Value.self)")
        }
        return value
    }

    /// What became of a change.
    fileprivate func outcome(_ place: WirePlace) throws -> ChangeOutcome {
        switch response.header("meterstone-outcome") {
        case "created": return .created
        case "replaced": return .replaced
        case "unchanged": return .unchanged
        case "deleted": return .deleted
        case "credited":
            let answer = try value(Shapes.granted)
            return .credited(
                CreditReceipt(
                    grant: answer.grant,
                    amount: answer.amount == 0 ? answer.grant?.amount ?? 0 : answer.amount,
                    balance: answer.balance))
        default:
            throw ClientError(.unexpectedAnswer, "'Meterstone-Outcome': expected what became of it")
        }
    }
}

extension ChangeCondition {
    fileprivate var headers: [(String, String)] {
        [("If-Match", match), ("If-None-Match", noneMatch)].compactMap { name, states in
            switch states {
            case .any: (name, "*")
            case .tagged(let tags):
                (name, tags.sorted().map { "\"\($0)\"" }.joined(separator: ", "))
            case nil: nil
            }
        }
    }
}

/// Where a change is sent to.
private struct WirePlace {
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

extension Blueprint {
    /// The part that a rejection is about, by the path that the server gave: `plans[3].price`.
    fileprivate func step(_ rejection: Rejection) -> BlueprintStep? {
        let part = String(rejection.field.prefix { $0 != "." })
        let field = String(rejection.field.dropFirst(part.count + 1))
        let place = part.firstMatch(of: /\[([0-9]+)\]/).flatMap { Int($0.1) }
        func known(_ kind: String, _ keys: [String]) -> (kind: String, key: String)? {
            place.flatMap { keys.indices.contains($0) ? (kind, keys[$0]) : nil }
        }
        let named: (kind: String, key: String)? =
            switch part.prefix(while: { $0 != "[" }) {
            case "meters": known("meter", meters.map(\.key.text))
            case "plans": known("plan", plans.map(\.key.text))
            case "limits": known("limit", limits.map(\.key.text))
            case "models": known("model", models.map(\.key.text))
            case "alerts": known("alert", alerts.map(\.key.text))
            case "credits": ("creditPolicy", "credits")
            case "statistics": ("statisticsPolicy", "statistics")
            case "switches": ("switches", "switches")
            default: nil
            }
        return named.map {
            BlueprintStep(
                kind: $0.kind, key: $0.key,
                outcome: .rejected(
                    Rejection(code: rejection.code, field: field, message: rejection.message)))
        }
    }
}
