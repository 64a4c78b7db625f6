import Foundation
import Meterstone
import MeterstoneCore
import MeterstonePostgres
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Random histories: every report is what the plain list of what was recorded comes to, wherever that
/// stands by now. `SEED=n` repeats one, `HISTORIES=n` runs so many from that seed on.
@Suite struct ReportHistoryTests {
    static let seeds: [UInt64] = {
        let environment = ProcessInfo.processInfo.environment
        guard let first = environment["SEED"].flatMap({ UInt64($0) }) else { return [1, 2, 3] }
        let count = environment["HISTORIES"].flatMap { UInt64($0) } ?? 1
        return Array(first..<first + count)
    }()

    @Test(arguments: StoreUnderTest.allCases, seeds)
    func `every report is what a plain list comes to`(
        store: StoreUnderTest, seed: UInt64
    ) async throws {
        let history = try ReportHistory(store, seed: seed)
        do {
            try await history.run()
        } catch {
            Issue.record("SEED=\(seed) on \(store): \(error)")
        }
        await history.engine.shutdown()
    }
}

/// What happens to one store, and what it is asked. Confined to its test.
private final class ReportHistory {
    private static let zoneNames = [
        "UTC", "Asia/Kathmandu", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
    ]
    private static let subjects = ["ada", "bob", "cleo", "dan", "eve", "fay"]
        .map { SubjectID(unchecked: $0) }
    private static let teams: [SubjectID] = [.team, .company]
    private static let meters: [Meter] = [
        Meter(key: .prompts), Meter(key: .seconds),
        Meter(key: .exports, aggregation: .count, eventTypes: ["export", "share"]),
        Meter(key: MeterKey(unchecked: "peak"), aggregation: .max, quantityName: .seconds),
        Meter(key: MeterKey(unchecked: "level"), aggregation: .latest, quantityName: .prompts),
        Meter(
            key: MeterKey(unchecked: "models"), aggregation: .uniqueCount,
            eventTypes: ["export", "open"], uniqueDimension: "model"),
        Meter(
            key: MeterKey(unchecked: "video"), dimensions: ["kind": ["video"]],
            quantityName: .seconds, countedStatuses: [.success, .cancelled]),
    ]
    private static let late = Meter(
        key: MeterKey(unchecked: "late"), eventTypes: ["open", "share"], quantityName: .prompts)
    private static let plans = [
        Plan(key: .free, rank: 1, isDefault: true),
        Plan(key: .pro, rank: 2, price: Money(millionths: 9_990_000)),
        Plan(key: .big, rank: 3, price: Money(millionths: 49_000_000)),
    ]
    private static let limits = [
        Limit(
            key: .daily, meter: .prompts, window: .day,
            allowances: [.free: .units(9), .big: .unlimited], defaultAllowance: .units(25)),
        .limit("ever", 60, of: .exports, per: .lifetime, mode: .soft),
        .limit("minutes", 300, of: .seconds, per: .month, mode: .soft),
        .limit(
            "videos", 100, of: .seconds, per: .week(startsOn: .monday), mode: .shadow,
            dimensions: ["kind": ["video"]]),
        .limit("bill", 40, of: .prompts, per: .billingMonth, mode: .soft),
        .limit("off", 1, of: .prompts, per: .day, mode: .off),
    ]

    private let kind: StoreUnderTest
    private let seed: UInt64
    private var random: SplitMix64
    private let clock = ManualClock(.at("2026-02-26T07:30:00Z"))
    private let open: () throws -> any Store
    private var held: HeldStore
    private(set) var engine: MeterstoneEngine
    private var naive: NaiveReports
    private var count = 0

    init(_ kind: StoreUnderTest, seed: UInt64) throws {
        self.kind = kind
        self.seed = seed
        random = SplitMix64(state: seed)
        let options = StoreUnderTest.options { $0.cachedSubjectsMax = 3 }
        switch kind {
        case .memory:
            let store = MemoryStore(options: options)
            open = { store }
        case .sqlite:
            let folder = TemporaryFolder()
            open = { try SQLiteStore(directory: folder.path, options: options) }
        case .postgres:
            let postgres = PostgresOptions(
                url: try PostgresServer.shared().makeDatabase(), patience: PostgresServer.patience)
            open = { try PostgresStore(postgres, options: options) }
        }
        naive = NaiveReports { name in
            name.flatMap { StoreUnderTest.zones.rules(named: $0) } ?? .utc
        }
        held = HeldStore(try open(), isLeftOpen: kind != .postgres)
        let clock = self.clock
        engine = MeterstoneEngine(store: held, clock: { clock.now })
    }

