import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Limits whose allowances are for some subjects, told by their keys.
@Suite struct LimitSubjectsTests {
    private static func limit(
        _ key: String, _ allowance: Int64, _ subjects: [String], per source: String? = nil
    ) -> Limit {
        var limit = Limit.limit(key, allowance, per: .lifetime)
        limit.subjects = subjects
        limit.perValue = source.map { PerValue($0, valuesMax: 1) }
        return limit
    }

    private static func event(
        _ units: Int64, id: String? = nil, levels: [String] = [], session: String? = nil
    ) -> UsageEvent {
        var event = UsageEvent.of(.ada, [.prompts: units], id: id)
        event.details = EventDetails(
            session: session, levels: levels.map { SubjectID(unchecked: $0) })
        return event
    }

    /// No limit is for the project between her and the run.
    @Test(arguments: StoreUnderTest.allCases)
    func `a repeat tells the levels that its first answer told`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [
                Self.limit("own", 100, ["ada"]), Self.limit("run", 10, ["session/*"]),
            ])
            let event = Self.event(6, id: "a", levels: ["project/x", "session/run"])
            for _ in 0..<2 {
                let decision = try await session.engine.decide(event)
                #expect(decision.limits.map(\.limit.text) == ["own", "run"])
                #expect(decision.limits.map(\.ancestor?.text) == [nil, "session/run"])
                try await session.reopen()
            }
        }
    }

    /// A run of agents: each has a budget for itself and all that it starts.
    @Test(arguments: StoreUnderTest.allCases)
    func `sessions within sessions have budgets of their own`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [
                Self.limit("own", 100, ["!session/*"]), Self.limit("run", 10, ["session/*"]),
            ])
            let first = try await session.engine.decide(
                Self.event(6, id: "a", levels: ["session/run", "session/run.1"]))
            #expect(first.limits.map(\.limit.text) == ["own", "run", "run"])
            #expect(first.limits.map(\.ancestor?.text) == [nil, "session/run", "session/run.1"])
            // The second agent has room for itself, and the run has none for it.
            let refused = try await session.engine.decide(
                Self.event(5, levels: ["session/run", "session/run.2"]))
            #expect(refused.limits.map(\.remaining) == [94, 4, 10])
            #expect(refused.denial?.violated.map(\.text) == ["run"])
            #expect(
                try await session.engine.decide(
                    Self.event(4, levels: ["session/run", "session/run.2"])
                ).isAllowed)
            #expect(try await session.engine.decide(Self.event(90)).isAllowed)
            let full = try await session.engine.decide(Self.event(1))
            #expect(full.denial?.violated.map(\.text) == ["own"])
            try await session.reopen()
            #expect(try await session.engine.used(.ada) == ["own": 100])
            let run = SubjectID(unchecked: "session/run")
            #expect(try await session.engine.used(run) == ["run": 10])
            let again = try await session.engine.decide(
                Self.event(6, id: "a", levels: ["session/run", "session/run.1"]))
            #expect(again.isDuplicate && again.limits.map(\.used.units) == [6, 6, 6])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a key that changes changes which limits are for it`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [Self.limit("limit", 10, ["user/*"])])
            #expect(try await session.engine.decide(Self.event(12, id: "a")).limits.isEmpty)
            try await session.engine.put(
                .renameSubject(.ada, to: SubjectID(unchecked: "user/ada")))
            #expect(try await session.engine.used(.ada) == ["limit": 12])
            #expect(try await !session.engine.decide(Self.event(1)).isAllowed)
            try await session.engine.put(
                .renameSubject(SubjectID(unchecked: "user/ada"), to: .ada))
            #expect(try await session.engine.decide(Self.event(1)).isAllowed)
            // Who has an override of its own is concerned.
            try await session.engine.put(
                .putOverride(.ada, LimitKey(unchecked: "limit"), .units(14)))
            #expect(try await session.engine.decide(Self.event(1)).isAllowed)
            #expect(try await !session.engine.decide(Self.event(1)).isAllowed)
            #expect(try await session.engine.used(.ada) == ["limit": 14])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `one value too many is refused only to those whom the limit is for`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [
                Self.limit("limit", 10, ["!ada"], per: "session")
            ])
            for name in ["a", "b", "c"] {
                let decision = try await session.engine.decide(Self.event(20, session: name))
                #expect(decision.isAllowed && decision.limits.isEmpty)
            }
            var other = Self.event(1, session: "a")
            other.subject = .bob
            #expect(try await session.engine.decide(other).isAllowed)
            other = Self.event(1, session: "b")
            other.subject = .bob
            #expect(try await session.engine.decide(other).limits.map(\.isBeyondValues) == [true])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `whom a limit was for is kept`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [Self.limit("limit", 10, ["ada"])])
            session.clock.set(.at("2026-03-10T12:00:00Z"))
            try await session.engine.put(.putLimit(Self.limit("limit", 10, ["!ada"])))
            var late = Self.event(11, id: "a")
            late.occurredAt = .at("2026-03-10T11:00:00Z")
            #expect(try await !session.engine.decide(late).isAllowed)
            #expect(try await session.engine.decide(Self.event(11, id: "a")).isAllowed)
        }
    }

    @Test func `patterns are checked`() async throws {
        try await StoreUnderTest.memory.with { engine, _ in
            try await engine.setUp(limits: [])
            for (patterns, code) in [
                (["a*", "!ab*"], "created"), ([""], "invalid_field"), (["!"], "invalid_field"),
                (Array(repeating: "a", count: 51), "invalid_field"),
            ] {
                let change = Change.putLimit(Self.limit("limit", 1, patterns))
                #expect(try await engine.put(change).code == code, "\(patterns)")
            }
        }
    }
}
