import Meterstone
import MeterstoneCore
import Testing

/// Windows of somebody who goes from one zone to another, with the rules of this machine's database.
@Suite struct ZonesInTimeTests {
    private static let zones = ZoneDatabase()

    /// What was told when: a zone, and the instants from which others were told.
    private func clocks(_ told: String) throws -> ZoneRules {
        var parts = told.split(separator: " ").map(String.init)
        var zones = ZonesInTime(parts.removeFirst())
        while parts.count >= 2 {
            let now = try #require(Instant(rfc3339: parts.removeFirst() + ":00Z"))
            let known = try #require(rules(zones))
            zones = zones.changing(to: parts.removeFirst(), at: now, known)
        }
        return try #require(rules(zones))
    }

    private func rules(_ zones: ZonesInTime) -> ZoneRules? {
        zones.clocks(default: "UTC") { Self.zones.rules(named: $0) }
    }

    @Test(arguments: [
        // To the west a day is longer, to the east shorter.
        (
            "Europe/Berlin 2026-03-10T12:00 America/New_York", Window.day, "2026-03-10T12:00",
            "2026-03-09T23:00 2026-03-10T23:00 2026-03-12T04:00 2026-03-13T04:00"
        ),
        (
            "America/New_York 2026-03-10T12:00 Europe/Berlin", .day, "2026-03-10T12:00",
            "2026-03-10T04:00 2026-03-11T04:00 2026-03-11T23:00 2026-03-12T23:00"
        ),
        // Across the date line a date may be over, or take two days.
        (
            "Pacific/Pago_Pago 2026-03-10T20:00 Pacific/Kiritimati", .day, "2026-03-10T20:00",
            "2026-03-10T11:00 2026-03-11T11:00 2026-03-12T10:00 2026-03-13T10:00"
        ),
        (
            "Pacific/Kiritimati 2026-03-10T20:00 Pacific/Pago_Pago", .day, "2026-03-10T20:00",
            "2026-03-10T10:00 2026-03-11T10:00 2026-03-13T11:00 2026-03-14T11:00"
        ),
        // Clocks are set forward, and back, on the first day in the other zone.
        (
            "America/New_York 2026-03-28T12:00 Europe/Berlin", .day, "2026-03-28T12:00",
            "2026-03-28T04:00 2026-03-29T04:00 2026-03-29T22:00 2026-03-30T22:00"
        ),
        (
            "UTC 2026-10-24T12:00 Europe/Berlin", .day, "2026-10-24T12:00",
            "2026-10-24T00:00 2026-10-25T00:00 2026-10-25T23:00 2026-10-26T23:00"
        ),
        // And on the last day in the old one.
        (
            "Europe/Berlin 2026-10-25T12:00 UTC", .day, "2026-10-25T12:00",
            "2026-10-24T22:00 2026-10-25T23:00 2026-10-27T00:00 2026-10-28T00:00"
        ),
        // To and fro within a day is nothing; the last that was told counts.
        (
            "Europe/Berlin 2026-03-10T12:00 Asia/Tokyo 2026-03-10T13:00 Europe/Berlin", .day,
            "2026-03-10T12:00", "2026-03-09T23:00 2026-03-10T23:00 2026-03-11T23:00"
        ),
        (
            "Europe/Berlin 2026-03-10T12:00 Asia/Tokyo 2026-03-10T13:00 America/New_York", .day,
            "2026-03-10T12:00", "2026-03-09T23:00 2026-03-10T23:00 2026-03-12T04:00"
        ),
        // There and back, a day later.
        (
            "Europe/Berlin 2026-03-10T12:00 America/New_York 2026-03-11T12:00 Europe/Berlin", .day,
            "2026-03-10T12:00",
            "2026-03-09T23:00 2026-03-10T23:00 2026-03-12T04:00 2026-03-12T23:00"
        ),
        // An hour is never shorter: half an hour is added to it.
        (
            "Europe/Berlin 2026-03-10T12:00 Asia/Kolkata", .hour, "2026-03-10T22:10",
            "2026-03-10T22:00 2026-03-10T23:00 2026-03-11T00:30 2026-03-11T01:30"
        ),
        (
            "Asia/Kathmandu 2026-03-10T12:00 UTC", .hour, "2026-03-10T17:20",
            "2026-03-10T17:15 2026-03-10T18:15 2026-03-10T20:00 2026-03-10T21:00"
        ),
        (
            "Europe/Berlin 2026-03-10T12:00 America/New_York", .hour, "2026-03-10T22:10",
            "2026-03-10T22:00 2026-03-10T23:00 2026-03-11T00:00 2026-03-11T01:00"
        ),
        // Weeks, months, quarters and years are their days.
        (
            "Europe/Berlin 2026-03-10T12:00 America/New_York", .week(startsOn: .monday),
            "2026-03-10T12:00", "2026-03-08T23:00 2026-03-16T04:00 2026-03-23T04:00"
        ),
        (
            "Europe/Berlin 2026-03-10T12:00 America/New_York", .month, "2026-03-10T12:00",
            "2026-02-28T23:00 2026-04-01T04:00 2026-05-01T04:00"
        ),
        (
            "Europe/Berlin 2026-03-31T12:00 America/New_York", .month, "2026-03-31T12:00",
            "2026-02-28T23:00 2026-03-31T22:00 2026-05-01T04:00"
        ),
        (
            "America/New_York 2026-03-31T12:00 Asia/Tokyo", .month, "2026-03-31T12:00",
            "2026-03-01T05:00 2026-04-01T04:00 2026-04-30T15:00"
        ),
        (
            "Europe/Berlin 2026-03-10T12:00 Asia/Tokyo", .quarter, "2026-03-10T12:00",
            "2025-12-31T23:00 2026-03-31T15:00 2026-06-30T15:00"
        ),
        (
            "Europe/Berlin 2026-12-31T12:00 Asia/Tokyo", .year, "2026-12-31T12:00",
            "2025-12-31T23:00 2026-12-31T23:00 2027-12-31T15:00"
        ),
        // From 31 January at 11:00 in Berlin: the clock of the other zone shows 11:00.
        (
            "Europe/Berlin 2026-03-10T12:00 America/New_York", .billingMonth, "2026-03-10T12:00",
            "2026-02-28T10:00 2026-03-31T15:00 2026-04-30T15:00 2026-05-31T15:00"
        ),
    ])
    func `windows join`(
        told: String, window: Window, first: String, expected: String
    ) throws {
        let clocks = try clocks(told)
        var instant = try #require(Instant(rfc3339: first + ":00Z"))
        let anchor = try #require(Instant(rfc3339: "2026-01-31T10:00:00Z"))
        let edges = expected.split(separator: " ")
        for (from, until) in zip(edges, edges.dropFirst()) {
            let span = window.span(containing: instant, in: clocks, anchor: anchor)
            #expect(span.from.rfc3339 == "\(from):00.000Z")
            #expect(span.until.rfc3339 == "\(until):00.000Z")
            instant = span.until
        }
    }

