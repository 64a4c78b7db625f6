import Foundation
import HTTPTypes
import HummingbirdTesting
import Meterstone
import MeterstoneAPI
import MeterstoneClient
import MeterstoneCore
import MeterstoneTesting
import NIOCore
import Testing

/// One service with two implementations: what an engine answers, a client of a server answers.
@Suite struct ServiceTests {
    private typealias Script =
        @Sendable (any MeterstoneService, ManualClock, inout Transcript) async throws -> Void

    /// Plays the same against both, each with a store and a clock of its own, and compares what was said.
    @discardableResult
    private func both(
        _ blueprint: Blueprint = TestServer.blueprint, _ script: Script
    ) async throws -> [String] {
        let ofEngine = try await TestServer.run(blueprint: blueprint) { server in
            var transcript = Transcript()
            try await script(server.engine, server.clock, &transcript)
            return transcript.lines
        }
        let ofClient = try await TestServer.run(key: "k", blueprint: blueprint) { server in
            let clock = server.clock
            let client = MeterstoneClient(
                RouterTransport(server.client), key: "k", clock: { clock.now })
            var transcript = Transcript()
            try await script(client, clock, &transcript)
            return transcript.lines
        }
        for (own, others) in zip(ofEngine, ofClient) { #expect(own.unplaced == others.unplaced) }
        #expect(ofEngine.count == ofClient.count)
        return ofClient
    }

    private static let ann = SubjectID(unchecked: "ann / 1?")
    private static let daily = LimitKey(unchecked: "prompts_daily")

    private static func event(
        _ id: String?, _ units: Int64, of meter: MeterKey = TestServer.prompts,
        details: EventDetails? = nil
    ) -> UsageEvent {
        UsageEvent(
            id: id.flatMap { EventID($0) }, subject: ann,
            quantities: .one(meter, Quantity(units)), details: details)
    }

    @Test func `consumes are allowed, repeated, refused, in conflict and rejected alike`()
        async throws
    {
        let lines = try await both { service, clock, said in
            said.add(try await service.consume(Self.event("a", 4)), at: clock.now)
            said.add(try await service.consume(Self.event("a", 4)), at: clock.now)
            said.add(try await service.consume(Self.event("b", 7)), at: clock.now)
            said.add(try await service.consume(Self.event("a", 5)), at: clock.now)
            said.add(
                try await service.consume(Self.event("c", 1, of: MeterKey(unchecked: "x"))),
                at: clock.now)
            said.add(try await service.check(Self.event(nil, 6), as: .consume), at: clock.now)
            said.add(try await service.check(Self.event(nil, 7), as: .reservation), at: clock.now)
            said.lines.append(
                "\(try await service.differences(of: Self.event("a", 5), terms: nil))")
            for outcome in try await service.consume([
                Self.event("d", 5), Self.event("e", 2), Self.event("f", 1), Self.event("a", 9),
                Self.event("g", 1, of: MeterKey(unchecked: "x")),
            ]) { said.add(outcome, at: clock.now) }
            said.limits(try await service.limits(of: Self.ann))
        }
        #expect(lines[0].contains(#""used":4"#) && lines[1].contains(#""duplicate":true"#))
        #expect(lines[2].contains("limit_exceeded") && lines[3] == "conflict a")
        #expect(lines[7] == #"["quantities.prompts"]"#)
        #expect(lines[9].contains(#""allowed":false"#) && lines[10].contains(#""used":10"#))
    }

    @Test func `records, corrections and what they left are told alike`() async throws {
        let details = EventDetails(
            source: "app", type: "prompt", subtype: "long", status: .failed,
            durationMilliseconds: 12, errorMessage: "a \"word\"", cost: Money(millionths: 5),
            project: "p", scene: "s", session: "t",
            dimensions: [Dimension(name: "model", value: "m,1"), Dimension(name: "a", value: "b")],
            properties: #"{"k":[1.5,null]}"#)
        let lines = try await both { service, clock, said in
            let events = [
                Self.event("a", 2), Self.event("a", 2), Self.event("a", 3),
                Self.event("b", 1, details: details),
                Self.event("c", 1, of: MeterKey(unchecked: "nothing")),
            ]
            for outcome in try await service.record(events) { said.add(outcome) }
            let amended = Correction(
                eventID: .text("a"), kind: .amend(.one(TestServer.prompts, 5), nil),
                author: "op", reason: "counted twice")
            for _ in 1...2 { said.add(try await service.correct(amended)) }
            // Some details, all of them, and one that is taken away.
            for (details, fields) in [
                (
                    EventDetails(status: .success, project: "q"),
                    [.status, .project] as EventDetailFields
                ),
                (EventDetails(type: "other", cost: Money(millionths: 7)), .all),
                (.none, [.type]),
            ] as [(EventDetails, EventDetailFields)] {
                let told = Correction(
                    eventID: .text("b"), source: "app",
                    kind: .amend(.one(TestServer.prompts, 1), details), fields: fields,
                    author: "op", reason: "told wrong")
                said.add(try await service.correct(told))
                let page = try await service.events(of: Self.ann, before: nil, count: 10)
                for event in page.events { said.object(event, Shapes.event) }
            }
            let voided = Correction(
                eventID: .text("b"), source: "app", kind: .void, author: "op", reason: "a test")
            said.add(try await service.correct(voided))
            said.add(
                try await service.correct(
                    Correction(eventID: .text("z"), kind: .void, author: "op", reason: "none")))
            let first = try await service.events(of: Self.ann, before: nil, count: 1)
            said.object(first.events[0], Shapes.event)
            let rest = try await service.events(of: Self.ann, before: first.next, count: 10)
            for event in rest.events { said.object(event, Shapes.event) }
            said.lines.append("\(rest.next == nil)")
            let usage = try await service.usage(
                of: Self.ann, meter: TestServer.prompts, window: .day,
                from: clock.now.advanced(byMilliseconds: -86_400_000), until: nil)
            if case .series(let series) = usage {
                said.object(UsageAnswer(Self.ann, series), Shapes.usage)
            }
            if case .rejected(let rejection) = try await service.usage(
                of: Self.ann, meter: MeterKey(unchecked: "x"), window: .day, from: nil, until: nil)
            {
                said.lines.append("\(rejection.code)")
            }
            if let lifetime = try await service.lifetime(of: Self.ann) {
                said.object(lifetime, Shapes.lifetime)
            }
            said.lines.append(
                "\(try await service.lifetime(of: SubjectID(unchecked: "no")) == nil)")
        }
        #expect(
            Array(lines.prefix(4)) == [
                "counted a [prompts]", "duplicate a [prompts]", "conflict a", "counted b []",
            ])
        #expect(lines[4].hasPrefix("rejected unknown_meter quantities.nothing"))
        #expect(lines[5] == "corrected" && lines[6] == "unchanged" && lines[7] == "corrected")
        #expect(lines.contains("unknownMeter") && lines.last == "true")
    }

    @Test func `reservations are made, extended, settled and released alike`() async throws {
        let lines = try await both { service, clock, said in
            let terms = ReservationTerms(milliseconds: 60_000, onExpiry: .charge, onOverage: .cap)
            said.add(try await service.reserve(Self.event("r", 6), terms), at: clock.now)
            said.add(try await service.reserve(Self.event("r", 6), terms), at: clock.now)
            said.add(try await service.reserve(Self.event("s", 6), terms), at: clock.now)
            said.add(
                try await service.reserve(Self.event("t", 2), ReservationTerms()), at: clock.now)
            for open in try await service.openReservations(of: Self.ann) {
                said.object(open, Shapes.reservation)
            }
            let id = EventID.text("r")
            said.add(
                try await service.extend(
                    ReservationExtension(
                        id: id, milliseconds: 120_000, quantities: .one(TestServer.prompts, 7),
                        reported: .one(TestServer.prompts, 1))), at: clock.now)
            said.add(
                try await service.extend(
                    ReservationExtension(id: id, quantities: .one(TestServer.prompts, 9))),
                at: clock.now)
            let details = EventDetails(status: .failed, durationMilliseconds: 40)
            for _ in 1...2 {
                said.add(
                    try await service.settle(
                        id, source: nil, .one(TestServer.prompts, 3), details: details),
                    at: clock.now)
            }
            said.add(
                try await service.settle(
                    id, source: nil, .one(TestServer.prompts, 4), details: nil), at: clock.now)
            said.add(
                try await service.release(.text("t"), source: nil, details: nil), at: clock.now)
            said.add(
                try await service.release(.text("z"), source: nil, details: nil), at: clock.now)
            if let found = try await service.reservation(id, source: nil) {
                said.object(found, Shapes.reservation)
            }
            said.lines.append("\(try await service.reservation(.text("z"), source: nil) == nil)")
        }
        // What is allowed takes two lines: the decision and the reservation.
        #expect(lines[3].contains(#""status":"open""#) && lines[4].contains("limit_exceeded"))
        #expect(lines[10].hasPrefix("denied") && lines[12].contains(#""duplicate":true"#))
        #expect(
            lines[13].hasPrefix("conflict") && lines[15].hasPrefix("rejected unknown_reservation"))
    }

