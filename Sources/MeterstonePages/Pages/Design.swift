import MeterstoneCore

extension PageBuilder {
    /// Every part in each of its states, so that the next page is built of them.
    func design() -> Page {
        let days = (1...14).map { "2026-03-" + ($0 < 10 ? "0\($0)" : "\($0)") }
        let chart = StackedBars(
            title: "Events by day", unit: "events", days: days,
            series: [
                .init(name: "Prompts", values: days.indices.map { Double(40 + $0 * 7 % 23) }),
                .init(name: "Exports", values: days.indices.map { Double(8 + $0 * 5 % 11) }),
            ])
        return Page(
            title: "Design", question: "What is a page made of?",
            sections: [
                .notice(Notice(heading: "A notice", text: "Something to be read first.")),
                .notice(
                    Notice(heading: "Something is wrong", text: "And what to do.", kind: "bad")),
                .cards(
                    Cards(
                        label: "Cards",
                        cards: [
                            .init(label: "More", value: "1,204", before: (120, 100)),
                            .init(label: "Less", value: "96", before: (96, 100)),
                            .init(
                                label: "More trouble", value: "12 %", before: (12, 10),
                                isTrouble: true),
                            .init(label: "None before", value: "3", before: (3, 0)),
                        ])),
                .figure(
                    Figure(
                        id: "chart", heading: "A chart", note: "Units, and a scale from zero",
                        svg: chart.svg, legend: [("s0", "Prompts"), ("s1", "Exports")],
                        columns: ["Day", "Prompts"], rows: [["1 Mar 2026", "40"]])),
                .meters(
                    LimitList(
                        heading: "Limits",
                        items: [
                            .init(
                                limit: "open", label: "Room is left", used: 3, allowance: 10,
                                resetsAt: source.now.advanced(byMilliseconds: 7_500_000)),
                            .init(limit: "near", label: "Nearly full", used: 9, allowance: 10),
                            .init(limit: "full", label: "Full", used: 12, allowance: 10),
                            .init(limit: "none", label: "No bound", used: 12, allowance: -1),
                        ], now: source.now, empty: Notice(heading: "None", text: ""))),
                .table(
                    Table(
                        id: "empty", heading: "A table without rows", columns: [], rows: [],
                        empty: Notice(heading: "Nothing yet", text: "What to do next."))),
            ], place: "/admin/design")
    }
}
