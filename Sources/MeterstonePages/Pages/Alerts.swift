import MeterstoneCore

extension PageBuilder {
    /// Who is told of what, and did it arrive?
    func alerts() async throws(PageProblem) -> Page {
        let alerts = try await source.get("/v1/alerts")["alerts"].list
        let webhooks = try await source.find("/v1/webhooks")?["webhooks"].list ?? []
        var page = Page(
            title: "Alerts", question: "Who is told of what, and did it arrive?",
            sections: [.table(Self.alerts(alerts))], live: "/v1/live", place: "/admin/alerts")
        page.hasActions = source.mayChange
        var progress: [PageValue] = []
        for webhook in webhooks {
            guard let key = webhook["key"].text else { continue }
            let path = "/v1/webhooks/\(key.inURL)/deliveries"
            progress.append(try await source.find(path) ?? .none)
        }
        page.sections.append(.table(Self.webhooks(webhooks, progress)))
        let attempts = progress.flatMap { Self.attempts($0) }
        if !attempts.isEmpty { page.sections.append(.table(Self.deliveries(attempts))) }
        let fired = try await source.find("/v1/changes?kind=firedAlert&count=100")
        if let fired { page.sections.append(.table(Self.fired(fired["changes"].list))) }
        if source.mayChange {
            page.sections.append(
                .forms(
                    Forms(
                        heading: "Actions",
                        forms: Self.alertForms(alerts) + Self.webhookForms(webhooks))))
        }
        return page
    }

    private static func alerts(_ alerts: [PageValue]) -> Table {
        Table(
            id: "alerts", heading: "What is watched",
            columns: [
                .init(key: "key", label: "Alert"), .init(key: "limits", label: "Limits"),
                .init(key: "thresholds", label: "Tells at"), .init(key: "plans", label: "Plans"),
                .init(key: "webhooks", label: "Tells"), .init(key: "state", label: "State"),
            ],
            rows: alerts.map { alert in
                func list(_ name: String, _ all: String) -> Table.Cell {
                    let texts = alert[name].list.compactMap(\.text)
                    return Table.Cell(texts.isEmpty ? all : texts.joined(separator: ", "))
                }
                func numbers(_ name: String, _ words: (String) -> String) -> [String] {
                    alert[name].list.map { words(Format.number($0)) }
                }
                let thresholds =
                    numbers("usedPercent") { "\($0) % used" }
                    + numbers("remaining") { "\($0) left" }
                    + numbers("pacePercent") { "\($0) % at this pace" }
                    + numbers("refusedPerHour") { "\($0) refusals an hour" }
                    + numbers("failedPercent") { "\($0) % failed" }
                    + numbers("credits") { "\($0) credits left" }
                    + alert["unusual"].list.compactMap(\.text).map { "unusual \($0)" }
                let isActive = alert["active"].isTrue
                return [
                    Table.Cell(alert["key"].text ?? ""), list("limits", "All"),
                    Table.Cell(thresholds.joined(separator: ", ")), list("plans", "All"),
                    list("webhooks", "All"),
                    Table.Cell(isActive ? "Active" : "Off", mark: isActive ? "good" : "quiet"),
                ]
            },
            empty: Notice(
                heading: "Nothing is watched",
                text: "Make an alert below: at 80 % of a limit, or when few credits are left."))
    }

    private static func webhooks(_ webhooks: [PageValue], _ progress: [PageValue]) -> Table {
        Table(
            id: "webhooks", heading: "Webhooks", note: "Where messages are sent to",
            columns: [
                .init(key: "key", label: "Webhook"), .init(key: "url", label: "Address"),
                .init(key: "delivered", label: "Delivered", isNumber: true),
                .init(key: "waiting", label: "Waiting", isNumber: true),
                .init(key: "failed", label: "Given up", isNumber: true),
                .init(key: "state", label: "State"),
            ],
            rows: zip(webhooks, progress).map { webhook, progress in
                let isActive = webhook["active"].isTrue
                return [
                    Table.Cell(webhook["key"].text ?? ""), Table.Cell(webhook["url"].text ?? ""),
                    .count(progress["delivered"].integer ?? 0),
                    .count(Int64(progress["waiting"].list.count)),
                    .count(Int64(progress["failed"].list.count)),
                    Table.Cell(isActive ? "Active" : "Off", mark: isActive ? "good" : "quiet"),
                ]
            },
            empty: Notice(
                heading: "Nobody is told",
                text: "Make a webhook below. What fires meanwhile stands in the audit log."))
    }

    /// What waits and what is given up, with the webhook that it is for.
    private static func attempts(_ progress: PageValue) -> [(PageValue, webhook: String)] {
        let webhook = progress["webhook"].text ?? ""
        return (progress["failed"].list.reversed() + progress["waiting"].list)
            .map { ($0, webhook) }
    }