    /// Whoever changes zones as often as they like has one day for each date, and dates do not go back.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `each date is one day at most`(seed: UInt64) throws {
        var random = CalendarGenerator(seed: seed)
        let names = [
            "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata", "Europe/Berlin",
            "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "UTC",
        ]
        var zones = ZonesInTime("UTC")
        let start = try #require(Instant(rfc3339: "2026-03-01T00:00:00Z"))
        var now = start
        var days: [WindowSpan] = []
        var dates: [Int64] = []
        while now.millisecondsSince1970 - start.millisecondsSince1970 < 60 * 86_400_000 {
            let clocks = try #require(rules(zones))
            let day = Window.day.span(containing: now, in: clocks, anchor: nil)
            if days.last != day {
                if let last = days.last { #expect(last.until == day.from) }
                days.append(day)
                dates.append(clocks.dayNumber(containing: now))
            }
            zones = zones.changing(
                to: names[Int(random.next() % UInt64(names.count))], at: now, clocks)
            now = min(
                now.advanced(byMilliseconds: Int64(random.next() % 40_000_000)), day.until)
        }
        #expect(zip(dates, dates.dropFirst()).allSatisfy { $0 < $1 })
        // In the zone that is furthest ahead, one more date has begun.
        #expect(days.count <= 62)
        let end = try #require(rules(zones))
        #expect(
            days.dropLast().allSatisfy {
                Window.day.span(containing: $0.from, in: end, anchor: nil) == $0
            })
        #expect(zones.former.count <= days.count)
    }
}
