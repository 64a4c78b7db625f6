import MeterstoneCore

extension PageBuilder {
    /// Where does this one stand?
    func subject(_ segment: String) async throws(PageProblem) -> Page {
        let path = "/v1/subjects/" + segment
        let subject = try await source.get(path)
        let id = subject["id"].text ?? segment
        let name = subject["name"].text
        let standard = try await keys(of: "plans").first { $0["isDefault"].isTrue }?["key"].text
        let plan = subject.plan ?? standard ?? "none"
        var page = Page(
            title: name ?? id, question: "Where does \(name ?? id) stand?",
            live: path + "/live", place: "/admin/subjects",
            crumbs: [("Subjects", "/admin/subjects")])
        page.hasActions = source.mayChange
        if subject["blocked"].isTrue {
            page.sections.append(
                .notice(
                    Notice(
                        heading: "Blocked",
                        text: "Every consume and reservation is refused until it is unblocked.",
                        kind: "bad")))
        }
        page.sections += try await standing(path, id: id, subject: subject, plan: plan)
        page.sections.append(
            .facts(
                Facts(
                    heading: "The person",
                    items: [
                        ("Key", id, nil),
                        ("E-mail", subject["account"]["email"].text ?? "none", nil),
                        (
                            "Their own page", "See what they see",
                            Self.subjectLink(id) + "/view"
                        ),
                    ])))
        page.sections.append(.table(try await eventTable(path + "/events", id: "events")))
        page.sections += try await belongings(path)
        if source.mayChange {
            page.sections.append(.forms(try await actions(path, subject, plan: plan)))
        }
        return page
    }

    /// What the page of a subject has in common with its own.
    func standing(
        _ path: String, id: String, subject: PageValue, plan: String, isOwn: Bool = false
    ) async throws(PageProblem) -> [Section] {
        let limits = try await source.get(path + "/limits")
        let lifetime = try await source.get(path + "/lifetime")
        let pace = try await source.find(path + "/pace")
        let credits = try await source.find(path + "/credits") ?? .none
        let zone = lifetime["timeZone"].text ?? "UTC"
        var cards = [
            Cards.Card(label: "Plan", value: plan, hint: subject["subscription"]["status"].text),
            Cards.Card(
                label: "Active days", value: Format.number(lifetime["daysActive"]),
                hint: "since " + Format.date(lifetime["firstActivityAt"].text ?? "—")),
            Cards.Card(
                label: "Streak", value: Format.number(lifetime["currentStreak"]),
                hint: "days in a row; the longest was "
                    + Format.number(lifetime["longestStreak"])),
        ]
        let milestones = lifetime["milestones"].list
        if let last = milestones.last?["key"].text {
            cards.append(
                Cards.Card(
                    label: "Milestones", value: Format.number(Int64(milestones.count)),
                    hint: "the last was \(Format.words(last).lowercased())"))
        }
        if credits["lifetimeEarned"].integer ?? 0 != 0 {
            cards.append(
                Cards.Card(
                    label: "Credits", value: Format.number(credits["balance"]),
                    hint: Format.number(credits["lifetimeSpent"]) + " spent so far"))
        }
        return [
            .cards(Cards(label: "At a glance", cards: cards)),
            .meters(
                LimitList(
                    heading: "Limits", items: try await limitItems(limits, pace, isOwn),
                    now: source.now,
                    empty: Notice(
                        heading: "No limit applies",
                        text: "Nothing that is limited is counted for this plan."))),
            .figure(try await calendar(path, zone: zone, lifetime: lifetime)),
        ]
    }

