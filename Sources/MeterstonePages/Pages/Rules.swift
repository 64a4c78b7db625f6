import MeterstoneCore

extension PageBuilder {
    private static let modes = [
        ("enforce", "Enforce"), ("soft", "Soft: count, never refuse"),
        ("shadow", "Shadow: say what would be refused"), ("off", "Off"),
    ]

    /// How much of what is allowed?
    func limits() async throws(PageProblem) -> Page {
        let limits = try await keys(of: "limits")
        let plans = try await keys(of: "plans").compactMap { $0["key"].text }
        let columns =
            [
                Table.Column(key: "limit", label: "Limit"), .init(key: "meter", label: "Meter"),
                .init(key: "window", label: "Window"),
            ] + plans.map { .init(key: $0, label: Format.words($0), isNumber: true) } + [
                .init(key: "mode", label: "Mode")
            ]
        return Page(
            title: "Limits", question: "How much of what is allowed, on which plan?",
            sections: [Self.inForce(limits)].compactMap(\.self) + [
                .table(
                    Table(
                        id: "limits", heading: "Limits", note: "Open one to change it.",
                        columns: columns,
                        rows: limits.map { limit in
                            let key = limit["key"].text ?? ""
                            let isOn = limit["active"] != .flag(false)
                            return [
                                Table.Cell(key, link: "/admin/limits/" + key.inURL),
                                Table.Cell(limit["meter"].text ?? ""),
                                Table.Cell(limit["window"].text ?? ""),
                            ]
                                + plans.map { plan in
                                    let value = Self.allowance(of: limit, under: plan)
                                    return Table.Cell(
                                        number: Format.allowance(value),
                                        value < 0 ? .infinity : Double(value))
                                } + [
                                    Table.Cell(
                                        isOn
                                            ? Format.words(
                                                limit["effectiveMode"].text ?? limit["mode"].text
                                                    ?? "") : "Inactive",
                                        mark: isOn ? nil : "quiet")
                                ]
                        },
                        empty: Notice(
                            heading: "No limit yet",
                            text: "A limit says how much of a meter is allowed in a window.",
                            code: "curl -X PUT \(request.address)/v1/limits/prompts_daily "
                                + "-H 'Content-Type: application/json' -d "
                                + #"'{"meter":"prompts","window":"day","defaultAllowance":10}'"#)))
            ], place: "/admin/limits")
    }

    /// What would change if this limit were another?
    func limit(_ segment: String) async throws(PageProblem) -> Page {
        let limit = try await source.get("/v1/limits/" + segment)
        let key = limit["key"].text ?? segment
        let plans = try await keys(of: "plans").compactMap { $0["key"].text }
        let count = rowsWanted(of: "people")
        let people = try await source.get(
            "/v1/analytics/limit-subjects?\(span)&limit=\(key.inURL)&count=\(count)")["rows"].list
        var page = Page(
            title: limit["description"].text ?? Format.words(key),
            question: "What does this limit allow, and who meets it?", place: "/admin/limits",
            crumbs: [("Limits", "/admin/limits")])
        if let notice = Self.inForce([limit]) { page.sections.append(notice) }
        page.sections.append(
            .facts(
                Facts(
                    heading: "Rule",
                    items: [
                        ("Key", key, nil), ("Meter", limit["meter"].text ?? "", nil),
                        ("Window", limit["window"].text ?? "", nil),
                        ("Changed", Format.time(limit["updatedAt"].instant), "/admin/changes"),
                    ] + Self.terms(of: limit))))
        if source.mayChange { page.sections.append(.forms(editing(limit, key, plans))) }
        page.sections.append(spanFilter())
        page.sections.append(
            .table(
                Table(
                    id: "people", heading: "Who met it?",
                    note: spanWords + (people.count == count ? ", the first \(count)" : ""),
                    columns: [
                        .init(key: "subject", label: "Subject"), .init(key: "plan", label: "Plan"),
                        .init(key: "events", label: "Events", isNumber: true),
                        .init(key: "days", label: "Days", isNumber: true),
                        .init(key: "firstAt", label: "First"),
                        .init(key: "upgradedTo", label: "Upgraded to"),
                    ],
                    rows: people.map { row in
                        let subject = row["subject"].text ?? ""
                        return [
                            Table.Cell(subject, link: Self.subjectLink(subject)),
                            Table.Cell(row["plan"].text ?? "—"), .count(row["events"].integer),
                            .count(row["days"].integer),
                            Table.Cell(
                                Format.time(row["firstAt"].instant), by: row["firstAt"].text ?? ""),
                            Table.Cell(row["upgradedTo"].text ?? "—"),
                        ]
                    },
                    empty: Notice(
                        heading: "Nobody met it", text: "Choose a longer span to look further back."
                    ))))
        return page
    }

    private func editing(_ limit: PageValue, _ key: String, _ plans: [String]) -> Forms {
        var fields = plans.map { plan in
            Forms.Field(
                name: "allowances/" + plan, label: Format.words(plan), kind: "number",
                value: limit["allowances"][plan].integer.map { String($0) } ?? "")
        }
        fields += [
            .init(
                name: "defaultAllowance", label: "Everybody else", kind: "number",
                value: limit["defaultAllowance"].integer.map { String($0) } ?? "",
                hint: "−1 and empty are unlimited, 0 is none."),
            .init(
                name: "mode", label: "Mode", kind: "select", value: limit["mode"].text ?? "enforce",
                options: Self.modes),
            .init(
                name: "failMode", label: "Without a server", kind: "select",
                value: limit["failMode"].text ?? "closed",
                options: [("closed", "Callers refuse"), ("open", "Callers let through")]),
            .init(
                name: "description", label: "Description",
                value: limit["description"].text ?? ""),
        ]
        return Forms(
            heading: "Change it",
            forms: [
                .init(
                    id: "limit", heading: "Allowances",
                    text: "See first what it would have done to the last 30 days.",
                    method: "PATCH", path: "/v1/limits/" + key.inURL, preview: "/v1/what-if",
                    fields: fields, button: "Save"),
                rollout(limit, key),
            ])
    }

    /// What can be bought?
    func plans() async throws(PageProblem) -> Page {
        let plans = try await keys(of: "plans")
        let money = try await report("plans", span)
        var figures: [String: PageValue] = [:]
        for row in money["rows"].list { figures[row["plan"].text ?? ""] = row }
        return Page(
            title: "Plans", question: "What does a plan give, bring in and cost?",
            sections: [
                spanFilter(),
                .table(
                    Table(
                        id: "plans", heading: "Plans", note: spanWords,
                        columns: [
                            .init(key: "plan", label: "Plan"),
                            .init(key: "rank", label: "Rank", isNumber: true),
                            .init(key: "priceMillionths", label: "Price", isNumber: true),
                            .init(key: "subjects", label: "Active subjects", isNumber: true),
                            .init(key: "revenueMillionths", label: "Revenue", isNumber: true),
                            .init(key: "costMillionths", label: "Cost", isNumber: true),
                        ],
                        rows: plans.map { plan in
                            let key = plan["key"].text ?? ""
                            let row = figures[key] ?? .none
                            return [
                                Table.Cell(key, link: "/admin/plans/" + key.inURL),
                                .count(plan["rank"].integer),
                                Table.Cell(
                                    number: plan["price"].integer.map { Format.money($0) } ?? "—",
                                    plan["price"].number),
                                .count(row["subjects"].integer ?? 0),
                                Table.Cell(
                                    number: Format.money(row["revenueMillionths"].integer ?? 0),
                                    row["revenueMillionths"].number ?? 0),
                                Table.Cell(
                                    number: Format.money(row["costMillionths"].integer ?? 0),
                                    row["costMillionths"].number ?? 0),
                            ]
                        },
                        empty: Notice(
                            heading: "No plan yet",
                            text: "Without plans every limit has one allowance for everybody."))),
            ], place: "/admin/plans")
    }

    func plan(_ segment: String) async throws(PageProblem) -> Page {
        let plan = try await source.get("/v1/plans/" + segment)
        let key = plan["key"].text ?? segment
        let limits = try await keys(of: "limits")
        var page = Page(
            title: plan["name"].text ?? key, question: "What does this plan give?",
            place: "/admin/plans", crumbs: [("Plans", "/admin/plans")])
        page.sections.append(
            .table(
                Table(
                    id: "allowances", heading: "Allowances",
                    columns: [
                        .init(key: "limit", label: "Limit"), .init(key: "window", label: "Window"),
                        .init(key: "allowance", label: "Allowed", isNumber: true),
                    ],
                    rows: limits.map { limit in
                        let name = limit["key"].text ?? ""
                        let value = Self.allowance(of: limit, under: key)
                        return [
                            Table.Cell(name, link: "/admin/limits/" + name.inURL),
                            Table.Cell(limit["window"].text ?? ""),
                            Table.Cell(
                                number: Format.allowance(value),
                                value < 0 ? .infinity : Double(value)),
                        ]
                    },
                    empty: Notice(
                        heading: "No limit yet", text: "Everything is allowed.",
                        link: ("Limits", "/admin/limits")))))
        let gifts = Self.gifts(plan)
        if !gifts.isEmpty {
            page.sections.append(.facts(Facts(heading: "What else it gives", items: gifts)))
        }
        if source.mayChange {
            page.sections.append(
                .forms(
                    Forms(
                        heading: "Change it",
                        forms: [
                            .init(
                                id: "plan", heading: "The plan", method: "PATCH",
                                path: "/v1/plans/" + key.inURL,
                                fields: [
                                    .init(
                                        name: "name", label: "Name", value: plan["name"].text ?? ""),
                                    .init(
                                        name: "rank", label: "Rank", kind: "number",
                                        value: plan["rank"].integer.map { String($0) } ?? "",
                                        hint: "A higher rank is an upgrade."),
                                    .init(
                                        name: "price", label: "Price", kind: "money",
                                        value: plan["price"].integer.map { Format.exactMoney($0) }
                                            ?? "",
                                        hint:
                                            "For each \(plan["billingPeriod"].text ?? "month"), such as 29.99."
                                    ),
                                ], button: "Save")
                        ])))
        }
        return page
    }

    /// Credits, features, and what is settled for later.
    private static func gifts(_ plan: PageValue) -> [(String, String, String?)] {
        var gifts: [(String, String, String?)] = plan["recurringGrants"].list.map { grant in
            let window = grant["window"].text ?? ""
            return ("Credits", Format.number(grant["amount"]) + " for each \(window)", nil)
        }
        if let overdraft = plan["overdraft"].integer, overdraft > 0 {
            gifts.append(("Overdraft", Format.number(overdraft) + " credits", nil))
        }
        for (name, value) in plan["features"].members.sorted(by: { $0.key < $1.key }) {
            gifts.append(
                (
                    Format.words(name),
                    value.text ?? value.integer.map { Format.number($0) }
                        ?? (value.isTrue ? "Yes" : "No"),
                    nil
                ))
        }
        for change in plan["scheduled"].list {
            let price = change["price"].integer.map { ", price " + Format.money($0) } ?? ""
            gifts.append(("Changes", Format.time(change["effectiveAt"].instant) + price, nil))
        }
        return gifts
    }
}
