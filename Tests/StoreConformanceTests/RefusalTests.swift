import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Promise 4: a refusal changes nothing and says what would help.
@Suite struct RefusalTests {
    /// Details that are out of bounds, each with the field that is at fault.
    static let unbounded: [(field: String, details: EventDetails)] = [
        ("durationMs", EventDetails(durationMilliseconds: -5)),
        ("costMillionths", EventDetails(cost: Money(millionths: -1))),
        ("source", EventDetails(source: "")), ("type", EventDetails(type: "a\nb")),
        ("subtype", EventDetails(subtype: "\u{1B}[2J")),
        ("project", EventDetails(project: String(repeating: "p", count: 256))),
        ("scene", EventDetails(scene: "\u{7F}")), ("session", EventDetails(session: "\0")),
        ("errorMessage", EventDetails(errorMessage: String(repeating: "e", count: 4_097))),
        ("dimensions", EventDetails(dimensions: [Dimension(name: "", value: "x")])),
        ("dimensions.a", EventDetails(dimensions: [Dimension(name: "a", value: "\t")])),
    ]

    @Test(arguments: StoreUnderTest.allCases)
    func `parts of an event have the same bounds at every door`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(100)])
            try await engine.count(.of(.ada, id: "known"))
            for (field, details) in Self.unbounded {
                let event = UsageEvent(
                    subject: .ada, quantities: .one(.prompts, 1), details: details)
                var codes: [String] = []
                func note(_ rejection: Rejection) {
                    codes.append("\(rejection.code.rawValue) \(rejection.field)")
                }
                if case .rejected(let why) = try await engine.consume(event) { note(why) }
                if case .rejected(let why) = try await engine.check(event) { note(why) }
                if case .rejected(let why) = try await engine.record([event])[0] { note(why) }
                let reserved = try await engine.reserve(event, ReservationTerms())
                if case .rejected(let why) = reserved { note(why) }
                let amended = try await engine.amend("known", [.prompts: 2], details: details)
                if case .rejected(let why) = amended { note(why) }
                #expect(codes == Array(repeating: "invalid_field \(field)", count: 5))
            }
            #expect(try await engine.used(.ada) == ["prompts_daily": 1])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a refusal names the limit and when to come back`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(3), .limit("hourly", 2, per: .hour)])
            _ = try await engine.decide("ada", 2)
            let refused = try await engine.decide("ada", 2)
            #expect(
                refused.denial?.violated == [LimitKey(unchecked: "hourly"), .daily])
            #expect(refused.denial?.retryAt == .at("2026-03-11T00:00:00Z"))
            #expect(refused.limits.map(\.used) == [2, 2])
            #expect(refused.limits.map(\.remaining) == [0, 1])
            #expect(refused.eventID == nil)
            let smaller = try await engine.decide("ada", 1)
            #expect(smaller.denial?.retryAt == .at("2026-03-10T13:00:00Z"))
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `time does not help when the quantity never fits or the limit never resets`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(3), .limit("ever", 5, per: .lifetime)])
            #expect(try await engine.decide("ada", 4).denial?.retryAt == nil)
            _ = try await engine.decide("ada", 3, at: .at("2026-03-01T00:00:00Z"))
            #expect(try await engine.decide("ada", 3).denial?.retryAt == nil)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a rolling limit counts what is told for later, and what will be allowed`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(limits: [.limit("hour", 2, per: .rolling(seconds: 3_600))])
            func waits(
                _ units: Quantity, _ expected: String, _ location: SourceLocation = #_sourceLocation
            ) async throws {
                let denial = try #require(try await engine.decide("ada", units).denial)
                #expect(denial.retryAt == .at("2026-03-\(expected)Z"), sourceLocation: location)
            }
            for told in ["10T11:20:00Z", "10T12:00:00Z", "10T18:00:00Z"] {
                try await engine.count(.of(.ada, [.prompts: 1], at: "2026-03-\(told)"))
            }
            // The first leaves at 12:20; what is told for six is another hour.
            try await waits(1, "10T12:20:00")
            try await waits(2, "10T13:00:00")
            clock.set(.at("2026-03-10T17:10:00Z"))
            try await engine.count(.of(.ada, [.prompts: 1]))
            try await waits(1, "10T18:10:00")
            try await waits(2, "10T19:00:00")
            let boost = Addition(
                id: AdditionID(unchecked: "boost"),
                .limit(LimitKey(unchecked: "hour"), .add(2)), from: .at("2026-03-10T18:30:00Z"))
            #expect(try await engine.put(.putAddition(.ada, boost)) == .created)
            try await waits(2, "10T18:30:00")
            try await waits(4, "10T19:00:00")
            // What is allowed today says nothing of the time after a change.
            let less = Addition(
                id: AdditionID(unchecked: "less"),
                .limit(LimitKey(unchecked: "hour"), .add(-1)), from: .at("2026-03-10T18:20:00Z"))
            #expect(try await engine.put(.putAddition(.ada, less)) == .created)
            try await waits(1, "10T18:10:00")
            try await waits(2, "10T18:30:00")
            try await waits(3, "10T19:00:00")
            #expect(try await engine.decide("ada", 4).denial?.retryAt == nil)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a rolling limit says when the oldest usage has left`(store: StoreUnderTest) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(limits: [.limit("minute", 3, per: .rolling(seconds: 60))])
            _ = try await engine.decide("ada", 1)
            clock.advance(bySeconds: 10)
            _ = try await engine.decide("ada", 2)
            clock.advance(bySeconds: 10)
            let one = try await engine.decide("ada", 1)
            #expect(one.denial?.retryAt == .at("2026-03-10T12:01:00Z"))
            #expect(
                try await engine.decide("ada", 2).denial?.retryAt == .at("2026-03-10T12:01:10Z"))
            #expect(try await engine.decide("ada", 4).denial?.retryAt == nil)
            clock.set(.at("2026-03-10T12:00:59.999Z"))
            #expect(try await !engine.decide("ada", 1).isAllowed)
            clock.set(.at("2026-03-10T12:01:00Z"))
            #expect(try await engine.decide("ada", 1).isAllowed)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a maximum that is too large fits no later window either`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.with { engine, _ in
            let meter = Meter(key: .seconds, aggregation: .max)
            try await engine.setUp(
                meters: [meter], limits: [.limit("longest", 97, of: .seconds, per: .day)])
            #expect(try await engine.decide(.of(.ada, [.seconds: 5])).isAllowed)
            let refused = try await engine.decide(.of(.ada, [.seconds: 100]))
            #expect(!refused.isAllowed && refused.denial?.retryAt == nil)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a refusal names the plans under which all limits would allow`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.with { engine, _ in
            var daily = Limit.daily(1)
            daily.allowances = [.free: .units(1), .pro: .units(10), .big: .unlimited]
            var monthly = Limit.limit("monthly", 5, per: .month)
            monthly.allowances = [.pro: .units(3), .big: .units(100)]
            try await engine.setUp(
                plans: [
                    Plan(key: .big, rank: 3), Plan(key: .pro, rank: 2),
                    Plan(key: .free, rank: 1, isDefault: true),
                ], limits: [daily, monthly])
            #expect(try await engine.decide("ada", 2).denial?.plansThatAllow == [.pro, .big])
            // Under pro the monthly limit would refuse it.
            #expect(try await engine.decide("ada", 4).denial?.plansThatAllow == [.big])
            #expect(try await engine.decide("ada", 101).denial?.plansThatAllow == [])
            try await engine.put(.putOverride(.ada, .daily, .units(1)))
            #expect(try await engine.decide("ada", 2).denial?.plansThatAllow == [])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a refusal leaves no trace`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(1)])
            #expect(try await !engine.decide("ada", 2, id: "one").isAllowed)
            #expect(try await engine.subject(.ada) == nil)
            #expect(try await engine.events(of: .ada).events.isEmpty)
            #expect(try await engine.used(.ada) == ["prompts_daily": 0])
            try await engine.expectClean()
        }
    }
}
