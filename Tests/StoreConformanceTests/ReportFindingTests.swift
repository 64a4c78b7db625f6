import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What reviews of reports found.
@Suite struct ReportFindingTests {
    private static let always = ReportQuestion(from: .earliest, until: .latest, count: 10_000)

    private static let peak = MeterKey(unchecked: "peak")

    private func rows<Row: ReportRow>(
        _ outcome: ReportOutcome<Row>, _ location: SourceLocation = #_sourceLocation
    ) -> [Row] {
        guard case .report(let report) = outcome else {
            Issue.record("expected a report, got \(outcome)", sourceLocation: location)
            return []
        }
        return report.rows
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `texts that only Unicode takes as equal stay apart`(store: StoreUnderTest) async throws {
        try await store.with { engine, clock in
            try await engine.setUp()
            let (one, two) = ("caf\u{e9}", "cafe\u{301}")
            #expect(one == two)
            // Events are verified in the order of their subjects.
            try await engine.count(.of(.ada), .of(.bob))
            try await engine.count(
                .of(.bob, type: one), .of(.ada, type: two), .of(.bob, source: two),
                .of(.ada, source: one), .of(.bob, dimensions: ["place": one]),
                .of(.ada, dimensions: ["place": two]))
            try await engine.expectClean()
            _ = try await engine.rebuild()
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a page far behind the last row is empty`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp()
            try await engine.count(.of(.ada))
            let far = ReportQuestion(offset: .max, count: 10_000)
            #expect(rows(try await engine.topSubjects(of: .prompts, far)) == [])
            #expect(rows(try await engine.trends(of: [], per: .day, far)) == [])
            #expect(rows(try await engine.idleSubjects(days: 1, far)) == [])
            #expect(rows(try await engine.limitMeetings(of: nil, far)) == [])
            #expect(rows(try await engine.powerUsers(of: .prompts, percent: 100, far)) == [])
            #expect(rows(try await engine.overage(of: nil, far)) == [])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a span of all years looks at days with events only`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp()
            try await engine.count(.of(.ada, at: "1970-01-02T00:00:00Z"), .of(.bob))
            let top = rows(try await engine.topSubjects(of: .prompts, Self.always))
            #expect(top.map(\.lastUsedAt) == [.at("1970-01-02T00:00:00Z"), ManualClock().now])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a trend of too many windows is rejected`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp()
            try await engine.count(.of(.ada))
            let years = ReportQuestion(days: 417)
            guard case .rejected(let rejection) = try await engine.trends(of: [], per: .hour, years)
            else {
                Issue.record("expected a rejection")
                return
            }
            #expect(rejection.field == "window")
            let year = ReportQuestion(days: 400, count: 10_000)
            #expect(rows(try await engine.trends(of: [], per: .hour, year)).count == 9_600)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `sums stop at the greatest number there is`(store: StoreUnderTest) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(
                meters: [
                    Meter(key: .prompts), Meter(key: Self.peak, aggregation: .max),
                    Meter(key: .exports, aggregation: .latest),
                ])
            for subject in [SubjectID.ada, .bob, .company] {
                let details = EventDetails(
                    type: "call", durationMilliseconds: .max, cost: Money(millionths: .max))
                try await engine.count(
                    UsageEvent(
                        subject: subject,
                        quantities: Quantities([
                            NamedQuantity(name: .prompts, quantity: Quantity(.max)),
                            NamedQuantity(name: Self.peak, quantity: Quantity(.max)),
                            NamedQuantity(name: .exports, quantity: Quantity(.max)),
                        ]), details: details))
            }
            let question = ReportQuestion(days: 1)
            let trend = rows(try await engine.trends(of: [], per: .day, question))
            #expect(trend.map(\.quantity) == [.max, .max, .max])
            for meter in [MeterKey.prompts, Self.peak, .exports] {
                let users = rows(try await engine.powerUsers(of: meter, percent: 100, question))
                #expect(users.map(\.quantity) == [.max, .max, .max])
                let whole = meter == .prompts ? Ratio(1, of: 1) : nil
                #expect(users.map(\.share) == [whole, whole, whole])
                let shares = rows(try await engine.usage(of: meter, by: .type, question))
                #expect(shares.map(\.quantity) == [.max])
                #expect(shares.map(\.share) == [whole])
            }
            let errors = rows(try await engine.errorRates(minimumEvents: 0, question))
            #expect(errors.map(\.averageDurationMs) == [Ratio(.max, of: 1)])
            #expect(errors.map(\.p95DurationMs) == [.max])
            let plans = rows(try await engine.planEconomics(of: .prompts, question))
            #expect(plans.map(\.costMillionths) == [.max])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what is unusual can be told of the largest quantities`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(meters: [Meter(key: Self.peak, aggregation: .max)])
            for day in 1...9 {
                try await engine.count(
                    .of(.ada, [Self.peak: .max - 10], at: "2026-03-0\(day)T10:00:00Z"),
                    .of(.bob, [Self.peak: day > 2 ? 1 : 0], at: "2026-03-0\(day)T10:00:00Z"))
            }
            try await engine.count(.of(.ada, [Self.peak: .max]), .of(.bob, [Self.peak: .max]))
            let found = rows(
                try await engine.unusualUsage(
                    of: Self.peak, on: CivilDate(daysSince1970: clock.now.utcDay),
                    ReportQuestion()))
            #expect(found.map(\.subject).contains(.bob))
            for date in ["0000-01-01", "9999-12-31"] {
                let date = try #require(CivilDate(date))
                #expect(
                    rows(try await engine.unusualUsage(of: Self.peak, on: date, ReportQuestion()))
                        == [])
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `spans at the ends of time are answered`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(1)])
            try await engine.count(.of(.ada, [.prompts: 2]))
            let first = ReportQuestion(
                until: Instant.earliest.advanced(byMilliseconds: 1), days: 3_660,
                timeZone: "America/New_York")
            let last = ReportQuestion(
                from: Instant.latest.advanced(byMilliseconds: -1), until: .latest,
                timeZone: "Asia/Kathmandu")
            for question in [first, last, Self.always] {
                let count = question == Self.always ? 1 : 0
                #expect(rows(try await engine.topSubjects(of: .prompts, question)).count == count)
                #expect(rows(try await engine.limitPressure(question)).count == count)
                #expect(rows(try await engine.limitMeetings(of: nil, question)).count == count)
                #expect(rows(try await engine.overage(of: nil, question)).count == count)
                #expect(
                    rows(try await engine.errorRates(minimumEvents: 0, question)).count == count)
                _ = rows(try await engine.idleSubjects(days: 36_500, question))
                _ = rows(try await engine.planEconomics(of: nil, question))
                _ = try await engine.trends(of: [], per: .year, question)
                _ = rows(
                    try await engine.funnel(
                        ofMeters: [.prompts, .prompts], isOrdered: true, question))
            }
        }
    }

    @Test(arguments: [StoreUnderTest.sqlite, .postgres])
    func `the last activity before the end of a span is found on an earlier day`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp()
            try await engine.count(
                .of(.ada, at: "2026-03-01T10:00:00Z"), .of(.ada, at: "2026-03-09T18:00:00Z"))
            let question = ReportQuestion(until: .at("2026-03-09T12:00:00Z"))
            let idle = rows(try await engine.idleSubjects(days: 2, question))
            #expect(idle.map(\.lastActiveAt) == [.at("2026-03-01T10:00:00Z")])
        }
    }

    @Test(arguments: [StoreUnderTest.sqlite, .postgres])
    func `a team is not idle while somebody below it is active`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp()
            try await engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            try await engine.put(.putSubject(Subject(id: .bob, parent: .company)))
            try await engine.count(.of(.ada), .of(.bob))
            try await engine.put(.putSubject(Subject(id: .bob)))
            let idle = rows(try await engine.idleSubjects(days: 1, ReportQuestion()))
            #expect(idle.map(\.subject) == [])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `of plans with one rank the same is told every time`(store: StoreUnderTest) async throws {
        let plans = ["a", "b", "c", "d"].map { Plan(key: PlanKey(unchecked: $0)) }
        try await store.with { engine, clock in
            try await engine.setUp(plans: plans, limits: [.daily(1, mode: .soft)])
            let subjects = (0..<8).map { SubjectID(unchecked: "subject\($0)") }
            for plan in plans {
                for subject in subjects {
                    try await engine.put(.putSubject(Subject(id: subject, plan: plan.key)))
                    try await engine.count(.of(subject, [.prompts: 2]))
                }
            }
            let meetings = rows(try await engine.limitMeetings(of: nil, ReportQuestion()))
            #expect(Set(meetings.map(\.plan)).count == 1)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `who meets a limit and upgrades does so when the plan begins to count`(
        store: StoreUnderTest
    ) async throws {
        let (free, pro) = (PlanKey(unchecked: "free"), PlanKey(unchecked: "pro"))
        let plans = [Plan(key: free, rank: 0), Plan(key: pro, rank: 1)]
        try await store.with { engine, clock in
            try await engine.setUp(plans: plans, limits: [.daily(1, mode: .soft)])
            try await engine.count(.of(.ada, [.prompts: 2]), .of(.bob, [.prompts: 2]))
            func subscribe(
                _ id: SubjectID, from: Instant, _ status: SubscriptionStatus
            ) async throws {
                try await engine.put(
                    .putSubscription(id, Subscription(plan: pro, status: status, startsAt: from)))
            }
            // Told two days late; and of somebody who was pro before, had not paid, and pays again.
            try await subscribe(.bob, from: .at("2026-02-01T00:00:00Z"), .unpaid)
            clock.set(.at("2026-03-12T12:00:00Z"))
            try await subscribe(.ada, from: .at("2026-03-11T00:00:00Z"), .active)
            try await subscribe(.bob, from: .at("2026-02-01T00:00:00Z"), .active)
            let meetings = rows(try await engine.limitMeetings(of: nil, ReportQuestion()))
            #expect(
                meetings.map { "\($0.subject) \($0.upgradedAt?.rfc3339 ?? "never")" }.sorted() == [
                    "ada 2026-03-11T00:00:00.000Z", "bob 2026-03-12T12:00:00.000Z",
                ])
        }
    }
}
