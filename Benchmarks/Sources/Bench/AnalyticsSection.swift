import Foundation
import Meterstone
import MeterstoneCore
import MeterstoneTesting

/// How long a dashboard waits for its numbers, beside plain SQL over the same events.
@MainActor struct AnalyticsSection {
    let report: Report
    let engine: MeterstoneEngine
    let plain: PlainEvents?
    /// Spans of which plain SQL is asked, too.
    let plainSpans: Set<Int>

    private static let runsMax = 40
    private static let secondsMax = 3.0
    private static let p95Aim = 50.0
    private static let longestAim = 300.0

    /// - Parameter only: part of a question's name; `nil`: all.
    func run(only: String?) async throws {
        clearPeak()
        report.add("resident memory before", residentMebibytes(), "MiB")
        report.note(Self.line("question", ["p50 ms", "p95 ms", "max ms", "plain ms", "equal"]))
        for question in AnalyticsQuestion.all
        where only.map(question.name.contains) ?? true {
            for days in question.spans { try await measure(question, days) }
        }
        report.add("peak of resident memory meanwhile", residentMebibytes("VmHWM:"), "MiB")
    }

    private func measure(_ question: AnalyticsQuestion, _ days: Int) async throws {
        let until = BigStoreEvents.end
        let from = until - Int64(days) * 86_400_000
        let asked = ReportQuestion(
            from: Instant(millisecondsSince1970: from),
            until: Instant(millisecondsSince1970: until),
            days: days)
        let name = "\(question.name), \(days) days"
        // The first one finds out what is in the file system's cache.
        let answer = try await question.ask(engine, asked)
        var times = Latencies()
        let start = ContinuousClock.now
        while times.values.count < Self.runsMax,
            times.values.count < 5 || inSeconds(ContinuousClock.now - start) < Self.secondsMax
        {
            let before = ContinuousClock.now
            _ = try await question.ask(engine, asked)
            times.add(ContinuousClock.now - before)
        }
        let (p50, p95, longest) = (
            times.percentile(0.5) / 1_000, times.percentile(0.95) / 1_000,
            times.percentile(1) / 1_000
        )
        var cells = [p50, p95, longest].map { String(format: "%.1f", $0) }
        report.add(name + ", p50", p50, "ms", isQuiet: true)
        report.add(name + ", p95", p95, "ms", aim: Self.p95Aim, isQuiet: true)
        report.add(name + ", longest", longest, "ms", aim: Self.longestAim, isQuiet: true)
        if let plain, plainSpans.contains(days) {
            let sql = question.plain(PlainSpan(from: from, until: until))
            let before = ContinuousClock.now
            let rows = try plain.rows(sql)
            let time = inSeconds(ContinuousClock.now - before) * 1_000
            report.add(name + ", plain SQL", time, "ms", isQuiet: true)
            let own = answer.map { row in question.columns.map { row[$0].text } }
            cells += [String(format: "%.0f", time), own == rows ? "yes" : "NO"]
            if own != rows { explain(own, rows) }
        }
        report.note(Self.line(name, cells))
    }

    private func explain(_ own: [[String]], _ rows: [[String]]) {
        let place = zip(own, rows).enumerated().first { $0.element.0 != $0.element.1 }?.offset
        let at = place ?? min(own.count, rows.count)
        report.note(
            "  \(own.count) and \(rows.count) rows; row \(at): "
                + "\(at < own.count ? own[at] : []) and \(at < rows.count ? rows[at] : [])")
    }

    private static func line(_ name: String, _ cells: [String]) -> String {
        name.padding(toLength: 30, withPad: " ", startingAt: 0)
            + cells.map { String(repeating: " ", count: max(1, 10 - $0.count)) + $0 }.joined()
    }

    /// Makes the kernel forget the highest memory so far.
    private func clearPeak() {
        try? "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
    }
}

/// Measures the store in a directory; without one, a small store that is made for it.
@MainActor
func analytics(_ report: Report, directory: String?) async throws {
    let folder = TemporaryFolder()
    let store = BigStore(directory: directory ?? folder.path)
    if directory == nil {
        try await store.generate(events: 500_000, subjects: 25_000, seed: 1)
    }
    guard store.exists else {
        throw BenchError(message: "\(store.directory) has no generated store; see `make big-store`")
    }
    let clock = ManualClock(Instant(millisecondsSince1970: BigStoreEvents.end - 1))
    let engine = try store.open(clock)
    let spans = (option("plain") ?? (directory == nil ? "7,28,30,90,365" : "28,30"))
        .split(separator: ",").compactMap { Int($0) }
    try await AnalyticsSection(
        report: report, engine: engine, plain: spans.isEmpty ? nil : try store.openPlain(),
        plainSpans: Set(spans)
    ).run(only: option("question"))
    await engine.shutdown()
}
