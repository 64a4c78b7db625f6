import Foundation
import Meterstone
import MeterstoneCore
import MeterstoneImport
import MeterstonePostgres
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What 2,669 people did, and the months of three of them in two zones, as another program computed
/// it: in every store, in whatever order it was told, and after corrections that change nothing.
@Suite(.serialized) struct RealStatisticsTests {
    enum Place: CaseIterable, Sendable {
        case memory, sqlite, postgres

        func store(_ folder: TemporaryFolder, _ options: StoreOptions) throws -> any Store {
            switch self {
            case .memory: MemoryStore(options: options)
            case .sqlite: try SQLiteStore(directory: folder.path, options: options)
            case .postgres:
                try PostgresStore(
                    PostgresOptions(
                        url: try PostgresServer.shared().makeDatabase(),
                        patience: PostgresServer.patience),
                    options: options)
            }
        }
    }

    private struct Lifetimes: Decodable {
        struct Subject: Decodable, Sendable {
            let commits, linesAdded, daysActive, longestStreak: Int64
            let firstAt, lastAt: String
        }
        let subjects: [String: Subject]
    }

    private struct Month: Decodable, Sendable {
        let subject, timeZone, meter, peakDay: String
        let year, month: Int
        let total, peakUsage: Int64
        let averageDaily: Double
        let dailyUsage: [String: Int64]

        var subjectID: SubjectID { Self.subject(subject, in: timeZone) }

        static func subject(_ name: String, in zone: String) -> SubjectID {
            SubjectID(unchecked: zone == "UTC" ? name : "\(name) in \(zone)")
        }
    }

    private static let rows: [[Substring]] = {
        var bytes: [UInt8] = []
        do {
            let file = try InputFile(path: Fixtures.path("commits.csv.gz"))
            while let chunk = try file.next() { bytes += chunk }
        } catch {
            Issue.record("\(error)")
        }
        // Nothing in this file is quoted.
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst()
            .map { $0.split(separator: ",") }
    }()

    private static let events: [UsageEvent] = rows.compactMap { row in
        guard row.count == 6, let lines = Int64(row[4]),
            let instant = Instant(rfc3339: String(row[2]))
        else { return nil }
        return UsageEvent(
            id: EventID(String(row[0])), subject: SubjectID(unchecked: String(row[1])),
            occurredAt: instant,
            quantities: Quantities([
                NamedQuantity(name: Fixtures.commits, quantity: 1),
                NamedQuantity(name: Fixtures.lines, quantity: Quantity(lines)),
            ]))
    }

    /// Some of the people once more, each in a zone of its own from the beginning: what happened on a day
    /// stays on it, whatever zone is told later.
    private static func inOtherZones(_ months: [Month]) -> [UsageEvent] {
        let zones = Dictionary(grouping: months, by: \.subject).mapValues {
            Set($0.map(\.timeZone)).subtracting(["UTC"]).sorted()
        }
        return events.flatMap { event in
            (zones[event.subject.text] ?? []).map { zone in
                var event = event
                event.id = event.id.flatMap { EventID("\(zone)-\($0)") }
                event.subject = Month.subject(event.subject.text, in: zone)
                return event
            }
        }
    }

    @Test(arguments: Place.allCases, [false, true])
    func `statistics are those that another program computed`(
        place: Place, isReversed: Bool
    ) async throws {
        let folder = TemporaryFolder()
        let zones = ZoneDatabase()
        var options = StoreOptions()
        options.zoneRules = { zones.rules(named: $0) }
        let engine = MeterstoneEngine(store: try place.store(folder, options))
        do {
            let meters = [Meter(key: Fixtures.commits), Meter(key: Fixtures.lines)]
            _ = try await engine.apply(Blueprint(meters: meters), author: "test")
            #expect(Self.events.count == 60_751)
            let months = try Fixtures.expected("history.json", [Month].self)
            #expect(months.count == 36 && months.contains { $0.timeZone != "UTC" })
            for month in months where month.timeZone != "UTC" {
                let subject = Subject(id: month.subjectID, timeZone: month.timeZone)
                _ = try await engine.change(
                    ChangeRequest(change: .putSubject(subject), author: "test"))
            }
            let events = Self.events + Self.inOtherZones(months)
            try await record(isReversed ? events.reversed() : events, engine)
            try await compareLifetimes(engine, of: place)
            for month in months { try await compare(month, engine) }
            try await replaceSome(of: events, engine)
            try await compareLifetimes(engine, of: place)
            for month in months { try await compare(month, engine) }
            #expect(try await engine.verify().differences == [])
        } catch {
            Issue.record("\(error)")
        }
        await engine.shutdown()
    }