    // MARK: Dice

    private func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: elements.indices, using: &random)]
    }

    private func percent(_ chance: Int) -> Bool { number(0...99) < chance }

    private func number(_ range: ClosedRange<Int64>) -> Int64 {
        Int64.random(in: range, using: &random)
    }

    private func expect<Value: Equatable>(
        _ found: Value, _ expected: Value, _ what: String
    ) throws {
        guard found != expected else { return }
        throw UnlikeTheList(
            description: "step \(count), \(what)\n  expected \(expected)\n  found    \(found)")
    }

    // MARK: What happens

    func run() async throws {
        naive.meters = Self.meters
        naive.plans = Self.plans
        naive.limits = Self.limits
        try await engine.setUp(meters: Self.meters, plans: Self.plans, limits: Self.limits)
        try await put(Subject(id: .company, timeZone: "Asia/Kathmandu"))
        try await put(Subject(id: .team, parent: .company))
        for id in Self.subjects.dropLast() {
            try await put(
                Subject(
                    id: id, timeZone: percent(60) ? pick(Self.zoneNames) : nil,
                    parent: percent(40) ? .team : nil, plan: percent(30) ? .pro : nil))
        }
        for step in 0..<240 {
            clock.advance(bySeconds: percent(90) ? number(0...14_000) : number(0...300_000))
            _ = try await engine.expireReservations()
            for place in naive.events.indices {
                if let end = naive.events[place].expiresAt, end <= clock.now {
                    naive.events[place].isVoid = true
                    naive.events[place].expiresAt = nil
                }
            }
            try await act()
            try await disturb()
            if step % 30 == 29 { try await askAll() }
            if step % 16 == 15 {
                let remembered = try await askFixed()
                _ = engine.forgetReports()
                try expect(try await askFixed(), remembered, "remembered and anew")
            }
            if step == 90 {
                naive.meters.append(Self.late)
                try await engine.put(.putMeter(Self.late))
            }
            if step == 150 { try await redefine() }
        }
        held.allow(steps: nil)
        let before = try await askFixed()
        try expect(try await engine.verify().differences, [], "verify")
        _ = try await engine.rebuild()
        try expect(try await askFixed(), before, "rebuilt")
        try expect(try await engine.verify().differences, [], "verify after rebuild")
        try await askAll()
    }

    private func redefine() async throws {
        for place in naive.meters.indices where naive.meters[place].key == .exports {
            naive.meters[place].eventTypes = ["export"]
            naive.meters[place].countedStatuses = [.success, .failed]
            try await engine.put(.putMeter(naive.meters[place]))
        }
    }

    private func act() async throws {
        switch number(0...99) {
        case 0..<6: try await changeProfile()
        case 6..<9: try await subscribe()
        case 9..<24 where !naive.events.isEmpty: try await correct()
        case 24..<34: try await reserve()
        case 34..<42: try await close()
        case 42..<70: try await use(isConsumed: true)
        default: try await use(isConsumed: false)
        }
    }

    private func put(_ profile: Subject) async throws {
        var profile = profile
        let known = naive.profiles[profile.id]
        let outcome = try await engine.put(.putSubject(profile))
        if case .rejected = outcome { throw UnexpectedOutcome() }
        profile.subscription = known?.subscription
        profile.formerZones = naive.timeline.formerZones(of: profile, at: clock.now) { zones in
            Window.day.span(containing: clock.now, in: naive.clocks(zones), anchor: nil).until
        }
        naive.timeline.put(profile, at: clock.now)
        if outcome.isChange, let plan = profile.plan {
            var noted = profile
            noted.subscription = nil
            naive.changes.append((clock.now, noted, plan))
        }
    }

    private func changeProfile() async throws {
        var profile = naive.profile(pick(Self.subjects))
        switch number(0...2) {
        case 0: profile.plan = pick([nil, .free, .pro, .big])
        case 1: profile.parent = pick([nil, .team, .company])
        default: profile.timeZone = pick(Self.zoneNames)
        }
        try await put(profile)
    }

    private func subscribe() async throws {
        let id = pick(Self.subjects + [.team])
        guard naive.profile(id).subscription == nil else { return }
        let subscription = Subscription(
            plan: pick([.pro, .big]),
            startsAt: clock.now.advanced(byMilliseconds: number(-3_000_000_000...90_000_000)),
            expiresAt: percent(40)
                ? clock.now.advanced(byMilliseconds: number(100_000_000...4_000_000_000)) : nil)
        let outcome = try await engine.put(.putSubscription(id, subscription))
        if case .rejected = outcome { throw UnexpectedOutcome() }
        var profile = naive.profile(id)
        profile.subscription = subscription
        naive.timeline.put(profile, at: clock.now)
        naive.changes.append((clock.now, profile, subscription.plan))
    }

    private func quantities() -> [MeterKey: Int64] {
        var quantities: [MeterKey: Int64] = [:]
        if percent(65) { quantities[.prompts] = number(0...6) }
        if percent(40) { quantities[.seconds] = number(0...70) }
        return quantities
    }

    private func details(source: String?) -> EventDetails {
        var dimensions: [MeterstoneCore.Dimension] = []
        if percent(60) {
            dimensions.append(Dimension(name: "model", value: pick(["gpt", "four", "claude"])))
        }
        if percent(50) {
            dimensions.append(Dimension(name: "kind", value: pick(["video", "text"])))
        }
        return EventDetails(
            source: source, type: percent(70) ? pick(["open", "export", "share", "walk"]) : nil,
            subtype: percent(25) ? pick(["a", "b"]) : nil,
            status: percent(80) ? .success : pick([.failed, .cancelled]),
            durationMilliseconds: percent(40)
                ? pick([number(0...90), number(60_000...90_000)]) : nil,
            cost: percent(30) ? Money(millionths: number(0...5_000)) : nil, dimensions: dimensions)
    }

    private func makeEvent() -> NaiveEvent {
        count += 1
        let late: Int64 =
            percent(60) ? 0 : percent(70) ? number(0...90_000_000) : number(0...3_000_000_000)
        // Whole hours, so that edges of questions and equal instants are met.
        var at = clock.now.advanced(byMilliseconds: -late)
        if percent(30) {
            let hour: Int64 = 3_600_000
            at = Instant(millisecondsSince1970: at.millisecondsSince1970 / hour * hour)
        }
        let details =
            percent(70)
            ? details(source: percent(30) ? pick(["app", "web"]) : nil) : EventDetails.none
        return NaiveEvent(
            id: .text("e\(count)"), subject: percent(93) ? pick(Self.subjects) : pick(Self.teams),
            ancestors: [], at: at, quantities: quantities(), details: details)
    }

    private func use(isConsumed: Bool) async throws {
        let event = makeEvent()
        guard isConsumed else {
            guard case .counted = try await engine.record([event.told])[0] else {
                throw UnexpectedOutcome()
            }
            return naive.add(event)
        }
        switch try await engine.consume(event.told) {
        case .decided(let decision) where decision.isAllowed: naive.add(event)
        case .decided: break
        case .rejected(let rejection) where rejection.code == .nothingToCount: break
        default: throw UnexpectedOutcome()
        }
    }

    private func reserve() async throws {
        var event = makeEvent()
        event.at = clock.now
        let terms = ReservationTerms(milliseconds: number(1...40_000_000))
        switch try await engine.reserve(event.told, terms) {
        case .decided(let decision, _) where decision.isAllowed:
            event.expiresAt = clock.now.advanced(byMilliseconds: terms.milliseconds)
            naive.add(event)
        case .decided, .rejected: break
        default: throw UnexpectedOutcome()
        }
    }

    private func close() async throws {
        let open = naive.events.indices.filter { naive.events[$0].expiresAt != nil }
        guard !open.isEmpty else { return }
        let place = pick(open)
        let event = naive.events[place]
        if percent(30) {
            guard case .done = try await engine.release(event.id, source: event.source) else {
                throw UnexpectedOutcome()
            }
            naive.events[place].isVoid = true
        } else {
            let used = event.quantities.mapValues { number(0...2 * $0 + 1) }
            guard
                case .done = try await engine.settle(event.id, source: event.source, .of(used))
            else { throw UnexpectedOutcome() }
            naive.replace(place, used, event.details)
        }
        naive.events[place].expiresAt = nil
    }

    private func correct() async throws {
        let place = Int(number(0...Int64(naive.events.count - 1)))
        let event = naive.events[place]
        guard event.expiresAt == nil, !event.isVoid else { return }
        if percent(40) {
            naive.events[place].isVoid = true
            _ = try await correct(event, .void)
            return
        }
        let quantities = percent(70) ? quantities() : event.quantities
        let details = percent(50) ? details(source: event.source) : nil
        _ = try await correct(event, .amend(.of(quantities), details))
        naive.replace(place, quantities, details ?? event.details)
    }

    private func correct(_ event: NaiveEvent, _ kind: Correction.Kind) async throws {
        let outcome = try await engine.correct(
            Correction(
                eventID: event.id, source: event.source, kind: kind, author: "grace", reason: "r"))
        guard ["corrected", "unchanged"].contains(outcome.code) else {
            throw UnlikeTheList(description: "step \(count), \(kind): \(outcome)")
        }
    }

    /// Projects nothing, a part or everything, or leaves the store as it is and opens it again.
    private func disturb() async throws {
        switch number(0...99) {
        case 0..<12:
            held.allow(steps: Int(number(1...14)))
            try await engine.flush()
        case 12..<15:
            held.allow(steps: nil)
            try await engine.flush()
            held.allow(steps: 0)
        case 15..<19: try await reopen()
        default: break
        }
    }

    private func reopen() async throws {
        await engine.shutdown()
        let clock = self.clock
        held = HeldStore(try open(), isLeftOpen: kind != .postgres)
        engine = MeterstoneEngine(store: held, clock: { clock.now })
    }
}

