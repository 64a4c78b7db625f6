import MeterstoneCore
import Testing

/// The law of windows: they follow each other without gap or overlap, whatever the clocks do.
@Suite struct WindowPartitionTests {
    private static let windows: [Window] =
        [.minute, .hour, .day, .month, .quarter, .year, .billingMonth]
        + Weekday.allCases.map { .week(startsOn: $0) }

    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func `windows partition time in made-up zones`(seed: UInt64) {
        var generator = CalendarGenerator(seed: seed)
        let zone = generator.zone()
        for _ in 0..<60 {
            let time = generator.instant(in: zone)
            let anchor = generator.instant(in: zone)
            for window in Self.windows {
                #expect(
                    window.isLawful(at: time, in: zone, anchor: anchor),
                    "\(window) at \(time) with anchor \(anchor)")
            }
        }
    }

    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func `windows partition time where made-up zones take over from each other`(seed: UInt64) {
        var generator = CalendarGenerator(seed: seed)
        var clocks = generator.zone()
        var told = generator.instant(in: clocks)
        for _ in 0..<8 {
            let day = Window.day.span(containing: told, in: clocks, anchor: nil)
            let next = generator.zone()
            let before = clocks
            clocks = clocks.handingOver(to: next, at: day.until)
            // The day that runs, and all before it, stay as they were.
            for window in [Window.day, .hour, .minute] {
                #expect(
                    window.span(containing: told, in: clocks, anchor: nil)
                        == window.span(containing: told, in: before, anchor: nil))
            }
            #expect(
                Window.day.span(containing: day.until, in: clocks, anchor: nil).from == day.until)
            #expect(
                clocks.dayNumber(containing: day.until)
                    >= before.dayNumber(containing: told) + 1)
            for _ in 0..<20 {
                let time = told.advanced(
                    byMilliseconds: .random(in: -400_000_000...400_000_000, using: &generator))
                let anchor = generator.instant(in: clocks)
                for window in Self.windows {
                    #expect(
                        window.isLawful(at: time, in: clocks, anchor: anchor),
                        "\(window) at \(time) with anchor \(anchor)")
                }
            }
            told = told.advanced(
                byMilliseconds: .random(in: 0...300_000_000, using: &generator))
        }
    }

    @Test(arguments: windows)
    func `windows partition time at its ends`(window: Window) {
        var generator = CalendarGenerator(seed: 1)
        let zone = generator.zone()
        for time in [Instant.earliest, .latest] {
            for anchor in [Instant.earliest, Instant(millisecondsSince1970: 0), .latest] {
                #expect(window.isLawful(at: time, in: zone, anchor: anchor))
                #expect(window.isLawful(at: time, in: .utc, anchor: anchor))
            }
        }
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `lists of windows are the windows one by one`(seed: UInt64) {
        var generator = CalendarGenerator(seed: seed)
        let zone = generator.zone()
        for window in Self.windows {
            let from = generator.instant(in: zone)
            let until = from.advanced(
                byMilliseconds: .random(
                    in: 1...(window == .minute ? 100_000_000 : 4_000_000_000), using: &generator))
            let spans = window.spans(
                from: from, until: until, in: zone, anchor: from, atMost: 3_000)
            guard let spans, let first = spans.first, let last = spans.last else {
                Issue.record("\(window) from \(from) until \(until)")
                continue
            }
            #expect(first.contains(from))
            #expect(last.from < until && until <= last.until)
            for (span, next) in zip(spans, spans.dropFirst()) { #expect(span.until == next.from) }
        }
    }
}
