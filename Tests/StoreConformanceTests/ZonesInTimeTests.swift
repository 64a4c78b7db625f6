import Meterstone
import MeterstoneCore
import MeterstonePostgres
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What happened on a day stays on that day, and another zone takes over where the day ends.
@Suite struct ZonesInTimeTests {
    private static let berlin = "Europe/Berlin"
    private static let newYork = "America/New_York"

    private func tell(_ engine: MeterstoneEngine, _ zone: String?) async throws {
        try await engine.put(.putSubject(Subject(id: .ada, timeZone: zone)))
    }

    private func former(_ engine: MeterstoneEngine) async throws -> [String] {
        try #require(try await engine.subject(.ada)).formerZones
            .map { "\($0.timeZone ?? "-") \($0.until.rfc3339)" }
    }

    @Test(arguments: StoreUnderTest.allCases, [0, 1, 2])
    func `usage stays in the windows of its time`(
        store: StoreUnderTest, step: Int
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.daily(10), .limit("hour", 10, per: .hour)])
            session.clock.set(.at("2026-03-10T20:30:00Z"))
            #expect(
                try await session.engine.decide("ada", 4, at: .at("2026-03-10T17:00:00Z")).isAllowed
            )
            #expect(try await session.engine.decide("ada", 5, id: "one").isAllowed)
            if step == 1 { try await session.engine.flush() }
            if step == 2 { try await session.reopen() }
            // In Kathmandu it is 02:15 of the 11th. The 10th goes on until midnight in UTC.
            try await tell(session.engine, "Asia/Kathmandu")
            #expect(try await former(session.engine) == ["- 2026-03-11T00:00:00.000Z"])
            #expect(try await session.engine.used(.ada) == ["prompts_daily": 9, "hour": 5])
            if step == 2 { try await session.reopen() }
            #expect(try await !session.engine.decide("ada", 2).isAllowed)
            #expect(try await session.engine.decide("ada", 1).isAllowed)
            #expect(try await session.engine.void("one").code == "corrected")
            #expect(try await session.engine.used(.ada) == ["prompts_daily": 5, "hour": 1])
            session.clock.set(.at("2026-03-11T00:30:00Z"))
            // The 11th begins there, and ends at midnight in Kathmandu; its first hour ends at 07:00.
            let decision = try await session.engine.decide("ada", 7)
            #expect(
                decision.limits.map { $0.resetsAt?.rfc3339 ?? "" }
                    == ["2026-03-11T01:15:00.000Z", "2026-03-11T18:15:00.000Z"])
            #expect(
                try await session.engine.quantities(
                    of: .ada, per: .day, from: "2026-03-10T00:00:00Z", until: "2026-03-11T18:15:00Z"
                )
                    == [5, 7])
            // What comes late falls on the day that it was.
            try await session.engine.count(
                .of(.ada, [.prompts: 2], at: "2026-03-10T23:59:59.999Z"),
                .of(.ada, [.prompts: 1], at: "2026-03-11T00:00:00Z"))
            #expect(
                try await session.engine.quantities(
                    of: .ada, per: .day, from: "2026-03-10T00:00:00Z", until: "2026-03-11T18:15:00Z"
                )
                    == [7, 8])
            if step == 1 { try await session.engine.flush() }
            if step == 2 { try await session.reopen() }
            #expect(try await session.engine.used(.ada)["prompts_daily"] == 8)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `no number of hops within a day gives a fresh one`(store: StoreUnderTest) async throws {
        try await store.with { engine, clock in
            clock.set(.at("2026-03-10T12:00:00Z"))
            try await tell(engine, Self.berlin)
            try await engine.setUp(limits: [.daily(3)])
            #expect(try await engine.decide("ada", 3).isAllowed)
            for zone in [
                "Pacific/Kiritimati", "Pacific/Pago_Pago", nil, "Asia/Kolkata", "Asia/Tokyo",
                Self.berlin, "Pacific/Apia", Self.newYork,
            ] {
                clock.advance(bySeconds: 600)
                try await tell(engine, zone)
                #expect(try await !engine.decide("ada", 1).isAllowed, "\(zone ?? "")")
            }
            #expect(try await former(engine) == ["Europe/Berlin 2026-03-10T23:00:00.000Z"])
            // Whoever goes back was never away.
            try await tell(engine, Self.berlin)
            #expect(try await former(engine) == [])
            try await tell(engine, Self.newYork)
            clock.set(.at("2026-03-10T23:00:00Z"))
            #expect(try await engine.decide("ada", 3).isAllowed)
            for (instant, zone) in [
                ("2026-03-10T23:30:00Z", Self.berlin), ("2026-03-11T04:00:00Z", "Asia/Tokyo"),
                ("2026-03-11T15:00:00Z", Self.newYork), ("2026-03-12T03:59:59Z", Self.berlin),
            ] {
                clock.set(.at(instant))
                try await tell(engine, zone)
                #expect(try await !engine.decide("ada", 1).isAllowed, "\(instant)")
            }
            clock.set(.at("2026-03-12T04:00:00Z"))
            let next = try await engine.decide("ada", 1)
            #expect(next.isAllowed)
            #expect(next.limits.first?.resetsAt == .at("2026-03-12T23:00:00Z"))
            // A subject that is put back to its defaults has been away, too.
            try await engine.put(.deleteSubject(.ada))
            #expect(try await engine.used(.ada) == ["prompts_daily": 1])
            #expect(try await former(engine).count == 3)
            try await engine.expectClean()
        }
    }

    /// For three weeks somebody takes one an hour where it is allowed, and flies every eight hours.
    @Test(arguments: StoreUnderTest.allCases)
    func `whoever flies to and fro has one allowance for each date`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            session.clock.set(.at("2026-03-20T00:00:00Z"))
            try await session.engine.setUp(limits: [.daily(1), .limit("month", 15, per: .month)])
            let zones = ["Asia/Tokyo", Self.newYork, Self.berlin, "Pacific/Honolulu", nil]
            var allowed: [Int] = []
            for hour in 0..<504 {
                if hour % 8 == 0 { try await tell(session.engine, zones[(hour / 8) % 5]) }
                if try await session.engine.decide("ada", 1).isAllowed { allowed.append(hour) }
                if hour == 250 { try await session.reopen() }
                session.clock.advance(bySeconds: 3_600)
            }
            // Dates of March and April, each once.
            #expect((18...22).contains(allowed.count))
            let documents: DocumentQuery<CivilDate> = .newest(.ada)
            guard case .found(let page) = try await session.engine.dailyUsage(documents) else {
                throw UnexpectedOutcome()
            }
            #expect(page.documents.count == allowed.count)
            #expect(page.documents.allSatisfy { $0.used.units == 1 })
            #expect(Set(page.documents.map(\.date)).count == allowed.count)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `documents, streaks and months stay as they were`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            session.clock.set(.at("2026-04-02T12:00:00Z"))
            try await tell(session.engine, "Asia/Tokyo")
            try await session.engine.setUp(
                plans: [Plan(key: .free, isDefault: true)], limits: [.daily(100)])
            // 08:00 in Tokyo: in UTC each is a day earlier.
            for (day, units) in [("28", 1), ("30", 2), ("31", 4)] {
                try await session.engine.count(
                    .of(.ada, [.prompts: Int64(units)], at: "2026-03-\(day)T23:00:00Z"))
            }
            func documents() async throws -> [String] {
                let query: DocumentQuery<CivilDate> = .newest(.ada)
                guard case .found(let days) = try await session.engine.dailyUsage(query) else {
                    throw UnexpectedOutcome()
                }
                let monthly: DocumentQuery<CivilMonth> = .newest(.ada)
                guard case .found(let months) = try await session.engine.monthlyUsage(monthly)
                else { throw UnexpectedOutcome() }
                let lists = try await session.engine.dailyUsage(
                    .highest(try #require(CivilDate("2026-04-01")), plan: nil))
                guard case .found(let list) = lists else { throw UnexpectedOutcome() }
                let lifetime = try #require(try await session.engine.lifetime(of: .ada))
                return days.documents.map { "\($0.date) \($0.used) \($0.resetsAt.rfc3339)" }
                    + months.documents.map { "\($0.usage.month) \($0.usage.totalMonthly)" }
                    + list.documents.map { "\($0.subject) \($0.used)" }
                    + ["\(lifetime.streaks.longestStreak) \(lifetime.streaks.daysActive)"]
            }
            let before = try await documents()
            #expect(
                before == [
                    "2026-04-01 4 2026-04-01T15:00:00.000Z",
                    "2026-03-31 2 2026-03-31T15:00:00.000Z",
                    "2026-03-29 1 2026-03-29T15:00:00.000Z", "4 4", "3 3", "ada 4", "2 3",
                ])
            try await tell(session.engine, nil)
            #expect(try await documents() == before)
            session.clock.set(.at("2026-04-03T12:00:00Z"))
            #expect(try await documents() == before)
            try await tell(session.engine, "Pacific/Honolulu")
            session.clock.set(.at("2026-04-05T12:00:00Z"))
            try await session.engine.flush()
            #expect(try await documents() == before)
            try await session.reopen()
            #expect(try await documents() == before)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases, [0, 1, 2])
    func `what came ahead of its time goes to the days of the other zone`(
        store: StoreUnderTest, step: Int
    ) async throws {
        try await store.withSession { session in
            session.clock.set(.at("2026-12-31T20:00:00Z"))
            try await session.engine.setUp(limits: [
                .daily(10), .limit("hour", 10, per: .hour), .limit("year", 50, per: .year),
            ])
            try await session.engine.count(
                .of(.ada, [.prompts: 1], at: "2026-12-31T19:00:00Z"),
                .of(.ada, [.prompts: 2], at: "2027-01-01T00:30:00Z"),
                .of(.ada, [.prompts: 4], at: "2027-01-01T18:30:00Z"))
            if step == 1 { try await session.engine.flush() }
            if step == 2 { try await session.reopen() }
            try await tell(session.engine, "Asia/Kathmandu")
            session.clock.set(.at("2027-01-01T18:45:00Z"))
            #expect(
                try await session.engine.used(.ada)
                    == ["prompts_daily": 4, "hour": 4, "year": 6])
            #expect(
                try await session.engine.quantities(
                    of: .ada, per: .day, from: "2026-12-31T00:00:00Z", until: "2027-01-02T18:15:00Z"
                )
                    == [1, 2, 4])
            if step == 2 { try await session.reopen() }
            try await session.engine.expectClean()
            // Back before it ended.
            session.clock.set(.at("2026-12-31T21:00:00Z"))
            try await tell(session.engine, nil)
            #expect(
                try await session.engine.quantities(
                    of: .ada, per: .day, from: "2026-12-31T00:00:00Z", until: "2027-01-02T00:00:00Z"
                )
                    == [1, 6])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a team's zone is in time, too, and so are credits`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            session.clock.set(.at("2026-03-10T12:00:00Z"))
            try await session.engine.setUp(
                plans: [
                    Plan(
                        key: .free, isDefault: true,
                        recurringGrants: [RecurringGrant(window: .day, amount: 10)])
                ], limits: [.daily(5)], credits: CreditPolicy(isEnabled: true))
            try await session.engine.put(
                .putSubject(Subject(id: .team, timeZone: Self.berlin)))
            try await session.engine.put(
                .putSubject(Subject(id: .ada, timeZone: Self.berlin, parent: .team)))
            #expect(try await session.engine.decide("ada", 5).isAllowed)
            for zone in ["Asia/Tokyo", Self.newYork] {
                try await session.engine.put(.putSubject(Subject(id: .team, timeZone: zone)))
                #expect(try await !session.engine.decide("ada", 1).isAllowed)
            }
            session.clock.set(.at("2026-03-10T23:00:00Z"))
            // The team's 11th lasts until New York's ends, its member's until Berlin's.
            let decision = try await session.engine.decide("ada", 5)
            #expect(
                decision.limits.map { $0.resetsAt?.rfc3339 ?? "" }
                    == ["2026-03-11T23:00:00.000Z", "2026-03-12T04:00:00.000Z"])
            session.clock.set(.at("2026-03-11T23:30:00Z"))
            let refused = try await session.engine.decide("ada", 1)
            #expect(!refused.isAllowed && refused.limits.map(\.ancestor) == [nil, .team])
            try await session.engine.expectClean()
        }
    }

    @Test func `nodes of one database agree on where a day ends`() async throws {
        let url = try PostgresServer.shared().makeDatabase()
        let clock = ManualClock(.at("2026-03-10T12:00:00Z"))
        let nodes = try (0..<2).map { _ in
            MeterstoneEngine(
                store: try PostgresStore(
                    PostgresOptions(url: url, patience: PostgresServer.patience),
                    options: StoreUnderTest.options()),
                clock: { clock.now })
        }
        try await nodes[0].setUp(limits: [.daily(4)])
        try await tell(nodes[0], Self.berlin)
        var allowed = 0
        let zones = [Self.newYork, "Asia/Tokyo", nil, Self.berlin, "Pacific/Kiritimati"]
        for hour in 0..<48 {
            try await tell(nodes[hour % 2], zones[hour % zones.count])
            for node in nodes where try await node.decide("ada", 1).isAllowed { allowed += 1 }
            clock.advance(bySeconds: 3_600)
        }
        // The 10th, the 11th and the 12th; and the 13th, which begins in Kiritimati at 10:00 in UTC.
        #expect(allowed == 16)
        try await nodes[1].expectClean()
        for node in nodes { await node.shutdown() }
    }
}
