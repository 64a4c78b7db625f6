/// A scale from zero to a round number not below what is to be shown.
struct Scale {
    let top: Double
    let steps: Int

    init(upTo value: Double) {
        guard value > 0, value.isFinite else {
            top = 4
            steps = 4
            return
        }
        var unit = 1.0
        while unit * 10 <= value / 4 { unit *= 10 }
        // Counts have no halves.
        let step = [1.0, 2, 2.5, 5, 10].map { $0 * unit }.first {
            $0 * 4 >= value && $0 == $0.rounded()
        }
        let chosen = step ?? unit * 10
        steps = max(1, Int((value / chosen).rounded(.up)))
        top = chosen * Double(steps)
    }

    var ticks: [Double] { (0...steps).map { top * Double($0) / Double(steps) } }
}

/// Pieces of SVG. Colours come of the style sheet, by class: a policy forbids styles within.
enum SVG {
    static func coordinate(_ value: Double) -> String {
        let tenths = Int64((value * 10).rounded())
        return tenths % 10 == 0
            ? String(tenths / 10)
            : "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
    }

    static func rectangle(
        _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ kind: String,
        title: String? = nil
    ) -> String {
        let place =
            "x=\"\(coordinate(x))\" y=\"\(coordinate(y))\" "
            + "width=\"\(coordinate(max(width, 0)))\" height=\"\(coordinate(max(height, 0)))\""
        guard let title else { return "<rect class=\"\(kind)\" \(place)/>" }
        return "<rect class=\"\(kind)\" \(place)><title>\(title.escaped)</title></rect>"
    }

    static func text(
        _ x: Double, _ y: Double, _ text: String, _ kind: String, anchor: String = "start"
    ) -> String {
        "<text class=\"\(kind)\" x=\"\(coordinate(x))\" y=\"\(coordinate(y))\" "
            + "text-anchor=\"\(anchor)\">\(text.escaped)</text>"
    }

    static func line(
        _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ kind: String
    )
        -> String
    {
        "<line class=\"\(kind)\" x1=\"\(coordinate(x1))\" y1=\"\(coordinate(y1))\" "
            + "x2=\"\(coordinate(x2))\" y2=\"\(coordinate(y2))\"/>"
    }

    static func picture(
        width: Double, height: Double, label: String, kind: String, _ body: String
    ) -> String {
        "<svg class=\"\(kind)\" viewBox=\"0 0 \(coordinate(width)) \(coordinate(height))\" "
            + "role=\"img\" aria-label=\"\(label.escaped)\">\(body)</svg>"
    }

    /// A number short enough for an axis: `1.2k`, `3M`.
    static func short(_ value: Double) -> String {
        for (size, letter) in [(1e9, "G"), (1e6, "M"), (1e3, "k")] where value >= size {
            let tenths = (value / size * 10).rounded() / 10
            return Format.number(tenths).replacing(/\.(\d)0$/) { ".\($0.1)" } + letter
        }
        return Format.number(value)
    }
}

/// How much of something is used, in one line.
enum Bar {
    static func svg(_ share: Double, kind: String) -> String {
        "<svg class=\"bar\" viewBox=\"0 0 100 4\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
            + SVG.rectangle(0, 0, 100, 4, "track")
            + SVG.rectangle(0, 0, min(max(share, 0), 1) * 100, 4, "fill \(kind)") + "</svg>"
    }
}

/// How a few numbers went, without a scale; the numbers stand elsewhere on the page.
enum Spark {
    static func svg(_ values: [Double]) -> String {
        guard values.count > 1, let top = values.max(), top > 0 else { return "" }
        let step = 100 / Double(values.count - 1)
        let points = values.enumerated().map { index, value in
            SVG.coordinate(Double(index) * step) + "," + SVG.coordinate(22 - value / top * 20)
        }
        return "<svg class=\"spark\" viewBox=\"0 0 100 24\" preserveAspectRatio=\"none\" "
            + "aria-hidden=\"true\"><polyline points=\"\(points.joined(separator: " "))\"/></svg>"
    }
}

/// Bars of several series on top of each other, one bar for each day.
struct StackedBars {
    struct Series {
        var name: String
        var values: [Double]
    }

    var title: String
    var unit: String
    /// As `2026-11-30`.
    var days: [String]
    var series: [Series]

