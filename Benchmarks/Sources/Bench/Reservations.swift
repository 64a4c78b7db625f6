import Foundation
import Meterstone
import MeterstoneCore
import MeterstoneTesting

private let paid = MeterKey(unchecked: "paid")

/// What reservations and credits cost beside a plain consume, on one store and in turns.
struct Reservations {
    let subjects: Int
    let duration: Duration

    private static let callers = 1_024
    private static let rounds = 3

    @MainActor
    func run(_ report: Report) async throws {
        let folder = TemporaryFolder()
        let workload = try await Workload(subjects: subjects, folder: folder.path)
        try await prepare(workload)
        var totals = [0.0, 0.0, 0.0]
        for _ in 0..<Self.rounds {
            totals[0] += try await measured(workload) { event in
                _ = try await workload.engine.consume(event)
            }
            totals[1] += try await measured(workload) { event in
                let outcome = try await workload.engine.reserve(event)
                guard case .decided(_, let reservation?) = outcome else { return }
                _ = try await workload.engine.settle(reservation.id)
            }
            totals[2] += try await measured(workload) { event in
                var event = event
                event.quantities = .one(paid, 1)
                _ = try await workload.engine.consume(event)
            }
        }
        await workload.engine.shutdown()
        let paces = totals.map { $0 / Double(Self.rounds) }
        report.add("consume, beside the next two", paces[0], "/s")
        report.add("reserve and settle, \(Self.callers) waiting callers", paces[1], "/s")
        report.add("  times the cost of a consume (aim: at most 2.5)", paces[0] / paces[1], "")
        report.add("consume paid with credits", paces[2], "/s")
        report.add("  times the cost of a consume (aim: at most 1.5)", paces[0] / paces[2], "")
    }

    /// Gives everybody more credit than they can spend; the paid meter has as many limits as the other.
    private func prepare(_ workload: Workload) async throws {
        let limits = [("paid_daily", Window.day), ("paid_monthly", .month), ("paid", .lifetime)]
        _ = try await workload.engine.apply(
            Blueprint(
                meters: [Meter(key: paid)],
                limits: limits.map {
                    Limit(
                        key: LimitKey(unchecked: $0.0), meter: paid, window: $0.1,
                        defaultAllowance: .units(1_000_000_000))
                }, credits: CreditPolicy(prices: [paid: 1])), author: "bench")
        try await workload.warmUp()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in 0..<64 {
                group.addTask {
                    for index in stride(from: part, to: workload.subjects.count, by: 64) {
                        let change = Change.grantCredit(
                            workload.subjects[index], GrantOrder(amount: 1_000_000_000))
                        _ = try await workload.engine.change(
                            ChangeRequest(change: change, author: "bench"))
                    }
                }
            }
            try await group.waitForAll()
        }
        try await workload.engine.flush()
    }

    private func measured(
        _ workload: Workload, _ step: @escaping @Sendable (UsageEvent) async throws -> Void
    ) async throws -> Double {
        try await workload.engine.flush()
        return try await pace(callers: Self.callers, for: duration) { _, picker in
            try await step(workload.event(workload.pick(&picker), &picker))
            return 1
        }.perSecond
    }
}
