import Hummingbird
import Meterstone
import MeterstoneAPI
package import MeterstoneCore
import MeterstoneStore

/// Webhooks, what becomes of what is sent to them, and alerts of a subject that fired.
struct WebhookRoutes: Sendable {
    let engine: MeterstoneEngine
    /// `nil`: this server sends nothing.
    let sender: (any WebhookSender)?
    let clock: @Sendable () -> Instant

    private static let path = "/v1/webhooks/:key"

    func add(to routes: inout Routes) {
        routes.on(.get, "/v1/webhooks") { _, _ in
            Response(try await engine.webhooks(), Shapes.webhooks)
        }
        routes.on(.get, Self.path) { request, context in
            let webhook = try await existing(context)
            var writer = JSONWriter()
            writer.object(webhook, Shapes.webhook)
            return try request.answer(webhook, writer.bytes)
        }
        routes.on(.put, Self.path) { request, context in try await put(request, context) }
        routes.on(.delete, Self.path) { request, context in
            let key: WebhookKey = try context.parameter("key")
            return try await engine.delete(
                .deleteWebhook(key), request, missing: Self.missing(key))
        }
        routes.on(.post, Self.path + "/rotate") { request, context in
            try await rotate(request, context)
        }
        routes.on(.post, Self.path + "/test") { _, context in try await test(context) }
        routes.on(.get, Self.path + "/deliveries") { _, context in
            Response(try await progress(of: existing(context).key), Shapes.progress)
        }
        routes.on(.post, Self.path + "/replay") { request, context in
            try await replay(request, context)
        }
        routes.on(.get, "/v1/subjects/:subject/refills") { _, context in
            let subject: SubjectID = try context.parameter("subject")
            return Response(try await engine.refills(of: subject), Shapes.refills)
        }
        routes.on(.post, "/v1/subjects/:subject/refills/:key/resume") { request, context in
            try await resume(request, context)
        }
        routes.on(.get, "/v1/subjects/:subject/alerts") { _, context in
            let subject: SubjectID = try context.parameter("subject")
            return Response(try await engine.firedAlerts(of: subject), Shapes.firedAlerts)
        }
    }

    private static func missing(_ key: WebhookKey) -> Problem {
        .missing(Rejection.Code.unknownWebhook.rawValue, "webhook \(key)")
    }

    private func existing(_ context: ServerContext) async throws -> Webhook {
        let key: WebhookKey = try context.parameter("key")
        guard let webhook = try await engine.webhooks().first(where: { $0.key == key }) else {
            throw Self.missing(key)
        }
        return webhook
    }

    private func resume(_ request: Request, _ context: ServerContext) async throws -> Response {
        let key: AlertKey = try context.parameter("key")
        let state = try await engine.resumeRefill(
            key, of: try context.parameter("subject"), author: try request.headers.author())
        guard let state else { throw Problem.missing("unknown_alert", "refill \(key)") }
        return Response(state, Shapes.refill)
    }

    private struct Body: Decodable {
        let url: String
        let secret: String?
        let active: Bool?
        let description: String?
    }

    /// Writes a webhook. One that is new gets a secret, unless the caller has one; one that was there keeps
    /// its own.
    private func put(_ request: Request, _ context: ServerContext) async throws -> Response {
        let key: WebhookKey = try context.parameter("key")
        let json = try await request.json()
        let whole = try AdministrativeBody(json, fields: Webhook.fields)
        try whole.require("key", toBe: key.text)
        let body = try whole.decode(Body.self)
        let before = try await engine.webhooks().first { $0.key == key }
        var random = SystemRandomNumberGenerator()
        let told = body.secret.map { WebhookSecret(text: $0) }
        if let mistake = told?.mistake { throw mistake }
        var webhook = Webhook(
            key: key, url: body.url, secrets: told.map { [$0] } ?? before?.secrets ?? [],
            active: body.active ?? true, description: body.description)
        let isMail = webhook.mailAddress != nil
        if isMail, told != nil {
            throw Rejection.invalid("secret", "none, since mail is not signed")
        }
        if isMail { webhook.secrets = [] }
        let made = isMail || !webhook.secrets.isEmpty ? nil : WebhookSecret.make(using: &random)
        if let made { webhook.secrets = [made] }
        return try await engine.put(.putWebhook(webhook), request, told: json) { [webhook] _ in
            var writer = JSONWriter()
            writer.object(
                MadeWebhook(webhook: webhook, secret: made?.text), Shapes.madeWebhook)
            return writer.bytes
        }
    }

    private struct RotateBody: Decodable {
        let overlapSeconds: Int64?
    }

