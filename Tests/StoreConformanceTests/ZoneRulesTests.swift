import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Rules of time zones come from the system, and change with it.
@Suite struct ZoneRulesTests {
    /// The zone `Test/Zone` so many hours ahead of UTC; `nil`: the system does not know it.
    private static func zones(_ hours: Int64?) -> @Sendable (String) -> ZoneRules? {
        let rules = hours.map {
            ZoneRules(name: "Test/Zone", initialOffsetSeconds: $0 * 3_600, transitions: [])
        }
        return { $0 == "Test/Zone" ? rules : $0 == "UTC" ? .utc : nil }
    }

    private func withSession(
        _ store: StoreUnderTest, _ body: (Session) async throws -> Void
    ) async throws {
        // 23:30 two hours ahead of UTC, and past midnight three hours ahead.
        let clock = ManualClock(.at("2026-03-10T21:30:00Z"))
        let options = StoreUnderTest.options { $0.zoneRules = Self.zones(2) }
        try await store.withSession(options, clock: clock) { session in
            try await session.engine.setUp(limits: [.daily(3)])
            try await session.engine.put(
                .putSubject(Subject(id: .ada, timeZone: "Test/Zone")))
            #expect(try await session.engine.decide("ada", 3).isAllowed)
            #expect(try await session.engine.decide("bob", 1).isAllowed)
            try await body(session)
        }
    }

    private func code(_ engine: MeterstoneEngine) async throws -> [String] {
        try await engine.consume([.of(.ada), .of(.bob)]).map(\.code)
    }

    @Test(arguments: [StoreUnderTest.sqlite, .postgres])
    func `a zone whose rules changed gives nobody a second day`(
        store: StoreUnderTest
    ) async throws {
        try await withSession(store) { session in
            try await session.reopen { $0.zoneRules = Self.zones(3) }
            if store == .postgres {
                // Other nodes may still have the rules that counters are cut with.
                #expect(try await code(session.engine) == ["time_zone_rules", "allowed"])
                let error = await #expect(throws: StoreError.self) {
                    _ = try await session.engine.limits(of: .ada)
                }
                #expect(error?.code == .timeZoneRules)
                _ = try await session.engine.rebuild()
            }
            #expect(try await code(session.engine) == ["denied", "allowed"])
            #expect(try await session.engine.used(.ada) == ["prompts_daily": 3])
            #expect(try await session.engine.statistics(of: .ada)?.days.count == 1)
            try await session.engine.expectClean()
            try await session.reopen { $0.zoneRules = Self.zones(3) }
            #expect(try await code(session.engine)[0] == "denied")
        }
    }

    @Test(arguments: [StoreUnderTest.sqlite, .postgres])
    func `a zone that the system does not know is not taken for UTC`(
        store: StoreUnderTest
    ) async throws {
        try await withSession(store) { session in
            try await session.reopen { $0.zoneRules = Self.zones(nil) }
            #expect(try await code(session.engine) == ["time_zone_rules", "allowed"])
            let recorded = try await session.engine.record([.of(.ada), .of(.bob)])
            #expect(recorded.map(\.code) == ["time_zone_rules", "counted"])
            await #expect(throws: StoreError.self) {
                _ = try await session.engine.statistics(of: .ada)
            }
            try await session.reopen()
            #expect(try await code(session.engine) == ["denied", "denied"])
            #expect(try await session.engine.used(.ada) == ["prompts_daily": 3])
            try await session.engine.expectClean()
        }
    }
}
