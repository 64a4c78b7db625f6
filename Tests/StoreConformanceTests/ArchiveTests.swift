import Foundation
import Meterstone
import MeterstoneAPI
import MeterstoneArchive
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What was told of old events stands in an archive, and the store keeps what numbers are made of.
@Suite struct ArchiveTests {
    private static let kept: [StoreUnderTest] = [.sqlite, .postgres]
    private static let day = Instant.at("2026-03-10T00:00:00Z").utcDay
    private static let old = "2026-03-07T10:00:00Z"

    /// Events with texts, of which nothing is left in the store.
    private static func prompt(
        _ id: String, _ units: Int64 = 1, at instant: String = old,
        prompt: String = "write to mother"
    ) -> UsageEvent {
        var event = UsageEvent.of(.ada, [.prompts: units], id: id, at: instant)
        event.details = EventDetails(
            type: "chat", subtype: "gpt", errorMessage: "no route home", project: "keepsake",
            scene: "night", session: "private-7",
            dimensions: [Dimension(name: "model", value: "gpt")],
            properties: #"{"prompt":"\#(prompt)","tokensUsed":7}"#)
        return event
    }

    private func archive(
        _ engine: MeterstoneEngine, to folder: ArchiveFolder, before day: Int64
    ) async throws -> ArchiveLog {
        try await engine.flush()
        return try await folder.archive(engine, before: day)
    }

    private static func lines(_ folder: ArchiveFolder) throws -> [String] {
        var lines: [String] = []
        try folder.forEachEvent { line in
            lines.append(String(decoding: line.dropLast(), as: UTF8.self))
        }
        return lines
    }

    @Test(arguments: kept)
    func `nothing that a store tells in numbers changes`(store: StoreUnderTest) async throws {
        let (place, other) = (try CopiedPlace(store), try CopiedPlace(.sqlite))
        let folder = ArchiveFolder(TemporaryFolder().path)
        let before = try await place.withEngine { engine, clock in
            try await CopiedHistory.record(in: engine, clock)
            let before = try await CopiedHistory.numbers(of: engine)
            let log = try await archive(engine, to: folder, before: CopiedHistory.end.utcDay + 1)
            #expect(log.events == 42)
            #expect(try await CopiedHistory.numbers(of: engine) == before)
            let report = try await engine.verify()
            #expect(report.differences == [])
            #expect(report.archived == 42)
            return before
        }
        // What is recomputed, and what is copied, is the same again.
        let copy = try StoreCopy.run(from: try place.store(), to: try other.store())
        #expect(copy.differences == [])
        try place.close()
        for place in [place, other] {
            try await place.withEngine { engine, clock in
                clock.set(CopiedHistory.end)
                _ = try await engine.rebuild()
                #expect(try await CopiedHistory.numbers(of: engine) == before)
                let report = try await engine.verify()
                #expect(report.differences == [])
                #expect(report.archived == 42)
            }
            try place.close()
        }
        #expect(try folder.check().mistakes == [])
    }

    @Test(arguments: kept)
    func `texts leave the store, and the archive has them`(store: StoreUnderTest) async throws {
        let folder = ArchiveFolder(TemporaryFolder().path)
        try await store.with { engine, _ in
            try await engine.setUp(meters: [Meter(key: .prompts)])
            try await engine.count(
                Self.prompt("old"), Self.prompt("new", at: "2026-03-10T10:00:00Z"))
            let log = try await archive(engine, to: folder, before: Self.day)
            #expect(log.events == 1)
            let events = try await engine.events(of: .ada).events
            #expect(events.map(\.event.id?.text) == ["new", "old"])
            let (new, old) = (
                try #require(events[0].event.details), try #require(events[1].event.details)
            )
            #expect(new == Self.prompt("new").details)
            #expect(old.properties == #"{"tokensUsed":7}"#)
            #expect(old.errorMessage == nil && old.scene == nil)
            // What a limit of tomorrow may look at stays.
            #expect(old.type == "chat" && old.subtype == "gpt" && old.project == "keepsake")
            #expect(old.session == "private-7" && old.dimensions == new.dimensions)
        }
        #expect(
            try Self.lines(folder) == [
                #"{"id":"old","subject":"ada","occurredAt":"2026-03-07T10:00:00.000Z","#
                    + #""quantities":{"prompts":1},"type":"chat","subtype":"gpt","#
                    + #""errorMessage":"no route home","project":"keepsake","scene":"night","#
                    + #""session":"private-7","dimensions":{"model":"gpt"},"#
                    + #""properties":{"prompt":"write to mother","tokensUsed":7}}"#
            ])
    }

