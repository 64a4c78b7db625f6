import Foundation
import Meterstone
import MeterstoneCore
import MeterstoneTesting

let arguments = CommandLine.arguments
func option(_ name: String) -> String? {
    arguments.firstIndex(of: "--" + name).flatMap { index in
        index + 1 < arguments.count ? arguments[index + 1] : nil
    }
}

let sections = Set(
    (option("sections")
        ?? "inprocess,reservations,values,slow,sustained,size,analytics,whatif,http,around,storm,backup,mirror,postgres")
        .split(
            separator: ","
        )
        .map(String.init))
let measured = Duration.milliseconds(Int((Double(option("seconds") ?? "3") ?? 3) * 1_000))
let subjects = Int(option("subjects") ?? "100000") ?? 100_000
let report = Report()
report.add("machine: 4 KiB written and synced, p50", try syncMicroseconds(), "us")

if sections.contains("inprocess") {
    let folder = TemporaryFolder()
    let workload = try await Workload(subjects: subjects, folder: folder.path)
    try await workload.warmUp()
    let inProcess = InProcess(workload: workload, duration: measured)
    for (callers, aim) in [(1, 5_000.0), (64, nil), (1_024, 100_000.0)] as [(Int, Double?)] {
        let result = try await inProcess.single(callers: callers)
        report.add("consume, \(callers) waiting callers", result.perSecond, "/s", aim: aim)
        report.add("  p50", result.latencies.percentile(0.5), "us")
        report.add("  p99", result.latencies.percentile(0.99), "us")
    }
    for (size, aim) in [(1, nil), (100, nil), (500, 200_000.0), (8_190, 400_000.0)]
        as [(Int, Double?)]
    {
        try await workload.engine.flush()
        let result = try await inProcess.batches(of: size)
        report.add("consume, batches of \(size)", result.perSecond, "/s", aim: aim)
    }
    try await workload.engine.flush()
    let bare = try await inProcess.batches(of: 8_190, hasIDs: false)
    report.add("consume, batches of 8190 without ids", bare.perSecond, "/s")
    try await workload.engine.flush()
    for callers in [1, 64] {
        let checks = try await inProcess.checks(callers: callers)
        report.add("check, \(callers) waiting callers", checks.perSecond, "/s")
        let looks = try await inProcess.looks(callers: callers)
        report.add("limits, \(callers) waiting callers", looks.perSecond, "/s")
        report.add("  p99", looks.latencies.percentile(0.99), "us")
    }
    await workload.engine.shutdown()
}
if sections.contains("reservations") {
    try await Reservations(subjects: subjects, duration: measured).run(report)
}
if sections.contains("values") {
    try await PerValueBench(subjects: subjects, duration: measured).run(report)
}
if sections.contains("slow") {
    // A cloud disk: every sync takes longer.
    for milliseconds in [1, 4] {
        let folder = TemporaryFolder()
        let disk = FaultyDisk(folder: folder.path)
        let workload = try await Workload(subjects: subjects, folder: folder.path)
        try await workload.warmUp()
        disk.delaySyncs(byMicroseconds: milliseconds * 1_000)
        let inProcess = InProcess(workload: workload, duration: measured)
        for callers in [1, 64, 1_024] {
            let rate = try await inProcess.single(callers: callers).perSecond
            report.add("sync + \(milliseconds) ms: consume, \(callers) waiting callers", rate, "/s")
        }
        for size in [1, 100, 500, 8_190] {
            let rate = try await inProcess.batches(of: size).perSecond
            report.add("sync + \(milliseconds) ms: consume, batches of \(size)", rate, "/s")
        }
        disk.delaySyncs(byMicroseconds: 0)
        await workload.engine.shutdown()
    }
}
if sections.contains("http"), let program = option("meterstone") {
    try await HTTPBench(report: report, program: program, seconds: 5).run()
}
if sections.contains("around"), let program = option("meterstone") {
    try await AroundBench(report: report, program: program, seconds: 3).run()
}
if sections.contains("storm") {
    for callers in [64, 1_024] {
        try await StormBench(report: report, subjects: subjects).run(callers: callers)
    }
}
if sections.contains("backup") {
    // --events N, --rate N consumes a second, --turn N seconds.
    try await BackupBench(
        events: Int(option("events") ?? "") ?? 5_000_000, subjects: subjects,
        perSecond: Int(option("rate") ?? "") ?? 2_000, seconds: Int(option("turn") ?? "") ?? 20
    ).run(report)
}
if sections.contains("mirror"), let program = option("meterstone") {
    try MirrorBuild(
        report: report, program: program, events: Int(option("events") ?? "") ?? 1_000_000,
        subjects: subjects
    ).run()
}
if sections.contains("profile") {
    // One kind of call, for a profiler: --batch N.
    let folder = TemporaryFolder()
    let workload = try await Workload(subjects: subjects, folder: folder.path)
    try await workload.warmUp()
    let inProcess = InProcess(workload: workload, duration: measured)
    let size = Int(option("batch") ?? "8190") ?? 8_190
    let before = cpuSeconds()
    let rate = try await inProcess.batches(of: size).perSecond
    report.add("consume, batches of \(size)", rate, "/s")
    let spent = cpuSeconds() - before
    report.add("  processor time each", spent / (rate * inSeconds(measured)) * 1e6, "us")
    await workload.engine.shutdown()
}
if sections.contains("sustained") {
    try await sustained(report, subjects: subjects, seconds: Int(option("sustained") ?? "60") ?? 60)
}
if sections.contains("size") {
    try await sizes(report, subjects: subjects)
}
if sections.contains("whatif") {
    try await WhatIfBench().run(report)
}
if sections.contains("generate"), let directory = option("store") {
    // A store for the section "analytics": --store DIR --events N --subjects N --seed N.
    try await BigStore(directory: directory).generate(
        events: Int(option("events") ?? "") ?? 20_000_000, subjects: subjects,
        seed: UInt64(option("seed") ?? "") ?? 1)
}
if sections.contains("analytics") {
    try await analytics(report, directory: option("store"))
}
if sections.contains("postgres") {
    try await PostgresBench(report: report, subjects: subjects, duration: measured).run()
}
if let path = option("json") { try report.write(to: path) }
