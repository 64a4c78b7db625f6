import MeterstoneCore

extension PageBuilder {
    /// The document's page: four cards, one chart, two tables.
    func usage() async throws(PageProblem) -> Page {
        let meters = try await keys(of: "meters")
        let meter = meter(meters)
        var page = Page(
            title: "Usage analytics", question: "Who does what, how much, and what fails?",
            live: "/v1/live", place: "/admin/usage")
        guard !meter.isEmpty else {
            page.sections = [.notice(Self.noMeter)]
            return page
        }
        page.sections.append(spanFilter([meterFilter(meters, chosen: meter)]))
        page.sections.append(.cards(try await funnelCards(meters)))
        let trends = try await report("trends", span + "&window=day")
        page.sections.append(
            .figure(
                Self.eventsByDay(
                    trends["rows"].list, meters, heading: "Usage trends", note: spanWords)))
        page.sections.append(.table(try await topTable(meter, count: 100)))
        page.sections.append(.table(try await errorTable(minimum: 10)))
        return page
    }

    static let noMeter = Notice(
        heading: "Nothing is counted yet",
        text: "Make a meter first: it says which events count.",
        link: ("How", "/admin"))

    private func funnelCards(_ meters: [PageValue]) async throws(PageProblem) -> Cards {
        // By meter, so that every spelling of a type counts. Of several meters the one that counts events.
        let steps = [
            ("project_create", "Created project"), ("prompt", "Generated scene"),
            ("export", "Exported video"),
        ].compactMap { type, label in
            meters.first { meter in
                meter["eventTypes"].list.contains(.text(type))
                    && meter["quantityName"].text ?? meter["key"].text == meter["key"].text
            }?["key"].text.map { (type: type, meter: $0, label: label) }
        }
        let registered = try await source.get("/v1/subjects?count=1&total=true")["total"].integer
        var cards = [
            Cards.Card(
                label: "Registered users",
                value: Format.number(registered ?? 0),
                hint: "all subjects, ever", link: "/admin/subjects")
        ]
        guard let first = steps.first else {
            return Cards(label: "Conversion funnel", cards: cards)
        }
        // A report has two steps at least.
        let asked = ([first.meter] + steps.map(\.meter)).map(\.inURL).joined(separator: ",")
        let query = "meters=\(asked)&independent=true"
        let now = try await report("funnel", span + "&" + query)
        let before = try await reportBefore("funnel", query, of: now)
        for (step, rows) in zip(steps, zip(now["rows"].list, before["rows"].list).dropFirst()) {
            let count = rows.0["subjects"].number ?? 0
            cards.append(
                Cards.Card(
                    label: step.label, value: Format.number(count),
                    before: (count, rows.1["subjects"].number ?? 0),
                    hint: "subjects with \(Format.words(step.meter).lowercased())",
                    link: "/admin/events?type=" + step.type))
        }
        return Cards(label: "Conversion funnel", cards: cards)
    }

    // MARK: Tables that several pages have

    func topTable(_ meter: String, count: Int) async throws(PageProblem) -> Table {
        let rows = try await source.get(
            "/v1/analytics/top?\(span)&meter=\(meter.inURL)&count=\(count)")["rows"].list
        let most = rows.first?["quantity"].number ?? 1
        return Table(
            id: "top", heading: "Top subjects by \(Format.words(meter).lowercased())",
            note: spanWords + (rows.count == count ? ", the first \(count)" : ""),
            columns: [
                .init(key: "subject", label: "Subject"),
                .init(key: "quantity", label: Format.words(meter), isNumber: true),
                .init(key: "events", label: "Events", isNumber: true),
                .init(key: "lastUsedAt", label: "Last used"),
            ],
            rows: rows.map { row in
                let subject = row["subject"].text ?? ""
                let quantity = row["quantity"].number ?? 0
                return [
                    Table.Cell(subject, link: Self.subjectLink(subject)),
                    Table.Cell(
                        number: Format.number(row["quantity"]), quantity,
                        bar: Bar.svg(quantity / max(most, 1), kind: "open")),
                    .count(row["events"].integer),
                    Table.Cell(
                        Format.time(row["lastUsedAt"].instant), by: row["lastUsedAt"].text ?? ""),
                ]
            },
            empty: Notice(
                heading: "Nobody used this meter",
                text: "In this span no event moved it. Choose another meter or a longer span.",
                link: ("Events that no meter counts", "/admin/events#unmetered")))
    }