    @Test func `levels, what is carried over and what was aborted are told alike`() async throws {
        let lines = try await both { service, clock, said in
            said.add(
                try await service.change(
                    ChangeRequest(
                        change: .putLimit(
                            Limit(
                                key: LimitKey(unchecked: "l"), meter: TestServer.prompts,
                                window: .day, defaultAllowance: .units(50),
                                rollover: LimitRollover(max: 30, windows: 2), debt: true)),
                        author: "op")))
            let levels = [SubjectID(unchecked: "project/x"), SubjectID(unchecked: "key/k1")]
            let event = Self.event("r", 6, details: EventDetails(levels: levels))
            let terms = ReservationTerms(
                onAbort: .told, abortMinimum: .one(TestServer.prompts, 2))
            for _ in 1...2 {
                said.add(try await service.reserve(event, terms), at: clock.now)
            }
            said.add(try await service.reserve(event, ReservationTerms()), at: clock.now)
            if let found = try await service.reservation(.text("r"), source: nil) {
                said.object(found, Shapes.reservation)
            }
            for _ in 1...2 {
                said.add(
                    try await service.settle(
                        .text("r"), source: nil, .none, details: EventDetails(status: .cancelled)),
                    at: clock.now)
            }
            let events = try await service.events(of: levels[1], before: nil, count: 5)
            for event in events.events { said.object(event, Shapes.event) }
            clock.advance(bySeconds: 86_400)
            for status in try await service.limits(of: levels[0]) {
                said.object(status, Shapes.limitStatus)
            }
        }
        #expect(lines.contains { $0.contains(#""levels":["project/x","key/k1"]"#) })
        #expect(lines.contains { $0.contains(#""onAbort":"told","abortMinimum":{"prompts":2}"#) })
        #expect(lines.contains { $0.contains(#""base":50,"additions":[],"carried":30"#) })
    }

