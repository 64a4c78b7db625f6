import MeterstoneCore

extension PageBuilder {
    /// How is it going?
    func overview() async throws(PageProblem) -> Page {
        let meters = try await keys(of: "meters")
        let limits = try await keys(of: "limits")
        var page = Page(
            title: "Overview", question: "What happened, and is it more than before?",
            live: "/v1/live", place: "/admin")
        let trends = try await report("trends", span + "&window=day")
        let rows = trends["rows"].list
        let events = rows.reduce(Int64(0)) { $0 &+ ($1["events"].integer ?? 0) }
        let decisions = Decisions(try await source.text("/metrics"))
        // A quiet week of a store in use is not the first one.
        let known =
            events >= 25
            ? 25 : try await source.find("/v1/events?count=25")?["events"].list.count ?? 0
        if meters.isEmpty || limits.isEmpty || (decisions.refused == 0 && known < 25) {
            page.sections += firstSteps(
                hasMeter: !meters.isEmpty, hasLimit: !limits.isEmpty, hasEvent: known > 0,
                hasRefusal: decisions.refused > 0)
            if meters.isEmpty || known == 0 { return page }
        }
        page.sections.append(spanFilter())
        let met = try await report("limits", span)
        page.sections.append(.cards(try await overviewCards(trends, met, decisions)))
        page.sections.append(
            .figure(
                Self.eventsByDay(rows, meters, heading: "Events by day", note: spanWords)))
        if let funnel = try await funnel(meters) { page.sections.append(.figure(funnel)) }
        page.sections.append(.table(limitsMet(met)))
        return page
    }

    private func overviewCards(
        _ trends: PageValue, _ met: PageValue, _ decisions: Decisions
    ) async throws(PageProblem) -> Cards {
        let errors = try await report("errors", span + "&minimumEvents=0")
        let errorsBefore = try await reportBefore("errors", "minimumEvents=0", of: errors)
        let metBefore = try await reportBefore("limits", "", of: met)
        let plans = try await report("plans", span)
        let plansBefore = try await reportBefore("plans", "", of: plans)
        func sum(_ report: PageValue, _ name: String) -> Double {
            report["rows"].list.reduce(0) { $0 + ($1[name].number ?? 0) }
        }
        func rate(_ report: PageValue) -> Double {
            let events = sum(report, "events")
            return events == 0 ? 0 : sum(report, "failed") / events
        }
        func count(_ value: Double) -> String { Format.number(value) }
        let (events, eventsBefore) = (sum(errors, "events"), sum(errorsBefore, "events"))
        var cards = [
            Cards.Card(
                label: "Events", value: count(events), before: (events, eventsBefore),
                hint: "whatever became of them", link: "/admin/events",
                spark: Spark.svg(Self.perDay(trends["rows"].list))),
            Cards.Card(
                label: "Active subjects", value: count(sum(plans, "subjects")),
                before: (sum(plans, "subjects"), sum(plansBefore, "subjects")),
                hint: "by plan at the time of use", link: "/admin/subjects"),
            Cards.Card(
                label: "Limits met", value: count(sum(met, "events")),
                before: (sum(met, "events"), sum(metBefore, "events")),
                hint: "events after which nothing was left", link: "#limits-met", isTrouble: true),
            Cards.Card(
                label: "Errors", value: Format.percent(rate(errors)),
                before: (rate(errors), rate(errorsBefore)), hint: "failed of all events",
                link: "/admin/errors", isTrouble: true),
            Cards.Card(
                label: "Refused", value: Format.number(decisions.refused),
                hint: "consumes and reservations since the server started"),
        ]
        let (revenue, cost) = (sum(plans, "revenueMillionths"), sum(plans, "costMillionths"))
        if revenue > 0 {
            cards.append(
                Cards.Card(
                    label: "Revenue", value: Format.money(Int64(revenue)),
                    before: (revenue, sum(plansBefore, "revenueMillionths")),
                    hint: "of periods that began", link: "/admin/plans"))
        }
        if cost > 0 {
            cards.append(
                Cards.Card(
                    label: "Cost", value: Format.money(Int64(cost)),
                    before: (cost, sum(plansBefore, "costMillionths")),
                    hint: "as events told it", link: "/admin/plans", isTrouble: true))
        }
        return Cards(label: "Figures of the span", cards: cards)
    }

