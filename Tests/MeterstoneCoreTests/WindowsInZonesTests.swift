import MeterstoneCore
import Testing

/// Windows around changes of the clock, each in a zone that has that one change or two.
@Suite struct WindowsInZonesTests {
    @Test(arguments: [
        // Spring forward: 02:00 becomes 03:00 at 01:00Z.
        "Berlin    | day   | 2026-03-29T12:00:00Z | 2026-03-28T23:00:00Z | 2026-03-29T22:00:00Z",
        "Berlin    | hour  | 2026-03-29T00:59:59Z | 2026-03-29T00:00:00Z | 2026-03-29T01:00:00Z",
        "Berlin    | hour  | 2026-03-29T01:00:00Z | 2026-03-29T01:00:00Z | 2026-03-29T02:00:00Z",
        "Berlin    | week  | 2026-03-29T12:00:00Z | 2026-03-22T23:00:00Z | 2026-03-29T22:00:00Z",
        "Berlin    | month | 2026-03-01T12:00:00Z | 2026-02-28T23:00:00Z | 2026-03-31T22:00:00Z",
        "Berlin    | year  | 2026-07-01T12:00:00Z | 2025-12-31T23:00:00Z | 2026-12-31T23:00:00Z",
        // Fall back: 03:00 becomes 02:00 at 01:00Z, and two hours are called 2.
        "Berlin    | day   | 2026-10-25T12:00:00Z | 2026-10-24T22:00:00Z | 2026-10-25T23:00:00Z",
        "Berlin    | hour  | 2026-10-25T00:30:00Z | 2026-10-25T00:00:00Z | 2026-10-25T01:00:00Z",
        "Berlin    | hour  | 2026-10-25T01:30:00Z | 2026-10-25T01:00:00Z | 2026-10-25T02:00:00Z",
        "Berlin    | month | 2026-10-01T12:00:00Z | 2026-09-30T22:00:00Z | 2026-10-31T23:00:00Z",
        "New York  | day   | 2026-03-08T12:00:00Z | 2026-03-08T05:00:00Z | 2026-03-09T04:00:00Z",
        "New York  | day   | 2026-11-01T12:00:00Z | 2026-11-01T04:00:00Z | 2026-11-02T05:00:00Z",
        "New York  | month | 2026-11-21T12:00:00Z | 2026-11-01T04:00:00Z | 2026-12-01T05:00:00Z",
        // Midnight does not exist: 00:00 becomes 01:00.
        "Beirut    | day   | 2026-03-28T21:59:59Z | 2026-03-27T22:00:00Z | 2026-03-28T22:00:00Z",
        "Beirut    | day   | 2026-03-28T22:00:00Z | 2026-03-28T22:00:00Z | 2026-03-29T21:00:00Z",
        // Midnight exists twice: 01:00 becomes 00:00.
        "Havana    | day   | 2026-11-01T04:30:00Z | 2026-11-01T04:00:00Z | 2026-11-02T05:00:00Z",
        "Havana    | day   | 2026-11-01T05:30:00Z | 2026-11-01T04:00:00Z | 2026-11-02T05:00:00Z",
        "Havana    | month | 2026-11-01T04:30:00Z | 2026-11-01T04:00:00Z | 2026-12-01T05:00:00Z",
        "Havana    | hour  | 2026-11-01T05:30:00Z | 2026-11-01T05:00:00Z | 2026-11-01T06:00:00Z",
        // 00:00 becomes 23:00 of the day before: that hour is repeated, midnight is not.
        "Sao Paulo | day   | 2018-02-18T02:30:00Z | 2018-02-17T02:00:00Z | 2018-02-18T03:00:00Z",
        "Sao Paulo | day   | 2018-02-18T03:00:00Z | 2018-02-18T03:00:00Z | 2018-02-19T03:00:00Z",
        // 00:01 becomes 23:01 of the day before, which then belongs to the day that has begun.
        "St Johns  | day   | 2010-11-07T02:29:59Z | 2010-11-06T02:30:00Z | 2010-11-07T02:30:00Z",
        "St Johns  | day   | 2010-11-07T02:30:00Z | 2010-11-07T02:30:00Z | 2010-11-08T03:30:00Z",
        "St Johns  | day   | 2010-11-07T02:45:00Z | 2010-11-07T02:30:00Z | 2010-11-08T03:30:00Z",
        "St Johns  | day   | 2010-11-07T03:29:59Z | 2010-11-07T02:30:00Z | 2010-11-08T03:30:00Z",
        "St Johns|week:sunday | 2010-11-07T02:45:00Z | 2010-11-07T02:30:00Z | 2010-11-14T03:30:00Z",
        "St Johns  | hour  | 2010-11-07T02:30:30Z | 2010-11-07T02:30:00Z | 2010-11-07T02:31:00Z",
        "St Johns  | hour  | 2010-11-07T02:45:00Z | 2010-11-07T02:31:00Z | 2010-11-07T03:30:00Z",
        // Hours and days that do not start with those of UTC.
        "Kathmandu | hour  | 2026-11-21T09:00:00Z | 2026-11-21T08:15:00Z | 2026-11-21T09:15:00Z",
        "Kathmandu | day   | 2026-11-21T18:14:59Z | 2026-11-20T18:15:00Z | 2026-11-21T18:15:00Z",
        "Kathmandu | month | 2026-11-30T18:15:00Z | 2026-11-30T18:15:00Z | 2026-12-31T18:15:00Z",
        // Half an hour: 02:00 becomes 01:30 at 15:00Z, and in spring 02:00 becomes 02:30.
        "Lord Howe | hour  | 2026-04-04T14:30:00Z | 2026-04-04T14:00:00Z | 2026-04-04T15:00:00Z",
        "Lord Howe | hour  | 2026-04-04T15:00:00Z | 2026-04-04T15:00:00Z | 2026-04-04T15:30:00Z",
        "Lord Howe | hour  | 2026-04-04T15:30:00Z | 2026-04-04T15:30:00Z | 2026-04-04T16:30:00Z",
        "Lord Howe | hour  | 2026-10-03T15:15:00Z | 2026-10-03T14:30:00Z | 2026-10-03T15:30:00Z",
        "Lord Howe | hour  | 2026-10-03T15:45:00Z | 2026-10-03T15:30:00Z | 2026-10-03T16:00:00Z",
        "Lord Howe | day   | 2026-04-04T15:15:00Z | 2026-04-04T13:00:00Z | 2026-04-05T13:30:00Z",
        // 30 December 2011 was skipped.
        "Apia      | day   | 2011-12-30T09:59:59Z | 2011-12-29T10:00:00Z | 2011-12-30T10:00:00Z",
        "Apia      | day   | 2011-12-30T10:00:00Z | 2011-12-30T10:00:00Z | 2011-12-31T10:00:00Z",
        "Apia      | month | 2011-12-30T10:00:00Z | 2011-12-01T10:00:00Z | 2011-12-31T10:00:00Z",
        "Apia    |week:friday | 2011-12-30T10:00:00Z | 2011-12-30T10:00:00Z | 2012-01-05T10:00:00Z",
    ])
    func `windows follow the local clock`(row: String) throws {
        let cells = cells(row)
        let zone = try zone(cells[0])
        let window = try #require(Window(cells[1]))
        let expected = WindowSpan(from: try instant(cells[3]), until: try instant(cells[4]))
        #expect(window.span(containing: try instant(cells[2]), in: zone, anchor: nil) == expected)
    }

