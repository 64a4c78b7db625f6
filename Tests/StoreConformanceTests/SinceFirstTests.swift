import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Windows that open with the first use: five hours of so many prompts.
@Suite struct SinceFirstTests {
    private static let window = Window.sinceFirst(seconds: 18_000)

    private func status(_ engine: MeterstoneEngine) async throws -> String {
        let status = try #require(try await engine.limits(of: .ada).first)
        return "\(status.used) until \(status.resetsAt?.rfc3339.dropLast(8) ?? "-")"
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a window opens with the first use, and the next use after its end opens another`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.limit("five", 20, per: Self.window)])
            session.clock.set(.at("2026-03-10T08:00:00Z"))
            #expect(try await status(session.engine) == "0 until -")
            for (instant, units, expected) in [
                ("2026-03-10T09:00:00Z", 10, "10 until 2026-03-10T14:00"),
                ("2026-03-10T11:00:00Z", 5, "15 until 2026-03-10T14:00"),
                ("2026-03-10T13:59:59.999Z", 5, "20 until 2026-03-10T14:00"),
                // Half-open: this one is no longer in it.
                ("2026-03-10T14:00:00Z", 1, "1 until 2026-03-10T19:00"),
                ("2026-03-10T18:59:59.999Z", 2, "3 until 2026-03-10T19:00"),
                ("2026-03-10T22:30:00Z", 4, "4 until 2026-03-11T03:30"),
            ] as [(String, Quantity, String)] {
                session.clock.set(.at(instant))
                let decision = try await session.engine.decide("ada", units, id: instant)
                #expect(decision.isAllowed, "\(instant)")
                #expect(try await status(session.engine) == expected)
                if units == 1 { try await session.reopen() }
            }
            let refused = try await session.engine.decide("ada", 17)
            #expect(refused.denial?.retryAt == .at("2026-03-11T03:30:00Z"))
            #expect(try await session.engine.decide("ada", 21).denial?.retryAt == nil)
            session.clock.set(.at("2026-03-11T03:30:00Z"))
            #expect(try await status(session.engine) == "0 until -")
            // The first answer again, with the end of its window.
            let again = try await session.engine.decide("ada", 10, id: "2026-03-10T09:00:00Z")
            #expect(again.isDuplicate)
            #expect(again.limits.map(\.resetsAt) == [.at("2026-03-10T14:00:00Z")])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `windows follow from what stands, in whatever order it was told`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.limit("five", 100, per: Self.window)])
            session.clock.set(.at("2026-03-10T16:30:00Z"))
            let engine = session.engine
            try await engine.count(.of(.ada, [.prompts: 7], id: "late", at: "2026-03-10T16:30:00Z"))
            #expect(try await status(engine) == "7 until 2026-03-10T21:30")
            // Told late: the window begins earlier.
            try await engine.count(.of(.ada, [.prompts: 1], id: "a", at: "2026-03-10T15:00:00Z"))
            #expect(try await status(engine) == "8 until 2026-03-10T20:00")
            // Earlier still: a window that ends at 16:00, so that the next opens at 16:30.
            try await engine.count(.of(.ada, [.prompts: 2], id: "b", at: "2026-03-10T11:00:00Z"))
            #expect(try await status(engine) == "7 until 2026-03-10T21:30")
            // And before that one, from 10 until 15, in which the one of 11 lies.
            try await engine.count(.of(.ada, [.prompts: 3], id: "c", at: "2026-03-10T10:00:00Z"))
            #expect(try await status(engine) == "8 until 2026-03-10T20:00")
            #expect(try await engine.void("c") == .corrected)
            #expect(try await status(engine) == "7 until 2026-03-10T21:30")
            #expect(try await engine.void("b") == .corrected)
            #expect(try await status(engine) == "8 until 2026-03-10T20:00")
            #expect(try await engine.amend("a", [.prompts: 0]) == .corrected)
            #expect(try await status(engine) == "7 until 2026-03-10T21:30")
            try await session.reopen()
            #expect(try await status(session.engine) == "7 until 2026-03-10T21:30")
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `use without a pause is followed back to its beginning`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.limit("five", 100, per: Self.window)])
            let first = Instant.at("2026-01-01T00:00:00Z")
            var events: [UsageEvent] = []
            // Every four hours: windows of five hours begin every eight.
            for index in 0..<300 as Range<Int64> {
                events.append(
                    UsageEvent(
                        subject: .ada,
                        occurredAt: first.advanced(byMilliseconds: index * 14_400_000),
                        quantities: .one(.prompts, 1)))
            }
            session.clock.set(first.advanced(byMilliseconds: 299 * 14_400_000))
            _ = try await session.engine.record(events)
            for _ in 0..<2 {
                let status = try #require(try await session.engine.limits(of: .ada).first)
                // The last is the second of its window.
                #expect(status.used == 2)
                let start = first.advanced(byMilliseconds: 298 * 14_400_000)
                #expect(status.resetsAt == start.advanced(byMilliseconds: 18_000_000))
                try await session.reopen()
            }
            // Without the first event every window begins four hours later.
            try await session.engine.count(
                .of(.ada, [.prompts: 1], at: "2025-12-31T20:00:00Z"))
            let status = try #require(try await session.engine.limits(of: .ada).first)
            #expect(status.used == 1)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `members open the window of their team, each their own`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(limits: [.limit("five", 10, per: Self.window)])
            for member in [SubjectID.ada, .bob] {
                try await engine.put(.putSubject(Subject(id: member, parent: .team)))
            }
            clock.set(.at("2026-03-10T09:00:00Z"))
            #expect(try await engine.decide("ada", 6).isAllowed)
            clock.set(.at("2026-03-10T12:00:00Z"))
            #expect(try await engine.decide("bob", 4).isAllowed)
            let refused = try await engine.decide("bob", 1)
            #expect(refused.denial?.retryAt == .at("2026-03-10T14:00:00Z"))
            clock.set(.at("2026-03-10T14:00:00Z"))
            let allowed = try await engine.decide("bob", 5)
            #expect(allowed.limits.map(\.used) == [9, 5])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a quarter and a minute begin with the local clock`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [
                .limit("minute", 5, per: .minute), .limit("quarter", 100, per: .quarter),
            ])
            try await session.engine.put(
                .putSubject(Subject(id: .ada, timeZone: "America/New_York")))
            for (instant, minute, quarter) in [
                ("2026-03-31T23:59:59.999Z", "2026-04-01T00:00", "2026-04-01T04:00"),
                ("2026-04-01T03:59:59.999Z", "2026-04-01T04:00", "2026-04-01T04:00"),
                ("2026-04-01T04:00:00Z", "2026-04-01T04:01", "2026-07-01T04:00"),
                ("2026-12-31T12:00:30Z", "2026-12-31T12:01", "2027-01-01T05:00"),
            ] {
                session.clock.set(.at(instant))
                let decision = try await session.engine.decide("ada", 1)
                let ends = decision.limits.map { $0.resetsAt?.rfc3339.dropLast(8) ?? "" }
                #expect(ends == [Substring(minute), Substring(quarter)], "\(instant)")
            }
            #expect(
                try await session.engine.quantities(
                    of: .ada, per: .quarter, from: "2026-01-01T05:00:00Z") == [2, 1, 0, 1])
            let minutes = try await session.engine.quantities(
                of: .ada, per: .minute, from: "2026-04-01T03:59:00Z",
                until: "2026-04-01T04:02:00Z")
            #expect(minutes == [1, 1, 0])
            try await session.engine.expectClean()
        }
    }
}
