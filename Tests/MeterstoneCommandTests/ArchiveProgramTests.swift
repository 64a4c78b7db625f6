import Foundation
import Logging
import Meterstone
import MeterstoneCommand
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneServer
import MeterstoneStore
import Testing

/// `meterstone archive`, as a process, also one that is killed.
@Suite(.serialized) struct ArchiveProgramTests {
    private static let events = 30_000

    /// Prompts of 60 days of 2024, each with a text.
    private func store(in folder: String, _ count: Int = Self.events) async throws -> [String] {
        var lines = ""
        for number in 0..<count {
            let day = CivilDate(daysSince1970: 19_730 + Int64(number % 60))
            lines +=
                #"{"id":"e\#(number)","subject":"s\#(number % 50)","#
                + #""occurredAt":"\#(day)T10:00:00Z","quantities":{"prompts":\#(number % 7)},"#
                + #""type":"chat","properties":{"prompt":"write to mother \#(number)"}}"# + "\n"
        }
        try Data(lines.utf8).write(to: URL(filePath: folder + "/events.ndjson"))
        let store = ["--data", folder + "/store"]
        let imported = try await Program.run(["import", folder + "/events.ndjson"] + store)
        #expect(imported.status == 0, "\(imported.errors)")
        return store
    }

    private func used(_ store: [String]) async throws -> [String] {
        var result: [String] = []
        for number in 0..<50 {
            let usage = try await Program.run(
                ["usage", "s\(number)", "prompts", "--window", "lifetime", "--json"] + store)
            result.append(usage.output)
        }
        return result
    }

    @Test func `what is killed again and again ends with everything archived once`() async throws {
        try await withFolder { folder in
            let store = try await store(in: folder)
            let before = try await used(store)
            let archive =
                ["archive", "--before", "2025-01-01", "--to", folder + "/archive"] + store
            var status: Int32 = -1
            var kills = 0
            for attempt in 1...40 where status != 0 {
                let ending = try await Program.run(
                    "/usr/bin/timeout",
                    ["-s", "KILL", String(format: "%.2f", 0.02 * Double(attempt)), Program.path]
                        + archive)
                status = ending.status
                if status != 0 { kills += 1 }
            }
            if status != 0 { status = try await Program.run(archive).status }
            #expect(status == 0)
            #expect(kills > 2)
            let verified = try await Program.run(["verify", "--json"] + store)
            #expect(verified.status == 0, "\(verified.output)")
            #expect(verified.output.contains(#""archived":\#(Self.events),"clean":true"#))
            #expect(try await used(store) == before)
            let checked = try await Program.run(["archive", "check", folder + "/archive"])
            #expect(checked.status == 0, "\(checked.output)")
            #expect(checked.output.hasSuffix("\(Self.events) events: all as they were written\n"))
            let read = try await Program.run(["archive", "read", folder + "/archive"])
            let lines = read.output.split(separator: "\n")
            #expect(lines.count == Self.events)
            #expect(Set(lines).count == Self.events)
            #expect(lines.allSatisfy { $0.contains("write to mother ") })
            let second = try await Program.run(
                ["import", "-", "--format", "ndjson", "--data", folder + "/old"],
                input: read.output)
            #expect(second.status == 0, "\(second.errors)")
            #expect(try await used(["--data", folder + "/old"]) == before)
        }
    }

    @Test func `a cost that is no whole number of millionths is archived as it counted`()
        async throws
    {
        try await withFolder { folder in
            let store = ["--data", folder + "/store"]
            try """
            meters: {cost: {counts: cost}}
            models: {c: {prices: [{input: 0.8, output: 4}]}}
            """.write(toFile: folder + "/b.yaml", atomically: true, encoding: .utf8)
            _ = try await Program.run(["blueprint", "apply", folder + "/b.yaml"] + store)
            // 4.8, 3.2 and 2.4 millionths.
            let lines = [6, 4, 3].map {
                #"{"id":"e\#($0)","subject":"u","type":"x","occurredAt":"2025-01-28T10:00:00Z","#
                    + #""quantities":{"inputTokens":\#($0)},"dimensions":{"model":"c"}}"#
            }
            try Data(lines.joined(separator: "\n").utf8).write(
                to: URL(filePath: folder + "/e.ndjson"))
            let imported = try await Program.run(["import", folder + "/e.ndjson"] + store)
            #expect(imported.status == 0, "\(imported.errors)")
            let archived = try await Program.run(
                ["archive", "--before", "2025-03-01", "--to", folder + "/archive"] + store)
            #expect(archived.status == 0, "\(archived.errors)")
            let verified = try await Program.run(["verify"] + store)
            #expect(verified.output.contains("3 events, 3 archived, "), "\(verified.output)")
        }
    }