    private func limitItems(
        _ limits: PageValue, _ pace: PageValue?, _ isOwn: Bool
    ) async throws(PageProblem) -> [LimitList.Item] {
        let catalog = try await source.find("/v1/limits?count=1000")
        var labels: [String: String] = [:]
        for limit in catalog?["limits"].list ?? [] {
            if let key = limit["key"].text { labels[key] = limit["description"].text }
        }
        var reached: [String: Instant] = [:]
        for limit in pace?["limits"].list ?? [] {
            if let key = limit["limit"].text, let at = limit["reachedAt"].instant {
                reached[key] = at
            }
        }
        // What refuses nobody is no news to whom it does not refuse.
        let shown = limits["limits"].list.filter { !isOwn || $0["mode"].text != "shadow" }
        return shown.map { limit in
            let key = limit["limit"].text ?? ""
            var notes: [String] = []
            if let team = limit["subject"].text {
                notes.append(isOwn ? "shared with your team" : "of " + team)
            }
            if let base = limit["base"].integer {
                let additions = limit["additions"].list.map { addition in
                    (addition["id"].text ?? "addition") + " "
                        + (addition["add"].integer.map { $0 < 0 ? "−\(-$0)" : "+\($0)" } ?? "")
                }
                notes.append(
                    Format.allowance(base) + ", " + additions.joined(separator: ", "))
            }
            if !isOwn, limit["mode"].text != "enforce" { notes.append(limit["mode"].text ?? "") }
            let isFull = (limit["remaining"].integer ?? -1) == 0
            let full = reached[key].flatMap { at in
                at > source.now && !isFull ? "At this pace full on " + Format.time(at) : nil
            }
            return LimitList.Item(
                limit: key, label: labels[key] ?? Format.words(key),
                used: limit["used"].integer ?? 0, allowance: limit["allowance"].integer ?? -1,
                note: notes.isEmpty ? nil : notes.joined(separator: "; "),
                resetsAt: limit["resetsAt"].instant, pace: full)
        }
    }

    /// The days of a year, of the meter that the address names or of which most was used.
    private func calendar(
        _ path: String, zone: String, lifetime: PageValue
    ) async throws(PageProblem) -> Figure {
        let totals = lifetime["totals"].members.compactMapValues(\.integer)
        let busiest = totals.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
        let preferred = (totals["prompts"] ?? 0) > 0 ? "prompts" : busiest
        guard let meter = request.value("meter") ?? preferred else {
            return Figure(
                id: "days", heading: "Nothing was used yet", svg: "", columns: ["Day", "Used"],
                rows: [])
        }
        let start = source.now.advanced(byMilliseconds: -364 * 86_400_000)
        let points = try await source.get(
            path + "/usage?meter=\(meter.inURL)&window=day&from=\(start.rfc3339.inURL)"
        )["points"].list
        let days = points.map { point in
            // The window starts at midnight where the subject is: noon is in the same day.
            let noon = point["from"].instant?.advanced(byMilliseconds: 43_200_000)
            return (
                date: String((noon?.rfc3339 ?? "").prefix(10)), value: point["quantity"].number ?? 0
            )
        }
        let first = points.first?["from"].instant?.advanced(byMilliseconds: 43_200_000).utcDay ?? 0
        // The first of January 1970 was a Thursday.
        let map = HeatMap(
            title: "Days of a year", unit: Format.words(meter).lowercased(), days: days,
            firstWeekday: Int(((first + 3) % 7 + 7) % 7))
        let used = days.filter { $0.value > 0 }
        return Figure(
            id: "days", heading: "\(Format.words(meter)) by day",
            note: "The last year, by the clock of \(zone). "
                + "\(Format.number(Int64(used.count))) days with usage.",
            svg: map.svg,
            legend: [("heat0", "None"), ("heat1", "Little"), ("heat4", "Most")],
            columns: ["Day", Format.words(meter)],
            rows: used.reversed().prefix(60).map {
                [Format.date($0.date), Format.number($0.value)]
            }
        )
    }

    // MARK: What belongs to it

    private func belongings(_ path: String) async throws(PageProblem) -> [Section] {
        var sections: [Section] = []
        let open = try await source.get(path + "/reservations")["reservations"].list
        if !open.isEmpty { sections.append(.table(Self.reservations(open))) }
        sections += try await creditTables(path)
        if let subscriptions = try await source.find(path + "/subscriptions") {
            sections.append(.table(Self.subscriptions(subscriptions)))
        }
        let requests = try await source.find(path + "/requests?count=50")?["requests"].list ?? []
        if !requests.isEmpty {
            sections.append(.table(Self.requests(requests, note: "The newest 50")))
        }
        return sections
    }

