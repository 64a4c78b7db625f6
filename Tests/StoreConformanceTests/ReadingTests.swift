import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Promise 12 and the lists: what is read is what was written, wherever it stands by now.
@Suite struct ReadingTests {
    @Test(arguments: StoreUnderTest.allCases, [0, 1, 2, 3])
    func `usage is the sum of its events before and after and amid projection`(
        store: StoreUnderTest, step: Int
    ) async throws {
        var random = SplitMix64(state: 5)
        try await store.withSession { session in
            try await session.engine.setUp()
            try await session.engine.put(
                .putSubject(Subject(id: .ada, timeZone: "Europe/Berlin", parent: .team)))
            session.clock.set(.at("2026-04-02T12:00:00Z"))
            var told: [(at: Instant, units: Int64)] = []
            for number in 0..<120 {
                let back = Int64.random(in: 0...5_000_000_000, using: &random)
                let at = session.clock.now.advanced(byMilliseconds: -back)
                let units = Int64.random(in: 0...9, using: &random)
                told.append((at, units))
                try await session.engine.count(
                    UsageEvent(
                        subject: .ada, occurredAt: at, quantities: .one(.prompts, Quantity(units))))
                if step == 1, number == 80 { try await session.engine.flush() }
            }
            if step == 2 { try await session.engine.flush() }
            if step == 3 { try await session.reopen() }
            let windows: [Window] = [
                .hour, .day, .week(startsOn: .monday), .week(startsOn: .sunday), .month, .year,
                .lifetime, .billingMonth,
            ]
            for window in windows {
                for id in [SubjectID.ada, .team] {
                    let outcome = try await session.engine.usage(
                        of: id, meter: .prompts, window: window,
                        from: .at("2026-02-01T00:00:00Z"), until: .at("2026-04-03T00:00:00Z"))
                    guard case .series(let series) = outcome else {
                        Issue.record("expected a series")
                        return
                    }
                    let expected = series.points.map { point in
                        told.filter { point.from <= $0.at && $0.at < point.until }
                            .reduce(0) { $0 + $1.units }
                    }
                    #expect(series.points.map(\.quantity.units) == expected, "\(window) of \(id)")
                    let total = told.reduce(0) { $0 + $1.units }
                    #expect(expected.reduce(0, +) == total, "\(window) of \(id)")
                }
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a question for usage that makes no sense is rejected`(store: StoreUnderTest) async throws
    {
        try await store.with { engine, _ in
            try await engine.setUp()
            func code(
                _ meter: MeterKey, _ window: Window, from: String? = nil
            ) async throws -> String {
                switch try await engine.usage(
                    of: .ada, meter: meter, window: window, from: from.map { .at($0) })
                {
                case .series(let series): "\(series.points.count) points"
                case .rejected(let rejection): rejection.code.rawValue
                }
            }
            #expect(try await code(.seconds, .day) == "unknown_meter")
            #expect(try await code(.prompts, .rolling(seconds: 5)) == "invalid_field")
            #expect(
                try await code(.prompts, .hour, from: "2020-01-01T00:00:00Z") == "invalid_field")
            #expect(try await code(.prompts, .day) == "30 points")
            #expect(try await code(.prompts, .lifetime) == "1 points")
            #expect(try await code(.prompts, .day, from: "2027-01-01T00:00:00Z") == "0 points")
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `events are paged from the newest to the oldest with late ones in their place`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp()
            try await session.engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            try await session.engine.put(.putSubject(Subject(id: .bob, parent: .team)))
            var told: [(at: Instant, id: String)] = []
            func tell(_ subject: SubjectID, _ number: Int, secondsBack: Int64) async throws {
                let at = session.clock.now.advanced(byMilliseconds: -secondsBack * 1_000)
                told.append((at, "\(subject)\(number)"))
                try await session.engine.count(
                    UsageEvent(
                        id: .text("\(subject)\(number)"), subject: subject, occurredAt: at,
                        quantities: .one(.prompts, 1)))
            }
            for number in 0..<30 {
                try await tell(.ada, number, secondsBack: Int64(number) * 50_000 % 700_000)
                try await tell(.bob, number, secondsBack: 0)
                if number == 14 { try await session.engine.flush() }
            }
            for step in 0..<2 {
                if step == 1 { try await session.reopen() }
                for (subject, prefix) in [(SubjectID.ada, "ada"), (.team, "")] {
                    let expected = told.enumerated().filter { $0.element.id.hasPrefix(prefix) }
                        .sorted { ($0.element.at, $0.offset) > ($1.element.at, $1.offset) }
                        .map(\.element.id)
                    for count in [1, 7, 100] {
                        var found: [String] = []
                        var cursor: EventCursor?
                        repeat {
                            let page = try await session.engine.events(
                                of: subject, before: cursor, count: count)
                            #expect(page.events.count <= count)
                            found += page.events.compactMap(\.event.id?.text)
                            cursor = page.next
                        } while cursor != nil
                        #expect(found == expected)
                    }
                }
            }
            #expect(try await session.engine.events(of: .company).events.isEmpty)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `everything that an event tells comes back`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            try await session.engine.setUp()
            let details = EventDetails(
                source: "shop", type: "call", subtype: "video", status: .failed,
                durationMilliseconds: 1_234, errorMessage: "too long", project: "p", scene: "s",
                session: "x", dimensions: [Dimension(name: "model", value: "gpt")],
                properties: "{\"a\":[1,2]}")
            let event = UsageEvent(
                id: EventID("one"), subject: .ada, occurredAt: .at("2026-03-09T10:00:00.123Z"),
                quantities: .one(.prompts, 3), details: details)
            try await session.engine.count(event)
            for step in 0..<2 {
                if step == 1 { try await session.reopen() }
                let found = try #require(try await session.engine.events(of: .ada).events.first)
                #expect(found.event == event)
                #expect(found.recordedAt == session.clock.now)
                #expect(found.corrections == [])
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `totals are each subject's own usage with the largest first`(
        store: StoreUnderTest
    )
        async throws
    {
        try await store.with { engine, _ in
            try await engine.setUp()
            try await engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            try await engine.count(
                .of(.bob, [.prompts: 4]), .of(.ada, [.prompts: 3], id: "one"),
                .of(.ada, [.prompts: 4]),
                .of(.company, [.prompts: 4]), .of(.ada, [.prompts: 90], at: "2026-03-01T00:00:00Z"))
            _ = try await engine.void("one")
            let question = ReportQuestion(
                from: .at("2026-03-10T00:00:00Z"), until: .at("2026-03-11T00:00:00Z"))
            guard case .report(let report) = try await engine.topSubjects(of: .prompts, question)
            else {
                Issue.record("there is no report")
                return
            }
            #expect(report.rows.map(\.subject) == [.ada, .bob, .company])
            #expect(report.rows.map(\.quantity) == [4, 4, 4])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a number asked for after an answer includes it`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(1_000)])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<8 {
                    group.addTask {
                        let id = SubjectID(unchecked: "user\(task)")
                        for number in 1...25 as ClosedRange<Int64> {
                            _ = try await engine.decide(.of(id))
                            #expect(try await engine.used(id) == ["prompts_daily": number])
                            #expect(try await engine.quantities(of: id, per: .day).last == number)
                            #expect(
                                try await engine.events(of: id, count: 1_000).events.count == number
                            )
                        }
                    }
                }
                group.addTask { for _ in 0..<20 { try await engine.flush() } }
                try await group.waitForAll()
            }
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a rebuild changes nothing that was right`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [
                .daily(100), .limit("roll", 100, per: .rolling(seconds: 60)),
            ])
            try await engine.count(.of(.ada, id: "one"), .of(.bob, [.prompts: 3]))
            let before = try await engine.used(.ada)
            _ = try await engine.rebuild()
            #expect(try await engine.used(.ada) == before)
            #expect(try await engine.decide("ada", 1, id: "one").isDuplicate)
            #expect(try await engine.decide("ada", 1).limits.map(\.used) == [2, 2])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `after shutting down every call gets closed`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(100)])
            await engine.shutdown()
            await #expect(
                performing: { _ = try await engine.consume(.of(.ada)) },
                throws: {
                    ($0 as? StoreError)?.code == .closed
                })
            guard case .closed = engine.state else {
                Issue.record("expected closed, got \(engine.state)")
                return
            }
        }
    }
}
