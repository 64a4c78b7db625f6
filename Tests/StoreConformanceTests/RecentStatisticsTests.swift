import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What was used lately, where that leads, and features with a limit of the caller's own.
@Suite struct RecentStatisticsTests {
    @Test(arguments: StoreUnderTest.allCases)
    func `the last days have their meters, and the newest events`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            let highest = Meter(
                key: MeterKey(unchecked: "highest"), aggregation: .max, quantityName: .prompts)
            try await engine.setUp(meters: [Meter(key: .prompts), Meter(key: .seconds), highest])
            #expect(try await engine.statistics(of: .ada) == nil)
            try await engine.count(
                .of(.ada, [.prompts: 9], id: "old", at: "2026-03-07T23:59:59Z"),
                .of(.ada, [.prompts: 2], id: "a", at: "2026-03-08T00:00:00Z"),
                .of(.ada, [.prompts: 1, .seconds: 30], id: "b", at: "2026-03-10T10:00:00Z"),
                .of(.ada, [.prompts: 4], id: "gone", at: "2026-03-09T10:00:00Z"),
                .of(.ada, [.prompts: 5], id: "soon", at: "2026-03-11T10:00:00Z"))
            _ = try await engine.void("gone")
            let before = try #require(try await engine.statistics(of: .ada, days: 3))
            try await engine.flush()
            let found = try #require(try await engine.statistics(of: .ada, days: 3))
            #expect(found == before)
            #expect(found.dayCount == 3 && found.timeZone == "UTC")
            #expect(
                found.days.map { day in
                    "\(day.date) "
                        + day.quantities.map { "\($0.name)=\($0.quantity)" }.joined(separator: ",")
                } == [
                    "2026-03-10 highest=1,prompts=1,seconds=30", "2026-03-08 highest=2,prompts=2",
                ])
            #expect(
                found.totals.map { "\($0.name)=\($0.quantity)" }
                    == ["highest=2", "prompts=3", "seconds=30"])
            #expect(found.events.map { $0.event.id?.text } == ["b", "gone", "a"])
            let all = try #require(try await engine.statistics(of: .ada, days: 9_999))
            #expect(all.dayCount == 366 && all.events.map { $0.event.id?.text }.last == "old")
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a hundred events are listed`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp()
            let events = (0..<130).map { UsageEvent.of(.ada, id: "e\($0)") }
            _ = try await engine.record(events)
            let found = try #require(try await engine.statistics(of: .ada))
            #expect(found.events.count == 100 && found.events.first?.event.id?.text == "e129")
            #expect(found.totals.map(\.quantity) == [130])
        }
    }

    /// It is noon on 10 March: half of the day, 9.5 of 31 days of the month.
    @Test(arguments: StoreUnderTest.allCases)
    func `usage is projected to the end of windows`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(
                meters: [Meter(key: .prompts), Meter(key: .longest, aggregation: .max)],
                limits: [
                    .daily(30), .limit("ever", 100, per: .lifetime, mode: .soft),
                    .limit("largest", 5, of: .longest, per: .day),
                    .limit("monthly", -1, per: .month),
                    .limit("recent", 50, per: .rolling(seconds: 3_600)),
                ])
            #expect(try await engine.pace(of: .ada) == nil)
            try await engine.count(
                .of(.ada, [.prompts: 20, .longest: 3], id: "a", at: "2026-03-10T00:00:00Z"),
                .of(.ada, [.prompts: 18], id: "b", at: "2026-03-09T12:00:00Z"))
            let found = try #require(try await engine.pace(of: .ada))
            #expect(
                found.limits.map(\.limit.text)
                    == ["ever", "largest", "monthly", "prompts_daily", "recent"])
            let (ever, largest, monthly) = (found.limits[0], found.limits[1], found.limits[2])
            let (daily, recent) = (found.limits[3], found.limits[4])
            #expect(daily.used == 20 && daily.projected == 40)
            #expect(daily.reachedAt == .at("2026-03-10T18:00:00Z"))
            #expect(daily.endsAt == .at("2026-03-11T00:00:00Z"))
            // 38 in the day since the first of them.
            #expect(ever.used == 38 && ever.projected == nil && ever.endsAt == nil)
            #expect(ever.reachedAt == .at("2026-03-12T03:09:28.422Z"))
            #expect(largest.used == 3 && largest.projected == nil && largest.reachedAt == nil)
            #expect(monthly.projected == 124 && monthly.reachedAt == nil)
            #expect(recent.used == 0 && recent.projected == nil && recent.endsAt == nil)
            #expect(found.month.until == .at("2026-04-01T00:00:00Z"))
            #expect(found.meters.map(\.used) == [3, 38])
            #expect(found.meters.map(\.projected) == [nil, 124])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `several meters are recorded at once, and a feature asked for`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(meters: [
                Meter(key: .prompts), Meter(key: .seconds),
                Meter(key: .exports, aggregation: .count, eventTypes: ["anki_export", "export"]),
                Meter(key: .longest, aggregation: .max, eventTypes: ["export"]),
            ])
            guard
                case .use(let new) = try await engine.canUseFeature(
                    .ada, "anki_export", monthlyLimit: .units(2))
            else { throw UnexpectedOutcome() }
            #expect(new.isAllowed && new.used == .zero && new.remaining == 2)
            let id = EventID("u1")
            let usage: [MeterKey: Quantity] = [.prompts: 1, .seconds: 300, .exports: 1]
            #expect(
                try await engine.recordUsage(of: .ada, quantities: usage, id: id).code == "counted")
            #expect(
                try await engine.recordUsage(of: .ada, quantities: usage, id: id).code
                    == "duplicate")
            #expect(
                try await engine.recordUsage(of: .ada, quantities: [.seconds: 1], id: id).code
                    == "conflict")
            #expect(
                try await engine.recordUsage(of: .ada, quantities: [.longest: 1, .daily: 1]).code
                    == "unknown_meter")
            #expect(
                try await engine.recordUsage(of: .ada, quantities: [:]).code == "nothing_to_count")
            try await engine.count(
                .of(.ada, [:], type: "anki_export"),
                .of(.ada, [:], at: "2026-02-28T10:00:00Z", type: "anki_export"))
            guard
                case .use(let full) = try await engine.canUseFeature(
                    .ada, "anki_export", monthlyLimit: .units(2))
            else { throw UnexpectedOutcome() }
            #expect(!full.isAllowed && full.used == 2 && full.remaining == 0)
            #expect(full.meter == .exports && full.resetsAt == .at("2026-04-01T00:00:00Z"))
            guard
                case .use(let free) = try await engine.canUseFeature(
                    .ada, "seconds", monthlyLimit: .unlimited)
            else { throw UnexpectedOutcome() }
            #expect(free.isAllowed && free.used == 300 && free.remaining == -1)
            for (name, code) in [("nothing", "unknown_meter"), ("export", "invalid_field")] {
                guard
                    case .rejected(let rejection) = try await engine.canUseFeature(
                        .ada, name, monthlyLimit: .unlimited)
                else { throw UnexpectedOutcome() }
                #expect(rejection.code.rawValue == code && rejection.field == "feature")
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a feature without a limit is not to be used by who cannot pay for it`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(
                credits: CreditPolicy(payment: .creditsOnly, prices: [.prompts: 10]))
            for (grant, isAllowed) in [(5, false), (5, true)] as [(Int64, Bool)] {
                try await engine.put(.grantCredit(.ada, GrantOrder(amount: grant)))
                guard case .use(let use) = try await engine.canUseFeature(.ada, "prompts") else {
                    throw UnexpectedOutcome()
                }
                #expect(use.isAllowed == isAllowed && use.limit == .unlimited)
            }
        }
    }
}

extension MeterKey {
    fileprivate static let daily = MeterKey(unchecked: "no_such_meter")
}
