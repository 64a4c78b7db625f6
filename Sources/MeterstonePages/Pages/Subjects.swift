import MeterstoneCore

extension PageBuilder {
    /// So many are looked through for a page, beside those whose id begins with what is searched for; beyond that
    /// the page says so.
    private static let subjectsMax = 5_000

    /// Who is there?
    func subjects() async throws(PageProblem) -> Page {
        let meters = try await keys(of: "meters")
        let knownPlans = try await keys(of: "plans")
        let plans = knownPlans.compactMap { $0["key"].text }
        let standard = knownPlans.first { $0["isDefault"].isTrue }?["key"].text
        let meter = meter(meters)
        let found = try await matchingSubjects(standard)
        var used: [String: PageValue] = [:]
        // Of whom is not among the first, no more is known than that it is less.
        var least: Int64 = 0
        if !meter.isEmpty {
            let rows = found.needsAllUse ? Self.rowsMax : Self.rowsShown
            let top = try await source.get(
                "/v1/analytics/top?\(span)&meter=\(meter.inURL)&count=\(rows)")["rows"].list
            for row in top {
                if let subject = row["subject"].text { used[subject] = row }
            }
            if top.count >= rows { least = top.last?["quantity"].integer ?? 0 }
        }
        var note = "\(Format.number(Int64(found.count))) found. \(spanWords)."
        if found.total > found.count, !found.isAll {
            note +=
                " There are \(Format.number(Int64(found.total))): the first "
                + "\(Format.number(Int64(Self.subjectsMax))) were looked through"
                + (request.value("q") == nil ? "." : ", and all whose id begins so.")
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
                        rows: found.rows.map { subject in
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
                            link: ("All subjects", "/admin/subjects")), count: found.count)),
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

    /// Subjects that the address asks for.
    private struct Found {
        /// In their order, up to the page that is shown.
        var rows: [PageValue] = []
        var count = 0
        /// How many subjects there are.
        var total = 0
        /// Whether all of them were looked at.
        var isAll = false
        /// Whether there are few, or what is used decides what is shown.
        var needsAllUse = true
    }

    /// Where nothing is searched for and nothing sorted, what comes after the page that is shown is not read.
    private func matchingSubjects(_ standard: String?) async throws(PageProblem) -> Found {
        let isCut = rowsWanted(of: "subjects") == Self.rowsShown
        let page = min(Self.subjectsMax, Int(request.value("subjects-page") ?? "") ?? 1)
        let isPlain = isCut && ["q", "plan", "state"].allSatisfy { request.value($0) == nil }
        let wanted = isPlain ? max(1, page) * Table.rowsPerPage : Self.subjectsMax
        var found = Found()
        var cursor: String?
        var seen = 0
        let searched = try await subjectsBeginning(with: request.value("q") ?? "")
        let known = Set(searched.compactMap { $0["id"].text })
        found.rows = searched.filter { isWanted($0, standard) }
        repeat {
            let count = min(1_000, min(wanted, Self.subjectsMax) - seen)
            let page = try await source.get(
                "/v1/subjects?count=\(count)"
                    + (cursor.map { "&cursor=" + $0.inURL } ?? "&total=true"))
            let subjects = page["subjects"].list
            if cursor == nil { found.total = Int(page["total"].integer ?? 0) }
            seen += subjects.count
            found.rows += subjects.filter {
                isWanted($0, standard) && !known.contains($0["id"].text ?? "")
            }
            cursor = page["nextCursor"].text
        } while cursor != nil && seen < min(wanted, Self.subjectsMax)
        found.isAll = cursor == nil
        found.needsAllUse = !isCut || found.total <= Self.rowsMax
        found.count = isPlain ? min(found.total, Self.subjectsMax) : found.rows.count
        return found
    }

    /// However many subjects there are.
    private func subjectsBeginning(with text: String) async throws(PageProblem) -> [PageValue] {
        guard !text.isEmpty else { return [] }
        return try await source.find("/v1/subjects?count=1000&prefix=\(text.inURL)")?["subjects"]
            .list
            ?? []
    }

    private func isWanted(_ subject: PageValue, _ standard: String?) -> Bool {
        if let text = request.value("q")?.lowercased(),
            !(subject["id"].text ?? "").lowercased().contains(text),
            !(subject["name"].text ?? "").lowercased().contains(text)
        {
            return false
        }
        if let plan = request.value("plan"), (subject.plan ?? standard) != plan { return false }
        switch request.value("state") {
        case "blocked": return subject["blocked"].isTrue
        case "subscribed": return subject["subscription"] != .none
        case "free": return subject["subscription"] == .none
        default: return true
        }
    }
}

extension PageValue {
    /// Of a subject: the subscription's plan, else its own; `nil`: the standard one.
    var plan: String? { self["subscription"]["plan"].text ?? self["plan"].text }

    fileprivate var status: String { self["subscription"]["status"].text.map(Format.words) ?? "—" }
}
