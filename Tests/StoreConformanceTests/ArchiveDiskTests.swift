import Foundation
import Meterstone
import MeterstoneArchive
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// A disk that fills, or fails, while old events are archived loses nothing.
@Suite struct ArchiveDiskTests {
    private static let days = 40
    private static let eventsOfDay = 3

    private static func event(_ number: Int) -> UsageEvent {
        let day = 19_730 + Int64(number / eventsOfDay)
        var event = UsageEvent.of(
            number.isMultiple(of: 2) ? .ada : .bob, [.prompts: Int64(number % 5 + 1)],
            id: "e\(number)", at: "\(CivilDate(daysSince1970: day))T10:00:00Z")
        event.details = EventDetails(
            type: "chat", properties: #"{"prompt":"write to mother \#(number)"}"#)
        return event
    }

    private static func used(_ engine: MeterstoneEngine) async throws -> [[Int64]] {
        [
            try await engine.quantities(of: .ada, per: .lifetime),
            try await engine.quantities(of: .bob, per: .lifetime),
        ]
    }

    /// Fails from one write on until the attempt has ended, until an attempt needs no more writes than that.
    @Test(arguments: [FaultyDisk.Fault.full, .writeError])
    func `what fails in the middle is done by the next attempt`(
        fault: FaultyDisk.Fault
    ) async throws {
        var (failures, attempts) = (0, 0)
        for write in stride(from: 1, through: 3_000, by: 29) {
            let comment: Comment = "\(fault) at write \(write)"
            let place = TemporaryFolder()
            let folder = ArchiveFolder(TemporaryFolder().path)
            let disk = FaultyDisk(folder: place.path)
            let clock = ManualClock()
            func open() throws -> MeterstoneEngine {
                MeterstoneEngine(
                    store: try SQLiteStore(
                        directory: place.path, options: StoreUnderTest.options()),
                    clock: { clock.now })
            }
            var engine = try open()
            try await engine.setUp()
            let events = (0..<Self.days * Self.eventsOfDay).map(Self.event)
            #expect(
                try await engine.record(events).allSatisfy { $0.code == "counted" }, comment)
            try await engine.flush()
            let before = try await Self.used(engine)
            disk.failWrites(from: write, fault)
            let end = Instant.at("2024-06-01T00:00:00Z").utcDay
            attempts += 1
            let failed: Bool
            do {
                try await folder.archive(engine, before: end)
                failed = false
            } catch {
                failed = true
                failures += 1
            }
            disk.recover()
            // Nothing is gone while it is half done, also for who starts anew.
            #expect(try await Self.used(engine) == before, comment)
            #expect(try await engine.verify().differences == [], comment)
            await engine.shutdown()
            engine = try open()
            #expect(try await engine.verify().differences == [], comment)
            let log = try await folder.archive(engine, before: end)
            #expect(log.events == events.count, comment)
            #expect(try await Self.used(engine) == before, comment)
            let report = try await engine.verify()
            #expect(report.differences == [] && report.archived == events.count, comment)
            #expect(try folder.check(log).mistakes == [], comment)
            var texts: Set<String> = []
            try folder.forEachEvent { line in
                let text = String(decoding: line, as: UTF8.self)
                if let found = text.firstMatch(of: /write to mother \d+/) {
                    texts.insert(String(found.output))
                }
            }
            #expect(texts.count == events.count, comment)
            await engine.shutdown()
            if !failed { break }
        }
        #expect(failures > 5 && failures < attempts)
    }
}
