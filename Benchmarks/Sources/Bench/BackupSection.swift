import Foundation
import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneTesting
import Synchronization

/// What consumes at a steady pace wait for while a large store is copied and the copy verified, as the
/// server does it, beside what they wait for otherwise, in turns under one load.
struct BackupBench: Sendable {
    let events: Int
    let subjects: Int
    let perSecond: Int
    /// How long each turn takes at least. A verification takes as long as it takes.
    let seconds: Int

    private static let turns = 2
    private static let callers = 64

    /// What goes on beside the consumes.
    private enum Beside: Int, Comparable {
        /// Nothing, and it is not measured: what went on before may have an effect yet.
        case settling
        case nothing, copy, verification

        static func < (left: Beside, right: Beside) -> Bool { left.rawValue < right.rawValue }
    }

    private final class Course: Sendable {
        private let state = Mutex<(beside: Beside, isOver: Bool)>((.settling, false))

        var beside: Beside {
            get { state.withLock { $0.beside } }
            set { state.withLock { $0.beside = newValue } }
        }
        var isOver: Bool { state.withLock { $0.isOver } }
        func end() { state.withLock { $0.isOver = true } }
    }

    @MainActor
    func run(_ report: Report) async throws {
        let folder = TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let workload = try await Workload(subjects: subjects, folder: folder.path)
        try await fill(workload)
        report.add(
            "store of \(events) events", Double(folderSize(folder.path)) / 1_048_576, "MiB")
        let course = Course()
        let start = ContinuousClock.now
        async let waits = load(workload, course)
        let took: (copies: [Double], verifications: [Double])
        do {
            took = try await takeTurns(workload, course)
            course.end()
        } catch {
            course.end()
            throw error
        }
        let all = try await waits
        let count = all.values.reduce(0) { $0 + $1.values.count }
        report.add(
            "consumes, all in all", Double(count) / inSeconds(ContinuousClock.now - start), "/s",
            aim: Double(perSecond))
        report.add("copying takes", median(took.copies), "s")
        report.add("verifying takes", median(took.verifications), "s")
        let quiet = all[.nothing] ?? Latencies()
        tell("nothing beside", quiet, report)
        for (name, beside) in [("a copy beside", Beside.copy), ("its verification", .verification)]
        {
            let waits = all[beside] ?? Latencies()
            tell(name, waits, report)
            let rise = waits.percentile(0.99) / quiet.percentile(0.99) - 1
            report.add("  p99 rises by", 100 * rise, "%", aim: 50)
        }
        await workload.engine.shutdown()
    }

    @MainActor
    private func tell(_ name: String, _ waits: Latencies, _ report: Report) {
        report.add("\(name): consumes", Double(waits.values.count), "")
        report.add("  p50", waits.percentile(0.5) / 1_000, "ms")
        report.add("  p99", waits.percentile(0.99) / 1_000, "ms")
        report.add("  longest", waits.percentile(1) / 1_000, "ms")
    }

    private func fill(_ workload: Workload) async throws {
        var picker = Picker(seed: 17)
        var done = 0
        while done < events {
            let step = workload.events(min(8_190, events - done), &picker)
            _ = try await workload.engine.consume(step)
            done += step.count
        }
        try await workload.engine.flush()
    }

    /// - Returns: how many seconds each copy and each verification took.
    private func takeTurns(
        _ workload: Workload, _ course: Course
    ) async throws -> (copies: [Double], verifications: [Double]) {
        let clock = ContinuousClock()
        var copies: [Double] = []
        var verifications: [Double] = []
        for _ in 0..<Self.turns {
            try await Task.sleep(for: .seconds(3))
            course.beside = .nothing
            try await Task.sleep(for: .seconds(seconds))
            course.beside = .copy
            let copied = TemporaryFolder()
            defer { withExtendedLifetime(copied) {} }
            let end = clock.now + .seconds(seconds)
            repeat {
                // One after the other; each is in the place of the one before.
                try? FileManager.default.removeItem(atPath: copied.path)
                let start = clock.now
                try await workload.engine.backup(to: copied.path)
                copies.append(inSeconds(clock.now - start))
            } while clock.now < end
            course.beside = .verification
            let start = clock.now
            try await verify(copied.path)
            verifications.append(inSeconds(clock.now - start))
            course.beside = .settling
        }
        return (copies, verifications)
    }

    /// On a thread of its own, as a server does it.
    private func verify(_ directory: String) async throws {
        let isClean: Bool = try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "bench.verify", qos: .utility).async {
                continuation.resume(
                    with: Result {
                        let store = try SQLiteStore(directory: directory)
                        defer { try? store.close() }
                        return try store.verify().isClean
                    })
            }
        }
        guard isClean else { throw BenchError(message: "the copy is not clean") }
    }

    /// Consumes at a steady pace until the course is over.
    ///
    /// A wait counts from when the consume was due, where the one before it was late, and otherwise from
    /// when it was sent.
    private func load(_ workload: Workload, _ course: Course) async throws -> [Beside: Latencies] {
        let clock = ContinuousClock()
        let start = clock.now
        let pause = Duration.seconds(1) * Self.callers / perSecond
        return try await withThrowingTaskGroup(of: [Beside: Latencies].self) { group in
            for caller in 0..<Self.callers {
                group.addTask {
                    var picker = Picker(seed: UInt64(caller + 1))
                    var waits: [Beside: Latencies] = [:]
                    var due = start + pause * caller / Self.callers
                    while !course.isOver {
                        var from = due
                        if clock.now < due {
                            try await clock.sleep(until: due)
                            from = clock.now
                        }
                        let beside = course.beside
                        let event = workload.event(workload.pick(&picker), &picker)
                        _ = try await workload.engine.consume(event)
                        waits[max(beside, course.beside), default: Latencies()]
                            .add(clock.now - from)
                        due += pause
                    }
                    return waits
                }
            }
            var all: [Beside: Latencies] = [:]
            for try await waits in group {
                for (beside, own) in waits {
                    all[beside, default: Latencies()].values += own.values
                }
            }
            return all
        }
    }
}
