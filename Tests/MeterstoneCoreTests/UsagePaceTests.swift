import MeterstoneCore
import Testing

@Suite struct UsagePaceTests {
    private func instant(_ milliseconds: Int64) -> Instant {
        Instant(millisecondsSince1970: milliseconds)
    }

    private func pace(
        _ used: Int64, of allowed: Int64, _ from: Int64, _ until: Int64, since: Int64? = nil,
        now: Int64
    ) throws -> UsagePace {
        UsagePace(
            used: Quantity(used), allowance: try #require(Allowance(wire: allowed)),
            span: WindowSpan(from: instant(from), until: instant(until)),
            since: instant(since ?? from), now: instant(now))
    }

    @Test(
        arguments: [
            // Half of the window, half of the usage.
            (50, 500, 100), (0, 500, 0), (7, 1_000, 7), (1, 3, 333), (2, 3, 667),
            // Half a unit is rounded up.
            (1, 400, 3), (3, 2_000, 3),
            (.max, 1, .max), (.max, 1_000, .max), (.max - 1, 1_000, .max - 1),
        ] as [(Int64, Int64, Int64)])
    func `usage goes on as it did`(used: Int64, elapsed: Int64, projected: Int64) throws {
        let pace = try pace(used, of: -1, 0, 1_000, now: elapsed)
        #expect(pace.projected?.units == projected)
        #expect(pace.reachedAt == nil)
    }

    @Test(
        arguments: [
            (50, 75, 500, 750), (50, 100, 500, nil), (50, 99, 500, 990), (50, 101, 500, nil),
            (3, 4, 100, 134), (50, 50, 500, 500), (51, 50, 500, 500), (0, 0, 500, 500),
            (0, 1, 500, nil), (0, 0, 0, 0), (5, 6, 0, nil), (1, .max, 999, nil),
            (.max - 1, .max, 999, nil), (.max - 1, .max, 10, 11),
        ] as [(Int64, Int64, Int64, Int64?)])
    func `an allowance is reached when the pace reaches it`(
        used: Int64, allowed: Int64, now: Int64, reachedAt: Int64?
    ) throws {
        let pace = try pace(used, of: allowed, 0, 1_000, now: now)
        #expect(pace.reachedAt?.millisecondsSince1970 == reachedAt)
    }

    @Test func `the pace counts from where usage counts`() throws {
        let pace = try pace(10, of: 50, 0, 1_000, since: 800, now: 900)
        #expect(pace.projected == 20)
        #expect(pace.reachedAt == nil)
        let earlier = try self.pace(10, of: 50, 500, 1_000, since: 0, now: 600)
        #expect(earlier.projected == 50)
        #expect(try self.pace(10, of: 49, 500, 1_000, since: 0, now: 600).reachedAt == instant(990))
    }

    @Test func `no time has passed, and all of it`() throws {
        #expect(try pace(5, of: 10, 100, 200, now: 100).projected == nil)
        #expect(try pace(5, of: 10, 100, 200, since: 150, now: 120).projected == nil)
        #expect(try pace(5, of: 10, 100, 200, now: 200).projected == 5)
        #expect(try pace(5, of: 10, 100, 200, now: 900).projected == 5)
        #expect(try pace(5, of: 10, 100, 200, now: 900).reachedAt == nil)
    }

    @Test func `all of time has no end, and a pace since the first activity`() {
        let (first, now) = (instant(1_000_000), instant(1_100_000))
        func lifetime(_ used: Quantity, of allowance: Allowance) -> UsagePace {
            UsagePace(
                used: used, allowance: allowance, span: .lifetime, since: first, now: now)
        }
        let pace = lifetime(100, of: .units(300))
        #expect(pace.projected == nil)
        #expect(pace.reachedAt == instant(1_300_000))
        #expect(lifetime(100, of: .unlimited).reachedAt == nil)
        #expect(lifetime(100, of: .units(100)).reachedAt == now)
        // Beyond every instant that has a text.
        #expect(lifetime(1, of: .units(Quantity(.max))).reachedAt == nil)
        #expect(lifetime(1, of: .units(3_000_000_000)).reachedAt == nil)
        #expect(lifetime(1, of: .units(2_000_000_000)).reachedAt != nil)
    }
}