    private static func deliveries(_ attempts: [(PageValue, webhook: String)]) -> Table {
        Table(
            id: "deliveries", heading: "Not delivered yet",
            columns: [
                .init(key: "webhook", label: "Webhook"),
                .init(key: "sequence", label: "Alert", isNumber: true),
                .init(key: "attempts", label: "Attempts", isNumber: true),
                .init(key: "next", label: "Next"), .init(key: "error", label: "What happened"),
            ],
            rows: attempts.map { attempt, webhook in
                let due = attempt["dueAt"].instant
                return [
                    Table.Cell(webhook), .count(attempt["sequence"].integer),
                    .count(attempt["attempts"].integer),
                    due.map { Table.Cell(Format.time($0), by: $0.rfc3339) }
                        ?? Table.Cell("Given up", mark: "bad"),
                    Table.Cell(attempt["error"].text ?? "—"),
                ]
            }, empty: Notice(heading: "None", text: ""))
    }

    private static func fired(_ changes: [PageValue]) -> Table {
        Table(
            id: "fired", heading: "What fired", note: "The newest 100",
            columns: [
                .init(key: "firedAt", label: "When"), .init(key: "subject", label: "Subject"),
                .init(key: "alert", label: "Alert"), .init(key: "what", label: "What"),
                .init(key: "used", label: "Used", isNumber: true),
                .init(key: "sequence", label: "Number", isNumber: true),
            ],
            rows: changes.map { change in
                let alert = change["after"]
                let subject = alert["subject"].text ?? ""
                let threshold = Format.number(alert["threshold"])
                let what =
                    switch alert["measure"].text {
                    case "usedPercent": "\(threshold) % of \(alert["limit"].text ?? "a limit")"
                    case "remaining": "\(threshold) left of \(alert["limit"].text ?? "a limit")"
                    case "pacePercent":
                        "at this pace \(threshold) % of \(alert["limit"].text ?? "a limit")"
                    case "refusedPerHour":
                        "\(threshold) refusals in an hour"
                            + (alert["limit"].text.map { " by \($0)" } ?? "")
                    case "failedPercent": "\(threshold) % of requests failed"
                    case "credits": "\(threshold) credits left"
                    default: "unusual use of \(alert["meter"].text ?? "a meter")"
                    }
                return [
                    Table.Cell(
                        Format.time(change["recordedAt"].instant),
                        by: change["recordedAt"].text ?? ""),
                    Table.Cell(subject, link: subjectLink(subject)),
                    Table.Cell(alert["alert"].text ?? ""), Table.Cell(what),
                    .count(alert["used"].integer), .count(change["sequence"].integer),
                ]
            },
            empty: Notice(heading: "Nothing fired", text: "No threshold was reached so far."))
    }

    private static func alertForms(_ alerts: [PageValue]) -> [Forms.Form] {
        var forms: [Forms.Form] = [
            .init(
                id: "make-alert", heading: "Watch all limits",
                text: "Tells when somebody comes to a share of a limit.", method: "PUT",
                path: "/v1/alerts/{key}",
                fields: [
                    .init(name: "{key}", label: "Name", isRequired: true),
                    .init(
                        name: "usedPercent[]", label: "Share that is used, in %", kind: "number",
                        value: "80", isRequired: true),
                ], button: "Watch", isNew: true)
        ]
        let keys = alerts.compactMap { $0["key"].text }
        if !keys.isEmpty {
            forms.append(
                .init(
                    id: "delete-alert", heading: "Watch no more", method: "DELETE",
                    path: "/v1/alerts/{key}", fields: [choice("{key}", "Alert", keys)],
                    button: "Delete the alert", question: "Delete this alert?", isGrave: true))
        }
        return forms
    }

    private static func webhookForms(_ webhooks: [PageValue]) -> [Forms.Form] {
        let keys = webhooks.compactMap { $0["key"].text }
        var forms: [Forms.Form] = [
            .init(
                id: "make-webhook", heading: "A new webhook",
                text: "Its secret is shown once. Messages are signed with it, and mail is not.",
                method: "PUT", path: "/v1/webhooks/{key}",
                fields: [
                    .init(name: "{key}", label: "Name", isRequired: true),
                    .init(
                        name: "url", label: "Address", hint: "https://… or mailto:…",
                        isRequired: true),
                ], button: "Make the webhook", isNew: true)
        ]
        guard !keys.isEmpty else { return forms }
        let webhook = choice("{key}", "Webhook", keys)
        forms += [
            .init(
                id: "test-webhook", heading: "Send a test", method: "POST",
                path: "/v1/webhooks/{key}/test", fields: [webhook], button: "Send"),
            .init(
                id: "replay", heading: "Send again", text: "Everything that was given up.",
                method: "POST", path: "/v1/webhooks/{key}/replay", fields: [webhook],
                button: "Send again"),
            .init(
                id: "rotate-webhook", heading: "Another secret",
                text: "For a day messages are signed with both.", method: "POST",
                path: "/v1/webhooks/{key}/rotate", fields: [webhook], button: "Rotate the secret",
                question: "Make another secret?"),
            .init(
                id: "delete-webhook", heading: "Tell them no more", method: "DELETE",
                path: "/v1/webhooks/{key}", fields: [webhook], button: "Delete the webhook",
                question: "Delete this webhook?", isGrave: true),
        ]
        return forms
    }

    static func choice(_ name: String, _ label: String, _ values: [String]) -> Forms.Field {
        .init(
            name: name, label: label, kind: "select", options: values.map { ($0, $0) },
            isRequired: true)
    }
}
