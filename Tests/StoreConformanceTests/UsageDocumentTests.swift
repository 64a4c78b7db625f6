import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Usage of a day and of a month, by name and in lists.
@Suite struct UsageDocumentTests {
    /// 2026-03-09.
    private static let day = CivilDate(daysSince1970: 20_521)
    private static let month = CivilMonth(containing: day)

    private func setUp(_ engine: MeterstoneEngine) async throws {
        try await engine.setUp(
            plans: [Plan(key: .free, isDefault: true), Plan(key: .pro, rank: 1)],
            limits: [
                Limit(
                    key: .daily, meter: .prompts, window: .day,
                    allowances: [.free: .units(100), .pro: .units(500)], mode: .soft),
                .limit("prompts_hourly", 1_000, per: .hour),
            ])
        try await engine.put(.putSubject(Subject(id: .bob, plan: .pro)))
    }

    private func daily(
        _ engine: MeterstoneEngine, _ id: SubjectID, on date: CivilDate = Self.day
    ) async throws -> DailyUsage? {
        let before = try await engine.dailyUsage(of: id, on: date)
        try await engine.flush()
        let after = try await engine.dailyUsage(of: id, on: date)
        guard case .found(let one) = before, case .found(let other) = after else { return nil }
        #expect(one == other)
        return other
    }

    private func list(
        _ engine: MeterstoneEngine, _ query: DocumentQuery<CivilDate>,
        after position: DocumentPosition? = nil, count: Int = 100
    ) async throws -> (names: [String], next: DocumentPosition?) {
        guard
            case .found(let page) = try await engine.dailyUsage(
                query, after: position, count: count)
        else { throw UnexpectedOutcome() }
        return (page.documents.map { "\($0.subject)_\($0.date) \($0.used)" }, page.next)
    }

