import Foundation
import Testing

@testable import MeterstonePages

/// Charts as SVG: compared as a whole with what was looked at.
@Suite struct ChartTests {
    private static let scales: [(Double, [Double])] = [
        (0, [0, 1, 2, 3, 4]), (1, [0, 1]), (3, [0, 1, 2, 3]), (7, [0, 2, 4, 6, 8]),
        (10, [0, 5, 10]), (97, [0, 25, 50, 75, 100]), (1_230, [0, 500, 1_000, 1_500]),
    ]

    @Test(arguments: scales)
    func `a scale starts at zero, ends above what is shown, and has whole steps`(
        value: Double, ticks: [Double]
    ) {
        #expect(Scale(upTo: value).ticks == ticks)
    }

    @Test func `stacked bars`() throws {
        let chart = StackedBars(
            title: "Events by day", unit: "events",
            days: ["2026-03-01", "2026-03-02", "2026-03-03"],
            series: [
                .init(name: "Prompts", values: [4, 0, 6]),
                .init(name: "Exports", values: [1, 2, 0]),
            ])
        try compare(chart.svg, with: "stacked-bars.svg")
    }

    @Test func `bars of a funnel`() throws {
        let chart = RankedBars(
            title: "Steps", unit: "subjects",
            items: [("Prompt <b>", 40, "40 · 100 %"), ("Export", 10, "10 · 25 %")])
        #expect(!chart.svg.contains("<b>"))
        try compare(chart.svg, with: "ranked-bars.svg")
    }

    @Test func `a map of days`() throws {
        let days = (1...20).map {
            (date: "2026-03-\($0 < 10 ? "0" : "")\($0)", value: Double($0 % 5))
        }
        // The first of March 2026 is a Sunday.
        let map = HeatMap(title: "Days", unit: "prompts", days: days, firstWeekday: 6)
        try compare(map.svg, with: "heat-map.svg")
    }

    @Test func `a bar is as long as the share, and never longer than its track`() {
        #expect(Bar.svg(0.25, kind: "open").contains(#"class="fill open" x="0" y="0" width="25""#))
        #expect(Bar.svg(3, kind: "full").contains(#"width="100" height="4"/></svg>"#))
        #expect(Bar.svg(-1, kind: "open").contains(#"class="fill open" x="0" y="0" width="0""#))
    }

    @Test func `nothing that was never used has a line`() {
        #expect(Spark.svg([0, 0]) == "" && Spark.svg([3]) == "")
        #expect(Spark.svg([0, 2]).contains("0,22 100,2"))
    }

    private func compare(_ svg: String, with name: String) throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Snapshots/\(name)")
        if ProcessInfo.processInfo.environment["METERSTONE_RECORD_SNAPSHOTS"] != nil {
            try Data((svg + "\n").utf8).write(to: path)
        } else {
            #expect(try String(contentsOf: path, encoding: .utf8) == svg + "\n")
        }
    }
}
