import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What happens belongs to the time at which it happens: neither ahead of it, nor to what was said since.
@Suite struct TimeOfUseTests {
    @Test(arguments: StoreUnderTest.allCases)
    func `a gauge told for tomorrow does not hide what is told for now`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-03-10T12:00:00Z"))
        try await store.withSession(clock: clock) { session in
            try await session.engine.setUp(
                meters: [Meter(key: .prompts, aggregation: .latest)],
                limits: [.limit("level", 500, per: .lifetime)])
            try await session.engine.count(
                .of(.ada, [.prompts: 100], id: "ahead", at: "2026-03-11T09:00:00Z"))
            #expect(try await session.engine.used(.ada) == ["level": 0])
            #expect(try await session.engine.check(.of(.ada, [.prompts: 600])).code == "denied")
            #expect(try await session.engine.consume(.of(.ada, [.prompts: 600])).code == "denied")
            #expect(try await session.engine.consume(.of(.ada, [.prompts: 400])).code == "allowed")
            #expect(try await session.engine.used(.ada) == ["level": 400])
            #expect(try await session.engine.quantities(of: .ada, per: .lifetime) == [400])
            try await session.reopen()
            #expect(try await session.engine.used(.ada) == ["level": 400])
            session.clock.set(.at("2026-03-11T09:00:00Z"))
            #expect(try await session.engine.used(.ada) == ["level": 100])
            #expect(try await session.engine.quantities(of: .ada, per: .lifetime) == [100])
            #expect(try await session.engine.consume(.of(.ada, [.prompts: 450])).code == "allowed")
            #expect(try await session.engine.used(.ada) == ["level": 450])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `tomorrow's allowance cannot be used today`(store: StoreUnderTest) async throws {
        let clock = ManualClock(.at("2026-03-10T23:00:00Z"))
        try await store.with(clock: clock) { engine, clock in
            try await engine.setUp(limits: [.daily(3)])
            let early = UsageEvent.of(.ada, [.prompts: 3], at: "2026-03-11T00:30:00Z")
            #expect(try await engine.check(early).code == "occurred_at_out_of_range")
            #expect(try await engine.consume(early).code == "occurred_at_out_of_range")
            let soon = UsageEvent.of(.ada, [.prompts: 3], at: "2026-03-10T23:59:59Z")
            #expect(try await engine.consume(soon).code == "allowed")
            // What has happened is recorded whatever the limits say.
            try await engine.count(.of(.ada, [.prompts: 1], at: "2026-03-11T00:30:00Z"))
            clock.set(.at("2026-03-11T00:00:00Z"))
            #expect(try await engine.used(.ada) == ["prompts_daily": 1])
        }
    }

