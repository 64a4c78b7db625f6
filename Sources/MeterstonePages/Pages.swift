import MeterstoneCore

/// Every page, by its path.
package struct Pages: Sendable {
    package static let signInPath = "/admin/sign-in"

    /// Made once: its templates are read when they are first needed.
    package static let shared = Pages()

    private let templates: Templates

    package init() {
        templates = Templates()
    }

    /// As a router takes them, with `:name` where a segment may be anything.
    package static let paths =
        [
            "/admin", "/admin/usage", "/admin/subjects", "/admin/subjects/:subject",
            "/admin/subjects/:subject/view", "/admin/top",
            "/admin/unusual", "/admin/events", "/admin/errors", "/admin/limits",
            "/admin/limits/:limit", "/admin/plans", "/admin/plans/:plan", "/admin/changes",
            "/admin/keys", "/admin/requests", "/admin/alerts", "/admin/administrators",
            "/admin/imports", "/admin/tour", "/admin/system", "/admin/design", signInPath, "/me",
        ]

    /// Answers in the caller's name. What the interface refuses, the page explains.
    package func answer(_ request: PageRequest, _ source: any PageSource) async -> PageAnswer {
        do throws(PageProblem) {
            let page = try await page(request, source)
            if let table = try page.table(request, as: "csv") {
                var answer = PageAnswer(body: table.csv(request))
                answer.type = "text/csv; charset=utf-8"
                answer.fileName = table.id + ".csv"
                return answer
            }
            if let table = try page.table(request, as: "xlsx") {
                var answer = PageAnswer(body: "")
                answer.bytes = table.workbook(request)
                answer.type = Workbook.type
                answer.fileName = table.id + ".xlsx"
                return answer
            }
            return PageAnswer(body: templates.render(page, request, source))
        } catch {
            return refusal(error, request, source)
        }
    }

    private func refusal(
        _ problem: PageProblem, _ request: PageRequest, _ source: any PageSource
    ) -> PageAnswer {
        if problem.status == 401, request.path.hasPrefix("/admin"), request.path != Self.signInPath
        {
            var answer = PageAnswer(status: 303, body: "")
            answer.location = Self.signInPath + "?next=" + request.link([:]).inURL
            return answer
        }
        let notice: Notice
        switch problem.status {
        case 401:
            notice = Notice(
                heading: "This page needs a token",
                text: "The application that sent you here hands it over. Open the page from there.",
                kind: "bad")
        case 403:
            notice = Notice(
                heading: "You may not see this", text: problem.detail, kind: "bad")
        case 404:
            notice = Notice(
                heading: "There is nothing here", text: problem.detail,
                link: ("To the overview", "/admin"), kind: "bad")
        case 400..<500:
            notice = Notice(
                heading: "The address asks for something that cannot be shown",
                text: problem.detail, link: ("Without filters", request.path), kind: "bad")
        default:
            notice = Notice(
                heading: "The server cannot answer now", text: problem.detail,
                link: ("Try again", request.link([:])), kind: "bad")
        }
        let page = Page(
            title: notice.heading, question: "", sections: [.notice(notice)], place: request.path)
        return PageAnswer(status: problem.status, body: templates.render(page, request, source))
    }

    private func page(
        _ request: PageRequest, _ source: any PageSource
    ) async throws(PageProblem) -> Page {
        let builder = PageBuilder(request: request, source: source)
        try builder.checkSpan()
        let parts = request.path.split(separator: "/").dropFirst().map(String.init)
        if request.path == "/me" { return try await builder.own() }
        switch (parts.first, parts.count) {
        case (nil, _): return try await builder.overview()
        case ("usage", 1): return try await builder.usage()
        case ("subjects", 1): return try await builder.subjects()
        case ("subjects", 2): return try await builder.subject(parts[1])
        case ("subjects", 3): return try await builder.view(of: parts[1])
        case ("requests", 1): return try await builder.requests()
        case ("alerts", 1): return try await builder.alerts()
        case ("administrators", 1): return try await builder.administrators()
        case ("imports", 1): return try await builder.imports()
        case ("tour", 1): return try await builder.tour()
        case ("top", 1): return try await builder.top()
        case ("unusual", 1): return try await builder.unusual()
        case ("events", 1): return try await builder.events()
        case ("errors", 1): return try await builder.errors()
        case ("limits", 1): return try await builder.limits()
        case ("limits", 2): return try await builder.limit(parts[1])
        case ("plans", 1): return try await builder.plans()
        case ("plans", 2): return try await builder.plan(parts[1])
        case ("changes", 1): return try await builder.changes()
        case ("keys", 1): return try await builder.keys()
        case ("system", 1): return try await builder.system()
        case ("design", 1): return builder.design()
        case ("sign-in", 1): return builder.signIn()
        default:
            throw PageProblem(
                status: 404, code: "not_found", detail: "There is no page \(request.path).")
        }
    }
}

extension Page {
    /// The table that is asked for as a file, if one is.
    fileprivate func table(
        _ request: PageRequest, as format: String
    ) throws(PageProblem) -> Table? {
        guard let id = request.value(format) else { return nil }
        let tables = sections.compactMap { section -> Table? in
            guard case .table(let table) = section else { return nil }
            return table
        }
        if let table = tables.first(where: { $0.id == id }) { return table }
        let names = tables.map(\.id).joined(separator: ", ")
        throw PageProblem(
            status: 400, code: "invalid_field",
            detail: "\(format): expected a table of this page: \(names.isEmpty ? "none" : names)")
    }
}

/// What every page is made with.
struct PageBuilder {
    let request: PageRequest
    let source: any PageSource

    // MARK: The span that a page is about

