import MeterstoneCore

extension PageBuilder {
    /// What happens?
    func events() async throws(PageProblem) -> Page {
        let statuses = [
            ("", "Any"), ("success", "Success"), ("failed", "Failed"), ("cancelled", "Cancelled"),
        ]
        var query = ""
        for name in ["type", "status", "subject"] {
            if let value = request.value(name) { query += "&\(name)=\(value.inURL)" }
        }
        let unmetered = try await source.get("/v1/events/unmetered?\(span)&count=1000")["rows"].list
        return Page(
            title: "Events", question: "What happens, and what does it move?",
            sections: [
                .filters(
                    Filters(fields: [
                        .init(
                            name: "subject", label: "Subject", kind: "search",
                            value: request.value("subject") ?? ""),
                        .init(
                            name: "type", label: "Type", kind: "search",
                            value: request.value("type") ?? ""),
                        .init(
                            name: "status", label: "Status", value: request.value("status") ?? "",
                            options: statuses),
                    ])),
                .table(try await eventTable("/v1/events", id: "events", query: query, isAll: true)),
                .table(Self.unmetered(unmetered, spanWords)),
            ], live: "/v1/live", place: "/admin/events")
    }

    private static func unmetered(_ rows: [PageValue], _ span: String) -> Table {
        Table(
            id: "unmetered", heading: "What no meter counts", note: span,
            columns: [
                .init(key: "type", label: "Type"), .init(key: "status", label: "Status"),
                .init(key: "events", label: "Events", isNumber: true),
                .init(key: "lastAt", label: "Last"), .init(key: "suggestion", label: "What to do"),
            ],
            rows: rows.map { row in
                [
                    Table.Cell(row["type"].text ?? "—"),
                    Table.Cell(Format.words(row["status"].text ?? "")),
                    .count(row["events"].integer),
                    Table.Cell(Format.time(row["lastAt"].instant), by: row["lastAt"].text ?? ""),
                    Table.Cell(row["suggestion"].text ?? "—"),
                ]
            },
            empty: Notice(
                heading: "Every event counts",
                text: "No type was misspelt, and no meter is missing."))
    }

    func eventTable(
        _ path: String, id: String, query: String = "", isAll: Bool = false
    ) async throws(PageProblem) -> Table {
        let answer = try await cursorPage(
            "\(path)?count=", isAll ? 50 : 20, query, of: "events", table: id)
        var columns: [Table.Column] = [.init(key: "occurredAt", label: "When")]
        if isAll { columns.append(.init(key: "subject", label: "Subject")) }
        columns += [
            .init(key: "type", label: "Type"), .init(key: "status", label: "Status"),
            .init(key: "moved", label: "Moved"),
            .init(key: "durationMs", label: "Took", isNumber: true),
            .init(key: "id", label: "Event"),
        ]
        return Table(
            id: id, heading: "Events", note: "Newest first", columns: columns,
            rows: answer.rows.map { event in
                var cells = [
                    Table.Cell(
                        Format.time(event["occurredAt"].instant), by: event["occurredAt"].text ?? ""
                    )
                ]
                let subject = event["subject"].text ?? ""
                if isAll { cells.append(Table.Cell(subject, link: Self.subjectLink(subject))) }
                let type = [event["type"].text, event["subtype"].text].compactMap(\.self)
                let status = event["voided"].isTrue ? "voided" : event["status"].text ?? ""
                cells += [
                    Table.Cell(type.isEmpty ? "—" : type.joined(separator: " · ")),
                    Table.Cell(
                        Format.words(status), mark: status == "success" ? nil : "bad"),
                    Self.moved(event),
                    Table.Cell(
                        number: Format.milliseconds(event["durationMs"].number),
                        event["durationMs"].number),
                    Table.Cell(event["id"].text ?? ""),
                ]
                return cells
            },
            empty: Notice(
                heading: "No event",
                text: "Nothing happened that passes the filters. POST /v1/events records events."),
            cursor: answer.cursor)
    }

    /// What meters have of it, as far as it told how much.
    private static func moved(_ event: PageValue) -> Table.Cell {
        let told = event["quantities"].members
        let meters = event["moved"].list.compactMap(\.text).map { meter in
            told[meter].map { Format.number($0) + " " + meter } ?? meter
        }
        let what = meters.joined(separator: ", ")
        if let status = event["reservation"]["status"].text {
            return Table.Cell((what.isEmpty ? "Reservation" : what) + ", " + status)
        }
        return what.isEmpty ? Table.Cell("Nothing", mark: "quiet") : Table.Cell(what)
    }
}