/// Where a report said other than the list.
private struct UnlikeTheList: Error, CustomStringConvertible {
    let description: String
}

extension NaiveEvent {
    fileprivate var told: UsageEvent {
        UsageEvent(
            id: id, subject: subject, occurredAt: at, quantities: .of(quantities),
            details: details == .none ? nil : details)
    }
}

// MARK: - What is asked

extension ReportHistory {
    private func question() -> ReportQuestion {
        var question = ReportQuestion(timeZone: percent(70) ? pick(Self.zoneNames) : nil)
        func instant() -> Instant {
            clock.now.advanced(byMilliseconds: -number(-90_000_000...3_500_000_000))
        }
        switch number(0...9) {
        case 0..<5:
            let ends = [instant(), instant()].sorted()
            (question.from, question.until) = (
                ends[0], ends[1].advanced(byMilliseconds: 1)
            )
        case 5: (question.from, question.until) = (.earliest, .latest)
        case 6: question.until = instant()
        case 7: question.days = Int(number(1...40))
        case 8: question.from = instant()
        default: break
        }
        var filter = ReportFilter()
        if percent(15) { filter.type = pick(["open", "export", "nobody"]) }
        if percent(8) { filter.subtype = "a" }
        if percent(10) { filter.status = pick([.success, .failed]) }
        if percent(8) { filter.source = "app" }
        if percent(12) { filter.plan = pick([.free, .pro]) }
        if percent(12) { filter.dimensions["model"] = pick(["gpt", "four"]) }
        question.filter = filter
        return question
    }

