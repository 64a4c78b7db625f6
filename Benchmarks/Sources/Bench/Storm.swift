import Foundation
import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneTesting

/// What it costs when every subject comes to an alert's threshold at once, beside the same consumes
/// without an alert, in turns.
@MainActor
struct StormBench {
    let report: Report
    let subjects: Int

    /// Days: on each, every subject crosses anew. On the first it is seen for the first time, too.
    private static let days = 3
    private static let slice = 10_000

    /// In process, with nobody who sends what fires.
    func run(callers: Int) async throws {
        let plain = try await StormStore(hasAlert: false)
        let alerted = try await StormStore(hasAlert: true)
        var turns: [(plain: StormTurn, alerted: StormTurn)] = []
        for _ in 0..<Self.days {
            for (place, start) in stride(from: 0, to: subjects, by: Self.slice).enumerated() {
                let numbers = start..<min(start + Self.slice, subjects)
                func turn(_ store: StormStore) async throws -> StormTurn {
                    try await store.cross(numbers, callers: callers)
                }
                if place.isMultiple(of: 2) {
                    let first = try await turn(plain)
                    turns.append((first, try await turn(alerted)))
                } else {
                    let first = try await turn(alerted)
                    turns.append((try await turn(plain), first))
                }
            }
            plain.nextDay()
            alerted.nextDay()
        }
        report.add("consume, \(callers) waiting callers", median(turns.map(\.plain.rate)), "/s")
        report.add("  all crossing an alert", median(turns.map(\.alerted.rate)), "/s")
        tell("slower by", turns.map { $0.alerted.rate / $0.plain.rate }, aim: 10)
        tell(
            "slower by, with all of it projected",
            turns.map { $0.alerted.projectedRate / $0.plain.projectedRate })
        let fired = try await alerted.fired()
        report.add("  alerts in the log", Double(fired.count), "")
        report.add("  lost", Double(subjects * Self.days - fired.count), "", aim: 0)
        report.add("  subjects without one", Double(subjects - Set(fired).count), "", aim: 0)
        await plain.engine.shutdown()
        await alerted.engine.shutdown()
    }

    /// - Parameter ratios: of rates that belong together.
    private func tell(_ name: String, _ ratios: [Double], aim: Double? = nil) {
        report.add("  " + name, 100 * (1 - median(ratios)), "%", aim: aim)
    }
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

/// How fast some subjects crossed.
struct StormTurn: Sendable {
    /// Answers a second.
    var rate: Double
    /// The same with the time that projection took afterwards.
    var projectedRate: Double
}

/// A store whose subjects may use ten a day.
final class StormStore: Sendable {
    let engine: MeterstoneEngine
    private let folder = TemporaryFolder()
    private let now = ManualClock()

    init(hasAlert: Bool) async throws {
        let now = now
        engine = MeterstoneEngine(
            store: try SQLiteStore(directory: folder.path), clock: { now.now })
        var blueprint = Blueprint(
            meters: [Meter(key: Workload.meter)],
            limits: [
                Limit(
                    key: LimitKey(unchecked: "daily"), meter: Workload.meter, window: .day,
                    defaultAllowance: .units(10))
            ])
        if hasAlert {
            blueprint.alerts = [Alert(key: AlertKey(unchecked: "full"), usedPercent: [80])]
        }
        _ = try await engine.apply(blueprint, author: "bench")
    }

    func nextDay() { now.advance(bySeconds: 86_400) }

    /// Uses eight of the ten of each subject, through callers that wait for their answer.
    func cross(_ numbers: Range<Int>, callers: Int) async throws -> StormTurn {
        let clock = ContinuousClock()
        let start = clock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<callers {
                group.addTask { [engine] in
                    var picker = Picker(seed: UInt64(caller + 1))
                    for number in stride(
                        from: numbers.lowerBound + caller, to: numbers.upperBound, by: callers)
                    {
                        let outcome = try await engine.consume(
                            UsageEvent(
                                id: picker.nextID(),
                                subject: SubjectID(unchecked: "storm-\(number)"),
                                quantities: .one(Workload.meter, 8)))
                        guard case .decided(let decision) = outcome, decision.denial == nil else {
                            throw BenchError(message: "not allowed: \(outcome)")
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        let answered = inSeconds(clock.now - start)
        try await engine.flush()
        let projected = inSeconds(clock.now - start)
        return StormTurn(
            rate: Double(numbers.count) / answered,
            projectedRate: Double(numbers.count) / projected)
    }

    /// The key of each alert that the log has: its subject and its alert.
    func fired() async throws -> [String] {
        var result: [String] = []
        var before: Int64?
        while true {
            let page = try await engine.changes(
                ChangeFilter(kind: "firedAlert"), before: before, count: 10_000)
            guard let last = page.last else { return result }
            result += page.map(\.key)
            before = last.sequence
        }
    }
}
