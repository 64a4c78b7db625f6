import Foundation
import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Random histories: every read is answered alike, whether what it is about is projected, waits, or
/// is in the middle of that. `SEED=n` repeats one.
@Suite struct TailHistoryTests {
    static let seeds: [UInt64] = {
        let seed = ProcessInfo.processInfo.environment["SEED"].flatMap { UInt64($0) }
        return seed.map { [$0] } ?? [1, 2]
    }()

    @Test(arguments: seeds)
    func `a read does not depend on what is projected`(seed: UInt64) async throws {
        let history = try TailHistory(seed: seed)
        do {
            try await history.run()
        } catch {
            Issue.record("SEED=\(seed): \(error)")
        }
        for teller in history.tellers { await teller.engine.shutdown() }
    }
}

/// One store of several to which the same happens, and how far it projects after each step.
private struct Teller {
    let name: String
    let held: HeldStore
    let engine: MeterstoneEngine
    let folder: TemporaryFolder
}

/// What happens, and what is asked. Confined to its test.
private final class TailHistory {
    private static let subjects = ["ada", "bob", "cleo", "dan"].map { SubjectID(unchecked: $0) }
    private static let everybody = subjects + [.team, .company]
    private static let zones = ["UTC", "Asia/Kathmandu", "America/New_York"]
    private static let meters: [Meter] = [
        Meter(key: .prompts), Meter(key: .seconds),
        Meter(key: .exports, aggregation: .count, eventTypes: ["export"]),
        Meter(key: MeterKey(unchecked: "peak"), aggregation: .max, quantityName: .seconds),
        Meter(key: MeterKey(unchecked: "level"), aggregation: .latest, quantityName: .prompts),
        Meter(key: MeterKey(unchecked: "stock"), aggregation: .gauge, quantityName: .prompts),
        Meter(
            key: MeterKey(unchecked: "held"), aggregation: .gauge, eventTypes: ["export"],
            uniqueDimension: "model"),
        Meter(key: MeterKey(unchecked: "area"), aggregation: .integral, quantityName: .prompts),
        Meter(
            key: MeterKey(unchecked: "models"), aggregation: .uniqueCount, eventTypes: ["export"],
            uniqueDimension: "model"),
        Meter(
            key: MeterKey(unchecked: "video"), dimensions: ["kind": ["video"]],
            quantityName: .seconds),
    ]
    private static let windows: [Window] = [
        .hour, .day, .week(startsOn: .monday), .month, .year, .billingMonth, .lifetime,
    ]

    let tellers: [Teller]
    private let seed: UInt64
    private var random: SplitMix64
    private let clock = ManualClock(.at("2026-02-26T07:30:00Z"))
    private var count = 0

    init(seed: UInt64) throws {
        self.seed = seed
        random = SplitMix64(state: seed)
        let options = StoreUnderTest.options { $0.cachedSubjectsMax = 3 }
        let clock = self.clock
        tellers = try ["whole", "none", "half", "memory"].map { name in
            let folder = TemporaryFolder()
            let store: any Store =
                name == "memory"
                ? MemoryStore(options: options)
                : try SQLiteStore(directory: folder.path, options: options)
            let held = HeldStore(store, isLeftOpen: true)
            let engine = MeterstoneEngine(store: held, clock: { clock.now })
            return Teller(name: name, held: held, engine: engine, folder: folder)
        }
    }

