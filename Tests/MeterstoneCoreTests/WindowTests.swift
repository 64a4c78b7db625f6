import MeterstoneCore
import Testing

@Suite struct WindowTests {
    @Test(
        arguments: [
            ("minute", .minute), ("quarter", .quarter),
            ("sinceFirst:18000", .sinceFirst(seconds: 18_000)),
            ("hour", .hour), ("day", .day), ("week", .week(startsOn: .monday)),
            ("week:sunday", .week(startsOn: .sunday)),
            ("week:saturday", .week(startsOn: .saturday)),
            ("month", .month), ("year", .year), ("lifetime", .lifetime),
            ("billingMonth", .billingMonth), ("rolling:1", .rolling(seconds: 1)),
            ("rolling:3600", .rolling(seconds: 3_600)),
            ("rolling:31622400", .rolling(seconds: 31_622_400)),
        ] as [(String, Window)])
    func `a window has one text`(text: String, window: Window) {
        #expect(Window(text) == window)
        #expect(window.text == text)
        #expect(window.description == text)
    }

    @Test func `a week that names Monday is the week`() {
        #expect(Window("week:monday")?.text == "week")
    }

    @Test(arguments: [
        "", "Hour", "minutes", "days", " day", "day ", "day:monday", "week:", "week:Sunday",
        "week:sun", "week:sunday:monday", "billingmonth", "billing_month", "rolling", "rolling:",
        "rolling:0", "rolling:-1", "rolling:31622401", "rolling:1.5", "rolling:+5", "rolling:05",
        "rolling: 5", "rolling:1h", "rolling:99999999999999999999", "sinceFirst", "sinceFirst:0",
        "sinceFirst:05", "sincefirst:60", "quarters",
    ])
    func `other texts are no window`(text: String) {
        #expect(Window(text) == nil)
    }

    @Test(arguments: [
        "hour    | 2026-11-21T09:59:59.999 | 2026-11-21T09 | 2026-11-21T10",
        "hour    | 2026-11-21T10:00:00.000 | 2026-11-21T10 | 2026-11-21T11",
        "hour    | 1969-12-31T23:30:00.000 | 1969-12-31T23 | 1970-01-01T00",
        "day     | 2026-11-21T00:00:00.000 | 2026-11-21T00 | 2026-11-22T00",
        "day     | 2026-11-21T23:59:59.999 | 2026-11-21T00 | 2026-11-22T00",
        "day     | 2000-02-29T12:00:00.000 | 2000-02-29T00 | 2000-03-01T00",
        "day     | 2100-02-28T12:00:00.000 | 2100-02-28T00 | 2100-03-01T00",
        "week    | 2026-11-22T23:59:59.999 | 2026-11-16T00 | 2026-11-23T00",
        "week    | 2026-11-23T00:00:00.000 | 2026-11-23T00 | 2026-11-30T00",
        "week    | 1970-01-01T00:00:00.000 | 1969-12-29T00 | 1970-01-05T00",
        "week:thursday  | 1970-01-01T00:00:00.000 | 1970-01-01T00 | 1970-01-08T00",
        "week:friday    | 1970-01-01T00:00:00.000 | 1969-12-26T00 | 1970-01-02T00",
        "week:tuesday   | 2026-11-21T12:00:00.000 | 2026-11-17T00 | 2026-11-24T00",
        "week:wednesday | 2026-11-21T12:00:00.000 | 2026-11-18T00 | 2026-11-25T00",
        "week:saturday  | 2026-11-21T12:00:00.000 | 2026-11-21T00 | 2026-11-28T00",
        "week:sunday    | 2026-11-21T12:00:00.000 | 2026-11-15T00 | 2026-11-22T00",
        "month   | 2026-11-30T23:59:59.999 | 2026-11-01T00 | 2026-12-01T00",
        "month   | 2026-12-31T12:00:00.000 | 2026-12-01T00 | 2027-01-01T00",
        "month   | 2024-02-29T12:00:00.000 | 2024-02-01T00 | 2024-03-01T00",
        "month   | 2000-02-15T12:00:00.000 | 2000-02-01T00 | 2000-03-01T00",
        "month   | 2100-02-28T23:59:59.999 | 2100-02-01T00 | 2100-03-01T00",
        "month   | 0001-01-01T00:00:00.000 | 0001-01-01T00 | 0001-02-01T00",
        "quarter | 2026-03-31T23:59:59.999 | 2026-01-01T00 | 2026-04-01T00",
        "quarter | 2026-04-01T00:00:00.000 | 2026-04-01T00 | 2026-07-01T00",
        "quarter | 2024-02-29T12:00:00.000 | 2024-01-01T00 | 2024-04-01T00",
        "quarter | 2026-12-31T23:59:59.999 | 2026-10-01T00 | 2027-01-01T00",
        "quarter | 1969-11-20T00:00:00.000 | 1969-10-01T00 | 1970-01-01T00",
        "quarter | 0001-01-01T00:00:00.000 | 0001-01-01T00 | 0001-04-01T00",
        "year    | 2024-12-31T23:59:59.999 | 2024-01-01T00 | 2025-01-01T00",
        "year    | 2100-06-01T00:00:00.000 | 2100-01-01T00 | 2101-01-01T00",
        "year    | 1969-07-20T20:17:40.000 | 1969-01-01T00 | 1970-01-01T00",
        "billingMonth   | 2026-11-21T12:00:00.000 | 2026-11-01T00 | 2026-12-01T00",
    ])
    func `windows in UTC`(row: String) throws {
        let cells = row.split(separator: "|").map { $0.filter { $0 != " " } }
        let window = try #require(Window(cells[0]))
        let span = window.span(
            containing: try instant("\(cells[1])Z"), in: .utc, anchor: nil)
        #expect(span.from == (try instant("\(cells[2]):00:00Z")))
        #expect(span.until == (try instant("\(cells[3]):00:00Z")))
    }

