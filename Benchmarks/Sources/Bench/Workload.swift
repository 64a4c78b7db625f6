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
        var picker = Picker(seed: 0)
        while start < subjects.count {
            let end = min(start + 8_190, subjects.count)
            _ = try await engine.consume(subjects[start..<end].map { event($0, &picker) })
            start = end
        }
        try await engine.flush()
    }

    /// A usage with an id of the caller's, as users send it.
    func event(_ subject: SubjectID, _ picker: inout Picker) -> UsageEvent {
        UsageEvent(id: picker.nextID(), subject: subject, quantities: .one(Self.meter, 1))
    }

    /// Usages by subjects that are picked at random.
    ///
    /// - Parameter hasIDs: `false`: the engine makes the ids.
    func events(_ count: Int, _ picker: inout Picker, hasIDs: Bool = true) -> [UsageEvent] {
        (0..<count).map { _ in
            var event = event(pick(&picker), &picker)
            if !hasIDs { event.id = nil }
            return event
        }
    }

    func pick(_ picker: inout Picker) -> SubjectID {
        subjects[picker.next(below: subjects.count)]
    }
}

/// A cheap generator for picking subjects and making ids; every caller has its own.
struct Picker {
    private var state: UInt64
    /// Two callers with one seed pick the same subjects, and never make the same ids.
    private var ids = UInt64.random(in: 1 ... .max)

    init(seed: UInt64) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    }

    mutating func next(below bound: Int) -> Int {
        Int(Self.next(&state) % UInt64(bound))
    }

    /// A UUID of version 4.
    mutating func nextID() -> EventID {
        .uuid(Self.next(&ids) & ~0xF000 | 0x4000, Self.next(&ids) >> 2 | 1 << 63)
    }

    private static func next(_ state: inout UInt64) -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
