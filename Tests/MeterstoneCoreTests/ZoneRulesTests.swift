import MeterstoneCore
import Testing

@Suite struct ZoneRulesTests {
    private func instant(_ milliseconds: Int64) -> Instant {
        Instant(millisecondsSince1970: milliseconds)
    }

    private func transition(_ milliseconds: Int64, _ offsetSeconds: Int64) -> ZoneRules.Transition {
        ZoneRules.Transition(at: instant(milliseconds), offsetSeconds: offsetSeconds)
    }

    /// An hour is skipped at 10 hours, and repeated at 100 hours.
    private var zone: ZoneRules {
        ZoneRules(
            name: "Test", initialOffsetSeconds: 3_600,
            transitions: [transition(36_000_000, 7_200), transition(360_000_000, 3_600)])
    }

    @Test(
        arguments: [
            (.min, 3_600), (0, 3_600), (35_999_999, 3_600), (36_000_000, 7_200),
            (359_999_999, 7_200), (360_000_000, 3_600), (.max, 3_600),
        ] as [(Int64, Int64)])
    func `an offset holds from its transition on`(at milliseconds: Int64, offsetSeconds: Int64) {
        #expect(zone.offsetSeconds(at: instant(milliseconds)) == offsetSeconds)
        #expect(ZoneRules.utc.offsetSeconds(at: instant(milliseconds)) == 0)
    }

    @Test(
        arguments: [
            (.min, nil, 36_000_000),
            (35_999_999, nil, 36_000_000),
            (36_000_000, 36_000_000, 360_000_000),
            (359_999_999, 36_000_000, 360_000_000),
            (360_000_000, 360_000_000, nil),
            (.max, 360_000_000, nil),
        ] as [(Int64, Int64?, Int64?)])
    func `transitions are found from both sides`(at: Int64, previous: Int64?, next: Int64?) {
        let zone = zone
        let found = zone.previousTransition(atOrBefore: instant(at))
        #expect(found?.millisecondsSince1970 == previous)
        #expect(zone.nextTransition(after: instant(at))?.millisecondsSince1970 == next)
        #expect(ZoneRules.utc.nextTransition(after: instant(at)) == nil)
        #expect(ZoneRules.utc.previousTransition(atOrBefore: instant(at)) == nil)
    }

    @Test(
        arguments: [
            ("before", 0, -3_600_000),
            ("last before the gap", 39_599_999, 35_999_999),
            ("first of the gap", 39_600_000, 36_000_000),
            ("last of the gap", 43_199_999, 36_000_000),
            ("after the gap", 43_200_000, 36_000_000),
            ("after the gap", 43_200_001, 36_000_001),
            ("before the overlap", 363_599_999, 356_399_999),
            ("shown twice", 363_600_000, 356_400_000),
            ("shown twice", 367_199_999, 359_999_999),
            ("after the overlap", 367_200_000, 363_600_000),
        ] as [(String, Int64, Int64)])
    func `a local time is the first instant that shows it or more`(
        situation: String, local: Int64, expected: Int64
    ) {
        #expect(zone.instant(localMilliseconds: local) == instant(expected), "\(situation)")
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func `a local time is found as by trying every offset`(seed: UInt64) {
        var generator = CalendarGenerator(seed: seed)
        let zone = generator.zone()
        let starts: [Int64] = [-1 << 60] + zone.transitions.map(\.at.millisecondsSince1970)
        let ends = zone.transitions.map { transition in
            zone.localMilliseconds(at: transition.at.advanced(byMilliseconds: -1)) + 1
        }
        let others = (0..<200).map { _ in
            zone.localMilliseconds(at: generator.instant(in: zone))
        }
        for local in ends + others {
            let candidates = starts.enumerated().compactMap { index, start in
                let offset = zone.offsetSeconds(at: instant(start)) * 1_000
                let until = index + 1 < starts.count ? starts[index + 1] : 1 << 60
                let time = max(start, local - offset)
                return time < until ? time : nil
            }
            let found = zone.instant(localMilliseconds: local).millisecondsSince1970
            #expect(found == candidates.min())
        }
    }

    @Test func `transitions are sorted, and those that change nothing are dropped`() {
        let zone = ZoneRules(
            name: "Test", initialOffsetSeconds: 3_600,
            transitions: [
                transition(5_000, 0), transition(1_000, 3_600), transition(3_000, 60),
                transition(3_000, 7_200), transition(4_000, 7_200), transition(5_000, 7_200),
            ])
        #expect(zone.transitions == [transition(3_000, 7_200)])
        #expect(zone.offsetSeconds(at: instant(2_999)) == 3_600)
    }

    @Test func `transitions beyond all texts only say the first offset`() {
        let zone = ZoneRules(
            name: "Test", initialOffsetSeconds: 60,
            transitions: [
                transition(.min, 120), transition(-62_135_596_800_001, 180), transition(.max, 0),
                transition(0, 240),
            ])
        #expect(zone.transitions == [transition(0, 240)])
        #expect(zone.offsetSeconds(at: .earliest) == 180)
    }

    @Test func `nothing traps at the ends of time`() {
        for local in [Int64.min, .max] {
            let instant = zone.instant(localMilliseconds: local)
            #expect((local < 0) == (instant < .earliest))
            #expect((local < 0) == (zone.localMilliseconds(at: self.instant(local)) < 0))
            _ = zone.day(containing: self.instant(local))
        }
    }

    @Test func `an offset beyond 26 hours is a programmer error`() async {
        await #expect(processExitsWith: .failure) {
            _ = ZoneRules(name: "Test", initialOffsetSeconds: 93_601, transitions: [])
        }
    }
}