    /// Each leads to the other when it is read: as its team, and as the team that it had once.
    @Test(arguments: StoreUnderTest.allCases)
    func `two that changed places above each other are one subject each`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-03-10T12:00:00Z"))
        try await store.withSession(clock: clock) { session in
            try await session.engine.setUp(limits: [.limit("total", 500, per: .lifetime)])
            for subject in [
                Subject(id: .ada, parent: .bob), Subject(id: .ada), Subject(id: .bob, parent: .ada),
            ] {
                try await session.engine.put(.putSubject(subject))
                session.clock.advance(bySeconds: 3_600)
            }
            try await session.engine.count(.of(.bob, [.prompts: 1]))
            try await session.reopen()
            let outcomes = try await session.engine.record([
                .of(.bob, [.prompts: 2]),
                // Ada was below bob then.
                .of(.ada, [.prompts: 4], at: "2026-03-10T12:30:00Z"),
                .of(.bob, [.prompts: 8]),
            ])
            #expect(outcomes.count == 3)
            #expect(try await session.engine.used(.bob) == ["total": 15, "total@ada": 15])
            #expect(try await session.engine.used(.ada) == ["total": 15])
            try await session.reopen()
            #expect(try await session.engine.used(.bob) == ["total": 15, "total@ada": 15])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a late event counts for the team and under the plan of its time`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-03-10T12:00:00Z"))
        let red = SubjectID(unchecked: "red")
        let blue = SubjectID(unchecked: "blue")
        try await store.withSession(clock: clock) { session in
            try await session.engine.setUp(
                plans: [Plan(key: .free), Plan(key: .pro)],
                limits: [
                    Limit(
                        key: .daily, meter: .prompts, window: .day,
                        allowances: [.free: 3, .pro: 100].mapValues { .units($0) }, mode: .soft),
                    .limit("total", 1_000, per: .lifetime),
                ])
            try await session.engine.put(
                .putSubject(Subject(id: .ada, parent: red, plan: .free)))
            session.clock.set(.at("2026-03-12T12:00:00Z"))
            try await session.engine.put(
                .putSubject(Subject(id: .ada, parent: blue, plan: .pro)))
            try await session.reopen()
            let late = try await session.engine.decide(
                .of(.ada, [.prompts: 5], id: "late", at: "2026-03-11T10:00:00Z"))
            let daily = late.limits.first { $0.limit == .daily && $0.ancestor == nil }
            #expect(daily?.allowance == .units(3) && daily?.overage == 2)
            #expect(late.limits.compactMap(\.ancestor) == [red, red])
            try await session.engine.count(
                .of(.ada, [.prompts: 4], id: "later", at: "2026-03-12T12:00:00Z"))
            #expect(try await session.engine.used(red)["total"] == 5)
            #expect(try await session.engine.used(blue)["total"] == 4)
            #expect(try await session.engine.used(.ada)["total"] == 9)
            // The document of a day tells what went beyond its allowance.
            #expect(try await session.engine.void("late").code == "corrected")
            #expect(try await session.engine.used(red)["total"] == 0)
            try await session.engine.expectClean()
            #expect(try await session.engine.rebuild() >= 0)
            #expect(try await session.engine.used(blue)["total"] == 4)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `teams that stood above each other in turn are told apart by time`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-03-10T12:00:00Z"))
        try await store.withSession(clock: clock) { session in
            try await session.engine.setUp(limits: [.limit("total", 1_000, per: .lifetime)])
            try await session.engine.put(.putSubject(Subject(id: .ada, parent: .bob)))
            session.clock.set(.at("2026-03-11T12:00:00Z"))
            try await session.engine.put(.putSubject(Subject(id: .ada)))
            try await session.engine.put(.putSubject(Subject(id: .bob, parent: .ada)))
            try await session.reopen()
            try await session.engine.count(
                .of(.ada, [.prompts: 1], at: "2026-03-10T13:00:00Z"),
                .of(.bob, [.prompts: 10], at: "2026-03-10T13:00:00Z"),
                .of(.bob, [.prompts: 100], at: "2026-03-11T12:00:00Z"))
            #expect(try await session.engine.used(.ada)["total"] == 101)
            #expect(try await session.engine.used(.bob)["total"] == 111)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a repeat under a limit that rolls tells the first reset`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-03-10T12:00:00Z"))
        try await store.withSession(clock: clock) { session in
            try await session.engine.setUp(limits: [
                .limit("roll", 10, per: .rolling(seconds: 3_600))
            ])
            let first = try await session.engine.decide("ada", 1, id: "one")
            session.clock.set(.at("2026-03-10T12:10:00Z"))
            let second = try await session.engine.decide("ada", 1, id: "two")
            #expect(first.limits.map(\.resetsAt) == [.at("2026-03-10T13:00:00Z")])
            #expect(second.limits.map(\.resetsAt) == [.at("2026-03-10T13:00:00Z")])
            session.clock.set(.at("2026-03-10T14:00:00Z"))
            try await session.reopen()
            for (id, answer) in [("one", first), ("two", second)] {
                let again = try await session.engine.decide("ada", 1, id: id)
                #expect(again.isDuplicate && again.limits.map(\.used) == answer.limits.map(\.used))
                #expect(again.limits.map(\.resetsAt) == answer.limits.map(\.resetsAt))
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a record expires reservations before it tells what went beyond`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-03-10T12:00:00Z"))
        try await store.with(clock: clock) { engine, clock in
            try await engine.setUp(limits: [.daily(10)])
            _ = try await engine.reserve(
                .of(.ada, [.prompts: 8], id: "held"), ReservationTerms(milliseconds: 60_000))
            clock.set(.at("2026-03-10T12:01:00Z"))
            try await engine.count(.of(.ada, [.prompts: 6], id: "six"))
            #expect(try await engine.used(.ada) == ["prompts_daily": 6])
            guard case .report(let overage) = try await engine.overage(of: .daily, ReportQuestion())
            else { throw UnexpectedOutcome() }
            #expect(overage.rows.isEmpty)
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a record that reaches a limit reaches it as a consume does`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [
                .daily(10), .limit("shadow", 10, per: .day, mode: .shadow),
                .limit("ever", 11, per: .lifetime),
            ])
            try await engine.count(.of(.ada, [.prompts: 9], id: "nine"))
            _ = try await engine.decide(.of(.bob, [.prompts: 10], id: "ten"))
            try await engine.count(.of(.ada, [.prompts: 1], id: "one"))
            guard
                case .report(let report) = try await engine.limitMeetings(
                    of: nil, ReportQuestion())
            else { throw UnexpectedOutcome() }
            let rows = report.rows.map { "\($0.limit) \($0.subject) \($0.events)" }.sorted()
            #expect(
                rows == [
                    "prompts_daily ada 1", "prompts_daily bob 1", "shadow ada 1", "shadow bob 1",
                ])
            // It is nothing that the shadow limit would have refused.
            let shadow = try await engine.limits(of: .ada).first { $0.mode == .shadow }
            #expect(shadow?.wouldHaveDenied == 0)
            try await engine.expectClean()
        }
    }
}
