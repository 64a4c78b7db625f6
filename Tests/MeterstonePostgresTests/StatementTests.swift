import Meterstone
import MeterstoneCore
import MeterstonePostgres
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What a commit costs the server.
@Suite
struct StatementTests {
    private static func events(_ count: Int, _ name: String) -> [UsageEvent] {
        (0..<count).map { number in
            .of(SubjectID(unchecked: "subject\(number % 300)"), id: "\(name)-\(number)")
        }
    }

    @Test func `a batch takes three round trips, whatever its size`() async throws {
        try await TestDatabase.with { database in
            let proxy = try database.proxy()
            let engine = try database.engine(through: proxy)
            try await engine.setUp(daily: 1_000)
            _ = try await engine.consume(Self.events(300, "before"))
            for count in [1, 2, 100, 1_000] {
                let before = proxy.roundTrips
                let outcomes = try await engine.consume(Self.events(count, "of \(count)"))
                #expect(outcomes.allSatisfy { $0.word == "allowed" })
                #expect(proxy.roundTrips - before == 3, "\(count) consumes")
            }
        }
    }

    @Test func `a correction reads those of its own event, and none of others of the day`()
        async throws
    {
        try await TestDatabase.with { database in
            let proxy = try database.proxy()
            let engine = try database.engine(through: proxy)
            try await engine.setUp(daily: 1_000_000)
            _ = try await engine.consume((0..<400).map { .of(.ada, id: "event-\($0)") })
            for number in 0..<301 {
                let bytes = proxy.bytesDown
                let correction = Correction(
                    eventID: try #require(EventID("event-\(number)")), source: nil, kind: .void,
                    author: "grace", reason: "a mistake that is told in many words")
                let outcome = try await engine.correct(correction)
                guard case .corrected = outcome else {
                    Issue.record("\(outcome)")
                    return
                }
                // Each correction before has more than a hundred bytes.
                if number == 300 { #expect(proxy.bytesDown - bytes < 8_000) }
            }
            #expect(try await engine.used(.ada) == 99)
        }
    }

    /// The server itself says how it carries each statement out, on the session that commits.
    @Test func `statements of commits find rows by key`() async throws {
        try await TestDatabase.with { database in
            let filling = try database.engine()
            try await filling.setUp(daily: 100)
            for batch in 0..<6 { _ = try await filling.consume(Self.events(600, "batch \(batch)")) }
            try database.admin.run("ANALYZE")
            for setting in [
                "session_preload_libraries = 'auto_explain'", "auto_explain.log_min_duration = 0",
                "auto_explain.log_level = 'notice'",
            ] {
                try database.admin.run("ALTER DATABASE \(database.name) SET \(setting)")
            }
            let proxy = try database.proxy()
            let engine = try database.engine(through: proxy)
            // What only happens while a node starts is not about keys.
            #expect(await engine.answer(.of(.ada, id: "first")) == "allowed")
            _ = proxy.takeNotices()
            try await engine.put(.putSubject(Subject(id: .ada, parent: .team)), key: "one")
            _ = try await engine.consume(
                Self.events(5, "batch 0") + Self.events(5, "new")
                    + [.of(.ada, id: "second"), .of(.bob, id: "third")])
            _ = try await engine.record(Self.events(2, "recorded"))
            let correction = Correction(
                eventID: try #require(EventID("second")), source: nil, kind: .void,
                author: "grace", reason: "a mistake")
            _ = try await engine.correct(correction)
            // Counts anew from the events.
            try await engine.put(.putSubject(Subject(id: .ada, timeZone: "Asia/Kathmandu")))
            _ = try await engine.check(.of(SubjectID(unchecked: "subject1")))
            let plans = proxy.takeNotices().filter { $0.contains("Query Text:") }
            Self.check(plans)
        }
    }

    private static func check(_ plans: [String]) {
        #expect(plans.count > 20)
        for table in ["subjects", "event_ids", "counters", "usage_events"] {
            let scans = plans.filter { plan in
                plan.contains("Seq Scan on \(table)")
            }
            #expect(scans == [], "\(table)")
            let lookUps = plans.filter { plan in
                ["Index Scan using \(table)", "Index Only Scan using \(table)"]
                    .contains { plan.contains($0) }
            }
            #expect(!lookUps.isEmpty, "\(table)")
        }
    }
}
