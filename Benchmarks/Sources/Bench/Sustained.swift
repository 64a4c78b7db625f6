import Foundation
import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneTesting

/// A minute of batches with the projection keeping up, while a lone caller measures its wait.
@MainActor
func sustained(_ report: Report, subjects: Int, seconds duration: Int) async throws {
    let folder = TemporaryFolder()
    let workload = try await Workload(subjects: subjects, folder: folder.path)
    try await workload.warmUp()
    let clock = ContinuousClock()
    let start = clock.now
    let end = start + .seconds(duration)
    let waits = try await withThrowingTaskGroup(of: (Int, Latencies).self) { group in
        for task in 0..<2 {
            group.addTask {
                var picker = Picker(seed: UInt64(task + 1))
                var latencies = Latencies()
                var done = 0
                while clock.now < end {
                    let events = workload.events(500, &picker)
                    let before = clock.now
                    _ = try await workload.engine.consume(events)
                    latencies.add(clock.now - before)
                    done += events.count
                }
                return (done, latencies)
            }
        }
        var total = (0, Latencies())
        for try await (done, latencies) in group {
            total.0 += done
            total.1.values += latencies.values
        }
        return total
    }
    try await workload.engine.flush()
    // With the last of it projected, so that nothing is left for later.
    let elapsed = inSeconds(clock.now - start)
    report.add("sustained \(duration) s, projected", Double(waits.0) / elapsed, "/s", aim: 120_000)
    report.add("  answer of a batch of 500, p50", waits.1.percentile(0.5) / 1_000, "ms")
    report.add("  p99", waits.1.percentile(0.99) / 1_000, "ms")
    report.add("  longest", waits.1.percentile(1) / 1_000, "ms", aim: 50)
    await workload.engine.shutdown()
}

/// Bytes on disk, memory, and start-up.
@MainActor
func sizes(_ report: Report, subjects: Int) async throws {
    let folder = TemporaryFolder()
    let events = 1_000_000
    let clock = ContinuousClock()
    do {
        let workload = try await Workload(subjects: subjects, folder: folder.path)
        var picker = Picker(seed: 7)
        for _ in 0..<(events / 8_000) {
            _ = try await workload.engine.consume(workload.events(8_000, &picker))
        }
        await workload.engine.shutdown()
    }
    report.add(
        "bytes on disk per event, 1 million events",
        Double(folderSize(folder.path)) / Double(events),
        "B", aim: 120)
    let start = clock.now
    let store = try SQLiteStore(directory: folder.path)
    report.add("start-up after 1 million events", inSeconds(clock.now - start) * 1_000, "ms")
    try store.close()

    let many = TemporaryFolder()
    let workload = try await Workload(subjects: 1_000_000, folder: many.path)
    try await workload.warmUp()
    report.add("resident memory with 1 million subjects touched", residentMebibytes(), "MiB")
    await workload.engine.shutdown()
}

func folderSize(_ path: String) -> Int {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return files.reduce(0) { sum, file in
        let attributes = try? FileManager.default.attributesOfItem(atPath: path + "/" + file)
        return sum + ((attributes?[.size] as? Int) ?? 0)
    }
}

/// Processor time that this process has used, on all cores.
func cpuSeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// - Parameter field: `VmHWM:` is the most that there ever was.
func residentMebibytes(_ field: String = "VmRSS:") -> Double {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix(field) } ?? ""
    let kibibytes = line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Double($0) } ?? 0
    return kibibytes / 1_024
}
