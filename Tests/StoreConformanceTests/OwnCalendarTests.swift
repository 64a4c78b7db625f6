import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Synchronization
import Testing

/// Lists across subjects hold everybody of their own date and month, and meters that do not add up are
/// not added.
@Suite struct OwnCalendarTests {
    private static let shanghai = SubjectID(unchecked: "shanghai")
    private static let saoPaulo = SubjectID(unchecked: "sao_paulo")
    private static let files = MeterKey(unchecked: "files")
    private static let peak = MeterKey(unchecked: "peak")
    private static let disk = MeterKey(unchecked: "disk")

    private func date(_ text: String) throws -> CivilDate { try #require(CivilDate(text)) }

    private func days(
        _ engine: MeterstoneEngine, _ query: DocumentQuery<CivilDate>, _ meter: MeterKey = .prompts
    ) async throws -> [String] {
        guard case .found(let page) = try await engine.dailyUsage(query, meter: meter) else {
            throw UnexpectedOutcome()
        }
        #expect(page.next == nil)
        return page.documents.map { "\($0.subject) \($0.date) \($0.used)" }
    }

    private func months(
        _ engine: MeterstoneEngine, _ query: DocumentQuery<CivilMonth>, _ meter: MeterKey = .prompts
    ) async throws -> [String] {
        guard case .found(let page) = try await engine.monthlyUsage(query, meter: meter) else {
            throw UnexpectedOutcome()
        }
        return page.documents.map {
            "\($0.subject) \($0.usage.year)-\($0.usage.month) \($0.usage.totalMonthly)"
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a list of a date holds everybody's own date`(store: StoreUnderTest) async throws {
        let clock = ManualClock(.at("2026-03-12T00:00:00Z"))
        try await store.with(clock: clock) { engine, _ in
            try await engine.setUp(plans: [Plan(key: .free, isDefault: true), Plan(key: .pro)])
            try await engine.put(
                .putSubject(Subject(id: Self.shanghai, timeZone: "Asia/Shanghai")))
            try await engine.put(
                .putSubject(
                    Subject(id: Self.saoPaulo, timeZone: "America/Sao_Paulo", plan: .pro)))
            try await engine.count(
                // 00:30 of the 11th in Shanghai.
                .of(Self.shanghai, [.prompts: 5], at: "2026-03-10T16:30:00Z"),
                .of(Self.shanghai, [.prompts: 1], at: "2026-03-10T15:30:00Z"),
                // 23:00 of 28 February in São Paulo.
                .of(Self.saoPaulo, [.prompts: 7], at: "2026-03-01T02:00:00Z"),
                .of(Self.saoPaulo, [.prompts: 2], at: "2026-03-11T12:00:00Z"),
                .of(.ada, [.prompts: 3], at: "2026-03-11T23:59:59Z"),
                .of(.ada, [.prompts: 9], at: "2026-03-10T23:59:59Z"))
            for _ in 0..<2 {
                #expect(
                    try await days(engine, .highest(date("2026-03-11"), plan: nil))
                        == ["shanghai 2026-03-11 5", "ada 2026-03-11 3", "sao_paulo 2026-03-11 2"])
                #expect(
                    try await days(engine, .highest(date("2026-03-10"), plan: nil))
                        == ["ada 2026-03-10 9", "shanghai 2026-03-10 1"])
                #expect(
                    try await days(engine, .highest(date("2026-02-28"), plan: nil))
                        == ["sao_paulo 2026-02-28 7"])
                #expect(try await days(engine, .highest(date("2026-03-01"), plan: nil)) == [])
                let february = try #require(CivilMonth(year: 2026, month: 2))
                #expect(
                    try await months(engine, .highest(february, plan: .pro))
                        == ["sao_paulo 2026-2 7"])
                #expect(
                    try await months(engine, .everybody())
                        == [
                            "ada 2026-3 12", "shanghai 2026-3 6", "sao_paulo 2026-3 2",
                            "sao_paulo 2026-2 7",
                        ])
                #expect(
                    try await days(engine, .everybody(plan: .pro))
                        == ["sao_paulo 2026-03-11 2", "sao_paulo 2026-02-28 7"])
                let span = try date("2026-03-10")...date("2026-03-11")
                #expect(
                    try await days(engine, .everybody(within: span))
                        == [
                            "shanghai 2026-03-11 5", "ada 2026-03-11 3", "sao_paulo 2026-03-11 2",
                            "ada 2026-03-10 9", "shanghai 2026-03-10 1",
                        ])
                #expect(
                    try await days(engine, .newest(.ada, within: span, plan: .free))
                        == ["ada 2026-03-11 3", "ada 2026-03-10 9"])
                #expect(try await days(engine, .newest(.ada, plan: .pro)) == [])
                try await engine.flush()
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `pages of several dates go on within a date`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp()
            for day in ["07", "08", "09"] {
                for (index, id) in ["a", "b", "c"].enumerated() {
                    try await engine.count(
                        .of(
                            SubjectID(unchecked: id), [.prompts: Int64(index + 1)],
                            at: "2026-03-\(day)T10:00:00Z"))
                }
            }
            var (names, position): ([String], DocumentPosition?) = ([], nil)
            for _ in 0..<20 {
                guard
                    case .found(let page) = try await engine.dailyUsage(
                        .everybody(), after: position, count: 2)
                else { throw UnexpectedOutcome() }
                names += page.documents.map { "\($0.date.day)\($0.subject)" }
                position = page.next
                if position == nil { break }
            }
            #expect(names == ["9c", "9b", "9a", "8c", "8b", "8a", "7c", "7b", "7a"])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a month of what does not add up is that of the month`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(
                meters: [
                    Meter(
                        key: Self.files, aggregation: .uniqueCount, eventTypes: ["open"],
                        uniqueDimension: "file"),
                    Meter(key: Self.peak, aggregation: .max),
                    Meter(key: Self.disk, aggregation: .latest), Meter(key: .prompts),
                ], plans: [Plan(key: .free, isDefault: true)])
            for (day, file, size) in [("04", "x", 9), ("05", "x", 4), ("09", "y", 6)] {
                try await engine.count(
                    .of(
                        .ada,
                        [Self.peak: Int64(size), Self.disk: Int64(size), .prompts: Int64(size)],
                        at: "2026-03-\(day)T10:00:00Z", type: "open",
                        dimensions: ["file": file, "model": day]))
            }
            let month = try #require(CivilMonth(year: 2026, month: 3))
            let totals: [(MeterKey, Int64)] = [
                (Self.files, 2), (Self.peak, 9), (Self.disk, 6), (.prompts, 19),
            ]
            for (meter, total) in totals {
                guard
                    case .found(let document) = try await engine.monthlyUsage(
                        of: .ada, in: month, meter: meter)
                else { throw UnexpectedOutcome() }
                #expect(document.usage.totalMonthly.units == total, "\(meter)")
                #expect((document.usage.averageDaily == nil) == (meter != .prompts))
                #expect(
                    try await months(engine, .highest(month, plan: nil), meter)
                        == ["ada 2026-3 \(total)"])
                let question = ReportQuestion(
                    from: .at("2026-03-01T00:00:00Z"), until: .at("2026-04-01T00:00:00Z"))
                guard
                    case .report(let shares) = try await engine.usage(
                        of: meter, by: .dimension("model"), question),
                    case .report(let power) = try await engine.powerUsers(
                        of: meter, percent: 100, question),
                    case .report(let trend) = try await engine.trends(
                        of: [meter], per: .month, question),
                    case .report(let plans) = try await engine.planEconomics(
                        of: meter, question)
                else { throw UnexpectedOutcome() }
                #expect(shares.rows.count == 3)
                #expect(shares.rows.allSatisfy { ($0.share == nil) == (meter != .prompts) })
                #expect(power.rows.map(\.quantity) == [total])
                #expect((power.rows.first?.share == nil) == (meter != .prompts))
                #expect(trend.rows.map(\.quantity) == [total])
                #expect(plans.rows.map(\.quantity) == [total])
                #expect((plans.rows.first?.unitCostMillionths == nil) == (meter != .prompts))
                let lifetime = try #require(try await engine.lifetime(of: .ada))
                let own = try #require(lifetime.meters.first { $0.meter == meter })
                #expect(own.lifetime.units == total && own.thisMonth.units == total)
                let recent = try #require(try await engine.statistics(of: .ada))
                #expect(recent.totals.first { $0.name == meter }?.quantity.units == total)
            }
        }
    }

    /// The rules of a zone that changed between two starts.
    @Test func `two stored days that fall on one local day are one`() async throws {
        let hours = Mutex<Int64>(2)
        let options = StoreUnderTest.options { options in
            let known = options.zoneRules
            options.zoneRules = { name in
                guard name == "Test/Zone" else { return known(name) }
                return ZoneRules(
                    name: name, initialOffsetSeconds: hours.withLock { $0 } * 3_600,
                    transitions: [])
            }
        }
        try await StoreUnderTest.sqlite.withSession(options) { session in
            try await session.engine.setUp(limits: [.daily(3)])
            try await session.engine.put(
                .putSubject(Subject(id: .ada, timeZone: "Test/Zone")))
            try await session.engine.count(
                .of(.ada, at: "2026-02-28T21:30:00Z"), .of(.ada, at: "2026-03-09T21:30:00Z"))
            hours.withLock { $0 = 3 }
            try await session.reopen()
            try await session.engine.count(
                .of(.ada, at: "2026-02-28T21:40:00Z"), .of(.ada, at: "2026-02-28T20:40:00Z"),
                .of(.ada, at: "2026-03-09T21:40:00Z"))
            _ = try await session.engine.statistics(of: .ada, days: 366)
            _ = try await session.engine.lifetime(of: .ada)
            _ = try await session.engine.pace(of: .ada)
            let query: DocumentQuery<CivilMonth> = .newest(.ada)
            _ = try await months(session.engine, query)
            _ = try await days(session.engine, .newest(.ada))
        }
    }
}