    private func record(_ events: [UsageEvent], _ engine: MeterstoneEngine) async throws {
        for start in stride(from: 0, to: events.count, by: 8_000) {
            let part = Array(events[start..<min(start + 8_000, events.count)])
            for outcome in try await engine.record(part) {
                guard case .counted = outcome else {
                    Issue.record("\(outcome)")
                    return
                }
            }
        }
        try await engine.flush()
    }

    /// Takes back each tenth event, and tells it again under another id.
    private func replaceSome(
        of events: [UsageEvent], _ engine: MeterstoneEngine
    ) async throws {
        let some = events.enumerated().filter { $0.offset % 10 == 3 }.map(\.element)
        for start in stride(from: 0, to: some.count, by: 1_000) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for event in some[start..<min(start + 1_000, some.count)] {
                    group.addTask {
                        guard let id = event.id else { return }
                        _ = try await engine.correct(
                            Correction(
                                eventID: id, kind: .void, author: "test", reason: "again"))
                    }
                }
                try await group.waitForAll()
            }
        }
        try await record(
            some.map { event in
                var event = event
                event.id = event.id.flatMap { EventID("again-\($0)") }
                return event
            }, engine)
    }

    /// Everybody's; in memory, where each look goes through all that was ever told, every twentieth.
    private func compareLifetimes(_ engine: MeterstoneEngine, of place: Place) async throws {
        let expected = try Fixtures.expected("lifetime.json", Lifetimes.self).subjects
        #expect(expected.count == 2_669)
        let names = expected.keys.sorted().enumerated()
            .filter { place != .memory || $0.offset % 20 == 0 }.map(\.element)
        var different: [String] = []
        for start in stride(from: 0, to: names.count, by: 64) {
            different += try await withThrowingTaskGroup(of: String?.self) { group in
                for name in names[start..<min(start + 64, names.count)] {
                    guard let numbers = expected[name] else { continue }
                    group.addTask { try await difference(engine, name, numbers) }
                }
                return try await group.reduce(into: []) { result, text in
                    if let text { result.append(text) }
                }
            }
        }
        #expect(different == [])
    }

    private func difference(
        _ engine: MeterstoneEngine, _ name: String, _ numbers: Lifetimes.Subject
    ) async throws -> String? {
        let found = try await engine.lifetime(of: SubjectID(unchecked: name))
        guard let found else { return "\(name): nothing" }
        let wanted = [
            numbers.commits, numbers.linesAdded, numbers.daysActive, numbers.longestStreak,
        ]
        let totals = found.meters.map(\.lifetime.units)
        let got = totals + [found.streaks.daysActive, found.streaks.longestStreak]
        let instants = [found.firstActivityAt, found.lastActivityAt]
        let isEqual =
            got == wanted
            && instants == [numbers.firstAt, numbers.lastAt].map { Instant(rfc3339: $0) }
        return isEqual ? nil : "\(name): \(got), \(instants)"
    }

    private func compare(_ month: Month, _ engine: MeterstoneEngine) async throws {
        let outcome = try await engine.monthlyUsage(
            of: month.subjectID,
            in: try #require(CivilMonth(year: month.year, month: month.month)),
            meter: month.meter == "commits" ? Fixtures.commits : Fixtures.lines)
        guard case .found(let document) = outcome else {
            Issue.record("\(month): \(outcome)")
            return
        }
        let usage = document.usage
        let daily = Dictionary(
            uniqueKeysWithValues: usage.dailyUsage.enumerated().map { index, quantity in
                (index < 9 ? "0\(index + 1)" : "\(index + 1)", quantity.units)
            })
        #expect(daily == month.dailyUsage, "\(month)")
        #expect(usage.totalMonthly.units == month.total)
        #expect(usage.averageDaily.flatMap { Double($0.decimal) } == month.averageDaily)
        #expect(usage.peakDay == Int(month.peakDay))
        #expect(usage.peakUsage.units == month.peakUsage)
    }
}
