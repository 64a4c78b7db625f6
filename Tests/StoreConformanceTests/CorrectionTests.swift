import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Promise 8: corrections are new facts, and every number follows them.
@Suite struct CorrectionTests {
    static let aggregations: [(Aggregation, [Int64])] = [
        // What ten, thirty and twenty come to; without the second; with twenty-five in its place.
        (.sum, [60, 30, 55]), (.count, [3, 2, 3]), (.max, [30, 20, 25]), (.latest, [20, 20, 20]),
        (.uniqueCount, [2, 1, 1]),
    ]

    @Test(arguments: StoreUnderTest.allCases)
    func `an amendment of quantities alone leaves what else the event told`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(
                meters: [Meter(key: .prompts, dimensions: ["model": ["a"]])],
                limits: [.daily(100)])
            try await engine.count(.of(.ada, [.prompts: 5], id: "e", dimensions: ["model": "a"]))
            #expect(try await engine.amend("e", [.prompts: 7]).code == "corrected")
            #expect(try await engine.used(.ada)["prompts_daily"] == 7)
            let event = try #require(try await engine.events(of: .ada).events.first)
            #expect(event.event.details?.dimensions == [Dimension(name: "model", value: "a")])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases, aggregations)
    func `every aggregation follows a void and an amendment`(
        store: StoreUnderTest, expected: (aggregation: Aggregation, used: [Int64])
    ) async throws {
        for step in 0..<3 {
            try await store.withSession { session in
                try await session.engine.setUp(
                    meters: [
                        Meter(
                            key: .prompts, aggregation: expected.aggregation,
                            uniqueDimension: "model")
                    ], limits: [.daily(1_000)])
                try await session.engine.put(.putSubject(Subject(id: .ada, parent: .team)))
                for (index, units) in [Int64(10), 30, 20].enumerated() {
                    try await session.engine.count(
                        .of(
                            .ada, [.prompts: units], id: "e\(index)",
                            dimensions: ["model": index == 1 ? "b" : "a"]))
                }
                func expect(_ value: Int64) async throws {
                    let used = try await session.engine.used(.ada)
                    #expect(used == ["prompts_daily": value, "prompts_daily@team": value])
                    #expect(
                        try await session.engine.quantities(of: .team, per: .month).last == value)
                }
                try await expect(expected.used[0])
                if step == 1 { try await session.engine.flush() }
                if step == 2 { try await session.reopen() }
                let details = EventDetails(dimensions: [Dimension(name: "model", value: "a")])
                #expect(
                    try await session.engine.amend("e1", [.prompts: 25], details: details).code
                        == "corrected")
                try await expect(expected.used[2])
                #expect(
                    try await session.engine.amend("e1", [.prompts: 25], details: details).code
                        == "unchanged")
                #expect(try await session.engine.void("e1").code == "corrected")
                try await expect(expected.used[1])
                #expect(try await session.engine.void("e1").code == "unchanged")
                #expect(
                    try await session.engine.amend("e1", [.prompts: 1]).code == "already_voided")
                try await session.reopen()
                try await expect(expected.used[1])
                try await session.engine.expectClean()
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `voiding makes room under a limit also under one that rolls`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [
                .daily(10), .limit("roll", 10, per: .rolling(seconds: 3_600)),
            ])
            #expect(try await session.engine.decide("ada", 10, id: "one").isAllowed)
            #expect(try await !session.engine.decide("ada").isAllowed)
            #expect(try await session.engine.amend("one", [.prompts: 8]).code == "corrected")
            #expect(try await session.engine.decide("ada", 2, id: "two").isAllowed)
            #expect(try await !session.engine.decide("ada").isAllowed)
            try await session.reopen()
            #expect(try await session.engine.void("one").code == "corrected")
            #expect(try await session.engine.used(.ada) == ["prompts_daily": 2, "roll": 2])
            #expect(try await session.engine.decide("ada", 8).isAllowed)
            #expect(try await !session.engine.decide("ada").isAllowed)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `corrections say who and why and stand in the list of events`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.daily(10)])
            try await session.engine.count(.of(.ada, [.prompts: 4], id: "one", source: "shop"))
            session.clock.advance(bySeconds: 60)
            let amendment = Correction(
                eventID: .text("one"), source: "shop", kind: .amend(.one(.prompts, 3), nil),
                author: "grace", reason: "counted double")
            #expect(try await session.engine.correct(amendment).code == "corrected")
            #expect(try await session.engine.void("one").code == "unknown_event")
            #expect(try await session.engine.void("one", source: "shop").code == "corrected")
            for step in 0..<2 {
                if step == 1 { try await session.reopen() }
                let events = try await session.engine.events(of: .ada).events
                #expect(events.count == 1)
                let event = try #require(events.first)
                #expect(event.isVoided)
                #expect(event.event.quantities == .one(.prompts, 3))
                #expect(event.event.details?.source == "shop")
                #expect(event.corrections.map(\.kind) == [.amend, .void])
                #expect(event.corrections.map(\.author) == ["grace", "grace"])
                #expect(event.corrections.map(\.reason) == ["counted double", "a mistake"])
                #expect(
                    event.corrections.map(\.recordedAt) == [session.clock.now, session.clock.now])
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what cannot be corrected is rejected`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(10)])
            try await engine.count(.of(.ada, [.prompts: 4], id: "one"))
            #expect(try await engine.void("two").code == "unknown_event")
            #expect(try await engine.amend("one", [.seconds: 4]).code == "unknown_meter")
            #expect(try await engine.used(.ada) == ["prompts_daily": 4])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a correction reaches the teams that the event counted for`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.limit("ever", 100, per: .lifetime)])
            try await session.engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            try await session.engine.count(.of(.ada, [.prompts: 4], id: "one"))
            try await session.engine.put(.putSubject(Subject(id: .ada, parent: .company)))
            try await session.engine.count(.of(.ada, [.prompts: 5], id: "two"))
            try await session.reopen()
            #expect(try await session.engine.used(.team) == ["ever": 4])
            #expect(try await session.engine.used(.company) == ["ever": 5])
            #expect(try await session.engine.void("one").code == "corrected")
            #expect(try await session.engine.used(.team) == ["ever": 0])
            #expect(try await session.engine.used(.company) == ["ever": 5])
            #expect(try await session.engine.used(.ada) == ["ever": 5, "ever@company": 5])
            try await session.engine.expectClean()
        }
    }
}