    /// All rows, page by page.
    private func rows<Row: ReportRow>(
        _ question: ReportQuestion,
        _ ask: (ReportQuestion) async throws -> ReportOutcome<Row>
    ) async throws -> [Row]? {
        var question = question
        question.count = Int(pick([1, 2, 7, 10_000] as [Int64]))
        var rows: [Row] = []
        while true {
            switch try await ask(question) {
            case .rejected(let rejection):
                guard rejection.field == "from" else {
                    throw UnlikeTheList(description: "step \(count): \(rejection)")
                }
                return nil
            case .report(let report):
                try expect(report.rows.count <= question.count, true, "rows of a page")
                rows += report.rows
                guard let next = question.following(report) else { return rows }
                try expect(report.rows.isEmpty, false, "an empty page before another")
                question = next
                if rows.count > 500 { question.count = 10_000 }
            }
        }
    }

    private func compare<Row: ReportRow>(
        _ name: String, _ question: ReportQuestion, _ expected: [Row],
        _ ask: (ReportQuestion) async throws -> ReportOutcome<Row>
    ) async throws {
        let found = try await rows(question, ask)
        let span = naive.span(of: question, now: clock.now)
        guard span.from < span.until else {
            return try expect(found == nil, true, "\(name), an empty span")
        }
        guard let found else {
            throw UnlikeTheList(description: "step \(count), \(name): rejected \(question)")
        }
        let (one, other) = (found.map(\.values), expected.map(\.values))
        for place in 0..<max(one.count, other.count) {
            let (row, wanted) = (
                place < one.count ? one[place] : [], place < other.count ? other[place] : []
            )
            try expect(
                row, wanted,
                "\(name), row \(place) of \(other.count), at \(clock.now.rfc3339), \(question)")
        }
    }

