import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

extension AdditionID {
    fileprivate static let boost = AdditionID(unchecked: "boost")
    fileprivate static let pack = AdditionID(unchecked: "pack")
}

extension AddOnKey {
    fileprivate static let seats = AddOnKey(unchecked: "seats")
}

extension Addition {
    fileprivate static func boost(
        _ change: AllowanceChange, _ id: AdditionID = .boost, of limit: LimitKey = .monthly,
        from: String? = nil, until: String? = nil
    ) -> Addition {
        Addition(
            id: id, .limit(limit, change), from: from.map { .at($0) }, until: until.map { .at($0) })
    }
}

extension LimitKey {
    fileprivate static let monthly = LimitKey(unchecked: "monthly")
}

extension LimitStatus {
    /// `150 = 100 +50`.
    fileprivate var sum: String {
        let parts = additions.map { part in
            switch part.change {
            case .set(let allowance): " =\(allowance.wire)"
            case .add(let units): units < 0 ? " \(units)" : " +\(units)"
            case .atLeast(let allowance): " >=\(allowance.wire)"
            }
        }
        return "\(allowance.wire) = \(base.wire)\(parts.joined())"
    }
}

/// Overrides and boosts for a time, add-ons, and what plans add.
@Suite struct AdditionTests {
    private func sum(_ engine: MeterstoneEngine, _ subject: SubjectID = .ada) async throws -> String
    {
        try await engine.limits(of: subject).first { $0.ancestor == nil }?.sum ?? "no limit"
    }