    @Test func `what an administrator changes is changed alike`() async throws {
        let lines = try await both { service, _, said in
            let tokens = Meter(key: MeterKey(unchecked: "tokens"), unit: "token")
            let changes: [Change] = [
                .putMeter(tokens), .putMeter(tokens), .deleteMeter(tokens.key),
                .deleteMeter(tokens.key), .putPlan(Plan(key: TestServer.pro, rank: 9)),
                .putLimit(
                    Limit(
                        key: LimitKey(unchecked: "l"), meter: TestServer.seconds,
                        window: .rolling(seconds: 60), allowances: [TestServer.pro: .unlimited],
                        defaultAllowance: .units(3), mode: .soft)),
                .putLimit(
                    Limit(
                        key: LimitKey(unchecked: "l"), meter: MeterKey(unchecked: "none"),
                        window: .day)),
                .putSubject(
                    Subject(id: Self.ann, timeZone: "Asia/Tokyo", name: "Ann", metadata: ["a": "b"])
                ),
                .putOverride(Self.ann, Self.daily, .units(12)),
                .putOverride(Self.ann, LimitKey(unchecked: "none"), .units(12)),
                .deleteOverride(Self.ann, Self.daily), .deleteOverride(Self.ann, Self.daily),
                .patch(MergePatch(.subject(Self.ann), .object(["name": .text("Anna")]))),
                .patch(MergePatch(.limit(LimitKey(unchecked: "m")), .object([:]))),
                .putModel(Model(key: ModelKey(unchecked: "m/1"), prices: [])),
                .putModel(
                    Model(
                        key: ModelKey(unchecked: "m/1"),
                        prices: [
                            ModelPrice(input: Money(millionths: 3), output: Money(millionths: 15))
                        ])),
                .deleteStatisticsPolicy, .putSwitches(Switches(limits: Switch(.shadow))),
                .putSwitches(Switches(tracking: Switch(.shadow))), .deleteSwitches, .deleteSwitches,
            ]
            for change in changes {
                said.add(try await service.change(ChangeRequest(change: change, author: "op")))
            }
            let spring = AdditionID(unchecked: "spring")
            let boost = Addition(id: spring, .limit(Self.daily, .add(5)), reason: "spring")
            let none = Addition(
                id: spring, .addOn(AddOnKey(unchecked: "none"), quantity: 2))
            for change in [
                .putAddition(Self.ann, boost), .putAddition(Self.ann, boost),
                .putAddition(Self.ann, none),
                .putSubject(Subject(id: Self.ann, name: "Anna", additions: [none])),
            ] as [Change] {
                said.add(try await service.change(ChangeRequest(change: change, author: "op")))
            }
            for (id, limit) in [
                (Self.ann, Self.daily), (Self.ann, LimitKey(unchecked: "none")),
                (SubjectID(unchecked: "nobody"), Self.daily),
            ] {
                said.add(
                    try await service.change(
                        ChangeRequest(
                            change: .resetLimit(id, limit, reason: "sorry"), author: "op")))
            }
            for status in try await service.limits(of: Self.ann) {
                said.object(status, Shapes.limitStatus)
            }
            for _ in 1...2 {
                said.add(
                    try await service.change(
                        ChangeRequest(change: .endAddition(Self.ann, spring), author: "op")))
            }
            let request = ChangeRequest(
                change: .deleteModel(ModelKey(unchecked: "m/1")), author: "op",
                idempotencyKey: "once")
            for _ in 1...2 { said.add(try await service.change(request)) }
            let held = ChangeRequest(
                change: .putPlan(Plan(key: TestServer.free, rank: 5)), author: "op",
                condition: ChangeCondition(noneMatch: .any))
            said.add(try await service.change(held))
            said.json(try await service.blueprint())
            said.json(try await service.subject(Self.ann))
            let anna = SubjectID(unchecked: "anna")
            for change: Change in [
                .putAlias(Self.ann, alias: SubjectID(unchecked: "a/b")),
                .deleteAlias(Self.ann, alias: SubjectID(unchecked: "no")),
                .renameSubject(Self.ann, to: anna), .renameSubject(Self.ann, to: anna),
                .deleteAlias(anna, alias: Self.ann),
                .renameSubject(SubjectID(unchecked: "no"), to: SubjectID(unchecked: "x")),
                .renameSubject(anna, to: Self.ann),
            ] {
                let outcome = try await service.change(
                    ChangeRequest(change: change, author: "ops")
                ).outcome
                said.lines.append("\(outcome)")
                said.lines.append("\(try await service.aliases(of: Self.ann) ?? [])")
            }
            let other = SubjectID(unchecked: "other")
            for change: Change in [
                .putSubject(Subject(id: other)), .mergeSubject(Self.ann, from: other),
                .mergeSubject(Self.ann, from: other), .mergeSubject(Self.ann, from: Self.ann),
            ] {
                switch try await service.previewMerge(of: other, into: Self.ann) {
                case .rejected(let rejection): said.lines.append("\(rejection)")
                case .preview(let preview): said.object(preview, Shapes.mergePreview)
                }
                let outcome = try await service.change(
                    ChangeRequest(change: change, author: "ops")
                ).outcome
                said.lines.append("\(outcome)")
            }
            for thing: MergePatch.Target in [
                .subject(Self.ann), .meter(TestServer.prompts), .limit(Self.daily),
                .subscription(Self.ann), .plan(PlanKey(unchecked: "none")),
            ] {
                let times = try await service.times(of: thing)
                said.lines.append(
                    "\(times?.createdAt?.rfc3339 ?? "-") \(times?.updatedAt?.rfc3339 ?? "-")")
            }
            said.lines.append("\(try await service.subject(SubjectID(unchecked: "no")) == nil)")
            for id in ["b", "c", "d"] {
                said.add(
                    try await service.change(
                        ChangeRequest(
                            change: .putSubject(Subject(id: SubjectID(unchecked: id))),
                            author: "op")))
            }
            said.json(try await service.subjects(after: SubjectID(unchecked: "b"), count: 2))
            said.lines.append("\(try await service.subjectTotal())")
            for entry in try await service.changes(before: nil, count: 4) {
                said.object(entry, Shapes.change)
            }
        }
        #expect(lines[0] == "created" && lines[1] == "unchanged" && lines[3] == "missing")
        #expect(lines[6].hasPrefix("rejected unknown_meter") && lines[11] == "missing")
        #expect(lines[14].hasPrefix("rejected invalid_field prices") && lines[15] == "created")
        #expect(lines[17] == "created" && lines[18].hasPrefix("rejected invalid_field tracking"))
        #expect(lines[19] == "deleted" && lines[20] == "missing")
        let added = ["created", "unchanged", "rejected unknown_add_on"]
        #expect(zip(lines[21...], added).allSatisfy { $0.hasPrefix($1) })
        #expect(lines.contains { $0.contains(#""base":"#) && $0.contains(#""add":5"#) })
        #expect(lines.contains("deleted again"))
        #expect(lines.contains { $0.hasPrefix("rejected precondition_failed") })
    }