    private static func perDay(_ rows: [PageValue]) -> [Double] {
        var days: [(String, Double)] = []
        for row in rows {
            let day = row["from"].text ?? ""
            if days.last?.0 != day { days.append((day, 0)) }
            days[days.count - 1].1 += row["events"].number ?? 0
        }
        return days.map(\.1)
    }

    /// Of the rows of `trends`: events by day, stacked by meter. The least frequent are one.
    ///
    /// Only of meters that count types of events, where there are any: what an event moves beside these,
    /// such as tokens, would count it twice.
    static func eventsByDay(
        _ rows: [PageValue], _ meters: [PageValue], heading: String, note: String
    ) -> Figure {
        let counting = Set(
            meters.filter { !$0["eventTypes"].list.isEmpty }.compactMap { $0["key"].text })
        let rows = rows.filter {
            counting.isEmpty || counting.contains($0["meter"].text ?? "")
        }
        var days: [String] = []
        var byMeter: [String: [String: Double]] = [:]
        for row in rows {
            let day = String((row["from"].text ?? "").prefix(10))
            if days.last != day { days.append(day) }
            byMeter[row["meter"].text ?? "", default: [:]][day] = row["events"].number ?? 0
        }
        let ranked = byMeter.map { (meter, days) in
            (meter: meter, days: days, sum: days.values.reduce(0, +))
        }.filter { $0.sum > 0 }.sorted { ($1.sum, $0.meter) < ($0.sum, $1.meter) }
        var series = ranked.prefix(6).map { one in
            StackedBars.Series(
                name: Format.words(one.meter), values: days.map { one.days[$0] ?? 0 })
        }
        if ranked.count > 6 {
            series.append(
                StackedBars.Series(
                    name: "Others",
                    values: days.map { day in
                        ranked.dropFirst(6).reduce(0) { $0 + ($1.days[day] ?? 0) }
                    }))
        }
        let chart = StackedBars(title: heading, unit: "events", days: days, series: series)
        return Figure(
            id: "events-by-day", heading: heading,
            note: note, svg: chart.svg,
            legend: series.enumerated().map { ("s\($0)", $1.name) },
            columns: ["Day"] + series.map(\.name),
            rows: days.indices.map { index in
                [Format.date(days[index])]
                    + series.map { Format.number($0.values[index]) }
            })
    }

    // MARK: The funnel

    /// Of the steps that the address names, else of those that meters count, in the order of the document.
    private func funnel(_ meters: [PageValue]) async throws(PageProblem) -> Figure? {
        let types = Set(meters.flatMap { $0["eventTypes"].list.compactMap(\.text) })
        let usual = ["project_create", "prompt", "export"].filter { types.contains($0) }
        let steps = request.value("steps") ?? usual.joined(separator: ",")
        guard steps.contains(",") else { return nil }
        let rows = try await report("funnel", span + "&types=" + steps.inURL)["rows"].list
        let bars = RankedBars(
            title: "From one step to the next", unit: "subjects",
            items: rows.map { row in
                (
                    name: Format.words(row["type"].text ?? ""),
                    value: row["subjects"].number ?? 0,
                    text: Format.number(row["subjects"]) + " · "
                        + Format.percent(row["rateOfFirst"].number)
                )
            })
        return Figure(
            id: "funnel", heading: "How many get from one step to the next?",
            note: "Subjects that took every step before, and their share of the first.",
            svg: bars.svg, columns: ["Step", "Subjects", "Of the first", "Of the one before"],
            rows: rows.map { row in
                [
                    row["type"].text ?? "", Format.number(row["subjects"]),
                    Format.percent(row["rateOfFirst"].number),
                    Format.percent(row["rateOfPrevious"].number),
                ]
            })
    }

