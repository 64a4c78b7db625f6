import MeterstoneCore

extension PageBuilder {
    /// What an administrator may do with a subject.
    func actions(
        _ path: String, _ subject: PageValue, plan: String
    ) async throws(PageProblem) -> Forms {
        let limits = try await keys(of: "limits").compactMap { $0["key"].text }
        let plans = try await keys(of: "plans").compactMap { $0["key"].text }
        let choices = limits.map { ($0, $0) }
        let limit = Forms.Field(
            name: "{limit}", label: "Limit", kind: "select", options: choices, isRequired: true)
        let reason = Forms.Field(name: "reason", label: "Reason", hint: "Stands in the audit log.")
        var forms = [blocking(path, subject)]
        forms.append(
            .init(
                id: "change-plan", heading: "Change the plan",
                text: "A higher plan applies at once, a lower one at the end of the period.",
                method: "POST", path: path + "/subscription",
                preview: path + "/subscription/preview",
                fields: [
                    .init(
                        name: "plan", label: "Plan", kind: "select", value: plan,
                        options: plans.map { ($0, $0) }, isRequired: true),
                    .init(
                        name: "at", label: "When", kind: "select",
                        options: [
                            ("", "As the plan says"), ("now", "Now"), ("periodEnd", "Period's end"),
                        ]),
                ], button: "Change the plan"))
        guard !limits.isEmpty else { return Forms(heading: "Actions", forms: forms) }
        forms += [
            .init(
                id: "add", heading: "Allow more for a time",
                text: "An addition, on top of what the plan allows.", method: "PUT",
                path: path + "/additions/{id}",
                fields: [
                    .init(
                        name: "limit", label: "Limit", kind: "select", options: choices,
                        isRequired: true),
                    .init(name: "add", label: "More", kind: "number", isRequired: true),
                    .init(
                        name: "until", label: "Until", kind: "datetime", hint: "Empty: for good."),
                    .init(
                        name: "{id}", label: "Name of the addition", hint: "Such as support-17.",
                        isRequired: true),
                    reason,
                ], button: "Allow more", isNew: true),
            .init(
                id: "override", heading: "Set an own allowance",
                text: "An override takes the place of the plan's. −1 is unlimited.", method: "PUT",
                path: path + "/overrides/{limit}",
                fields: [
                    limit,
                    .init(name: "allowance", label: "Allowance", kind: "number", isRequired: true),
                ], button: "Set the allowance"),
            .init(
                id: "reset", heading: "Reset a limit",
                text: "It counts from 0 again. Usage and reports stay as they are.",
                method: "POST", path: path + "/limits/{limit}/reset", fields: [limit, reason],
                button: "Reset the limit", question: "Count this limit from 0 again?"),
            .init(
                id: "grant", heading: "Grant credits", method: "POST",
                path: path + "/credits/grants",
                fields: [
                    .init(name: "amount", label: "Credits", kind: "number", isRequired: true),
                    .init(
                        name: "expiresAt", label: "Expire", kind: "datetime", hint: "Empty: never."),
                    .init(name: "reference", label: "For"),
                ], button: "Grant credits"),
        ]
        forms += ending(path, subject)
        return Forms(heading: "Actions", forms: forms)
    }

    /// Takes back what was given to this subject alone.
    private func ending(_ path: String, _ subject: PageValue) -> [Forms.Form] {
        let additions = subject["additions"].list.filter { addition in
            addition["until"].instant.map { $0 > source.now } ?? true
        }.compactMap { $0["id"].text }
        let overrides = subject["overrides"].members.keys.sorted()
        var forms: [Forms.Form] = []
        if !additions.isEmpty {
            forms.append(
                .init(
                    id: "end", heading: "End an addition", method: "DELETE",
                    path: path + "/additions/{id}",
                    fields: [
                        .init(
                            name: "{id}", label: "Addition", kind: "select",
                            options: additions.map { ($0, $0) }, isRequired: true)
                    ], button: "End it", question: "Allow no more than before from now on?",
                    isGrave: true))
        }
        if !overrides.isEmpty {
            forms.append(
                .init(
                    id: "remove-override", heading: "Take an own allowance away",
                    text: "The plan's counts again.", method: "DELETE",
                    path: path + "/overrides/{limit}",
                    fields: [
                        .init(
                            name: "{limit}", label: "Limit", kind: "select",
                            options: overrides.map { ($0, $0) }, isRequired: true)
                    ], button: "Take it away", isGrave: true))
        }
        return forms
    }

    private func blocking(_ path: String, _ subject: PageValue) -> Forms.Form {
        let isBlocked = subject["blocked"].isTrue
        return .init(
            id: "block", heading: isBlocked ? "Unblock" : "Block",
            text: isBlocked
                ? "Consumes are decided by the limits again."
                : "Every consume and reservation is refused from now on.",
            method: "PATCH", path: path, fixed: "{\"blocked\":\(!isBlocked)}", fields: [],
            button: isBlocked ? "Unblock" : "Block",
            question: isBlocked ? nil : "Refuse everything?",
            isGrave: !isBlocked)
    }
}
