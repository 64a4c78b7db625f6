import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// How events become numbers: aggregations and filters, and limits on each.
@Suite struct MeteringTests {
    @Test(arguments: StoreUnderTest.allCases)
    func `a count counts events and a sum their quantities`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(
                meters: [
                    Meter(key: .prompts, aggregation: .count), Meter(key: .seconds),
                ],
                limits: [.daily(2), .limit("seconds", 100, of: .seconds, per: .day)])
            #expect(try await engine.decide(.of(.ada, [.prompts: 40, .seconds: 40])).isAllowed)
            #expect(try await engine.decide(.of(.ada, [.prompts: 0, .seconds: 60])).isAllowed)
            let refused = try await engine.decide(.of(.ada, [.prompts: 0]))
            #expect(refused.denial?.violated == [.daily])
            #expect(try await engine.used(.ada) == ["prompts_daily": 2, "seconds": 100])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a maximum is the largest quantity of its window`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(
                meters: [Meter(key: .prompts, aggregation: .max)],
                limits: [.daily(10), .limit("month", 50, per: .month)])
            #expect(try await session.engine.decide("ada", 7).isAllowed)
            #expect(try await !session.engine.decide("ada", 11).isAllowed)
            #expect(try await session.engine.decide("ada", 3).isAllowed)
            try await session.engine.count(
                .of(.ada, [.prompts: 40], at: "2026-03-09T01:00:00Z"),
                .of(.ada, [.prompts: 0], at: "2026-03-01T01:00:00Z"))
            try await session.engine.expectClean()
            #expect(try await session.engine.used(.ada) == ["prompts_daily": 7, "month": 40])
            try await session.reopen()
            #expect(try await session.engine.used(.ada) == ["prompts_daily": 7, "month": 40])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `the latest is by time of occurrence and then by order of recording`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(
                meters: [Meter(key: .prompts, aggregation: .latest)], limits: [.daily(100)])
            try await session.engine.count(
                .of(.ada, [.prompts: 5], at: "2026-03-10T10:00:00Z"),
                .of(.ada, [.prompts: 9], at: "2026-03-10T09:00:00Z"))
            #expect(try await session.engine.used(.ada) == ["prompts_daily": 5])
            try await session.reopen()
            try await session.engine.count(.of(.ada, [.prompts: 6], at: "2026-03-10T10:00:00Z"))
            try await session.engine.count(.of(.ada, [.prompts: 8], at: "2026-03-10T09:59:00Z"))
            #expect(try await session.engine.used(.ada) == ["prompts_daily": 6])
            #expect(try await !session.engine.decide("ada", 101).isAllowed)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a unique count limits distinct values and lets known ones pass`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.withSession { session in
            try await session.engine.setUp(
                meters: [
                    Meter(
                        key: .prompts, aggregation: .uniqueCount, eventTypes: ["call"],
                        uniqueDimension: "model")
                ], limits: [.daily(2)])
            func call(_ model: String) -> UsageEvent {
                .of(.ada, [:], type: "call", dimensions: ["model": model])
            }
            #expect(try await session.engine.decide(call("a")).isAllowed)
            #expect(try await session.engine.decide(call("b")).isAllowed)
            #expect(try await !session.engine.decide(call("c")).isAllowed)
            try await session.reopen()
            #expect(try await session.engine.decide(call("a")).isAllowed)
            #expect(try await !session.engine.decide(call("c")).isAllowed)
            // Without the dimension there is nothing to tell apart.
            #expect(
                try await session.engine.consume(.of(.ada, [:], type: "call")).code
                    == "nothing_to_count")
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `an alias names a meter in quantities, as a type and in questions`(
        store: StoreUnderTest
    ) async throws {
        let (ask, asked) = (MeterKey(unchecked: "ask"), MeterKey(unchecked: "asked"))
        try await store.withSession { session in
            try await session.engine.setUp(
                meters: [Meter(key: .prompts, aliases: [asked, ask], eventTypes: ["chat"])],
                limits: [.daily(9)])
            // By key, by alias, by a type that is an alias, and by both: then the key counts.
            #expect(try await session.engine.decide(.of(.ada, [.prompts: 1])).isAllowed)
            #expect(try await session.engine.decide(.of(.ada, [asked: 2])).moved == [.prompts])
            #expect(try await session.engine.decide(.of(.ada, [:], type: "asked")).isAllowed)
            #expect(
                try await session.engine.decide(.of(.ada, [.prompts: 1, ask: 50])).isAllowed)
            #expect(try await !session.engine.decide(.of(.ada, [asked: 5])).isAllowed)
            #expect(
                try await session.engine.consume(.of(.ada, [:], type: "walk")).code
                    == "nothing_to_count")
            try await session.reopen()
            #expect(try await session.engine.used(.ada) == ["prompts_daily": 5])
            guard
                case .series(let series) = try await session.engine.usage(
                    of: .ada, meter: asked, window: .day),
                case .report(let top) = try await session.engine.topSubjects(
                    of: ask, ReportQuestion())
            else {
                Issue.record("an alias is no name in questions")
                return
            }
            #expect(series.meter == .prompts && series.points.last?.quantity.units == 5)
            #expect(top.rows.map(\.quantity) == [5])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `one name means one meter`(store: StoreUnderTest) async throws {
        let alias = MeterKey(unchecked: "ask")
        try await store.with { engine, _ in
            try await engine.setUp(
                meters: [Meter(key: .prompts, aliases: [alias]), Meter(key: .seconds)], limits: [])
            for meter in [
                Meter(key: .seconds, aliases: [alias]), Meter(key: alias),
                Meter(key: .seconds, aliases: [.prompts]),
            ] {
                #expect(try await engine.put(.putMeter(meter)).code == "invalid_field")
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a quantity alongside makes an event without a type match`(
        store: StoreUnderTest
    ) async throws {
        func key(_ text: String) -> MeterKey { MeterKey(unchecked: text) }
        let (done, lengths, longest) = (key("done"), key("lengths"), key("longest"))
        func length(_ key: MeterKey, _ aggregation: Aggregation) -> Meter {
            Meter(
                key: key, aggregation: aggregation, eventTypes: ["session"],
                quantityName: .seconds, alongside: done)
        }
        try await store.withSession { session in
            try await session.engine.setUp(
                meters: [
                    Meter(key: .seconds), Meter(key: done, eventTypes: ["session"]),
                    length(lengths, .sum), length(longest, .max),
                ], limits: [])
            try await session.engine.count(
                .of(.ada, [.seconds: 300, done: 1]),
                .of(.ada, [.seconds: 90], type: "session"),
                // A conversation that goes on is no session that ended.
                .of(.ada, [.seconds: 1_000]),
                .of(.ada, [.seconds: 2_000, done: 1], type: "talk"))
            try await session.reopen()
            var totals: [String: Int64] = [:]
            for key in [MeterKey.seconds, done, lengths, longest] {
                guard
                    case .series(let series) = try await session.engine.usage(
                        of: .ada, meter: key, window: .lifetime)
                else { continue }
                totals[key.text] = series.points.last?.quantity.units
            }
            #expect(totals == ["seconds": 3_390, "done": 2, "lengths": 390, "longest": 300])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `types and dimensions and status decide what moves a meter`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.with { engine, _ in
            try await engine.setUp(
                meters: [
                    Meter(key: .prompts, eventTypes: ["prompt", "chat"]),
                    Meter(
                        key: .seconds, dimensions: ["model": ["gpt", "four"], "plan": ["x"]],
                        quantityName: .exports),
                    Meter(
                        key: MeterKey(unchecked: "failures"), aggregation: .count,
                        eventTypes: ["prompt"], countedStatuses: [.failed, .cancelled]),
                ], limits: [])
            try await engine.count(
                .of(.ada, [:], type: "prompt"),
                .of(.ada, [:], type: "chat"),
                .of(.ada, [:], type: "walk"),
                .of(.ada, [.prompts: 10], type: "walk"),
                .of(.ada, [.prompts: 10]),
                .of(.ada, [.prompts: 100], type: "prompt", status: .failed),
                .of(.ada, [:], type: "prompt", status: .cancelled),
                .of(.ada, [.exports: 7], dimensions: ["model": "gpt", "plan": "x"]),
                .of(.ada, [.exports: 7], dimensions: ["model": "gpt", "plan": "y"]),
                .of(.ada, [.exports: 7], dimensions: ["model": "gpt"]),
                .of(.ada, [.exports: 7]),
                .of(.ada, [.seconds: 5, .exports: 7], dimensions: ["model": "four", "plan": "x"]))
            #expect(try await engine.quantities(of: .ada, .prompts, per: .lifetime) == [12])
            #expect(try await engine.quantities(of: .ada, .seconds, per: .lifetime) == [12])
            let failures = MeterKey(unchecked: "failures")
            #expect(try await engine.quantities(of: .ada, failures, per: .lifetime) == [2])
            #expect(try await engine.events(of: .ada).events.count == 12)
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `one event moves every meter that its type matches`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(
                meters: [
                    Meter(key: .prompts, aggregation: .count, eventTypes: ["chat"]),
                    Meter(key: .seconds, eventTypes: ["chat"], quantityName: .seconds),
                    Meter(key: .exports, eventTypes: ["chat"], quantityName: .seconds),
                ], limits: [.daily(5)])
            #expect(try await engine.decide(.of(.ada, [.seconds: 30], type: "chat")).isAllowed)
            #expect(try await engine.quantities(of: .ada, .prompts, per: .lifetime) == [1])
            #expect(try await engine.quantities(of: .ada, .seconds, per: .lifetime) == [30])
            #expect(try await engine.quantities(of: .ada, .exports, per: .lifetime) == [30])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a limit counts only the dimensions that it names`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [
                .daily(100),
                .limit("gpt", 5, per: .day, dimensions: ["model": ["gpt", "four"]]),
            ])
            func prompts(_ count: Int64, _ model: String?) -> UsageEvent {
                .of(.ada, [.prompts: count], dimensions: model.map { ["model": $0] } ?? [:])
            }
            #expect(try await session.engine.decide(prompts(5, "gpt")).limits.count == 2)
            let other = try await session.engine.decide(prompts(50, "claude"))
            #expect(other.isAllowed && other.limits.map(\.limit) == [.daily])
            #expect(try await session.engine.decide(prompts(1, nil)).isAllowed)
            #expect(try await !session.engine.decide(prompts(1, "four")).isAllowed)
            try await session.reopen()
            #expect(try await session.engine.used(.ada) == ["gpt": 5, "prompts_daily": 56])
            try await session.engine.expectClean()
        }
    }

    // MARK: Bad input

    @Test(arguments: StoreUnderTest.allCases)
    func `what no meter knows and what moves none is rejected`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(100)])
            #expect(try await engine.consume(.of(.ada, [.seconds: 1])).code == "unknown_meter")
            #expect(
                try await engine.consume(.of(.ada, [.prompts: 1, .seconds: 1])).code
                    == "unknown_meter")
            #expect(try await engine.consume(.of(.ada, [:])).code == "nothing_to_count")
            #expect(try await engine.consume(.of(.ada, [:], type: "x")).code == "nothing_to_count")
            #expect(
                try await engine.record([.of(.ada, [.seconds: 1]), .of(.ada, [:], type: "x")])
                    .map(\.code) == ["unknown_meter", "counted"])
            #expect(try await engine.used(.ada) == ["prompts_daily": 0])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a negative quantity is rejected everywhere`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(100)])
            try await engine.count(.of(.ada, [.prompts: 5], id: "one"))
            #expect(try await engine.consume(.of(.ada, [.prompts: -1])).code == "invalid_field")
            #expect(try await engine.check(.of(.ada, [.prompts: -1])).code == "invalid_field")
            #expect(
                try await engine.record([.of(.ada, [.prompts: Int64.min])]).map(\.code)
                    == ["invalid_field"])
            #expect(try await engine.amend("one", [.prompts: -7]).code == "invalid_field")
            #expect(try await engine.used(.ada) == ["prompts_daily": 5])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a quantity with which a counter would overflow is rejected`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [
                .limit("soft", 5, per: .day, mode: .soft),
                .limit("roll", -1, per: .rolling(seconds: 60)),
            ])
            try await engine.put(.putSubject(Subject(id: .bob, parent: .team)))
            try await engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            try await engine.count(.of(.ada, [.prompts: .max - 5], id: "one"))
            #expect(try await engine.consume(.of(.ada, [.prompts: 6])).code == "quantity_overflow")
            #expect(
                try await engine.record([.of(.bob, [.prompts: 6])]).map(\.code) == [
                    "quantity_overflow"
                ])
            try await engine.count(.of(.bob, [.prompts: 5], id: "two"))
            #expect(try await engine.amend("two", [.prompts: 6]).code == "quantity_overflow")
            #expect(try await engine.used(.ada)["soft"] == .max - 5)
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `an event of before 1970 or too far ahead is rejected`(
        store: StoreUnderTest
    )
        async throws
    {
        let options = StoreUnderTest.options { $0.earlyMillisecondsMax = 60_000 }
        try await store.with(options) { engine, _ in
            try await engine.setUp(limits: [.daily(100)])
            for (instant, expected) in [
                ("1969-12-31T23:59:59.999Z", "occurred_at_out_of_range"),
                ("1970-01-01T00:00:00Z", "counted"),
                ("2026-03-10T12:01:00Z", "counted"),
                ("2026-03-10T12:01:00.001Z", "occurred_at_out_of_range"),
                ("9999-12-31T23:59:59.999Z", "occurred_at_out_of_range"),
            ] {
                let outcomes = try await engine.record([.of(.ada, at: instant)])
                #expect(outcomes.map(\.code) == [expected], "\(instant)")
            }
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `two spellings of one letter are two subjects before and after projection`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.daily(10)])
            let composed = SubjectID(unchecked: "caf\u{E9}")
            let decomposed = SubjectID(unchecked: "cafe\u{301}")
            for round in 1...3 as ClosedRange<Int64> {
                try await session.engine.count(.of(composed), .of(decomposed, [.prompts: 2]))
                #expect(try await session.engine.used(composed) == ["prompts_daily": round])
                #expect(try await session.engine.used(decomposed) == ["prompts_daily": 2 * round])
                if round == 1 {
                    try await session.engine.flush()
                } else {
                    try await session.reopen()
                }
            }
            #expect(try await session.engine.subjects(after: nil, count: 10).count == 2)
            try await session.engine.expectClean()
        }
    }
}
