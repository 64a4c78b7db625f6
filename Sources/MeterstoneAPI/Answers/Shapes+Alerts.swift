package import MeterstoneCore

extension Shapes {
    package static let firedAlert = Shape<RecordedAlert>(
        "FiredAlert",
        [
            Member("sequence", .integer(from: 1), \.sequence, "Its place among all facts."),
            Member("firedAt", .instant, \.firedAt),
            Member("alert", .key, \.alert.alert, "Which alert."),
            Member("subject", .name, \.alert.subject, "Whose limit or credits."),
            Member("measure", Wire<AlertMeasure>.choice, \.alert.measure, "What was reached."),
            Member("threshold", .integer, \.alert.threshold, "Which value of it."),
            Member(
                maybe: "limit", .key, \.alert.limit,
                "Absent: it is about credits, unusual use, or refusals that no limit caused."),
            Member(maybe: "meter", .key, \.alert.meter),
            Member(maybe: "value", .text, \.alert.value, "Of a limit per value: which."),
            Member(maybe: "allowance", .integer, \.alert.allowance),
            Member(maybe: "used", .integer, \.alert.used),
            Member(maybe: "resetsAt", .instant, \.alert.resetsAt, "When counting starts anew."),
            Member(
                maybe: "fullAt", .instant, \.alert.fullAt,
                "Of a pace: when nothing will be left of the allowance."),
            Member(maybe: "balance", .integer, \.alert.balance, "Credits that are left."),
            Member(maybe: "eventId", .name, \.alert.eventID, "The usage that reached it."),
        ]
    ) { fields throws(WireMismatch) in
        RecordedAlert(
            sequence: try fields("sequence"), firedAt: try fields("firedAt"),
            alert: FiredAlert(
                alert: try fields("alert"), subject: try fields("subject"),
                measure: try fields("measure"), threshold: try fields("threshold"),
                limit: try fields("limit"), meter: try fields("meter"), value: try fields("value"),
                allowance: try fields("allowance"), used: try fields("used"),
                resetsAt: try fields("resetsAt"), fullAt: try fields("fullAt"),
                balance: try fields("balance"), eventID: try fields("eventId")))
    }

    package static let firedAlerts = list("FiredAlertList", "alerts", of: firedAlert)

    private static let webhookMembers: [Member<Webhook>] = [
        Member("key", .key, \.key),
        Member("url", .text, \.url, "Where messages are sent."),
        Member("active", .flag, \.active, "Whether any are."),
        Member(maybe: "description", .text, \.description),
    ]

    /// Without its secret, which is told when it is made.
    package static let webhook = Shape<Webhook>("Webhook", webhookMembers) {
        fields throws(WireMismatch) in
        Webhook(
            key: try fields("key"), url: try fields("url"), secrets: [],
            active: try fields("active"), description: try fields("description"))
    }

    package static let webhooks = list("WebhookList", "webhooks", of: webhook)

    /// A webhook with its secret, where the server has just made one.
    package static let madeWebhook = Shape<MadeWebhook>(
        "MadeWebhook",
        webhook.members(of: \.webhook) + [
            Member(
                maybe: "secret", .text, \.secret,
                "What messages are signed with. Told once, where the server made it.")
        ])

    /// What becomes of the alerts that are sent to a webhook.
    package static let progress = Shape<WebhookProgress>(
        "WebhookDeliveries",
        [
            Member("webhook", .key, \.webhook),
            Member(
                "through", .integer(from: 0), \.through,
                "Up to this fact everything is sent but for what follows."),
            Member("delivered", .quantity, \.delivered, "How many were taken, in all."),
            Member("waiting", waitingDelivery.wire.list(), \.waiting, "What is sent next."),
            Member(
                "failed", failedDelivery.wire.list(), \.failed,
                "What is not tried any more, the newest last."),
        ])

    private static let waitingDelivery = Shape<WaitingDelivery>([
        Member("sequence", .integer(from: 1), \.sequence, "Of the alert."),
        Member("attempts", .integer(from: 0), { Int64($0.attempts) }),
        Member("dueAt", .instant, \.dueAt, "When it is tried next."),
        Member(maybe: "error", .text, \.error, "What became of the last attempt."),
    ])

    private static let failedDelivery = Shape<FailedDelivery>([
        Member("sequence", .integer(from: 1), \.sequence, "Of the alert."),
        Member("attempts", .integer(from: 0), { Int64($0.attempts) }),
        Member("failedAt", .instant, \.failedAt),
        Member("error", .text, \.error, "What became of the last attempt."),
    ])
}

/// A webhook and its secret, if that was made just now.
package struct MadeWebhook: Sendable {
    package let webhook: Webhook
    package let secret: String?

    package init(webhook: Webhook, secret: String?) {
        self.webhook = webhook
        self.secret = secret
    }
}
