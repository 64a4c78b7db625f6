import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Promise 1 and 5: never over, and all or nothing.
@Suite struct ConsumeTests {
    @Test(arguments: StoreUnderTest.allCases)
    func `a limit is reached exactly and never exceeded`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(10)])
            for used in 1...10 {
                let decision = try await engine.decide("ada")
                #expect(decision.isAllowed)
                #expect(decision.limits.map(\.used) == [Quantity(Int64(used))])
                #expect(decision.limits.map(\.remaining) == [Int64(10 - used)])
            }
            let refused = try await engine.decide("ada")
            #expect(refused.denial?.violated == [.daily])
            #expect(refused.limits.map(\.used) == [10])
            #expect(try await engine.decide("grace").isAllowed)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a quantity that does not fit is refused while a smaller one fits`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(10)])
            #expect(try await engine.decide("ada", 7).isAllowed)
            #expect(try await !engine.decide("ada", 4).isAllowed)
            #expect(try await engine.decide("ada", 3).isAllowed)
            #expect(try await !engine.decide("ada", 1).isAllowed)
            #expect(try await engine.decide("ada", 0).isAllowed)
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `two hundred tasks on a limit of fifty get fifty`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(50)])
            let allowed = try await Self.race(engine, Array(repeating: .of(.ada), count: 200))
            #expect(allowed == 50)
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `two hundred tasks on three meters at once get what the scarcest allows`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(
                meters: [Meter(key: .prompts), Meter(key: .seconds), Meter(key: .exports)],
                limits: [
                    .limit("a", 90, per: .day), .limit("b", 100, of: .seconds, per: .month),
                    .limit("c", 60, of: .exports, per: .lifetime),
                ])
            let event = UsageEvent.of(.ada, [.prompts: 1, .seconds: 2, .exports: 1])
            let allowed = try await Self.race(engine, Array(repeating: event, count: 200))
            #expect(allowed == 50)
            #expect(try await engine.used(.ada) == ["a": 50, "b": 100, "c": 50])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `two hundred tasks of two members get what their team allows`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(40)])
            for id in [SubjectID.ada, .bob] {
                try await engine.put(.putSubject(Subject(id: id, parent: .team)))
            }
            try await engine.put(.putOverride(.team, .daily, .units(50)))
            try await engine.put(.putOverride(.ada, .daily, .units(40)))
            try await engine.put(.putOverride(.bob, .daily, .units(40)))
            let events = (0..<200).map { UsageEvent.of($0 % 2 == 0 ? .ada : .bob) }
            #expect(try await Self.race(engine, events) == 50)
            #expect(try await engine.used(.team) == ["prompts_daily": 50])
            let members =
                try await engine.used(.ada)["prompts_daily", default: 0]
                + engine.used(.bob)["prompts_daily", default: 0]
            #expect(members == 50)
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `every level above is limited and counted`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(100)])
            try await engine.put(.putSubject(Subject(id: .team, parent: .company)))
            try await engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            try await engine.put(.putOverride(.company, .daily, .units(30)))
            try await engine.put(.putOverride(.team, .daily, .units(60)))
            try await engine.put(.putOverride(.ada, .daily, .units(90)))
            #expect(try await Self.race(engine, Array(repeating: .of(.ada), count: 200)) == 30)
            let refused = try await engine.decide("ada")
            #expect(refused.limits.map(\.ancestor) == [nil, .team, .company])
            #expect(refused.limits.map(\.used) == [30, 30, 30])
            #expect(refused.limits.map(\.allowance) == [.units(90), .units(60), .units(30)])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a refusal by one meter or level leaves all the others as they were`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(
                meters: [Meter(key: .prompts), Meter(key: .seconds)],
                limits: [
                    .limit("a", 100, per: .day), .limit("b", 5, of: .seconds, per: .lifetime),
                ])
            try await engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            #expect(try await engine.decide(.of(.ada, [.prompts: 1, .seconds: 3])).isAllowed)
            let refused = try await engine.decide(.of(.ada, [.prompts: 1, .seconds: 3]))
            #expect(refused.denial?.violated == [LimitKey(unchecked: "b")])
            #expect(
                try await engine.used(.ada) == ["a": 1, "b": 3, "a@team": 1, "b@team": 3])
            #expect(try await engine.events(of: .ada).events.count == 1)
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `consumes of one call see each other and are decided one by one`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(5)])
            let outcomes = try await engine.consume([
                .of(.ada, [.prompts: 3]), .of(.ada, [.prompts: 3]), .of(.ada, [.prompts: 2]),
                .of(.ada), .of(.bob, [.prompts: 5]),
            ])
            #expect(outcomes.map(\.code) == ["allowed", "denied", "allowed", "denied", "allowed"])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a check decides the same and changes nothing`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(5)])
            for _ in 0..<3 {
                let checked = try await engine.check(.of(.ada, [.prompts: 5]))
                #expect(checked.code == "allowed")
            }
            #expect(try await engine.check(.of(.ada, [.prompts: 6])).code == "denied")
            #expect(try await engine.used(.ada) == ["prompts_daily": 0])
            #expect(try await engine.subject(.ada) == nil)
            #expect(try await engine.events(of: .ada).events.isEmpty)
        }
    }

    /// How many of these consumes, all at once, are allowed.
    static func race(_ engine: MeterstoneEngine, _ events: [UsageEvent]) async throws -> Int {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for event in events {
                group.addTask { try await engine.decide(event).isAllowed }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
    }
}
