import MeterstoneCore

extension PageBuilder {
    /// So many are looked through for a page; beyond that the page says so.
    private static let subjectsMax = 5_000

    /// Who is there?
    func subjects() async throws(PageProblem) -> Page {
        let meters = try await keys(of: "meters")
        let plans = try await keys(of: "plans").compactMap { $0["key"].text }
        let meter = meter(meters)
        let (found, isAll) = try await matchingSubjects(plans)
        var used: [String: PageValue] = [:]
        // Of whom is not among the first, no more is known than that it is less.
        var least: Int64 = 0
        if !meter.isEmpty {
            let top = try await report("top", "\(span)&meter=\(meter.inURL)")["rows"].list
            for row in top {
                if let subject = row["subject"].text { used[subject] = row }
            }
            if top.count >= Self.rowsMax { least = top.last?["quantity"].integer ?? 0 }
        }
        let standard = try await standardPlan()
        var note = "\(Format.number(Int64(found.count))) found. \(spanWords)."
        if !isAll {
            note +=
                " There are more: the first \(Format.number(Int64(Self.subjectsMax))) were "
                + "looked through. An exact id always opens with Ctrl-K."
        }
        return Page(
            title: "Subjects", question: "Who uses it, on which plan, and how much?",
            sections: [
                .filters(subjectFilters(plans, meters, meter)),
                .table(
                    Table(
                        id: "subjects", heading: "Subjects", note: note,
                        columns: [
                            .init(key: "subject", label: "Subject"),
                            .init(key: "name", label: "Name"), .init(key: "plan", label: "Plan"),
                            .init(key: "state", label: "State"),
                            .init(key: "used", label: Format.words(meter), isNumber: true),
                            .init(key: "lastUsedAt", label: "Last used"),
                        ],
                        rows: found.map { subject in
                            let id = subject["id"].text ?? ""
                            let row = used[id] ?? .none
                            let most = used[id] == nil ? least : 0
                            let isBlocked = subject["blocked"].isTrue
                            return [
                                Table.Cell(id, link: Self.subjectLink(id)),
                                Table.Cell(subject["name"].text ?? "—"),
                                Table.Cell(subject.plan ?? standard ?? "—"),
                                Table.Cell(
                                    isBlocked ? "Blocked" : subject.status,
                                    mark: isBlocked ? "bad" : nil),
                                Table.Cell(
                                    number: most > 0
                                        ? "at most " + Format.number(most)
                                        : Format.number(row["quantity"].number ?? 0),
                                    row["quantity"].number ?? 0),
                                Table.Cell(
                                    most > 0 ? "—" : Format.time(row["lastUsedAt"].instant),
                                    by: row["lastUsedAt"].text ?? ""),
                            ]
                        },
                        empty: Notice(
                            heading: "Nobody matches",
                            text: "A subject is there with its first event, or when it is written: "
                                + "PUT /v1/subjects/ID.",
                            link: ("All subjects", "/admin/subjects")))),
            ], place: "/admin/subjects")
    }

    private func subjectFilters(
        _ plans: [String], _ meters: [PageValue], _ meter: String
    ) -> Filters {
        Filters(
            fields: [
                .init(
                    name: "q", label: "Search", kind: "search", value: request.value("q") ?? ""),
                .init(
                    name: "plan", label: "Plan", value: request.value("plan") ?? "",
                    options: [("", "Any")] + plans.map { ($0, $0) }),
                .init(
                    name: "state", label: "State", value: request.value("state") ?? "",
                    options: [
                        ("", "Any"), ("blocked", "Blocked"), ("subscribed", "Subscribed"),
                        ("free", "Without subscription"),
                    ]),
                meterFilter(meters, chosen: meter),
                .init(name: "days", label: "Span", value: String(days), options: Self.spans),
            ], keeps: ["subjects-sort"])
    }

    private func standardPlan() async throws(PageProblem) -> String? {
        try await keys(of: "plans").first { $0["isDefault"].isTrue }?["key"].text
    }

    private func matchingSubjects(
        _ plans: [String]
    ) async throws(PageProblem) -> ([PageValue], isAll: Bool) {
        let standard = try await standardPlan()
        let text = request.value("q")?.lowercased()
        let plan = request.value("plan")
        let state = request.value("state")
        var found: [PageValue] = []
        var cursor: String?
        var seen = 0
        repeat {
            let page = try await source.get(
                "/v1/subjects?count=1000" + (cursor.map { "&cursor=" + $0.inURL } ?? ""))
            let subjects = page["subjects"].list
            seen += subjects.count
            for subject in subjects {
                if let text, !(subject["id"].text ?? "").lowercased().contains(text),
                    !(subject["name"].text ?? "").lowercased().contains(text)
                {
                    continue
                }
                if let plan, (subject.plan ?? standard) != plan { continue }
                switch state {
                case "blocked": if !subject["blocked"].isTrue { continue }
                case "subscribed": if subject["subscription"] == .none { continue }
                case "free": if subject["subscription"] != .none { continue }
                default: break
                }
                found.append(subject)
            }
            cursor = page["nextCursor"].text
        } while cursor != nil && seen < Self.subjectsMax
        return (found, cursor == nil)
    }
}

extension PageValue {
    /// Of a subject: the subscription's plan, else its own; `nil`: the standard one.
    var plan: String? { self["subscription"]["plan"].text ?? self["plan"].text }

    fileprivate var status: String { self["subscription"]["status"].text.map(Format.words) ?? "—" }
}