    @Test func `keys are put, listed and deleted alike`() async throws {
        try await both { service, clock, said in
            let key = APIKey(
                key: APIKeyID(unchecked: "mk_live_12345678"), name: "app",
                digest: String(repeating: "0a", count: 32), scopes: [.consume, .read],
                subject: Self.ann, addresses: ["10.0.0.0/8"], createdAt: clock.now)
            var wrong = key
            wrong.addresses = ["here"]
            for change in [
                Change.putKey(key), .putKey(key), .putKey(wrong), .deleteKey(key.key),
                .deleteKey(key.key),
            ] {
                let receipt = try await service.change(ChangeRequest(change: change, author: "op"))
                said.lines.append("\(receipt.outcome)")
                said.lines.append("\(try await service.keys())")
            }
        }
    }

    @Test func `a blueprint is applied alike, with a part that is rejected`() async throws {
        let lines = try await both(Blueprint()) { service, _, said in
            var blueprint = TestServer.blueprint
            blueprint.credits = CreditPolicy(prices: [TestServer.prompts: 2])
            blueprint.plans[1].recurringGrants = [RecurringGrant(window: .day, amount: 5)]
            for name in ["one", nil] {
                for step in try await service.apply(blueprint, named: name, author: "op") {
                    said.lines.append("\(step.kind) \(step.key) \(step.outcome)")
                }
            }
            blueprint.limits[0].meter = MeterKey(unchecked: "none")
            for step in try await service.apply(blueprint, named: "two", author: "op") {
                said.lines.append("\(step.kind) \(step.key) \(step.outcome)")
            }
            said.json(try await service.blueprint())
            for entry in try await service.changes(before: nil, count: 2) {
                said.object(entry, Shapes.change)
            }
        }
        #expect(lines[0] == "meter prompts created" && lines[7] == "meter prompts unchanged")
        #expect(lines[14].hasPrefix("limit prompts_daily rejected") && lines.count == 18)
    }