    private func limitsMet(_ report: PageValue) -> Table {
        Table(
            id: "limits-met", heading: "Which limits are met?", note: spanWords,
            columns: [
                .init(key: "limit", label: "Limit"), .init(key: "plan", label: "Plan"),
                .init(key: "subjects", label: "Subjects", isNumber: true),
                .init(key: "events", label: "Events", isNumber: true),
                .init(key: "upgraded", label: "Upgraded since", isNumber: true),
            ],
            rows: report["rows"].list.map { row in
                let limit = row["limit"].text ?? ""
                return [
                    Table.Cell(limit, link: "/admin/limits/" + limit.inURL),
                    Table.Cell(row["plan"].text ?? "—"), .count(row["subjects"].integer),
                    .count(row["events"].integer), .count(row["upgraded"].integer),
                ]
            },
            empty: Notice(
                heading: "No limit was met",
                text: "Nobody used up an allowance in this span. Choose a longer one above."))
    }

    // MARK: A new server

    private func firstSteps(
        hasMeter: Bool, hasLimit: Bool, hasEvent: Bool, hasRefusal: Bool
    ) -> [Section] {
        let json = "-H 'Content-Type: application/json'"
        let address = request.address
        let steps = Section.steps(
            Steps(
                heading: "From nothing to the first refusal",
                steps: [
                    .init(
                        heading: "A meter: what is counted",
                        text: "It counts every event of its types.",
                        code: "curl -X PUT \(address)/v1/meters/prompts \(json) "
                            + #"-d '{"eventTypes":["prompt"]}'"#,
                        isDone: hasMeter),
                    .init(
                        heading: "A limit: how much of it",
                        text: "Two a day, so that you see a refusal soon.",
                        code: "curl -X PUT \(address)/v1/limits/prompts_daily \(json) "
                            + #"-d '{"meter":"prompts","window":"day","defaultAllowance":2}'"#,
                        isDone: hasLimit),
                    .init(
                        heading: "The first event",
                        text: "It asks and counts in one step. The answer says what is left.",
                        code: "curl -X POST \(address)/v1/consume \(json) "
                            + #"-d '{"subject":"ann","type":"prompt"}'"#,
                        isDone: hasEvent),
                    .init(
                        heading: "The first refusal",
                        text: "Send the same until the answer is 429. It says when to come back.",
                        isDone: hasRefusal),
                ]))
        guard source.mayChange else { return [steps] }
        let form: Forms.Form
        if !hasMeter {
            form = .init(
                id: "first-meter", heading: "Make the meter", method: "PUT",
                path: "/v1/meters/prompts", fixed: #"{"eventTypes":["prompt"]}"#, fields: [],
                button: "Make the meter")
        } else if !hasLimit {
            form = .init(
                id: "first-limit", heading: "Make the limit", method: "PUT",
                path: "/v1/limits/prompts_daily",
                fixed: #"{"meter":"prompts","window":"day","defaultAllowance":2}"#, fields: [],
                button: "Make the limit")
        } else {
            form = .init(
                id: "first-event", heading: "Send an event",
                text: "What the server answers stands below.", method: "POST",
                path: "/v1/consume",
                fields: [
                    .init(name: "subject", label: "Subject", value: "ann", isRequired: true),
                    .init(name: "type", label: "Type", value: "prompt", isRequired: true),
                ], button: "Send it")
        }
        return [steps, .forms(Forms(heading: "Or do it here", forms: [form]))]
    }
}

/// What became of questions to the server since it started, as `/metrics` says.
struct Decisions {
    var refused: Int64 = 0
    var allowed: Int64 = 0

    init(_ metrics: String) {
        let refusals = ["limit_exceeded", "insufficient_credits", "subject_blocked"]
        for line in metrics.split(separator: "\n")
        where line.hasPrefix("meterstone_decisions_total{") && !line.contains("\"check\"") {
            guard let count = line.split(separator: " ").last.flatMap({ Int64($0) }) else {
                continue
            }
            if refusals.contains(where: { line.contains("outcome=\"\($0)\"") }) {
                refused &+= count
            } else if line.contains("outcome=\"allowed\"") {
                allowed &+= count
            }
        }
    }
}