    /// Gives a webhook another secret; the old one signs beside it for a while.
    private func rotate(_ request: Request, _ context: ServerContext) async throws -> Response {
        var webhook = try await existing(context)
        let json = try await request.json()
        let body = try AdministrativeBody(
            json.isEmpty ? Array("{}".utf8) : json, fields: ["overlapSeconds"])
        let overlap =
            try body.decode(RotateBody.self).overlapSeconds ?? KeyRoutes.overlapSecondsStandard
        guard (0...KeyRoutes.overlapSecondsMax).contains(overlap) else {
            throw Rejection.invalid(
                "overlapSeconds", "a whole number from 0 to \(KeyRoutes.overlapSecondsMax)")
        }
        guard webhook.mailAddress == nil else {
            throw Rejection.invalid("url", "a webhook with a secret, and mail has none")
        }
        var random = SystemRandomNumberGenerator()
        let secret = webhook.rotate(overlapSeconds: overlap, at: clock(), using: &random)
        let receipt = try await engine.change(
            ChangeRequest(change: .putWebhook(webhook), author: try request.headers.author()))
        if case .rejected(let rejection) = receipt.outcome { throw rejection }
        return Response(
            MadeWebhook(webhook: webhook, secret: secret), Shapes.madeWebhook,
            headers: [.cacheControl: "no-store"])
    }

    private func test(_ context: ServerContext) async throws -> Response {
        let webhook = try await existing(context)
        guard let sender else { throw Problem.noSender }
        do throws(DeliveryError) {
            try await sender.send(WebhookMessage(testing: webhook, at: clock()))
        } catch {
            throw Problem.notTaken(error)
        }
        return Response(status: .noContent)
    }

    private func progress(of webhook: WebhookKey) async throws -> WebhookProgress {
        let last = try await engine.lastChange(
            ofKind: WebhookProgress.kind, key: webhook.text)
        guard let last, case .noteProgress(let progress) = last.change else {
            return WebhookProgress(webhook: webhook, through: 0)
        }
        return progress
    }

    private struct ReplayBody: Decodable {
        let sequence: Int64?
    }

    private func replay(_ request: Request, _ context: ServerContext) async throws -> Response {
        let webhook = try await existing(context)
        let json = try await request.json()
        let body = try AdministrativeBody(
            json.isEmpty ? Array("{}".utf8) : json, fields: ["sequence"])
        let sequence = try body.decode(ReplayBody.self).sequence
        let failed = try await progress(of: webhook.key).failed
        if let sequence, !failed.contains(where: { $0.sequence == sequence }) {
            throw Problem.missing("unknown_delivery", "failed delivery of alert \(sequence)")
        }
        let receipt = try await engine.change(
            try request.change(.noteReplay(webhook.key, sequence), told: json))
        if case .rejected(let rejection) = receipt.outcome { throw rejection }
        return Response(status: .accepted)
    }
}

extension Webhook {
    /// Puts another secret first. Of those before it the newest signs beside it until the overlap is over.
    package mutating func rotate(
        overlapSeconds: Int64, at now: Instant, using random: inout some RandomNumberGenerator
    ) -> String {
        let end = now.advanced(byMilliseconds: overlapSeconds * 1_000)
        let secret = WebhookSecret.make(using: &random)
        let old = overlapSeconds == 0 ? nil : secrets.first
        secrets = [secret] + (old.map { [WebhookSecret(text: $0.text, until: end)] } ?? [])
        return secret.text
    }
}

extension Problem {
    fileprivate static let noSender = Problem(
        status: .forbidden, code: "webhooks_disabled", detail: "this server sends no webhooks")

    fileprivate static func notTaken(_ error: DeliveryError) -> Problem {
        Problem(
            status: .badGateway, code: "webhook_not_taken",
            detail: "the receiver did not take the message: \(error.text)")
    }
}