    private func askAll() async throws {
        // What is not projected stays so for the first half.
        for _ in 0..<2 { try await askUsage(question()) }
        try await askBehaviour(question())
        try await askLimits(question())
        held.allow(steps: nil)
        if kind != .memory { try await askOfTables(question()) }
        try expect(try await engine.verify().differences, [], "verify")
        held.allow(steps: 0)
    }

    private func askUsage(_ question: ReportQuestion) async throws {
        let engine = self.engine
        let meter = pick(naive.meters)
        let span = naive.span(of: question, now: clock.now)
        let asked = naive.asked(question, span)
        try await compare("top \(meter.key)", question, naive.top(meter, asked)) {
            try await engine.topSubjects(of: meter.key, $0)
        }
        let share = Int(pick([1, 30, 50, 100] as [Int64]))
        try await compare(
            "power users \(meter.key)", question,
            naive.powerUsers(meter, percent: share, asked)
        ) { try await engine.powerUsers(of: meter.key, percent: share, $0) }
        for facet in [
            ReportFacet.type, .subtype, .status, .source, .plan, .dimension("model"),
        ] {
            let expected = naive.usage(meter, asked) { event in
                switch facet {
                case .type: event.details.type
                case .subtype: event.details.subtype
                case .status: event.details.status.rawValue
                case .source: event.source
                case .plan: event.plan?.text
                case .dimension(let name): event.dimension(name)
                }
            }
            try await compare("\(meter.key) by \(facet)", question, expected) {
                try await engine.usage(of: meter.key, by: facet, $0)
            }
        }
        guard question.from != .earliest else { return }
        let window = pick(
            [.day, .week(startsOn: .monday), .week(startsOn: .saturday), .month, .year] as [Window])
        let zone = naive.zones(question.timeZone)
        let meters = [meter, pick(naive.meters)]
        try await compare(
            "trends \(window) \(meters.map(\.key))", question,
            naive.trends(meters, window, asked, span, zone)
        ) { try await engine.trends(of: meters.map(\.key), per: window, $0) }
        var short = question
        short.until = span.until
        short.from = max(span.from, span.until.advanced(byMilliseconds: -200_000_000))
        let shortSpan = naive.span(of: short, now: clock.now)
        try await compare(
            "trends hour", short,
            naive.trends([meter], .hour, naive.asked(short, shortSpan), shortSpan, zone)
        ) { try await engine.trends(of: [meter.key], per: .hour, $0) }
    }

