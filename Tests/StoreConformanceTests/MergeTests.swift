import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// One subject is merged into another.
@Suite struct MergeTests {
    private static let ann = SubjectID(unchecked: "ann")
    private static let anon = SubjectID(unchecked: "anon-77")
    private static let size = MeterKey(unchecked: "size")
    private static let stock = MeterKey(unchecked: "stock")
    private static let visitors = MeterKey(unchecked: "visitors")
    private static let merge = Change.mergeSubject(ann, from: anon)

    private static let meters = [
        Meter(key: .prompts), Meter(key: .exports, aggregation: .count, eventTypes: ["export"]),
        Meter(key: .seconds, aggregation: .max), Meter(key: size, aggregation: .latest),
        Meter(
            key: visitors, aggregation: .uniqueCount, eventTypes: ["visit"],
            uniqueDimension: "visitor"),
    ]

    private static let limits: [Limit] = [
        .daily(100), .limit("ever", 1_000, per: .lifetime),
        .limit("hourly", 50, per: .rolling(seconds: 3_600), mode: .soft),
        .limit("longest", 9, of: .seconds, per: .month, mode: .soft),
        .limit("exports", 1, of: .exports, per: .day, mode: .shadow),
    ]

    @Test(arguments: StoreUnderTest.allCases)
    func `afterwards both keys mean one subject, which has what both had`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            var engine = session.engine
            try await engine.setUp(limits: [.daily(10), .limit("ever", 9, per: .lifetime)])
            try await engine.put(.putSubject(Subject(id: Self.ann, name: "Ann")))
            let first = try await engine.decide(.of(Self.anon, [.prompts: 2], id: "a"))
            session.clock.advance(bySeconds: 1)
            try await engine.count(.of(Self.anon, [.prompts: 3], id: "b"))
            session.clock.advance(bySeconds: 1)
            try await engine.count(.of(Self.anon, [.prompts: 9], id: "gone"))
            session.clock.advance(bySeconds: 1)
            #expect(try await engine.void("gone").code == "corrected")
            #expect(try await engine.amend("b", [.prompts: 4]).code == "corrected")
            _ = try await engine.decide(.of(Self.ann, [.prompts: 1], id: "c"))
            session.clock.advance(bySeconds: 1)
            #expect(try await engine.put(Self.merge, key: "k").code == "replaced")
            #expect(try await engine.put(Self.merge, key: "k").code == "replaced")
            #expect(try await engine.put(Self.merge).code == "unchanged")
            for round in 0..<3 {
                for key in [Self.ann, Self.anon] {
                    #expect(try await engine.subject(key)?.name == "Ann")
                    #expect(try await engine.aliases(of: key) == [Self.anon])
                    #expect(try await engine.used(key) == ["prompts_daily": 7, "ever": 7])
                    #expect(try await engine.quantities(of: key, per: .day).last == 7)
                    // A repeat is the same event, with its first answer.
                    let again = try await engine.decide(.of(key, [.prompts: 2], id: "a"))
                    #expect(
                        again.isDuplicate && again.limits.map(\.used) == first.limits.map(\.used))
                    let outcome = try await engine.record([.of(key, [.prompts: 3], id: "b")])
                    #expect(outcome.map(\.code) == ["duplicate"])
                    #expect(
                        try await engine.consume(.of(key, [.prompts: 9], id: "gone")).code
                            == "event_voided")
                    let events = try await engine.events(of: key).events
                    #expect(events.map(\.event.id?.text) == ["c", "gone", "b", "a"])
                    #expect(events.allSatisfy { $0.event.subject == Self.ann })
                    #expect(events.map(\.corrections.count) == [0, 1, 1, 0])
                }
                #expect(try await engine.subjects(after: nil, count: 10).map(\.id) == [Self.ann])
                let top = try await engine.lifetime(of: Self.anon)
                #expect(top?.meters.map(\.lifetime) == [7])
                try await engine.expectClean()
                if round == 0 { try await engine.flush() }
                if round == 1 {
                    try await session.reopen()
                    engine = session.engine
                }
            }
            // Old events go on being corrected, and count for the one that stayed.
            #expect(try await engine.void("a").code == "corrected")
            #expect(try await engine.amend("b", [.prompts: 1]).code == "corrected")
            _ = try await engine.decide(.of(Self.anon, [.prompts: 1]))
            #expect(try await engine.used(Self.ann)["ever"] == 3)
            _ = try await engine.rebuild()
            #expect(try await engine.used(Self.anon) == ["prompts_daily": 3, "ever": 3])
            try await engine.expectClean()
        }
    }

    /// What two subjects did, or one under both names.
    private func record(
        _ engine: MeterstoneEngine, _ clock: ManualClock, as anon: SubjectID, seed: UInt64
    ) async throws {
        var random = SplitMix64(state: seed)
        func number(_ range: Range<Int64>) -> Int64 { Int64.random(in: range, using: &random) }
        for step in 0..<60 {
            clock.advance(bySeconds: number(1..<9_000))
            let isAnon = number(0..<2) == 0
            let subject = isAnon ? anon : Self.ann
            let late = clock.now.advanced(byMilliseconds: -number(0..<100_000_000))
            switch number(0..<7) {
            case 0:
                _ = try await engine.decide(.of(subject, [.prompts: number(1..<5)], id: "\(step)"))
            case 1:
                var event = UsageEvent.of(subject, [.seconds: number(0..<12)], id: "\(step)")
                event.occurredAt = late
                try await engine.count(event)
            case 2:
                var event = UsageEvent.of(subject, [Self.size: number(0..<12)], id: "\(step)")
                event.occurredAt = late
                try await engine.count(event)
            case 3:
                let visitor = ["visitor": "v\(number(0..<4))"]
                try await engine.count(
                    .of(subject, [:], id: "\(step)", type: "visit", dimensions: visitor))
            case 4: try await engine.count(.of(subject, [:], id: "\(step)", type: "export"))
            case 5: _ = try await engine.void("\(number(0..<60))")
            default: _ = try await engine.amend("\(number(0..<60))", [.prompts: number(0..<9)])
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases, [1, 2, 3, 4] as [UInt64])
    func `a merge comes to what one subject would have that did it all`(
        store: StoreUnderTest, seed: UInt64
    ) async throws {
        let options = StoreUnderTest.options { $0.lateMillisecondsMax = nil }
        let clock = ManualClock()
        let told = try await store.withSession(options, clock: clock) { session in
            try await session.engine.setUp(meters: Self.meters, limits: Self.limits)
            for id in [Self.ann, Self.anon] {
                try await session.engine.put(.putSubject(Subject(id: id, name: "Ann")))
            }
            try await record(session.engine, clock, as: Self.anon, seed: seed)
            if seed.isMultiple(of: 2) { try await session.engine.flush() }
            clock.advance(bySeconds: 1)
            #expect(try await session.engine.put(Self.merge).code == "replaced")
            try await session.engine.expectClean()
            let told = try await tell(session.engine)
            try await session.reopen()
            #expect(try await tell(session.engine) == told)
            try await session.engine.expectClean()
            return told
        }
        let alone = ManualClock()
        let expected = try await StoreUnderTest.memory.withSession(options, clock: alone) {
            session in
            try await session.engine.setUp(meters: Self.meters, limits: Self.limits)
            try await session.engine.put(.putSubject(Subject(id: Self.ann, name: "Ann")))
            try await record(session.engine, alone, as: Self.ann, seed: seed)
            alone.advance(bySeconds: 1)
            return try await tell(session.engine)
        }
        #expect(told == expected)
    }

    /// Everything that is counted of the one that stays, in words.
    private func tell(_ engine: MeterstoneEngine) async throws -> [String] {
        var lines: [String] = []
        for (limit, used) in try await engine.used(Self.ann).sorted(by: { $0.key < $1.key }) {
            // What a shadow limit would have refused depends on who asked.
            lines.append("\(limit) \(used)")
        }
        for meter in Self.meters {
            for window in [Window.day, .month, .lifetime] {
                lines.append(
                    "\(meter.key) \(window) "
                        + "\(try await engine.quantities(of: Self.ann, meter.key, per: window))")
            }
        }
        let span = ReportQuestion(
            from: .at("2026-02-01T00:00:00Z"), until: .at("2026-05-01T00:00:00Z"))
        let top = try await engine.report(.top(.prompts), span)
        lines.append("\(top)")
        return lines
    }

    @Test(arguments: StoreUnderTest.allCases)
    func
        `usage stays with the teams that had it, and what comes counts for the team of the one that stays`(
            store: StoreUnderTest
        ) async throws
    {
        try await store.withSession { session in
            var engine = session.engine
            try await engine.setUp(
                meters: Self.meters,
                limits: [
                    .daily(100), .limit("longest", 50, of: .seconds, per: .lifetime),
                    .limit("visitors", 50, of: Self.visitors, per: .lifetime),
                ])
            try await engine.put(.putSubject(Subject(id: Self.anon, parent: .team)))
            try await engine.put(.putSubject(Subject(id: Self.ann, parent: .company)))
            let visitor = ["visitor": "v1"]
            try await engine.count(
                .of(Self.anon, [.prompts: 5], id: "a"), .of(Self.anon, [.seconds: 7], id: "b"),
                .of(Self.anon, [:], id: "v", type: "visit", dimensions: visitor),
                .of(Self.ann, [.prompts: 1], id: "c"), .of(.bob, [.prompts: 1]),
                .of(Self.anon, [.seconds: 7], id: "d"))
            #expect(try await engine.put(Self.merge).code == "replaced")
            for _ in 0..<2 {
                let team = ["prompts_daily": 5, "longest": 7, "visitors": 1] as [String: Int64]
                #expect(try await engine.used(.team) == team)
                #expect(try await engine.used(.company)["prompts_daily"] == 1)
                #expect(try await engine.used(Self.ann)["prompts_daily"] == 6)
                try await engine.expectClean()
                try await session.reopen()
                engine = session.engine
            }
            try await engine.count(.of(Self.anon, [.prompts: 2]))
            #expect(try await engine.void("a").code == "corrected")
            #expect(try await engine.used(.team)["prompts_daily"] == 0)
            #expect(try await engine.used(.company)["prompts_daily"] == 3)
            #expect(try await engine.used(Self.ann)["prompts_daily"] == 3)
            // Who is merged is no member any more, and has been one.
            let ofTeam = try await engine.change(
                ChangeRequest(change: .mergeSubject(.bob, from: .team), author: "test")
            ).outcome
            guard case .rejected(let rejection) = ofTeam else { throw UnexpectedOutcome() }
            #expect(rejection.message.contains("had members"))
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `credits that were given go over, and those of a plan do not`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            var engine = session.engine
            try await engine.setUp(
                plans: [
                    Plan(
                        key: .free, isDefault: true,
                        recurringGrants: [RecurringGrant(window: .month, amount: 10)])
                ], credits: CreditPolicy(prices: [.prompts: 1]))
            let until = session.clock.now.advanced(byMilliseconds: 86_400_000)
            let order = GrantOrder(
                id: GrantID("g"), amount: 20, expiresAt: until, source: .purchase)
            try await engine.put(.grantCredit(Self.anon, order))
            try await engine.put(
                .grantCredit(Self.anon, GrantOrder(id: GrantID("h"), amount: 5)))
            try await engine.put(.grantCredit(Self.ann, GrantOrder(id: GrantID("h"), amount: 7)))
            _ = try await engine.decide(.of(Self.anon, [.prompts: 12], id: "spent"))
            let balances = (
                try await engine.wallet(of: Self.anon).balance,
                try await engine.wallet(of: Self.ann).balance
            )
            #expect(balances == (23, 17))
            let ledger = try await engine.ledger(of: Self.anon).entries.map(\.sequence)
            guard
                case .preview(let preview) = try await engine.previewMerge(
                    of: Self.anon, into: Self.ann)
            else { throw UnexpectedOutcome() }
            #expect(try await engine.put(Self.merge).code == "replaced")
            for _ in 0..<2 {
                // 23 were left, of which the plan's are not carried.
                let wallet = try await engine.wallet(of: Self.anon)
                #expect(
                    preview.credits == MergedCredits(from: 23, into: 17, merged: wallet.balance))
                #expect(wallet.grants.map(\.grant.amount).reduce(0, +) == wallet.balance)
                #expect(wallet.grants.contains { $0.grant.expiresAt == until })
                #expect(wallet.grants.contains { $0.grant.id.text.hasPrefix("meterstone:merged-") })
                // What happened before stands under the key of then.
                let before = try await engine.ledger(of: Self.anon).entries
                #expect(before.map(\.sequence).suffix(ledger.count) == ledger[...])
                #expect(before.first?.entry.balanceAfter == 0)
                #expect(try await engine.ledger(of: Self.ann).entries.first?.entry.kind == .grant)
                // A repeat of a grant is no other.
                #expect(try await engine.put(.grantCredit(Self.ann, order)).code == "unchanged")
                try await engine.expectClean()
                try await session.reopen()
                engine = session.engine
            }
            let balance = try await engine.wallet(of: Self.ann).balance
            let refund = Change.refundCredit(Self.anon, reference: "spent", reason: "sorry")
            guard case .credited(let receipt) = try await engine.put(refund) else {
                throw UnexpectedOutcome()
            }
            #expect(receipt.amount == 12 && receipt.balance == balance + 12)
            #expect(try await engine.put(refund).code == "already_refunded")
            #expect(
                try await engine.consume(.of(Self.ann, [.prompts: 12], id: "spent")).code
                    == "event_refunded")
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a preview tells what would be, and changes nothing`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            let engine = session.engine
            try await engine.setUp(
                meters: [Meter(key: .prompts), Meter(key: .seconds, aggregation: .max)],
                limits: [.daily(10), .limit("longest", 9, of: .seconds, per: .month)])
            try await engine.count(
                .of(Self.anon, [.prompts: 7, .seconds: 8], id: "a"),
                .of(Self.ann, [.prompts: 6, .seconds: 3], id: "b"))
            for _ in 0..<2 {
                let outcome = try await engine.previewMerge(of: Self.anon, into: Self.ann)
                guard case .preview(let preview) = outcome else { throw UnexpectedOutcome() }
                let sums = preview.meters.filter { $0.meter == .prompts }
                #expect(sums.map(\.window) == [.day, .lifetime])
                #expect(sums.allSatisfy { ($0.from, $0.into, $0.merged) == (7, 6, 13) })
                let most = preview.meters.filter { $0.meter == .seconds }
                #expect(most.map(\.window) == [.day, .lifetime, .month])
                #expect(most.allSatisfy { ($0.from, $0.into, $0.merged) == (8, 3, 8) })
                #expect(preview.over == [.daily])
                #expect(preview.after.map(\.status.used.units) == [8, 13])
                #expect(preview.before.map(\.status.used.units) == [3, 6])
                #expect(try await engine.used(Self.anon)["prompts_daily"] == 7)
                try await session.engine.flush()
            }
            #expect(try await engine.put(Self.merge).code == "replaced")
            #expect(try await engine.used(Self.ann)["prompts_daily"] == 13)
            #expect(try await engine.decide(.of(Self.anon)).denial != nil)
            let again = try await engine.previewMerge(of: Self.anon, into: Self.ann)
            guard case .preview(let preview) = again else { throw UnexpectedOutcome() }
            #expect(preview.over == [] && preview.meters.allSatisfy { $0.from == 0 })
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what cannot be merged says why, and stays as it is`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            let engine = session.engine
            try await engine.setUp(
                meters: [Meter(key: .prompts), Meter(key: Self.stock, aggregation: .gauge)],
                plans: [Plan(key: .pro)], limits: [.daily(1_000_000)])
            func id(_ text: String) -> SubjectID { SubjectID(unchecked: text) }
            try await engine.count(.of(Self.ann, [.prompts: 1, Self.stock: 4], id: "ann"))
            try await engine.put(.putSubject(Subject(id: id("member"), parent: .team)))
            try await engine.put(.putSubject(Subject(id: id("left"), parent: .company)))
            try await engine.count(.of(id("left"), id: "left"))
            try await engine.put(.putSubject(Subject(id: id("left"))))
            try await engine.put(.putSubject(Subject(id: id("blocked"), blocked: true)))
            try await engine.put(
                .putSubscription(
                    id("paying"), Subscription(plan: .pro, startsAt: session.clock.now)))
            session.clock.advance(bySeconds: 1)
            try await engine.put(
                .putSubscription(id("paid"), Subscription(plan: .pro, startsAt: session.clock.now)))
            session.clock.advance(bySeconds: 1)
            try await engine.put(.deleteSubscription(id("paid")))
            try await engine.put(
                .putAccount(id("person"), PersonAccount(email: EmailAddress("p@example.org"))))
            try await engine.count(.of(id("gauge"), [Self.stock: 2], id: "g"))
            _ = try await engine.reserve(
                .of(id("reserved"), id: "r"), ReservationTerms(milliseconds: 60_000))
            try await engine.count(.of(id("large"), [.prompts: .max - 2], id: "l"))
            let events = (0...WorkingSet.mergedEventsMax).map {
                UsageEvent.of(id("many"), id: "m\($0)")
            }
            _ = try await engine.record(events)
            let refused: [(from: SubjectID, into: SubjectID, code: String)] = [
                (Self.ann, Self.ann, "invalid_field"),
                (id("nobody"), Self.ann, "unknown_subject"),
                (Self.ann, id("nobody"), "unknown_subject"),
                (.team, Self.ann, "in_use"), (.company, Self.ann, "in_use"),
                (id("member"), .team, "cyclic_parent"), (.team, id("member"), "cyclic_parent"),
                (id("left"), .company, "cyclic_parent"), (.company, id("left"), "cyclic_parent"),
                (id("blocked"), Self.ann, "in_use"), (id("paying"), Self.ann, "in_use"),
                (id("paid"), Self.ann, "in_use"), (id("person"), Self.ann, "in_use"),
                (id("gauge"), Self.ann, "in_use"),
                (id("reserved"), Self.ann, "reservation_open"),
                (id("large"), id("many"), "quantity_overflow"),
                (id("many"), Self.ann, "too_many_events"),
            ]
            for (from, into, code) in refused {
                let outcome = try await engine.put(.mergeSubject(into, from: from))
                #expect(outcome.code == code, "\(from) into \(into)")
                let preview = try await engine.previewMerge(of: from, into: into)
                guard case .rejected(let rejection) = preview else { throw UnexpectedOutcome() }
                #expect(rejection.code.rawValue == code, "\(from) into \(into)")
            }
            #expect(try await engine.used(Self.ann) == ["prompts_daily": 1])
            // Readings of one alone are merged.
            #expect(
                try await engine.put(.mergeSubject(id("member"), from: id("gauge"))).code
                    == "replaced")
            #expect(
                try await engine.quantities(of: id("gauge"), Self.stock, per: .lifetime) == [2])
            // What was merged keeps its key.
            #expect(
                try await engine.put(.deleteAlias(id("member"), alias: id("gauge"))).code
                    == "in_use")
            #expect(
                try await engine.put(.renameSubject(id("member"), to: id("gauge"))).code == "in_use"
            )
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `who was merged is merged on, with all that was`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            var engine = session.engine
            try await engine.setUp(limits: [.limit("ever", 100, per: .lifetime)])
            let (visitor, other) = (SubjectID(unchecked: "visitor"), SubjectID(unchecked: "v-2"))
            try await engine.count(
                .of(visitor, [.prompts: 1], id: "a"), .of(Self.anon, [.prompts: 2], id: "b"),
                .of(Self.ann, [.prompts: 4], id: "c"))
            try await engine.put(.putAlias(visitor, alias: other))
            try await engine.put(.putSubject(Subject(id: visitor, timeZone: "Asia/Tokyo")))
            #expect(try await engine.put(.mergeSubject(Self.anon, from: other)).code == "replaced")
            #expect(try await engine.used(Self.anon)["ever"] == 3)
            #expect(try await engine.put(Self.merge).code == "replaced")
            try await engine.put(.renameSubject(Self.ann, to: .ada))
            for _ in 0..<2 {
                for key in [visitor, other, Self.anon, Self.ann, .ada] {
                    #expect(try await engine.used(key)["ever"] == 7)
                    #expect(try await engine.subject(key)?.id == .ada)
                }
                #expect(
                    try await engine.aliases(of: .ada) == [Self.ann, Self.anon, other, visitor])
                #expect(try await engine.decide(.of(visitor, id: "a")).isDuplicate)
                let changes = try await engine.changes(before: nil, count: 20)
                #expect(
                    changes.filter { $0.kind == "merge" }.map(\.key)
                        == ["ann/anon-77", "anon-77/v-2"])
                try await engine.expectClean()
                try await session.reopen()
                engine = session.engine
            }
            #expect(try await engine.void("a").code == "corrected")
            #expect(try await engine.used(.ada)["ever"] == 6)
            _ = try await engine.rebuild()
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases, [StoreUnderTest.sqlite, .postgres])
    func `a copy has it, and goes on`(from: StoreUnderTest, to: StoreUnderTest) async throws {
        let (source, target) = (try CopiedPlace(from), try CopiedPlace(to))
        try await source.withEngine { engine, clock in
            try await engine.setUp(limits: [.daily(10)])
            try await engine.count(
                .of(Self.anon, [.prompts: 4], id: "a"), .of(Self.ann, [.prompts: 3], id: "b"))
            try await engine.put(.grantCredit(Self.anon, GrantOrder(id: GrantID("g"), amount: 5)))
            #expect(try await engine.put(Self.merge).code == "replaced")
            let question = WhatIfQuestion(limits: [.daily(6)])
            guard case .answered(let answer) = try await engine.whatIf(question) else {
                throw UnexpectedOutcome()
            }
            #expect(answer.events == 2 && answer.subjects == 1 && answer.refused == 1)
        }
        let report = try StoreCopy.run(from: try source.store(), to: try target.store())
        #expect(report.differences == [] && report.subjects == 1)
        try source.close()
        try await target.withEngine { engine, _ in
            #expect(try await engine.used(Self.anon) == ["prompts_daily": 7])
            #expect(try await engine.decide(.of(Self.ann, [.prompts: 4], id: "a")).isDuplicate)
            #expect(try await engine.wallet(of: Self.ann).balance == 5)
            #expect(try await engine.void("a").code == "corrected")
            #expect(try await engine.used(Self.ann) == ["prompts_daily": 3])
            try await engine.expectClean()
        }
        try target.close()
    }
}