    @Test func `credits are given, taken back and told alike`() async throws {
        var blueprint = TestServer.blueprint
        blueprint.credits = CreditPolicy(prices: [TestServer.prompts: 2])
        let lines = try await both(blueprint) { service, clock, said in
            let order = GrantOrder(
                id: GrantID(unchecked: "g"), amount: 9, priority: 3,
                expiresAt: clock.now.advanced(byMilliseconds: 1_000_000), source: .purchase,
                reference: "pay", metadata: ["k": "v"])
            let other = GrantOrder(id: GrantID(unchecked: "h"), amount: 4)
            for change in [
                Change.grantCredit(Self.ann, order), .grantCredit(Self.ann, order),
                .grantCredit(Self.ann, other),
            ] { said.add(try await service.change(ChangeRequest(change: change, author: "op"))) }
            said.add(try await service.consume(Self.event("a", 3)), at: clock.now)
            said.add(try await service.consume(Self.event("b", 7)), at: clock.now)
            for change in [
                Change.refundCredit(Self.ann, reference: "a", reason: "broken"),
                .refundCredit(Self.ann, reference: "q", reason: ""),
                .voidGrant(Self.ann, GrantID(unchecked: "h"), reason: "a mistake"),
                .voidGrant(Self.ann, GrantID(unchecked: "h"), reason: "a mistake"),
                .voidGrant(Self.ann, GrantID(unchecked: "z"), reason: "none"),
            ] { said.add(try await service.change(ChangeRequest(change: change, author: "op"))) }
            said.object(try await service.wallet(of: Self.ann), Shapes.credits)
            let page = try await service.ledger(of: Self.ann, before: nil, count: 2)
            for entry in page.entries { said.object(entry, Shapes.entry) }
            for entry in try await service.ledger(of: Self.ann, before: page.next, count: 9)
                .entries
            {
                said.object(entry, Shapes.entry)
            }
        }
        #expect(lines[0] == "credited 9 of 9" && lines[1] == "unchanged")
        #expect(lines[4].contains("insufficient_credits"))
        #expect(lines[6].hasPrefix("rejected unknown_reference"))
    }