    private func monthly(_ allowance: Int64) -> Limit {
        .limit("monthly", allowance, per: .month)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a hundred and fifty until Sunday`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [monthly(100)])
            session.clock.set(.at("2026-03-11T09:00:00Z"))
            let boost = Addition.boost(.add(50), until: "2026-03-15T00:00:00Z")
            #expect(try await session.engine.put(.putAddition(.ada, boost)) == .created)
            #expect(try await session.engine.decide("ada", 120).isAllowed)
            let status = try #require(try await session.engine.limits(of: .ada).first)
            #expect(status.sum == "150 = 100 +50" && status.remaining == 30)
            #expect(status.additions.first?.until == .at("2026-03-15T00:00:00Z"))
            try await session.reopen()
            for (instant, expected, remaining) in [
                ("2026-03-14T23:59:59.999Z", "150 = 100 +50", 30),
                ("2026-03-15T00:00:00Z", "100 = 100", 0),
                ("2026-04-01T00:00:00Z", "100 = 100", 100),
            ] as [(String, String, Int64)] {
                session.clock.set(.at(instant))
                #expect(try await sum(session.engine) == expected, "\(instant)")
                let left = try await session.engine.limits(of: .ada).first?.remaining
                #expect(left == remaining, "\(instant)")
            }
            // A late event meets what was added in its time, and not before.
            for (instant, units, expected) in [
                ("2026-03-14T12:00:00Z", 30, "allowed"), ("2026-03-14T12:00:00Z", 31, "denied"),
                ("2026-03-11T08:59:59Z", 1, "denied"), ("2026-03-15T00:00:00Z", 1, "denied"),
            ] as [(String, Int64, String)] {
                let late = try await session.engine.check(
                    .of(.ada, [.prompts: units], at: instant))
                #expect(late.code == expected, "\(units) at \(instant)")
            }
            try await session.engine.expectClean()
        }
    }

    /// What is put on top of an allowance of 100, in the order in which it is written.
    static let stacks: [(additions: [AllowanceChange], sum: String)] = [
        ([.add(50), .add(25)], "175 = 100 +50 +25"),
        ([.add(-30)], "70 = 100 -30"),
        ([.add(-300), .add(5)], "5 = 100 -300 +5"),
        ([.set(.units(500))], "500 = 100 =500"),
        ([.add(50), .set(.units(500))], "550 = 100 =500 +50"),
        ([.set(.units(500)), .set(.units(20))], "20 = 100 =20"),
        ([.atLeast(.units(120))], "120 = 100 >=120"),
        ([.atLeast(.units(80))], "100 = 100"),
        ([.atLeast(.units(120)), .add(30)], "130 = 100 +30"),
        ([.atLeast(.units(200)), .add(30), .atLeast(.units(150))], "200 = 100 +30 >=200"),
        ([.set(.unlimited), .add(5)], "-1 = 100 =-1 +5"),
        ([.atLeast(.unlimited)], "-1 = 100 >=-1"),
        ([.set(.units(0)), .add(5)], "5 = 100 =0 +5"),
        (
            [.set(.units(1)), .add(1_000_000_000_000_000)],
            "1000000000000001 = 100 =1 +1000000000000000"
        ),
    ]

    @Test(arguments: stacks)
    func `additions are stacked`(
        stack: (additions: [AllowanceChange], sum: String)
    ) async throws {
        try await StoreUnderTest.memory.with { engine, clock in
            try await engine.setUp(limits: [monthly(100)])
            for (index, change) in stack.additions.enumerated() {
                clock.advance(bySeconds: 1)
                let id = AdditionID(unchecked: "a\(index)")
                #expect(try await engine.put(.putAddition(.ada, .boost(change, id))) == .created)
            }
            #expect(try await sum(engine) == stack.sum)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `an addition is replaced from when the new one begins`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            let engine = session.engine
            try await engine.setUp(limits: [monthly(100)])
            session.clock.set(.at("2026-03-02T00:00:00Z"))
            #expect(try await engine.put(.putAddition(.ada, .boost(.add(10)))) == .created)
            #expect(try await engine.put(.putAddition(.ada, .boost(.add(10)))) == .unchanged)
            session.clock.set(.at("2026-03-05T00:00:00Z"))
            #expect(try await engine.put(.putAddition(.ada, .boost(.add(10)))) == .unchanged)
            #expect(try await engine.put(.putAddition(.ada, .boost(.add(20)))) == .replaced)
            // Told on the 5th for the 7th.
            let later = Addition.boost(.add(40), from: "2026-03-07T00:00:00Z")
            #expect(try await engine.put(.putAddition(.ada, later)) == .replaced)
            session.clock.set(.at("2026-03-09T00:00:00Z"))
            #expect(try await engine.put(.endAddition(.ada, .boost)) == .deleted)
            #expect(try await engine.put(.endAddition(.ada, .boost)) == .missing)
            try await session.reopen()
            for (instant, allowed) in [
                ("2026-03-01T23:59:59.999Z", 100), ("2026-03-02T00:00:00Z", 110),
                ("2026-03-04T23:59:59.999Z", 110), ("2026-03-05T00:00:00Z", 120),
                ("2026-03-06T23:59:59.999Z", 120), ("2026-03-07T00:00:00Z", 140),
                ("2026-03-08T23:59:59.999Z", 140), ("2026-03-09T00:00:00Z", 100),
            ] as [(String, Int64)] {
                for (units, expected) in [(allowed, "allowed"), (allowed + 1, "denied")] {
                    let late = try await session.engine.check(
                        .of(.ada, [.prompts: units], at: instant))
                    #expect(late.code == expected, "\(units) at \(instant)")
                }
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `an addition that is to begin is replaced and ended as if it never was`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(limits: [monthly(100)])
            clock.set(.at("2026-03-02T00:00:00Z"))
            let later = Addition.boost(.add(40), from: "2026-03-07T00:00:00Z")
            try await engine.put(.putAddition(.ada, later))
            #expect(try await sum(engine) == "100 = 100")
            let sooner = Addition.boost(.add(5), from: "2026-03-06T00:00:00Z")
            #expect(try await engine.put(.putAddition(.ada, sooner)) == .replaced)
            #expect(try await engine.subject(.ada)?.additions.count == 1)
            #expect(try await engine.put(.endAddition(.ada, .boost)) == .deleted)
            #expect(try await engine.subject(.ada)?.additions == [])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a plan adds to what it allows, and an override takes the place of both`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            let engine = session.engine
            var limit = monthly(5)
            limit.allowances = [.pro: .units(100)]
            let spring = Addition.boost(
                .add(50), AdditionID(unchecked: "spring"), from: "2026-03-20T00:00:00Z",
                until: "2026-04-20T00:00:00Z")
            try await engine.setUp(
                plans: [Plan(key: .free, isDefault: true), Plan(key: .pro, additions: [spring])],
                limits: [limit])
            try await engine.put(.putSubject(Subject(id: .ada, plan: .pro)))
            session.clock.set(.at("2026-03-25T00:00:00Z"))
            #expect(try await sum(engine) == "150 = 100 +50")
            let part = try await engine.limits(of: .ada).first?.additions.first
            #expect(part?.plan == .pro && part?.id.text == "spring")
            #expect(try await sum(engine, .bob) == "5 = 5")
            try await engine.put(.putAddition(.ada, .boost(.add(7))))
            #expect(try await sum(engine) == "157 = 100 +50 +7")
            try await engine.put(.putOverride(.ada, .monthly, .units(30)))
            #expect(try await sum(engine) == "37 = 30 +7")
            try await engine.put(.deleteOverride(.ada, .monthly))
            try await engine.put(.putAddition(.ada, .boost(.set(.units(9)), .pack)))
            #expect(try await sum(engine) == "16 = 100 =9 +7")
            // Each of these levels has its own.
            try await engine.put(.putSubject(Subject(id: .ada, parent: .team, plan: .pro)))
            let team = try await engine.limits(of: .ada).last
            #expect(team?.ancestor == .team && team?.sum == "5 = 5")
            try await session.reopen()
            session.clock.set(.at("2026-04-20T00:00:00Z"))
            #expect(try await sum(session.engine) == "16 = 100 =9 +7")
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a number of an add-on allows what each limit lists for it`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            var prompts = monthly(100)
            prompts.addOns = [.seats: 10]
            var exports = Limit.limit("a_daily", 2, per: .day)
            exports.addOns = [.seats: 3]
            try await engine.setUp(limits: [prompts, exports])
            func packs(_ quantity: Int64) -> Change {
                .putAddition(.ada, Addition(id: .pack, .addOn(.seats, quantity: quantity)))
            }
            #expect(try await engine.put(packs(2)) == .created)
            var sums = try await engine.limits(of: .ada).map(\.sum)
            #expect(sums == ["8 = 2 +6", "120 = 100 +20"])
            clock.advance(bySeconds: 3_600)
            #expect(try await engine.put(packs(3)) == .replaced)
            sums = try await engine.limits(of: .ada).map(\.sum)
            #expect(sums == ["11 = 2 +9", "130 = 100 +30"])
            #expect(
                try await engine.put(
                    .putAddition(
                        .ada, Addition(id: .pack, .addOn(AddOnKey(unchecked: "x"), quantity: 1)))
                ).code == "unknown_add_on")
            #expect(
                try await engine.put(
                    .putAddition(.ada, .boost(.add(1), of: LimitKey(unchecked: "x")))
                ).code == "unknown_limit")
            let over = Addition.boost(.add(1), until: "2026-03-01T00:00:00Z")
            #expect(try await engine.put(.putAddition(.ada, over)).code == "invalid_field")
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a refusal waits for what is added later, and for no window that allows less`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(limits: [.daily(10)])
            clock.set(.at("2026-03-11T09:00:00Z"))
            let noon = Addition.boost(
                .add(5), of: .daily, from: "2026-03-11T12:00:00Z", until: "2026-03-12T06:00:00Z")
            try await engine.put(.putAddition(.ada, noon))
            #expect(try await engine.decide("ada", 9).isAllowed)
            for (units, expected) in [
                (2, "2026-03-11T12:00:00.000Z"), (6, "2026-03-11T12:00:00.000Z"),
                (7, "2026-03-12T00:00:00.000Z"), (15, "2026-03-12T00:00:00.000Z"), (16, nil),
            ] as [(Quantity, String?)] {
                let denial = try await engine.decide("ada", units).denial
                #expect(denial?.retryAt?.rfc3339 == expected, "\(units)")
            }
            try await engine.put(
                .putAddition(
                    .ada, .boost(.set(.units(3)), .pack, of: .daily, from: "2026-03-11T20:00:00Z")))
            #expect(try await engine.decide("ada", 9).denial?.retryAt == nil)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a refusal names plans that allow it with what they add`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            var daily = Limit.daily(1)
            daily.allowances = [.pro: .units(3)]
            let more = Addition.boost(.add(5), of: .daily)
            try await engine.setUp(
                plans: [Plan(key: .pro, rank: 1), Plan(key: .big, rank: 2, additions: [more])],
                limits: [daily])
            #expect(try await engine.decide("ada", 3).denial?.plansThatAllow == [.pro, .big])
            #expect(try await engine.decide("ada", 6).denial?.plansThatAllow == [.big])
            #expect(try await engine.decide("ada", 7).denial?.plansThatAllow == [])
            try await engine.put(.putAddition(.ada, .boost(.add(1), of: .daily)))
            #expect(try await engine.decide("ada", 7).denial?.plansThatAllow == [.big])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a repeat is told the additions of its time`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.daily(10)])
            let boost = Addition.boost(.add(5), of: .daily, until: "2026-03-10T18:00:00Z")
            try await session.engine.put(.putAddition(.ada, boost))
            let first = try await session.engine.decide("ada", 12, id: "e")
            #expect(first.limits.map(\.sum) == ["15 = 10 +5"])
            session.clock.set(.at("2026-03-10T20:00:00Z"))
            try await session.reopen()
            let again = try await session.engine.decide("ada", 12, id: "e")
            #expect(again.isDuplicate && again.limits.map(\.sum) == ["15 = 10 +5"])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a subject that is put back to its defaults keeps what was added until then`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.daily(10)])
            try await session.engine.put(.putAddition(.ada, .boost(.add(5), of: .daily)))
            session.clock.set(.at("2026-03-10T18:00:00Z"))
            #expect(try await session.engine.put(.deleteSubject(.ada)) == .deleted)
            #expect(try await session.engine.put(.deleteSubject(.ada)) == .missing)
            try await session.reopen()
            #expect(try await sum(session.engine) == "10 = 10")
            let late = try await session.engine.check(
                .of(.ada, [.prompts: 15], at: "2026-03-10T17:00:00Z"))
            #expect(late.code == "allowed")
        }
    }
}
