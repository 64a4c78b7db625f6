import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Subjects that an event names beside its own and the teams above.
@Suite struct NamedLevelTests {
    private static let project = SubjectID(unchecked: "project/x")
    private static let key = SubjectID(unchecked: "key/k1")

    private static func event(
        _ subject: SubjectID = .ada, _ units: Int64 = 1, id: String? = nil,
        _ levels: [SubjectID] = [project, key]
    ) -> UsageEvent {
        var event = UsageEvent.of(subject, [.prompts: units], id: id)
        event.details = EventDetails(levels: levels)
        return event
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `limits of every level that an event names are checked and counted in one step`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.daily(10)])
            try await session.engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            try await session.engine.put(.putOverride(Self.key, .daily, .units(3)))
            let first = try await session.engine.decide(Self.event(.ada, 2, id: "a"))
            #expect(first.limits.map(\.ancestor) == [nil, .team, Self.project, Self.key])
            #expect(first.limits.map(\.used.units) == [2, 2, 2, 2])
            #expect(first.limits.map(\.allowance) == [10, 10, 10, 3].map { .units(Quantity($0)) })
            // One more by another subject: the key has room for one.
            let refused = try await session.engine.decide(Self.event(.bob, 2, id: "b"))
            #expect(!refused.isAllowed && refused.denial?.violated == [.daily])
            #expect(try await session.engine.used(.bob) == ["prompts_daily": 0])
            #expect(try await session.engine.decide(Self.event(.bob, 1, id: "b")).isAllowed)
            try await session.reopen()
            #expect(try await session.engine.used(Self.project) == ["prompts_daily": 3])
            #expect(try await session.engine.used(Self.key) == ["prompts_daily": 3])
            #expect(
                try await session.engine.used(.ada)
                    == ["prompts_daily": 2, "prompts_daily@team": 2])
            // The first answer again, and a conflict where other levels are named.
            let again = try await session.engine.decide(Self.event(.ada, 2, id: "a"))
            #expect(
                again.isDuplicate && again.limits.map(\.ancestor) == first.limits.map(\.ancestor))
            #expect(
                try await session.engine.consume(Self.event(.ada, 2, id: "a", [Self.key])).code
                    == "conflict")
            // Whichever key names a level.
            let renamed = SubjectID(unchecked: "key/renamed")
            try await session.engine.put(.renameSubject(Self.key, to: renamed))
            #expect(
                try await session.engine.decide(
                    Self.event(.ada, 2, id: "a", [Self.project, renamed])
                ).isDuplicate)
            #expect(try await session.engine.decide(Self.event(.ada, 2, id: "a")).isDuplicate)
            try await session.engine.put(.renameSubject(renamed, to: Self.key))
            let events = try await session.engine.events(of: Self.project).events
            #expect(events.map(\.event.subject) == [.bob, .ada])
            #expect(events.allSatisfy { $0.event.details?.levels == [Self.project, Self.key] })
            try await session.engine.expectClean()
            _ = try await session.engine.rebuild()
            try await session.engine.expectClean()
            #expect(try await session.engine.used(Self.key) == ["prompts_daily": 3])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `corrections and reservations reach the levels that were named`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [
                .daily(10), .limit("at_once", 9, per: .concurrent),
            ])
            try await session.engine.count(Self.event(.ada, 4, id: "a"))
            #expect(try await session.engine.amend("a", [.prompts: 6]).code == "corrected")
            // Details that are told later do not change what it counts for.
            #expect(
                try await session.engine.amend(
                    "a", [.prompts: 5], details: EventDetails(session: "s")
                ).code == "corrected")
            let terms = ReservationTerms(milliseconds: 60_000)
            guard
                case .decided(_, .some) = try await session.engine.reserve(
                    Self.event(.bob, 3, id: "r"), terms)
            else {
                Issue.record("not reserved")
                return
            }
            #expect(
                try await session.engine.used(Self.key) == ["prompts_daily": 8, "at_once": 3])
            #expect(try await session.engine.openReservations(of: Self.key).map(\.id) == [.of("r")])
            try await session.reopen()
            session.clock.advance(bySeconds: 61)
            #expect(
                try await session.engine.used(Self.key) == ["prompts_daily": 5, "at_once": 0])
            _ = try await session.engine.finish("r", [.prompts: 2])
            #expect(
                try await session.engine.used(Self.project) == ["prompts_daily": 7, "at_once": 0])
            #expect(try await session.engine.void("a").code == "corrected")
            #expect(
                try await session.engine.used(Self.project) == ["prompts_daily": 2, "at_once": 0])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a level counts once, and is bounded and blocked like a team`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(100)])
            try await engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            // Itself and its team are there already.
            let decision = try await engine.decide(
                Self.event(.ada, 1, [.ada, Self.key, .team]))
            #expect(decision.limits.map(\.ancestor) == [nil, .team, Self.key])
            #expect(decision.limits.map(\.used.units) == [1, 1, 1])
            let eight = (1...8).map { SubjectID(unchecked: "l\($0)") }
            let many = try await engine.decide(Self.event(.ada, 1, id: "many", eight))
            #expect(many.limits.map(\.ancestor) == [nil, .team] + eight)
            let again = try await engine.decide(Self.event(.ada, 1, id: "many", eight))
            #expect(again.limits.map(\.ancestor) == [nil, .team] + eight)
            let rejected = try await engine.consume(Self.event(.ada, 1, eight + [Self.key]))
            #expect(rejected.code == "invalid_field")
            try await engine.put(.putSubject(Subject(id: Self.project, blocked: true)))
            let blocked = try await engine.decide(Self.event())
            #expect(blocked.denial?.reason == .subjectBlocked(Self.project))
            // What happened is recorded all the same.
            try await engine.count(Self.event(.bob, 2, [Self.project]))
            #expect(try await engine.used(Self.project) == ["prompts_daily": 2])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `many at once never get more than a level allows`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(10)])
            let allowed = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<40 {
                    let subject = SubjectID(unchecked: "u\(number % 20)")
                    // In either order, so that a lock taken in the order of the event would wait in a circle.
                    let levels =
                        number % 2 == 0 ? [Self.project, Self.key] : [Self.key, Self.project]
                    group.addTask {
                        try await engine.decide(Self.event(subject, 1, levels)).isAllowed
                    }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(allowed == 10)
            #expect(try await engine.used(Self.key) == ["prompts_daily": 10])
            #expect(try await engine.used(Self.project) == ["prompts_daily": 10])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a question about other limits knows the levels that were named`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(limits: [.daily(100)])
            try await engine.put(.putOverride(Self.key, .daily, .units(2)))
            try await engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            for (place, subject) in [SubjectID.ada, .bob, .ada, .bob].enumerated() {
                clock.advance(bySeconds: 1)
                try await engine.count(Self.event(subject, 1, id: "e\(place)", [Self.key]))
            }
            let answer = try await engine.answer(WhatIfQuestion(allLimits: true))
            // An override of the level concerns the level alone: the team above one of them has room.
            #expect((answer.events, answer.refused) == (4, 2))
            #expect(answer.refusals.map(\.eventID.text) == ["e2", "e3"])
        }
    }
}
