import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Limits that count anew because somebody said so, while usage and reports stay.
@Suite struct LimitResetTests {
    private static let limit = LimitKey(unchecked: "limit")

    private func reset(
        _ engine: MeterstoneEngine, _ subject: SubjectID = .ada, key: String? = nil
    ) async throws -> ChangeOutcome {
        try await engine.put(.resetLimit(subject, Self.limit, reason: "sorry"), key: key)
    }

    private func used(_ engine: MeterstoneEngine) async throws -> Int64? {
        try await engine.used(.ada)["limit"]
    }

    /// How much more may be used at an instant.
    private func expect(
        _ engine: MeterstoneEngine, left: Int64, at instant: String,
        _ location: SourceLocation = #_sourceLocation
    ) async throws {
        for (units, expected) in [(left, "allowed"), (left + 1, "denied")] {
            let outcome = try await engine.check(.of(.ada, [.prompts: units], at: instant))
            #expect(
                outcome.code == expected, "\(units) at \(instant)", sourceLocation: location)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a month counts anew from a reset, and reports do not`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.limit("limit", 100, per: .month)])
            session.clock.set(.at("2026-03-05T00:00:00Z"))
            _ = try await session.engine.decide("ada", 60, id: "a")
            session.clock.set(.at("2026-03-10T12:00:00Z"))
            #expect(try await reset(session.engine) == .created)
            #expect(try await used(session.engine) == 0)
            let status = try #require(try await session.engine.limits(of: .ada).first)
            #expect(status.resetsAt == .at("2026-04-01T00:00:00Z") && status.remaining == 100)
            session.clock.set(.at("2026-03-11T00:00:00Z"))
            #expect(try await session.engine.decide("ada", 100, id: "b").isAllowed)
            let refused = try await session.engine.decide("ada", 1)
            #expect(refused.denial?.retryAt == .at("2026-04-01T00:00:00Z"))
            #expect(try await session.engine.quantities(of: .ada, per: .month).last == 160)
            try await session.reopen()
            #expect(try await used(session.engine) == 100)
            // What comes late counts with what was before, and changes nothing since.
            try await expect(session.engine, left: 40, at: "2026-03-09T00:00:00Z")
            let late = try await session.engine.decide(
                "ada", 40, id: "c", at: .at("2026-03-09T00:00:00Z"))
            #expect(late.isAllowed && late.limits.map(\.used) == [100])
            #expect(try await used(session.engine) == 100)
            // A refusal of what is past is no matter of time.
            let past = try await session.engine.decide(
                "ada", 1, at: .at("2026-03-09T00:00:00Z"))
            #expect(past.denial?.retryAt == nil)
            #expect(try await session.engine.void("a") == .corrected)
            #expect(try await used(session.engine) == 100)
            try await expect(session.engine, left: 60, at: "2026-03-09T00:00:00Z")
            #expect(try await session.engine.amend("b", [.prompts: 30]) == .corrected)
            #expect(try await used(session.engine) == 30)
            try await session.reopen()
            #expect(try await used(session.engine) == 30)
            try await expect(session.engine, left: 60, at: "2026-03-09T00:00:00Z")
            try await session.engine.expectClean()
            _ = try await session.engine.rebuild()
            try await session.engine.expectClean()
            #expect(try await used(session.engine) == 30)
            session.clock.set(.at("2026-04-01T00:00:00Z"))
            #expect(try await used(session.engine) == 0)
        }
    }

    static let windows: [Window] = [
        .minute, .hour, .day, .week(startsOn: .monday), .month, .quarter, .year, .lifetime,
        .billingMonth, .rolling(seconds: 60), .sinceFirst(seconds: 60),
    ]

    @Test(arguments: windows, StoreUnderTest.allCases)
    func `what is recorded in the millisecond of a reset is told by its place`(
        window: Window, store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.limit("limit", 10, per: window)])
            for round in 0..<3 {
                #expect(try await session.engine.decide("ada", 7, id: "a\(round)").isAllowed)
                #expect(try await session.engine.decide("ada", 3, id: "b\(round)").isAllowed)
                #expect(try await !session.engine.decide("ada", 1).isAllowed)
                #expect(try await session.engine.void("b\(round)") == .corrected)
                #expect(try await used(session.engine) == 7)
                if round == 1 { try await session.reopen() }
                #expect(try await reset(session.engine) == .created)
                #expect(try await used(session.engine) == 0)
                #expect(try await session.engine.void("a\(round)") == .corrected)
                #expect(try await used(session.engine) == 0)
            }
            #expect(try await session.engine.subject(.ada)?.resets[Self.limit]?.count == 1)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a reset is of one limit of one subject`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            let engine = session.engine
            try await engine.setUp(limits: [
                .limit("limit", 10, per: .day), .limit("other", 10, per: .day),
            ])
            try await engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            _ = try await engine.decide("ada", 6)
            session.clock.advance(bySeconds: 60)
            #expect(try await reset(engine, key: "once") == .created)
            let expected: [String: Int64] = [
                "limit": 0, "other": 6, "limit@team": 6, "other@team": 6,
            ]
            #expect(try await engine.used(.ada) == expected)
            _ = try await engine.decide("ada", 2)
            session.clock.advance(bySeconds: 60)
            // The same request again is the same reset.
            #expect(try await reset(engine, key: "once") == .created)
            try await session.reopen()
            #expect(try await session.engine.used(.ada)["limit"] == 2)
            #expect(try await session.engine.used(.ada)["limit@team"] == 8)
            #expect(try await reset(session.engine, .team) == .created)
            #expect(try await session.engine.used(.ada)["limit@team"] == 0)
            #expect(try await session.engine.used(.ada)["limit"] == 2)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what was reserved before a reset is settled before it`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(limits: [.limit("limit", 100, per: .month)])
            let reserved = try await engine.reserve(
                .of(.ada, [.prompts: 50], id: "r"), ReservationTerms())
            guard case .decided(let decision, _) = reserved, decision.isAllowed else {
                Issue.record("\(reserved)")
                return
            }
            clock.advance(bySeconds: 60)
            #expect(try await reset(engine) == .created)
            #expect(try await used(engine) == 0)
            _ = try await engine.decide("ada", 5)
            _ = try await engine.settle(
                .text("r"), source: nil, .one(.prompts, 70), details: nil)
            #expect(try await used(engine) == 5)
            #expect(try await engine.quantities(of: .ada, per: .month).last == 75)
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `resets follow limits and calendars that change`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            let engine = session.engine
            session.clock.set(.at("2026-03-10T12:00:00Z"))
            try await engine.setUp(limits: [.limit("limit", 100, per: .day)])
            _ = try await engine.decide("ada", 6)
            session.clock.set(.at("2026-03-10T13:00:00Z"))
            #expect(try await reset(engine) == .created)
            _ = try await engine.decide("ada", 2)
            #expect(try await used(engine) == 2)
            try await engine.put(.putLimit(.limit("limit", 100, per: .month)))
            #expect(try await used(engine) == 2)
            try await engine.put(.putSubject(Subject(id: .ada, timeZone: "Asia/Tokyo")))
            #expect(try await used(engine) == 2)
            try await session.reopen()
            #expect(try await used(session.engine) == 2)
            session.clock.set(.at("2026-03-31T15:00:00Z"))
            #expect(try await used(session.engine) == 0)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what cannot be reset is told`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(
                meters: [Meter(key: .prompts), Meter(key: .seconds, aggregation: .max)],
                limits: [
                    .limit("limit", 1, per: .day), .limit("request", 1, per: .request),
                    .limit("open", 1, per: .concurrent),
                    .limit("longest", 1, of: .seconds, per: .day),
                ])
            #expect(try await reset(engine) == .missing)
            try await engine.put(.putSubject(Subject(id: .ada)))
            for (key, code) in [
                ("nobody", "unknown_limit"), ("request", "invalid_field"),
                ("open", "invalid_field"), ("longest", "invalid_field"), ("limit", "created"),
            ] {
                let change = Change.resetLimit(.ada, LimitKey(unchecked: key), reason: "")
                #expect(try await engine.put(change).code == code, "\(key)")
            }
        }
    }
}