    static let spans = [("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "A year")]

    var days: Int { Int(request.value("days") ?? "") ?? 30 }

    /// Refuses a span that is none: a page of another one would look as if it were what was asked for.
    func checkSpan() throws(PageProblem) {
        for name in ["from", "until"] where !(request.value(name) ?? "").isEmpty {
            guard date(name) == nil else { continue }
            throw PageProblem(
                status: 422, code: "invalid_field",
                detail: "\(name): expected a date, such as 2026-11-30")
        }
        let days = request.value("days") ?? ""
        guard days.isEmpty || Int(days).map((1...3_660).contains) ?? false else {
            throw PageProblem(
                status: 422, code: "invalid_field",
                detail: "days: expected a whole number from 1 to 3660")
        }
    }

    /// What is asked of a report: `days=30`, or from one date to another.
    var span: String {
        guard let from else { return "days=\(days)" }
        guard let until = date("until") else { return "from=\(Self.start(from).inURL)" }
        return "from=\(Self.start(from).inURL)&until=\(Self.start(until.next).inURL)"
    }

    var spanWords: String {
        guard let from else {
            return Self.spans.first { $0.0 == String(days) }.map { "Last \($0.1.lowercased())" }
                ?? "Last \(days) days"
        }
        let until = date("until").map { " to " + Format.date($0.text) } ?? ""
        return "From " + Format.date(from.text) + until
    }

    /// Where only the end is told, so many days before it.
    private var from: CivilDate? {
        date("from")
            ?? date("until").map { CivilDate(daysSince1970: $0.daysSince1970 - Int64(days) + 1) }
    }

    private func date(_ name: String) -> CivilDate? {
        request.value(name).flatMap { CivilDate($0) }
    }

    static func start(_ date: CivilDate) -> String { date.text + "T00:00:00Z" }

    func spanFilter(_ more: [Filters.Field] = []) -> Section {
        .filters(
            Filters(
                fields: more + [
                    Filters.Field(
                        name: "days", label: "Span", value: String(days), options: Self.spans),
                    Filters.Field(
                        name: "from", label: "From", kind: "date",
                        value: request.value("from") ?? ""),
                    Filters.Field(
                        name: "until", label: "To", kind: "date",
                        value: request.value("until") ?? ""),
                ]))
    }

    // MARK: Reports

    func report(_ name: String, _ query: String) async throws(PageProblem) -> PageValue {
        try await source.get("/v1/analytics/\(name)?\(query)&count=\(Self.rowsMax)")
    }

    /// So many rows of a report are asked for.
    static let rowsMax = 10_000
    /// And so many where only the first are looked at: what is told of each row is searched for day by day.
    static let rowsShown = 1_000

    /// All where somebody sorts a table otherwise or exports it, and else the first.
    func rowsWanted(of table: String) -> Int {
        let isWhole = ["\(table)-sort", "csv", "xlsx"].contains { request.value($0) != nil }
        return isWhole ? Self.rowsMax : Self.rowsShown
    }

    /// One page of what the interface gives page after page; as a file, all pages up to ``rowsMax`` rows.
    func cursorPage(
        _ path: String, _ count: Int, _ query: String = "", of list: String, table: String
    ) async throws(PageProblem) -> (rows: [PageValue], cursor: (next: String?, isFirst: Bool)) {
        let asked = request.value(table + "-cursor")
        let isFile = [request.value("csv"), request.value("xlsx")].contains(table)
        var rows: [PageValue] = []
        var next = isFile ? nil : asked
        repeat {
            let page = try await source.get(
                path + String(isFile ? 1_000 : count) + query
                    + (next.map { "&cursor=" + $0.inURL } ?? ""))
            rows += page[list].list
            next = page["nextCursor"].text
        } while isFile && next != nil && rows.count < Self.rowsMax
        return (rows, (next, asked == nil))
    }

    /// The same report of as long a span, right before.
    func reportBefore(
        _ name: String, _ query: String, of now: PageValue
    ) async throws(PageProblem) -> PageValue {
        guard let from = now["from"].instant, let until = now["until"].instant else { return .none }
        let length = until.millisecondsSince1970 - from.millisecondsSince1970
        let start = from.advanced(byMilliseconds: -length)
        return try await source.get(
            "/v1/analytics/\(name)?\(query)&from=\(start.rfc3339.inURL)&until=\(from.rfc3339.inURL)"
                + "&count=10000")
    }

    func keys(of collection: String) async throws(PageProblem) -> [PageValue] {
        try await source.get("/v1/\(collection)?count=1000")[collection].list
    }

    func meterFilter(_ meters: [PageValue], chosen: String, name: String = "meter") -> Filters.Field
    {
        Filters.Field(
            name: name, label: "Meter", value: chosen,
            options: meters.compactMap { $0["key"].text }.map { ($0, Format.words($0)) })
    }

    /// The meter that the address names; else the first that counts events by itself.
    func meter(_ meters: [PageValue]) -> String {
        if let named = request.value("meter") { return named }
        let usual =
            meters.first { $0["key"].text == "prompts" }
            ?? meters.first { !$0["eventTypes"].list.isEmpty } ?? meters.first
        return usual?["key"].text ?? ""
    }

    static func subjectLink(_ id: String) -> String { "/admin/subjects/" + id.inURL }
}

extension CivilDate {
    fileprivate init?(_ text: String) {
        let parts = text.split(separator: "-")
        guard text.count == 10, parts.count == 3, let year = Int(parts[0]),
            let month = Int(parts[1]), let day = Int(parts[2])
        else { return nil }
        self.init(year: year, month: month, day: day)
    }

    var next: CivilDate { CivilDate(daysSince1970: daysSince1970 + 1) }

    var text: String {
        func padded(_ number: Int, _ digits: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }
}
