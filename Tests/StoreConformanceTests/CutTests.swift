import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// All pages of a list are about what had been recorded when the first one was asked for.
@Suite struct CutTests {
    private static let users = 120
    private static let day = CivilDate(daysSince1970: 20_521)

    private func setUp(_ engine: MeterstoneEngine) async throws {
        try await engine.setUp(
            meters: [
                Meter(key: .prompts),
                Meter(
                    key: .exports, aggregation: .uniqueCount, eventTypes: ["a", "b"],
                    uniqueDimension: "file"),
            ], plans: [Plan(key: .free, isDefault: true)], limits: [.daily(1, mode: .soft)])
        _ = try await engine.record((0..<Self.users).map { Self.event($0) })
    }

    private static func event(_ number: Int) -> UsageEvent {
        let second = number % 50 + 10
        let quantity = Int64(number % 7 + 1)
        return UsageEvent.of(
            SubjectID(unchecked: "user\(number)"), [.prompts: quantity], id: "e\(number)",
            at: "2026-03-09T10:00:\(second)Z", type: number % 2 == 0 ? "a" : "b",
            dimensions: ["file": "f\(number % 3)", "model": "m\(number)"])
    }

    private static func disturbance(_ number: Int, _ round: Int) -> UsageEvent {
        let subject = (number * 13 + round) % (users + 5)
        let quantity = Int64((number * 31 + round * 7) % 40 + 1)
        return UsageEvent.of(
            SubjectID(unchecked: "user\(subject)"), [.prompts: quantity],
            at: "2026-03-09T11:00:\(number % 50 + 10)Z", type: "b",
            dimensions: ["file": "g\(number)", "model": "m\(number % 60)"])
    }

    /// Things that move every figure.
    private func disturb(_ engine: MeterstoneEngine, _ round: Int) async throws {
        let events = (0..<Self.users).map { Self.disturbance($0, round) }
        _ = try await engine.record(events)
        _ = try await engine.void("e\(round)")
        _ = try await engine.amend("e\(round + 40)", [.prompts: 100])
    }

