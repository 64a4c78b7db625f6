import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Limits that hold for some already, and are shadow limits for all others.
@Suite struct RolloutTests {
    private static func limit(
        _ allowance: Int64, mode: LimitMode = .enforce, _ rollout: Rollout
    ) -> Limit {
        var limit = Limit.daily(allowance, mode: mode)
        limit.rollout = rollout
        return limit
    }

    private static func event(_ subject: String) -> UsageEvent {
        .of(SubjectID(unchecked: subject), [.prompts: 3])
    }

    /// What everybody says who wrote it down once: a share that moves would let people in and out again.
    @Test(arguments: [
        ("cy", 0), ("max", 5), ("user-2", 35), ("eve", 38), ("bob", 52), ("ada", 65), ("dee", 96),
    ])
    func `the share of a key stays the same`(key: String, share: Int) {
        #expect(Rollout.share(of: SubjectID(unchecked: key)) == share)
    }

    @Test func `shares are even, and who is in stays in as the percentage grows`() {
        let shares = (0..<10_000).map { Rollout.share(of: SubjectID(unchecked: "user-\($0)")) }
        #expect(shares.count { $0 < 25 } == 2_416)
        #expect(shares.count { $0 < 50 } == 5_038)
        #expect(shares.allSatisfy { (0..<100).contains($0) })
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a share of all is refused, and the rest is let through and counted`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [Self.limit(2, Rollout(percent: 40))])
            for (name, mode) in [("cy", LimitMode.enforce), ("eve", .enforce), ("bob", .shadow)] {
                let decision = try await session.engine.decide(Self.event(name))
                #expect(decision.isAllowed == (mode == .shadow), "\(name)")
                #expect(decision.limits.map(\.mode) == [mode])
                #expect(
                    decision.limits.map(\.wouldHaveDenied) == [mode == .shadow ? 1 : nil], "\(name)"
                )
            }
            try await session.reopen()
            #expect(try await session.engine.limits(of: .bob).map(\.wouldHaveDenied) == [1])
            #expect(try await session.engine.limits(of: .bob).map(\.mode) == [.shadow])
            // Bob has the share 52.
            try await session.engine.put(.putLimit(Self.limit(2, Rollout(percent: 52))))
            #expect(try await session.engine.decide("bob").isAllowed)
            try await session.engine.put(.putLimit(Self.limit(2, Rollout(percent: 53))))
            let refused = try await session.engine.decide("bob")
            #expect(refused.denial?.violated == [.daily])
            #expect(refused.limits.map(\.used) == [4])
            try await session.engine.expectClean()
            _ = try await session.engine.rebuild()
            try await session.engine.put(.putLimit(Self.limit(2, Rollout(percent: 0))))
            #expect(try await session.engine.limits(of: .bob).map(\.wouldHaveDenied) == [2])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `plans, keys and teams are in, and whom a pattern takes out is not`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            let free = Plan(key: .free, isDefault: true)
            let rollout = Rollout(
                plans: [.pro], subjects: ["team", "user/*", "!user/2"])
            try await engine.setUp(
                plans: [free, Plan(key: .pro, rank: 1)], limits: [Self.limit(2, rollout)])
            try await engine.put(.putSubject(Subject(id: .team)))
            try await engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            try await engine.put(.putSubject(Subject(id: .bob, plan: .pro)))
            let two = SubjectID(unchecked: "user/2")
            try await engine.put(.putSubject(Subject(id: two, plan: .pro)))
            for (name, isAllowed) in [
                ("ada", false), ("bob", false), ("user/1", false), ("user/2", true), ("cy", true),
            ] {
                let decision = try await engine.decide(Self.event(name))
                #expect(decision.isAllowed == isAllowed, "\(name)")
            }
            // Under the other plan nobody would refuse what Bob asks for.
            let refused = try await engine.decide(Self.event("bob"))
            #expect(refused.denial?.plansThatAllow == [.free])
            try await engine.put(.putSubject(Subject(id: .bob)))
            #expect(try await engine.decide(Self.event("bob")).isAllowed)
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a soft limit has overage for those alone who are in`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(
                limits: [Self.limit(2, mode: .soft, Rollout(subjects: ["ada"]))])
            let own = try await engine.decide(Self.event("ada"))
            #expect(own.limits.map(\.mode) == [.soft])
            let other = try await engine.decide(Self.event("bob"))
            #expect(other.limits.map(\.mode) == [.shadow])
            #expect(other.limits.map(\.wouldHaveDenied) == [1])
            guard case .report(let report) = try await engine.overage(of: nil, ReportQuestion())
            else {
                Issue.record("expected a report")
                return
            }
            #expect(report.rows.count == 1)
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a limit that blocks does so for those alone who are in`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            var limit = Self.limit(3, Rollout(subjects: ["ada"]))
            limit.blockWhenExceeded = true
            try await engine.setUp(
                meters: [Meter(key: .prompts), Meter(key: .exports)], limits: [limit])
            for (name, isAllowed) in [("ada", false), ("bob", true)] {
                let subject = SubjectID(unchecked: name)
                #expect(try await engine.decide(Self.event(name)).isAllowed)
                let decision = try await engine.decide(.of(subject, [.exports: 1]))
                #expect(decision.isAllowed == isAllowed, "\(name)")
            }
        }
    }

    @Test func `rollouts are checked`() async throws {
        try await StoreUnderTest.memory.with { engine, _ in
            try await engine.setUp(limits: [])
            for (rollout, code) in [
                (Rollout(percent: 100), "created"), (Rollout(percent: 101), "invalid_field"),
                (Rollout(percent: -1), "invalid_field"),
                (Rollout(subjects: ["!"]), "invalid_field"),
                (Rollout(plans: Array(repeating: .pro, count: 51)), "invalid_field"),
            ] {
                let outcome = try await engine.put(.putLimit(Self.limit(1, rollout)))
                #expect(outcome.code == code, "\(rollout)")
            }
        }
    }
}
