import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Reports over all subjects know what gauges showed before their span.
@Suite struct GaugeReportTests {
    private static let stock = MeterKey(unchecked: "stock")
    private static let area = MeterKey(unchecked: "area")
    private static let buckets = MeterKey(unchecked: "buckets")

    private static let meters = [
        Meter(key: stock, aggregation: .gauge, quantityName: .prompts),
        Meter(key: area, aggregation: .integral, quantityName: .prompts),
        Meter(
            key: buckets, aggregation: .gauge, quantityName: .prompts, uniqueDimension: "bucket"),
        Meter(key: .prompts),
    ]

    /// As of the 5th of March, noon.
    private static let now = "2026-03-05T12:00:00Z"

    private static func tell(_ session: Session) async throws {
        func of(
            _ id: SubjectID, _ units: Int64, _ at: String, _ bucket: String? = nil,
            id event: String? = nil
        ) -> UsageEvent {
            .of(
                id, [.prompts: units], id: event, at: at,
                dimensions: bucket.map { ["bucket": $0] } ?? [:])
        }
        try await session.engine.setUp(meters: Self.meters)
        try await session.engine.put(.putSubject(Subject(id: .ada, parent: .team)))
        try await session.engine.count(
            of(.ada, 10, "2026-03-01T00:00:00Z", "a"),
            of(.bob, 4, "2026-03-03T12:00:00Z", "a", id: "bob"),
            // A late one, one that is taken back, one in the place of another, and one of tomorrow.
            of(.ada, 6, "2026-03-02T12:00:00Z", "b"),
            of(.ada, 99, "2026-03-03T00:00:00Z", "b", id: "wrong"),
            of(.bob, 7, "2026-03-04T00:00:00Z", "b", id: "seven"),
            of(.bob, 50, "2026-03-06T00:00:00Z"))
        #expect(try await session.engine.void("wrong").code == "corrected")
        #expect(try await session.engine.amend("seven", [.prompts: 5]).code == "corrected")
    }

    private static func question(_ from: String, _ until: String) -> ReportQuestion {
        ReportQuestion(from: .at(from), until: .at(until), timeZone: "UTC")
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what is told under another value stands no more under the one before`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession(clock: ManualClock(.at(Self.now))) { session in
            try await Self.tell(session)
            for (bucket, stock, hours) in [
                ("a", [10, 4, 0] as [Int64], 360 + 48), ("b", [0, 6, 11], 0),
            ] {
                var question = Self.question("2026-03-01T00:00:00Z", "2026-03-05T12:00:00Z")
                question.filter.dimensions = ["bucket": bucket]
                let days = ["2026-03-02T00:00:00Z", "2026-03-04T00:00:00Z", "2026-03-05T00:00:00Z"]
                for (until, units) in zip(days, stock) {
                    question.until = .at(until)
                    let outcome = try await session.engine.topSubjects(of: Self.stock, question)
                    guard case .report(let report) = outcome else { throw UnexpectedOutcome() }
                    #expect(
                        report.rows.reduce(0) { $0 + $1.quantity } == units, "\(bucket) \(until)")
                }
                guard hours > 0 else { continue }
                let outcome = try await session.engine.topSubjects(of: Self.area, question)
                guard case .report(let report) = outcome else { throw UnexpectedOutcome() }
                #expect(report.rows.reduce(0) { $0 + $1.quantity } == Int64(hours) * 3_600)
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a trend goes on where nothing is told`(store: StoreUnderTest) async throws {
        try await store.withSession(clock: ManualClock(.at(Self.now))) { session in
            try await Self.tell(session)
            for _ in 0..<2 {
                let outcome = try await session.engine.trends(
                    of: [Self.stock, Self.area, Self.buckets], per: .day,
                    Self.question("2026-03-02T00:00:00Z", "2026-03-07T00:00:00Z"))
                guard case .report(let report) = outcome else { throw UnexpectedOutcome() }
                func row(_ meter: MeterKey) -> [Int64] {
                    report.rows.filter { $0.meter == meter }.map(\.quantity)
                }
                #expect(row(Self.stock) == [6, 10, 11, 11, 0])
                // By bucket: ada 10 and 6, bob 4 and 5.
                #expect(row(Self.buckets) == [16, 20, 25, 25, 0])
                let day: Int64 = 86_400
                #expect(
                    row(Self.area)
                        == [8 * day, 6 * day + 2 * day, 11 * day, 11 * day / 2, 0])
                #expect(
                    report.rows.filter { $0.meter == Self.stock }.map(\.events) == [1, 1, 1, 0, 1])
                try await session.reopen()
            }
            // Part of a day.
            let outcome = try await session.engine.trends(
                of: [Self.area], per: .hour,
                Self.question("2026-03-02T11:30:00Z", "2026-03-02T13:00:00Z"))
            guard case .report(let report) = outcome else { throw UnexpectedOutcome() }
            #expect(report.rows.map(\.quantity) == [18_000, 21_600])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `who has most is asked at the end of the span`(store: StoreUnderTest) async throws {
        try await store.withSession(clock: ManualClock(.at(Self.now))) { session in
            try await Self.tell(session)
            func top(
                _ meter: MeterKey, _ from: String, _ until: String
            ) async throws -> [String] {
                let outcome = try await session.engine.topSubjects(
                    of: meter, Self.question(from, until))
                guard case .report(let report) = outcome else { throw UnexpectedOutcome() }
                return report.rows.map {
                    "\($0.subject) \($0.quantity) \($0.events) \($0.lastUsedAt.utcDay - 20_512)"
                }
            }
            // The 2nd of March is day 2 here. Ada was not told on the 4th, and has six.
            #expect(
                try await top(Self.stock, "2026-03-04T00:00:00Z", "2026-03-05T00:00:00Z")
                    == ["ada 6 0 2", "bob 5 1 4"])
            #expect(
                try await top(Self.buckets, "2026-03-04T00:00:00Z", "2026-03-05T00:00:00Z")
                    == ["ada 16 0 2", "bob 9 1 4"])
            #expect(
                try await top(Self.area, "2026-03-04T00:00:00Z", "2026-03-05T00:00:00Z")
                    == ["ada 518400 0 2", "bob 432000 1 4"])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a gauge stands under what it was told with last`(store: StoreUnderTest) async throws {
        try await store.withSession(clock: ManualClock(.at(Self.now))) { session in
            try await Self.tell(session)
            func shares(_ meter: MeterKey, _ from: String) async throws -> [String] {
                let outcome = try await session.engine.usage(
                    of: meter, by: .dimension("bucket"),
                    Self.question(from, "2026-03-05T00:00:00Z"))
                guard case .report(let report) = outcome else { throw UnexpectedOutcome() }
                return report.rows.map { "\($0.value ?? "-") \($0.quantity)" }
            }
            // All that is shown was told with b last.
            #expect(try await shares(Self.stock, "2026-03-04T00:00:00Z") == ["b 11"])
            #expect(try await shares(Self.buckets, "2026-03-04T00:00:00Z") == ["a 14", "b 11"])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `the document of a month shows every day`(store: StoreUnderTest) async throws {
        try await store.withSession(clock: ManualClock(.at(Self.now))) { session in
            try await Self.tell(session)
            let march = CivilMonth(containing: try #require(CivilDate("2026-03-01")))
            let outcome = try await session.engine.monthlyUsage(
                of: .ada, in: march, meter: Self.stock)
            guard case .found(let month) = outcome else { throw UnexpectedOutcome() }
            #expect(month.usage.dailyUsage.map(\.units) == [10, 6, 6, 6, 6])
            #expect(month.usage.totalMonthly == 6)
        }
    }
}
