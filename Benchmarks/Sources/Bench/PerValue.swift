import Foundation
import Meterstone
import MeterstoneCore
import MeterstoneTesting

/// What limits per value cost beside plain ones, on one store and in turns, for events that tell the same.
struct PerValueBench {
    let subjects: Int
    let duration: Duration

    private static let plain = MeterKey(unchecked: "plain")
    private static let valued = MeterKey(unchecked: "valued")
    private static let models = (0..<8).map { "model-\($0)" }
    private static let rounds = 3
    private static let size = 8_190

    @MainActor
    func run(_ report: Report) async throws {
        let folder = TemporaryFolder()
        let workload = try await Workload(subjects: subjects, folder: folder.path)
        let windows = [("day", Window.day), ("month", .month), ("total", .lifetime)]
        _ = try await workload.engine.apply(
            Blueprint(
                meters: [Meter(key: Self.plain), Meter(key: Self.valued)],
                limits: [Self.plain, Self.valued].flatMap { meter in
                    windows.map { name, window in
                        Limit(
                            key: LimitKey(unchecked: "\(meter)_\(name)"), meter: meter,
                            window: window, defaultAllowance: .units(1_000_000_000),
                            perValue: meter == Self.valued ? PerValue("model") : nil)
                    }
                }), author: "bench")
        try await workload.warmUp()
        var totals = [0.0, 0.0]
        for _ in 0..<Self.rounds {
            for (place, meter) in [Self.plain, Self.valued].enumerated() {
                try await workload.engine.flush()
                totals[place] += try await pace(callers: 1, for: duration) { _, picker in
                    let events = (0..<Self.size).map { _ in
                        Self.event(of: meter, workload, &picker)
                    }
                    _ = try await workload.engine.consume(events)
                    return Self.size
                }.perSecond
            }
        }
        await workload.engine.shutdown()
        let paces = totals.map { $0 / Double(Self.rounds) }
        report.add("consume that names a model, three plain limits", paces[0], "/s")
        report.add("  three limits per model", paces[1], "/s")
        report.add("  times the cost of plain ones (aim: at most 1.3)", paces[0] / paces[1], "")
    }

    private static func event(
        of meter: MeterKey, _ workload: Workload, _ picker: inout Picker
    ) -> UsageEvent {
        var event = workload.event(workload.pick(&picker), &picker)
        event.quantities = .one(meter, 1)
        event.details = EventDetails(
            dimensions: [Dimension(name: "model", value: models[picker.next(below: models.count)])])
        return event
    }
}