    @Test func `a skipped day has no window`() throws {
        let spans = Window.day.spans(
            from: try instant("2011-12-29T10:00:00Z"), until: try instant("2012-01-01T10:00:00Z"),
            in: try zone("Apia"), anchor: nil, atMost: 10)
        let starts = spans?.map(\.from.description)
        #expect(
            starts == [
                "2011-12-29T10:00:00.000Z", "2011-12-30T10:00:00.000Z", "2011-12-31T10:00:00.000Z",
            ])
    }

    @Test(arguments: [
        ("Berlin", "2026-10-24T22:00:00Z", 25), ("Berlin", "2026-03-28T23:00:00Z", 23),
        ("Lord Howe", "2026-04-04T13:00:00Z", 25), ("Lord Howe", "2026-10-03T13:30:00Z", 24),
        ("St Johns", "2010-11-07T02:30:00Z", 26),
    ])
    func `a day is cut into hours`(name: String, start: String, count: Int) throws {
        let zone = try zone(name)
        let day = Window.day.span(containing: try instant(start), in: zone, anchor: nil)
        #expect(day.from == (try instant(start)))
        let hours = Window.hour.spans(
            from: day.from, until: day.until, in: zone, anchor: nil, atMost: 100)
        #expect(hours?.count == count)
        #expect(hours?.first?.from == day.from)
        #expect(hours?.last?.until == day.until)
    }

    @Test(arguments: [
        ("Apia", "2011-12-30T09:59:59Z", "2011-12-29"),
        ("Apia", "2011-12-30T10:00:00Z", "2011-12-31"),
        ("St Johns", "2010-11-07T02:45:00Z", "2010-11-07"),
        ("Kathmandu", "2026-12-31T18:15:00Z", "2027-01-01"),
        ("Havana", "2026-11-01T03:59:59Z", "2026-10-31"),
    ])
    func `an instant belongs to a local day`(name: String, at: String, day: String) throws {
        let zone = try zone(name)
        let date = zone.day(containing: try instant(at))
        #expect(date.description == day)
        let span = Window.day.span(containing: try instant(at), in: zone, anchor: nil)
        #expect(zone.start(of: date) == span.from)
    }
}

