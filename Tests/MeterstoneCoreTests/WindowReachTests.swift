import MeterstoneCore
import Testing

/// A question about a span looks as far as any window that overlaps it.
@Suite struct WindowReachTests {
    private static let windows: [Window] =
        [.hour, .day, .month, .year, .billingMonth, .lifetime]
        + Weekday.allCases.map { .week(startsOn: $0) }

    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func `no window that overlaps a span reaches further`(seed: UInt64) {
        var generator = CalendarGenerator(seed: seed)
        let zone = generator.zone()
        for _ in 0..<60 {
            let anchor = generator.instant(in: zone)
            let (one, other) = (generator.instant(in: zone), generator.instant(in: zone))
            let asked = WindowSpan(
                from: min(one, other), until: max(one, other).advanced(byMilliseconds: 1))
            for window in Self.windows {
                let reach = window.reach(of: asked)
                let first = window.span(containing: asked.from, in: zone, anchor: anchor)
                let last = window.span(
                    containing: asked.until.advanced(byMilliseconds: -1), in: zone, anchor: anchor)
                #expect(reach.from <= first.from, "\(window) SEED=\(seed)")
                #expect(reach.until >= last.until, "\(window) SEED=\(seed)")
            }
        }
    }

    @Test(arguments: windows + [.request, .rolling(seconds: 3_600)])
    func `all of time is all of time`(window: Window) {
        let reach = window.reach(of: .lifetime)
        #expect(reach.from <= .earliest)
        #expect(reach.until >= .latest)
    }

    @Test func `a window that rolls reaches its length, and a request nowhere`() {
        let asked = WindowSpan(
            from: Instant(millisecondsSince1970: 50_000),
            until: Instant(millisecondsSince1970: 60_000))
        let reach = Window.rolling(seconds: 10).reach(of: asked)
        #expect(reach.from == Instant(millisecondsSince1970: 40_000))
        #expect(reach.until == Instant(millisecondsSince1970: 70_000))
        #expect(Window.request.reach(of: asked) == asked)
    }
}
