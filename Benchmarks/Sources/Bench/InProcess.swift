import Foundation
import Meterstone
import MeterstoneCore

/// Consumes per second through the library.
struct InProcess {
    let workload: Workload
    let duration: Duration

    /// Callers that each wait for their answer before they ask again.
    func single(callers: Int) async throws -> (perSecond: Double, latencies: Latencies) {
        try await run(tasks: callers) { picker in
            let subject = workload.subjects[picker.next(below: workload.subjects.count)]
            _ = try await workload.engine.consume(workload.event(subject))
            return 1
        }
    }

    func checks(callers: Int) async throws -> (perSecond: Double, latencies: Latencies) {
        try await run(tasks: callers) { picker in
            let subject = workload.subjects[picker.next(below: workload.subjects.count)]
            _ = try await workload.engine.check(workload.event(subject))
            return 1
        }
    }

    /// One caller with batches, or several.
    func batches(
        of size: Int, callers: Int = 1
    ) async throws
        -> (perSecond: Double, latencies: Latencies)
    {
        try await run(tasks: callers) { picker in
            var events: [UsageEvent] = []
            events.reserveCapacity(size)
            for _ in 0..<size {
                events.append(
                    workload.event(workload.subjects[picker.next(below: workload.subjects.count)]))
            }
            _ = try await workload.engine.consume(events)
            return size
        }
    }

    private func run(
        tasks: Int, _ step: @escaping @Sendable (inout Picker) async throws -> Int
    ) async throws -> (perSecond: Double, latencies: Latencies) {
        let clock = ContinuousClock()
        let start = clock.now
        let end = start + duration
        return try await withThrowingTaskGroup(of: (Int, Latencies).self) { group in
            for task in 0..<tasks {
                group.addTask {
                    var picker = Picker(seed: UInt64(task + 1))
                    var latencies = Latencies()
                    var done = 0
                    while clock.now < end {
                        let before = clock.now
                        done += try await step(&picker)
                        latencies.add(clock.now - before)
                    }
                    return (done, latencies)
                }
            }
            var total = 0
            var all = Latencies()
            for try await (done, latencies) in group {
                total += done
                all.values += latencies.values
            }
            return (Double(total) / inSeconds(clock.now - start), all)
        }
    }
}