    private static func reservations(_ open: [PageValue]) -> Table {
        Table(
            id: "reservations", heading: "Open reservations",
            columns: [
                .init(key: "id", label: "Reservation"),
                .init(key: "quantities", label: "Set aside"),
                .init(key: "reservedAt", label: "Since"), .init(key: "expiresAt", label: "Expires"),
            ],
            rows: open.map { one in
                [
                    Table.Cell(one["id"].text ?? ""), Table.Cell(quantities(one["quantities"])),
                    Table.Cell(
                        Format.time(one["reservedAt"].instant), by: one["reservedAt"].text ?? ""),
                    Table.Cell(
                        Format.time(one["expiresAt"].instant), by: one["expiresAt"].text ?? ""),
                ]
            }, empty: Notice(heading: "None", text: ""))
    }

    func creditTables(_ path: String) async throws(PageProblem) -> [Section] {
        guard let credits = try await source.find(path + "/credits") else { return [] }
        let grants = credits["grants"].list
        let entries =
            try await source.find(path + "/credits/entries?count=100")?["entries"].list ?? []
        var sections: [Section] = []
        if !grants.isEmpty {
            sections.append(
                .table(
                    Table(
                        id: "grants", heading: "Credits that are left",
                        note: "In the order in which they are used",
                        columns: [
                            .init(key: "grant", label: "Grant"),
                            .init(key: "remaining", label: "Left", isNumber: true),
                            .init(key: "amount", label: "Of", isNumber: true),
                            .init(key: "source", label: "Source"),
                            .init(key: "expiresAt", label: "Expires"),
                        ],
                        rows: grants.map { grant in
                            [
                                Table.Cell(grant["id"].text ?? ""),
                                .count(grant["remaining"].integer), .count(grant["amount"].integer),
                                Table.Cell(Format.words(grant["source"].text ?? "—")),
                                Table.Cell(
                                    grant["expiresAt"].instant.map { Format.time($0) } ?? "Never",
                                    by: grant["expiresAt"].text ?? "9"),
                            ]
                        }, empty: Notice(heading: "None", text: ""))))
        }
        if !entries.isEmpty {
            sections.append(
                .table(
                    Table(
                        id: "ledger", heading: "Ledger of credits", note: "The newest 100",
                        columns: [
                            .init(key: "recordedAt", label: "When"),
                            .init(key: "kind", label: "What"),
                            .init(key: "amount", label: "Credits", isNumber: true),
                            .init(key: "balanceAfter", label: "Balance", isNumber: true),
                            .init(key: "reference", label: "For"),
                        ],
                        rows: entries.map { entry in
                            [
                                Table.Cell(
                                    Format.time(entry["recordedAt"].instant),
                                    by: entry["recordedAt"].text ?? ""),
                                Table.Cell(Format.words(entry["kind"].text ?? "")),
                                .count(entry["amount"].integer),
                                .count(entry["balanceAfter"].integer),
                                Table.Cell(
                                    entry["reference"].text ?? entry["grant"]["id"].text ?? "—"),
                            ]
                        }, empty: Notice(heading: "None", text: ""))))
        }
        return sections
    }

    private static func subscriptions(_ answer: PageValue) -> Table {
        let rows = answer["subscriptions"].list.reversed().map { one -> [Table.Cell] in
            let state = one["state"].text ?? ""
            return [
                Table.Cell(one["subscription"]["plan"].text ?? ""),
                Table.Cell(
                    Format.words(state),
                    mark: state == "current" ? "good" : state == "scheduled" ? "quiet" : nil),
                Table.Cell(Format.words(one["status"].text ?? "—")),
                Table.Cell(Format.time(one["from"].instant), by: one["from"].text ?? ""),
                Table.Cell(Format.time(one["until"].instant), by: one["until"].text ?? "9"),
            ]
        }
        return Table(
            id: "subscriptions", heading: "Subscriptions",
            columns: [
                .init(key: "plan", label: "Plan"), .init(key: "time", label: "When"),
                .init(key: "status", label: "Status"), .init(key: "from", label: "From"),
                .init(key: "until", label: "Until"),
            ], rows: Array(rows),
            empty: Notice(
                heading: "No subscription",
                text: "Below, \"Change the plan\" begins one; it can be previewed."))
    }

    static func quantities(_ value: PageValue) -> String {
        let items = value.members.sorted { $0.key < $1.key }.map {
            "\(Format.number($0.value)) \($0.key)"
        }
        return items.isEmpty ? "—" : items.joined(separator: ", ")
    }
}