    @Test func `reports are asked and told alike, page by page`() async throws {
        let topics: [ReportTopic] = [
            .top(TestServer.prompts), .trends([], per: .day),
            .usage(TestServer.prompts, by: .dimension("model")),
            .funnel(["prompt", "end"], .any), .funnel(["prompt", "end"], .independent),
            .funnelOfMeters([TestServer.prompts, TestServer.seconds], .given),
            .retention(per: .month, nil), .retention(per: .day, TestServer.prompts),
            .featureRetention([], per: .month), .sessions, .featureValue([TestServer.prompts]),
            .errors(minimumEvents: 0), .adoption([TestServer.prompts]),
            .powerUsers(TestServer.prompts, percent: 50), .idle(days: 3), .limits,
            .limitSubjects(Self.daily), .unusual(TestServer.prompts, on: nil), .overage(nil),
            .plans(TestServer.prompts), .unmetered, .top(MeterKey(unchecked: "none")),
        ]
        try await both { service, clock, said in
            for (place, name) in ["a", "b", "c"].enumerated() {
                let details = EventDetails(
                    type: place == 2 ? "end" : "prompt", durationMilliseconds: 7,
                    dimensions: [Dimension(name: "model", value: "m\(place)")])
                _ = try await service.record([
                    UsageEvent(
                        id: EventID(name), subject: SubjectID(unchecked: name),
                        occurredAt: clock.now,
                        quantities: .one(TestServer.prompts, Quantity(Int64(place) * 6)),
                        details: details)
                ])
            }
            for topic in topics {
                for filter in [ReportFilter(), ReportFilter(dimensions: ["model": "m1"])] {
                    var question = ReportQuestion(days: 2, filter: filter, count: 1)
                    var isThereMore = true
                    while isThereMore {
                        let answer = try await service.report(topic, question)
                        guard case .table(let table) = answer else {
                            said.lines.append("\(answer)")
                            break
                        }
                        said.lines.append(
                            String(decoding: ReportFormat.csv.document(table), as: UTF8.self))
                        isThereMore = table.next != nil
                        question = question.following(table) ?? question
                    }
                }
            }
        }
    }

    @Test func `what would have been is asked and told alike`() async throws {
        let lines = try await both { service, clock, said in
            _ = try await service.record([Self.event("a", 4), Self.event("b", 5)])
            let question = WhatIfQuestion(
                allowances: [.init(limit: Self.daily, plan: nil, allowance: .units(4))],
                timeZone: "Europe/Berlin", refusalsMax: 5)
            guard case .answered(let answer) = try await service.whatIf(question) else { return }
            said.object(answer, Shapes.whatIf)
            let wrong = WhatIfQuestion(
                allowances: [.init(limit: LimitKey(unchecked: "none"))])
            if case .rejected(let rejection) = try await service.whatIf(wrong) {
                said.lines.append("\(rejection)")
            }
        }
        #expect(lines.count == 2 && lines[0].contains(#""refused":1"#))
    }

    @Test func `imported files are noted and listed alike`() async throws {
        let lines = try await both { service, _, said in
            var note = ImportedFileNote(
                name: "a.csv", source: nil, bytes: 12, digest: "d", scope: "s", mapping: "--x")
            for counted in [nil, 3, 3] as [Int64?] {
                note.counted = counted
                said.add(
                    try await service.change(
                        ChangeRequest(change: .noteImport(note), author: "import")))
            }
            for file in try await service.imports() { said.lines.append("\(file.note)") }
        }
        #expect(lines.count == 4 && lines[3].contains("counted: Optional(3)"))
    }
}

extension String {
    /// Without places among all facts: a client's changes have keys, which are facts as well.
    fileprivate var unplaced: String { replacing(/,?"sequence":[0-9]+/, with: "") }
}