    /// Every page of a report, with something between each two.
    private func pages<Row: ReportRow>(
        _ engine: MeterstoneEngine, count: Int,
        _ ask: (ReportQuestion) async throws -> ReportOutcome<Row>
    ) async throws -> (rows: [Row], whole: [Row]) {
        var question = ReportQuestion(
            from: .at("2026-03-08T00:00:00Z"), until: .at("2026-03-11T00:00:00Z"), count: 10_000)
        guard case .report(let whole) = try await ask(question) else { throw UnexpectedOutcome() }
        question.count = count
        var rows: [Row] = []
        for round in 0..<1_000 {
            guard case .report(let page) = try await ask(question) else {
                throw UnexpectedOutcome()
            }
            rows += page.rows
            guard let next = question.following(page) else { break }
            question = next
            try await disturb(engine, round % 20)
            if round % 2 == 1 { try await engine.flush() }
        }
        return (rows, whole.rows)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `pages of every report show each row once, as it was at the first`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await setUp(engine)
            let top = try await pages(engine, count: 30) {
                try await engine.topSubjects(of: .prompts, $0)
            }
            #expect(top.rows == top.whole && top.whole.count == Self.users)
            let unique = try await pages(engine, count: 50) {
                try await engine.topSubjects(of: .exports, $0)
            }
            #expect(unique.rows == unique.whole && unique.whole.count > 100)
            let power = try await pages(engine, count: 40) {
                try await engine.powerUsers(of: .prompts, percent: 100, $0)
            }
            #expect(power.rows == power.whole)
            let models = try await pages(engine, count: 50) {
                try await engine.usage(of: .prompts, by: .dimension("model"), $0)
            }
            #expect(models.rows == models.whole && models.whole.count == Self.users)
            let trends = try await pages(engine, count: 50) {
                try await engine.trends(of: [], per: .hour, $0)
            }
            #expect(trends.rows == trends.whole && trends.whole.count == 144)
            let overage = try await pages(engine, count: 50) {
                try await engine.overage(of: nil, $0)
            }
            #expect(overage.rows == overage.whole)
            let meetings = try await pages(engine, count: 50) {
                try await engine.limitMeetings(of: nil, $0)
            }
            #expect(meetings.rows == meetings.whole && meetings.whole.count > 100)
            let errors = try await pages(engine, count: 1) {
                try await engine.errorRates(minimumEvents: 0, $0)
            }
            #expect(errors.rows == errors.whole && errors.whole.count == 2)
            let adoption = try await pages(engine, count: 1) {
                try await engine.featureAdoption(of: [], $0)
            }
            #expect(adoption.rows == adoption.whole && adoption.whole.count == 2)
            try await engine.expectClean()
        }
    }

    @Test(arguments: [StoreUnderTest.sqlite, .postgres])
    func `a list by subject goes on behind the last one`(store: StoreUnderTest) async throws {
        try await store.with { engine, clock in
            try await setUp(engine)
            clock.advance(bySeconds: 40 * 86_400)
            var question = ReportQuestion(count: 50)
            var subjects: [SubjectID] = []
            while true {
                guard case .report(let page) = try await engine.idleSubjects(days: 30, question)
                else { throw UnexpectedOutcome() }
                subjects += page.rows.map(\.subject)
                guard let next = question.following(page) else { break }
                question = next
                // One who comes back, and one who was never there.
                try await engine.count(
                    .of(SubjectID(unchecked: "user99")), .of(SubjectID(unchecked: "zoe")))
            }
            #expect(subjects.count == Self.users && Set(subjects).count == Self.users)
            #expect(subjects.contains(SubjectID(unchecked: "user99")))
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `pages of everybody's documents are those of the first`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await setUp(engine)
            let month = CivilMonth(containing: Self.day)
            guard
                case .found(let whole) = try await engine.monthlyUsage(
                    .highest(month, plan: nil), meter: .prompts, count: 1_000)
            else { throw UnexpectedOutcome() }
            var documents: [MonthlyUsage] = []
            var position: DocumentPosition?
            for round in 0..<10 {
                guard
                    case .found(let page) = try await engine.monthlyUsage(
                        .highest(month, plan: nil), meter: .prompts, after: position, count: 50)
                else { throw UnexpectedOutcome() }
                documents += page.documents
                position = page.next
                if position == nil { break }
                try await disturb(engine, round)
            }
            #expect(documents.map(\.subject) == whole.documents.map(\.subject))
            #expect(documents.map(\.usage) == whole.documents.map(\.usage))
            #expect(documents.count == Self.users)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a cut that nobody made, or that is kept no longer, says to start again`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            try await setUp(engine)
            var question = ReportQuestion(offset: 1, count: 1)
            for text in ["0;9223372036854775807;", "0;1;1/1/x", "0;1;9/8/", "0;1;1/99999999999/"] {
                question.cut = ReportCut(text)
                guard
                    case .rejected(let rejection) = try await engine.topSubjects(
                        of: .prompts, question)
                else { throw UnexpectedOutcome() }
                #expect(rejection.code == .cursorExpired && rejection.field == "cursor", "\(text)")
            }
            question.cut = nil
            guard case .report(let page) = try await engine.topSubjects(of: .prompts, question),
                let next = question.following(page)
            else { throw UnexpectedOutcome() }
            if store == .memory { return }
            try await engine.flush()
            try await engine.count(.of(.ada))
            _ = try await engine.rebuild()
            guard
                case .rejected(let rejection) = try await engine.topSubjects(of: .prompts, next)
            else { throw UnexpectedOutcome() }
            #expect(rejection.code == .cursorExpired)
        }
    }

    @Test func `a cut is kept over a restart, and ten minutes at least`() async throws {
        try await StoreUnderTest.sqlite.withSession { session in
            try await setUp(session.engine)
            var question = ReportQuestion(
                from: .at("2026-03-08T00:00:00Z"), until: .at("2026-03-11T00:00:00Z"), count: 50)
            guard
                case .report(let page) = try await session.engine.topSubjects(
                    of: .prompts, question)
            else { throw UnexpectedOutcome() }
            question.count = 10_000
            guard
                case .report(let whole) = try await session.engine.topSubjects(
                    of: .prompts, question)
            else { throw UnexpectedOutcome() }
            let next = try #require(question.following(page))
            for round in 0..<20 {
                try await disturb(session.engine, round)
                try await session.engine.flush()
            }
            try await session.reopen()
            guard case .report(let rest) = try await session.engine.topSubjects(of: .prompts, next)
            else { throw UnexpectedOutcome() }
            #expect(page.rows + rest.rows == whole.rows)
            session.clock.advance(bySeconds: 601)
            for round in 0..<3 {
                try await disturb(session.engine, round)
                try await session.engine.flush()
            }
            guard
                case .rejected(let rejection) = try await session.engine.topSubjects(
                    of: .prompts, next)
            else { throw UnexpectedOutcome() }
            #expect(rejection.code == .cursorExpired)
            try await session.engine.expectClean()
        }
    }
}
