import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Limits that count each value of a dimension, each session or each project by itself.
@Suite struct PerValueTests {
    @Test(arguments: StoreUnderTest.allCases)
    func `each value has an allowance of its own, and patterns say which`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(
                plans: [Plan(key: .free, isDefault: true), Plan(key: .pro, rank: 1)],
                limits: [
                    .perModel(
                        10,
                        values: [
                            "gpt-5*": ValueAllowance(.units(3)),
                            "gpt-5-mini": ValueAllowance(.units(5)),
                            "o3": ValueAllowance(
                                nil, allowances: [.free: .units(0), .pro: .units(2)]),
                        ])
                ])
            // A value, its allowance, and whether one more than it is refused.
            for (model, allowance) in [
                ("claude", Int64(10)), ("gpt-5", 3), ("gpt-5-mini", 5), ("gpt-5-nano", 3),
                ("o3", 0),
            ] {
                if allowance > 0 {
                    let last = try await session.engine.decide(.use(model, allowance))
                    #expect(last.isAllowed)
                    #expect(last.limits.map(\.value) == [model])
                    #expect(last.limits.map(\.used.units) == [allowance])
                    #expect(last.limits.map(\.remaining) == [0])
                }
                let refused = try await session.engine.decide(.use(model, 1))
                #expect(refused.denial?.violated == [.models], "\(model)")
                #expect(refused.limits.map(\.used.units) == [allowance])
            }
            let denial = try await session.engine.decide(.use("o3", 2)).denial
            #expect(denial?.plansThatAllow == [.pro])
            // What tells no model is not limited.
            #expect(try await session.engine.decide(.of(.ada, [.prompts: 100])).limits.isEmpty)
            try await session.reopen()
            #expect(
                try await session.engine.usedByValue() == [
                    "claude": 10, "gpt-5": 3, "gpt-5-mini": 5, "gpt-5-nano": 3, "*": 0,
                ])
            try await session.engine.put(.putOverride(.ada, .models, .units(20)))
            let overridden = try await session.engine.decide(.use("gpt-5", 17))
            #expect(overridden.isAllowed)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what is one value too many is refused, and says so`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.perModel(10, valuesMax: 2)])
            session.clock.set(.at("2026-03-10T12:00:00Z"))
            #expect(try await session.engine.decide(.use("a", 1, id: "1")).isAllowed)
            #expect(try await session.engine.decide(.use("b", 1)).isAllowed)
            let refused = try await session.engine.decide(.use("c", 1))
            #expect(refused.denial?.violated == [.models])
            // A new day has room for other values.
            #expect(refused.denial?.retryAt == .at("2026-03-11T00:00:00Z"))
            #expect(refused.denial?.plansThatAllow == [])
            #expect(refused.limits.map(\.isBeyondValues) == [true])
            #expect(refused.limits.map(\.allowance) == [.units(0)])
            #expect(try await session.engine.decide(.use("a", 9)).isAllowed)
            // What is taken back makes room.
            #expect(try await session.engine.void("1") == .corrected)
            #expect(try await !session.engine.decide(.use("c", 1)).isAllowed)
            session.clock.set(.at("2026-03-11T00:00:00Z"))
            #expect(try await session.engine.decide(.use("c", 1)).isAllowed)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `values that share a counter share what is allowed`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [
                .perModel(50, values: ["z*": 5_000], valuesMax: 1, beyond: .together)
            ])
            #expect(try await session.engine.decide(.use("a", 40, id: "1")).isAllowed)
            #expect(try await !session.engine.decide(.use("z1", 51, id: "2")).isAllowed)
            let decision = try await session.engine.decide(.use("z1", 50, id: "3"))
            #expect(decision.isAllowed && decision.limits.map(\.allowance) == [.units(50)])
            let limits = try await session.engine.limits(of: .ada)
            #expect(limits.map(\.allowance.wire) == [50, 50] && limits.map(\.used) == [40, 50])
            // What has a counter of its own has an allowance of its own.
            #expect(try await session.engine.void("1") == .corrected)
            #expect(try await session.engine.decide(.use("z1", 4_950, id: "4")).isAllowed)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `all values count anew from a reset`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [
                .perModel(10, valuesMax: 2, beyond: .together)
            ])
            let noon = Instant.at("2026-03-10T12:00:00Z")
            session.clock.set(noon)
            for (model, units) in [("a", Int64(7)), ("b", 8), ("c", 9)] {
                _ = try await session.engine.decide(.use(model, units, id: "old \(model)"))
            }
            session.clock.set(.at("2026-03-10T13:00:00Z"))
            #expect(
                try await session.engine.put(.resetLimit(.ada, .models, reason: "sorry"))
                    == .created)
            #expect(try await session.engine.usedByValue() == ["*": 0])
            for (model, units) in [("b", Int64(10)), ("c", 4), ("d", 3), ("e", 2)] {
                #expect(
                    try await session.engine.decide(.use(model, units, id: model)).isAllowed,
                    "\(model)")
            }
            let anew = ["b": Int64(10), "c": 4, "*": 5]
            #expect(try await session.engine.usedByValue() == anew)
            try await session.reopen()
            #expect(try await session.engine.usedByValue() == anew)
            // What is late counts with what was before.
            #expect(
                try await session.engine.decide(
                    .of(
                        .ada, [.prompts: 3], id: "late", at: noon.rfc3339,
                        dimensions: ["model": "a"])
                ).limits.map(\.used) == [10])
            #expect(try await session.engine.usedByValue() == anew)
            // The counter that becomes free goes to the next value.
            #expect(try await session.engine.void("b") == .corrected)
            #expect(try await session.engine.usedByValue() == ["c": 4, "d": 3, "*": 2])
            #expect(
                try await session.engine.amend("c", [.prompts: 4], details: .model("f"))
                    == .corrected)
            #expect(try await session.engine.usedByValue() == ["d": 3, "e": 2, "*": 4])
            #expect(try await session.engine.void("old a") == .corrected)
            #expect(try await session.engine.usedByValue() == ["d": 3, "e": 2, "*": 4])
            #expect(try await session.engine.quantities(of: .ada, per: .day).last == 29)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `further values share a counter, whatever order they came in`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [
                .perModel(10, valuesMax: 2, beyond: .together)
            ])
            // In the order of the alphabet a and b have counters of their own.
            for (model, units) in [("d", Int64(4)), ("b", 1), ("c", 5), ("a", 2)] {
                let decision = try await session.engine.decide(.use(model, units, id: model))
                #expect(decision.isAllowed, "\(model)")
            }
            #expect(try await session.engine.usedByValue() == ["a": 2, "b": 1, "*": 9])
            #expect(try await session.engine.decide(.use("e", 1)).limits.map(\.used) == [10])
            #expect(try await !session.engine.decide(.use("c", 1)).isAllowed)
            #expect(try await session.engine.decide(.use("b", 9)).isAllowed)
            // A place that becomes free goes to the next, with all that it used.
            #expect(try await session.engine.void("a") == .corrected)
            #expect(try await session.engine.usedByValue() == ["b": 10, "c": 5, "*": 5])
            try await session.reopen()
            #expect(try await session.engine.void("d") == .corrected)
            #expect(try await session.engine.usedByValue() == ["b": 10, "c": 5, "*": 1])
            #expect(
                try await session.engine.amend(
                    "c", [.prompts: 6], details: .model("f")) == .corrected)
            #expect(try await session.engine.usedByValue() == ["b": 10, "e": 1, "*": 6])
            try await session.engine.expectClean()
            _ = try await session.engine.rebuild()
            #expect(try await session.engine.usedByValue() == ["b": 10, "e": 1, "*": 6])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `corrections, late events and teams count for the value that they name`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.perModel(10)])
            try await session.engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            session.clock.set(.at("2026-03-10T12:00:00Z"))
            #expect(try await session.engine.decide(.use("a", 6, id: "1")).isAllowed)
            #expect(try await session.engine.decide(.use("b", 6, id: "2")).isAllowed)
            let bob = UsageEvent.of(.bob, [.prompts: 6], dimensions: ["model": "a"])
            try await session.engine.put(.putSubject(Subject(id: .bob, parent: .team)))
            let refused = try await session.engine.decide(bob)
            #expect(refused.denial?.violated == [.models])
            #expect(refused.limits.map(\.ancestor) == [nil, .team])
            #expect(
                try await session.engine.amend("2", [.prompts: 1], details: .model("a"))
                    == .corrected)
            #expect(
                try await session.engine.used(.ada, valuesOf: .models)
                    == ["a": 7, "*": 0, "a@team": 7, "*@team": 0])
            // Yesterday is a window of its own.
            try await session.engine.count(
                .of(.ada, [.prompts: 50], at: "2026-03-09T23:00:00Z", dimensions: ["model": "a"]))
            #expect(try await session.engine.usedByValue()["a"] == 7)
            let late = UsageEvent.of(
                .ada, [.prompts: 1], at: "2026-03-09T01:00:00Z", dimensions: ["model": "a"])
            #expect(try await !session.engine.decide(late).isAllowed)
            // Another zone takes over where the day ends, and leaves the days that there were.
            try await session.engine.put(
                .putSubject(Subject(id: .ada, timeZone: "Asia/Kathmandu", parent: .team)))
            #expect(try await session.engine.usedByValue()["a"] == 7)
            #expect(try await session.engine.void("1") == .corrected)
            #expect(try await session.engine.usedByValue()["a"] == 1)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a reservation holds the units of its value until it is closed`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [
                .perModel(10),
                Limit(
                    key: LimitKey(unchecked: "open"), meter: .prompts, window: .concurrent,
                    defaultAllowance: .units(8), perValue: PerValue("model", valuesMax: 2)),
            ])
            let terms = ReservationTerms(milliseconds: 60_000)
            func reserve(_ model: String, _ units: Int64, _ id: String) async throws -> Bool {
                let outcome = try await session.engine.reserve(
                    .use(model, units, id: id), terms)
                guard case .decided(let decision, _) = outcome else { return false }
                return decision.isAllowed
            }
            #expect(try await reserve("a", 8, "r1"))
            #expect(try await !reserve("a", 1, "r2"))
            #expect(try await reserve("b", 8, "r3"))
            // Two values are open at a time.
            #expect(try await !reserve("c", 1, "r4"))
            let settled = try await session.engine.settle(
                try #require(EventID("r1")), .one(.prompts, 2))
            guard case .done(let answer) = settled else {
                Issue.record("\(settled)")
                return
            }
            #expect(answer.limits.map(\.value) == ["a", "a"])
            #expect(answer.limits.map(\.used.units) == [2, 0])
            #expect(try await reserve("c", 8, "r4"))
            #expect(
                try await session.engine.used(.ada, valuesOf: .models)
                    == ["a": 2, "b": 8, "c": 8, "*": 0])
            try await session.reopen()
            session.clock.advance(bySeconds: 60)
            #expect(try await session.engine.used(.ada, valuesOf: .models) == ["a": 2, "*": 0])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a window that rolls tells values apart, and forgets those that left it`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [
                Limit(
                    key: .models, meter: .prompts, window: .rolling(seconds: 60),
                    defaultAllowance: .units(3), perValue: PerValue("session", valuesMax: 2))
            ])
            func decide(_ name: String, at seconds: Int64) async throws -> Decision {
                session.clock.set(
                    Instant.at("2026-03-10T12:00:00Z").advanced(byMilliseconds: seconds * 1_000))
                return try await session.engine.decide(
                    UsageEvent(
                        subject: .ada, quantities: .one(.prompts, 3),
                        details: EventDetails(session: name)))
            }
            #expect(try await decide("s1", at: 0).isAllowed)
            #expect(try await decide("s2", at: 20).isAllowed)
            #expect(
                try await decide("s1", at: 30).denial?.retryAt == .at("2026-03-10T12:01:00Z"))
            let third = try await decide("s3", at: 40)
            #expect(third.limits.map(\.isBeyondValues) == [true])
            #expect(third.denial?.retryAt == .at("2026-03-10T12:01:00Z"))
            try await session.reopen()
            #expect(try await decide("s3", at: 60).isAllowed)
            #expect(
                try await session.engine.used(.ada, valuesOf: .models) == [
                    "s2": 3, "s3": 3, "*": 0,
                ])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a shadow limit counts what it would have refused by value`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            var limit = Limit.perModel(1, valuesMax: 2)
            limit.mode = .shadow
            try await session.engine.setUp(limits: [limit])
            for (model, refused) in [("a", Int64(0)), ("b", 0), ("a", 1), ("a", 2), ("b", 1)] {
                let decision = try await session.engine.decide(.use(model, 1))
                #expect(decision.isAllowed)
                #expect(decision.limits.map(\.wouldHaveDenied) == [refused], "\(model)")
            }
            let id = "further"
            let further = try await session.engine.decide(.use("0", 1, id: id))
            #expect(further.isAllowed)
            #expect(further.limits.map(\.isBeyondValues) == [true])
            try await session.reopen()
            let again = try await session.engine.decide(.use("0", 1, id: id))
            #expect(again.isDuplicate)
            #expect(again.limits.map(\.isBeyondValues) == [true])
            #expect(again.limits.map(\.value) == ["0"])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a limit per value that comes later counts what was used before`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp()
            for index in 0..<30 {
                try await engine.count(.use("m\(index % 3)", Int64(index % 3 + 1)))
            }
            try await engine.put(.putLimit(.perModel(100, valuesMax: 2, beyond: .together)))
            #expect(try await engine.usedByValue() == ["m0": 10, "m1": 20, "*": 30])
            try await engine.put(.putLimit(.perModel(100, valuesMax: 3)))
            #expect(try await engine.usedByValue() == ["m0": 10, "m1": 20, "m2": 30, "*": 0])
            try await engine.expectClean()
        }
    }

    static let mistakes: [(Limit, String)] = [
        (.perModel(1, valuesMax: 0), "valuesMax"), (.perModel(1, valuesMax: 10_001), "valuesMax"),
        (
            Limit(
                key: .models, meter: .prompts, window: .rolling(seconds: 60),
                perValue: PerValue("model", beyond: .together)), "beyondValues"
        ),
        (Limit(key: .models, meter: .prompts, window: .day, perValue: PerValue("")), "per"),
        (Limit(key: .models, meter: .exports, window: .day, perValue: PerValue("model")), "per"),
        (.perModel(1, values: ["": 1]), "values"),
    ]

    @Test(arguments: StoreUnderTest.allCases)
    func `a limit per value that cannot be counted is rejected`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(meters: [
                Meter(key: .prompts), Meter(key: .exports, aggregation: .max),
            ])
            for (limit, field) in Self.mistakes {
                guard case .rejected(let rejection) = try await engine.put(.putLimit(limit)) else {
                    Issue.record("expected a rejection of \(field)")
                    continue
                }
                #expect(rejection.field == field)
            }
            try await engine.put(.putLimit(.perModel(1)))
            let meter = Meter(key: .prompts, aggregation: .latest)
            #expect(try await engine.put(.putMeter(meter)).code == "invalid_field")
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a past is played again under a limit per value`(store: StoreUnderTest) async throws {
        try await store.with { engine, clock in
            clock.set(.at("2026-03-10T12:00:00Z"))
            try await engine.setUp()
            let text = String(repeating: "x", count: 300)
            for (model, units) in [("a", Int64(4)), ("b", 4), ("a", 4), ("c", 1), ("b", 1)] {
                try await engine.count(
                    UsageEvent(
                        subject: .ada, quantities: .one(.prompts, Quantity(units)),
                        details: EventDetails(
                            session: model, dimensions: [Dimension(name: "model", value: model)],
                            properties: "{\"text\":\"\(text)\"}")))
            }
            for (name, refused) in [("model", 2), ("session", 2), ("project", 0)] {
                var limit = Limit.perModel(7, valuesMax: 2)
                limit.perValue?.name = name
                let outcome = try await engine.whatIf(WhatIfQuestion(limits: [limit]))
                guard case .answered(let answer) = outcome else {
                    Issue.record("\(outcome)")
                    continue
                }
                #expect(answer.refused == refused, "\(name)")
                #expect(answer.events == 5)
            }
        }
    }
}

extension LimitKey {
    static let models = LimitKey(unchecked: "models")
}

extension Limit {
    static func perModel(
        _ allowance: Int64, values: [String: Int64] = [:], valuesMax: Int = 1_000,
        beyond: BeyondValues = .refuse
    ) -> Limit {
        perModel(
            allowance, values: values.mapValues { ValueAllowance(Allowance(wire: $0)) },
            valuesMax: valuesMax, beyond: beyond)
    }

    static func perModel(
        _ allowance: Int64, values: [String: ValueAllowance],
        valuesMax: Int = 1_000, beyond: BeyondValues = .refuse
    ) -> Limit {
        Limit(
            key: .models, meter: .prompts, window: .day,
            defaultAllowance: Allowance(wire: allowance),
            perValue: PerValue(
                "model", allowances: values, valuesMax: valuesMax,
                beyond: beyond))
    }
}

extension EventDetails {
    fileprivate static func model(_ name: String) -> EventDetails {
        EventDetails(dimensions: [Dimension(name: "model", value: name)])
    }
}

extension UsageEvent {
    fileprivate static func use(_ model: String, _ units: Int64, id: String? = nil) -> UsageEvent {
        .of(.ada, [.prompts: units], id: id, dimensions: ["model": model])
    }
}

extension MeterstoneEngine {
    fileprivate func usedByValue() async throws -> [String: Int64] {
        try await used(.ada, valuesOf: .models)
    }

    /// What each value has used; a team's under `value@team`.
    fileprivate func used(
        _ subject: SubjectID, valuesOf limit: LimitKey
    ) async throws -> [String: Int64] {
        var result: [String: Int64] = [:]
        for status in try await limits(of: subject) where status.limit == limit {
            let level = status.ancestor.map { "@\($0)" } ?? ""
            result["\(status.value ?? "?")\(level)"] = status.used.units
        }
        return result
    }
}