/// What a service said, as the lines that a server would write.
private struct Transcript: Sendable {
    var lines: [String] = []

    mutating func object<Value>(_ value: Value, _ shape: Shape<Value>) {
        var writer = JSONWriter()
        writer.object(value, shape)
        lines.append(String(decoding: writer.bytes, as: UTF8.self))
    }

    mutating func json(_ value: some Encodable) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let bytes = (try? encoder.encode(value)) ?? Data()
        lines.append(String(decoding: bytes, as: UTF8.self))
    }

    mutating func add(_ outcome: ConsumeOutcome, at now: Instant) {
        switch outcome {
        case .decided(let decision): object(CheckAnswer(decision, at: now), Shapes.checked)
        case .conflict(let id): lines.append("conflict \(id)")
        case .rejected(let rejection): add(rejection)
        }
    }

    mutating func add(_ outcome: RecordOutcome) {
        switch outcome {
        case .counted(let id, let moved, _): lines.append("counted \(id) \(moved)")
        case .duplicate(let id, let moved, _): lines.append("duplicate \(id) \(moved)")
        case .conflict(let id): lines.append("conflict \(id)")
        case .rejected(let rejection): add(rejection)
        }
    }

    mutating func add(_ outcome: CorrectionOutcome) {
        switch outcome {
        case .corrected: lines.append("corrected")
        case .unchanged: lines.append("unchanged")
        case .rejected(let rejection): add(rejection)
        }
    }

    mutating func add(_ outcome: ReserveOutcome, at now: Instant) {
        switch outcome {
        case .decided(let decision, let reservation):
            object(CheckAnswer(decision, at: now), Shapes.checked)
            // A server does not tell what a reservation moves.
            let told = lines.removeLast().replacing(/"moved":\[[^\]]*\],/, with: "")
            lines.append(told)
            if let reservation { object(reservation, Shapes.reservation) }
        case .conflict(let id): lines.append("conflict \(id)")
        case .rejected(let rejection): add(rejection)
        }
    }

    mutating func add(_ outcome: ReservationOutcome, at now: Instant) {
        switch outcome {
        case .done(let answer): object(answer, Shapes.reservationAnswer)
        case .denied(let denial, let limits, let credits):
            let decision = Decision(
                denial: denial, isDuplicate: false, eventID: nil, limits: limits, credits: credits)
            object(CheckAnswer(decision, at: now), Shapes.checked)
            lines[lines.count - 1] = "denied " + lines[lines.count - 1]
        case .conflict(let reservation):
            object(reservation, Shapes.reservation)
            lines[lines.count - 1] = "conflict " + lines[lines.count - 1]
        case .rejected(let rejection): add(rejection)
        }
    }

    mutating func add(_ receipt: ChangeReceipt) {
        if case .rejected(let rejection) = receipt.outcome { return add(rejection) }
        var line = "\(receipt.outcome)"
        if case .credited(let credit) = receipt.outcome {
            line = "credited \(credit.amount) of \(credit.balance)"
        }
        lines.append(receipt.isReplay ? line + " again" : line)
    }

    mutating func add(_ rejection: Rejection) {
        lines.append("rejected \(rejection.code.rawValue) \(rejection.field) \(rejection.message)")
    }

    mutating func limits(_ limits: [LimitStatus]) {
        object(SubjectLimits(SubjectID(unchecked: "s"), limits), Shapes.limits)
    }
}

/// Sends requests to the routes of a server in this process.
struct RouterTransport: HTTPTransport {
    private let client: any TestClientProtocol

    init(_ client: any TestClientProtocol) {
        self.client = client
    }

    func send(
        _ request: ClientRequest, timeoutMilliseconds: Int64
    ) async throws -> ClientResponse {
        var headers = HTTPFields()
        for header in request.headers {
            guard let name = HTTPField.Name(header.name) else { continue }
            headers[name] = header.value
        }
        let method = try #require(HTTPRequest.Method(request.method))
        return try await client.execute(
            uri: request.path, method: method, headers: headers,
            body: request.body.map { ByteBuffer(bytes: $0) }
        ) { response in
            ClientResponse(
                status: response.status.code,
                headers: response.headers.map { ($0.name.rawName, $0.value) },
                body: Array(buffer: response.body))
        }
    }

    func shutdown() async {}
}