extension OpenAPIOperation {
    static let webhooks: [OpenAPIOperation] =
        collection("alerts", "Alert", "alert") + [
            get("/v1/webhooks", "listWebhooks", "All webhooks, by key", [], "WebhookList", []),
            get("/v1/webhooks/{key}", "getWebhook", "One webhook", [.key], "Webhook").tagged,
            put(
                path: "/v1/webhooks/{key}", id: "putWebhook",
                summary: "Write a webhook; replaces it, and keeps its secret",
                parameters: [.key], body: "WebhookBody", answer: "MadeWebhook"),
            delete(
                path: "/v1/webhooks/{key}", id: "deleteWebhook", summary: "Delete a webhook",
                parameters: [.key]),
            OpenAPIOperation(
                method: .post, path: "/v1/webhooks/{key}/rotate", id: "rotateWebhook",
                summary: "Give a webhook another secret",
                description:
                    "Messages are signed with the old one, too, for a day, if nothing is said.",
                parameters: [.key, .author], body: [("application/json", "RotateBody")],
                isBodyRequired: false,
                answers: [
                    OpenAPIAnswer(
                        status: 200, description: "The webhook and its new secret.",
                        schema: "MadeWebhook")
                ],
                problems: [.notFound]),
            OpenAPIOperation(
                method: .post, path: "/v1/webhooks/{key}/test", id: "testWebhook",
                summary: "Send a webhook a message that says nothing", parameters: [.key],
                answers: [OpenAPIAnswer(status: 204, description: "It was taken.")],
                problems: [.notFound, .badGateway]),
            get(
                "/v1/webhooks/{key}/deliveries", "listDeliveries",
                "What becomes of the alerts that are sent to a webhook", [.key],
                "WebhookDeliveries"),
            OpenAPIOperation(
                method: .post, path: "/v1/webhooks/{key}/replay", id: "replayDeliveries",
                summary: "Send what a webhook did not take again: one alert, or all",
                parameters: [.key, .idempotencyKey, .author],
                body: [("application/json", "ReplayBody")], isBodyRequired: false,
                answers: [OpenAPIAnswer(status: 202, description: "It is sent next.")],
                problems: [.notFound, .conflict]),
            get(
                "/v1/subjects/{subject}/refills", "listRefills",
                "Where the subject stands with credits that are asked for when few are left",
                [.subject], "RefillStateList", []),
            OpenAPIOperation(
                method: .post, path: "/v1/subjects/{subject}/refills/{key}/resume",
                id: "resumeRefill",
                summary: "Let a refill be asked for again that was declined too often",
                parameters: [.subject, .key, .author],
                answers: [
                    OpenAPIAnswer(
                        status: 200, description: "Where the subject stands with it.",
                        schema: "RefillState")
                ],
                problems: [.notFound]),
            get(
                "/v1/subjects/{subject}/alerts", "listFiredAlerts",
                "Alerts of the subject that fired, newest first", [.subject], "FiredAlertList",
                []),
        ]
}

extension OpenAPISchemas {
    static let webhooks: [(name: String, schema: String)] =
        schemas("Alert", "alerts", required: [], always: ["active"], alert) + [
            (
                "WebhookBody",
                object(
                    ["url"],
                    #"""
                    "url":{"type":"string","pattern":"^https?://[^@ ]+$","maxLength":2048},
                    "secret":{"type":["string","null"],
                     "pattern":"^whsec_([A-Za-z0-9+/]{4}){8,20}$"},
                    "active":{"type":["boolean","null"]},
                    "description":{"$ref":"OptionalText"}
                    """#)
            ),
            (
                "ReplayBody",
                object([], #""sequence":{"type":["integer","null"],"minimum":1}"#)
            ),
        ]

    static let alert = #"""
        "limits":{"type":["array","null"],"items":{"$ref":"Key"},
         "description":"Which limits are watched; absent: all."},
        "usedPercent":{"type":["array","null"],"maxItems":16,"uniqueItems":true,
         "items":{"type":"integer","minimum":1,"maximum":1000},
         "description":"Shares of the allowance that is used, in hundredths."},
        "remaining":{"type":["array","null"],"maxItems":16,"uniqueItems":true,
         "items":{"$ref":"Quantity"},"description":"How much of the allowance is left, or less."},
        "pacePercent":{"type":["array","null"],"maxItems":16,"uniqueItems":true,
         "items":{"type":"integer","minimum":1,"maximum":1000},
         "description":"Shares of the allowance that the use comes to where the window ends, if it goes on as since the window began, in hundredths."},
        "refusedPerHour":{"type":["array","null"],"maxItems":16,"uniqueItems":true,
         "items":{"type":"integer","minimum":1,"maximum":1000000},
         "description":"How often a subject is refused within an hour by the same limit, or for want of credits."},
        "failedPercent":{"type":["array","null"],"maxItems":16,"uniqueItems":true,
         "items":{"type":"integer","minimum":1,"maximum":100},
         "description":"Shares of a subject's requests within an hour that failed, in hundredths, of 20 requests at least."},
        "credits":{"type":["array","null"],"maxItems":16,"uniqueItems":true,
         "items":{"type":"integer","minimum":-9223372036854775808,"maximum":9223372036854775807},
         "description":"A balance of credits, or less."},
        "refill":{"type":["object","null"],"required":["amount","perMonth"],
         "additionalProperties":false,
         "description":"What the one webhook is asked for when the balance falls to the one value of credits.",
         "properties":{
          "amount":{"type":"integer","minimum":1,"maximum":9223372036854775807,
           "description":"How many credits are asked for."},
          "perMonth":{"type":"integer","minimum":1,"maximum":1000,
           "description":"How often in a calendar month."},
          "holdSeconds":{"type":["integer","null"],"minimum":0,"maximum":30,"default":0,
           "description":"How long a request that has too few credits waits for them."}}},
        "unusual":{"type":["array","null"],"maxItems":16,"uniqueItems":true,
         "items":{"$ref":"Key"},
         "description":"Meters of which a subject's day is told that stands out from the 28 days before."},
        "plans":{"type":["array","null"],"items":{"$ref":"Key"},
         "description":"Subjects of which plans; absent: all."},
        "webhooks":{"type":["array","null"],"items":{"$ref":"Key"},
         "description":"Who is told; absent: every webhook."},
        "active":{"type":["boolean","null"]},
        "description":{"$ref":"OptionalText"}
        """#
}
