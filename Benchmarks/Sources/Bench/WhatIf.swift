import Foundation
import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting

/// Questions about a month of a million events by 20,000 subjects, recorded without limits.
struct WhatIfBench {
    private static let events = 1_000_000
    private static let subjects = 20_000
    private static let perBatch = 8_000
    private static let from = Instant(millisecondsSince1970: 1_767_225_600_000)
    private static let milliseconds: Int64 = 31 * 86_400_000

    @MainActor
    func run(_ report: Report) async throws {
        let folder = TemporaryFolder()
        var options = StoreOptions()
        let zones = ZoneDatabase()
        options.zoneRules = { zones.rules(named: $0) }
        let store = try SQLiteStore(directory: folder.path, options: options)
        let engine = MeterstoneEngine(store: store)
        _ = try await engine.apply(
            Blueprint(
                meters: [Meter(key: Workload.meter)],
                plans: [Plan(key: PlanKey(unchecked: "free"), isDefault: true)]),
            author: "bench")
        try await record(engine)
        let clock = ContinuousClock()
        let before = residentMebibytes()
        for (name, limits) in Self.questions {
            let start = clock.now
            let outcome = try await engine.whatIf(WhatIfQuestion(from: Self.from, limits: limits))
            let seconds = inSeconds(clock.now - start)
            guard case .answered(let answer) = outcome else { throw Unanswered() }
            report.add("what-if, \(name)", seconds, "s", aim: 10)
            report.add("  events", Double(answer.events) / seconds, "/s")
            report.add("  refused", Double(answer.refused), "")
        }
        report.add("  resident memory that questions added", residentMebibytes() - before, "MiB")
        await engine.shutdown()
    }

    private static let questions: [(String, [Limit])] = [
        ("a daily limit", [limit("daily", .day, 3)]),
        ("an hourly limit", [limit("hourly", .hour, 1)]),
        ("a monthly limit", [limit("monthly", .month, 45)]),
        ("a limit that rolls over a day", [limit("rolling", .rolling(seconds: 86_400), 3)]),
        (
            "three limits",
            [limit("daily", .day, 3), limit("monthly", .month, 45), limit("total", .lifetime, 60)]
        ),
    ]

    private static func limit(_ key: String, _ window: Window, _ allowance: Int64) -> Limit {
        Limit(
            key: LimitKey(unchecked: key), meter: Workload.meter, window: window,
            defaultAllowance: .units(Quantity(allowance)))
    }

    /// In the order of time, as events come.
    private func record(_ engine: MeterstoneEngine) async throws {
        var picker = Picker(seed: 5)
        for start in stride(from: 0, to: Self.events, by: Self.perBatch) {
            _ = try await engine.record(
                (start..<start + Self.perBatch).map { number in
                    UsageEvent(
                        subject: SubjectID(unchecked: "u\(picker.next(below: Self.subjects))"),
                        occurredAt: Self.from.advanced(
                            byMilliseconds: Int64(number) * Self.milliseconds
                                / Int64(Self.events)),
                        quantities: .one(Workload.meter, 1))
                })
        }
        try await engine.flush()
    }

    private struct Unanswered: Error {}
}