    func errorTable(minimum: Int) async throws(PageProblem) -> Table {
        let rows = try await report("errors", span + "&minimumEvents=\(minimum)")["rows"].list
        return Table(
            id: "errors", heading: "Error rates",
            note: spanWords + (minimum > 0 ? ", of what happened more than \(minimum) times" : ""),
            columns: [
                .init(key: "type", label: "Type"), .init(key: "subtype", label: "Subtype"),
                .init(key: "events", label: "Events", isNumber: true),
                .init(key: "failed", label: "Failed", isNumber: true),
                .init(key: "errorRate", label: "Error rate", isNumber: true),
                .init(key: "averageDurationMs", label: "Average", isNumber: true),
                .init(key: "p95DurationMs", label: "p95", isNumber: true),
            ],
            rows: rows.map { row in
                let type = row["type"].text ?? "—"
                return [
                    Table.Cell(
                        type, link: "/admin/events?type=\(type.inURL)&status=failed"),
                    Table.Cell(row["subtype"].text ?? "—"), .count(row["events"].integer),
                    .count(row["failed"].integer),
                    Table.Cell(
                        number: Format.percent(row["errorRate"].number), row["errorRate"].number),
                    Table.Cell(
                        number: Format.milliseconds(row["averageDurationMs"].number),
                        row["averageDurationMs"].number),
                    Table.Cell(
                        number: Format.milliseconds(row["p95DurationMs"].number),
                        row["p95DurationMs"].number),
                ]
            },
            empty: Notice(
                heading: "Too little happened",
                text: "No type of event happened more than \(minimum) times in this span."))
    }

    // MARK: Small pages

    func top() async throws(PageProblem) -> Page {
        let meters = try await keys(of: "meters")
        let meter = meter(meters)
        var page = Page(
            title: "Top subjects", question: "Who uses most?", live: "/v1/live",
            place: "/admin/top")
        guard !meter.isEmpty else {
            page.sections = [.notice(Self.noMeter)]
            return page
        }
        page.sections = [
            spanFilter([meterFilter(meters, chosen: meter)]),
            .table(try await topTable(meter, count: rowsWanted(of: "top"))),
        ]
        return page
    }

    func errors() async throws(PageProblem) -> Page {
        Page(
            title: "Errors", question: "What fails, and what takes long?",
            sections: [spanFilter(), .table(try await errorTable(minimum: 0))],
            live: "/v1/live", place: "/admin/errors")
    }

    func unusual() async throws(PageProblem) -> Page {
        let meters = try await keys(of: "meters")
        let meter = meter(meters)
        var page = Page(
            title: "Unusual usage", question: "Whose day stands out?", place: "/admin/unusual")
        guard !meter.isEmpty else {
            page.sections = [.notice(Self.noMeter)]
            return page
        }
        let date = request.value("date")
        let rows = try await report(
            "unusual", "meter=\(meter.inURL)" + (date.map { "&date=" + $0.inURL } ?? ""))["rows"]
            .list
        page.sections = [
            .filters(
                Filters(fields: [
                    meterFilter(meters, chosen: meter),
                    .init(name: "date", label: "Day", kind: "date", value: date ?? ""),
                ])),
            .table(
                Table(
                    id: "unusual", heading: "Far from what is usual for them",
                    note: date.map { Format.date($0) } ?? "Yesterday",
                    columns: [
                        .init(key: "subject", label: "Subject"),
                        .init(key: "quantity", label: Format.words(meter), isNumber: true),
                        .init(key: "usualQuantity", label: "Usual", isNumber: true),
                        .init(key: "reason", label: "Why"),
                    ],
                    rows: rows.map { row in
                        let subject = row["subject"].text ?? ""
                        return [
                            Table.Cell(subject, link: Self.subjectLink(subject)),
                            Table.Cell(
                                number: Format.number(row["quantity"]), row["quantity"].number),
                            Table.Cell(
                                number: Format.number(row["usualQuantity"]),
                                row["usualQuantity"].number),
                            Table.Cell(row["reason"].text ?? ""),
                        ]
                    },
                    empty: Notice(
                        heading: "Nobody stands out",
                        text: "Everybody used about as much as on the days before."))),
        ]
        return page
    }
}