    @Test func `the last windows end after the last text`() {
        for window: Window in [.minute, .hour, .day, .month, .quarter, .year] {
            let span = window.span(containing: .latest, in: .utc, anchor: nil)
            #expect(span.until.millisecondsSince1970 == 253_402_300_800_000)
        }
    }

    @Test func `a rolling window ends with its instant`() {
        let now = Instant(millisecondsSince1970: 1_000_000)
        let span = Window.rolling(seconds: 60).span(containing: now, in: .utc, anchor: nil)
        #expect(span == WindowSpan(from: milliseconds(940_001), until: milliseconds(1_000_001)))
        #expect(!span.contains(milliseconds(940_000)))
        #expect(span.contains(milliseconds(940_001)))
        #expect(span.contains(now))
        #expect(!span.contains(milliseconds(1_000_001)))
    }

    @Test func `a lifetime is all of time`() {
        let span = Window.lifetime.span(containing: .latest, in: .utc, anchor: nil)
        #expect(span == .lifetime)
        #expect(span.contains(milliseconds(.min)) && span.contains(milliseconds(.max - 1)))
    }

    private static let everyWindow: [Window] = [
        .minute, .hour, .day, .week(startsOn: .sunday), .month, .quarter, .year, .lifetime,
        .billingMonth,
        .rolling(seconds: 0), .rolling(seconds: .min), .rolling(seconds: .max),
    ]

    @Test(arguments: everyWindow)
    func `nothing traps at the ends of time`(window: Window) {
        for end in [Int64.min, .min + 1, -1 << 53, 1 << 53, .max - 1, .max] {
            for anchor in [nil, milliseconds(.min), milliseconds(0), milliseconds(.max)] {
                let span = window.span(containing: milliseconds(end), in: .utc, anchor: anchor)
                #expect(span.from < span.until)
            }
        }
        let all = window.spans(
            from: milliseconds(.min), until: milliseconds(.max), in: .utc, anchor: nil, atMost: 10)
        #expect(all == (window == .lifetime ? [.lifetime] : nil))
        for end in [Int64.min, Int64.max - 1] {
            let spans = window.spans(
                from: milliseconds(end), until: milliseconds(end + 1), in: .utc, anchor: nil,
                atMost: 10)
            #expect(spans?.count == 1)
        }
    }
}

/// Lists of windows.
extension WindowTests {
    @Test(arguments: [
        ("day", "2026-02-27T00:00:00Z", "2026-03-02T00:00:00Z", ["02-27", "02-28", "03-01"]),
        ("day", "2026-02-27T23:59:59.999Z", "2026-02-28T00:00:00.001Z", ["02-27", "02-28"]),
        ("day", "2026-02-27T12:00:00Z", "2026-02-27T12:00:00.001Z", ["02-27"]),
        ("day", "2026-02-27T12:00:00Z", "2026-02-27T12:00:00Z", []),
        ("day", "2026-02-27T12:00:00Z", "2026-02-26T12:00:00Z", []),
        ("month", "2026-01-31T12:00:00Z", "2026-04-01T00:00:00Z", ["01-01", "02-01", "03-01"]),
        ("week", "2026-11-21T12:00:00Z", "2026-11-23T12:00:00Z", ["11-16", "11-23"]),
    ])
    func `all windows that overlap, in order and whole`(
        text: String, from: String, until: String, days: [String]
    ) throws {
        let window = try #require(Window(text))
        for bound in [days.count, days.count + 1, .max] {
            let spans = window.spans(
                from: try instant(from), until: try instant(until), in: .utc, anchor: nil,
                atMost: bound)
            let starts = spans?.map { $0.from.rfc3339.dropFirst(5).prefix(5) }
            #expect(starts == days.map { $0[...] })
        }
    }

    @Test func `one more than allowed is none`() throws {
        let from = try instant("2026-01-01T00:00:00Z")
        let until = try instant("2026-02-01T00:00:00Z")
        for bound in [30, 1, 0, -1] {
            #expect(
                Window.day.spans(from: from, until: until, in: .utc, anchor: nil, atMost: bound)
                    == nil)
        }
    }

    @Test func `rolling windows are laid end to end back from the last`() throws {
        let window = Window.rolling(seconds: 10)
        let spans = window.spans(
            from: milliseconds(75_000), until: milliseconds(100_000), in: .utc, anchor: nil,
            atMost: 3)
        let ends: [Int64] = [70_000, 80_000, 90_000]
        #expect(
            spans
                == ends.map {
                    WindowSpan(from: milliseconds($0), until: milliseconds($0 + 10_000))
                })
        #expect(
            window.spans(
                from: milliseconds(75_000), until: milliseconds(100_000), in: .utc, anchor: nil,
                atMost: 2) == nil)
    }
}

private func instant(_ text: String) throws -> Instant {
    try #require(Instant(rfc3339: text))
}

private func milliseconds(_ milliseconds: Int64) -> Instant {
    Instant(millisecondsSince1970: milliseconds)
}
