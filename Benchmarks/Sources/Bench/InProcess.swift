import Foundation
import Meterstone
import MeterstoneCore

/// Consumes per second through the library.
struct InProcess {
    let workload: Workload
    let duration: Duration

    /// Callers that each wait for their answer before they ask again.
    func single(callers: Int) async throws -> Pace {
        try await pace(callers: callers, for: duration) { _, picker in
            let event = workload.event(workload.pick(&picker), &picker)
            _ = try await workload.engine.consume(event)
            return 1
        }
    }

    func checks(callers: Int) async throws -> Pace {
        try await pace(callers: callers, for: duration) { _, picker in
            let event = workload.event(workload.pick(&picker), &picker)
            _ = try await workload.engine.check(event)
            return 1
        }
    }

    /// Where subjects stand with their limits.
    func looks(callers: Int) async throws -> Pace {
        try await pace(callers: callers, for: duration) { _, picker in
            let event = workload.event(workload.pick(&picker), &picker)
            _ = try await workload.engine.limits(of: event.subject)
            return 1
        }
    }

    /// One caller with batches, or several.
    func batches(of size: Int, callers: Int = 1, hasIDs: Bool = true) async throws -> Pace {
        try await pace(callers: callers, for: duration) { _, picker in
            let events = workload.events(size, &picker, hasIDs: hasIDs)
            _ = try await workload.engine.consume(events)
            return size
        }
    }
}

/// Callers that each wait for their answer before they ask again.
///
/// - Parameter step: asks once, and says how many events that were. It gets the caller's number.
func pace(
    callers: Int, for duration: Duration,
    _ step: @escaping @Sendable (Int, inout Picker) async throws -> Int
) async throws -> Pace {
    let clock = ContinuousClock()
    let start = clock.now
    let end = start + duration
    return try await withThrowingTaskGroup(of: (Int, Latencies).self) { group in
        for caller in 0..<callers {
            group.addTask {
                var picker = Picker(seed: UInt64(caller + 1))
                var latencies = Latencies()
                var done = 0
                while clock.now < end {
                    let before = clock.now
                    done += try await step(caller, &picker)
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
        return Pace(perSecond: Double(total) / inSeconds(clock.now - start), latencies: all)
    }
}
