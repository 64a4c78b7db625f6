import Foundation
import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting

/// The store that everything is measured on: subjects with a day, a month and a lifetime limit each.
final class Workload: Sendable {
    static let meter = MeterKey(unchecked: "requests")

    let engine: MeterstoneEngine
    let folder: String
    let subjects: [SubjectID]

    init(subjects count: Int, folder: String, name: String = "subject") async throws {
        var options = StoreOptions()
        let zones = ZoneDatabase()
        options.zoneRules = { zones.rules(named: $0) }
        self.folder = folder
        let store = try SQLiteStore(directory: folder, options: options)
        engine = MeterstoneEngine(store: store)
        subjects = (0..<count).map { SubjectID(unchecked: "\(name)-\($0)") }
        _ = try await engine.apply(
            Blueprint(
                meters: [Meter(key: Self.meter)],
                limits: [("daily", Window.day), ("monthly", .month), ("total", .lifetime)].map {
                    Limit(
                        key: LimitKey(unchecked: $0.0), meter: Self.meter, window: $0.1,
                        defaultAllowance: .units(1_000_000_000))
                }), author: "bench")
    }

    /// Touches every subject once, so that measurements do not pay for first sight.
    func warmUp() async throws {
        var start = 0
        while start < subjects.count {
            let end = min(start + 8_190, subjects.count)
            _ = try await engine.consume(subjects[start..<end].map(event))
            start = end
        }
        try await engine.flush()
    }

    func event(_ subject: SubjectID) -> UsageEvent {
        UsageEvent(subject: subject, quantities: .one(Self.meter, 1))
    }
}

/// A cheap generator for picking subjects; every caller has its own.
struct Picker {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    }

    mutating func next(below bound: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(bound))
    }
}