    @Test func `what cannot be done is said with the option`() async throws {
        try await withFolder { folder in
            let store = try await store(in: folder, 10)
            for (arguments, message) in [
                (["--to", folder + "/a"], "name --before or --older-than, and not both"),
                (["--before", "2025-01-01"], "name --to or --forget, and not both"),
                (
                    ["--before", "2999-01-01", "--to", folder + "/a"],
                    "--before: 2999-01-01 is not over yet"
                ),
                (
                    ["--older-than", "4h", "--to", folder + "/a"],
                    "expected a number of days, such as 400d"
                ),
            ] {
                let ending = try await Program.run(["archive"] + arguments + store)
                #expect(ending.status == 64)
                #expect(ending.errors.contains(message), "\(ending.errors)")
            }
            let forgotten = try await Program.run(
                ["archive", "--forget", "--older-than", "300d"] + store)
            #expect(
                forgotten.output
                    == "10 events without texts now; of 10 the store keeps what counts\n")
            let verified = try await Program.run(["verify"] + store)
            #expect(verified.output.contains("10 events, 10 archived, "), "\(verified.output)")
        }
    }

    @Test func `a server archives by itself, a month at a time`() async throws {
        try await withFolder { folder in
            let store = try await store(in: folder, 600)
            let archive = folder + "/archive"
            let engine = MeterstoneEngine(
                store: try SQLiteStore(directory: folder + "/store", options: StoreOptions()))
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let metrics = PrometheusMetrics()
            func watch(_ flags: [String: String]) throws -> RetentionWatch? {
                try RetentionWatch(
                    engine, try Settings(flags, environment: [:]), logger, metrics: metrics)
            }
            func told() -> [String] {
                metrics.text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
            }
            #expect(try watch([:]) == nil)
            // A folder that cannot be made is a failure, and is told.
            try Data().write(to: URL(filePath: folder + "/file"))
            let failing = try #require(try watch(["--archive": folder + "/file/archive"]))
            #expect(await failing.workAndTell(at: SystemClock.now()) == false)
            await failing.tell(at: SystemClock.now())
            #expect(told().contains("meterstone_archive_failures_total 1"))
            #expect(told().contains("meterstone_archive_age_seconds -1"))
            let refused = #expect(throws: CommandFailure.self) {
                try watch([
                    "--archive": archive, "--archive-days": "30", "--text-days": "30",
                ])
            }
            #expect(
                refused?.message == "--text-days: expected 0, or more than 30: texts would be gone "
                    + "before they are archived")
            // Of events from 8 January to 7 March 2024.
            let march = try #require(Instant(rfc3339: "2024-04-04T00:00:00Z"))
            let archiving = try watch(["--archive": archive, "--archive-days": "30"])
            #expect(try await archiving?.work(at: march) == true)
            let log = try #require(try await engine.archiveLog())
            #expect(log.events == 530)
            let ended = try #require(log.finishedAt)
            #expect(
                abs(ended.millisecondsSince1970 - SystemClock.now().millisecondsSince1970) < 60_000)
            await archiving?.tell(at: ended.advanced(byMilliseconds: 90_500))
            for line in [
                "meterstone_archive_age_seconds 90", "meterstone_archived_events 530",
                "meterstone_archive_files 2", "meterstone_archive_failures_total 1",
            ] { #expect(told().contains(line), "\(line)") }
            let names = try FileManager.default.contentsOfDirectory(atPath: archive)
            #expect(
                names.sorted() == [
                    "events-2024-01-08--2024-01-31-000001.json",
                    "events-2024-01-08--2024-01-31-000001.ndjson.gz",
                    "events-2024-02-01--2024-02-29-000002.json",
                    "events-2024-02-01--2024-02-29-000002.ndjson.gz",
                ])
            // To the day: of 1 to 4 March.
            let forgetting = try watch(["--text-days": "30"])
            #expect(try await forgetting?.work(at: march) == true)
            // Who forgets texts archives nothing.
            #expect(try await engine.archiveLog()?.finishedAt == ended)
            let note = Change.noteSignIn(SignInNote(who: nil, result: .unknown))
            for _ in 0..<3 {
                _ = try await engine.change(ChangeRequest(change: note, author: "test"))
            }
            try await engine.flush()
            let leaving = try watch(["--access-days": "30"])
            #expect(try await leaving?.work(at: march) == true)
            #expect(told().contains("meterstone_forgotten_log_lines_total 0"))
            let later = SystemClock.now().advanced(byMilliseconds: 31 * 86_400_000)
            #expect(try await leaving?.work(at: later) == true)
            #expect(told().contains("meterstone_forgotten_log_lines_total 3"))
            #expect(try await engine.archiveLog()?.events == 570)
            let report = try await engine.verify()
            #expect(report.differences == [])
            #expect(report.archived == 570)
            await engine.shutdown()
            let checked = try await Program.run(["archive", "check", archive])
            #expect(checked.output == "2 parts, 530 events: all as they were written\n")
            let verified = try await Program.run(["verify"] + store)
            #expect(verified.output.contains("600 events, 570 archived, "), "\(verified.output)")
        }
    }
}
