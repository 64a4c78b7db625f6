import Meterstone
import MeterstoneCore
import MeterstoneStore
import Testing

/// What answers say of the meters that an event moves.
@Suite struct MovedTests {
    private static let meters = [
        Meter(key: .prompts, eventTypes: ["chat"]), Meter(key: .seconds),
        Meter(key: .exports, dimensions: ["format": ["pdf"]]),
    ]

    /// With what each moves.
    private static let events: [(event: UsageEvent, moved: [MeterKey])] = [
        (.of(.ada, id: "a"), [.prompts]),
        (.of(.ada, [.seconds: 5, .prompts: 0], id: "b", type: "chat"), [.prompts, .seconds]),
        (.of(.ada, [:], id: "c", type: "chat"), [.prompts]),
        (.of(.ada, [.exports: 1], id: "d"), []),
        (.of(.ada, [.exports: 1], id: "e", dimensions: ["format": "pdf"]), [.exports]),
        (.of(.ada, [.seconds: 1], id: "f", status: .failed), []),
    ]

    @Test(arguments: StoreUnderTest.allCases)
    func `a record says what it moves, and its repeat the same`(store: StoreUnderTest) async throws
    {
        try await store.withSession { session in
            try await session.engine.setUp(meters: Self.meters)
            let expected = Self.events.map(\.moved)
            func record() async throws -> [[MeterKey]?] {
                try await session.engine.record(Self.events.map(\.event)).map { outcome in
                    switch outcome {
                    case .counted(_, let moved, _), .duplicate(_, let moved, _): moved
                    default: nil
                    }
                }
            }
            #expect(try await record() == expected)
            #expect(try await record() == expected)
            try await session.engine.flush()
            try await session.reopen()
            #expect(try await record() == expected)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a consume that is refused moves nothing`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(meters: Self.meters, limits: [.daily(3)])
            let event = UsageEvent.of(.ada, [.prompts: 2, .seconds: 1], id: "a")
            #expect(try await engine.decide(event).moved == [.prompts, .seconds])
            #expect(try await engine.decide(event).moved == [.prompts, .seconds])
            let refused = try await engine.decide(.of(.ada, [.prompts: 2, .seconds: 1]))
            #expect(!refused.isAllowed && refused.moved == [])
            guard case .decided(let check) = try await engine.check(.of(.ada)) else {
                throw UnexpectedOutcome()
            }
            #expect(check.moved == [.prompts] && check.eventID == nil)
        }
    }
}