    private static let width = 880.0
    private static let height = 260.0
    private static let left = 44.0
    private static let bottom = 24.0
    private static let top = 18.0

    var svg: String {
        let totals = days.indices.map { day in series.reduce(0) { $0 + $1.values[day] } }
        let scale = Scale(upTo: totals.max() ?? 0)
        let plot = Self.height - Self.bottom - Self.top
        func y(_ value: Double) -> Double { Self.top + plot * (1 - value / scale.top) }
        var body = SVG.text(0, 10, unit, "unit")
        for tick in scale.ticks {
            body += SVG.line(Self.left, y(tick), Self.width, y(tick), tick == 0 ? "axis" : "grid")
            body += SVG.text(Self.left - 8, y(tick) + 4, SVG.short(tick), "tick", anchor: "end")
        }
        let slot = (Self.width - Self.left) / Double(max(days.count, 1))
        let bar = min(slot * 0.72, 42)
        let labelled = max(1, (days.count + 7) / 8)
        for (index, day) in days.enumerated() {
            let x = Self.left + slot * Double(index) + (slot - bar) / 2
            var sum = 0.0
            for (place, one) in series.enumerated() where one.values[index] > 0 {
                let value = one.values[index]
                let upper = y(sum + value)
                body += SVG.rectangle(
                    x, upper, bar, y(sum) - upper, "s\(place % 8)",
                    title: "\(Format.day(day)): \(Format.number(value)) \(one.name)")
                sum += value
            }
            if index.isMultiple(of: labelled) {
                body += SVG.text(
                    x + bar / 2, Self.height - 6, Format.day(day), "tick", anchor: "middle")
            }
        }
        return SVG.picture(
            width: Self.width, height: Self.height, label: "\(title), in \(unit)", kind: "chart",
            body)
    }
}

/// One line for each thing, as long as it is much.
struct RankedBars {
    var title: String
    var unit: String
    var items: [(name: String, value: Double, text: String)]

    var svg: String {
        let top = max(items.map(\.value).max() ?? 0, 1)
        let height = Double(items.count) * 34 + 4
        var body = ""
        for (index, item) in items.enumerated() {
            let y = Double(index) * 34
            body += SVG.text(0, y + 13, item.name, "name")
            body += SVG.text(600, y + 13, item.text, "value", anchor: "end")
            body += SVG.rectangle(0, y + 19, 600, 6, "track")
            body += SVG.rectangle(0, y + 19, item.value / top * 600, 6, "s0")
        }
        return SVG.picture(
            width: 600, height: height, label: "\(title), in \(unit)", kind: "chart ranked", body)
    }
}

/// A year's days or fewer, week by week, darker where there is more.
struct HeatMap {
    var title: String
    var unit: String
    /// As `2026-11-30`, one after the other, with what was used on it.
    var days: [(date: String, value: Double)]
    /// Of the first day: 0 is Monday.
    var firstWeekday: Int

    var svg: String {
        let most = max(days.map(\.value).max() ?? 0, 1)
        let size = 12.0
        let step = 15.0
        let left = 30.0
        let top = 16.0
        let weeks = (firstWeekday + days.count + 6) / 7
        var body = ""
        for (row, name) in [(0, "Mon"), (2, "Wed"), (4, "Fri")] {
            body += SVG.text(left - 6, top + Double(row) * step + 10, name, "tick", anchor: "end")
        }
        var month = ""
        for (index, day) in days.enumerated() {
            let place = firstWeekday + index
            let x = left + Double(place / 7) * step
            let level = day.value <= 0 ? 0 : min(4, Int((day.value / most * 4).rounded(.up)))
            body += SVG.rectangle(
                x, top + Double(place % 7) * step, size, size, "heat\(level)",
                title: "\(Format.date(day.date)): \(Format.number(day.value)) \(unit)")
            let own = String(day.date.prefix(7))
            if own != month, place % 7 == 0 || index == 0 {
                let name = Format.day(day.date).split(separator: " ").last.map(String.init) ?? ""
                // The first column may be too close to the next month's.
                if month != "" || days.count - index > 14 { body += SVG.text(x, 10, name, "tick") }
                month = own
            }
        }
        return SVG.picture(
            width: left + Double(weeks) * step, height: top + 7 * step,
            label: "\(title), in \(unit)", kind: "chart heat", body)
    }
}
