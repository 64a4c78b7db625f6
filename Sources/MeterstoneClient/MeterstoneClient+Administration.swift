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

    public func subjectTotal() async throws -> Int {
        let path = RequestPath("v1", "subjects").with("count", "1").with("total", "true")
        return try await send("GET", path).value { (fields) throws(WireMismatch) in
            try fields("total")
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

    public func closedMonths() async throws -> [ClosedMonth] {
        try await send("GET", RequestPath("v1", "months")).value(Shapes.closedMonths)
    }

    public func statement(
        of month: CivilMonth, for subject: SubjectID? = nil
    ) async throws -> StatementOutcome {
        let path =
            subject.map { RequestPath("v1", "subjects", $0.text, "statements", month.text) }
            ?? RequestPath("v1", "months", month.text, "statement")
        let answer = try await send("GET", path)
        if answer.status == 404, let code = answer.problem?.code {
            return code == "unknown_month" ? .notClosed : .unknownSubject
        }
        if let error = answer.error { throw error }
        return .document(
            StatementDocument(
                text: String(decoding: answer.response.body, as: UTF8.self),
                signature: answer.response.header("meterstone-signature")))
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