    private func list(
        _ engine: MeterstoneEngine, _ query: DocumentQuery<CivilMonth>,
        after position: DocumentPosition? = nil, count: Int = 100
    ) async throws -> (names: [String], next: DocumentPosition?) {
        guard
            case .found(let page) = try await engine.monthlyUsage(
                query, after: position, count: count)
        else { throw UnexpectedOutcome() }
        return (
            page.documents.map {
                "\($0.subject)_\($0.usage.year)_\($0.usage.month) \($0.usage.totalMonthly)"
            }, page.next
        )
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a day tells what was used, what is allowed and under which plan`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            try await setUp(engine)
            #expect(try await daily(engine, .ada) == nil)
            try await engine.count(
                .of(.ada, [.prompts: 7], id: "a", at: "2026-03-09T23:00:00Z"),
                .of(.bob, [.prompts: 3], at: "2026-03-09T01:00:00Z"))
            let ada = try #require(try await daily(engine, .ada))
            #expect(ada.used == 7 && ada.allowance == .units(100) && ada.plan == .free)
            #expect(ada.updatedAt == clock.now && ada.resetsAt == .at("2026-03-10T00:00:00Z"))
            #expect(try await daily(engine, .bob)?.allowance == .units(500))
            // Under the plan at the time of use, whatever came since; an override is for all time.
            let recordedAt = clock.now
            clock.advance(bySeconds: 60)
            try await engine.put(.putSubject(Subject(id: .ada, plan: .pro)))
            #expect(try await daily(engine, .ada) == ada)
            let empty = try #require(
                try await daily(engine, .ada, on: CivilDate(daysSince1970: 0)))
            #expect(empty.used == .zero && empty.plan == .pro && empty.updatedAt == nil)
            #expect(empty.resetsAt == .at("1970-01-02T00:00:00Z"))
            try await engine.put(.putOverride(.ada, .daily, .unlimited))
            #expect(try await daily(engine, .ada)?.allowance == .unlimited)
            // A day that was taken back says when.
            _ = try await engine.void("a")
            let voided = try #require(try await daily(engine, .ada))
            #expect(voided.used == .zero && voided.updatedAt == clock.now)
            #expect(recordedAt < clock.now && voided.plan == .pro)
            try await engine.put(.putSubject(Subject(id: .ada, timeZone: "Asia/Tokyo")))
            #expect(try await daily(engine, .ada)?.resetsAt == .at("2026-03-10T00:00:00Z"))
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a month tells its days up to today`(store: StoreUnderTest) async throws {
        try await store.with { engine, clock in
            try await setUp(engine)
            try await engine.count(
                .of(.ada, [.prompts: 5], at: "2026-03-04T10:00:00Z"),
                .of(.ada, [.prompts: 5], at: "2026-03-09T10:00:00Z"),
                .of(.ada, [.prompts: 1], at: "2026-02-28T10:00:00Z"))
            guard case .found(let march) = try await engine.monthlyUsage(of: .ada, in: Self.month)
            else { throw UnexpectedOutcome() }
            #expect(march.usage.dailyUsage.map(\.units) == [0, 0, 0, 5, 0, 0, 0, 0, 5, 0])
            #expect(march.usage.averageDaily?.decimal == "1" && march.usage.peakDay == 4)
            #expect(march.createdAt == .at("2026-03-01T00:00:00Z"))
            #expect(march.updatedAt == clock.now && march.plan == .free)
            let april = try #require(CivilMonth(year: 2026, month: 4))
            guard case .found(let none) = try await engine.monthlyUsage(of: .ada, in: april)
            else { throw UnexpectedOutcome() }
            #expect(none.usage.dailyUsage == [] && none.usage.averageDaily == nil)
            #expect(none.updatedAt == nil && none.plan == .free)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a subject's documents come by time, a page at a time`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            try await setUp(engine)
            #expect(try await list(engine, .newest(.ada) as DocumentQuery<CivilDate>).names == [])
            for (id, at) in [("a", "2026-03-02"), ("b", "2026-01-05"), ("c", "2026-03-09")] {
                clock.advance(bySeconds: 1)
                try await engine.count(.of(.ada, id: id, at: "\(at)T10:00:00Z"))
            }
            try await engine.count(.of(.ada, [.prompts: 0], id: "d", at: "2026-03-03T10:00:00Z"))
            let days: DocumentQuery<CivilDate> = .newest(.ada)
            let first = try await list(engine, days, count: 2)
            #expect(first.names == ["ada_2026-03-09 1", "ada_2026-03-02 1"])
            let second = try await list(engine, days, after: first.next, count: 2)
            #expect(second.names == ["ada_2026-01-05 1"] && second.next == nil)
            clock.advance(bySeconds: 1)
            _ = try await engine.amend("b", [.prompts: 4])
            let updated: DocumentQuery<CivilDate> = .lastUpdated(.ada)
            let latest = try await list(engine, updated, count: 1)
            #expect(latest.names == ["ada_2026-01-05 4"])
            let rest = try await list(engine, updated, after: latest.next)
            #expect(rest.names == ["ada_2026-03-09 1", "ada_2026-03-02 1"])
            let months: DocumentQuery<CivilMonth> = .newest(.ada)
            let newest = try await list(engine, months, count: 1)
            #expect(newest.names == ["ada_2026_3 2"])
            #expect(
                try await list(engine, months, after: newest.next).names == ["ada_2026_1 4"])
            try await engine.flush()
            #expect(
                try await list(engine, .lastUpdated(.ada) as DocumentQuery<CivilMonth>).names
                    == ["ada_2026_1 4", "ada_2026_3 2"])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `everybody's documents come by usage, a page at a time`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await setUp(engine)
            let team = SubjectID(unchecked: "a_team")
            try await engine.count(
                .of(.ada, [.prompts: 7], at: "2026-03-09T10:00:00Z"),
                .of(.bob, [.prompts: 9], at: "2026-03-09T11:00:00Z"),
                .of(team, [.prompts: 8], at: "2026-03-09T11:00:00Z"),
                .of(team, [.prompts: 5], at: "2026-03-08T11:00:00Z"))
            let days: DocumentQuery<CivilDate> = .highest(Self.day, plan: nil)
            let first = try await list(engine, days, count: 2)
            #expect(first.names == ["bob_2026-03-09 9", "a_team_2026-03-09 8"])
            let second = try await list(engine, days, after: first.next, count: 2)
            #expect(second.names == ["ada_2026-03-09 7"] && second.next == nil)
            try await engine.flush()
            let free: DocumentQuery<CivilDate> = .highest(Self.day, plan: .free)
            let page = try await list(engine, free, count: 1)
            #expect(page.names == ["a_team_2026-03-09 8"])
            #expect(try await list(engine, free, after: page.next).names == ["ada_2026-03-09 7"])
            let months: DocumentQuery<CivilMonth> = .highest(Self.month, plan: nil)
            #expect(
                try await list(engine, months).names
                    == ["a_team_2026_3 13", "bob_2026_3 9", "ada_2026_3 7"])
            let pro: DocumentQuery<CivilMonth> = .highest(Self.month, plan: .pro)
            #expect(try await list(engine, pro).names == ["bob_2026_3 9"])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `the meter is the one that is named, or tokens, or the only one`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(meters: [Meter(key: .prompts), Meter(key: .seconds)])
            try await engine.count(.of(.ada, [.seconds: 4], at: "2026-03-09T10:00:00Z"))
            guard case .rejected(let missing) = try await engine.dailyUsage(of: .ada, on: Self.day)
            else { throw UnexpectedOutcome() }
            #expect(missing.code == .missingField && missing.field == "meter")
            let nobody = DocumentQuery<CivilDate>.newest(.bob)
            guard case .rejected(let unknown) = try await engine.dailyUsage(nobody, meter: .exports)
            else { throw UnexpectedOutcome() }
            #expect(unknown.code == .unknownMeter)
            let tokens = MeterKey(unchecked: "tokens")
            try await engine.put(.putMeter(Meter(key: tokens, quantityName: .seconds)))
            try await engine.count(.of(.ada, [.seconds: 6], at: "2026-03-09T11:00:00Z"))
            #expect(try await daily(engine, .ada)?.used == 10)
            guard
                case .found(let seconds) = try await engine.dailyUsage(
                    of: .ada, on: Self.day, meter: .seconds)
            else { throw UnexpectedOutcome() }
            #expect(seconds.used == 10 && seconds.allowance == .unlimited && seconds.plan == nil)
        }
    }
}