/// Billing months.
extension WindowsInZonesTests {
    /// Zone, anchor, number of the first month, and the boundaries from there on.
    @Test(arguments: [
        """
        UTC | 2024-01-31T10:30:00Z | -2 |
        2023-11-30T10:30 2023-12-31T10:30 2024-01-31T10:30 2024-02-29T10:30
        2024-03-31T10:30 2024-04-30T10:30 2024-05-31T10:30
        """,
        """
        UTC | 2024-01-30T00:00:00Z | 0 |
        2024-01-30T00:00 2024-02-29T00:00 2024-03-30T00:00 2024-04-30T00:00
        """,
        """
        UTC | 2024-12-29T23:59:00Z | 0 |
        2024-12-29T23:59 2025-01-29T23:59 2025-02-28T23:59 2025-03-29T23:59
        """,
        """
        UTC | 2024-02-29T12:00:00Z | 10 |
        2024-12-29T12:00 2025-01-29T12:00 2025-02-28T12:00 2025-03-29T12:00
        """,
        """
        UTC | 2000-01-31T00:00:00Z | 1200 |
        2100-01-31T00:00 2100-02-28T00:00 2100-03-31T00:00
        """,
        """
        UTC | 2026-03-28T08:00:00Z | -2 |
        2026-01-28T08:00 2026-02-28T08:00 2026-03-28T08:00
        """,
        // 02:30 does not exist on 29 March, and is 02:30 again in April.
        """
        Berlin | 2026-01-29T01:30:00Z | 0 |
        2026-01-29T01:30 2026-02-28T01:30 2026-03-29T01:00 2026-04-29T00:30
        """,
        // 02:30 exists twice on 25 October.
        """
        Berlin | 2026-09-25T00:30:00Z | 0 |
        2026-09-25T00:30 2026-10-25T00:30 2026-11-25T01:30
        """,
        // The local date of the anchor is the 31st, although it is the 30th in UTC.
        """
        Kathmandu | 2026-01-30T20:00:00Z | 0 |
        2026-01-30T20:00 2026-02-27T20:00 2026-03-30T20:00 2026-04-29T20:00
        """,
        // The month starts at midnight of 7 November, and the clock goes back across it.
        """
        St Johns | 2010-10-07T02:30:00Z | 0 |
        2010-10-07T02:30 2010-11-07T02:30 2010-12-07T03:30
        """,
        // The same at the end of a month: the clock goes back to October.
        """
        St Johns in 2009 | 2009-10-01T02:30:00Z | 0 |
        2009-10-01T02:30 2009-11-01T02:30 2009-12-01T03:30
        """,
        // 30 December 2011 was skipped.
        """
        Apia | 2011-11-30T22:00:00Z | 0 |
        2011-11-30T22:00 2011-12-30T10:00 2012-01-29T22:00
        """,
        """
        Apia | 2011-11-29T22:00:00Z | 0 |
        2011-11-29T22:00 2011-12-29T22:00 2012-01-28T22:00
        """,
    ])
    func `billing months do not drift`(row: String) throws {
        let cells = cells(row)
        let zone = try zone(cells[0])
        let anchor = try instant(cells[1])
        let first = try #require(Int(cells[2]))
        let boundaries = try cells[3].split(separator: " ").map { try instant("\($0):00Z") }
        if first <= 0 { #expect(boundaries[-first] == anchor) }
        for (from, until) in zip(boundaries, boundaries.dropFirst()) {
            let span = WindowSpan(from: from, until: until)
            let last = until.advanced(byMilliseconds: -1)
            for inside in [from, from.advanced(byMilliseconds: 900_000), last] {
                let found = Window.billingMonth.span(containing: inside, in: zone, anchor: anchor)
                #expect(found == span, "at \(inside)")
            }
        }
        let all = Window.billingMonth.spans(
            from: boundaries[0], until: boundaries[boundaries.count - 1], in: zone,
            anchor: anchor, atMost: boundaries.count)
        #expect(all?.map(\.from) == boundaries.dropLast())
    }

    @Test func `an anchor that the clock shows for the second time starts at the first`() throws {
        let anchor = try instant("2026-10-25T01:30:00Z")
        let zone = try zone("Berlin")
        let span = Window.billingMonth.span(containing: anchor, in: zone, anchor: anchor)
        #expect(span.from == (try instant("2026-10-25T00:30:00Z")))
        #expect(span.until == (try instant("2026-11-25T01:30:00Z")))
    }
}

private func cells(_ row: String) -> [String] {
    row.split(separator: "|").map { cell in
        cell.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}

private func instant(_ text: String) throws -> Instant {
    try #require(Instant(rfc3339: text))
}

/// A few changes of real zones, enough for the tables above.
private func zone(_ name: String) throws -> ZoneRules {
    let (initialHours, transitions) = try #require(changes[name])
    return ZoneRules(
        name: name, initialOffsetSeconds: initialHours * 60,
        transitions: try transitions.map { at, minutes in
            ZoneRules.Transition(at: try instant(at), offsetSeconds: minutes * 60)
        })
}

/// For each zone the first offset and the changes, in minutes.
private let changes: [String: (Int64, [(String, Int64)])] = [
    "UTC": (0, []),
    "Kathmandu": (345, []),
    "Berlin": (60, [("2026-03-29T01:00:00Z", 120), ("2026-10-25T01:00:00Z", 60)]),
    "New York": (-300, [("2026-03-08T07:00:00Z", -240), ("2026-11-01T06:00:00Z", -300)]),
    "Beirut": (120, [("2026-03-28T22:00:00Z", 180), ("2026-10-24T21:00:00Z", 120)]),
    "Havana": (-240, [("2026-11-01T05:00:00Z", -300)]),
    "Sao Paulo": (-120, [("2018-02-18T02:00:00Z", -180)]),
    "St Johns": (-150, [("2010-11-07T02:31:00Z", -210)]),
    "St Johns in 2009": (-150, [("2009-11-01T02:31:00Z", -210)]),
    "Lord Howe": (660, [("2026-04-04T15:00:00Z", 630), ("2026-10-03T15:30:00Z", 660)]),
    "Apia": (-600, [("2011-12-30T10:00:00Z", 840)]),
]