    private func askBehaviour(_ question: ReportQuestion) async throws {
        let engine = self.engine
        let span = naive.span(of: question, now: clock.now)
        let asked = naive.asked(question, span)
        for isOrdered in [true, false] {
            // Those that a meter counts, or that an event has.
            let known = ["open", "export", "share", "walk"].filter { type in
                naive.meters.contains { $0.eventTypes.contains(type) }
                    || naive.events.contains { $0.details.type == type }
            }
            let types = (0..<number(2...4)).map { _ in pick(known) }
            try await compare(
                "funnel \(types) \(isOrdered)", question,
                naive.funnel(types, isOrdered: isOrdered, question, asked)
            ) { try await engine.funnel(of: types, isOrdered: isOrdered, $0) }
            let meters = (0..<number(2...3)).map { _ in pick(naive.meters) }
            try await compare(
                "funnel \(meters.map(\.key)) \(isOrdered)", question,
                naive.funnel(meters, isOrdered: isOrdered, asked)
            ) { try await engine.funnel(ofMeters: meters.map(\.key), isOrdered: isOrdered, $0) }
        }
        let minimum = pick([0, 1, 3] as [Int64])
        try await compare("errors", question, naive.errors(minimum: minimum, asked)) {
            try await engine.errorRates(minimumEvents: Int(minimum), $0)
        }
        let meters = naive.meters.sorted { $0.key < $1.key }
        try await compare("adoption", question, naive.adoption(meters, asked)) {
            try await engine.featureAdoption(of: [], $0)
        }
        let meter = pick(naive.meters)
        let zone = naive.zones(question.timeZone)
        for back in [Int64(1), 2, 5] {
            let day = zone.day(containing: clock.now).daysSince1970 - back
            let date = CivilDate(daysSince1970: day)
            try await compare(
                "unusual \(meter.key) \(date)", question,
                naive.unusual(meter, on: date, question, zone)
            ) {
                try await engine.unusualUsage(of: meter.key, on: back == 1 ? nil : date, $0)
            }
        }
    }

    private func askLimits(_ question: ReportQuestion) async throws {
        let engine = self.engine
        let span = naive.span(of: question, now: clock.now)
        let asked = naive.asked(question, span)
        let limit = percent(50) ? nil : pick(naive.limits).key
        try await compare("limits", question, naive.pressure(asked, span)) {
            try await engine.limitPressure($0)
        }
        try await compare("overage", question, naive.overage(of: limit, asked)) {
            try await engine.overage(of: limit, $0)
        }
    }

    /// These project what waits.
    private func askOfTables(_ question: ReportQuestion) async throws {
        let engine = self.engine
        let span = naive.span(of: question, now: clock.now)
        let asked = naive.asked(question, span)
        let limit = percent(50) ? nil : pick(naive.limits).key
        try await compare("limit subjects", question, naive.meetings(of: limit, asked)) {
            try await engine.limitMeetings(of: limit, $0)
        }
        let days = number(1...20)
        try await compare("idle \(days)", question, naive.idle(days: days, question, span)) {
            try await engine.idleSubjects(days: Int(days), $0)
        }
        let meter = percent(30) ? nil : pick(naive.meters)
        try await compare(
            "plans", question, naive.economics(meter, question, asked, span, now: clock.now)
        ) { try await engine.planEconomics(of: meter?.key, $0) }
    }

    /// The same questions each time, as text.
    private func askFixed() async throws -> [String] {
        let always = ReportQuestion(
            from: .at("2025-01-01T00:00:00Z"), until: .at("2027-01-01T00:00:00Z"),
            timeZone: "Asia/Kathmandu", count: 10_000)
        var texts: [String] = []
        for meter in naive.meters {
            texts.append("\(try await engine.topSubjects(of: meter.key, always))")
            texts.append("\(try await engine.usage(of: meter.key, by: .plan, always))")
            texts.append("\(try await engine.powerUsers(of: meter.key, percent: 50, always))")
        }
        texts.append("\(try await engine.trends(of: [], per: .day, always))")
        texts.append("\(try await engine.errorRates(minimumEvents: 0, always))")
        texts.append("\(try await engine.featureAdoption(of: [], always))")
        texts.append("\(try await engine.limitPressure(always))")
        texts.append("\(try await engine.limitMeetings(of: nil, always))")
        texts.append("\(try await engine.overage(of: nil, always))")
        texts.append("\(try await engine.idleSubjects(days: 3, always))")
        texts.append("\(try await engine.planEconomics(of: .prompts, always))")
        texts.append("\(try await engine.funnel(of: ["open", "export"], isOrdered: true, always))")
        return texts
    }
}
