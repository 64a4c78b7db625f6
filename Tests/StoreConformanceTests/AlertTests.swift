import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Thresholds are told once per subject, limit and window, in the step that reaches them.
@Suite struct AlertTests {
    private static let alert = Alert(
        key: AlertKey(unchecked: "full"), usedPercent: [50, 80, 100], remaining: [3])

    /// What fired of a subject, oldest first: `usedPercent 80 at 8`.
    private func fired(
        _ engine: MeterstoneEngine, _ subject: SubjectID = .ada
    ) async throws -> [String] {
        try await engine.firedAlerts(of: subject).reversed().map { record in
            let alert = record.alert
            return "\(alert.measure.rawValue) \(alert.threshold) at "
                + "\(alert.used ?? alert.balance ?? -1)"
        }
    }

    private func setUp(
        _ engine: MeterstoneEngine, _ limits: [Limit] = [.daily(10)], _ alert: Alert = alert
    ) async throws {
        try await engine.setUp(limits: limits)
        #expect(try await engine.put(.putAlert(alert)) == .created)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `each threshold fires once in a window, whatever happens between`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await setUp(session.engine)
            for place in 1...4 { _ = try await session.engine.decide("ada", 1, id: "e\(place)") }
            #expect(try await fired(session.engine) == [])
            _ = try await session.engine.decide("ada", 1, id: "e5")
            // A repeat is no use.
            _ = try await session.engine.decide("ada", 1, id: "e5")
            #expect(try await fired(session.engine) == ["usedPercent 50 at 5"])
            try await session.reopen()
            _ = try await session.engine.decide("ada", 5, id: "e6")
            let all = [
                "usedPercent 50 at 5", "usedPercent 80 at 10", "usedPercent 100 at 10",
                "remaining 3 at 10",
            ]
            #expect(try await fired(session.engine) == all)
            #expect(try await !session.engine.decide("ada", 1).isAllowed)
            // What is only recorded goes beyond, and tells nothing new.
            try await session.engine.count(.of(.ada, id: "r"))
            #expect(try await fired(session.engine) == all)
            session.clock.set(.at("2026-03-11T00:00:00Z"))
            _ = try await session.engine.decide("ada", 6, id: "n")
            #expect(try await fired(session.engine) == all + ["usedPercent 50 at 6"])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a void, another allowance and a reset make it possible to reach it anew`(
        store: StoreUnderTest
    ) async throws {
        let alert = Alert(key: AlertKey(unchecked: "full"), usedPercent: [80])
        try await store.withSession { session in
            try await setUp(session.engine, [.daily(10)], alert)
            _ = try await session.engine.decide("ada", 7, id: "a")
            _ = try await session.engine.decide("ada", 1, id: "b")
            #expect(try await session.engine.void("b") == .corrected)
            try await session.reopen()
            _ = try await session.engine.decide("ada", 2, id: "c")
            #expect(
                try await fired(session.engine) == ["usedPercent 80 at 8", "usedPercent 80 at 9"])
            _ = try await session.engine.put(.putOverride(.ada, .daily, .units(20)))
            _ = try await session.engine.decide("ada", 7, id: "d")
            #expect(try await fired(session.engine).count == 3)
            session.clock.advance(bySeconds: 1)
            _ = try await session.engine.put(.resetLimit(.ada, .daily, reason: ""))
            _ = try await session.engine.decide("ada", 15, id: "e")
            #expect(try await fired(session.engine).count == 3)
            _ = try await session.engine.decide("ada", 1, id: "f")
            #expect(try await fired(session.engine).last == "usedPercent 80 at 16")
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a reservation tells what it used when it ends, and once`(
        store: StoreUnderTest
    ) async throws {
        let alert = Alert(key: AlertKey(unchecked: "full"), usedPercent: [80])
        try await store.withSession { session in
            try await setUp(session.engine, [.daily(100)], alert)
            let engine = session.engine
            for place in 0..<6 {
                let id = try #require(EventID("r\(place)"))
                _ = try await engine.reserve(
                    .of(.ada, [.prompts: 40], id: id.text), ReservationTerms())
                #expect(try await fired(engine).count == (place >= 5 ? 1 : 0), "\(place)")
                _ = try await engine.settle(id, .one(.prompts, place == 4 ? 42 : 10))
            }
            // 10, 20, 30, 40, 82, and then 92, though 40 more were set aside meanwhile.
            #expect(try await fired(engine) == ["usedPercent 80 at 82"])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `limits of a team are told of the team, and of some plans alone where it says so`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(
                plans: [Plan(key: .free, rank: 0, isDefault: true), Plan(key: .pro, rank: 1)],
                limits: [.daily(10)])
            for id in [SubjectID.ada, .bob] {
                try await engine.put(.putSubject(Subject(id: id, parent: .team)))
            }
            try await engine.put(.putSubject(Subject(id: .team, plan: .pro)))
            let alert = Alert(
                key: AlertKey(unchecked: "full"), limits: [.daily], usedPercent: [80],
                plans: [.pro])
            try await engine.put(.putAlert(alert))
            _ = try await engine.decide("ada", 4)
            _ = try await engine.decide("bob", 4)
            _ = try await engine.decide("bob", 1)
            #expect(try await fired(engine, .team) == ["usedPercent 80 at 8"])
            #expect(try await fired(engine, .bob) == [])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `credits that run low are told once for each grant`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(
                credits: CreditPolicy(isEnabled: true, prices: [.prompts: 1]))
            let alert = Alert(key: AlertKey(unchecked: "low"), credits: [20])
            try await engine.put(.putAlert(alert))
            try await engine.put(.grantCredit(.ada, GrantOrder(amount: 100)))
            for units in [79, 1, 1] {
                _ = try await engine.decide("ada", Quantity(Int64(units)))
            }
            #expect(try await fired(engine) == ["credits 20 at 20"])
            try await engine.put(.grantCredit(.ada, GrantOrder(amount: 10)))
            _ = try await engine.decide("ada", 10)
            #expect(try await fired(engine) == ["credits 20 at 20", "credits 20 at 19"])
            // A grant that is too small to lift it is another that runs low, once.
            _ = try await engine.decide("ada", 16)
            try await engine.put(.grantCredit(.ada, GrantOrder(amount: 5)))
            for _ in 1...3 { _ = try await engine.decide("ada", 1) }
            let all = ["credits 20 at 20", "credits 20 at 19", "credits 20 at 8"]
            #expect(try await fired(engine) == all)
            // Who begins below it has not gone down to it.
            var lower = alert
            lower.credits = [2, 20]
            #expect(try await engine.put(.putAlert(lower)).isChange)
            try await engine.put(.grantCredit(.bob, GrantOrder(amount: 4)))
            for _ in 1...4 { _ = try await engine.decide("bob", 1) }
            #expect(try await fired(engine, .bob) == ["credits 2 at 2"])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what is late, unlimited or inactive tells nothing`(store: StoreUnderTest) async throws {
        try await store.with { engine, clock in
            try await setUp(engine, [.daily(10), .limit("free", -1, per: .month)])
            try await engine.count(.of(.ada, [.prompts: 10], id: "old", at: "2026-03-01T00:00:00Z"))
            #expect(try await fired(engine) == [])
            var off = Self.alert
            off.active = false
            try await engine.put(.putAlert(off))
            _ = try await engine.decide("ada", 10)
            #expect(try await fired(engine) == [])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a thousand subjects that cross at once are told each once`(
        store: StoreUnderTest
    ) async throws {
        let alert = Alert(key: AlertKey(unchecked: "full"), usedPercent: [80])
        try await store.withSession { session in
            try await setUp(session.engine, [.daily(10)], alert)
            let ids = (0..<1_000).map { SubjectID(unchecked: "s\($0)") }
            let engine = session.engine
            _ = try await engine.consume(ids.map { .of($0, [.prompts: 8]) })
            _ = try await engine.consume(ids.map { .of($0, [.prompts: 1]) })
            try await session.reopen()
            _ = try await session.engine.consume(ids.map { .of($0, [.prompts: 1]) })
            let changes = try await session.engine.changes(count: 3_000)
            #expect(changes.count { $0.kind == "firedAlert" } == 1_000)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a pace that leads beyond the allowance is told once in a window`(
        store: StoreUnderTest
    ) async throws {
        let alert = Alert(key: AlertKey(unchecked: "fast"), pacePercent: [100, 200])
        try await store.withSession { session in
            try await setUp(
                session.engine, [.daily(100), .limit("ever", 1_000, per: .lifetime)], alert)
            // A quarter of the day is gone: 24 come to 96.
            session.clock.set(.at("2026-03-11T06:00:00Z"))
            _ = try await session.engine.decide("ada", 24, id: "a")
            #expect(try await fired(session.engine) == [])
            _ = try await session.engine.decide("ada", 1, id: "b")
            #expect(try await fired(session.engine) == ["pacePercent 100 at 25"])
            let told = try await session.engine.firedAlerts(of: .ada).first?.alert
            #expect(told?.fullAt == nil && told?.limit == .daily)
            try await session.reopen()
            // Half of it is gone, and 51 come to 102: told before. 101 of 100 are more than that.
            session.clock.set(.at("2026-03-11T12:00:00Z"))
            _ = try await session.engine.decide("ada", 26, id: "c")
            #expect(try await fired(session.engine) == ["pacePercent 100 at 25"])
            // Taken back, and gone beyond once more.
            #expect(try await session.engine.void("c") == .corrected)
            _ = try await session.engine.decide("ada", 30, id: "d")
            #expect(
                try await fired(session.engine)
                    == ["pacePercent 100 at 25", "pacePercent 100 at 55"])
            // 55 of 100 in twelve hours are gone after 21:49:05.454.
            let again = try await session.engine.firedAlerts(of: .ada).first?.alert
            #expect(again?.fullAt == .at("2026-03-11T21:49:05.454Z"))
            // The first tenth of a day counts as a tenth.
            session.clock.set(.at("2026-03-12T00:00:01Z"))
            _ = try await session.engine.decide("ada", 9, id: "e")
            #expect(try await fired(session.engine).count == 2)
            _ = try await session.engine.decide("ada", 11, id: "f")
            #expect(
                try await fired(session.engine).suffix(2)
                    == ["pacePercent 100 at 20", "pacePercent 200 at 20"])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `who is refused often is told once an hour, by which limit`(
        store: StoreUnderTest
    ) async throws {
        let alert = Alert(key: AlertKey(unchecked: "refused"), refusedPerHour: [3, 5])
        try await store.withSession { session in
            try await setUp(session.engine, [.daily(10)], alert)
            #expect(try await session.engine.fireHourly() == 0)
            _ = try await session.engine.decide("ada", 10)
            _ = try await session.engine.decide("bob", 10)
            for _ in 0..<2 { _ = try await session.engine.decide("ada", 1) }
            for _ in 0..<2 { _ = try await session.engine.decide("bob", 1) }
            #expect(try await session.engine.fireHourly() == 0)
            for _ in 0..<2 { _ = try await session.engine.decide("ada", 1) }
            #expect(try await session.engine.fireHourly() == 1)
            #expect(try await fired(session.engine) == ["refusedPerHour 3 at 4"])
            let told = try await session.engine.firedAlerts(of: .ada).first?.alert
            #expect(told?.limit == .daily && told?.resetsAt == .at("2026-03-10T13:00:00Z"))
            // A process that counts anew tells nothing that is told. What is in memory has no other process.
            if store != .memory {
                try await session.reopen()
                #expect(try await session.engine.fireHourly() == 0)
                for _ in 0..<4 { _ = try await session.engine.decide("ada", 1) }
                #expect(try await session.engine.fireHourly() == 0)
            }
            _ = try await session.engine.decide("ada", 1)
            #expect(try await session.engine.fireHourly() == 1)
            #expect(
                try await fired(session.engine)
                    == ["refusedPerHour 3 at 4", "refusedPerHour 5 at 5"])
            // The next hour begins anew.
            session.clock.advance(bySeconds: 3_600)
            for _ in 0..<3 { _ = try await session.engine.decide("ada", 1) }
            #expect(try await session.engine.fireHourly() == 1)
            #expect(try await fired(session.engine, .bob) == [])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `whose requests fail is told once an hour, from twenty requests on`(
        store: StoreUnderTest
    ) async throws {
        let alert = Alert(
            key: AlertKey(unchecked: "errors"), limits: [.daily], failedPercent: [25, 50])
        func request(_ id: String, _ status: EventStatus) -> UsageEvent {
            .of(.ada, id: id, status: status)
        }
        try await store.withSession { session in
            try await setUp(session.engine, [.daily(1_000)], alert)
            let engine = session.engine
            #expect(try await engine.fireHourly() == 0)
            // Nineteen, of which six failed.
            let told = (0..<19).map { request("a\($0)", $0 < 6 ? .failed : .success) }
            _ = try await engine.record(told)
            // A repeat is no request.
            _ = try await engine.record(told)
            #expect(try await engine.fireHourly() == 0)
            _ = try await engine.record([request("b", .cancelled)])
            #expect(try await engine.fireHourly() == 1)
            #expect(try await fired(engine) == ["failedPercent 25 at 6"])
            // 15 of 30, the last of them at its end.
            _ = try await engine.record((0..<8).map { request("c\($0)", .failed) })
            _ = try await engine.decide("ada", 1, id: "d")
            #expect(try await engine.fireHourly() == 0)
            let id = try #require(EventID("r"))
            _ = try await engine.reserve(.of(.ada, id: id.text), ReservationTerms())
            #expect(try await engine.fireHourly() == 0)
            _ = try await engine.release(id, details: EventDetails(status: .failed))
            #expect(try await engine.fireHourly() == 1)
            #expect(
                try await fired(engine) == ["failedPercent 25 at 6", "failedPercent 50 at 15"])
            try await engine.expectClean()
        }
    }

    @Test(arguments: [
        (Alert(key: AlertKey(unchecked: "a")), "usedPercent"),
        (Alert(key: AlertKey(unchecked: "a"), usedPercent: [80, 0]), "usedPercent[1]"),
        (Alert(key: AlertKey(unchecked: "a"), remaining: [1, 1]), "remaining"),
        (Alert(key: AlertKey(unchecked: "a"), pacePercent: [0]), "pacePercent[0]"),
        (Alert(key: AlertKey(unchecked: "a"), refusedPerHour: [0]), "refusedPerHour[0]"),
        (Alert(key: AlertKey(unchecked: "a"), failedPercent: [101]), "failedPercent[0]"),
        (
            Alert(
                key: AlertKey(unchecked: "a"), limits: [LimitKey(unchecked: "x")],
                usedPercent: [1]), "limits[0]"
        ),
        (
            Alert(
                key: AlertKey(unchecked: "a"), usedPercent: [1],
                webhooks: [WebhookKey(unchecked: "x")]), "webhooks[0]"
        ),
    ])
    func `an alert that says nothing or the impossible is refused`(
        alert: Alert, field: String
    ) async throws {
        try await StoreUnderTest.memory.with { engine, _ in
            guard case .rejected(let rejection) = try await engine.put(.putAlert(alert)) else {
                Issue.record("it was taken")
                return
            }
            #expect(rejection.field == field)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a day that stands out is told once, and only where an alert asks for it`(
        store: StoreUnderTest
    ) async throws {
        let pro = PlanKey(unchecked: "pro")
        try await store.withSession { session in
            try await setUp(
                session.engine, [],
                Alert(key: AlertKey(unchecked: "odd"), unusual: [.prompts]))
            _ = try await session.engine.put(.putPlan(Plan(key: pro)))
            _ = try await session.engine.put(
                .putAlert(
                    Alert(
                        key: AlertKey(unchecked: "of-pro"), unusual: [.prompts], plans: [pro])))
            // Ada uses 10 a day, Bob has no past, and it is the tenth.
            for day in 1...9 {
                try await session.engine.count(
                    .of(.ada, [.prompts: 10], id: "d\(day)", at: "2026-03-0\(day)T10:00:00Z"))
            }
            try await session.engine.count(.of(.bob, [.prompts: 500], id: "b"))
            try await session.engine.count(.of(.ada, [.prompts: 10], id: "today"))
            #expect(try await session.engine.fireUnusual() == 0)
            try await session.engine.count(.of(.ada, [.prompts: 60], id: "much"))
            #expect(try await session.engine.fireUnusual() == 1)
            try await session.reopen()
            // More of the same day is nothing new, and neither is an event that comes late.
            try await session.engine.count(.of(.ada, [.prompts: 40], id: "more"))
            try await session.engine.count(
                .of(.ada, [.prompts: 40], id: "late", at: "2026-03-02T10:00:00Z"))
            #expect(try await session.engine.fireUnusual() == 0)
            // 90 of 28 days.
            #expect(try await fired(session.engine) == ["unusual 3 at 70"])
            #expect(try await fired(session.engine, .bob) == [])
            let told = try #require(try await session.engine.firedAlerts(of: .ada).first)
            #expect(told.alert.meter == .prompts && told.alert.limit == nil)
            guard
                case .rejected(let why) = try await session.engine.put(.deleteMeter(.prompts))
            else {
                Issue.record("the meter of an alert was deleted")
                return
            }
            #expect(why.message.contains("alert 'odd' watches this meter"))
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: [
        (Int64.max, Int64.max, 2), (1, Int64.max, 0), (Int64.max / 2 + 1, Int64.max, 1), (5, 0, 2),
        (0, 0, 0),
    ])
    func `shares of the largest numbers do not overflow`(
        used: Int64, allowed: Int64, count: Int
    ) {
        let alert = Alert(key: AlertKey(unchecked: "a"), usedPercent: [50, 100])
        #expect(alert.reached(by: used, of: allowed, at: nil).count == count)
    }
}