    @Test func `after a compaction no byte of a text is in the files of a store`() async throws {
        let (place, folder) = (TemporaryFolder(), ArchiveFolder(TemporaryFolder().path))
        func isFound() throws -> Bool {
            let bytes = try FileManager.default.contentsOfDirectory(atPath: place.path)
                .map { try Data(contentsOf: URL(filePath: place.path + "/" + $0)) }
            return bytes.contains { $0.range(of: Data("write to mother".utf8)) != nil }
        }
        let store = try SQLiteStore(directory: place.path, options: StoreUnderTest.options())
        let clock = ManualClock()
        let engine = MeterstoneEngine(store: store, clock: { clock.now })
        try await engine.setUp()
        for number in 0..<500 { try await engine.count(Self.prompt("p\(number)")) }
        try await engine.flush()
        #expect(try isFound())
        _ = try await archive(engine, to: folder, before: Self.day)
        _ = try await engine.compact()
        #expect(try !isFound())
        await engine.shutdown()
        #expect(try !isFound())
    }

    @Test(arguments: kept)
    func `repeats of what was archived count nothing`(store: StoreUnderTest) async throws {
        let folder = ArchiveFolder(TemporaryFolder().path)
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.limit("ever", 100, per: .lifetime)])
            try await engine.count(Self.prompt("a", 3))
            let decision = try await engine.decide(Self.prompt("b", 4))
            #expect(decision.limits.map(\.used.units) == [7])
            _ = try await archive(engine, to: folder, before: Self.day)
            let again = try await engine.record([Self.prompt("a", 3), Self.prompt("a", 5)])
            #expect(again.map(\.code) == ["duplicate", "conflict"])
            // Whatever its texts say now, nobody can compare them.
            let texts = try await engine.record([Self.prompt("a", 3, prompt: "another")])
            #expect(texts.map(\.code) == ["duplicate"])
            let repeated = try await engine.decide(Self.prompt("b", 4))
            #expect(repeated.isAllowed && repeated.isDuplicate)
            #expect(repeated.limits.map(\.used.units) == [7])
            #expect(try await engine.used(.ada) == ["ever": 7])
            try await engine.expectClean()
        }
    }

    @Test(arguments: kept)
    func `what was archived is known as well once it is another subject's`(
        store: StoreUnderTest
    ) async throws {
        let folder = ArchiveFolder(TemporaryFolder().path)
        func moved(_ units: Int64, _ subject: SubjectID, prompt: String) -> UsageEvent {
            var event = Self.prompt("a", units, prompt: prompt)
            event.subject = subject
            return event
        }
        try await store.withSession { session in
            var engine = session.engine
            try await engine.setUp(limits: [.limit("ever", 100, per: .lifetime)])
            try await engine.count(Self.prompt("a", 3), Self.prompt("b", 4))
            #expect(try await engine.amend("b", [.prompts: 40]).code == "corrected")
            _ = try await archive(engine, to: folder, before: Self.day)
            try await engine.count(.of(.bob, [.prompts: 1], id: "own"))
            let merge = Change.mergeSubject(.bob, from: .ada)
            #expect(try await engine.put(merge).code == "replaced")
            for round in 0..<3 {
                for subject in [SubjectID.ada, .bob] {
                    let again = try await engine.record([
                        moved(3, subject, prompt: "write to mother"),
                        moved(3, subject, prompt: "another"),
                        moved(5, subject, prompt: "write to mother"),
                    ])
                    #expect(again.map(\.code) == ["duplicate", "duplicate", "conflict"])
                }
                #expect(try await engine.used(.bob) == ["ever": 44])
                try await engine.expectClean()
                if round == 0 { try await engine.flush() }
                if round == 1 {
                    try await session.reopen()
                    engine = session.engine
                }
            }
            // A later file has it under its new subject.
            let log = try await archive(engine, to: folder, before: Self.day)
            #expect(log.parts.map(\.events) == [2, 4])
            #expect(log.parts.map(\.newEvents) == [2, 2])
            #expect(
                try await engine.record([moved(3, .bob, prompt: "another")]).map(\.code)
                    == ["duplicate"])
            try await engine.expectClean()
        }
    }

    @Test(arguments: kept)
    func `what comes late or is corrected is archived the next time`(
        store: StoreUnderTest
    ) async throws {
        let folder = ArchiveFolder(TemporaryFolder().path)
        try await store.with { engine, _ in
            try await engine.setUp()
            try await engine.count(
                Self.prompt("a", 3), Self.prompt("b", 4), Self.prompt("c", 5))
            #expect(try await archive(engine, to: folder, before: Self.day).parts.count == 1)
            #expect(try await engine.void("a").code == "corrected")
            #expect(try await engine.amend("b", [.prompts: 40]).code == "corrected")
            try await engine.count(Self.prompt("late", 2))
            #expect(try await engine.quantities(of: .ada, per: .lifetime) == [47])
            let log = try await archive(engine, to: folder, before: Self.day)
            #expect(log.parts.map(\.events) == [3, 3])
            #expect(log.parts.map(\.newEvents) == [3, 1])
            #expect(try await archive(engine, to: folder, before: Self.day).parts == log.parts)
            #expect(try await engine.void("b").code == "corrected")
            #expect(try await engine.void("b").code == "unchanged")
            #expect(try await engine.quantities(of: .ada, per: .lifetime) == [7])
            try await engine.expectClean()
            let last = try await archive(engine, to: folder, before: Self.day)
            #expect(last.parts.map(\.events) == [3, 3, 1])
            try await engine.expectClean()
        }
        let lines = try Self.lines(folder)
        #expect(lines.count == 2)
        #expect(lines[0].hasPrefix(#"{"id":"c""#))
        #expect(lines[1].hasPrefix(#"{"id":"late""#))
        #expect(try folder.check().events == 4)
    }

    @Test(arguments: kept)
    func `an open reservation stays as it is until it is closed`(
        store: StoreUnderTest
    ) async throws {
        let folder = ArchiveFolder(TemporaryFolder().path)
        try await store.with { engine, clock in
            try await engine.setUp(limits: [.limit("ever", 100, per: .lifetime)])
            let terms = ReservationTerms(milliseconds: 10 * 86_400_000)
            clock.set(.at(Self.old))
            guard
                case .decided = try await engine.reserve(
                    .of(.ada, [.prompts: 8], id: "r"), terms)
            else {
                Issue.record("expected a reservation")
                return
            }
            clock.set(.at("2026-03-10T12:00:00Z"))
            #expect(try await archive(engine, to: folder, before: Self.day).events == 0)
            _ = try await engine.settle(.of("r"), .of([.prompts: 6]))
            #expect(try await archive(engine, to: folder, before: Self.day).events == 1)
            #expect(try await engine.used(.ada) == ["ever": 6])
            try await engine.expectClean()
        }
        #expect(try Self.lines(folder).count == 1)
    }

    /// Where an attempt is cut off: the file was not begun, it is whole, or the store has let go.
    @Test(arguments: kept, [0, 1, 2])
    func `whoever is cut off loses nothing and goes on`(
        store: StoreUnderTest, place: Int
    ) async throws {
        let folder = ArchiveFolder(TemporaryFolder().path)
        try await store.withSession { session in
            try await session.engine.setUp()
            try await session.engine.count(
                Self.prompt("a", 3, at: "2026-01-07T10:00:00Z"), Self.prompt("b", 4))
            let month = Instant.at("2026-02-01T00:00:00Z").utcDay
            // Says which store it is, and archives January where that is asked for.
            let first = place == 2 ? month : Instant.at("2026-01-01T00:00:00Z").utcDay
            _ = try await archive(session.engine, to: folder, before: first)
            await #expect(throws: StoreError.self) {
                try await session.engine.archive(ArchiveProgress(untilDay: Self.day)) {
                    (days) throws(StoreError) in
                    if place > 0 { _ = try? folder.write(days) }
                    throw Self.cutOff
                }
            }
            try await session.reopen()
            try await session.engine.expectClean()
            // What is told meanwhile belongs to the next attempt.
            #expect(try await session.engine.void("a").code == "corrected")
            let log = try await archive(session.engine, to: folder, before: Self.day)
            #expect(log.events == 2)
            #expect(try await session.engine.quantities(of: .ada, per: .lifetime) == [4])
            try await session.engine.expectClean()
        }
        let found = try folder.check()
        #expect(found.mistakes == [])
        #expect(found.events == 2)
        #expect(try Self.lines(folder).count == 1)
    }

    private static let cutOff = StoreError(code: .inputOutput, message: "cut off")

    /// Cut off between two days of a part that is durable.
    @Test func `what a part has is left to the end before another is begun`() async throws {
        let folder = ArchiveFolder(TemporaryFolder().path)
        let place = try CopiedPlace(.sqlite)
        try await place.withEngine { engine, _ in
            try await engine.setUp()
            try await engine.count(
                Self.prompt("a", 3, at: "2026-02-07T10:00:00Z"),
                Self.prompt("b", 4, at: "2026-02-08T10:00:00Z"),
                Self.prompt("c", 5, at: "2026-02-09T10:00:00Z"))
            let none = Instant.at("2026-01-01T00:00:00Z").utcDay
            _ = try await archive(engine, to: folder, before: none)
        }
        let store = try place.store()
        var progress = try store.archive(ArchiveProgress(untilDay: Self.day)) {
            (days) throws(StoreError) in
            do throws(ArchiveError) { return try folder.write(days) } catch { throw Self.cutOff }
        }
        for left in 0...1 {
            progress = try store.leaveArchived(progress)
            let report = try store.verify()
            #expect(report.differences == [])
            #expect(report.archived == left)
        }
        try place.close()
        try await place.withEngine { engine, _ in
            #expect(try await engine.void("c").code == "corrected")
            let log = try await archive(engine, to: folder, before: Self.day)
            #expect(log.parts.map(\.events) == [3, 1])
            let report = try await engine.verify()
            #expect(report.differences == [])
            #expect(report.archived == 3)
            #expect(try await engine.quantities(of: .ada, per: .lifetime) == [7])
        }
        #expect(try Self.lines(folder).count == 2)
    }

    @Test func `two stores do not write into one folder`() async throws {
        let folder = ArchiveFolder(TemporaryFolder().path)
        for place in 0..<2 {
            try await StoreUnderTest.sqlite.with { engine, _ in
                try await engine.setUp()
                try await engine.count(Self.prompt("a"))
                guard place == 1 else {
                    _ = try await archive(engine, to: folder, before: Self.day)
                    return
                }
                await #expect(throws: ArchiveError.self) {
                    try await archive(engine, to: folder, before: Self.day)
                }
                let event = try await engine.events(of: .ada).events.first
                #expect(event?.event.details == Self.prompt("a").details)
            }
        }
    }

    @Test func `a file that is not as it was written is told`() async throws {
        let folder = ArchiveFolder(TemporaryFolder().path)
        try await StoreUnderTest.sqlite.with { engine, _ in
            try await engine.setUp()
            try await engine.count(Self.prompt("a", 1, at: "2026-01-07T10:00:00Z"))
            try await engine.count(Self.prompt("b", 2, at: "2026-02-07T10:00:00Z"))
            let log = try await archive(engine, to: folder, before: Self.day)
            #expect(
                log.parts.map(\.name) == [
                    "events-2026-01-07--2026-01-07-000001.ndjson.gz",
                    "events-2026-02-07--2026-02-07-000002.ndjson.gz",
                ])
            let (first, second) = (
                folder.path + "/" + log.parts[0].name, folder.path + "/" + log.parts[1].name
            )
            try FileManager.default.removeItem(atPath: first)
            try FileManager.default.copyItem(atPath: second, toPath: first)
            #expect(
                try folder.check().mistakes == [
                    "\(log.parts[0].name) is not what its manifest says"
                ])
            #expect(
                try folder.check(log).mistakes == [
                    "\(log.parts[0].name) is not what its manifest says"
                ])
            var other = log
            other.parts.append(
                ArchivedPart(number: 3, name: "events-3", sha256: "", events: 1, newEvents: 1))
            #expect(try folder.check(other).mistakes.last == "events-3 is not here")
            other.store = "another"
            #expect(
                try folder.check(other).mistakes.last == "\(log.parts[0].name) is another store's")
            var bytes = try Data(contentsOf: URL(filePath: second))
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: URL(filePath: second))
            #expect(try folder.check().mistakes.count == 2)
        }
    }
}
