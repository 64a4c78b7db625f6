import Foundation
import Logging
import Meterstone
import MeterstoneCommand
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneTesting
import Testing

/// `meterstone months`, and what a server closes by itself.
@Suite struct MonthProgramTests {
    private static let secret = ["METERSTONE_STATEMENT_SECRET": String(repeating: "s", count: 32)]

    @Test func `the program closes a month, and checks the statement that it wrote`() async throws {
        let folder = TemporaryFolder()
        let data = ["--data", folder.path + "/data"]
        let file = folder.path + "/2025-01.json"
        _ = try await Program.run(["meters", "put", "calls"] + data)
        _ = try await Program.run(
            ["record", "ann", "calls=3", "--id", "e", "--at", "2025-01-20T00:00:00Z"] + data)
        let none = try await Program.run(["months"] + data)
        #expect(none.output == "no month was closed\n", "\(none.errors)")
        let unknown = try await Program.run(["months", "statement", "2025-01"] + data)
        #expect(unknown.status == 65 && unknown.errors.contains("was not closed"))
        let closed = try await Program.run(["months", "close", "2025-01"] + data)
        #expect(closed.output == "closed 2025-01\n", "\(closed.errors)")
        let again = try await Program.run(["months", "close", "2025-01"] + data)
        #expect(again.output == "closed before: 2025-01\n")
        let later = try await Program.run(["months", "close", "2025-03"] + data)
        #expect(later.status == 65 && later.errors.contains("2025-02, the first open month"))
        let list = try await Program.run(["months"] + data)
        #expect(list.output.contains("2025-01  2025-02-01T00:00:00.000Z"), "\(list.output)")

        let record = try await Program.run(
            ["record", "ann", "calls=2", "--at", "2025-01-21T00:00:00Z"] + data)
        #expect(
            record.output.contains(
                "counts at 2025-02-01T00:00:00.000Z, since its month is closed"),
            "\(record.output)\(record.errors)")

        let written = try await Program.run(
            ["months", "statement", "2025-01", "--output", file] + data, Self.secret)
        #expect(written.status == 0, "\(written.errors)")
        let text = try String(contentsOfFile: file, encoding: .utf8)
        #expect(text.contains(#""meter":"calls","quantity":3"#), "\(text)")
        let printed = try await Program.run(["months", "statement", "2025-01"] + data)
        #expect(printed.output == text + "\n")
        let own = try await Program.run(
            ["months", "statement", "2025-01", "--subject", "ann"] + data)
        #expect(own.output.contains(#""subject":"ann""#), "\(own.errors)")

        let right = try await Program.run(["months", "verify", file], Self.secret)
        #expect(right.status == 0 && right.output == "the signature is right\n")
        let signature = try String(contentsOfFile: file + ".sig", encoding: .utf8)
        let told = try await Program.run(
            ["months", "verify", file, "--signature", signature], Self.secret)
        #expect(told.status == 0)
        let other = try await Program.run(
            ["months", "verify", file],
            ["METERSTONE_STATEMENT_SECRET": String(repeating: "t", count: 32)])
        #expect(other.status == 1)
        try text.replacing("3", with: "4").write(toFile: file, atomically: true, encoding: .utf8)
        #expect(try await Program.run(["months", "verify", file], Self.secret).status == 1)
        #expect(try await Program.run(["months", "verify", file]).status == 64)
        let short = try await Program.run(
            ["months", "verify", file], ["METERSTONE_STATEMENT_SECRET": "short"])
        #expect(short.status == 64 && short.errors.contains("at least 32 characters"))
    }

    @Test func `a server closes what ended long enough ago, and waits for reservations`()
        async throws
    {
        let folder = TemporaryFolder()
        let clock = ManualClock()
        let engine = MeterstoneEngine(
            store: try SQLiteStore(directory: folder.path), clock: { clock.now })
        let calls = MeterKey(unchecked: "calls")
        _ = try await engine.apply(Blueprint(meters: [Meter(key: calls)]), author: "test")
        let watch = MonthWatch(
            engine, days: 5,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        func closed() async throws -> [String] {
            try await watch.work()
            return try await engine.closedMonths().map(\.month.text)
        }
        clock.set(try #require(Instant(rfc3339: "2026-03-05T23:59:59Z")))
        #expect(try await closed() == ["2026-01"])
        clock.set(try #require(Instant(rfc3339: "2026-03-06T00:00:00Z")))
        #expect(try await closed() == ["2026-01", "2026-02"])
        #expect(try await closed() == ["2026-01", "2026-02"])
        let notes = try await engine.changes(
            ChangeFilter(kind: "statement"), before: nil, count: 9)
        #expect(notes.map(\.key) == ["2026-02", "2026-01"])

        clock.set(try #require(Instant(rfc3339: "2026-03-31T12:00:00Z")))
        let event = UsageEvent(
            id: EventID("r"), subject: SubjectID(unchecked: "ann"), quantities: .one(calls, 1))
        _ = try await engine.reserve(event, ReservationTerms(milliseconds: 86_400_000 * 30))
        // Months that were missed are closed one after the other.
        clock.set(try #require(Instant(rfc3339: "2026-04-20T00:00:00Z")))
        #expect(try await closed() == ["2026-01", "2026-02"])
        _ = try await engine.settle(try #require(EventID("r")))
        clock.set(try #require(Instant(rfc3339: "2026-06-20T00:00:00Z")))
        #expect(
            try await closed() == ["2026-01", "2026-02", "2026-03", "2026-04", "2026-05"])
        await engine.shutdown()
    }
}
