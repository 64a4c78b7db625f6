import Foundation
import Meterstone
import MeterstoneCore
import Testing

/// Windows in the zones of this machine's database.
@Suite struct WindowsInRealZonesTests {
    @Test(arguments: [
        "Europe/Berlin       | day  | 2026-03-29T12:00:00Z | 2026-03-28T23:00:00Z | 23",
        "Europe/Berlin       | day  | 2026-10-25T12:00:00Z | 2026-10-24T22:00:00Z | 25",
        "America/New_York    | day  | 2026-03-08T12:00:00Z | 2026-03-08T05:00:00Z | 23",
        "America/New_York    | day  | 2026-11-01T12:00:00Z | 2026-11-01T04:00:00Z | 25",
        "America/Sao_Paulo   | day  | 2018-11-04T12:00:00Z | 2018-11-04T03:00:00Z | 23",
        "America/Sao_Paulo   | day  | 2018-02-17T12:00:00Z | 2018-02-17T02:00:00Z | 25",
        "Asia/Beirut         | day  | 2026-03-29T12:00:00Z | 2026-03-28T22:00:00Z | 23",
        "America/Havana      | day  | 2026-11-01T12:00:00Z | 2026-11-01T04:00:00Z | 25",
        "America/St_Johns    | day  | 2010-11-07T02:45:00Z | 2010-11-07T02:30:00Z | 25",
        "Asia/Kathmandu      | day  | 2026-11-21T12:00:00Z | 2026-11-20T18:15:00Z | 24",
        "Asia/Kathmandu      | hour | 2026-11-21T12:00:00Z | 2026-11-21T11:15:00Z | 1",
        "Pacific/Apia        | day  | 2011-12-30T09:00:00Z | 2011-12-29T10:00:00Z | 24",
        "Pacific/Apia        | day  | 2011-12-30T11:00:00Z | 2011-12-30T10:00:00Z | 24",
        "Pacific/Apia        | week | 2011-12-30T11:00:00Z | 2011-12-26T10:00:00Z | 144",
        "Pacific/Kiritimati  | year | 1994-06-01T00:00:00Z | 1994-01-01T10:00:00Z | 8736",
        "Pacific/Kwajalein   | month | 1993-08-10T00:00:00Z | 1993-08-01T12:00:00Z | 720",
        "Australia/Lord_Howe | hour | 2026-04-04T14:30:00Z | 2026-04-04T14:00:00Z | 1",
        "Africa/Casablanca   | day  | 2026-02-15T12:00:00Z | 2026-02-14T23:00:00Z | 25",
    ])
    func `windows follow the local clock`(row: String) throws {
        let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        let zone = try #require(ZoneDatabase().rules(named: cells[0]))
        let window = try #require(Window(cells[1]))
        let instant = try #require(Instant(rfc3339: cells[2]))
        let span = window.span(containing: instant, in: zone, anchor: nil)
        #expect(span.from.rfc3339 == cells[3].replacing("Z", with: ".000Z"))
        let milliseconds = span.until.millisecondsSince1970 - span.from.millisecondsSince1970
        #expect(milliseconds == (try #require(Int64(cells[4]))) * 3_600_000)
    }

    @Test func `the half hour that Lord Howe repeats is a window`() throws {
        let zone = try #require(ZoneDatabase().rules(named: "Australia/Lord_Howe"))
        let from = try #require(Instant(rfc3339: "2026-04-04T14:00:00Z"))
        let until = try #require(Instant(rfc3339: "2026-04-04T16:30:00Z"))
        let spans = Window.hour.spans(from: from, until: until, in: zone, anchor: nil, atMost: 3)
        let starts = spans?.map { String($0.from.rfc3339.dropFirst(11).prefix(5)) }
        #expect(starts == ["14:00", "15:00", "15:30"])
    }

    private static let names = [
        "Africa/Cairo", "Africa/Casablanca", "Africa/Monrovia", "America/Anchorage",
        "America/Caracas", "America/Havana", "America/Juneau", "America/New_York",
        "America/Nuuk", "America/Sao_Paulo", "America/St_Johns", "Antarctica/Troll",
        "Antarctica/Vostok", "Asia/Beirut", "Asia/Gaza", "Asia/Kathmandu", "Asia/Manila",
        "Asia/Pyongyang", "Asia/Tehran", "Australia/Lord_Howe", "Europe/Amsterdam",
        "Europe/Berlin", "Europe/Dublin", "Europe/Lisbon", "Pacific/Apia", "Pacific/Chatham",
        "Pacific/Kiritimati", "Pacific/Kwajalein", "UTC",
    ]

    @Test(arguments: names)
    func `windows partition time`(name: String) throws {
        let seed = CalendarGenerator.freshSeed
        var generator = CalendarGenerator(seed: seed)
        let zone = try #require(ZoneDatabase().rules(named: name))
        let windows: [Window] =
            [.hour, .day, .month, .year, .billingMonth]
            + Weekday.allCases.map { .week(startsOn: $0) }
        for _ in 0..<100 {
            let time = generator.instant(in: zone)
            let anchor = generator.instant(in: zone)
            for window in windows {
                #expect(
                    window.isLawful(at: time, in: zone, anchor: anchor),
                    "\(window) at \(time) with anchor \(anchor), seed \(seed)")
            }
        }
    }

    @Test(arguments: ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Sydney"])
    func `days, months and years are those of Foundation`(name: String) throws {
        let seed = CalendarGenerator.freshSeed
        var generator = CalendarGenerator(seed: seed)
        let zone = try #require(ZoneDatabase().rules(named: name))
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: name))
        for _ in 0..<300 {
            let seconds = Int64.random(in: 0..<2_145_916_800, using: &generator)
            let instant = Instant(millisecondsSince1970: seconds * 1_000)
            let date = Date(timeIntervalSince1970: TimeInterval(seconds))
            let pairs: [(Window, Calendar.Component)] = [
                (.hour, .hour), (.day, .day), (.month, .month), (.year, .year),
            ]
            for (window, component) in pairs {
                let expected = try #require(calendar.dateInterval(of: component, for: date))
                let span = window.span(containing: instant, in: zone, anchor: nil)
                #expect(span.from == Self.instant(expected.start), "\(instant), seed \(seed)")
                #expect(span.until == Self.instant(expected.end), "\(instant), seed \(seed)")
            }
        }
    }

    private static func instant(_ date: Date) -> Instant {
        Instant(millisecondsSince1970: Int64((date.timeIntervalSince1970 * 1_000).rounded()))
    }
}
