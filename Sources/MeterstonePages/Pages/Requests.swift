import MeterstoneCore

extension PageBuilder {
    /// What was asked of models?
    func requests() async throws(PageProblem) -> Page {
        let statuses = [
            ("", "Any"), ("pending", "Pending"), ("completed", "Completed"), ("failed", "Failed"),
            ("cancelled", "Cancelled"),
        ]
        let searches = [
            ("subject", "Subject"), ("model", "Model"), ("category", "Category"),
            ("sessionId", "Session"),
        ]
        var query = "?count=50"
        for name in searches.map(\.0) + ["status"] {
            if let value = request.value(name) { query += "&\(name)=\(value.inURL)" }
        }
        let cursor = request.value("requests-cursor")
        let answer = try await source.get(
            "/v1/requests" + query + (cursor.map { "&cursor=" + $0.inURL } ?? ""))
        var fields = searches.map { name, label in
            Filters.Field(
                name: name, label: label, kind: "search", value: request.value(name) ?? "")
        }
        fields.append(
            .init(
                name: "status", label: "Status", value: request.value("status") ?? "",
                options: statuses))
        var table = Self.requests(answer["requests"].list, note: "Newest first", isAll: true)
        table.cursor = (answer["nextCursor"].text, cursor == nil)
        return Page(
            title: "Requests", question: "What was asked of models, and what did it cost?",
            sections: [.filters(Filters(fields: fields)), .table(table)], live: "/v1/live",
            place: "/admin/requests")
    }

    static func requests(_ requests: [PageValue], note: String, isAll: Bool = false) -> Table {
        var columns: [Table.Column] = [.init(key: "startedAt", label: "When")]
        if isAll { columns.append(.init(key: "subject", label: "Subject")) }
        columns += [
            .init(key: "model", label: "Model"), .init(key: "category", label: "Category"),
            .init(key: "status", label: "Status"),
            .init(key: "duration", label: "Took", isNumber: true),
            .init(key: "tokensUsed", label: "Tokens", isNumber: true),
            .init(key: "costMillionths", label: "Cost", isNumber: true),
            .init(key: "userRating", label: "Rating", isNumber: true),
        ]
        return Table(
            id: "requests", heading: "Requests to models", note: note, columns: columns,
            rows: requests.map { one in
                var cells = [
                    Table.Cell(
                        Format.time(one["startedAt"].instant), by: one["startedAt"].text ?? "")
                ]
                let subject = one["userId"].text ?? ""
                if isAll { cells.append(Table.Cell(subject, link: subjectLink(subject))) }
                let status = one["status"].text ?? "—"
                cells += [
                    Table.Cell(one["model"].text ?? "—"), Table.Cell(one["category"].text ?? "—"),
                    Table.Cell(Format.words(status), mark: status == "failed" ? "bad" : nil),
                    Table.Cell(
                        number: Format.milliseconds(one["duration"].number),
                        one["duration"].number),
                    .count(one["tokensUsed"].integer),
                    Table.Cell(
                        number: Format.smallMoney(one["costMillionths"].integer),
                        one["costMillionths"].number),
                    .count(one["userRating"].integer),
                ]
                return cells
            },
            empty: Notice(
                heading: "No request",
                text: "Nothing was asked that passes the filters. POST /api/chat/track begins one.")
        )
    }
}
