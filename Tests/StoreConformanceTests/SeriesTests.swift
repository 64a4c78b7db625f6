import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Promise 7: what a limit counts follows from the events, whenever the limit came.
@Suite struct SeriesTests {
    @Test(arguments: StoreUnderTest.allCases, [0, 1, 2])
    func `a limit that comes after usage counts what was used before`(
        store: StoreUnderTest, step: Int
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [])
            try await session.engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            try await session.engine.count(
                .of(.ada, [.prompts: 3], id: "one"), .of(.ada, [.prompts: 4]),
                .of(.ada, [.prompts: 5], at: "2026-03-01T00:00:00Z"))
            if step == 1 { try await session.engine.flush() }
            if step == 2 { try await session.reopen() }
            for (key, window) in [("h", Window.hour), ("m", .month), ("r", .rolling(seconds: 60))] {
                try await session.engine.put(.putLimit(.limit(key, 20, per: window)))
            }
            let expected: [String: Int64] = [
                "h": 7, "m": 12, "r": 7, "h@team": 7, "m@team": 12, "r@team": 7,
            ]
            #expect(try await session.engine.used(.ada) == expected)
            #expect(try await !session.engine.decide("ada", 9).isAllowed)
            #expect(try await session.engine.decide("ada", 8).isAllowed)
            _ = try await session.engine.void("one")
            try await session.reopen()
            #expect(try await session.engine.used(.ada)["m@team"] == 17)
            #expect(try await session.engine.used(.ada)["h"] == 12)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases, [false, true])
    func `a limit that was deleted and comes back has missed nothing`(
        store: StoreUnderTest, reopens: Bool
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.limit("hour", 20, per: .hour)])
            #expect(try await session.engine.decide("ada", 3).isAllowed)
            if reopens { try await session.reopen() }
            try await session.engine.put(.deleteLimit(LimitKey(unchecked: "hour")))
            try await session.engine.count(.of(.ada, [.prompts: 4]))
            if reopens { try await session.reopen() }
            try await session.engine.expectClean()
            try await session.engine.put(.putLimit(.limit("hour", 20, per: .hour)))
            #expect(try await session.engine.used(.ada) == ["hour": 7])
            #expect(try await !session.engine.decide("ada", 14).isAllowed)
            #expect(try await session.engine.decide("ada", 13).isAllowed)
            try await session.engine.expectClean()
            _ = try await session.engine.rebuild()
            #expect(try await session.engine.used(.ada) == ["hour": 20])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases, [false, true])
    func `a meter that is younger than its subject tells what was used before`(
        store: StoreUnderTest, isProjected: Bool
    ) async throws {
        let late = MeterKey(unchecked: "late")
        let longest = MeterKey(unchecked: "longest")
        try await store.withSession { session in
            let engine = session.engine
            try await engine.setUp()
            session.clock.set(.at("2026-03-04T12:00:00Z"))
            for day in 1...4 {
                for number in 1...3 {
                    try await engine.count(
                        .of(
                            .ada, [.prompts: Int64(10 * day + number)], id: "\(day)-\(number)",
                            at: "2026-03-0\(day)T0\(number):00:00Z"))
                }
            }
            #expect(try await engine.void("1-3").code == "corrected")
            try await engine.put(.putMeter(Meter(key: late, quantityName: .prompts)))
            try await engine.put(
                .putMeter(Meter(key: longest, aggregation: .max, quantityName: .prompts)))
            // Today has a counter from now on, and the days before have none.
            try await engine.count(
                .of(.ada, [.prompts: 5], id: "new", at: "2026-03-04T11:00:00Z"))
            if isProjected { try await engine.flush() }
            #expect(try await engine.void("2-3").code == "corrected")
            #expect(try await engine.void("4-3").code == "corrected")
            func used(_ meter: MeterKey, per window: Window) async throws -> [Int64] {
                try await engine.quantities(
                    of: .ada, meter, per: window, from: "2026-03-01T00:00:00Z",
                    until: "2026-03-05T00:00:00Z")
            }
            #expect(try await used(late, per: .day) == [23, 43, 96, 88])
            #expect(try await used(late, per: .month) == [250])
            #expect(try await used(longest, per: .day) == [12, 22, 33, 42])
            #expect(try await used(longest, per: .month) == [42])
            let hours = try await used(late, per: .hour)
            #expect(hours.count == 96)
            #expect(hours[1...3] == [11, 12, 0] && hours[25...27] == [21, 22, 0])
            #expect(hours.reduce(0, +) == 250)
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases, [false, true])
    func `a meter that is defined anew counts anew`(
        store: StoreUnderTest, reopens: Bool
    )
        async throws
    {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [
                .daily(100), .limit("week", 100, per: .week(startsOn: .monday)),
            ])
            try await session.engine.count(
                .of(.ada, [.prompts: 3]), .of(.ada, [.prompts: 50], status: .failed),
                .of(.ada, [.prompts: 7], at: "2026-03-09T10:00:00Z", dimensions: ["model": "gpt"]))
            if reopens { try await session.reopen() }
            try await session.engine.put(
                .putMeter(Meter(key: .prompts, countedStatuses: [.success, .failed])))
            #expect(try await session.engine.used(.ada) == ["prompts_daily": 53, "week": 60])
            #expect(try await session.engine.quantities(of: .ada, per: .lifetime) == [60])
            if reopens { try await session.reopen() }
            try await session.engine.put(
                .putMeter(Meter(key: .prompts, dimensions: ["model": ["gpt"]])))
            #expect(try await session.engine.used(.ada) == ["prompts_daily": 0, "week": 7])
            try await session.engine.put(.putMeter(Meter(key: .prompts)))
            try await session.engine.count(.of(.ada))
            #expect(try await session.engine.used(.ada) == ["prompts_daily": 4, "week": 11])
            try await session.engine.put(.putMeter(Meter(key: .prompts, unit: "prompts")))
            #expect(try await session.engine.used(.ada) == ["prompts_daily": 4, "week": 11])
            try await session.engine.expectClean()
        }
    }

    // MARK: Calendars

    @Test(arguments: StoreUnderTest.allCases)
    func `another anchor moves usage to other billing months`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(
                plans: [Plan(key: .pro)], limits: [.limit("bill", 10, per: .billingMonth)])
            try await session.engine.count(
                .of(.ada, [.prompts: 4], at: "2026-03-04T00:00:00Z"), .of(.ada, [.prompts: 2]))
            #expect(try await session.engine.used(.ada) == ["bill": 6])
            let subscription = Subscription(plan: .pro, startsAt: .at("2026-01-05T00:00:00Z"))
            try await session.engine.put(.putSubscription(.ada, subscription))
            #expect(try await session.engine.used(.ada) == ["bill": 2])
            try await session.reopen()
            #expect(try await session.engine.used(.ada) == ["bill": 2])
            try await session.engine.put(.deleteSubscription(.ada))
            #expect(try await session.engine.used(.ada) == ["bill": 6])
            try await session.engine.expectClean()
        }
    }

    @Test func `another default time zone moves everyone who names none`() async throws {
        try await StoreUnderTest.sqlite.withSession { session in
            try await session.engine.setUp(limits: [.daily(10)])
            try await session.engine.put(.putSubject(Subject(id: .bob, timeZone: "UTC")))
            session.clock.set(.at("2026-03-10T20:00:00Z"))
            try await session.engine.count(
                .of(.ada, [.prompts: 4], at: "2026-03-10T17:00:00Z"), .of(.ada, [.prompts: 3]),
                .of(.bob, [.prompts: 4], at: "2026-03-10T17:00:00Z"), .of(.bob, [.prompts: 3]))
            try await session.reopen { $0.defaultTimeZone = "Asia/Kathmandu" }
            #expect(try await session.engine.used(.ada) == ["prompts_daily": 3])
            #expect(try await session.engine.used(.bob) == ["prompts_daily": 7])
            try await session.engine.expectClean()
            try await session.reopen()
            #expect(try await session.engine.used(.ada) == ["prompts_daily": 7])
            try await session.engine.expectClean()
        }
    }
}