    private func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: elements.indices, using: &random)]
    }

    private func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &random) < percent
    }

    func run() async throws {
        try await each {
            try await $0.setUp(
                meters: Self.meters,
                plans: [Plan(key: .free, rank: 1, isDefault: true), Plan(key: .pro, rank: 2)],
                limits: [
                    .daily(40, mode: .soft), .limit("ever", 60, of: .exports, per: .lifetime),
                    .limit("roll", 500, of: .seconds, per: .rolling(seconds: 7_200), mode: .soft),
                ],
                credits: CreditPolicy(prices: [.exports: 3]))
        }
        for step in 0..<32 {
            let command = nextCommand()
            var answers: [String] = []
            for teller in tellers { answers.append(try await command(teller.engine)) }
            #expect(Set(answers).count == 1, "SEED=\(seed), step \(step): \(answers)")
            clock.advance(bySeconds: Int64.random(in: 0...20_000, using: &random))
            try await project(steps: Int.random(in: 0...6, using: &random))
            if step % 4 == 3 { try await compare(step) }
        }
        for teller in tellers {
            teller.held.allow(steps: nil)
            try await teller.engine.expectClean()
        }
    }

    private func each(_ work: (MeterstoneEngine) async throws -> Void) async throws {
        for teller in tellers { try await work(teller.engine) }
    }

    private func project(steps: Int) async throws {
        for teller in tellers {
            switch teller.name {
            case "whole": teller.held.allow(steps: nil)
            case "half": teller.held.allow(steps: steps)
            default: continue
            }
            try await teller.engine.flush()
        }
    }

    // MARK: What happens

    private func nextCommand() -> (MeterstoneEngine) async throws -> String {
        count += 1
        let (id, number) = ("event-\(count)", count)
        let subject = chance(10) ? SubjectID.team : pick(Self.subjects)
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<50:
            let units: [MeterKey: Int64] = [
                .prompts: Int64.random(in: 0...9, using: &random),
                .seconds: Int64.random(in: 0...99, using: &random),
            ]
            let hours = Int64.random(in: -60...0, using: &random)
            let at = chance(50) ? nil : clock.now.advanced(byMilliseconds: hours * 3_600_000)
            let event = UsageEvent.of(
                subject, units, id: id, at: at?.rfc3339,
                type: chance(50) ? "export" : nil,
                dimensions: ["model": pick(["a", "b", "c"]), "kind": pick(["video", "text"])])
            if chance(30) { return { "\(try await $0.consume(event))" } }
            return { "\(try await $0.record([event]))" }
        case 50..<62:
            let target = "event-\(Int.random(in: 1...number, using: &random))"
            return { "\(try await $0.void(target))" }
        case 62..<72:
            let target = "event-\(Int.random(in: 1...number, using: &random))"
            let units: [MeterKey: Int64] = [.prompts: Int64.random(in: 0...9, using: &random)]
            return { "\(try await $0.amend(target, units))" }
        case 72..<78:
            let event = UsageEvent.of(subject, [.prompts: 4], id: id)
            let terms = ReservationTerms(
                milliseconds: 30_000_000, onExpiry: pick([.release, .charge]))
            return { "\(try await $0.reserve(event, terms))" }
        case 78..<84:
            let target = EventID.text("event-\(Int.random(in: 1...number, using: &random))")
            if chance(50) { return { "\(try await $0.release(target))" } }
            return { "\(try await $0.settle(target, .one(.prompts, 2)))" }
        case 84..<89:
            let profile = Subject(
                id: subject, timeZone: chance(60) ? pick(Self.zones) : nil,
                parent: subject == .team ? .company : chance(60) ? .team : nil,
                plan: chance(50) ? .pro : nil)
            return { "\(try await $0.put(.putSubject(profile)))" }
        case 89..<93:
            let start = clock.now.advanced(
                byMilliseconds: -86_400_000 * Int64.random(in: 0...40, using: &random))
            let subscription = Subscription(plan: pick([.free, .pro]), startsAt: start)
            if chance(30) { return { "\(try await $0.put(.deleteSubscription(subject)))" } }
            return { "\(try await $0.put(.putSubscription(subject, subscription)))" }
        case 93..<97:
            let order = GrantOrder(
                id: GrantID(unchecked: "grant-\(number)"), amount: 20, source: .purchase)
            return { "\(try await $0.put(.grantCredit(subject, order)))" }
        default:
            let limit = Limit.limit(
                "late-\(number)", 90, of: pick([.prompts, .seconds]),
                per: pick([.day, .week(startsOn: .monday)]),
                mode: .soft)
            return { "\(try await $0.put(.putLimit(limit)))" }
        }
    }

    // MARK: What is asked

    private func compare(_ step: Int) async throws {
        var expected: [String] = []
        for teller in tellers {
            let answers = try await answers(of: teller.engine)
            if expected.isEmpty { expected = answers }
            for (found, wanted) in zip(answers, expected) where found != wanted {
                Issue.record(
                    "SEED=\(seed), step \(step), \(teller.name):\n  found \(found)\nexpected \(wanted)"
                )
                throw UnexpectedOutcome()
            }
        }
    }

    private func answers(of engine: MeterstoneEngine) async throws -> [String] {
        var result: [String] = []
        for id in Self.everybody {
            let page = try await engine.events(of: id, count: 7)
            result.append("events of \(id): \(page)")
            if let next = page.next {
                result.append("\(try await engine.events(of: id, before: next, count: 7))")
            }
            for meter in Self.meters {
                for window in Self.windows {
                    let outcome = try await engine.usage(
                        of: id, meter: meter.key, window: window,
                        from: window == .hour
                            ? clock.now.advanced(byMilliseconds: -90_000_000) : nil)
                    guard case .series(let series) = outcome else { throw UnexpectedOutcome() }
                    let points = series.points.filter { $0.quantity != .zero }
                    result.append("\(id) \(meter.key) \(window) \(series.timeZone): \(points)")
                }
            }
            let ledger = try await engine.ledger(of: id, count: 3)
            result.append("ledger of \(id): \(ledger)")
            if let next = ledger.next {
                result.append("\(try await engine.ledger(of: id, before: next, count: 3))")
            }
            result.append("\(String(describing: try await engine.subject(id)))")
            result.append("\(String(describing: try await engine.statistics(of: id)))")
            if let lifetime = try await engine.lifetime(of: id) {
                let overages = lifetime.overages.sorted { $0.key < $1.key }
                result.append(
                    "lifetime of \(id): \(lifetime.meters) \(lifetime.streaks) \(overages) "
                        + "\(String(describing: lifetime.firstActivityAt)) "
                        + "\(String(describing: lifetime.lastActivityAt)) "
                        + "\(String(describing: lifetime.highestPlan))")
            }
        }
        result.append("subjects \(try await engine.subjects(after: nil, count: 4))")
        result.append("\(try await engine.subjects(after: .bob, count: 3))")
        result.append("changes \(try await engine.changes(count: 5))")
        result.append("\(try await engine.changes(before: 9, count: 5))")
        let question = ReportQuestion(days: 10)
        result.append("top \(try await engine.topSubjects(of: .prompts, question))")
        result.append("idle \(try await engine.idleSubjects(days: 1, question))")
        result.append("met \(try await engine.limitMeetings(of: nil, question))")
        result.append("plans \(try await engine.planEconomics(of: .prompts, question))")
        return result
    }
}
