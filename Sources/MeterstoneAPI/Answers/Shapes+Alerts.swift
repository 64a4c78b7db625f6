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

    /// What is sent to a webhook.
    package static let refillRequest = Shape<RefillRequest>(
        firedAlert.members(of: \.fired) + [
            Member(
                maybe: "grant", .name,
                { $0.refill == nil ? nil : RefillNote.grant(of: $0.fired.sequence) },
                "Under which credits are granted that are asked for."),
            Member(maybe: "amount", .quantity, \.refill?.amount, "How many are asked for."),
        ])

    package static let refill = Shape<RefillState>(
        "RefillState",
        [
            Member("alert", .key, \.alert, "Which alert asks."),
            Member("amount", .quantity, \.refill.amount, "How many credits are asked for."),
            Member("perMonth", .integer(from: 1), { Int64($0.refill.perMonth) }),
            Member("holdSeconds", .integer(from: 0), { Int64($0.refill.holdSeconds) }),
            Member(
                "thisMonth", .integer(from: 0), { Int64($0.thisMonth) },
                "How often it was given, or promised, in this month."),
            Member(
                "refusals", .integer(from: 0), { Int64($0.refusals) },
                "How often it was declined since it was given last."),
            Member("active", .flag, { !$0.isOff }, "Whether it is asked for."),
            Member(
                maybe: "outcome", Wire<RefillNote.Outcome>.choice, \.last?.outcome,
                "What became of the last one."),
            Member(maybe: "reason", .text, \.last?.reason, "Why it was declined."),
            Member(maybe: "reference", .text, \.last?.reference),
            Member(maybe: "outcomeAt", .instant, \.lastAt),
        ]
    ) { fields throws(WireMismatch) in
        let perMonth: Int64 = try fields("perMonth")
        let holdSeconds: Int64 = try fields("holdSeconds")
        let outcome: RefillNote.Outcome? = try fields("outcome")
        let reference: String? = try fields("reference")
        let reason: String? = try fields("reason")
        let thisMonth: Int64 = try fields("thisMonth")
        let refusals: Int64 = try fields("refusals")
        return RefillState(
            alert: try fields("alert"),
            refill: Refill(
                amount: try fields("amount"), perMonth: Int(perMonth),
                holdSeconds: Int(holdSeconds)),
            thisMonth: Int(thisMonth), refusals: Int(refusals),
            last: outcome.map { RefillNote($0, reference: reference, reason: reason) },
            lastAt: try fields("outcomeAt"))
    }

    package static let refills = list("RefillStateList", "refills", of: refill)

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

/// An alert as it is sent, and what is asked for with it.
package struct RefillRequest: Sendable {
    package let fired: RecordedAlert
    package let refill: Refill?

    package init(fired: RecordedAlert, refill: Refill?) {
        self.fired = fired
        self.refill = refill
    }
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
