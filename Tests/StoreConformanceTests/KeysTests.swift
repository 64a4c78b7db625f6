import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Several keys of one subject.
@Suite struct KeysTests {
    private static let ann = SubjectID(unchecked: "ann")
    private static let anna = SubjectID(unchecked: "anna")
    private static let annie = SubjectID(unchecked: "annie")

    private static let march = ReportQuestion(
        from: .at("2026-03-01T00:00:00Z"), until: .at("2026-04-01T00:00:00Z"))

    private func used(_ engine: MeterstoneEngine, _ id: SubjectID) async throws -> Int64? {
        try await engine.limits(of: id).first { $0.ancestor == nil }?.used.units
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `whatever key is named, it is one subject`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            var engine = session.engine
            try await engine.setUp(plans: [Plan(key: .pro)], limits: [.daily(5)])
            #expect(try await engine.aliases(of: Self.ann) == nil)
            try await engine.count(.of(Self.ann, [.prompts: 2], id: "a"))
            #expect(try await engine.put(.putAlias(Self.ann, alias: Self.annie)).code == "created")
            #expect(
                try await engine.put(.putAlias(Self.ann, alias: Self.annie)).code == "unchanged")
            try await engine.put(.putSubject(Subject(id: Self.annie, name: "Ann")))
            for round in 0..<2 {
                #expect(try await engine.aliases(of: Self.annie) == [Self.annie])
                let decision = try await engine.decide(.of(Self.annie, id: "b\(round)"))
                #expect(
                    decision.isAllowed && decision.limits.map(\.used.units) == [Int64(3 + round)])
                // A repeat under the other key is the same event.
                for key in [Self.ann, Self.annie] {
                    #expect(try await engine.decide(.of(key, [.prompts: 2], id: "a")).isDuplicate)
                    #expect(try await self.used(engine, key) == Int64(3 + round))
                    #expect(try await engine.subject(key)?.name == "Ann")
                    #expect(try await engine.subject(key)?.id == Self.ann)
                    let events = try await engine.events(of: key).events
                    #expect(events.count == 2 + round)
                    #expect(events.allSatisfy { $0.event.subject == Self.ann })
                    let filter = EventFilter(subject: key)
                    #expect(try await engine.events(matching: filter).events.count == 2 + round)
                }
                #expect(try await engine.subjects(after: nil, count: 10).map(\.id) == [Self.ann])
                #expect(try await engine.verify().differences == [])
                try await session.reopen()
                engine = session.engine
            }
            #expect(try await engine.decide(.of(Self.annie, [.prompts: 2])).denial != nil)
            #expect(
                try await engine.put(.deleteAlias(Self.ann, alias: Self.annie)).code == "deleted")
            #expect(
                try await engine.put(.deleteAlias(Self.ann, alias: Self.annie)).code == "missing")
            // From here on nobody is meant but the key's own subject.
            #expect(try await engine.decide(.of(Self.annie, [.prompts: 5])).isAllowed)
            try await session.reopen()
            #expect(try await self.used(session.engine, Self.ann) == 4)
            #expect(try await self.used(session.engine, Self.annie) == 5)
            #expect(try await session.engine.aliases(of: Self.ann) == [])
            #expect(try await session.engine.verify().differences == [])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a rename changes the key and nothing else`(store: StoreUnderTest) async throws {
        let clock = ManualClock(.at("2026-03-29T00:30:00Z"))
        try await store.withSession(clock: clock) { session in
            var engine = session.engine
            try await engine.setUp(
                plans: [Plan(key: .pro, price: Money(millionths: 9_000_000))], limits: [.daily(9)],
                credits: CreditPolicy(prices: [.prompts: 1]))
            try await engine.put(.putSubject(Subject(id: .bob, parent: Self.ann)))
            try await engine.put(
                .putSubscription(Self.ann, Subscription(plan: .pro, startsAt: clock.now)))
            try await engine.put(.grantCredit(Self.ann, GrantOrder(id: GrantID("g"), amount: 10)))
            try await engine.put(.grantCredit(.bob, GrantOrder(id: GrantID("g"), amount: 10)))
            try await engine.put(.putAlias(Self.ann, alias: Self.annie))
            #expect(try await engine.decide(.of(Self.ann, [.prompts: 2], id: "a")).isAllowed)
            #expect(try await engine.decide(.of(.bob, [.prompts: 3], id: "b")).isAllowed)
            let terms = ReservationTerms(milliseconds: 60_000)
            let reserved = try await engine.reserve(.of(Self.annie, id: "r"), terms)
            guard case .decided(_, let reservation?) = reserved else {
                Issue.record("expected a reservation, got \(reserved)")
                return
            }
            #expect(reservation.subject == Self.ann)
            let revenue = try await engine.report(.plans(nil), Self.march)
            clock.advance(bySeconds: 1)
            let rename = Change.renameSubject(Self.ann, to: Self.anna)
            #expect(try await engine.put(rename, key: "k").code == "replaced")
            #expect(try await engine.put(rename, key: "k").code == "replaced")
            #expect(try await engine.put(rename).code == "unchanged")
            for round in 0..<3 {
                for key in [Self.ann, Self.anna, Self.annie] {
                    #expect(try await engine.subject(key)?.id == Self.anna)
                    #expect(try await engine.aliases(of: key) == [Self.ann, Self.annie])
                    #expect(try await self.used(engine, key) == 6)
                    #expect(try await engine.wallet(of: key).balance == 7)
                    #expect(
                        try await engine.openReservations(of: key).map(\.subject) == [Self.anna])
                    #expect(try await engine.decide(.of(key, [.prompts: 2], id: "a")).isDuplicate)
                    let times = try await engine.times(of: .subscription(key))
                    #expect(times?.createdAt == .at("2026-03-29T00:30:00Z"))
                }
                let statuses = try await engine.limits(of: .bob)
                #expect(statuses.map(\.used.units) == [3, 6])
                #expect(statuses.map(\.ancestor) == [nil, Self.anna])
                let ids = try await engine.subjects(after: nil, count: 10).map(\.id)
                #expect(ids == [Self.anna, .bob])
                #expect(try await engine.verify().differences == [])
                let after = try await engine.report(.plans(nil), Self.march)
                #expect("\(after)" == "\(revenue)")
                if round == 0 { try await engine.flush() }
                if round == 1 {
                    try await session.reopen()
                    engine = session.engine
                }
            }
            // To and fro: what was the key before is it again.
            #expect(
                try await engine.put(.renameSubject(Self.annie, to: Self.ann)).code == "replaced")
            try await engine.put(.renameSubject(Self.ann, to: Self.annie))
            try await engine.put(.renameSubject(Self.ann, to: Self.ann))
            #expect(try await engine.decide(.of(Self.anna)).isAllowed)
            try await engine.flush()
            try await session.reopen()
            engine = session.engine
            #expect(try await engine.aliases(of: .bob) == [])
            #expect(try await engine.aliases(of: Self.anna) == [Self.anna, Self.annie])
            #expect(try await engine.subject(Self.anna)?.id == Self.ann)
            #expect(try await engine.limits(of: .bob).map(\.used.units) == [3, 7])
            #expect(try await engine.verify().differences == [])
            _ = try await engine.rebuild()
            #expect(try await engine.limits(of: .bob).map(\.used.units) == [3, 7])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a late event goes to the team of its time, whatever it is called now`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock()
        try await store.withSession(clock: clock) { session in
            let engine = session.engine
            try await engine.setUp(limits: [.limit("ever", 100, per: .lifetime)])
            try await engine.put(.putSubject(Subject(id: .bob, parent: .team)))
            clock.advance(bySeconds: 60)
            let then = clock.now
            clock.advance(bySeconds: 60)
            try await engine.put(.putSubject(Subject(id: .bob, parent: .company)))
            try await engine.put(.renameSubject(.team, to: Self.anna))
            try await session.reopen()
            for _ in 0..<2 {
                _ = try await session.engine.decide("bob", 2, at: then)
                try await session.engine.flush()
            }
            #expect(try await self.used(session.engine, .team) == 4)
            #expect(try await self.used(session.engine, .company) == 0)
            #expect(try await session.engine.verify().differences == [])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a key that means somebody cannot mean another`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp()
            try await engine.count(.of(Self.ann), .of(.bob))
            try await engine.put(.putAlias(.bob, alias: Self.annie))
            try await engine.put(.renameSubject(Self.ann, to: Self.anna))
            let refused: [(Change, String)] = [
                (.putAlias(Self.ann, alias: .bob), "in_use"),
                (.putAlias(Self.ann, alias: Self.annie), "in_use"),
                (.putAlias(Self.ann, alias: Self.anna), "invalid_field"),
                (.renameSubject(Self.ann, to: .bob), "in_use"),
                (.renameSubject(Self.ann, to: Self.annie), "in_use"),
                (.deleteAlias(Self.anna, alias: Self.ann), "in_use"),
                (.deleteAlias(Self.anna, alias: Self.annie), "missing"),
                (.renameSubject(.company, to: .team), "missing"),
                (.putSubject(Subject(id: Self.anna, parent: Self.ann)), "cyclic_parent"),
            ]
            for (change, code) in refused {
                #expect(try await engine.put(change).code == code, "\(change)")
            }
            for number in 0..<99 {
                let key = SubjectID(unchecked: "other \(number)")
                #expect(try await engine.put(.putAlias(Self.anna, alias: key)).code == "created")
            }
            #expect(
                try await engine.put(.putAlias(Self.anna, alias: .team)).code == "invalid_field")
            #expect(try await engine.subjects(after: nil, count: 9).map(\.id) == [Self.anna, .bob])
            #expect(try await engine.verify().differences == [])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `changes of plan and additions under another key are the subject's`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.withSession { session in
            var engine = session.engine
            try await engine.setUp(plans: [Plan(key: .pro)], limits: [.daily(5)])
            try await engine.count(.of(Self.ann, [.prompts: 1], id: "a"))
            try await engine.put(.putAlias(Self.ann, alias: Self.annie))
            let change = SubscriptionChange(plan: .pro)
            #expect(
                try await engine.put(.changeSubscription(Self.annie, change)).code == "created")
            let addition = Addition(
                id: AdditionID(unchecked: "more"),
                .limit(LimitKey(unchecked: "prompts_daily"), .add(3)))
            #expect(try await engine.put(.putAddition(Self.annie, addition)).code == "created")
            for _ in 0..<2 {
                let subject = try await engine.subject(Self.ann)
                #expect(subject?.subscription?.plan == .pro && subject?.additions.count == 1)
                let limits = try await engine.limits(of: Self.ann)
                #expect(limits.map(\.allowance) == [.units(8)])
                try await session.reopen()
                engine = session.engine
            }
            let end = AdditionID(unchecked: "more")
            #expect(try await engine.put(.endAddition(Self.annie, end)).code == "deleted")
            #expect(try await engine.limits(of: Self.ann).map(\.allowance) == [.units(5)])
            #expect(try await engine.verify().differences == [])
        }
    }
}
