import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Meters, plans, limits and subjects as data that changes.
@Suite struct ChangeTests {
    @Test(arguments: StoreUnderTest.allCases)
    func `each change says what it did`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            for step in 0..<2 {
                if step == 1 { try await session.reopen() }
                let engine = session.engine
                var outcomes: [String] = []
                for change in Self.everyKind {
                    for _ in 0..<2 { outcomes.append(try await engine.put(change).code) }
                }
                // The second round starts from what the first left: subjects that exist.
                let first = step == 0 ? "created" : "replaced"
                #expect(
                    outcomes == [
                        "created", "unchanged", "replaced", "unchanged", "created", "unchanged",
                        "created", "unchanged", first, "unchanged", "created", "unchanged",
                        "created", "unchanged", "deleted", "missing", "deleted", "missing",
                        "deleted", "missing", "deleted", "missing", "deleted", "missing",
                        "deleted", "missing",
                    ])
            }
        }
    }

    private static let everyKind: [Change] = [
        .putMeter(Meter(key: .prompts)), .putMeter(Meter(key: .prompts, unit: "prompts")),
        .putPlan(Plan(key: .pro)), .putLimit(.daily(5)),
        .putSubject(Subject(id: .ada, name: "Ada")),
        .putSubscription(.ada, Subscription(plan: .pro, startsAt: .at("2026-01-01T00:00:00Z"))),
        .putOverride(.ada, .daily, .unlimited), .deleteOverride(.ada, .daily),
        .deleteSubscription(.ada), .deleteSubject(.ada), .deleteLimit(.daily), .deletePlan(.pro),
        .deleteMeter(.prompts),
    ]

    @Test(arguments: StoreUnderTest.allCases)
    func `a patch changes what it names and leaves the rest`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(
                plans: [Plan(key: .free), Plan(key: .pro)],
                limits: [
                    Limit(
                        key: .daily, meter: .prompts, window: .day,
                        allowances: [.free: .units(5), .pro: .units(50)])
                ])
            let subscription = Subscription(
                plan: .free, startsAt: .at("2026-01-31T08:30:00Z"),
                externalIDs: ["stripe": "cus_1"])
            try await session.engine.put(.putSubscription(.ada, subscription))
            let full = Subject(
                id: .ada, timeZone: "Asia/Tokyo", plan: .free, name: "Ada",
                metadata: ["email": "ada@example.org", "team": "x"])
            try await session.engine.put(.putSubject(full))
            func patch(_ target: MergePatch.Target, _ members: [String: JSONValue]) async throws {
                let patch = Change.patch(MergePatch(target, .object(members)))
                let (first, again) = (
                    try await session.engine.put(patch), try await session.engine.put(patch)
                )
                #expect(first == .replaced && again == .unchanged)
            }
            try await patch(.subject(.ada), ["plan": .text("pro")])
            try await patch(
                .subject(.ada),
                ["metadata": .object(["team": .null, "city": .text("Turin")]), "name": .null])
            try await patch(.subscription(.ada), ["status": .text("pastDue")])
            try await patch(.limit(.daily), ["allowances": .object(["pro": .integer(60)])])
            try await patch(.meter(.prompts), ["unit": .text("prompts")])
            try await patch(.plan(.pro), ["rank": .integer(3)])
            for _ in 0..<2 {
                let ada = try #require(try await session.engine.subject(.ada))
                #expect(ada.plan == .pro && ada.name == nil && ada.timeZone == "Asia/Tokyo")
                #expect(ada.metadata == ["email": "ada@example.org", "city": "Turin"])
                var expected = subscription
                expected.status = .pastDue
                #expect(ada.subscription == expected)
                let blueprint = try await session.engine.blueprint()
                #expect(blueprint.limits[0].allowances == [.free: .units(5), .pro: .units(60)])
                #expect(blueprint.meters[0].unit == "prompts")
                #expect(blueprint.plans.first { $0.key == .pro }?.rank == 3)
                try await session.reopen()
            }
            // The log tells what it came to, and reports read it as they read every write.
            let log = try await session.engine.changes(count: 1)
            #expect(log.map(\.kind) == ["plan"])
            #expect(log[0].after?.contains(#""rank":3"#) ?? false)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `no patch loses what another wrote meanwhile`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.put(.putSubject(Subject(id: .ada, name: "Ada")))
            try await withThrowingTaskGroup(of: ChangeOutcome.self) { group in
                for number in 0..<60 {
                    group.addTask {
                        try await engine.put(
                            .patch(
                                MergePatch(
                                    .subject(.ada),
                                    .object([
                                        "metadata": .object(["k\(number)": .text("\(number)")])
                                    ]))))
                    }
                }
                for try await outcome in group { #expect(outcome == .replaced) }
            }
            let ada = try #require(try await engine.subject(.ada))
            #expect(ada.metadata.count == 60 && ada.name == "Ada")
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a patch with a key is carried out once, whatever came between`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(plans: [Plan(key: .free), Plan(key: .pro)])
            func rename(_ name: String, key: String) async throws -> ChangeReceipt {
                let patch = MergePatch(.subject(.ada), .object(["name": .text(name)]))
                return try await session.engine.change(
                    ChangeRequest(change: .patch(patch), author: "test", idempotencyKey: key))
            }
            #expect(try await rename("Ada", key: "k").outcome == .created)
            try await session.engine.put(.putSubject(Subject(id: .ada, plan: .pro, name: "Eve")))
            for _ in 0..<2 {
                let again = try await rename("Ada", key: "k")
                #expect(again.outcome == .created && again.isReplay)
                #expect(try await session.engine.subject(.ada)?.name == "Eve")
                try await session.engine.flush()
                try await session.reopen()
            }
            guard case .rejected(let why) = try await rename("Bob", key: "k").outcome else {
                Issue.record("expected a conflict")
                return
            }
            #expect(why.code == .idempotencyConflict && why.message.hasSuffix("differs in name"))
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a patch that does not fit changes nothing and names the field`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(plans: [Plan(key: .free)], limits: [.daily(5)])
            try await engine.put(.putSubject(Subject(id: .ada, plan: .free)))
            let before = try await engine.changes(count: 1).map(\.sequence)
            let mistakes: [(MergePatch.Target, [String: JSONValue], String)] = [
                (.subject(.ada), ["plan": .text("big")], "unknown_plan plan"),
                (.subject(.ada), ["parent": .text("ada")], "cyclic_parent parent"),
                (.subject(.ada), ["id": .text("bob")], "invalid_field id"),
                (.subject(.ada), ["blocked": .text("yes")], "invalid_field blocked"),
                (
                    .subject(.ada), ["metadata": .object(["a": .integer(1)])],
                    "invalid_field metadata.a"
                ),
                (.limit(.daily), ["window": .null], "missing_field window"),
                (.limit(.daily), ["mode": .text("hard")], "invalid_field mode"),
                (.limit(.daily), ["meter": .text("x")], "unknown_meter meter"),
                (.meter(.prompts), ["aggregation": .text("avg")], "invalid_field aggregation"),
            ]
            for (target, members, expected) in mistakes {
                let outcome = try await engine.put(.patch(MergePatch(target, .object(members))))
                guard case .rejected(let why) = outcome else {
                    Issue.record("\(members): expected a rejection, got \(outcome)")
                    continue
                }
                #expect("\(why.code.rawValue) \(why.field)" == expected)
                #expect(why.message.contains("expected ") || why.code == .cyclicParent)
            }
            for target: MergePatch.Target in [
                .meter(.seconds), .plan(.pro), .subscription(.ada), .subscription(.bob),
            ] {
                let patch = MergePatch(target, .object([:]))
                #expect(try await engine.put(.patch(patch)) == .missing)
            }
            #expect(try await engine.changes(count: 1).map(\.sequence) == before)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what does not fit is rejected with its code`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(plans: [Plan(key: .free, isDefault: true)], limits: [.daily(5)])
            try await engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            try await engine.put(.putSubject(Subject(id: .team, parent: .company)))
            let mistakes: [(Change, String)] = [
                (.putLimit(.limit("x", 1, of: .seconds, per: .day)), "unknown_meter"),
                (.deleteMeter(.prompts), "in_use"),
                (.putSubject(Subject(id: .bob, timeZone: "Mars/Base")), "unknown_time_zone"),
                (.putSubject(Subject(id: .bob, plan: .big)), "unknown_plan"),
                (
                    .putSubscription(
                        .bob, Subscription(plan: .big, startsAt: .at("2026-01-01T00:00:00Z"))),
                    "unknown_plan"
                ),
                (.putOverride(.bob, LimitKey(unchecked: "x"), .unlimited), "unknown_limit"),
                (.putSubject(Subject(id: .bob, parent: .bob)), "cyclic_parent"),
                (.putSubject(Subject(id: .company, parent: .ada)), "cyclic_parent"),
                (.putPlan(Plan(key: .pro, isDefault: true)), "invalid_field"),
                (.putMeter(Meter(key: .seconds, aggregation: .uniqueCount)), "missing_field"),
                (.putMeter(Meter(key: .seconds, countedStatuses: [])), "invalid_field"),
            ]
            for (change, code) in mistakes {
                #expect(try await engine.put(change).code == code, "\(change)")
            }
            try await engine.put(.putLimit(.limit("roll", 1, per: .rolling(seconds: 60))))
            #expect(
                try await engine.put(.putMeter(Meter(key: .prompts, aggregation: .max))).code
                    == "invalid_field")
            #expect(try await engine.subject(.bob) == nil)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `no subject has more than four levels above however they are put together`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.limit("ever", 100, per: .lifetime)])
            func level(_ number: Int) -> SubjectID { SubjectID(unchecked: "level\(number)") }
            func put(_ number: Int, below other: Int?) async throws -> String {
                let parent = other.map { level($0) }
                return try await session.engine.put(
                    .putSubject(Subject(id: level(number), parent: parent))
                ).code
            }
            // From below: each new parent would push all that is there one level down.
            #expect(try await put(0, below: 1) == "created")
            for number in 1..<4 {
                #expect(try await put(number, below: number + 1) == "replaced")
                try await session.reopen()
            }
            #expect(try await put(4, below: 5) == "cyclic_parent")
            let decision = try await session.engine.decide(.of(level(0)))
            #expect(decision.limits.map(\.used) == [1, 1, 1, 1, 1])
            // From above.
            #expect(try await put(6, below: 0) == "cyclic_parent")
            #expect(try await put(6, below: 1) == "created")
            // What leaves makes room.
            #expect(try await put(1, below: nil) == "replaced")
            #expect(try await put(4, below: 5) == "replaced")
            try await session.reopen()
            #expect(try await put(5, below: 7) == "replaced")
            #expect(try await put(7, below: 8) == "cyclic_parent")
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `an idempotency key gets the first answer again or a conflict`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.daily(5)])
            func put(_ allowance: Int64) -> ChangeRequest {
                ChangeRequest(
                    change: .putLimit(.daily(allowance)), author: "test", idempotencyKey: "k")
            }
            let first = try await session.engine.change(put(7))
            #expect(first.outcome == .replaced && !first.isReplay)
            try await session.engine.put(.putLimit(.daily(9)))
            for step in 0..<3 {
                if step == 1 { try await session.engine.flush() }
                if step == 2 { try await session.reopen() }
                let again = try await session.engine.change(put(7))
                #expect(again.outcome == .replaced && again.isReplay)
                let other = try await session.engine.change(put(8))
                #expect(other.outcome.code == "idempotency_conflict")
                #expect(try await session.engine.blueprint().limits == [.daily(9)])
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `the audit log says who changed what from what to what`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.daily(5)])
            session.clock.advance(bySeconds: 5)
            let request = ChangeRequest(change: .putLimit(.daily(7)), author: "grace")
            _ = try await session.engine.change(request)
            _ = try await session.engine.change(request)
            _ = try await session.engine.change(
                ChangeRequest(change: .deleteLimit(.daily), author: "hal"))
            for step in 0..<2 {
                if step == 1 { try await session.reopen() }
                let all = try await session.engine.changes(count: 100)
                #expect(all.map(\.kind) == ["limit", "limit", "limit", "meter"])
                #expect(all.map(\.author) == ["hal", "grace", "test", "test"])
                #expect(all[0].after == nil && all[2].before == nil)
                #expect(all[0].before == all[1].after && all[1].before == all[2].after)
                #expect(all[1].recordedAt == session.clock.now)
                let older = try await session.engine.changes(before: all[1].sequence, count: 1)
                #expect(older == [all[2]])
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `applying a blueprint twice changes nothing`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            let blueprint = Blueprint(
                meters: [Meter(key: .prompts)], plans: [Plan(key: .free)], limits: [.daily(5)])
            let first = try await engine.apply(blueprint, author: "test")
            #expect(first.map(\.outcome) == [.created, .created, .created])
            let second = try await engine.apply(blueprint, author: "test")
            #expect(second.map(\.outcome) == [.unchanged, .unchanged, .unchanged])
            #expect(try await engine.blueprint() == blueprint)
            #expect(try await engine.changes(count: 10).count == 3)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what statistics are about is kept`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.daily(5)])
            let policy = StatisticsPolicy(
                sessions: SessionMeters(completed: .prompts, length: .prompts),
                milestones: [
                    MilestoneRule(key: MilestoneKey(unchecked: "a"), goal: .total(.prompts, 5)),
                    MilestoneRule(key: MilestoneKey(unchecked: "b"), goal: .streak(7)),
                ])
            let plan = Plan(key: .pro, price: Money(millionths: 9_990_000))
            #expect(try await session.engine.put(.putStatisticsPolicy(policy)).code == "created")
            try await session.engine.put(.putPlan(plan))
            for step in 0..<3 {
                if step == 1 { try await session.reopen() }
                if step == 2 {
                    try await session.engine.flush()
                    try await session.reopen()
                }
                let blueprint = try await session.engine.blueprint()
                #expect(blueprint.statistics == policy && blueprint.plans == [plan])
            }
            let gone = try await session.engine.put(.deleteStatisticsPolicy)
            #expect(gone.code == "deleted")
            try await session.reopen()
            #expect(try await session.engine.blueprint().statistics == nil)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `who is on a deleted plan can still be blocked`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(plans: [Plan(key: .pro)], limits: [.daily(5)])
            try await engine.put(.putSubject(Subject(id: .ada, plan: .pro)))
            try await engine.put(.deletePlan(.pro))
            #expect(
                try await engine.put(.putSubject(Subject(id: .ada, plan: .pro, blocked: true))).code
                    == "replaced")
            #expect(try await engine.put(.putOverride(.ada, .daily, .unlimited)).code == "created")
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `subjects are listed by id before and after projection`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.daily(50)])
            for number in [5, 3, 9, 1] {
                try await session.engine.count(.of(SubjectID(unchecked: "user\(number)")))
            }
            try await session.engine.flush()
            for number in [4, 3, 8] {
                let id = SubjectID(unchecked: "user\(number)")
                try await session.engine.put(.putSubject(Subject(id: id, name: "new")))
            }
            for step in 0..<2 {
                if step == 1 { try await session.reopen() }
                let page = try await session.engine.subjects(after: nil, count: 4)
                #expect(page.map(\.id.text) == ["user1", "user3", "user4", "user5"])
                #expect(page.map(\.name) == [nil, "new", "new", nil])
                let rest = try await session.engine.subjects(after: page.last?.id, count: 4)
                #expect(rest.map(\.id.text) == ["user8", "user9"])
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a key gets the first answer again whatever came between`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(plans: [Plan(key: .free)], limits: [.daily(10)])
            func put(
                _ change: Change, _ key: String, told: String? = nil
            ) async throws -> ChangeReceipt {
                try await session.engine.change(
                    ChangeRequest(change: change, author: "test", idempotencyKey: key, told: told))
            }
            let same = try await put(.putLimit(.daily(10)), "same")
            let missing = try await put(.deleteOverride(.ada, .daily), "missing")
            let more = try await put(.putLimit(.daily(20)), "more")
            #expect(same.outcome == .unchanged && missing.outcome == .missing)
            #expect(more.outcome == .replaced)
            let at = Instant.at("2026-03-01T00:00:00Z")
            let subscribed = try await put(
                .putSubscription(.ada, Subscription(plan: .free, startsAt: at)), "sub", told: "a")
            try await session.engine.put(.putOverride(.ada, .daily, .units(1)))
            try await session.engine.put(.putLimit(.daily(30)))
            try await session.engine.put(.deleteSubscription(.ada))
            for _ in 0..<2 {
                for (again, first) in [
                    (try await put(.putLimit(.daily(10)), "same"), same),
                    (try await put(.deleteOverride(.ada, .daily), "missing"), missing),
                    (try await put(.putLimit(.daily(20)), "more"), more),
                    // Where the time of asking is filled in, what was told is what is the same.
                    (
                        try await put(
                            .putSubscription(
                                .ada,
                                Subscription(plan: .free, startsAt: at.advanced(byMilliseconds: 5))
                            ),
                            "sub", told: "a"), subscribed
                    ),
                ] {
                    #expect(again.isReplay && again.outcome == first.outcome)
                    #expect(again.after == first.after)
                }
                try await session.reopen()
            }
            let other = try await put(.putLimit(.daily(11)), "same")
            #expect(other.outcome.code == "idempotency_conflict")
            // Nothing was undone on the way, and what changed nothing is no change.
            #expect(try await session.engine.used(.ada)["prompts_daily"] == 0)
            let limits = try await session.engine.changes(count: 100).filter { $0.kind == "limit" }
            #expect(limits.count == 3)
        }
    }
}

/// What is written down of blueprints and imports.
@Suite struct NoteTests {
    private static let blueprint = AppliedBlueprintNote(
        name: "b.yaml", digest: "d1", isOfStart: true)
    private static let file = ImportedFileNote(
        name: "a.csv", source: nil, bytes: 5, digest: "d2", scope: "s", mapping: "--subject who",
        counted: 3)

    private func notes(_ engine: MeterstoneEngine) async throws -> [Change] {
        try await engine.changes(ofKind: "appliedBlueprint").map(\.change)
            + engine.changes(ofKind: "importedFile", key: "a.csv").map(\.change)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a note is kept over a restart and is no part of the catalog`(
        store: StoreUnderTest
    ) async throws {
        let changes = [Change.noteBlueprint(Self.blueprint), .noteImport(Self.file)]
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.daily(5)])
            let before = try await session.engine.blueprint()
            for change in changes {
                #expect(try await session.engine.put(change).code == "created")
            }
            #expect(try await notes(session.engine) == changes)
            try await session.reopen()
            #expect(try await notes(session.engine) == changes)
            #expect(try await session.engine.blueprint() == before)
            #expect(try await session.engine.changes(ofKind: "importedFile", key: "b").isEmpty)
            let entry = try await session.engine.changes(count: 1).first
            #expect(entry?.kind == "importedFile" && entry?.key == "a.csv")
            #expect(entry?.before == nil && entry?.after?.contains(#""bytes":5"#) == true)
            try await session.engine.expectClean()
        }
    }
}
